// Malformed and hostile HTTP: the gateway responds with the right status and an error in GraphQL's shape, echoes no input, and serves others.
import { once } from 'node:events';
import { METHODS } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import { addCleanup } from '../../helpers/cleanup.js';
import { sendRequest, post } from '../../helpers/http.js';
import {
  apiKey,
  sendSlowly,
  expectHeaders,
  expectErrorResponse,
  keyHeaders,
  openConnection,
  startRig,
} from './harness.js';

const rig = await startRig();
const { url } = rig;
const origin = new URL(url).origin;
const typename = JSON.stringify({ query: '{ __typename }' });
const data = { data: { __typename: 'Query' } };
const search = `?query=${encodeURIComponent('{ __typename }')}`;
const getLines = [`GET /graphql${search} HTTP/1.1`, 'host: a', `mc-api-key: ${apiKey}`];
const postLines = ['POST /graphql HTTP/1.1', 'host: a', `mc-api-key: ${apiKey}`];
const connectionClose = 'connection: close';

afterEach(() => rig.verify());

/** Sends a POST with `connection: close`. Adds Content-Type and Content-Length unless `lines` has them. Returns the only response. */
async function sendBody(body: string | Uint8Array, ...lines: readonly string[]) {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const lengthLine = lines.some((line) => /^(content-length|transfer-encoding):/i.test(line))
    ? []
    : [`content-length: ${bytes.length}`];
  const typeLine = lines.some((line) => /^content-type:/i.test(line)) ? [] : ['content-type: application/json'];
  const head = [...postLines, connectionClose, ...typeLine, ...lengthLine, ...lines, '', ''].join('\r\n');
  const responses = await rig.send(Buffer.concat([Buffer.from(head, 'latin1'), bytes]));
  expect(responses).toHaveLength(1);
  return responses[0];
}

/** Sends header lines without a body. Returns the only response. */
async function sendLines(...lines: readonly string[]) {
  const responses = await rig.send([...lines, '']);
  expect(responses).toHaveLength(1);
  return responses[0];
}

