// Polls of a REST API that fails. A failed poll never fails a mutation that waits for its task. A subscription ends with the error's code
// after three failed polls in a row, or at once if the next poll would fail too.
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type RawCall, type RawScript, toBytes } from '../../helpers/raw-upstream.js';
import { subscribeBySse, subscribeByWebSocket } from '../../server/subscriptions/subscribers.js';
import { taskId, vpnId } from '../../server/subscriptions/mutable-rest-api.js';
import {
  resetFailureState,
  writeThenClose,
  createTimings,
  documentedResponse,
  writeEndlessly,
  type Operation,
  writeThenReset,
  runOperation,
  environmentArgument,
  writeThenStall,
  withWait,
  writes,
} from './operations.js';
import { apiKey, startRig } from './harness.js';

const deadlineMs = 400;
const rig = await startRig({ CLOUDCA_API_TIMEOUT_MS: String(deadlineMs) });
const timed = createTimings(`Polls of a REST API that fails (deadline ${deadlineMs} ms per poll)`);
const subscribe = {
  WebSocket: subscribeByWebSocket(rig.url, apiKey),
  'Server-Sent Events': subscribeBySse(rig.url, apiKey),
};

beforeEach(() => resetFailureState(rig));
afterEach(() => rig.verify());

type RawResponse = ReturnType<RawScript>;
const errors = [{ code: 7, message: 'Why.' }];

/** Failures that may be over at the next poll, each with its code. */
const transientFailures: readonly (readonly [string, RawResponse, string])[] = [
  ['a lost connection', writeThenReset(), 'UPSTREAM_UNAVAILABLE'],
  [
    'half of a response',
    writeThenClose('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"taskStatus":'),
    'UPSTREAM_UNAVAILABLE',
  ],
  ['502', toBytes(502, '<html>'), 'UPSTREAM_UNAVAILABLE'],
  ['503 with Retry-After', toBytes(503, '', { 'retry-after': '60' }), 'UPSTREAM_UNAVAILABLE'],
  ['504', toBytes(504, ''), 'UPSTREAM_TIMEOUT'],
  ['no response', writeThenStall(), 'UPSTREAM_TIMEOUT'],
  ['a body sent byte by byte', writeEndlessly('HTTP/1.1 200 OK\r\n\r\n', ' ', 20), 'UPSTREAM_TIMEOUT'],
  ['429', toBytes(429, '', { 'retry-after': '86400' }), 'RATE_LIMITED'],
  ['500', toBytes(500, { errors }), 'UPSTREAM_ERROR'],
  ['405', toBytes(405, ''), 'UPSTREAM_ERROR'],
  ['errors in a 200', toBytes(200, { errors }), 'UPSTREAM_ERROR'],
  ['HTML', toBytes(200, '<html>'), 'UPSTREAM_BAD_RESPONSE'],
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n', 'UPSTREAM_BAD_RESPONSE'],
  ['a redirect', toBytes(307, '', { location: '/elsewhere' }), 'UPSTREAM_BAD_RESPONSE'],
  ['bytes that are not HTTP', 'SSH-2.0\r\n', 'UPSTREAM_BAD_RESPONSE'],
  [
    '50 MB in gzip',
    toBytes(200, gzipSync(Buffer.alloc(50_000_000)), { 'content-encoding': 'gzip' }),
    'UPSTREAM_BAD_RESPONSE',
  ],
  ['a task without a status', toBytes(200, { data: { id: taskId } }), 'UPSTREAM_BAD_RESPONSE'],
  ['a task status that is a number', toBytes(200, { taskStatus: 7 }), 'UPSTREAM_BAD_RESPONSE'],
];
/** Failures that the next poll would meet too, each with its code. */
const permanentFailures: readonly (readonly [string, RawResponse, string])[] = [
  ['401', toBytes(401, { errors }), 'UNAUTHENTICATED'],
  ['403', toBytes(403, ''), 'FORBIDDEN'],
  ['404', toBytes(404, ''), 'NOT_FOUND'],
];

/** Counts polls per target. `add` returns the number of the poll, starting at 1. */
function createPollCounter(): { add: (target: string) => number; counts: () => number[] } {
  const polls = new Map<string, number>();
  return {
    add: (target) => {
      const count = (polls.get(target) ?? 0) + 1;
      polls.set(target, count);
      return count;
    },
    counts: () => [...polls.values()],
  };
}

