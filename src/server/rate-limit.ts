// What a key has spent of its minute. Keys are known here by their hash alone, and what is bought with it is nothing to know here.
import { LRUCache } from 'lru-cache';

/** Counts what callers spend. */
export interface RateLimit {
  /**
   * Spends some of what a caller may spend in a minute, which begins with the first that it spends. Gives 0 where there was enough, else
   * how many milliseconds are left of that minute.
   */
  readonly spend: (callerId: string, cost: number) => number | Promise<number>;
}

/** One that need not ask anybody. */
export interface LocalRateLimit extends RateLimit {
  readonly spend: (callerId: string, cost: number) => number;
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
      // What is refused counts too: whoever goes on asking is not let through by the cheapest of it.
      account.spent += cost;
      return account.spent > perMinute ? Math.max(1, accounts.getRemainingTTL(callerId)) : 0;
    },
  };
}
