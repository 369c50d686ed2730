// How rows of large lists wait for turns of the event loop, and how lengths are measured.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ResultBudget } from '../../../src/graph/execution/result-budget.js';
import { isLongerThan } from '../../../src/graph/execution/text-length.js';
import { maxWorkPerTurn, Turns } from '../../../src/turns.js';
import { range } from '../../helpers/fixtures.js';

const size = (fields: number) => ({ fields, work: fields });
const unlimited = (caller?: string) => new ResultBudget(0, caller, () => undefined);

/** Takes the rows 0 to `count - 1`, and returns those that have been released so far, in the order of their release. */
function take(budget: ResultBudget, count: number, fieldsPerRow: number): number[] {
  const released: number[] = [];
  const add = (rows: readonly (number | Promise<number>)[]) => {
    for (const row of rows) {
      if (row instanceof Promise) void row.then((value) => released.push(value));
      else released.push(row);
    }
  };
  const rows = budget.takeRows(range(count), size(fieldsPerRow));
  if (rows instanceof Promise) void rows.then(add);
  else add(rows);
  return released;
}

async function passTurns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn();
}

describe('ResultBudget', () => {
  // All budgets of a process share its turns.
  beforeEach(() => passTurns(10));

  it('returns a small list as it is', () => {
    const rows = range(25);
    expect(unlimited().takeRows(rows, size(40))).toBe(rows);
  });

  it('releases at most 10,000 fields in a turn of the event loop, in order', async () => {
    const released = take(unlimited(), 1_000, 50);
    const perTurn = maxWorkPerTurn / 50;
    for (const turn of range(5)) {
      expect(released).toEqual(range((turn + 1) * perTurn));
      await nextTurn();
    }
  });

  it('releases small lists together once the first turn is full', async () => {
    const budget = unlimited();
    const lists = range(30).map(() => take(budget, 10, 100));
    const count = () => lists.filter((released) => released.length === 10).length;
    expect(count()).toBe(10);
    await nextTurn();
    expect(count()).toBe(20);
    await nextTurn();
    expect(count()).toBe(30);
  });

  it('gives other work than rows a turn for every 10,000 fields', async () => {
    const budget = unlimited();
    let done = 0;
    for (let vpn = 0; vpn < 1_500; vpn++) void budget.takeWork(20).then(() => done++);
    for (const turn of range(3)) {
      await passTurns(turn === 0 ? 0 : 1);
      await Promise.resolve();
      expect(done).toBe((turn + 1) * 500);
    }
  });

  it('rejects other work than rows once the operation has stopped', async () => {
    const budget = unlimited();
    budget.stop(new Error('The client disconnected.'));
    await expect(budget.takeWork(1)).rejects.toThrow('The client disconnected.');
  });

  it('alternates between operations, one slice in a turn', async () => {
    const [one, other] = [take(unlimited(), 600, 50), take(unlimited(), 600, 50)];
    const counts: number[][] = [];
    for (let turn = 0; turn < 6; turn++) {
      counts.push([one.length, other.length]);
      await nextTurn();
    }
    expect(counts).toEqual([
      [200, 0],
      [400, 0],
      [400, 200],
      [600, 200],
      [600, 400],
      [600, 600],
    ]);
  });

  it('alternates between four operations, and lets the others wait until one has ended', async () => {
    const results = range(6).map(() => take(unlimited(), 600, 50));
    const begun = () => results.filter(({ length }) => length > 0).length;
    await passTurns(5);
    expect(begun()).toBe(4);
    await passTurns(20);
    expect(results.map(({ length }) => length)).toEqual(range(6).map(() => 600));
  });

  it('lets a step that has a whole result go before operations that have not begun', async () => {
    const results = range(8).map(() => take(unlimited(), 1_000, 50));
    await passTurns(8);
    const begun = () => results.filter(({ length }) => length > 0).length;
    let isWritten = false;
    const step = new Turns({ hasResult: true });
    void step.take(maxWorkPerTurn + 1)?.then(() => (isWritten = true));
    await passTurns(6);
    expect([isWritten, begun()]).toEqual([true, 4]);
    await passTurns(60);
    expect(begun()).toBe(8);
  });

  it('gives another caller a turn among many operations of one, however long they are', async () => {
    const long = range(64).map(() => take(unlimited('one'), 5_000, 50));
    const list = take(unlimited('other'), 300, 10);
    expect(list).toEqual([]);
    await passTurns(3);
    expect(list).toHaveLength(300);
    expect(long.flat().length).toBeGreaterThan(0);
    await passTurns(64 * 25);
    expect(long.map(({ length }) => length)).toEqual(range(64).map(() => 5_000));
  });

  it('gives small operations one turn together', async () => {
    take(unlimited(), 200, 50);
    const small = range(6).map((index) => take(unlimited(`caller ${index % 4}`), 50, 50));
    const count = () => small.filter(({ length }) => length === 50).length;
    expect(count()).toBe(0);
    await nextTurn();
    expect(count()).toBe(4);
    await nextTurn();
    expect(count()).toBe(6);
  });

  it('forgets the callers whose operations have stopped', async () => {
    const budget = unlimited('stopped');
    budget.onStop(() => undefined);
    take(budget, 5_000, 50);
    budget.stop(new Error('stopped'));
    const released = take(unlimited('other'), 600, 50);
    await passTurns(3);
    expect(released).toHaveLength(600);
  });

  it('returns 2,000 fields of each caller at once, however full the turn is', () => {
    take(unlimited(), 600, 50);
    for (const caller of ['one', 'other']) {
      expect(take(unlimited(caller), 20, 50)).toHaveLength(20);
      expect(take(unlimited(caller), 20, 50)).toHaveLength(20);
      expect(take(unlimited(caller), 1, 50)).toHaveLength(0);
    }
  });

  it('goes on with a step that has a complete result in each turn, however many operations wait', async () => {
    const lists = range(20).map((index) => take(unlimited(`caller ${index}`), 600, 50));
    const step = new Turns({ hasResult: true });
    let done = 0;
    for (const each of range(4).map(() => step.take(maxWorkPerTurn))) void each?.then(() => done++);
    await passTurns(5);
    expect(done).toBe(4);
    await passTurns(60);
    expect(lists.map(({ length }) => length)).toEqual(range(20).map(() => 600));
  });

  it('lets work of no size pass, and what waits behind it', async () => {
    await nextTurn();
    const done: string[] = [];
    const take = (caller: string, work: number) => {
      void new Turns({ caller }).take(work)?.then(() => done.push(`${caller} ${work}`));
    };
    take('one', maxWorkPerTurn);
    take('other', 2_000);
    // The turn is full, so these wait.
    take('one', 0);
    take('one', 3_000);
    take('other', 3_000);
    await passTurns(3);
    expect(done.toSorted()).toEqual(['one 0', 'one 3000', 'other 3000']);
  });

  it('executes rows although results are complete in each turn', async () => {
    const rows = take(unlimited('one'), 600, 50);
    for (let turn = 0; turn < 6; turn++) {
      void new Turns({ hasResult: true }).take(maxWorkPerTurn / 2);
      void new Turns({ hasResult: true }).take(maxWorkPerTurn / 2);
      void new Turns({ hasResult: true }).take(maxWorkPerTurn / 2);
      await nextTurn();
    }
    expect(rows).toHaveLength(600);
  });

  it('lets operations of a caller with rows go before its first steps', async () => {
    const order: string[] = [];
    const take = (name: string, isFirstStep: boolean) => {
      void new Turns({ caller: 'one', isFirstStep }).take(maxWorkPerTurn)?.then(() => order.push(name));
    };
    for (const name of range(7)) take(`first step ${name}`, true);
    take('rows', false);
    await passTurns(10);
    expect(order[0]).toBe('rows');
  });

  it('lets a caller with less work go before the others, step by step', async () => {
    const long = range(64).map((index) => take(unlimited(`caller ${index}`), 5_000, 50));
    await passTurns(64);
    let steps = 0;
    const takeSteps = async () => {
      const turns = new Turns({ caller: 'other' });
      for (; steps < 4; steps++) await turns.take(2_500);
    };
    void takeSteps();
    await passTurns(5);
    expect(steps).toBe(4);
    await passTurns(64 * 26);
    expect(long.map(({ length }) => length)).toEqual(range(64).map(() => 5_000));
  });

  it('lets the results of a caller with less work go before those of others', async () => {
    let isWritten = false;
    for (const index of range(64)) {
      const turns = new Turns({ caller: `caller ${index}`, hasResult: true });
      for (let slice = 0; slice < 4; slice++) void turns.take(maxWorkPerTurn);
    }
    await passTurns(64);
    void new Turns({ caller: 'other', hasResult: true }).take(2_500)?.then(() => (isWritten = true));
    await passTurns(2);
    expect(isWritten).toBe(true);
    await passTurns(64 * 4);
  });

  it('lets operations that have begun end before large ones of other callers begin', async () => {
    let begun = 0;
    let ended = 0;
    const run = async (caller: string) => {
      await new Turns({ caller, isFirstStep: true }).take(5 * maxWorkPerTurn);
      begun++;
      const turns = new Turns({ caller });
      for (let slice = 0; slice < 5; slice++) await turns.take(maxWorkPerTurn);
      ended++;
    };
    const all = Promise.all(range(20).map((index) => run(`caller ${index}`)));
    let most = 0;
    for (let turn = 0; turn < 200; turn++) {
      most = Math.max(most, begun - ended);
      await nextTurn();
    }
    await all;
    expect(most).toBeLessThanOrEqual(2);
  });

  it('begins no large operation of a caller whose results wait', async () => {
    const order: string[] = [];
    // Fills the turn.
    void new Turns({ caller: 'first' }).take(maxWorkPerTurn);
    const result = new Turns({ caller: 'one', hasResult: true });
    for (let slice = 0; slice < 3; slice++) void result.take(maxWorkPerTurn + 1)?.then(() => order.push('result'));
    void new Turns({ caller: 'one', isFirstStep: true }).take(3_000)?.then(() => order.push('one'));
    void new Turns({ caller: 'other', isFirstStep: true }).take(3_000)?.then(() => order.push('other'));
    await passTurns(6);
    expect(order).toEqual(['result', 'other', 'result', 'result', 'one']);
  });

  it('lets a large operation begin although smaller ones of others go on and on', async () => {
    let hasBegun = false;
    const run = async () => {
      const turns = new Turns({ caller: 'other' });
      while (!hasBegun) await turns.take(maxWorkPerTurn / 2);
    };
    void run();
    void run();
    void new Turns({ caller: 'one', isFirstStep: true }).take(3_000)?.then(() => (hasBegun = true));
    await passTurns(60);
    expect(hasBegun).toBe(true);
  });

  it('starts small work in full turns only up to the work of another turn', async () => {
    take(unlimited(), 600, 50);
    const started = range(10).filter((index) => new Turns({ caller: `caller ${index}` }).take(1_500) === undefined);
    expect(started).toHaveLength(6);
    await passTurns(10);
  });

  it('releases a row with more fields than a turn may have', async () => {
    const released = take(unlimited(), 3, 10 * maxWorkPerTurn);
    await passTurns(3);
    expect(released).toEqual([0, 1, 2]);
  });

  it('fails the rows that wait when the operation stops, if nothing listens', async () => {
    const budget = unlimited();
    const rows = budget.takeRows(range(1_000), size(50));
    if (rows instanceof Promise) throw new TypeError('The list was not divided.');
    const settled = Promise.allSettled(rows.map((row) => Promise.resolve(row)));
    budget.stop(new Error('stopped'));
    const failed = (await settled).filter(({ status }) => status === 'rejected');
    expect(failed).toHaveLength(800);
    expect(() => budget.takeRows([1], size(1))).toThrow('stopped');
  });

  it('cancels the reads once, and reports the first reason, when the operation stops', () => {
    const events: string[] = [];
    const budget = new ResultBudget(10, undefined, () => events.push('cancelled'));
    budget.onStop(({ message }) => events.push(message));
    expect(() => budget.takeRows(range(11), size(1))).toThrow('more than 10 fields');
    budget.stop(new Error('later'));
    expect(events.toSorted()).toEqual(['cancelled', expect.stringContaining('more than 10 fields')].toSorted());
  });
});

