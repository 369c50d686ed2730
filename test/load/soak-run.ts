// A soak: the built gateway between a REST API that fails in every way now and then and callers of whom many leave, phase after phase; after
// each, what it still holds is counted once all callers have gone. Says what it found, and judges no time.
import { type ChildProcess, spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { Agent, type ClientRequest, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { z } from 'zod';

/** How long it takes. */
export interface SoakOptions {
  /** How many phases are measured; one more goes before them, in which the process gets warm. */
  readonly phases: number;
  /** How long callers come in each, in milliseconds. */
  readonly phaseMs: number;
  /** How many callers come at a time. */
  readonly callers: number;
  /** Of what is random; the callers' pace is not, and so no two runs are the same. */
  readonly seed: number;
  /** Told after each phase. */
  readonly measured?: (held: Held) => void;
}

/** What the process holds when nobody is there, after its garbage has been collected. */
export interface Held {
  /** In bytes. */
  readonly heap: number;
  /** Functions on the heap: a listener that is left is one of them. */
  readonly functions: number;
  /** Timers, those included that keep no process from ending. */
  readonly timers: number;
  readonly sockets: number;
  /** Open files of the process, its sockets among them. */
  readonly files: number;
}

/** What came of a soak. */
export interface Soaked {
  /** After each phase, that of the warming first. */
  readonly held: readonly Held[];
  /** How often callers did what. */
  readonly deeds: ReadonlyMap<string, number>;
  /** How the operations ended, by code; `ok` for those without an error. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** For each caller who left while a read was under way: how long the REST API had to go on with it, in milliseconds. */
  readonly endings: readonly number[];
  /** Writes whose callers left while they were under way. */
  readonly writesLeft: number;
  /** What must not be, a sentence each. */
  readonly faults: readonly string[];
}

const [vpnId, vpcId, taskId] = [
  'd49b2922-0581-4587-94df-6fe719327d0f',
  '0b3f13ec-e005-4a71-8bea-6af42c1a895a',
  'cd7a2da8-6739-4bf6-9e71-518831525ea0',
];
const wireVpn = (name: string) => ({
  id: vpnId,
  name,
  state: 'Connected',
  vpcId,
  gateway: '203.0.113.7',
  cidr: '10.0.0.0/24',
  ipSecPsk: 'soaked-0123456789',
});

/** The names of what is held. */
export const heldNames = ['heap', 'functions', 'timers', 'sockets', 'files'] as const;

const held = z.object({ heap: z.number(), functions: z.number(), timers: z.number(), sockets: z.number() });

// Answers each message with what is held: what is counted is what something still holds, since counting collects garbage first.
const preload = `
  import { Socket } from 'node:net';
  import { queryObjects } from 'node:v8';
  import { setTimeout as sleep } from 'node:timers/promises';
  const timer = setTimeout(() => {}, 0);
  const Timer = timer.constructor;
  const count = (of) => queryObjects(of, { format: 'count' });
  process.on('message', async () => {
    // What ends with one collection may be what held something else.
    for (let round = 0; round < 4; round++) {
      globalThis.gc();
      await sleep(20);
    }
    const [functions, timers, sockets] = [count(Function), count(Timer), count(Socket)];
    process.send({ heap: process.memoryUsage().heapUsed, functions, timers, sockets });
  });
  // With whoever started it.
  process.on('disconnect', () => process.exit());
  process.channel.unref();
`;

/** A document and its variables. */
type Asked = readonly [query: string, variables: object];

// The deadline of a REST call: the longest that a caller of a silent REST API waits.
const deadlineMs = 5_000;
// How many keys the callers have.
const keys = 8;
// A guard against hanging, and no measure.
const guardMs = 20_000;

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
const follow = (what: string) => {
  const scope = 'environment: { serviceCode: "compute-on", name: "shared" }';
  if (what === 'task')
    return `subscription { taskUpdated(id: "${taskId}", ${scope}) { status siteToSiteVpn { name } } }`;
  if (what === 'vpn') return `subscription { siteToSiteVpnUpdated(${scope}, id: "${vpnId}") { name } }`;
  return `subscription { siteToSiteVpnsUpdated(${scope}) { nodes { name vpc { name } } } }`;
};

/** Soaks it. */
export async function soak({ phases, phaseMs, callers, seed, measured: tell }: SoakOptions): Promise<Soaked> {
  const random = createRandom(seed);
  const pick = <T>(first: T, ...others: T[]): T =>
    [first, ...others][Math.floor(random() * (others.length + 1))] ?? first;
  const faults: string[] = [];
  const deeds = new Map<string, number>();
  const endings: number[] = [];
  const rest = await startRest(random);
  const gateway = await startGateway(rest.url);
  const { url, opsUrl } = gateway;
  let asked = 0;
  let readsLeft = 0;
  const writesLeft: string[] = [];

  /** Begins a request; its answer is undefined where the connection was lost. */
  const begin = (agent: Agent, path: string, body: string, headers: Record<string, string> = {}) => {
    const id = `soak-${++asked}`;
    const key = `key-${Math.floor(random() * keys)}`;
    const sent = request(`${url}${path}`, {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json', 'mc-api-key': key, 'x-request-id': id, ...headers },
    });
    const answer = toAnswer(sent);
    sent.end(body);
    return { id, sent, answer };
  };
  const ask = (agent: Agent, query: string, variables: object) =>
    begin(agent, '', JSON.stringify({ query, variables }));

  const readList = (): Asked => [listQuery, { environment: environment(pick('shared', 'other')) }];
  const readSeveral = (): Asked => [severalQuery, { environment: environment('shared'), vpn: vpnId, task: taskId }];
  const write = (name: string, waitSeconds: number): Asked => [
    pick(resetQuery, deleteQuery),
    { input: { environment: environment(name), id: vpnId, waitSeconds } },
  ];

  const actions: Readonly<Record<string, (agent: Agent) => Promise<unknown>>> = {
    'read to the end': (agent) => ask(agent, ...pick(readList, readSeveral)()).answer,
    'write to the end': (agent) => ask(agent, ...write('shared', pick(0, 1))).answer,
    'ask for what there is not': (agent) =>
      begin(agent, '', pick('{', '{"query":"{ nothing }"}', '{"query":"{ a b"}')).answer,
    // Of an environment of its own: nobody shares the call.
    'leave a read under way': async (agent) => {
      const { id, sent, answer } = ask(agent, listQuery, { environment: environment(`held-${asked}`) });
      const call = await Promise.race([rest.whenCalled(id), answer]);
      // Refused, or the REST API is left alone.
      if (!(call instanceof Call)) return;
      const left = performance.now();
      sent.destroy();
      readsLeft++;
      endings.push((await call.closed) - left);
    },
    'leave a write under way': async (agent) => {
      const { id, sent, answer } = ask(agent, ...write('slow', pick(0, 5)));
      if (!((await Promise.race([rest.whenCalled(id), answer])) instanceof Call)) return;
      sent.destroy();
      writesLeft.push(id);
    },
    'leave at any time': async (agent) => {
      const { sent } = ask(agent, ...pick(readList, readSeveral, () => write('shared', 2))());
      await sleep(random() * 80);
      sent.destroy();
    },
    'leave half a request': async (agent) => {
      const sent = request(url, {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/json', 'content-length': 500 },
      });
      void toAnswer(sent);
      sent.write('{"query":');
      await sleep(random() * 80);
      sent.destroy();
    },
    'follow by WebSocket': async () => {
      const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws');
      const send = (message: object) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
      };
      // How it ends is seen at the gateway.
      socket.on('error', () => undefined);
      socket.once('open', () => {
        send({ type: 'connection_init', payload: { 'MC-Api-Key': `key-${Math.floor(random() * keys)}` } });
      });
      const what = ['task', 'vpn', 'list'];
      socket.once('message', () => {
        for (const id of what) send({ id, type: 'subscribe', payload: { query: follow(id) } });
      });
      await sleep(random() * 600);
      if (random() < 0.5) for (const id of what) send({ id, type: 'complete' });
      if (random() < 0.5) socket.terminate();
      else socket.close();
    },
    'follow by an event stream': async (agent) => {
      const body = JSON.stringify({ query: follow(pick('task', 'vpn', 'list')) });
      const { sent, answer } = begin(agent, '/stream', body, { accept: 'text/event-stream' });
      await Promise.race([answer, sleep(random() * 600)]);
      sent.destroy();
    },
  };
  const names = Object.keys(actions);

  const goingOn = async () => {
    const metrics = await gateway.metrics();
    const counts = {
      subscriptions: metrics('gateway_subscriptions'),
      polls: metrics('gateway_polls'),
      'REST calls': rest.underWay(),
    };
    return Object.entries(counts).flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what}`]));
  };

  const measured: Held[] = [];
  try {
    for (let phase = 0; phase <= phases; phase++) {
      const agent = new Agent({ keepAlive: true });
      const begun = performance.now();
      const passed = () => (performance.now() - begun) / phaseMs;
      // A tenth of the time nothing works.
      rest.failsAll = () => passed() > 0.4 && passed() < 0.5;
      const come = async () => {
        while (passed() < 1) {
          const name = names[Math.floor(random() * names.length)] ?? '';
          deeds.set(name, (deeds.get(name) ?? 0) + 1);
          await actions[name]?.(agent);
          await sleep(random() * 40);
        }
      };
      await Promise.all(Array.from({ length: callers }, come));
      agent.destroy();
      const guard = performance.now() + guardMs;
      // What the last have sent may not have been read yet.
      let goesOn: readonly string[];
      do {
        await sleep(500);
        goesOn = await goingOn();
      } while (goesOn.length > 0 && performance.now() < guard);
      if (goesOn.length > 0) faults.push(`After phase ${phase} there are ${goesOn.join(', ')} though nobody is there.`);
      // Connections that are kept for the next caller are closed by themselves, the last after six seconds.
      await sleep(6_000);
      const now = await gateway.measure();
      measured.push(now);
      tell?.(now);
    }
    const unlogged = () => [...rest.writes.keys()].filter((id) => !gateway.audited.has(id));
    const guard = performance.now() + guardMs;
    while (unlogged().length > 0 && performance.now() < guard) await sleep(100);
    const twice = [...rest.writes].filter(([, count]) => count > 1);
    if (twice.length > 0) faults.push(`${twice.length} writes were sent more than once.`);
    if (unlogged().length > 0) faults.push(`${unlogged().length} writes are in no line of the audit log.`);
    const undone = writesLeft.map((id) => gateway.audited.get(id) ?? 'no line').filter((outcome) => outcome !== 'done');
    if (undone.length > 0) faults.push(`Writes whose callers left were not finished: ${undone.join(', ')}.`);
    const metrics = await gateway.metrics();
    if (metrics('gateway_rest_calls_total', 'CallerGoneError') < readsLeft) {
      faults.push('Reads whose callers left went on to their deadline.');
    }
    faults.push(...toGrowth(measured));
    if (gateway.unexpected() > 0) faults.push(`${gateway.unexpected()} errors were logged that nobody has foreseen.`);
    const health = await fetch(`${opsUrl}/readyz`);
    if (health.status !== 200) faults.push('It is not ready any more.');
    return {
      held: measured,
      deeds,
      outcomes: await gateway.outcomes(),
      endings,
      writesLeft: writesLeft.length,
      faults,
    };
  } finally {
    gateway.end();
    rest.end();
  }
}

// The first phase after the warming is what others are held to: by then all is compiled, and what is bounded is full.
function toGrowth([, first, ...others]: readonly Held[]): readonly string[] {
  const last = others.at(-1);
  if (first === undefined || last === undefined) return [];
  // A connection may be about to close; whatever is left behind by callers is left behind by hundreds.
  const most: Held = {
    heap: first.heap * 1.05,
    functions: first.functions * 1.01,
    // Each of the callers' keys may have one for a minute, until its budget is whole again.
    timers: first.timers + keys + 5,
    sockets: first.sockets + 5,
    files: first.files + 5,
  };
  return heldNames
    .filter((name) => last[name] > most[name])
    .map((name) => `It holds more and more: ${name} ${[first, ...others].map((each) => each[name]).join(', ')}.`);
}

/** A REST call under way. */
class Call {
  /** When it was over: answered, or given up by the gateway. */
  readonly closed: Promise<number>;

  constructor(response: ServerResponse) {
    this.closed = new Promise((resolve) => {
      const close = () => {
        resolve(performance.now());
      };
      // By the time that it has been read, it may have been given up.
      if (response.destroyed) close();
      else response.once('close', close);
    });
  }
}

/** The REST API of a soak: one in five calls fails, each in its own way. */
async function startRest(random: () => number) {
  const writes = new Map<string, number>();
  const waiting = new Map<string, (call: Call) => void>();
  let underWay = 0;
  const rest = { failsAll: () => false };
  const answer = (incoming: IncomingMessage, response: ServerResponse): void => {
    const { method = '', url = '' } = incoming;
    const id = String(incoming.headers['x-request-id']);
    if (method !== 'GET') writes.set(id, (writes.get(id) ?? 0) + 1);
    waiting.get(id)?.(new Call(response));
    waiting.delete(id);
    const json = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const task = { taskId, taskStatus: random() < 0.3 ? 'SUCCESS' : 'PENDING', result: { id: vpnId } };
    if (url.includes('/held-')) return;
    if (url.includes('/slow/')) {
      setTimeout(() => json(200, method === 'GET' ? { data: [] } : { taskId, taskStatus: 'PENDING' }), 50);
      return;
    }
    if (rest.failsAll()) {
      json(503, { errors: [{ code: 'DOWN', message: 'Down.' }] });
      return;
    }
    const roll = Math.floor(random() * 100);
    const failures: readonly (() => unknown)[] = [
      () => json(503, {}),
      () => json(500, { errors: [{ code: 'E', message: 'Broken.' }] }),
      () => json(429, {}),
      () => json(404, {}),
      () => json(400, { errors: [{ code: 'E', message: 'Bad.' }] }),
      () => response.destroy(),
      () => response.writeHead(200, { 'content-length': 1_000 }).write('{"data":', () => response.destroy()),
      () => response.writeHead(200).end('<html>'),
      () => response.writeHead(302, { location: '/elsewhere' }).end(),
      () => json(200, { data: [{ id: 7 }] }),
      // It never comes, or drips.
      () => undefined,
      () => {
        response.writeHead(200);
        const dripping = setInterval(() => response.write(' '), 50);
        response.once('close', () => {
          clearInterval(dripping);
        });
      },
    ];
    const fails = failures[roll];
    if (fails !== undefined) fails();
    else {
      setTimeout(() => {
        if (method !== 'GET' || url.includes('/tasks/')) json(200, task);
        else if (url.includes('/vpcs/')) json(200, { data: { id: vpcId, name: 'vpc' } });
        else if (url.includes('/vpcs')) json(200, { data: [{ id: vpcId, name: 'vpc' }] });
        else if (url.includes('/sitetositevpns/')) json(200, { data: wireVpn(`vpn-${roll}`) });
        else if (url.includes('/sitetositevpns'))
          json(200, { data: Array.from({ length: 25 }, (_, index) => wireVpn(`vpn-${roll}-${index}`)) });
        else json(200, { data: [{ id: 'e', name: 'shared', serviceConnection: { id: 's', name: 'S' } }] });
      }, roll % 20);
    }
  };
  const server = createServer((incoming, response) => {
    underWay++;
    response.once('close', () => underWay--);
    incoming.resume().once('end', () => {
      answer(incoming, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('The upstream has no port.');
  return Object.assign(rest, {
    url: `http://127.0.0.1:${address.port}/v1`,
    writes,
    underWay: () => underWay,
    whenCalled: (id: string) => new Promise<Call>((resolve) => waiting.set(id, resolve)),
    end: () => {
      server.closeAllConnections();
      server.close();
    },
  });
}

