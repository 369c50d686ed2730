// The budgets of connections and addresses, on a clock that the test advances.
import { once } from 'node:events';
import { Agent, IncomingMessage, request } from 'node:http';
import { connect, Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { OriginBudgets } from '../../../src/server/admission/origin-budget.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { keyHeader } from '../../helpers/fixtures.js';
import { startGateway } from '../../helpers/gateway.js';
import { post } from '../../helpers/http.js';

const { advance } = useFakeClock();

/** Creates budgets, and counts rejections. */
function createBudgets({ trustedProxies = 0, isUnlimited = false } = {}) {
  const rejections: string[] = [];
  const budgets = new OriginBudgets({ isUnlimited, trustedProxies, onReject: (reason) => rejections.push(reason) });
  return { budgets, rejections };
}

/** Creates a request on a connection from an address. */
function createRequest(remoteAddress: string, headers: Record<string, string> = {}, socket = new Socket()) {
  Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress, configurable: true });
  const request = new IncomingMessage(socket);
  Object.assign(request.headers, headers);
  return request;
}

describe('OriginBudgets.spend', () => {
  it('takes 1,500 units at once and 300 a second, and then returns the seconds to wait', () => {
    const { budgets, rejections } = createBudgets();
    const origin = budgets.toOrigin(createRequest('192.0.2.1'));
    expect(budgets.spend(origin, 1_500)).toBe(0);
    expect(budgets.spend(origin, 1)).toBe(1);
    expect(budgets.spend(origin, 900)).toBe(3);
    expect(rejections).toEqual(['origin', 'origin']);
    advance(1_000);
    expect(budgets.spend(origin, 300)).toBe(0);
    expect(budgets.spend(origin, 1)).toBe(1);
    advance(60_000);
    expect(budgets.spend(origin, 1_500)).toBe(0);
    expect(budgets.spend(origin, 1)).toBe(1);
  });

  it('shares the budget of an address among its connections, but not with other addresses', () => {
    const { budgets } = createBudgets();
    expect(budgets.spend(budgets.toOrigin(createRequest('192.0.2.1')), 1_500)).toBe(0);
    expect(budgets.spend(budgets.toOrigin(createRequest('192.0.2.1')), 1)).toBe(1);
    expect(budgets.spend(budgets.toOrigin(createRequest('192.0.2.2')), 1)).toBe(0);
  });

  it('shares the budget of a /64 network of IPv6 addresses', () => {
    const { budgets } = createBudgets();
    expect(budgets.spend(budgets.toOrigin(createRequest('2001:db8:1:2::5')), 1_500)).toBe(0);
    expect(budgets.spend(budgets.toOrigin(createRequest('2001:db8:1:2:9:9:9:9')), 1)).toBe(1);
    expect(budgets.spend(budgets.toOrigin(createRequest('2001:db8:1:3::5')), 1)).toBe(0);
  });

  it('limits a connection whose address has been refilled by nobody else', () => {
    const { budgets } = createBudgets();
    const socket = new Socket();
    expect(budgets.spend(budgets.toOrigin(createRequest('192.0.2.1', {}, socket)), 1_500)).toBe(0);
    expect(budgets.spend(budgets.toOrigin(createRequest('192.0.2.9', {}, socket)), 1)).toBe(1);
  });

  it('takes nothing if the gateway has no rate limit', () => {
    const { budgets } = createBudgets({ isUnlimited: true });
    const origin = budgets.toOrigin(createRequest('192.0.2.1'));
    expect([budgets.spend(origin, 1_000_000), budgets.spend(origin, 1_000_000)]).toEqual([0, 0]);
  });
});

describe('OriginBudgets.toOrigin', () => {
  it('ignores X-Forwarded-For without trusted proxies', () => {
    const { budgets } = createBudgets();
    const request = createRequest('192.0.2.1', { 'x-forwarded-for': '198.51.100.7' });
    expect(budgets.toOrigin(request)).toEqual({ connection: request.socket, address: '192.0.2.1' });
  });

  it.each([
    [1, '203.0.113.9, 198.51.100.7', '198.51.100.7'],
    [2, '203.0.113.9, 198.51.100.7', '203.0.113.9'],
    [1, '198.51.100.7', '198.51.100.7'],
    // The request skipped a proxy.
    [2, '198.51.100.7', '198.51.100.7'],
    [1, '', '192.0.2.1'],
  ])('takes the entry of %i trusted proxies from "%s": %s', (trustedProxies, forwarded, address) => {
    const { budgets } = createBudgets({ trustedProxies });
    const request = createRequest('192.0.2.1', { 'x-forwarded-for': forwarded });
    expect(budgets.toOrigin(request)).toEqual({ connection: undefined, address });
  });
});