describe('isLongerThan', () => {
  // Lengths of numbers and punctuation are rough, so the texts are long.
  const text = fc
    .tuple(
      fc.constantFrom('x', 'é', '"', '\\', '\u0001', '\n', '\u{1f310}', '\ud83c'),
      fc.integer({ min: 100, max: 400 }),
    )
    .map(([unit, count]) => unit.repeat(count));
  const value = fc.letrec((tie) => ({
    value: fc.oneof(text, fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(text, tie('value'), { maxKeys: 3 })),
  })).value;

  it('agrees with the length of the JSON text, within a fifth', async () => {
    await fc.assert(
      fc.asyncProperty(value, async (given) => {
        const { length } = JSON.stringify(given);
        if (length < 600) return;
        expect(await isLongerThan(given, length * 1.2)).toBe(false);
      }),
    );
  });

  it.each([
    ['a long string', 'x'.repeat(1_000), 1_000],
    ['escaped characters', '\u0001'.repeat(1_000), 6_000],
    ['many strings', range(100).map(() => 'x'.repeat(100)), 10_000],
    ['the names of fields', { ['x'.repeat(1_000)]: null }, 1_000],
    ['nested JSON', { a: [{ b: [['x'.repeat(1_000)]] }] }, 1_000],
  ])('counts %s', async (_what, given, length) => {
    expect(await isLongerThan(given, length * 0.99)).toBe(true);
    expect(await isLongerThan(given, length * 1.2 + 100)).toBe(false);
  });

  it('lets other work have turns of the event loop while it measures a large value', async () => {
    let turns = 0;
    const count = () => {
      turns++;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    const rows = range(5_000).map(() => ['x', 'y', 'z', 1, 2, 3, true, null]);
    expect(await isLongerThan(rows, 10_000_000)).toBe(false);
    clearImmediate(timer);
    expect(turns).toBeGreaterThan(1);
  });
});
