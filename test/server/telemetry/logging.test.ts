// What the log says of an operation, and what neither it nor an answer ever says: the caller's key, a pre-shared key, a value that was sent.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { getOperationAST, parse } from 'graphql';
import type { Logger } from 'pino';
import { CloudcaClient, RestSession } from '../../../src/cloudca/client.js';
import { isObject } from '../../../src/cloudca/envelope.js';
import { createAudit } from '../../../src/server/telemetry/audit-log.js';
import { createLogger, logOperation } from '../../../src/server/telemetry/logging.js';
import { startApp, type TestApp } from '../../helpers/app.js';
import { unsparing } from '../../helpers/gateway.js';
import { cut, json, raw, type Script, startUpstream } from '../../helpers/upstream.js';
import { ask, post, sendLines, type WireAnswer } from '../../helpers/wire.js';

const API_KEY = 'apikeycanary4Tq9';
const PSK = 'pskcanary7Lq2Zx8W';
const CANARY = /canary/i;
const UUID = '9fe8e398-06d6-482c-8f55-b805bde4d3cc';
const environment = { serviceCode: 'compute-on', name: 'test_area' } as const;

// Before any library gets hold of it.
const said = (['log', 'info', 'warn', 'error', 'debug', 'trace'] as const).map((method) =>
  jest.spyOn(console, method).mockImplementation(() => undefined),
);

const upstream = await startUpstream();
const newClient = (timeoutMs = 10_000) => new CloudcaClient({ baseUrl: upstream.url, timeoutMs, ...unsparing() });
const app = await startApp(newClient());

beforeEach(() => {
  app.takeLog();
});

/** The log's lines, parsed. */
function toLines(log: string): unknown[] {
  return log
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
}

function run(query: string, variables: object = {}, headers: Readonly<Record<string, string>> = {}) {
  return post(app.url, { query, variables }, { 'mc-api-key': API_KEY, 'x-request-id': 'request-1', ...headers });
}

/** The line of an operation. */
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
  vpcId: UUID,
  gateway: '198.51.100.7',
  cidr: '10.12.0.0/22',
  ipSecPsk: PSK,
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

/** A VPN on the wire, with some fields changed. */
const vpn = (fields: object = {}) => ({
  id: UUID,
  name: 'vpn',
  state: 'Connected',
  vpcId: UUID,
  gateway: '198.51.100.7',
  cidr: '10.12.0.0/22',
  ipSecPsk: PSK,
  ...fields,
});

describe('The line of an operation', () => {
  it('has its name, type, duration, REST calls and request id', async () => {
    upstream.script(() => ({ data: [] }));
    await run(list, { environment });

    expect(toLines(app.takeLog())).toEqual([line({ operation: 'List', restCalls: 1 })]);
  });

  it('counts every REST call, retries included', async () => {
    upstream.script((_call, index) => (index === 0 ? cut : { data: [] }));
    await run('{ environments { id serviceConnection { serviceCode } } }');
    const [retried] = toLines(app.takeLog());

    expect(retried).toEqual(line({ restCalls: upstream.calls.length }));
    expect(upstream.calls.length).toBeGreaterThan(1);
  });

  it('has the code of each error once', async () => {
    upstream.script(() => json(403, { errors: [{ message: 'No.' }] }));
    await run(
      'query Two { a: environments { id } b: environments { id } siteToSiteVpns(environment: {serviceCode: "", name: "a"}) { totalCount } }',
    );
    const [failed] = toLines(app.takeLog());

    expect(failed).toMatchObject(line({ operation: 'Two', restCalls: 1, errors: expect.any(Array) }));
    expect(failed).toHaveProperty('errors', expect.arrayContaining(['FORBIDDEN', 'BAD_USER_INPUT']));
    expect(failed).toHaveProperty('errors.length', 2);
  });

  it.each([
    [
      'a mutation that is refused',
      create,
      { input: { ...input, cidr: '' } },
      { operation: 'Create', type: 'mutation' },
    ],
    ['a document that cannot be parsed', '{', {}, { type: null, errors: ['GRAPHQL_PARSE_FAILED'] }],
    ['a document that is not valid', 'query A { a }', {}, { type: null, errors: ['GRAPHQL_VALIDATION_FAILED'] }],
    ['variables that do not fit', list, {}, { operation: 'List', errors: ['BAD_USER_INPUT'] }],
    ['a name that is too long', `query ${'a'.repeat(300)} { __typename }`, {}, { operation: 'a'.repeat(100) }],
  ])('is there for %s', async (_what, query, variables, fields) => {
    await run(query, variables);

    expect(toLines(app.takeLog())).toEqual([line(fields)]);
  });

  it('has no variable, whatever is in it', async () => {
    upstream.script(() => ({ data: [] }));
    await run(list, { environment: { serviceCode: 'canary-1', name: 'canary 2' } });

    expect(app.takeLog()).not.toMatch(CANARY);
  });

  it('is not written where the level is above it', async () => {
    const quiet = await startApp(newClient(), { logLevel: 'warn' });
    const silent = await startApp(newClient(), { logLevel: 'silent' });
    upstream.script(() => ({ data: [vpn({ state: 'Odd' })] }));
    for (const each of [quiet, silent]) {
      await post(each.url, { query: list, variables: { environment } }, { 'mc-api-key': API_KEY });
    }

    expect(toLines(quiet.takeLog())).toEqual([expect.objectContaining({ level: 40 })]);
    expect(silent.takeLog()).toBe('');
  });
});

