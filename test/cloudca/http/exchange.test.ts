// One exchange without a connection: what it makes of the calls of undici.
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { type Dispatcher, errors } from 'undici';
import { ClientDisconnectedError } from '../../../src/cloudca/errors.js';
import { Cancellation } from '../../../src/cloudca/http/cancellation.js';
import { Exchange, maxResponseBodyBytes, type ReceivedResponse } from '../../../src/cloudca/http/exchange.js';
import { FlowControl } from '../../../src/cloudca/http/flow-control.js';
import { waitUntil } from '../../helpers/wait-until.js';

const mebibyte = 1024 * 1024;
const gone = new ClientDisconnectedError('gone');

/** A controller that records its calls. */
function createController() {
  const calls: unknown[] = [];
  const controller: Dispatcher.DispatchController = {
    aborted: false,
    paused: false,
    reason: null,
    abort: (reason) => calls.push(reason),
    pause: () => calls.push('pause'),
    resume: () => calls.push('resume'),
  };
  return { controller, calls };
}

/** Creates an exchange, and collects what it settles with. */
function create(body = new FlowControl().open('a key')) {
  const cancellation = new Cancellation();
  const responses: ReceivedResponse[] = [];
  const failures: unknown[] = [];
  const exchange = new Exchange(
    body,
    cancellation,
    (response) => responses.push(response),
    (error) => failures.push(error),
  );
  const { controller, calls } = createController();
  return {
    exchange,
    cancellation,
    controller,
    /** The calls to the controller, in order; those of `abort` by their reason. */
    calls,
    responses,
    failures,
    start: (status = 200, headers: Record<string, string | string[]> = {}) => {
      exchange.onRequestStart(controller);
      exchange.onResponseStart(controller, status, headers);
    },
    receive: (chunk: Buffer | string) => {
      exchange.onResponseData(controller, Buffer.from(chunk));
    },
  };
}

