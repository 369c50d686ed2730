// A REST API that fails: however it does, callers get the code for it in time, a read is tried again within bounds, a write is sent once,
// and what nobody can know is called unknown.
import type { Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type RawScript, startRawUpstream, toBytes } from '../../helpers/raw-upstream.js';
import type { WireAnswer } from '../../helpers/wire.js';
import { taskId, vpnId, wireVpn } from '../../server/subscriptions/changing-rest-api.js';
import {
  calm,
  closing,
  countCalls,
  createTimes,
  endless,
  type Operation,
  reads,
  resetting,
  run,
  silent,
  writes,
} from './operations.js';
import { preSharedKey, type Rig, startRig } from './harness.js';

const deadline = 600;
const rig = await startRig();
const hasty = await startRig({ CLOUDCA_API_TIMEOUT_MS: String(deadline) });
const elsewhere = await startRawUpstream(() => ({ data: [], taskId, taskStatus: 'SUCCESS' }));
const timed = createTimes(`Answers of a REST API that fails (deadline ${deadline} ms)`);

type Answer = ReturnType<RawScript>;

/** What becomes of a failure. */
interface Outcome {
  /** The code of reads; of writes too, where they fail. */
  readonly code: string;
  /** How often a read is sent. */
  readonly attempts: 1 | 3;
  /** What becomes of a write. */
  readonly write: 'is unknown' | 'has failed' | 'is refused' | 'is done';
  /** What the caller is told of the REST API's answer, at the error. */
  readonly told?: object;
}

const lost: Outcome = { code: 'UPSTREAM_UNAVAILABLE', attempts: 3, write: 'is unknown' };
const late: Outcome = { code: 'UPSTREAM_TIMEOUT', attempts: 1, write: 'is unknown' };
const bad: Outcome = { code: 'UPSTREAM_BAD_RESPONSE', attempts: 1, write: 'is unknown' };

const requestId = expect.any(String);
const advice = / The request may have been carried out all the same\. Before you try again, look /;

/** Has all operations at once fail in the same way, and says what becomes of each. */
async function expectOutcome(of: Rig, group: string, answer: () => Answer, outcome: Outcome): Promise<void> {
  if (isOfTheService(outcome)) await calm(of);
  of.upstream.script(answer);
  const ask = async (operation: Operation) => ({ operation, answer: await timed(group, run(of, operation)) });
  const [readsDone, writesDone] = await Promise.all([Promise.all(reads.map(ask)), Promise.all(writes.map(ask))]);

  for (const { operation, answer } of readsDone) {
    expect([operation.field, countCalls(of, operation)]).toEqual([operation.field, outcome.attempts]);
    expectFailure(answer, operation.field, outcome);
  }
  for (const { operation, answer } of writesDone) {
    expect([operation.field, countCalls(of, operation)]).toEqual([operation.field, 1]);
    expectWrite(answer, operation.field, outcome);
  }
}

// What opens the circuit, or is tried again.
function isOfTheService({ code, attempts }: Outcome): boolean {
  return attempts === 3 || code === late.code;
}

function expectFailure(answer: WireAnswer, field: string, { code, told }: Outcome, unknown: object = {}): string {
  expect({ status: answer.status, body: answer.json }).toEqual({
    status: 200,
    body: {
      data: { [field]: null },
      errors: [
        {
          message: expect.any(String),
          locations: expect.any(Array),
          path: [field],
          extensions: { code, requestId, ...unknown, ...(told === undefined ? {} : { upstream: told }) },
        },
      ],
    },
  });
  return answer.text;
}

function expectWrite(answer: WireAnswer, field: string, outcome: Outcome): void {
  switch (outcome.write) {
    case 'is unknown':
      expect(expectFailure(answer, field, outcome, { outcomeUnknown: true })).toMatch(advice);
      break;
    case 'has failed':
      expect(expectFailure(answer, field, outcome)).not.toMatch(advice);
      break;
    case 'is refused':
      expect(answer.json).toEqual({
        data: { [field]: { task: null, userErrors: [expect.objectContaining({ code: 'REJECTED' })] } },
      });
      break;
    case 'is done':
      expect(answer.json).toEqual({ data: { [field]: { task: null, userErrors: [] } } });
  }
}

