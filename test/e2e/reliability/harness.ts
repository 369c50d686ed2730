// The reliability rig: the built gateway as a process, between a scripted upstream and callers that send what they like. Canaries stand
// for what must not get out; after each case the rig looks for them in all that the gateway has answered, written and counted.
import { connect, type Socket } from 'node:net';
import { expect } from '@jest/globals';
import { atEnd } from '../../helpers/at-end.js';
import { launchGateway, type ListeningProcess } from '../../helpers/process.js';
import { type RawUpstream, startRawUpstream } from '../../helpers/raw-upstream.js';
import { post, type WireAnswer } from '../../helpers/wire.js';

/** The caller's API key. */
export const apiKey = 'canary-api-key-Zq3vN8wL';
/** The pre-shared key of a VPN. */
export const preSharedKey = 'canary-psk-Yx7Rb2Kd5m';
/** The host of the REST API: an address of the loopback that nothing else uses. */
export const upstreamHost = '127.77.77.77';

/** The API key as a header. */
export const keyHeaders = { 'mc-api-key': apiKey } as const;

/** What a case is run with. */
export interface Rig {
  readonly gateway: ListeningProcess;
  /** Its GraphQL endpoint. */
  readonly url: string;
  readonly upstream: RawUpstream;
  /** Keeps an answer for the check after the case. `selectsKey`: `ipSecPsk` was selected, and so may be in it. */
  readonly keep: <T extends WireAnswer | string>(answer: T, selectsKey?: boolean) => T;
  /** Posts a GraphQL request with the API key, and keeps the answer. */
  readonly ask: (
    body: Parameters<typeof post>[1],
    headers?: Readonly<Record<string, string>>,
    selectsKey?: boolean,
  ) => Promise<WireAnswer>;
  /** Sends bytes over a connection of their own and keeps what comes back until the gateway closes it, or has answered `count` times. */
  readonly send: (
    bytes: string | Uint8Array | readonly string[],
    options?: SendOptions,
  ) => Promise<readonly WireAnswer[]>;
  /** The check after each case. */
  readonly settle: () => Promise<void>;
}

/** How bytes are sent. */
export interface SendOptions {
  /** How many answers are waited for; where nothing is said, the end of the connection is. */
  readonly count?: number;
  /** Whether the sender's half is closed once all is sent. */
  readonly half?: boolean;
}

/** Starts a gateway that logs everything, on an upstream of bare sockets. */
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
    // Others may keep the machine busy.
    MAX_EVENT_LOOP_DELAY_MS: '0',
    ...environment,
  });
  const { url, opsUrl } = gateway;
  const kept: { text: string; selectsKey: boolean }[] = [];
  let readStdout = 0;
  let readStderr = 0;
  const keep: Rig['keep'] = (answer, selectsKey = false) => {
    kept.push({ text: typeof answer === 'string' ? answer : toText(answer), selectsKey });
    return answer;
  };
  return {
    gateway,
    url,
    upstream,
    keep,
    ask: async (body, headers = {}, selectsKey = false) =>
      keep(await post(url, body, { ...keyHeaders, ...headers }), selectsKey),
    send: async (bytes, options) => {
      const answers = await exchange(url, bytes, options);
      for (const answer of answers) keep(answer);
      return answers;
    },
    settle: async () => {
      for (const { text, selectsKey } of kept.splice(0)) expectNoLeak(text, selectsKey);
      const alive = await post(url, { query: '{ __typename }' });
      expect({ status: alive.status, body: alive.json }).toEqual({
        status: 200,
        body: { data: { __typename: 'Query' } },
      });
      const metrics = await (await fetch(`${opsUrl}/metrics`)).text();
      expect(metrics).toMatch(/^gateway_operations_total/m);
      const written = gateway.stdout().slice(readStdout) + gateway.stderr().slice(readStderr);
      // What is not a whole line yet is looked at again.
      readStdout = gateway.stdout().lastIndexOf('\n') + 1;
      readStderr = gateway.stderr().lastIndexOf('\n') + 1;
      expectNoKey(metrics);
      expectNoKey(written);
    },
  };
}

