// How requests wait for turns of the event loop, and how the clients that wait take turns.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { RequestTurns, type WaitingRequest } from '../../../src/server/http/request-turns.js';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { range } from '../../helpers/fixtures.js';

const perTurn = 8;
const clock = useFakeClock(['performance']);

/** Creates turns, and lists of the requests that have been served or evicted. */
function create() {
  const onEvict = jest.fn();
  const turns = new RequestTurns(onEvict);
  const served: string[] = [];
  const waits: number[] = [];
  const evicted: string[] = [];
  const toRequests = (client: string, count: number): WaitingRequest[] =>
    range(count).map((index) => ({
      client,
      serve: (waitedMs) => {
        served.push(`${client}${index}`);
        waits.push(waitedMs);
      },
      evict: () => evicted.push(`${client}${index}`),
    }));
  return {
    turns,
    served,
    waits,
    evicted,
    onEvict,
    /** Takes turns for a number of requests of a client. */
    send: (client: string, count = 1) => {
      const requests = toRequests(client, count);
      for (const request of requests) turns.take(request);
      return requests;
    },
    /** Adds a number of requests of a client that wait for others of their connection. */
    add: (client: string, count = 1) => {
      const requests = toRequests(client, count);
      for (const request of requests) turns.add(request);
      return requests;
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

  it('passes over a request that has been removed, which takes no room', async () => {
    const { turns, served, send } = create();
    const requests = send('a', 3 * perTurn);
    for (const request of requests.slice(perTurn, 2 * perTurn)) turns.remove(request);
    await nextTurn();
    expect(served).toEqual([...named('a', 0, perTurn), ...named('a', 2 * perTurn, 3 * perTurn)]);
  });

  it('evicts the requests of a client above 4,096', async () => {
    const { served, evicted, onEvict, send, add } = create();
    send('a', perTurn + 4_000);
    add('a', 96);
    expect(evicted).toEqual([]);
    add('a', 2);
    send('a');
    expect(evicted).toEqual(['a0', 'a1', 'a0']);
    expect(onEvict).toHaveBeenCalledTimes(3);
    for (let turn = 0; turn < 500; turn++) await nextTurn();
    expect(served).toEqual(named('a', 0, perTurn + 4_000));
  });

  it('evicts the oldest request of a client with more of them in place of another', async () => {
    const { served, evicted, send, add } = create();
    send('a', perTurn);
    add('a', 2_040);
    add('b', 2_056);
    send('c');
    add('c', 2);
    expect(evicted).toEqual(['b0', 'b1', 'b2']);
    await nextTurn();
    expect(served).toContain('c0');
  });

  it('has room for others when requests have been served or removed', async () => {
    const { turns, evicted, send, add } = create();
    send('a', 2 * perTurn);
    const requests = add('a', 4_096 - perTurn);
    for (const request of requests.slice(10)) turns.remove(request);
    await nextTurn();
    add('b', 4_096 - 10);
    expect(evicted).toEqual([]);
    add('b');
    expect(evicted).toEqual(['b0']);
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
