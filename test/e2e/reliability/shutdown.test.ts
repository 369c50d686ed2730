// Shutdown of the built gateway on SIGTERM, an uncaught exception and an unhandled rejection, with clients in every state. Running requests
// finish, idle clients delay nothing, and the last log line contains no key. Prints the time from the signal to the exit.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, describe, expect, it } from '@jest/globals';
import { addCleanup } from '../../helpers/cleanup.js';
import { expireTimers, holdClock } from '../../helpers/process-clock.js';
import { toBytes } from '../../helpers/raw-upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { sendRequest, post } from '../../helpers/http.js';
import { subscribeBySse, openAcknowledgedSocket } from '../../server/subscriptions/subscribers.js';
import { vpnsSubscription } from '../../server/subscriptions/mutable-rest-api.js';
import { taskId, vpnId } from '../../helpers/fixtures.js';
import {
  apiKey,
  expectNoKeys,
  expectNoLeak,
  openConnection,
  preSharedKey,
  type Rig,
  startRig,
  upstreamHost,
} from './harness.js';

// The upstream holds its responses for this environment until the test sends them.
const heldEnvironment = 'environment: { serviceCode: "compute-on", name: "held" }';
const read = { query: `{ siteToSiteVpns(${heldEnvironment}) { totalCount } }` };
const write = {
  query: `mutation { deleteSiteToSiteVpn(input: { ${heldEnvironment}, id: "${vpnId}" }) { task { status } userErrors { code } } }`,
};

const triggers = [
  ['SIGTERM', 'SIGTERM', '', 0],
  ['uncaughtException', 'SIGALRM', 'throw error', 1],
  ['unhandledRejection', 'SIGALRM', 'Promise.reject(error)', 1],
] as const;

const exitTimes: string[] = [];
const toElapsed = (startedAt: number) => `exit after ${Math.round(performance.now() - startedAt)} ms\n`;

afterAll(() => {
  process.stdout.write(exitTimes.join(''));
});

// The step of a shutdown that cancels REST calls, in milliseconds from its start.
const abortCallsAfterMs = 8_000;

/**
 * Starts a rig whose process runs `statement` on SIGALRM. In its scope, `error` is an Error whose message contains the keys. No timed step of
 * the shutdown starts by itself, so an exit shows that the process waited for none of them. On `expireTimers`, the process cancels REST calls.
 */
function startFailingRig(statement: string): Promise<Rig> {
  // The message comes from the environment: stack frames contain this script's own text, as a data URL.
  // Neither `holdClock` nor the shutdown itself uses SIGALRM.
  const script = `process.on('SIGALRM', () => {
    const error = new Error(process.env.MESSAGE, { cause: process.env.MESSAGE });
    error.body = process.env.MESSAGE;
    ${statement};
  })`;
  return startRig({
    MESSAGE: `${apiKey}\n    at ${preSharedKey} (file:///x.js:1:1)\n${upstreamHost}`,
    // The held timers include the deadline of a REST call and the drain delay.
    NODE_OPTIONS: [
      `--import data:text/javascript,${encodeURIComponent(script)}`,
      holdClock({ from: 3_000, expirable: [abortCallsAfterMs] }),
    ].join(' '),
    // After a failure, the process must not wait for the load balancer's drain delay.
    ...(statement === '' ? {} : { DRAIN_DELAY_MS: '5000' }),
  });
}

/** Holds the responses to calls for the held environment. Returns the sockets of these calls, in order of arrival. */
function holdCalls({ upstream }: Rig): Socket[] {
  const held: Socket[] = [];
  upstream.script(({ target }) => (target.includes('/held/') ? (socket) => held.push(socket) : { data: [] }));
  return held;
}

/** Opens a connection and sends bytes. Resolves when the gateway has closed the connection. */
function sendUntilClosed(rig: Rig, bytes: string): Promise<unknown> {
  const socket = openConnection(rig.url);
  addCleanup(() => socket.destroy());
  socket.resume();
  socket.once('end', () => socket.end());
  if (bytes !== '') socket.write(bytes);
  return once(socket, 'close');
}

const idleInputs = ['', 'GET /graphql?query={__typename} HTTP/1.1\r\nhost: a\r\nmc-api-key: a\r\n\r\n'];
const partialRequests = [
  'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-ty',
  'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"query"',
];

/** Opens connections without running requests. Returns a function that resolves when the gateway has closed all of them. */
async function openIdleConnections(rig: Rig): Promise<() => Promise<unknown>> {
  const allClosed = Promise.all([...idleInputs, ...partialRequests].map((bytes) => sendUntilClosed(rig, bytes)));
  // Once the gateway has responded to this request, it has read those before it.
  await post(rig.url, { query: '{ __typename }' });
  return () => allClosed;
}

/** Waits for the exit and expects this exit code and no key in the output. */
async function expectExit({ gateway }: Rig, code: number): Promise<void> {
  expect(await gateway.exit).toEqual({ code, signal: null });
  expect(gateway.stderr()).toBe('');
  expectNoKeys(gateway.stdout());
  expect(gateway.stdout()).not.toContain(upstreamHost);
  const fatal = gateway.lines().filter(({ level }) => level === 60);
  expect(fatal).toEqual(code === 0 ? [] : [expect.objectContaining({ msg: 'unexpected error, shutting down' })]);
}

