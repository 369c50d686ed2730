// The bounds on response bodies, without connections: which ones are paused, and when they are resumed.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { type HeldBody, FlowControl } from '../../../src/cloudca/http/flow-control.js';

const mebibyte = 1024 * 1024;
// A chunk counts as so many bytes more than its content.
const overhead = 128;

/** Opens bodies that are in transfer. */
function createBodies() {
  const flow = new FlowControl();
  return (caller: string, bytes = 0) => {
    const body = flow.open(caller);
    const calls: string[] = [];
    body.setSource({ pause: () => calls.push('pause'), resume: () => calls.push('resume') });
    if (bytes > 0) body.add(bytes - overhead);
    /** The calls to the connection, in order. */
    return { body, calls };
  };
}

function release(bodies: readonly { readonly body: HeldBody }[]): void {
  for (const { body } of bodies) body.release();
}

describe('The bodies of one caller', () => {
  it('are not read above 16 MiB until one has been parsed', async () => {
    const open = createBodies();
    const first = open('one', 9 * mebibyte);
    const second = open('one', 7 * mebibyte);
    const third = open('one');
    expect(second.calls).toEqual([]);
    second.body.add(1);
    third.body.add(1);
    expect([first.calls, second.calls, third.calls]).toEqual([[], ['pause'], ['pause']]);
    first.body.complete();
    await nextTurn();
    expect(second.calls).toEqual(['pause']);
    first.body.release();
    // Not while undici may parse.
    expect(second.calls).toEqual(['pause']);
    await nextTurn();
    expect([second.calls, third.calls]).toEqual([
      ['pause', 'resume'],
      ['pause', 'resume'],
    ]);
  });

  it('proceed one at a time above it, the oldest first', async () => {
    const open = createBodies();
    const [first, second, third] = [open('one', 9 * mebibyte), open('one', 9 * mebibyte), open('one', 9 * mebibyte)];
    first.body.add(mebibyte);
    expect([first.calls, second.calls, third.calls]).toEqual([[], ['pause'], ['pause']]);
    first.body.release();
    await nextTurn();
    expect([second.calls, third.calls]).toEqual([['pause', 'resume'], ['pause']]);
  });

  it('do not hold up those of others', () => {
    const open = createBodies();
    open('one', 10 * mebibyte);
    expect([open('one', 10 * mebibyte).calls, open('other', 10 * mebibyte).calls]).toEqual([['pause'], []]);
  });

  it('count until they are released, once', () => {
    const open = createBodies();
    const held = [open('one', 9 * mebibyte), open('one', 7 * mebibyte)];
    held[0]?.body.complete();
    release(held);
    release(held);
    // Not counted any more.
    held[0]?.body.add(9 * mebibyte);
    expect(open('one', 16 * mebibyte).calls).toEqual([]);
    expect(open('one', 1 + overhead).calls).toEqual(['pause']);
  });

  it('count 128 bytes for each chunk', () => {
    const open = createBodies();
    const [first, second] = [open('one', mebibyte), open('one')];
    for (let count = 0; count < 100_000; count++) second.body.add(1);
    expect(second.body.length).toBe(100_000);
    expect(second.calls).toEqual([]);
    for (let count = 0; count < 22_000; count++) second.body.add(1);
    expect(second.calls).toEqual(['pause']);
    expect(first.calls).toEqual([]);
  });
});

describe('The bodies of all callers', () => {
  /** Opens eight bodies of 4 MiB, each of another caller: 32 MiB. */
  function fill(open: ReturnType<typeof createBodies>) {
    return Array.from({ length: 8 }, (_, index) => open(`large ${index}`, 4 * mebibyte));
  }

  it('are not read above 32 MiB until one has been parsed, but for the oldest one', async () => {
    const open = createBodies();
    const [first, ...others] = fill(open);
    const last = open('last', 4 * mebibyte);
    expect(last.calls).toEqual(['pause']);
    for (const { body } of others) body.add(1);
    first?.body.add(1);
    expect(first?.calls).toEqual([]);
    expect(others.map(({ calls }) => calls)).toEqual(others.map(() => ['pause']));
    first?.body.complete();
    await nextTurn();
    // One is complete, and will be parsed.
    expect(others.map(({ calls }) => calls)).toEqual(others.map(() => ['pause']));
    last.body.release();
    first?.body.release();
    await nextTurn();
    expect(others.map(({ calls }) => calls)).toEqual(others.map(() => ['pause', 'resume']));
  });

  it('proceed with the oldest one, once no complete one waits', async () => {
    const open = createBodies();
    const [first, second, third] = fill(open);
    open('last', 10 * mebibyte);
    first?.body.complete();
    second?.body.add(1);
    third?.body.add(1);
    expect(second?.calls).toEqual(['pause']);
    first?.body.release();
    await nextTurn();
    expect([second?.calls, third?.calls]).toEqual([['pause', 'resume'], ['pause']]);
  });

  it('divide another 32 MiB equally among the callers', () => {
    const open = createBodies();
    fill(open);
    const small = open('small', mebibyte);
    // Nine callers.
    small.body.add((32 / 9 - 1) * mebibyte - overhead);
    expect(small.calls).toEqual([]);
    small.body.add(1);
    expect(small.calls).toEqual(['pause']);
  });

  it('divide it among the callers with bodies that are not released', () => {
    const open = createBodies();
    const [first] = fill(open);
    const small = open('small', mebibyte);
    first?.body.release();
    open('large 1', 5 * mebibyte);
    // Eight callers.
    small.body.add(3 * mebibyte - overhead);
    expect(small.calls).toEqual([]);
    small.body.add(1);
    expect(small.calls).toEqual(['pause']);
  });

  it('have no share for several bodies of one caller above its own', () => {
    const open = createBodies();
    fill(open);
    expect(open('small', 2 * mebibyte).calls).toEqual([]);
    expect(open('small', 2 * mebibyte).calls).toEqual(['pause']);
  });

  it('are not read above 64 MiB, however small their share', () => {
    const open = createBodies();
    // Each one proceeds when it arrives: the others come later.
    for (const count of [16, 16, 10, 8, 6, 5]) open(`${count}`, count * mebibyte);
    Array.from({ length: 8 }, (_, index) => open(`${index} more`, mebibyte));
    expect(open('last', overhead).calls).toEqual(['pause']);
  });
});
