// The way out: the built gateway before a REST API in TLS by a certificate authority that only NODE_EXTRA_CA_CERTS knows, through a proxy
// and past it. What needs certificates is skipped where there is no openssl to make them.
import { createServer } from 'node:https';
import { describe, expect, it } from '@jest/globals';
import { atEnd } from '../../helpers/at-end.js';
import { createCertificates, hasOpenssl } from '../../helpers/certificates.js';
import { type ConnectProxy, startConnectProxy } from '../../helpers/connect-proxy.js';
import { findFreePort } from '../../helpers/free-port.js';
import { launchGateway } from '../../helpers/process.js';
import { startUpstream } from '../../helpers/upstream.js';
import { post } from '../../helpers/wire.js';

const apiKey = 'apikeycanary4Tq9';
const read = { query: '{ environments { id } }' };
const reset = `mutation { resetSiteToSiteVpn(input: { environment: { serviceCode: "compute-on", name: "a" }, id: "d49b2922-0581-4587-94df-6fe719327d0f" }) { task { status } } }`;
const answered = { status: 200, json: { data: { environments: [] } } };

/** What comes of an operation of a gateway with that environment, and all that the process wrote. */
async function ask(environment: NodeJS.ProcessEnv, body: object = read) {
  const gateway = await launchGateway({ LOG_LEVEL: 'trace', ...environment });
  const { status, json } = await post(gateway.url, body, { 'mc-api-key': apiKey });
  gateway.signal('SIGTERM');
  await gateway.exit;
  return { answer: { status, json }, written: gateway.stdout() + gateway.stderr() };
}

