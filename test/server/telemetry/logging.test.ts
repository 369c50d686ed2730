// The log: the lines of operations, the audit log, and the absence of secrets and input values in log lines and responses.
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { getOperationAST, parse } from 'graphql';
import type { Logger } from 'pino';
import { CloudcaClient } from '../../../src/cloudca/client.js';
import { RestSession } from '../../../src/cloudca/session.js';
import { isObject } from '../../../src/json.js';
import { createAuditLog } from '../../../src/server/telemetry/audit-log.js';
import { createLogDestination } from '../../../src/server/telemetry/log-destination.js';
import { createLogger, logOperation } from '../../../src/server/telemetry/logging.js';
import { canaryKey, canaryPsk, environment, keyHeader, taskId, vpcId, vpnId, wireVpn } from '../../helpers/fixtures.js';
import { startGateway, type TestGateway } from '../../helpers/gateway.js';
import { dropConnection, json, raw, type Script, startUpstream } from '../../helpers/upstream.js';
import { sendRequest, post, sendLines, type HttpResponse } from '../../helpers/http.js';

const key = keyHeader(canaryKey);
const CANARY = /canary/i;

// Mocked before any library captures a method.
const consoleMethods = (['log', 'info', 'warn', 'error', 'debug', 'trace'] as const).map((method) =>
  jest.spyOn(console, method).mockImplementation(() => undefined),
);

const upstream = await startUpstream();
const app = await startGateway({ restApi: upstream.url });

beforeEach(() => {
  app.takeLog();
});

/** Parses the lines of a log. */
function toLines(log: string): unknown[] {
  return log
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
}

function run(query: string, variables: object = {}, headers: Readonly<Record<string, string>> = {}) {
  return post(app.url, { query, variables }, { ...key, 'x-request-id': 'request-1', ...headers });
}

/** Returns the expected line of an operation. */
const line = (fields: object) => ({
  level: 30,
  time: expect.any(Number),
  requestId: 'request-1',
  operation: null,
  type: 'query',
  durationMs: expect.any(Number),
  restCalls: 0,
  errors: [],
  msg: 'operation',
  ...fields,
});

const input = {
  environment,
  name: 'vpn',
  vpcId,
  gateway: '198.51.100.7',
  cidr: '10.12.0.0/22',
  ipSecPsk: canaryPsk,
  ikeEncryptionAlgorithm: 'AES256',
  ikeHashAlgorithm: 'SHA1',
  ikeLifetime: 86_400,
  espEncryptionAlgorithm: 'AES256',
  espHashAlgorithm: 'SHA1',
  espLifetime: 3_600,
} as const;
const create = `mutation Create($input: CreateSiteToSiteVpnInput!) {
  createSiteToSiteVpn(input: $input) { task { id } userErrors { message } }
}`;
const list = `query List($environment: EnvironmentInput!) { siteToSiteVpns(environment: $environment) { nodes { name } } }`;

/** Returns a VPN as the REST API sends it, with some fields replaced. */
const vpn = (fields: object = {}) => wireVpn({ ipSecPsk: canaryPsk, ...fields });

