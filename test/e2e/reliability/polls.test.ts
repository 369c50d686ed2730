// Polls of a REST API that fails: a wait never fails the mutation that it belongs to, and a subscription ends with the code for it after three
// looks in a row, or at once where the next one would fail as well.
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type RawCall, type RawScript, toBytes } from '../../helpers/raw-upstream.js';
import { byEventStream, byWebSocket } from '../../server/subscriptions/subscribers.js';
import { taskId, vpnId } from '../../server/subscriptions/changing-rest-api.js';
import {
  calm,
  closing,
  createTimes,
  documented,
  endless,
  type Operation,
  resetting,
  run,
  scope,
  silent,
  waiting,
  writes,
} from './operations.js';
import { apiKey, startRig } from './harness.js';

const deadline = 400;
const rig = await startRig({ CLOUDCA_API_TIMEOUT_MS: String(deadline) });
const timed = createTimes(`Polls of a REST API that fails (deadline of a look ${deadline} ms)`);
const follow = { WebSocket: byWebSocket(rig.url, apiKey), 'Server-Sent Events': byEventStream(rig.url, apiKey) };

beforeEach(() => calm(rig));
afterEach(() => rig.settle());

type Answer = ReturnType<RawScript>;
const errors = [{ code: 7, message: 'Why.' }];

/** What a look may be answered that is no end: the next may be answered well. */
const passing: readonly (readonly [string, Answer, string])[] = [
  ['a lost connection', resetting(), 'UPSTREAM_UNAVAILABLE'],
  ['half of an answer', closing('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"taskStatus":'), 'UPSTREAM_UNAVAILABLE'],
  ['502', toBytes(502, '<html>'), 'UPSTREAM_UNAVAILABLE'],
  ['503 with Retry-After', toBytes(503, '', { 'retry-after': '60' }), 'UPSTREAM_UNAVAILABLE'],
  ['504', toBytes(504, ''), 'UPSTREAM_TIMEOUT'],
  ['silence', silent(), 'UPSTREAM_TIMEOUT'],
  ['a body that drips', endless('HTTP/1.1 200 OK\r\n\r\n', ' ', 20), 'UPSTREAM_TIMEOUT'],
  ['429', toBytes(429, '', { 'retry-after': '86400' }), 'RATE_LIMITED'],
  ['500', toBytes(500, { errors }), 'UPSTREAM_ERROR'],
  ['405', toBytes(405, ''), 'UPSTREAM_ERROR'],
  ['errors in a 200', toBytes(200, { errors }), 'UPSTREAM_ERROR'],
  ['HTML', toBytes(200, '<html>'), 'UPSTREAM_BAD_RESPONSE'],
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n', 'UPSTREAM_BAD_RESPONSE'],
  ['a redirect', toBytes(307, '', { location: '/elsewhere' }), 'UPSTREAM_BAD_RESPONSE'],
  ['what is not HTTP', 'SSH-2.0\r\n', 'UPSTREAM_BAD_RESPONSE'],
  [
    '50 MB in gzip',
    toBytes(200, gzipSync(Buffer.alloc(50_000_000)), { 'content-encoding': 'gzip' }),
    'UPSTREAM_BAD_RESPONSE',
  ],
  ['a task without a status', toBytes(200, { data: { id: taskId } }), 'UPSTREAM_BAD_RESPONSE'],
  ['a status that is none', toBytes(200, { taskStatus: 7 }), 'UPSTREAM_BAD_RESPONSE'],
];
/** What a look may be answered that the next would be answered too. */
const final: readonly (readonly [string, Answer, string])[] = [
  ['401', toBytes(401, { errors }), 'UNAUTHENTICATED'],
  ['403', toBytes(403, ''), 'FORBIDDEN'],
  ['404', toBytes(404, ''), 'NOT_FOUND'],
];

/** Counts the looks at each thing, whoever looks. */
function countLooks(): { next: (target: string) => number; counts: () => number[] } {
  const looks = new Map<string, number>();
  return {
    next: (target) => {
      const count = (looks.get(target) ?? 0) + 1;
      looks.set(target, count);
      return count;
    },
    counts: () => [...looks.values()],
  };
}

