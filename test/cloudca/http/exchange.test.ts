// One exchange without a connection: what it makes of the calls of undici, and the limits on memory.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { type Dispatcher, errors } from 'undici';
import { ClientDisconnectedError } from '../../../src/cloudca/errors.js';
import { BodyFlow } from '../../../src/cloudca/http/body-flow.js';
import {
  BodyBudget,
  Exchange,
  maxResponseBodyBytes,
  type ReceivedResponse,
} from '../../../src/cloudca/http/exchange.js';
import { Cancellation } from '../../../src/cloudca/http/cancellation.js';
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
function create(budget = new BodyBudget(), flow = new BodyFlow(), caller = 'a key') {
  const cancellation = new Cancellation();
  const responses: ReceivedResponse[] = [];
  const failures: unknown[] = [];
  const exchange = new Exchange(
    budget,
    flow.open(caller),
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
});

describe('BodyBudget', () => {
  const overhead = 128;

  /** Adds exchanges to a budget, each with a body of the given size. The bodies share one buffer. */
  function fill(sizes: readonly number[]) {
    const budget = new BodyBudget();
    const shared = Buffer.alloc(maxResponseBodyBytes);
    const exchanges = sizes.map((size) => {
      const created = create(budget);
      created.start();
      created.exchange.onResponseData(created.controller, shared.subarray(0, size - overhead));
      expect(created.exchange.size).toBe(size);
      return created;
    });
    return { budget, exchanges };
  }

  const tooMuch = {
    name: 'BadResponseError',
    message: 'The responses of the REST API exceed the memory that the gateway has for them.',
  };

  it('aborts the exchange with the largest body above 256 MiB in total', () => {
    const { exchanges } = fill([7 * mebibyte, 9 * mebibyte, ...Array<number>(30).fill(8 * mebibyte)]);
    const failures = () => exchanges.flatMap((created) => created.failures);
    expect(failures()).toEqual([]);
    exchanges[0]?.receive('x');
    expect(exchanges.map((created) => created.failures.length)).toEqual([0, 1, ...Array<number>(30).fill(0)]);
    expect(failures()).toMatchObject([tooMuch]);
    // 9 MiB are free again.
    exchanges[0]?.receive(Buffer.alloc(2 * mebibyte));
    expect(failures()).toHaveLength(1);
  });

  it('frees the memory of an exchange that ends, once', () => {
    const { exchanges, budget } = fill(Array<number>(32).fill(8 * mebibyte));
    const [first, second] = exchanges;
    first?.exchange.onResponseEnd();
    if (first !== undefined) budget.remove(first.exchange);
    const next = create(budget);
    next.start();
    next.exchange.onResponseData(next.controller, Buffer.alloc(8 * mebibyte - overhead));
    expect(exchanges.flatMap(({ failures }) => failures)).toEqual([]);
    second?.receive('x');
    expect([...exchanges, next].flatMap(({ failures }) => failures)).toMatchObject([tooMuch]);
  });
});

describe('BodyFlow', () => {
  const large = Buffer.alloc(9 * mebibyte);
  const flow = new BodyFlow();
  const open = (caller: string) => {
    const created = create(new BodyBudget(), flow, caller);
    created.start();
    return created;
  };

  it('does not read further bodies of a caller above 16 MiB until one has been parsed', async () => {
    const [first, second, third] = [open('one'), open('one'), open('one')];
    first.receive(large);
    second.receive(large);
    third.receive('a');
    // The first one of those in transfer goes on.
    expect([first.calls, second.calls, third.calls]).toEqual([[], ['pause'], ['pause']]);
    first.exchange.onResponseEnd();
    await nextTurn();
    expect(second.calls).toEqual(['pause']);
    first.exchange.heldBody.release();
    // Not while undici may parse.
    expect(second.calls).toEqual(['pause']);
    await nextTurn();
    expect([second.calls, third.calls]).toEqual([
      ['pause', 'resume'],
      ['pause', 'resume'],
    ]);
    for (const { exchange } of [second, third]) exchange.heldBody.release();
  });

  it('goes on with the next body when the one in transfer before it fails', async () => {
    const [first, second] = [open('one'), open('one')];
    first.receive(large);
    second.receive(large);
    first.cancellation.cancel(gone);
    await nextTurn();
    expect(second.calls).toEqual(['pause', 'resume']);
    second.exchange.heldBody.release();
  });

  it('counts each caller by itself', () => {
    const [one, other] = [open('one'), open('other')];
    one.receive(large);
    one.receive(Buffer.alloc(mebibyte));
    other.receive(large);
    expect(other.calls).toEqual([]);
    for (const { exchange } of [one, other]) exchange.heldBody.release();
  });

  it('pauses the decompressor of a compressed body', () => {
    const first = open('one');
    first.receive(large);
    first.exchange.onResponseEnd();
    const second = create(new BodyBudget(), flow, 'one');
    second.start(200, { 'content-encoding': 'gzip' });
    second.exchange.heldBody.add(8 * mebibyte);
    const body = gzipSync(Buffer.alloc(mebibyte));
    second.receive(body);
    second.exchange.onResponseEnd();
    expect(second.responses).toEqual([]);
    first.exchange.heldBody.release();
    return waitUntil(() => second.responses.length === 1);
  });
});
