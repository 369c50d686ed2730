// Two keys at random over real sockets: whatever they follow, begin, leave and change in whatever order, nothing that is one key's ever
// stands in a frame that goes to the other.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGateway } from '../../helpers/gateway.js';
import { startUpstream } from '../../helpers/upstream.js';
import { byEventStream, byWebSocket, type Following } from './subscribers.js';
import { followTask, followVpn, followVpns, taskId, wireVpn } from './changing-rest-api.js';

const keys = ['alice', 'bob'] as const;
type Key = (typeof keys)[number];

const queries = [followVpns, followVpn, followTask.replace('status', 'status result')];
const key = fc.constantFrom(...keys);
const step = fc.oneof(
  fc.record({ kind: fc.constant('follow' as const), key, query: fc.constantFrom(...queries), socket: fc.boolean() }),
  fc.record({ kind: fc.constant('change' as const), key }),
  fc.record({ kind: fc.constant('leave' as const), which: fc.nat(20) }),
  fc.record({ kind: fc.constant('pause' as const), milliseconds: fc.integer({ min: 0, max: 40 }) }),
);

describe('two keys', () => {
  it('never see anything of each other', async () => {
    const version = { alice: 0, bob: 0 };
    const upstream = await startUpstream(({ headers, url }) => {
      const owner = headers['mc-api-key'] === 'alice' ? 'alice' : 'bob';
      const name = `${owner}-${version[owner]}`;
      if (url.includes('/tasks/')) {
        // A task is told of when its status changes.
        const taskStatus = version[owner] % 5 === 4 ? 'SUCCESS' : version[owner] % 2 === 0 ? 'PENDING' : name;
        return { taskId, taskStatus, result: { name } };
      }
      return { data: url.includes('sitetositevpns/') ? wireVpn({ name }) : [wireVpn({ name })] };
    });
    const { url, watcher } = await startGateway(upstream.url, { taskPollMs: 5, watchPollMs: 5 });
    const follow = {
      alice: { socket: byWebSocket(url, 'alice'), stream: byEventStream(url, 'alice') },
      bob: { socket: byWebSocket(url, 'bob'), stream: byEventStream(url, 'bob') },
    };
    let told = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 40 }), async (steps) => {
        const open: { key: Key; following: Following }[] = [];
        for (const each of steps) {
          if (each.kind === 'follow') {
            const following = follow[each.key][each.socket ? 'socket' : 'stream'](each.query);
            open.push({ key: each.key, following });
          } else if (each.kind === 'change') version[each.key]++;
          else if (each.kind === 'leave') open[each.which]?.following.stop();
          else await sleep(each.milliseconds);
        }
        await sleep(60);
        for (const { key: owner, following } of open) {
          const text = JSON.stringify([following.events, following.end]);
          expect(text).not.toContain(owner === 'alice' ? 'bob' : 'alice');
          told += following.events.length;
          following.stop();
        }
      }),
      { numRuns: 8 },
    );
    expect(told).toBeGreaterThan(20);
    await sleep(100);
    expect(watcher.polls).toBe(0);
  });
});
