// Crowds of any size at the built gateway: callers beside one who floods a slow REST API, keys that come once, documents that come once.
// CROWD_SECONDS, CROWD_KEYS and CROWD_DOCUMENTS make them larger; what was measured is printed.
import { hash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { isObject } from '../../../src/cloudca/envelope.js';
import { atEnd } from '../../helpers/at-end.js';
import { toBytes } from '../../helpers/raw-upstream.js';
import { ask } from '../../helpers/wire.js';
import { open, type Rig, startRig } from './harness.js';

const { CROWD_SECONDS, CROWD_KEYS, CROWD_DOCUMENTS } = process.env;
const seconds = Number(CROWD_SECONDS ?? 5);
const keyCount = Number(CROWD_KEYS ?? 40_000);
const documentCount = Number(CROWD_DOCUMENTS ?? 2_500);
// A guard against hanging: a hundredth of a second for each request is ten times what it takes.
const guard = 120_000 + seconds * 10_000 + 10 * Math.max(keyCount, documentCount);

function toRequest(body: object, key = randomBytes(12).toString('hex')): string {
  const text = JSON.stringify(body);
  const head = [`mc-api-key: ${key}`, 'content-type: application/json', `content-length: ${text.length}`];
  return `POST /graphql HTTP/1.1\r\nhost: a\r\n${head.join('\r\n')}\r\n\r\n${text}`;
}

// Each of an environment of its own: no two share a call.
const toList = (number: number) => ({
  query: `query List($name: String!) {
    siteToSiteVpns(environment: { serviceCode: "compute-on", name: $name }) { totalCount }
  }`,
  variables: { name: `area-${number}` },
});

/** Sends requests over so many connections, each when the one before it is answered, until there are none; tells of each answer's status. */
async function drive(
  url: string,
  connections: number,
  next: () => string | undefined,
  tell: (status: number, milliseconds: number) => void,
): Promise<void> {
  const connection = () =>
    new Promise<void>((resolve) => {
      const socket = open(url).setEncoding('latin1');
      let received = '';
      let begun = 0;
      const send = () => {
        const request = next();
        begun = performance.now();
        if (request === undefined) socket.destroy();
        else socket.write(request);
      };
      socket.on('data', (chunk: string) => {
        received += chunk;
        const end = received.indexOf('\r\n\r\n');
        const length = Number(/content-length: (\d+)/.exec(received.slice(0, end))?.[1]);
        if (end < 0 || received.length < end + 4 + length) return;
        tell(Number(received.slice(9, 12)), performance.now() - begun);
        received = '';
        send();
      });
      socket.on('end', () => socket.destroy());
      socket.on('close', () => {
        resolve();
      });
      atEnd(() => socket.destroy());
      send();
    });
  await Promise.all(Array.from({ length: connections }, connection));
}

/** So many requests, and how many of them were answered with 200. */
async function answered(url: string, count: number, toNext: (index: number) => string): Promise<number> {
  let sent = 0;
  let good = 0;
  await drive(
    url,
    16,
    () => (sent < count ? toNext(sent++) : undefined),
    (status) => {
      if (status === 200) good++;
    },
  );
  return good;
}

/** Starts a gateway whose heap can be looked at. */
function startInspectedRig(environment: NodeJS.ProcessEnv = {}): Promise<Rig> {
  return startRig({ LOG_LEVEL: 'warn', NODE_OPTIONS: '--inspect=127.0.0.1:0', ...environment });
}

/** What a gateway holds when all garbage has been collected, and all memory of its process, in megabytes. */
async function memoryOf({ gateway }: Rig): Promise<{ heap: number; resident: number }> {
  const inspector = new WebSocket(/ws:\/\/\S+/.exec(gateway.stderr())?.[0] ?? '');
  await once(inspector, 'open');
  const call = async (method: string): Promise<unknown> => {
    inspector.send(JSON.stringify({ id: 1, method }));
    const messages: unknown[] = await once(inspector, 'message');
    const answer: unknown = JSON.parse(String(messages[0]));
    return isObject(answer) ? answer['result'] : undefined;
  };
  await call('HeapProfiler.collectGarbage');
  const usage = await call('Runtime.getHeapUsage');
  inspector.close();
  const metrics = (await ask(`${gateway.opsUrl}/metrics`)).text;
  const resident = Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1]);
  return { heap: Number(isObject(usage) ? usage['usedSize'] : NaN) / 2 ** 20, resident: resident / 2 ** 20 };
}