describe('The log line of an operation', () => {
  it('has the name, type, duration, REST calls and request id', async () => {
    upstream.script(() => ({ data: [] }));
    await run(list, { environment });

    expect(toLines(app.takeLog())).toEqual([line({ operation: 'List', restCalls: 1 })]);
  });

  it('counts all REST calls, retries included', async () => {
    upstream.script((_call, index) => (index === 0 ? dropConnection : { data: [] }));
    await run('{ environments { id serviceConnection { serviceCode } } }');
    const [retriedLine] = toLines(app.takeLog());

    expect(retriedLine).toEqual(line({ restCalls: upstream.calls.length }));
    expect(upstream.calls.length).toBeGreaterThan(1);
  });

  it('has each error code once', async () => {
    upstream.script(() => json(403, { errors: [{ message: 'No.' }] }));
    await run(
      'query Two { a: environments { id } b: environments { id } siteToSiteVpns(environment: {serviceCode: "", name: "a"}) { totalCount } }',
    );
    const [failedLine] = toLines(app.takeLog());

    expect(failedLine).toMatchObject(line({ operation: 'Two', restCalls: 1, errors: expect.any(Array) }));
    expect(failedLine).toHaveProperty('errors', expect.arrayContaining(['FORBIDDEN', 'BAD_USER_INPUT']));
    expect(failedLine).toHaveProperty('errors.length', 2);
  });

  it.each([
    [
      'the name and version of Apollo clients',
      { 'apollographql-client-name': 'ios', 'apollographql-client-version': '4.2.0 (7)' },
      { client: 'ios', clientVersion: '4.2.0 (7)' },
    ],
    [
      'the name and version of other clients',
      { 'graphql-client-name': 'web', 'graphql-client-version': '1' },
      { client: 'web', clientVersion: '1' },
    ],
    ['a name without a version', { 'graphql-client-name': 'web' }, { client: 'web' }],
    ['no version without a name', { 'apollographql-client-version': '1' }, {}],
    ['no name of more than 100 characters', { 'graphql-client-name': 'n'.repeat(101) }, {}],
    ['no name in other characters', { 'graphql-client-name': 'caf\u00e9' }, {}],
    ['no name or version that contains the API key', { 'graphql-client-name': `web ${canaryKey}` }, {}],
  ])('has %s', async (_label, headers, fields) => {
    await run('{ __typename }', {}, headers);

    expect(toLines(app.takeLog())).toEqual([line(fields)]);
  });

  it.each([
    [
      'a mutation with invalid input',
      create,
      { input: { ...input, cidr: '' } },
      { operation: 'Create', type: 'mutation' },
    ],
    ['a document with a syntax error', '{', {}, { type: null, errors: ['GRAPHQL_PARSE_FAILED'] }],
    ['an invalid document', 'query A { a }', {}, { type: null, errors: ['GRAPHQL_VALIDATION_FAILED'] }],
    ['invalid variables', list, {}, { operation: 'List', errors: ['BAD_USER_INPUT'] }],
    ['a name that is too long', `query ${'a'.repeat(300)} { __typename }`, {}, { operation: 'a'.repeat(100) }],
  ])('is written for %s', async (_label, query, variables, fields) => {
    await run(query, variables);

    expect(toLines(app.takeLog())).toEqual([line(fields)]);
  });

  it('has no variables', async () => {
    upstream.script(() => ({ data: [] }));
    await run(list, { environment: { serviceCode: 'canary-1', name: 'canary 2' } });

    expect(app.takeLog()).not.toMatch(CANARY);
  });

  it('is not written if LOG_LEVEL is above info', async () => {
    const quiet = await startGateway({ restApi: upstream.url, config: { logLevel: 'warn' } });
    const silent = await startGateway({ restApi: upstream.url, config: { logLevel: 'silent' } });
    upstream.script(() => ({ data: [vpn({ state: 'Unknown' })] }));
    for (const gateway of [quiet, silent]) {
      await post(gateway.url, { query: list, variables: { environment } }, key);
    }

    expect(toLines(quiet.takeLog())).toEqual([expect.objectContaining({ level: 40 })]);
    expect(silent.takeLog()).toBe('');
  });
});

describe('An unexpected value in a REST response', () => {
  const warningLine = (field: string, problem: string) => ({
    level: 40,
    time: expect.any(Number),
    requestId: 'request-1',
    field: `siteToSiteVpn.${field}`,
    problem,
    msg: 'unexpected value in a response of the REST API',
  });

  it('is logged with its field, once for each operation', async () => {
    const unexpected = vpn({
      state: 'Resting',
      ikeHashAlgorithm: 'sha512',
      ikeLifetime: '86400',
      dpd: 'yes',
      espLifetime: 1.5,
    });
    upstream.script(() => ({ data: [unexpected, unexpected] }));
    await run(list, { environment });

    expect(toLines(app.takeLog())).toEqual([
      warningLine('state', 'not a documented value: Resting'),
      warningLine('ikeHashAlgorithm', 'not a documented value: sha512'),
      {
        ...warningLine('ikeLifetime', 'a number in a text, read as the number'),
        form: 'number_as_text',
      },
      warningLine('espLifetime', 'of the wrong type, read as null'),
      warningLine('dpd', 'of the wrong type, read as null'),
      line({ operation: 'List', restCalls: 1 }),
    ]);
  });

  it.each([canaryKey, canaryPsk, `${canaryPsk.slice(0, 3)} ${canaryKey}`, 'canary'.repeat(5), '<canary>', 'canary\n'])(
    'is not quoted if it may be a secret: %j',
    async (value) => {
      upstream.script(() => ({
        data: [vpn({ ikeHashAlgorithm: value, state: value, espEncryptionAlgorithm: value })],
      }));
      await run(list, { environment });
      const log = app.takeLog();

      expect(toLines(log)).toContainEqual(warningLine('ikeHashAlgorithm', 'not a documented value'));
      expect(log).not.toMatch(CANARY);
    },
  );
});

