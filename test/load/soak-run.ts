// A soak test: callers, many of which disconnect, use the built gateway on a REST API that fails at times. After each phase, all callers
// have gone, and the resources of the idle gateway are counted. Returns what it found, and asserts no durations.
import { Agent, type ClientRequest, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { resourceNames, type ResourceUsage, startSoakGateway } from './soak-gateway.js';
import { CallInFlight, startSoakUpstream, taskId, vpnId } from './soak-upstream.js';

/** Options of a soak test. */
export interface SoakOptions {
  /** Number of phases, not counting the first one, which warms up the process. */
  readonly phases: number;
  /** Duration of the calls in each phase, in milliseconds. */
  readonly phaseMs: number;
  /** Number of concurrent callers. */
  readonly callers: number;
  /** Seed of the random numbers. Runs with one seed still differ, because timing does. */
  readonly seed: number;
  /** Called after each phase. */
  readonly onMeasured?: (usage: ResourceUsage) => void;
}

/** The result of a soak test. */
export interface SoakResult {
  /** Resources after each phase, the warm-up first. */
  readonly usages: readonly ResourceUsage[];
  /** Number of actions of the callers, by name. */
  readonly actionCounts: ReadonlyMap<string, number>;
  /** Number of operations by error code, or `ok`. */
  readonly outcomeCounts: ReadonlyMap<string, number>;
  /** Time from each disconnect during a read until the gateway cancelled its REST call, in milliseconds. */
  readonly readCancellationsMs: readonly number[];
  /** Number of writes during which the caller disconnected. */
  readonly abandonedWrites: number;
  /** One sentence for each fault. */
  readonly faults: readonly string[];
}

type Operation = readonly [query: string, variables: object];

// Number of API keys of the callers.
const keyCount = 8;
// Maximum time in which the gateway must become idle, in milliseconds.
const idleTimeoutMs = 20_000;

const environment = (name: string) => ({ serviceCode: 'compute-on', name });
const listQuery = `query List($environment: EnvironmentInput!) {
  siteToSiteVpns(environment: $environment) { totalCount nodes { id name state ipSecPsk vpc { id name siteToSiteVpns { totalCount } } } }
}`;
const severalQuery = `query Several($environment: EnvironmentInput!, $vpn: ID!, $task: ID!) {
  siteToSiteVpn(environment: $environment, id: $vpn) { name vpc { name } }
  task(id: $task, environment: $environment) { status result siteToSiteVpn { name } }
  environments { id name serviceConnection { id } }
  vpcs(environment: $environment) { nodes { name } }
}`;
const resetQuery = `mutation Reset($input: ResetSiteToSiteVpnInput!) {
  resetSiteToSiteVpn(input: $input) { task { id status } userErrors { code } siteToSiteVpn { name } }
}`;
const deleteQuery = `mutation Delete($input: DeleteSiteToSiteVpnInput!) {
  deleteSiteToSiteVpn(input: $input) { task { id status } userErrors { code } }
}`;
const toSubscription = (target: string) => {
  const scope = 'environment: { serviceCode: "compute-on", name: "shared" }';
  if (target === 'task')
    return `subscription { taskUpdated(id: "${taskId}", ${scope}) { status siteToSiteVpn { name } } }`;
  if (target === 'vpn') return `subscription { siteToSiteVpnUpdated(${scope}, id: "${vpnId}") { name } }`;
  return `subscription { siteToSiteVpnsUpdated(${scope}) { nodes { name vpc { name } } } }`;
};

/** Runs a soak test. */
export async function soak({ phases, phaseMs, callers, seed, onMeasured }: SoakOptions): Promise<SoakResult> {
  const random = createRandom(seed);
  const pick = <T>(first: T, ...others: T[]): T =>
    [first, ...others][Math.floor(random() * (others.length + 1))] ?? first;
  const faults: string[] = [];
  const actionCounts = new Map<string, number>();
  const readCancellationsMs: number[] = [];
  const upstream = await startSoakUpstream(random);
  const gateway = await startSoakGateway(upstream.url);
  const { url, opsUrl } = gateway;
  let requestCount = 0;
  let abandonedReads = 0;
  const abandonedWrites: string[] = [];

  /** Sends a request. Its response is undefined if the connection is lost. */
  const send = (agent: Agent, path: string, body: string, headers: Record<string, string> = {}) => {
    const id = `soak-${++requestCount}`;
    const key = `key-${Math.floor(random() * keyCount)}`;
    const sent = request(`${url}${path}`, {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json', 'mc-api-key': key, 'x-request-id': id, ...headers },
    });
    const response = toResponse(sent);
    sent.end(body);
    return { id, sent, response };
  };
  const run = (agent: Agent, query: string, variables: object) => send(agent, '', JSON.stringify({ query, variables }));

  const readList = (): Operation => [listQuery, { environment: environment(pick('shared', 'other')) }];
  const readSeveral = (): Operation => [severalQuery, { environment: environment('shared'), vpn: vpnId, task: taskId }];
  const write = (name: string, waitSeconds: number): Operation => [
    pick(resetQuery, deleteQuery),
    { input: { environment: environment(name), id: vpnId, waitSeconds } },
  ];

  const actions: Readonly<Record<string, (agent: Agent) => Promise<unknown>>> = {
    'complete a read': (agent) => run(agent, ...pick(readList, readSeveral)()).response,
    'complete a write': (agent) => run(agent, ...write('shared', pick(0, 1))).response,
    'send an invalid request': (agent) =>
      send(agent, '', pick('{', '{"query":"{ nothing }"}', '{"query":"{ a b"}')).response,
    // Each uses its own environment, so that no other caller joins the REST call.
    'disconnect during a read': async (agent) => {
      const { id, sent, response } = run(agent, listQuery, { environment: environment(`held-${requestCount}`) });
      const call = await Promise.race([upstream.waitForCall(id), response]);
      // The gateway made no REST call: it rejected the request, or the circuit breaker was open.
      if (!(call instanceof CallInFlight)) return;
      const disconnectedAt = performance.now();
      sent.destroy();
      abandonedReads++;
      readCancellationsMs.push((await call.closedAt) - disconnectedAt);
    },
    'disconnect during a write': async (agent) => {
      const { id, sent, response } = run(agent, ...write('slow', pick(0, 5)));
      if (!((await Promise.race([upstream.waitForCall(id), response])) instanceof CallInFlight)) return;
      sent.destroy();
      abandonedWrites.push(id);
    },
    'disconnect at a random time': async (agent) => {
      const { sent } = run(agent, ...pick(readList, readSeveral, () => write('shared', 2))());
      await sleep(random() * 80);
      sent.destroy();
    },
    'disconnect after half a request': async (agent) => {
      const sent = request(url, {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/json', 'content-length': 500 },
      });
      void toResponse(sent);
      sent.write('{"query":');
      await sleep(random() * 80);
      sent.destroy();
    },
    'subscribe by WebSocket': async () => {
      const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws');
      const sendMessage = (message: object) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
      };
      // The caller disconnects without waiting for the end.
      socket.on('error', () => undefined);
      socket.once('open', () => {
        sendMessage({ type: 'connection_init', payload: { 'MC-Api-Key': `key-${Math.floor(random() * keyCount)}` } });
      });
      const targets = ['task', 'vpn', 'list'];
      socket.once('message', () => {
        for (const id of targets) sendMessage({ id, type: 'subscribe', payload: { query: toSubscription(id) } });
      });
      await sleep(random() * 600);
      if (random() < 0.5) for (const id of targets) sendMessage({ id, type: 'complete' });
      if (random() < 0.5) socket.terminate();
      else socket.close();
    },
    'subscribe by event stream': async (agent) => {
      const body = JSON.stringify({ query: toSubscription(pick('task', 'vpn', 'list')) });
      const { sent, response } = send(agent, '/stream', body, { accept: 'text/event-stream' });
      await Promise.race([response, sleep(random() * 600)]);
      sent.destroy();
    },
  };
  const actionNames = Object.keys(actions);

  const findActivity = async () => {
    const readMetric = await gateway.readMetrics();
    const counts = {
      subscriptions: readMetric('gateway_subscriptions'),
      polls: readMetric('gateway_polls'),
      'REST calls': upstream.callsInFlight(),
    };
    return Object.entries(counts).flatMap(([name, count]) => (count === 0 ? [] : [`${count} ${name}`]));
  };

  const usages: ResourceUsage[] = [];
  try {
    for (let phase = 0; phase <= phases; phase++) {
      const agent = new Agent({ keepAlive: true });
      const startedAt = performance.now();
      const progress = () => (performance.now() - startedAt) / phaseMs;
      // The REST API is down for a tenth of the phase.
      upstream.isDown = () => progress() > 0.4 && progress() < 0.5;
      const runCaller = async () => {
        while (progress() < 1) {
          const name = actionNames[Math.floor(random() * actionNames.length)] ?? '';
          actionCounts.set(name, (actionCounts.get(name) ?? 0) + 1);
          await actions[name]?.(agent);
          await sleep(random() * 40);
        }
      };
      await Promise.all(Array.from({ length: callers }, runCaller));
      agent.destroy();
      const deadline = performance.now() + idleTimeoutMs;
      let activity: readonly string[];
      do {
        // The gateway may not have read the last requests yet.
        await sleep(500);
        activity = await findActivity();
      } while (activity.length > 0 && performance.now() < deadline);
      if (activity.length > 0)
        faults.push(`After phase ${phase}, the gateway has ${activity.join(', ')} without callers.`);
      // Idle connections to the REST API close after at most six seconds.
      await sleep(6_000);
      const usage = await gateway.measure();
      usages.push(usage);
      onMeasured?.(usage);
    }
    const findUnaudited = () => [...upstream.writeCounts.keys()].filter((id) => !gateway.auditedOutcomes.has(id));
    const deadline = performance.now() + idleTimeoutMs;
    while (findUnaudited().length > 0 && performance.now() < deadline) await sleep(100);
    const repeated = [...upstream.writeCounts].filter(([, count]) => count > 1);
    if (repeated.length > 0) faults.push(`The gateway sent ${repeated.length} writes more than once.`);
    if (findUnaudited().length > 0) faults.push(`The audit log lacks ${findUnaudited().length} writes.`);
    const unfinished = abandonedWrites
      .map((id) => gateway.auditedOutcomes.get(id) ?? 'no line')
      .filter((outcome) => outcome !== 'done');
    if (unfinished.length > 0) faults.push(`The gateway did not finish abandoned writes: ${unfinished.join(', ')}.`);
    const readMetric = await gateway.readMetrics();
    if (readMetric('gateway_rest_calls_total', 'ClientDisconnectedError') < abandonedReads) {
      faults.push('The gateway did not cancel all abandoned reads before their deadline.');
    }
    faults.push(...toGrowthFaults(usages));
    if (gateway.unexpectedErrors() > 0)
      faults.push(`The gateway logged ${gateway.unexpectedErrors()} unexpected errors.`);
    const health = await fetch(`${opsUrl}/readyz`);
    if (health.status !== 200) faults.push('The gateway is not ready.');
    return {
      usages,
      actionCounts,
      outcomeCounts: await gateway.readOutcomes(),
      readCancellationsMs,
      abandonedWrites: abandonedWrites.length,
      faults,
    };
  } finally {
    gateway.kill();
    upstream.stop();
  }
}

// Compares the last phase with the first one after the warm-up, when all code is compiled and all bounded caches are full.
function toGrowthFaults([, first, ...others]: readonly ResourceUsage[]): readonly string[] {
  const last = others.at(-1);
  if (first === undefined || last === undefined) return [];
  // Connections that are about to close cause small differences. A leak adds hundreds.
  const max: ResourceUsage = {
    heap: first.heap * 1.05,
    functions: first.functions * 1.01,
    // Each key may have a timer for one minute, until its rate limit resets.
    timers: first.timers + keyCount + 5,
    sockets: first.sockets + 5,
    files: first.files + 5,
  };
  return resourceNames
    .filter((name) => last[name] > max[name])
    .map((name) => `The gateway leaks ${name}: ${[first, ...others].map((usage) => usage[name]).join(', ')}.`);
}

function toResponse(sent: ClientRequest): Promise<string | undefined> {
  return new Promise((resolve) => {
    sent.on('error', () => {
      resolve(undefined);
    });
    sent.on('close', () => {
      resolve(undefined);
    });
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', () => {
        resolve(undefined);
      });
      response.on('end', () => {
        resolve(text);
      });
    });
  });
}

/** Creates a generator of random numbers from 0 to 1 (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
