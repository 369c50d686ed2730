// The rate limit of several built gateways in a real Redis server, which is killed, suspended, filled and demoted under load. Skipped if
// Debian's package `redis-server` is not installed.
import { beforeAll, describe, expect, it } from '@jest/globals';
import { keyHeader } from '../../helpers/fixtures.js';
import { launch as launchProcess, type ListeningProcess, launchGateway } from '../../helpers/process.js';
import { holdClock } from '../../helpers/process-clock.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { startUpstream, type Upstream } from '../../helpers/upstream.js';
import { sendRequest, post, type HttpResponse } from '../../helpers/http.js';
import { isInstalled, prepareRedis, type RedisServer, startRedis } from './redis-server.js';

const unavailable = 'Redis is unavailable: this process counts rate limits alone';
const available = 'Redis is available: it counts rate limits for all processes';

let upstream: Upstream;
const query = { query: '{ environments { id } }' };
const runOperation = ({ url }: ListeningProcess, key: string) => post(url, query, keyHeader(key));

// The time that the gateway waits for a response of Redis, in milliseconds. Redis may miss it on a busy machine.
const commandTimeoutMs = 250;
// The time that a connection to Redis may take, in milliseconds.
const connectTimeoutMs = 1_000;
const withoutTimeout = { NODE_OPTIONS: holdClock({ from: commandTimeoutMs, to: commandTimeoutMs }) };

/** Launches a gateway on a Redis server, and waits until it is connected. By default, it waits for each response of Redis without limit. */
async function launch(redis: RedisServer, limit: number, hasTimeout = false): Promise<ListeningProcess> {
  const gateway = await launchGateway({
    CLOUDCA_API_URL: upstream.url,
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    RATE_LIMIT_PER_MINUTE: String(limit),
    ...(hasTimeout ? {} : withoutTimeout),
  });
  await gateway.waitForLog(available);
  return gateway;
}

/** Returns the gateway's log lines about Redis, in order. */
function getRedisLines(gateway: ListeningProcess) {
  return gateway
    .lines()
    .flatMap(({ level, msg, reason }) => (msg === unavailable || msg === available ? [{ level, msg, reason }] : []));
}