describe('A value of the wire that is not documented', () => {
  const warned = (field: string, problem: string) => ({
    level: 40,
    time: expect.any(Number),
    requestId: 'request-1',
    field: `siteToSiteVpn.${field}`,
    problem,
    msg: 'odd answer of the REST API',
  });

  it('is warned of with its field, once an operation', async () => {
    const odd = vpn({
      state: 'Resting',
      ikeHashAlgorithm: 'sha512',
      ikeLifetime: '86400',
      dpd: 'yes',
      espLifetime: 1.5,
    });
    upstream.script(() => ({ data: [odd, odd] }));
    await run(list, { environment });

    expect(toLines(app.takeLog())).toEqual([
      warned('state', 'not a documented value: Resting'),
      warned('ikeHashAlgorithm', 'not a documented value: sha512'),
      warned('ikeLifetime', 'of the wrong type, read as null'),
      warned('espLifetime', 'of the wrong type, read as null'),
      warned('dpd', 'of the wrong type, read as null'),
      line({ operation: 'List', restCalls: 1 }),
    ]);
  });

  it.each([API_KEY, PSK, `${PSK.slice(0, 3)} ${API_KEY}`, 'canary'.repeat(5), '<canary>', 'canary\n'])(
    'is not repeated where it may be anything: %j',
    async (value) => {
      upstream.script(() => ({
        data: [vpn({ ikeHashAlgorithm: value, state: value, espEncryptionAlgorithm: value })],
      }));
      await run(list, { environment });
      const log = app.takeLog();

      expect(toLines(log)).toContainEqual(warned('ikeHashAlgorithm', 'not a documented value'));
      expect(log).not.toMatch(CANARY);
    },
  );
});

