// What tests may do with a sandbox: its options, the calls it remembers, and its beginning and end.
import { Agent, get } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { defaultSeed, seedEnvironment, seedSiteToSiteVpn, seedVpc } from '../../src/sandbox/seed.js';
import { CALLS_KEPT, createSandbox, SANDBOX_KEY, type Call } from '../../src/sandbox/sandbox.js';
import { at, names, newVpn, serve, stargate, testArea } from './test-sandbox.js';

const vpns = `${testArea}/sitetositevpns`;

describe('seed', () => {
  it('is all there is', async () => {
    const range = (length: number): number[] => Array.from({ length }, (_, index) => index);
    const { call } = await serve({
      seed: {
        ...defaultSeed(),
        environments: [
          {
            environment: seedEnvironment({ id: 'environment-1', name: 'crowded' }),
            vpcs: range(10).map((index) => seedVpc({ id: `vpc-${index}`, name: `vpc-${index}` })),
            siteToSiteVpns: range(100).map((index) =>
              seedSiteToSiteVpn({
                id: `vpn-${index}`,
                name: `vpn-${index}`,
                vpcId: `vpc-${index % 10}`,
                gateway: `198.51.100.${index}`,
              }),
            ),
          },
        ],
      },
    });
    expect(names(await call('GET', '/environments'))).toEqual(['crowded']);
    const crowded = '/services/compute-on/crowded';
    expect(at((await call('GET', `${crowded}/vpcs`)).body, 'metadata')).toEqual({ recordCount: 10 });
    expect(at((await call('GET', `${crowded}/sitetositevpns`)).body, 'metadata')).toEqual({ recordCount: 100 });
    expect(at((await call('GET', `${crowded}/sitetositevpns?vpc_id=vpc-3`)).body, 'metadata')).toEqual({
      recordCount: 10,
    });
  });
});

describe('faults', () => {
  it('answer a call in the sandbox’s stead, before its key is looked at', async () => {
    const { call, advance } = await serve({
      faults: ({ method }) =>
        method === 'DELETE'
          ? { status: 503, headers: { 'retry-after': '7' }, body: { errors: [{ errorCode: 'BUSY' }] } }
          : undefined,
    });
    const answer = await call('DELETE', `${vpns}/${stargate}`, { key: null });
    expect([answer.status, answer.headers.get('retry-after'), answer.body]).toEqual([
      503,
      '7',
      { errors: [{ errorCode: 'BUSY' }] },
    ]);
    advance(60_000);
    expect((await call('GET', `${vpns}/${stargate}`)).status).toBe(200);
  });

  it('send a text as it is, under the type that was given, and nothing where there is no body', async () => {
    const answers = [
      { status: 502, headers: { 'content-type': 'text/html' }, body: '<h1>Bad gateway</h1>' },
      { status: 204 },
    ];
    const { baseUrl } = await serve({ faults: () => answers.shift() });
    const page = await fetch(`${baseUrl}/environments`);
    expect([page.status, page.headers.get('content-type'), await page.text()]).toEqual([
      502,
      'text/html',
      '<h1>Bad gateway</h1>',
    ]);
    const nothing = await fetch(`${baseUrl}/environments`);
    expect([nothing.status, await nothing.text()]).toEqual([204, '']);
  });

  it('cut the connection, and the next call goes through', async () => {
    const { call, sandbox } = await serve({
      faults: () => (sandbox.calls.length === 1 ? { destroy: true } : undefined),
    });
    await expect(call('GET', '/environments')).rejects.toMatchObject({ message: 'fetch failed' });
    expect((await call('GET', '/environments')).status).toBe(200);
    expect(sandbox.calls).toHaveLength(2);
  });
});

describe('latency', () => {
  it('keeps an answer back for that many milliseconds', async () => {
    const { call } = await serve({ latency: 150 });
    const start = performance.now();
    expect((await call('GET', '/environments')).status).toBe(200);
    expect(performance.now() - start).toBeGreaterThanOrEqual(145);
  });

  it('may differ from call to call', async () => {
    const { call } = await serve({ latency: ({ path }) => (path.endsWith('/vpcs') ? 150 : 0) });
    const order: string[] = [];
    await Promise.all(
      ['/vpcs', '/sitetositevpns'].map(async (path) => {
        await call('GET', testArea + path);
        order.push(path);
      }),
    );
    expect(order).toEqual(['/sitetositevpns', '/vpcs']);
  });
});