describe('The audit log', () => {
  const auditLine = (fields: object) => ({
    level: 30,
    time: expect.any(Number),
    requestId: 'request-1',
    actor: expect.stringMatching(/^[\w-]{22}$/),
    environment: { ...environment, organizationId: null },
    siteToSiteVpns: [],
    outcome: 'done',
    msg: 'audit',
    ...fields,
  });
  const filterAuditLines = (lines: readonly unknown[]) =>
    lines.filter((item) => isObject(item) && item['msg'] === 'audit');
  const write = (mutation: string, fields: object) =>
    run(
      `mutation ($input: ${mutation[0]?.toUpperCase() ?? ''}${mutation.slice(1)}Input!) { ${mutation}(input: $input) { userErrors { code } } }`,
      {
        input: { environment, ...fields },
      },
    );

  it('has a line for each write: action, environment, VPNs, task and outcome', async () => {
    upstream.script(() => ({ taskId, taskStatus: 'PENDING' }));
    await write('createSiteToSiteVpn', input);
    await write('deleteSiteToSiteVpn', { id: vpnId });
    await write('resetSiteToSiteVpn', { id: vpnId });
    upstream.script(() => json(404, { errors: [{ code: 'NOT_FOUND', message: 'No.' }] }));
    await write('deleteSiteToSiteVpn', { id: vpnId });
    upstream.script(() => dropConnection);
    await write('resetSiteToSiteVpn', { id: vpnId });

    expect(filterAuditLines(toLines(app.takeLog()))).toEqual([
      auditLine({ action: 'createSiteToSiteVpn', taskId }),
      auditLine({ action: 'deleteSiteToSiteVpn', siteToSiteVpns: [vpnId], taskId }),
      auditLine({ action: 'resetSiteToSiteVpn', siteToSiteVpns: [vpnId], taskId }),
      auditLine({ action: 'deleteSiteToSiteVpn', siteToSiteVpns: [vpnId], outcome: 'rejected' }),
      auditLine({ action: 'resetSiteToSiteVpn', siteToSiteVpns: [vpnId], outcome: 'UPSTREAM_UNAVAILABLE' }),
    ]);
  });

  it('does not contain the API key, even if a name or an id does', async () => {
    upstream.script(() => ({ taskId: canaryKey, taskStatus: 'PENDING' }));
    const query =
      'mutation ($input: DeleteSiteToSiteVpnInput!) { deleteSiteToSiteVpn(input: $input) { userErrors { code } } }';
    const withKey = { serviceCode: canaryKey, name: `of ${canaryKey}`, organizationId: canaryKey };
    await run(query, { input: { environment: withKey, id: vpnId } });
    const log = app.takeLog();

    expect(log).not.toContain(canaryKey);
    expect(filterAuditLines(toLines(log))).toEqual([
      auditLine({
        action: 'deleteSiteToSiteVpn',
        siteToSiteVpns: [vpnId],
        taskId: '[secret]',
        environment: { serviceCode: '[secret]', name: 'of [secret]', organizationId: '[secret]' },
      }),
    ]);
  });

  it('has no line for a write that was not sent', async () => {
    await write('createSiteToSiteVpn', { ...input, name: '' });

    expect(filterAuditLines(toLines(app.takeLog()))).toEqual([]);
  });

  it('has a line for each operation that read pre-shared keys, with the ids of their VPNs', async () => {
    const ids = [1, 2, 3].map((digit) => `${vpnId.slice(0, -1)}${digit}`);
    upstream.script(() => ({ data: ids.map((id, index) => vpn({ id, ...(index === 2 ? { ipSecPsk: null } : {}) })) }));
    await run(list.replace('name', 'ipSecPsk'), { environment });
    await run(list, { environment });

    expect(filterAuditLines(toLines(app.takeLog()))).toEqual([
      auditLine({ action: 'SiteToSiteVpn.ipSecPsk', siteToSiteVpns: ids.slice(0, 2) }),
    ]);
  });

  it('has the line of a read key for the files of a remote end, which hold it, and none for its other fields', async () => {
    const vpcEntity = { id: vpcId, name: 'web', cidr: '10.164.0.0/22', sourceNatIp: '198.51.100.9' };
    const algorithms = { ikeEncryptionAlgorithm: 'aes256', ikeHashAlgorithm: 'sha1' };
    const phase2 = { espEncryptionAlgorithm: 'aes256', espHashAlgorithm: 'sha1' };
    upstream.script(({ url }) => ({
      data: url.includes('/vpcs/') ? vpcEntity : vpn({ vpcId, ...algorithms, ...phase2 }),
    }));
    const read = (fields: string) =>
      run(
        `query ($environment: EnvironmentInput!, $id: ID!) {
          siteToSiteVpn(environment: $environment, id: $id) { remoteEnd { ${fields} } }
        }`,
        { environment, id: vpnId },
      );
    await read('localAddress peerNetworks checks { code }');
    const without = app.takeLog();
    await read('files(format: SWANCTL) { name }');

    expect(filterAuditLines(toLines(without))).toEqual([]);
    expect(filterAuditLines(toLines(app.takeLog()))).toEqual([
      auditLine({ action: 'SiteToSiteVpn.ipSecPsk', siteToSiteVpns: [vpnId] }),
    ]);
  });

  it('identifies callers by a hash that processes with one AUDIT_HASH_KEY share', async () => {
    upstream.script(() => ({ taskId, taskStatus: 'PENDING' }));
    const readActor = async (to: TestGateway, apiKey: string) => {
      const query = `mutation ($input: DeleteSiteToSiteVpnInput!) { deleteSiteToSiteVpn(input: $input) { userErrors { code } } }`;
      await post(to.url, { query, variables: { input: { environment, id: vpnId } } }, keyHeader(apiKey));
      const [event] = filterAuditLines(toLines(to.takeLog()));
      return isObject(event) ? event['actor'] : undefined;
    };
    const [first, second, withoutHashKey] = [
      await startGateway({ restApi: upstream.url, config: { auditHashKey: 'a hash key' } }),
      await startGateway({ restApi: upstream.url, config: { auditHashKey: 'a hash key' } }),
      await startGateway({ restApi: upstream.url }),
    ];
    const actor = await readActor(first, canaryKey);

    expect(await readActor(first, canaryKey)).toBe(actor);
    expect(await readActor(first, `${canaryKey}b`)).not.toBe(actor);
    expect(await readActor(second, canaryKey)).toBe(actor);
    expect(await readActor(withoutHashKey, canaryKey)).not.toBe(actor);
  });

  it('is written at every LOG_LEVEL', async () => {
    upstream.script(() => ({ taskId, taskStatus: 'PENDING' }));
    const quiet = await startGateway({ restApi: upstream.url, config: { logLevel: 'silent' } });
    const query = `mutation ($input: DeleteSiteToSiteVpnInput!) { deleteSiteToSiteVpn(input: $input) { userErrors { code } } }`;
    await post(quiet.url, { query, variables: { input: { environment, id: vpnId } } }, key);

    expect(toLines(quiet.takeLog())).toEqual([
      expect.objectContaining({ msg: 'audit', action: 'deleteSiteToSiteVpn' }),
    ]);
  });
});

