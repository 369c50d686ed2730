// The requests, rejections and events of /graphql/stream, byte by byte.
import { describe, expect, it } from '@jest/globals';
import type { Config } from '../../../src/config.js';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { keyHeader, taskId } from '../../helpers/fixtures.js';
import { sendRequest } from '../../helpers/http.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { taskSubscription } from './mutable-rest-api.js';
import { startOnRestApi } from './polling-gateway.js';

const key = keyHeader();
const validHeaders = { 'content-type': 'application/json', accept: 'text/event-stream', ...key };

async function start(config: Partial<Config> = {}) {
  const { rest, url } = await startOnRestApi(config);
  rest.state.taskStatus = 'SUCCESS';
  return {
    rest,
    url: `${url}/stream`,
    send: (body: unknown, headers: Record<string, string> = validHeaders) =>
      sendRequest(`${url}/stream`, { method: 'POST', headers, body: JSON.stringify(body) }),
  };
}

function toErrorBody(code: string, requestId: string | null, message: unknown = expect.any(String)) {
  return { errors: [{ message, extensions: { code, requestId } }] };
}

describe('an event stream at /graphql/stream', () => {
  const events = [
    ':\n\n',
    'event: next\ndata: {"data":{"taskUpdated":{"status":"SUCCESS"}}}\n\n',
    'event: complete\ndata:\n\n',
  ].join('');

  it('sends each result as the data of `next`, then `complete`, and forbids caching', async () => {
    const { send } = await start();
    const response = await send({ query: taskSubscription }, { ...validHeaders, 'x-request-id': 'mine-1' });
    expect(response.status).toBe(200);
    expect(response.text).toBe(events);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      'x-request-id': 'mine-1',
    });
  });

  it('accepts GET too, with the request in the query string', async () => {
    const { url } = await start();
    const query =
      'subscription F($id: ID!) { taskUpdated(id: $id) { status } } subscription G { taskUpdated(id: "x") { id } }';
    const parameters = new URLSearchParams({ query, operationName: 'F', variables: JSON.stringify({ id: taskId }) });
    const { accept } = validHeaders;
    const response = await sendRequest(`${url}?${parameters.toString()}`, { headers: { accept, ...key } });
    expect(response.status).toBe(200);
    expect(response.text).toBe(events);
    expect(response.headers.get('cache-control')).toBe('no-store, no-transform');
  });

  it('reads parameters without a value as absent', async () => {
    const { url } = await start();
    const parameters = new URLSearchParams({ query: taskSubscription }).toString();
    const { accept } = validHeaders;
    const empty = 'operationName=&variables=&extensions=';
    const response = await sendRequest(`${url}?${empty}&${parameters}`, { headers: { accept, ...key } });
    expect(response).toMatchObject({ status: 200, text: events });
  });

  it.each(['text/event-stream, */*;q=0.1', 'application/json, text/event-stream', 'TEXT/EVENT-STREAM'])(
    'responds to Accept: %s',
    async (accept) => {
      const { send } = await start();
      expect((await send({ query: taskSubscription }, { ...validHeaders, accept })).text).toBe(events);
    },
  );
});

