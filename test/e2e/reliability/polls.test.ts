// Polls of a REST API that fails. A failed poll never fails a mutation that waits for its task. A subscription ends with the error's code
// after three failed polls in a row, or sooner if the next poll would fail too. All cases start when the file loads.
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type RawCall, type RawScript, toBytes } from '../../helpers/raw-upstream.js';
import { subscribeBySse, subscribeByWebSocket } from '../../server/subscriptions/subscribers.js';
import { taskId, vpnId } from '../../helpers/fixtures.js';
import { Pool, serveCallers, startCases } from './concurrent-cases.js';
import {
  sendHealthyReads,
  writeThenClose,
  documentedResponse,
  writeEndlessly,
  type Operation,
  writeThenReset,
  environmentArgument,
  writeThenStall,
  withWait,
  writes,
} from './operations.js';
import { expireDeadlines, heldClock, startRig } from './harness.js';

const [rig, deadlineRig] = await Promise.all([startRig(heldClock), startRig(heldClock)]);
// More reads succeed than polls will fail, so that the circuits stay closed.
await Promise.all([sendHealthyReads(rig), sendHealthyReads(rig), sendHealthyReads(deadlineRig)]);
/** A gateway, as a case sees it. */
const gateway = { rig, addCaller: serveCallers(rig) };
/** A gateway on which all deadlines expire when a case wants it, so its cases run one after the other. */
const deadlineGateway = { rig: deadlineRig, addCaller: serveCallers(deadlineRig) };
const deadlinePool = new Pool([deadlineRig]);

afterEach(async () => {
  await rig.verify();
  await deadlineRig.verify();
});

type RawResponse = ReturnType<RawScript>;
type Failure = readonly [name: string, response: RawResponse, code: string];
type Deadline = readonly [name: string, start: (socket: Socket) => void];
const errors = [{ code: 7, message: 'Why.' }];
const maxFailures = 3;

