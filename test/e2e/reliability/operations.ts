// Operations for tests of REST API failures: every kind of read and write, each with its one REST call. Also ways in which an upstream can
// fail.
import type { Socket } from 'node:net';
import { expect } from '@jest/globals';
import { addCleanup } from '../../helpers/cleanup.js';
import { keyHeader, taskId, vpcId, vpnId, wireVpn } from '../../helpers/fixtures.js';
import type { HttpResponse } from '../../helpers/http.js';
import { healthyService } from './concurrent-cases.js';
import { apiKey, preSharedKey, type Rig } from './harness.js';

/** The environment as an `EnvironmentInput`. */
export const environment = { serviceCode: 'compute-on', name: 'test_area' };
/** The environment as an argument in a document. */
export const environmentArgument = 'environment: { serviceCode: "compute-on", name: "test_area" }';

/** A GraphQL operation that causes exactly one REST call. */
export interface Operation {
  /** The root field. */
  readonly field: string;
  readonly query: string;
  readonly variables?: Readonly<Record<string, object>>;
  /** Method and target of the REST call, e.g. `GET /v1/environments`. */
  readonly restCall: string;
}

const area = '/v1/services/compute-on/test_area';

/** One read for each kind of REST read: lists and single objects. */
export const reads: readonly Operation[] = [
  {
    field: 'siteToSiteVpns',
    query: `{ siteToSiteVpns(${environmentArgument}) { totalCount nodes { id name state gateway cidr vpcId } } }`,
    restCall: `GET ${area}/sitetositevpns`,
  },
  {
    field: 'siteToSiteVpn',
    query: `{ siteToSiteVpn(${environmentArgument}, id: "${vpnId}") { id name state } }`,
    restCall: `GET ${area}/sitetositevpns/${vpnId}`,
  },
  {
    field: 'task',
    query: `{ task(id: "${taskId}") { id status created result errors { code message } } }`,
    restCall: `GET /v1/tasks/${taskId}`,
  },
  {
    field: 'environments',
    query: '{ environments { id name description organization { id } serviceConnection { id } } }',
    restCall: 'GET /v1/environments',
  },
];

/** Input of `createSiteToSiteVpn`, with the canary as pre-shared key. */
export const newVpnInput = {
  environment,
  name: 'stargate',
  vpcId,
  gateway: '203.0.113.7',
  cidr: '10.12.0.0/22',
  ipSecPsk: preSharedKey,
  ikeEncryptionAlgorithm: 'AES256',
  ikeHashAlgorithm: 'SHA1',
  ikeLifetime: 86400,
  espEncryptionAlgorithm: 'AES256',
  espHashAlgorithm: 'SHA1',
  espLifetime: 3600,
};

const toWrite = (field: string, type: string, input: object, restCall: string): Operation => ({
  field,
  query: `mutation($input: ${type}!) {
    ${field}(input: $input) { task { id status result errors { code message } } userErrors { code message field } }
  }`,
  variables: { input },
  restCall,
});

// The gateway checks a failed write with reads of its environment, which must not count as the reads above.
const writeEnvironment = { ...environment, name: 'written_area' };
const writeArea = '/v1/services/compute-on/written_area';

/** Mutations that every version of the REST API has. */
export const writes: readonly Operation[] = [
  toWrite(
    'createSiteToSiteVpn',
    'CreateSiteToSiteVpnInput',
    { ...newVpnInput, environment: writeEnvironment },
    `POST ${writeArea}/sitetositevpns`,
  ),
  toWrite(
    'deleteSiteToSiteVpn',
    'DeleteSiteToSiteVpnInput',
    { environment: writeEnvironment, id: vpnId },
    `DELETE ${writeArea}/sitetositevpns/${vpnId}`,
  ),
  toWrite(
    'resetSiteToSiteVpn',
    'ResetSiteToSiteVpnInput',
    { environment: writeEnvironment, id: vpnId },
    `POST ${writeArea}/sitetositevpns/${vpnId}?operation=reset`,
  ),
];

/** Reports whether a REST call is one with which the gateway checks what has become of a failed write. */
export function isCheckOfWrite({ method, target }: { readonly method: string; readonly target: string }): boolean {
  return method === 'GET' && target.startsWith(`${writeArea}/`);
}

/** Returns the write with `waitSeconds`, so that the mutation waits for its task. */
export function withWait(write: Operation, waitSeconds: number): Operation {
  return { ...write, variables: { input: { ...write.variables?.['input'], waitSeconds } } };
}

/** Posts an operation with the API key. */
export function runOperation(rig: Rig, { query, variables }: Operation): Promise<HttpResponse> {
  return rig.post({ query, variables });
}

/** The message of the error for an operation that the gateway did not send because the circuit is open. */
export const circuitOpenMessage =
  'The REST API has been failing, and the gateway sends it no requests for a moment. Try again later.';

