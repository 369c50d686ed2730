// The outbound proxy of the built gateway, with a REST API whose certificate authority only NODE_EXTRA_CA_CERTS contains. Tests that need
// certificates are skipped if openssl is not installed.
import { createServer } from 'node:https';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { addCleanup } from '../../helpers/cleanup.js';
import { createCertificates, hasOpenssl } from '../../helpers/certificates.js';
import { type ConnectProxy, startConnectProxy } from '../../helpers/connect-proxy.js';
import { keyHeader } from '../../helpers/fixtures.js';
import { findFreePort, listen } from '../../helpers/free-port.js';
import { launchGateway, type ListeningProcess } from '../../helpers/process.js';
import { startUpstream } from '../../helpers/upstream.js';
import { post } from '../../helpers/http.js';

const apiKey = 'apikeycanary4Tq9';
const read = { query: '{ environments { id } }' };
const reset = `mutation { resetSiteToSiteVpn(input: { environment: { serviceCode: "compute-on", name: "a" }, id: "d49b2922-0581-4587-94df-6fe719327d0f" }) { task { status } } }`;
const success = { status: 200, json: { data: { environments: [] } } };

/** Launches a gateway with a REST deadline that never passes before the limits of a proxy. */
function launch(environment: NodeJS.ProcessEnv): Promise<ListeningProcess> {
  return launchGateway({ LOG_LEVEL: 'trace', CLOUDCA_API_TIMEOUT_MS: '60000', ...environment });
}

/** Sends an operation. Returns status and body of the response. */
async function send(gateway: ListeningProcess, body: object = read) {
  const { status, json } = await post(gateway.url, body, keyHeader(apiKey));
  return { status, json };
}

/** Runs an operation on a gateway with an environment. Returns the response and the output of the process. */
async function run(environment: NodeJS.ProcessEnv, body: object = read) {
  const gateway = await launch(environment);
  const response = await send(gateway, body);
  return { response, output: await stop(gateway) };
}

/** Stops a gateway. Returns its output. */
async function stop(gateway: ListeningProcess): Promise<string> {
  gateway.signal('SIGTERM');
  await gateway.exit;
  return gateway.stdout() + gateway.stderr();
}

const certificates = hasOpenssl ? createCertificates(['rest.example.test', 'localhost']) : undefined;

/** Starts a REST API with TLS, and a proxy in front of it. */
async function startTlsUpstream() {
  if (certificates === undefined) throw new Error('openssl is not installed.');
  const { caFile, cert, key } = certificates;
  const keys: unknown[] = [];
  const server = createServer({ cert, key }, ({ headers }, response) => {
    keys.push(headers['mc-api-key']);
    response.end('{"data":[]}');
  });
  const port = await listen(server);
  addCleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port, keys, caFile, proxy: await startConnectProxy(port) };
}

/** Returns the request lines that a proxy received. */
const getRequestLines = ({ requests }: ConnectProxy) => requests.map((head) => head.split('\r\n')[0]);

/** Returns the environment for a proxy with a password. */
const toEnvironment = (proxyHost: string) => ({
  CLOUDCA_API_URL: 'https://rest.example.test/v1',
  HTTPS_PROXY: `http://user:passcanary@${proxyHost}`,
});

/** Expects that the REST API was unreachable, and that no write can have reached it. */
function expectUnreachable(response: object): void {
  expect(response).toMatchObject({
    status: 200,
    json: {
      data: { resetSiteToSiteVpn: null },
      errors: [
        {
          message: 'The REST API cannot be reached.',
          path: ['resetSiteToSiteVpn'],
          extensions: { code: 'UPSTREAM_UNAVAILABLE' },
        },
      ],
    },
  });
  expect(JSON.stringify(response)).not.toMatch(/outcomeUnknown|passcanary|rest\.example/);
}

const itWithOpenssl = hasOpenssl ? it.concurrent : it.concurrent.skip;