describe.each(triggers)('Shutdown on %s', (trigger, signal, statement, code) => {
  it('is not delayed by idle connections and incomplete requests', async () => {
    const rig = await startFailingRig(statement);
    const waitUntilAllClosed = await openIdleConnections(rig);
    const startedAt = performance.now();
    rig.gateway.signal(signal);

    await waitUntilAllClosed();
    await expectExit(rig, code);
    exitTimes.push(`${trigger}, idle connections and incomplete requests: ${toElapsed(startedAt)}`);
  });

  it('first fails the readiness check, then finishes running requests and ends subscriptions', async () => {
    const rig = await startFailingRig(statement);
    const { gateway } = rig;
    const held = holdCalls(rig);
    const waitUntilAllClosed = await openIdleConnections(rig);
    const webSocket = await openAcknowledgedSocket(rig.url, apiKey);
    webSocket.send({ id: '1', type: 'subscribe', payload: { query: vpnsSubscription } });
    const stream = subscribeBySse(rig.url, apiKey)(vpnsSubscription);
    await Promise.all([webSocket.waitForMessages(2), stream.waitForEvents(1)]);
    const readRequest = rig.post(read);
    await waitUntil(() => held.length === 1);
    const writeRequest = rig.post(write);
    await waitUntil(() => held.length === 2);
    const startedAt = performance.now();
    gateway.signal(signal);

    await waitUntil(async () => (await sendRequest(`${gateway.opsUrl}/readyz`)).status === 503);
    expect(await sendRequest(`${gateway.opsUrl}/livez`)).toMatchObject({ status: 200 });
    expect(await rig.post(read)).toMatchObject({
      status: 503,
      json: { errors: [{ extensions: { code: 'OVERLOADED' } }] },
    });
    expect(held).toHaveLength(2);
    await Promise.all([webSocket.waitForClose(), stream.waitForEnd()]);
    expect(webSocket.closed).toEqual({ code: 1001, reason: 'The gateway is shutting down' });
    expect(stream.end).toBeInstanceOf(Error);
    held[0]?.write(toBytes(200, { data: [] }));
    held[1]?.write(toBytes(200, { taskId, taskStatus: 'SUCCESS' }));
    const responses = await Promise.all([readRequest, writeRequest]);
    expect(responses.map(({ status, json }) => ({ status, json }))).toEqual([
      { status: 200, json: { data: { siteToSiteVpns: { totalCount: 0 } } } },
      { status: 200, json: { data: { deleteSiteToSiteVpn: { task: { status: 'SUCCESS' }, userErrors: [] } } } },
    ]);
    await waitUntilAllClosed();
    await expectExit(rig, code);
    exitTimes.push(`${trigger}, a read, a write and two subscriptions in flight: ${toElapsed(startedAt)}`);
  });
});

describe('Shutdown on uncaughtException', () => {
  it('returns an error to each caller whose REST call gets no response in time', async () => {
    const rig = await startFailingRig('throw error');
    const held = holdCalls(rig);
    const requests = [rig.post(read)];
    await waitUntil(() => held.length === 1);
    // The body never ends.
    held[0]?.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    const timer = setInterval(() => held[0]?.write('1\r\n \r\n'), 100);
    addCleanup(() => {
      clearInterval(timer);
    });
    requests.push(rig.post(write));
    await waitUntil(() => held.length === 2);
    rig.gateway.signal('SIGALRM');
    await rig.gateway.waitForLog('unexpected error, shutting down');
    expireTimers(rig.gateway);

    const [readResponse, writeResponse] = await Promise.all(requests);
    for (const response of [readResponse, writeResponse]) expectNoLeak(response?.text ?? '');
    const unavailable = { code: 'UPSTREAM_UNAVAILABLE' };
    expect(readResponse).toMatchObject({ status: 200, json: { errors: [{ extensions: unavailable }] } });
    expect(writeResponse).toMatchObject({
      status: 200,
      json: { errors: [{ extensions: { ...unavailable, outcomeUnknown: true } }] },
    });
    await expectExit(rig, 1);
  });
});

describe('Fatal log line', () => {
  it.each([
    ['an uncaught error', 'throw error', 'Error'],
    ['an unhandled rejection', 'Promise.reject(error)', 'Error'],
    ['a thrown string', 'throw error.message', 'string'],
    [
      'a thrown object that is not an Error',
      'throw { message: error.message, stack: error.stack, name: error.name }',
      expect.any(String),
    ],
    ['a rejection without a reason', 'Promise.reject()', 'undefined'],
  ])('for %s names the type and omits the message', async (_failure, statement, type) => {
    const { gateway } = await startFailingRig(statement);
    gateway.signal('SIGALRM');

    expect(await gateway.exit).toEqual({ code: 1, signal: null });
    expect(gateway.stderr()).toBe('');
    expect(gateway.lines().at(-1)).toMatchObject({ level: 60, msg: 'unexpected error, shutting down', err: { type } });
    expectNoKeys(gateway.stdout());
    expect(gateway.stdout()).not.toContain(upstreamHost);
  });

  it('is written a second time if another error occurs during shutdown, which then exits at once', async () => {
    const rig = await startFailingRig('throw error');
    const held = holdCalls(rig);
    const outcome = rig.post(read).then(
      () => 'response',
      () => 'disconnected',
    );
    const { gateway } = rig;
    await waitUntil(() => held.length === 1);
    gateway.signal('SIGALRM');
    await gateway.waitForLog('unexpected error, shutting down');
    gateway.signal('SIGALRM');

    expect(await outcome).toBe('disconnected');
    expect(await gateway.exit).toEqual({ code: 1, signal: null });
    expect(gateway.lines().filter(({ level }) => level === 60)).toHaveLength(2);
    expectNoKeys(gateway.stdout() + gateway.stderr());
  });
});
