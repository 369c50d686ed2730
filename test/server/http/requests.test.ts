// The public listener as the contract has it: what comes in, what goes out, and what every answer carries, whatever came in.
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { SANDBOX_KEY } from '../../../src/sandbox/sandbox.js';
import { startGateway, startGatewayOnSandbox, type TestGateway } from '../../helpers/gateway.js';
import { ask, post, sendLines, type WireAnswer } from '../../helpers/wire.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const CANARY = 'canary-in-the-request';
const JSON_TYPE = 'application/json; charset=utf-8';
const RESPONSE_TYPE = 'application/graphql-response+json; charset=utf-8';
const typename = { query: '{ __typename }' };
const data = { data: { __typename: 'Query' } };
const query = `?query=${encodeURIComponent('{ __typename }')}`;
const key = { 'mc-api-key': SANDBOX_KEY };

let gateway: TestGateway;
/** Origin of the gateway. */
let origin: string;

beforeAll(async () => {
  gateway = await startGatewayOnSandbox();
  origin = new URL(gateway.url).origin;
});

/** Says that an answer is a refusal in GraphQL's shape, with one error, and repeats nothing of the request. */
function expectRefusal(answer: WireAnswer, status: number, code = 'BAD_REQUEST'): void {
  const requestId = answer.headers.get('x-request-id');
  expect(requestId).toMatch(UUID);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('content-type')).toBe(JSON_TYPE);
  expect({ status: answer.status, body: answer.json }).toEqual({
    status,
    body: {
      errors: [
        expect.objectContaining({
          message: expect.any(String),
          extensions: { code, requestId },
        }),
      ],
    },
  });
  expect(answer.text).not.toContain(CANARY);
}