/** Returns the value of a gateway's metric. */
async function readMetric(gateway: ListeningProcess, name: string): Promise<number> {
  const { text } = await sendRequest(`${gateway.opsUrl}/metrics`);
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

/** Runs operations with eight concurrent callers until `stop`, which returns the number of responses by status. */
function startLoad(gateways: readonly ListeningProcess[]) {
  const counts: Record<number, number> = {};
  let running = true;
  const caller = async (number: number) => {
    for (let n = number; running; n++) {
      const gateway = gateways[n % gateways.length];
      if (gateway === undefined) return;
      const { status } = await runOperation(gateway, `load ${n % 5}`);
      counts[status] = (counts[status] ?? 0) + 1;
    }
  };
  const callers = Array.from({ length: 8 }, (_, number) => caller(number));
  const total = () => Object.values(counts).reduce((sum, count) => sum + count, 0);
  return {
    /** Waits for a number of further responses. */
    waitForResponses: async (count: number) => {
      const before = total();
      await waitUntil(() => total() >= before + count);
    },
    stop: async () => {
      running = false;
      await Promise.all(callers);
      return counts;
    },
  };
}

const title = isInstalled ? 'REDIS_URL' : 'REDIS_URL (skipped: redis-server is not installed)';
const describeIfInstalled = isInstalled ? describe : describe.skip;

describeIfInstalled(title, () => {
  // Jest runs no cleanup if all tests are skipped, so an upstream at top level would keep it from exiting.
  beforeAll(async () => {
    upstream = await startUpstream();
  });

  it.concurrent(
    'shares one budget of a key between gateways, stored for one minute under a hash of the key',
    async () => {
      const redis = await startRedis();
      const gateways = await Promise.all([launch(redis, 10), launch(redis, 10)]);
      const responses: HttpResponse[] = [];
      for (let n = 0; n < 5; n++)
        for (const gateway of gateways) responses.push(await runOperation(gateway, 'apikeycanary4Tq9'));

      expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
      for (const gateway of gateways) {
        const rejected = await runOperation(gateway, 'apikeycanary4Tq9');
        expect(rejected).toMatchObject({ status: 429, json: { errors: [{ extensions: { code: 'RATE_LIMITED' } }] } });
        const seconds = Number(rejected.headers.get('retry-after'));
        expect(seconds).toBeGreaterThan(0);
        expect(seconds).toBeLessThanOrEqual(60);
        expect((await runOperation(gateway, 'another')).status).toBe(200);
      }
      const keys = redis.command('keys', '*').split('\n');
      expect(keys).toHaveLength(2);
      for (const key of keys) {
        expect(key).toMatch(/^site-to-site-vpn-gateway:spent:[\w-]{43}$/);
        expect(Number(redis.command('ttl', key))).toBeGreaterThan(0);
      }
      expect(keys.map((key) => redis.command('get', key)).sort()).toEqual(['12', '2']);
      expect(await readMetric(gateways[0], 'gateway_ratelimit_fallback_total')).toBe(0);
    },
  );

  it.concurrent(
    'accepts operations without Redis, logs a warning, and shares the budget again when Redis is back',
    async () => {
      const redis = await startRedis();
      const gateways = await Promise.all([launch(redis, 1_000_000), launch(redis, 1_000_000)]);
      const load = startLoad(gateways);
      for (let times = 0; times < 2; times++) {
        await load.waitForResponses(50);
        await redis.kill();
        for (const gateway of gateways) await gateway.waitForLog(unavailable);
        await waitUntil(() => gateways.every((gateway) => getRedisLines(gateway).at(-1)?.msg === unavailable));
        await load.waitForResponses(50);
        for (const gateway of gateways) expect(await readMetric(gateway, 'gateway_redis_unavailable')).toBe(1);
        await redis.start();
        await waitUntil(() => gateways.every((gateway) => getRedisLines(gateway).at(-1)?.msg === available));
        for (const gateway of gateways) expect(await readMetric(gateway, 'gateway_redis_unavailable')).toBe(0);
      }
      await load.waitForResponses(50);
      const counts = await load.stop();

      expect(Object.keys(counts)).toEqual(['200']);
      expect(redis.command('keys', '*').split('\n')).toHaveLength(5);
      for (const gateway of gateways) {
        const messages = getRedisLines(gateway).map(({ level, msg }) => `${String(level)} ${msg}`);
        expect(messages.length).toBeGreaterThanOrEqual(5);
        expect(messages).toEqual(messages.map((_, n) => (n % 2 === 0 ? `30 ${available}` : `40 ${unavailable}`)));
        expect(await readMetric(gateway, 'gateway_ratelimit_fallback_total')).toBeGreaterThan(0);
      }
    },
  );

  it.concurrent('delays no operation while Redis hangs', async () => {
    const redis = await startRedis();
    const gateway = await launch(redis, 1_000_000, true);
    const load = startLoad([gateway]);
    await load.waitForResponses(50);
    redis.signal('SIGSTOP');
    await gateway.waitForLog(unavailable);
    await load.waitForResponses(200);
    expect(await readMetric(gateway, 'gateway_redis_unavailable')).toBe(1);
    redis.signal('SIGCONT');
    await waitUntil(() => getRedisLines(gateway).at(-1)?.msg === available);
    await load.waitForResponses(50);

    expect(Object.keys(await load.stop())).toEqual(['200']);
    expect(getRedisLines(gateway)).toContainEqual({ level: 40, msg: unavailable, reason: 'no response' });
  });

  it.concurrent('limits each key in each gateway while Redis is unavailable', async () => {
    const redis = await startRedis();
    const gateway = await launch(redis, 3);
    await redis.kill();
    await gateway.waitForLog(unavailable);
    const statuses: number[] = [];
    for (let n = 0; n < 4; n++) statuses.push((await runOperation(gateway, 'key')).status);

    expect(statuses).toEqual([200, 200, 200, 429]);
  });

  it.concurrent.each([
    ['is full', ['config', 'set', 'maxmemory', '1'], 'OOM', ['config', 'set', 'maxmemory', '0']],
    ['is a replica', ['replicaof', '127.0.0.1', '1'], 'READONLY', ['replicaof', 'no', 'one']],
  ])('accepts operations while Redis %s', async (_, breakCommand, reason, repairCommand) => {
    const redis = await startRedis();
    const gateway = await launch(redis, 1_000_000);
    const load = startLoad([gateway]);
    await load.waitForResponses(20);
    redis.command(...breakCommand);
    await gateway.waitForLog(unavailable);
    await load.waitForResponses(50);
    redis.command(...repairCommand);
    await waitUntil(() => redis.command('keys', '*') !== '');
    const fallbacks = await readMetric(gateway, 'gateway_ratelimit_fallback_total');
    await waitUntil(() => getRedisLines(gateway).at(-1)?.msg === available);
    await load.waitForResponses(50);

    expect(fallbacks).toBeGreaterThan(0);
    expect(Object.keys(await load.stop())).toEqual(['200']);
    expect(getRedisLines(gateway)).toContainEqual({ level: 40, msg: unavailable, reason });
  });

  it.concurrent('may name a Redis server that starts later, and its password is not logged', async () => {
    const redis = await prepareRedis('--requirepass', 'passcanary/9#');
    const address = `127.0.0.1:${redis.port}`;
    const environment = { ...withoutTimeout, CLOUDCA_API_URL: upstream.url, LOG_LEVEL: 'trace' };
    const gateways = await Promise.all([
      launchGateway({ ...environment, REDIS_URL: `redis://:passcanary%2F9%23@${address}` }),
      launchGateway({ ...environment, REDIS_URL: `redis://:wrongcanary@${address}` }),
    ]);
    const [authorized, unauthorized] = gateways;
    for (const gateway of gateways) {
      await gateway.waitForLog(unavailable);
      expect((await runOperation(gateway, 'key')).status).toBe(200);
    }
    await redis.start();
    await authorized.waitForLog(available);
    expect((await runOperation(authorized, 'key')).status).toBe(200);
    expect((await runOperation(unauthorized, 'key')).status).toBe(200);
    for (const gateway of gateways) gateway.signal('SIGTERM');

    expect(await Promise.all(gateways.map(({ exit }) => exit))).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
    expect(getRedisLines(authorized)).toEqual([
      { level: 40, msg: unavailable, reason: 'ECONNREFUSED' },
      { level: 30, msg: available, reason: undefined },
    ]);
    expect(getRedisLines(unauthorized)).toEqual([{ level: 40, msg: unavailable, reason: 'ECONNREFUSED' }]);
    for (const gateway of gateways) expect(gateway.stdout() + gateway.stderr()).not.toContain('canary');
  });

  it.concurrent('counts in the database that REDIS_URL names', async () => {
    const redis = await startRedis();
    const gateway = await launchGateway({
      CLOUDCA_API_URL: upstream.url,
      REDIS_URL: `redis://127.0.0.1:${redis.port}/15`,
      ...withoutTimeout,
    });
    expect((await runOperation(gateway, 'key')).status).toBe(200);

    expect(getRedisLines(gateway).map(({ msg }) => msg)).toEqual([available]);
    expect(redis.command('-n', '15', 'dbsize')).toBe('1');
    expect(redis.command('dbsize')).toBe('0');
  });

  it.concurrent('stops the start with code 1 if Redis does not have the database', async () => {
    const redis = await startRedis();
    const REDIS_URL = `redis://:canary@127.0.0.1:${redis.port}/99`;
    const NODE_OPTIONS = holdClock({ from: commandTimeoutMs, to: connectTimeoutMs });
    const gateway = launchProcess({ CLOUDCA_API_URL: upstream.url, REDIS_URL, NODE_OPTIONS });

    expect(await gateway.exit).toEqual({ code: 1, signal: null });
    expect(gateway.stderr()).toMatch(
      /^REDIS_URL names a database that Redis rejects \(ERR\)\. Name one that it has: /m,
    );
    expect(gateway.stdout() + gateway.stderr()).not.toContain('canary');
  });

  it.concurrent('counts alone if a Redis server that starts later does not have the database', async () => {
    const redis = await prepareRedis();
    const REDIS_URL = `redis://127.0.0.1:${redis.port}/99`;
    const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url, REDIS_URL, ...withoutTimeout });
    await redis.start();
    await waitUntil(() => gateway.lines().some(({ msg }) => String(msg).startsWith('REDIS_URL names a database')));
    expect((await runOperation(gateway, 'key')).status).toBe(200);

    expect(getRedisLines(gateway)).toEqual([{ level: 40, msg: unavailable, reason: expect.any(String) }]);
    expect(await readMetric(gateway, 'gateway_redis_unavailable')).toBe(1);
    expect(redis.command('info', 'keyspace')).toBe('# Keyspace');
  });
});
