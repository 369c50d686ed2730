// The built gateway under overload: one API key that floods a slow REST API, and more requests than the process can handle. Other keys are
// served, rejected requests cause no REST call, and the operators' listener keeps responding.
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { keyHeader } from '../../helpers/fixtures.js';
import { toBytes } from '../../helpers/raw-upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { sendRequest, post, type HttpResponse } from '../../helpers/http.js';
import { expectErrorResponse, type Rig, startRig } from './harness.js';

const toEnvironment = (number: number) => `environment: {serviceCode: "compute-on", name: "area-${number}"}`;
// Each request names an environment of its own, so that no two share a REST call.
const toRead = (number: number) => ({ query: `{ siteToSiteVpns(${toEnvironment(number)}) { totalCount } }` });
const toReset = (number: number) => ({
  query: `mutation { resetSiteToSiteVpn(input: {${toEnvironment(number)}, id: "d49b2922-0581-4587-94df-6fe719327d0f"}) { task { status } } }`,
});
const task = { taskId: 'cd7a2da8-6739-4bf6-9e71-518831525ea0', taskStatus: 'PENDING' };

/** Expects status 200 on all paths of the operators' listener. */
async function expectOpsResponds({ gateway }: Rig): Promise<void> {
  const paths = ['/livez', '/readyz', '/metrics'];
  const responses = await Promise.all(paths.map((path) => sendRequest(`${gateway.opsUrl}${path}`)));
  expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
}

describe('MAX_IN_FLIGHT_PER_KEY', () => {
  it('rejects what a key sends beyond its limit with 429, while all other keys are served', async () => {
    const keyLimit = 8;
    const maxQueued = 32;
    const rig = await startRig({
      MAX_IN_FLIGHT_PER_KEY: String(keyLimit),
      MAX_IN_FLIGHT: '64',
      MAX_QUEUED: String(maxQueued),
    });
    const { url, upstream } = rig;
    const held: { socket: Socket; method: string }[] = [];
    upstream.script(({ headers, method }) =>
      headers.get('mc-api-key') === 'flood' ? (socket: Socket) => held.push({ socket, method }) : { data: [] },
    );
    const flood = Array.from({ length: 120 }, (_, number) =>
      post(url, number % 2 === 0 ? toRead(number) : toReset(number), keyHeader('flood')).then(rig.record),
    );
    let floodEnded = 0;
    for (const response of flood) void response.then(() => floodEnded++);
    // All that exceeds the limit and the queue has been rejected.
    await waitUntil(() => held.length === keyLimit && floodEnded >= flood.length - keyLimit - maxQueued);
    const otherResponses: HttpResponse[] = [];
    for (let round = 0; round < 5; round++) {
      const keys = Array.from({ length: 20 }, (_, number) => `other-${number}`);
      const requests = keys.map((key) => post(url, toRead(round), keyHeader(key)));
      otherResponses.push(...(await Promise.all(requests)));
      await expectOpsResponds(rig);
    }
    const respondToHeld = () => {
      for (const { socket, method } of held.splice(0)) {
        socket.write(toBytes(200, method === 'GET' ? { data: [] } : task));
      }
    };
    respondToHeld();
    // Each response admits one queued request, unless its time in the queue is over.
    const timer = setInterval(respondToHeld, 10);
    const responses = await Promise.all(flood);
    clearInterval(timer);

    expect(otherResponses.map(({ status, json }) => ({ status, json }))).toEqual(
      otherResponses.map(() => ({ status: 200, json: { data: { siteToSiteVpns: { totalCount: 0 } } } })),
    );
    const rejected = responses.filter(({ status }) => status !== 200);
    expect(rejected.length).toBeGreaterThanOrEqual(flood.length - keyLimit - maxQueued);
    for (const response of rejected) {
      expectErrorResponse(response, 429, 'RATE_LIMITED');
      expect(response.headers.get('retry-after')).toBe('1');
    }
    const calls = upstream.calls.filter(({ headers }) => headers.get('mc-api-key') === 'flood');
    const served = responses.map(({ status }, number) => ({ status, number })).filter(({ status }) => status === 200);
    expect(calls).toHaveLength(served.length);
    expect(calls.filter(({ method }) => method === 'POST')).toHaveLength(
      served.filter(({ number }) => number % 2 === 1).length,
    );
    await rig.verify();
  });
});

describe('MAX_EVENT_LOOP_DELAY_MS', () => {
  it('sheds requests with 503 while the event loop is late, and admits them again afterwards', async () => {
    // A limit that the gateway does not exceed because of other processes on a busy machine.
    const rig = await startRig({ MAX_EVENT_LOOP_DELAY_MS: '50' });
    const postRead = () => post(rig.url, { query: '{ environments { id } }' }).then(rig.record);
    const responses: HttpResponse[] = [];
    while (!responses.some(({ status }) => status === 503)) {
      // The process hardly runs, as if other work took the CPU.
      rig.gateway.signal('SIGSTOP');
      const batch = Promise.all(Array.from({ length: 5 }, postRead));
      await sleep(400);
      rig.gateway.signal('SIGCONT');
      responses.push(...(await batch));
      await expectOpsResponds(rig);
    }
    for (const response of responses.filter(({ status }) => status !== 200)) {
      expectErrorResponse(response, 503, 'OVERLOADED');
      expect(response.headers.get('retry-after')).toBe('1');
    }
    await waitUntil(async () => (await postRead()).status === 200);
    await rig.verify();
  });
});
