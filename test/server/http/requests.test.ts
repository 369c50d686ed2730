// HTTP at the public listener: which requests it accepts, how it rejects the others, and the headers of every response.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { environment, environmentLiteral, keyHeader } from '../../helpers/fixtures.js';
import { type SandboxGateway, startGateway } from '../../helpers/gateway.js';
import { sendRequest, post, sendLines, type HttpResponse } from '../../helpers/http.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const CANARY = 'canary-in-the-request';
const JSON_TYPE = 'application/json; charset=utf-8';
const RESPONSE_TYPE = 'application/graphql-response+json; charset=utf-8';
const typename = { query: '{ __typename }' };
const data = { data: { __typename: 'Query' } };
const query = `?query=${encodeURIComponent('{ __typename }')}`;
const key = keyHeader();
const tooComplex = 'The body nests more than 100 arrays or objects, or has more than 20,000 values.';

let gateway: SandboxGateway;
/** Origin of the gateway. */
let origin: string;

beforeAll(async () => {
  gateway = await startGateway();
  origin = new URL(gateway.url).origin;
});

/** Expects an error response in GraphQL's shape, with one error, that repeats nothing of the request. */
function expectRejection(response: HttpResponse, status: number, code = 'BAD_REQUEST'): void {
  const requestId = response.headers.get('x-request-id');
  expect(requestId).toMatch(UUID);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('content-type')).toBe(JSON_TYPE);
  expect({ status: response.status, body: response.json }).toEqual({
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
  expect(response.text).not.toContain(CANARY);
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
  ])('responds to Accept: %s with %s', async (accept, contentType) => {
    const response = await post(gateway.url, typename, { accept });

    expect(response).toMatchObject({ status: 200, json: data });
    expect(response.headers.get('content-type')).toBe(contentType);
  });

  it('responds to a request without Accept with application/json', async () => {
    const body = JSON.stringify(typename);
    const response = await sendLines(gateway.url, [
      'POST /graphql HTTP/1.1',
      'host: localhost',
      'connection: close',
      'content-type: application/json',
      `content-length: ${body.length}`,
      '',
      body,
    ]);

    expect(response).toMatchObject({ status: 200, json: data });
    expect(response.headers.get('content-type')).toBe(JSON_TYPE);
  });

  it.each(['text/html', 'image/png', 'text/event-stream'])('rejects Accept: %s with 406', async (accept) => {
    expectRejection(await post(gateway.url, typename, { accept }), 406);
  });

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json; charset="utf8"',
  ])('accepts Content-Type: %s', async (contentType) => {
    const response = await post(gateway.url, typename, { 'content-type': contentType });

    expect(response).toMatchObject({ status: 200, json: data });
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
  ])('rejects Content-Type: %s with 415', async (contentType) => {
    expectRejection(await post(gateway.url, typename, { 'content-type': contentType }), 415);
  });

  it('rejects a body without Content-Type with 415', async () => {
    const body = new TextEncoder().encode(JSON.stringify(typename));

    expectRejection(await sendRequest(gateway.url, { method: 'POST', body }), 415);
  });

  it.each(['gzip', 'br', 'deflate', 'x-unknown'])('rejects Content-Encoding: %s with 415', async (encoding) => {
    expectRejection(await post(gateway.url, typename, { 'content-encoding': encoding }), 415);
  });

  it('accepts Content-Encoding: identity', async () => {
    expect(await post(gateway.url, typename, { 'content-encoding': 'identity' })).toMatchObject({ status: 200 });
  });

  it('executes the operation that operationName selects, with its variables', async () => {
    const response = await post(gateway.url, {
      query: 'query A { a: __typename } query B($with: Boolean!) { b: __typename c: __typename @include(if: $with) }',
      operationName: 'B',
      variables: { with: false },
    });

    expect(response).toMatchObject({ status: 200, json: { data: { b: 'Query' } } });
  });

  it('accepts a body of 256 KiB and rejects a byte more with 413', async () => {
    const rest = JSON.stringify({ ...typename, variables: { padding: '' } });
    const bodyOf = (bytes: number) =>
      JSON.stringify({ ...typename, variables: { padding: 'x'.repeat(bytes - rest.length) } });

    expect(await post(gateway.url, bodyOf(256 * 1024))).toMatchObject({ status: 200, json: data });
    expectRejection(await post(gateway.url, bodyOf(256 * 1024 + 1)), 413);
  });

  it('rejects a Content-Length that is too large with 413, without waiting for the body', async () => {
    const response = await sendLines(gateway.url, [
      'POST /graphql HTTP/1.1',
      'host: localhost',
      'content-type: application/json',
      'content-length: 999999999',
      '',
    ]);

    expectRejection(response, 413);
  });

  it.each([
    ['an empty body', ''],
    ['a blank body', '  '],
    ['truncated JSON', `{"query": "${CANARY}`],
    ['a body that is not JSON', CANARY],
    ['a batch', [typename, typename]],
    ['an empty batch', []],
    ['null', 'null'],
    ['a string', `"${CANARY}"`],
    ['a number', '42'],
    ['an empty object', {}],
    ['a body without a document', { variables: { a: CANARY } }],
    ['an empty document', { query: '' }],
    ['a document that is a number', { query: 42 }],
    ['a document that is an object', { query: { [CANARY]: CANARY } }],
    ['variables that are a string', { ...typename, variables: `{"a":"${CANARY}"}` }],
    ['variables that are an array', { ...typename, variables: [CANARY] }],
    ['an operation name that is an object', { ...typename, operationName: { [CANARY]: CANARY } }],
    ['extensions that are a string', { ...typename, extensions: CANARY }],
  ])('rejects %s with 400', async (_label, body) => {
    expectRejection(await post(gateway.url, body), 400);
  });

  it('rejects a body that is not UTF-8 with 400, even within a string', async () => {
    const text = JSON.stringify({ query: 'query($a: String) { __typename }', variables: { a: '#' } });
    const bytes = new TextEncoder().encode(text).map((byte) => (byte === 0x23 ? 0xe9 : byte));

    expectRejection(await post(gateway.url, bytes), 400);
  });

  it.each([
    ['a body that is not JSON', '{', 400, 'The body is not valid JSON.'],
    ['a body that is not UTF-8', new Uint8Array([0x22, 0xe9, 0x22]), 400, 'The body is not valid UTF-8.'],
    ['101 nested arrays', '['.repeat(101), 400, tooComplex],
    ['20,001 values', JSON.stringify(Array(20_001).fill(0)), 400, tooComplex],
    ['a body above 256 KiB', ' '.repeat(262_145), 413, 'The body is larger than 256 KiB (262144 bytes).'],
  ])('says why it rejects %s', async (_label, body, status, message) => {
    expect(await post(gateway.url, body)).toMatchObject({ status, json: { errors: [{ message }] } });
  });

  it('accepts a body of 20,000 values', async () => {
    // The body, its two further entries, the extensions and their array are values too.
    const body = { ...typename, operationName: null, extensions: { list: Array(19_996).fill(0) } };

    expect(await post(gateway.url, body)).toMatchObject({ status: 200, json: data });
    body.extensions.list.push(0);
    expect((await post(gateway.url, body)).status).toBe(400);
  });

  it('rejects a body with 413 if the chunks have extensions of 512 KiB in all', async () => {
    const text = JSON.stringify(typename);
    const head = ['POST /graphql HTTP/1.1', 'host: a', 'content-type: application/json', 'transfer-encoding: chunked'];
    const send = async (chunks: number) => {
      const socket = connect(Number(new URL(origin).port), '127.0.0.1');
      const arrived = once(gateway.app.server, 'request');
      socket.write(`${head.join('\r\n')}\r\n\r\n`);
      // The bytes of a body count from here on.
      await arrived;
      const padding = `1;${'x'.repeat(10_000)}\r\n \r\n`.repeat(chunks);
      socket.write(`${padding}${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`);
      const received: unknown[] = await once(socket, 'data');
      socket.destroy();
      return String(received[0]);
    };
    expect(await send(53)).toMatch(/^HTTP\/1.1 413 .*The chunk extensions are too large\./s);
    expect(await send(50)).toMatch(/^HTTP\/1.1 200 /);
  });

  it('accepts a body in 2,000 chunks of one byte, and rejects more than 2,048 chunks with 413', async () => {
    const sendInChunks = (length: number) => {
      const chunks = JSON.stringify(typename).padEnd(length).split('');
      return sendLines(gateway.url, [
        'POST /graphql HTTP/1.1',
        'host: a',
        'connection: close',
        'content-type: application/json',
        'transfer-encoding: chunked',
        '',
        ...chunks.flatMap((chunk) => ['1', chunk]),
        '0',
        '',
      ]);
    };

    expect(await sendInChunks(2_000)).toMatchObject({ status: 200, json: data });
    const rejected = await sendInChunks(2_049);
    expectRejection(rejected, 413);
    expect(rejected.text).toContain('Send it in larger ones.');
  });

  it('reads a body that arrives in several pieces of any size', async () => {
    const text = JSON.stringify({ query: `{ __typename } #${'é🚀'.repeat(2_000)}` });
    const bytes = Buffer.from(text);
    const parts = async function* () {
      for (let sent = 0, size = 1; sent < bytes.length; sent += size, size = 2 * size + 1) {
        yield bytes.subarray(sent, sent + size);
        await new Promise(setImmediate);
      }
    };
    const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: parts() };

    expect(await sendRequest(gateway.url, request)).toMatchObject({ status: 200, json: data });
  });

  it('says what to send instead of a compressed body', async () => {
    const message = 'Send the body as application/json in UTF-8, without compression.';

    expect(await post(gateway.url, typename, { 'content-encoding': 'gzip' })).toMatchObject({
      status: 415,
      json: { errors: [{ message }] },
    });
  });

  it('accepts UTF-8 beyond ASCII', async () => {
    const query = 'query($environment: EnvironmentInput!) { vpcs(environment: $environment) { totalCount } }';
    await gateway.run(query, { environment: { ...environment, name: 'café 🚀' } });

    expect(gateway.sandbox.calls.at(-1)?.path).toContain(encodeURIComponent('café 🚀'));
  });

  it.each([
    ['a syntax error', '{', 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', '{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['a missing variable', 'query($a: ID!) { task(id: $a) { id } }', 'BAD_USER_INPUT'],
    [
      'a choice between two operations',
      'query A { __typename } query B { __typename }',
      'OPERATION_RESOLUTION_FAILURE',
    ],
    ['a document without an operation', 'fragment A on Query { __typename }', 'GRAPHQL_VALIDATION_FAILED'],
  ])('rejects %s with 400, for both JSON media types', async (_label, document, code) => {
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const response = await post(gateway.url, { query: document }, { accept });

      expect(response).toMatchObject({ status: 400, json: { errors: [{ extensions: { code } }] } });
      expect(response.json).not.toHaveProperty('data');
      expect(response.headers.get('content-type')).toBe(`${accept}; charset=utf-8`);
    }
  });

  it('rejects an operationName that the document lacks with 400, and does not repeat it', async () => {
    const response = await post(gateway.url, { query: 'query A { __typename }', operationName: CANARY });

    expectRejection(response, 400, 'OPERATION_RESOLUTION_FAILURE');
  });

  it('responds with 200 to an operation that fails during execution', async () => {
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const response = await post(gateway.url, { query: '{ environments { id } }' }, { accept });

      expect(response).toMatchObject({
        status: 200,
        json: { data: { environments: null }, errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
      });
    }
  });
});

