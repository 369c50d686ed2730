// The sandbox's options for tests, its recorded calls, and its start and end.
import { Agent, get } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { createDefaultSeed } from '../../src/sandbox/default-seed.js';
import { seedEnvironment, seedSiteToSiteVpn, seedVpc } from '../../src/sandbox/seed.js';
import { MAX_RECORDED_CALLS, createSandbox, SANDBOX_KEY, type Call } from '../../src/sandbox/sandbox.js';
import { getPath, getNames, newVpn, startSandbox, stargate, testArea } from './test-sandbox.js';

const vpns = `${testArea}/sitetositevpns`;

describe('createSandbox, seed', () => {
  it('contains exactly the data of the seed', async () => {
    const range = (length: number): number[] => Array.from({ length }, (_, index) => index);
    const { call } = await startSandbox({
      seed: {
        ...createDefaultSeed(),
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
    expect(getNames(await call('GET', '/environments'))).toEqual(['crowded']);
    const crowded = '/services/compute-on/crowded';
    expect(getPath((await call('GET', `${crowded}/vpcs`)).body, 'metadata')).toEqual({ recordCount: 10 });
    expect(getPath((await call('GET', `${crowded}/sitetositevpns`)).body, 'metadata')).toEqual({ recordCount: 100 });
    expect(getPath((await call('GET', `${crowded}/sitetositevpns?vpc_id=vpc-3`)).body, 'metadata')).toEqual({
      recordCount: 10,
    });
  });
});

describe('createSandbox, faults', () => {
  it('returns the fault instead of running the call, before it checks the API key', async () => {
    const { call, advance } = await startSandbox({
      faults: ({ method }) =>
        method === 'DELETE'
          ? { status: 503, headers: { 'retry-after': '7' }, body: { errors: [{ errorCode: 'BUSY' }] } }
          : undefined,
    });
    const response = await call('DELETE', `${vpns}/${stargate}`, { key: null });
    expect([response.status, response.headers.get('retry-after'), response.body]).toEqual([
      503,
      '7',
      { errors: [{ errorCode: 'BUSY' }] },
    ]);
    advance(60_000);
    expect((await call('GET', `${vpns}/${stargate}`)).status).toBe(200);
  });

  it('sends a string body as it is with the given content type, and no body by default', async () => {
    const responses = [
      { status: 502, headers: { 'content-type': 'text/html' }, body: '<h1>Bad gateway</h1>' },
      { status: 204 },
    ];
    const { baseUrl } = await startSandbox({ faults: () => responses.shift() });
    const page = await fetch(`${baseUrl}/environments`);
    expect([page.status, page.headers.get('content-type'), await page.text()]).toEqual([
      502,
      'text/html',
      '<h1>Bad gateway</h1>',
    ]);
    const empty = await fetch(`${baseUrl}/environments`);
    expect([empty.status, await empty.text()]).toEqual([204, '']);
  });

  it('closes the connection for a fault, and runs the next call', async () => {
    const { call, sandbox } = await startSandbox({
      faults: () => (sandbox.calls.length === 1 ? { destroy: true } : undefined),
    });
    await expect(call('GET', '/environments')).rejects.toMatchObject({ message: 'fetch failed' });
    expect((await call('GET', '/environments')).status).toBe(200);
    expect(sandbox.calls).toHaveLength(2);
  });
});

describe('createSandbox, latency', () => {
  it('delays responses by a number of milliseconds', async () => {
    const { call } = await startSandbox({ latency: 150 });
    const start = performance.now();
    expect((await call('GET', '/environments')).status).toBe(200);
    expect(performance.now() - start).toBeGreaterThanOrEqual(145);
  });

  it('can delay each call differently', async () => {
    const { call } = await startSandbox({ latency: ({ path }) => (path.endsWith('/vpcs') ? 150 : 0) });
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

describe('Sandbox.calls', () => {
  it('records the method, the path with the query, the headers and the body of each call', async () => {
    const { baseUrl, sandbox } = await startSandbox();
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

  it('records rejected and failed calls too, and a body that is not JSON as text', async () => {
    const { call, sandbox } = await startSandbox({
      faults: ({ path }) => (path.endsWith('/connections') ? { status: 500 } : undefined),
    });
    await call('GET', '/environments', { key: 'guessed' });
    await call('GET', '/nowhere');
    await call('GET', '/services/connections');
    await call('POST', vpns, { body: '{"half":' });
    const recorded = sandbox.calls.map(({ method, path, body }: Call) => [method, path, body]);
    expect(recorded).toEqual([
      ['GET', '/v1/environments', undefined],
      ['GET', '/v1/nowhere', undefined],
      ['GET', '/v1/services/connections', undefined],
      ['POST', `/v1${vpns}`, '{"half":'],
    ]);
  });

  it('keeps the latest 1,000 calls', async () => {
    const { call, sandbox } = await startSandbox();
    const excess = 5;
    for (let sent = 0; sent < MAX_RECORDED_CALLS + excess; sent += 1) await call('GET', `/tasks/${sent}`);
    expect(sandbox.calls).toHaveLength(MAX_RECORDED_CALLS);
    expect(sandbox.calls[0]?.path).toBe(`/v1/tasks/${excess}`);
  });

  it('can be emptied', async () => {
    const { call, sandbox } = await startSandbox();
    await call('GET', '/environments');
    sandbox.calls.splice(0);
    await call('GET', '/services/connections');
    expect(sandbox.calls.map(({ path }) => path)).toEqual(['/v1/services/connections']);
  });
});

describe('createSandbox', () => {
  it('listens on any free port for port 0, and returns the base URL', async () => {
    const { baseUrl } = await startSandbox();
    expect(baseUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
  });

  it('uses the system clock by default', async () => {
    const sandbox = createSandbox();
    const baseUrl = await sandbox.listen({ host: '127.0.0.1', port: 0 });
    const headers = { 'MC-Api-Key': SANDBOX_KEY };
    await fetch(`${baseUrl}${vpns}/${stargate}`, { method: 'DELETE', headers });
    const before = await fetch(`${baseUrl}${vpns}/${stargate}`, { headers });
    await new Promise((resolve) => setTimeout(resolve, 3_100));
    const after = await fetch(`${baseUrl}${vpns}/${stargate}`, { headers });
    await sandbox.close();
    expect([before.status, after.status]).toEqual([200, 404]);
  });

  it('closes at once, despite idle connections and pending responses', async () => {
    const { baseUrl, sandbox } = await startSandbox({
      latency: ({ path }) => (path.endsWith('/connections') ? 20_000 : 0),
    });
    const agent = new Agent({ keepAlive: true });
    await new Promise((resolve) => {
      get(`${baseUrl}/environments`, { agent }, (response) => response.resume().on('end', resolve));
    });
    const pendingError = new Promise((resolve) => {
      get(`${baseUrl}/services/connections`, { agent }).on('error', resolve);
    });
    while (sandbox.calls.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const start = performance.now();
    await sandbox.close();
    await pendingError;
    expect(performance.now() - start).toBeLessThan(1_000);
    agent.destroy();
  });
});