describe('Secrets in log lines and responses', () => {
  /** Expects no secret in a response and in the log since the last call, which must have at least `minLines` lines. */
  function expectNoSecret(response: HttpResponse, minLines: number, from: TestGateway = app): void {
    const log = from.takeLog();
    expect(log).not.toMatch(CANARY);
    expect(toLines(log).length).toBeGreaterThanOrEqual(minLines);
    expect(response.text).not.toMatch(CANARY);
    expect(JSON.stringify([...response.headers])).not.toMatch(CANARY);
    for (const method of consoleMethods) expect(method).not.toHaveBeenCalled();
  }

  const { name, ...withoutName } = input;

  it.each([
    ['that are valid', input],
    ['that the gateway rejects', { ...input, name: '', ipSecPsk: 'canary-1' }],
    ['with a missing field', withoutName],
    ['with an unknown field', { ...input, ipsecpsk: canaryPsk }],
    ['with a secret as a field name', { ...input, [canaryPsk]: name }],
    ['with an unknown enum value', { ...input, ikeHashAlgorithm: canaryPsk }],
    ['with a string for a number', { ...input, ikeLifetime: canaryPsk }],
    ['with an array for a string', { ...input, ipSecPsk: [canaryPsk] }],
    ['that are a string', canaryPsk],
    ['with null and an unknown environment', { ...input, ipSecPsk: null, environment: { [canaryPsk]: canaryPsk } }],
  ])('are absent after variables %s', async (_label, value) => {
    upstream.script(() => ({ taskId, taskStatus: 'PENDING' }));

    expectNoSecret(await run(create, { input: value }), 1);
  });

  const literal = (fields: string) =>
    `mutation { createSiteToSiteVpn(input: { ${fields} }) { userErrors { message } } }`;
  it.each([
    ['with missing fields', literal(`ipSecPsk: "${canaryPsk}"`)],
    ['of the wrong type', literal(`ipSecPsk: ["${canaryPsk}"], ikeLifetime: "${canaryPsk}"`)],
    ['of an unknown enum value', literal(`ikeHashAlgorithm: "${canaryPsk}"`)],
    ['in block strings', literal(`name: """${canaryPsk}""", dpd: """${canaryPsk}"""`)],
    ['in the place of a name', `{ "${canaryPsk}" }`],
    ['that are not terminated', `{ a(b: "${canaryPsk}`],
    ['with an invalid escape', `{ a(b: "${canaryPsk}\\q") }`],
    ['in a comment', `# ${canaryPsk}\n{`],
    ['as a default value', `query ($a: Int = "${canaryPsk}") { __typename @include(if: $a) }`],
    ['as an argument of a directive', `{ __typename @include(if: "${canaryPsk}") }`],
  ])('are absent after literals %s', async (_label, query) => {
    expectNoSecret(await run(query), 1);
  });

  it.each([
    ['truncated JSON', `{"query":"{ __typename }","variables":{"ipSecPsk":"${canaryPsk}`],
    ['a body that is not JSON', canaryPsk],
    ['a body that is a string', JSON.stringify(canaryPsk)],
    ['a batch', [{ query: create, variables: { input } }]],
    ['variables in a string', { query: create, variables: JSON.stringify({ input }) }],
    ['an unknown operation name', { query: create, operationName: canaryPsk, variables: { input } }],
    ['extensions', { query: '{', extensions: { [canaryPsk]: canaryPsk } }],
    ['an unknown persisted query', { extensions: { persistedQuery: { version: 1, sha256Hash: canaryPsk } } }],
  ])('are absent after %s', async (_label, body) => {
    expectNoSecret(await post(app.url, body, key), 0);
  });

  it.each([
    ['the path', `/${canaryKey}`],
    ['a path that cannot be decoded', `/%zz${canaryKey}`],
    ['the query string', `/graphql?query=${canaryKey}&variables={"a":"${canaryPsk}"`],
  ])('are absent if they are in %s', async (_label, path) => {
    expectNoSecret(await sendRequest(new URL(app.url).origin + path, { headers: key }), 0);
  });

  it('are absent after malformed headers', async () => {
    for (const header of [
      `mc-api-key ${canaryKey}`,
      `mc-api-key: ${canaryKey}\u0000`,
      `host: ${canaryKey} ${canaryPsk}`,
    ]) {
      expectNoSecret(await sendLines(app.url, ['GET /graphql HTTP/1.1', 'connection: close', header, '']), 0);
    }
  });

  it('are absent if they are in the request id', async () => {
    expectNoSecret(await run('{ __typename }', {}, { 'x-request-id': `id; key=${canaryKey}` }), 1);
  });

  it('are absent if the API key is not a valid header value', async () => {
    const query = '{ environments { id } }';
    const response = await sendLines(app.url, [
      `GET /graphql?query=${encodeURIComponent(query)} HTTP/1.1`,
      'host: a',
      'connection: close',
      'apollo-require-preflight: 1',
      `mc-api-key: a\t${canaryKey}\u0080`,
      '',
    ]);

    expectNoSecret(response, 1);
  });

  const echo = `You sent ${canaryKey} and ${canaryPsk}: ${JSON.stringify({ ipSecPsk: canaryPsk })}`;
  const echoes = [
    { code: echo, message: echo, context: { key: canaryKey, psk: canaryPsk } },
    { errorCode: canaryPsk },
    echo,
  ];
  const headers = {
    'www-authenticate': canaryKey,
    location: `http://127.0.0.1:1/${canaryKey}/${canaryPsk}`,
    'retry-after': canaryPsk,
  };
  const responses: [string, Script][] = [
    ...[200, 202, 400, 401, 403, 404, 405, 409, 429, 500, 502, 503, 504].map((status): [string, Script] => [
      `${status} with an echo`,
      () => json(status, { errors: echoes }, headers),
    ]),
    ['a redirect', () => raw(307, echo, headers)],
    ['an HTML page', () => raw(502, `<html>${echo}</html>`, { 'content-type': 'text/html' })],
    ['truncated JSON', () => raw(200, `{"data": "${echo}`)],
    ['an undocumented shape', () => ({ data: echo, echo })],
    ['an invalid task', () => ({ taskId: [canaryKey], taskStatus: canaryPsk })],
    ['a lost connection', () => dropConnection],
    ['bytes that are not HTTP', () => (response) => response.socket?.end(`${canaryKey} ${canaryPsk}\r\n\r\n`)],
    ['too large headers', () => raw(200, '{}', { 'x-echo': echo.repeat(500) })],
    ['invalid compression', () => raw(200, echo, { 'content-encoding': 'gzip' })],
  ];

  it.each(responses)('are absent if the REST API responds to a write with %s', async (_label, script) => {
    upstream.script(script);

    expectNoSecret(await run(create, { input }), 1);
    const writes = upstream.calls.filter(({ method }) => method !== 'GET');
    expect(writes.map(({ method, body }) => [method, body.includes(canaryPsk)])).toEqual([['POST', true]]);
  });

  it.each(responses)('are absent if the REST API responds to a read with %s', async (_label, script) => {
    upstream.script(script);
    const response = await run(list, { environment });

    // A read does not know the pre-shared keys of the environment, so the gateway passes on errors of the REST API that contain them.
    const withoutPsk = response.text.replaceAll(canaryPsk, '');
    expectNoSecret({ ...response, text: withoutPsk }, 1);
    expect(upstream.calls[0]?.headers['mc-api-key']).toBe(canaryKey);
  });

  it('are absent if the REST API does not respond', async () => {
    const impatient = await startGateway({ restApi: upstream.url, config: { cloudcaApiTimeoutMs: 100 } });
    upstream.script(() => () => undefined);
    const response = await post(impatient.url, { query: create, variables: { input } }, key);

    expect(response.json).toMatchObject({ errors: [{ extensions: { code: 'UPSTREAM_TIMEOUT' } }] });
    expectNoSecret(response, 1, impatient);
  });

  it('are absent if the REST API is unavailable', async () => {
    const disconnected = await startGateway({ restApi: 'http://127.0.0.1:1' });
    const response = await post(disconnected.url, { query: create, variables: { input } }, key);

    expect(response.json).toMatchObject({ errors: [{ extensions: { code: 'UPSTREAM_UNAVAILABLE' } }] });
    expectNoSecret(response, 1, disconnected);
  });

  describe('An unexpected error', () => {
    /** Returns an error with secrets in every place. */
    function createError(): Error {
      const request = { headers: key, body: { ipSecPsk: canaryPsk } };
      const error = new TypeError(`Headers: ${canaryKey}\n    body: ${canaryPsk}\nof all`, {
        cause: new Error(canaryKey),
      });
      return Object.assign(error, {
        code: 'ERR_UNEXPECTED',
        request,
        options: request,
        extensions: request,
        status: canaryPsk,
      });
    }

    class Session extends RestSession {
      override read(): Promise<never> {
        return Promise.reject(createError());
      }
      override write(): Promise<never> {
        return Promise.reject(createError());
      }
    }
    class UncountedSession extends RestSession {
      override get callCount(): number {
        throw createError();
      }
    }
    class Client extends CloudcaClient {
      readonly #open: (client: CloudcaClient, caller: ConstructorParameters<typeof RestSession>[1]) => RestSession;
      constructor(open: (client: CloudcaClient, caller: ConstructorParameters<typeof RestSession>[1]) => RestSession) {
        super({ baseUrl: upstream.url, timeoutMs: 10_000 });
        this.#open = open;
      }
      override session(caller: ConstructorParameters<typeof RestSession>[1]): RestSession {
        return this.#open(this, caller);
      }
    }

    const errorLine = () => ({
      level: 50,
      time: expect.any(Number),
      requestId: 'request-1',
      err: { type: 'TypeError', code: 'ERR_UNEXPECTED', stack: expect.stringMatching(/^ {4}at .*(\n {4}at .*)*$/) },
      msg: 'unexpected error',
    });
    const auditLine = (fields: object) => ({
      level: 30,
      time: expect.any(Number),
      requestId: 'request-1',
      actor: expect.any(String),
      action: 'createSiteToSiteVpn',
      siteToSiteVpns: [],
      environment: { ...environment, organizationId: null },
      msg: 'audit',
      ...fields,
    });
    const toErrorResponse = (response: HttpResponse) => ({
      message: 'Internal error in the gateway. Quote the request id to its operators.',
      extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: response.headers.get('x-request-id') },
    });
    const send = (gateway: TestGateway) =>
      post(
        gateway.url,
        { query: create, variables: { input } },
        { ...key, 'x-request-id': 'request-1', accept: 'application/json' },
      );

    it('in a resolver is logged without its message', async () => {
      const broken = await startGateway({ restApi: new Client((client, caller) => new Session(client, caller)) });
      const response = await send(broken);
      const log = broken.takeLog();

      expect(response.status).toBe(200);
      expect(response.json).toEqual({
        data: { createSiteToSiteVpn: null },
        errors: [{ ...toErrorResponse(response), path: ['createSiteToSiteVpn'], locations: [{ line: 2, column: 3 }] }],
      });
      expect(toLines(log)).toEqual([
        auditLine({ outcome: 'INTERNAL_SERVER_ERROR' }),
        errorLine(),
        line({ operation: 'Create', type: 'mutation', errors: ['INTERNAL_SERVER_ERROR'] }),
      ]);
      expect(log).not.toMatch(CANARY);
      expectNoSecret(response, 0, broken);
    });

    it('outside the resolvers is logged without its message', async () => {
      upstream.script(() => ({ taskId, taskStatus: 'PENDING' }));
      const broken = await startGateway({
        restApi: new Client((client, caller) => new UncountedSession(client, caller)),
      });
      const response = await send(broken);
      const log = broken.takeLog();

      expect({ status: response.status, body: response.json }).toEqual({
        status: 500,
        body: { errors: [toErrorResponse(response)] },
      });
      expect(toLines(log)).toEqual([auditLine({ outcome: 'done', taskId }), errorLine()]);
      expect(log).not.toMatch(CANARY);
      expectNoSecret(response, 0, broken);
    });

    it('before the operation is logged without its message', async () => {
      const broken = await startGateway({
        restApi: new Client(() => {
          throw createError();
        }),
      });
      const response = await send(broken);
      const log = broken.takeLog();

      expect({ status: response.status, body: response.json }).toEqual({
        status: 500,
        body: { errors: [toErrorResponse(response)] },
      });
      expect(toLines(log)).toEqual([errorLine()]);
      expect(log).not.toMatch(CANARY);
      expectNoSecret(response, 0, broken);
    });
  });
});

