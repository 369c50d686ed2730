// Failures of the REST API and of the connection to it: retries, Retry-After, the deadline, writes and redirects. The clock is fake.
import { describe, expect, it } from '@jest/globals';
import type { RestSession } from '../../src/cloudca/session.js';
import { listVpcs } from '../../src/cloudca/vpcs.js';
import { useFakeClock } from '../helpers/fake-clock.js';
import { dropConnection, json, raw, startUpstream } from '../helpers/upstream.js';
import {
  apiKey,
  catchFailure,
  createTestClient,
  findUnreachableUrl,
  newVpn,
  receiveBodyChunk,
  sendBytes,
  testArea,
  writes,
} from './test-client.js';

// The deadline of a session.
const timeoutMs = 60_000;

const upstream = await startUpstream();
const otherServer = await startUpstream();
const clock = useFakeClock();
const { session, calls } = createTestClient(upstream.url, { timeoutMs });
const toUnknownOutcome = (advice: string) => ` The request may have succeeded all the same. ${advice}`;
const toUpstreamDetails = (status: number) => ({ status, errors: [] });

const unavailable = 'The REST API is not available at the moment.';
const timedOut = 'The REST API did not respond in time.';
const rateLimited = 'The REST API limits the rate of requests. Try again later.';
const connectionLost = 'The connection to the REST API was lost.';

/** Reads a list, without waiting for the delays before retries. */
const read = (rest: RestSession = session()) => calls.complete(listVpcs(rest, testArea), clock);

/** Responds nothing, and advances the clock to the deadline of the session whose call has just arrived. */
const passDeadline = () => {
  clock.advance(timeoutMs);
};

/** Statuses of a proxy or a rate limiter in front of the REST API: reads are retried. */
const transientFailures = [
  [429, 'RateLimitedError', rateLimited],
  [502, 'UnavailableError', unavailable],
  [503, 'UnavailableError', unavailable],
  [504, 'TimeoutError', timedOut],
  [520, 'UnavailableError', unavailable],
  [521, 'UnavailableError', unavailable],
  [524, 'TimeoutError', timedOut],
  [530, 'UnavailableError', unavailable],
] as const;

/** Statuses that a retry would not change. */
const permanentFailures = [
  [400, 'BadResponseError', 'The REST API sent an unexpected response.'],
  [401, 'UnauthenticatedError', 'The REST API does not accept this API key.'],
  [
    403,
    'BadResponseError',
    'A proxy responded with status 403 instead of the REST API. This says nothing of what was requested. Try again later.',
  ],
  [
    404,
    'BadResponseError',
    'A proxy responded with status 404 instead of the REST API. This says nothing of what was requested. Try again later.',
  ],
  [405, 'UpstreamFailureError', 'The REST API failed to process the request.'],
  [500, 'UpstreamFailureError', 'The REST API failed to process the request.'],
] as const;

describe('RestSession.read', () => {
  it.each(transientFailures.map(([status]) => status))(
    'retries a read twice after a response with status %i',
    async (status) => {
      upstream.script((_call, index) => (index < 2 ? raw(status, '<html>') : { data: [] }));
      const rest = session();
      expect(await read(rest)).toEqual([]);
      expect([upstream.calls.length, rest.callCount]).toEqual([3, 3]);
    },
  );

  it.each(transientFailures)(
    'gives up after three responses with status %i and rejects with %s',
    async (status, name, message) => {
      upstream.script(() => raw(status, '<html>'));
      const rest = session();
      expect(await catchFailure(read(rest))).toEqual({
        name,
        message,
        upstream: toUpstreamDetails(status),
        outcomeUnknown: false,
      });
      expect([upstream.calls.length, rest.callCount]).toEqual([3, 3]);
    },
  );

  it.each(permanentFailures)('does not retry after status %i and rejects with %s', async (status, name, message) => {
    upstream.script(() => raw(status, '<html>'));
    expect(await catchFailure(read())).toEqual({
      name,
      message,
      upstream: toUpstreamDetails(status),
      outcomeUnknown: false,
    });
    expect(upstream.calls.length).toBe(1);
  });

  it('retries a read twice after a lost connection', async () => {
    upstream.script((_call, index) => (index < 2 ? dropConnection : { data: [] }));
    expect(await read()).toEqual([]);
    expect(upstream.calls.length).toBe(3);
  });

  it('gives up after three lost connections and rejects with UnavailableError', async () => {
    upstream.script(() => dropConnection);
    expect(await catchFailure(read())).toEqual({
      name: 'UnavailableError',
      message: connectionLost,
      outcomeUnknown: false,
    });
    expect(upstream.calls.length).toBe(3);
  });

  it('retries a read whose connection is lost in the middle of the body', async () => {
    upstream.script((_call, index) =>
      index === 0 ? sendBytes('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{') : { data: [] },
    );
    expect(await read()).toEqual([]);
    expect(upstream.calls.length).toBe(2);
  });

  it('gives up after three attempts to connect to a closed port', async () => {
    const { session, calls } = createTestClient(await findUnreachableUrl());
    const rest = session();
    expect(await catchFailure(calls.complete(listVpcs(rest, testArea), clock))).toEqual({
      name: 'UnavailableError',
      message: 'The REST API cannot be reached.',
      outcomeUnknown: false,
    });
    expect(rest.callCount).toBe(3);
  });

  it('rejects with UnavailableError if the host name does not resolve', async () => {
    const { session, calls } = createTestClient('http://nowhere.invalid/v1');
    expect(await catchFailure(calls.complete(listVpcs(session(), testArea), clock))).toEqual({
      name: 'UnavailableError',
      message: 'The REST API cannot be reached.',
      outcomeUnknown: false,
    });
  });

  it('rejects with UnavailableError if the server does not speak TLS', async () => {
    const { session, calls } = createTestClient(upstream.url.replace('http:', 'https:'));
    const call = calls.complete(listVpcs(session(), testArea), clock);
    expect((await catchFailure(call)).name).toBe('UnavailableError');
  });
});

