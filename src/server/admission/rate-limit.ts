// The rate limit: a budget of REST calls of each API key for a minute. Counts in this process, or in a Redis that several processes share.
// Gets no API key, only its hash (callerId).
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

/** The budget of one caller after a charge. */
export interface Budget {
  /** REST calls that the caller may spend in a window. */
  readonly max: number;
  /** REST calls that are left in the window. Negative if the budget did not suffice for the charge. */
  readonly left: number;
  /** Milliseconds until the window ends. */
  readonly resetMs: number;
}

/** Limits the REST calls that each caller may spend in a fixed window of 60 s, which starts with the first charge. */
export interface RateLimit {
  /** Charges `cost`, in REST calls, to a caller, and returns its budget. Rejected operations are charged too. With 0, charges nothing. */
  readonly spend: (callerId: string, cost: number) => Budget | Promise<Budget>;
}

/** A rate limit that counts in this process. */
export interface LocalRateLimit extends RateLimit {
  readonly spend: (callerId: string, cost: number) => Budget;
}

/** A rate limit that counts in Redis, and in this process while Redis is unavailable. */
export interface SharedRateLimit extends RateLimit {
  /** Whether Redis is unavailable, so that this process counts alone. */
  readonly isRedisUnavailable: boolean;
  /** The number of charges that this process counted alone. */
  readonly fallbackCount: number;
  /** Closes the connection. */
  readonly close: () => void;
}

/** Says that Redis does not let the gateway use the database that REDIS_URL names. The message is for operators. */
export class RedisDatabaseError extends Error {
  constructor(reason: string) {
    super(
      `REDIS_URL names a database that Redis rejects (${reason}). Name one that it has: 0 to 15, unless Redis is configured otherwise`,
    );
  }
}

const windowMs = 60_000;

/** Returns the headers that describe a budget to its client (draft-ietf-httpapi-ratelimit-headers-10). */
export function toRateLimitHeaders({ max, left, resetMs }: Budget): Readonly<Record<string, string>> {
  return {
    'ratelimit-policy': `"key";q=${max};w=${windowMs / 1000}`,
    ratelimit: `"key";r=${Math.max(0, left)};t=${Math.ceil(resetMs / 1000)}`,
  };
}

// Bounds the memory that keys that do not exist can take; the least recently used key is evicted first. To reset its budget within the
// window, a caller would have to send an operation with each of this many other keys.
const maxKeys = 100_000;

/** Creates a rate limit that counts in this process. `perMinute` is the budget of a key, in REST calls per window. */
export function createLocalRateLimit(perMinute: number): LocalRateLimit {
  // A resolution of 0 reads the clock at each access. Any other starts a timer.
  const accounts = new LRUCache<string, { spent: number }>({ max: maxKeys, ttl: windowMs, ttlResolution: 0 });
  return {
    spend: (callerId, cost) => {
      const account = accounts.get(callerId) ?? { spent: 0 };
      if (account.spent === 0 && cost > 0) accounts.set(callerId, account);
      account.spent += cost;
      const resetMs = account.spent === 0 ? windowMs : Math.max(1, accounts.getRemainingTTL(callerId));
      return { max: perMinute, left: perMinute - account.spent, resetMs };
    },
  };
}

// Maximum time that an operation waits for Redis, in milliseconds.
const redisTimeoutMs = 250;
// Maximum delay before a reconnect, in milliseconds.
const maxReconnectDelayMs = 5_000;

/**
 * Creates a rate limit that counts in the Redis at `url`. Logs when Redis becomes unavailable or available. Imports ioredis when this
 * function is called. Waits for the first connection only if `url` names a database other than 0, about a second at most. Then rejects with
 * RedisDatabaseError if Redis rejects that database.
 */
export async function createSharedRateLimit(perMinute: number, url: string, log: Logger): Promise<SharedRateLimit> {
  const { Redis } = await import('ioredis');
  const local = createLocalRateLimit(perMinute);
  // Undefined until the first connection succeeds or fails.
  let isAvailable: boolean | undefined;
  let reconnects = 0;
  let fallbackCount = 0;
  // Set when Redis has rejected the database.
  let databaseError: RedisDatabaseError | undefined;
  const database = Number(new URL(url).pathname.slice(1));
  const redis = new Redis(url, {
    connectTimeout: 1_000,
    commandTimeout: redisTimeoutMs,
    disconnectTimeout: redisTimeoutMs,
    // This process counts at once what Redis does not confirm. A command that is sent later would count it twice.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // With jitter, so that the processes do not reconnect all at once.
    retryStrategy: () => Math.min(maxReconnectDelayMs, redisTimeoutMs * 2 ** reconnects++) * (0.5 + Math.random() / 2),
  });
  const shared = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: 'site-to-site-vpn-gateway:spent',
    points: perMinute,
    duration: windowMs / 1000,
  });
  // Returns false if Redis was unavailable already.
  const markUnavailable = (error?: unknown): boolean => {
    if (isAvailable === false) return false;
    isAvailable = false;
    log.warn({ reason: toReason(error) }, 'Redis is unavailable: this process counts rate limits alone');
    return true;
  };
  const markAvailable = () => {
    isAvailable = true;
    log.info('Redis is available: it counts rate limits for all processes');
  };
  // Selects the database again, because ioredis goes on in database 0 if Redis rejects the one of the URL.
  const selectDatabase = async () => {
    try {
      await redis.select(database);
      markAvailable();
    } catch (error) {
      markUnavailable(error);
      if (databaseError === undefined && error instanceof Error && error.name === 'ReplyError') {
        databaseError = new RedisDatabaseError(toReason(error));
        log.error(databaseError.message);
      }
      redis.disconnect(true);
    }
  };
  redis.on('error', markUnavailable);
  redis.on('close', markUnavailable);
  if (database === 0) redis.on('ready', markAvailable);
  else {
    await new Promise<void>((resolve) => {
      redis.on('ready', () => void selectDatabase().then(resolve));
      redis.once('close', resolve);
    });
    if (databaseError !== undefined) {
      redis.disconnect();
      throw databaseError;
    }
  }
  const spendShared = async (callerId: string, cost: number): Promise<Budget> => {
    const result = await shared.consume(callerId, cost).catch((thrown: unknown) => {
      if (thrown instanceof RateLimiterRes) return thrown;
      throw thrown;
    });
    reconnects = 0;
    return { max: perMinute, left: perMinute - result.consumedPoints, resetMs: Math.max(1, result.msBeforeNext) };
  };
  return {
    get isRedisUnavailable() {
      return isAvailable !== true;
    },
    get fallbackCount() {
      return fallbackCount;
    },
    spend: async (callerId, cost) => {
      if (isAvailable === true) {
        try {
          return await spendShared(callerId, cost);
        } catch (error) {
          // It hangs, is out of memory, or has become a replica. A new connection may reach another server at the address.
          if (markUnavailable(error)) redis.disconnect(true);
        }
      }
      fallbackCount++;
      return local.spend(callerId, cost);
    },
    close: () => {
      isAvailable = false;
      redis.disconnect();
    },
  };
}

// Returns neither address nor message: Redis may quote a password. Its messages begin with a code, e.g. OOM.
function toReason(error: unknown): string {
  if (!(error instanceof Error)) return 'closed';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return /^[A-Z]{2,}(?= )/.exec(error.message)?.[0] ?? 'no response';
}
