// Slow clients: how long, and how many bytes of, unread responses the gateway holds. Clients that read get their whole response.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { SlowClientLimits } from '../../../src/server/http/slow-clients.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { startGateway, type TestGateway } from '../../helpers/gateway.js';
import { launchGateway } from '../../helpers/process.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { startUpstream } from '../../helpers/upstream.js';
import { post } from '../../helpers/http.js';

const id = 'ca86b14f-20db-463d-b58a-9d3fa5959af2';
const name = 'x'.repeat(1_000_000);
// Five times the name: more than the operating system buffers for a connection that is not read.
const largeQuery = { query: '{ environments { a: name b: name c: name d: name e: name } }' };
const key = { 'mc-api-key': 'any-key' };
const unlimited = { idleMs: 600_000, maxBytes: Infinity };

async function start(slowClients: SlowClientLimits, length = name.length) {
  const environments = [{ id, name: name.slice(0, length) }];
  const upstream = await startUpstream(({ url }) => ({ data: url.endsWith('/environments') ? environments : [] }));
  const gateway = await startGateway(upstream.url, { maxInFlightPerKey: 0 }, { slowClients });
  return { gateway, upstream };
}

const toRequest = (query: string) =>
  `GET /graphql?query=${encodeURIComponent(query)} HTTP/1.1\r\nhost: a\r\nmc-api-key: a\r\n\r\n`;

/** Sends a request, or several at once, and reads nothing. Resolves when the gateway has created the first response. */
async function sendWithoutReading({ url, logs }: TestGateway, query = largeQuery.query, count = 1): Promise<Socket> {
  const before = logs.length;
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  addCleanup(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.pause();
  socket.write(toRequest(query).repeat(count));
  await waitUntil(() => logs.length > before);
  return socket;
}

/** Reads until the connection closes. Returns the number of bytes. */
async function readToEnd(socket: Socket): Promise<number> {
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
  return bytes;
}

describe('An unread response', () => {
  it('is dropped after idleMs, and its connection is closed', async () => {
    const { gateway } = await start({ ...unlimited, idleMs: 300 });
    const client = await sendWithoutReading(gateway);
    await sleep(1_000);

    expect(await readToEnd(client)).toBeLessThan(5 * name.length);
  });

  it('is dropped after idleMs even if it is one of many small ones', async () => {
    const { gateway } = await start({ ...unlimited, idleMs: 300 }, 30_000);
    const client = await sendWithoutReading(gateway, '{ environments { name } }', 300);
    await sleep(1_000);

    expect(await readToEnd(client)).toBeLessThan(300 * 30_000);
  });

  it('is kept while the client reads some of it within each idleMs', async () => {
    const { gateway } = await start({ ...unlimited, idleMs: 2_000 });
    const client = await sendWithoutReading(gateway);
    let bytes = 0;
    let pauses = 0;
    client.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= pauses * 300_000) return;
      pauses++;
      client.pause();
      setTimeout(() => client.resume(), 250);
    });
    client.resume();
    // It takes longer than idleMs in total, but never pauses that long.
    await waitUntil(() => bytes > 5 * name.length || client.closed);

    expect(bytes).toBeGreaterThan(5 * name.length);
  });

  it('leaves the timeouts of later responses and of the idle connection unchanged', async () => {
    const { gateway, upstream } = await start({ ...unlimited, idleMs: 300 });
    upstream.script(({ url }) => {
      if (url.endsWith('/environments')) return { data: [{ id, name }] };
      return (response) => {
        setTimeout(() => response.end(JSON.stringify({ data: [] })), 1_000);
      };
    });
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    addCleanup(() => socket.destroy());
    let received = '';
    socket.on('data', (chunk) => (received += String(chunk)));
    const delayedQuery = '{ siteToSiteVpns(environment: {serviceCode: "a", name: "b"}) { totalCount } }';
    socket.write(toRequest('{ environments { name } }') + toRequest(delayedQuery));
    await waitUntil(() => received.split('HTTP/1.1 200').length === 3);
    await sleep(1_000);
    socket.write(toRequest('{ __typename }'));
    await waitUntil(() => received.split('HTTP/1.1 200').length === 4);

    expect(socket.closed).toBe(false);
  });
});

describe('Unread responses', () => {
  it('hold at most maxBytes together: the oldest are dropped, and other clients get theirs', async () => {
    const { gateway } = await start({ ...unlimited, maxBytes: 3 * 5 * name.length + 1_000 });
    const clients: Socket[] = [];
    for (let index = 0; index < 6; index++) clients.push(await sendWithoutReading(gateway));
    const response = await post(gateway.url, largeQuery, key);
    const droppedBytes = await Promise.all(clients.slice(0, 4).map(readToEnd));

    expect(response).toMatchObject({ status: 200, json: { data: { environments: [{ e: name }] } } });
    for (const bytes of droppedBytes) expect(bytes).toBeLessThan(5 * name.length);
    for (const socket of clients.slice(4)) {
      let bytes = 0;
      socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
      socket.resume();
      await waitUntil(() => bytes > 5 * name.length);
    }
  });
});

describe('A response whose client has disconnected', () => {
  it('is not kept, nor is its connection', async () => {
    const releases: (() => void)[] = [];
    const upstream = await startUpstream(() => (response) => {
      releases.push(() => response.end(JSON.stringify({ data: [] })));
    });
    // queryObjects collects garbage before it counts.
    const script = `
      import { Socket } from 'node:net';
      import { queryObjects } from 'node:v8';
      process.on('SIGWINCH', () => {
        console.log(JSON.stringify({ msg: 'held', sockets: queryObjects(Socket, { format: 'count' }) }));
      });`;
    const gateway = await launchGateway({
      CLOUDCA_API_URL: upstream.url,
      PLAYGROUND: 'false',
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(script)}`,
    });
    for (let index = 0; index < 60; index++) {
      const disconnect = new AbortController();
      // Its own key, since reads of one key are coalesced.
      const headers = { 'mc-api-key': `key-${index}` };
      const pending = post(gateway.url, { query: '{ environments { id } }' }, headers, disconnect.signal).catch(
        () => 'disconnected',
      );
      await waitUntil(() => releases.length > index);
      disconnect.abort();
      expect(await pending).toBe('disconnected');
    }
    await waitUntil(() => gateway.lines().filter(({ msg }) => msg === 'operation').length === 60);
    for (const release of releases) release();
    gateway.signal('SIGWINCH');
    await gateway.waitForLog('held');

    // The rest are listeners and connections to the REST API.
    expect(gateway.lines().find(({ msg }) => msg === 'held')?.['sockets']).toBeLessThan(30);
  });
});
