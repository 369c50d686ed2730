// The test rig of the reliability tests: the built gateway as a process, between a scripted upstream and callers that may send any bytes.
// After each test, the rig searches responses, logs and metrics for canary secrets and internal details.
import { connect, type Socket } from 'node:net';
import { expect } from '@jest/globals';
import { addCleanup } from '../../helpers/cleanup.js';
import { keyHeader } from '../../helpers/fixtures.js';
import { launchGateway, type ListeningProcess } from '../../helpers/process.js';
import { expireTimers, holdClock } from '../../helpers/process-clock.js';
import { type RawUpstream, startRawUpstream } from '../../helpers/raw-upstream.js';
import { type HttpResponse, post, sendRequest } from '../../helpers/http.js';

/** Canary: the caller's API key. */
export const apiKey = 'canary-api-key-Zq3vN8wL';
/** Canary: the pre-shared key of a VPN. */
export const preSharedKey = 'canary-psk-Yx7Rb2Kd5m';
/** Canary: the host of the REST API, a loopback address that nothing else uses. */
export const upstreamHost = '127.77.77.77';

/** The API key as a header. */
export const keyHeaders = keyHeader(apiKey);

/** A running gateway with its upstream, and the means to send requests and to check for leaks. */
export interface Rig {
  readonly gateway: ListeningProcess;
  /** URL of the GraphQL endpoint. */
  readonly url: string;
  readonly upstream: RawUpstream;
  /** Records a response for the leak check in `verify`. Set `selectsKey` if the operation selected `ipSecPsk`, so the key may be in it. */
  readonly record: <T extends HttpResponse | string>(response: T, selectsKey?: boolean) => T;
  /** Posts a GraphQL request with the API key, and records the response. */
  readonly post: (
    body: Parameters<typeof post>[1],
    headers?: Readonly<Record<string, string>>,
    selectsKey?: boolean,
  ) => Promise<HttpResponse>;
  /** Sends bytes over a new connection, as `exchange` does, and records the responses. */
  readonly send: (
    bytes: string | Uint8Array | readonly string[],
    options?: SendOptions,
  ) => Promise<readonly HttpResponse[]>;
  /** Expects that no recorded response, log line or metric leaks anything, and that the gateway still serves requests. Run it after each test. */
  readonly verify: () => Promise<void>;
}

/** Options for sending bytes. */
export interface SendOptions {
  /** Number of responses to wait for. Default: all until the gateway closes the connection. */
  readonly count?: number;
  /** Whether the sender closes its half of the connection once all bytes are sent. Default: false. */
  readonly halfClose?: boolean;
}

/** Starts a gateway that logs at level `trace`, in front of an upstream of bare sockets. */
export async function startRig(environment: NodeJS.ProcessEnv = {}): Promise<Rig> {
  const upstream = await startRawUpstream(undefined, upstreamHost);
  const gateway = await launchGateway({
    CLOUDCA_API_URL: upstream.url,
    LOG_LEVEL: 'trace',
    TASK_POLL_MS: '20',
    WATCH_POLL_MS: '20',
    PLAYGROUND: 'false',
    RATE_LIMIT_PER_MINUTE: '0',
    MAX_IN_FLIGHT_PER_KEY: '0',
    // Other processes on this machine may delay the event loop.
    MAX_EVENT_LOOP_DELAY_MS: '0',
    ...environment,
  });
  const { url, opsUrl } = gateway;
  const recorded: { text: string; selectsKey: boolean }[] = [];
  let checkedStdout = 0;
  let checkedStderr = 0;
  const record: Rig['record'] = (response, selectsKey = false) => {
    recorded.push({ text: typeof response === 'string' ? response : toText(response), selectsKey });
    return response;
  };
  return {
    gateway,
    url,
    upstream,
    record,
    post: async (body, headers = {}, selectsKey = false) =>
      record(await post(url, body, { ...keyHeaders, ...headers }), selectsKey),
    send: async (bytes, options) => {
      const responses = await exchange(url, bytes, options);
      for (const response of responses) record(response);
      return responses;
    },
    verify: async () => {
      for (const { text, selectsKey } of recorded.splice(0)) expectNoLeak(text, selectsKey);
      const probe = await post(url, { query: '{ __typename }' });
      expect({ status: probe.status, body: probe.json }).toEqual({
        status: 200,
        body: { data: { __typename: 'Query' } },
      });
      const { text: metrics } = await sendRequest(`${opsUrl}/metrics`);
      expect(metrics).toMatch(/^gateway_operations_total/m);
      const output = gateway.stdout().slice(checkedStdout) + gateway.stderr().slice(checkedStderr);
      // A line that is still incomplete is checked again next time.
      checkedStdout = gateway.stdout().lastIndexOf('\n') + 1;
      checkedStderr = gateway.stderr().lastIndexOf('\n') + 1;
      expectNoKeys(metrics);
      expectNoKeys(output);
    },
  };
}

