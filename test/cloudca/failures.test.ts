// What becomes of a call when the REST API or the way to it fails: what is tried again and what never is, when it is too late, and
// that nothing follows a redirect.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { listVpcs } from '../../src/cloudca/vpcs.js';
import { cut, json, raw, startUpstream } from '../helpers/upstream.js';
import { apiKey, bytes, failureOf, hang, newVpn, refusingUrl, startClient, testArea, writes } from './test-client.js';

const upstream = await startUpstream();
const elsewhere = await startUpstream();
const { session } = startClient(upstream.url);
const unknown = (advice: string) => ` The request may have been carried out all the same. ${advice}`;
const noErrors = (status: number) => ({ status, errors: [] });

const unavailable = 'The REST API is not available at the moment.';
const tooLate = 'The REST API did not answer in time.';
const tooOften = 'The REST API is asked too often; ask again later.';
const lost = 'The connection to the REST API was lost.';

/** What a gateway or a limiter in front of the REST API answers, and the error it is. */
const passing = [
  [429, 'RateLimitedError', tooOften],
  [502, 'UnavailableError', unavailable],
  [503, 'UnavailableError', unavailable],
  [504, 'TimeoutError', tooLate],
] as const;

/** What stays as it is, however often it is asked. */
const lasting = [
  [400, 'RefusedError', 'The REST API refused the request.'],
  [401, 'UnauthenticatedError', 'The REST API does not accept this API key.'],
  [403, 'ForbiddenError', 'This API key is not allowed to do that.'],
  [404, 'NotFoundError', 'The REST API knows no environment test_area in the service compute-on.'],
  [405, 'UpstreamFailureError', 'The REST API failed at this request.'],
  [500, 'UpstreamFailureError', 'The REST API failed at this request.'],
] as const;

describe('A read', () => {
  it.each(passing.map(([status]) => status))('that is answered %i twice is sent a third time', async (status) => {
    upstream.script((_call, index) => (index < 2 ? raw(status, '<html>') : { data: [] }));
    const rest = session();
    expect(await listVpcs(rest, testArea)).toEqual([]);
    expect([upstream.calls.length, rest.calls]).toEqual([3, 3]);
  });

  it.each(passing)('that is always answered %i fails with %s after three attempts', async (status, name, message) => {
    upstream.script(() => raw(status, '<html>'));
    const rest = session();
    expect(await failureOf(listVpcs(rest, testArea))).toEqual({
      name,
      message,
      answer: noErrors(status),
      outcomeUnknown: false,
    });
    expect([upstream.calls.length, rest.calls]).toEqual([3, 3]);
  });

  it.each(lasting)('that is answered %i fails with %s at once', async (status, name, message) => {
    upstream.script(() => raw(status, '<html>'));
    expect(await failureOf(listVpcs(session(), testArea))).toEqual({
      name,
      message,
      answer: noErrors(status),
      outcomeUnknown: false,
    });
    expect(upstream.calls.length).toBe(1);
  });

  it('whose connection is lost twice is sent a third time', async () => {
    upstream.script((_call, index) => (index < 2 ? cut : { data: [] }));
    expect(await listVpcs(session(), testArea)).toEqual([]);
    expect(upstream.calls.length).toBe(3);
  });

  it('whose connection is always lost fails after three attempts', async () => {
    upstream.script(() => cut);
    expect(await failureOf(listVpcs(session(), testArea))).toEqual({
      name: 'UnavailableError',
      message: lost,
      outcomeUnknown: false,
    });
    expect(upstream.calls.length).toBe(3);
  });

  it('whose connection is lost in the middle of the body is sent again', async () => {
    upstream.script((_call, index) =>
      index === 0 ? bytes('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{') : { data: [] },
    );
    expect(await listVpcs(session(), testArea)).toEqual([]);
    expect(upstream.calls.length).toBe(2);
  });

  it('that nobody listens to fails after three attempts', async () => {
    const { session } = startClient(await refusingUrl());
    const rest = session();
    expect(await failureOf(listVpcs(rest, testArea))).toEqual({
      name: 'UnavailableError',
      message: 'The REST API cannot be reached.',
      outcomeUnknown: false,
    });
    expect(rest.calls).toBe(3);
  });

  it('to a name that does not resolve fails as one that cannot be reached', async () => {
    const { session } = startClient('http://nowhere.invalid/v1');
    expect(await failureOf(listVpcs(session(), testArea))).toEqual({
      name: 'UnavailableError',
      message: 'The REST API cannot be reached.',
      outcomeUnknown: false,
    });
  });

  it('in TLS to a server that does not speak it fails as unavailable', async () => {
    const { session } = startClient(upstream.url.replace('http:', 'https:'));
    expect((await failureOf(listVpcs(session(), testArea))).name).toBe('UnavailableError');
  });
});