describe('POST /graphql', () => {
  it.each([
    ['application/json', JSON_TYPE],
    ['application/graphql-response+json', RESPONSE_TYPE],
    ['application/graphql-response+json, application/json;q=0.9', RESPONSE_TYPE],
    ['application/json, application/graphql-response+json;q=0.9', JSON_TYPE],
    ['application/*', JSON_TYPE],
    ['*/*', JSON_TYPE],
    ['text/html, */*;q=0.1', JSON_TYPE],
  ])('answers Accept: %s with %s', async (accept, contentType) => {
    const answer = await post(gateway.url, typename, { accept });

    expect(answer).toMatchObject({ status: 200, json: data });
    expect(answer.headers.get('content-type')).toBe(contentType);
  });

  it('answers a request without Accept with application/json', async () => {
    const body = JSON.stringify(typename);
    const answer = await sendLines(gateway.url, [
      'POST /graphql HTTP/1.1',
      'host: localhost',
      'connection: close',
      'content-type: application/json',
      `content-length: ${body.length}`,
      '',
      body,
    ]);

    expect(answer).toMatchObject({ status: 200, json: data });
    expect(answer.headers.get('content-type')).toBe(JSON_TYPE);
  });

  it.each(['text/html', 'image/png', 'text/event-stream'])('answers Accept: %s with 406', async (accept) => {
    expectRefusal(await post(gateway.url, typename, { accept }), 406);
  });

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json; charset="utf8"',
  ])('takes Content-Type: %s', async (contentType) => {
    const answer = await post(gateway.url, typename, { 'content-type': contentType });

    expect(answer).toMatchObject({ status: 200, json: data });
  });

  it.each([
    'application/json; charset=iso-8859-1',
    'application/json; charset=utf-16',
    'application/graphql',
    'application/graphql+json',
    'application/jsonp',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain',
    'text/plain; application/json',
  ])('answers Content-Type: %s with 415', async (contentType) => {
    expectRefusal(await post(gateway.url, typename, { 'content-type': contentType }), 415);
  });

  it('answers a body without Content-Type with 415', async () => {
    const body = new TextEncoder().encode(JSON.stringify(typename));

    expectRefusal(await ask(gateway.url, { method: 'POST', body }), 415);
  });

  it.each(['gzip', 'br', 'deflate', 'x-unknown'])('answers Content-Encoding: %s with 415', async (encoding) => {
    expectRefusal(await post(gateway.url, typename, { 'content-encoding': encoding }), 415);
  });

  it('takes Content-Encoding: identity', async () => {
    expect(await post(gateway.url, typename, { 'content-encoding': 'identity' })).toMatchObject({ status: 200 });
  });

  it('runs an operation with its variables and its name', async () => {
    const answer = await post(gateway.url, {
      query: 'query A { a: __typename } query B($with: Boolean!) { b: __typename c: __typename @include(if: $with) }',
      operationName: 'B',
      variables: { with: false },
    });

    expect(answer).toMatchObject({ status: 200, json: { data: { b: 'Query' } } });
  });

  it('takes 256 KiB and refuses a byte more with 413', async () => {
    const rest = JSON.stringify({ ...typename, variables: { padding: '' } });
    const bodyOf = (bytes: number) =>
      JSON.stringify({ ...typename, variables: { padding: 'x'.repeat(bytes - rest.length) } });

    expect(await post(gateway.url, bodyOf(256 * 1024))).toMatchObject({ status: 200, json: data });
    expectRefusal(await post(gateway.url, bodyOf(256 * 1024 + 1)), 413);
  });

  it('refuses a body that is announced as too large with 413 before it comes', async () => {
    const answer = await sendLines(gateway.url, [
      'POST /graphql HTTP/1.1',
      'host: localhost',
      'content-type: application/json',
      'content-length: 999999999',
      '',
    ]);

    expectRefusal(answer, 413);
  });

  it.each([
    ['nothing', ''],
    ['blanks', '  '],
    ['half of a text', `{"query": "${CANARY}`],
    ['what is no JSON', CANARY],
    ['a batch', [typename, typename]],
    ['an empty batch', []],
    ['null', 'null'],
    ['a string', `"${CANARY}"`],
    ['a number', '42'],
    ['an empty object', {}],
    ['no document', { variables: { a: CANARY } }],
    ['an empty document', { query: '' }],
    ['a document that is a number', { query: 42 }],
    ['a document that is an object', { query: { [CANARY]: CANARY } }],
    ['variables that are a string', { ...typename, variables: `{"a":"${CANARY}"}` }],
    ['variables that are a list', { ...typename, variables: [CANARY] }],
    ['an operation name that is an object', { ...typename, operationName: { [CANARY]: CANARY } }],
    ['extensions that are a string', { ...typename, extensions: CANARY }],
  ])('answers %s with 400', async (_what, body) => {
    expectRefusal(await post(gateway.url, body), 400);
  });

  it('answers a body that is not UTF-8 with 400, even within a string', async () => {
    const text = JSON.stringify({ query: 'query($a: String) { __typename }', variables: { a: '#' } });
    const bytes = new TextEncoder().encode(text).map((byte) => (byte === 0x23 ? 0xe9 : byte));

    expectRefusal(await post(gateway.url, bytes), 400);
  });

  it('takes UTF-8 beyond ASCII as it is', async () => {
    const answer = await gateway.run(
      'query($environment: EnvironmentInput!) { vpcs(environment: $environment) { totalCount } }',
      { environment: { serviceCode: 'compute-on', name: 'café 🚀' } },
    );

    expect(answer.body).toMatchObject({
      errors: [{ message: expect.stringContaining('café 🚀'), extensions: { code: 'NOT_FOUND' } }],
    });
  });

  it.each([
    ['a syntax error', '{', 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', '{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['a missing variable', 'query($a: ID!) { task(id: $a) { id } }', 'BAD_USER_INPUT'],
    ['an operation that is not named', 'query A { __typename } query B { __typename }', 'OPERATION_RESOLUTION_FAILURE'],
    ['a document without operation', 'fragment A on Query { __typename }', 'GRAPHQL_VALIDATION_FAILED'],
  ])('answers %s with 400, for either Accept', async (_what, document, code) => {
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const answer = await post(gateway.url, { query: document }, { accept });

      expect(answer).toMatchObject({ status: 400, json: { errors: [{ extensions: { code } }] } });
      expect(answer.json).not.toHaveProperty('data');
      expect(answer.headers.get('content-type')).toBe(`${accept}; charset=utf-8`);
    }
  });

  it('answers an operation name that the document lacks with 400, and does not repeat it', async () => {
    const answer = await post(gateway.url, { query: 'query A { __typename }', operationName: CANARY });

    expectRefusal(answer, 400, 'OPERATION_RESOLUTION_FAILURE');
  });

  it('answers an operation that fails as it runs with 200', async () => {
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const answer = await post(gateway.url, { query: '{ environments { id } }' }, { accept });

      expect(answer).toMatchObject({
        status: 200,
        json: { data: { environments: null }, errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
      });
    }
  });
});