describe('GET /graphql', () => {
  it.each(['mc-api-key', 'apollo-require-preflight', 'x-apollo-operation-name'])(
    'executes a query with the header %s',
    async (header) => {
      const response = await sendRequest(gateway.url + query, { headers: { [header]: 'x' } });

      expect(response).toMatchObject({ status: 200, json: data });
      expect(response.headers.get('content-type')).toBe(JSON_TYPE);
    },
  );

  it('accepts variables and operationName, and responds as Accept asks', async () => {
    const url = new URL(gateway.url);
    url.searchParams.set(
      'query',
      'query A { __typename } query B($yes: Boolean!) { b: __typename @include(if: $yes) }',
    );
    url.searchParams.set('operationName', 'B');
    url.searchParams.set('variables', '{"yes":true}');
    const response = await sendRequest(url.href, { headers: { ...key, accept: 'application/graphql-response+json' } });

    expect(response).toMatchObject({ status: 200, json: { data: { b: 'Query' } } });
    expect(response.headers.get('content-type')).toBe(RESPONSE_TYPE);
  });

  it.each([
    ['after the document', `${query}&operationName=&variables=&extensions=`],
    ['before the document', `?operationName=&variables&extensions=&${query.slice(1)}`],
  ])('reads parameters without a value as absent: %s', async (_label, search) => {
    expect(await sendRequest(gateway.url + search, { headers: key })).toMatchObject({ status: 200, json: data });
  });

  it.each([
    ['no header', {}],
    ['the content type of a form', { 'content-type': 'text/plain' }],
    ['an empty API key', { 'mc-api-key': '' }],
    ['headers that any page may send', { accept: 'application/json', 'accept-language': 'fr' }],
  ])('rejects a query with %s, since a page of another site can send it', async (_label, headers) => {
    expectRejection(await sendRequest(gateway.url + query, { headers }), 400);
  });

  it.each([
    ['no document', ''],
    ['an empty document', '?query=&variables='],
    ['variables that are not JSON', `${query}&variables=${CANARY}`],
    ['a repeated document', `${query}&${query.slice(1)}`],
  ])('rejects %s with 400', async (_label, search) => {
    expectRejection(await sendRequest(gateway.url + search, { headers: key }), 400);
  });

  it.each(['variables', 'extensions'])('rejects %s that nest more than 100 arrays with 400', async (name) => {
    const value = `{"a":${'['.repeat(100)}${']'.repeat(100)}}`;
    const response = await sendRequest(`${gateway.url}${query}&${name}=${value}`, { headers: key });

    expectRejection(response, 400);
    expect(response.text).toContain(`The parameter ${name} nests more than 100`);
  });

  it('rejects a mutation with 405, and does not execute it', async () => {
    const other = await startGateway();
    const mutation = `mutation { deleteSiteToSiteVpn(input: {
      environment: ${environmentLiteral}, id: "9fe8e398-06d6-482c-8f55-b805bde4d3cc"
    }) { task { id } } }`;
    const response = await sendRequest(`${other.url}?query=${encodeURIComponent(mutation)}`, { headers: key });

    expectRejection(response, 405);
    expect(response.headers.get('allow')).toBe('POST');
    expect(other.sandbox.calls).toEqual([]);
  });
});