describe('The audit log', () => {
  const audited = (fields: object) => ({
    level: 30,
    time: expect.any(Number),
    requestId: 'request-1',
    who: expect.stringMatching(/^[\w-]{22}$/),
    environment: { ...environment, organizationId: null },
    siteToSiteVpns: [],
    outcome: 'done',
    msg: 'audit',
    ...fields,
  });
  const toAudit = (lines: readonly unknown[]) => lines.filter((each) => isObject(each) && each['msg'] === 'audit');
  const write = (what: string, fields: object) =>
    run(
      `mutation ($input: ${what[0]?.toUpperCase() ?? ''}${what.slice(1)}Input!) { ${what}(input: $input) { userErrors { code } } }`,
      {
        input: { environment, ...fields },
      },
    );

  it('has a line for each write that was sent: what, where, to what, with what outcome', async () => {
    upstream.script(() => ({ taskId: UUID, taskStatus: 'PENDING' }));
    await write('createSiteToSiteVpn', input);
    await write('deleteSiteToSiteVpn', { id: UUID });
    await write('resetSiteToSiteVpn', { id: UUID });
    upstream.script(() => json(404, { errors: [{ code: 'NOT_FOUND', message: 'No.' }] }));
    await write('deleteSiteToSiteVpn', { id: UUID });
    upstream.script(() => cut);
    await write('resetSiteToSiteVpn', { id: UUID });

    expect(toAudit(toLines(app.takeLog()))).toEqual([
      audited({ what: 'createSiteToSiteVpn', taskId: UUID }),
      audited({ what: 'deleteSiteToSiteVpn', siteToSiteVpns: [UUID], taskId: UUID }),
      audited({ what: 'resetSiteToSiteVpn', siteToSiteVpns: [UUID], taskId: UUID }),
      audited({ what: 'deleteSiteToSiteVpn', siteToSiteVpns: [UUID], outcome: 'refused' }),
      audited({ what: 'resetSiteToSiteVpn', siteToSiteVpns: [UUID], outcome: 'UPSTREAM_UNAVAILABLE' }),
    ]);
  });

  it('does not hold the key, wherever a caller or the REST API has put it', async () => {
    upstream.script(() => ({ taskId: API_KEY, taskStatus: 'PENDING' }));
    const query =
      'mutation ($input: DeleteSiteToSiteVpnInput!) { deleteSiteToSiteVpn(input: $input) { userErrors { code } } }';
    const places = { serviceCode: API_KEY, name: `of ${API_KEY}`, organizationId: API_KEY };
    await run(query, { input: { environment: places, id: UUID } });
    const log = app.takeLog();

    expect(log).not.toContain(API_KEY);
    expect(toAudit(toLines(log))).toEqual([
      audited({
        what: 'deleteSiteToSiteVpn',
        siteToSiteVpns: [UUID],
        taskId: '[secret]',
        environment: { serviceCode: '[secret]', name: 'of [secret]', organizationId: '[secret]' },
      }),
    ]);
  });

  it('has none for a write that was not sent', async () => {
    await write('createSiteToSiteVpn', { ...input, name: '' });

    expect(toAudit(toLines(app.takeLog()))).toEqual([]);
  });

  it('has a line for each operation that read pre-shared keys, with the VPNs whose keys they are', async () => {
    const ids = [1, 2, 3].map((digit) => `${UUID.slice(0, -1)}${digit}`);
    upstream.script(() => ({ data: ids.map((id, index) => vpn({ id, ...(index === 2 ? { ipSecPsk: null } : {}) })) }));
    await run(list.replace('name', 'ipSecPsk'), { environment });
    await run(list, { environment });

    expect(toAudit(toLines(app.takeLog()))).toEqual([
      audited({ what: 'SiteToSiteVpn.ipSecPsk', siteToSiteVpns: ids.slice(0, 2) }),
    ]);
  });

  it('knows callers apart, and again; other processes do where they share the key of the hashes', async () => {
    upstream.script(() => ({ taskId: UUID, taskStatus: 'PENDING' }));
    const who = async (to: TestApp, apiKey: string) => {
      const query = `mutation ($input: DeleteSiteToSiteVpnInput!) { deleteSiteToSiteVpn(input: $input) { userErrors { code } } }`;
      await post(to.url, { query, variables: { input: { environment, id: UUID } } }, { 'mc-api-key': apiKey });
      const [deed] = toAudit(toLines(to.takeLog()));
      return isObject(deed) ? deed['who'] : undefined;
    };
    const [one, other, keyless] = [
      await startApp(newClient(), { auditHashKey: 'a key of the hashes' }),
      await startApp(newClient(), { auditHashKey: 'a key of the hashes' }),
      await startApp(newClient()),
    ];
    const known = await who(one, API_KEY);

    expect(await who(one, API_KEY)).toBe(known);
    expect(await who(one, `${API_KEY}b`)).not.toBe(known);
    expect(await who(other, API_KEY)).toBe(known);
    expect(await who(keyless, API_KEY)).not.toBe(known);
  });

  it('is written at every level', async () => {
    upstream.script(() => ({ taskId: UUID, taskStatus: 'PENDING' }));
    const quiet = await startApp(newClient(), { logLevel: 'silent' });
    const query = `mutation ($input: DeleteSiteToSiteVpnInput!) { deleteSiteToSiteVpn(input: $input) { userErrors { code } } }`;
    await post(quiet.url, { query, variables: { input: { environment, id: UUID } } }, { 'mc-api-key': API_KEY });

    expect(toLines(quiet.takeLog())).toEqual([expect.objectContaining({ msg: 'audit', what: 'deleteSiteToSiteVpn' })]);
  });
});

