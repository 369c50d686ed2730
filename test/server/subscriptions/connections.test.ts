// Open connections: how many one key and the process may have, and which ones make room for others.
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { addCleanup } from '../../helpers/cleanup.js';
import { environmentLiteral, keyHeader, otherKey, taskId } from '../../helpers/fixtures.js';
import { post } from '../../helpers/http.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { taskSubscription, vpnsSubscription } from './mutable-rest-api.js';
import { startOnRestApi } from './polling-gateway.js';
import { openAcknowledgedSocket, openSocket, subscribeBySse } from './subscribers.js';

const subscribe = { id: '1', type: 'subscribe', payload: { query: taskSubscription } };
const typename = { query: '{ __typename }' };
const tooMany = { code: 1013, reason: 'Too many connections. Try again in 1 s.' };
const closing = { connection: 'close' };

/** Opens a WebSocket with one open subscription. */
async function openBusySocket(url: string, key?: string) {
  const socket = await openAcknowledgedSocket(url, key);
  socket.send(subscribe);
  await socket.waitForMessages(2);
  return socket;
}

/** Opens a TCP connection. `closed` resolves when the gateway has closed it. */
async function openConnection(url: string) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  addCleanup(() => socket.destroy());
  let received = '';
  socket.on('data', (chunk) => (received += String(chunk)));
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  return { socket, closed, received: () => received };
}

