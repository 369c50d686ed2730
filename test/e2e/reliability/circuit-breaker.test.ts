// A REST API in a storm, seen from both sides: how often it is asked, and how soon callers are told. Each case has a gateway of its own,
// since a circuit is one for the process.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { type RawScript, toBytes } from '../../helpers/raw-upstream.js';
import { post, type WireAnswer } from '../../helpers/wire.js';
import { taskId } from '../../server/subscriptions/changing-rest-api.js';
import { until } from '../../helpers/until.js';
import { byWebSocket } from '../../server/subscriptions/subscribers.js';
import {
  createTimes,
  documented,
  type Operation,
  reads,
  resetting,
  run,
  scope,
  silent,
  waiting,
  writes,
} from './operations.js';
import { expectFewCalls, storms } from './storms.js';
import { apiKey, type Rig, startRig, toErrors } from './harness.js';

const timed = createTimes('Answers of a REST API in a storm');
const leftAlone = 'The REST API has been failing, and is left alone for a moment; ask again later.';
const environments = '{ environments { id } }';
/** A list of each of ten environments. */
const inMany = (field: string, name = 'n') =>
  `{ ${Array.from({ length: 10 }, (_, index) => `a${index}: ${field}(environment: { serviceCode: "a", name: "${name}${index}" }) { totalCount }`).join(' ')} }`;
let callers = 0;

/** A caller of a key that nobody has had before: two callers share no call. */
function ask(rig: Rig, query: string = environments, key = `${apiKey}-${callers++}`): Promise<WireAnswer> {
  return rig.ask({ query }, { 'mc-api-key': key });
}

function toCode({ json }: WireAnswer): unknown {
  const [error] = toErrors(json);
  return typeof error === 'object' && error !== null && 'extensions' in error ? error.extensions : undefined;
}

function isLeftAlone(answer: WireAnswer): boolean {
  return answer.text.includes(leftAlone);
}

/** Asks, one caller after the other, until the circuit is open; says how often the REST API was asked for that. */
async function open(rig: Rig, answer: RawScript): Promise<number> {
  rig.upstream.script(answer);
  for (let count = 0; count < 50; count++) {
    if (isLeftAlone(await ask(rig))) return rig.upstream.calls.length;
  }
  throw new Error('The circuit does not open.');
}

const works: RawScript = ({ method, target }) => documented(method, target);

