// The built program as it starts: what it says, what it listens on, and how it refuses to start.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { SANDBOX_KEY } from '../../../src/sandbox/sandbox.js';
import { atEnd } from '../../helpers/at-end.js';
import { launch, launchGateway, urlOf } from '../../helpers/process.js';
import { json, startUpstream } from '../../helpers/upstream.js';
import { ask, post } from '../../helpers/wire.js';

const origin = expect.stringMatching(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
const list = '{ siteToSiteVpns(environment: { serviceCode: "compute-on", name: "test_area" }) { totalCount } }';
const introspection = { query: '{ __schema { queryType { name } } }' };
const html = { headers: { accept: 'text/html' } };

describe('Without CLOUDCA_API_URL', () => {
  it('the sandbox starts too, and the first lines say where all is and which key to use', async () => {
    const gateway = await launchGateway();
    const lines = gateway.lines();

    expect(lines).toEqual([
      expect.objectContaining({
        msg: 'sandbox listening',
        url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:[1-9]\d*\/v1$/),
        apiKey: SANDBOX_KEY,
      }),
      expect.objectContaining({ msg: 'ops listening', url: origin }),
      expect.objectContaining({
        msg: 'gateway listening',
        url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:[1-9]\d*\/graphql$/),
        playground: `${new URL(gateway.url).origin}/`,
      }),
    ]);
    expect(gateway.stderr()).toBe('');

    expect(await post(gateway.url, { query: list }, { 'mc-api-key': SANDBOX_KEY })).toMatchObject({
      status: 200,
      json: { data: { siteToSiteVpns: { totalCount: expect.any(Number) } } },
    });
    expect(await ask(`${gateway.opsUrl}/readyz`)).toMatchObject({ status: 200 });
    expect(await ask(`${gateway.opsUrl}/livez`)).toMatchObject({ status: 200 });
    const sandbox = { headers: { 'mc-api-key': SANDBOX_KEY } };
    expect(await ask(`${urlOf(gateway, 'sandbox listening')}/environments`, sandbox)).toMatchObject({ status: 200 });
  });

  it('everything is open: introspection, and a playground with the key filled in', async () => {
    const gateway = await launchGateway();
    const page = await ask(gateway.url, html);

    expect(await post(gateway.url, introspection)).toMatchObject({ status: 200 });
    expect((await ask(new URL(gateway.url).origin)).headers.get('location')).toBe('/graphql');
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.text).toContain(SANDBOX_KEY);
  });

  it.each(['silent', 'fatal'])('the three addresses are told at LOG_LEVEL=%s, and nothing else is', async (level) => {
    const gateway = await launchGateway({ LOG_LEVEL: level });
    await post(gateway.url, { query: list }, { 'mc-api-key': SANDBOX_KEY });
    gateway.signal('SIGTERM');
    await gateway.exit;

    const said = gateway.lines().map(({ msg }) => msg);
    expect(said).toEqual(['sandbox listening', 'ops listening', 'gateway listening']);
  });
});

describe('With CLOUDCA_API_URL', () => {
  it('that REST API is asked, there is no sandbox, and the playground holds no key', async () => {
    const upstream = await startUpstream();
    const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url });
    const answer = await post(gateway.url, { query: list }, { 'mc-api-key': 'canary-key' });

    expect(answer).toMatchObject({ status: 200, json: { data: { siteToSiteVpns: { totalCount: 0 } } } });
    expect(upstream.calls).toMatchObject([
      {
        method: 'GET',
        url: '/v1/services/compute-on/test_area/sitetositevpns',
        headers: { 'mc-api-key': 'canary-key' },
      },
    ]);
    // What is logged comes by another way than the answer.
    await gateway.says('operation');
    expect(gateway.lines().map(({ msg }) => msg)).toEqual(['ops listening', 'gateway listening', 'operation']);
    const page = await ask(gateway.url, html);
    expect(page.status).toBe(200);
    expect(page.text).not.toMatch(/<meta name="api-key"/);
    expect(page.text).not.toContain(SANDBOX_KEY);
  });

  it('the timeout that is set holds', async () => {
    const upstream = await startUpstream(() => () => undefined);
    const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url, CLOUDCA_API_TIMEOUT_MS: '100' });

    expect(await post(gateway.url, { query: list }, { 'mc-api-key': 'key' })).toMatchObject({
      status: 200,
      json: { errors: [{ extensions: { code: 'UPSTREAM_TIMEOUT' } }] },
    });
  });

  it('no key is in what it writes, at any level', async () => {
    const upstream = await startUpstream(() => json(500, { errors: [{ message: 'It was key-canary-1.' }] }));
    const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url, LOG_LEVEL: 'trace' });
    await post(gateway.url, { query: list }, { 'mc-api-key': 'key-canary-1' });
    await post(gateway.url, '{"key-canary-1', { 'mc-api-key': 'key-canary-1' });
    await ask(`${gateway.url}/%zz/key-canary-1`, { headers: { 'mc-api-key': 'key-canary-1' } });
    gateway.signal('SIGTERM');
    await gateway.exit;

    expect(gateway.lines().map(({ msg }) => msg)).toContain('operation');
    expect(gateway.stdout() + gateway.stderr()).not.toContain('canary');
  });
});

