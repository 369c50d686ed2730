// Measures how long the built gateway keeps its event loop busy while the REST API sends lists of 5,000 VPNs. Reports the most CPU time of
// the main thread between two runs of a timer, and the longest delay of a timer (`nodejs_eventloop_lag_max_seconds`). Other work on the
// machine adds to the delay only. Asserts the number of rows, and no durations. Needs Linux, for /proc.
// Options: --rows 5000, --times 10 (requests of each kind).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { startSizedRestApi } from './sized-rest-api.js';

const { values } = parseArgs({ options: { rows: { type: 'string' }, times: { type: 'string' } } });
const rows = Number(values.rows ?? 5_000);
const times = Number(values.times ?? 10);

// Runs in the gateway before its own code. For each SIGCONT, writes the most CPU time of a turn since the last one, in milliseconds.
const monitor = `
import { openSync, readSync, writeSync } from 'node:fs';
const schedstat = openSync('/proc/thread-self/schedstat', 'r');
const buffer = Buffer.alloc(64);
const readCpuMs = () => parseInt(buffer.toString('latin1', 0, readSync(schedstat, buffer, 0, 64, 0))) / 1e6;
let last = readCpuMs();
let longest = 0;
setInterval(() => {
  const now = readCpuMs();
  longest = Math.max(longest, now - last);
  last = now;
}, 1);
process.on('SIGCONT', () => {
  writeSync(3, longest + '\\n');
  longest = 0;
});`;

const rest = await startSizedRestApi();
const args = ['--import', `data:text/javascript,${encodeURIComponent(monitor)}`, 'dist/main.js'];
const gateway = spawn(process.execPath, args, {
  env: {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: '0',
    OPS_PORT: '0',
    CLOUDCA_API_URL: rest.url,
    LOG_LEVEL: 'warn',
    RATE_LIMIT_PER_MINUTE: '0',
    MAX_RESULT_FIELDS: '0',
    WATCH_POLL_MS: '100',
  },
  stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
});
const { stdout } = gateway;
const monitorOutput = gateway.stdio[3];
if (stdout === null || !(monitorOutput instanceof Readable)) throw new TypeError('The gateway has no output.');
const cpuTimes = createInterface({ input: monitorOutput });
const urls = new Map<string, string>();
for await (const line of createInterface({ input: stdout })) {
  const [, url, message] = /"url":"([^"]+)".*"msg":"(\w+) listening"/.exec(line) ?? [];
  if (url !== undefined && message !== undefined) urls.set(message, url);
  if (urls.has('gateway') && urls.has('ops')) break;
}
stdout.resume();

const url = urls.get('gateway') ?? '';

/** Returns the longest turn since the last call, in milliseconds: its CPU time, and the delay of a timer without that timer's own 10 ms. */
async function readLongestTurn(): Promise<string> {
  const cpuTime = once(cpuTimes, 'line');
  gateway.kill('SIGCONT');
  const cpuMs = Number((await cpuTime)[0]);
  const text = await (await fetch(`${urls.get('ops') ?? ''}/metrics`)).text();
  const delayMs = Number(/^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(text)?.[1]) * 1_000 - 10;
  return `${cpuMs.toFixed(0)} | ${delayMs.toFixed(0)}`;
}

async function send(query: string, path = ''): Promise<Response> {
  return fetch(`${url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'mc-api-key': 'large-lists',
      ...(path === '' ? {} : { accept: 'text/event-stream' }),
    },
    body: JSON.stringify({ query }),
  });
}

/** Runs a query. Throws if its response lacks a row. */
async function runQuery(query: string): Promise<void> {
  const text = await (await send(query)).text();
  if (text.includes('"errors"') || !text.includes(`"totalCount":${rows}`)) throw new Error(text.slice(0, 500));
}

/** Reads events of a subscription. */
async function runSubscription(query: string): Promise<void> {
  let events = 0;
  let end = '';
  for await (const chunk of (await send(query, '/stream')).body ?? []) {
    const text = end + Buffer.from(chunk).toString('latin1');
    events += text.split('event: next').length - 1;
    end = text.slice(-'event: next'.length + 1);
    if (events >= times) break;
  }
}

const environment = (name: string) => `environment: { serviceCode: "compute-on", name: "${name}" }`;
const environmentName = `rows-${rows}-vpcs-50`;
const fields = `id name state vpcId gateway cidr ipSecPsk ikeEncryptionAlgorithm ikeHashAlgorithm ikeDhGroup ikeLifetime
  espEncryptionAlgorithm espHashAlgorithm espPerfectForwardSecrecy espLifetime dpd forceEncap`;
const list = (selection: string) => `{ siteToSiteVpns(${environment(environmentName)}) { totalCount ${selection} } }`;
const queries: Readonly<Record<string, string>> = {
  'a count': list(''),
  'a page of 25 rows': `{ siteToSiteVpns(${environment(environmentName)}, first: 25) { totalCount nodes { ${fields} } } }`,
  'all rows, their names': list('nodes { id name }'),
  'all rows, 17 fields': list(`nodes { ${fields} }`),
  'all rows with cursors, lists and VPCs': list(
    `edges { cursor node { ${fields} unknownValues { field } securityAdvisories { field message } vpc { name cidr } } }`,
  ),
};
// The first request loads code: that is work of a start, not of a list.
await send(`{ siteToSiteVpns(${environment('rows-1')}) { totalCount nodes { id } } }`);
process.stdout.write(`| ${rows} VPNs | longest turn: CPU time in ms | delay of a timer in ms |\n| --- | --- | --- |\n`);
for (const [name, query] of Object.entries(queries)) {
  await readLongestTurn();
  for (let time = 0; time < times; time++) await runQuery(query);
  process.stdout.write(`| ${name} | ${await readLongestTurn()} |\n`);
}
await runSubscription(
  `subscription { siteToSiteVpnsUpdated(${environment(`${environmentName}-changing`)}) { totalCount nodes { ${fields} } } }`,
);
process.stdout.write(`| ${times} events with all rows | ${await readLongestTurn()} |\n`);
gateway.kill('SIGKILL');
rest.stop();
