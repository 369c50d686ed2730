// Three keys at random over the whole gateway: they send the same documents, by text and by hash, about the same things, follow, leave and ask
// for too much, while the REST API, which has data of its own for each key, fails now and then or altogether. Whatever is shared inside (calls
// under way, loaders, polls, parsed, persisted and compiled documents, limits, the circuit), nothing of one key's is ever in another's answer.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { toBytes } from '../../helpers/raw-upstream.js';
import { until } from '../../helpers/until.js';
import { post } from '../../helpers/wire.js';
import { byEventStream, byWebSocket } from '../../server/subscriptions/subscribers.js';
import { taskId, vpcId, vpnId, wireVpn } from '../../server/subscriptions/changing-rest-api.js';
import { environment, newVpn, scope } from './operations.js';
import { toRuns, tryAtRandom } from './random.js';
import { expectWellFormed, startRig, toErrors } from './harness.js';

// As many operations of one key at a time, and what one may spend.
const mostInFlight = 3;
const mostSpent = 60;
const rig = await startRig({
  MAX_IN_FLIGHT_PER_KEY: String(mostInFlight),
  MAX_QUEUED: '2',
  RATE_LIMIT_PER_MINUTE: String(mostSpent),
  CLOUDCA_API_TIMEOUT_MS: '5000',
});
const { url, upstream } = rig;
const usual = 12;
// A guard against hanging, and no measure.
const guard = 60_000 + toRuns(usual) * 5_000;

afterEach(() => rig.settle());

const owners = ['alice', 'bob', 'carol'] as const;
type Owner = (typeof owners)[number];

const queries: Readonly<Record<string, { readonly query: string; readonly variables?: object }>> = {
  list: { query: `{ siteToSiteVpns(${scope}) { nodes { name ipSecPsk vpc { name } } } }` },
  'list by variables': {
    query:
      'query($e: EnvironmentInput!) { siteToSiteVpns(environment: $e) { edges { cursor node { name gateway } } } }',
    variables: { e: environment },
  },
  vpn: { query: `{ siteToSiteVpn(${scope}, id: "${vpnId}") { name vpc { name siteToSiteVpns { nodes { name } } } } }` },
  task: { query: `{ task(id: "${taskId}", ${scope}) { status result siteToSiteVpn { name } } }` },
  environments: { query: '{ environments { name serviceConnection { id name serviceCode } } }' },
  several: {
    query: `{ environments { name } vpcs(${scope}) { nodes { name } } a: task(id: "${taskId}") { result } b: vpc(${scope}, id: "${vpcId}") { name } }`,
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
    variables: { input: { ...newVpn, waitSeconds: 1 } },
  },
};
const follows = [
  `subscription { siteToSiteVpnsUpdated(${scope}) { nodes { name vpc { name } } } }`,
  `subscription { siteToSiteVpnUpdated(${scope}, id: "${vpnId}") { name gateway } }`,
  `subscription { taskUpdated(id: "${taskId}", ${scope}) { status result siteToSiteVpn { name } } }`,
];

const when = fc.nat(25);
const owner = fc.constantFrom(...owners);
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('ask' as const),
      owner,
      what: fc.constantFrom(...Object.keys(queries)),
      by: fc.constantFrom('text', 'text', 'hash'),
      /** Leaves after so many milliseconds; null: waits for the answer. */
      leaves: fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(20) }),
      when,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('follow' as const),
      owner,
      query: fc.constantFrom(...follows),
      bySocket: fc.boolean(),
      when,
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The name in all that the REST API has for a key; the key itself would be struck out. */
const toMark = (key: string) => key.replace('key', 'mark');
let tries = 0;
let strangers = 0;

/** What the REST API has for a key; undefined: the connection is lost. */
function toAnswer(key: string, method: string, target: string, chance: number): Buffer | undefined {
  const mark = toMark(key);
  if (chance < 3) return undefined;
  if (chance < 6) return toBytes(503, { errors: [{ code: 1, message: `of ${mark}` }] });
  if (chance < 12) return toBytes(400, { errors: [{ code: 1, message: `of ${mark}` }] });
  if (method !== 'GET') return toBytes(200, { taskId, taskStatus: 'PENDING' });
  if (target.includes('/tasks/')) {
    const taskStatus = chance % 2 === 0 ? 'SUCCESS' : 'PENDING';
    return toBytes(200, { taskId, taskStatus, result: { id: vpnId, name: mark } });
  }
  // Each time another, so that whoever follows is told.
  const vpn = wireVpn({ name: mark, gateway: `${mark}.${chance}`, ipSecPsk: mark });
  if (/\/sitetositevpns\/[^/]*$/.test(target)) return toBytes(200, { data: vpn });
  if (target.includes('/sitetositevpns')) return toBytes(200, { data: [vpn] });
  const one = { id: vpcId, name: mark, serviceCode: mark, serviceConnection: { id: vpcId, name: mark } };
  return toBytes(200, { data: target.includes('/vpcs/') ? one : [one] });
}

