// Calls in flight without HTTP: their waiters, their cancellation, who may join them, and what is memoized of their values.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { ClientDisconnectedError } from '../../../src/cloudca/errors.js';
import { Cancellation } from '../../../src/cloudca/http/cancellation.js';
import {
  InFlightCall,
  markSharedWith,
  memoizePerSharedValue,
  Singleflight,
} from '../../../src/cloudca/http/singleflight.js';

const gone = new ClientDisconnectedError('gone');

/** Creates a call that settles when the test says so. */
function createCall<T = string>() {
  let cancellation: Cancellation | undefined;
  let settle: { resolve: (value: T) => void; reject: (error: Error) => void } | undefined;
  const call = new InFlightCall<T>((own) => {
    cancellation = own;
    return new Promise((resolve, reject) => {
      settle = { resolve, reject };
    });
  });
  return {
    call,
    resolve: async (value: T) => {
      settle?.resolve(value);
      await nextTurn();
    },
    reject: async (error: Error) => {
      settle?.reject(error);
      await nextTurn();
    },
    /** Why the call was cancelled; undefined if it was not. */
    cancelReason: () => cancellation?.reason,
  };
}

const ignore = () => undefined;

describe('Cancellation', () => {
  it('calls its last listener with the reason', () => {
    const cancellation = new Cancellation();
    const [first, second] = [jest.fn(), jest.fn()];
    cancellation.onCancel(first);
    cancellation.onCancel(second);
    expect(cancellation.reason).toBeUndefined();
    cancellation.cancel(gone);
    expect(cancellation.reason).toBe(gone);
    expect([first.mock.calls, second.mock.calls]).toEqual([[], [[gone]]]);
  });

  it('needs no listener', () => {
    const cancellation = new Cancellation();
    cancellation.onCancel(undefined);
    cancellation.cancel(gone);
    expect(cancellation.reason).toBe(gone);
  });
});

describe('InFlightCall', () => {
  it('is cancelled when its last waiter is removed, with the reason of that waiter', () => {
    const { call, cancelReason } = createCall();
    call.addWaiter(ignore, ignore);
    call.addWaiter(ignore, ignore);
    call.removeWaiter(new ClientDisconnectedError('the first'));
    expect([call.isCancelled, cancelReason()]).toEqual([false, undefined]);
    call.removeWaiter(gone);
    expect([call.isCancelled, cancelReason()]).toEqual([true, gone]);
  });

  it('calls back its waiters and its onSettled callbacks when it succeeds or fails', async () => {
    for (const outcome of ['value', new Error('failed')]) {
      const { call, resolve, reject } = createCall();
      const [onValue, onError, onSettled] = [jest.fn(), jest.fn(), jest.fn()];
      call.addWaiter(onValue, onError);
      call.onSettled(onSettled);
      if (typeof outcome === 'string') await resolve(outcome);
      else await reject(outcome);
      expect(onValue.mock.calls).toEqual(outcome === 'value' ? [['value']] : []);
      expect(onError.mock.calls).toEqual(outcome === 'value' ? [] : [[outcome]]);
      expect(onSettled).toHaveBeenCalledTimes(1);
    }
  });
});

