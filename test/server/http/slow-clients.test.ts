// Slow clients: how long, and how many bytes of, unread responses the gateway holds. Clients that read get their whole response.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import type { SlowClientLimits } from '../../../src/server/http/slow-clients.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { environmentLiteral, keyHeader, otherVpnId } from '../../helpers/fixtures.js';
import { startGateway, type TestGateway } from '../../helpers/gateway.js';
import { post } from '../../helpers/http.js';
import { launchGateway } from '../../helpers/process.js';
import { startUpstream, type Upstream } from '../../helpers/upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';

const longName = 'x'.repeat(2_000_000);
const name = longName.slice(0, 1_000_000);
const aliases = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];
/** Returns a query whose response has `name` a number of times. */
const repeatName = (count: number) =>
  `{ environments { ${aliases
    .slice(0, count)
    .map((alias) => `${alias}: name`)
    .join(' ')} } }`;
// Five times the name: more than the operating system buffers for a connection that is not read.
const largeQuery = repeatName(5);
const unlimited = { idleMs: 600_000, maxBytes: Infinity };

/** A gateway, and the connections that it has accepted, in order. */
interface Rig {
  readonly gateway: TestGateway;
  readonly upstream: Upstream;
  readonly connections: readonly Socket[];
}

/** Starts a gateway on a REST API with one environment, whose name has `length` bytes. */
async function start(slowClients: SlowClientLimits, length = name.length): Promise<Rig> {
  const environments = [{ id: otherVpnId, name: longName.slice(0, length) }];
  const upstream = await startUpstream(({ url }) => ({ data: url.endsWith('/environments') ? environments : [] }));
  const gateway = await startGateway({ restApi: upstream.url, config: { maxInFlightPerKey: 0 }, slowClients });
  const connections: Socket[] = [];
  gateway.app.server.on('connection', (connection) => connections.push(connection));
  return { gateway, upstream, connections };
}

const toRequest = (query: string, key = 'any-key') =>
  `GET /graphql?query=${encodeURIComponent(query)} HTTP/1.1\r\nhost: a\r\nmc-api-key: ${key}\r\n\r\n`;

/** A client that does not read, and the connection at the gateway. */
interface UnreadConnection {
  readonly client: Socket;
  readonly connection: Socket;
}

/** Sends requests at once, and reads nothing. Resolves when the gateway has created the first response. */
async function sendWithoutReading({ gateway, connections }: Rig, requests: string): Promise<UnreadConnection> {
  const connectionsBefore = connections.length;
  const linesBefore = gateway.logs.length;
  const { hostname, port } = new URL(gateway.url);
  const client = connect(Number(port), hostname);
  addCleanup(() => client.destroy());
  client.on('error', () => undefined);
  client.pause();
  client.write(requests);
  await waitUntil(() => gateway.logs.length > linesBefore);
  const connection = connections[connectionsBefore];
  if (connection === undefined) throw new TypeError('The gateway has accepted no connection.');
  return { client, connection };
}

/** Sends a request, reads nothing, and waits until the gateway closes the connection: `idleMs` have passed by then. */
async function waitForIdleTimeout(rig: Rig): Promise<void> {
  const { connection } = await sendWithoutReading(rig, toRequest(largeQuery, 'idle-key'));
  await waitUntil(() => connection.closed);
}

/** Reads until the connection closes. Returns the number of bytes. */
async function readToEnd(client: Socket): Promise<number> {
  let bytes = 0;
  client.on('data', (chunk: Buffer) => (bytes += chunk.length));
  client.resume();
  if (!client.closed) await once(client, 'close');
  return bytes;
}

/** Reads a chunk, at most 64 KiB, every 40 ms. */
function readSlowly(client: Socket) {
  let bytes = 0;
  let maxPauseMs = 0;
  let isSlow = true;
  let lastReadAt = performance.now();
  client.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    maxPauseMs = Math.max(maxPauseMs, performance.now() - lastReadAt);
    lastReadAt = performance.now();
    if (!isSlow) return;
    client.pause();
    setTimeout(() => client.resume(), 40);
  });
  client.resume();
  return {
    /** Returns the number of bytes so far. */
    bytes: () => bytes,
    /** Returns the longest time between two chunks, in milliseconds. */
    maxPauseMs: () => maxPauseMs,
    /** Reads without pauses from now on. */
    speedUp: () => {
      isSlow = false;
      maxPauseMs = 0;
    },
  };
}