describe('GET /graphql', () => {
  it.each(['mc-api-key', 'apollo-require-preflight', 'x-apollo-operation-name'])(
    'runs a query that comes with %s',
    async (header) => {
      const answer = await ask(gateway.url + query, { headers: { [header]: 'x' } });

      expect(answer).toMatchObject({ status: 200, json: data });
      expect(answer.headers.get('content-type')).toBe(JSON_TYPE);
    },
  );

  it('takes variables and the operation name, and answers as Accept asks', async () => {
    const url = new URL(gateway.url);
    url.searchParams.set(
      'query',
      'query A { __typename } query B($yes: Boolean!) { b: __typename @include(if: $yes) }',
    );
    url.searchParams.set('operationName', 'B');
    url.searchParams.set('variables', '{"yes":true}');
    const answer = await ask(url.href, { headers: { ...key, accept: 'application/graphql-response+json' } });

    expect(answer).toMatchObject({ status: 200, json: { data: { b: 'Query' } } });
    expect(answer.headers.get('content-type')).toBe(RESPONSE_TYPE);
  });

  it.each([
    ['no header at all', {}],
    ['what a form sends', { 'content-type': 'text/plain' }],
    ['an empty key', { 'mc-api-key': '' }],
    ['headers that any page may send', { accept: 'application/json', 'accept-language': 'fr' }],
  ])('refuses a query that comes with %s: a page elsewhere may have sent it', async (_what, headers) => {
    expectRefusal(await ask(gateway.url + query, { headers }), 400);
  });

  it.each([
    ['no document', ''],
    ['variables that are no JSON', `${query}&variables=${CANARY}`],
    ['a document twice', `${query}&${query.slice(1)}`],
  ])('answers %s with 400', async (_what, search) => {
    expectRefusal(await ask(gateway.url + search, { headers: key }), 400);
  });

  it('answers a mutation with 405, and does not run it', async () => {
    const fresh = await startGatewayOnSandbox();
    const mutation = `mutation { deleteSiteToSiteVpn(input: {
      environment: { serviceCode: "compute-on", name: "test_area" }, id: "9fe8e398-06d6-482c-8f55-b805bde4d3cc"
    }) { task { id } } }`;
    const answer = await ask(`${fresh.url}?query=${encodeURIComponent(mutation)}`, { headers: key });

    expectRefusal(answer, 405);
    expect(answer.headers.get('allow')).toBe('POST');
    expect(fresh.sandbox.calls).toEqual([]);
  });
});

describe('Another method', () => {
  it.each(['PUT', 'DELETE', 'PATCH'])('%s on /graphql is answered with 405 and Allow', async (method) => {
    const answer = await ask(gateway.url, { method });

    expectRefusal(answer, 405);
    expect(answer.headers.get('allow')).toBe('GET, POST');
  });

  it.each(['PUT', 'DELETE', 'PATCH'])('%s is answered so with a body too', async (method) => {
    const answer = await ask(gateway.url, {
      method,
      headers: { 'content-type': 'application/json', ...key },
      body: JSON.stringify(typename),
    });

    expectRefusal(answer, 405);
    expect(answer.headers.get('allow')).toBe('GET, POST');
  });

  it('OPTIONS that is no preflight is answered with 204', async () => {
    expect(await ask(gateway.url, { method: 'OPTIONS' })).toMatchObject({ status: 204, text: '' });
  });

  it('HEAD on /graphql is answered with 405 and Allow', async () => {
    const answer = await ask(gateway.url + query, { method: 'HEAD', headers: key });

    expect(answer).toMatchObject({ status: 405, text: '' });
    expect(answer.headers.get('allow')).toBe('GET, POST');
  });
});

describe('An unknown path', () => {
  it.each(['/', '/graphql/', '/graphqlx', '/Graphql', '//graphql', '/metrics', '/livez', '/.env', `/${CANARY}`])(
    '%s is answered with 404',
    async (path) => {
      expectRefusal(await ask(origin + path, { headers: key }), 404);
      expectRefusal(await ask(origin + path, { method: 'POST', headers: key }), 404);
    },
  );

  it.each(['/%zz', `/%c3%28${CANARY}`, `/graphql%?query=${CANARY}`])(
    '%s, which cannot be decoded, is answered with 400',
    async (path) => {
      expectRefusal(await ask(origin + path, { headers: key }), 400);
    },
  );
});