describe('A secret is in no line of the log, and in no answer where it does not belong:', () => {
  /** Says so of what came back and of what was logged since; `lines` is how many lines there are at the least. */
  function expectNoSecret(answer: WireAnswer, lines: number, from: TestApp = app): void {
    const log = from.takeLog();
    expect(log).not.toMatch(CANARY);
    expect(toLines(log).length).toBeGreaterThanOrEqual(lines);
    expect(answer.text).not.toMatch(CANARY);
    expect(JSON.stringify([...answer.headers])).not.toMatch(CANARY);
    for (const spy of said) expect(spy).not.toHaveBeenCalled();
  }

  const { name, ...withoutName } = input;

  it.each([
    ['that fit', input],
    ['that the gateway refuses', { ...input, name: '', ipSecPsk: 'canary-1' }],
    ['with a missing field', withoutName],
    ['with an unknown field', { ...input, ipsecpsk: PSK }],
    ['with a field that is a secret itself', { ...input, [PSK]: name }],
    ['of a wrong enum', { ...input, ikeHashAlgorithm: PSK }],
    ['of a wrong type', { ...input, ikeLifetime: PSK }],
    ['of another wrong type', { ...input, ipSecPsk: [PSK] }],
    ['that are a string', PSK],
    ['that are null within', { ...input, ipSecPsk: null, environment: { [PSK]: PSK } }],
  ])('variables %s', async (_what, value) => {
    upstream.script(() => ({ taskId: UUID, taskStatus: 'PENDING' }));

    expectNoSecret(await run(create, { input: value }), 1);
  });

  const literal = (fields: string) =>
    `mutation { createSiteToSiteVpn(input: { ${fields} }) { userErrors { message } } }`;
  it.each([
    ['with missing fields', literal(`ipSecPsk: "${PSK}"`)],
    ['of a wrong type', literal(`ipSecPsk: ["${PSK}"], ikeLifetime: "${PSK}"`)],
    ['of a wrong enum', literal(`ikeHashAlgorithm: "${PSK}"`)],
    ['within a block', literal(`name: """${PSK}""", dpd: """${PSK}"""`)],
    ['where a name is due', `{ "${PSK}" }`],
    ['that never end', `{ a(b: "${PSK}`],
    ['beside an odd escape', `{ a(b: "${PSK}\\q") }`],
    ['in a comment', `# ${PSK}\n{`],
    ['as a default', `query ($a: Int = "${PSK}") { __typename @include(if: $a) }`],
    ['as an argument of a directive', `{ __typename @include(if: "${PSK}") }`],
  ])('literals %s', async (_what, query) => {
    expectNoSecret(await run(query), 1);
  });

  it.each([
    ['a body that is half', `{"query":"{ __typename }","variables":{"ipSecPsk":"${PSK}`],
    ['a body that is no JSON', PSK],
    ['a body that is a string', JSON.stringify(PSK)],
    ['a batch', [{ query: create, variables: { input } }]],
    ['variables in a string', { query: create, variables: JSON.stringify({ input }) }],
    ['an unknown operation name', { query: create, operationName: PSK, variables: { input } }],
    ['extensions', { query: '{', extensions: { [PSK]: PSK } }],
    ['a persisted query that is unknown', { extensions: { persistedQuery: { version: 1, sha256Hash: PSK } } }],
  ])('%s', async (_what, body) => {
    expectNoSecret(await post(app.url, body, { 'mc-api-key': API_KEY }), 0);
  });

  it.each([
    ['the path', `/${API_KEY}`],
    ['a path that cannot be decoded', `/%zz${API_KEY}`],
    ['the query string', `/graphql?query=${API_KEY}&variables={"a":"${PSK}"`],
  ])('%s', async (_what, path) => {
    expectNoSecret(await ask(new URL(app.url).origin + path, { headers: { 'mc-api-key': API_KEY } }), 0);
  });

  it('headers that cannot be read', async () => {
    for (const header of [`mc-api-key ${API_KEY}`, `mc-api-key: ${API_KEY}\u0000`, `host: ${API_KEY} ${PSK}`]) {
      expectNoSecret(await sendLines(app.url, ['GET /graphql HTTP/1.1', 'connection: close', header, '']), 0);
    }
  });

  it('a request id that holds more than an id', async () => {
    expectNoSecret(await run('{ __typename }', {}, { 'x-request-id': `id; key=${API_KEY}` }), 1);
  });

  it('a key that no header can carry', async () => {
    const query = '{ environments { id } }';
    const answer = await sendLines(app.url, [
      `GET /graphql?query=${encodeURIComponent(query)} HTTP/1.1`,
      'host: a',
      'connection: close',
      'apollo-require-preflight: 1',
      `mc-api-key: a\t${API_KEY}\u0080`,
      '',
    ]);

    expectNoSecret(answer, 1);
  });

  const echo = `You sent ${API_KEY} and ${PSK}: ${JSON.stringify({ ipSecPsk: PSK })}`;
  const echoes = [{ code: echo, message: echo, context: { key: API_KEY, psk: PSK } }, { errorCode: PSK }, echo];
  const headers = { 'www-authenticate': API_KEY, location: `http://127.0.0.1:1/${API_KEY}/${PSK}`, 'retry-after': PSK };
  const answers: [string, Script][] = [
    ...[200, 202, 400, 401, 403, 404, 405, 409, 429, 500, 502, 503, 504].map((status): [string, Script] => [
      `${status} with an echo`,
      () => json(status, { errors: echoes }, headers),
    ]),
    ['a redirect', () => raw(307, echo, headers)],
    ['a page', () => raw(502, `<html>${echo}</html>`, { 'content-type': 'text/html' })],
    ['half a JSON', () => raw(200, `{"data": "${echo}`)],
    ['another shape', () => ({ data: echo, echo })],
    ['a task that is odd', () => ({ taskId: [API_KEY], taskStatus: PSK })],
    ['a lost connection', () => cut],
    ['what is no HTTP', () => (response) => response.socket?.end(`${API_KEY} ${PSK}\r\n\r\n`)],
    ['a header that is too large', () => raw(200, '{}', { 'x-echo': echo.repeat(500) })],
    ['a broken compression', () => raw(200, echo, { 'content-encoding': 'gzip' })],
  ];

  it.each(answers)('a REST API that answers a write with %s', async (_what, script) => {
    upstream.script(script);

    expectNoSecret(await run(create, { input }), 1);
    expect(upstream.calls.map(({ method, body }) => [method, body.includes(PSK)])).toEqual([['POST', true]]);
  });

  it.each(answers)('a REST API that answers a read with %s', async (_what, script) => {
    upstream.script(script);
    const answer = await run(list, { environment });

    // A read does not know the pre-shared keys of the environment: what the REST API says of them in its errors is passed on.
    const known = answer.text.replaceAll(PSK, '');
    expectNoSecret({ ...answer, text: known }, 1);
    expect(upstream.calls[0]?.headers['mc-api-key']).toBe(API_KEY);
  });

  it('a REST API that never answers', async () => {
    const hasty = await startApp(newClient(100));
    upstream.script(() => () => undefined);
    const answer = await post(hasty.url, { query: create, variables: { input } }, { 'mc-api-key': API_KEY });

    expect(answer.json).toMatchObject({ errors: [{ extensions: { code: 'UPSTREAM_TIMEOUT', outcomeUnknown: true } }] });
    expectNoSecret(answer, 1, hasty);
  });

  it('a REST API that is not there', async () => {
    const alone = await startApp(new CloudcaClient({ baseUrl: 'http://127.0.0.1:1', timeoutMs: 10_000 }));
    const answer = await post(alone.url, { query: create, variables: { input } }, { 'mc-api-key': API_KEY });

    expect(answer.json).toMatchObject({ errors: [{ extensions: { code: 'UPSTREAM_UNAVAILABLE' } }] });
    expectNoSecret(answer, 1, alone);
  });

  describe('an error that nobody foresaw', () => {
    /** An error that holds all that an error can. */
    function toError(): Error {
      const request = { headers: { 'mc-api-key': API_KEY }, body: { ipSecPsk: PSK } };
      const error = new TypeError(`Headers: ${API_KEY}\n    body: ${PSK}\nof all`, { cause: new Error(API_KEY) });
      return Object.assign(error, { code: 'ERR_ODD', request, options: request, extensions: request, status: PSK });
    }

    class Session extends RestSession {
      override read(): Promise<never> {
        return Promise.reject(toError());
      }
      override write(): Promise<never> {
        return Promise.reject(toError());
      }
    }
    class UncountedSession extends RestSession {
      override get calls(): number {
        throw toError();
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

    const unexpected = (requestId?: string) => ({
      level: 50,
      time: expect.any(Number),
      ...(requestId === undefined ? {} : { requestId }),
      err: { type: 'TypeError', code: 'ERR_ODD', stack: expect.stringMatching(/^ {4}at .*(\n {4}at .*)*$/) },
      msg: 'unexpected error',
    });
    const audited = (fields: object) => ({
      level: 30,
      time: expect.any(Number),
      requestId: 'request-1',
      who: expect.any(String),
      what: 'createSiteToSiteVpn',
      siteToSiteVpns: [],
      environment: { ...environment, organizationId: null },
      msg: 'audit',
      ...fields,
    });
    const told = (answer: WireAnswer) => ({
      message: 'Something went wrong in the gateway. With the request id its operators can find out what.',
      extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: answer.headers.get('x-request-id') },
    });
    const send = (to: TestApp) =>
      post(
        to.url,
        { query: create, variables: { input } },
        { 'mc-api-key': API_KEY, 'x-request-id': 'request-1', accept: 'application/json' },
      );

    it('in a resolver', async () => {
      const broken = await startApp(new Client((client, caller) => new Session(client, caller)));
      const answer = await send(broken);
      const log = broken.takeLog();

      expect(answer.status).toBe(200);
      expect(answer.json).toEqual({
        data: { createSiteToSiteVpn: null },
        errors: [{ ...told(answer), path: ['createSiteToSiteVpn'], locations: [{ line: 2, column: 3 }] }],
      });
      expect(toLines(log)).toEqual([
        audited({ outcome: 'INTERNAL_SERVER_ERROR' }),
        unexpected('request-1'),
        line({ operation: 'Create', type: 'mutation', errors: ['INTERNAL_SERVER_ERROR'] }),
      ]);
      expect(log).not.toMatch(CANARY);
      expectNoSecret(answer, 0, broken);
    });

    it('around the operation', async () => {
      upstream.script(() => ({ taskId: UUID, taskStatus: 'PENDING' }));
      const broken = await startApp(new Client((client, caller) => new UncountedSession(client, caller)));
      const answer = await send(broken);
      const log = broken.takeLog();

      expect({ status: answer.status, body: answer.json }).toEqual({ status: 500, body: { errors: [told(answer)] } });
      expect(toLines(log)).toEqual([audited({ outcome: 'done', taskId: UUID }), unexpected('request-1')]);
      expect(log).not.toMatch(CANARY);
      expectNoSecret(answer, 0, broken);
    });

    it('before the operation', async () => {
      const broken = await startApp(
        new Client(() => {
          throw toError();
        }),
      );
      const answer = await send(broken);
      const log = broken.takeLog();

      expect({ status: answer.status, body: answer.json }).toEqual({ status: 500, body: { errors: [told(answer)] } });
      expect(toLines(log)).toEqual([unexpected()]);
      expect(log).not.toMatch(CANARY);
      expectNoSecret(answer, 0, broken);
    });
  });
});

describe('The lines of one turn of the event loop', () => {
  const [query, mutation] = ['{ environments { id } }', 'mutation { deleteSiteToSiteVpn { taskId } }'].map((text) =>
    getOperationAST(parse(text)),
  );
  const facts = { begun: 0, restCalls: 0, errors: [] };
  const deed = { what: 'deleteSiteToSiteVpn', environment: null, siteToSiteVpns: [UUID], outcome: 'done' } as const;

  /** What is written to stdout meanwhile, write by write: the ids of the requests that the lines are of. */
  async function written(
    act: (log: Logger) => void,
  ): Promise<{ readonly atOnce: unknown[][]; readonly later: unknown[][] }> {
    const stdout = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    const idsOf = () =>
      stdout.mock.calls.map(([text]) => toLines(String(text)).map((each) => isObject(each) && each['requestId']));
    try {
      act(createLogger('info', false));
      const atOnce = idsOf();
      stdout.mockClear();
      await nextTurn();
      return { atOnce, later: idsOf() };
    } finally {
      stdout.mockRestore();
    }
  }

  it('are written together', async () => {
    const { atOnce, later } = await written((log) => {
      for (const requestId of ['1', '2']) logOperation(log, query ?? undefined, { ...facts, requestId });
    });
    expect({ atOnce, later }).toEqual({ atOnce: [], later: [['1', '2']] });
  });

  it('are written at once with that of a mutation, before anybody is answered', async () => {
    const { atOnce, later } = await written((log) => {
      logOperation(log, query ?? undefined, { ...facts, requestId: '1' });
      logOperation(log, mutation ?? undefined, { ...facts, requestId: '2' });
    });
    expect({ atOnce, later }).toEqual({ atOnce: [['1', '2']], later: [] });
  });

  it('are written at once with one of the audit log, whatever the level', async () => {
    const { atOnce, later } = await written((log) => {
      log.level = 'error';
      createAudit(log, undefined)(API_KEY, { requestId: '1' }, deed);
    });
    expect({ atOnce, later }).toEqual({ atOnce: [['1']], later: [] });
  });
});