describe('Other methods', () => {
  it.each(['PUT', 'DELETE', 'PATCH'])('%s /graphql is rejected with 405 and Allow', async (method) => {
    const response = await sendRequest(gateway.url, { method });

    expectRejection(response, 405);
    expect(response.headers.get('allow')).toBe('GET, POST');
  });

  it.each(['PUT', 'DELETE', 'PATCH'])('%s /graphql with a body is rejected with 405 and Allow', async (method) => {
    const response = await sendRequest(gateway.url, {
      method,
      headers: { 'content-type': 'application/json', ...key },
      body: JSON.stringify(typename),
    });

    expectRejection(response, 405);
    expect(response.headers.get('allow')).toBe('GET, POST');
  });

  it('OPTIONS /graphql gets 204, even if it is not a preflight', async () => {
    expect(await sendRequest(gateway.url, { method: 'OPTIONS' })).toMatchObject({ status: 204, text: '' });
  });

  it('HEAD /graphql is rejected with 405 and Allow', async () => {
    const response = await sendRequest(gateway.url + query, { method: 'HEAD', headers: key });

    expect(response).toMatchObject({ status: 405, text: '' });
    expect(response.headers.get('allow')).toBe('GET, POST');
  });
});

describe('Unknown paths', () => {
  it.each(['/', '/graphql/', '/graphqlx', '/Graphql', '//graphql', '/metrics', '/livez', '/.env', `/${CANARY}`])(
    '%s is rejected with 404',
    async (path) => {
      expectRejection(await sendRequest(origin + path, { headers: key }), 404);
      expectRejection(await sendRequest(origin + path, { method: 'POST', headers: key }), 404);
    },
  );

  it.each(['/%zz', `/%c3%28${CANARY}`, `/graphql%?query=${CANARY}`])(
    '%s cannot be decoded and is rejected with 400',
    async (path) => {
      expectRejection(await sendRequest(origin + path, { headers: key }), 400);
    },
  );
});

