// The pacing of the requests of one key's polls: the pacer alone, and the watcher with it. The clock is fake.
import { beforeEach, describe, expect, it } from '@jest/globals';
import { CloudcaClient } from '../../../src/cloudca/client.js';
import { Pacer } from '../../../src/cloudca/polling/pacer.js';
import { Watcher } from '../../../src/cloudca/polling/watcher.js';
import type { TaskEntity } from '../../../src/cloudca/tasks.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { numberedId, range } from '../../helpers/fixtures.js';
import { trackRestCalls } from '../../helpers/rest-calls.js';
import { startUpstream } from '../../helpers/upstream.js';
import { recordEvents, type TestSubscriber } from './test-watcher.js';

const upstream = await startUpstream();
const clock = useFakeClock();

describe('Pacer', () => {
  /** Takes a turn that records its name. */
  const take = (pacer: Pacer, log: string[], key: string, name: string, isUrgent = false) => {
    const turn = () => {
      log.push(name);
      return true;
    };
    pacer.take(key, turn, isUrgent);
    return turn;
  };

  it('starts one turn of a key per interval, in order of arrival, urgent turns first', () => {
    const pacer = new Pacer(50);
    const log: string[] = [];
    for (const name of ['a', 'b', 'c']) take(pacer, log, 'key', name);
    take(pacer, log, 'key', 'urgent', true);
    expect(log).toEqual(['a']);
    clock.advance(49);
    expect(log).toEqual(['a']);
    clock.advance(1);
    expect(log).toEqual(['a', 'urgent']);
    clock.advance(100);
    expect(log).toEqual(['a', 'urgent', 'b', 'c']);
  });

  it('delays the first turn of a key that has just had another, but no other key', () => {
    const pacer = new Pacer(50);
    const log: string[] = [];
    take(pacer, log, 'one', 'first');
    clock.advance(20);
    take(pacer, log, 'one', 'second');
    take(pacer, log, 'other', 'other');
    expect(log).toEqual(['first', 'other']);
    clock.advance(30);
    expect(log).toEqual(['first', 'other', 'second']);
  });

  it('passes a turn on that is given up or not needed', () => {
    const pacer = new Pacer(50);
    const log: string[] = [];
    take(pacer, log, 'key', 'first');
    pacer.giveUp('key', take(pacer, log, 'key', 'given up'));
    pacer.take('key', () => false);
    take(pacer, log, 'key', 'last');
    clock.advance(50);
    expect(log).toEqual(['first', 'last']);
  });

  it.each([0, 50])('starts no turn of a key that is held, at an interval of %i ms', (intervalMs) => {
    const pacer = new Pacer(intervalMs);
    const log: string[] = [];
    take(pacer, log, 'key', 'first');
    pacer.hold('key', 1_000);
    take(pacer, log, 'key', 'held');
    take(pacer, log, 'key', 'urgent', true);
    take(pacer, log, 'other', 'other');
    clock.advance(999);
    expect(log).toEqual(['first', 'other']);
    clock.advance(1 + intervalMs);
    expect(log).toEqual(['first', 'other', 'urgent', 'held']);
  });

  it('keeps the rate if the interval is shorter than a millisecond', () => {
    const pacer = new Pacer(0.1);
    const log: string[] = [];
    for (const index of range(1000)) take(pacer, log, 'key', String(index));
    clock.advance(50);
    expect(log.length).toBeGreaterThan(400);
    expect(log.length).toBeLessThanOrEqual(501);
  });

  it('starts every turn at once if the interval is 0', () => {
    const log: string[] = [];
    const pacer = new Pacer(0);
    for (const name of ['a', 'b', 'c']) take(pacer, log, 'key', name);
    expect(log).toEqual(['a', 'b', 'c']);
  });
});

describe('Watcher with maxRequestsPerMinute', () => {
  const client = new CloudcaClient({ baseUrl: upstream.url, timeoutMs: 60_000 });
  addCleanup(() => client.close());
  const calls = trackRestCalls(client);
  const toWatcher = () =>
    new Watcher({
      client,
      taskPollMs: 1_000,
      watchPollMs: 5_000,
      maxRequestsPerMinute: 1_200,
      warn: () => undefined,
    });
  const advance = async (seconds: number) => {
    for (let step = 0; step < seconds * 20; step++) {
      clock.advance(50);
      await calls.settle();
    }
  };
  const countCalls = (part: string) => upstream.calls.filter(({ url }) => url.includes(part)).length;

  beforeEach(() => {
    upstream.script(() => ({ taskStatus: 'PENDING' }));
  });

  it('polls 600 tasks of one key 1,200 times a minute in turn, and polls another key as usual', async () => {
    const watcher = toWatcher();
    const subscribe = (key: string, index: number): TestSubscriber =>
      recordEvents(watcher.forKey(key).task(numberedId('task', index), null), ({ status }) => status);
    const subscribers = range(600).map((index) => subscribe('one', index));
    const other = subscribe('other', 1_000);
    // The subscribers of a poll share its requests.
    const joined = range(10).map(() => subscribe('one', 0));
    await advance(60);
    const otherCalls = countCalls(numberedId('task', 1_000));
    expect(otherCalls).toBeGreaterThan(50);
    expect(upstream.calls.length - otherCalls).toBeLessThanOrEqual(1_201);
    expect(upstream.calls.length - otherCalls).toBeGreaterThan(1_100);
    const counts = range(600).map((index) => countCalls(numberedId('task', index)));
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...counts)).toBeLessThanOrEqual(3);
    await Promise.all([...subscribers, ...joined, other].map((subscriber) => subscriber.unsubscribe()));
    expect(watcher.pollCount).toBe(0);
  });

  it('polls a task that a mutation waits for before the other polls of the key', async () => {
    const watcher = toWatcher();
    const subscribers = range(600).map((index) =>
      recordEvents(watcher.forKey('one').task(numberedId('task', index), null), ({ status }) => status),
    );
    await advance(5);
    upstream.script(({ url }) => ({ taskStatus: url.includes(numberedId('task', 999)) ? 'SUCCESS' : 'PENDING' }));
    const task: TaskEntity = {
      id: numberedId('task', 999),
      status: 'PENDING',
      created: null,
      result: undefined,
      errors: [],
    };
    const limits = { waitMs: 2_000, stop: new AbortController().signal };
    const waited = watcher.forKey('one').waitForTask(task, null, limits);
    await advance(2);
    expect(await waited).toMatchObject({ status: 'SUCCESS' });
    await Promise.all(subscribers.map((subscriber) => subscriber.unsubscribe()));
  });
});
