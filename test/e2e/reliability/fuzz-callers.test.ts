// Random clients with three API keys share one gateway: no response contains another key's data, and no key is rejected because of another.
// The clients send the same documents, by text and by hash, subscribe, disconnect and exceed limits, while the REST API fails at random.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { keyHeader, taskId, vpcId, vpnId, wireVpn } from '../../helpers/fixtures.js';
import { advanceDate } from '../../helpers/process-clock.js';
import { toBytes } from '../../helpers/raw-upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { post } from '../../helpers/http.js';
import { toRunCount } from '../../helpers/run-count.js';
import { subscribeBySse, subscribeByWebSocket } from '../../server/subscriptions/subscribers.js';
import { environment, newVpnInput, environmentArgument } from './operations.js';
import { checkProperty } from './random.js';
import { expectWellFormed, heldClock, startRig, toErrors } from './harness.js';

// Limits of one key: concurrent operations, and the budget in REST calls per minute.
const maxInFlightPerKey = 3;
const rateLimitPerMinute = 60;
const rig = await startRig({
  ...heldClock,
  MAX_IN_FLIGHT_PER_KEY: String(maxInFlightPerKey),
  MAX_QUEUED: '2',
  RATE_LIMIT_PER_MINUTE: String(rateLimitPerMinute),
  CLOUDCA_API_TIMEOUT_MS: '5000',
});
const { url, upstream } = rig;
const defaultRuns = 12;
// Jest timeout of a test, in milliseconds. It ends a test that hangs and asserts no speed.
const timeoutMs = 60_000 + toRunCount(defaultRuns) * 5_000;

afterEach(() => rig.verify());

const callers = ['alice', 'bob', 'carol'] as const;
type CallerName = (typeof callers)[number];

const operations: Readonly<Record<string, { readonly query: string; readonly variables?: object }>> = {
  list: { query: `{ siteToSiteVpns(${environmentArgument}) { nodes { name ipSecPsk vpc { name } } } }` },
  'list by variables': {
    query:
      'query($e: EnvironmentInput!) { siteToSiteVpns(environment: $e) { edges { cursor node { name gateway } } } }',
    variables: { e: environment },
  },
  vpn: {
    query: `{ siteToSiteVpn(${environmentArgument}, id: "${vpnId}") { name vpc { name siteToSiteVpns { nodes { name } } } } }`,
  },
  task: { query: `{ task(id: "${taskId}", ${environmentArgument}) { status result siteToSiteVpn { name } } }` },
  environments: { query: '{ environments { name serviceConnection { id name serviceCode } } }' },
  several: {
    query: `{ environments { name } vpcs(${environmentArgument}) { nodes { name } } a: task(id: "${taskId}") { result } b: vpc(${environmentArgument}, id: "${vpcId}") { name } }`,
  },
  delete: {
    query: `mutation($input: DeleteSiteToSiteVpnInput!) {
      deleteSiteToSiteVpn(input: $input) { task { result } userErrors { message } }
    }`,
    variables: { input: { environment, id: vpnId, waitSeconds: 1 } },
  },
  create: {
    query: `mutation($input: CreateSiteToSiteVpnInput!) {
      createSiteToSiteVpn(input: $input) { task { result } siteToSiteVpn { name } userErrors { message } }
    }`,
    variables: { input: { ...newVpnInput, waitSeconds: 1 } },
  },
};
const subscriptions: readonly [string, ...string[]] = [
  `subscription { siteToSiteVpnsUpdated(${environmentArgument}) { nodes { name vpc { name } } } }`,
  `subscription { siteToSiteVpnUpdated(${environmentArgument}, id: "${vpnId}") { name gateway } }`,
  `subscription { taskUpdated(id: "${taskId}", ${environmentArgument}) { status result siteToSiteVpn { name } } }`,
];

