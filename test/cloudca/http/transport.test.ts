// The transport to one origin: what it sends and returns, which requests it rejects, and its connections, direct or through a proxy.
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ClientDisconnectedError } from '../../../src/cloudca/errors.js';
import { Cancellation } from '../../../src/cloudca/http/cancellation.js';
import type { Proxies } from '../../../src/cloudca/http/connection-pool.js';
import { lightClasses } from '../../../src/cloudca/http/fetch-classes.js';
import { createTransport, OutgoingCall } from '../../../src/cloudca/http/transport.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { startConnectProxy } from '../../helpers/connect-proxy.js';
import { findFreePort } from '../../helpers/free-port.js';
import { json, raw, startUpstream } from '../../helpers/upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { neverRespond, sendBytes } from '../test-client.js';

const upstream = await startUpstream();
const { origin, port } = new URL(upstream.url);

afterEach(() => {
  jest.restoreAllMocks();
});

/** Creates a transport, by default to the upstream. */
function create(proxies?: Proxies, to = origin) {
  const transport = createTransport(to, lightClasses, proxies);
  addCleanup(() => transport.destroy());
  const exchange = (path = '/v1/x', init: RequestInit = {}, cancellation = new Cancellation()) =>
    transport.exchange(
      new Request(`${to}${path}`, init),
      new OutgoingCall(`${to}${path}`, ['mc-api-key', 'key'], cancellation, 'key'),
    );
  return { transport, exchange };
}

/** Records the connections on which the upstream receives calls. Returns their number. */
function countConnections(): () => number {
  const sockets = new Set<Socket>();
  upstream.script(() => (response) => {
    sockets.add(response.req.socket);
    json(200, {})(response);
  });
  return () => sockets.size;
}

describe('Transport.exchange', () => {
  it.each([
    ['GET', undefined],
    ['POST', '{"a":1}'],
    ['POST', undefined],
    ['DELETE', undefined],
  ])('sends a %s with the body %j, and only the headers of its options', async (method, body) => {
    upstream.script(() => ({ data: 1 }));
    const { exchange } = create();
    const response = await exchange('/v1/x?y=%20', { method, body: body ?? null, headers: { 'x-other': '1' } });
    expect(await response.text()).toBe('{"data":1}');
    expect(upstream.calls).toMatchObject([
      { method, url: '/v1/x?y=%20', body: body ?? '', headers: { 'mc-api-key': 'key' } },
    ]);
    expect(upstream.calls[0]?.headers).not.toHaveProperty('x-other');
  });

  it.each([
    [200, true],
    [299, true],
    [300, false],
    [404, false],
    [503, false],
    [599, false],
  ])('returns a Response with the status %i whose `ok` is %s', async (status, ok) => {
    upstream.script(() => raw(status, 'text', { 'retry-after': '3' }));
    const response = await create().exchange();
    expect(response).toBeInstanceOf(Response);
    expect([response.status, response.ok, response.headers.get('retry-after')]).toEqual([status, ok, '3']);
    expect(await response.text()).toBe('text');
  });

  it('returns no Retry-After if the response has none, or several', async () => {
    const { exchange } = create();
    upstream.script(() => raw(200, 'text'));
    expect((await exchange()).headers.get('retry-after')).toBeNull();
    upstream.script(() =>
      sendBytes('HTTP/1.1 200 OK\r\nretry-after: 3\r\nretry-after: 4\r\ncontent-length: 0\r\n\r\n'),
    );
    expect((await exchange()).headers.get('retry-after')).toBeNull();
  });

  it('rejects a response whose status is above 599, or whose body is not UTF-8', async () => {
    const { exchange } = create();
    upstream.script(() => sendBytes('HTTP/1.1 600 No\r\ncontent-length: 0\r\n\r\n'));
    await expect(exchange()).rejects.toMatchObject({
      name: 'BadResponseError',
      message: 'The REST API sent a status that is not valid HTTP.',
    });
    upstream.script(() => sendBytes('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n', Buffer.from([0xff])));
    await expect(exchange()).rejects.toMatchObject({
      name: 'BadResponseError',
      message: 'The response of the REST API is not UTF-8.',
    });
  });

  it('rejects a request to another origin, or with another method, without sending it', async () => {
    const { transport, exchange } = create(undefined, 'http://rest.example');
    for (const url of ['http://other.example/v1', 'http://rest.example.test/v1', 'https://rest.example/v1']) {
      await expect(
        transport.exchange(new Request(url), new OutgoingCall(url, [], new Cancellation(), 'key')),
      ).rejects.toThrow(new TypeError('The URL of the request is not of this origin.'));
    }
    await expect(exchange('/v1/x', { method: 'PATCH' })).rejects.toThrow(
      new TypeError('The method of a REST call must be GET, POST, PUT or DELETE.'),
    );
  });

  it('rejects with the reason of a cancellation, and closes the connection', async () => {
    let isClosed = false;
    upstream.script(() => (response) => {
      response.once('close', () => {
        isClosed = true;
      });
    });
    const { exchange } = create();
    const cancellation = new Cancellation();
    const response = exchange('/v1/x', {}, cancellation);
    await waitUntil(() => upstream.calls.length === 1);
    const gone = new ClientDisconnectedError('gone');
    cancellation.cancel(gone);
    await expect(response).rejects.toBe(gone);
    await waitUntil(() => isClosed);
  });

  it('rejects with UnavailableError if the REST API does not listen', async () => {
    const { exchange } = create(undefined, `http://127.0.0.1:${await findFreePort()}`);
    await expect(exchange()).rejects.toMatchObject({ name: 'UnavailableError', neverSent: true });
  });
});