describe('The Retry-After header of a response', () => {
  it.each([429, 503])('delays the retry after status %i by the given seconds', async (status) => {
    upstream.script((_call, index) => (index === 0 ? raw(status, '', { 'retry-after': '1' }) : { data: [] }));
    await expectRetryAfter(1_000);
  });

  it('delays the retry until the given date', async () => {
    upstream.script((_call, index) => {
      const date = new Date(Date.now() + 2_000).toUTCString();
      return index === 0 ? raw(503, '', { 'retry-after': date }) : { data: [] };
    });
    // The date has no fractions of a second. The client rounds the time until then up to seconds.
    await expectRetryAfter(2_000);
  });

  /** Expects a read to be retried after this time, and no earlier. */
  async function expectRetryAfter(milliseconds: number): Promise<void> {
    const rest = session();
    const call = listVpcs(rest, testArea);
    await calls.settle();
    clock.advance(milliseconds - 1);
    await calls.settle();
    expect(rest.callCount).toBe(1);
    clock.advance(1);
    expect(await call).toEqual([]);
    expect([upstream.calls.length, rest.callCount]).toEqual([2, 2]);
  }

  it.each(['0', '', 'soon', '-5', 'Wed, 21 Oct 2015 07:28:00 GMT'])(
    'does not delay the retry if its value is %j',
    async (retryAfter) => {
      upstream.script((_call, index) => (index < 2 ? raw(429, '', { 'retry-after': retryAfter }) : { data: [] }));
      expect(await read()).toEqual([]);
      expect(upstream.calls.length).toBe(3);
    },
  );

  it('alone delays the retry: RateLimit-Reset does not', async () => {
    upstream.script((_call, index) => (index < 2 ? raw(429, '', { 'ratelimit-reset': '86400' }) : { data: [] }));
    expect(await read()).toEqual([]);
    expect(upstream.calls.length).toBe(3);
  });

  it.each([
    ['0', 0],
    ['86400', 86_400],
    ['', undefined],
    ['soon', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['Wed, 21 Oct 2015 07:28:00 GMT', undefined],
  ])('of a 429 with the value %j sets retryAfter of the error to %j', async (header, retryAfter) => {
    upstream.script(() => raw(429, '', { 'retry-after': header }));
    for (const [, write] of writes) expect((await catchFailure(write(session()))).retryAfter).toBe(retryAfter);
  });

  it('of a 429 ends the retries at once if it exceeds the deadline', async () => {
    upstream.script(() => raw(429, '', { 'retry-after': '61' }));
    expect(await catchFailure(read())).toEqual({
      name: 'RateLimitedError',
      message: rateLimited,
      upstream: toUpstreamDetails(429),
      outcomeUnknown: false,
      retryAfter: 61,
    });
    expect(upstream.calls.length).toBe(1);
  });

  it.each([502, 503, 504])('of a %i ends the retries at once if it exceeds the deadline', async (status) => {
    upstream.script(() => raw(status, '', { 'retry-after': '61' }));
    expect((await catchFailure(read())).upstream).toEqual(toUpstreamDetails(status));
    expect(upstream.calls.length).toBe(1);
  });

  it.each(['86401', '99999999', 'Fri, 31 Dec 9999 23:59:59 GMT'])(
    'of %j, more than a day, ends the retries and is not passed on',
    async (retryAfter) => {
      upstream.script(() => raw(429, '', { 'retry-after': retryAfter }));
      expect(await catchFailure(read())).toEqual({
        name: 'RateLimitedError',
        message: rateLimited,
        upstream: toUpstreamDetails(429),
        outcomeUnknown: false,
      });
      expect(upstream.calls.length).toBe(1);
    },
  );
});

describe.each(writes)('%s', (_name, write, advice) => {
  it.each(transientFailures)('is not retried after status %i, and rejects with %s', async (status, name, message) => {
    upstream.script(() => raw(status, '<html>'));
    const rest = session();
    // A 429 rejects the request. A proxy sends the others, perhaps after the REST API received the request.
    const mayHaveSucceeded = status !== 429;
    expect(await catchFailure(calls.complete(write(rest), clock))).toEqual({
      name,
      message: message + (mayHaveSucceeded ? toUnknownOutcome(advice) : ''),
      upstream: toUpstreamDetails(status),
      outcomeUnknown: mayHaveSucceeded,
    });
    expect([upstream.calls.length, rest.callCount]).toEqual([1, 1]);
  });

  it.each([400, 401, 403, 404, 405, 408, 409, 499, 500, 501, 502, 503, 504, 524])(
    'is not retried after errors with status %i, and has certainly failed',
    async (status) => {
      upstream.script(() => json(status, { errors: [{ code: 1, message: 'No.' }] }));
      const { upstream: details, outcomeUnknown } = await catchFailure(calls.complete(write(session()), clock));
      expect([details, outcomeUnknown]).toEqual([{ status, errors: [{ code: '1', message: 'No.' }] }, false]);
      expect(upstream.calls.length).toBe(1);
    },
  );

  it.each([408, 499, 500, 501, 561])(
    'is not retried after status %i without errors, and has an unknown outcome',
    async (status) => {
      upstream.script(() => raw(status, '<html>'));
      const { message, outcomeUnknown } = await catchFailure(calls.complete(write(session()), clock));
      expect([message.endsWith(toUnknownOutcome(advice)), outcomeUnknown]).toEqual([true, true]);
      expect(upstream.calls.length).toBe(1);
    },
  );

  it.each([401, 403, 404, 405, 418])(
    'is not retried after status %i without errors, and has certainly failed',
    async (status) => {
      upstream.script(() => raw(status, '<html>'));
      const { name, outcomeUnknown } = await catchFailure(calls.complete(write(session()), clock));
      expect(name).not.toBe('NotFoundError');
      expect(outcomeUnknown).toBe(false);
      expect(upstream.calls.length).toBe(1);
    },
  );

  it('is not retried after a lost connection, and has an unknown outcome', async () => {
    upstream.script(() => dropConnection);
    expect(await catchFailure(calls.complete(write(session()), clock))).toEqual({
      name: 'UnavailableError',
      message: connectionLost + toUnknownOutcome(advice),
      outcomeUnknown: true,
    });
    expect(upstream.calls.length).toBe(1);
  });

  it('is not retried after the deadline, and has an unknown outcome', async () => {
    upstream.script(() => passDeadline);
    expect(await catchFailure(calls.complete(write(session()), clock))).toEqual({
      name: 'TimeoutError',
      message: timedOut + toUnknownOutcome(advice),
      outcomeUnknown: true,
    });
    expect(upstream.calls.length).toBe(1);
  });

  it('has certainly failed if no connection can be opened', async () => {
    const { session, calls } = createTestClient(await findUnreachableUrl());
    const rest = session();
    expect(await catchFailure(calls.complete(write(rest), clock))).toEqual({
      name: 'UnavailableError',
      message: 'The REST API cannot be reached.',
      outcomeUnknown: false,
    });
    expect(rest.callCount).toBe(1);
  });

  it('has certainly failed if the server does not speak TLS', async () => {
    const { session, calls } = createTestClient(upstream.url.replace('http:', 'https:'));
    expect(await catchFailure(calls.complete(write(session()), clock))).toEqual({
      name: 'UnavailableError',
      message: 'The REST API cannot be reached.',
      outcomeUnknown: false,
    });
  });

  it.each([
    ['HTML', raw(200, '<html>')],
    ['a list', json(200, [])],
    ['a string', json(202, 'ok')],
    ['a task id of the wrong type', json(200, { taskId: [7] })],
    ['a task status of the wrong type', json(200, { taskId: 't', taskStatus: 7 })],
    ['a task in data with a status of the wrong type', json(200, { data: { taskId: 't', status: {} } })],
    ['half a body', sendBytes('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"taskId":')],
    [
      'something other than UTF-8',
      sendBytes('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n', Buffer.from([0x22, 0xff, 0x22])),
    ],
    ['something other than HTTP', sendBytes('SSH-2.0-OpenSSH_9.6\r\n')],
  ])('is not retried after a response with %s, and has an unknown outcome', async (_content, response) => {
    upstream.script(() => response);
    const { message, outcomeUnknown } = await catchFailure(calls.complete(write(session()), clock));
    expect([message.endsWith(toUnknownOutcome(advice)), outcomeUnknown]).toEqual([true, true]);
    expect(upstream.calls.length).toBe(1);
  });

  it('is not sent if the deadline has passed, and has certainly failed', async () => {
    upstream.script(() => raw(204));
    const rest = session();
    clock.advance(timeoutMs);
    expect(await catchFailure(calls.complete(write(rest), clock))).toEqual({
      name: 'TimeoutError',
      message: timedOut,
      outcomeUnknown: false,
    });
    expect([upstream.calls.length, rest.callCount]).toEqual([0, 0]);
  });
});

describe('The deadline of a session', () => {
  const timeout = { name: 'TimeoutError', message: timedOut, outcomeUnknown: false };

  it('rejects reads once it has passed, without sending them', async () => {
    upstream.script(() => ({ data: [] }));
    const rest = session();
    clock.advance(timeoutMs);
    expect(await catchFailure(read(rest))).toEqual(timeout);
    expect([upstream.calls.length, rest.callCount]).toEqual([0, 0]);
  });

  it('ends a read that receives no headers, without a retry', async () => {
    upstream.script(() => passDeadline);
    expect(await catchFailure(read())).toEqual(timeout);
    expect(upstream.calls.length).toBe(1);
  });

  it.each(['gzip', 'identity'])(
    'ends a read whose body never ends, and closes its connection (%s)',
    async (encoding) => {
      let closed: Promise<unknown> = Promise.resolve();
      upstream.script(() => (response) => {
        void receiveBodyChunk().then(passDeadline);
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding });
        // A gzip header whose file name never ends, so that the decompressor always waits for more.
        response.write(encoding === 'gzip' ? Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]) : '{"data":');
        const drip = setInterval(() => response.write('1'), 10);
        closed = new Promise((resolve) => {
          response.on('close', () => {
            clearInterval(drip);
            resolve(undefined);
          });
        });
      });
      expect(await catchFailure(read())).toEqual(timeout);
      await closed;
      expect(upstream.calls.length).toBe(1);
    },
  );

  it('covers all attempts of a read together', async () => {
    // The second retry would be at the deadline.
    upstream.script(() => raw(503, '', { 'retry-after': '30' }));
    expect((await catchFailure(read())).upstream).toEqual(toUpstreamDetails(503));
    expect(upstream.calls.length).toBe(2);
  });

  it('covers all reads of the session together', async () => {
    const remaining = 1_000;
    const passRemaining = () => {
      clock.advance(remaining);
    };
    upstream.script((_call, index) => (index === 0 ? { data: [] } : passRemaining));
    const rest = session();
    await read(rest);
    clock.advance(timeoutMs - remaining);
    expect((await catchFailure(read(rest))).name).toBe('TimeoutError');
    expect((await catchFailure(read(rest))).name).toBe('TimeoutError');
    expect([upstream.calls.length, rest.callCount]).toEqual([2, 2]);
  });

  it('restarts on renewDeadline', async () => {
    upstream.script(() => ({ data: [] }));
    const rest = session();
    clock.advance(timeoutMs);
    rest.renewDeadline();
    expect(await read(rest)).toEqual([]);
  });
});