/** A REST API in TLS, and a proxy that leads to it. */
async function startFarUpstream() {
  const { authority, cert, key } = createCertificates(['rest.example.test', 'localhost']);
  const keys: unknown[] = [];
  const server = createServer({ cert, key }, ({ headers }, response) => {
    keys.push(headers['mc-api-key']);
    response.end('{"data":[]}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('The server has no port.');
  return { port: address.port, keys, authority, proxy: await startConnectProxy(address.port) };
}

/** What a proxy was asked for. */
const targetsOf = ({ requests }: ConnectProxy) => requests.map((head) => head.split('\r\n')[0]);

const describeWithOpenssl = hasOpenssl ? describe : describe.skip;

describeWithOpenssl('HTTPS_PROXY', () => {
  it('leads to a REST API that it alone can find, and shows the proxy neither key nor address', async () => {
    const { keys, authority, proxy } = await startFarUpstream();
    const { answer, written } = await ask({
      CLOUDCA_API_URL: 'https://rest.example.test/v1/secretpath',
      HTTPS_PROXY: `http://us%40er:passcanary%2F9@${proxy.host}`,
      NODE_EXTRA_CA_CERTS: authority,
    });

    expect(answer).toEqual(answered);
    expect(keys).toEqual([apiKey]);
    expect(targetsOf(proxy)).toEqual(['CONNECT rest.example.test:443 HTTP/1.1']);
    const credentials = Buffer.from('us@er:passcanary/9').toString('base64');
    expect(proxy.requests[0]).toContain(`proxy-authorization: Basic ${credentials}\r\n`);
    expect(proxy.passed()).not.toBe('');
    for (const seen of [...proxy.requests, proxy.passed()])
      expect(seen).not.toMatch(/apikeycanary|mc-api-key|secretpath/i);
    expect(written).not.toMatch(/passcanary/);
    expect(written).not.toContain(credentials);
  });

  it.each([
    ['is not on the way to this machine', undefined, []],
    ['is not on the way to a host in NO_PROXY', 'rest.example.test, localhost', []],
    ['is on the way to this machine too where NO_PROXY has other hosts', 'rest.example.test', ['proxied']],
  ])('%s', async (_, noProxy, expected) => {
    const { port, keys, authority, proxy } = await startFarUpstream();
    const { answer } = await ask({
      CLOUDCA_API_URL: `https://localhost:${port}/v1`,
      HTTPS_PROXY: `http://${proxy.host}`,
      NODE_EXTRA_CA_CERTS: authority,
      ...(noProxy === undefined ? {} : { NO_PROXY: noProxy }),
    });

    expect(answer).toEqual(answered);
    expect(keys).toEqual([apiKey]);
    expect(targetsOf(proxy)).toEqual(expected.map(() => `CONNECT localhost:${port} HTTP/1.1`));
  });

  it('leads nowhere where the certificate is by nobody who is known', async () => {
    const { keys, proxy } = await startFarUpstream();
    const { answer } = await ask(
      { CLOUDCA_API_URL: 'https://rest.example.test/v1', HTTPS_PROXY: `http://${proxy.host}` },
      { query: reset },
    );

    expect(answer).toMatchObject({ json: { errors: [{ extensions: { code: 'UPSTREAM_UNAVAILABLE' } }] } });
    expect(keys).toEqual([]);
  });
});

describe('A proxy', () => {
  const unreachable = {
    message: 'The REST API cannot be reached.',
    path: ['resetSiteToSiteVpn'],
    extensions: { code: 'UPSTREAM_UNAVAILABLE' },
  };

  it.each([
    ['wants another password', 407],
    ['refuses', 403],
    ['cannot find the REST API', 502],
    ['closes', 'close'],
    ['says nothing', 'say nothing'],
  ] as const)('that %s leaves the REST API out of reach: no write has been sent', async (_, how) => {
    const proxy = await startConnectProxy(1);
    proxy.behave(how);
    const { answer, written } = await ask(
      { CLOUDCA_API_URL: 'https://rest.example.test/v1', HTTPS_PROXY: `http://user:passcanary@${proxy.host}` },
      { query: reset },
    );

    expect(answer).toMatchObject({ status: 200, json: { data: { resetSiteToSiteVpn: null }, errors: [unreachable] } });
    expect(JSON.stringify(answer)).not.toContain('outcomeUnknown');
    expect(proxy.requests).toHaveLength(1);
    expect(written + JSON.stringify(answer)).not.toMatch(/passcanary|rest\.example/);
  });

  it('that is not there leaves the REST API out of reach', async () => {
    const { answer, written } = await ask(
      {
        CLOUDCA_API_URL: 'https://rest.example.test/v1',
        HTTPS_PROXY: `http://user:passcanary@127.0.0.1:${await findFreePort()}`,
      },
      { query: reset },
    );

    expect(answer).toMatchObject({ status: 200, json: { data: { resetSiteToSiteVpn: null }, errors: [unreachable] } });
    expect(JSON.stringify(answer)).not.toContain('outcomeUnknown');
    expect(written).not.toContain('canary');
  });

  it('of HTTP_PROXY leads to a REST API without TLS, in small letters too, which come first', async () => {
    const upstream = await startUpstream();
    const proxy = await startConnectProxy(Number(new URL(upstream.url).port));
    const { answer } = await ask({
      CLOUDCA_API_URL: 'http://rest.example.test/v1',
      http_proxy: `http://${proxy.host}`,
      HTTP_PROXY: 'http://127.0.0.1:1',
    });

    expect(answer).toEqual(answered);
    expect(upstream.calls).toHaveLength(1);
    expect(targetsOf(proxy)).toEqual(['CONNECT rest.example.test:80 HTTP/1.1']);
  });

  it('is never on the way to the sandbox', async () => {
    const proxy = await startConnectProxy(1);
    const gateway = await launchGateway({
      SANDBOX_PORT: '0',
      HTTP_PROXY: `http://${proxy.host}`,
      HTTPS_PROXY: `http://${proxy.host}`,
      NO_PROXY: 'elsewhere.example',
    });

    expect(await post(gateway.url, read, { 'mc-api-key': 'sandbox-key' })).toMatchObject({
      status: 200,
      json: { data: {} },
    });
    expect(proxy.requests).toEqual([]);
  });
});
