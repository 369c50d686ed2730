// Failures of the REST API, by connection, HTTP message, body and status. Callers get the right code in time. A read is retried a limited
// number of times. A write is sent once, and reports an unknown outcome if it may have succeeded. Most cases start when the file loads, on
// several gateways.
import type { Socket } from 'node:net';
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { type RawScript, startRawUpstream, toBytes } from '../../helpers/raw-upstream.js';
import type { HttpResponse } from '../../helpers/http.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { taskId, vpnId, wireVpn } from '../../helpers/fixtures.js';
import { Pool, serveCallers, startCases } from './concurrent-cases.js';
import {
  resetFailureState,
  writeThenClose,
  countCalls,
  createTimings,
  expectCircuitOpen,
  isCheckOfWrite,
  writeEndlessly,
  type Operation,
  reads,
  writeThenReset,
  runOperation,
  writeThenStall,
  writes,
} from './operations.js';
import { heldClock, preSharedKey, type Rig, startRig, upstreamHost } from './harness.js';

// Long enough for all calls of the file's first cases to reach the upstream, even on a busy machine.
const deadlineMs = 5_000;
const [deadlineRig, ...rigs] = await Promise.all([
  startRig({ ...heldClock, CLOUDCA_API_TIMEOUT_MS: String(deadlineMs) }),
  ...Array.from({ length: 3 }, () => startRig()),
]);
const pool = new Pool(rigs);
const redirectTarget = await startRawUpstream(() => ({ data: [], taskId, taskStatus: 'SUCCESS' }));
const timed = createTimings(`Responses when the REST API fails (deadline ${deadlineMs} ms)`);
const operations = [...reads, ...writes];
// For responses of many megabytes, which the gateway reads in the same way for every operation.
const oneReadAndOneWrite = [...reads.slice(0, 1), ...writes.slice(0, 1)];

type RawResponse = ReturnType<RawScript>;

/** The expected outcome of a failure. */
interface Outcome {
  /** Error code of reads, and of writes with outcome `unknown` or `failed`. */
  readonly code: string;
  /** Number of times that a read is sent. */
  readonly attempts: 1 | 3;
  /** Outcome of a write: an error with `outcomeUnknown`, an error without it, a user error, or success. */
  readonly write: 'unknown' | 'failed' | 'rejected' | 'succeeded';
  /** Details of the REST API's response, in `extensions.upstream` of the error. Default: none. */
  readonly upstream?: object;
}

const unavailable: Outcome = { code: 'UPSTREAM_UNAVAILABLE', attempts: 3, write: 'unknown' };
const timedOut: Outcome = { code: 'UPSTREAM_TIMEOUT', attempts: 1, write: 'unknown' };
const badResponse: Outcome = { code: 'UPSTREAM_BAD_RESPONSE', attempts: 1, write: 'unknown' };

const requestId = expect.any(String);
const advice = / The request may have succeeded all the same\. Before you retry, check /;

/** A response to an operation, and the number of REST calls that the operation caused. */
interface Result {
  readonly operation: Operation;
  readonly response: HttpResponse;
  readonly callCount: number;
}

/** Waits for a gateway, and runs the operations at once with the same failure. Expects this outcome for each of them. */
function expectOutcome(
  group: string,
  respond: (rig: Rig) => RawResponse,
  outcome: Outcome,
  sent: readonly Operation[] = operations,
): Promise<void> {
  return pool.run(async (rig) => {
    // The reads of one case may use up the retry budget.
    if (outcome.attempts === 3) await resetFailureState(rig);
    const response = respond(rig);
    // The gateway does not retry after a 401, so the checks take nothing from the retry budget.
    rig.upstream.script((call) => (isCheckOfWrite(call) ? toBytes(401, '') : response));
    const responses = await Promise.all(sent.map((operation) => timed(group, runOperation(rig, operation))));
    expectResults(
      sent.map((operation, index) => ({
        operation,
        response: at(responses, index),
        callCount: countCalls(rig, operation),
      })),
      outcome,
    );
    await rig.verify();
  });
}

