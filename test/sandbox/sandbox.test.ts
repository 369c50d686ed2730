// The sandbox's options for tests, its recorded calls, and its start and end.
import { Agent, get } from 'node:http';
import { describe, expect, it, jest } from '@jest/globals';
import { createDefaultSeed } from '../../src/sandbox/default-seed.js';
import { seedEnvironment, seedSiteToSiteVpn, seedVpc } from '../../src/sandbox/seed.js';
import { SANDBOX_KEY } from '../../src/sandbox/keys.js';
import { MAX_RECORDED_CALLS, createSandbox, type Call } from '../../src/sandbox/sandbox.js';
import { keyHeader } from '../helpers/fixtures.js';
import { waitUntil } from '../helpers/wait-until.js';
import { getPath, getNames, newVpn, startSandbox, stargate, testArea } from './test-sandbox.js';

const vpns = `${testArea}/sitetositevpns`;
// A latency that no test waits for.
const hour = 60 * 60 * 1_000;

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
    const { call } = await startSandbox({ latency: 100 });
    const order: string[] = [];
    setTimeout(() => order.push('half of the latency'), 50);
    expect((await call('GET', '/environments')).status).toBe(200);
    expect(order).toEqual(['half of the latency']);
  });

  it('can delay each call differently', async () => {
    const { call, sandbox } = await startSandbox({ latency: ({ path }) => (path.endsWith('/vpcs') ? hour : 0) });
    const delayed = call('GET', `${testArea}/vpcs`).catch(() => 'closed');
    expect((await call('GET', `${testArea}/sitetositevpns`)).status).toBe(200);
    await waitUntil(() => sandbox.calls.length === 2);
    await sandbox.close();
    expect(await delayed).toBe('closed');
  });
});

describe('Sandbox.calls', () => {
  it('records the method, the path with the query, the headers and the body of each call', async () => {
    const { baseUrl, sandbox } = await startSandbox();
    await fetch(`${baseUrl}${vpns}?vpc_id=a%20b`, {
      method: 'POST',
      headers: { ...keyHeader(), 'X-Request-Id': 'request-1', 'Content-Type': 'application/json' },
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
    await call('GET', '/tasks/0');
    const [first] = sandbox.calls;
    if (first === undefined) throw new Error('The sandbox has recorded no call.');
    // As if there had been as many calls as fit.
    for (let index = 1; index < MAX_RECORDED_CALLS; index++)
      sandbox.calls.push({ ...first, path: `/v1/tasks/${index}` });
    for (let index = 0; index < 5; index++) await call('GET', '/environments');
    expect(sandbox.calls).toHaveLength(MAX_RECORDED_CALLS);
    expect(sandbox.calls[0]?.path).toBe('/v1/tasks/5');
    expect(sandbox.calls.at(-5)?.path).toBe('/v1/environments');
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
    const clock = jest.spyOn(Date, 'now');
    const sandbox = createSandbox();
    const baseUrl = await sandbox.listen({ host: '127.0.0.1', port: 0 });
    const headers = keyHeader();
    await fetch(`${baseUrl}${vpns}/${stargate}`, { method: 'DELETE', headers });
    const before = await fetch(`${baseUrl}${vpns}/${stargate}`, { headers });
    clock.mockReturnValue(Date.now() + hour);
    const after = await fetch(`${baseUrl}${vpns}/${stargate}`, { headers });
    clock.mockRestore();
    await sandbox.close();
    expect([before.status, after.status]).toEqual([200, 404]);
  });

  it('closes at once, despite idle connections and pending responses', async () => {
    const { baseUrl, sandbox } = await startSandbox({
      latency: ({ path }) => (path.endsWith('/connections') ? hour : 0),
    });
    const agent = new Agent({ keepAlive: true });
    const pendingError = new Promise((resolve) => {
      get(`${baseUrl}/services/connections`, { agent }).on('error', resolve);
    });
    await waitUntil(() => sandbox.calls.length === 1);
    await new Promise((resolve) => {
      get(`${baseUrl}/environments`, { agent }, (response) => response.resume().on('end', resolve));
    });
    let isClosed = false;
    void sandbox.close().then(() => {
      isClosed = true;
    });
    await waitUntil(() => isClosed);
    await pendingError;
    agent.destroy();
  });
});
