// What a key has spent of its minute: counted in this process, or in Redis by all the processes that share one. Keys are known here by
// their hash alone, and what is bought is nothing to know here.
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

/** Counts what callers spend. */
export interface RateLimit {
  /**
   * Spends some of what a caller may spend in a minute, which begins with the first that it spends. Gives 0 where there was enough, else
   * how many milliseconds are left of that minute. What is refused counts too.
   */
  readonly spend: (callerId: string, cost: number) => number | Promise<number>;
}

/** One that need not ask anybody. */
export interface LocalRateLimit extends RateLimit {
  readonly spend: (callerId: string, cost: number) => number;
}

/** One that asks Redis, and counts by itself while Redis does not answer. */
export interface SharedRateLimit extends RateLimit {
  /** Whether Redis is not there, so that this process counts by itself. */
  readonly isAlone: boolean;
  /** How often this process has counted by itself. */
  readonly countedAlone: number;
  /** Closes the connection. */
  readonly close: () => void;
}

const minute = 60_000;
// Whoever asks with keys made up must not fill the memory with them. The one that has been quiet for longest is forgotten first: to have
// its budget anew within the minute, a key takes that many others, each of them an operation to answer.
const mostKeys = 100_000;

/** Makes one that counts in this process; `perMinute` is what a caller may spend. */
export function createLocalRateLimit(perMinute: number): LocalRateLimit {
  // The clock is looked at each time: to remember for a moment what it said takes a timer.
  const accounts = new LRUCache<string, { spent: number }>({ max: mostKeys, ttl: minute, ttlResolution: 0 });
  return {
    spend: (callerId, cost) => {
      const account = accounts.get(callerId) ?? { spent: 0 };
      if (account.spent === 0) accounts.set(callerId, account);
      account.spent += cost;
      return account.spent > perMinute ? Math.max(1, accounts.getRemainingTTL(callerId)) : 0;
    },
  };
}

// How long an operation waits for Redis, in milliseconds.
const patience = 250;
// How long Redis is left alone at the most, once it has not answered.
const longestPause = 5_000;

/**
 * Loads what Redis takes, and begins to connect to the one at `url`, which is not waited for. Without one, none of that is loaded. When it
 * is lost and when it is found goes into the log.
 */
export async function createSharedRateLimit(perMinute: number, url: string, log: Logger): Promise<SharedRateLimit> {
  const { Redis } = await import('ioredis');
  const local = createLocalRateLimit(perMinute);
  // Undefined until it is known.
  let isThere: boolean | undefined;
  let failures = 0;
  let countedAlone = 0;
  const redis = new Redis(url, {
    connectTimeout: 1_000,
    commandTimeout: patience,
    disconnectTimeout: patience,
    // What cannot be sent, or was cut, is counted here at once: sent later it would be counted twice.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // Each process in its own time.
    retryStrategy: () => Math.min(longestPause, patience * 2 ** failures++) * (0.5 + Math.random() / 2),
  });
  const shared = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: 'site-to-site-vpn-gateway:spent',
    points: perMinute,
    duration: minute / 1000,
  });
  // Gives whether it was not lost already.
  const lose = (error?: unknown): boolean => {
    if (isThere === false) return false;
    isThere = false;
    log.warn({ reason: toReason(error) }, 'Redis is lost: this process counts alone what keys spend');
    return true;
  };
  redis.on('error', lose);
  redis.on('close', lose);
  redis.on('ready', () => {
    isThere = true;
    log.info('Redis is found: what keys spend is counted for all processes');
  });
  const spendShared = async (callerId: string, cost: number): Promise<number> => {
    const spent = await shared.consume(callerId, cost).catch((thrown: unknown) => {
      if (thrown instanceof RateLimiterRes) return thrown;
      throw thrown;
    });
    failures = 0;
    return spent.consumedPoints > perMinute ? Math.max(1, spent.msBeforeNext) : 0;
  };
  return {
    get isAlone() {
      return isThere !== true;
    },
    get countedAlone() {
      return countedAlone;
    },
    spend: async (callerId, cost) => {
      if (isThere === true) {
        try {
          return await spendShared(callerId, cost);
        } catch (error) {
          // It hangs, is full, or is a replica by now: by a new connection another one may be found at its address.
          if (lose(error)) redis.disconnect(true);
        }
      }
      countedAlone++;
      return local.spend(callerId, cost);
    },
    close: () => {
      isThere = false;
      redis.disconnect();
    },
  };
}

// Neither address nor message: what Redis quotes may be a password. Its errors begin with a word of their own, e.g. OOM.
function toReason(error: unknown): string {
  if (!(error instanceof Error)) return 'closed';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return /^[A-Z]{2,}(?= )/.exec(error.message)?.[0] ?? 'no answer';
}