/** Expects this outcome, and its number of REST calls, for each operation. */
function expectResults(results: readonly Result[], outcome: Outcome): void {
  for (const { operation, response, callCount } of results) {
    const isRead = reads.includes(operation);
    expect([operation.field, callCount]).toEqual([operation.field, isRead ? outcome.attempts : 1]);
    if (isRead) expectFailure(response, operation.field, outcome);
    else expectWrite(response, operation.field, outcome);
  }
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`There is no item ${index}.`);
  return item;
}

/** Expects one error with the code of the outcome, these further extensions, and null for the field. Returns the response as text. */
function expectFailure(
  response: HttpResponse,
  field: string,
  { code, upstream }: Outcome,
  extensions: object = {},
): string {
  expect({ status: response.status, body: response.json }).toEqual({
    status: 200,
    body: {
      data: { [field]: null },
      errors: [
        {
          message: expect.any(String),
          locations: expect.any(Array),
          path: [field],
          extensions: { code, requestId, ...extensions, ...(upstream === undefined ? {} : { upstream }) },
        },
      ],
    },
  });
  return response.text;
}

/** Expects the outcome of a write. */
function expectWrite(response: HttpResponse, field: string, outcome: Outcome): void {
  switch (outcome.write) {
    case 'unknown':
      expect(expectFailure(response, field, outcome, { outcomeUnknown: true })).toMatch(advice);
      break;
    case 'failed':
      expect(expectFailure(response, field, outcome)).not.toMatch(advice);
      break;
    case 'rejected':
      expect(response.json).toEqual({
        data: { [field]: { task: null, userErrors: [expect.objectContaining({ code: 'REJECTED' })] } },
      });
      break;
    case 'succeeded':
      expect(response.json).toEqual({ data: { [field]: { task: null, userErrors: [] } } });
  }
}

