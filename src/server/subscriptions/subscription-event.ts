// The events that clients get, as the text of each transport needs them: a head of the subscriber's own, and bytes that all subscribers share.
import type { GraphQLFormattedError } from 'graphql';
import { stringifyResult } from '../graphql/stringify-result.js';
import type { SentBytes } from './sent-bytes.js';

/** The text of a result: `head`, then `tail`. One closing brace follows, for the object that a transport puts around the result. */
export interface SubscriptionEvent {
  readonly head: string;
  readonly tail: SentBytes;
}

/** Returns the JSON of a result's `data`, with the brace that ends the result and one more. `caller` is the API key that it is for. */
export async function toTail(data: object | null, caller?: string): Promise<Buffer> {
  const text = data === null ? 'null' : (await stringifyResult(data, caller)).trimEnd();
  return Buffer.from(`${text}}}`);
}

/** The end of a result without `data`. */
export const tailWithoutData = Buffer.from('}}');

/** Returns the text of a result up to the value of `data`, or up to the end of `errors` if it has no `data`. */
export function toHead(errors: readonly GraphQLFormattedError[] | undefined, hasData: boolean): string {
  if (errors === undefined) return '{"data":';
  return `{"errors":${JSON.stringify(errors)}${hasData ? ',"data":' : ''}`;
}