describe('The circuit', () => {
  it.each<readonly [string, ReturnType<RawScript>, NodeJS.ProcessEnv]>([
    // A deadline may pass before a call has come: such a call counts for the circuit, and not for those who were asked.
    ['503', toBytes(503, '<html>'), { CLOUDCA_API_TIMEOUT_MS: '5000' }],
    ['lost connections', resetting(), { CLOUDCA_API_TIMEOUT_MS: '5000' }],
    ['silence', silent(), { CLOUDCA_API_TIMEOUT_MS: '600' }],
  ])(
    'opens on %s: everybody is told at once and nothing is sent, nor said to be of unknown outcome; it closes by itself',
    async (_what, answer, environment) => {
      const rig = await startRig(environment);
      const asked = await open(rig, () => answer);
      expect(asked).toBeGreaterThanOrEqual(10);
      expect(asked).toBeLessThanOrEqual(22);

      rig.upstream.script(() => answer);
      for (const operation of [...reads, ...writes]) {
        const { field } = operation;
        expect((await timed('circuit open', run(rig, operation))).json).toEqual({
          data: { [field]: null },
          errors: [
            {
              message: leftAlone,
              locations: expect.any(Array),
              path: [field],
              extensions: { code: 'UPSTREAM_UNAVAILABLE', requestId: expect.any(String) },
            },
          ],
        });
      }
      // At the most, a second is over and one of them finds out.
      expect(rig.upstream.calls.length).toBeLessThanOrEqual(1);
      await rig.settle();

      rig.upstream.script(works);
      await recovers(rig);
      for (const operation of [...reads, ...writes]) expect(toErrors((await run(rig, operation)).json)).toEqual([]);
      await rig.settle();
    },
  );

  it('is probed by one call at a time, whoever else asks, and for as long as the service fails', async () => {
    const rig = await startRig();
    await open(rig, () => toBytes(503, ''));
    let underWay = 0;
    let most = 0;
    rig.upstream.script(() => (socket) => {
      most = Math.max(most, ++underWay);
      setTimeout(() => {
        underWay--;
        socket.write(toBytes(503, ''));
      }, 100);
    });
    const end = performance.now() + 4_000;
    let asked = 0;
    while (performance.now() < end) {
      const answers = await timed('circuit open, 20 at once', Promise.all(Array.from({ length: 20 }, () => ask(rig))));
      asked += answers.length;
      for (const answer of answers) expect(toCode(answer)).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    }
    expect(most).toBe(1);
    // After a second, then after longer.
    expect(rig.upstream.calls.length).toBeGreaterThanOrEqual(1);
    expect(rig.upstream.calls.length).toBeLessThanOrEqual(4);
    expect(asked).toBeGreaterThan(20 * rig.upstream.calls.length);
    await rig.settle();

    rig.upstream.script(works);
    await recovers(rig);
    expect((await ask(rig)).json).toEqual({ data: { environments: [] } });
  });

  it('keeps nobody waiting for a probe that gets no answer', async () => {
    const rig = await startRig({ CLOUDCA_API_TIMEOUT_MS: '5000' });
    await open(rig, () => toBytes(503, ''));
    rig.upstream.script(() => silent());
    let probe: Promise<WireAnswer> | undefined;
    while (rig.upstream.calls.length === 0) {
      probe = ask(rig);
      await Promise.race([probe, sleep(50)]);
    }
    const order: string[] = [];
    void probe?.then(() => order.push('probe'));
    for (let index = 0; index < 20; index++) {
      expect(isLeftAlone(await ask(rig))).toBe(true);
      order.push('other');
    }
    expect(order).not.toContain('probe');
    expect(rig.upstream.calls).toHaveLength(1);
    expect(toCode((await probe) ?? (await ask(rig)))).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    await rig.settle();
  });

  it("is no matter of one caller's refusals, whatever their status", async () => {
    const rig = await startRig();
    for (const status of [400, 401, 403, 404, 405, 409, 429, 500]) {
      const refusal = toBytes(status, { errors: [{ code: 1, message: 'No.' }] });
      rig.upstream.script(({ headers }) => (headers.get('mc-api-key') === apiKey ? refusal : { data: [] }));
      for (let round = 0; round < 3; round++) {
        const refused = await rig.ask({ query: inMany('vpcs') });
        expect(toErrors(refused.json)).toHaveLength(10);
        expect(isLeftAlone(refused)).toBe(false);
      }
      expect((await ask(rig)).json).toEqual({ data: { environments: [] } });
    }
    await rig.settle();
  });

  it('is no matter of what one caller breaks off', async () => {
    const rig = await startRig();
    rig.upstream.script(({ headers }) => (headers.get('mc-api-key') === apiKey ? silent() : { data: [] }));
    for (let round = 0; round < 5; round++) {
      const leaving = new AbortController();
      const asked = post(rig.url, { query: inMany('vpcs', `of ${round}.`) }, { 'mc-api-key': apiKey }, leaving.signal);
      const gone = expect(asked).rejects.toThrow();
      await until(() => rig.upstream.calls.length >= 10 * (round + 1));
      leaving.abort();
      await gone;
    }
    rig.upstream.script(() => ({ data: [] }));
    for (let round = 0; round < 5; round++) expect((await ask(rig)).json).toEqual({ data: { environments: [] } });
    await rig.settle();
  });

  it('ends what follows a task, and no wait', async () => {
    const rig = await startRig({ TASK_POLL_MS: '50' });
    await open(rig, () => toBytes(503, ''));
    rig.upstream.script(() => toBytes(503, ''));
    const following = byWebSocket(rig.url, apiKey)(`subscription { taskUpdated(id: "${taskId}") { status } }`);
    await following.ends();
    rig.keep(JSON.stringify(following.events));
    expect(following.end).toBe('complete');
    expect(following.events).toEqual([
      {
        errors: [
          {
            message: leftAlone,
            path: ['taskUpdated'],
            extensions: { code: 'UPSTREAM_UNAVAILABLE', requestId: expect.any(String) },
          },
        ],
      },
    ]);

    rig.upstream.script(works);
    await recovers(rig);
    // From the first look on, the service fails until the circuit has opened.
    let fails = true;
    rig.upstream.script(({ method }) => {
      if (method !== 'GET') return { taskId, taskStatus: 'PENDING' };
      return fails ? toBytes(503, '') : { taskId, taskStatus: 'SUCCESS', result: {} };
    });
    const waited = Promise.all(writes.map((write) => run(rig, waiting(write, 60))));
    await until(() => rig.upstream.calls.filter(({ method }) => method !== 'GET').length === writes.length);
    while (!isLeftAlone(await ask(rig)));
    fails = false;
    for (const [index, answer] of (await waited).entries()) {
      const field = writes[index]?.field ?? '';
      expect(answer.json).toMatchObject({ data: { [field]: { task: { status: 'SUCCESS' }, userErrors: [] } } });
    }
    expect(rig.upstream.calls.filter(({ method }) => method !== 'GET')).toHaveLength(writes.length);
    await rig.settle();
  });
});

/** Asks until the circuit has closed. */
async function recovers(rig: Rig): Promise<void> {
  const end = performance.now() + 25_000;
  while (isLeftAlone(await ask(rig))) {
    if (performance.now() > end) throw new Error('The circuit does not close.');
    await sleep(20);
  }
}

describe('A storm', () => {
  it.each(storms.slice(0, 2))('$name costs 1.2 REST calls for each of a thousand reads at the most', async (storm) => {
    await expectFewCalls(await startRig(), storm, 1_000);
  });

  it('costs one REST call for each write at the most', async () => {
    const rig = await startRig();
    rig.upstream.script((_call, index) =>
      index % 5 < 3 ? toBytes(204, '') : index % 5 === 3 ? resetting() : toBytes(503, ''),
    );
    const asked: { operation: Operation; answer: WireAnswer }[] = [];
    for (let round = 0; round < 40; round++) {
      for (const operation of writes) asked.push({ operation, answer: await run(rig, operation) });
    }
    expect(rig.upstream.calls).toHaveLength(asked.length);
    const failed = asked.filter(({ answer }) => toErrors(answer.json).length > 0);
    expect(failed).toHaveLength((asked.length * 2) / 5);
    for (const { answer } of failed) expect(toCode(answer)).toMatchObject({ outcomeUnknown: true });
    await rig.settle();
  });

  it('leaves an operation of many reads what came, and tells the rest', async () => {
    const rig = await startRig();
    rig.upstream.script(({ target }) => (target.includes('n3') ? resetting() : { data: [] }));
    const fields = Array.from(
      { length: 10 },
      (_, index) => `a${index}: vpcs(${scope.replace('test_area', `n${index}`)}) { totalCount }`,
    );
    const answer = await ask(rig, `{ ${fields.join(' ')} }`);
    expect(answer.json).toMatchObject({
      data: { a2: { totalCount: 0 }, a3: null, a4: { totalCount: 0 } },
      errors: [{ path: ['a3'] }],
    });
    expect(toErrors(answer.json)).toHaveLength(1);
    expect(rig.upstream.calls).toHaveLength(12);
    await rig.settle();
  });
});
