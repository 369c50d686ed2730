// The rig of the attack tests: the built gateway in production mode, a REST API, and a neighbour. The neighbour asks one small query in a
// loop, with its own API key. Measures both while a client attacks. Needs Linux, for /proc.
import { setTimeout as sleep } from 'node:timers/promises';
import { addCleanup } from '../../helpers/cleanup.js';
import { numberedId } from '../../helpers/fixtures.js';
import { post } from '../../helpers/http.js';
import { launchGateway } from '../../helpers/process.js';
import { readCpuMs, readPeakMiB, resetPeak } from '../../load/process-usage.js';
import { type SizedRestApi, startSizedRestApi } from '../../load/sized-rest-api.js';

/** API key of the client that attacks. */
export const attackerKey = 'attacker';
const neighbourKey = 'neighbour';

/** Gives an attack the gateway and the REST API, and takes what the attacker got. */
export interface Target {
  /** URL of the GraphQL endpoint. */
  readonly url: string;
  readonly rest: SizedRestApi;
  /** Reports whether the attack must end. */
  readonly isOver: () => boolean;
  /** Resolves when the attack must end. */
  readonly over: Promise<void>;
  /** Records what the client got, e.g. `429 RATE_LIMITED` or `closed 1013`. */
  readonly note: (outcome: string) => void;
}

/**
 * Environment of a gateway with little heap, for work that is allowed and creates much garbage. On a machine with much memory, V8 lets the
 * heap grow before it collects garbage. With this heap, the process ends if the gateway holds more than that.
 */
export const smallHeap = { NODE_OPTIONS: '--max-old-space-size=128' } as const;

/** Describes an attack of one client, and the bounds that the gateway must keep. */
export interface Attack {
  /** Names what the client does, e.g. `sends 101 headers with each request`. */
  readonly name: string;
  /** Environment variables of the gateway, besides those of production. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Prepares the REST API. */
  readonly prepare?: (rest: SizedRestApi) => void;
  /** Attacks until `target.isOver()`, or once. */
  readonly run: (target: Target) => Promise<void>;
  /** Patterns of outcomes, each of which the attacker must see at least once. Default: any. */
  readonly expected?: readonly RegExp[];
  /** Maximum number of REST calls for the attacker, in this many seconds. Default: no maximum. */
  readonly maxRestCalls?: (seconds: number) => number;
  /** Maximum growth of the gateway's resident memory, in MiB. Default: 150. */
  readonly maxMemoryMiB?: number;
  /** Whether the neighbour lists 200 VPNs instead of its small query. Default: false. */
  readonly neighbourLists?: boolean;
  /** Whether the neighbour opens a new connection for each request. Default: false. */
  readonly newConnections?: boolean;
  /** Whether the attack begins with a REST API that fails. The neighbour's requests count from the first that is served. Default: false. */
  readonly beginsWithFailure?: boolean;
}

/** The figures of one attack. */
export interface Figures {
  /** 95th percentile of the neighbour's latency before the attack, in milliseconds. */
  readonly p95Before: number;
  /** 95th percentile of the neighbour's latency during the attack, in milliseconds. Infinity if nothing was served. */
  readonly p95During: number;
  /** 95th percentile of the same query to another gateway, during the attack, in milliseconds: what the machine itself causes. */
  readonly p95OfOther: number;
  /** Number of the neighbour's requests during the attack that were served. */
  readonly served: number;
  /** Outcomes of the neighbour's requests during the attack that were not served. */
  readonly failures: readonly string[];
  /** Growth of the gateway's resident memory at its peak, in MiB. */
  readonly memoryMiB: number;
  /** CPU time of the gateway during the attack, in seconds. */
  readonly cpuSeconds: number;
  /** Duration of the attack, in seconds. */
  readonly seconds: number;
  /** Number of REST calls for the attacker. */
  readonly restCalls: number;
  /** Time from the first failure of the neighbour's until it is served again, in seconds, if the attack begins with a failure; else 0. */
  readonly outageSeconds: number;
  /** Number of responses and closed connections of the attacker, by outcome. */
  readonly outcomes: ReadonlyMap<string, number>;
}