describe('With NODE_ENV=production', () => {
  const production = async (environment: NodeJS.ProcessEnv = {}) => {
    const upstream = await startUpstream(() => json(500, { errors: [{ message: 'Why.' }] }));
    return launchGateway({ NODE_ENV: 'production', HOST: '127.0.0.1', CLOUDCA_API_URL: upstream.url, ...environment });
  };

  it('introspection and the playground are off, and no stack is told', async () => {
    const gateway = await production();
    const refusals = [
      await post(gateway.url, introspection),
      await post(gateway.url, { query: '{ nothing }' }),
      await post(gateway.url, '{'),
      await post(gateway.url, { query: list }, { 'mc-api-key': 'key' }),
      await ask(new URL(gateway.url).origin, html),
      await ask(gateway.url, html),
    ];

    expect(refusals.map(({ status }) => status)).toEqual([400, 400, 400, 200, 404, 400]);
    for (const refusal of refusals) {
      expect(refusal.json).toMatchObject({ errors: [{ extensions: { code: expect.any(String) } }] });
      expect(refusal.text).not.toMatch(/stack|trace|\.js|did you mean/i);
    }
    expect(gateway.lines().map(({ msg, playground }) => [msg, playground])).toContainEqual([
      'gateway listening',
      undefined,
    ]);
  });

  it('no page of any origin may call', async () => {
    const gateway = await production();
    const answer = await post(gateway.url, { query: '{ __typename }' }, { origin: 'http://localhost:3000' });

    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('both are on where they are asked for', async () => {
    const gateway = await production({ INTROSPECTION: 'true', PLAYGROUND: 'true' });

    expect(await post(gateway.url, introspection)).toMatchObject({ status: 200 });
    expect(await ask(gateway.url, html)).toMatchObject({ status: 200 });
  });

  it('there is no sandbox, and the addresses that are told can be called though every one is listened on', async () => {
    const gateway = await launchGateway({ NODE_ENV: 'production' });

    expect(gateway.lines().map(({ msg }) => msg)).toEqual(['ops listening', 'gateway listening']);
    expect(new URL(gateway.opsUrl).origin).toEqual(origin);
    expect(await post(gateway.url, { query: '{ __typename }' })).toMatchObject({ status: 200 });
  });
});

describe('main.js sandbox', () => {
  it('starts the sandbox alone, and ends with 0', async () => {
    const sandbox = launch({ LOG_LEVEL: 'silent' }, 'sandbox');
    await sandbox.says('sandbox listening');
    const url = urlOf(sandbox, 'sandbox listening');

    expect(sandbox.lines()).toMatchObject([{ msg: 'sandbox listening', apiKey: SANDBOX_KEY }]);
    expect(await ask(`${url}/environments`, { headers: { 'mc-api-key': SANDBOX_KEY } })).toMatchObject({ status: 200 });
    sandbox.signal('SIGTERM');
    expect(await sandbox.exit).toEqual({ code: 0, signal: null });
    expect(sandbox.lines()).toHaveLength(1);
  });
});

describe('A start that fails', () => {
  it('names every wrong variable on a line of its own, repeats no value, listens on nothing and exits with 1', async () => {
    const readme = await readFile(new URL('../../../README.md', import.meta.url), 'utf8');
    const rows = readme.split('\n').filter((line) => /^\| `[A-Z]/.test(line));
    const names = rows.flatMap((row) => (row.split('|')[1] ?? '').match(/\w+/g) ?? []);
    const wrong = `https://user:canary@ # { \n${'x'.repeat(100)}`;
    const gateway = launch({ ...Object.fromEntries(names.map((name) => [name, wrong])), AUDIT_HASH_KEY: 'canary' });

    expect(await gateway.exit).toEqual({ code: 1, signal: null });
    expect(gateway.stdout()).toBe('');
    expect(gateway.stderr()).not.toContain('canary');
    const [first, ...lines] = gateway.stderr().trimEnd().split('\n');
    expect(first).toBe('The gateway cannot start with this environment:');
    expect(lines.map((line) => line.split(' must ')[0]).sort()).toEqual(names.sort());
    expect(lines).toContain('CLOUDCA_API_URL must be an http or https URL without credentials, query or fragment');
    expect(lines).toContain('LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent');
    expect(lines).toContain('PORT must be a whole number from 0 to 65535');
  });

  it('is told of the sandbox alone, too', async () => {
    const sandbox = launch({ SANDBOX_PORT: 'canary' }, 'sandbox');

    expect(await sandbox.exit).toEqual({ code: 1, signal: null });
    expect(sandbox.stdout()).toBe('');
    expect(sandbox.stderr()).toContain('SANDBOX_PORT must be a whole number from 0 to 65535');
  });

  it.each(['PORT', 'OPS_PORT', 'SANDBOX_PORT'])('exits with 1 where %s is taken', async (name) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    atEnd(() => server.close());
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError('The server has no port.');
    const gateway = launch({ [name]: String(address.port) });

    expect(await gateway.exit).toEqual({ code: 1, signal: null });
    expect(gateway.stderr()).toBe(
      `The gateway cannot start: listen EADDRINUSE: address already in use 127.0.0.1:${address.port}\n`,
    );
    expect(gateway.lines().map(({ msg }) => msg)).not.toContain('gateway listening');
  });
});

describe('What is built', () => {
  it('has lines short enough for Node to quote from', async () => {
    // An assertion of a package that fails has Node parse the source to say which it was: 9 s where all of it is on a line.
    const lines = (await readFile(new URL('../../../dist/main.js', import.meta.url), 'utf8')).split('\n');

    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(10_000);
  });
});
