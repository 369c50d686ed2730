// The start of the built gateway: log lines, listeners, warnings, and reasons for which it does not start.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { SANDBOX_KEY } from '../../../src/sandbox/keys.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { keyHeader } from '../../helpers/fixtures.js';
import { listen } from '../../helpers/free-port.js';
import { launch, launchGateway, type ListeningProcess, getLoggedUrl } from '../../helpers/process.js';
import { json, startUpstream } from '../../helpers/upstream.js';
import { sendRequest, post, sendLines } from '../../helpers/http.js';

const origin = expect.stringMatching(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
const list = '{ siteToSiteVpns(environment: { serviceCode: "compute-on", name: "test_area" }) { totalCount } }';
const introspection = { query: '{ __schema { queryType { name } } }' };
const html = { headers: { accept: 'text/html' } };

describe('Start without CLOUDCA_API_URL', () => {
  let launching: Promise<ListeningProcess>;

  beforeAll(() => {
    launching = launchGateway();
  });

  it.concurrent('starts the sandbox too, and logs all URLs and the API key to use', async () => {
    const gateway = await launching;
    const playground = `${new URL(gateway.url).origin}/`;
    await gateway.waitForLog(`open the playground at ${playground} (MC-Api-Key: ${SANDBOX_KEY})`);
    const lines = gateway.lines().filter(({ msg }) => msg !== 'operation');

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
        playground,
      }),
      expect.objectContaining({
        msg: `open the playground at ${playground} (MC-Api-Key: ${SANDBOX_KEY})`,
        playground,
        apiKey: SANDBOX_KEY,
      }),
    ]);
    expect(gateway.stderr()).toBe('');

    expect(await post(gateway.url, { query: list }, keyHeader())).toMatchObject({
      status: 200,
      json: { data: { siteToSiteVpns: { totalCount: expect.any(Number) } } },
    });
    expect(await sendRequest(`${gateway.opsUrl}/readyz`)).toMatchObject({ status: 200 });
    expect(await sendRequest(`${gateway.opsUrl}/livez`)).toMatchObject({ status: 200 });
    const sandbox = { headers: keyHeader() };
    expect(await sendRequest(`${getLoggedUrl(gateway, 'sandbox listening')}/environments`, sandbox)).toMatchObject({
      status: 200,
    });
  });

  it.concurrent('enables introspection, and the playground with the API key filled in', async () => {
    const gateway = await launching;
    const page = await sendRequest(gateway.url, html);

    expect(await post(gateway.url, introspection)).toMatchObject({ status: 200 });
    expect((await sendRequest(new URL(gateway.url).origin)).headers.get('location')).toBe('./graphql');
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.text).toContain(SANDBOX_KEY);
  });

  it.concurrent('logs only the listeners and the playground at LOG_LEVEL=silent', async () => {
    const gateway = await launchGateway({ LOG_LEVEL: 'silent' });
    await post(gateway.url, { query: list }, keyHeader());
    gateway.signal('SIGTERM');
    await gateway.exit;

    const messages = gateway.lines().map(({ msg }) => msg);
    expect(messages).toEqual([
      'sandbox listening',
      'ops listening',
      'gateway listening',
      expect.stringMatching(/^open the playground at /),
    ]);
  });
});

describe('Start with CLOUDCA_API_URL', () => {
  it.concurrent('calls that REST API, starts no sandbox, and shows no API key in the playground', async () => {
    const upstream = await startUpstream();
    const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url });
    const response = await post(gateway.url, { query: list }, keyHeader('canary-key'));

    expect(response).toMatchObject({ status: 200, json: { data: { siteToSiteVpns: { totalCount: 0 } } } });
    expect(upstream.calls).toMatchObject([
      {
        method: 'GET',
        url: '/v1/services/compute-on/test_area/sitetositevpns',
        headers: keyHeader('canary-key'),
      },
    ]);
    // The log line may arrive after the response.
    await gateway.waitForLog('operation');
    expect(gateway.lines().map(({ msg }) => msg)).toEqual(['ops listening', 'gateway listening', 'operation']);
    const page = await sendRequest(gateway.url, html);
    expect(page.status).toBe(200);
    expect(page.text).not.toMatch(/<meta name="api-key"/);
    expect(page.text).not.toContain(SANDBOX_KEY);
  });

  it.concurrent('applies CLOUDCA_API_TIMEOUT_MS, and writes no API key to stdout or stderr', async () => {
    const upstream = await startUpstream(({ url }) =>
      url.includes('/environments') ? () => undefined : json(500, { errors: [{ message: 'It was key-canary-1.' }] }),
    );
    const gateway = await launchGateway({
      CLOUDCA_API_URL: upstream.url,
      CLOUDCA_API_TIMEOUT_MS: '1000',
      LOG_LEVEL: 'trace',
    });
    const key = keyHeader('key-canary-1');
    expect(await post(gateway.url, { query: '{ environments { id } }' }, key)).toMatchObject({
      status: 200,
      json: { errors: [{ extensions: { code: 'UPSTREAM_TIMEOUT' } }] },
    });
    await post(gateway.url, { query: list }, key);
    await post(gateway.url, '{"key-canary-1', key);
    await sendRequest(`${gateway.url}/%zz/key-canary-1`, { headers: key });
    gateway.signal('SIGTERM');
    await gateway.exit;

    expect(gateway.lines().map(({ msg }) => msg)).toContain('operation');
    expect(gateway.stdout() + gateway.stderr()).not.toContain('canary');
  });
});

