// How connections and subscriptions end where something is wrong with them, one by one; nothing else suffers, and no poll is left.
import { describe, expect, it } from '@jest/globals';
import { Agent, request, type ServerResponse } from 'node:http';
import { WebSocket } from 'ws';
import { startGateway } from '../../helpers/gateway.js';
import { until } from '../../helpers/until.js';
import { post, sendLines } from '../../helpers/wire.js';
import { byEventStream, byWebSocket, openAcknowledged, openSocket } from './subscribers.js';
import { followTask, followVpns, isSilent, startRest } from './changing-rest-api.js';

const polls = { taskPollMs: 20, watchPollMs: 20 };
const subscribe = (id: string, query: string) => ({ id, type: 'subscribe', payload: { query } });
const next = (id: string) => expect.objectContaining({ id, type: 'next' });

async function start(
  overrides: Parameters<typeof startGateway>[1] = {},
  options: Parameters<typeof startGateway>[2] = {},
) {
  const rest = await startRest();
  return { rest, ...(await startGateway(rest.url, { ...polls, ...overrides }, options)) };
}

describe('a WebSocket is closed', () => {
  it('with 4408 when no connection_init has come within 3 s', async () => {
    const { url } = await start();
    const bare = await openSocket(url);
    await bare.closes();
    expect(bare.closed).toEqual({ code: 4408, reason: 'Connection initialisation timeout' });
    expect(bare.messages).toEqual([]);
  });

  it.each([
    ['no payload', undefined],
    ['a payload without a key', { authorization: 'canary' }],
    ['an empty key', { 'MC-Api-Key': ' ' }],
    ['a key that is no text', { 'MC-Api-Key': 1 }],
    ['a key that cannot be a header value', { 'MC-Api-Key': 'a\nb' }],
  ])('with 4401 for %s', async (_what, payload) => {
    const { url, rest } = await start();
    const bare = await openSocket(url);
    bare.send({ type: 'connection_init', payload });
    await bare.closes();
    expect(bare.closed).toEqual({ code: 4401, reason: 'Send your API key as MC-Api-Key in connection_init.' });
    expect(bare.messages).toEqual([]);
    expect(rest.calls).toEqual([]);
  });

  it('with 4401 when it subscribes before it is acknowledged', async () => {
    const { url, rest } = await start();
    const bare = await openSocket(url);
    bare.send(subscribe('1', followVpns));
    await bare.closes();
    expect(bare.closed).toEqual({ code: 4401, reason: 'Unauthorized' });
    expect(rest.calls).toEqual([]);
  });

  it('with 4406 for another subprotocol than graphql-transport-ws', async () => {
    const { url } = await start();
    const bare = await openSocket(url, { protocol: null });
    await bare.closes();
    expect(bare.closed).toEqual({ code: 4406, reason: 'Subprotocol not acceptable' });
  });

  it.each([
    ['what is not JSON', '{canary'],
    ['JSON that is no message', '"canary"'],
    ['a message of no known type', '{"type":"start"}'],
    ['a subscription without a query', '{"id":"1","type":"subscribe","payload":{}}'],
  ])('with 4400 for %s', async (_what, text) => {
    const { url, logs } = await start();
    const bare = await openAcknowledged(url);
    bare.socket.send(text);
    await bare.closes();
    expect(bare.closed).toEqual({ code: 4400, reason: 'Invalid message received' });
    expect(JSON.stringify(logs)).not.toMatch(/canary|unexpected/);
  });

  it('with 4409 for an id that is in use, and 4429 for a second connection_init', async () => {
    const { url } = await start();
    const twice = await openAcknowledged(url);
    // So long that it does not fit into the reason of a close.
    const id = 'long'.repeat(40);
    twice.send(subscribe(id, followVpns));
    twice.send(subscribe(id, followVpns));
    await twice.closes();
    expect(twice.closed).toEqual({ code: 4409, reason: '' });
    const again = await openAcknowledged(url);
    again.send({ type: 'connection_init', payload: { 'MC-Api-Key': 'another' } });
    await again.closes();
    expect(again.closed?.code).toBe(4429);
  });

  it('for a message larger than 256 KB, and nothing else suffers', async () => {
    const { url, watcher, run } = await start();
    const other = byWebSocket(url)(followTask);
    await other.has(1);
    const bare = await openAcknowledged(url);
    bare.send(subscribe('1', followVpns));
    await bare.has(2);
    bare.socket.send(JSON.stringify(subscribe('2', `${followVpns}#${'x'.repeat(256 * 1024)}`)));
    await bare.closes();
    expect([1006, 1009]).toContain(bare.closed?.code);
    await until(() => watcher.polls === 1);
    expect(other.end).toBeUndefined();
    expect((await run('{ __typename }')).body).toEqual({ data: { __typename: 'Query' } });
    other.stop();
  });

  it('not for one of just under 256 KB', async () => {
    const { url } = await start();
    const bare = await openAcknowledged(url);
    const large = { payload: { query: followTask, variables: { unused: 'x'.repeat(255 * 1024) } } };
    bare.send({ ...subscribe('1', followTask), ...large });
    await bare.has(2);
    expect(bare.messages[1]).toEqual(next('1'));
  });
});