describe('A request that is hardly one', () => {
  const start = ['GET /graphql?query={__typename} HTTP/1.1', 'mc-api-key: x', 'connection: close'];

  it('runs where the Host is in order', async () => {
    for (const host of ['localhost', 'gateway.example.com:4000', '127.0.0.1', '[::1]:80', 'under_score']) {
      expect(await sendLines(origin, [...start, `host: ${host}`, ''])).toMatchObject({ status: 200, json: data });
    }
  });

  it.each([
    ['no Host', []],
    ['an empty Host', ['host:']],
    ['a Host with a blank', [`host: a ${CANARY}`]],
    ['a Host with a path', [`host: a/${CANARY}`]],
    ['a Host with a user', [`host: ${CANARY}@a`]],
    ['a Host with a port that is none', ['host: a:b']],
    ['two Hosts', ['host: a', `host: ${CANARY}`]],
  ])('is answered with 400 for %s', async (_what, lines) => {
    expectRefusal(await sendLines(origin, [...start, ...lines, '']), 400);
  });

  it('is answered with 400 for two keys, whether or not they are the same', async () => {
    for (const other of [CANARY, 'x']) {
      expectRefusal(await sendLines(origin, [...start, 'host: a', `MC-API-KEY: ${other}`, '']), 400);
    }
  });

  it('is answered with 400 where it is no HTTP', async () => {
    expectRefusal(await sendLines(origin, [CANARY, '']), 400);
  });

  it('is answered with 400 where a chunk of its body is none', async () => {
    const answer = await sendLines(origin, [
      'POST /graphql HTTP/1.1',
      'host: a',
      'content-type: application/json',
      'transfer-encoding: chunked',
      '',
      CANARY,
      '',
    ]);

    expectRefusal(answer, 400);
  });

  it('is answered with 408 where its headers, or its body, do not come to an end', async () => {
    const start = ['POST /graphql HTTP/1.1', 'host: a', 'content-type: application/json'];
    const slow = [sendLines(origin, start), sendLines(origin, [...start, 'content-length: 100', '', `{"${CANARY}`])];

    for (const answer of await Promise.all(slow)) expectRefusal(answer, 408);
  });

  it('is answered with 431 where its headers are too large', async () => {
    expectRefusal(await sendLines(origin, [...start, 'host: a', `x: ${CANARY.repeat(1_000)}`, '']), 431);
  });
});

describe('x-request-id', () => {
  it.each(['a', 'A-1_b.c:d', 'x'.repeat(128), 'b5c0f8a2-5c92-4f3d-8f0e-0d6f2a4f4b1d'])(
    'is the caller’s where it sends %s',
    async (id) => {
      for (const body of [typename, { query: '{' }, 'null']) {
        const answer = await post(gateway.url, body, { 'x-request-id': id });

        expect(answer.headers.get('x-request-id')).toBe(id);
        if (body !== typename) expect(answer.json).toMatchObject({ errors: [{ extensions: { requestId: id } }] });
      }
    },
  );

  it.each([['a b'], ['x'.repeat(129)], [''], ['<script>'], ['a,b'], ['é'], ['%0d%0a'], ['a;b'], ['{"a":1}']])(
    'is a new one where the caller sends %s',
    async (id) => {
      const answer = await post(gateway.url, { query: '{' }, { 'x-request-id': id });

      expectRefusalId(answer);
    },
  );

  it('is a new one where the caller sends two', async () => {
    const answer = await sendLines(origin, [
      'GET /graphql?query={ HTTP/1.1',
      'host: a',
      'connection: close',
      'mc-api-key: x',
      'x-request-id: one',
      'x-request-id: two',
      '',
    ]);

    expectRefusalId(answer);
  });

  it('is another one for each request', async () => {
    const [one, other] = await Promise.all([post(gateway.url, typename), post(gateway.url, typename)]);

    expect(one.headers.get('x-request-id')).not.toBe(other.headers.get('x-request-id'));
  });

  it('is in every error of an answer', async () => {
    const answer = await gateway.run(
      '{ a: environments { id } b: environments { id } }',
      {},
      {
        key: null,
        headers: { 'x-request-id': 'twice' },
      },
    );

    expect(answer.body).toMatchObject({
      errors: [{ extensions: { requestId: 'twice' } }, { extensions: { requestId: 'twice' } }],
    });
  });

  function expectRefusalId(answer: WireAnswer): void {
    const requestId = answer.headers.get('x-request-id');
    expect(requestId).toMatch(UUID);
    expect(answer.json).toMatchObject({ errors: [{ extensions: { requestId } }] });
  }
});