const delayMs = fc.nat(25);
const caller = fc.constantFrom(...callers);
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('request' as const),
      caller,
      name: fc.constantFrom(...Object.keys(operations)),
      by: fc.constantFrom('text', 'text', 'hash'),
      /** Milliseconds after which the client disconnects; null if it waits for the response. */
      disconnectsAfterMs: fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(20) }),
      delayMs,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('subscribe' as const),
      caller,
      query: fc.constantFrom(...subscriptions),
      usesWebSocket: fc.boolean(),
      delayMs,
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const requestOf = (name: CallerName, disconnectsAfterMs: number | null = null): Step => ({
  kind: 'request',
  caller: name,
  name: 'several',
  by: 'text',
  disconnectsAfterMs,
  delayMs: 0,
});
const subscribeAs = (name: CallerName, usesWebSocket: boolean): Step => ({
  kind: 'subscribe',
  caller: name,
  query: subscriptions[0],
  usesWebSocket,
  delayMs: 0,
});
/** Steps that cover what random steps may miss: alice exceeds her limits, one request of bob is aborted, and carol subscribes. */
const coveringSteps: Step[] = [
  ...Array.from({ length: rateLimitPerMinute }, () => requestOf('alice')),
  ...[requestOf('bob'), requestOf('bob'), requestOf('bob', 0)],
  ...[requestOf('carol'), subscribeAs('carol', true), subscribeAs('carol', false)],
];
/** Chances with which every REST call succeeds. */
const healthyChances = () =>
  fc.stream(
    (function* () {
      for (;;) yield 50;
    })(),
  );

/** Returns the mark in all REST data of a key. It differs from the key, which the gateway would redact. */
const toMark = (key: string) => key.replace('key', 'mark');
let runs = 0;
let unknownCallers = 0;

/** Returns the REST API's response to a key: data, an error, or undefined to drop the connection. `chance` is 0 to 99. */
function toRestResponse(key: string, method: string, target: string, chance: number): Buffer | undefined {
  const mark = toMark(key);
  if (chance < 3) return undefined;
  if (chance < 6) return toBytes(503, { errors: [{ code: 1, message: `of ${mark}` }] });
  if (chance < 12) return toBytes(400, { errors: [{ code: 1, message: `of ${mark}` }] });
  if (method !== 'GET') return toBytes(200, { taskId, taskStatus: 'PENDING' });
  if (target.includes('/tasks/')) {
    const taskStatus = chance % 2 === 0 ? 'SUCCESS' : 'PENDING';
    return toBytes(200, { taskId, taskStatus, result: { id: vpnId, name: mark } });
  }
  // The gateway address varies, so that polls report a change to subscribers.
  const vpn = wireVpn({ name: mark, gateway: `${mark}.${chance}`, ipSecPsk: mark });
  if (/\/sitetositevpns\/[^/]*$/.test(target)) return toBytes(200, { data: vpn });
  if (target.includes('/sitetositevpns')) return toBytes(200, { data: [vpn] });
  const entity = { id: vpcId, name: mark, serviceCode: mark, serviceConnection: { id: vpcId, name: mark } };
  return toBytes(200, { data: target.includes('/vpcs/') ? entity : [entity] });
}