const smallQuery = {
  query: `query Small($id: ID!) {
    siteToSiteVpn(environment: { serviceCode: "compute-on", name: "test_area" }, id: $id) { id name state }
  }`,
  variables: { id: numberedId('vpn', 1) },
};
const listQuery = {
  query: `query List {
    siteToSiteVpns(environment: { serviceCode: "compute-on", name: "rows-200" }) {
      nodes { id name state gateway cidr vpc { id name } }
    }
  }`,
};
// Keeps the neighbour below 1,200 requests in a minute, the default of RATE_LIMIT_PER_MINUTE.
const neighbourPauseMs = 50;
// A request that takes longer counts as failed. In milliseconds.
const patienceMs = 60_000;
const warmUpRequests = 60;

/**
 * Measures the neighbour for `secondsBefore`, then starts the attack. Ends it after `secondsDuring`, at least three of the neighbour's
 * requests, and all outcomes that the attack expects, but after a minute at the latest. Stops the gateway. With 0 for `secondsBefore`, p95Before and p95OfOther are Infinity.
 */
export async function measureAttack(
  attack: Attack,
  { secondsBefore, secondsDuring }: { readonly secondsBefore: number; readonly secondsDuring: number },
): Promise<Figures> {
  const rest = await startSizedRestApi();
  addCleanup(rest.stop);
  const environment = {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    CLOUDCA_API_URL: rest.url,
    LOG_LEVEL: 'warn',
    ...attack.environment,
  };
  // The other gateway shows what the machine itself causes. Without latencies before the attack, there is nothing to compare.
  const [gateway, other] = await Promise.all([
    launchGateway(environment),
    secondsBefore > 0 ? launchGateway(environment) : undefined,
  ]);
  const { url, pid = 0 } = gateway;
  const headers = { 'mc-api-key': neighbourKey, ...(attack.newConnections === true ? { connection: 'close' } : {}) };

  const neighbour = { body: attack.neighbourLists === true ? listQuery : smallQuery, headers };
  for (let request = 0; request < warmUpRequests; request++) {
    await Promise.all([ask(url, neighbour), other && ask(other.url, neighbour)]);
  }
  const before = startAsking(url, neighbour);
  await sleep(secondsBefore * 1_000);
  const answersBefore = await before.stop();

  attack.prepare?.(rest);
  const outcomes = new Map<string, number>();
  const ending = new AbortController();
  const over = new Promise<void>((resolve) => {
    ending.signal.addEventListener('abort', () => {
      resolve();
    });
  });
  const memoryBefore = resetPeak(pid);
  const cpuBefore = readCpuMs(pid);
  const callsBefore = rest.countCalls(attackerKey);
  const startedAt = performance.now();
  const during = startAsking(url, neighbour);
  const beside = other && startAsking(other.url, neighbour);
  const attacking = attack.run({
    url,
    rest,
    isOver: () => ending.signal.aborted,
    over,
    note: (outcome) => {
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    },
  });
  await sleep(secondsDuring * 1_000);
  const isLate = () => performance.now() - startedAt > patienceMs;
  // A busy machine may take longer to reach a limit.
  while (!hasSeen(attack.expected ?? [], outcomes) && !isLate()) await sleep(20);
  while (during.answers.length < 3 || (during.answers.at(-1)?.outcome !== 'served' && !isLate())) await sleep(20);
  ending.abort();
  await attacking;
  const seconds = (performance.now() - startedAt) / 1_000;
  const restCalls = rest.countCalls(attackerKey) - callsBefore;
  const allAnswers = await during.stop();
  const answersOfOther = (await beside?.stop()) ?? [];
  const outage = attack.beginsWithFailure === true ? findOutage(allAnswers) : undefined;
  const answersDuring = outage === undefined ? allAnswers : allAnswers.slice(outage.endIndex);
  const figures: Figures = {
    p95Before: toP95(answersBefore.map(({ milliseconds }) => milliseconds)),
    p95During: toP95(
      answersDuring.map(({ outcome, milliseconds }) => (outcome === 'served' ? milliseconds : Infinity)),
    ),
    p95OfOther: toP95(answersOfOther.map(({ milliseconds }) => milliseconds)),
    served: answersDuring.filter(({ outcome }) => outcome === 'served').length,
    failures: answersDuring.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'served'),
    memoryMiB: readPeakMiB(pid) - memoryBefore,
    cpuSeconds: (readCpuMs(pid) - cpuBefore) / 1_000,
    seconds,
    restCalls,
    outageSeconds: outage?.seconds ?? 0,
    outcomes,
  };
  for (const each of [gateway, other]) {
    each?.signal('SIGKILL');
    await each?.exit;
  }
  rest.stop();
  return figures;
}

