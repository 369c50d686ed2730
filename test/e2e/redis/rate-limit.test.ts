// What keys spend, counted in the real Redis by gateways that are processes of their own; Redis is killed, stopped, filled and demoted
// under load. Skipped where Debian's package `redis-server` is not installed.
import { describe, expect, it } from '@jest/globals';
import { type ListeningProcess, launchGateway } from '../../helpers/process.js';
import { until } from '../../helpers/until.js';
import { startUpstream } from '../../helpers/upstream.js';
import { ask, post, type WireAnswer } from '../../helpers/wire.js';
import { isInstalled, prepareRedis, type RedisServer, startRedis } from './redis-server.js';

const lost = 'Redis is lost: this process counts alone what keys spend';
const found = 'Redis is found: what keys spend is counted for all processes';

const upstream = await startUpstream();
const query = { query: '{ environments { id } }' };
const spend = ({ url }: ListeningProcess, key: string) => post(url, query, { 'mc-api-key': key });

/** Starts a gateway on a Redis, and waits until it has found it. */
async function launch(redis: RedisServer, limit: number, credentials = ''): Promise<ListeningProcess> {
  const gateway = await launchGateway({
    CLOUDCA_API_URL: upstream.url,
    REDIS_URL: `redis://${credentials}127.0.0.1:${redis.port}`,
    RATE_LIMIT_PER_MINUTE: String(limit),
  });
  await gateway.says(found);
  return gateway;
}

/** What its log says of Redis, in order. */
function story(gateway: ListeningProcess) {
  return gateway
    .lines()
    .flatMap(({ level, msg, reason }) => (msg === lost || msg === found ? [{ level, msg, reason }] : []));
}