// Ten minutes, in milliseconds. No other timer of the gateway is as long as half of that.
const heldTimeoutMs = 600_000;

/**
 * Environment of a gateway whose clock is held. Date.now() stands still until `advanceDate`. The deadlines of REST calls do not expire until
 * `expireDeadlines`, unless CLOUDCA_API_TIMEOUT_MS is shorter.
 */
export const heldClock = {
  CLOUDCA_API_TIMEOUT_MS: String(heldTimeoutMs),
  NODE_OPTIONS: holdClock({ from: heldTimeoutMs / 2 }),
} as const;

/** Lets the deadlines of all REST calls in flight expire, once the gateway has read what it has been sent so far. */
export async function expireDeadlines(gateway: ListeningProcess): Promise<void> {
  await post(gateway.url, { query: '{ __typename }' });
  expireTimers(gateway);
}

// Details of Node, undici, zlib, Fastify or the JSON parser: stack frames, file paths, error codes and messages.
const internalDetails = [
  /\n? {2,}at [^\s]/,
  /node:internal|node_modules|\.(js|ts):\d+/,
  /(^|[\s"'(])(file:\/\/)?\/(tmp|usr|home|root|app|opt|work|var|src|dist)\//,
  /\bE(CONN|NOTFOUND|AI_|PIPE|HOST|TIMEDOUT)|UND_ERR|ERR_[A-Z]|HPE_|FST_|Z_[A-Z]+_ERROR/,
  /undici|fetch failed|socket hang up|Unexpected (token|end|non)|[".] is not valid JSON|Invalid header|Parse Error/,
  /\b(Syntax|Type|Range|Reference|URI|Aggregate|Abort)Error\b/,
];

// An encoded secret is a leak too: plain text, base64 (without its last characters, which depend on what follows) and hexadecimal.
const toEncodings = (secret: string): readonly string[] => {
  const bytes = Buffer.from(secret);
  return [secret, bytes.toString('base64').replace(/=+$/, '').slice(0, -1), bytes.toString('hex')];
};
const encodedApiKey = toEncodings(apiKey);
const encodedPreSharedKey = toEncodings(preSharedKey);

/** Expects a response without canaries and internal details. With `selectsKey`, the pre-shared key is allowed. */
export function expectNoLeak(text: string, selectsKey = false): void {
  const canaries = [...encodedApiKey, upstreamHost, ...(selectsKey ? [] : encodedPreSharedKey)];
  expectNone(text, canaries, internalDetails);
}

/** Expects logs or metrics with neither the API key nor the pre-shared key. */
export function expectNoKeys(text: string): void {
  expectNone(text, [...encodedApiKey, ...encodedPreSharedKey]);
}

// Calls a matcher only for a leak: matchers are slow, and a file checks thousands of responses.
function expectNone(text: string, canaries: readonly string[], patterns: readonly RegExp[] = []): void {
  for (const canary of canaries) if (text.includes(canary)) expect(text).not.toContain(canary);
  for (const pattern of patterns) if (pattern.test(text)) expect(text).not.toMatch(pattern);
}

/** Expects an error response in GraphQL's shape with one error of this code, and the headers that every response carries. */
export function expectErrorResponse(response: HttpResponse | undefined, status: number, code = 'BAD_REQUEST'): void {
  expect({ status: response?.status, body: response?.json }).toEqual({
    status,
    body: { errors: [{ message: expect.any(String), extensions: expect.objectContaining({ code }) }] },
  });
  expectHeaders(response);
  expect(response?.headers.get('content-type')).toMatch(/^application\/(graphql-response\+)?json; charset=utf-8$/);
}

/** Expects JSON in GraphQL's shape with a status below 500 and no INTERNAL_SERVER_ERROR. An empty body passes. */
export function expectWellFormed(response: HttpResponse | undefined): void {
  expect(response?.status).toBeGreaterThanOrEqual(200);
  expect(response?.status).toBeLessThan(500);
  expectHeaders(response);
  // Responses to HEAD and OPTIONS have no body.
  if (response?.text === '') return;
  const requestId = response?.headers.get('x-request-id');
  if (response?.status === 200) expect(typeof response.json).toBe('object');
  else expect(response?.json).toEqual(expect.objectContaining({ errors: expect.any(Array) }));
  for (const error of toErrors(response?.json)) {
    expect(error).toMatchObject({ message: expect.any(String), extensions: { code: expect.any(String), requestId } });
    expect(error).not.toMatchObject({ extensions: { code: 'INTERNAL_SERVER_ERROR' } });
  }
}

/** Expects the headers that every response carries, and the same request id in the header and in each error. */
export function expectHeaders(response: HttpResponse | undefined): void {
  expect(Object.fromEntries(response?.headers ?? [])).toMatchObject({
    'x-request-id': expect.stringMatching(/^[\w.:-]{1,128}$/),
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none';frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'SAMEORIGIN',
  });
  for (const error of toErrors(response?.json)) {
    expect(error).toMatchObject({ extensions: { requestId: response?.headers.get('x-request-id') } });
  }
}

/** Returns the errors of a response body. Empty if there are none. */
export function toErrors(body: unknown): readonly unknown[] {
  return typeof body === 'object' && body !== null && 'errors' in body && Array.isArray(body.errors) ? body.errors : [];
}

function toText({ headers, text }: HttpResponse): string {
  return [...[...headers].map(([name, value]) => `${name}: ${value}`), '', text].join('\n');
}

/** Opens a TCP connection to a gateway. Ignores connection errors. */
export function openConnection(url: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
  // The gateway decides how a connection ends, so a reset is no failure.
  socket.on('error', () => undefined);
  return socket;
}

// Guard against a test that hangs. It measures nothing: the gateway's own timeouts are shorter.
const hangTimeoutMs = 60_000;

/**
 * Sends bytes over a new connection and returns the responses. Ends when the gateway closes the connection, or after `count` responses.
 * An array is sent as lines, each followed by CRLF. Rejects if the connection is still open after 60 s.
 */
export function exchange(
  url: string,
  bytes: string | Uint8Array | readonly string[],
  { count, halfClose = false }: SendOptions = {},
): Promise<readonly HttpResponse[]> {
  const toSend =
    typeof bytes === 'string'
      ? Buffer.from(bytes, 'latin1')
      : bytes instanceof Uint8Array
        ? bytes
        : Buffer.from(bytes.map((line) => `${line}\r\n`).join(''), 'latin1');
  return new Promise((resolve, reject) => {
    const socket = openConnection(url);
    let received = Buffer.alloc(0);
    const timer = setTimeout(() => {
      socket.destroy();
      reject(
        new Error(`The connection did not end within ${hangTimeoutMs} ms. Received:\n${received.toString('latin1')}`),
      );
    }, hangTimeoutMs);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (count !== undefined && parseResponses(received).length >= count) socket.destroy();
    });
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(parseResponses(received));
    });
    if (halfClose) socket.end(toSend);
    else socket.write(toSend);
  });
}