describe('Payer', () => {
  it('throws RATE_LIMITED with the seconds to wait once the budget is spent, and gives units back', () => {
    const { budgets } = createBudgets();
    const request = createRequest('192.0.2.1');
    const payer = budgets.toPayer(false, () => budgets.toOrigin(request));
    payer.spend(1_500);
    expect(() => {
      payer.spend(600);
    }).toThrow(
      expect.objectContaining({ status: 429, retryAfter: 2, extensions: { code: 'RATE_LIMITED', retryAfter: 2 } }),
    );
    payer.refund(600);
    payer.spend(600);
  });
});

describe('RATE_LIMIT_PER_MINUTE', () => {
  // 82 units each. Each text is another one, since the gateway remembers those that it rejected.
  const toInvalid = (number: number) => ({ query: `{ nothing } # ${number} `.padEnd(16_384, 'x') });

  it('rejects clients without a key once their address has spent its budget, and serves those with one', async () => {
    const gateway = await startGateway({ config: { rateLimitPerMinute: 1_200 } });
    let response = await post(gateway.url, toInvalid(0));
    for (let sent = 1; response.status === 400 && sent < 50; sent++) {
      response = await post(gateway.url, toInvalid(sent));
    }
    expect(response).toMatchObject({ status: 429, json: { errors: [{ extensions: { code: 'RATE_LIMITED' } }] } });
    expect(response.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);

    const { body } = await gateway.run('{ environments { name } }');
    expect(body).toMatchObject({ data: { environments: expect.any(Array) } });
    expect(await gateway.metrics.text()).toMatch(/gateway_shed_total\{reason="origin"\} [1-9]/);
  });

  it('charges requests that fail a check, and parses no more of a connection whose budget is spent', async () => {
    const gateway = await startGateway({ config: { rateLimitPerMinute: 1_200 } });
    for (let sent = 0; (await post(gateway.url, toInvalid(sent))).status === 400; sent++);
    // Spends what is less than the price of a document.
    while ((await post(gateway.url.replace(/graphql$/, 'unknown'), {})).status === 404);
    let parsed = 0;
    gateway.app.server.on('request', () => parsed++);
    const { hostname, port } = new URL(gateway.url);
    const client = connect(Number(port), hostname);
    let received = '';
    client.on('data', (chunk) => (received += String(chunk)));
    client.write('GET / HTTP/1.1\r\n\r\n'.repeat(30));
    await once(client, 'close');

    expect(received).toMatch(/^HTTP\/1.1 429 [^]*x-request-id: /i);
    expect(parsed).toBe(1);
  });

  it('rejects invalid documents with made-up keys too, over HTTP and event streams', async () => {
    const gateway = await startGateway({ config: { rateLimitPerMinute: 1_200 } });
    const responses: number[] = [];
    for (let sent = 0; sent < 40; sent++) {
      const path = sent % 2 === 0 ? '' : '/stream';
      const headers = { ...keyHeader(`made-up-${sent}`), accept: 'text/event-stream, application/json' };
      responses.push((await post(`${gateway.url}${path}`, toInvalid(sent), headers)).status);
    }
    expect(responses[0]).toBe(400);
    expect(responses.slice(-2)).toEqual([429, 429]);
  });

  it('rejects preflights and WebSocket handshakes of a connection that has spent its budget', async () => {
    const gateway = await startGateway({ config: { rateLimitPerMinute: 1_200 } });
    let connections = 0;
    gateway.app.server.on('connection', () => connections++);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    addCleanup(() => {
      agent.destroy();
    });
    /** Sends a request on the one connection. Returns its status. */
    const send = async (method: string, headers: Record<string, string>, body = '') => {
      const sent = request(gateway.url, { method, headers, agent });
      sent.end(body);
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        sent.on('response', resolve).on('error', reject);
      });
      response.resume();
      await once(response, 'end');
      return response.statusCode;
    };
    const preflight = { origin: 'http://localhost', 'access-control-request-method': 'POST' };
    expect(await send('OPTIONS', preflight)).toBe(204);
    const json = { 'content-type': 'application/json', ...keyHeader() };
    // The last one is rejected, and takes nothing.
    let sent = 0;
    while ((await send('POST', json, JSON.stringify(toInvalid(sent)))) === 400) sent++;
    // What is left is less than the units of a document.
    const statuses: unknown[] = [];
    do statuses.push(await send('OPTIONS', preflight));
    while (statuses.at(-1) === 204 && statuses.length < 100);
    expect(statuses.at(-1)).toBe(429);
    // The gateway has closed the connection. A preflight on another one is free for the address.
    expect(await send('OPTIONS', preflight)).toBe(204);
    expect(connections).toBe(2);

    // Takes what is left of the budget of the address.
    while ((await post(gateway.url, { query: '{ __typename }' })).status === 200) sent++;
    const handshake = { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
    const key = { 'sec-websocket-key': Buffer.alloc(16).toString('base64'), ...handshake };
    expect(await send('GET', key)).toBe(429);
  });
});
