// The rate limit that counts in Redis, against a scripted Redis server. The clock of timers is fake. test/e2e/redis uses a real Redis.
import { createServer, type Server, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { pino } from 'pino';
import { createSharedRateLimit, RedisDatabaseError } from '../../../src/server/admission/rate-limit.js';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { findFreePort, listen } from '../../helpers/free-port.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { toWaitMs } from './wait-ms.js';

const clock = useFakeClock(['setTimeout']);
const commandTimeoutMs = 250;
const caller = 'caller';
const unavailable = (reason: unknown) => ({
  level: 40,
  reason,
  msg: 'Redis is unavailable: this process counts rate limits alone',
});
const available = { level: 30, msg: 'Redis is available: it counts rate limits for all processes' };

const cleanups: (() => void)[] = [];

// After each test, so that the timers of one are not those of the next.
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
  jest.clearAllTimers();
  jest.restoreAllMocks();
});

/** A response of the scripted Redis to a charge: the points spent and the milliseconds left, an error, or none. */
type ChargeResponse = readonly [number, number] | `-${string}` | undefined;

/** Parses the commands in a piece of the Redis protocol, each an array of strings. */
function parseCommands(text: string): string[][] {
  return text
    .split(/^\*\d+\r\n/m)
    .slice(1)
    .map((command) => [...command.matchAll(/\$\d+\r\n(.*)\r\n/g)].map((match) => match[1] ?? ''));
}

/** Starts a Redis server whose responses to charges are scripted. */
async function startScriptedRedis(port = 0) {
  const sockets = new Set<Socket>();
  const charges: string[][] = [];
  let connectionCount = 0;
  let response: ChargeResponse = [1, 60_000];
  let rejectsSelect = false;
  const respond = (socket: Socket, [name = '', ...args]: string[]) => {
    if (name === 'info') {
      socket.write('$15\r\nredis_version:7\r\n');
    } else if (name.startsWith('eval')) {
      charges.push(args.slice(2, 5));
      if (typeof response === 'string') socket.write(`${response}\r\n`);
      else if (response !== undefined) socket.write(`*2\r\n:${response[0]}\r\n:${response[1]}\r\n`);
    } else if (name === 'select' && rejectsSelect) {
      socket.write('-ERR DB index is out of range passcanary\r\n');
    } else {
      socket.write('+OK\r\n');
    }
  };
  const server: Server = createServer((socket) => {
    connectionCount++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (data) => {
      for (const command of parseCommands(data.toString())) respond(socket, command);
    });
  });
  const stop = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  cleanups.push(stop);
  const usedPort = await listen(server, { port });
  return {
    port: usedPort,
    /** The arguments of the charges: key, points, and the length of the window in seconds. */
    charges,
    connectionCount: () => connectionCount,
    openCount: () => sockets.size,
    respondWith: (scripted: ChargeResponse) => {
      response = scripted;
    },
    /** Rejects every database from now on. */
    rejectSelect: () => {
      rejectsSelect = true;
    },
    /** Closes the open connections. */
    disconnect: () => {
      for (const socket of sockets) socket.destroy();
    },
    stop,
  };
}

