// Where the stock stack fails, of docs/reliability.md's table: what no other file holds.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { toBytes } from '../../helpers/raw-upstream.js';
import { until } from '../../helpers/until.js';
import { ask, post } from '../../helpers/wire.js';
import { expectNoLeak, expectWellFormed, keyHeaders, startRig } from './harness.js';

const list = { query: '{ environments { id } }' };

describe('A caller who leaves once its body has been read', () => {
  it('has its read ended at the REST API, and who stays has not', async () => {
    const { url, upstream, settle, ask: askWithKey } = await startRig();
    const held: Socket[] = [];
    upstream.script(() => (socket) => held.push(socket));
    const staying = askWithKey(list);
    await until(() => held.length === 1);
    const leaving = new AbortController();
    const left = fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'mc-api-key': 'another' },
      body: JSON.stringify(list),
      signal: leaving.signal,
    }).catch(() => 'left');
    await until(() => held.length === 2);
    const [kept, dropped] = held;
    const closed = dropped && once(dropped, 'close');
    leaving.abort();

    expect(await left).toBe('left');
    await closed;
    kept?.write(toBytes(200, { data: [] }));
    expect(await staying).toMatchObject({ status: 200, json: { data: { environments: [] } } });
    await settle();
  });
});

describe('Without NODE_ENV', () => {
  it('what is switched off is off, and no stack is told', async () => {
    const { url } = await startRig({ INTROSPECTION: 'false', PLAYGROUND: 'false' });
    const refusals = [
      await post(url, { query: '{ __schema { queryType { name } } }' }),
      await post(url, { query: '{ nothing }' }),
      await post(url, '{'),
      await ask(url, { headers: { accept: 'text/html' } }),
    ];

    for (const refusal of refusals) {
      expect(refusal.status).toBe(400);
      expectWellFormed(refusal);
      expectNoLeak(refusal.text);
      expect(refusal.text).not.toMatch(/stacktrace|<html/i);
    }
  });
});

describe('A gateway that is full', () => {
  it.each(['MAX_IN_FLIGHT', 'MAX_CONNECTIONS'])(
    'by %s sheds callers, and neither health checks nor metrics',
    async (limit) => {
      const { url, upstream, gateway } = await startRig({ [limit]: '1' });
      const held: Socket[] = [];
      upstream.script(() => (socket) => held.push(socket));
      const working = post(url, list, keyHeaders);
      await until(() => held.length === 1);

      expect(await post(url, list, { 'mc-api-key': 'another' })).toMatchObject({ status: 503 });
      const health = ['/livez', '/readyz', '/metrics'].map((path) => ask(`${gateway.opsUrl}${path}`));
      expect((await Promise.all(health)).map(({ status }) => status)).toEqual([200, 200, 200]);
      held[0]?.write(toBytes(200, { data: [] }));
      expect(await working).toMatchObject({ status: 200 });
    },
  );
});