describe('The query parameter affinity, by which a load balancer may route', () => {
  const affinity = '?affinity=0a1b2c3d';

  it('is ignored by WebSockets, event streams and operations', async () => {
    const { url } = await startOnRestApi();
    const socket = await openBusySocket(url + affinity);
    expect(socket.messages[1]).toMatchObject({ id: '1', type: 'next', payload: { data: {} } });
    socket.webSocket.terminate();
    const stream = await fetch(`${url}/stream${affinity}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...keyHeader() },
      body: JSON.stringify(subscribe.payload),
    });
    expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/);
    await stream.body?.cancel();
    expect(await post(url + affinity, typename, closing)).toMatchObject({
      status: 200,
      text: '{"data":{"__typename":"Query"}}\n',
    });
  });
});

describe('MAX_CONNECTIONS', () => {
  it('closes one more WebSocket with 1013 and rejects HTTP with 503, until one closes', async () => {
    const { url, metrics } = await startOnRestApi({ maxConnections: 2 });
    const first = await openBusySocket(url);
    const second = await openBusySocket(url);
    const third = await openSocket(url);
    await third.waitForClose();
    expect(third.closed).toEqual(tooMany);
    const shed = await post(url, typename, closing);
    expect(shed.status).toBe(503);
    expect(shed.headers.get('retry-after')).toBe('1');
    expect(shed.json).toMatchObject({
      errors: [{ extensions: { code: 'OVERLOADED', requestId: shed.headers.get('x-request-id') } }],
    });
    expect(await metrics.text()).toContain('gateway_shed_total{reason="connections"} 2');
    second.webSocket.close();
    // The gateway may count the connection for a moment after its client has seen it close.
    await waitUntil(async () => (await post(url, typename, closing)).status === 200);
    expect(first.closed).toBeUndefined();
  });

  it('closes the oldest connection on which no request is pending, for each new one', async () => {
    const { url, rest, metrics } = await startOnRestApi({ maxConnections: 4 });
    const subscriber = await openBusySocket(url);
    let release: () => void = () => undefined;
    rest.state.override = ({ url: target }) =>
      target.endsWith('/vpcs')
        ? (response) => {
            release = () => response.end('{"data":[]}');
          }
        : { taskId, taskStatus: 'PENDING' };
    const reading = post(
      url,
      { query: `{ vpcs(environment: ${environmentLiteral}) { totalCount } }` },
      { ...closing, ...keyHeader() },
    );
    await waitUntil(() => rest.calls.some(({ url: target }) => target.endsWith('/vpcs')));
    const [silent, incomplete, kept] = [
      await openConnection(url),
      await openConnection(url),
      await openConnection(url),
    ];
    incomplete.socket.write('POST /graphql HTTP/1.1\r\nhost: a\r\n');
    await silent.closed;
    const newest = await openConnection(url);
    await incomplete.closed;

    newest.socket.write('GET /graphql?query={__typename} HTTP/1.1\r\nhost: a\r\nmc-api-key: a\r\n\r\n');
    await waitUntil(() => newest.received().startsWith('HTTP/1.1 200 OK'));
    release();
    expect(await reading).toMatchObject({ json: { data: { vpcs: { totalCount: 0 } } } });
    expect(subscriber.closed).toBeUndefined();
    expect(kept.socket.destroyed).toBe(false);
    expect(await metrics.text()).toContain('gateway_shed_total{reason="connections"} 2');
  });

  it('closes a connection whose event stream has ended, but none whose stream is open', async () => {
    const { url, rest } = await startOnRestApi({ maxConnections: 3 });
    const openStream = async (query: string) => {
      const connection = await openConnection(url);
      const search = new URLSearchParams({ query }).toString();
      const accept = `accept: text/event-stream\r\nmc-api-key: ${otherKey}`;
      connection.socket.write(`GET /graphql/stream?${search} HTTP/1.1\r\nhost: a\r\n${accept}\r\n\r\n`);
      await waitUntil(() => connection.received().includes('event: next'));
      return connection;
    };
    const open = await openStream(vpnsSubscription);
    const ended = await openStream(taskSubscription);
    rest.state.taskStatus = 'SUCCESS';
    // The last chunk of the response.
    await waitUntil(() => ended.received().endsWith('\r\n0\r\n\r\n'));
    const [kept, newest] = [await openConnection(url), await openConnection(url)];
    await ended.closed;
    expect([open, kept, newest].map(({ socket }) => socket.destroyed)).toEqual([false, false, false]);
  });

  it('keeps a tenth for requests that are neither WebSockets nor event streams', async () => {
    const { url } = await startOnRestApi({ maxConnections: 10 });
    for (let count = 0; count < 9; count++) await openBusySocket(url, `key-${count}`);
    const socket = await openSocket(url);
    await socket.waitForClose();
    const stream = await post(
      `${url}/stream`,
      { query: vpnsSubscription },
      { accept: 'text/event-stream', ...closing, ...keyHeader() },
    );

    expect(socket.closed).toEqual(tooMany);
    expect(stream).toMatchObject({ status: 503, json: { errors: [{ extensions: { code: 'OVERLOADED' } }] } });
    expect(stream.headers.get('retry-after')).toBe('1');
    expect((await post(url, typename, closing)).status).toBe(200);
  });

  it('closes WebSockets without a subscription for others: the oldest of the key with most connections', async () => {
    const { url } = await startOnRestApi({ maxConnections: 10 });
    const honest = await openAcknowledgedSocket(url, 'honest-key');
    const flood = [await openBusySocket(url, 'made-up-key')];
    while (flood.length < 8) flood.push(await openAcknowledgedSocket(url, 'made-up-key'));
    const newcomers = [await openAcknowledgedSocket(url, 'newcomer'), await openAcknowledgedSocket(url, 'newcomer')];
    await waitUntil(() => flood.filter(({ closed }) => closed !== undefined).length === 2);

    expect(flood.map(({ closed }) => closed)).toEqual([undefined, tooMany, tooMany, ...Array<undefined>(5)]);
    expect([honest, ...newcomers].map(({ closed }) => closed)).toEqual([undefined, undefined, undefined]);
  });

  it('closes a WebSocket again once its last subscription has ended, if another needs its place', async () => {
    const { url, rest } = await startOnRestApi({ maxConnections: 1 });
    const first = await openBusySocket(url);
    rest.state.taskStatus = 'SUCCESS';
    await waitUntil(() => JSON.stringify(first.messages).includes('"complete"'));
    const second = await openAcknowledgedSocket(url);
    await first.waitForClose();

    expect(first.closed).toEqual(tooMany);
    expect(second.closed).toBeUndefined();
  });

  it('terminates a WebSocket whose client does not respond to the close', async () => {
    const { url } = await startOnRestApi({ maxConnections: 1 });
    const first = await openAcknowledgedSocket(url);
    first.webSocket.pause();
    await openAcknowledgedSocket(url);
    first.webSocket.resume();
    await first.waitForClose();
    expect(first.closed?.code).toBeGreaterThan(1000);
  });
});

describe('MAX_CONNECTIONS_PER_KEY', () => {
  it('rejects one more WebSocket or event stream of a key, until one closes, and none of another key', async () => {
    const { url, metrics } = await startOnRestApi({ maxConnectionsPerKey: 2 });
    const socket = await openAcknowledgedSocket(url);
    const stream = subscribeBySse(url)(vpnsSubscription);
    await stream.waitForEvents(1);
    const third = await openSocket(url);
    third.send({ type: 'connection_init', payload: keyHeader() });
    await third.waitForClose();
    expect(third.closed).toEqual({ code: 1013, reason: 'This API key has too many connections. Try again in 1 s.' });
    const request = () =>
      post(`${url}/stream`, { query: `subscription { nothing }` }, { accept: 'text/event-stream', ...keyHeader() });
    const rejected = await request();
    expect(rejected).toMatchObject({ status: 429, json: { errors: [{ extensions: { code: 'RATE_LIMITED' } }] } });
    expect(rejected.headers.get('retry-after')).toBe('1');
    expect(await metrics.text()).toContain('gateway_shed_total{reason="connections_of_key"} 2');
    await openAcknowledgedSocket(url, otherKey);
    socket.webSocket.close();
    await waitUntil(async () => (await request()).status === 400);
    // A rejected stream does not count.
    expect((await request()).status).toBe(400);
    stream.unsubscribe();
  });

  it('is no limit at 0', async () => {
    const { url } = await startOnRestApi({ maxConnectionsPerKey: 0 });
    const sockets = await Promise.all(Array.from({ length: 5 }, () => openAcknowledgedSocket(url)));

    expect(sockets.map(({ closed }) => closed)).toEqual(sockets.map(() => undefined));
  });
});
