// Searches for the most expensive operations that the default limits allow: by CPU time, by memory and by REST calls. Sends one request at
// a time to the built gateway. Climbs: changes the worst operation at random, and keeps what costs more. Needs Linux, for /proc.
// Options: --minutes 5, --seed NUMBER (repeats the choices; measurements differ).
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { buildSchema, OperationTypeNode } from 'graphql';
import { readCpuMs, readPeakMiB, resetPeak } from './process-usage.js';
import { type Candidate, RandomRequests } from './random-requests.js';
import { startSizedRestApi } from './sized-rest-api.js';

const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } });
const minutes = Number(values.minutes ?? 5);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);

const apiKey = 'worst-case';
// Requests for one measurement. /proc counts CPU time in steps of 10 ms.
const measuredRequests = 4;
// The gateway compiles a query after a few executions.
const warmUpRequests = 8;
// A measurement ends early if it takes longer than this, in milliseconds.
const maxMeasurementMs = 1_000;
const requestTimeoutMs = 60_000;
// The gateway is restarted if it holds this much more than after its start, in MiB: the next peak would not show.
const maxHeldMiB = 60;
// A climb begins with the best of this many random operations.
const firstSteps = 10;
// Steps without a better operation after which a climb begins anew.
const maxStaleSteps = 40;

const goals = ['cpuMs', 'memoryMiB', 'restCalls'] as const;
type Goal = (typeof goals)[number];

/** Cost of one request, or of one event of a subscription. */
interface Cost extends Readonly<Record<Goal, number>> {
  /** HTTP status, and code of the first error. */
  readonly outcome: string;
  readonly responseBytes: number;
}

interface Measured {
  readonly candidate: Candidate;
  readonly cost: Cost;
}

const rest = await startSizedRestApi();
let gateway = await startGateway();
let isUnresponsive = false;

async function startGateway() {
  const child: ChildProcess = spawn(process.execPath, ['dist/main.js'], {
    env: {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: '0',
      OPS_PORT: '0',
      CLOUDCA_API_URL: rest.url,
      LOG_LEVEL: 'warn',
      // The search itself sends more than one key may.
      RATE_LIMIT_PER_MINUTE: '0',
      WATCH_POLL_MS: '20',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { stdout, pid = 0 } = child;
  if (stdout === null) throw new TypeError('The process has no stdout.');
  for await (const line of createInterface({ input: stdout })) {
    const url = /"url":"([^"]+\/graphql)"/.exec(line)?.[1];
    if (url === undefined) continue;
    stdout.resume();
    return { url, pid, kill: () => child.kill('SIGKILL'), freshMiB: resetPeak(pid) };
  }
  throw new Error('The gateway has exited.');
}

/** Sends a request, or takes one event of a subscription. */
async function send(candidate: Candidate, query: string): Promise<Pick<Cost, 'outcome' | 'responseBytes'>> {
  const isStream = candidate.kind === OperationTypeNode.SUBSCRIPTION;
  const stop = new AbortController();
  const response = await fetch(isStream ? `${gateway.url}/stream` : gateway.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'mc-api-key': apiKey,
      ...(isStream ? { accept: 'text/event-stream' } : {}),
    },
    body: JSON.stringify({ query }),
    signal: AbortSignal.any([stop.signal, AbortSignal.timeout(requestTimeoutMs)]),
  });
  let responseBytes = 0;
  let start = '';
  let end = '';
  for await (const chunk of response.body ?? []) {
    const text = Buffer.from(chunk).toString('latin1');
    responseBytes += text.length;
    if (start.length < 1_000) start += text;
    end = (end + text).slice(-1_000);
    // An event ends with an empty line.
    if (isStream && start.includes('event: next') && end.endsWith('\n\n')) break;
  }
  stop.abort();
  const code = /"code":"([A-Z_]+)"/.exec(start)?.[1] ?? /"code":"([A-Z_]+)"/.exec(end)?.[1] ?? '';
  return { outcome: `${response.status} ${code}`.trim(), responseBytes };
}