describe('a caller that is gone leaves no poll behind', () => {
  it('when it never answers a ping: it is cut off, and who answers is not', async () => {
    const { url, watcher, rest } = await start({}, { pingMs: 1_000 });
    const alive = byWebSocket(url)(followTask);
    await alive.has(1);
    const dead = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws', { autoPong: false });
    let code: number | undefined;
    let pings = 0;
    dead.on('ping', () => pings++);
    dead.on('close', (closed) => {
      code = closed;
    });
    dead.on('open', () => {
      dead.send(JSON.stringify({ type: 'connection_init', payload: { 'MC-Api-Key': 'sandbox-key' } }));
    });
    dead.once('message', () => {
      dead.send(JSON.stringify(subscribe('1', followVpns)));
    });
    await until(() => code !== undefined);
    // Cut, not closed: who is half open hears no farewell.
    expect(code).toBe(1006);
    expect(pings).toBe(1);
    await until(() => watcher.polls === 1);
    expect(alive.end).toBeUndefined();
    alive.stop();
    expect(await isSilent(rest)).toBe(true);
  });

  it('when its WebSocket is cut', async () => {
    const { url, watcher, rest } = await start();
    const bare = await openAcknowledged(url);
    bare.send(subscribe('1', followVpns));
    bare.send(subscribe('2', followTask));
    await bare.has(3);
    bare.socket.terminate();
    expect(await isSilent(rest)).toBe(true);
    expect(watcher.polls).toBe(0);
  });

  it('when its event stream is cut', async () => {
    const { url, watcher, rest } = await start();
    const headers = { accept: 'text/event-stream', 'mc-api-key': 'sandbox-key' };
    const stream = request(`${url}/stream?${new URLSearchParams({ query: followVpns }).toString()}`, { headers });
    let text = '';
    stream.on('response', (response) => {
      response.on('error', () => undefined);
      response.on('data', (chunk) => (text += String(chunk)));
    });
    stream.end();
    await until(() => text.includes('event: next'));
    expect(watcher.polls).toBe(1);
    stream.destroy();
    expect(await isSilent(rest)).toBe(true);
    expect(watcher.polls).toBe(0);
  });

  it('when it is cut while its subscription is being begun', async () => {
    const { url, watcher, rest } = await start();
    for (let round = 0; round < 20; round++) {
      const bare = await openAcknowledged(url);
      bare.socket.send(JSON.stringify(subscribe('1', followVpns)), () => {
        bare.socket.terminate();
      });
      const stream = request(`${url}/stream?${new URLSearchParams({ query: followVpns }).toString()}`, {
        headers: { accept: 'text/event-stream', 'mc-api-key': 'sandbox-key' },
      });
      stream.on('error', () => undefined);
      stream.end(() => stream.destroy());
      await bare.closes();
    }
    expect(await isSilent(rest)).toBe(true);
    expect(watcher.polls).toBe(0);
  });

  it('and its call under way for an event is ended', async () => {
    const { url, rest } = await start({ cloudcaApiTimeoutMs: 60_000 });
    let cut = 0;
    rest.state.instead = (call) => {
      if (!call.url.includes('/vpcs')) return { data: rest.state.vpns };
      return (response) => response.once('close', () => cut++);
    };
    const withVpc = followVpns.replace('nodes { name', 'nodes { name vpc { name }');
    const bare = await openAcknowledged(url);
    bare.send(subscribe('1', withVpc));
    await until(() => rest.calls.some((call) => call.url.includes('/vpcs')));
    bare.socket.terminate();
    await until(() => cut === 1);
  });
});

