// The rate limit that counts in this process: budgets, the end of a minute, and the eviction of keys.
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { createLocalRateLimit } from '../../../src/server/admission/rate-limit.js';

const maxKeys = 100_000;

afterEach(() => {
  jest.restoreAllMocks();
});

describe('createLocalRateLimit', () => {
  it('rejects a key above its budget with the rest of its minute, and no other key', () => {
    const rateLimit = createLocalRateLimit(3);

    expect(rateLimit.spend('key', 3)).toBe(0);
    const waitMs = rateLimit.spend('key', 1);
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(60_000);
    expect(rateLimit.spend('other', 3)).toBe(0);
  });

  it('also charges what it rejects', () => {
    const rateLimit = createLocalRateLimit(3);
    rateLimit.spend('key', 2);

    expect(rateLimit.spend('key', 2)).toBeGreaterThan(0);
    expect(rateLimit.spend('key', 1)).toBeGreaterThan(0);
  });

  it('resets a key one minute after its first charge', () => {
    const clock = jest.spyOn(performance, 'now').mockReturnValue(5_000);
    const rateLimit = createLocalRateLimit(3);
    rateLimit.spend('key', 3);

    clock.mockReturnValue(64_000);
    expect(rateLimit.spend('key', 1)).toBe(1_000);
    clock.mockReturnValue(65_001);
    expect(rateLimit.spend('key', 3)).toBe(0);
  });

  it('remembers 100,000 keys, and evicts the least recently used one', () => {
    const rateLimit = createLocalRateLimit(3);
    rateLimit.spend('key', 3);
    for (let n = 1; n < maxKeys; n++) rateLimit.spend(`other ${n}`, 1);

    expect(rateLimit.spend('key', 1)).toBeGreaterThan(0);
    for (let n = 0; n < maxKeys; n++) rateLimit.spend(`another ${n}`, 1);
    expect(rateLimit.spend('key', 3)).toBe(0);
  });

  it('remembers a key that keeps spending, among 300,000 others', () => {
    const rateLimit = createLocalRateLimit(3);
    rateLimit.spend('key', 3);
    let admitted = 0;
    for (let n = 0; n < 3 * maxKeys; n++) {
      rateLimit.spend(`other ${n}`, 1);
      if (n % 20_000 === 0 && rateLimit.spend('key', 1) === 0) admitted++;
    }

    expect(admitted).toBe(0);
  });
});
