// The deadline of an operation: when it ends waits, which waits a cancellation ends, and what becomes of their calls. The clock is fake.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { ClientDisconnectedError, type CloudcaError } from '../../../src/cloudca/errors.js';
import { Deadline, type WaitKind } from '../../../src/cloudca/http/deadline.js';
import type { Cancellation } from '../../../src/cloudca/http/cancellation.js';
import { InFlightCall } from '../../../src/cloudca/http/singleflight.js';
import { useFakeClock } from '../../helpers/fake-clock.js';

const timeoutMs = 1_000;
const clock = useFakeClock();
const timedOut = { name: 'TimeoutError', message: 'The REST API did not respond in time.', neverSent: false };

/** A call that settles when the test says so. */
function createCall() {
  let cancellation: Cancellation | undefined;
  let settle: { resolve: (value: string) => void; reject: (error: Error) => void } | undefined;
  const call = new InFlightCall<string>((own) => {
    cancellation = own;
    return new Promise((resolve, reject) => {
      settle = { resolve, reject };
    });
  });
  return {
    call,
    resolve: (value: string) => settle?.resolve(value),
    reject: (error: Error) => settle?.reject(error),
    /** Why the call was cancelled; undefined if it was not. */
    cancelReason: () => cancellation?.reason,
  };
}

/** Creates a deadline, and the set of deadlines that have waits. */
function create() {
  const busy = new Set<Deadline>();
  const deadline = new Deadline(timeoutMs, busy);
  /** Waits for a call. Returns what the wait has settled with so far. */
  const wait = (call: InFlightCall<string>, kind: WaitKind = 'read') => {
    const outcomes: unknown[] = [];
    deadline
      .run(kind, () => call)
      .then(
        (value) => outcomes.push(value),
        (error: unknown) => outcomes.push(error),
      );
    return outcomes;
  };
  return { deadline, busy, wait };
}

describe('Deadline', () => {
  it('resolves a wait with the value of its call, or rejects it with the error of the call', async () => {
    const { wait, busy, deadline } = create();
    const [one, other] = [createCall(), createCall()];
    const [value, error] = [wait(one.call), wait(other.call)];
    expect([...busy]).toEqual([deadline]);
    one.resolve('value');
    await nextTurn();
    expect([value, error]).toEqual([['value'], []]);
    expect([...busy]).toEqual([deadline]);
    other.reject(new Error('failed'));
    await nextTurn();
    expect(error).toEqual([new Error('failed')]);
    expect(busy.size).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('rejects all waits with TimeoutError when it expires, and cancels their calls', async () => {
    const { wait, busy } = create();
    const [one, other] = [createCall(), createCall()];
    clock.advance(400);
    const read = wait(one.call);
    clock.advance(300);
    const write = wait(other.call, 'write');
    clock.advance(299);
    await nextTurn();
    expect([read, write]).toEqual([[], []]);
    clock.advance(1);
    await nextTurn();
    expect([read, write]).toMatchObject([[timedOut], [timedOut]]);
    expect([one.cancelReason(), other.cancelReason()]).toMatchObject([timedOut, timedOut]);
    expect(busy.size).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not start a call once it has expired', async () => {
    const { deadline, busy } = create();
    clock.advance(timeoutMs);
    const start = jest.fn(() => createCall().call);
    await expect(deadline.run('read', start)).rejects.toMatchObject({ ...timedOut, neverSent: true });
    expect(start).not.toHaveBeenCalled();
    expect(busy.size).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('starts a call until just before it expires', async () => {
    const { wait } = create();
    clock.advance(timeoutMs - 1);
    const { call, resolve } = createCall();
    const outcomes = wait(call);
    resolve('value');
    await nextTurn();
    expect(outcomes).toEqual(['value']);
  });

  it('rejects a wait if its call cannot be started', async () => {
    const { deadline, busy } = create();
    const start = () => {
      throw new Error('not started');
    };
    await expect(deadline.run('read', start)).rejects.toThrow('not started');
    expect(busy.size).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is postponed by extend, also for waits that have started', async () => {
    const { deadline, wait } = create();
    const { expiresAt } = deadline;
    const outcomes = wait(createCall().call);
    deadline.extend(250);
    expect(deadline.expiresAt).toBe(expiresAt + 250);
    clock.advance(timeoutMs + 249);
    await nextTurn();
    expect(outcomes).toEqual([]);
    clock.advance(1);
    await nextTurn();
    expect(outcomes).toMatchObject([timedOut]);
  });

  it('starts anew on renew', async () => {
    const { deadline, wait } = create();
    clock.advance(timeoutMs);
    deadline.renew();
    expect(deadline.expiresAt).toBe(performance.now() + timeoutMs);
    const outcomes = wait(createCall().call);
    clock.advance(timeoutMs - 1);
    await nextTurn();
    expect(outcomes).toEqual([]);
    clock.advance(1);
    await nextTurn();
    expect(outcomes).toMatchObject([timedOut]);
  });

  it('starts a new timer for a wait after all others have ended', async () => {
    const { wait } = create();
    const first = createCall();
    wait(first.call);
    clock.advance(100);
    first.resolve('value');
    await nextTurn();
    const second = wait(createCall().call);
    clock.advance(timeoutMs - 101);
    await nextTurn();
    expect(second).toEqual([]);
    clock.advance(1);
    await nextTurn();
    expect(second).toMatchObject([timedOut]);
  });

  it.each<[WaitKind | undefined, boolean, boolean]>([
    ['read', true, false],
    ['write', false, true],
    [undefined, true, true],
  ])('cancels waits of the kind %s', async (kind, cancelsRead, cancelsWrite) => {
    const { deadline, wait, busy } = create();
    const [one, other] = [createCall(), createCall()];
    const [read, write] = [wait(one.call, 'read'), wait(other.call, 'write')];
    const errors: CloudcaError[] = [];
    const toError = () => {
      const error = new ClientDisconnectedError('gone');
      errors.push(error);
      return error;
    };
    deadline.cancelWaits(toError, kind);
    await nextTurn();
    expect([read.length, write.length]).toEqual([Number(cancelsRead), Number(cancelsWrite)]);
    expect([...read, ...write]).toEqual(errors);
    expect([one.cancelReason() !== undefined, other.cancelReason() !== undefined]).toEqual([cancelsRead, cancelsWrite]);
    expect(busy.size).toBe(kind === undefined ? 0 : 1);
    deadline.cancelWaits(toError);
  });

  it('does not cancel a call that another deadline waits for', async () => {
    const [one, other] = [create(), create()];
    const { call, resolve, cancelReason } = createCall();
    const [first, second] = [one.wait(call), other.wait(call)];
    one.deadline.cancelWaits(() => new ClientDisconnectedError('gone'));
    expect(cancelReason()).toBeUndefined();
    resolve('value');
    await nextTurn();
    expect([first, second]).toMatchObject([[{ name: 'ClientDisconnectedError' }], ['value']]);
  });
});