// What Node, undici, zlib, Fastify or the JSON parser say of errors; where code lies, and where it was at.
const leaks = [
  /\n? {2,}at [^\s]/,
  /node:internal|node_modules|\.(js|ts):\d+/,
  /(^|[\s"'(])(file:\/\/)?\/(tmp|usr|home|root|app|opt|work|var|src|dist)\//,
  /\bE(CONN|NOTFOUND|AI_|PIPE|HOST|TIMEDOUT)|UND_ERR|ERR_[A-Z]|HPE_|FST_|Z_[A-Z]+_ERROR/,
  /undici|fetch failed|socket hang up|Unexpected (token|end|non)|not valid JSON|Invalid header|Parse Error/,
  /\b(Syntax|Type|Range|Reference|URI|Aggregate|Abort)Error\b/,
];

/** Says that an answer holds nothing that is not its caller's to know. */
export function expectNoLeak(text: string, selectsKey = false): void {
  for (const form of formsOf(apiKey)) expect(text).not.toContain(form);
  expect(text).not.toContain(upstreamHost);
  if (!selectsKey) for (const form of formsOf(preSharedKey)) expect(text).not.toContain(form);
  for (const leak of leaks) expect(text).not.toMatch(leak);
}

/** Says that a log, or metrics, hold neither key. */
export function expectNoKey(text: string): void {
  for (const secret of [apiKey, preSharedKey]) for (const form of formsOf(secret)) expect(text).not.toContain(form);
}

// A key is no less told by another spelling of it.
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  return [secret, bytes.toString('base64').replace(/=+$/, '').slice(0, -1), bytes.toString('hex')];
}

/** Says that an answer is a refusal in GraphQL's shape, with the headers that every answer has. */
export function expectRefusal(answer: WireAnswer | undefined, status: number, code = 'BAD_REQUEST'): void {
  expect({ status: answer?.status, body: answer?.json }).toEqual({
    status,
    body: { errors: [{ message: expect.any(String), extensions: expect.objectContaining({ code }) }] },
  });
  expectHeaders(answer);
  expect(answer?.headers.get('content-type')).toMatch(/^application\/(graphql-response\+)?json; charset=utf-8$/);
}

/** Says that an answer is JSON in GraphQL's shape, whatever became of the request, and is no mistake of the gateway's. */
export function expectWellFormed(answer: WireAnswer | undefined): void {
  expect(answer?.status).toBeGreaterThanOrEqual(200);
  expect(answer?.status).toBeLessThan(500);
  expectHeaders(answer);
  // Those to HEAD and to OPTIONS have no body.
  if (answer?.text === '') return;
  const requestId = answer?.headers.get('x-request-id');
  if (answer?.status === 200) expect(typeof answer.json).toBe('object');
  else expect(answer?.json).toEqual(expect.objectContaining({ errors: expect.any(Array) }));
  for (const error of toErrors(answer?.json)) {
    expect(error).toMatchObject({ message: expect.any(String), extensions: { code: expect.any(String), requestId } });
    expect(error).not.toMatchObject({ extensions: { code: 'INTERNAL_SERVER_ERROR' } });
  }
}

/** Says that an answer has the headers that every answer has, and that the error's id is the header's. */
export function expectHeaders(answer: WireAnswer | undefined): void {
  expect(Object.fromEntries(answer?.headers ?? [])).toMatchObject({
    'x-request-id': expect.stringMatching(/^[\w.:-]{1,128}$/),
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none';frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'SAMEORIGIN',
  });
  for (const error of toErrors(answer?.json)) {
    expect(error).toMatchObject({ extensions: { requestId: answer?.headers.get('x-request-id') } });
  }
}

/** The errors of a body; empty where it has none. */
export function toErrors(body: unknown): readonly unknown[] {
  return typeof body === 'object' && body !== null && 'errors' in body && Array.isArray(body.errors) ? body.errors : [];
}

function toText({ headers, text }: WireAnswer): string {
  return [...[...headers].map(([name, value]) => `${name}: ${value}`), '', text].join('\n');
}

/** Opens a connection to a gateway. */
export function open(url: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
  // How a connection ends is the gateway's to say.
  socket.on('error', () => undefined);
  return socket;
}

// A guard against hanging, and no measure: the gateway's own timeouts are shorter.
const guard = 25_000;

/** Sends bytes over a connection of their own, and gives the answers to them. Throws where the connection does not end. */
export function exchange(
  url: string,
  bytes: string | Uint8Array | readonly string[],
  { count, half = false }: SendOptions = {},
): Promise<readonly WireAnswer[]> {
  const sent =
    typeof bytes === 'string'
      ? Buffer.from(bytes, 'latin1')
      : bytes instanceof Uint8Array
        ? bytes
        : Buffer.from(bytes.map((line) => `${line}\r\n`).join(''), 'latin1');
  return new Promise((resolve, reject) => {
    const socket = open(url);
    let received = Buffer.alloc(0);
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`The connection does not end. It has received:\n${received.toString('latin1')}`));
    }, guard);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (count !== undefined && toAnswers(received).length >= count) socket.destroy();
    });
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(toAnswers(received));
    });
    if (half) socket.end(sent);
    else socket.write(sent);
  });
}

/** Sends a start, and then a byte every second, until the connection ends; gives what was answered. */
export async function drip(url: string, start: string): Promise<readonly WireAnswer[]> {
  const socket = open(url);
  const received: Buffer[] = [];
  const timer = setInterval(() => socket.write('x'), 1_000);
  const end = () => {
    clearInterval(timer);
    socket.destroy();
  };
  atEnd(end);
  socket.on('data', (chunk: Buffer) => received.push(chunk));
  socket.on('end', end);
  socket.write(start);
  await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(timer);
  return toAnswers(Buffer.concat(received));
}

/** The whole answers in what was received, 100 Continue left out. */
export function toAnswers(received: Buffer): readonly WireAnswer[] {
  const answers: WireAnswer[] = [];
  let rest = received;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return answers;
    const [statusLine = '', ...lines] = rest.toString('latin1', 0, end).split('\r\n');
    const status = Number(statusLine.split(' ')[1]);
    const headers = new Headers();
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
    }
    const bodyEnd = end + 4 + Number(headers.get('content-length') ?? 0);
    if (rest.length < bodyEnd) return answers;
    const text = rest.toString('utf8', end + 4, bodyEnd);
    rest = rest.subarray(bodyEnd);
    if (status >= 200) answers.push({ status, headers, text, json: toJson(text) });
  }
}

function toJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    // Whoever looks at it finds that it is none.
    return undefined;
  }
}