/** Expects the error of an operation that the gateway did not send because the circuit is open. */
export function expectCircuitOpen(response: HttpResponse, field: string): void {
  // The extensions have no `outcomeUnknown`: the gateway has sent nothing.
  expect(response.json).toEqual({
    data: { [field]: null },
    errors: [
      {
        message: circuitOpenMessage,
        locations: expect.any(Array),
        path: [field],
        extensions: { code: 'UPSTREAM_UNAVAILABLE', requestId: expect.any(String) },
      },
    ],
  });
}

/** Counts how often the upstream received the REST call of an operation. */
export function countCalls(rig: Rig, { restCall }: Operation): number {
  return rig.upstream.calls.filter(({ method, target }) => `${method} ${target}` === restCall).length;
}

/** Returns the response of a healthy REST API to one of these calls. */
export function documentedResponse(method: string, target: string): object {
  if (method !== 'GET') return { taskId, taskStatus: 'PENDING' };
  if (target.includes('/tasks/')) return { taskId, taskStatus: 'PENDING' };
  if (target.includes('/vpcs'))
    return { data: target.endsWith('/vpcs') ? [{ id: vpcId, name: 'archive' }] : { id: vpcId, name: 'archive' } };
  if (target.endsWith('/sitetositevpns')) return { data: [wireVpn({ ipSecPsk: preSharedKey })] };
  return { data: target.includes('/sitetositevpns/') ? wireVpn({ ipSecPsk: preSharedKey }) : [] };
}

/**
 * Lets 100 reads succeed. Earlier failures then cannot open the circuit, and the retry budget holds ten retries again, so each test starts
 * in the same state.
 */
export async function resetFailureState(rig: Rig): Promise<void> {
  rig.upstream.script(() => ({ data: [] }));
  await sendHealthyReads(rig);
}

/** Sends ten operations of ten reads each. The upstream must respond with an empty list. */
export async function sendHealthyReads(rig: Rig): Promise<void> {
  const fields = Array.from(
    { length: 10 },
    (_, index) =>
      `a${index}: vpcs(environment: { serviceCode: "${healthyService}", name: "n${index}" }) { totalCount }`,
  );
  const query = `{ ${fields.join(' ')} }`;
  await Promise.all(
    // The operations have a key each, so that they share no REST call.
    Array.from({ length: 10 }, (_, index) => rig.post({ query }, keyHeader(`${apiKey}-healthy-${index}`))),
  );
}

/**
 * Writes `head`, then `piece` again and again until the connection is closed. Waits `everyMs` milliseconds between two pieces; 0 means as
 * fast as the gateway reads.
 */
export function writeEndlessly(head: string | Uint8Array, piece: string | Uint8Array, everyMs = 0) {
  return (socket: Socket): void => {
    socket.write(head);
    const writeNext = () => {
      if (socket.destroyed) return;
      const isBelowHighWaterMark = socket.write(piece);
      if (everyMs > 0) setTimeout(writeNext, everyMs);
      else if (isBelowHighWaterMark) setImmediate(writeNext);
      else socket.once('drain', writeNext);
    };
    writeNext();
  };
}

/** Writes bytes, then closes the connection. */
export function writeThenClose(...parts: readonly (string | Uint8Array)[]) {
  return (socket: Socket): void => {
    for (const part of parts) socket.write(part);
    socket.end();
  };
}

/** Writes bytes, waits 20 ms so that the gateway can read them, then resets the connection. */
export function writeThenReset(bytes: string | Uint8Array = '') {
  return (socket: Socket): void => {
    const reset = () => socket.resetAndDestroy();
    if (bytes.length === 0) reset();
    // After a reset, the peer drops received bytes that it has not read.
    else socket.write(bytes, () => setTimeout(reset, 20));
  };
}

/** Writes bytes, then nothing more, and keeps the connection open. */
export function writeThenStall(bytes: string | Uint8Array = '') {
  return (socket: Socket): void => {
    if (bytes.length > 0) socket.write(bytes);
  };
}

/** Creates a function that measures how long work takes, by group. Prints the maximum of each group after the tests of the file. */
export function createTimings(title: string): <T>(group: string, work: Promise<T>) => Promise<T> {
  const maxMs = new Map<string, number>();
  addCleanup(() => {
    const rows = [...maxMs].map(([group, milliseconds]) => `  ${group}: ${milliseconds.toFixed(0)} ms\n`);
    process.stdout.write(`${title}, maximum of each:\n${rows.join('')}`);
  });
  return async (group, work) => {
    const startedAt = performance.now();
    const result = await work;
    maxMs.set(group, Math.max(maxMs.get(group) ?? 0, performance.now() - startedAt));
    return result;
  };
}