/** Failures that may be over at the next poll, each with its code. */
const transientFailures: readonly Failure[] = [
  ['a lost connection', writeThenReset(), 'UPSTREAM_UNAVAILABLE'],
  [
    'half of a response',
    writeThenClose('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"taskStatus":'),
    'UPSTREAM_UNAVAILABLE',
  ],
  ['502', toBytes(502, '<html>'), 'UPSTREAM_UNAVAILABLE'],
  ['503', toBytes(503, ''), 'UPSTREAM_UNAVAILABLE'],
  ['504', toBytes(504, ''), 'UPSTREAM_TIMEOUT'],
  ['429', toBytes(429, ''), 'RATE_LIMITED'],
  ['500', toBytes(500, ''), 'UPSTREAM_ERROR'],
  ['501', toBytes(501, { errors }), 'UPSTREAM_ERROR'],
  ['521', toBytes(521, '<html>'), 'UPSTREAM_UNAVAILABLE'],
  ['403 of a proxy', toBytes(403, '<html>'), 'UPSTREAM_BAD_RESPONSE'],
  ['404 of a proxy', toBytes(404, 'default backend - 404'), 'UPSTREAM_BAD_RESPONSE'],
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
/** Responses that last until the deadline of the poll, which is a transient failure too. */
const endlessResponses: readonly Deadline[] = [
  ['no response', writeThenStall()],
  ['a body sent byte by byte', writeEndlessly('HTTP/1.1 200 OK\r\n\r\n', ' ', 20)],
];
/** Failures that the next poll would meet too, each with its code and the number of polls that must meet it. */
const permanentFailures: readonly (readonly [...Failure, count: number])[] = [
  ['401', toBytes(401, { errors }), 'UNAUTHENTICATED', 1],
  ['403', toBytes(403, { errors }), 'FORBIDDEN', 1],
  ['404', toBytes(404, { errors }), 'NOT_FOUND', 2],
];

/** Starts an endless response to each of `count` polls, then lets their deadlines expire together. Does so again for later polls. */
function expireTogether(count: number, start: (socket: Socket) => void): RawResponse {
  let started = 0;
  return (socket: Socket) => {
    start(socket);
    if (++started % count === 0) void expireDeadlines(deadlineRig.gateway);
  };
}

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

describe.each([
  ['WebSocket', subscribeByWebSocket],
  ['Server-Sent Events', subscribeBySse],
] as const)('Subscription over %s', (_transport, subscribe) => {
  /** Starts all subscriptions and lets every poll but the first fail. Expects the end of each subscription, and this number of polls. */
  async function expectEnds(on: typeof gateway, response: RawResponse, code: string, pollCount: number): Promise<void> {
    const polls = createPollCounter();
    const caller = on.addCaller(({ method, target }) =>
      polls.add(target) === 1 ? documentedResponse(method, target) : response,
    );
    const start = subscribe(on.rig.url, caller.apiKey);
    const checks = subscriptions.map(async ([field, query, first]) => {
      const subscription = start(query);
      await subscription.waitForEnd();
      on.rig.record(JSON.stringify(subscription.events));
      // A 404 for a VPN that existed means that it was deleted: the subscription ends without an error.
      const isGone = field === 'siteToSiteVpnUpdated' && code === 'NOT_FOUND';
      const isTransient = pollCount > maxFailures;
      const extensions = expect.objectContaining({
        code,
        requestId: expect.any(String),
        ...(isTransient && { retryable: true }),
      });
      const last = { errors: [{ message: expect.any(String), path: [field], extensions }] };
      expect(subscription.events).toEqual([{ data: { [field]: first } }, ...(isGone ? [] : [last])]);
      expect(subscription.end).toBe('complete');
    });
    await Promise.all(checks);
    expect(polls.counts()).toEqual([pollCount, pollCount, pollCount]);
  }

  it.each([
    ...startCases(transientFailures, ([, response, code]) => expectEnds(gateway, response, code, 4)),
    ...startCases(endlessResponses, ([, start]) =>
      deadlinePool.run(() =>
        expectEnds(deadlineGateway, expireTogether(subscriptions.length, start), 'UPSTREAM_TIMEOUT', 4),
      ),
    ),
  ])('ends with the error after three failed polls ($name)', ({ outcome }) => outcome);

  it.each(startCases(permanentFailures, ([, response, code, count]) => expectEnds(gateway, response, code, 1 + count)))(
    'ends after a permanent failure, of which a 404 is confirmed ($name)',
    ({ outcome }) => outcome,
  );

  it('continues if a poll succeeds before the third failure in a row', async () => {
    const caller = gateway.addCaller((_call, index) => {
      if (index % 3 !== 0) return index % 2 === 0 ? toBytes(500, '') : 'SSH-2.0\r\n';
      return { taskStatus: index < 15 ? 'PENDING' : 'SUCCESS' };
    });
    const subscription = subscribe(rig.url, caller.apiKey)(subscriptions[0][1]);
    await subscription.waitForEnd();
    expect(subscription.events).toEqual([
      { data: { taskUpdated: { status: 'PENDING' } } },
      { data: { taskUpdated: { status: 'SUCCESS' } } },
    ]);
    expect(caller.calls).toHaveLength(16);
  });
});

describe('Mutation with waitSeconds', () => {
  // Each write has a task of its own.
  const toTaskId = ({ restCall }: Operation) =>
    taskId.slice(0, -1) + String(writes.findIndex((write) => write.restCall === restCall));
  const toPendingTask = ({ method, target }: RawCall) => {
    const write = writes.find(({ restCall }) => restCall === `${method} ${target}`);
    return write && { taskId: toTaskId(write), taskStatus: 'PENDING' };
  };

  /**
   * Runs all mutations with `waitSeconds`. Polls of their tasks get the response that `respond` returns for the number of the poll. Expects
   * this task in each response, and one write per mutation. Returns the number of polls of each task.
   */
  async function expectTasks(
    { addCaller }: typeof gateway,
    waitSeconds: number,
    respond: (pollNumber: number) => RawResponse,
    task: object,
  ): Promise<readonly number[]> {
    const polls = createPollCounter();
    const caller = addCaller((call) => toPendingTask(call) ?? respond(polls.add(call.target)));
    const waits = writes.map(async (write) => ({ write, response: await caller.run(withWait(write, waitSeconds)) }));
    for (const { write, response } of await Promise.all(waits)) {
      expect(response.json).toEqual({
        data: { [write.field]: { task: { id: toTaskId(write), result: null, errors: [], ...task }, userErrors: [] } },
      });
    }
    expect(caller.calls.filter(({ method }) => method !== 'GET')).toHaveLength(writes.length);
    return polls.counts();
  }

  /** Expects that the wait survives two failed polls. */
  async function expectThirdPoll(on: typeof gateway, response: RawResponse): Promise<void> {
    const success = { status: 'SUCCESS', result: {} };
    const respond = (pollNumber: number) => (pollNumber < 3 ? response : { taskStatus: 'SUCCESS', result: {} });
    expect(await expectTasks(on, 60, respond, success)).toEqual([3, 3, 3]);
  }

  it.each([
    ...startCases(transientFailures, ([, response]) => expectThirdPoll(gateway, response)),
    ...startCases(endlessResponses, ([, start]) =>
      deadlinePool.run(() => expectThirdPoll(deadlineGateway, expireTogether(writes.length, start))),
    ),
  ])('returns the task of the third poll if two polls fail ($name)', ({ outcome }) => outcome);

  it.each(
    startCases(permanentFailures, async ([, response, , count]) => {
      const counts = await expectTasks(gateway, 60, () => response, { status: 'PENDING' });
      expect(counts).toEqual([count, count, count]);
    }),
  )('stops polling after a permanent failure ($name), and returns the last task', ({ outcome }) => outcome);

  it.each(
    startCases([['500', toBytes(500, '')]], async ([, response]) => {
      const counts = await expectTasks(gateway, 3, () => response, { status: 'PENDING' });
      expect(Math.min(...counts)).toBeGreaterThan(3);
    }),
  )('returns the last task when the wait is over, if all polls fail ($name)', ({ outcome }) => outcome);
});
