// The load generator. Runs as a separate process; it executes one IPC message at a time and returns the result.
import autocannon from 'autocannon';
import { request } from 'undici';
import {
  type LatencyMessage,
  type LatencyResult,
  type LoadMessage,
  type LoadResult,
  type Message,
  messageSchema,
} from './messages.js';
import { percentile } from './statistics.js';

process.on('message', (message) => {
  void execute(messageSchema.parse(message)).then((result) => process.send?.(result));
});

function execute(message: Message): Promise<LoadResult | LatencyResult> {
  return message.type === 'load' ? measureLoad(message) : measureLatency(message);
}

// Time by which a round may exceed its duration, in seconds.
const maxOverrunSeconds = 60;

// Each connection sends its next request as soon as it has received a response.
async function measureLoad(message: LoadMessage): Promise<LoadResult> {
  const latencies: number[] = [];
  const before = process.cpuUsage();
  const startedAt = performance.now();
  let lastResponseAt = startedAt;
  const outcome = await new Promise<autocannon.Result>((resolve, reject) => {
    const run = autocannon(toOptions(message), (error: unknown, result) => {
      if (error instanceof Error) reject(error);
      else resolve(result);
    });
    run.on('response', (_client, _status, _bytes, milliseconds) => {
      latencies.push(milliseconds);
      lastResponseAt = performance.now();
      // A slow contender may exceed the duration until it has sent as many responses as there are connections; fewer mean nothing.
      if (latencies.length >= message.connections && lastResponseAt - startedAt >= message.seconds * 1000) run.stop();
    });
  });
  const { user, system } = process.cpuUsage(before);
  const elapsedMs = performance.now() - startedAt;
  if (latencies.length === 0) {
    return { sent: message.connections, requestsPerSecond: 0, p50Ms: 0, p99Ms: 0, errors: 0, generatorCpuShare: 0 };
  }
  latencies.sort((a, b) => a - b);
  return {
    // Each connection had one more request in flight at the end.
    sent: latencies.length + message.connections,
    requestsPerSecond: latencies.length / ((lastResponseAt - startedAt) / 1000),
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    errors: outcome.errors + outcome.timeouts + outcome.non2xx + outcome.mismatches,
    generatorCpuShare: (user + system) / 1000 / elapsedMs,
  };
}

function toOptions(message: LoadMessage): autocannon.Options {
  let connection = 0;
  return {
    url: message.url,
    connections: message.connections,
    duration: message.seconds + maxOverrunSeconds,
    timeout: message.seconds + maxOverrunSeconds,
    expectBody: message.expectedBody,
    setupClient: (client) => {
      client.setRequests(
        keysOf(connection++, message).map((key) => ({
          method: 'POST',
          headers: { 'content-type': 'application/json', 'mc-api-key': key },
          body: message.body,
        })),
      );
    },
  };
}

// Uses each key on one connection only, so that concurrent requests never share a key. The exception is a workload with fewer keys than connections.
function keysOf(connection: number, { keys, connections }: LoadMessage): readonly string[] {
  const share = Math.floor(keys / connections);
  if (share === 0) return [toKey(connection % keys)];
  return Array.from({ length: share }, (_, index) => toKey(connection * share + index));
}

function toKey(index: number): string {
  return `bench-key-${String(index).padStart(6, '0')}`;
}

// Alternates between the direct REST call and the query, one at a time.
async function measureLatency(message: LatencyMessage): Promise<LatencyResult> {
  const directMs: number[] = [];
  const queryMs: number[] = [];
  let errors = 0;
  const headers = { 'mc-api-key': toKey(0) };
  const deadline = performance.now() + message.seconds * 1000;
  while (performance.now() < deadline) {
    const direct = await measureTime(() => request(message.directUrl, { headers }));
    directMs.push(direct.elapsedMs);
    const query = await measureTime(() =>
      request(message.url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: message.body,
      }),
    );
    queryMs.push(query.elapsedMs);
    if (query.text !== message.expectedBody) errors++;
  }
  directMs.sort((a, b) => a - b);
  queryMs.sort((a, b) => a - b);
  return {
    queries: queryMs.length,
    directP50Ms: percentile(directMs, 0.5),
    p50Ms: percentile(queryMs, 0.5),
    p99Ms: percentile(queryMs, 0.99),
    errors,
  };
}

async function measureTime(send: () => ReturnType<typeof request>): Promise<{ elapsedMs: number; text: string }> {
  const startedAt = performance.now();
  const { body } = await send();
  const text = await body.text();
  return { elapsedMs: performance.now() - startedAt, text };
}