const gzip = gzipSync('{"data":[]}');
// Pieces that come often would take the CPU from other cases.
const pieceMs = 20;
const incompleteResponses: readonly (readonly [string, RawResponse])[] = [
  ['no byte', writeThenStall()],
  ['half of the status line', writeThenStall('HTTP/1.1 2')],
  ['half of the headers', writeThenStall('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n')],
  ['headers, byte by byte', writeEndlessly('HTTP/1.1 200 OK\r\nx: ', 'x', pieceMs)],
  ['headers without the body', writeThenStall('HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n')],
  ['half of the body', writeThenStall('HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{"data"')],
  ['less than the announced length', writeThenStall('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"data":[]}')],
  ['a length of 100 TB', writeThenStall('HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\n{"data":[]}')],
  ['a body, byte by byte', writeEndlessly('HTTP/1.1 200 OK\r\n\r\n', ' ', pieceMs)],
  [
    'chunks of one byte',
    writeEndlessly('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\n \r\n', pieceMs),
  ],
  [
    'chunks without the last one',
    writeThenStall('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb\r\n{"data":[]}\r\n'),
  ],
  [
    'half of a compressed body',
    writeThenStall(
      Buffer.concat([toBytes(200, '', { 'content-encoding': 'gzip', 'content-length': '99' }), gzip.subarray(0, 15)]),
    ),
  ],
  [
    'empty gzip members, one by one',
    writeEndlessly('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n', gzipSync(''), pieceMs),
  ],
  [
    'a chunk extension without end',
    writeEndlessly('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;', 'x'.repeat(1_000), pieceMs),
  ],
  [
    '103 Early Hints without end',
    writeEndlessly('', 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n'.repeat(100), pieceMs),
  ],
  ['empty lines without end', writeEndlessly('', '\r\n'.repeat(1_000), pieceMs)],
];

// These start first: every call must reach the upstream before the first deadline, when they open the circuit.
const addDeadlineCaller = serveCallers(deadlineRig);
const deadlineCases = startCases(incompleteResponses, async ([, response]) => {
  const caller = addDeadlineCaller(() => response);
  const results = await Promise.all(
    operations.map(async (operation) => ({
      operation,
      response: await timed('no response in time', caller.run(operation)),
      callCount: caller.countCalls(operation),
    })),
  );
  expectResults(results, timedOut);
  await deadlineRig.verify();
});
await waitUntil(() => deadlineRig.upstream.calls.length === incompleteResponses.length * operations.length);

describe('Connection to the REST API', () => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n';
  const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
  const failures: readonly (readonly [string, RawResponse])[] = [
    ['is closed before the response', writeThenClose()],
    ['is reset before the response', writeThenReset()],
    ['is closed in the status line', writeThenClose('HTTP/1.')],
    ['is reset in the status line', writeThenReset('HTTP/1.1 2')],
    ['is closed in the headers', writeThenClose(head)],
    ['is reset in the headers', writeThenReset(head)],
    ['is closed before the body', writeThenClose(`${head}\r\n`)],
    ['is closed in the body', writeThenClose(`${head}\r\n{"data":`)],
    ['is reset in the body', writeThenReset(`${head}\r\n{"data":`)],
    ['is closed before the announced length', writeThenClose(`${head}\r\n{"data":[]}`)],
    ['is closed in a chunk', writeThenClose(`${chunked}20\r\n{"data":`)],
    ['is closed between chunks', writeThenClose(`${chunked}b\r\n{"data":[]}\r\n`)],
    ['is closed in the last chunk', writeThenClose(`${chunked}b\r\n{"data":[]}\r\n0\r\n`)],
    ['is reset between chunks', writeThenReset(`${chunked}b\r\n{"data":[]}\r\n`)],
    [
      'is closed in a compressed body',
      writeThenClose(`${head}content-encoding: gzip\r\n\r\n`, gzipSync('{}').subarray(0, 12)),
    ],
    ['switches to another protocol', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'],
  ];
  const endlessContinue = writeEndlessly('', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(1_000));

  it.each([
    ...startCases(failures, ([, response]) => expectOutcome('connection lost', () => response, unavailable)),
    ...startCases([['sends 100 Continue without end']], () =>
      expectOutcome('connection lost', () => endlessContinue, unavailable, oneReadAndOneWrite),
    ),
  ])('that $name fails with UPSTREAM_UNAVAILABLE', ({ outcome }) => outcome);

  it('that is closed or reset after the response fails no read', async () => {
    const completeResponse = toBytes(200, { data: [] });
    // The reset must come after the gateway has read the response, or the response is lost.
    const openSockets: Socket[] = [];
    const keepOpen = (socket: Socket) => {
      openSockets.push(socket);
      socket.write(completeResponse);
    };
    const closeHeader = toBytes(200, { data: [] }, { connection: 'close' });
    await pool.run(async (rig) => {
      for (const respond of [writeThenClose(completeResponse), keepOpen, writeThenClose(closeHeader)]) {
        rig.upstream.script(() => respond);
        for (let call = 0; call < 4; call++) {
          const request = rig.post({ query: '{ environments { id } }' });
          expect((await timed('connection closed after the response', request)).json).toEqual({
            data: { environments: [] },
          });
          for (const socket of openSockets.splice(0)) socket.resetAndDestroy();
        }
        expect(rig.upstream.calls).toHaveLength(4);
      }
      await rig.verify();
    });
  });

  it('that is refused fails without an unknown outcome, and works once the REST API listens again', async () => {
    await pool.run(async (rig) => {
      const operationLogs = () =>
        rig.gateway.lines().filter(({ msg, type }) => msg === 'operation' && type !== undefined);
      await resetFailureState(rig);
      await rig.upstream.stop();
      const refused = [...reads.slice(0, 2), ...writes];
      for (const operation of refused) {
        const response = await timed('connection refused', runOperation(rig, operation));
        if (reads.includes(operation)) expectFailure(response, operation.field, unavailable);
        else expectWrite(response, operation.field, { ...unavailable, write: 'failed' });
        // The log may arrive after the response.
        const id = response.headers.get('x-request-id');
        await waitUntil(() => operationLogs().some((line) => line['requestId'] === id));
      }
      expect(
        operationLogs()
          .slice(-refused.length)
          .map(({ restCalls }) => restCalls),
      ).toEqual([3, 3, 1, 1, 1]);

      await rig.upstream.listen();
      await resetFailureState(rig);
      expect((await rig.post({ query: '{ environments { id } }' })).json).toEqual({ data: { environments: [] } });
      await rig.verify();
    });
  });
});

describe('Incomplete response', () => {
  it.each(deadlineCases)('fails with UPSTREAM_TIMEOUT ($name)', ({ outcome }) => outcome);

  it('opens the circuit if it occurs often, and the gateway then sends nothing', async () => {
    await Promise.allSettled(deadlineCases.map(({ outcome }) => outcome));
    const caller = addDeadlineCaller(() => ({ data: [] }));
    for (const operation of operations) expectCircuitOpen(await caller.run(operation), operation.field);
    expect(caller.calls).toEqual([]);
    await deadlineRig.verify();
  });
});

describe('Invalid HTTP response', () => {
  const body = '{"data":[]}';
  const head = (...lines: readonly string[]) => `HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
  const responses: readonly (readonly [string, RawResponse])[] = [
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
    ['a chunk size that is not a number', head('transfer-encoding: chunked') + `size\r\n${body}\r\n0\r\n\r\n`],
    ['a chunk longer than its size', head('transfer-encoding: chunked') + `5\r\n${body}\r\n0\r\n\r\n`],
    ['a header without a name', head(': x', 'content-length: 11') + body],
    ['a folded header', head('x: y', ' z', ': x') + body],
    ['a header of 100 KB', head(`x: ${'x'.repeat(100_000)}`) + body],
    ['a gzip body that is plain text', toBytes(200, body, { 'content-encoding': 'gzip' })],
    ['half of a gzip body', toBytes(200, gzipSync(body).subarray(0, 15), { 'content-encoding': 'gzip' })],
    ['a deflate body that is plain text', toBytes(200, body, { 'content-encoding': 'deflate' })],
    ['a br body that is plain text', toBytes(200, body, { 'content-encoding': 'br' })],
    [
      'a gzip body with a wrong checksum',
      toBytes(200, Buffer.concat([gzipSync(body).subarray(0, -8), Buffer.alloc(8, 1)]), { 'content-encoding': 'gzip' }),
    ],
  ];
  const endlessResponses: readonly (readonly [string, RawResponse])[] = [
    ['headers without end', writeEndlessly('HTTP/1.1 200 OK\r\n', 'x: y\r\n'.repeat(1_000))],
    [
      'trailers without end',
      writeEndlessly('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n', 'x: y\r\n'.repeat(1_000)),
    ],
  ];
  const run = (response: RawResponse, sent = operations) =>
    expectOutcome('not HTTP', () => response, badResponse, sent);

  it.each([
    ...startCases(responses, ([, response]) => run(response)),
    ...startCases(endlessResponses, ([, response]) => run(response, oneReadAndOneWrite)),
  ])('fails with UPSTREAM_BAD_RESPONSE ($name)', ({ outcome }) => outcome);
});

describe('Response with a 2xx status', () => {
  const html = `<html><body><h1>It works at http://${upstreamHost}/v1</h1><pre>    at Object.<anonymous> (/usr/lib/x.js:1:2)</pre></body></html>`;
  const zeros = Buffer.alloc(50_000_000);
  const responses: readonly (readonly [string, RawResponse])[] = [
    ['HTML', toBytes(200, html, { 'content-type': 'text/html' })],
    ['HTML declared as JSON', toBytes(200, html)],
    ['text', toBytes(200, 'OK', { 'content-type': 'text/plain' })],
    ['half of a JSON object', toBytes(200, '{"data":[')],
    ['JSON followed by more JSON', toBytes(200, '{"data":[]}{"data":[]}')],
    ['JSON truncated by its content-length', toBytes(200, '{"data":[]}', { 'content-length': '5' })],
    ['a JSON array', toBytes(200, '[]')],
    ['a JSON string', toBytes(200, '"data"')],
    ['null', toBytes(200, 'null')],
    ['invalid UTF-8', toBytes(200, Buffer.from('{"data":["\xe9"]}', 'latin1'))],
    ['UTF-16', toBytes(200, Buffer.from('\ufeff{"data":[]}', 'utf16le'))],
    [
      'an encoding that was not accepted',
      toBytes(200, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 4, 0]), { 'content-encoding': 'zstd' }),
    ],
  ];
  const largeResponses: readonly (readonly [string, RawResponse])[] = [
    ['11 MiB', toBytes(200, ' '.repeat(11 * 1024 * 1024))],
    ['a body without end', writeEndlessly('HTTP/1.1 200 OK\r\n\r\n', ' '.repeat(65_536))],
    [
      'chunks without end',
      writeEndlessly('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', `10000\r\n${' '.repeat(65_536)}\r\n`),
    ],
    [
      'chunks of one byte without end',
      writeEndlessly('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\n \r\n'.repeat(10_000)),
    ],
    ['50 MB in gzip', toBytes(200, gzipSync(zeros), { 'content-encoding': 'gzip' })],
    ['50 MB in deflate', toBytes(200, deflateSync(zeros), { 'content-encoding': 'deflate' })],
    [
      '50 MB in br',
      toBytes(200, brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }), {
        'content-encoding': 'br',
      }),
    ],
    ['five million brackets in gzip', toBytes(200, gzipSync('['.repeat(5_000_000)), { 'content-encoding': 'gzip' })],
    [
      'a million objects in gzip',
      toBytes(200, gzipSync(`{"errors":[${'{},'.repeat(1_000_000)}{}]}`), { 'content-encoding': 'gzip' }),
    ],
  ];
  const responsesWithoutData: readonly (readonly [string, RawResponse])[] = [
    ['empty', toBytes(200, '')],
    ['whitespace', toBytes(200, ' \r\n')],
    ['an object without data', toBytes(200, '{}')],
    ['an object with null data', toBytes(200, '{"data":null}')],
    ['absent, with status 204', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['empty, with status 205', toBytes(205, '')],
  ];
  const run = (response: RawResponse, outcome: Outcome, sent = operations) =>
    expectOutcome('not the documented form', () => response, outcome, sent);

  it.each([
    ...startCases(responses, ([, response]) => run(response, badResponse)),
    ...startCases(largeResponses, ([, response]) => run(response, badResponse, oneReadAndOneWrite)),
  ])('fails with UPSTREAM_BAD_RESPONSE if the body is $name', ({ outcome }) => outcome);

  it.each(startCases(responsesWithoutData, ([, response]) => run(response, { ...badResponse, write: 'succeeded' })))(
    'fails reads, but lets writes succeed, if the body is $name',
    ({ outcome }) => outcome,
  );

  it('is read as one body if it has two gzip members', async () => {
    const members = Buffer.concat([gzipSync('{"data":'), gzipSync('[]}')]);
    await pool.run(async (rig) => {
      rig.upstream.script(() => toBytes(200, members, { 'content-encoding': 'gzip' }));
      expect((await rig.post({ query: '{ environments { id } }' })).json).toEqual({ data: { environments: [] } });
    });
  });

  it('with errors is an UPSTREAM_ERROR for a read, and a user error for a write', async () => {
    const errors = [{ code: 2012, message: 'Quota.' }];
    const upstream = { status: 200, errors: [{ code: '2012', message: 'Quota.' }] };
    const outcome: Outcome = { code: 'UPSTREAM_ERROR', attempts: 1, write: 'rejected', upstream };
    await expectOutcome('errors in a 200', () => toBytes(200, { data: [], errors }), outcome);
  });
});

