// Load tests of the built gateway: callers beside a key that floods a slow REST API, many API keys used once, many documents sent once. Set
// CROWD_SECONDS, CROWD_KEYS and CROWD_DOCUMENTS for a higher load. Prints the figures.
import { hash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { isObject } from '../../../src/json.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { toBytes } from '../../helpers/raw-upstream.js';
import { sendRequest } from '../../helpers/http.js';
import { openConnection, type Rig, startRig } from './harness.js';

const { CROWD_SECONDS, CROWD_KEYS, CROWD_DOCUMENTS } = process.env;
const seconds = Number(CROWD_SECONDS ?? 5);
const keyCount = Number(CROWD_KEYS ?? 20_000);
const documentCount = Number(CROWD_DOCUMENTS ?? 2_500);
// Guard against a test that hangs: 10 ms per request, ten times what a request takes. Those of keys and documents run twice.
const timeoutMs = 120_000 + seconds * 10_000 + 2 * 10 * Math.max(keyCount, documentCount);

function toHttpRequest(body: object, key = randomBytes(12).toString('hex')): string {
  const text = JSON.stringify(body);
  const head = [`mc-api-key: ${key}`, 'content-type: application/json', `content-length: ${text.length}`];
  return `POST /graphql HTTP/1.1\r\nhost: a\r\n${head.join('\r\n')}\r\n\r\n${text}`;
}

// Each request names an environment of its own, so that no two share a REST call.
const toRead = (number: number) => ({
  query: `query List($name: String!) {
    siteToSiteVpns(environment: { serviceCode: "compute-on", name: $name }) { totalCount }
  }`,
  variables: { name: `area-${number}` },
});

/**
 * Sends requests over several connections, one at a time on each, until `next` returns undefined. Passes the status and the latency of each
 * response to `onResponse`.
 */
async function sendRequests(
  url: string,
  connectionCount: number,
  next: () => string | undefined,
  onResponse: (status: number, milliseconds: number) => void,
): Promise<void> {
  const runConnection = () =>
    new Promise<void>((resolve) => {
      const socket = openConnection(url).setEncoding('latin1');
      let received = '';
      let startedAt = 0;
      const send = () => {
        const request = next();
        startedAt = performance.now();
        if (request === undefined) socket.destroy();
        else socket.write(request);
      };
      socket.on('data', (chunk: string) => {
        received += chunk;
        const end = received.indexOf('\r\n\r\n');
        const length = Number(/content-length: (\d+)/.exec(received.slice(0, end))?.[1]);
        if (end < 0 || received.length < end + 4 + length) return;
        onResponse(Number(received.slice(9, 12)), performance.now() - startedAt);
        received = '';
        send();
      });
      socket.on('end', () => socket.destroy());
      socket.on('close', () => {
        resolve();
      });
      addCleanup(() => socket.destroy());
      send();
    });
  await Promise.all(Array.from({ length: connectionCount }, runConnection));
}

/** Sends `count` requests over 16 connections. Returns how many of them got status 200. */
async function countSucceeded(url: string, count: number, toNext: (index: number) => string): Promise<number> {
  let sent = 0;
  let succeeded = 0;
  await sendRequests(
    url,
    16,
    () => (sent < count ? toNext(sent++) : undefined),
    (status) => {
      if (status === 200) succeeded++;
    },
  );
  return succeeded;
}

/** Starts a gateway with the inspector enabled, so that its heap can be measured. */
function startInspectedRig(environment: NodeJS.ProcessEnv = {}): Promise<Rig> {
  return startRig({ LOG_LEVEL: 'warn', NODE_OPTIONS: '--inspect=127.0.0.1:0', ...environment });
}

/** Returns the heap in use after a garbage collection, and the resident memory of the process, both in MiB. */
async function measureMemory({ gateway }: Rig): Promise<{ heap: number; resident: number }> {
  const inspector = new WebSocket(/ws:\/\/\S+/.exec(gateway.stderr())?.[0] ?? '');
  await once(inspector, 'open');
  const callInspector = async (method: string): Promise<unknown> => {
    inspector.send(JSON.stringify({ id: 1, method }));
    const messages: unknown[] = await once(inspector, 'message');
    const response: unknown = JSON.parse(String(messages[0]));
    return isObject(response) ? response['result'] : undefined;
  };
  await callInspector('HeapProfiler.collectGarbage');
  const usage = await callInspector('Runtime.getHeapUsage');
  inspector.close();
  const metrics = (await sendRequest(`${gateway.opsUrl}/metrics`)).text;
  const resident = Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1]);
  return { heap: Number(isObject(usage) ? usage['usedSize'] : NaN) / 2 ** 20, resident: resident / 2 ** 20 };
}

/**
 * Runs six equal rounds, the last three of which cause `count` requests. Returns the growth from the lowest heap of the first three rounds to
 * the lowest of the last three, in MiB. What leaks stays in each round; code that V8 compiles takes up to 3 MiB in some of them.
 */
