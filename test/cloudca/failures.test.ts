// Failures of the REST API and of the connection to it: retries, Retry-After, the deadline, writes and redirects.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { listVpcs } from '../../src/cloudca/vpcs.js';
import { dropConnection, json, raw, startUpstream } from '../helpers/upstream.js';
import {
  apiKey,
  catchFailure,
  createTestClient,
  findUnreachableUrl,
  neverRespond,
  newVpn,
  sendBytes,
  testArea,
  writes,
} from './test-client.js';

const upstream = await startUpstream();
const otherServer = await startUpstream();
const { session } = createTestClient(upstream.url);
const toUnknownOutcome = (advice: string) => ` The request may have succeeded all the same. ${advice}`;
const toUpstreamDetails = (status: number) => ({ status, errors: [] });

const unavailable = 'The REST API is not available at the moment.';
const timedOut = 'The REST API did not respond in time.';
const rateLimited = 'The REST API limits the rate of requests. Try again later.';
const connectionLost = 'The connection to the REST API was lost.';

/** Statuses of a proxy or a rate limiter in front of the REST API: reads are retried. */
const transientFailures = [
  [429, 'RateLimitedError', rateLimited],
  [502, 'UnavailableError', unavailable],
  [503, 'UnavailableError', unavailable],
  [504, 'TimeoutError', timedOut],
] as const;