describe('A log line', () => {
  const summary = { startedAt: 0, restCalls: 0, errors: [] };

  /** Logs, and returns the request ids of the lines that were written to stdout before `act` returned. */
  function recordWrites(act: (log: Logger) => void): readonly unknown[] {
    const stdout = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      act(createLogger('info', createLogDestination()));
      return stdout.mock.calls.flatMap(([text]) =>
        toLines(String(text)).map((item) => isObject(item) && item['requestId']),
      );
    } finally {
      stdout.mockRestore();
    }
  }

  it.each(['{ environments { id } }', 'mutation { deleteSiteToSiteVpn { taskId } }'])(
    'of an operation is written before the response: %s',
    (text) => {
      const operation = getOperationAST(parse(text)) ?? undefined;
      const ids = recordWrites((log) => {
        logOperation(log, operation, { ...summary, requestId: '1' });
      });
      expect(ids).toEqual(['1']);
    },
  );

  it('of the audit log is written before the response, at any LOG_LEVEL', () => {
    const ids = recordWrites((log) => {
      log.level = 'error';
      createAuditLog(log, undefined)(
        canaryKey,
        { requestId: '1' },
        { action: 'deleteSiteToSiteVpn', environment: null, siteToSiteVpns: [vpnId], outcome: 'done' },
      );
    });
    expect(ids).toEqual(['1']);
  });
});