afterEach(async () => {
  await rig.settle();
  await hasty.settle();
});

describe('A connection', () => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n';
  const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
  const answers: readonly (readonly [string, Answer])[] = [
    ['is closed before the answer', closing()],
    ['is reset before the answer', resetting()],
    ['is closed in the status line', closing('HTTP/1.')],
    ['is reset in the status line', resetting('HTTP/1.1 2')],
    ['is closed in the headers', closing(head)],
    ['is reset in the headers', resetting(head)],
    ['is closed before the body', closing(`${head}\r\n`)],
    ['is closed in the body', closing(`${head}\r\n{"data":`)],
    ['is reset in the body', resetting(`${head}\r\n{"data":`)],
    ['is closed after less than the announced length', closing(`${head}\r\n{"data":[]}`)],
    ['is closed in a chunk', closing(`${chunked}20\r\n{"data":`)],
    ['is closed between chunks', closing(`${chunked}b\r\n{"data":[]}\r\n`)],
    ['is closed in the last chunk', closing(`${chunked}b\r\n{"data":[]}\r\n0\r\n`)],
    ['is reset between chunks', resetting(`${chunked}b\r\n{"data":[]}\r\n`)],
    [
      'is closed in a compressed body',
      closing(`${head}content-encoding: gzip\r\n\r\n`, gzipSync('{}').subarray(0, 12)),
    ],
    [
      'is handed to another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n',
    ],
    ['has something announced for ever', endless('', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(1_000))],
  ];

  it.each(answers)('that %s is lost', async (_what, answer) => {
    await expectOutcome(rig, 'connection lost', () => answer, lost);
  });

  it('that is closed or reset after the answer has answered', async () => {
    const whole = toBytes(200, { data: [] });
    // What is reset before it has been read is lost.
    const open: Socket[] = [];
    const leftOpen = (socket: Socket) => {
      open.push(socket);
      socket.write(whole);
    };
    for (const after of [closing(whole), leftOpen, closing(toBytes(200, { data: [] }, { connection: 'close' }))]) {
      rig.upstream.script(() => after);
      const list = { ...reads[0], query: '{ environments { id } }' };
      for (let call = 0; call < 10; call++) {
        expect((await timed('connection closed after the answer', rig.ask(list))).json).toEqual({
          data: { environments: [] },
        });
        for (const socket of open.splice(0)) socket.resetAndDestroy();
      }
      expect(rig.upstream.calls).toHaveLength(10);
    }
  });

  it('that nobody takes is told as such, and no write has an unknown outcome; once it is taken, all is as before', async () => {
    await calm(rig);
    await rig.upstream.refuse();
    for (const operation of reads.slice(0, 2)) {
      expectFailure(await timed('connection refused', run(rig, operation)), operation.field, lost);
    }
    for (const operation of writes) {
      const answer = await timed('connection refused', run(rig, operation));
      expectWrite(answer, operation.field, { ...lost, write: 'has failed' });
    }
    const asked = rig.gateway.lines().filter(({ msg, type }) => msg === 'operation' && type !== undefined);
    expect(asked.slice(-5).map(({ restCalls }) => restCalls)).toEqual([3, 3, 1, 1, 1]);

    await rig.upstream.listen();
    await calm(rig);
    expect((await rig.ask({ query: '{ environments { id } }' })).json).toEqual({ data: { environments: [] } });
  });
});

