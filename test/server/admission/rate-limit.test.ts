// The rate limit that counts in this process: budgets, the end of a minute, and the eviction of keys.
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { createLocalRateLimit, toRateLimitHeaders } from '../../../src/server/admission/rate-limit.js';
import { toWaitMs } from './wait-ms.js';

const maxKeys = 100_000;

afterEach(() => {
  jest.restoreAllMocks();
});

describe('createLocalRateLimit', () => {
  it('rejects a key above its budget with the rest of its minute, and no other key', () => {
    const rateLimit = createLocalRateLimit(3);

    expect(toWaitMs(rateLimit.spend('key', 3))).toBe(0);
    const waitMs = toWaitMs(rateLimit.spend('key', 1));
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(60_000);
    expect(toWaitMs(rateLimit.spend('other', 3))).toBe(0);
  });

  it('also charges what it rejects', () => {
    const rateLimit = createLocalRateLimit(3);
    rateLimit.spend('key', 2);

    expect(toWaitMs(rateLimit.spend('key', 2))).toBeGreaterThan(0);
    expect(toWaitMs(rateLimit.spend('key', 1))).toBeGreaterThan(0);
  });

  it('resets a key one minute after its first charge', () => {
    const clock = jest.spyOn(performance, 'now').mockReturnValue(5_000);
    const rateLimit = createLocalRateLimit(3);
    rateLimit.spend('key', 3);

    clock.mockReturnValue(64_000);
    expect(toWaitMs(rateLimit.spend('key', 1))).toBe(1_000);
    clock.mockReturnValue(65_001);
    expect(toWaitMs(rateLimit.spend('key', 3))).toBe(0);
  });

  it('returns what is left of the budget, and charges nothing with a cost of 0', () => {
    const clock = jest.spyOn(performance, 'now').mockReturnValue(5_000);
    const rateLimit = createLocalRateLimit(3);

    expect(rateLimit.spend('key', 0)).toEqual({ max: 3, left: 3, resetMs: 60_000 });
    clock.mockReturnValue(6_000);
    expect(rateLimit.spend('key', 2)).toEqual({ max: 3, left: 1, resetMs: 60_000 });
    clock.mockReturnValue(16_000);
    expect(rateLimit.spend('key', 0)).toEqual({ max: 3, left: 1, resetMs: 50_000 });
    expect(rateLimit.spend('key', 2)).toEqual({ max: 3, left: -1, resetMs: 50_000 });
  });

  it('remembers 100,000 keys, and evicts the least recently used one', () => {
    const rateLimit = createLocalRateLimit(3);
    rateLimit.spend('key', 3);
    for (let n = 1; n < maxKeys; n++) rateLimit.spend(`other ${n}`, 1);

    expect(toWaitMs(rateLimit.spend('key', 1))).toBeGreaterThan(0);
    for (let n = 0; n < maxKeys; n++) rateLimit.spend(`another ${n}`, 1);
    expect(toWaitMs(rateLimit.spend('key', 3))).toBe(0);
  });

  it('remembers a key that keeps spending, among 300,000 others', () => {
    const rateLimit = createLocalRateLimit(3);
    rateLimit.spend('key', 3);
    let admitted = 0;
    for (let n = 0; n < 3 * maxKeys; n++) {
      rateLimit.spend(`other ${n}`, 1);
      if (n % 20_000 === 0 && toWaitMs(rateLimit.spend('key', 1)) === 0) admitted++;
    }

    expect(admitted).toBe(0);
  });
});

describe('toRateLimitHeaders', () => {
  it('has the policy, and what is left of it: never less than nothing, and whole seconds', () => {
    expect(toRateLimitHeaders({ max: 1_200, left: 1_199, resetMs: 59_001 })).toEqual({
      'ratelimit-policy': '"key";q=1200;w=60',
      ratelimit: '"key";r=1199;t=60',
    });
    expect(toRateLimitHeaders({ max: 3, left: -2, resetMs: 1 })).toMatchObject({ ratelimit: '"key";r=0;t=1' });
  });
});
