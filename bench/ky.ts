// What ky and the standard's Request, Response, Headers and signals cost for one call, apart from HTTP: the same call in several ways,
// over a transport that answers at once. Prints the CPU time of each way, as the median of rounds that take turns.
import ky, { type KyInstance } from 'ky';
import { median } from './statistics.js';

const url = 'http://127.0.0.1/v1/services/compute-on/test_area/sitetositevpns';
const headers = { 'MC-Api-Key': 'key', 'x-request-id': 'id', accept: 'application/json', 'accept-encoding': 'gzip' };
const text = JSON.stringify({ data: Array.from({ length: 25 }, (_, id) => ({ id, name: 'x'.repeat(300) })) });
const bytes = Buffer.from(text);
const options = { timeout: false, retry: 0, throwHttpErrors: false } as const;

/** A Response whose text is there already. */
class ReadResponse extends Response {
  override readonly text = () => Promise.resolve(text);

  constructor() {
    super(null, { status: 200 });
  }
}

/** Reads the headers off, as every transport must. */
function readHeaders(request: string | URL | Request): readonly string[] {
  return request instanceof Request ? [...request.headers].flat() : [];
}

const streaming = ky.create({
  ...options,
  fetch: (request) => {
    readHeaders(request);
    return Promise.resolve(new Response(bytes, { status: 200, headers: { 'content-type': 'application/json' } }));
  },
});
const light = ky.create({
  ...options,
  fetch: (request) => {
    readHeaders(request);
    return Promise.resolve(new ReadResponse());
  },
});
const hooked = ky.create({
  ...options,
  hooks: {
    beforeRequest: [
      (request) => {
        readHeaders(request);
        return new ReadResponse();
      },
    ],
  },
});

const bare = ky.create({ ...options, hooks: { beforeRequest: [() => new ReadResponse()] } });

async function call(client: KyInstance, signal?: AbortSignal): Promise<void> {
  const response = await client(url, { method: 'GET', headers, ...(signal === undefined ? {} : { signal }) });
  await response.text();
}

const ways: Readonly<Record<string, () => Promise<void>>> = {
  'a fetch of its own, a Response of bytes, a signal': () => call(streaming, new AbortController().signal),
  'the same with a Response whose text is there': () => call(light, new AbortController().signal),
  'the same with the signal beside it': () => call(light),
  'the same as a hook, without a clone': () => call(hooked),
  'the same with the headers beside it': async () => {
    await (await bare(url, { context: { headers } })).text();
  },
  'no ky: the Response alone': async () => {
    await new ReadResponse().text();
  },
};

const calls = 2_000;
const rounds = 7;
const times = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]));
for (let round = -1; round < rounds; round++) {
  for (const [name, way] of Object.entries(ways)) {
    const before = process.cpuUsage();
    for (let count = 0; count < calls; count++) await way();
    const { user, system } = process.cpuUsage(before);
    // The first round warms up.
    if (round >= 0) times.get(name)?.push((user + system) / calls);
  }
}
for (const [name, each] of times) process.stdout.write(`${median(each).toFixed(1).padStart(8)} µs  ${name}\n`);