describe('Retry-After', () => {
  it.each([429, 503])('of a second is waited for after %i', async (status) => {
    const events: string[] = [];
    upstream.script((_call, index) => {
      events.push(`call ${index}`);
      // The gateway's own pause would be over in a tenth of a second.
      setTimeout(() => events.push('half a second'), 500);
      return index === 0 ? raw(status, '', { 'retry-after': '1' }) : { data: [] };
    });
    expect(await listVpcs(session(), testArea)).toEqual([]);
    expect(events).toEqual(['call 0', 'half a second', 'call 1']);
  });

  it('may be a date', async () => {
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
    'of %j keeps no read waiting',
    async (retryAfter) => {
      upstream.script((_call, index) => (index < 2 ? raw(429, '', { 'retry-after': retryAfter }) : { data: [] }));
      expect(await listVpcs(session(), testArea)).toEqual([]);
      expect(upstream.calls.length).toBe(3);
    },
  );

  it('is all that is waited for, and RateLimit-Reset is not', async () => {
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
  ])('of %j is told to the caller as %j', async (header, retryAfter) => {
    upstream.script(() => raw(429, '', { 'retry-after': header }));
    for (const [, write] of writes) expect((await failureOf(write(session()))).retryAfter).toBe(retryAfter);
  });

  it('beyond the deadline is told to the caller at once, without another attempt', async () => {
    upstream.script(() => raw(429, '', { 'retry-after': '60' }));
    expect(await failureOf(listVpcs(session(), testArea))).toEqual({
      name: 'RateLimitedError',
      message: tooOften,
      answer: noErrors(429),
      outcomeUnknown: false,
      retryAfter: 60,
    });
    expect(upstream.calls.length).toBe(1);
  });

  it.each([502, 503, 504])('beyond the deadline ends the attempts after %i', async (status) => {
    upstream.script(() => raw(status, '', { 'retry-after': '60' }));
    expect((await failureOf(listVpcs(session(), testArea))).answer).toEqual(noErrors(status));
    expect(upstream.calls.length).toBe(1);
  });

  it.each(['86401', '99999999', 'Fri, 31 Dec 9999 23:59:59 GMT'])(
    'of %j, beyond a day, is neither told nor followed by another attempt',
    async (retryAfter) => {
      upstream.script(() => raw(429, '', { 'retry-after': retryAfter }));
      expect(await failureOf(listVpcs(session(), testArea))).toEqual({
        name: 'RateLimitedError',
        message: tooOften,
        answer: noErrors(429),
        outcomeUnknown: false,
      });
      expect(upstream.calls.length).toBe(1);
    },
  );
});

describe.each(writes)('%s', (_name, write, advice) => {
  it.each(passing)('is sent once where it is answered %i', async (status, name, message) => {
    upstream.script(() => raw(status, '<html>'));
    const rest = session();
    // A 429 is a refusal; the others may come from something in front that gave up on an answer.
    const mayHaveBeenCarriedOut = status !== 429;
    expect(await failureOf(write(rest))).toEqual({
      name,
      message: message + (mayHaveBeenCarriedOut ? unknown(advice) : ''),
      answer: noErrors(status),
      outcomeUnknown: mayHaveBeenCarriedOut,
    });
    expect([upstream.calls.length, rest.calls]).toEqual([1, 1]);
  });

  it.each([400, 401, 403, 404, 405, 409, 500, 501])(
    'is sent once where it is answered %i, and has failed',
    async (status) => {
      upstream.script(() => json(status, { errors: [{ code: 1, message: 'No.' }] }));
      const { answer, outcomeUnknown } = await failureOf(write(session()));
      expect([answer, outcomeUnknown]).toEqual([{ status, errors: [{ code: '1', message: 'No.' }] }, false]);
      expect(upstream.calls.length).toBe(1);
    },
  );

  it('is sent once where the connection is lost', async () => {
    upstream.script(() => cut);
    expect(await failureOf(write(session()))).toEqual({
      name: 'UnavailableError',
      message: lost + unknown(advice),
      outcomeUnknown: true,
    });
    expect(upstream.calls.length).toBe(1);
  });

  it('is sent once where the deadline passes', async () => {
    upstream.script(() => hang);
    const { session } = startClient(upstream.url, { timeoutMs: 500 });
    expect(await failureOf(write(session()))).toEqual({
      name: 'TimeoutError',
      message: tooLate + unknown(advice),
      outcomeUnknown: true,
    });
    expect(upstream.calls.length).toBe(1);
  });

  it('that no connection comes about for has certainly not been carried out', async () => {
    const { session } = startClient(await refusingUrl());
    const rest = session();
    expect(await failureOf(write(rest))).toEqual({
      name: 'UnavailableError',
      message: 'The REST API cannot be reached.',
      outcomeUnknown: false,
    });
    expect(rest.calls).toBe(1);
  });

  it('in TLS to a server that does not speak it has certainly not been carried out', async () => {
    const { session } = startClient(upstream.url.replace('http:', 'https:'));
    expect(await failureOf(write(session()))).toEqual({
      name: 'UnavailableError',
      message: 'The REST API cannot be reached.',
      outcomeUnknown: false,
    });
  });

  it.each([
    ['no JSON', raw(200, '<html>')],
    ['a list', json(200, [])],
    ['a string', json(202, 'ok')],
    ['a task id that is none', json(200, { taskId: 7 })],
    ['a task status that is none', json(200, { taskId: 't', taskStatus: 7 })],
    ['a task in data whose status is none', json(200, { data: { taskId: 't', status: {} } })],
    ['half a body', bytes('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"taskId":')],
    [
      'something other than UTF-8',
      bytes('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n', Buffer.from([0x22, 0xff, 0x22])),
    ],
    ['something other than HTTP', bytes('SSH-2.0-OpenSSH_9.6\r\n')],
  ])('is sent once where the answer is %s, and may have been carried out', async (_what, answer) => {
    upstream.script(() => answer);
    const { message, outcomeUnknown } = await failureOf(write(session()));
    expect([message.endsWith(unknown(advice)), outcomeUnknown]).toEqual([true, true]);
    expect(upstream.calls.length).toBe(1);
  });

  it('is not sent once the deadline has passed, and has certainly not been carried out', async () => {
    upstream.script(() => raw(204));
    const { session } = startClient(upstream.url, { timeoutMs: 20 });
    const rest = session();
    await sleep(40);
    expect(await failureOf(write(rest))).toEqual({ name: 'TimeoutError', message: tooLate, outcomeUnknown: false });
    expect([upstream.calls.length, rest.calls]).toEqual([0, 0]);
  });
});

describe('The deadline', () => {
  it('lets no read begin once it has passed', async () => {
    upstream.script(() => ({ data: [] }));
    const { session } = startClient(upstream.url, { timeoutMs: 20 });
    const rest = session();
    await sleep(40);
    expect(await failureOf(listVpcs(rest, testArea))).toEqual({
      name: 'TimeoutError',
      message: tooLate,
      outcomeUnknown: false,
    });
    expect([upstream.calls.length, rest.calls]).toEqual([0, 0]);
  });

  it('ends a read that gets no headers, which is not sent again', async () => {
    upstream.script(() => hang);
    const { session } = startClient(upstream.url, { timeoutMs: 500 });
    expect(await failureOf(listVpcs(session(), testArea))).toEqual({
      name: 'TimeoutError',
      message: tooLate,
      outcomeUnknown: false,
    });
    expect(upstream.calls.length).toBe(1);
  });

  it.each(['gzip', 'identity'])('ends a body that drips for ever (%s), upstream too', async (encoding) => {
    let left: Promise<unknown> = Promise.resolve();
    upstream.script(() => (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding });
      // The first bytes of a gzip header, and then of its file name: an inflater waits for more, always.
      response.write(encoding === 'gzip' ? Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]) : '{"data":');
      const drip = setInterval(() => response.write('1'), 10);
      left = new Promise((resolve) => {
        response.on('close', () => {
          clearInterval(drip);
          resolve(undefined);
        });
      });
    });
    const { session } = startClient(upstream.url, { timeoutMs: 500 });
    expect(await failureOf(listVpcs(session(), testArea))).toEqual({
      name: 'TimeoutError',
      message: tooLate,
      outcomeUnknown: false,
    });
    await left;
    expect(upstream.calls.length).toBe(1);
  });

  it('holds for all attempts together', async () => {
    upstream.script(() => raw(503, '', { 'retry-after': '1' }));
    const { session } = startClient(upstream.url, { timeoutMs: 1_900 });
    expect((await failureOf(listVpcs(session(), testArea))).answer).toEqual(noErrors(503));
    expect(upstream.calls.length).toBe(2);
  });

  it('holds for all reads of a session together', async () => {
    upstream.script((_call, index) => (index === 0 ? { data: [] } : hang));
    const { session } = startClient(upstream.url, { timeoutMs: 1_000 });
    const rest = session();
    await listVpcs(rest, testArea);
    expect((await failureOf(listVpcs(rest, testArea))).name).toBe('TimeoutError');
    // A timer may end a call a fraction of a millisecond before the deadline.
    await sleep(10);
    expect((await failureOf(listVpcs(rest, testArea))).name).toBe('TimeoutError');
    expect([upstream.calls.length, rest.calls]).toEqual([2, 2]);
  });

  it('begins anew where it is renewed', async () => {
    upstream.script(() => ({ data: [] }));
    const { session } = startClient(upstream.url, { timeoutMs: 1_000 });
    const rest = session();
    await sleep(1_020);
    rest.renewDeadline();
    expect(await listVpcs(rest, testArea)).toEqual([]);
  });
});

