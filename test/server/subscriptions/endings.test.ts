// How connections and subscriptions end on errors and limits. Other subscriptions continue, and no poll stays behind.
import { describe, expect, it } from '@jest/globals';
import { Agent, request, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { environmentLiteral, keyHeader, otherKey } from '../../helpers/fixtures.js';
import { post, sendLines } from '../../helpers/http.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { taskSubscription, vpnSubscription, vpnsSubscription, isSilent } from './mutable-rest-api.js';
import { startOnRestApi } from './polling-gateway.js';
import {
  subscribeBySse,
  subscribeByWebSocket,
  openAcknowledgedSocket,
  openSocket,
  openSocketOnStream,
} from './subscribers.js';

const subscribe = (id: string, query: string) => ({ id, type: 'subscribe', payload: { query } });
const next = (id: string) => expect.objectContaining({ id, type: 'next' });
const streamHeaders = { accept: 'text/event-stream', ...keyHeader() };
const listQuery = `{ siteToSiteVpns(environment: ${environmentLiteral}) { totalCount } }`;

describe('a WebSocket without connection_init', () => {
  const clock = useFakeClock(['setTimeout']);

  it('is closed with 4408 after 3 s', async () => {
    const { url } = await startOnRestApi();
    const late = await openSocket(url);
    const early = await openSocket(url);
    clock.advance(2_999);
    early.send({ type: 'connection_init', payload: keyHeader() });
    await early.waitForMessages(1);
    clock.advance(1);
    await late.waitForClose();
    expect(late.closed).toEqual({ code: 4408, reason: 'Connection initialisation timeout' });
    expect(late.messages).toEqual([]);
    expect(early).toMatchObject({ closed: undefined, messages: [{ type: 'connection_ack' }] });
  });
});

describe('a WebSocket to /graphql', () => {
  it.each([
    ['no payload', undefined],
    ['a payload without a key', { authorization: 'canary' }],
    ['an empty key', { 'MC-Api-Key': ' ' }],
    ['a key that is not a string', { 'MC-Api-Key': 1 }],
    ['a key that cannot be a header value', { 'MC-Api-Key': 'a\nb' }],
    ['a key of 257 characters', { 'MC-Api-Key': 'x'.repeat(257) }],
  ])('is closed with 4401 for %s', async (_name, payload) => {
    const { url, rest } = await startOnRestApi();
    const socket = await openSocket(url);
    socket.send({ type: 'connection_init', payload });
    await socket.waitForClose();
    expect(socket.closed).toEqual({
      code: 4401,
      reason: 'The API key is missing or malformed. Send it as MC-Api-Key in connection_init.',
    });
    expect(socket.messages).toEqual([]);
    expect(rest.calls).toEqual([]);
  });

  it('is closed with 4400 for two keys whose names differ in case', async () => {
    const { url } = await startOnRestApi();
    const socket = await openSocket(url);
    socket.send({ type: 'connection_init', payload: { 'MC-Api-Key': 'a', 'mc-api-key': 'a' } });
    await socket.waitForClose();
    expect(socket.closed).toEqual({ code: 4400, reason: 'Send one MC-Api-Key in connection_init, not several.' });
    expect(socket.messages).toEqual([]);
  });

  it('is closed with 4401 if the client subscribes before connection_ack', async () => {
    const { url, rest } = await startOnRestApi();
    const socket = await openSocket(url);
    socket.send(subscribe('1', vpnsSubscription));
    await socket.waitForClose();
    expect(socket.closed).toEqual({ code: 4401, reason: 'Unauthorized' });
    expect(rest.calls).toEqual([]);
  });

  it.each([null, 'graphql-ws', 'other'])('is closed with 4406 for the subprotocol %s, and logged', async (protocol) => {
    const { url, logs } = await startOnRestApi();
    const socket = await openSocket(url, { protocol });
    await socket.waitForClose();
    const reason =
      'Use the subprotocol graphql-transport-ws (npm graphql-ws), not graphql-ws (subscriptions-transport-ws).';
    expect(socket.closed).toEqual({ code: 4406, reason });
    expect(logs).toContainEqual(expect.objectContaining({ msg: 'invalid WebSocket handshake', reason }));
  });

  it.each([
    ['a message that is not JSON', '{canary'],
    ['a JSON string', '"canary"'],
    ['a message of an unknown type', '{"type":"start"}'],
    ['a subscription without a query', '{"id":"1","type":"subscribe","payload":{}}'],
  ])('is closed with 4400 for %s', async (_name, text) => {
    const { url, logs } = await startOnRestApi();
    const socket = await openAcknowledgedSocket(url);
    socket.webSocket.send(text);
    await socket.waitForClose();
    expect(socket.closed).toEqual({ code: 4400, reason: 'Invalid message received' });
    expect(JSON.stringify(logs)).not.toMatch(/canary|unexpected/);
  });

  it('is closed with 4409 for an id in use, and with 4429 for a second connection_init', async () => {
    const { url } = await startOnRestApi();
    const reusing = await openAcknowledgedSocket(url);
    // Too long for a close reason.
    const id = 'long'.repeat(40);
    reusing.send(subscribe(id, vpnsSubscription));
    reusing.send(subscribe(id, vpnsSubscription));
    await reusing.waitForClose();
    expect(reusing.closed).toEqual({ code: 4409, reason: '' });
    const initializing = await openAcknowledgedSocket(url);
    initializing.send({ type: 'connection_init', payload: { 'MC-Api-Key': 'another' } });
    await initializing.waitForClose();
    expect(initializing.closed?.code).toBe(4429);
  });

  it('is closed for a message of more than 256 KiB, while others stay open', async () => {
    const { url, watcher, run } = await startOnRestApi();
    const other = subscribeByWebSocket(url)(taskSubscription);
    await other.waitForEvents(1);
    const socket = await openAcknowledgedSocket(url);
    socket.send(subscribe('1', vpnsSubscription));
    await socket.waitForMessages(2);
    socket.webSocket.send(JSON.stringify(subscribe('2', `${vpnsSubscription}#${'x'.repeat(256 * 1024)}`)));
    await socket.waitForClose();
    expect([1006, 1009]).toContain(socket.closed?.code);
    await waitUntil(() => watcher.pollCount === 1);
    expect(other.end).toBeUndefined();
    expect((await run('{ __typename }')).body).toEqual({ data: { __typename: 'Query' } });
    other.unsubscribe();
  });

  it('is closed for a message of more than 16 fragments, or of more than 20,000 values', async () => {
    const { url } = await startOnRestApi();
    const fragmented = await openAcknowledgedSocket(url);
    const sendInFragments = (count: number) => {
      for (let sent = 1; sent < count; sent++) fragmented.webSocket.send(sent === 1 ? '{"type":' : ' ', { fin: false });
      fragmented.webSocket.send('"ping"}', { fin: true });
    };
    sendInFragments(16);
    await fragmented.waitForMessages(2);
    expect(fragmented.messages[1]).toEqual({ type: 'pong' });
    sendInFragments(17);
    await fragmented.waitForClose();
    expect([1006, 1008]).toContain(fragmented.closed?.code);
    const complex = await openAcknowledgedSocket(url);
    complex.send({ type: 'ping', payload: { list: Array(20_000).fill(0) } });
    await complex.waitForClose();
    expect(complex.closed).toEqual({ code: 4400, reason: 'Nested too deep, or too many values' });
  });

  it('has nothing open after subscribe and complete of one id in a burst', async () => {
    const { url, rest, watcher } = await startOnRestApi();
    const socket = await openAcknowledgedSocket(url);
    for (let round = 0; round < 50; round++) {
      socket.send(subscribe('1', vpnsSubscription));
      socket.send({ id: '1', type: 'complete' });
    }
    socket.send({ type: 'ping' });
    await waitUntil(() => JSON.stringify(socket.messages).includes('"pong"'));
    expect(await isSilent(rest, watcher)).toBe(true);
    expect(socket.closed).toBeUndefined();
  });

  it('serves a subscription whose id was used and completed before, at once', async () => {
    const { url, rest, watcher } = await startOnRestApi();
    const socket = await openAcknowledgedSocket(url);
    const events = (query: string) => JSON.stringify(socket.messages).split(query).length - 1;
    socket.send(subscribe('1', vpnsSubscription));
    await waitUntil(() => events('siteToSiteVpnsUpdated') === 1);
    for (let round = 0; round < 3; round++) {
      socket.send({ id: '1', type: 'complete' });
      socket.send(subscribe('1', taskSubscription));
    }
    await waitUntil(() => events('taskUpdated') >= 1);
    rest.state.taskStatus = 'SUCCESS';
    await waitUntil(() => events('"complete"') === 1);
    expect(events('SUCCESS')).toBe(1);
    expect(await isSilent(rest, watcher)).toBe(true);
    expect(socket.closed).toBeUndefined();
  });

  it('serves a subscription whose id was used before, once that one has ended by itself', async () => {
    const { url, rest } = await startOnRestApi();
    const socket = await openAcknowledgedSocket(url);
    socket.send(subscribe('1', taskSubscription));
    await socket.waitForMessages(2);
    rest.state.taskStatus = 'SUCCESS';
    await socket.waitForMessages(4);
    socket.send(subscribe('1', taskSubscription));
    await socket.waitForMessages(6);
    const complete = { id: '1', type: 'complete' };
    expect(socket.messages.slice(1)).toEqual([next('1'), next('1'), complete, next('1'), complete]);
    expect(socket.closed).toBeUndefined();
    socket.webSocket.terminate();
  });

  it('accepts a message of almost 256 KiB', async () => {
    const { url } = await startOnRestApi();
    const socket = await openAcknowledgedSocket(url);
    const large = { payload: { query: taskSubscription, variables: { unused: 'x'.repeat(255 * 1024) } } };
    socket.send({ ...subscribe('1', taskSubscription), ...large });
    await socket.waitForMessages(2);
    expect(socket.messages[1]).toEqual(next('1'));
  });
});

describe('a message that takes long', () => {
  const clock = useFakeClock(['setTimeout']);

  it('closes the WebSocket with 1008 if it is not complete within 10 s of its first byte', async () => {
    const { url, app } = await startOnRestApi();
    const connections: Socket[] = [];
    app.server.on('connection', (connection: Socket) => connections.push(connection));
    const open = async () => {
      const { client, socket } = await openSocketOnStream(url);
      const connection = connections.at(-1);
      // Resolves when the gateway has read the bytes.
      const sendBytes = async (...bytes: number[]) => {
        const bytesBefore = connection?.bytesRead ?? 0;
        client.write(Buffer.from(bytes));
        await waitUntil(() => (connection?.bytesRead ?? 0) === bytesBefore + bytes.length);
      };
      return { socket, sendBytes };
    };
    const late = await open();
    const busy = await open();
    const mask = [0, 0, 0, 0];
    const digit = 0x31;
    await late.sendBytes(0x01, 0x81);
    await busy.sendBytes(0x89, 0x81);
    clock.advance(9_000);
    // One fragment is complete, and a ping. The message is not.
    await late.sendBytes(...mask, digit, 0x89, 0x80, ...mask, 0x80);
    // One message is complete, and another begins in the same piece of data.
    await busy.sendBytes(...mask, digit, 0x89);
    clock.advance(999);
    expect(late.socket.closed).toBeUndefined();
    clock.advance(1);
    await waitUntil(() => late.socket.webSocket.readyState !== late.socket.webSocket.OPEN);
    clock.advance(500);
    await late.socket.waitForClose();
    expect(late.socket.closed).toEqual({ code: 1008, reason: 'The message did not arrive in time' });
    clock.advance(7_400);
    await busy.sendBytes(0x80, ...mask);
    clock.advance(60_000);
    expect(busy.socket.webSocket.readyState).toBe(busy.socket.webSocket.OPEN);
  });
});

describe('a client that does not respond to a ping', () => {
  const clock = useFakeClock(['setInterval']);

  it('is terminated after 10 s, and leaves no poll behind', async () => {
    const { url, watcher, rest } = await startOnRestApi();
    const alive = await openAcknowledgedSocket(url);
    const dead = await openAcknowledgedSocket(url, undefined, { autoPong: false });
    const pings = { alive: 0, dead: 0 };
    alive.webSocket.on('ping', () => pings.alive++);
    dead.webSocket.on('ping', () => pings.dead++);
    alive.send(subscribe('1', taskSubscription));
    dead.send(subscribe('1', vpnsSubscription));
    await Promise.all([alive.waitForMessages(2), dead.waitForMessages(2)]);
    clock.advance(10_000);
    await waitUntil(() => pings.alive === 1 && pings.dead === 1);
    // The gateway has received the pong once it responds to a later message.
    alive.send({ type: 'ping' });
    await waitUntil(() => JSON.stringify(alive.messages).includes('"pong"'));
    clock.advance(10_000);
    await dead.waitForClose();
    // Terminated without a close frame, because a half-open connection could not receive it.
    expect(dead.closed?.code).toBe(1006);
    expect(pings.dead).toBe(1);
    await waitUntil(() => watcher.pollCount === 1 && pings.alive === 2);
    expect(alive.closed).toBeUndefined();
    alive.webSocket.close();
    expect(await isSilent(rest, watcher)).toBe(true);
  });
});

describe('a disconnected client', () => {
  it('leaves no poll behind when its WebSocket is lost', async () => {
    const { url, watcher, rest } = await startOnRestApi();
    const socket = await openAcknowledgedSocket(url);
    socket.send(subscribe('1', vpnsSubscription));
    socket.send(subscribe('2', taskSubscription));
    await socket.waitForMessages(3);
    socket.webSocket.terminate();
    expect(await isSilent(rest, watcher)).toBe(true);
  });

  it('leaves no poll behind when its event stream is lost', async () => {
    const { url, watcher, rest } = await startOnRestApi();
    const stream = request(`${url}/stream?${new URLSearchParams({ query: vpnsSubscription }).toString()}`, {
      headers: streamHeaders,
    });
    let text = '';
    stream.on('response', (response) => {
      response.on('error', () => undefined);
      response.on('data', (chunk) => (text += String(chunk)));
    });
    stream.end();
    await waitUntil(() => text.includes('event: next'));
    expect(watcher.pollCount).toBe(1);
    stream.destroy();
    expect(await isSilent(rest, watcher)).toBe(true);
  });

  it('leaves no poll behind when it disconnects while a subscription starts', async () => {
    const { url, watcher, rest } = await startOnRestApi();
    for (let round = 0; round < 20; round++) {
      const socket = await openAcknowledgedSocket(url);
      socket.webSocket.send(JSON.stringify(subscribe('1', vpnsSubscription)), () => {
        socket.webSocket.terminate();
      });
      const stream = request(`${url}/stream?${new URLSearchParams({ query: vpnsSubscription }).toString()}`, {
        headers: streamHeaders,
      });
      stream.on('error', () => undefined);
      stream.end(() => stream.destroy());
      await socket.waitForClose();
    }
    expect(await isSilent(rest, watcher)).toBe(true);
  });

  it('cancels the REST call in flight for an event', async () => {
    const { url, rest } = await startOnRestApi({ cloudcaApiTimeoutMs: 60_000 });
    let closedCalls = 0;
    rest.state.override = (call) => {
      if (!call.url.includes('/vpcs')) return { data: rest.state.vpns };
      return (response) => response.once('close', () => closedCalls++);
    };
    const withVpc = vpnsSubscription.replace('nodes { name', 'nodes { name vpc { name }');
    const socket = await openAcknowledgedSocket(url);
    socket.send(subscribe('1', withVpc));
    await waitUntil(() => rest.calls.some((call) => call.url.includes('/vpcs')));
    socket.webSocket.terminate();
    await waitUntil(() => closedCalls === 1);
  });
});

describe('subscription limits', () => {
  const tooMany = 'This API key has too many open subscriptions. Wait for some to end.';

  it('MAX_SUBSCRIPTIONS_PER_KEY rejects one more over both transports, until one ends', async () => {
    const { url, rest } = await startOnRestApi({ maxSubscriptionsPerKey: 2 });
    const startSubscription = subscribeByWebSocket(url);
    const first = startSubscription(taskSubscription);
    const second = subscribeBySse(url)(vpnsSubscription);
    await Promise.all([first.waitForEvents(1), second.waitForEvents(1)]);
    const third = startSubscription(vpnsSubscription);
    await third.waitForEnd();
    expect(third).toMatchObject({
      events: [],
      end: [{ message: tooMany, extensions: { code: 'RATE_LIMITED', retryAfter: 1, requestId: expect.any(String) } }],
    });
    const fourth = await post(`${url}/stream`, { query: vpnsSubscription }, streamHeaders);
    expect(fourth.status).toBe(429);
    expect(fourth.headers.get('retry-after')).toBe('1');
    const requestId = fourth.headers.get('x-request-id');
    expect(fourth.json).toEqual({
      errors: [{ message: tooMany, extensions: { code: 'RATE_LIMITED', retryAfter: 1, requestId } }],
    });
    const other = subscribeByWebSocket(url, otherKey)(taskSubscription);
    await other.waitForEvents(1);
    rest.state.taskStatus = 'SUCCESS';
    await first.waitForEnd();
    expect(first.end).toBe('complete');
    const fifth = startSubscription(vpnsSubscription);
    await fifth.waitForEvents(1);
    fifth.unsubscribe();
    second.unsubscribe();
  });

  it('MAX_SUBSCRIPTIONS rejects one more for all keys together', async () => {
    const { url } = await startOnRestApi({ maxSubscriptions: 1 });
    const first = subscribeByWebSocket(url)(taskSubscription);
    await first.waitForEvents(1);
    const second = await openAcknowledgedSocket(url, otherKey);
    second.send(subscribe('1', taskSubscription));
    await second.waitForClose();
    expect(second.closed).toEqual({
      code: 1013,
      reason: 'The gateway has too many open subscriptions. Try again in 1 s.',
    });
    expect(second.messages).toEqual([{ type: 'connection_ack' }]);
    const stream = await post(`${url}/stream`, { query: taskSubscription }, streamHeaders);
    expect([stream.status, stream.headers.get('retry-after')]).toEqual([503, '1']);
    first.unsubscribe();
  });

  it('RATE_LIMIT_PER_MINUTE charges the start of a subscription, not its events', async () => {
    const { url, rest } = await startOnRestApi({ rateLimitPerMinute: 2 });
    const startSubscription = subscribeByWebSocket(url);
    const list = startSubscription(vpnsSubscription);
    await list.waitForEvents(1);
    await waitUntil(() => rest.calls.length > 5);
    const task = startSubscription(taskSubscription);
    await task.waitForEvents(1);
    const third = await openAcknowledgedSocket(url);
    third.send(subscribe('1', vpnSubscription));
    await third.waitForClose();
    expect(third.closed).toEqual({
      code: 1013,
      reason: expect.stringMatching(/^This API key has spent its budget for this minute\. Try again in \d+ s\.$/),
    });
    expect(third.messages).toEqual([{ type: 'connection_ack' }]);
    expect(list.end).toBeUndefined();
    task.unsubscribe();
    list.unsubscribe();
  });

  it('RATE_LIMIT_PER_MINUTE charges nothing for a resource that is polled already, but for nested reads', async () => {
    const { url } = await startOnRestApi({ rateLimitPerMinute: 2 });
    const startSubscription = subscribeByWebSocket(url);
    const withoutNames = vpnsSubscription.replace('name }', 'id }');
    for (const query of [vpnsSubscription, vpnsSubscription, withoutNames, vpnsSubscription]) {
      await startSubscription(query).waitForEvents(1);
    }
    const withVpc = vpnsSubscription.replace('name }', 'vpc { name } }');
    await startSubscription(withVpc).waitForEvents(1);
    const rejected = await post(`${url}/stream`, { query: taskSubscription }, streamHeaders);
    expect(rejected.status).toBe(429);
  });

  it('MAX_IN_FLIGHT does not count open subscriptions', async () => {
    const { url, run } = await startOnRestApi({ maxInFlight: 1, maxInFlightPerKey: 1 });
    const subscriptions = [subscribeByWebSocket(url)(vpnsSubscription), subscribeBySse(url)(taskSubscription)];
    await Promise.all(subscriptions.map((subscription) => subscription.waitForEvents(1)));
    expect((await run(listQuery)).body).toEqual({ data: { siteToSiteVpns: { totalCount: 1 } } });
    for (const subscription of subscriptions) subscription.unsubscribe();
  });
});

describe('a WebSocket handshake', () => {
  interface Handshake {
    path?: string;
    host?: string;
    headers?: readonly string[];
    key?: string;
  }
  const lines = ({
    path = '/graphql',
    host = 'localhost',
    headers = [],
    key = 'dGhlIHNhbXBsZSBub25jZQ==',
  }: Handshake) => [
    `GET ${path} HTTP/1.1`,
    ...(host === '' ? [] : [`host: ${host}`]),
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-protocol: graphql-transport-ws',
    `sec-websocket-key: ${key}`,
    'x-request-id: mine-1',
    ...headers,
    '',
  ];

  it.each([
    ['another path', 404, 'BAD_REQUEST', lines({ path: '/graphql/stream' })],
    ['no Host', 400, 'BAD_REQUEST', lines({ host: '' })],
    ['a bad Host', 400, 'BAD_REQUEST', lines({ host: 'a b' })],
    ['a Host that no URL can have', 400, 'BAD_REQUEST', lines({ host: '1.2.3.4.5' })],
    ['two Hosts', 400, 'BAD_REQUEST', lines({ headers: ['host: other'] })],
    ['a foreign Origin', 403, 'FORBIDDEN', lines({ headers: ['origin: https://evil.example'] })],
    ['the Origin of a file', 403, 'FORBIDDEN', lines({ headers: ['origin: null'] })],
    ['no Sec-WebSocket-Key', 400, 'BAD_REQUEST', lines({ key: 'x' })],
  ])('with %s is rejected with %i and an error body', async (_name, status, code, request) => {
    const { url } = await startOnRestApi();
    const response = await sendLines(url, request);
    expect(response.status).toBe(status);
    expect(response.json).toEqual({
      errors: [{ message: expect.any(String), extensions: { code, requestId: 'mine-1' } }],
    });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-request-id': 'mine-1',
      'cache-control': 'no-store',
      connection: 'close',
      'content-type': 'application/json; charset=utf-8',
    });
  });

  it.each([
    ['of localhost', 'localhost' as const, 'http://localhost:3000'],
    ['listed in CORS_ORIGINS', ['https://app.example.com'], 'https://app.example.com'],
    ['that of the gateway', [], 'own'],
  ])('from an allowed origin (%s) is accepted', async (_name, corsOrigins, origin) => {
    const { url } = await startOnRestApi({ corsOrigins });
    const socket = await openSocket(url, { headers: { origin: origin === 'own' ? new URL(url).origin : origin } });
    socket.send({ type: 'connection_init', payload: keyHeader() });
    await socket.waitForMessages(1);
    expect(socket.messages).toEqual([{ type: 'connection_ack' }]);
  });

  it.each([
    ['Connection', ['upgrade: websocket', 'connection: close']],
    ['Upgrade', ['sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==', 'connection: close']],
  ])(
    'without `%s: upgrade` is rejected with 400, named and logged, and other requests succeed',
    async (name, headers) => {
      const { url, run, logs } = await startOnRestApi();
      const response = await sendLines(url, ['GET /graphql HTTP/1.1', 'host: localhost', ...headers, '']);
      expect(response.status).toBe(400);
      expect(response.text).toContain(name);
      expect(response.text).toContain('A proxy may have removed them.');
      expect(logs).toContainEqual(expect.objectContaining({ level: 40, msg: 'invalid WebSocket handshake' }));
      expect((await run('{ __typename }')).status).toBe(200);
    },
  );

  it('that ws rejects is answered by what is wrong, and logged', async () => {
    const { url, logs } = await startOnRestApi();
    const response = await sendLines(url, lines({ key: 'canary' }));
    const reason =
      'The WebSocket handshake is invalid: Missing or invalid Sec-WebSocket-Key header. Send that of RFC 6455, version 13.';
    expect(response.json).toMatchObject({ errors: [{ message: reason }] });
    expect(logs).toContainEqual(expect.objectContaining({ requestId: 'mine-1', reason }));
    expect(JSON.stringify(logs)).not.toContain('canary');
  });
});