describe('Transport.destroy', () => {
  it('makes calls in flight fail, and those on connections that were replaced', async () => {
    upstream.script(() => neverRespond);
    const { transport, exchange } = create();
    const failures = [exchange()].map((call) => call.catch(() => 'failed'));
    await waitUntil(() => upstream.calls.length === 1);
    const now = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => now() + 60_001);
    failures.push(exchange().catch(() => 'failed'));
    await waitUntil(() => upstream.calls.length === 2);
    await transport.destroy();
    expect(await Promise.all(failures)).toEqual(['failed', 'failed']);
  });
});

describe('A connection', () => {
  it('is kept for a minute, and then replaced', async () => {
    const connectionCount = countConnections();
    const clock = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    const { exchange } = create();
    for (const [now, count] of [
      [1_000, 1],
      [61_000, 1],
      [61_001, 2],
      [121_001, 2],
      [121_002, 3],
    ] as const) {
      clock.mockReturnValue(now);
      await exchange();
      // undici frees a connection on the next turn of the event loop.
      await nextTurn();
      expect(connectionCount()).toBe(count);
    }
  });

  it('closes after its last response, once it has been replaced', async () => {
    const sockets: Socket[] = [];
    upstream.script(() => (response) => {
      sockets.push(response.req.socket);
      json(200, {})(response);
    });
    const clock = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    const { exchange } = create();
    await exchange();
    await nextTurn();
    clock.mockReturnValue(61_001);
    await exchange();
    await waitUntil(() => sockets[0]?.destroyed === true);
    expect(sockets[1]?.destroyed).toBe(false);
  });

  it.each<[string, Partial<Proxies>, boolean]>([
    ['the proxy for http', {}, true],
    ['no proxy for a host that is excepted', { except: '127.0.0.1' }, false],
    ['no proxy without one for http', { http: undefined, https: 'http://127.0.0.1:1' }, false],
  ])('leads through %s', async (_, changes, isProxied) => {
    upstream.script(() => ({ data: 1 }));
    const proxy = await startConnectProxy(Number(port));
    const { exchange } = create({ http: `http://${proxy.host}`, https: undefined, except: '', ...changes });
    expect(await (await exchange()).text()).toBe('{"data":1}');
    const lines = proxy.requests.map((head) => head.split('\r\n')[0]);
    expect(lines).toEqual(isProxied ? [`CONNECT 127.0.0.1:${port} HTTP/1.1`] : []);
  });

  it('leads through the proxy for https, which gets one CONNECT if it closes the connection', async () => {
    const proxy = await startConnectProxy(Number(port));
    for (const [mode, http, https] of [
      ['close', undefined, `http://${proxy.host}`],
      ['close', `http://${proxy.host}`, undefined],
      [403, `http://${proxy.host}`, undefined],
    ] as const) {
      proxy.setMode(mode);
      const before = proxy.requests.length;
      const { exchange } = create({ http, https, except: '' }, 'https://rest.example.test');
      await expect(exchange()).rejects.toMatchObject({ name: 'UnavailableError', neverSent: true });
      expect(proxy.requests.slice(before).map((head) => head.split('\r\n')[0])).toEqual([
        'CONNECT rest.example.test:443 HTTP/1.1',
      ]);
    }
  });

  it('ignores the proxies of the environment', async () => {
    upstream.script(() => ({ data: 1 }));
    const proxy = await startConnectProxy(Number(port));
    const names = ['http_proxy', 'https_proxy', 'no_proxy'] as const;
    const before = names.map((name) => process.env[name]);
    try {
      process.env['http_proxy'] = `http://${proxy.host}`;
      process.env['https_proxy'] = `http://${proxy.host}`;
      process.env['no_proxy'] = '*';
      const direct = create({ http: undefined, https: undefined, except: '' });
      expect(await (await direct.exchange()).text()).toBe('{"data":1}');
      expect(proxy.requests).toEqual([]);
      const proxied = create({ http: `http://${proxy.host}`, https: undefined, except: '' });
      expect(await (await proxied.exchange()).text()).toBe('{"data":1}');
      expect(proxy.requests).toHaveLength(1);
    } finally {
      names.forEach((name, index) => {
        const value = before[index];
        if (value === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = value;
      });
    }
  });
});