describe('Request body', () => {
  it.each([
    ['an empty body', ''],
    ['a single brace', '{'],
    ['truncated inside a key', `{"query":"{ __typename }","variables":{"a":"${apiKey.slice(0, -2)}`],
    ['two values', `${typename}${typename}`],
    ['a comment before the value', `/* ${apiKey} */ ${typename}`],
    ['a trailing comma', '{"query":"{ __typename }",}'],
    ['single quotes', "{'query':'{ __typename }'}"],
    ['NaN', '{"query":NaN}'],
    ['two byte order marks', `\ufeff\ufeff${typename}`],
    ['a byte order mark alone', '\ufeff'],
    ['an invalid escape', '{"query":"\\x41"}'],
    ['a bare line feed in a string', '{"query":"{ __typename\n}"}'],
    ['100,000 opening brackets', '['.repeat(100_000)],
    ['100,000 nested lists', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['100,000 nested objects as variables', `{"query":"{ __typename }","variables":${'{"a":'.repeat(40_000)}1`],
    ['a list', '[]'],
    ['true', 'true'],
    ['a large number', '1e999999'],
  ])('is rejected with 400 if it is not one JSON object: %s', async (_name, body) => {
    expectErrorResponse(await sendBody(body), 400);
  });

  it.each([
    ['an overlong slash', [0xc0, 0xaf]],
    ['an overlong NUL', [0xc0, 0x80]],
    ['a lone continuation byte', [0x80]],
    ['a truncated sequence', [0xe2, 0x82]],
    ['half of a surrogate pair', [0xed, 0xa0, 0x80]],
    ['a surrogate pair, encoded as two characters', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
    ['a code point above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['a byte that never occurs in UTF-8', [0xff]],
    ['Latin-1', [0xe9]],
  ])('is rejected with 400 if it is not UTF-8: %s', async (_name, bytes) => {
    const [before, after] = typename.split('{ __typename }');
    const body = Buffer.concat([
      Buffer.from(`${before ?? ''}{ __typename } # `),
      Buffer.from(bytes),
      Buffer.from(after ?? ''),
    ]);

    expectErrorResponse(await sendBody(body), 400);
  });

  it('may begin with a byte order mark', async () => {
    expect(await sendBody(`\ufeff${typename}`)).toMatchObject({ status: 200 });
  });

  it('is rejected with 400 in UTF-16, or with 415 if the charset says UTF-16', async () => {
    const bytes = Buffer.from(typename, 'utf16le');

    expectErrorResponse(await sendBody(bytes), 400);
    expectErrorResponse(await sendBody(bytes, 'content-type: application/json; charset=utf-16'), 415);
  });

  it.each([
    'application/json; charset=latin1',
    'application/json; charset=utf-7',
    'application/json; charset=',
    'application/json; charset="utf-16"',
    'application/json; charset=utf-8; charset=utf-16',
    'application/jsonx',
    'application/x-ndjson',
    'text/json',
    'text/plain;charset=UTF-8',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=application/json',
    'multipart/form-data',
    'application',
    '/',
    'é/json',
  ])('is rejected with 415 if its Content-Type is %s', async (type) => {
    expectErrorResponse(await sendBody(typename, `content-type: ${type}`), 415);
  });

  it('is rejected with 415 if the first of two Content-Types is wrong', async () => {
    const response = await sendBody(typename, 'content-type: text/plain', 'content-type: application/json');

    expectErrorResponse(response, 415);
  });

  it('is rejected with 415 if it is compressed', async () => {
    const bytes = gzipSync(typename);

    for (const encoding of ['gzip', 'x-gzip', 'br', 'deflate', 'zstd', 'gzip, gzip', 'identity, gzip', 'GZIP']) {
      expectErrorResponse(await sendBody(bytes, `content-encoding: ${encoding}`), 415);
    }
    expectErrorResponse(await sendBody(bytes), 400);
  });

  it('is rejected without decompression if it would decompress to 200 MB', async () => {
    const bomb = gzipSync(Buffer.alloc(200_000_000));
    expect(bomb.length).toBeLessThan(256 * 1024);

    expectErrorResponse(await sendBody(bomb, 'content-encoding: gzip'), 415);
  });

  it('is accepted up to 256 KiB and rejected with 413 above, with Content-Length or in chunks', async () => {
    const maxBytes = 256 * 1024;
    const padTo = (length: number) => typename.padEnd(length);
    const toChunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;

    expect(await sendBody(padTo(maxBytes))).toMatchObject({ status: 200, json: data });
    expectErrorResponse(await sendBody(padTo(maxBytes + 1)), 413);
    expect(await sendBody(toChunked(padTo(maxBytes)), 'transfer-encoding: chunked')).toMatchObject({
      status: 200,
      json: data,
    });
    expectErrorResponse(await sendBody(toChunked(padTo(maxBytes + 1)), 'transfer-encoding: chunked'), 413);
  });

  it('is rejected before it arrives if its Content-Length is huge', async () => {
    expectErrorResponse(await sendBody('{', 'content-length: 9007199254740991'), 413);
    expectErrorResponse(await sendBody('{', 'content-length: 99999999999999999999999'), 400);
  });

  it('is read up to its Content-Length, and the bytes after it are rejected with 400', async () => {
    expectErrorResponse(await sendBody(`${typename} garbage`, `content-length: ${typename.length + 8}`), 400);
    const [first, second] = await rig.send(
      Buffer.from(
        [
          ...postLines,
          'content-type: application/json',
          `content-length: ${typename.length}`,
          '',
          `${typename}garbage\r\n\r\n`,
        ].join('\r\n'),
      ),
    );
    expect(first).toMatchObject({ status: 200, json: data });
    expectErrorResponse(second, 400);
  });

  it.each([
    ['Content-Length and Transfer-Encoding', ['content-length: 5', 'transfer-encoding: chunked']],
    ['Transfer-Encoding and Content-Length', ['transfer-encoding: chunked', 'content-length: 5']],
    ['two different lengths', ['content-length: 5', 'content-length: 6']],
    ['the same length twice', ['content-length: 35', 'content-length: 35']],
    ['a list of lengths', ['content-length: 5, 5']],
    ['a negative length', ['content-length: -5']],
    ['a signed length', ['content-length: +5']],
    ['a length in hexadecimal', ['content-length: 0x5']],
    ['a blank before the colon of Content-Length', ['content-length : 5']],
    ['an unknown transfer encoding', ['transfer-encoding: gzip']],
    ['chunked before another transfer encoding', ['transfer-encoding: chunked, gzip']],
    ['chunked twice', ['transfer-encoding: chunked', 'transfer-encoding: chunked']],
    ['a misspelt chunked', ['transfer-encoding: xchunked']],
    ['chunked after a vertical tab', ['transfer-encoding: \vchunked']],
  ])('is rejected with 400, and no smuggled request is read: %s', async (_name, lines) => {
    const smuggled = `0\r\n\r\nGET /graphql${search} HTTP/1.1\r\nhost: a\r\nmc-api-key: b\r\n\r\n`;
    const head = [...postLines, 'content-type: application/json', ...lines, '', ''].join('\r\n');
    const responses = await rig.send(Buffer.from(head + smuggled, 'latin1'), { halfClose: true });

    expect(responses).toHaveLength(1);
    expectErrorResponse(responses[0], 400);
  });

  it.each([
    ['a size that is no number', 'xyz\r\n'],
    ['a size above 64 bits', 'fffffffffffffffff\r\n'],
    ['a negative size', '-5\r\n'],
    ['a chunk without CRLF after it', '2\r\n{}garbage'],
  ])('is rejected with 400 if a chunk is invalid: %s', async (_name, body) => {
    expectErrorResponse(await sendBody(body, 'transfer-encoding: chunked'), 400);
  });

  it('is rejected with 413 if its chunks have extensions of 20 KB', async () => {
    const response = await sendBody(`2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`, 'transfer-encoding: chunked');

    expectErrorResponse(response, 413);
  });
});

describe('Request line', () => {
  it.each([
    ['no version', 'GET /graphql'],
    ['HTTP/0.9', 'GET /graphql HTTP/0.9'],
    ['HTTP/2', 'PRI * HTTP/2.0'],
    ['HTTP/9', 'GET /graphql HTTP/9.9'],
    ['an unknown protocol name', 'GET /graphql HTTX/1.1'],
    ['no target', 'GET HTTP/1.1'],
    ['two targets', `GET /graphql /${apiKey} HTTP/1.1`],
    ['a NUL', 'GET /graphql\0 HTTP/1.1'],
    ['a TLS handshake', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03'],
  ])('is rejected with 400: %s', async (_name, line) => {
    expectErrorResponse(await sendLines(line, 'host: a', connectionClose), 400);
  });

  it('is rejected with 431 if its target has 20 KB', async () => {
    expectErrorResponse(
      await sendLines(`GET /graphql?query=${'x'.repeat(20_000)} HTTP/1.1`, 'host: a', connectionClose),
      431,
    );
  });

  it.each(['/%', '/%zz', '/graphql%', '/%c0%af', '/%ff', '/graphql/%e0%a4%a'])(
    'is rejected with 400 if the path cannot be decoded: %s',
    async (path) => {
      expectErrorResponse(await sendLines(`GET ${path} HTTP/1.1`, 'host: a', connectionClose), 400);
    },
  );

  it.each([
    '/graphql/..',
    '/./graphql',
    '/graphql/../graphql',
    '//graphql',
    '/GRAPHQL',
    '/graphql/',
    '/graphql;a=b',
    '/graphql%00',
    '/graphql%2f',
    '/graphql%3fquery',
    '/__proto__',
    '/constructor',
    '/playground/assets/..%2f..%2fpackage.json',
  ])('is rejected with 404 if no route has the path %s', async (path) => {
    expectErrorResponse(
      await sendLines(`GET ${path} HTTP/1.1`, 'host: a', `mc-api-key: ${apiKey}`, connectionClose),
      404,
    );
  });

  it('is accepted in absolute form, as sent to a proxy', async () => {
    const response = await sendLines(
      `GET http://a/graphql${search} HTTP/1.1`,
      'host: a',
      'mc-api-key: a',
      connectionClose,
    );

    expect(response).toMatchObject({ status: 200, json: data });
  });
});

describe('Host', () => {
  it.each([
    ['is missing', []],
    ['is empty', ['host:']],
    ['occurs twice', ['host: a', 'host: a']],
    ['has a blank', ['host: a b']],
    ['has a path', ['host: a/b']],
    ['has a user', ['host: a@b']],
    ['has a query', ['host: a?b']],
    ['has a port that is no number', ['host: a:b']],
    ['has a port of six digits', ['host: a:123456']],
    ['has two ports', ['host: a:1:2']],
    ['is a list', ['host: a, b']],
    ['is an unclosed IPv6 address', ['host: [::1']],
    ['has a byte outside ASCII', ['host: \xe9']],
    ['has markup', ['host: <script>']],
  ])('is rejected with 400 if it %s', async (_name, lines) => {
    expectErrorResponse(
      await sendLines(`GET /graphql${search} HTTP/1.1`, ...lines, `mc-api-key: ${apiKey}`, connectionClose),
      400,
    );
  });

  it('is required in HTTP/1.0 too', async () => {
    expectErrorResponse(await sendLines(`GET /graphql${search} HTTP/1.0`, `mc-api-key: ${apiKey}`), 400);
  });
});

describe('Request headers', () => {
  it.each([
    ['two API keys', [`mc-api-key: ${apiKey}`, 'MC-API-KEY: other']],
    ['the same API key twice', [`mc-api-key: ${apiKey}`, `mc-api-key: ${apiKey}`]],
    ['a folded header', ['x-a: b', ' folded']],
    ['a folded line after the API key', [`mc-api-key: ${apiKey}`, `\tfolded`]],
    ['a blank before the colon', [`mc-api-key : ${apiKey}`]],
    ['a blank in a name', [`mc api key: ${apiKey}`]],
    ['a name outside ASCII', [`mc-\xe9: ${apiKey}`]],
    ['an empty name', [`: ${apiKey}`]],
    ['no colon', [apiKey]],
    ['a NUL in a value', [`x-a: ${apiKey}\0`]],
    ['a bare carriage return in a value', [`x-a: ${apiKey}\rx-b: c`]],
  ])('are rejected with 400: %s', async (_name, lines) => {
    expectErrorResponse(await sendLines(`GET /graphql${search} HTTP/1.1`, 'host: a', connectionClose, ...lines), 400);
  });

  it('are ignored if their values are outside ASCII', async () => {
    expect(
      await sendLines(...getLines, connectionClose, 'x-a: \xe9\xff', 'user-agent: \xf0\x9f\x9a\x80'),
    ).toMatchObject({
      status: 200,
      json: data,
    });
  });

  it('are accepted if there are 100 of them', async () => {
    const others = [...getLines.slice(1), connectionClose];
    const manyHeaders = Array.from({ length: 100 - others.length }, (_, index) => `x${index}: y`);

    expect(await sendLines(...getLines, connectionClose, ...manyHeaders)).toMatchObject({ status: 200, json: data });
  });

  it.each([101, 1_500, 2_400])('are rejected with 431 if there are %i of them', async (count) => {
    const manyHeaders = Array.from({ length: count - getLines.length }, (_, index) => `x${index}: y`);

    expectErrorResponse(await sendLines(...getLines, connectionClose, ...manyHeaders), 431);
  });

  it('are rejected with 431 if they have 20 KB', async () => {
    expectErrorResponse(await sendLines(...getLines, connectionClose, `x-a: ${apiKey.repeat(1_000)}`), 431);
  });

  it('are ignored if they ask for an upgrade to HTTP/2', async () => {
    const upgrade = [...getLines, connectionClose, 'upgrade: h2c', 'http2-settings: AAMAAABkAARAAAAAAAIAAAAA'];

    expect(await sendLines(...upgrade)).toMatchObject({ status: 200, json: data });
  });

  it('get 100 Continue and then the response for Expect: 100-continue', async () => {
    expect(await sendBody(typename, 'expect: 100-continue')).toMatchObject({ status: 200, json: data });
  });

  it('are rejected with 417 for any other Expect', async () => {
    for (const expectation of ['200-ok', 'x', '101-switching', apiKey]) {
      expectErrorResponse(await sendBody(typename, `expect: ${expectation}`), 417);
    }
  });

  it.each(['text/html', 'image/*', 'application/xml', 'text/event-stream', 'application/json;q=0'])(
    'are rejected with 406 if Accept is %s',
    async (accept) => {
      expectErrorResponse(await rig.post(typename, { accept }), 406);
    },
  );
});

describe('HTTP method', () => {
  // CONNECT, OPTIONS and HEAD get other responses, and have tests of their own.
  const unsupportedMethods = METHODS.filter(
    (method) => !['GET', 'POST', 'OPTIONS', 'HEAD', 'CONNECT'].includes(method),
  );

  it.each([...unsupportedMethods, 'INVENTED', 'query', 'POSTS', 'GE'])(
    '%s on /graphql is rejected with 405 and Allow',
    async (method) => {
      const response = await sendLines(
        `${method} /graphql HTTP/1.1`,
        'host: a',
        `mc-api-key: ${apiKey}`,
        connectionClose,
      );

      expectErrorResponse(response, 405);
      expect(response?.headers.get('allow')).toBe('GET, POST');
    },
  );

  it.each(['PUT', 'PATCH', 'DELETE', 'SEARCH', 'QUERY', 'PROPFIND'])(
    '%s on /graphql is rejected with 405, whatever its Content-Type',
    async (method) => {
      for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
        const lines = [
          `${method} /graphql HTTP/1.1`,
          'host: a',
          connectionClose,
          `content-type: ${type}`,
          'content-length: 2',
        ];
        const response = await sendLines(...lines, '', '{}');

        expectErrorResponse(response, 405);
        expect(response?.headers.get('allow')).toBe('GET, POST');
      }
    },
  );

  it.each(['PUT', 'DELETE', 'QUERY'])('%s on /graphql/stream is rejected with 405 and Allow', async (method) => {
    const response = await sendLines(`${method} /graphql/stream HTTP/1.1`, 'host: a', connectionClose);

    expectErrorResponse(response, 405);
    expect(response?.headers.get('allow')).toBe('GET, POST');
  });

  it('CONNECT is rejected with 405', async () => {
    const response = await sendLines('CONNECT example.com:443 HTTP/1.1', 'host: example.com:443');

    expectErrorResponse(response, 405);
  });

  it('HEAD gets the headers and no body', async () => {
    const response = rig.record(await sendRequest(url + search, { method: 'HEAD', headers: keyHeaders }));

    expect(response).toMatchObject({ status: 405, text: '' });
    expectHeaders(response);
  });

  it('TRACE gets 404 and no echo', async () => {
    const response = await sendLines('TRACE / HTTP/1.1', 'host: a', `mc-api-key: ${apiKey}`, connectionClose);

    expect(response?.status).toBe(404);
  });
});

describe('Page of another origin', () => {
  // Browsers send these without a preflight.
  const simpleRequests = [
    ['a form', 'application/x-www-form-urlencoded', `query=${encodeURIComponent('{ __typename }')}`],
    ['a text form', 'text/plain', typename],
    [
      'an upload',
      'multipart/form-data; boundary=x',
      `--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n${typename}\r\n--x--\r\n`,
    ],
  ] as const;

  it.each(simpleRequests)('cannot run an operation by %s', async (_name, type, body) => {
    for (const path of ['/graphql', '/graphql/stream']) {
      const response = rig.record(
        await sendRequest(origin + path, {
          method: 'POST',
          headers: { 'content-type': type, origin: 'https://elsewhere.example' },
          body,
        }),
      );

      expectErrorResponse(response, 415);
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('cannot run an operation by a link, an image or a script', async () => {
    for (const accept of ['*/*', 'image/avif,image/webp', 'application/json']) {
      expectErrorResponse(rig.record(await sendRequest(url + search, { headers: { accept } })), 400);
    }
  });

  it('gets no CORS permission and cannot open a WebSocket', async () => {
    const preflight = await sendRequest(url, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://elsewhere.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'mc-api-key',
      },
    });
    expect(rig.record(preflight).headers.get('access-control-allow-origin')).toBeNull();
    expectHeaders(preflight);
    const handshake = [
      'GET /graphql HTTP/1.1',
      'host: a',
      'connection: upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-protocol: graphql-transport-ws',
      'origin: https://elsewhere.example',
    ];
    expectErrorResponse(await sendLines(...handshake), 403, 'FORBIDDEN');
  });
});

describe('Connection', () => {
  // They start when the file loads: Node's timeouts are real, and the longest takes ten seconds.
  const slowClients = Promise.all(
    Array.from({ length: 40 }, (_, index) => {
      const head = [...postLines, 'content-type: application/json', 'content-length: 200000'].join('\r\n');
      return sendSlowly(url, index % 2 === 0 ? `${head}\r\nx-a: ` : `${head}\r\n\r\n{`);
    }),
  );

  it('gets the responses to pipelined requests in order', async () => {
    const requests = Array.from({ length: 15 }, (_, index) =>
      [...getLines, `x-request-id: ${index}`, '', ''].join('\r\n'),
    );
    const responses = await rig.send(requests.join(''), { count: 15 });

    expect(responses.map(({ headers }) => headers.get('x-request-id'))).toEqual(
      requests.map((_, index) => String(index)),
    );
    expect(responses.map(({ json }) => json)).toEqual(requests.map(() => data));
  });

  it('gets the response to a valid request, then an error for garbage, and closes', async () => {
    const responses = await rig.send(`${[...getLines, '', ''].join('\r\n')}\0garbage ${apiKey}\r\n\r\n`);

    expect(responses).toHaveLength(2);
    expect(responses[0]).toMatchObject({ status: 200, json: data });
    expectErrorResponse(responses[1], 400);
  });

  it('gets at most a 400 if the client closes its half within a request', async () => {
    const request = Buffer.from(
      [...postLines, 'content-type: application/json', 'content-length: 26', '', typename].join('\r\n'),
    );
    for (let length = 0; length < request.length; length += 7) {
      const responses = await rig.send(request.subarray(0, length), { halfClose: true });

      for (const response of responses) expectErrorResponse(response, 400);
    }
  });

  it('gets a response if each byte arrives separately', async () => {
    const socket = openConnection(url);
    addCleanup(() => socket.destroy());
    socket.setNoDelay(true);
    let received = '';
    socket.on('data', (chunk) => (received += String(chunk)));
    for (const byte of [...getLines, connectionClose, '', ''].join('\r\n')) {
      socket.write(byte);
      await new Promise(setImmediate);
    }
    await once(socket, 'end');
    socket.destroy();

    expect(received).toMatch(/^HTTP\/1\.1 200 [^]*\{"data":\{"__typename":"Query"\}\}\n?$/);
  });

  it('is closed with 408 if headers or a body trickle in, and other clients are served', async () => {
    for (let index = 0; index < 20; index++) {
      expect(await post(url, typename, keyHeaders)).toMatchObject({ status: 200, json: data });
    }

    for (const responses of await slowClients) {
      expect(responses).toHaveLength(1);
      for (const response of responses) expectErrorResponse(rig.record(response), 408);
    }
  });
});