describe('Exchange', () => {
  it('collects status, Retry-After and body', () => {
    const { exchange, start, receive, responses, failures, calls } = create();
    start(503, { 'retry-after': '3' });
    receive('one ');
    receive('other');
    expect(responses).toEqual([]);
    exchange.onResponseEnd();
    expect(responses).toEqual([{ status: 503, retryAfter: '3', body: Buffer.from('one other') }]);
    expect([failures, calls]).toEqual([[], []]);
  });

  it('returns the one chunk of a body without copying it', () => {
    const { exchange, controller, start, responses } = create();
    const chunk = Buffer.from('body');
    start();
    exchange.onResponseData(controller, chunk);
    exchange.onResponseEnd();
    expect(responses[0]?.body).toBe(chunk);
  });

  it('returns an empty body if there is none', () => {
    const { exchange, start, responses } = create();
    start();
    exchange.onResponseEnd();
    expect(responses).toEqual([{ status: 200, retryAfter: undefined, body: Buffer.alloc(0) }]);
  });

  it('ignores informational responses', () => {
    const { exchange, controller, start, receive, responses } = create();
    exchange.onRequestStart(controller);
    exchange.onResponseStart(controller, 199, { 'retry-after': '3', 'content-encoding': 'gzip' });
    start(200);
    receive('body');
    exchange.onResponseEnd();
    expect(responses).toEqual([{ status: 200, retryAfter: undefined, body: Buffer.from('body') }]);
  });

  it.each([
    ['gzip', gzipSync('body')],
    ['X-GZip', gzipSync('body')],
    ['deflate', deflateSync('body')],
    ['br', brotliCompressSync('body')],
  ])('decompresses %s', async (encoding, content) => {
    const { exchange, start, receive, responses } = create();
    start(200, { 'content-encoding': encoding });
    for (const byte of content) receive(Buffer.from([byte]));
    exchange.onResponseEnd();
    await waitUntil(() => responses.length > 0);
    expect(responses[0]?.body.toString()).toBe('body');
  });

  it.each(['identity', 'zstd', '', 'gzip, gzip'])('leaves a body in the encoding %j as it is', (encoding) => {
    const { exchange, start, receive, responses } = create();
    start(200, { 'content-encoding': encoding });
    receive('body');
    exchange.onResponseEnd();
    expect(responses[0]?.body.toString()).toBe('body');
  });

  it('fails if the body does not decompress', async () => {
    const { start, receive, failures, calls } = create();
    start(200, { 'content-encoding': 'gzip' });
    receive('not gzip');
    await waitUntil(() => failures.length > 0);
    expect(failures).toMatchObject([{ code: 'Z_DATA_ERROR' }]);
    expect(calls).toContain(failures[0]);
  });

  it('pauses the connection while the decompressor is busy, and resumes it afterwards', async () => {
    const { exchange, start, receive, responses, calls } = create();
    start(200, { 'content-encoding': 'gzip' });
    const content = gzipSync(Buffer.alloc(mebibyte, 'x'), { level: 0 });
    receive(content.subarray(0, 100));
    expect(calls).toEqual([]);
    receive(content.subarray(100));
    expect(calls).toEqual(['pause']);
    await waitUntil(() => calls.length === 2);
    expect(calls).toEqual(['pause', 'resume']);
    exchange.onResponseEnd();
    await waitUntil(() => responses.length > 0);
    expect(responses[0]?.body).toHaveLength(mebibyte);
  });

  it('fails, and aborts the connection, when it is cancelled', () => {
    const { cancellation, start, receive, failures, calls } = create();
    start();
    receive('part');
    cancellation.cancel(gone);
    expect([failures, calls]).toEqual([[gone], [gone]]);
  });

  it('fails when it is cancelled before it has a connection, and aborts the connection once it has one', () => {
    const { cancellation, exchange, controller, failures, calls } = create();
    cancellation.cancel(gone);
    expect([failures, calls]).toEqual([[gone], []]);
    exchange.onRequestStart(controller);
    expect(calls).toEqual([gone]);
  });

  it('does not react to a cancellation after its end', () => {
    const { cancellation, exchange, start, failures, calls } = create();
    start();
    exchange.onResponseEnd();
    cancellation.cancel(gone);
    expect([failures, calls]).toEqual([[], []]);
  });

  it('is unreachable, and was never sent, if it fails before it has a connection', () => {
    const { exchange, failures } = create();
    exchange.onResponseError(undefined, new Error('lost'));
    expect(failures).toMatchObject([
      { name: 'UnavailableError', message: 'The REST API cannot be reached.', neverSent: true },
    ]);
  });

  it('fails with the error of undici once it has a connection, and if the request is invalid', () => {
    const [connected, invalid] = [create(), create()];
    const [lost, argument] = [new Error('lost'), new errors.InvalidArgumentError('invalid')];
    connected.exchange.onRequestStart(connected.controller);
    connected.exchange.onResponseError(connected.controller, lost);
    invalid.exchange.onResponseError(undefined, argument);
    expect([connected.failures, invalid.failures]).toEqual([[lost], [argument]]);
  });

  it('ends its decompressor when it fails', async () => {
    const { exchange, start, receive, controller, failures } = create();
    start(200, { 'content-encoding': 'gzip' });
    receive(gzipSync('body').subarray(0, 12));
    exchange.onResponseError(controller, new Error('lost'));
    await nextTurn();
    expect(failures).toEqual([new Error('lost')]);
  });

  it('accepts a body of 10 MiB, and fails with one byte more', () => {
    const { start, receive, failures, calls } = create();
    start();
    receive(Buffer.alloc(maxResponseBodyBytes));
    expect(failures).toEqual([]);
    receive('x');
    expect(failures).toMatchObject([
      { name: 'BadResponseError', message: 'The response of the REST API is larger than 10485760 bytes.' },
    ]);
    expect(calls).toEqual(failures);
  });

  it('accepts a body in 100,000 chunks, and fails with one more', () => {
    const { start, exchange, controller, failures } = create();
    const chunk = Buffer.from('x');
    start();
    for (let count = 0; count < 100_000; count++) exchange.onResponseData(controller, chunk);
    expect(failures).toEqual([]);
    exchange.onResponseData(controller, chunk);
    expect(failures).toMatchObject([
      { name: 'BadResponseError', message: 'The response of the REST API comes in more than 100000 chunks.' },
    ]);
  });

  it('is not read while the bodies of its caller are too large, compressed or not', async () => {
    const flow = new FlowControl();
    const parsed = flow.open('a key');
    parsed.setSource({ pause: () => undefined, resume: () => undefined });
    parsed.add(16 * mebibyte);
    parsed.complete();
    const [plain, compressed] = [create(flow.open('a key')), create(flow.open('a key'))];
    plain.start();
    plain.receive('body');
    expect(plain.calls).toEqual(['pause']);
    compressed.start(200, { 'content-encoding': 'gzip' });
    compressed.receive(gzipSync(Buffer.alloc(mebibyte)));
    compressed.exchange.onResponseEnd();
    await sleep(50);
    expect(compressed.responses).toEqual([]);
    parsed.release();
    await waitUntil(() => compressed.responses.length === 1);
    expect(plain.calls).toEqual(['pause', 'resume']);
  });

  it.each(['fails', 'is cancelled'])('releases its body when it %s', (end) => {
    const flow = new FlowControl();
    const { exchange, controller, cancellation, start, receive } = create(flow.open('a key'));
    start();
    receive(Buffer.alloc(9 * mebibyte));
    if (end === 'fails') exchange.onResponseError(controller, new Error('lost'));
    else cancellation.cancel(gone);
    const next = create(flow.open('a key'));
    const last = create(flow.open('a key'));
    next.start();
    last.start();
    next.receive(Buffer.alloc(mebibyte));
    last.receive(Buffer.alloc(9 * mebibyte));
    expect(last.calls).toEqual([]);
  });
});