describe('An unread response', () => {
  it('is dropped after idleMs, and its connection is closed', async () => {
    const rig = await start({ ...unlimited, idleMs: 100 });
    const { client, connection } = await sendWithoutReading(rig, toRequest(largeQuery));
    await waitUntil(() => connection.closed);

    expect(await readToEnd(client)).toBeLessThan(5 * name.length);
  });

  it('is dropped after idleMs even if it is one of many small ones', async () => {
    const rig = await start({ ...unlimited, idleMs: 100 }, 60_000);
    const requests = toRequest('{ environments { name } }').repeat(120);
    const { client, connection } = await sendWithoutReading(rig, requests);
    await waitUntil(() => connection.closed);

    expect(await readToEnd(client)).toBeLessThan(120 * 60_000);
  });

  it('is kept while the client reads some of it within each idleMs', async () => {
    // The operating system may tell the gateway only now and then that the client has read, e.g. when it has read 2 MB.
    const idleMs = 3_000;
    const size = aliases.length * longName.length;
    const attempt = async () => {
      const rig = await start({ ...unlimited, idleMs }, longName.length);
      const { client, connection } = await sendWithoutReading(rig, toRequest(repeatName(aliases.length)));
      const reader = readSlowly(client);
      await waitForIdleTimeout(rig);
      const maxPauseMs = reader.maxPauseMs();
      const wasUnread = connection.writableLength > 0;
      reader.speedUp();
      await waitUntil(() => reader.bytes() > size || client.closed);
      return { wasUnread, isComplete: reader.bytes() > size, maxPauseMs };
    };
    let result = await attempt();
    // The machine may have stopped this process for so long that the client did not read in time.
    while (result.maxPauseMs > idleMs / 2) result = await attempt();

    expect(result).toMatchObject({ wasUnread: true, isComplete: true });
  });

  it('leaves the timeouts of later responses and of the idle connection unchanged', async () => {
    const rig = await start({ ...unlimited, idleMs: 100 });
    const { gateway, upstream } = rig;
    let heldResponse: ServerResponse | undefined;
    upstream.script(({ url, headers }) => {
      // Small enough to be sent at once, so that the client may take any time to read it.
      const length = headers['mc-api-key'] === 'idle-key' ? name.length : 100_000;
      if (url.endsWith('/environments')) return { data: [{ id: otherVpnId, name: longName.slice(0, length) }] };
      return (response) => {
        heldResponse = response;
      };
    });
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    addCleanup(() => socket.destroy());
    let received = '';
    socket.on('data', (chunk) => (received += String(chunk)));
    const hasResponses = (count: number) => received.split('HTTP/1.1 200').length === 1 + count;
    const heldQuery = `{ siteToSiteVpns(environment: ${environmentLiteral}) { totalCount } }`;
    socket.write(toRequest('{ environments { name } }') + toRequest(heldQuery));
    await waitUntil(() => hasResponses(1) && heldResponse !== undefined);
    await waitForIdleTimeout(rig);
    heldResponse?.end(JSON.stringify({ data: [] }));
    await waitUntil(() => hasResponses(2));
    await waitForIdleTimeout(rig);
    socket.write(toRequest('{ __typename }'));
    await waitUntil(() => hasResponses(3));

    expect(socket.closed).toBe(false);
  });
});

describe('Unread responses', () => {
  it('hold at most maxBytes together: the oldest are dropped, and other clients get theirs', async () => {
    const rig = await start({ ...unlimited, maxBytes: 3 * 5 * name.length + 1_000 });
    const clients: Socket[] = [];
    for (let index = 0; index < 6; index++) {
      clients.push((await sendWithoutReading(rig, toRequest(largeQuery))).client);
    }
    const response = await post(rig.gateway.url, { query: largeQuery }, keyHeader('any-key'));
    const droppedBytes = await Promise.all(clients.slice(0, 4).map(readToEnd));

    expect(response).toMatchObject({ status: 200, json: { data: { environments: [{ e: name }] } } });
    for (const bytes of droppedBytes) expect(bytes).toBeLessThan(5 * name.length);
    for (const client of clients.slice(4)) {
      let bytes = 0;
      client.on('data', (chunk: Buffer) => (bytes += chunk.length));
      client.resume();
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
      const headers = keyHeader(`key-${index}`);
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