/** Creates a rate limit of 3 REST calls a minute on a database of the Redis at this port. */
async function create(port: number, database = 0) {
  const lines: unknown[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const rateLimit = await createSharedRateLimit(3, `redis://:passcanary@127.0.0.1:${port}/${database}`, log);
  cleanups.push(rateLimit.close);
  return { rateLimit, lines };
}

/** Starts a scripted Redis, and a rate limit that is connected to it. */
async function startConnected() {
  const redis = await startScriptedRedis();
  const created = await create(redis.port);
  await waitUntil(() => !created.rateLimit.isRedisUnavailable);
  return { redis, ...created };
}

/** Lets the delays before reconnects expire, until the rate limit is connected again. */
function reconnect({ redis, rateLimit }: Awaited<ReturnType<typeof startConnected>>): Promise<void> {
  return waitUntil(() => {
    if (redis.openCount() === 0) clock.advance(commandTimeoutMs);
    return !rateLimit.isRedisUnavailable;
  });
}

describe('createSharedRateLimit', () => {
  it('charges in Redis, in windows of 60 s, and admits up to the budget', async () => {
    const { redis, rateLimit, lines } = await startConnected();
    redis.respondWith([3, 42_000]);
    expect(toWaitMs(await rateLimit.spend(caller, 3))).toBe(0);
    redis.respondWith([4, 42_000]);
    expect(toWaitMs(await rateLimit.spend(caller, 1))).toBe(42_000);
    redis.respondWith([2, 42_000]);
    expect(await rateLimit.spend(caller, 0)).toEqual({ max: 3, left: 1, resetMs: 42_000 });
    redis.respondWith([5, 0]);
    expect(toWaitMs(await rateLimit.spend(caller, 1))).toBe(1);
    expect(redis.charges).toEqual([
      ['site-to-site-vpn-gateway:spent:caller', '3', '60'],
      ['site-to-site-vpn-gateway:spent:caller', '1', '60'],
      ['site-to-site-vpn-gateway:spent:caller', '0', '60'],
      ['site-to-site-vpn-gateway:spent:caller', '1', '60'],
    ]);
    expect(rateLimit.fallbackCount).toBe(0);
    expect(lines).toEqual([available]);
  });

  it('counts alone until Redis is connected', async () => {
    const redis = await startScriptedRedis();
    const { rateLimit, lines } = await create(redis.port);
    expect(rateLimit.isRedisUnavailable).toBe(true);
    expect([await rateLimit.spend(caller, 3), await rateLimit.spend('other', 3)].map(toWaitMs)).toEqual([0, 0]);
    expect(toWaitMs(await rateLimit.spend(caller, 1))).toBeGreaterThan(0);
    expect(rateLimit.fallbackCount).toBe(3);
    await waitUntil(() => !rateLimit.isRedisUnavailable);
    expect(lines).toEqual([available]);
  });

  it.each<[string, ChargeResponse]>([
    ['OOM', "-OOM command not allowed when used memory > 'maxmemory'."],
    ['READONLY', "-READONLY You can't write against a read only replica. passcanary"],
    ['no response', '-Oops passcanary'],
    ['no response', '-O no code: a single letter'],
    ['no response', '-see OOM below'],
  ])('counts alone after an error of Redis, logs %s, and reconnects', async (reason, error) => {
    const connected = await startConnected();
    const { redis, rateLimit, lines } = connected;
    redis.respondWith(error);
    expect(toWaitMs(await rateLimit.spend(caller, 3))).toBe(0);
    expect(rateLimit.isRedisUnavailable).toBe(true);
    expect(toWaitMs(await rateLimit.spend(caller, 1))).toBeGreaterThan(0);
    expect(rateLimit.fallbackCount).toBe(2);
    expect(redis.charges).toHaveLength(1);
    await reconnect(connected);
    expect(redis.connectionCount()).toBeGreaterThan(1);
    expect(lines).toEqual([available, unavailable(reason), available]);
  });

  it('counts alone if Redis does not respond within 250 ms', async () => {
    const connected = await startConnected();
    const { redis, rateLimit, lines } = connected;
    redis.respondWith(undefined);
    let isSettled = false;
    const spent = Promise.resolve(rateLimit.spend(caller, 1)).finally(() => {
      isSettled = true;
    });
    await waitUntil(() => redis.charges.length === 1);
    clock.advance(commandTimeoutMs - 1);
    await nextTurn();
    expect(isSettled).toBe(false);
    clock.advance(1);
    expect(toWaitMs(await spent)).toBe(0);
    expect(rateLimit.fallbackCount).toBe(1);
    expect(lines).toEqual([available, unavailable('no response')]);

    // The process has counted that charge, so it does not send it again.
    await reconnect(connected);
    redis.respondWith([2, 60_000]);
    expect(toWaitMs(await rateLimit.spend(caller, 2))).toBe(0);
    expect(redis.charges.map(([, points]) => points)).toEqual(['1', '2']);
  });

  it('counts alone while the connection is lost, and reconnects', async () => {
    const connected = await startConnected();
    const { redis, rateLimit, lines } = connected;
    redis.disconnect();
    await waitUntil(() => rateLimit.isRedisUnavailable);
    await rateLimit.spend(caller, 1);
    await reconnect(connected);
    await rateLimit.spend(caller, 1);
    expect(rateLimit.fallbackCount).toBe(1);
    expect(redis.charges).toHaveLength(1);
    expect(lines).toEqual([available, unavailable('closed'), available]);
  });

  it('logs once that Redis does not listen, and connects when it does', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0);
    const port = await findFreePort();
    const { rateLimit, lines } = await create(port);
    await waitUntil(() => lines.length > 0);
    expect(rateLimit.isRedisUnavailable).toBe(true);
    // The process reconnects after half of 250 ms, then of 500 ms, and so on, at the least.
    for (const delayMs of [125, 250, 500]) {
      await waitUntil(() => jest.getTimerCount() > 0);
      clock.advance(delayMs - 1);
      expect(jest.getTimerCount()).toBe(1);
      clock.advance(1);
      expect(jest.getTimerCount()).toBe(0);
    }
    await waitUntil(() => jest.getTimerCount() > 0);
    expect(lines).toEqual([unavailable(expect.any(String))]);
    const redis = await startScriptedRedis(port);
    clock.advance(1_000);
    await waitUntil(() => !rateLimit.isRedisUnavailable);
    expect(redis.connectionCount()).toBe(1);
    expect(lines).toEqual([unavailable(expect.any(String)), available]);
  });

  it('delays reconnects by at most 5 s, and by at least 125 ms again after a charge in Redis', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(1);
    const port = await findFreePort();
    const { rateLimit, lines } = await create(port);
    for (const delayMs of [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]) {
      await waitUntil(() => jest.getTimerCount() > 0);
      clock.advance(delayMs - 1);
      expect(jest.getTimerCount()).toBe(1);
      clock.advance(1);
      expect(jest.getTimerCount()).toBe(0);
    }
    await waitUntil(() => jest.getTimerCount() > 0);
    const redis = await startScriptedRedis(port);
    clock.advance(5_000);
    await waitUntil(() => !rateLimit.isRedisUnavailable);
    await rateLimit.spend(caller, 1);
    redis.disconnect();
    await waitUntil(() => rateLimit.isRedisUnavailable);
    await waitUntil(() => jest.getTimerCount() > 0);
    clock.advance(250);
    await waitUntil(() => !rateLimit.isRedisUnavailable);
    expect(lines).toHaveLength(4);
  });

  it('rejects, and closes its connection, if Redis rejects the database', async () => {
    const redis = await startScriptedRedis();
    redis.rejectSelect();

    await expect(create(redis.port, 99)).rejects.toThrow(RedisDatabaseError);
    await waitUntil(() => redis.openCount() === 0);
  });

  it('is connected from the start if Redis has the database', async () => {
    const redis = await startScriptedRedis();
    const { rateLimit, lines } = await create(redis.port, 15);
    expect(rateLimit.isRedisUnavailable).toBe(false);
    expect(lines).toEqual([available]);
  });

  it('counts alone, and logs why once, if Redis rejects the database later', async () => {
    const redis = await startScriptedRedis();
    const { rateLimit, lines } = await create(redis.port, 15);
    redis.rejectSelect();
    redis.disconnect();
    for (let connections = 2; connections <= 4; connections++) {
      await waitUntil(() => {
        if (redis.openCount() === 0) clock.advance(commandTimeoutMs);
        return redis.connectionCount() === connections;
      });
      expect(toWaitMs(await rateLimit.spend(caller, 1))).toBe(0);
    }
    expect(redis.charges).toEqual([]);
    expect(lines).toEqual([
      available,
      unavailable('closed'),
      { level: 50, msg: expect.stringMatching(/^REDIS_URL names a database that Redis rejects \(ERR\)/) },
    ]);
  });

  it('closes its connection, without a line in the log, and does not reconnect', async () => {
    const { redis, rateLimit, lines } = await startConnected();
    rateLimit.close();
    await waitUntil(() => redis.openCount() === 0);
    await nextTurn();
    clock.advance(60_000);
    await nextTurn();
    expect(rateLimit.isRedisUnavailable).toBe(true);
    expect(redis.connectionCount()).toBe(1);
    expect(toWaitMs(await rateLimit.spend(caller, 1))).toBe(0);
    expect(lines).toEqual([available]);
  });
});
