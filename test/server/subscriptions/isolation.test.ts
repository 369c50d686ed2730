// Isolation of keys: two keys subscribe, unsubscribe and change their VPNs in random order over real sockets. No client receives data of
// the other key.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGateway } from '../../helpers/gateway.js';
import { startUpstream } from '../../helpers/upstream.js';
import { subscribeBySse, subscribeByWebSocket, type TestSubscription } from './subscribers.js';
import { taskSubscription, vpnSubscription, vpnsSubscription, taskId, wireVpn } from './mutable-rest-api.js';

const keys = ['alice', 'bob'] as const;
type Key = (typeof keys)[number];

const queries = [vpnsSubscription, vpnSubscription, taskSubscription.replace('status', 'status result')];
const key = fc.constantFrom(...keys);
const step = fc.oneof(
  fc.record({ kind: fc.constant('subscribe' as const), key, query: fc.constantFrom(...queries), socket: fc.boolean() }),
  fc.record({ kind: fc.constant('change' as const), key }),
  fc.record({ kind: fc.constant('unsubscribe' as const), index: fc.nat(20) }),
  fc.record({ kind: fc.constant('pause' as const), milliseconds: fc.integer({ min: 0, max: 40 }) }),
);

describe('subscriptions of two keys', () => {
  it('never receive data of the other key', async () => {
    const version = { alice: 0, bob: 0 };
    const upstream = await startUpstream(({ headers, url }) => {
      const owner = headers['mc-api-key'] === 'alice' ? 'alice' : 'bob';
      const name = `${owner}-${version[owner]}`;
      if (url.includes('/tasks/')) {
        // A task has an event only when its status changes.
        const taskStatus = version[owner] % 5 === 4 ? 'SUCCESS' : version[owner] % 2 === 0 ? 'PENDING' : name;
        return { taskId, taskStatus, result: { name } };
      }
      return { data: url.includes('sitetositevpns/') ? wireVpn({ name }) : [wireVpn({ name })] };
    });
    const { url, watcher } = await startGateway(upstream.url, { taskPollMs: 5, watchPollMs: 5 });
    const subscribers = {
      alice: { socket: subscribeByWebSocket(url, 'alice'), stream: subscribeBySse(url, 'alice') },
      bob: { socket: subscribeByWebSocket(url, 'bob'), stream: subscribeBySse(url, 'bob') },
    };
    let eventCount = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 40 }), async (steps) => {
        const open: { key: Key; subscription: TestSubscription }[] = [];
        for (const action of steps) {
          if (action.kind === 'subscribe') {
            const subscription = subscribers[action.key][action.socket ? 'socket' : 'stream'](action.query);
            open.push({ key: action.key, subscription });
          } else if (action.kind === 'change') version[action.key]++;
          else if (action.kind === 'unsubscribe') open[action.index]?.subscription.unsubscribe();
          else await sleep(action.milliseconds);
        }
        await sleep(60);
        for (const { key: owner, subscription } of open) {
          const text = JSON.stringify([subscription.events, subscription.end]);
          expect(text).not.toContain(owner === 'alice' ? 'bob' : 'alice');
          eventCount += subscription.events.length;
          subscription.unsubscribe();
        }
      }),
      { numRuns: 8 },
    );
    expect(eventCount).toBeGreaterThan(20);
    await sleep(100);
    expect(watcher.pollCount).toBe(0);
  });
});
