// Measures 1,000 subscribers to 10 tasks on one process of the built gateway: memory before, during and after, CPU time, and polls. Asserts
// the number of events and polls, and no durations.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

const taskCount = 10;
const subscriberCount = 1_000;
const seconds = 30;
const taskIds = Array.from(
  { length: taskCount },
  (_, index) => `cd7a2da8-6739-4bf6-9e71-5188315${String(25_000 + index)}`,
);

let polls = 0;
let status = 'PENDING';
const upstream = createServer((request, response) => {
  polls++;
  const taskId = request.url?.split('/').at(-1) ?? '';
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ taskId, taskStatus: status, ...(status === 'SUCCESS' ? { result: {} } : {}) }));
});
await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
const address = upstream.address();
if (address === null || typeof address === 'string') throw new TypeError('The upstream has no port.');

const gateway = spawn(process.execPath, ['dist/main.js'], {
  env: { PATH: process.env['PATH'], PORT: '0', OPS_PORT: '0', CLOUDCA_API_URL: `http://127.0.0.1:${address.port}/v1` },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const urls = new Map<string, string>();
for await (const line of createInterface({ input: gateway.stdout })) {
  const [, url, message] = /"url":"([^"]+)".*"msg":"(\w+) listening"/.exec(line) ?? [];
  if (url !== undefined && message !== undefined) urls.set(message, url);
  if (message === 'gateway') break;
}
gateway.stdout.resume();

async function measure(): Promise<{ memoryMb: number; cpuSeconds: number }> {
  const text = await (await fetch(`${urls.get('ops') ?? ''}/metrics`)).text();
  const readSample = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    memoryMb: Math.round(readSample('process_resident_memory_bytes') / 2 ** 20),
    cpuSeconds: readSample('process_cpu_seconds_total'),
  };
}

await sleep(2_000);
const before = await measure();
let events = 0;
let ended = 0;
const clients = Array.from({ length: subscriberCount }, (_, index) => {
  const client = createClient({
    url: (urls.get('gateway') ?? '').replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { 'MC-Api-Key': 'load-key' },
    lazy: false,
    retryAttempts: 0,
  });
  const query = `subscription { taskUpdated(id: "${taskIds[index % taskCount] ?? ''}") { status } }`;
  client.subscribe({ query }, { next: () => events++, error: () => ended++, complete: () => ended++ });
  return client;
});
while (events < subscriberCount) await sleep(50);
const start = await measure();
const pollsAtStart = polls;
await sleep(seconds * 1_000);
const during = await measure();
const pollsDuring = polls - pollsAtStart;
status = 'SUCCESS';
while (ended < subscriberCount) await sleep(50);
for (const client of clients) await client.dispose();
await sleep(5_000);
const after = await measure();
const pollsAtEnd = polls;
await sleep(3_000);

const rows = [
  ['measurement', `${subscriberCount} subscribers to ${taskCount} tasks, ${seconds} s`],
  ['---', '---'],
  ['memory before, during, after (resident)', `${before.memoryMb} MB, ${during.memoryMb} MB, ${after.memoryMb} MB`],
  [
    'CPU with the subscribers',
    `${(((during.cpuSeconds - start.cpuSeconds) / seconds) * 100).toFixed(1)} % of one core`,
  ],
  ['polls per second, of all tasks', (pollsDuring / seconds).toFixed(1)],
  ['events received', String(events)],
];
process.stdout.write(rows.map((cells) => `| ${cells.join(' | ')} |\n`).join(''));

const faults = [
  ...(pollsDuring > taskCount * (seconds + 1) ? ['The gateway polled a task more than once per interval.'] : []),
  ...(events === subscriberCount * 2 ? [] : [`Expected two events per subscriber, got ${events} in total.`]),
  ...(polls > pollsAtEnd ? ['The gateway polled without subscribers.'] : []),
];
gateway.kill();
upstream.close();
process.stderr.write(faults.map((fault) => `${fault}\n`).join(''));
process.exitCode = faults.length === 0 ? 0 : 1;
