// The concurrency limiter: permits, its queue, and the turns of keys. The clock is fake.
import { describe, expect, it } from '@jest/globals';
import {
  ConcurrencyLimiter,
  type ConcurrencyLimits,
  type LimitScope,
  type Permit,
} from '../../../src/server/admission/concurrency-limiter.js';
import { useFakeClock } from '../../helpers/fake-clock.js';

const clock = useFakeClock(['setTimeout']);
const maxQueueMs = 1_000;

/** Creates a limiter. By default, it has no limits, and a queue for 10 entries. */
function createLimiter(limits: Partial<ConcurrencyLimits> = {}): ConcurrencyLimiter {
  const defaults = { max: 0, maxPerKey: 0, maxQueued: 10, maxQueueMs };
  return new ConcurrencyLimiter({ ...defaults, ...limits }, (scope) => new Error(scope));
}

/** Queues entries on a limiter, and collects what becomes of them. */
function createQueuer(limiter: ConcurrencyLimiter) {
  const admitted: string[] = [];
  const rejected: [string, string][] = [];
  const permits: Permit[] = [];
  return {
    /** The names of admitted entries, in order. */
    admitted,
    /** The names of rejected entries, each with the limit that was reached, in order. */
    rejected,
    /** Queues an entry under a key and a name. */
    queue: (key: string, name = key, stop = new AbortController().signal) => {
      limiter.acquireWhenAvailable(key, stop).then(
        (permit) => {
          admitted.push(name);
          permits.push(permit);
        },
        (error: unknown) => {
          rejected.push([name, error instanceof Error ? error.message : 'no error']);
        },
      );
    },
    /** Releases the permit of the entry that was admitted first. */
    releaseNext: async () => {
      permits.shift()?.release();
      await settle();
    },
  };
}

/** Lets promises call their callbacks. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Creates a signal that counts its listeners. */
function createCountedSignal() {
  const { signal } = new AbortController();
  let listeners = 0;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  return { signal, listeners: () => listeners };
}

describe('Permit', () => {
  it('does not count while it is paused, and counts again once it is resumed', () => {
    const limiter = createLimiter({ max: 1 });
    const permit = limiter.acquire('key');
    permit.pause();
    expect(limiter.canAcquire('key')).toBe(true);
    permit.resume();
    expect(limiter.canAcquire('key')).toBe(false);
  });

  it('counts once, however often it is paused, resumed or released', () => {
    const limiter = createLimiter({ max: 2 });
    const permit = limiter.acquire('key');
    permit.resume();
    permit.resume();
    expect(limiter.canAcquire('key')).toBe(true);
    permit.pause();
    permit.pause();
    permit.release();
    permit.release();
    limiter.acquire('key');
    limiter.acquire('key');
    expect(limiter.canAcquire('key')).toBe(false);
  });

  it('does not count if it is resumed after its release', () => {
    const limiter = createLimiter({ max: 1 });
    const permit = limiter.acquire('key');
    permit.release();
    permit.resume();
    expect(limiter.canAcquire('key')).toBe(true);
  });
});

describe('ConcurrencyLimiter.acquire', () => {
  it.each<[LimitScope, Partial<ConcurrencyLimits>, boolean]>([
    ['process', { max: 2 }, false],
    ['key', { maxPerKey: 2 }, true],
    ['process', { max: 2, maxPerKey: 2 }, false],
  ])('throws the error of the scope %s with the limits %j', (scope, limits, canOtherAcquire) => {
    const limiter = createLimiter(limits);
    limiter.acquire('key');
    const { release } = limiter.acquire('key');
    expect(() => limiter.acquire('key')).toThrow(scope);
    expect(limiter.canAcquire('key')).toBe(false);
    expect(limiter.canAcquire('other')).toBe(canOtherAcquire);
    release();
    expect(limiter.canAcquire('key')).toBe(true);
    limiter.acquire('key');
    expect(() => limiter.acquire('key')).toThrow(scope);
  });

  it('grants any number of permits without limits', () => {
    const limiter = createLimiter();
    for (let count = 0; count < 100; count++) limiter.acquire('key');
    expect(limiter.canAcquire('key')).toBe(true);
  });
});