/** Reports whether each pattern matches an outcome. */
function hasSeen(patterns: readonly RegExp[], outcomes: ReadonlyMap<string, number>): boolean {
  return patterns.every((pattern) => [...outcomes.keys()].some((outcome) => pattern.test(outcome)));
}

/** The outcome of one of the neighbour's requests: `served`, or what it got instead. */
interface Answer {
  readonly outcome: string;
  readonly milliseconds: number;
  /** When the response had arrived, as of performance.now(). */
  readonly endedAt: number;
}

/** Returns the time from the first failure to the next response that is served. Its index is that after the last answer if there is none. */
function findOutage(answers: readonly Answer[]): { readonly endIndex: number; readonly seconds: number } {
  const begin = answers.findIndex(({ outcome }) => outcome !== 'served');
  const end = answers.findIndex(({ outcome }, index) => begin >= 0 && index > begin && outcome === 'served');
  const seconds = ((answers[end]?.endedAt ?? Infinity) - (answers[begin]?.endedAt ?? 0)) / 1_000;
  if (begin < 0) return { endIndex: 0, seconds: 0 };
  return { endIndex: end < 0 ? answers.length : end, seconds };
}

/** Describes a request of the neighbour. */
interface NeighbourRequest {
  readonly body: object;
  readonly headers: Readonly<Record<string, string>>;
}

async function ask(url: string, { body, headers }: NeighbourRequest): Promise<Answer> {
  const startedAt = performance.now();
  const outcome = await post(url, body, headers, AbortSignal.timeout(patienceMs)).then(
    ({ status, text }) => (status === 200 && text.includes('"name":"vpn-0001"') ? 'served' : toOutcome(status, text)),
    () => 'no response',
  );
  const endedAt = performance.now();
  return { outcome, milliseconds: endedAt - startedAt, endedAt };
}

/** Asks in a loop. Returns the answers so far, and a function that ends the loop and returns all. */
function startAsking(url: string, request: NeighbourRequest) {
  const stopping = new AbortController();
  const answers: Answer[] = [];
  const askInLoop = async () => {
    while (!stopping.signal.aborted) {
      answers.push(await ask(url, request));
      await sleep(neighbourPauseMs);
    }
  };
  const asking = askInLoop();
  const stop = async () => {
    stopping.abort();
    await asking;
    return answers;
  };
  return { answers, stop };
}

/** Formats a response as an outcome, e.g. `429 RATE_LIMITED`. */
export function toOutcome(status: number, body: string): string {
  // A large body has its errors at one of its ends.
  const ends = body.length > 2_000 ? body.slice(0, 1_000) + body.slice(-1_000) : body;
  const code = /"code":"([A-Z_]+)"/.exec(ends)?.[1];
  return code === undefined ? String(status) : `${status} ${code}`;
}

/** Formats figures as a cell of the table in docs/reliability.md. */
export function toCell(figures: Figures): string {
  const { p95Before, p95During, p95OfOther, failures, outageSeconds, memoryMiB, cpuSeconds, seconds, restCalls } =
    figures;
  const during = Number.isFinite(p95During) ? `${Math.round(p95During).toLocaleString('en')} ms` : 'no response';
  return [
    `p95 ${Math.round(p95Before)} → ${during} (${Math.round(p95OfOther)} elsewhere)`,
    ...(outageSeconds > 0 ? [`served again after ${outageSeconds.toFixed(0)} s`] : []),
    ...(failures.length > 0 ? [`${failures.length} failed`] : []),
    `+${Math.max(0, Math.round(memoryMiB)).toLocaleString('en')} MB`,
    `${cpuSeconds.toFixed(1)} s of CPU in ${seconds.toFixed(0)} s`,
    `${restCalls.toLocaleString('en')} calls`,
  ].join('; ');
}

/** Formats what the attacker got, the most frequent first. */
export function toOutcomeList({ outcomes }: Figures): string {
  const entries = [...outcomes].sort(([, a], [, b]) => b - a).slice(0, 5);
  return entries.map(([outcome, count]) => `${outcome} ×${count}`).join(', ');
}

function toP95(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.95) - 1] ?? Infinity;
}