describe('A gateway that serves only loopback names', () => {
  const send = async (host: string, path = `/graphql${query}`, ...headers: string[]) => {
    const { url } = await startGateway({ config: { servesLoopbackNamesOnly: true } });
    return sendLines(url, [`GET ${path} HTTP/1.1`, `host: ${host}`, 'connection: close', ...headers, '']);
  };

  it.each([
    'localhost',
    'LOCALHOST:4000',
    'localhost.',
    'app.localhost:4000',
    '127.0.0.1',
    '127.1.2.3:80',
    '[::1]:4000',
  ])('accepts the Host %s', async (host) => {
    expect(await send(host, undefined, 'mc-api-key: x')).toMatchObject({ status: 200, json: data });
  });

  it.each([
    'evil.example',
    'localhost.evil.example:4000',
    '127.0.0.1.evil.example',
    'evillocalhost',
    '10.0.0.1',
    '[::2]',
  ])('rejects the Host %s with 421, at every path', async (host) => {
    expectRejection(await send(host, undefined, 'mc-api-key: x'), 421);
    expectRejection(await send(host, `/graphql/stream${query}`, 'mc-api-key: x', 'accept: text/event-stream'), 421);
    expectRejection(await send(host, '/'), 421);
  });

  it('rejects WebSocket handshakes with another Host with 421', async () => {
    const upgrade = ['upgrade: websocket', 'sec-websocket-version: 13', 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=='];
    expectRejection(await send('evil.example', '/graphql', ...upgrade, 'connection: upgrade'), 421);
  });

  it('tells to set HOST', async () => {
    expect((await send('evil.example')).text).toContain('set HOST');
  });
});

describe('Malformed requests', () => {
  const start = ['GET /graphql?query={__typename} HTTP/1.1', 'mc-api-key: x', 'connection: close'];

  it('do not include those with a well-formed Host header', async () => {
    const names = ['localhost', 'gateway.example.com:4000', 'under_score', 'a.:65535', 'a--b.c', 'xn--caf-dma.example'];
    for (const host of [...names, '127.0.0.1', '127.0.0.1:4000', '[::1]:80', '0x7f.1', '1.a']) {
      const response = await sendLines(origin, [...start, `host: ${host}`, '']);
      expect([host, response.status, response.json]).toEqual([host, 200, data]);
    }
  });

  it.each([
    ['no Host header', []],
    ['an empty Host header', ['host:']],
    ['a Host header with a blank', [`host: a ${CANARY}`]],
    ['a Host header with a path', [`host: a/${CANARY}`]],
    ['a Host header with a user', [`host: ${CANARY}@a`]],
    ['a Host header with an invalid port', ['host: a:b']],
    ['two Host headers', ['host: a', `host: ${CANARY}`]],
    ...['1.2.3.4.5', '1.2.3.256', 'a.09', 'xn--a', 'XN--.a', '[:::]', '[1::2::3]', 'a..b', '.a', '.', 'a:65536'].map(
      (host): [string, string[]] => [`a Host header that no URL can have: ${host}`, [`host: ${host}`]],
    ),
  ])('are rejected with 400 if they have %s', async (_label, lines) => {
    expectRejection(await sendLines(origin, [...start, ...lines, '']), 400);
  });

  it('are rejected with 400 if they have two MC-Api-Key headers, even equal ones', async () => {
    for (const other of [CANARY, 'x']) {
      expectRejection(await sendLines(origin, [...start, 'host: a', `MC-API-KEY: ${other}`, '']), 400);
    }
  });

  it('are rejected with 400 if they are not HTTP', async () => {
    expectRejection(await sendLines(origin, [CANARY, '']), 400);
  });

  it('are rejected with 400 if a chunk of the body is malformed', async () => {
    const response = await sendLines(origin, [
      'POST /graphql HTTP/1.1',
      'host: a',
      'content-type: application/json',
      'transfer-encoding: chunked',
      '',
      CANARY,
      '',
    ]);

    expectRejection(response, 400);
  });

  it('are rejected with 408 if their headers or body do not arrive completely in time', async () => {
    const { app, url } = await startGateway();
    expect(app.server).toMatchObject({ headersTimeout: 5_000, requestTimeout: 10_000 });
    Object.assign(app.server, { headersTimeout: 1, requestTimeout: 1 });
    const head = ['POST /graphql HTTP/1.1', 'host: a', 'content-type: application/json'];
    const incomplete = [sendLines(url, head), sendLines(url, [...head, 'content-length: 100', '', `{"${CANARY}`])];

    for (const response of await Promise.all(incomplete)) expectRejection(response, 408);
  });

  it.each(['accept', 'accept-encoding', 'content-type'])(
    'are rejected with 431 if the %s header has more than 1,024 characters',
    async (name) => {
      const send = (length: number) =>
        sendLines(origin, [...start, 'host: a', `${name}: ${'*/*,'.padEnd(length, CANARY)}`, '']);
      expectRejection(await send(1_025), 431);
      expect((await send(1_024)).status).not.toBe(431);
    },
  );

  it('are rejected with 414 if the URL has more than 100 parameters', async () => {
    const send = (count: number) => sendRequest(`${gateway.url}${query}${'&a=b'.repeat(count - 1)}`, { headers: key });
    expectRejection(await send(101), 414);
    expect((await send(100)).json).toEqual(data);
  });

  it('are rejected with 431 if their headers are too large', async () => {
    expectRejection(await sendLines(origin, [...start, 'host: a', `x: ${CANARY.repeat(1_000)}`, '']), 431);
  });
});

describe('x-request-id', () => {
  it.each(['a', 'A-1_b.c:d', 'x'.repeat(128), 'b5c0f8a2-5c92-4f3d-8f0e-0d6f2a4f4b1d'])(
    'repeats the valid id of the client: %s',
    async (id) => {
      for (const body of [typename, { query: '{' }, 'null']) {
        const response = await post(gateway.url, body, { 'x-request-id': id });

        expect(response.headers.get('x-request-id')).toBe(id);
        if (body !== typename) expect(response.json).toMatchObject({ errors: [{ extensions: { requestId: id } }] });
      }
    },
  );

  it.each([['a b'], ['x'.repeat(129)], [''], ['<script>'], ['a,b'], ['é'], ['%0d%0a'], ['a;b'], ['{"a":1}']])(
    'is new if the client sends the invalid id: %s',
    async (id) => {
      const response = await post(gateway.url, { query: '{' }, { 'x-request-id': id });

      expectNewRequestId(response);
    },
  );

  it('is new if the client sends two ids', async () => {
    const response = await sendLines(origin, [
      'GET /graphql?query={ HTTP/1.1',
      'host: a',
      'connection: close',
      'mc-api-key: x',
      'x-request-id: one',
      'x-request-id: two',
      '',
    ]);

    expectNewRequestId(response);
  });

  it('differs between requests', async () => {
    const [one, other] = await Promise.all([post(gateway.url, typename), post(gateway.url, typename)]);

    expect(one.headers.get('x-request-id')).not.toBe(other.headers.get('x-request-id'));
  });

  it('is in every error of a response', async () => {
    const response = await gateway.run(
      '{ a: environments { id } b: environments { id } }',
      {},
      {
        key: null,
        headers: { 'x-request-id': 'twice' },
      },
    );

    expect(response.body).toMatchObject({
      errors: [{ extensions: { requestId: 'twice' } }, { extensions: { requestId: 'twice' } }],
    });
  });

  function expectNewRequestId(response: HttpResponse): void {
    const requestId = response.headers.get('x-request-id');
    expect(requestId).toMatch(UUID);
    expect(response.json).toMatchObject({ errors: [{ extensions: { requestId } }] });
  }
});

describe('cache-control', () => {
  it('is no-store in every response', async () => {
    const persisted = { extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } };
    const responses = await Promise.all([
      post(gateway.url, typename),
      post(gateway.url, { query: '{ environments { id } }' }, key),
      post(gateway.url, { query: '{ environments { id } }' }),
      post(gateway.url, { query: '{' }),
      post(gateway.url, persisted),
      post(gateway.url, typename, { 'cache-control': 'max-age=60' }),
      sendRequest(gateway.url + query, { headers: key }),
      sendRequest(gateway.url, { method: 'PUT' }),
      sendRequest(gateway.url, { method: 'OPTIONS' }),
      sendRequest(`${gateway.url}/nothing`),
    ]);

    expect(responses.map(({ headers }) => headers.get('cache-control'))).toEqual(responses.map(() => 'no-store'));
    expect(responses.map(({ headers }) => headers.get('x-request-id'))).toEqual(
      responses.map(() => expect.stringMatching(UUID)),
    );
  });
});