describe('ConcurrencyLimiter.acquireWhenAvailable', () => {
  it('grants a permit at once while no limit is reached', async () => {
    const limiter = createLimiter({ max: 1 });
    const { queue, admitted, releaseNext } = createQueuer(limiter);
    queue('key');
    expect(limiter.queued).toBe(0);
    await settle();
    expect(admitted).toEqual(['key']);
    expect(limiter.canAcquire('key')).toBe(false);
    await releaseNext();
    expect(limiter.canAcquire('key')).toBe(true);
  });

  it('queues an entry until a permit is released', async () => {
    const limiter = createLimiter({ max: 1 });
    const { queue, admitted, rejected, releaseNext } = createQueuer(limiter);
    const first = limiter.acquire('first');
    queue('second');
    queue('third');
    await settle();
    expect(admitted).toEqual([]);
    expect(limiter.queued).toBe(2);
    first.release();
    await settle();
    expect(admitted).toEqual(['second']);
    expect(limiter.queued).toBe(1);
    await releaseNext();
    expect(admitted).toEqual(['second', 'third']);
    expect(limiter.queued).toBe(0);
    clock.advance(maxQueueMs);
    await settle();
    expect(rejected).toEqual([]);
  });

  it('admits an entry when another permit is paused, and the paused one may resume', async () => {
    const limiter = createLimiter({ max: 1 });
    const { queue, admitted } = createQueuer(limiter);
    const first = limiter.acquire('first');
    queue('second');
    queue('third');
    first.pause();
    await settle();
    expect(admitted).toEqual(['second']);
    first.resume();
    first.release();
    await settle();
    // The second entry still has its permit.
    expect(admitted).toEqual(['second']);
  });

  it('admits the entries of a key in the order of arrival, and those of keys in turn', async () => {
    const limiter = createLimiter({ max: 1 });
    const { queue, admitted, releaseNext } = createQueuer(limiter);
    const first = limiter.acquire('a');
    for (const name of ['a1', 'a2', 'a3', 'b1', 'b2', 'c1']) queue(name.charAt(0), name);
    first.release();
    await settle();
    for (let count = 0; count < 5; count++) await releaseNext();
    expect(admitted).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  });

  it('passes over a key that has reached its own limit', async () => {
    const limiter = createLimiter({ max: 2, maxPerKey: 1 });
    const { queue, admitted, releaseNext } = createQueuer(limiter);
    const a = limiter.acquire('a');
    const b = limiter.acquire('b');
    queue('a', 'a1');
    queue('b', 'b1');
    b.release();
    await settle();
    expect(admitted).toEqual(['b1']);
    a.release();
    await settle();
    expect(admitted).toEqual(['b1', 'a1']);
    await releaseNext();
    expect(limiter.canAcquire('b')).toBe(true);
    expect(limiter.canAcquire('a')).toBe(false);
  });

  it('gives no turn to a key that has no more entries', async () => {
    const limiter = createLimiter({ maxPerKey: 1 });
    const { queue, admitted, releaseNext } = createQueuer(limiter);
    limiter.acquire('a');
    const b = limiter.acquire('b');
    queue('b', 'b1');
    queue('a', 'a1');
    b.release();
    await settle();
    await releaseNext();
    expect(admitted).toEqual(['b1']);
    expect([limiter.queued, limiter.canAcquire('b')]).toEqual([1, true]);
  });

  it.each<[LimitScope, Partial<ConcurrencyLimits>]>([
    ['process', { max: 1 }],
    ['key', { maxPerKey: 1 }],
  ])('rejects with the scope %s after the maximum time in the queue', async (scope, limits) => {
    const limiter = createLimiter(limits);
    const { queue, rejected } = createQueuer(limiter);
    limiter.acquire('key');
    queue('key');
    clock.advance(maxQueueMs - 1);
    await settle();
    expect([rejected, limiter.queued]).toEqual([[], 1]);
    clock.advance(1);
    await settle();
    expect([rejected, limiter.queued]).toEqual([[['key', scope]], 0]);
  });

  it('grants no permit to an entry that has timed out', async () => {
    const limiter = createLimiter({ max: 1 });
    const { queue, admitted } = createQueuer(limiter);
    const first = limiter.acquire('key');
    queue('key');
    clock.advance(maxQueueMs);
    first.release();
    await settle();
    expect(admitted).toEqual([]);
    expect(limiter.canAcquire('key')).toBe(true);
  });

  it('rejects an entry when its signal aborts, and frees its place in the queue', async () => {
    const limiter = createLimiter({ max: 1, maxQueued: 1 });
    const { queue, rejected, admitted } = createQueuer(limiter);
    const first = limiter.acquire('first');
    const stop = new AbortController();
    queue('stopped', 'stopped', stop.signal);
    stop.abort();
    await settle();
    expect([rejected, limiter.queued]).toEqual([[['stopped', 'process']], 0]);
    queue('next');
    first.release();
    await settle();
    expect(admitted).toEqual(['next']);
  });

  it('rejects an entry at once if its signal has aborted, but grants a permit that is available', async () => {
    const limiter = createLimiter({ max: 1 });
    const { queue, rejected, admitted } = createQueuer(limiter);
    const stop = new AbortController();
    stop.abort();
    queue('first', 'first', stop.signal);
    queue('second', 'second', stop.signal);
    expect(limiter.queued).toBe(0);
    await settle();
    expect([admitted, rejected]).toEqual([['first'], [['second', 'process']]]);
  });

  it('removes its listener from the signal when the entry leaves the queue', async () => {
    const limiter = createLimiter({ max: 1 });
    const { queue } = createQueuer(limiter);
    const first = limiter.acquire('first');
    const { signal, listeners } = createCountedSignal();
    queue('second', 'second', signal);
    queue('third', 'third', signal);
    expect(listeners()).toBe(2);
    first.release();
    expect(listeners()).toBe(1);
    clock.advance(maxQueueMs);
    expect(listeners()).toBe(0);
    await settle();
  });

  it.each<[LimitScope, Partial<ConcurrencyLimits>]>([
    ['process', { max: 1 }],
    ['key', { maxPerKey: 1 }],
  ])('rejects with the scope %s at once if the queue has no space', async (scope, limits) => {
    const limiter = createLimiter({ ...limits, maxQueued: 0 });
    const { queue, rejected } = createQueuer(limiter);
    limiter.acquire('key');
    queue('key');
    expect(limiter.queued).toBe(0);
    await settle();
    expect(rejected).toEqual([['key', scope]]);
  });

  it('rejects the newest entry of the longest queue, for a key with a shorter one', async () => {
    const limiter = createLimiter({ max: 1, maxQueued: 4 });
    const { queue, rejected, admitted, releaseNext } = createQueuer(limiter);
    const first = limiter.acquire('first');
    for (const name of ['a1', 'a2', 'a3', 'b1', 'a4', 'c1', 'c2', 'b2']) queue(name.charAt(0), name);
    await settle();
    expect(rejected).toEqual([
      ['a4', 'process'],
      ['a3', 'process'],
      // With two entries, `c` would have as many as `a`: both keep theirs, and none is evicted for it.
      ['c2', 'process'],
      ['b2', 'process'],
    ]);
    expect(limiter.queued).toBe(4);
    first.release();
    await settle();
    for (let count = 0; count < 3; count++) await releaseNext();
    expect(admitted).toEqual(['a1', 'b1', 'c1', 'a2']);
  });

  it('rejects an evicted entry with the limit that its own key has reached', async () => {
    const limiter = createLimiter({ maxPerKey: 1, maxQueued: 2 });
    const { queue, rejected } = createQueuer(limiter);
    for (const key of ['a', 'b']) limiter.acquire(key);
    for (const name of ['a1', 'a2', 'b1']) queue(name.charAt(0), name);
    await settle();
    expect(rejected).toEqual([['a2', 'key']]);
  });
});