/** A sample of its metrics. */
async function readMetric(gateway: ListeningProcess, name: string): Promise<number> {
  const { text } = await ask(`${gateway.opsUrl}/metrics`);
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

/** Asks without a pause, by eight callers at once, until it is told to stop; gives how often each status came. */
function load(gateways: readonly ListeningProcess[]) {
  const counts: Record<number, number> = {};
  let goesOn = true;
  const caller = async (number: number) => {
    for (let n = number; goesOn; n++) {
      const gateway = gateways[n % gateways.length];
      if (gateway === undefined) return;
      const { status } = await spend(gateway, `load ${n % 5}`);
      counts[status] = (counts[status] ?? 0) + 1;
    }
  };
  const callers = Array.from({ length: 8 }, (_, number) => caller(number));
  const all = () => Object.values(counts).reduce((sum, count) => sum + count, 0);
  return {
    /** Waits until so many more have been answered. */
    answers: async (more: number) => {
      const before = all();
      await until(() => all() >= before + more);
    },
    stop: async () => {
      goesOn = false;
      await Promise.all(callers);
      return counts;
    },
  };
}

const title = isInstalled ? 'REDIS_URL' : 'REDIS_URL (skipped: redis-server is not installed)';
const describeWhereInstalled = isInstalled ? describe : describe.skip;

describeWhereInstalled(title, () => {
  it('makes one budget for all gateways, kept for a minute by a hash of the key', async () => {
    const redis = await startRedis();
    const gateways = await Promise.all([launch(redis, 10), launch(redis, 10)]);
    const answers: WireAnswer[] = [];
    for (let n = 0; n < 5; n++) for (const gateway of gateways) answers.push(await spend(gateway, 'apikeycanary4Tq9'));

    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    for (const gateway of gateways) {
      const refused = await spend(gateway, 'apikeycanary4Tq9');
      expect(refused).toMatchObject({ status: 429, json: { errors: [{ extensions: { code: 'RATE_LIMITED' } }] } });
      const seconds = Number(refused.headers.get('retry-after'));
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(60);
      expect((await spend(gateway, 'another')).status).toBe(200);
    }
    const keys = redis.ask('keys', '*').split('\n');
    expect(keys).toHaveLength(2);
    for (const key of keys) {
      expect(key).toMatch(/^site-to-site-vpn-gateway:spent:[\w-]{43}$/);
      expect(Number(redis.ask('ttl', key))).toBeGreaterThan(0);
    }
    expect(keys.map((key) => redis.ask('get', key)).sort()).toEqual(['12', '2']);
    expect(await readMetric(gateways[0], 'gateway_counted_alone_total')).toBe(0);
  });

  it('lets operations go on while Redis is gone, says so, and shares again once it is back', async () => {
    const redis = await startRedis();
    const gateways = await Promise.all([launch(redis, 1_000_000), launch(redis, 1_000_000)]);
    const under = load(gateways);
    for (let times = 0; times < 2; times++) {
      await under.answers(50);
      await redis.kill();
      for (const gateway of gateways) await gateway.says(lost);
      await until(() => gateways.every((gateway) => story(gateway).at(-1)?.msg === lost));
      await under.answers(50);
      for (const gateway of gateways) expect(await readMetric(gateway, 'gateway_redis_lost')).toBe(1);
      await redis.start();
      await until(() => gateways.every((gateway) => story(gateway).at(-1)?.msg === found));
      for (const gateway of gateways) expect(await readMetric(gateway, 'gateway_redis_lost')).toBe(0);
    }
    await under.answers(50);
    const counts = await under.stop();

    expect(Object.keys(counts)).toEqual(['200']);
    expect(redis.ask('keys', '*').split('\n')).toHaveLength(5);
    for (const gateway of gateways) {
      const told = story(gateway).map(({ level, msg }) => `${String(level)} ${msg}`);
      expect(told.length).toBeGreaterThanOrEqual(5);
      expect(told).toEqual(told.map((_, n) => (n % 2 === 0 ? `30 ${found}` : `40 ${lost}`)));
      expect(await readMetric(gateway, 'gateway_counted_alone_total')).toBeGreaterThan(0);
    }
  });

  it('keeps no operation waiting for a Redis that hangs', async () => {
    const redis = await startRedis();
    const gateway = await launch(redis, 1_000_000);
    const under = load([gateway]);
    await under.answers(50);
    redis.signal('SIGSTOP');
    await gateway.says(lost);
    await under.answers(200);
    expect(await readMetric(gateway, 'gateway_redis_lost')).toBe(1);
    redis.signal('SIGCONT');
    await until(() => story(gateway).at(-1)?.msg === found);
    await under.answers(50);

    expect(Object.keys(await under.stop())).toEqual(['200']);
    expect(story(gateway)).toContainEqual({ level: 40, msg: lost, reason: 'no answer' });
  });

  it('still holds each key to its budget, of each gateway, while Redis is gone', async () => {
    const redis = await startRedis();
    const gateway = await launch(redis, 3);
    await redis.kill();
    await gateway.says(lost);
    const statuses: number[] = [];
    for (let n = 0; n < 4; n++) statuses.push((await spend(gateway, 'key')).status);

    expect(statuses).toEqual([200, 200, 200, 429]);
  });

  it.each([
    ['is full', ['config', 'set', 'maxmemory', '1'], 'OOM', ['config', 'set', 'maxmemory', '0']],
    ['is a replica', ['replicaof', '127.0.0.1', '1'], 'READONLY', ['replicaof', 'no', 'one']],
  ])('lets operations go on while Redis %s', async (_, spoil, reason, mend) => {
    const redis = await startRedis();
    const gateway = await launch(redis, 1_000_000);
    const under = load([gateway]);
    await under.answers(20);
    redis.ask(...spoil);
    await gateway.says(lost);
    await under.answers(50);
    redis.ask(...mend);
    await until(() => redis.ask('keys', '*') !== '');
    const alone = await readMetric(gateway, 'gateway_counted_alone_total');
    await until(() => story(gateway).at(-1)?.msg === found);
    await under.answers(50);

    expect(alone).toBeGreaterThan(0);
    expect(Object.keys(await under.stop())).toEqual(['200']);
    expect(story(gateway)).toContainEqual({ level: 40, msg: lost, reason });
  });

  it('may lead to a Redis that is not there yet, and whose password is told nowhere', async () => {
    const redis = await prepareRedis('--requirepass', 'passcanary/9#');
    const address = `127.0.0.1:${redis.port}`;
    const environment = { CLOUDCA_API_URL: upstream.url, LOG_LEVEL: 'trace' };
    const gateways = await Promise.all([
      launchGateway({ ...environment, REDIS_URL: `redis://:passcanary%2F9%23@${address}` }),
      launchGateway({ ...environment, REDIS_URL: `redis://:wrongcanary@${address}` }),
    ]);
    const [right, wrong] = gateways;
    for (const gateway of gateways) {
      await gateway.says(lost);
      expect((await spend(gateway, 'key')).status).toBe(200);
    }
    await redis.start();
    await right.says(found);
    expect((await spend(right, 'key')).status).toBe(200);
    expect((await spend(wrong, 'key')).status).toBe(200);
    for (const gateway of gateways) gateway.signal('SIGTERM');

    expect(await Promise.all(gateways.map(({ exit }) => exit))).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
    expect(story(right)).toEqual([
      { level: 40, msg: lost, reason: 'ECONNREFUSED' },
      { level: 30, msg: found, reason: undefined },
    ]);
    expect(story(wrong)).toEqual([{ level: 40, msg: lost, reason: 'ECONNREFUSED' }]);
    for (const gateway of gateways) expect(gateway.stdout() + gateway.stderr()).not.toContain('canary');
  });
});
