// Measures the CPU time per call of ky and of the Fetch standard's Request, Response, Headers and AbortSignal, without HTTP.
// It makes the same call in several variants, over a transport that responds at once. It prints the median of interleaved rounds.
import ky, { type KyInstance } from 'ky';
import { median } from './statistics.js';

const url = 'http://127.0.0.1/v1/services/compute-on/test_area/sitetositevpns';
const headers = { 'MC-Api-Key': 'key', 'x-request-id': 'id', accept: 'application/json', 'accept-encoding': 'gzip' };
const text = JSON.stringify({ data: Array.from({ length: 25 }, (_, id) => ({ id, name: 'x'.repeat(300) })) });
const bytes = Buffer.from(text);
const options = { timeout: false, retry: 0, throwHttpErrors: false } as const;

/** A Response whose body is already available as text. */
class TextResponse extends Response {
  override readonly text = () => Promise.resolve(text);

  constructor() {
    super(null, { status: 200 });
  }
}

/** Reads all headers, as every transport must. */
function readHeaders(request: string | URL | Request): readonly string[] {
  return request instanceof Request ? [...request.headers].flat() : [];
}

const fetchWithBytes = ky.create({
  ...options,
  fetch: (request) => {
    readHeaders(request);
    return Promise.resolve(new Response(bytes, { status: 200, headers: { 'content-type': 'application/json' } }));
  },
});
const fetchWithText = ky.create({
  ...options,
  fetch: (request) => {
    readHeaders(request);
    return Promise.resolve(new TextResponse());
  },
});
const hook = ky.create({
  ...options,
  hooks: {
    beforeRequest: [
      (request) => {
        readHeaders(request);
        return new TextResponse();
      },
    ],
  },
});

const hookWithoutHeaders = ky.create({ ...options, hooks: { beforeRequest: [() => new TextResponse()] } });

async function call(client: KyInstance, signal?: AbortSignal): Promise<void> {
  const response = await client(url, { method: 'GET', headers, ...(signal === undefined ? {} : { signal }) });
  await response.text();
}

const variants: Readonly<Record<string, () => Promise<void>>> = {
  'custom fetch, Response of bytes, AbortSignal': () => call(fetchWithBytes, new AbortController().signal),
  'custom fetch, Response of text, AbortSignal': () => call(fetchWithText, new AbortController().signal),
  'custom fetch, Response of text': () => call(fetchWithText),
  'beforeRequest hook, which needs no clone of the Request': () => call(hook),
  'beforeRequest hook, headers outside the Request': async () => {
    await (await hookWithoutHeaders(url, { context: { headers } })).text();
  },
  'no ky, Response only': async () => {
    await new TextResponse().text();
  },
};

const calls = 2_000;
const rounds = 7;
const times = new Map<string, number[]>(Object.keys(variants).map((name) => [name, []]));
for (let round = -1; round < rounds; round++) {
  for (const [name, variant] of Object.entries(variants)) {
    const before = process.cpuUsage();
    for (let count = 0; count < calls; count++) await variant();
    const { user, system } = process.cpuUsage(before);
    // Round -1 is the warm-up.
    if (round >= 0) times.get(name)?.push((user + system) / calls);
  }
}
for (const [name, perRound] of times) process.stdout.write(`${median(perRound).toFixed(1).padStart(8)} µs  ${name}\n`);
