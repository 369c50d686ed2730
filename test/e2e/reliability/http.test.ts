// HTTP made to hurt: whatever comes over a connection, the answer is a refusal in GraphQL's shape with the right status, nothing of the
// request is repeated, and others are served as before.
import { once } from 'node:events';
import { METHODS } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import { atEnd } from '../../helpers/at-end.js';
import { ask, post } from '../../helpers/wire.js';
import { apiKey, drip, expectHeaders, expectRefusal, keyHeaders, open, startRig } from './harness.js';

const rig = await startRig();
const { url } = rig;
const origin = new URL(url).origin;
const typename = JSON.stringify({ query: '{ __typename }' });
const data = { data: { __typename: 'Query' } };
const search = `?query=${encodeURIComponent('{ __typename }')}`;
const get = [`GET /graphql${search} HTTP/1.1`, 'host: a', `mc-api-key: ${apiKey}`];
const postLines = ['POST /graphql HTTP/1.1', 'host: a', `mc-api-key: ${apiKey}`];
const closing = 'connection: close';

afterEach(() => rig.settle());

/** Sends a POST byte by byte, with its length, and gives the one answer. */
async function sendBody(body: string | Uint8Array, ...lines: readonly string[]) {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const length = lines.some((line) => /^(content-length|transfer-encoding):/i.test(line))
    ? []
    : [`content-length: ${bytes.length}`];
  const type = lines.some((line) => /^content-type:/i.test(line)) ? [] : ['content-type: application/json'];
  const head = [...postLines, closing, ...type, ...length, ...lines, '', ''].join('\r\n');
  const answers = await rig.send(Buffer.concat([Buffer.from(head, 'latin1'), bytes]));
  expect(answers).toHaveLength(1);
  return answers[0];
}

/** Sends lines and gives the one answer. */
async function sendLines(...lines: readonly string[]) {
  const answers = await rig.send([...lines, '']);
  expect(answers).toHaveLength(1);
  return answers[0];
}