describe('an offer to upgrade to HTTP/2', () => {
  const offer = { connection: 'upgrade, http2-settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA' };
  const body = '{"query":"{ __typename }"}';

  it('is ignored, however often a connection repeats it', async () => {
    const { url } = await startOnRestApi({ maxConnections: 1 });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<unknown>();
    for (let round = 0; round < 3; round++) {
      const result = await new Promise<string>((resolve, reject) => {
        const headers = { 'content-type': 'application/json', ...offer };
        const clientRequest = request(url, { method: 'POST', agent, headers }, (response) => {
          let text = String(response.statusCode);
          ports.add(response.socket.localPort);
          response.on('data', (chunk) => (text += String(chunk)));
          response.on('end', () => {
            resolve(text);
          });
        });
        clientRequest.on('error', reject);
        clientRequest.end(body);
      });
      expect(result).toBe('200{"data":{"__typename":"Query"}}\n');
    }
    expect(ports.size).toBe(1);
    agent.destroy();
  });

  it('does not make unknown paths available', async () => {
    const { url } = await startOnRestApi();
    const response = await sendLines(url, [
      'GET /nothing HTTP/1.1',
      'host: localhost',
      'connection: upgrade, close',
      'upgrade: h2c',
      '',
    ]);
    expect(response.status).toBe(404);
    expect(response.json).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  });

  it('closes the connection if the previous request has no response yet, and no other connection', async () => {
    const { url, rest, run } = await startOnRestApi();
    const responses: ServerResponse[] = [];
    rest.state.override = () => (response) => responses.push(response);
    const pending = run(listQuery);
    await waitUntil(() => rest.calls.length === 1);
    const query = encodeURIComponent('{ environments { name } }');
    const plain = [`GET /graphql?query=${query} HTTP/1.1`, 'host: localhost', 'mc-api-key: sandbox-key'];
    const response = await sendLines(url, [...plain, '', ...plain, 'connection: upgrade', 'upgrade: h2c', '']);
    expect(response.text).toBe('');
    responses[0]?.end('{"data":[]}');
    expect((await pending).status).toBe(200);
  });
});
