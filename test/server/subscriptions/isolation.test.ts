// Isolation of keys: two keys subscribe, unsubscribe and change their VPNs in random order over real sockets. No client receives data of
// the other key.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { taskId, wireVpn } from '../../helpers/fixtures.js';
import { startGateway } from '../../helpers/gateway.js';
import { startUpstream } from '../../helpers/upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { taskSubscription, vpnSubscription, vpnsSubscription } from './mutable-rest-api.js';
import { subscribeBySse, subscribeByWebSocket, type TestSubscription } from './subscribers.js';

const keys = ['alice', 'bob'] as const;
type Key = (typeof keys)[number];

type Step =
  | { readonly kind: 'subscribe'; readonly key: Key; readonly query: string; readonly transport: 'socket' | 'stream' }
  | { readonly kind: 'change'; readonly key: Key }
  | { readonly kind: 'unsubscribe'; readonly index: number }
  | { readonly kind: 'poll'; readonly calls: number };

const taskQuery = taskSubscription.replace('status', 'status result');
const queries = [vpnsSubscription, vpnSubscription, taskQuery];
const transports = ['socket', 'stream'] as const;
const key = fc.constantFrom(...keys);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('subscribe' as const),
    key,
    query: fc.constantFrom(...queries),
    transport: fc.constantFrom(...transports),
  }),
  fc.record({ kind: fc.constant('change' as const), key }),
  fc.record({ kind: fc.constant('unsubscribe' as const), index: fc.nat(20) }),
  fc.record({ kind: fc.constant('poll' as const), calls: fc.integer({ min: 1, max: 8 }) }),
);

// Whatever the random steps are, each key subscribes to everything by each transport, before and after changes of both keys.
const subscribeToAll: readonly Step[] = keys.flatMap((owner) =>
  queries.flatMap((query) =>
    transports.map((transport) => ({ kind: 'subscribe' as const, key: owner, query, transport })),
  ),
);
const everything: Step[] = [
  ...subscribeToAll,
  { kind: 'poll', calls: 12 },
  { kind: 'change', key: 'alice' },
  { kind: 'poll', calls: 12 },
  { kind: 'change', key: 'bob' },
  { kind: 'unsubscribe', index: 0 },
  { kind: 'unsubscribe', index: 7 },
  ...subscribeToAll,
];

describe('subscriptions of two keys', () => {
  it('never receive data of the other key', async () => {
    const version = { alice: 0, bob: 0 };
    const nameOf = (owner: Key) => `${owner}-${version[owner]}`;
    const upstream = await startUpstream(({ headers, url }) => {
      const owner = headers['mc-api-key'] === 'alice' ? 'alice' : 'bob';
      const name = nameOf(owner);
      if (url.includes('/tasks/')) {
        // A task has an event only when its status changes.
        const taskStatus = version[owner] % 5 === 4 ? 'SUCCESS' : version[owner] % 2 === 0 ? 'PENDING' : name;
        return { taskId, taskStatus, result: { name } };
      }
      return { data: url.includes('sitetositevpns/') ? wireVpn({ name }) : [wireVpn({ name })] };
    });
    const { url, watcher } = await startGateway({
      restApi: upstream.url,
      config: { taskPollMs: 5, watchPollMs: 5 },
    });
    const subscribers = {
      alice: { socket: subscribeByWebSocket(url, 'alice'), stream: subscribeBySse(url, 'alice') },
      bob: { socket: subscribeByWebSocket(url, 'bob'), stream: subscribeBySse(url, 'bob') },
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 40 }), async (steps) => {
        const started: { key: Key; query: string; subscription: TestSubscription }[] = [];
        const unsubscribed = new Set<TestSubscription>();
        for (const action of steps) {
          switch (action.kind) {
            case 'subscribe': {
              const subscription = subscribers[action.key][action.transport](action.query);
              started.push({ key: action.key, query: action.query, subscription });
              break;
            }
            case 'change':
              version[action.key]++;
              break;
            case 'unsubscribe': {
              const subscription = started[action.index]?.subscription;
              subscription?.unsubscribe();
              if (subscription !== undefined) unsubscribed.add(subscription);
              break;
            }
            case 'poll': {
              const target = upstream.calls.length + action.calls;
              await waitUntil(() => upstream.calls.length >= target || watcher.pollCount === 0);
            }
          }
        }
        // Each subscription receives a value, and those of VPNs also the last one.
        const open = started.filter(({ subscription }) => !unsubscribed.has(subscription));
        await Promise.all(open.map(({ subscription }) => subscription.waitForEvents(1)));
        for (const owner of keys) version[owner]++;
        const hasLastValue = ({ key: owner, query, subscription }: (typeof open)[number]) =>
          query === taskQuery || JSON.stringify(subscription.events.at(-1)).includes(`"${nameOf(owner)}"`);
        await waitUntil(() => open.every(hasLastValue));
        for (const { key: owner, subscription } of started) {
          const text = JSON.stringify([subscription.events, subscription.end]);
          expect(text).not.toContain(owner === 'alice' ? 'bob' : 'alice');
          subscription.unsubscribe();
        }
        await waitUntil(() => watcher.pollCount === 0);
      }),
      { numRuns: 9, examples: [[everything]] },
    );
  });
});