/** The built gateway, which tells what it holds. */
async function startGateway(restUrl: string) {
  const args = ['--expose-gc', '--import', `data:text/javascript,${encodeURIComponent(preload)}`, 'dist/main.js'];
  const child: ChildProcess = spawn(process.execPath, args, {
    env: {
      PORT: '0',
      OPS_PORT: '0',
      CLOUDCA_API_URL: restUrl,
      CLOUDCA_API_TIMEOUT_MS: String(deadlineMs),
      TASK_POLL_MS: '50',
      WATCH_POLL_MS: '50',
      RATE_LIMIT_PER_MINUTE: '1000000',
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const { stdout } = child;
  if (stdout === null) throw new TypeError('The process has no stdout.');
  const line = z.looseObject({
    msg: z.string(),
    url: z.string().optional(),
    requestId: z.string().optional(),
    what: z.string().optional(),
    outcome: z.string().optional(),
  });
  const urls = new Map<string, string>();
  const audited = new Map<string, string>();
  let unexpected = 0;
  const listening = new Promise<void>((resolve, reject) => {
    createInterface({ input: stdout }).on('line', (text) => {
      const { msg, url, requestId, what, outcome } = line.parse(JSON.parse(text));
      if (url !== undefined) urls.set(msg, url);
      if (msg === 'gateway listening') resolve();
      if (msg === 'audit' && requestId !== undefined && what !== 'SiteToSiteVpn.ipSecPsk')
        audited.set(requestId, outcome ?? '');
      if (msg === 'unexpected error') unexpected++;
    });
    child.once('exit', () => {
      reject(new Error('The gateway has ended.'));
    });
  });
  await listening;
  const opsUrl = urls.get('ops listening') ?? '';
  const text = async () => (await fetch(`${opsUrl}/metrics`, { headers: { connection: 'close' } })).text();
  return {
    url: urls.get('gateway listening') ?? '',
    opsUrl,
    audited,
    unexpected: () => unexpected,
    /** Gives the sum of a metric, of those of its series whose labels have a word. */
    metrics: async () => {
      const lines = (await text()).split('\n');
      return (name: string, label = '') =>
        lines
          .filter((each) => (each.startsWith(`${name} `) || each.startsWith(`${name}{`)) && each.includes(label))
          .reduce((sum, each) => sum + Number(each.split(' ').at(-1)), 0);
    },
    outcomes: async () => {
      const counts = new Map<string, number>();
      for (const [, outcome, count] of (await text()).matchAll(
        /^gateway_operations_total\{.*outcome="(\w+)"\} (\d+)$/gm,
      )) {
        counts.set(outcome ?? '', (counts.get(outcome ?? '') ?? 0) + Number(count));
      }
      return counts;
    },
    measure: async (): Promise<Held> => {
      const told = new Promise((resolve) => child.once('message', resolve));
      child.send('measure');
      const files = (await readdir(`/proc/${child.pid ?? ''}/fd`)).length;
      return { ...held.parse(await told), files };
    },
    end: () => child.kill('SIGKILL'),
  };
}

function toAnswer(sent: ClientRequest): Promise<string | undefined> {
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

// Numbers from 0 to 1 by a seed (mulberry32).
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