describe('an invalid request to /graphql/stream', () => {
  it.each([
    ['no key', {}],
    ['an empty key', { 'mc-api-key': ' ' }],
  ])('is rejected with 401 for %s', async (_name, headers) => {
    const { send, rest } = await start();
    const { 'content-type': type, accept } = validHeaders;
    const response = await send({ query: taskSubscription }, { 'content-type': type, accept, ...headers });
    expect(response.status).toBe(401);
    const requestId = response.headers.get('x-request-id');
    expect(response.json).toEqual(
      toErrorBody(
        'UNAUTHENTICATED',
        requestId,
        'The API key is missing or malformed. Send it in the MC-Api-Key header.',
      ),
    );
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(rest.calls).toEqual([]);
  });

  it.each(['application/json', '*/*', 'text/event-streams', ''])(
    'is rejected with 406 for Accept: %s',
    async (accept) => {
      const { send, rest } = await start();
      const response = await send({ query: taskSubscription }, { ...validHeaders, accept });
      expect(response.status).toBe(406);
      expect(response.json).toEqual(toErrorBody('BAD_REQUEST', response.headers.get('x-request-id')));
      expect(rest.calls).toEqual([]);
    },
  );

  it.each([
    ['a syntax error', { query: '{' }, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', { query: 'subscription { nothing }' }, 'GRAPHQL_VALIDATION_FAILED'],
    ['an unknown operation name', { query: taskSubscription, operationName: 'X' }, 'OPERATION_RESOLUTION_FAILURE'],
    [
      'two root fields',
      { query: `subscription { a: taskUpdated(id: "${taskId}") { id } b: taskUpdated(id: "${taskId}") { id } }` },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['a missing variable', { query: 'subscription ($id: ID!) { taskUpdated(id: $id) { id } }' }, 'BAD_USER_INPUT'],
    [
      'an invalid variable',
      { query: 'subscription ($id: ID!) { taskUpdated(id: $id) { id } }', variables: { id: ['canary'] } },
      'BAD_USER_INPUT',
    ],
    ['no query', {}, 'BAD_REQUEST'],
    ['a query that is not a string', { query: 1 }, 'BAD_REQUEST'],
    ['variables that are not an object', { query: taskSubscription, variables: 'canary' }, 'BAD_REQUEST'],
    ['a list', [{ query: taskSubscription }], 'BAD_REQUEST'],
  ])('is rejected with 400 for %s', async (_name, body, code) => {
    const { send, rest } = await start();
    const response = await send(body);
    const requestId = response.headers.get('x-request-id');
    expect(response.status).toBe(400);
    expect(response.json).toMatchObject({ errors: [{ extensions: { code, requestId } }] });
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.text).not.toMatch(/canary/);
    expect(rest.calls).toEqual([]);
  });

  it.each(['PUT', 'DELETE', 'PATCH'])(
    'is rejected with 405 for %s, a method of single connection mode',
    async (method) => {
      const { url } = await start();
      const response = await sendRequest(url, {
        method,
        headers: { accept: 'text/event-stream', ...key },
      });
      expect(response.status).toBe(405);
      expect(response.json).toEqual(toErrorBody('BAD_REQUEST', response.headers.get('x-request-id')));
    },
  );

  it('is rejected with 429 and Retry-After if the key has no budget left', async () => {
    const { send } = await start({ rateLimitPerMinute: 1 });
    expect((await send({ query: taskSubscription })).status).toBe(200);
    const response = await send({ query: taskSubscription });
    expect(response.status).toBe(429);
    const retryAfter = Number(response.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(0);
    expect(response.json).toEqual({
      errors: [
        {
          message: 'This API key has spent its budget for this minute. Try again later.',
          extensions: { code: 'RATE_LIMITED', retryAfter, requestId: response.headers.get('x-request-id') },
        },
      ],
    });
  });
});

describe('/graphql', () => {
  it('rejects a subscription whose client accepts no stream with 400, by POST and GET, and names all ways', async () => {
    const { rest, url } = await startOnRestApi();
    const headers = { 'content-type': 'application/json', ...key };
    const postResponse = await sendRequest(url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query: taskSubscription }),
    });
    const getResponse = await sendRequest(`${url}?${new URLSearchParams({ query: taskSubscription }).toString()}`, {
      headers,
    });
    for (const response of [postResponse, getResponse]) {
      expect(response.status).toBe(400);
      const message =
        'A subscription needs a stream. Send it by POST with Accept: multipart/mixed;subscriptionSpec=1.0 or Accept: text/event-stream. Or use a WebSocket at /graphql, or Server-Sent Events at /graphql/stream.';
      expect(response.json).toEqual(toErrorBody('BAD_REQUEST', response.headers.get('x-request-id'), message));
    }
    expect(rest.calls).toEqual([]);
  });
});

describe('an idle event stream', () => {
  const clock = useFakeClock(['setInterval']);

  it('has a comment every 10 s, and is never compressed', async () => {
    const { url } = await startOnRestApi();
    const stop = new AbortController();
    const response = await fetch(`${url}/stream`, {
      method: 'POST',
      headers: { ...validHeaders, 'accept-encoding': 'br, gzip' },
      body: JSON.stringify({ query: taskSubscription }),
      signal: stop.signal,
    });
    expect(response.headers.get('content-encoding')).toBeNull();
    let text = '';
    const reading = (async () => {
      for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) text += chunk;
    })().catch(() => undefined);
    await waitUntil(() => text.includes('event: next'));
    for (let heartbeats = 1; heartbeats <= 2; heartbeats++) {
      clock.advance(10_000);
      await waitUntil(() => text.split(':\n\n').length === 2 + heartbeats);
    }
    stop.abort();
    await reading;
  });
});
