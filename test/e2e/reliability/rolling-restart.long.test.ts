// Two built gateways behind the real HAProxy, with the configuration of deploy/haproxy, restarted one after the other while callers read,
// write, wait and follow. Prints what was counted. Skipped where Debian's package `haproxy` is not installed.
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect, promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { createClient as createEventStreamClient } from 'graphql-sse';
import { createClient as createWebSocketClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { atEnd } from '../../helpers/at-end.js';
import { findFreePort } from '../../helpers/free-port.js';
import { launchGateway } from '../../helpers/process.js';
import { until } from '../../helpers/until.js';
import { json, startUpstream } from '../../helpers/upstream.js';
import { ask, post } from '../../helpers/wire.js';
import { environment as scope, followVpns, taskId, wireVpn } from '../../server/subscriptions/changing-rest-api.js';

const haproxy = '/usr/sbin/haproxy';
const configuration = readFileSync('deploy/haproxy/haproxy.cfg', 'utf8');
// How many of each kind of caller there are.
const [readers, writers, waiters, followers] = [6, 4, 2, 12];

const list = { query: `{ siteToSiteVpns(environment: ${scope}) { nodes { name } } }` };
const remove = (id: string, waitSeconds: number) => ({
  query: `mutation { deleteSiteToSiteVpn(input: { environment: ${scope}, id: "${id}", waitSeconds: ${waitSeconds} }) { task { id } userErrors { code } } }`,
});

// As the bytes that they are.
const listed = '{"data":{"siteToSiteVpns":{"nodes":[{"name":"before"}]}}}\n';
const removed = `{"data":{"deleteSiteToSiteVpn":{"task":{"id":"${taskId}"},"userErrors":[]}}}\n`;
const toLost = (error: unknown) => ({ status: 0, text: inspect(error) });

/** A REST API that takes a moment for each answer, so that there is work under way whenever a gateway ends. Counts what is deleted. */
async function startRest() {
  const deletions = new Map<string, number>();
  const state = { name: 'before' };
  const upstream = await startUpstream(({ method, url }) => (response) => {
    const id = /sitetositevpns\/([\w-]+)/.exec(url)?.[1] ?? '';
    if (method === 'DELETE') deletions.set(id, (deletions.get(id) ?? 0) + 1);
    const isTask = method === 'DELETE' || url.includes('/tasks/');
    const body = isTask ? { taskId, taskStatus: 'PENDING' } : { data: [wireVpn({ name: state.name })] };
    setTimeout(() => {
      json(200, body)(response);
    }, 30);
  });
  return { url: upstream.url, deletions, state };
}

/** A gateway that can be started again where it was. */
async function startReplica(restUrl: string) {
  const [port, opsPort] = [await findFreePort(), await findFreePort()];
  const environment = {
    CLOUDCA_API_URL: restUrl,
    PORT: String(port),
    OPS_PORT: String(opsPort),
    DRAIN_DELAY_MS: /DRAIN_DELAY_MS=(\d+)/.exec(configuration)?.[1],
    RATE_LIMIT_PER_MINUTE: '0',
    // A machine that does other work as well is not what is tried here.
    MAX_EVENT_LOOP_DELAY_MS: '0',
    TASK_POLL_MS: '200',
    WATCH_POLL_MS: '200',
  };
  const start = () => launchGateway(environment, 120_000);
  let gateway = await start();
  const serves = () => until(() => gateway.stdout().includes('"msg":"operation"'));
  return {
    server: `127.0.0.1:${port} check port ${opsPort}`,
    serves,
    countSubscriptions: async () => {
      const { text } = await ask(`${gateway.opsUrl}/metrics`);
      return Number(/^gateway_subscriptions (\d+)$/m.exec(text)?.[1]);
    },
    /** Restarts it, as an operator does, and gives how it ended; resolves once the balancer sends it something again. */
    restart: async () => {
      gateway.signal('SIGTERM');
      const exit = await gateway.exit;
      gateway = await start();
      await serves();
      return exit;
    },
  };
}

/** Starts HAProxy in front of two servers; gives the address of the GraphQL endpoint behind it. */
async function startBalancer(servers: readonly [string, string]): Promise<string> {
  const port = await findFreePort();
  const text = configuration
    .replace(':443 ssl crt /etc/haproxy/gateway.pem', `127.0.0.1:${port}`)
    .replace('10.0.0.11:4000 check port 9464', servers[0])
    .replace('10.0.0.12:4000 check port 9464', servers[1]);
  const directory = mkdtempSync(join(tmpdir(), 'haproxy-'));
  const file = join(directory, 'haproxy.cfg');
  writeFileSync(file, text);
  // It finds nothing that it would warn of.
  expect(await promisify(execFile)(haproxy, ['-c', '-q', '-f', file])).toEqual({ stdout: '', stderr: '' });
  const balancer = spawn(haproxy, ['-db', '-f', file], { stdio: 'ignore' });
  atEnd(async () => {
    balancer.kill('SIGKILL');
    if (balancer.exitCode === null && balancer.signalCode === null) await once(balancer, 'exit');
    rmSync(directory, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${port}/graphql`;
  for (let tries = 0; (await post(url, { query: '{ __typename }' }).catch(() => undefined))?.status !== 200; tries++) {
    if (tries > 100) throw new Error('Nobody is served through HAProxy.');
    await sleep(100);
  }
  return url;
}

/** Somebody who follows the list of VPNs, and follows it again when told to. */
interface Follower {
  /** The names in the last event. */
  last: unknown;
  /** How its connections ended: close codes, or `complete`. */
  readonly ends: unknown[];
}

const toSink = (follower: Follower, complete: () => void) => ({
  next: (event: unknown) => {
    follower.last = event;
  },
  error: (error: unknown) => {
    follower.ends.push(error);
  },
  complete,
});

/** graphql-ws goes on by itself. */
function followByWebSocket(url: string): Follower {
  const follower: Follower = { last: undefined, ends: [] };
  const client = createWebSocketClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: { 'MC-Api-Key': 'follower' },
    webSocketImpl: WebSocket,
    on: {
      closed: (event) => {
        follower.ends.push(typeof event === 'object' && event !== null && 'code' in event ? event.code : event);
      },
    },
  });
  client.subscribe(
    { query: followVpns },
    toSink(follower, () => follower.ends.push('complete')),
  );
  atEnd(() => client.dispose());
  return follower;
}

/** An event stream that is complete is asked for again: of a list it can only mean that the gateway ends. */
function followByEventStream(url: string): Follower {
  const follower: Follower = { last: undefined, ends: [] };
  const client = createEventStreamClient({
    url: `${url}/stream`,
    headers: { 'MC-Api-Key': 'follower' },
    retryAttempts: 0,
  });
  let isOver = false;
  const follow = () => {
    client.subscribe(
      { query: followVpns },
      toSink(follower, () => {
        if (isOver) return;
        follower.ends.push('complete');
        follow();
      }),
    );
  };
  follow();
  atEnd(() => {
    isOver = true;
    client.dispose();
  });
  return follower;
}

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const sum = (counts: readonly number[]) => counts.reduce((all, each) => all + each, 0);

const describeWhereInstalled = existsSync(haproxy) ? describe : describe.skip;

describeWhereInstalled('Two gateways behind HAProxy, restarted one after the other under load', () => {
  it('lose no request and send no write twice; who follows is told so, and goes on', async () => {
    const rest = await startRest();
    const replicas = [await startReplica(rest.url), await startReplica(rest.url)] as const;
    const url = await startBalancer([replicas[0].server, replicas[1].server]);

    // They begin before there is load, so that each is there when the first gateway ends.
    const sockets = times(followers, () => followByWebSocket(url));
    const streams = times(followers, () => followByEventStream(url));
    const everybody = [...sockets, ...streams];
    const haveAll = (name: string) =>
      until(() =>
        everybody.every(
          ({ last }) => JSON.stringify(last) === `{"data":{"siteToSiteVpnsUpdated":{"nodes":[{"name":"${name}"}]}}}`,
        ),
      );
    await haveAll('before');

    let isOver = false;
    atEnd(() => {
      isOver = true;
    });
    const answers: { kind: string; status: number; text: string }[] = [];
    const keepAsking = async (kind: string, toBody: () => object, key: string) => {
      while (!isOver) {
        const asked = post(url, toBody(), { 'mc-api-key': key });
        answers.push({ kind, ...(await asked.then(({ status, text }) => ({ status, text }), toLost)) });
      }
    };
    const ids: string[] = [];
    const removeNext = (waitSeconds: number) => {
      const id = randomUUID();
      ids.push(id);
      return remove(id, waitSeconds);
    };
    const callers = [
      ...times(readers, (index) => keepAsking('read', () => list, `reader-${index}`)),
      ...times(writers, (index) => keepAsking('write', () => removeNext(0), `writer-${index}`)),
      // Longer than a gateway takes to end: some are answered because it does.
      ...times(waiters, (index) => keepAsking('wait', () => removeNext(5), `waiter-${index}`)),
    ];
    await Promise.all(replicas.map(({ serves }) => serves()));

    const exits = [await replicas[0].restart(), await replicas[1].restart()];
    isOver = true;
    await Promise.all(callers);

    const lost = answers.filter(
      ({ kind, status, text }) => status !== 200 || text !== (kind === 'read' ? listed : removed),
    );
    const count = (kind: string) => answers.filter((each) => each.kind === kind).length;
    process.stdout.write(
      `${count('read')} reads, ${count('write')} writes and ${count('wait')} that wait: ${lost.length} lost; ` +
        `${sum(sockets.map(({ ends }) => ends.length))} times a WebSocket was closed, ${sum(streams.map(({ ends }) => ends.length))} times an event stream was complete\n`,
    );
    expect(lost).toEqual([]);
    expect(exits).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
    expect(count('read')).toBeGreaterThan(30);
    expect(count('write')).toBeGreaterThan(30);
    expect(rest.deletions).toEqual(new Map(ids.map((id) => [id, 1])));
    // Whoever followed is at a gateway that runs, and hears of what happens.
    rest.state.name = 'after';
    await haveAll('after');
    expect(sum(await Promise.all(replicas.map(({ countSubscriptions }) => countSubscriptions())))).toBe(2 * followers);
    // Each was at a gateway that ended, and some at the second after the first.
    expect(everybody.filter(({ ends }) => ends.length === 0)).toEqual([]);
    expect(new Set(sockets.flatMap(({ ends }) => ends))).toEqual(new Set([1001]));
    expect(new Set(streams.flatMap(({ ends }) => ends))).toEqual(new Set(['complete']));
  });
});