/** Statuses that a retry would not change. */
const permanentFailures = [
  [400, 'RejectedError', 'The REST API rejected the request.'],
  [401, 'UnauthenticatedError', 'The REST API does not accept this API key.'],
  [403, 'ForbiddenError', 'This API key is not allowed to do that.'],
  [
    404,
    'NotFoundError',
    'The REST API has no environment test_area in the service compute-on. Check both, and the organizationId.',
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
      expect(await listVpcs(rest, testArea)).toEqual([]);
      expect([upstream.calls.length, rest.callCount]).toEqual([3, 3]);
    },
  );

  it.each(transientFailures)(
    'gives up after three responses with status %i and rejects with %s',
    async (status, name, message) => {
      upstream.script(() => raw(status, '<html>'));
      const rest = session();
      expect(await catchFailure(listVpcs(rest, testArea))).toEqual({
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
    expect(await catchFailure(listVpcs(session(), testArea))).toEqual({
      name,
      message,
      upstream: toUpstreamDetails(status),
      outcomeUnknown: false,
    });
    expect(upstream.calls.length).toBe(1);
  });

  it('retries a read twice after a lost connection', async () => {
    upstream.script((_call, index) => (index < 2 ? dropConnection : { data: [] }));
    expect(await listVpcs(session(), testArea)).toEqual([]);
    expect(upstream.calls.length).toBe(3);
  });

  it('gives up after three lost connections and rejects with UnavailableError', async () => {
    upstream.script(() => dropConnection);
    expect(await catchFailure(listVpcs(session(), testArea))).toEqual({
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
    expect(await listVpcs(session(), testArea)).toEqual([]);
    expect(upstream.calls.length).toBe(2);
  });

  it('gives up after three attempts to connect to a closed port', async () => {
    const { session } = createTestClient(await findUnreachableUrl());
    const rest = session();
    expect(await catchFailure(listVpcs(rest, testArea))).toEqual({
      name: 'UnavailableError',
      message: 'The REST API cannot be reached.',
      outcomeUnknown: false,
    });
    expect(rest.callCount).toBe(3);
  });

  it('rejects with UnavailableError if the host name does not resolve', async () => {
    const { session } = createTestClient('http://nowhere.invalid/v1');
    expect(await catchFailure(listVpcs(session(), testArea))).toEqual({
      name: 'UnavailableError',
      message: 'The REST API cannot be reached.',
      outcomeUnknown: false,
    });
  });

  it('rejects with UnavailableError if the server does not speak TLS', async () => {
    const { session } = createTestClient(upstream.url.replace('http:', 'https:'));
    expect((await catchFailure(listVpcs(session(), testArea))).name).toBe('UnavailableError');
  });
});

describe('The Retry-After header of a response', () => {
  it.each([429, 503])('delays the retry after status %i by the given seconds', async (status) => {
    const events: string[] = [];
    upstream.script((_call, index) => {
      events.push(`call ${index}`);
      // The default backoff is at most a tenth of a second.
      setTimeout(() => events.push('half a second'), 500);
      return index === 0 ? raw(status, '', { 'retry-after': '1' }) : { data: [] };
    });
    expect(await listVpcs(session(), testArea)).toEqual([]);
    expect(events).toEqual(['call 0', 'half a second', 'call 1']);
  });

  it('delays the retry until the given date', async () => {
    const events: string[] = [];
    upstream.script((_call, index) => {
      events.push(`call ${index}`);
      setTimeout(() => events.push('half a second'), 500);
      const date = new Date(Date.now() + 2_000).toUTCString();
      return index === 0 ? raw(503, '', { 'retry-after': date }) : { data: [] };
    });
    expect(await listVpcs(session(), testArea)).toEqual([]);
    expect(events).toEqual(['call 0', 'half a second', 'call 1']);
  });

  it.each(['0', '', 'soon', '-5', 'Wed, 21 Oct 2015 07:28:00 GMT'])(
    'does not delay the retry if its value is %j',
    async (retryAfter) => {
      upstream.script((_call, index) => (index < 2 ? raw(429, '', { 'retry-after': retryAfter }) : { data: [] }));
      expect(await listVpcs(session(), testArea)).toEqual([]);
      expect(upstream.calls.length).toBe(3);
    },
  );

  it('alone delays the retry: RateLimit-Reset does not', async () => {
    upstream.script((_call, index) => (index < 2 ? raw(429, '', { 'ratelimit-reset': '86400' }) : { data: [] }));
    expect(await listVpcs(session(), testArea)).toEqual([]);
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
    upstream.script(() => raw(429, '', { 'retry-after': '60' }));
    expect(await catchFailure(listVpcs(session(), testArea))).toEqual({
      name: 'RateLimitedError',
      message: rateLimited,
      upstream: toUpstreamDetails(429),
      outcomeUnknown: false,
      retryAfter: 60,
    });
    expect(upstream.calls.length).toBe(1);
  });

  it.each([502, 503, 504])('of a %i ends the retries at once if it exceeds the deadline', async (status) => {
    upstream.script(() => raw(status, '', { 'retry-after': '60' }));
    expect((await catchFailure(listVpcs(session(), testArea))).upstream).toEqual(toUpstreamDetails(status));
    expect(upstream.calls.length).toBe(1);
  });

  it.each(['86401', '99999999', 'Fri, 31 Dec 9999 23:59:59 GMT'])(
    'of %j, more than a day, ends the retries and is not passed on',
    async (retryAfter) => {
      upstream.script(() => raw(429, '', { 'retry-after': retryAfter }));
      expect(await catchFailure(listVpcs(session(), testArea))).toEqual({
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
    expect(await catchFailure(write(rest))).toEqual({
      name,
      message: message + (mayHaveSucceeded ? toUnknownOutcome(advice) : ''),
      upstream: toUpstreamDetails(status),
      outcomeUnknown: mayHaveSucceeded,
    });
    expect([upstream.calls.length, rest.callCount]).toEqual([1, 1]);
  });

  it.each([400, 401, 403, 404, 405, 409, 500, 501])(
    'is not retried after errors with status %i, and has certainly failed',
    async (status) => {
      upstream.script(() => json(status, { errors: [{ code: 1, message: 'No.' }] }));
      const { upstream: details, outcomeUnknown } = await catchFailure(write(session()));
      expect([details, outcomeUnknown]).toEqual([{ status, errors: [{ code: '1', message: 'No.' }] }, false]);
      expect(upstream.calls.length).toBe(1);
    },
  );

  it('is not retried after a lost connection, and has an unknown outcome', async () => {
    upstream.script(() => dropConnection);
    expect(await catchFailure(write(session()))).toEqual({
      name: 'UnavailableError',
      message: connectionLost + toUnknownOutcome(advice),
      outcomeUnknown: true,
    });
    expect(upstream.calls.length).toBe(1);
  });

  it('is not retried after the deadline, and has an unknown outcome', async () => {
    upstream.script(() => neverRespond);
    const { session } = createTestClient(upstream.url, { timeoutMs: 500 });
    expect(await catchFailure(write(session()))).toEqual({
      name: 'TimeoutError',
      message: timedOut + toUnknownOutcome(advice),
      outcomeUnknown: true,
    });
    expect(upstream.calls.length).toBe(1);
  });

  it('has certainly failed if no connection can be opened', async () => {
    const { session } = createTestClient(await findUnreachableUrl());
    const rest = session();
    expect(await catchFailure(write(rest))).toEqual({
      name: 'UnavailableError',
      message: 'The REST API cannot be reached.',
      outcomeUnknown: false,
    });
    expect(rest.callCount).toBe(1);
  });

  it('has certainly failed if the server does not speak TLS', async () => {
    const { session } = createTestClient(upstream.url.replace('http:', 'https:'));
    expect(await catchFailure(write(session()))).toEqual({
      name: 'UnavailableError',
      message: 'The REST API cannot be reached.',
      outcomeUnknown: false,
    });
  });

  it.each([
    ['HTML', raw(200, '<html>')],
    ['a list', json(200, [])],
    ['a string', json(202, 'ok')],
    ['a task id of the wrong type', json(200, { taskId: 7 })],
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
    const { message, outcomeUnknown } = await catchFailure(write(session()));
    expect([message.endsWith(toUnknownOutcome(advice)), outcomeUnknown]).toEqual([true, true]);
    expect(upstream.calls.length).toBe(1);
  });

  it('is not sent if the deadline has passed, and has certainly failed', async () => {
    upstream.script(() => raw(204));
    const { session } = createTestClient(upstream.url, { timeoutMs: 20 });
    const rest = session();
    await sleep(40);
    expect(await catchFailure(write(rest))).toEqual({ name: 'TimeoutError', message: timedOut, outcomeUnknown: false });
    expect([upstream.calls.length, rest.callCount]).toEqual([0, 0]);
  });
});

describe('The deadline of a session', () => {
  it('rejects reads once it has passed, without sending them', async () => {
    upstream.script(() => ({ data: [] }));
    const { session } = createTestClient(upstream.url, { timeoutMs: 20 });
    const rest = session();
    await sleep(40);
    expect(await catchFailure(listVpcs(rest, testArea))).toEqual({
      name: 'TimeoutError',
      message: timedOut,
      outcomeUnknown: false,
    });
    expect([upstream.calls.length, rest.callCount]).toEqual([0, 0]);
  });

  it('ends a read that receives no headers, without a retry', async () => {
    upstream.script(() => neverRespond);
    const { session } = createTestClient(upstream.url, { timeoutMs: 500 });
    expect(await catchFailure(listVpcs(session(), testArea))).toEqual({
      name: 'TimeoutError',
      message: timedOut,
      outcomeUnknown: false,
    });
    expect(upstream.calls.length).toBe(1);
  });

  it.each(['gzip', 'identity'])(
    'ends a read whose body never ends, and closes its connection (%s)',
    async (encoding) => {
      let closed: Promise<unknown> = Promise.resolve();
      upstream.script(() => (response) => {
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
      const { session } = createTestClient(upstream.url, { timeoutMs: 500 });
      expect(await catchFailure(listVpcs(session(), testArea))).toEqual({
        name: 'TimeoutError',
        message: timedOut,
        outcomeUnknown: false,
      });
      await closed;
      expect(upstream.calls.length).toBe(1);
    },
  );

  it('covers all attempts of a read together', async () => {
    upstream.script(() => raw(503, '', { 'retry-after': '1' }));
    const { session } = createTestClient(upstream.url, { timeoutMs: 1_900 });
    expect((await catchFailure(listVpcs(session(), testArea))).upstream).toEqual(toUpstreamDetails(503));
    expect(upstream.calls.length).toBe(2);
  });

  it('covers all reads of the session together', async () => {
    upstream.script((_call, index) => (index === 0 ? { data: [] } : neverRespond));
    const { session } = createTestClient(upstream.url, { timeoutMs: 1_000 });
    const rest = session();
    await listVpcs(rest, testArea);
    expect((await catchFailure(listVpcs(rest, testArea))).name).toBe('TimeoutError');
    // The timer may fire a fraction of a millisecond before the deadline.
    await sleep(10);
    expect((await catchFailure(listVpcs(rest, testArea))).name).toBe('TimeoutError');
    expect([upstream.calls.length, rest.callCount]).toEqual([2, 2]);
  });

  it('restarts on renewDeadline', async () => {
    upstream.script(() => ({ data: [] }));
    const { session } = createTestClient(upstream.url, { timeoutMs: 1_000 });
    const rest = session();
    await sleep(1_020);
    rest.renewDeadline();
    expect(await listVpcs(rest, testArea)).toEqual([]);
  });
});

describe.each([300, 301, 302, 303, 304, 305, 307, 308])('A redirect with the status %i', (status) => {
  it.each(['another server', 'the same server'])('is not followed to %s', async (target) => {
    const location = `${target === 'the same server' ? upstream.url : otherServer.url}/services/compute-on/test_area/vpcs`;
    upstream.script(() => raw(status, '', { location }));
    otherServer.script(() => ({ data: [] }));
    expect(await catchFailure(listVpcs(session(), testArea))).toEqual({
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
    expect((await catchFailure(write(session()))).name).toBe('BadResponseError');
    expect([upstream.calls.length, otherServer.calls]).toEqual([1, []]);
  });

  it('is rejected without the errors in its body', async () => {
    const body = { errors: [{ code: 1, message: `${apiKey} ${newVpn.ipSecPsk} http://elsewhere.example` }] };
    upstream.script(() => json(status, body, { location: 'http://elsewhere.example/' }));
    expect((await catchFailure(listVpcs(session(), testArea))).upstream).toEqual(toUpstreamDetails(status));
  });
});
