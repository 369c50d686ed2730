// Subscriptions by POST /graphql: Apollo's multipart protocol byte by byte, and which format a client gets.
import { request as sendHttp } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { keyHeader } from '../../helpers/fixtures.js';
import { post } from '../../helpers/http.js';
import { json } from '../../helpers/upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { taskSubscription, vpnsSubscription } from './mutable-rest-api.js';
import { startOnRestApi } from './polling-gateway.js';

const accept = 'multipart/mixed;subscriptionSpec=1.0, application/json';
const multipart = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0';
const serverSentEvents = 'text/event-stream; charset=utf-8';

const toPart = (value: unknown) => `content-type: application/json\r\n\r\n${JSON.stringify(value)}\r\n--graphql`;
const opening = `\r\n--graphql\r\n${toPart({})}`;
const toEvent = (payload: unknown) => `\r\n${toPart({ payload })}`;

const succeeded = await startOnRestApi();
succeeded.rest.state.taskStatus = 'SUCCESS';

/** Posts a subscription to a task that has succeeded. */
const postSubscription = (headers: Readonly<Record<string, string>>, query = taskSubscription) =>
  post(succeeded.url, { query }, { ...keyHeader(), ...headers });

/** A response that stays open. */
interface OpenStream {
  text: string;
  /** `complete`, or why the response was cut. Undefined while it is open. */
  end: string | undefined;
  headers: object;
  close: () => void;
}

/** Posts a subscription to the list of VPNs, and waits for its first event. */
async function openStream(url: string, headers: Readonly<Record<string, string>> = {}): Promise<OpenStream> {
  const stream: OpenStream = { text: '', end: undefined, headers: {}, close: () => undefined };
  const request = sendHttp(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...keyHeader(), ...headers },
  });
  stream.close = () => request.destroy();
  request.on('response', (response) => {
    stream.headers = response.headers;
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => (stream.text += chunk));
    response.on('end', () => (stream.end = 'complete'));
    response.on('error', ({ message }) => (stream.end = message));
  });
  request.on('error', () => undefined);
  request.end(JSON.stringify({ query: vpnsSubscription }));
  await waitUntil(() => stream.text.includes('"data"'));
  return stream;
}

describe('a subscription in the multipart protocol', () => {
  it('sends a heartbeat, each result as payload, then the terminal boundary', async () => {
    const response = await postSubscription({ accept, 'x-request-id': 'mine-1' });
    expect(response.status).toBe(200);
    expect(response.text).toBe(`${opening}${toEvent({ data: { taskUpdated: { status: 'SUCCESS' } } })}--\r\n`);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': multipart,
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      'x-request-id': 'mine-1',
    });
  });

  it('has the error that ends it in the payload, before the terminal boundary', async () => {
    const { url, rest } = await startOnRestApi();
    rest.state.override = () => json(403, { errors: [{ errorCode: '1', message: 'No.' }] });
    const headers = { ...keyHeader(), accept, 'x-request-id': 'mine-2' };
    const { status, text } = await post(url, { query: taskSubscription }, headers);
    const error = {
      message: expect.any(String),
      path: ['taskUpdated'],
      extensions: {
        code: 'FORBIDDEN',
        requestId: 'mine-2',
        upstream: { status: 403, errors: [{ code: '1', message: 'No.' }] },
      },
    };
    const [, , body = ''] = text.split('\r\n\r\n');
    expect(status).toBe(200);
    expect(text.startsWith(opening) && text.endsWith('\r\n--graphql--\r\n')).toBe(true);
    expect(JSON.parse(body.split('\r\n')[0] ?? '')).toEqual({ payload: { errors: [error] } });
  });

  it('is cut without the terminal boundary when the gateway shuts down', async () => {
    const { url, lifecycle } = await startOnRestApi();
    const stream = await openStream(url);
    lifecycle.drain();
    await waitUntil(() => stream.end !== undefined);
    expect(stream.end).toBe('aborted');
    expect(stream.text).not.toContain('--graphql--');
    await lifecycle.whenIdle();
  });
});