describe('Redirect', () => {
  const toLocation = (target: string, upstreamUrl: string) =>
    ({
      'another host': `${redirectTarget.url}/environments`,
      'the same host': `${upstreamUrl}/elsewhere`,
      'a URL without scheme': `//${new URL(redirectTarget.url).host}/v1/environments`,
      'an invalid URL': '\x00http://',
    })[target];
  const redirects = [
    ...['the same host', 'a URL without scheme', 'an invalid URL', 'no location'].map(
      (location) => [301, location] as const,
    ),
    ...[300, 301, 302, 303, 304, 305, 306, 307, 308].map((status) => [status, 'another host'] as const),
  ];

  const cases = startCases(
    redirects.map(([status, target]) => [`status ${status} to ${target}`, status, target] as const),
    ([, status, target]) => {
      const isHttp = target !== 'an invalid URL';
      const toResponse = ({ upstream }: Rig) => {
        const location = toLocation(target, upstream.url);
        // A 304 has no body, whatever its content-length says.
        const body = status === 304 ? '' : { data: [], taskId };
        return toBytes(status, body, location === undefined ? {} : { location, refresh: `0; url=${location}` });
      };
      return expectOutcome('redirect', toResponse, { ...badResponse, write: isHttp ? 'failed' : 'unknown' });
    },
  );

  // The number of REST calls shows that a redirect to the same host is not followed either.
  it.each(cases)('with $name is not followed', async ({ outcome }) => {
    await outcome;
    expect(redirectTarget.connectionCount()).toBe(0);
  });
});