describe('limits', () => {
  const tooMany = 'This API key has too many subscriptions open; wait for some to end.';

  it('MAX_SUBSCRIPTIONS_PER_KEY refuses the one too many alone, on both transports together, until one has ended', async () => {
    const { url, rest } = await start({ maxSubscriptionsPerKey: 2 });
    const follow = byWebSocket(url);
    const first = follow(followTask);
    const second = byEventStream(url)(followVpns);
    await Promise.all([first.has(1), second.has(1)]);
    const third = follow(followVpns);
    await third.ends();
    expect(third).toMatchObject({
      events: [],
      end: [{ message: tooMany, extensions: { code: 'RATE_LIMITED', retryAfter: 1, requestId: expect.any(String) } }],
    });
    const fourth = await post(
      `${url}/stream`,
      { query: followVpns },
      { accept: 'text/event-stream', 'mc-api-key': 'sandbox-key' },
    );
    expect(fourth.status).toBe(429);
    expect(fourth.headers.get('retry-after')).toBe('1');
    const requestId = fourth.headers.get('x-request-id');
    expect(fourth.json).toEqual({
      errors: [{ message: tooMany, extensions: { code: 'RATE_LIMITED', retryAfter: 1, requestId } }],
    });
    const other = byWebSocket(url, 'another-key')(followTask);
    await other.has(1);
    rest.state.taskStatus = 'SUCCESS';
    await first.ends();
    expect(first.end).toBe('complete');
    const fifth = follow(followVpns);
    await fifth.has(1);
    fifth.stop();
    second.stop();
  });

  it('MAX_SUBSCRIPTIONS refuses what is too much of all keys together', async () => {
    const { url } = await start({ maxSubscriptions: 1 });
    const first = byWebSocket(url)(followTask);
    await first.has(1);
    const second = byWebSocket(url, 'another-key')(followTask);
    await second.ends();
    expect(second).toMatchObject({ events: [], end: [{ extensions: { code: 'OVERLOADED', retryAfter: 1 } }] });
    first.stop();
  });

  it('RATE_LIMIT_PER_MINUTE counts beginning one, and nothing of what it is told', async () => {
    const { url, rest } = await start({ rateLimitPerMinute: 2 });
    const follow = byWebSocket(url);
    const list = follow(followVpns);
    await list.has(1);
    await until(() => rest.calls.length > 5);
    const task = follow(followTask);
    await task.has(1);
    const third = follow(followTask);
    await third.ends();
    expect(third).toMatchObject({ events: [], end: [{ extensions: { code: 'RATE_LIMITED' } }] });
    expect(list.end).toBeUndefined();
    task.stop();
    list.stop();
  });

  it('open subscriptions are no operations at work', async () => {
    const { url, run } = await start({ maxInFlight: 1, maxInFlightPerKey: 1 });
    const followings = [byWebSocket(url)(followVpns), byEventStream(url)(followTask)];
    await Promise.all(followings.map((each) => each.has(1)));
    const query = '{ siteToSiteVpns(environment: {serviceCode: "compute-on", name: "test_area"}) { totalCount } }';
    expect((await run(query)).body).toEqual({ data: { siteToSiteVpns: { totalCount: 1 } } });
    for (const each of followings) each.stop();
  });

  it('MAX_CONNECTIONS closes a WebSocket too many with 1013 and answers HTTP with 503, until there is room again', async () => {
    const { url } = await start({ maxConnections: 2 });
    const first = await openAcknowledged(url);
    const second = await openAcknowledged(url);
    first.send(subscribe('1', followTask));
    const third = await openSocket(url);
    await third.closes();
    expect(third.closed).toEqual({ code: 1013, reason: 'Too many connections' });
    const headers = { connection: 'close' };
    const shed = await post(url, { query: '{ __typename }' }, headers);
    expect(shed.status).toBe(503);
    expect(shed.headers.get('retry-after')).toBe('1');
    expect(shed.json).toMatchObject({
      errors: [{ extensions: { code: 'OVERLOADED', requestId: shed.headers.get('x-request-id') } }],
    });
    second.socket.close();
    await second.closes();
    expect((await post(url, { query: '{ __typename }' }, headers)).status).toBe(200);
    await first.has(2);
    expect(first.messages[1]).toEqual(next('1'));
  });
});