describe('calls', () => {
  it('tell of each call its method, its path with the query, its headers and its body', async () => {
    const { baseUrl, sandbox } = await serve();
    await fetch(`${baseUrl}${vpns}?vpc_id=a%20b`, {
      method: 'POST',
      headers: { 'MC-Api-Key': SANDBOX_KEY, 'X-Request-Id': 'request-1', 'Content-Type': 'application/json' },
      body: JSON.stringify(newVpn),
    });
    await fetch(`${baseUrl}/environments`);
    expect(sandbox.calls).toEqual([
      {
        method: 'POST',
        path: `/v1${vpns}?vpc_id=a%20b`,
        headers: expect.objectContaining({ 'mc-api-key': SANDBOX_KEY, 'x-request-id': 'request-1' }),
        body: newVpn,
      },
      { method: 'GET', path: '/v1/environments', headers: expect.any(Object), body: undefined },
    ]);
  });

  it('hold refused and failing ones too, and a body that is not JSON as text', async () => {
    const { call, sandbox } = await serve({
      faults: ({ path }) => (path.endsWith('/connections') ? { status: 500 } : undefined),
    });
    await call('GET', '/environments', { key: 'guessed' });
    await call('GET', '/nowhere');
    await call('GET', '/services/connections');
    await call('POST', vpns, { body: '{"half":' });
    const seen = sandbox.calls.map(({ method, path, body }: Call) => [method, path, body]);
    expect(seen).toEqual([
      ['GET', '/v1/environments', undefined],
      ['GET', '/v1/nowhere', undefined],
      ['GET', '/v1/services/connections', undefined],
      ['POST', `/v1${vpns}`, '{"half":'],
    ]);
  });

  it('are the last thousand', async () => {
    const { call, sandbox } = await serve();
    const spare = 5;
    for (let sent = 0; sent < CALLS_KEPT + spare; sent += 1) await call('GET', `/tasks/${sent}`);
    expect(sandbox.calls).toHaveLength(CALLS_KEPT);
    expect(sandbox.calls[0]?.path).toBe(`/v1/tasks/${spare}`);
  });

  it('may be emptied', async () => {
    const { call, sandbox } = await serve();
    await call('GET', '/environments');
    sandbox.calls.splice(0);
    await call('GET', '/services/connections');
    expect(sandbox.calls.map(({ path }) => path)).toEqual(['/v1/services/connections']);
  });
});

describe('createSandbox', () => {
  it('listens on the port it is given, or on a free one, and tells the base URL', async () => {
    const { baseUrl } = await serve();
    expect(baseUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
  });

  it('runs by the time of day unless told otherwise', async () => {
    const sandbox = createSandbox();
    const baseUrl = await sandbox.listen({ host: '127.0.0.1', port: 0 });
    const headers = { 'MC-Api-Key': SANDBOX_KEY };
    await fetch(`${baseUrl}${vpns}/${stargate}`, { method: 'DELETE', headers });
    const early = await fetch(`${baseUrl}${vpns}/${stargate}`, { headers });
    await new Promise((resolve) => setTimeout(resolve, 3_100));
    const late = await fetch(`${baseUrl}${vpns}/${stargate}`, { headers });
    await sandbox.close();
    expect([early.status, late.status]).toEqual([200, 404]);
  });

  it('closes promptly, idle connections and late answers or not', async () => {
    const { baseUrl, sandbox } = await serve({ latency: ({ path }) => (path.endsWith('/connections') ? 20_000 : 0) });
    const agent = new Agent({ keepAlive: true });
    await new Promise((resolve) => {
      get(`${baseUrl}/environments`, { agent }, (response) => response.resume().on('end', resolve));
    });
    const cut = new Promise((resolve) => {
      get(`${baseUrl}/services/connections`, { agent }).on('error', resolve);
    });
    while (sandbox.calls.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const start = performance.now();
    await sandbox.close();
    await cut;
    expect(performance.now() - start).toBeLessThan(1_000);
    agent.destroy();
  });
});