describe('Response status', () => {
  const errors = [{ errorCode: 'WHY', message: 'Because.' }];
  const retriedStatuses = [
    [429, 'RATE_LIMITED', 'failed'],
    [502, 'UPSTREAM_UNAVAILABLE', 'unknown'],
    [503, 'UPSTREAM_UNAVAILABLE', 'unknown'],
    [504, 'UPSTREAM_TIMEOUT', 'unknown'],
    [520, 'UPSTREAM_UNAVAILABLE', 'unknown'],
    [524, 'UPSTREAM_TIMEOUT', 'unknown'],
  ] as const;
  const finalStatuses = [
    [401, 'UNAUTHENTICATED', 'failed'],
    [405, 'UPSTREAM_ERROR', 'failed'],
  ] as const;
  // Statuses that the REST API does not document. Their code depends on whether the body has errors.
  // response-meanings.test.ts has every status.
  const clientErrorStatuses = [402, 409, 413, 422, 431, 451];
  const serverErrorStatuses = [501, 511, 599];

  const page = '<html>';
  const pageHeaders = { 'content-type': 'text/html' };
  const fixedCodes = [
    ...retriedStatuses.map((row) => [...row, 3] as const),
    ...finalStatuses.map((row) => [...row, 1] as const),
  ].map(([status, code, write, attempts]) => [`${status} fails with ${code}`, status, code, write, attempts] as const);
  const fixedCodeCases = startCases(fixedCodes, async ([, status, code, write, attempts]) => {
    const upstream = { status, errors: [{ code: 'WHY', message: 'Because.' }] };
    const outcome = { code, attempts, write };
    await Promise.all([
      expectOutcome(`status ${status}`, () => toBytes(status, { errors }), { ...outcome, write: 'failed', upstream }),
      expectOutcome(
        `status ${status}`,
        ({ upstream: { url } }) => toBytes(status, `<html>${url}</html>`, pageHeaders),
        outcome,
      ),
    ]);
  });

  it.each(fixedCodeCases)('$name, with or without errors in the body', ({ outcome }) => outcome);

  const otherStatuses = [
    ...clientErrorStatuses.map((status) => [String(status), status, 'rejected', 'failed'] as const),
    ...[408, 499].map((status) => [String(status), status, 'rejected', 'unknown'] as const),
    ...serverErrorStatuses.map((status) => [String(status), status, 'failed', 'unknown'] as const),
  ];
  const otherStatusCases = startCases(otherStatuses, async ([, status, write, writeWithoutErrors]) => {
    const upstream = { status, errors: [{ code: 'WHY', message: 'Because.' }] };
    const outcome: Outcome = { code: 'UPSTREAM_ERROR', attempts: 1, write, upstream };
    await Promise.all([
      expectOutcome('other statuses', () => toBytes(status, { errors }), outcome),
      expectOutcome('other statuses', () => toBytes(status, page, pageHeaders), {
        ...badResponse,
        write: writeWithoutErrors,
      }),
    ]);
  });

  it.each(otherStatusCases)(
    '$name fails with UPSTREAM_ERROR if the body has errors, else with UPSTREAM_BAD_RESPONSE',
    ({ outcome }) => outcome,
  );

  it.each([403, 404])(
    '%i fails with UPSTREAM_BAD_RESPONSE if the body has no errors: a proxy sent it',
    async (status) => {
      for (const body of [page, 'default backend - 404', '', {}, { errors: [] }]) {
        await expectOutcome('proxy', () => toBytes(status, body), { ...badResponse, write: 'failed' });
      }
    },
  );

  it('403 fails with FORBIDDEN if the body has errors', async () => {
    const upstream = { status: 403, errors: [{ code: 'WHY', message: 'Because.' }] };
    const outcome: Outcome = { code: 'FORBIDDEN', attempts: 1, write: 'failed', upstream };
    await expectOutcome('status 403', () => toBytes(403, { errors }), outcome);
  });

  it('404 is null for a single object, NOT_FOUND for a list, and a user error for a write', async () => {
    const upstream = { status: 404, errors: [{ code: 'WHY', message: 'Because.' }] };
    await pool.run(async (rig) => {
      rig.upstream.script(() => toBytes(404, { errors }));
      for (const operation of reads) {
        const response = await runOperation(rig, operation);
        if (operation.field === 'siteToSiteVpn' || operation.field === 'task') {
          expect(response.json).toEqual({ data: { [operation.field]: null } });
        } else expectFailure(response, operation.field, { code: 'NOT_FOUND', attempts: 1, write: 'failed', upstream });
      }
      for (const operation of writes) {
        expect((await runOperation(rig, operation)).json).toEqual({
          data: { [operation.field]: { task: null, userErrors: [expect.objectContaining({ code: 'NOT_FOUND' })] } },
        });
      }
      expect(rig.upstream.calls).toHaveLength(reads.length + writes.length);
      await rig.verify();
    });
  });

  it.each([
    [400, 'rejected', 'UPSTREAM_BAD_RESPONSE', 'rejected'],
    [500, 'failed', 'UPSTREAM_ERROR', 'unknown'],
  ] as const)(
    '%i with errors is a failed task for a task, and an error for a read',
    async (status, write, code, writeWithoutErrors) => {
      const upstream = { status, errors: [{ code: 'WHY', message: 'Because.' }] };
      await pool.run(async (rig) => {
        rig.upstream.script(() => toBytes(status, { errors }));
        for (const operation of reads) {
          const response = await runOperation(rig, operation);
          if (operation.field === 'task') {
            expect(response.json).toEqual({
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
          } else
            expectFailure(response, operation.field, {
              code: 'UPSTREAM_ERROR',
              attempts: 1,
              write,
              upstream,
            });
        }
        for (const operation of writes) {
          const outcome: Outcome = { code: 'UPSTREAM_ERROR', attempts: 1, write, upstream };
          expectWrite(await runOperation(rig, operation), operation.field, outcome);
        }
        const sent = rig.upstream.calls.filter((call) => !isCheckOfWrite(call));
        expect(sent).toHaveLength(reads.length + writes.length);
        await rig.verify();
      });
      await expectOutcome(`status ${status}`, () => toBytes(status, page), {
        code,
        attempts: 1,
        write: writeWithoutErrors,
      });
    },
  );
});

describe('Retry-After', () => {
  const toRateLimited = (headers: Readonly<Record<string, string>>) => () => toBytes(429, '', headers);
  const in23Hours = new Date(Date.now() + 23 * 3_600_000).toUTCString();

  const values = [
    ['60', 60, 1],
    ['86400', 86_400, 1],
    [in23Hours, expect.any(Number), 1],
    ['0', 0, 3],
    ['86401', undefined, 1],
    ['99999999999999999999999', undefined, 1],
    ['Fri, 31 Dec 9999 23:59:59 GMT', undefined, 1],
    ['Wed, 21 Oct 2015 07:28:00 GMT', undefined, 3],
    ['-1', undefined, 3],
    ['1e3', undefined, 3],
    ['soon', undefined, 3],
    ['', undefined, 3],
  ] as const;
  const rows = values.map(
    ([value, seconds, attempts]) =>
      [
        `${JSON.stringify(value)} is returned as retryAfter ${String(seconds)}, and allows ${attempts} attempts per read`,
        value,
        seconds,
        attempts,
      ] as const,
  );
  const cases = startCases(rows, ([, value, seconds, attempts]) =>
    pool.run(async (rig) => {
      if (attempts === 3) await resetFailureState(rig);
      rig.upstream.script(toRateLimited({ 'retry-after': value }));
      const run = async (operation: Operation) => {
        const response = await timed('429 with Retry-After', runOperation(rig, operation));
        const retryAfter = seconds === undefined ? {} : { retryAfter: seconds };
        expectFailure(response, operation.field, { code: 'RATE_LIMITED', attempts: 1, write: 'failed' }, retryAfter);
      };
      await Promise.all(operations.map(run));
      for (const operation of reads) expect(countCalls(rig, operation)).toBe(attempts);
      for (const operation of writes) expect(countCalls(rig, operation)).toBe(1);
      await rig.verify();
    }),
  );
  const delayCases = startCases([['1 s']], () =>
    pool.run(async (rig) => {
      const order: string[] = [];
      rig.upstream.script((_call, index) => {
        order.push(`call ${index}`);
        if (index > 0) return { data: [] };
        setTimeout(() => order.push('half a second'), 500);
        return toBytes(503, '', { 'retry-after': '1' });
      });
      const response = await timed('503 with Retry-After: 1', rig.post({ query: '{ environments { id } }' }));
      expect(response.json).toEqual({ data: { environments: [] } });
      expect(order).toEqual(['call 0', 'half a second', 'call 1']);
    }),
  );

  it.each(cases)('$name', ({ outcome }) => outcome);

  it('is ignored if the response has two of them', async () => {
    const response = 'HTTP/1.1 429 Slow\r\nretry-after: 60\r\nretry-after: 61\r\ncontent-length: 0\r\n\r\n';
    const outcome: Outcome = { code: 'RATE_LIMITED', attempts: 3, write: 'failed' };
    await expectOutcome('429 with Retry-After', () => response, outcome);
  });

  it.each(delayCases)('of $name delays the retry as long, and the read succeeds', ({ outcome }) => outcome);
});

describe('Read that fails twice', () => {
  const failures: readonly (readonly [string, RawResponse])[] = [
    ['a lost connection', writeThenReset()],
    ['a 503', toBytes(503, '')],
    ['a 429', toBytes(429, '')],
    ['half of a response', writeThenClose('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"data":[{"id":"half"')],
  ];
  const cases = startCases(failures, ([, response]) =>
    pool.run(async (rig) => {
      await resetFailureState(rig);
      rig.upstream.script(({ target }, index) =>
        index < 2 ? response : { data: target.includes('/sitetositevpns/') ? wireVpn({ ipSecPsk: preSharedKey }) : [] },
      );
      const query = `{ siteToSiteVpn(environment: { serviceCode: "compute-on", name: "test_area" }, id: "${vpnId}") { name } }`;
      expect((await timed('third attempt', rig.post({ query }))).json).toEqual({
        data: { siteToSiteVpn: { name: 'stargate' } },
      });
      expect(rig.upstream.calls).toHaveLength(3);
      await rig.verify();
    }),
  );

  it.each(cases)('succeeds at the third attempt ($name)', ({ outcome }) => outcome);
});
