// The order of requests that arrive at the same time: which of them count as requests of one client.
import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { addCleanup } from '../../helpers/cleanup.js';
import { range } from '../../helpers/fixtures.js';
import { startGateway } from '../../helpers/gateway.js';
import { json, startUpstream } from '../../helpers/upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';

const floodCount = 50;

/** Starts a gateway whose REST API accepts one key. Returns a function that sends requests at once, and resolves to their keys as served. */
async function start() {
  const upstream = await startUpstream();
  const gateway = await startGateway({ restApi: upstream.url, config: { trustedProxies: 1 } });
  await gateway.run('{ environments { id } }', {}, { key: 'accepted' });
  upstream.script(({ headers }) => json(headers['mc-api-key'] === 'accepted' ? 200 : 401, { data: [] }));
  let accepted = 0;
  gateway.app.server.on('connection', () => accepted++);
  const { hostname, port } = new URL(gateway.url);
  return async (requests: readonly { readonly key: string; readonly address: string }[]) => {
    const sockets = requests.map(() => connect(Number(port), hostname));
    addCleanup(() => {
      for (const socket of sockets) socket.destroy();
    });
    await waitUntil(() => accepted === requests.length);
    for (const [index, { key, address }] of requests.entries()) {
      const headers = ['host: a', `mc-api-key: ${key}`, `x-forwarded-for: ${address}`];
      sockets[index]?.write(`GET /graphql?query={environments{id}} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
    }
    await waitUntil(() => upstream.calls.length === requests.length);
    return upstream.calls.map(({ headers }) => headers['mc-api-key']);
  };
}

const flood = range(floodCount).map((index) => ({ key: `made-up ${index}`, address: '198.51.100.1' }));

describe('Requests that arrive at once', () => {
  it('take turns by key if the REST API has accepted it', async () => {
    const send = await start();
    const served = await send([...flood, { key: 'accepted', address: '198.51.100.1' }]);
    expect(served.indexOf('accepted')).toBeLessThan(floodCount / 2);
  });

  it('take turns by address for all other keys', async () => {
    const send = await start();
    const served = await send([...flood, { key: 'new', address: '198.51.100.2' }]);
    expect(served.indexOf('new')).toBeLessThan(floodCount / 2);
  });
});