// The keys share in-flight calls, loaders, polls, cached documents (parsed, persisted, compiled), limits and the circuit breaker.
describe('Gateway shared by three API keys', () => {
  const counts = { marks: 0, events: 0, rateLimited: 0, disconnected: 0, failed: 0, openCircuits: 0 };

  /** Sends a step's request. Returns the response text, or an empty string if the client has disconnected. */
  async function runRequest(step: Step & { kind: 'request' }, key: string): Promise<string> {
    const headers = keyHeader(key);
    const disconnection = new AbortController();
    const disconnect = () => {
      disconnection.abort();
    };
    if (step.disconnectsAfterMs !== null) setTimeout(disconnect, step.disconnectsAfterMs);
    const operation = operations[step.name] ?? { query: '' };
    const sha256Hash = createHash('sha256').update(operation.query).digest('hex');
    const extensions = { persistedQuery: { version: 1, sha256Hash } };
    const send = async (body: object) => {
      const response = await post(url, body, headers, disconnection.signal);
      if (response.status === 429) counts.rateLimited++;
      else expectWellFormed(response);
      if (toErrors(response.json).length > 0) counts.failed++;
      return response.text;
    };
    try {
      if (step.by === 'text') return await send(operation);
      const text = await send({ variables: operation.variables, extensions });
      return text.includes('PERSISTED_QUERY_NOT_FOUND') ? await send({ ...operation, extensions }) : text;
    } catch (error) {
      if (!disconnection.signal.aborted) throw error;
      counts.disconnected++;
      return '';
    }
  }

  /** Subscribes until the end, or three events, or at least one event and 150 ms. Returns the events and the end as text. */
  async function subscribe(step: Step & { kind: 'subscribe' }, key: string): Promise<string> {
    const subscription = (step.usesWebSocket ? subscribeByWebSocket : subscribeBySse)(url, key)(step.query);
    const endsAt = performance.now() + 150;
    await waitUntil(() => {
      const { length } = subscription.events;
      return subscription.end !== undefined || length >= 3 || (length > 0 && performance.now() > endsAt);
    });
    subscription.unsubscribe();
    counts.events += subscription.events.length;
    return JSON.stringify([subscription.events, subscription.end]);
  }

  /** Reports whether the gateway rejects the REST calls of a new key because the circuit is open. */
  async function isCircuitOpen(): Promise<boolean> {
    const headers = keyHeader(`key-${unknownCallers++}`);
    const { text } = await post(url, { query: '{ environments { id } }' }, headers);
    return text.includes('the gateway sends it no requests');
  }

  /** Sends reads until the circuit opens. */
  async function openCircuit(): Promise<void> {
    // The circuit breaker counts the calls of ten windows. These replace all earlier ones.
    for (let window = 0; window < 10; window++) {
      await advanceDate(rig.gateway);
      await isCircuitOpen();
    }
    for (let batch = 0; batch < 200; batch++) {
      if ((await Promise.all(Array.from({ length: 10 }, isCircuitOpen))).includes(true)) {
        counts.openCircuits++;
        return;
      }
    }
    throw new Error('The circuit did not open within 2,000 reads.');
  }

  it(
    'returns no data of another key, and rejects no key because of another',
    async () => {
      const property = fc.asyncProperty(
        fc.array(step, { minLength: 10, maxLength: 40 }),
        fc.infiniteStream(fc.nat(99)),
        // In one of six runs, the REST API fails until the circuit opens, and for 20 calls after that.
        fc.nat(5).map((chance) => chance === 0),
        async (steps, chances, opensCircuit) => {
          const suffix = `${++runs}`;
          const roll = () => Number(chances.next().value);
          const toKey = (name: CallerName) => `key-of-${name}-${suffix}-`;
          let failuresLeft = opensCircuit ? Infinity : 0;
          upstream.script(({ headers, target, method }) => {
            const key = headers.get('mc-api-key') ?? '';
            const bytes = failuresLeft-- > 0 ? toBytes(503, '') : toRestResponse(key, method, target, roll());
            const latencyMs = roll() % 12;
            return (socket) =>
              setTimeout(() => (bytes === undefined ? socket.destroy() : socket.write(bytes)), latencyMs);
          });
          if (opensCircuit) {
            await openCircuit();
            failuresLeft = 20;
          }
          // Probes come while the steps run. Subscriptions have no events, and no end, while the circuit is open. Random failures open it
          // too: fast-check prefers small numbers, which are failures.
          let isRunning = true;
          const advanceDates = async () => {
            while (isRunning) {
              await sleep(10);
              if (opensCircuit || (await isCircuitOpen())) await advanceDate(rig.gateway);
            }
          };
          const advanced = advanceDates();
          const running = Promise.all(
            steps.map(async (item) => {
              await sleep(item.delayMs);
              const key = toKey(item.caller);
              const text = item.kind === 'request' ? await runRequest(item, key) : await subscribe(item, key);
              const marks = text.match(/(key|mark)-of-\w+-\d+-/g) ?? [];
              expect(new Set([...marks, toMark(key)])).toEqual(new Set([toMark(key)]));
              counts.marks += marks.length;
              // A caller within its own limits is never rejected, whatever the other callers send.
              const ownSteps = steps.filter((other) => other.caller === item.caller);
              if (ownSteps.length <= maxInFlightPerKey) expect(text).not.toMatch(/"code":"(RATE_LIMITED|OVERLOADED)"/);
            }),
          );
          await running.finally(() => {
            isRunning = false;
          });
          await advanced;
          if (opensCircuit) {
            // The failures are over: the circuit closes by itself for every key.
            failuresLeft = 0;
            while (await isCircuitOpen()) await advanceDate(rig.gateway);
          }
        },
      );
      // Each kind of outcome occurs with every seed.
      await checkProperty('Three API keys', defaultRuns, property, [
        [coveringSteps, healthyChances(), false],
        [[requestOf('alice'), requestOf('bob'), requestOf('carol')], healthyChances(), true],
      ]);
      process.stdout.write(`${JSON.stringify(counts)}\n`);
      for (const [kind, count] of Object.entries(counts)) expect([kind, count > 0]).toEqual([kind, true]);
      const output = rig.gateway.stdout() + rig.gateway.stderr();
      for (const name of callers) expect(output).not.toContain(`key-of-${name}`);
    },
    timeoutMs,
  );
});
