// Unsafe defaults of the stack (docs/reliability.md) that the gateway overrides and no other file tests.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { keyHeader } from '../../helpers/fixtures.js';
import { toBytes } from '../../helpers/raw-upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { sendRequest, post } from '../../helpers/http.js';
import { expectNoLeak, expectWellFormed, keyHeaders, startRig } from './harness.js';

const listRequest = { query: '{ environments { id } }' };
const limits = ['MAX_IN_FLIGHT', 'MAX_CONNECTIONS'] as const;
const [rig, ...limitedRigs] = await Promise.all([
  startRig({ INTROSPECTION: 'false', PLAYGROUND: 'false' }),
  ...limits.map((limit) => startRig({ [limit]: '1' })),
]);

describe('Client that disconnects after the gateway has read its body', () => {
  it('ends its own REST call and no call of another client', async () => {
    const { url, upstream, verify, post: postWithKey } = rig;
    const pending: Socket[] = [];
    upstream.script(() => (socket) => pending.push(socket));
    const completed = postWithKey(listRequest);
    await waitUntil(() => pending.length === 1);
    const disconnection = new AbortController();
    const aborted = fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...keyHeader('another') },
      body: JSON.stringify(listRequest),
      signal: disconnection.signal,
    }).catch(() => 'aborted');
    await waitUntil(() => pending.length === 2);
    const [completedCall, abortedCall] = pending;
    const closed = abortedCall && once(abortedCall, 'close');
    disconnection.abort();

    expect(await aborted).toBe('aborted');
    await closed;
    completedCall?.write(toBytes(200, { data: [] }));
    expect(await completed).toMatchObject({ status: 200, json: { data: { environments: [] } } });
    await verify();
  });
});

describe('Gateway without NODE_ENV', () => {
  it('keeps introspection and the playground off, and reveals no stack trace', async () => {
    const { url } = rig;
    const responses = [
      await post(url, { query: '{ __schema { queryType { name } } }' }),
      await post(url, { query: '{ nothing }' }),
      await post(url, '{'),
      await sendRequest(url, { headers: { accept: 'text/html' } }),
    ];

    for (const response of responses) {
      expect(response.status).toBe(400);
      expectWellFormed(response);
      expectNoLeak(response.text);
      expect(response.text).not.toMatch(/stacktrace|<html/i);
    }
  });
});

describe('Gateway at a limit', () => {
  it.each(limitedRigs.map((limitedRig, index) => ({ limit: limits[index], rig: limitedRig })))(
    'rejects requests beyond $limit, but serves health checks and metrics',
    async ({ rig: { url, upstream, gateway } }) => {
      const pending: Socket[] = [];
      upstream.script(() => (socket) => pending.push(socket));
      const inFlight = post(url, listRequest, keyHeaders);
      await waitUntil(() => pending.length === 1);

      expect(await post(url, listRequest, keyHeader('another'))).toMatchObject({ status: 503 });
      const opsResponses = ['/livez', '/readyz', '/metrics'].map((path) => sendRequest(`${gateway.opsUrl}${path}`));
      expect((await Promise.all(opsResponses)).map(({ status }) => status)).toEqual([200, 200, 200]);
      pending[0]?.write(toBytes(200, { data: [] }));
      expect(await inFlight).toMatchObject({ status: 200 });
    },
  );
});