describe('An API key', () => {
  it('has at most 256 characters: a longer one is not sent to the REST API', async () => {
    const run = (length: number) => gateway.run('{ environments { id } }', {}, { key: 'x'.repeat(length) });
    const callsBefore = gateway.sandbox.calls.length;
    const message = 'The API key is missing or malformed. Send it in the MC-Api-Key header.';

    expect((await run(257)).body).toMatchObject({ errors: [{ message, extensions: { code: 'UNAUTHENTICATED' } }] });
    expect(gateway.sandbox.calls).toHaveLength(callsBefore);
    await run(256);
    expect(gateway.sandbox.calls).toHaveLength(callsBefore + 1);
  });
});

describe('Persisted queries', () => {
  const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
  const extensionsOf = (text: string) => ({ persistedQuery: { version: 1, sha256Hash: hashOf(text) } });

  it('need their text once, and run by their hash afterwards, by POST and GET', async () => {
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

    const response = { status: 200, json: { data: { mine: 'Query' } } };
    expect(await post(gateway.url, { query: text, extensions })).toMatchObject(response);
    expect(await post(gateway.url, { extensions })).toMatchObject(response);
    const search = new URLSearchParams({ extensions: JSON.stringify(extensions) });
    expect(await sendRequest(`${gateway.url}?${search.toString()}`, { headers: key })).toMatchObject(response);
  });

  it('are rejected with 400 if the hash is not that of the text', async () => {
    const extensions = extensionsOf('{ another: __typename }');

    expectRejection(await post(gateway.url, { ...typename, extensions }), 400);
  });

  it('are rejected with 400 if their version is unknown', async () => {
    const extensions = { persistedQuery: { version: 2, sha256Hash: hashOf(CANARY) } };

    expectRejection(await post(gateway.url, { extensions }), 400);
  });
});

