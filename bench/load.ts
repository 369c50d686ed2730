// The load generator, a process of its own: does what it is told over IPC, and answers with what it saw. It knows no contender.
import autocannon from 'autocannon';
import { request } from 'undici';
import type { LoadOrder, LoadResult, Order, ProbeOrder, ProbeResult } from './orders.js';
import { orderSchema } from './orders.js';
import { percentile } from './statistics.js';

process.on('message', (message) => {
  void carryOut(orderSchema.parse(message)).then((result) => process.send?.(result));
});

function carryOut(order: Order): Promise<LoadResult | ProbeResult> {
  return order.ask === 'load' ? load(order) : probe(order);
}

// How much longer than told a round may take, in seconds.
const patience = 60;

// As many connections as told, each sending its next request as soon as the last one is answered.
async function load(order: LoadOrder): Promise<LoadResult> {
  const latencies: number[] = [];
  const before = process.cpuUsage();
  const begin = performance.now();
  let end = begin;
  const { errors, timeouts, non2xx, mismatches } = await new Promise<autocannon.Result>((resolve, reject) => {
    const run = autocannon(toOptions(order), (error: unknown, result) => {
      if (error instanceof Error) reject(error);
      else resolve(result);
    });
    run.on('response', (_client, _status, _bytes, milliseconds) => {
      latencies.push(milliseconds);
      end = performance.now();
      // Whoever is slow gets the time for one answer on each connection: of less there is nothing to say.
      if (latencies.length >= order.connections && end - begin >= order.seconds * 1000) run.stop();
    });
  });
  const { user, system } = process.cpuUsage(before);
  const elapsed = performance.now() - begin;
  if (latencies.length === 0) return { sent: order.connections, perSecond: 0, p50: 0, p99: 0, faults: 0, busy: 0 };
  latencies.sort((a, b) => a - b);
  return {
    // Each connection had one more under way when it was over.
    sent: latencies.length + order.connections,
    perSecond: latencies.length / ((end - begin) / 1000),
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    faults: errors + timeouts + non2xx + mismatches,
    busy: (user + system) / 1000 / elapsed,
  };
}

function toOptions(order: LoadOrder): autocannon.Options {
  let connection = 0;
  return {
    url: order.url,
    connections: order.connections,
    duration: order.seconds + patience,
    timeout: order.seconds + patience,
    expectBody: order.expectedBody,
    setupClient: (client) => {
      client.setRequests(
        keysOf(connection++, order).map((key) => ({
          method: 'POST',
          headers: { 'content-type': 'application/json', 'mc-api-key': key },
          body: order.body,
        })),
      );
    },
  };
}

// No key is on two connections: what goes on at the same time is never the same caller's, unless there is but one key.
function keysOf(connection: number, { keys, connections }: LoadOrder): readonly string[] {
  const share = Math.floor(keys / connections);
  if (share === 0) return [toKey(connection % keys)];
  return Array.from({ length: share }, (_, index) => toKey(connection * share + index));
}

function toKey(index: number): string {
  return `bench-key-${String(index).padStart(6, '0')}`;
}

// One caller: the REST call made directly and the query, in turn.
async function probe(order: ProbeOrder): Promise<ProbeResult> {
  const direct: number[] = [];
  const query: number[] = [];
  let faults = 0;
  const headers = { 'mc-api-key': toKey(0) };
  const until = performance.now() + order.seconds * 1000;
  while (performance.now() < until) {
    const call = await timed(() => request(order.directUrl, { headers }));
    direct.push(call.milliseconds);
    const answer = await timed(() =>
      request(order.url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: order.body,
      }),
    );
    query.push(answer.milliseconds);
    if (answer.text !== order.expectedBody) faults++;
  }
  direct.sort((a, b) => a - b);
  query.sort((a, b) => a - b);
  return {
    answered: query.length,
    directP50: percentile(direct, 0.5),
    p50: percentile(query, 0.5),
    p99: percentile(query, 0.99),
    faults,
  };
}

async function timed(send: () => ReturnType<typeof request>): Promise<{ milliseconds: number; text: string }> {
  const begin = performance.now();
  const { body } = await send();
  const text = await body.text();
  return { milliseconds: performance.now() - begin, text };
}
