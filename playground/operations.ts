// The playground's prepared operations: one per root field of the schema, with variables that work on the sandbox.
// Plain data without browser code, so a test can validate it against the schema.
import { mutations } from './operations/mutations.js';
import { queries } from './operations/queries.js';
import { subscriptions } from './operations/subscriptions.js';

/** An operation with its variables. */
export interface ReadyOperation {
  /** Document with one operation. Its name is that of its root field. */
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Prepared operations by group, in the order in which the page lists them. */
export const operationGroups = [
  { title: 'Read', type: 'query', operations: queries },
  { title: 'Subscribe', type: 'subscription', operations: subscriptions },
  { title: 'Change', type: 'mutation', operations: mutations },
] as const;

/** All prepared operations. */
export const readyOperations: readonly ReadyOperation[] = operationGroups.flatMap(({ operations }) => operations);

/** Returns the name of a prepared operation. */
export function toName({ query }: ReadyOperation): string {
  return /^(?:query|mutation|subscription) (\w+)/m.exec(query)?.[1] ?? '';
}

/** Formats a value as the editors do. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
