// A crowd at the built gateway: one key that floods a slow REST API, and more work than a process can do. Others are served meanwhile, what
// is refused has sent nothing, and the listener for operators answers all the while.
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { toBytes } from '../../helpers/raw-upstream.js';
import { until } from '../../helpers/until.js';
import { ask, post, type WireAnswer } from '../../helpers/wire.js';
import { expectRefusal, type Rig, startRig } from './harness.js';

const toEnvironment = (number: number) => `environment: {serviceCode: "compute-on", name: "area-${number}"}`;
// Each of an environment of its own: no two share a call.
const toList = (number: number) => ({ query: `{ siteToSiteVpns(${toEnvironment(number)}) { totalCount } }` });
const toReset = (number: number) => ({
  query: `mutation { resetSiteToSiteVpn(input: {${toEnvironment(number)}, id: "d49b2922-0581-4587-94df-6fe719327d0f"}) { task { status } } }`,
});
const task = { taskId: 'cd7a2da8-6739-4bf6-9e71-518831525ea0', taskStatus: 'PENDING' };

/** Says that the listener for operators answers. */
async function expectOps({ gateway }: Rig): Promise<void> {
  const answers = await Promise.all(['/livez', '/readyz', '/metrics'].map((path) => ask(`${gateway.opsUrl}${path}`)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
}

describe('A key that floods a slow REST API', () => {
  it('is served as far as its share goes and refused beyond it, and every other key is served meanwhile', async () => {
    const share = 8;
    const rig = await startRig({ MAX_IN_FLIGHT_PER_KEY: String(share), MAX_IN_FLIGHT: '64', MAX_QUEUED: '32' });
    const { url, upstream } = rig;
    const held: { socket: Socket; method: string }[] = [];
    upstream.script(({ headers, method }) =>
      headers.get('mc-api-key') === 'flood' ? (socket: Socket) => held.push({ socket, method }) : { data: [] },
    );
    const flood = Array.from({ length: 120 }, (_, number) =>
      post(url, number % 2 === 0 ? toList(number) : toReset(number), { 'mc-api-key': 'flood' }).then(rig.keep),
    );
    await until(() => held.length === share);
    const others: WireAnswer[] = [];
    for (let round = 0; round < 5; round++) {
      const keys = Array.from({ length: 20 }, (_, number) => `other-${number}`);
      others.push(...(await Promise.all(keys.map((key) => post(url, toList(round), { 'mc-api-key': key })))));
      await expectOps(rig);
    }
    const atWork = held.splice(0);
    for (const { socket, method } of atWork) socket.write(toBytes(200, method === 'GET' ? { data: [] } : task));
    // Those that queue come next, one for each that has ended, where their time is not over yet.
    const answering = setInterval(() => {
      for (const { socket, method } of held.splice(0))
        socket.write(toBytes(200, method === 'GET' ? { data: [] } : task));
    }, 10);
    const answers = await Promise.all(flood);
    clearInterval(answering);

    expect(others.map(({ status, json }) => ({ status, json }))).toEqual(
      others.map(() => ({ status: 200, json: { data: { siteToSiteVpns: { totalCount: 0 } } } })),
    );
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.length).toBeGreaterThanOrEqual(120 - share - 32);
    for (const answer of refused) {
      expectRefusal(answer, 429, 'RATE_LIMITED');
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    const calls = upstream.calls.filter(({ headers }) => headers.get('mc-api-key') === 'flood');
    const served = answers.map(({ status }, number) => ({ status, number })).filter(({ status }) => status === 200);
    expect(calls).toHaveLength(served.length);
    expect(calls.filter(({ method }) => method === 'POST')).toHaveLength(
      served.filter(({ number }) => number % 2 === 1).length,
    );
    await rig.settle();
  });
});

describe('More work than a process can do', () => {
  it('is turned away with 503 while the event loop is late, and taken again after that', async () => {
    const rig = await startRig({ MAX_EVENT_LOOP_DELAY_MS: '20', MAX_REPEATS: '0' });
    const fields = 'id '.repeat(240);
    let sent = 0;
    // Another one each time: what has been found valid once is not looked at again.
    const askAnew = () => post(rig.url, { query: `{ environments { ${fields} } } # ${sent++}` }).then(rig.keep);
    const answers: WireAnswer[] = [];
    for (let round = 0; round < 100 && !answers.some(({ status }) => status === 503); round++) {
      const asked = Promise.all(Array.from({ length: 20 }, askAnew));
      await expectOps(rig);
      answers.push(...(await asked));
    }
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.length).toBeGreaterThan(0);
    for (const answer of refused) {
      expectRefusal(answer, 503, 'OVERLOADED');
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    for (let tries = 0; (await askAnew()).status === 503 && tries < 100; tries++) await sleep(100);
    await rig.settle();
  });
});
