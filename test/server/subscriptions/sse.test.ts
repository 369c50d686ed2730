// /graphql/stream byte by byte: what a request must be, how refusals look, and the events as they stand on the wire.
import { describe, expect, it } from '@jest/globals';
import { startGateway } from '../../helpers/gateway.js';
import { ask } from '../../helpers/wire.js';
import { followTask, startRest, taskId } from './changing-rest-api.js';

const polls = { taskPollMs: 20, watchPollMs: 20 };
const good = { 'content-type': 'application/json', accept: 'text/event-stream', 'mc-api-key': 'sandbox-key' };

async function start(overrides: Parameters<typeof startGateway>[1] = {}) {
  const rest = await startRest();
  rest.state.taskStatus = 'SUCCESS';
  const { url } = await startGateway(rest.url, { ...polls, ...overrides });
  return {
    rest,
    url: `${url}/stream`,
    send: (body: unknown, headers: Record<string, string> = good) =>
      ask(`${url}/stream`, { method: 'POST', headers, body: JSON.stringify(body) }),
  };
}

function error(code: string, requestId: string | null, message: unknown = expect.any(String)) {
  return { errors: [{ message, extensions: { code, requestId } }] };
}

describe('an event stream', () => {
  const events = [
    ':\n\n',
    'event: next\ndata: {"data":{"taskUpdated":{"status":"SUCCESS"}}}\n\n',
    'event: complete\ndata:\n\n',
  ].join('');

  it('has each result as the data of `next`, then `complete`, and is kept by nobody', async () => {
    const { send } = await start();
    const answer = await send({ query: followTask }, { ...good, 'x-request-id': 'mine-1' });
    expect(answer.status).toBe(200);
    expect(answer.text).toBe(events);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-request-id': 'mine-1',
    });
  });

  it('comes by GET as well, with the request in the query string', async () => {
    const { url } = await start();
    const query =
      'subscription F($id: ID!) { taskUpdated(id: $id) { status } } subscription G { taskUpdated(id: "x") { id } }';
    const parameters = new URLSearchParams({ query, operationName: 'F', variables: JSON.stringify({ id: taskId }) });
    const { accept, 'mc-api-key': key } = good;
    const answer = await ask(`${url}?${parameters.toString()}`, { headers: { accept, 'mc-api-key': key } });
    expect(answer.status).toBe(200);
    expect(answer.text).toBe(events);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it.each(['text/event-stream, */*;q=0.1', 'application/json, text/event-stream', 'TEXT/EVENT-STREAM'])(
    'comes for Accept: %s',
    async (accept) => {
      const { send } = await start();
      expect((await send({ query: followTask }, { ...good, accept })).text).toBe(events);
    },
  );
});

describe('a request that is refused', () => {
  it.each([
    ['no key', {}],
    ['an empty key', { 'mc-api-key': ' ' }],
  ])('with 401: %s', async (_what, headers) => {
    const { send, rest } = await start();
    const { 'content-type': type, accept } = good;
    const answer = await send({ query: followTask }, { 'content-type': type, accept, ...headers });
    expect(answer.status).toBe(401);
    const requestId = answer.headers.get('x-request-id');
    expect(answer.json).toEqual(error('UNAUTHENTICATED', requestId, 'Send your API key in the MC-Api-Key header.'));
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(rest.calls).toEqual([]);
  });

  it.each(['application/json', '*/*', 'text/event-streams', ''])('with 406: Accept: %s', async (accept) => {
    const { send, rest } = await start();
    const answer = await send({ query: followTask }, { ...good, accept });
    expect(answer.status).toBe(406);
    expect(answer.json).toEqual(error('BAD_REQUEST', answer.headers.get('x-request-id')));
    expect(rest.calls).toEqual([]);
  });

  it.each([
    ['what is not GraphQL', { query: '{' }, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', { query: 'subscription { nothing }' }, 'GRAPHQL_VALIDATION_FAILED'],
    ['an operation that is not there', { query: followTask, operationName: 'X' }, 'OPERATION_RESOLUTION_FAILURE'],
    [
      'two root fields',
      { query: `subscription { a: taskUpdated(id: "${taskId}") { id } b: taskUpdated(id: "${taskId}") { id } }` },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a variable that is missing',
      { query: 'subscription ($id: ID!) { taskUpdated(id: $id) { id } }' },
      'BAD_USER_INPUT',
    ],
    [
      'a variable that does not fit',
      { query: 'subscription ($id: ID!) { taskUpdated(id: $id) { id } }', variables: { id: ['canary'] } },
      'BAD_USER_INPUT',
    ],
    ['no query', {}, 'BAD_REQUEST'],
    ['a query that is no text', { query: 1 }, 'BAD_REQUEST'],
    ['variables that are none', { query: followTask, variables: 'canary' }, 'BAD_REQUEST'],
    ['a list', [{ query: followTask }], 'BAD_REQUEST'],
  ])('with 400: %s', async (_what, body, code) => {
    const { send, rest } = await start();
    const answer = await send(body);
    const requestId = answer.headers.get('x-request-id');
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ errors: [{ extensions: { code, requestId } }] });
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.text).not.toMatch(/canary/);
    expect(rest.calls).toEqual([]);
  });

  it.each(['PUT', 'DELETE', 'PATCH'])(
    'with 405: %s, which would belong to a stream that several requests share',
    async (method) => {
      const { url } = await start();
      const answer = await ask(url, { method, headers: { accept: 'text/event-stream', 'mc-api-key': 'sandbox-key' } });
      expect(answer.status).toBe(405);
      expect(answer.json).toEqual(error('BAD_REQUEST', answer.headers.get('x-request-id')));
    },
  );

  it('with 429 and Retry-After: what its key has no budget for', async () => {
    const { send } = await start({ rateLimitPerMinute: 1 });
    expect((await send({ query: followTask })).status).toBe(200);
    const answer = await send({ query: followTask });
    expect(answer.status).toBe(429);
    const retryAfter = Number(answer.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(0);
    expect(answer.json).toEqual({
      errors: [
        {
          message: 'This API key has asked for too much within a minute; ask again later.',
          extensions: { code: 'RATE_LIMITED', retryAfter, requestId: answer.headers.get('x-request-id') },
        },
      ],
    });
  });
});

describe('a subscription sent to /graphql itself', () => {
  it('is refused with 400, by POST and by GET, and the message names where subscriptions are', async () => {
    const rest = await startRest();
    const { url } = await startGateway(rest.url, polls);
    const headers = { 'content-type': 'application/json', 'mc-api-key': 'sandbox-key' };
    const posted = await ask(url, { method: 'POST', headers, body: JSON.stringify({ query: followTask }) });
    const got = await ask(`${url}?${new URLSearchParams({ query: followTask }).toString()}`, { headers });
    for (const answer of [posted, got]) {
      expect(answer.status).toBe(400);
      const message = 'Subscriptions come by WebSocket at /graphql, or by Server-Sent Events at /graphql/stream.';
      expect(answer.json).toEqual(error('BAD_REQUEST', answer.headers.get('x-request-id'), message));
    }
    expect(rest.calls).toEqual([]);
  });
});
