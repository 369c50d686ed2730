// Patterns in which the REST API fails many calls.
import { keyHeader } from '../../helpers/fixtures.js';
import { type RawScript, toBytes } from '../../helpers/raw-upstream.js';
import { writeThenReset } from './operations.js';
import { apiKey, type Rig } from './harness.js';

/** A pattern of failures of the REST API. */
export interface FailurePattern {
  readonly name: string;
  /** Returns the response of the REST API to its call with this index. */
  readonly respond: (index: number) => ReturnType<RawScript>;
  /** Whether the circuit breaker stays closed, so that each read is sent at least once. */
  readonly keepsCircuitClosed: boolean;
}

const healthyResponse = { data: [] };

/** All patterns. */
export const failurePatterns: readonly FailurePattern[] = [
  { name: 'every response is 429', respond: () => toBytes(429, ''), keepsCircuitClosed: true },
  {
    name: 'two of five connections are lost',
    respond: (index) => (index % 5 < 3 ? healthyResponse : writeThenReset()),
    keepsCircuitClosed: true,
  },
  { name: 'every response is 503', respond: () => toBytes(503, ''), keepsCircuitClosed: false },
  { name: 'every connection is lost', respond: () => writeThenReset(), keepsCircuitClosed: false },
  { name: 'every response is 500', respond: () => toBytes(500, ''), keepsCircuitClosed: true },
  {
    name: 'two of five responses are 502',
    respond: (index) => (index % 5 < 3 ? healthyResponse : toBytes(502, '')),
    keepsCircuitClosed: true,
  },
  {
    name: 'one of three responses is 504',
    respond: (index) => (index % 3 < 2 ? healthyResponse : toBytes(504, '')),
    keepsCircuitClosed: true,
  },
];

/**
 * Sends one read for each of `callerCount` API keys, `batchSize` at a time, while the REST API fails in a pattern. Returns the number of
 * REST calls.
 */
export async function countCallsOfReads(
  rig: Rig,
  { respond }: FailurePattern,
  callerCount: number,
  batchSize: number,
): Promise<number> {
  rig.upstream.script((_call, index) => respond(index));
  for (let first = 0; first < callerCount; first += batchSize) {
    const requests = Array.from({ length: batchSize }, (_, index) =>
      rig.post({ query: '{ environments { id } }' }, keyHeader(`${apiKey}-${first + index}`)),
    );
    await Promise.all(requests);
  }
  const callCount = rig.upstream.calls.length;
  await rig.verify();
  return callCount;
}