async function measure(requests: RandomRequests, candidate: Candidate, goal: Goal): Promise<Cost> {
  const isHeavy = goal === 'memoryMiB' && resetPeak(gateway.pid) > gateway.freshMiB + maxHeldMiB;
  if (isUnresponsive || isHeavy) {
    gateway.kill();
    gateway = await startGateway();
    isUnresponsive = false;
  }
  const text = requests.print(candidate);
  let count = 0;
  let last = { outcome: 'no response', responseBytes: 0 };
  const sendUpTo = async (max: number) => {
    const startedAt = performance.now();
    for (count = 0; count < max && performance.now() - startedAt < maxMeasurementMs; count++) {
      // A comment makes the text new, so that no cache has it.
      last = await send(candidate, candidate.isCompiled ? text : `${text} #${performance.now()}`);
      if (last.outcome.startsWith('400')) max = 1;
    }
  };
  const heldMiB = resetPeak(gateway.pid);
  let cpuMs = readCpuMs(gateway.pid);
  let restCalls = rest.countCalls(apiKey);
  try {
    if (candidate.isCompiled) {
      await sendUpTo(warmUpRequests);
      cpuMs = readCpuMs(gateway.pid);
      restCalls = rest.countCalls(apiKey);
    }
    await sendUpTo(measuredRequests);
  } catch {
    isUnresponsive = true;
    count = 1;
    last = { outcome: 'no response', responseBytes: 0 };
  }
  return {
    cpuMs: (readCpuMs(gateway.pid) - cpuMs) / count,
    memoryMiB: readPeakMiB(gateway.pid) - heldMiB,
    // A subscription polls for as long as it is open, whatever its events cost.
    restCalls: candidate.kind === OperationTypeNode.SUBSCRIPTION ? 0 : (rest.countCalls(apiKey) - restCalls) / count,
    ...last,
  };
}

/** Returns a generator of numbers from 0 to below 1 (mulberry32). */
function createRandom(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function toFigures({ candidate, cost }: Measured): string {
  const { cpuMs, memoryMiB, restCalls, responseBytes, outcome } = cost;
  const figures = [
    `${Math.round(cpuMs).toLocaleString('en')} ms`,
    `${Math.round(memoryMiB).toLocaleString('en')} MB`,
    restCalls.toLocaleString('en', { maximumFractionDigits: 1 }),
    `${(responseBytes / 1e6).toFixed(1)} MB`,
    outcome,
    `${candidate.kind}${candidate.isCompiled ? ', compiled' : ''}, ${candidate.environment}`,
  ];
  return figures.join(' | ');
}

const requests = new RandomRequests(buildSchema(readFileSync('schema.graphql', 'utf8')), createRandom(seed));
const worst = new Map<Goal, Measured>();
interface Climb {
  best: Measured | undefined;
  steps: number;
  staleSteps: number;
}
const begin = (): Climb => ({ best: undefined, steps: 0, staleSteps: 0 });
const climbs = new Map(goals.map((goal) => [goal, begin()]));
const startedAt = performance.now();
let steps = 0;
process.stdout.write(`--seed ${seed} --minutes ${minutes}\n`);
while (performance.now() - startedAt < minutes * 60_000) {
  for (const [goal, climb] of climbs) {
    const { best } = climb;
    const candidate =
      best === undefined || climb.steps < firstSteps ? requests.create() : requests.mutate(best.candidate);
    const measured = { candidate, cost: await measure(requests, candidate, goal) };
    steps++;
    climb.steps++;
    climb.staleSteps++;
    if (measured.cost[goal] > (best?.cost[goal] ?? -1)) Object.assign(climb, { best: measured, staleSteps: 0 });
    if (climb.staleSteps > maxStaleSteps) climbs.set(goal, begin());
    for (const each of goals) {
      if (measured.cost[each] <= (worst.get(each)?.cost[each] ?? 0)) continue;
      worst.set(each, measured);
      process.stdout.write(`${steps} ${each}: ${toFigures(measured)}\n`);
    }
  }
}
gateway.kill();
rest.stop();
process.stdout.write(`\n${steps} operations. The worst:\n\n`);
process.stdout.write('| most | CPU time | memory | REST calls | response | outcome | operation |\n');
process.stdout.write(`| ${Array.from({ length: 7 }, () => '---').join(' | ')} |\n`);
for (const [goal, measured] of worst) process.stdout.write(`| ${goal} | ${toFigures(measured)} |\n`);
for (const [goal, { candidate }] of worst) process.stdout.write(`\n${goal}:\n${requests.print(candidate)}\n`);