function print(what: string, figures: Readonly<Record<string, number>>): void {
  const told = Object.entries(figures).map(([name, figure]) => `${name} ${figure.toFixed(1)}`);
  process.stdout.write(`${what}: ${told.join(', ')}\n`);
}

/** The time within which so much of all were answered. */
function quantile(times: readonly number[], share: number): number {
  return times.toSorted((one, other) => one - other)[Math.ceil(times.length * share) - 1] ?? NaN;
}

describe('Callers beside a key that floods a slow REST API', () => {
  it(
    'are all served, and so are operators',
    async () => {
      const { url, gateway, upstream } = await startRig({ LOG_LEVEL: 'warn', MAX_IN_FLIGHT_PER_KEY: '64' });
      upstream.script(({ headers }) => (socket: Socket) => {
        const slow = headers.get('mc-api-key') === 'flood';
        setTimeout(() => socket.write(toBytes(200, { data: [] })), slow ? 2_000 : 20).unref();
      });
      expect(await answered(url, 500, (index) => toRequest(toList(index)))).toBe(500);
      let isOver = false;
      let number = 0;
      const flooded = new Map<number, number>();
      const flood = drive(
        url,
        200,
        () => (isOver ? undefined : toRequest(toList(number++), 'flood')),
        (status) => flooded.set(status, (flooded.get(status) ?? 0) + 1),
      );
      await sleep(1_000);
      const times: number[] = [];
      const statuses = new Set<number>();
      const opsTimes: number[] = [];
      for (let turn = 0; turn < seconds * 5; turn++) {
        let left = 20;
        const next = () => (left-- > 0 ? toRequest(toList(turn)) : undefined);
        const others = drive(url, 20, next, (status, time) => {
          statuses.add(status);
          times.push(time);
        });
        const begun = performance.now();
        expect((await ask(`${gateway.opsUrl}/readyz`)).status).toBe(200);
        opsTimes.push(performance.now() - begun);
        await Promise.all([others, sleep(200)]);
      }
      isOver = true;
      await flood;

      print('callers beside a flood, ms', {
        answered: times.length,
        median: quantile(times, 0.5),
        p99: quantile(times, 0.99),
        'p99 of /readyz': quantile(opsTimes, 0.99),
        'flood served': flooded.get(200) ?? 0,
        'flood refused': flooded.get(429) ?? 0,
      });
      expect([...statuses]).toEqual([200]);
      expect(times).toHaveLength(seconds * 5 * 20);
      expect([...flooded.keys()].sort()).toEqual([200, 429]);
    },
    guard,
  );
});

describe('Keys that come once', () => {
  it(
    'leave nothing behind',
    async () => {
      const rig = await startInspectedRig();
      // One in two makes a REST call.
      const toNext = (index: number) => toRequest(index % 2 === 0 ? toList(index) : { query: '{ __typename }' });
      // Until what is kept of keys for a time is full, and all is compiled.
      expect(await answered(rig.url, 20_000, toNext)).toBe(20_000);
      const before = await memoryOf(rig);
      expect(await answered(rig.url, keyCount, toNext)).toBe(keyCount);
      const after = await memoryOf(rig);

      print(`${keyCount} keys, MB`, { 'heap before': before.heap, after: after.heap, resident: after.resident });
      expect(after.heap - before.heap).toBeLessThan(1);
    },
    guard,
  );
});

describe('Documents that come once', () => {
  it(
    'are kept as far as there is room for them',
    async () => {
      const rig = await startInspectedRig();
      // With names, and as automatic persisted queries.
      const toNext = () => {
        const length = Math.floor(600 * Math.random());
        const query = `query Q${randomBytes(8).toString('hex')} { __typename } # ${'x'.repeat(length)}`;
        const persistedQuery = { version: 1, sha256Hash: hash('sha256', query) };
        return toRequest({ query, extensions: { persistedQuery } });
      };
      expect(await answered(rig.url, 2_500, toNext)).toBe(2_500);
      const before = await memoryOf(rig);
      expect(await answered(rig.url, documentCount, toNext)).toBe(documentCount);
      const after = await memoryOf(rig);

      print(`${documentCount} documents, MB`, {
        'heap before': before.heap,
        after: after.heap,
        resident: after.resident,
      });
      expect(after.heap - before.heap).toBeLessThan(3);
    },
    guard,
  );
});