describe('An answer that does not come to its end', () => {
  const gzip = gzipSync('{"data":[]}');
  it.each<readonly [string, Answer]>([
    ['nothing comes', silent()],
    ['half of the status line comes', silent('HTTP/1.1 2')],
    ['half of the headers comes', silent('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n')],
    ['headers drip', endless('HTTP/1.1 200 OK\r\nx: ', 'x', 20)],
    ['the body does not come', silent('HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n')],
    ['half of the body comes', silent('HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{"data"')],
    ['less than the announced length comes', silent('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"data":[]}')],
    [
      'the length is beyond all measure',
      silent('HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\n{"data":[]}'),
    ],
    ['the body drips', endless('HTTP/1.1 200 OK\r\n\r\n', ' ', 20)],
    ['chunks drip', endless('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\n \r\n', 20)],
    [
      'the last chunk does not come',
      silent('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb\r\n{"data":[]}\r\n'),
    ],
    [
      'half of a compressed body comes',
      silent(
        Buffer.concat([toBytes(200, '', { 'content-encoding': 'gzip', 'content-length': '99' }), gzip.subarray(0, 15)]),
      ),
    ],
    [
      'a compressed body drips members of nothing',
      endless('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n', gzipSync(''), 20),
    ],
    [
      'a chunk has an endless name',
      endless('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;', 'x'.repeat(1_000)),
    ],
    ['it is announced for ever', endless('', 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n'.repeat(100), 1)],
    ['empty lines come for ever', endless('', '\r\n'.repeat(1_000), 1)],
  ])('(%s) is late', async (_what, answer) => {
    await expectOutcome(hasty, 'no answer in time', () => answer, late);
  });
});

describe('An answer that is not HTTP', () => {
  const body = '{"data":[]}';
  const head = (...lines: readonly string[]) => `HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
  it.each<readonly [string, Answer]>([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['TLS', Buffer.from('15030300020228', 'hex')],
    ['HTTP/2', `HTTP/2 200\r\ncontent-length: 11\r\n\r\n${body}`],
    ['no status', `HTTP/1.1 OK\r\n\r\n${body}`],
    ['a status below 100', `HTTP/1.1 099 Low\r\ncontent-length: 11\r\n\r\n${body}`],
    ['a status beyond 599', `HTTP/1.1 999 High\r\ncontent-length: 11\r\n\r\n${body}`],
    ['bare line feeds', head('content-length: 11').replaceAll('\r', '') + body],
    ['two lengths', head('content-length: 11', 'content-length: 12') + body],
    ['a negative length', head('content-length: -1') + body],
    ['a length in hexadecimal', head('content-length: 0xb') + body],
    ['a length and chunks', head('content-length: 11', 'transfer-encoding: chunked') + `b\r\n${body}\r\n0\r\n\r\n`],
    ['a chunk of no size', head('transfer-encoding: chunked') + `size\r\n${body}\r\n0\r\n\r\n`],
    ['a chunk longer than announced', head('transfer-encoding: chunked') + `5\r\n${body}\r\n0\r\n\r\n`],
    ['a header without a name', head(': x', 'content-length: 11') + body],
    ['a folded header', head('x: y', ' z', ': x') + body],
    ['a header of 100 KB', head(`x: ${'x'.repeat(100_000)}`) + body],
    ['endless headers', endless('HTTP/1.1 200 OK\r\n', 'x: y\r\n'.repeat(1_000))],
    [
      'endless trailers',
      endless('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n', 'x: y\r\n'.repeat(1_000)),
    ],
    ['gzip that is none', toBytes(200, body, { 'content-encoding': 'gzip' })],
    ['half of gzip', toBytes(200, gzipSync(body).subarray(0, 15), { 'content-encoding': 'gzip' })],
    ['deflate that is none', toBytes(200, body, { 'content-encoding': 'deflate' })],
    ['br that is none', toBytes(200, body, { 'content-encoding': 'br' })],
    [
      'gzip with another checksum',
      toBytes(200, Buffer.concat([gzipSync(body).subarray(0, -8), Buffer.alloc(8, 1)]), { 'content-encoding': 'gzip' }),
    ],
  ])('(%s) is a bad response', async (_what, answer) => {
    await expectOutcome(rig, 'not HTTP', () => answer, bad);
  });
});

describe('An answer of 200', () => {
  const html = `<html><body><h1>It works at ${rig.upstream.url}</h1><pre>    at Object.<anonymous> (/usr/lib/x.js:1:2)</pre></body></html>`;
  const zeros = Buffer.alloc(50_000_000);
  it.each<readonly [string, Answer]>([
    ['HTML', toBytes(200, html, { 'content-type': 'text/html' })],
    ['HTML that says JSON', toBytes(200, html)],
    ['text', toBytes(200, 'OK', { 'content-type': 'text/plain' })],
    ['half of JSON', toBytes(200, '{"data":[')],
    ['JSON and more', toBytes(200, '{"data":[]}{"data":[]}')],
    ['less than the answer, by its length', toBytes(200, '{"data":[]}', { 'content-length': '5' })],
    ['a list', toBytes(200, '[]')],
    ['a text in JSON', toBytes(200, '"data"')],
    ['null', toBytes(200, 'null')],
    ['what is not UTF-8', toBytes(200, Buffer.from('{"data":["\xe9"]}', 'latin1'))],
    ['UTF-16', toBytes(200, Buffer.from('\ufeff{"data":[]}', 'utf16le'))],
    [
      'an encoding nobody asked for',
      toBytes(200, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 4, 0]), { 'content-encoding': 'zstd' }),
    ],
    ['11 MiB', toBytes(200, ' '.repeat(11 * 1024 * 1024))],
    ['a body without an end', endless('HTTP/1.1 200 OK\r\n\r\n', ' '.repeat(65_536))],
    [
      'chunks without an end',
      endless('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', `10000\r\n${' '.repeat(65_536)}\r\n`),
    ],
    [
      'chunks of a byte without an end',
      endless('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\n \r\n'.repeat(10_000)),
    ],
    ['50 MB in gzip', toBytes(200, gzipSync(zeros), { 'content-encoding': 'gzip' })],
    ['50 MB in deflate', toBytes(200, deflateSync(zeros), { 'content-encoding': 'deflate' })],
    ['50 MB in br', toBytes(200, brotliCompressSync(zeros), { 'content-encoding': 'br' })],
    ['five million brackets in gzip', toBytes(200, gzipSync('['.repeat(5_000_000)), { 'content-encoding': 'gzip' })],
    [
      'a million objects in gzip',
      toBytes(200, gzipSync(`{"errors":[${'{},'.repeat(1_000_000)}{}]}`), { 'content-encoding': 'gzip' }),
    ],
  ])('(%s) is a bad response', async (_what, answer) => {
    await expectOutcome(rig, 'not the documented form', () => answer, bad);
  });

  it.each<readonly [string, Answer]>([
    ['nothing', toBytes(200, '')],
    ['blanks', toBytes(200, ' \r\n')],
    ['an object without data', toBytes(200, '{}')],
    ['data that is null', toBytes(200, '{"data":null}')],
    ['nothing, as 204', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['nothing, as 205', toBytes(205, '')],
  ])('(%s) is a bad response to a read, and enough for a write', async (_what, answer) => {
    await expectOutcome(rig, 'not the documented form', () => answer, { ...bad, write: 'is done' });
  });

  it('of a member of gzip that follows another, or of bytes that follow it, is read or refused, and never mixed up', async () => {
    const members = Buffer.concat([gzipSync('{"data":'), gzipSync('[]}')]);
    rig.upstream.script(() => toBytes(200, members, { 'content-encoding': 'gzip' }));
    expect((await rig.ask({ query: '{ environments { id } }' })).json).toEqual({ data: { environments: [] } });
  });

  it('with errors is an error of a read, and a refusal of a write', async () => {
    const errors = [{ code: 2012, message: 'Quota.' }];
    const told = { status: 200, errors: [{ code: '2012', message: 'Quota.' }] };
    const outcome: Outcome = { code: 'UPSTREAM_ERROR', attempts: 1, write: 'is refused', told };
    await expectOutcome(rig, 'errors in a 200', () => toBytes(200, { data: [], errors }), outcome);
  });
});

describe('A redirect', () => {
  const redirects = [
    ...[301, 302, 303, 307, 308].flatMap((status) =>
      ['elsewhere', 'the same host', 'no host', 'no address', 'nowhere'].map((to) => [status, to] as const),
    ),
    ...[300, 304, 305, 306].map((status) => [status, 'elsewhere'] as const),
  ];

  it.each(redirects)('of %i to %s is not followed', async (status, to) => {
    const addresses: Record<string, string> = {
      elsewhere: `${elsewhere.url}/environments`,
      'the same host': `${rig.upstream.url}/elsewhere`,
      'no host': `//${new URL(elsewhere.url).host}/v1/environments`,
      'no address': '\x00http://',
    };
    const location = addresses[to];
    // A 304 has no body, whatever length it has.
    const body = status === 304 ? '' : { data: [], taskId };
    const answer = toBytes(status, body, location === undefined ? {} : { location, refresh: `0; url=${location}` });
    const isHttp = !location?.includes('\x00');
    await expectOutcome(rig, 'redirect', () => answer, { ...bad, write: isHttp ? 'has failed' : 'is unknown' });

    expect(elsewhere.connections()).toBe(0);
    expect(rig.upstream.calls.filter(({ target }) => target.includes('elsewhere'))).toEqual([]);
  });
});