describe.each([300, 301, 302, 303, 304, 305, 307, 308])('A redirect with status %i', (status) => {
  it.each(['another server', 'the same server'])('to %s is not followed', async (where) => {
    const location = `${where === 'the same server' ? upstream.url : elsewhere.url}/services/compute-on/test_area/vpcs`;
    upstream.script(() => raw(status, '', { location }));
    elsewhere.script(() => ({ data: [] }));
    expect(await failureOf(listVpcs(session(), testArea))).toEqual({
      name: 'BadResponseError',
      message: 'The REST API sends callers elsewhere; redirects are not followed.',
      answer: noErrors(status),
      outcomeUnknown: false,
    });
    expect([upstream.calls.length, elsewhere.calls]).toEqual([1, []]);
  });

  it.each(writes)('of %s is not followed, and neither key goes with it', async (_name, write) => {
    upstream.script(() =>
      raw(status, '', { location: `${elsewhere.url}/services/compute-on/test_area/sitetositevpns` }),
    );
    elsewhere.script(() => ({}));
    expect((await failureOf(write(session()))).name).toBe('BadResponseError');
    expect([upstream.calls.length, elsewhere.calls]).toEqual([1, []]);
  });

  it('is not quoted', async () => {
    const body = { errors: [{ code: 1, message: `${apiKey} ${newVpn.ipSecPsk} http://elsewhere.example` }] };
    upstream.script(() => json(status, body, { location: 'http://elsewhere.example/' }));
    expect((await failureOf(listVpcs(session(), testArea))).answer).toEqual(noErrors(status));
  });
});
