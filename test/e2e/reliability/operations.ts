// What callers ask of a gateway whose REST API fails: every kind of read and write, what each asks of the REST API, and a quiet time between
// two failures. It knows no expectations.
import type { Socket } from 'node:net';
import { atEnd } from '../../helpers/at-end.js';
import type { WireAnswer } from '../../helpers/wire.js';
import { taskId, vpcId, vpnId, wireVpn } from '../../server/subscriptions/changing-rest-api.js';
import { preSharedKey, type Rig } from './harness.js';

/** The environment, as an input and as an argument. */
export const environment = { serviceCode: 'compute-on', name: 'test_area' };
/** The environment as a literal. */
export const scope = 'environment: { serviceCode: "compute-on", name: "test_area" }';

/** Something that a caller asks, with the one REST call that it takes. */
export interface Operation {
  /** The root field. */
  readonly field: string;
  readonly query: string;
  readonly variables?: Readonly<Record<string, object>>;
  readonly call: string;
}

const area = '/v1/services/compute-on/test_area';

/** The reads of each collection, of one thing and of a list. */
export const reads: readonly Operation[] = [
  {
    field: 'siteToSiteVpns',
    query: `{ siteToSiteVpns(${scope}) { totalCount nodes { id name state gateway cidr vpcId } } }`,
    call: `GET ${area}/sitetositevpns`,
  },
  {
    field: 'siteToSiteVpn',
    query: `{ siteToSiteVpn(${scope}, id: "${vpnId}") { id name state } }`,
    call: `GET ${area}/sitetositevpns/${vpnId}`,
  },
  {
    field: 'task',
    query: `{ task(id: "${taskId}") { id status created result errors { code message } } }`,
    call: `GET /v1/tasks/${taskId}`,
  },
  {
    field: 'environments',
    query: '{ environments { id name description organization { id } serviceConnection { id } } }',
    call: 'GET /v1/environments',
  },
];

/** A VPN to ask for. */
export const newVpn = {
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

const toWrite = (field: string, type: string, input: object, call: string): Operation => ({
  field,
  query: `mutation($input: ${type}!) {
    ${field}(input: $input) { task { id status result errors { code message } } userErrors { code message field } }
  }`,
  variables: { input },
  call,
});

/** All writes. */
export const writes: readonly Operation[] = [
  toWrite('createSiteToSiteVpn', 'CreateSiteToSiteVpnInput', newVpn, `POST ${area}/sitetositevpns`),
  toWrite(
    'deleteSiteToSiteVpn',
    'DeleteSiteToSiteVpnInput',
    { environment, id: vpnId },
    `DELETE ${area}/sitetositevpns/${vpnId}`,
  ),
  toWrite(
    'resetSiteToSiteVpn',
    'ResetSiteToSiteVpnInput',
    { environment, id: vpnId },
    `POST ${area}/sitetositevpns/${vpnId}?operation=reset`,
  ),
];

/** A write that waits for its task. */
export function waiting(write: Operation, waitSeconds: number): Operation {
  return { ...write, variables: { input: { ...write.variables?.['input'], waitSeconds } } };
}

/** Asks for something. */
export function run(rig: Rig, { query, variables }: Operation): Promise<WireAnswer> {
  return rig.ask({ query, variables });
}

/** How often the REST API was asked for what an operation asks of it. */
export function countCalls(rig: Rig, { call }: Operation): number {
  return rig.upstream.calls.filter(({ method, target }) => `${method} ${target}` === call).length;
}

/** What a REST API that works answers to each of them. */
export function documented(method: string, target: string): object {
  if (method !== 'GET') return { taskId, taskStatus: 'PENDING' };
  if (target.includes('/tasks/')) return { taskId, taskStatus: 'PENDING' };
  if (target.includes('/vpcs'))
    return { data: target.endsWith('/vpcs') ? [{ id: vpcId, name: 'archive' }] : { id: vpcId, name: 'archive' } };
  if (target.endsWith('/sitetositevpns')) return { data: [wireVpn({ ipSecPsk: preSharedKey })] };
  return { data: target.includes('/sitetositevpns/') ? wireVpn({ ipSecPsk: preSharedKey }) : [] };
}

/**
 * Lets a hundred reads succeed: what has failed before opens no circuit, and ten attempts are saved up again, so that each case has the
 * circuit and the budget of a quiet time.
 */
export async function calm(rig: Rig): Promise<void> {
  rig.upstream.script(() => ({ data: [] }));
  const ten = Array.from(
    { length: 10 },
    (_, index) => `a${index}: vpcs(environment: { serviceCode: "calm", name: "n${index}" }) { totalCount }`,
  );
  for (let round = 0; round < 10; round++) await rig.ask({ query: `{ ${ten.join(' ')} }` });
}

/** Sends bytes, and then the same piece again and again for as long as somebody takes it: as fast as it is taken, or every so many ms. */
export function endless(head: string | Uint8Array, piece: string | Uint8Array, everyMs = 0) {
  return (socket: Socket): void => {
    socket.write(head);
    const more = () => {
      if (socket.destroyed) return;
      const isTaken = socket.write(piece);
      if (everyMs > 0) setTimeout(more, everyMs);
      else if (isTaken) setImmediate(more);
      else socket.once('drain', more);
    };
    more();
  };
}

/** Sends bytes and closes the connection. */
export function closing(...parts: readonly (string | Uint8Array)[]) {
  return (socket: Socket): void => {
    for (const part of parts) socket.write(part);
    socket.end();
  };
}

/** Sends bytes, has them taken, and resets the connection. */
export function resetting(bytes: string | Uint8Array = '') {
  return (socket: Socket): void => {
    const reset = () => socket.resetAndDestroy();
    if (bytes.length === 0) reset();
    // What is reset at once is not read any more on the other side.
    else socket.write(bytes, () => setTimeout(reset, 20));
  };
}

/** Sends bytes, and nothing more. */
export function silent(bytes: string | Uint8Array = '') {
  return (socket: Socket): void => {
    if (bytes.length > 0) socket.write(bytes);
  };
}

/** The times that answers took, by what was asked for: noted, not asserted. What was noted is written out at the end of the file's tests. */
export function createTimes(title: string): <T>(group: string, work: Promise<T>) => Promise<T> {
  const longest = new Map<string, number>();
  atEnd(() => {
    const rows = [...longest].map(([group, milliseconds]) => `  ${group}: ${milliseconds.toFixed(0)} ms\n`);
    process.stdout.write(`${title}, the longest of each:\n${rows.join('')}`);
  });
  return async (group, work) => {
    const begun = performance.now();
    const outcome = await work;
    longest.set(group, Math.max(longest.get(group) ?? 0, performance.now() - begun));
    return outcome;
  };
}
