// Measures what the gateway keeps in memory of a request, while its connection is idle or its operation waits.
import { describe, expect, it } from '@jest/globals';
import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { addCleanup } from '../helpers/cleanup.js';
import { collectGarbage } from '../helpers/collect-garbage.js';
import { environmentLiteral, keyHeader, range, wireVpn } from '../helpers/fixtures.js';
import { startGateway } from '../helpers/gateway.js';
import { raw, startUpstream } from '../helpers/upstream.js';
import { waitUntil } from '../helpers/wait-until.js';
import { vpnsSubscription } from './subscriptions/mutable-rest-api.js';
import { openAcknowledgedSocket, openSocket } from './subscriptions/subscribers.js';

const rest = await startUpstream(() => ({ data: [wireVpn()] }));
const gateway = await startGateway({ restApi: rest.url, config: { watchPollMs: 600_000 } });
const connections: Socket[] = [];
gateway.app.server.on('connection', (connection) => connections.push(connection));

const count = 40;
const large = 'x'.repeat(120_000);
// Each has a key of its own, since reads of one key share a REST call.
let posts = 0;

/** Returns how much memory `work` leaves in use, in units of `large`, for each of its repetitions. */
async function measure(work: () => Promise<void>): Promise<number> {
  // The first time, code is compiled and caches are filled.
  await work();
  const before = collectGarbage();
  for (let done = 0; done < count; done++) await work();
  const after = collectGarbage();
  return (after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers) / count / large.length;
}

/** Posts an operation with large variables and extensions that it does not use. Does not read the response. */
function postWithoutReading(query: string): Socket {
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1').pause();
  addCleanup(() => socket.destroy());
  const body = JSON.stringify({ query, variables: { large }, extensions: { large: `${large} ` } });
  const headers = `host: localhost\r\nmc-api-key: key-${posts++}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
  socket.write(`POST /graphql HTTP/1.1\r\n${headers}\r\n\r\n${body}`);
  return socket;
}

describe('A WebSocket', () => {
  it('does not hold the request of its handshake', async () => {
    const requests: WeakRef<object>[] = [];
    gateway.app.server.once('upgrade', (request: object) => requests.push(new WeakRef(request)));
    await openAcknowledgedSocket(gateway.url);
    collectGarbage();
    expect(requests.map((request) => request.deref())).toEqual([undefined]);
  });

  it('holds nothing of connection_init but its key', async () => {
    const held = await measure(async () => {
      const socket = await openSocket(gateway.url);
      socket.send({ type: 'connection_init', payload: { ...keyHeader(), large } });
      await socket.waitForMessages(1);
    });
    expect(held).toBeLessThan(0.7);
  });

  it('does not hold messages that it has read but not handled once its connection has closed', async () => {
    const { webSocket } = await openAcknowledgedSocket(gateway.url);
    const connection = connections.at(-1);
    const read: WeakRef<object>[] = [];
    connection?.on('data', (chunk: Buffer) => {
      read.push(new WeakRef(chunk.buffer));
      connection.destroy();
    });
    for (let sent = 0; sent < 3_000; sent++) webSocket.send('{"type":"pong"}');
    await waitUntil(() => connection?.closed === true);
    for (let turn = 0; turn < 10; turn++) await nextTurn();
    collectGarbage();
    expect(read.map((buffer) => buffer.deref() === undefined)).toEqual([true]);
  });

  it('holds nothing of a subscribe message but its operation', async () => {
    const socket = await openAcknowledgedSocket(gateway.url);
    let id = 0;
    const held = await measure(async () => {
      const messages = socket.messages.length;
      const payload = { query: vpnsSubscription, extensions: { traceparent: large } };
      socket.send({ id: String(id++), type: 'subscribe', payload });
      await socket.waitForMessages(messages + 1);
    });
    expect(held).toBeLessThan(0.5);
    socket.webSocket.terminate();
  });
});

describe('An operation in progress', () => {
  it('holds nothing of its request that it does not use', async () => {
    rest.script(() => () => undefined);
    const held = await measure(async () => {
      const calls = rest.calls.length;
      postWithoutReading(`{ siteToSiteVpns(environment: ${environmentLiteral}) { totalCount } }`);
      await waitUntil(() => rest.calls.length > calls);
    });
    expect(held).toBeLessThan(1.5);
  });
});

describe('A read that pauses before a retry', () => {
  it('does not hold the body of the response before', async () => {
    const reads = 5;
    const body = { data: large.repeat(40) };
    // The log has a line for each byte order mark, so it tells when a response has been read.
    rest.script(() => raw(503, `\ufeff${JSON.stringify(body)}`, { 'retry-after': '5' }));
    const linesBefore = gateway.logs.length;
    const before = collectGarbage();
    const sockets = range(reads).map(() =>
      postWithoutReading(`{ siteToSiteVpns(environment: ${environmentLiteral}) { totalCount } }`),
    );
    await waitUntil(() => gateway.logs.length === linesBefore + reads);
    const after = collectGarbage();
    expect(after.heapUsed - before.heapUsed).toBeLessThan(2 * body.data.length);
    for (const socket of sockets) socket.destroy();
  });
});

describe('A response that its client does not read', () => {
  it('holds its bytes, and nothing else of what its operation has read', async () => {
    // More than the buffers of the operating system take.
    const name = large.repeat(66);
    rest.script(() => ({ data: [wireVpn({ name })] }));
    const query = `{ siteToSiteVpns(environment: ${environmentLiteral}) { nodes { name again: name } } }`;
    const before = collectGarbage();
    const socketsBefore = connections.length;
    const sockets = range(3).map(() => postWithoutReading(query));
    await waitUntil(() => connections.slice(socketsBefore).filter((socket) => socket.writableLength > 0).length === 3);
    const after = collectGarbage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeGreaterThan(3 * 2 * name.length);
    // The REST API of this test holds one of them.
    expect(after.heapUsed - before.heapUsed).toBeLessThan(2 * name.length);
    for (const socket of sockets) socket.destroy();
  });
});