describe('CORS', () => {
  const sendPreflight = (url: string, from: string) =>
    sendRequest(url, {
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
  ])('allows pages of %s outside production', async (from) => {
    const response = await post(gateway.url, typename, { origin: from });
    const preflight = await sendPreflight(gateway.url, from);

    expect(response.headers.get('access-control-allow-origin')).toBe(from);
    expect(response.headers.get('access-control-expose-headers')).toBe(
      'x-request-id, retry-after, ratelimit, ratelimit-policy',
    );
    expect(response.headers.get('vary')).toMatch(/\borigin\b/i);
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(from);
    expect(preflight.headers.get('access-control-allow-methods')).toBe('GET, POST');
    expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type,mc-api-key');
  });

  it('lets a page read an error response', async () => {
    const response = await post(gateway.url, 'null', { origin: 'http://localhost:3000' });

    expect(response.status).toBe(400);
    expect(response.headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
  });

  it.each([
    'https://example.com',
    'http://localhost.example.com',
    'http://localhost:3000.example.com',
    'http://example.com/localhost',
    'http://notlocalhost',
    'null',
  ])('allows no page of %s', async (from) => {
    for (const response of [
      await post(gateway.url, typename, { origin: from }),
      await sendPreflight(gateway.url, from),
    ]) {
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('never allows credentials', async () => {
    const response = await sendPreflight(gateway.url, 'http://localhost:3000');

    expect(response.headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('allows the listed origins only, and then not localhost', async () => {
    const listed = await startGateway({
      restApi: 'http://127.0.0.1:9',
      config: {
        corsOrigins: ['https://app.example.com', 'http://b.example'],
      },
    });
    const allowed = async (from: string) => [
      (await post(listed.url, typename, { origin: from })).headers.get('access-control-allow-origin'),
      (await sendPreflight(listed.url, from)).headers.get('access-control-allow-origin'),
    ];

    expect(await allowed('https://app.example.com')).toEqual(['https://app.example.com', 'https://app.example.com']);
    expect(await allowed('http://b.example')).toEqual(['http://b.example', 'http://b.example']);
    for (const from of ['https://app.example.com.evil.example', 'http://app.example.com', 'http://localhost:3000']) {
      expect(await allowed(from)).toEqual([null, null]);
    }
  });

  it('allows no page if no origin is listed', async () => {
    const closed = await startGateway({ restApi: 'http://127.0.0.1:9', config: { corsOrigins: [] } });

    for (const from of ['http://localhost:3000', 'https://example.com', 'null']) {
      expect(
        (await post(closed.url, typename, { origin: from })).headers.get('access-control-allow-origin'),
      ).toBeNull();
      expect((await sendPreflight(closed.url, from)).headers.get('access-control-allow-origin')).toBeNull();
    }
  });
});

describe('Headers of every response', () => {
  it('restrict what browsers do with the response', async () => {
    for (const response of [
      await post(gateway.url, typename),
      await sendRequest(`${origin}/nothing`),
      await post(gateway.url, ''),
    ]) {
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-security-policy': "default-src 'none';frame-ancestors 'none'",
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'cross-origin',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'SAMEORIGIN',
      });
    }
  });

  it('do not name the server software', async () => {
    const response = await post(gateway.url, typename);

    expect(response.headers.get('server')).toBeNull();
    expect(response.headers.get('x-powered-by')).toBeNull();
  });
});

describe('Introspection', () => {
  const document = '{ __schema { queryType { name } } }';

  it('needs no API key when on', async () => {
    expect(await post(gateway.url, { query: document })).toMatchObject({
      status: 200,
      json: { data: { __schema: { queryType: { name: 'Query' } } } },
    });
  });

  it('is rejected when off, with or without an API key', async () => {
    const closed = await startGateway({ config: { introspection: false } });

    for (const headers of [{}, key]) {
      for (const rejected of [document, '{ __type(name: "Vpc") { name } }']) {
        expect(await post(closed.url, { query: rejected }, headers)).toMatchObject({
          status: 400,
          json: { errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] },
        });
      }
    }
  });

  it('suggests no names of the schema when off', async () => {
    const closed = await startGateway({ config: { introspection: false } });
    const documents = [
      '{ siteToSiteVpn_ { id } }',
      '{ environments { idd } }',
      '{ environments(idd: 1) { id } }',
      'query($a: EnvironmentInpu) { __typename }',
      '{ siteToSiteVpns(environment: { serviceCod: "a" }) { totalCount } }',
      '{ siteToSiteVpns(environment: { serviceCode: "a", name: "b" }, filter: { states: CONNECTE }) { totalCount } }',
      'mutation { deleteSiteToSiteVpn_ { task { id } } }',
    ];

    for (const invalid of documents) {
      const masked = await post(closed.url, { query: invalid });
      expect(masked).toMatchObject({
        status: 400,
        json: { errors: expect.arrayContaining([expect.objectContaining({ message: expect.any(String) })]) },
      });
      expect(masked.text).not.toMatch(/did you mean/i);
    }
    expect((await post(gateway.url, { query: '{ environments { idd } }' })).text).toMatch(/did you mean \\"id\\"/i);
  });

  it('leaves __typename available when off', async () => {
    const closed = await startGateway({ config: { introspection: false } });

    expect(await post(closed.url, typename)).toMatchObject({ status: 200, json: data });
  });
});

describe('Playground', () => {
  it('has neither page nor assets when off', async () => {
    const page = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

    expectRejection(await sendRequest(origin, { headers: page }), 404);
    expectRejection(await sendRequest(gateway.url, { headers: page }), 400);
    expectRejection(await sendRequest(`${origin}/playground/assets/main.js`, { headers: page }), 404);
  });
});