describe('Singleflight.join', () => {
  it('returns the call in flight of the same key and URL, and starts one otherwise', () => {
    const reads = new Singleflight<string>();
    const start = () => createCall().call;
    const call = reads.join('key', '/a', start);
    expect(reads.join('key', '/a', start)).toBe(call);
    expect(reads.join('key', '/b', start)).not.toBe(call);
    expect(reads.join('other', '/a', start)).not.toBe(call);
    expect([reads.coalesced, reads.size]).toEqual([1, 3]);
  });

  it('starts a call if the one in flight has settled or was cancelled', async () => {
    const reads = new Singleflight<string>();
    const [one, two, three] = [createCall(), createCall(), createCall()];
    reads.join('key', '/a', () => one.call);
    await one.resolve('value');
    expect(reads.size).toBe(0);
    expect(reads.join('key', '/a', () => two.call)).toBe(two.call);
    two.call.addWaiter(ignore, ignore);
    two.call.removeWaiter(gone);
    expect(reads.join('key', '/a', () => three.call)).toBe(three.call);
    // The end of a call that was replaced does not remove its successor.
    await two.reject(gone);
    expect(reads.size).toBe(1);
    expect(reads.join('key', '/a', () => createCall().call)).toBe(three.call);
    await three.resolve('value');
    expect([reads.size, reads.coalesced]).toEqual([0, 1]);
  });

  it('keeps the other calls of a key when one has settled', async () => {
    const reads = new Singleflight<string>();
    const [one, two] = [createCall(), createCall()];
    reads.join('key', '/a', () => one.call);
    reads.join('key', '/b', () => two.call);
    await one.resolve('value');
    expect(reads.size).toBe(1);
    expect(reads.join('key', '/b', () => createCall().call)).toBe(two.call);
  });

  it('starts a call after forget, and the end of a forgotten call does not remove it', async () => {
    const reads = new Singleflight<string>();
    const [one, two, other] = [createCall(), createCall(), createCall()];
    reads.join('key', '/a', () => one.call);
    reads.join('other', '/a', () => other.call);
    reads.forget('key');
    expect(reads.size).toBe(1);
    expect(reads.join('key', '/a', () => two.call)).toBe(two.call);
    await one.resolve('value');
    expect(reads.size).toBe(2);
    expect(reads.join('key', '/a', () => createCall().call)).toBe(two.call);
  });
});

describe('memoizePerSharedValue', () => {
  /** Derives from a value twice. Reports whether both derived values are the same object. */
  function isMemoized(value: object): boolean {
    const derive = memoizePerSharedValue((source: object, label: string) => ({ source, label }));
    const derived = derive(value, 'a');
    expect(derived).toEqual({ source: value, label: 'a' });
    return derive(value, 'a') === derived;
  }

  it('derives once from the value of a call that was joined, and each time from any other', async () => {
    for (const isShared of [true, false]) {
      const { call, resolve } = createCall<object>();
      const value = {};
      if (isShared) {
        const reads = new Singleflight<object>();
        reads.join('key', '/a', () => call);
        reads.join('key', '/a', () => call);
      }
      await resolve(value);
      expect(isMemoized(value)).toBe(isShared);
    }
  });

  it('memoizes for a part of a shared value, and for what was derived from one', async () => {
    const { call, resolve } = createCall<object>();
    call.markShared();
    const whole = { part: {}, text: 'x', nothing: null };
    await resolve(whole);
    expect(markSharedWith(whole, whole.part)).toBe(whole.part);
    expect(isMemoized(whole.part)).toBe(true);
    expect([markSharedWith(whole, 'x'), markSharedWith(whole, null)]).toEqual(['x', null]);
    const derived = memoizePerSharedValue(() => ({}))(whole);
    expect(isMemoized(derived)).toBe(true);
  });

  it('does not memoize for a part of a value that is not shared', () => {
    const part = {};
    expect(markSharedWith({ part }, part)).toBe(part);
    expect(isMemoized(part)).toBe(false);
  });

  it.each(['x', null, undefined])('leaves a shared call whose value is %s as it is', async (value) => {
    const { call, resolve } = createCall<unknown>();
    call.markShared();
    call.markShared();
    const onValue = jest.fn();
    call.addWaiter(onValue, ignore);
    await resolve(value);
    expect(onValue.mock.calls).toEqual([[value]]);
  });

  it('leaves the error of a shared call to its waiters', async () => {
    const { call, reject } = createCall();
    call.markShared();
    const onError = jest.fn();
    call.addWaiter(ignore, onError);
    await reject(gone);
    expect(onError.mock.calls).toEqual([[gone]]);
  });
});