async function measureGrowth(rig: Rig, count: number, toNext: (index: number) => string) {
  const perRound = Math.ceil(count / 3);
  const rounds: { heap: number; resident: number }[] = [];
  while (rounds.length < 6) {
    expect(await countSucceeded(rig.url, perRound, toNext)).toBe(perRound);
    rounds.push(await measureMemory(rig));
  }
  const toLowest = (some: readonly { heap: number }[]) => Math.min(...some.map(({ heap }) => heap));
  const [before, after] = [toLowest(rounds.slice(0, 3)), toLowest(rounds.slice(3))];
  return { 'heap before': before, after, growth: after - before, resident: rounds.at(-1)?.resident ?? NaN };
}

function print(title: string, figures: Readonly<Record<string, number>>): void {
  const parts = Object.entries(figures).map(([name, figure]) => `${name} ${figure.toFixed(1)}`);
  process.stdout.write(`${title}: ${parts.join(', ')}\n`);
}

/** Returns a quantile of the latencies, e.g. `share` 0.99 for p99. NaN if there are none. */
function quantile(times: readonly number[], share: number): number {
  return times.toSorted((one, other) => one - other)[Math.ceil(times.length * share) - 1] ?? NaN;
}

describe('MAX_IN_FLIGHT_PER_KEY', () => {
  it(
    "keeps other keys and the operators' listener served while one key floods a slow REST API",
    async () => {
      const { url, gateway, upstream } = await startRig({ LOG_LEVEL: 'warn', MAX_IN_FLIGHT_PER_KEY: '64' });
      upstream.script(({ headers }) => (socket: Socket) => {
        const isSlow = headers.get('mc-api-key') === 'flood';
        setTimeout(() => socket.write(toBytes(200, { data: [] })), isSlow ? 2_000 : 20).unref();
      });
      expect(await countSucceeded(url, 500, (index) => toHttpRequest(toRead(index)))).toBe(500);
      let isOver = false;
      let sentByFlood = 0;
      const floodStatuses = new Map<number, number>();
      const flood = sendRequests(
        url,
        200,
        () => (isOver ? undefined : toHttpRequest(toRead(sentByFlood++), 'flood')),
        (status) => floodStatuses.set(status, (floodStatuses.get(status) ?? 0) + 1),
      );
      await sleep(1_000);
      const latencies: number[] = [];
      const statuses = new Set<number>();
      const opsLatencies: number[] = [];
      for (let round = 0; round < seconds * 5; round++) {
        let remaining = 20;
        const next = () => (remaining-- > 0 ? toHttpRequest(toRead(round)) : undefined);
        const otherRequests = sendRequests(url, 20, next, (status, time) => {
          statuses.add(status);
          latencies.push(time);
        });
        const startedAt = performance.now();
        expect((await sendRequest(`${gateway.opsUrl}/readyz`)).status).toBe(200);
        opsLatencies.push(performance.now() - startedAt);
        await Promise.all([otherRequests, sleep(200)]);
      }
      isOver = true;
      await flood;

      print('latency beside a flood, ms', {
        served: latencies.length,
        median: quantile(latencies, 0.5),
        p99: quantile(latencies, 0.99),
        'p99 of /readyz': quantile(opsLatencies, 0.99),
        'flood served': floodStatuses.get(200) ?? 0,
        'flood rejected': floodStatuses.get(429) ?? 0,
      });
      expect([...statuses]).toEqual([200]);
      expect(latencies).toHaveLength(seconds * 5 * 20);
      expect([...floodStatuses.keys()].sort()).toEqual([200, 429]);
    },
    timeoutMs,
  );
});

describe('API keys used once', () => {
  it(
    'leave less than 1 MiB on the heap',
    async () => {
      const rig = await startInspectedRig();
      // Every second request causes a REST call.
      const toNext = (index: number) => toHttpRequest(index % 2 === 0 ? toRead(index) : { query: '{ __typename }' });
      // Warm-up: fills all caches with entries per key, and lets V8 compile the code.
      expect(await countSucceeded(rig.url, 20_000, toNext)).toBe(20_000);
      const figures = await measureGrowth(rig, keyCount, toNext);

      print(`${keyCount} keys, MiB`, figures);
      expect(figures.growth).toBeLessThan(1);
    },
    timeoutMs,
  );
});

describe('Documents sent once', () => {
  it(
    'grow the heap by less than 3 MiB, since the document caches are bounded',
    async () => {
      const rig = await startInspectedRig();
      // Each is a named operation, and an automatic persisted query.
      const toNext = () => {
        const length = Math.floor(600 * Math.random());
        const query = `query Q${randomBytes(8).toString('hex')} { __typename } # ${'x'.repeat(length)}`;
        const persistedQuery = { version: 1, sha256Hash: hash('sha256', query) };
        return toHttpRequest({ query, extensions: { persistedQuery } });
      };
      expect(await countSucceeded(rig.url, 2_500, toNext)).toBe(2_500);
      const figures = await measureGrowth(rig, documentCount, toNext);

      print(`${documentCount} documents, MiB`, figures);
      expect(figures.growth).toBeLessThan(3);
    },
    timeoutMs,
  );
});