describe('A status', () => {
  const errors = [{ errorCode: 'WHY', message: 'Because.' }];
  const passing = [
    [429, 'RATE_LIMITED', 'has failed'],
    [502, 'UPSTREAM_UNAVAILABLE', 'is unknown'],
    [503, 'UPSTREAM_UNAVAILABLE', 'is unknown'],
    [504, 'UPSTREAM_TIMEOUT', 'is unknown'],
  ] as const;
  const lasting = [
    [401, 'UNAUTHENTICATED', 'has failed'],
    [403, 'FORBIDDEN', 'has failed'],
    [405, 'UPSTREAM_ERROR', 'has failed'],
    [500, 'UPSTREAM_ERROR', 'has failed'],
  ] as const;
  // Those that the documentation does not have: told with their errors, or not understood.
  const others = [402, 406, 408, 409, 410, 411, 412, 413, 414, 415, 418, 421, 422, 423, 425, 426, 428, 431, 451];
  const failing = [501, 505, 507, 508, 511, 599];

  it.each([...passing.map((row) => [...row, 3] as const), ...lasting.map((row) => [...row, 1] as const)])(
    'of %i is %s, with or without errors',
    async (status, code, write, attempts) => {
      const told = { status, errors: [{ code: 'WHY', message: 'Because.' }] };
      await expectOutcome(rig, `status ${status}`, () => toBytes(status, { errors }), { code, attempts, write, told });
      const page = toBytes(status, `<html>${rig.upstream.url}</html>`, { 'content-type': 'text/html' });
      await expectOutcome(rig, `status ${status}`, () => page, { code, attempts, write });
    },
  );

  it.each([
    ...others.map((status) => [status, 'is refused'] as const),
    ...failing.map((status) => [status, 'has failed'] as const),
  ])('of %i is told with its errors, and not understood without', async (status, write) => {
    const told = { status, errors: [{ code: 'WHY', message: 'Because.' }] };
    const outcome: Outcome = { code: 'UPSTREAM_ERROR', attempts: 1, write, told };
    await expectOutcome(rig, 'other statuses', () => toBytes(status, { errors }), outcome);
    await calm(rig);
    const page = toBytes(status, '<html>', { 'content-type': 'text/html' });
    await expectOutcome(rig, 'other statuses', () => page, { ...bad, write: 'has failed' });
  });

  it('of 404 is null for one thing, NOT_FOUND for a list, and a user error of a write', async () => {
    rig.upstream.script(() => toBytes(404, { errors }));
    const told = { status: 404, errors: [{ code: 'WHY', message: 'Because.' }] };
    for (const operation of reads) {
      const answer = await run(rig, operation);
      if (operation.field === 'siteToSiteVpn' || operation.field === 'task') {
        expect(answer.json).toEqual({ data: { [operation.field]: null } });
      } else expectFailure(answer, operation.field, { code: 'NOT_FOUND', attempts: 1, write: 'has failed', told });
    }
    for (const operation of writes) {
      expect((await run(rig, operation)).json).toEqual({
        data: { [operation.field]: { task: null, userErrors: [expect.objectContaining({ code: 'NOT_FOUND' })] } },
      });
    }
    expect(rig.upstream.calls).toHaveLength(reads.length + writes.length);
  });

  it('of 400 is a refusal of a write, an error of a read, and the failure of a task', async () => {
    rig.upstream.script(() => toBytes(400, { errors }));
    const told = { status: 400, errors: [{ code: 'WHY', message: 'Because.' }] };
    for (const operation of reads) {
      const answer = await run(rig, operation);
      if (operation.field === 'task') {
        expect(answer.json).toEqual({
          data: {
            task: {
              id: taskId,
              status: 'FAILED',
              created: null,
              result: null,
              errors: [{ code: 'WHY', message: 'Because.' }],
            },
          },
        });
      } else expectFailure(answer, operation.field, { code: 'UPSTREAM_ERROR', attempts: 1, write: 'is refused', told });
    }
    for (const operation of writes) {
      expectWrite(await run(rig, operation), operation.field, { ...bad, write: 'is refused' });
    }
    expect(rig.upstream.calls).toHaveLength(reads.length + writes.length);
    await expectOutcome(rig, 'status 400', () => toBytes(400, '<html>'), { ...bad, write: 'is refused' });
  });
});