describe('cache-control', () => {
  it('is no-store on every answer', async () => {
    const persisted = { extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } };
    const answers = await Promise.all([
      post(gateway.url, typename),
      post(gateway.url, { query: '{ environments { id } }' }, key),
      post(gateway.url, { query: '{ environments { id } }' }),
      post(gateway.url, { query: '{' }),
      post(gateway.url, persisted),
      post(gateway.url, typename, { 'cache-control': 'max-age=60' }),
      ask(gateway.url + query, { headers: key }),
      ask(gateway.url, { method: 'PUT' }),
      ask(gateway.url, { method: 'OPTIONS' }),
      ask(`${gateway.url}/nothing`),
    ]);

    expect(answers.map(({ headers }) => headers.get('cache-control'))).toEqual(answers.map(() => 'no-store'));
    expect(answers.map(({ headers }) => headers.get('x-request-id'))).toEqual(
      answers.map(() => expect.stringMatching(UUID)),
    );
  });
});

describe('A persisted query', () => {
  const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
  const extensionsOf = (text: string) => ({ persistedQuery: { version: 1, sha256Hash: hashOf(text) } });

  it('is not found until its text comes along once, and runs by its hash from then on, by POST and GET', async () => {
    const text = '{ mine: __typename }';
    const extensions = extensionsOf(text);
    const unknown = await post(gateway.url, { extensions });

    expect(unknown.status).toBe(200);
    expect(unknown.json).toEqual({
      errors: [
        {
          message: 'PersistedQueryNotFound',
          extensions: { code: 'PERSISTED_QUERY_NOT_FOUND', requestId: unknown.headers.get('x-request-id') },
        },
      ],
    });

    const answer = { status: 200, json: { data: { mine: 'Query' } } };
    expect(await post(gateway.url, { query: text, extensions })).toMatchObject(answer);
    expect(await post(gateway.url, { extensions })).toMatchObject(answer);
    const search = new URLSearchParams({ extensions: JSON.stringify(extensions) });
    expect(await ask(`${gateway.url}?${search.toString()}`, { headers: key })).toMatchObject(answer);
  });

  it('is refused with 400 where the hash is not that of the text', async () => {
    const extensions = extensionsOf('{ another: __typename }');

    expectRefusal(await post(gateway.url, { ...typename, extensions }), 400);
  });

  it('is refused with 400 where its version is not known', async () => {
    const extensions = { persistedQuery: { version: 2, sha256Hash: hashOf(CANARY) } };

    expectRefusal(await post(gateway.url, { extensions }), 400);
  });
});