describe('A body', () => {
  it.each([
    ['nothing', ''],
    ['a brace', '{'],
    ['half of a key', `{"query":"{ __typename }","variables":{"a":"${apiKey.slice(0, -2)}`],
    ['two values', `${typename}${typename}`],
    ['a comment', `/* ${apiKey} */ ${typename}`],
    ['a trailing comma', '{"query":"{ __typename }",}'],
    ['single quotes', "{'query':'{ __typename }'}"],
    ['NaN', '{"query":NaN}'],
    ['a byte order mark', `\ufeff${typename}`],
    ['an escape that is none', '{"query":"\\x41"}'],
    ['a bare line feed in a string', '{"query":"{ __typename\n}"}'],
    ['100,000 opening brackets', '['.repeat(100_000)],
    ['100,000 nested lists', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['100,000 nested objects as variables', `{"query":"{ __typename }","variables":${'{"a":'.repeat(40_000)}1`],
    ['a list', '[]'],
    ['true', 'true'],
    ['a large number', '1e999999'],
  ])('that is %s is refused with 400', async (_what, body) => {
    expectRefusal(await sendBody(body), 400);
  });

  it.each([
    ['an overlong slash', [0xc0, 0xaf]],
    ['an overlong NUL', [0xc0, 0x80]],
    ['a lone continuation', [0x80]],
    ['a truncated sequence', [0xe2, 0x82]],
    ['half of a surrogate pair', [0xed, 0xa0, 0x80]],
    ['a surrogate pair, each half for itself', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
    ['what is beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
    ['a byte that no sequence has', [0xff]],
    ['Latin-1', [0xe9]],
  ])('with %s is refused with 400', async (_what, bytes) => {
    const [before, after] = typename.split('{ __typename }');
    const body = Buffer.concat([
      Buffer.from(`${before ?? ''}{ __typename } # `),
      Buffer.from(bytes),
      Buffer.from(after ?? ''),
    ]);

    expectRefusal(await sendBody(body), 400);
  });

  it('in UTF-16 is refused with 400, whatever charset it names', async () => {
    const bytes = Buffer.from(typename, 'utf16le');

    expectRefusal(await sendBody(bytes), 400);
    expectRefusal(await sendBody(bytes, 'content-type: application/json; charset=utf-16'), 415);
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
  ])('of Content-Type: %s is refused with 415', async (type) => {
    expectRefusal(await sendBody(typename, `content-type: ${type}`), 415);
  });

  it('of two Content-Types is read as the first, or refused', async () => {
    const answer = await sendBody(typename, 'content-type: text/plain', 'content-type: application/json');

    expectRefusal(answer, 415);
  });

  it('that is compressed is refused with 415', async () => {
    const bytes = gzipSync(typename);

    for (const encoding of ['gzip', 'x-gzip', 'br', 'deflate', 'zstd', 'gzip, gzip', 'identity, gzip', 'GZIP']) {
      expectRefusal(await sendBody(bytes, `content-encoding: ${encoding}`), 415);
    }
    expectRefusal(await sendBody(bytes), 400);
  });

  it('that would inflate to 200 MB is refused without being inflated', async () => {
    const bomb = gzipSync(Buffer.alloc(200_000_000));
    expect(bomb.length).toBeLessThan(256 * 1024);

    expectRefusal(await sendBody(bomb, 'content-encoding: gzip'), 415);
  });

  it('of 256 KiB is taken, and a byte more refused with 413, announced or in chunks', async () => {
    const most = 256 * 1024;
    const padded = (length: number) => typename.padEnd(length);
    const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;

    expect(await sendBody(padded(most))).toMatchObject({ status: 200, json: data });
    expectRefusal(await sendBody(padded(most + 1)), 413);
    expect(await sendBody(chunked(padded(most)), 'transfer-encoding: chunked')).toMatchObject({
      status: 200,
      json: data,
    });
    expectRefusal(await sendBody(chunked(padded(most + 1)), 'transfer-encoding: chunked'), 413);
  });

  it('of an announced length beyond all measure is refused before it comes', async () => {
    expectRefusal(await sendBody('{', 'content-length: 9007199254740991'), 413);
    expectRefusal(await sendBody('{', 'content-length: 99999999999999999999999'), 400);
  });

  it('that is shorter than announced is waited for, and longer is no second request', async () => {
    expectRefusal(await sendBody(`${typename} garbage`, `content-length: ${typename.length + 8}`), 400);
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
    expectRefusal(second, 400);
  });

  it.each([
    ['both lengths', ['content-length: 5', 'transfer-encoding: chunked']],
    ['both lengths, the other way round', ['transfer-encoding: chunked', 'content-length: 5']],
    ['two lengths', ['content-length: 5', 'content-length: 6']],
    ['a length twice', ['content-length: 35', 'content-length: 35']],
    ['a list of lengths', ['content-length: 5, 5']],
    ['a negative length', ['content-length: -5']],
    ['a signed length', ['content-length: +5']],
    ['a length in hexadecimal', ['content-length: 0x5']],
    ['a length with a blank before the colon', ['content-length : 5']],
    ['an unknown transfer encoding', ['transfer-encoding: gzip']],
    ['chunked that is not last', ['transfer-encoding: chunked, gzip']],
    ['chunked twice', ['transfer-encoding: chunked', 'transfer-encoding: chunked']],
    ['a chunked that is none', ['transfer-encoding: xchunked']],
    ['chunked behind a vertical tab', ['transfer-encoding: \vchunked']],
  ])('with %s is refused with 400, and nothing behind it is read as a request', async (_what, lines) => {
    const smuggled = `0\r\n\r\nGET /graphql${search} HTTP/1.1\r\nhost: a\r\nmc-api-key: b\r\n\r\n`;
    const head = [...postLines, 'content-type: application/json', ...lines, '', ''].join('\r\n');
    const answers = await rig.send(Buffer.from(head + smuggled, 'latin1'), { half: true });

    expect(answers).toHaveLength(1);
    expectRefusal(answers[0], 400);
  });

  it.each([
    ['no number', 'xyz\r\n'],
    ['a number beyond all measure', 'fffffffffffffffff\r\n'],
    ['a negative number', '-5\r\n'],
    ['a chunk without its end', '2\r\n{}garbage'],
  ])('in chunks with %s is refused with 400', async (_what, body) => {
    expectRefusal(await sendBody(body, 'transfer-encoding: chunked'), 400);
  });

  it('in chunks with 20 KB of extensions is refused', async () => {
    const answer = await sendBody(`2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`, 'transfer-encoding: chunked');

    expectRefusal(answer, 413);
  });
});

describe('A request line', () => {
  it.each([
    ['no version', 'GET /graphql'],
    ['HTTP/0.9', 'GET /graphql HTTP/0.9'],
    ['HTTP/2', 'PRI * HTTP/2.0'],
    ['HTTP/9', 'GET /graphql HTTP/9.9'],
    ['a version that is none', 'GET /graphql HTTX/1.1'],
    ['no address', 'GET HTTP/1.1'],
    ['two addresses', `GET /graphql /${apiKey} HTTP/1.1`],
    ['a NUL', 'GET /graphql\0 HTTP/1.1'],
    ['TLS', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03'],
  ])('with %s is refused with 400', async (_what, line) => {
    expectRefusal(await sendLines(line, 'host: a', closing), 400);
  });

  it('with an address of 20 KB is refused with 431', async () => {
    expectRefusal(await sendLines(`GET /graphql?query=${'x'.repeat(20_000)} HTTP/1.1`, 'host: a', closing), 431);
  });

  it.each(['/%', '/%zz', '/graphql%', '/%c0%af', '/%ff', '/graphql/%e0%a4%a'])(
    'with the address %s, which cannot be decoded, is refused with 400',
    async (path) => {
      expectRefusal(await sendLines(`GET ${path} HTTP/1.1`, 'host: a', closing), 400);
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
  ])('with the address %s is refused with 404', async (path) => {
    expectRefusal(await sendLines(`GET ${path} HTTP/1.1`, 'host: a', `mc-api-key: ${apiKey}`, closing), 404);
  });

  it('in absolute form, as to a proxy, is answered', async () => {
    const answer = await sendLines(`GET http://a/graphql${search} HTTP/1.1`, 'host: a', 'mc-api-key: a', closing);

    expect(answer).toMatchObject({ status: 200, json: data });
  });
});

describe('A Host', () => {
  it.each([
    ['is missing', []],
    ['is empty', ['host:']],
    ['is doubled', ['host: a', 'host: a']],
    ['has a blank', ['host: a b']],
    ['has a path', ['host: a/b']],
    ['has a user', ['host: a@b']],
    ['has a query', ['host: a?b']],
    ['has a port that is none', ['host: a:b']],
    ['has a port of six digits', ['host: a:123456']],
    ['has two ports', ['host: a:1:2']],
    ['is a list', ['host: a, b']],
    ['is half an IPv6 address', ['host: [::1']],
    ['has a byte beyond ASCII', ['host: \xe9']],
    ['has markup', ['host: <script>']],
  ])('that %s is refused with 400', async (_what, lines) => {
    expectRefusal(await sendLines(`GET /graphql${search} HTTP/1.1`, ...lines, `mc-api-key: ${apiKey}`, closing), 400);
  });

  it('may be missing in HTTP/1.0 for nobody either', async () => {
    expectRefusal(await sendLines(`GET /graphql${search} HTTP/1.0`, `mc-api-key: ${apiKey}`), 400);
  });
});

describe('Headers', () => {
  it.each([
    ['two keys', [`mc-api-key: ${apiKey}`, 'MC-API-KEY: other']],
    ['the same key twice', [`mc-api-key: ${apiKey}`, `mc-api-key: ${apiKey}`]],
    ['a folded line', ['x-a: b', ' folded']],
    ['a folded key', [`mc-api-key: ${apiKey}`, `\tfolded`]],
    ['a blank before the colon', [`mc-api-key : ${apiKey}`]],
    ['a blank in a name', [`mc api key: ${apiKey}`]],
    ['a name beyond ASCII', [`mc-\xe9: ${apiKey}`]],
    ['no name', [`: ${apiKey}`]],
    ['no colon', [apiKey]],
    ['a NUL in a value', [`x-a: ${apiKey}\0`]],
    ['a bare carriage return in a value', [`x-a: ${apiKey}\rx-b: c`]],
  ])('with %s are refused with 400', async (_what, lines) => {
    expectRefusal(await sendLines(`GET /graphql${search} HTTP/1.1`, 'host: a', closing, ...lines), 400);
  });

  it('beyond ASCII are passed over', async () => {
    expect(await sendLines(...get, closing, 'x-a: \xe9\xff', 'user-agent: \xf0\x9f\x9a\x80')).toMatchObject({
      status: 200,
      json: data,
    });
  });

  it('of which there are 1,500 are passed over', async () => {
    const many = Array.from({ length: 1_500 }, (_, index) => `x${index}: y`);

    expect(await sendLines(...get, closing, ...many)).toMatchObject({ status: 200, json: data });
  });

  it('of 20 KB are refused with 431', async () => {
    expectRefusal(await sendLines(...get, closing, `x-a: ${apiKey.repeat(1_000)}`), 431);
  });

  it('that ask for another protocol are passed over', async () => {
    const upgrade = [...get, closing, 'upgrade: h2c', 'http2-settings: AAMAAABkAARAAAAAAAIAAAAA'];

    expect(await sendLines(...upgrade)).toMatchObject({ status: 200, json: data });
  });

  it('that expect 100-continue get it, then the answer', async () => {
    expect(await sendBody(typename, 'expect: 100-continue')).toMatchObject({ status: 200, json: data });
  });

  it('that expect anything else are refused with 417', async () => {
    for (const expectation of ['200-ok', 'x', '101-switching', apiKey]) {
      expectRefusal(await sendBody(typename, `expect: ${expectation}`), 417);
    }
  });

  it.each(['text/html', 'image/*', 'application/xml', 'text/event-stream', 'application/json;q=0'])(
    'that accept %s alone are refused with 406',
    async (accept) => {
      expectRefusal(await rig.ask(typename, { accept }), 406);
    },
  );
});

describe('A method', () => {
  // CONNECT asks for a tunnel, OPTIONS what there is, HEAD for headers alone.
  const others = METHODS.filter((method) => !['GET', 'POST', 'OPTIONS', 'HEAD', 'CONNECT'].includes(method));

  it.each([...others, 'INVENTED', 'query', 'POSTS', 'GE'])(
    '%s at /graphql is refused with 405 and Allow',
    async (method) => {
      const answer = await sendLines(`${method} /graphql HTTP/1.1`, 'host: a', `mc-api-key: ${apiKey}`, closing);

      expectRefusal(answer, 405);
      expect(answer?.headers.get('allow')).toBe('GET, POST');
    },
  );

  it.each(['PUT', 'PATCH', 'DELETE', 'SEARCH', 'QUERY', 'PROPFIND'])(
    '%s at /graphql is refused with 405, whatever body it has',
    async (method) => {
      for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
        const lines = [`${method} /graphql HTTP/1.1`, 'host: a', closing, `content-type: ${type}`, 'content-length: 2'];
        const answer = await sendLines(...lines, '', '{}');

        expectRefusal(answer, 405);
        expect(answer?.headers.get('allow')).toBe('GET, POST');
      }
    },
  );

  it.each(['PUT', 'DELETE', 'QUERY'])('%s at /graphql/stream is refused with 405 and Allow', async (method) => {
    const answer = await sendLines(`${method} /graphql/stream HTTP/1.1`, 'host: a', closing);

    expectRefusal(answer, 405);
    expect(answer?.headers.get('allow')).toBe('GET, POST');
  });

  it('CONNECT is refused with 405', async () => {
    const answer = await sendLines('CONNECT example.com:443 HTTP/1.1', 'host: example.com:443');

    expectRefusal(answer, 405);
  });

  it('HEAD has the headers, and no body', async () => {
    const answer = rig.keep(await ask(url + search, { method: 'HEAD', headers: keyHeaders }));

    expect(answer).toMatchObject({ status: 405, text: '' });
    expectHeaders(answer);
  });

  it('TRACE echoes nothing', async () => {
    const answer = await sendLines('TRACE / HTTP/1.1', 'host: a', `mc-api-key: ${apiKey}`, closing);

    expect(answer?.status).toBe(404);
  });
});

describe('A page elsewhere', () => {
  const simple = [
    ['a form', 'application/x-www-form-urlencoded', `query=${encodeURIComponent('{ __typename }')}`],
    ['a text form', 'text/plain', typename],
    [
      'an upload',
      'multipart/form-data; boundary=x',
      `--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n${typename}\r\n--x--\r\n`,
    ],
  ] as const;

  it.each(simple)('cannot have %s carried out', async (_what, type, body) => {
    for (const path of ['/graphql', '/graphql/stream']) {
      const answer = rig.keep(
        await ask(origin + path, {
          method: 'POST',
          headers: { 'content-type': type, origin: 'https://elsewhere.example' },
          body,
        }),
      );

      expectRefusal(answer, 415);
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('cannot have a link, an image or a script carried out', async () => {
    for (const accept of ['*/*', 'image/avif,image/webp', 'application/json']) {
      expectRefusal(rig.keep(await ask(url + search, { headers: { accept } })), 400);
    }
  });

  it('may not call, nor open a WebSocket', async () => {
    const preflight = await ask(url, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://elsewhere.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'mc-api-key',
      },
    });
    expect(rig.keep(preflight).headers.get('access-control-allow-origin')).toBeNull();
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
    expectRefusal(await sendLines(...handshake), 403, 'FORBIDDEN');
  });
});

describe('A connection', () => {
  it('that carries several requests at once has their answers in order', async () => {
    const requests = Array.from({ length: 50 }, (_, index) => [...get, `x-request-id: ${index}`, '', ''].join('\r\n'));
    const answers = await rig.send(requests.join(''), { count: 50 });

    expect(answers.map(({ headers }) => headers.get('x-request-id'))).toEqual(
      requests.map((_, index) => String(index)),
    );
    expect(answers.map(({ json }) => json)).toEqual(requests.map(() => data));
  });

  it('answers what came before what is broken, then refuses that and ends', async () => {
    const answers = await rig.send(`${[...get, '', ''].join('\r\n')}\0garbage ${apiKey}\r\n\r\n`);

    expect(answers).toHaveLength(2);
    expect(answers[0]).toMatchObject({ status: 200, json: data });
    expectRefusal(answers[1], 400);
  });

  it('that is closed half-way through a request has no answer, and leaves nothing behind', async () => {
    const whole = Buffer.from(
      [...postLines, 'content-type: application/json', 'content-length: 26', '', typename].join('\r\n'),
    );
    for (let length = 0; length < whole.length; length += 7) {
      const answers = await rig.send(whole.subarray(0, length), { half: true });

      for (const answer of answers) expectRefusal(answer, 400);
    }
  });

  it('is answered though every byte comes for itself', async () => {
    const socket = open(url);
    atEnd(() => socket.destroy());
    socket.setNoDelay(true);
    let received = '';
    socket.on('data', (chunk) => (received += String(chunk)));
    for (const byte of [...get, closing, '', ''].join('\r\n')) {
      socket.write(byte);
      await new Promise(setImmediate);
    }
    await once(socket, 'end');
    socket.destroy();

    expect(received).toMatch(/^HTTP\/1\.1 200 [^]*\{"data":\{"__typename":"Query"\}\}\n?$/);
  });

  it('is cut with 408 where headers or a body drip, however many do so, and others are served meanwhile', async () => {
    const slow = Array.from({ length: 40 }, (_, index) => {
      const head = [...postLines, 'content-type: application/json', 'content-length: 200000'].join('\r\n');
      return drip(url, index % 2 === 0 ? `${head}\r\nx-a: ` : `${head}\r\n\r\n{`);
    });
    for (let index = 0; index < 20; index++) {
      expect(await post(url, typename, keyHeaders)).toMatchObject({ status: 200, json: data });
    }

    for (const answers of await Promise.all(slow)) {
      expect(answers).toHaveLength(1);
      for (const answer of answers) expectRefusal(rig.keep(answer), 408);
    }
  });
});