describe('Retry-After', () => {
  const limited = (headers: Readonly<Record<string, string>>) => () => toBytes(429, '', headers);
  const inADay = new Date(Date.now() + 23 * 3_600_000).toUTCString();

  it.each([
    ['60', 60, 1],
    ['86400', 86_400, 1],
    [inADay, expect.any(Number), 1],
    ['0', 0, 3],
    ['86401', undefined, 1],
    ['99999999999999999999999', undefined, 1],
    ['Fri, 31 Dec 9999 23:59:59 GMT', undefined, 1],
    ['Wed, 21 Oct 2015 07:28:00 GMT', undefined, 3],
    ['-1', undefined, 3],
    ['1e3', undefined, 3],
    ['soon', undefined, 3],
    ['', undefined, 3],
  ] as const)(
    'of %j is told as %j where it is sane, and ends the attempts where it is later than the deadline',
    async (header, seconds, attempts) => {
      if (attempts === 3) await calm(rig);
      rig.upstream.script(limited({ 'retry-after': header }));
      const ask = async (operation: Operation) => {
        const answer = await timed('429 with Retry-After', run(rig, operation));
        const retryAfter = seconds === undefined ? {} : { retryAfter: seconds };
        expectFailure(answer, operation.field, { code: 'RATE_LIMITED', attempts: 1, write: 'has failed' }, retryAfter);
      };
      await Promise.all([...reads, ...writes].map(ask));
      for (const operation of reads) expect(countCalls(rig, operation)).toBe(attempts);
      for (const operation of writes) expect(countCalls(rig, operation)).toBe(1);
    },
  );

  it('of which there are two is none', async () => {
    const two = 'HTTP/1.1 429 Slow\r\nretry-after: 60\r\nretry-after: 61\r\ncontent-length: 0\r\n\r\n';
    await expectOutcome(rig, '429 with Retry-After', () => two, {
      code: 'RATE_LIMITED',
      attempts: 3,
      write: 'has failed',
    });
  });

  it('of a second is waited for, and the read answered', async () => {
    const order: string[] = [];
    rig.upstream.script((_call, index) => {
      order.push(`call ${index}`);
      if (index > 0) return { data: [] };
      setTimeout(() => order.push('half a second'), 500);
      return toBytes(503, '', { 'retry-after': '1' });
    });
    const answer = await timed('503 with Retry-After: 1', rig.ask({ query: '{ environments { id } }' }));
    expect(answer.json).toEqual({ data: { environments: [] } });
    expect(order).toEqual(['call 0', 'half a second', 'call 1']);
  });
});

describe('A read that fails at first', () => {
  it.each<readonly [string, Answer]>([
    ['a lost connection', resetting()],
    ['a 503', toBytes(503, '')],
    ['a 429', toBytes(429, '')],
    ['half of an answer', closing('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"data":[{"id":"half"')],
  ])('(%s, twice) is answered in the end', async (_what, answer) => {
    await calm(rig);
    rig.upstream.script(({ target }, index) =>
      index < 2 ? answer : { data: target.includes('/sitetositevpns/') ? wireVpn({ ipSecPsk: preSharedKey }) : [] },
    );
    const query = `{ siteToSiteVpn(environment: { serviceCode: "compute-on", name: "test_area" }, id: "${vpnId}") { name } }`;
    expect((await timed('third attempt', rig.ask({ query }))).json).toEqual({
      data: { siteToSiteVpn: { name: 'stargate' } },
    });
    expect(rig.upstream.calls).toHaveLength(3);
  });
});