describe('CORS', () => {
  const preflight = (url: string, from: string) =>
    ask(url, {
      method: 'OPTIONS',
      headers: {
        origin: from,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,mc-api-key',
      },
    });

  it.each([
    'http://localhost',
    'http://localhost:3000',
    'https://localhost:5173',
    'http://127.0.0.1:8080',
    'http://[::1]:80',
  ])('lets pages of %s call outside production', async (from) => {
    const answer = await post(gateway.url, typename, { origin: from });
    const before = await preflight(gateway.url, from);

    expect(answer.headers.get('access-control-allow-origin')).toBe(from);
    expect(answer.headers.get('access-control-expose-headers')).toBe('x-request-id, retry-after');
    expect(answer.headers.get('vary')).toMatch(/\borigin\b/i);
    expect(before.status).toBe(204);
    expect(before.headers.get('access-control-allow-origin')).toBe(from);
    expect(before.headers.get('access-control-allow-methods')).toBe('GET, POST');
    expect(before.headers.get('access-control-allow-headers')).toBe('content-type,mc-api-key');
  });

  it('lets a page read what it is refused with', async () => {
    const answer = await post(gateway.url, 'null', { origin: 'http://localhost:3000' });

    expect(answer.status).toBe(400);
    expect(answer.headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
  });

  it.each([
    'https://example.com',
    'http://localhost.example.com',
    'http://localhost:3000.example.com',
    'http://example.com/localhost',
    'http://notlocalhost',
    'null',
  ])('lets no page of %s call', async (from) => {
    for (const answer of [await post(gateway.url, typename, { origin: from }), await preflight(gateway.url, from)]) {
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('never lets a page send cookies along', async () => {
    const answer = await preflight(gateway.url, 'http://localhost:3000');

    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('lets the listed origins call and no others, localhost neither', async () => {
    const listed = await startGateway('http://127.0.0.1:9', {
      corsOrigins: ['https://app.example.com', 'http://b.example'],
    });
    const allowed = async (from: string) => [
      (await post(listed.url, typename, { origin: from })).headers.get('access-control-allow-origin'),
      (await preflight(listed.url, from)).headers.get('access-control-allow-origin'),
    ];

    expect(await allowed('https://app.example.com')).toEqual(['https://app.example.com', 'https://app.example.com']);
    expect(await allowed('http://b.example')).toEqual(['http://b.example', 'http://b.example']);
    for (const from of ['https://app.example.com.evil.example', 'http://app.example.com', 'http://localhost:3000']) {
      expect(await allowed(from)).toEqual([null, null]);
    }
  });

  it('lets no page call where no origin is listed', async () => {
    const closed = await startGateway('http://127.0.0.1:9', { corsOrigins: [] });

    for (const from of ['http://localhost:3000', 'https://example.com', 'null']) {
      expect(
        (await post(closed.url, typename, { origin: from })).headers.get('access-control-allow-origin'),
      ).toBeNull();
      expect((await preflight(closed.url, from)).headers.get('access-control-allow-origin')).toBeNull();
    }
  });
});

describe('The headers of an answer', () => {
  it('tell browsers to do as little with it as they can', async () => {
    for (const answer of [
      await post(gateway.url, typename),
      await ask(`${origin}/nothing`),
      await post(gateway.url, ''),
    ]) {
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-security-policy': "default-src 'none';frame-ancestors 'none'",
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'cross-origin',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'SAMEORIGIN',
      });
    }
  });

  it('do not say what the server is made of', async () => {
    const answer = await post(gateway.url, typename);

    expect(answer.headers.get('server')).toBeNull();
    expect(answer.headers.get('x-powered-by')).toBeNull();
  });
});

describe('Introspection', () => {
  const document = '{ __schema { queryType { name } } }';

  it('is answered without a key where it is on', async () => {
    expect(await post(gateway.url, { query: document })).toMatchObject({
      status: 200,
      json: { data: { __schema: { queryType: { name: 'Query' } } } },
    });
  });

  it('is refused where it is off, key or not', async () => {
    const closed = await startGatewayOnSandbox({}, { introspection: false });

    for (const headers of [{}, key]) {
      for (const refused of [document, '{ __type(name: "Vpc") { name } }']) {
        expect(await post(closed.url, { query: refused }, headers)).toMatchObject({
          status: 400,
          json: { errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] },
        });
      }
    }
  });

  it('hides the names that were nearly hit where it is off', async () => {
    const closed = await startGatewayOnSandbox({}, { introspection: false });
    const documents = [
      '{ siteToSiteVpn_ { id } }',
      '{ environments { idd } }',
      '{ environments(idd: 1) { id } }',
      'query($a: EnvironmentInpu) { __typename }',
      '{ siteToSiteVpns(environment: { serviceCod: "a" }) { totalCount } }',
      '{ siteToSiteVpns(environment: { serviceCode: "a", name: "b" }, filter: { states: CONNECTE }) { totalCount } }',
      'mutation { deleteSiteToSiteVpn_ { task { id } } }',
    ];

    for (const refused of documents) {
      const hidden = await post(closed.url, { query: refused });
      expect(hidden).toMatchObject({
        status: 400,
        json: { errors: expect.arrayContaining([expect.objectContaining({ message: expect.any(String) })]) },
      });
      expect(hidden.text).not.toMatch(/did you mean/i);
    }
    expect((await post(gateway.url, { query: '{ environments { idd } }' })).text).toMatch(/did you mean \\"id\\"/i);
  });

  it('does not hide __typename where it is off', async () => {
    const closed = await startGatewayOnSandbox({}, { introspection: false });

    expect(await post(closed.url, typename)).toMatchObject({ status: 200, json: data });
  });
});

describe('The playground', () => {
  it('is not there where it is off', async () => {
    const page = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

    expectRefusal(await ask(origin, { headers: page }), 404);
    expectRefusal(await ask(gateway.url, { headers: page }), 400);
    expectRefusal(await ask(`${origin}/playground/assets/main.js`, { headers: page }), 404);
  });
});