describe('an idle subscription in the multipart protocol', () => {
  const clock = useFakeClock(['setInterval']);

  it('has an empty part every 10 s, and is never compressed', async () => {
    const stream = await openStream(succeeded.url, { 'accept-encoding': 'br, gzip' });
    const first = `${opening}${toEvent({ data: { siteToSiteVpnsUpdated: { nodes: [{ name: 'stargate' }] } } })}`;
    expect(stream.text).toBe(first);
    clock.advance(10_000);
    await waitUntil(() => stream.text.length > first.length);
    expect(stream.text).toBe(`${first}\r\n${toPart({})}`);
    expect(stream.headers).not.toHaveProperty('content-encoding');
    stream.close();
  });
});

describe('POST /graphql with a subscription', () => {
  it.each([
    ['multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json;q=0.9', multipart],
    ['multipart/mixed; subscriptionSpec="1.0"', multipart],
    ['application/json, MULTIPART/MIXED;SUBSCRIPTIONSPEC=1.0', multipart],
    ['text/event-stream', serverSentEvents],
    ['text/event-stream, multipart/mixed', serverSentEvents],
    ['text/event-stream;q=0.5, multipart/mixed;subscriptionSpec=1.0', multipart],
    ['multipart/mixed;subscriptionSpec=1.0;q=0, text/event-stream;q=0.1', serverSentEvents],
  ])('responds to Accept: %s with %s', async (accepted, type) => {
    const { status, headers, text } = await postSubscription({ accept: accepted });
    expect([status, headers.get('content-type')]).toEqual([200, type]);
    expect(text).toContain('{"data":{"taskUpdated":{"status":"SUCCESS"}}}');
  });

  it.each([
    'application/json',
    'application/graphql-response+json',
    '*/*',
    'multipart/mixed;deferSpec=20220824, application/json',
    'multipart/mixed;subscriptionSpec=2.0, application/json',
    'text/event-stream;q=0, application/json',
  ])('rejects Accept: %s with 400, and names the media types of streams', async (accepted) => {
    const response = await postSubscription({ accept: accepted });
    expect(response.status).toBe(400);
    expect(response.json).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
    for (const name of ['multipart/mixed;subscriptionSpec=1.0', 'text/event-stream', 'WebSocket', '/graphql/stream']) {
      expect(response.text).toContain(name);
    }
  });

  it.each([accept, 'text/event-stream'])('is rejected with 401 without a key, for Accept: %s', async (accepted) => {
    const response = await post(succeeded.url, { query: taskSubscription }, { accept: accepted });
    expect(response.status).toBe(401);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.json).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
  });

  it.each([accept, 'multipart/mixed;subscriptionSpec=1.0', 'text/event-stream, multipart/mixed'])(
    'is rejected with 400 and the reason, for Accept: %s',
    async (accepted) => {
      const response = await postSubscription({ accept: accepted }, 'subscription { nothing }');
      expect(response.status).toBe(400);
      expect(response.json).toMatchObject({ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] });
    },
  );

  it('is rejected with 429 and Retry-After if the key has no budget left', async () => {
    const { url, rest } = await startOnRestApi({ rateLimitPerMinute: 1 });
    rest.state.taskStatus = 'SUCCESS';
    const send = () => post(url, { query: taskSubscription }, { ...keyHeader(), accept });
    expect((await send()).status).toBe(200);
    const { status, headers } = await send();
    expect(status).toBe(429);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('is rejected with 429 and Retry-After if the key has too many connections', async () => {
    const { url } = await startOnRestApi({ maxConnectionsPerKey: 1 });
    const stream = await openStream(url);
    const { status, headers } = await post(url, { query: taskSubscription }, { ...keyHeader(), accept });
    expect([status, headers.get('retry-after')]).toEqual([429, '1']);
    stream.close();
  });
});

describe('POST /graphql with another operation', () => {
  it.each([
    [`${accept}, text/event-stream`, 200, 'application/json; charset=utf-8'],
    ['text/event-stream, application/graphql-response+json', 200, 'application/graphql-response+json; charset=utf-8'],
    ['text/event-stream', 406, 'application/json; charset=utf-8'],
  ])('responds in JSON to Accept: %s, or rejects it (%i)', async (accepted, status, type) => {
    const response = await postSubscription({ accept: accepted }, '{ __typename }');
    expect([response.status, response.headers.get('content-type')]).toEqual([status, type]);
  });
});