describe('A wait', () => {
  // Each write has a task of its own.
  const toId = ({ call }: Operation) => taskId.slice(0, -1) + String(writes.findIndex((write) => write.call === call));
  const begun = ({ method, target }: RawCall) => {
    const write = writes.find(({ call }) => call === `${method} ${target}`);
    return write && { taskId: toId(write), taskStatus: 'PENDING' };
  };

  /** Has all writes wait, and says what each has in the end, and that each was sent once. */
  async function expectTasks(group: string, waitSeconds: number, task: object): Promise<void> {
    const waits = writes.map(async (write) => ({
      write,
      answer: await timed(group, run(rig, waiting(write, waitSeconds))),
    }));
    for (const { write, answer } of await Promise.all(waits)) {
      expect(answer.json).toEqual({
        data: { [write.field]: { task: { id: toId(write), result: null, errors: [], ...task }, userErrors: [] } },
      });
    }
    expect(rig.upstream.calls.filter(({ method }) => method !== 'GET')).toHaveLength(writes.length);
  }

  it.each(passing)(
    'whose looks are answered %s, twice, has the task as the third look brings it',
    async (_what, answer) => {
      const looks = countLooks();
      rig.upstream.script(
        (call) => begun(call) ?? (looks.next(call.target) < 3 ? answer : { taskStatus: 'SUCCESS', result: {} }),
      );
      await expectTasks('wait: two looks that fail, and one that does not', 30, { status: 'SUCCESS', result: {} });
      expect(looks.counts()).toEqual([3, 3, 3]);
    },
  );

  it.each(final)('whose look is answered %s has the task as last known, and looks no more', async (_what, answer) => {
    const looks = countLooks();
    rig.upstream.script((call) => begun(call) ?? (looks.next(call.target) > 0 ? answer : {}));
    await expectTasks('wait: a look that is the last', 60, { status: 'PENDING' });
    expect(looks.counts()).toEqual([1, 1, 1]);
  });

  it('whose looks all fail has the task as last known when it is over', async () => {
    const looks = countLooks();
    rig.upstream.script((call) => begun(call) ?? (looks.next(call.target) > 0 ? toBytes(500, '') : {}));
    await expectTasks('wait of 1 s: all looks fail', 1, { status: 'PENDING' });
    expect(Math.min(...looks.counts())).toBeGreaterThan(3);
  });
});

// The VPN is in an environment of its own: it would be followed from the list.
const subscriptions = [
  ['taskUpdated', `subscription { taskUpdated(id: "${taskId}") { status } }`, { status: 'PENDING' }],
  [
    'siteToSiteVpnUpdated',
    `subscription { siteToSiteVpnUpdated(${scope.replace('test_area', 'other')}, id: "${vpnId}") { name } }`,
    { name: 'stargate' },
  ],
  ['siteToSiteVpnsUpdated', `subscription { siteToSiteVpnsUpdated(${scope}) { totalCount } }`, { totalCount: 1 }],
] as const;

describe.each(['WebSocket', 'Server-Sent Events'] as const)('A subscription by %s', (transport) => {
  /** Follows everything, whose looks but the first are answered so, and says how often it is looked at, and how each ends. */
  async function expectEnds(group: string, answer: Answer, code: string, most: number): Promise<void> {
    const looks = countLooks();
    rig.upstream.script(({ method, target }) => (looks.next(target) === 1 ? documented(method, target) : answer));
    const all = subscriptions.map(async ([field, query, first]) => {
      const following = follow[transport](query);
      await timed(group, following.ends());
      rig.keep(JSON.stringify(following.events));
      // A VPN that was there and is no more has been deleted: an end, and no failure.
      const isGone = field === 'siteToSiteVpnUpdated' && code === 'NOT_FOUND';
      const extensions = expect.objectContaining({ code, requestId: expect.any(String) });
      const last = { errors: [{ message: expect.any(String), path: [field], extensions }] };
      expect(following.events).toEqual([{ data: { [field]: first } }, ...(isGone ? [] : [last])]);
      expect(following.end).toBe('complete');
    });
    await Promise.all(all);
    expect(looks.counts()).toEqual([most, most, most]);
  }

  it.each(passing)('whose looks are answered %s ends with that after three of them', async (_what, answer, code) => {
    await expectEnds('subscription: three looks that fail', answer, code, 4);
  });

  it.each(final)('whose look is answered %s ends with that at once', async (_what, answer, code) => {
    await expectEnds('subscription: a look that is the last', answer, code, 2);
  });

  it('goes on where a look is answered well before the third that fails', async () => {
    rig.upstream.script((_call, index) => {
      if (index % 3 !== 0) return index % 2 === 0 ? toBytes(500, '') : 'SSH-2.0\r\n';
      return { taskStatus: index < 15 ? 'PENDING' : 'SUCCESS' };
    });
    const following = follow[transport](subscriptions[0][1]);
    await following.ends();
    expect(following.events).toEqual([
      { data: { taskUpdated: { status: 'PENDING' } } },
      { data: { taskUpdated: { status: 'SUCCESS' } } },
    ]);
    expect(rig.upstream.calls).toHaveLength(16);
  });
});