describe('Mutation with waitSeconds', () => {
  // Each write has a task of its own.
  const toTaskId = ({ restCall }: Operation) =>
    taskId.slice(0, -1) + String(writes.findIndex((write) => write.restCall === restCall));
  const toPendingTask = ({ method, target }: RawCall) => {
    const write = writes.find(({ restCall }) => restCall === `${method} ${target}`);
    return write && { taskId: toTaskId(write), taskStatus: 'PENDING' };
  };

  /** Runs all mutations with `waitSeconds`. Expects this task in each response, and one write per mutation. */
  async function expectTasks(group: string, waitSeconds: number, task: object): Promise<void> {
    const waits = writes.map(async (write) => ({
      write,
      response: await timed(group, runOperation(rig, withWait(write, waitSeconds))),
    }));
    for (const { write, response } of await Promise.all(waits)) {
      expect(response.json).toEqual({
        data: { [write.field]: { task: { id: toTaskId(write), result: null, errors: [], ...task }, userErrors: [] } },
      });
    }
    expect(rig.upstream.calls.filter(({ method }) => method !== 'GET')).toHaveLength(writes.length);
  }

  it.each(transientFailures)(
    'returns the task of the third poll if two polls fail (%s)',
    async (_failure, response) => {
      const polls = createPollCounter();
      rig.upstream.script(
        (call) =>
          toPendingTask(call) ?? (polls.add(call.target) < 3 ? response : { taskStatus: 'SUCCESS', result: {} }),
      );
      await expectTasks('wait: two polls fail, the third succeeds', 30, { status: 'SUCCESS', result: {} });
      expect(polls.counts()).toEqual([3, 3, 3]);
    },
  );

  it.each(permanentFailures)(
    'stops polling after a permanent failure (%s), and returns the last task',
    async (_failure, response) => {
      const polls = createPollCounter();
      rig.upstream.script((call) => toPendingTask(call) ?? (polls.add(call.target) > 0 ? response : {}));
      await expectTasks('wait: a permanent failure', 60, { status: 'PENDING' });
      expect(polls.counts()).toEqual([1, 1, 1]);
    },
  );

  it('returns the last task when the wait is over, if all polls fail', async () => {
    const polls = createPollCounter();
    rig.upstream.script((call) => toPendingTask(call) ?? (polls.add(call.target) > 0 ? toBytes(500, '') : {}));
    await expectTasks('wait of 1 s: all polls fail', 1, { status: 'PENDING' });
    expect(Math.min(...polls.counts())).toBeGreaterThan(3);
  });
});

// The single VPN is in another environment: otherwise the gateway would read it from the watched list.
const subscriptions = [
  ['taskUpdated', `subscription { taskUpdated(id: "${taskId}") { status } }`, { status: 'PENDING' }],
  [
    'siteToSiteVpnUpdated',
    `subscription { siteToSiteVpnUpdated(${environmentArgument.replace('test_area', 'other')}, id: "${vpnId}") { name } }`,
    { name: 'stargate' },
  ],
  [
    'siteToSiteVpnsUpdated',
    `subscription { siteToSiteVpnsUpdated(${environmentArgument}) { totalCount } }`,
    { totalCount: 1 },
  ],
] as const;

describe.each(['WebSocket', 'Server-Sent Events'] as const)('Subscription over %s', (transport) => {
  /** Starts all subscriptions and lets every poll but the first fail. Expects the end of each subscription, and this number of polls. */
  async function expectEnds(group: string, response: RawResponse, code: string, pollCount: number): Promise<void> {
    const polls = createPollCounter();
    rig.upstream.script(({ method, target }) =>
      polls.add(target) === 1 ? documentedResponse(method, target) : response,
    );
    const checks = subscriptions.map(async ([field, query, first]) => {
      const subscription = subscribe[transport](query);
      await timed(group, subscription.waitForEnd());
      rig.record(JSON.stringify(subscription.events));
      // A 404 for a VPN that existed means that it was deleted: the subscription ends without an error.
      const isGone = field === 'siteToSiteVpnUpdated' && code === 'NOT_FOUND';
      const extensions = expect.objectContaining({ code, requestId: expect.any(String) });
      const last = { errors: [{ message: expect.any(String), path: [field], extensions }] };
      expect(subscription.events).toEqual([{ data: { [field]: first } }, ...(isGone ? [] : [last])]);
      expect(subscription.end).toBe('complete');
    });
    await Promise.all(checks);
    expect(polls.counts()).toEqual([pollCount, pollCount, pollCount]);
  }

  it.each(transientFailures)('ends with the error after three failed polls (%s)', async (_failure, response, code) => {
    await expectEnds('subscription: three polls fail', response, code, 4);
  });

  it.each(permanentFailures)('ends at once after a permanent failure (%s)', async (_failure, response, code) => {
    await expectEnds('subscription: a permanent failure', response, code, 2);
  });

  it('continues if a poll succeeds before the third failure in a row', async () => {
    rig.upstream.script((_call, index) => {
      if (index % 3 !== 0) return index % 2 === 0 ? toBytes(500, '') : 'SSH-2.0\r\n';
      return { taskStatus: index < 15 ? 'PENDING' : 'SUCCESS' };
    });
    const subscription = subscribe[transport](subscriptions[0][1]);
    await subscription.waitForEnd();
    expect(subscription.events).toEqual([
      { data: { taskUpdated: { status: 'PENDING' } } },
      { data: { taskUpdated: { status: 'SUCCESS' } } },
    ]);
    expect(rig.upstream.calls).toHaveLength(16);
  });
});