describe.each([300, 301, 302, 303, 304, 305, 307, 308])('A redirect with the status %i', (status) => {
  it.each(['another server', 'the same server'])('is not followed to %s', async (target) => {
    const location = `${target === 'the same server' ? upstream.url : otherServer.url}/services/compute-on/test_area/vpcs`;
    upstream.script(() => raw(status, '', { location }));
    otherServer.script(() => ({ data: [] }));
    expect(await catchFailure(read())).toEqual({
      name: 'BadResponseError',
      message: 'The REST API sent a redirect. The gateway does not follow redirects.',
      upstream: toUpstreamDetails(status),
      outcomeUnknown: false,
    });
    expect([upstream.calls.length, otherServer.calls]).toEqual([1, []]);
  });

  it.each(writes)('of %s is not followed, so neither key reaches another server', async (_name, write) => {
    upstream.script(() =>
      raw(status, '', { location: `${otherServer.url}/services/compute-on/test_area/sitetositevpns` }),
    );
    otherServer.script(() => ({}));
    expect((await catchFailure(calls.complete(write(session()), clock))).name).toBe('BadResponseError');
    expect([upstream.calls.length, otherServer.calls]).toEqual([1, []]);
  });

  it('is rejected without the errors in its body', async () => {
    const body = { errors: [{ code: 1, message: `${apiKey} ${newVpn.ipSecPsk} http://elsewhere.example` }] };
    upstream.script(() => json(status, body, { location: 'http://elsewhere.example/' }));
    expect((await catchFailure(read())).upstream).toEqual(toUpstreamDetails(status));
  });
});