describe('a handshake', () => {
  interface Handshake {
    path?: string;
    host?: string;
    more?: readonly string[];
    key?: string;
  }
  const lines = ({ path = '/graphql', host = 'localhost', more = [], key = 'dGhlIHNhbXBsZSBub25jZQ==' }: Handshake) => [
    `GET ${path} HTTP/1.1`,
    ...(host === '' ? [] : [`host: ${host}`]),
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-protocol: graphql-transport-ws',
    `sec-websocket-key: ${key}`,
    'x-request-id: mine-1',
    ...more,
    '',
  ];

  it.each([
    ['another path', 404, 'BAD_REQUEST', lines({ path: '/graphql/stream' })],
    ['no Host', 400, 'BAD_REQUEST', lines({ host: '' })],
    ['a bad Host', 400, 'BAD_REQUEST', lines({ host: 'a b' })],
    ['two Hosts', 400, 'BAD_REQUEST', lines({ more: ['host: other'] })],
    ['a foreign Origin', 403, 'FORBIDDEN', lines({ more: ['origin: https://evil.example'] })],
    ['the Origin of a file', 403, 'FORBIDDEN', lines({ more: ['origin: null'] })],
    ['no key of a WebSocket', 400, 'BAD_REQUEST', lines({ key: 'x' })],
  ])('with %s is refused with %i, in the form that errors have', async (_what, status, code, request) => {
    const { url } = await start();
    const answer = await sendLines(url, request);
    expect(answer.status).toBe(status);
    expect(answer.json).toEqual({
      errors: [{ message: expect.any(String), extensions: { code, requestId: 'mine-1' } }],
    });
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'x-request-id': 'mine-1',
      'cache-control': 'no-store',
      connection: 'close',
      'content-type': 'application/json; charset=utf-8',
    });
  });

  it.each([
    ['localhost', 'localhost' as const, 'http://localhost:3000'],
    ['one that is listed', ['https://app.example.com'], 'https://app.example.com'],
    ['its own', [], 'own'],
  ])('from an allowed origin, %s, is taken', async (_what, corsOrigins, origin) => {
    const { url } = await start({ corsOrigins });
    const bare = await openSocket(url, { headers: { origin: origin === 'own' ? new URL(url).origin : origin } });
    bare.send({ type: 'connection_init', payload: { 'mc-api-key': 'sandbox-key' } });
    await bare.has(1);
    expect(bare.messages).toEqual([{ type: 'connection_ack' }]);
  });

  it('that half came does not stop others', async () => {
    const { url, run } = await start();
    const answer = await sendLines(url, [
      'GET /graphql HTTP/1.1',
      'host: localhost',
      'upgrade: websocket',
      'connection: close',
      '',
    ]);
    // Without `connection: upgrade` it is a plain GET.
    expect(answer.status).toBe(400);
    expect((await run('{ __typename }')).status).toBe(200);
  });
});

describe('an offer to go on in HTTP/2', () => {
  const offer = { connection: 'upgrade, http2-settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA' };
  const body = '{"query":"{ __typename }"}';

  it('is passed over, as often as it comes on a connection: the request is answered as without it', async () => {
    const { url } = await start({ maxConnections: 1 });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<unknown>();
    for (let round = 0; round < 3; round++) {
      const answer = await new Promise<string>((resolve, reject) => {
        const headers = { 'content-type': 'application/json', ...offer };
        const sent = request(url, { method: 'POST', agent, headers }, (response) => {
          let text = String(response.statusCode);
          ports.add(response.socket.localPort);
          response.on('data', (chunk) => (text += String(chunk)));
          response.on('end', () => {
            resolve(text);
          });
        });
        sent.on('error', reject);
        sent.end(body);
      });
      expect(answer).toBe('200{"data":{"__typename":"Query"}}\n');
    }
    expect(ports.size).toBe(1);
    agent.destroy();
  });

  it('does not open what is closed without it', async () => {
    const { url } = await start();
    const answer = await sendLines(url, [
      'GET /nothing HTTP/1.1',
      'host: localhost',
      'connection: upgrade, close',
      'upgrade: h2c',
      '',
    ]);
    expect(answer.status).toBe(404);
    expect(answer.json).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  });

  it('that comes before the last request has been answered ends the connection, and no other', async () => {
    const { url, rest, run } = await start();
    const responses: ServerResponse[] = [];
    rest.state.instead = () => (response) => responses.push(response);
    const held = run('{ siteToSiteVpns(environment: {serviceCode: "compute-on", name: "test_area"}) { totalCount } }');
    await until(() => rest.calls.length === 1);
    const query = encodeURIComponent('{ environments { name } }');
    const plain = [`GET /graphql?query=${query} HTTP/1.1`, 'host: localhost', 'mc-api-key: sandbox-key'];
    const answer = await sendLines(url, [...plain, '', ...plain, 'connection: upgrade', 'upgrade: h2c', '']);
    expect(answer.text).toBe('');
    responses[0]?.end('{"data":[]}');
    expect((await held).status).toBe(200);
  });
});