describe('Callers of three keys', () => {
  const seen = { answers: 0, events: 0, refused: 0, left: 0, failed: 0, openCircuits: 0 };

  /** Asks as a step says; gives all that came of it, as text. */
  async function ask(each: Step & { kind: 'ask' }, key: string): Promise<string> {
    const headers = { 'mc-api-key': key };
    const leaving = new AbortController();
    const leave = () => {
      leaving.abort();
    };
    if (each.leaves !== null) setTimeout(leave, each.leaves);
    const whole = queries[each.what] ?? { query: '' };
    const sha256Hash = createHash('sha256').update(whole.query).digest('hex');
    const extensions = { persistedQuery: { version: 1, sha256Hash } };
    const send = async (body: object) => {
      const answer = await post(url, body, headers, leaving.signal);
      if (answer.status === 429) seen.refused++;
      else expectWellFormed(answer);
      if (toErrors(answer.json).length > 0) seen.failed++;
      return answer.text;
    };
    try {
      if (each.by === 'text') return await send(whole);
      const text = await send({ variables: whole.variables, extensions });
      return text.includes('PERSISTED_QUERY_NOT_FOUND') ? await send({ ...whole, extensions }) : text;
    } catch (error) {
      if (!leaving.signal.aborted) throw error;
      seen.left++;
      return '';
    }
  }

  async function follow(each: Step & { kind: 'follow' }, key: string): Promise<string> {
    const following = (each.bySocket ? byWebSocket : byEventStream)(url, key)(each.query);
    const end = performance.now() + 400;
    await until(() => following.events.length >= 3 || following.end !== undefined || performance.now() > end);
    following.stop();
    seen.events += following.events.length;
    return JSON.stringify([following.events, following.end]);
  }

  /** Whether a caller whom nobody knows is told that the REST API is left alone. */
  async function isLeftAlone(): Promise<boolean> {
    const headers = { 'mc-api-key': `key-${strangers++}` };
    return (await post(url, { query: '{ environments { id } }' }, headers)).text.includes('left alone');
  }

  /** Asks until the circuit opens: more than half of the calls of ten seconds must have failed. */
  async function openCircuit(): Promise<void> {
    for (let crowd = 0; crowd < 200; crowd++) {
      if ((await Promise.all(Array.from({ length: 10 }, isLeftAlone))).includes(true)) {
        seen.openCircuits++;
        return;
      }
    }
    throw new Error('The circuit does not open.');
  }

  it(
    'never see anything of each other, and none pays for another',
    async () => {
      const property = fc.asyncProperty(
        fc.array(step, { minLength: 10, maxLength: 40 }),
        fc.infiniteStream(fc.nat(99)),
        // Whether nothing has worked for a while, so that the circuit is open, and nothing does for a while longer.
        fc.nat(5).map((chance) => chance === 0),
        async (steps, chances, storms) => {
          const of = `${++tries}`;
          const roll = () => Number(chances.next().value);
          const toKey = (name: Owner) => `key-of-${name}-${of}-`;
          let failing = storms ? Infinity : 0;
          upstream.script(({ headers, target, method }) => {
            const key = headers.get('mc-api-key') ?? '';
            const bytes = failing-- > 0 ? toBytes(503, '') : toAnswer(key, method, target, roll());
            const wait = roll() % 12;
            return (socket) => setTimeout(() => (bytes === undefined ? socket.destroy() : socket.write(bytes)), wait);
          });
          if (storms) {
            await openCircuit();
            failing = 20;
          }
          await Promise.all(
            steps.map(async (each) => {
              await sleep(each.when);
              const key = toKey(each.owner);
              const text = each.kind === 'ask' ? await ask(each, key) : await follow(each, key);
              const marks = text.match(/(key|mark)-of-\w+-\d+-/g) ?? [];
              expect(new Set([...marks, toMark(key)])).toEqual(new Set([toMark(key)]));
              seen.answers += marks.length;
              // Who asks for no more than one may is never refused, whatever others ask for.
              const own = steps.filter((other) => other.owner === each.owner);
              if (own.length <= mostInFlight) expect(text).not.toMatch(/has asked for too much|has too many/);
            }),
          );
          if (storms) {
            // The storm is over: the circuit closes by itself, for all.
            failing = 0;
            while (await isLeftAlone()) await sleep(50);
          }
        },
      );
      await tryAtRandom('Callers of three keys', usual, property);
      process.stdout.write(`${JSON.stringify(seen)}\n`);
      // Or nothing was tried.
      expect(seen.answers).toBeGreaterThan(5 * usual);
      for (const count of [seen.events, seen.refused, seen.left, seen.failed]) expect(count).toBeGreaterThan(0);
      const written = rig.gateway.stdout() + rig.gateway.stderr();
      for (const name of owners) expect(written).not.toContain(`key-of-${name}`);
    },
    guard,
  );
});