describe('HTTPS_PROXY', () => {
  it.concurrent('makes the REST API unreachable if the proxy does not respond', async () => {
    const proxy = await startConnectProxy(1);
    proxy.setMode('hang');
    const { response, output } = await run(toEnvironment(proxy.host), { query: reset });

    expectUnreachable(response);
    expect(proxy.requests).toHaveLength(1);
    expect(output).not.toMatch(/passcanary|rest\.example/);
  });

  it.concurrent('makes the REST API unreachable if the proxy does not listen', async () => {
    const { response, output } = await run(toEnvironment(`127.0.0.1:${await findFreePort()}`), { query: reset });

    expectUnreachable(response);
    expect(output).not.toMatch(/passcanary|rest\.example/);
  });

  itWithOpenssl('connects through the proxy, which sees neither the API key nor the path of the REST API', async () => {
    const { keys, caFile, proxy } = await startTlsUpstream();
    const { response, output } = await run({
      CLOUDCA_API_URL: 'https://rest.example.test/v1/secretpath',
      HTTPS_PROXY: `http://us%40er:passcanary%2F9@${proxy.host}`,
      NODE_EXTRA_CA_CERTS: caFile,
    });

    expect(response).toEqual(success);
    expect(keys).toEqual([apiKey]);
    expect(getRequestLines(proxy)).toEqual(['CONNECT rest.example.test:443 HTTP/1.1']);
    const credentials = Buffer.from('us@er:passcanary/9').toString('base64');
    expect(proxy.requests[0]).toContain(`proxy-authorization: Basic ${credentials}\r\n`);
    expect(proxy.forwarded()).not.toBe('');
    for (const bytes of [...proxy.requests, proxy.forwarded()])
      expect(bytes).not.toMatch(/apikeycanary|mc-api-key|secretpath/i);
    expect(output).not.toMatch(/passcanary/);
    expect(output).not.toContain(credentials);
  });

  itWithOpenssl.each([
    ['does not apply to this machine by default', undefined, []],
    ['does not apply to a host in NO_PROXY', 'rest.example.test, localhost', []],
    ['applies to this machine if NO_PROXY contains only other hosts', 'rest.example.test', ['proxied']],
  ])('%s', async (_, noProxy, expected) => {
    const { port, keys, caFile, proxy } = await startTlsUpstream();
    const { response } = await run({
      CLOUDCA_API_URL: `https://localhost:${port}/v1`,
      HTTPS_PROXY: `http://${proxy.host}`,
      NODE_EXTRA_CA_CERTS: caFile,
      ...(noProxy === undefined ? {} : { NO_PROXY: noProxy }),
    });

    expect(response).toEqual(success);
    expect(keys).toEqual([apiKey]);
    expect(getRequestLines(proxy)).toEqual(expected.map(() => `CONNECT localhost:${port} HTTP/1.1`));
  });

  itWithOpenssl('rejects a REST API with a certificate of an unknown authority', async () => {
    const { keys, proxy } = await startTlsUpstream();
    const { response } = await run(
      { CLOUDCA_API_URL: 'https://rest.example.test/v1', HTTPS_PROXY: `http://${proxy.host}` },
      { query: reset },
    );

    expect(response).toMatchObject({ json: { errors: [{ extensions: { code: 'UPSTREAM_UNAVAILABLE' } }] } });
    expect(keys).toEqual([]);
  });
});

describe('HTTPS_PROXY with a proxy that fails', () => {
  // One gateway serves all cases: these failures are fewer than its circuit breaker needs.
  let proxy: ConnectProxy;
  let gateway: ListeningProcess;

  beforeAll(async () => {
    proxy = await startConnectProxy(1);
    gateway = await launch(toEnvironment(proxy.host));
  });

  it.each([
    ['requires another password', 407],
    ['rejects the request', 403],
    ['cannot resolve the REST API', 502],
    ['closes the connection', 'close'],
  ] as const)('makes the REST API unreachable if the proxy %s, and no write is sent', async (_, mode) => {
    proxy.setMode(mode);
    const before = proxy.requests.length;

    expectUnreachable(await send(gateway, { query: reset }));
    expect(proxy.requests).toHaveLength(before + 1);
  });

  it('keeps the password of the proxy and the host of the REST API out of the log', async () => {
    expect(await stop(gateway)).not.toMatch(/passcanary|rest\.example/);
  });
});

describe('Outbound proxy without TLS', () => {
  it.concurrent('in http_proxy applies to an http REST API, and takes precedence over HTTP_PROXY', async () => {
    const upstream = await startUpstream();
    const proxy = await startConnectProxy(Number(new URL(upstream.url).port));
    const { response } = await run({
      CLOUDCA_API_URL: 'http://rest.example.test/v1',
      http_proxy: `http://${proxy.host}`,
      HTTP_PROXY: 'http://127.0.0.1:1',
    });

    expect(response).toEqual(success);
    expect(upstream.calls).toHaveLength(1);
    expect(getRequestLines(proxy)).toEqual(['CONNECT rest.example.test:80 HTTP/1.1']);
  });

  it.concurrent('never applies to the sandbox', async () => {
    const proxy = await startConnectProxy(1);
    const gateway = await launchGateway({
      SANDBOX_PORT: '0',
      HTTP_PROXY: `http://${proxy.host}`,
      HTTPS_PROXY: `http://${proxy.host}`,
      NO_PROXY: 'elsewhere.example',
    });

    expect(await post(gateway.url, read, keyHeader())).toMatchObject({
      status: 200,
      json: { data: {} },
    });
    expect(proxy.requests).toEqual([]);
  });
});
