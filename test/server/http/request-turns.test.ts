// How requests wait for turns of the event loop, and how the clients that wait take turns.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { RequestTurns } from '../../../src/server/http/request-turns.js';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { range } from '../../helpers/fixtures.js';

const perTurn = 8;
const clock = useFakeClock(['performance']);

/** Creates turns, and a list of the requests that have been served. */
function create() {
  const turns = new RequestTurns();
  const served: string[] = [];
  const waits: number[] = [];
  return {
    served,
    waits,
    /** Takes turns for a number of requests of a client. */
    send: (client: string, count = 1) => {
      for (const index of range(count)) {
        turns.take(client, (waitedMs) => {
          served.push(`${client}${index}`);
          waits.push(waitedMs);
        });
      }
    },
  };
}

const named = (client: string, begin: number, end: number) =>
  range(end - begin).map((index) => `${client}${begin + index}`);

describe('RequestTurns', () => {
  it('serves 8 requests at once, and 8 more in each further turn, in order', async () => {
    const { served, send } = create();
    send('a', 30);
    for (const turn of range(4)) {
      expect(served).toEqual(named('a', 0, Math.min(30, (turn + 1) * perTurn)));
      await nextTurn();
    }
  });

  it('serves the first request of another client in the next turn, however many wait', async () => {
    const { served, send } = create();
    send('a', 900);
    send('b');
    await nextTurn();
    expect(served).toContain('b0');
    expect(served).toHaveLength(2 * perTurn);
  });

  it('serves the clients that wait in turn', async () => {
    const { served, send } = create();
    send('a', 20);
    send('b', 3);
    send('c', 2);
    await nextTurn();
    expect(served.slice(perTurn)).toEqual(['a8', 'b0', 'c0', 'a9', 'b1', 'c1', 'a10', 'b2']);
    await nextTurn();
    expect(served.slice(2 * perTurn)).toEqual(named('a', 11, 19));
  });

  it('serves no request before those that wait', async () => {
    const { served, send } = create();
    send('a', perTurn + 1);
    await nextTurn();
    expect(served).toHaveLength(perTurn + 1);
    send('a', 2 * perTurn);
    send('b');
    expect(served).not.toContain('b0');
    await nextTurn();
    expect(served).toContain('b0');
  });

  it('serves requests at once again when no request waits', async () => {
    const { served, send } = create();
    send('a', 2 * perTurn);
    await nextTurn();
    await nextTurn();
    send('b', perTurn);
    expect(served).toHaveLength(3 * perTurn);
  });

  it('says how long each request has waited', async () => {
    const { waits, send } = create();
    send('a', 2 * perTurn);
    clock.advance(7);
    send('b');
    clock.advance(5);
    await nextTurn();
    await nextTurn();
    expect(waits).toEqual([...Array<number>(perTurn).fill(0), 12, 5, ...Array<number>(perTurn - 1).fill(12)]);
  });
});