describe('Start without HOST', () => {
  const sendTo = async ({ url }: ListeningProcess, host: string) => {
    const start = 'GET /graphql?query={__typename} HTTP/1.1';
    return (await sendLines(url, [start, `host: ${host}`, 'mc-api-key: a', 'connection: close', ''])).status;
  };

  it.concurrent('serves only loopback names outside production', async () => {
    const gateway = await launchGateway({ HOST: '' });

    expect(await sendTo(gateway, 'localhost')).toBe(200);
    expect(await sendTo(gateway, 'evil.example')).toBe(421);
  });

  it.concurrent('serves any name in production, with no sandbox, and logs URLs that can be called', async () => {
    const gateway = await launchGateway({ HOST: '', NODE_ENV: 'production' });

    expect(gateway.lines().map(({ msg }) => msg)).toEqual(['ops listening', 'gateway listening']);
    expect(await sendTo(gateway, 'gateway.example')).toBe(200);
    expect(new URL(gateway.opsUrl).origin).toEqual(origin);
    expect(await post(gateway.url, { query: '{ __typename }' })).toMatchObject({ status: 200 });
  });
});

describe('Start with NODE_ENV=production', () => {
  const launchProduction = async (environment: NodeJS.ProcessEnv = {}) => {
    const upstream = await startUpstream(() => json(500, { errors: [{ message: 'Why.' }] }));
    return launchGateway({ NODE_ENV: 'production', HOST: '127.0.0.1', CLOUDCA_API_URL: upstream.url, ...environment });
  };
  let launching: Promise<ListeningProcess>;

  beforeAll(() => {
    launching = launchProduction();
  });

  it.concurrent('disables introspection and the playground, and returns no stack', async () => {
    const gateway = await launching;
    const responses = [
      await post(gateway.url, introspection),
      await post(gateway.url, { query: '{ nothing }' }),
      await post(gateway.url, '{'),
      await post(gateway.url, { query: list }, keyHeader('key')),
      await sendRequest(new URL(gateway.url).origin, html),
      await sendRequest(gateway.url, html),
    ];

    expect(responses.map(({ status }) => status)).toEqual([400, 400, 400, 200, 404, 400]);
    for (const response of responses) {
      expect(response.json).toMatchObject({ errors: [{ extensions: { code: expect.any(String) } }] });
      expect(response.text).not.toMatch(/stack|trace|\.js|did you mean/i);
    }
    expect(gateway.lines().map(({ msg, playground }) => [msg, playground])).toContainEqual([
      'gateway listening',
      undefined,
    ]);
  });

  it.concurrent('allows no origin', async () => {
    const gateway = await launching;
    const response = await post(gateway.url, { query: '{ __typename }' }, { origin: 'http://localhost:3000' });

    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  it.concurrent('enables introspection and the playground if configured', async () => {
    const gateway = await launchProduction({ INTROSPECTION: 'true', PLAYGROUND: 'true' });

    expect(await post(gateway.url, introspection)).toMatchObject({ status: 200 });
    expect(await sendRequest(gateway.url, html)).toMatchObject({ status: 200 });
  });
});

describe('main.js sandbox', () => {
  it('starts only the sandbox, and exits with 0 on SIGTERM', async () => {
    const sandbox = launch({ LOG_LEVEL: 'silent' }, 'sandbox');
    await sandbox.waitForLog('sandbox listening');
    const url = getLoggedUrl(sandbox, 'sandbox listening');

    expect(sandbox.lines()).toMatchObject([{ msg: 'sandbox listening', apiKey: SANDBOX_KEY }]);
    expect(await sendRequest(`${url}/environments`, { headers: keyHeader() })).toMatchObject({
      status: 200,
    });
    sandbox.signal('SIGTERM');
    expect(await sandbox.exit).toEqual({ code: 0, signal: null });
    expect(sandbox.lines()).toHaveLength(1);
  });
});

describe('Failed start', () => {
  it.concurrent(
    'names every invalid variable in its own line, repeats no value, does not listen, and exits with 1',
    async () => {
      const document = await readFile(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
      const rows = document.split('\n').filter((line) => /^\| `[A-Z]/.test(line));
      const names = rows.flatMap((row) => (row.split('|')[1] ?? '').match(/\w+/g) ?? []);
      const invalid = `https://user:canary@ # { \n${'x'.repeat(100)}`;
      const gateway = launch({ ...Object.fromEntries(names.map((name) => [name, invalid])), AUDIT_HASH_KEY: 'canary' });

      expect(await gateway.exit).toEqual({ code: 1, signal: null });
      expect(gateway.stdout()).toBe('');
      expect(gateway.stderr()).not.toContain('canary');
      const [first, ...lines] = gateway.stderr().trimEnd().split('\n');
      expect(first).toBe('The gateway cannot start with this environment:');
      expect(lines.map((line) => line.split(' must ')[0]).sort()).toEqual(names.sort());
      expect(lines).toContain('CLOUDCA_API_URL must be an http or https URL without credentials, query or fragment');
      expect(lines).toContain('LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent');
      expect(lines).toContain('PORT must be a whole number from 0 to 65535');
    },
  );

  it.concurrent('reports an invalid variable of the sandbox when it starts alone', async () => {
    const sandbox = launch({ SANDBOX_PORT: 'canary' }, 'sandbox');

    expect(await sandbox.exit).toEqual({ code: 1, signal: null });
    expect(sandbox.stdout()).toBe('');
    expect(sandbox.stderr()).toContain('SANDBOX_PORT must be a whole number from 0 to 65535');
  });

  it.concurrent.each(['PORT', 'SANDBOX_PORT'])('exits with 1 if %s is in use, and names the variable', async (name) => {
    const server = createServer();
    const port = await listen(server);
    addCleanup(() => server.close());
    const gateway = launch({ [name]: String(port) });

    expect(await gateway.exit).toEqual({ code: 1, signal: null });
    expect(gateway.stderr()).toBe(
      `The gateway cannot start: Port ${port} of 127.0.0.1 is in use. ` +
        `Set ${name} (0: any free port) or stop the other process.\n`,
    );
    expect(gateway.lines().map(({ msg }) => msg)).not.toContain('gateway listening');
  });

  it.concurrent('exits with 1 if OPS_HOST is not an address of this machine', async () => {
    // An address for documentation (RFC 5737).
    const gateway = launch({ OPS_HOST: '192.0.2.1' });

    expect(await gateway.exit).toEqual({ code: 1, signal: null });
    expect(gateway.stderr()).toBe(
      'The gateway cannot start: 192.0.2.1 is not an address of this machine. ' +
        'Set OPS_HOST or HOST to one that is, or to 0.0.0.0 for all.\n',
    );
  });
});

describe('Unknown variables', () => {
  it('are reported in a warning for each that resembles a known one, without its value', async () => {
    const gateway = await launchGateway({
      MAX_DEPTHS: 'canary',
      MAX_WORKER_THREADS: 'canary',
      WATCH_NAMESPACE: 'canary',
    });

    expect(gateway.lines().filter(({ level }) => level === 40)).toMatchObject([
      { variable: 'MAX_DEPTHS', msg: 'unknown environment variable MAX_DEPTHS is ignored; did you mean MAX_DEPTH?' },
      { variable: 'MAX_WORKER_THREADS', msg: 'unknown environment variable MAX_WORKER_THREADS is ignored' },
    ]);
    expect(gateway.stdout() + gateway.stderr()).not.toContain('canary');
  });
});

describe('Start in production with an insecure REST API', () => {
  const insecure = {
    NODE_ENV: 'production',
    CLOUDCA_API_URL: 'http://rest.example.test/v1',
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
  };

  it.concurrent('fails with one message that names both variables, before any listener starts', async () => {
    const gateway = launch(insecure);

    expect(await gateway.exit).toEqual({ code: 1, signal: null });
    expect(gateway.stdout()).toBe('');
    expect(gateway.stderr()).toMatch(/^CLOUDCA_API_URL must be an https URL in production/m);
    expect(gateway.stderr()).toMatch(/^NODE_TLS_REJECT_UNAUTHORIZED must not be 0 in production/m);
  });

  it.concurrent('succeeds with CLOUDCA_API_INSECURE=true', async () => {
    const gateway = await launchGateway({ ...insecure, CLOUDCA_API_INSECURE: 'true' });

    expect(await sendRequest(`${gateway.opsUrl}/readyz`)).toMatchObject({ status: 200 });
  });
});

describe('dist/main.js', () => {
  it('has no line of 10,000 characters or more', async () => {
    // If an assertion of a package fails, Node parses the source line to quote it. That takes 9 s if the file is a single line.
    const lines = (await readFile(new URL('../../../dist/main.js', import.meta.url), 'utf8')).split('\n');

    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(10_000);
  });
});
