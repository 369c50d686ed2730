// The order of deliveries, and the turns of the event loop that they take.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Deliveries } from '../../../src/server/subscriptions/deliveries.js';
import { useFakeClock } from '../../helpers/fake-clock.js';

const clock = useFakeClock(['performance']);

describe('Deliveries', () => {
  it('end a turn of the event loop after 10 ms, and alternate between callers', async () => {
    const deliveries = new Deliveries();
    const delivered: string[] = [];
    const add = (caller: string, ms: number) => {
      deliveries.add(caller, () => {
        clock.advance(ms);
        delivered.push(caller);
      });
    };
    for (let count = 0; count < 5; count++) add('crowd', 4);
    add('single', 1);
    expect(delivered).toEqual([]);
    await nextTurn();
    expect(delivered).toEqual(['crowd', 'single', 'crowd', 'crowd']);
    await nextTurn();
    expect(delivered).toEqual(['crowd', 'single', 'crowd', 'crowd', 'crowd', 'crowd']);
  });
});
