// A curl command that sends an operation as the page does. Plain text without browser code, so a test can run it in a shell.
import { OperationTypeNode } from 'graphql';

/** An operation as the editors of the page have it. */
export interface CurlRequest {
  /** URL of the GraphQL endpoint. */
  readonly url: string;
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: unknown;
  /** Names of the typed headers. */
  readonly headerNames: readonly string[];
  readonly type: OperationTypeNode | undefined;
}

/**
 * Returns a command for POSIX shells. Each typed header has a shell variable in place of its value, so the text contains no API key:
 * `MC-Api-Key` has `$MC_API_KEY`. A subscription is read as Server-Sent Events.
 */
export function toCurl({ url, query, operationName, variables, headerNames, type }: CurlRequest): string {
  const typed = headerNames
    // Other characters could mean something in double quotes, or be no part of a variable's name.
    .filter((name) => /^[A-Za-z][A-Za-z0-9-]*$/.test(name) && !/^(accept|content-type)$/i.test(name))
    .map((name) => `--header "${name}: $${name.toUpperCase().replaceAll('-', '_')}"`);
  const body = JSON.stringify({ query, ...(operationName !== null && { operationName }), variables });
  const isSubscription = type === OperationTypeNode.SUBSCRIPTION;
  return [
    isSubscription ? `curl --no-buffer ${quote(url)}` : `curl ${quote(url)}`,
    `--header 'Content-Type: application/json'`,
    ...(isSubscription ? [`--header 'Accept: text/event-stream'`] : []),
    ...typed,
    `--data-raw ${quote(body)}`,
  ].join(' \\\n  ');
}

/** Quotes a word for POSIX shells. Inside single quotes, only a single quote has a meaning. */
function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
