// What a key may spend in a minute, counted in the process: for how many keys at once, and whom it forgets.
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { createLocalRateLimit } from '../../../src/server/admission/rate-limit.js';

const most = 100_000;

afterEach(() => {
  jest.restoreAllMocks();
});

describe('What a key has spent, counted in the process', () => {
  it('is refused beyond the budget, with what is left of the minute, and is nothing to another key', () => {
    const rateLimit = createLocalRateLimit(3);

    expect(rateLimit.spend('key', 3)).toBe(0);
    const wait = rateLimit.spend('key', 1);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(60_000);
    expect(rateLimit.spend('other', 3)).toBe(0);
  });

  it('is no less for what was refused', () => {
    const rateLimit = createLocalRateLimit(3);
    rateLimit.spend('key', 2);

    expect(rateLimit.spend('key', 2)).toBeGreaterThan(0);
    expect(rateLimit.spend('key', 1)).toBeGreaterThan(0);
  });

  it('is forgotten a minute after the first of it', () => {
    const clock = jest.spyOn(performance, 'now').mockReturnValue(5_000);
    const rateLimit = createLocalRateLimit(3);
    rateLimit.spend('key', 3);

    clock.mockReturnValue(64_000);
    expect(rateLimit.spend('key', 1)).toBe(1_000);
    clock.mockReturnValue(65_001);
    expect(rateLimit.spend('key', 3)).toBe(0);
  });

  it('is kept of 100,000 keys, and forgotten of the one that has been quiet for longest', () => {
    const rateLimit = createLocalRateLimit(3);
    rateLimit.spend('key', 3);
    for (let n = 1; n < most; n++) rateLimit.spend(`other ${n}`, 1);

    expect(rateLimit.spend('key', 1)).toBeGreaterThan(0);
    for (let n = 0; n < most; n++) rateLimit.spend(`another ${n}`, 1);
    expect(rateLimit.spend('key', 3)).toBe(0);
  });

  it('is kept of a key that goes on asking, among 300,000 others', () => {
    const rateLimit = createLocalRateLimit(3);
    rateLimit.spend('key', 3);
    let admitted = 0;
    for (let n = 0; n < 3 * most; n++) {
      rateLimit.spend(`other ${n}`, 1);
      if (n % 20_000 === 0 && rateLimit.spend('key', 1) === 0) admitted++;
    }

    expect(admitted).toBe(0);
  });
});