/** Sends `start`, then one byte per second until the gateway closes the connection. Returns the responses. */
export async function sendSlowly(url: string, start: string): Promise<readonly HttpResponse[]> {
  const socket = openConnection(url);
  const received: Buffer[] = [];
  const timer = setInterval(() => socket.write('x'), 1_000);
  const stop = () => {
    clearInterval(timer);
    socket.destroy();
  };
  addCleanup(stop);
  socket.on('data', (chunk: Buffer) => received.push(chunk));
  socket.on('end', stop);
  socket.write(start);
  await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(timer);
  return parseResponses(Buffer.concat(received));
}

/** Returns the complete responses in the received bytes, without 1xx responses. */
export function parseResponses(received: Buffer): readonly HttpResponse[] {
  const responses: HttpResponse[] = [];
  let rest = received;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return responses;
    const [statusLine = '', ...lines] = rest.toString('latin1', 0, end).split('\r\n');
    const status = Number(statusLine.split(' ')[1]);
    const headers = new Headers();
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
    }
    const bodyEnd = end + 4 + Number(headers.get('content-length') ?? 0);
    if (rest.length < bodyEnd) return responses;
    const text = rest.toString('utf8', end + 4, bodyEnd);
    rest = rest.subarray(bodyEnd);
    if (status >= 200) responses.push({ status, headers, text, json: toJson(text) });
  }
}

function toJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    // HttpResponse.json is undefined if the body is not JSON.
    return undefined;
  }
}
