import { describe, expect, it } from '@jest/globals';
import { ConcurrencyLimiter } from '../../../src/server/admission/concurrency-limiter.js';

describe('ConcurrencyLimiter', () => {
  const limits = { max: 1, maxPerKey: 0, maxQueued: 0, maxQueueMs: 0 };

  it('counts a permit that is resumed after a pause', () => {
    const limiter = new ConcurrencyLimiter(limits, (scope) => new Error(scope));
    const permit = limiter.acquire('key');
    permit.pause();
    expect(limiter.canAcquire('key')).toBe(true);
    permit.resume();
    expect(limiter.canAcquire('key')).toBe(false);
  });

  it('does not count a permit that is resumed after its release', () => {
    const limiter = new ConcurrencyLimiter(limits, (scope) => new Error(scope));
    const permit = limiter.acquire('key');
    permit.release();
    permit.resume();
    expect(limiter.canAcquire('key')).toBe(true);
  });
});
