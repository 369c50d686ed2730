// Failures of polls that are no fault of what is polled, or that ask for patience: Retry-After, 429, 503, an open circuit, a shutdown.
// The whole clock is fake.
import { afterEach, describe, expect, it } from '@jest/globals';
import { CloudcaClient } from '../../../src/cloudca/client.js';
import { CircuitOpenError } from '../../../src/cloudca/errors.js';
import { CircuitBreaker } from '../../../src/cloudca/http/circuit-breaker.js';
import { Watcher } from '../../../src/cloudca/polling/watcher.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { trackRestCalls } from '../../helpers/rest-calls.js';
import { raw } from '../../helpers/upstream.js';
import {
  createWireVpn,
  formatList,
  formatTask,
  formatVpn,
  listPath,
  recordEvents,
  serveInOrder,
  startHarness,
  taskPollMs,
  testArea,
  type TestSubscriber,
  toVpnId,
  watchPollMs,
} from './test-watcher.js';

const { upstream, requestedUrls, advance, settle, createWatcher } = await startHarness([
  'Date',
  'performance',
  'setTimeout',
]);
const apiKey = 'Qk7vXc2nTestKeyOfTheCaller';
const taskPath = '/v1/tasks/t-1';
const pending = { taskId: 't-1', taskStatus: 'PENDING' };
const done = { taskId: 't-1', taskStatus: 'SUCCESS' };
const list = { data: [createWireVpn('a')] };
const changedList = { data: [createWireVpn('a', { state: 'Error' })] };

let watcher: Watcher = createWatcher();
const subscribers: TestSubscriber[] = [];

afterEach(async () => {
  for (const subscriber of subscribers.splice(0)) await subscriber.unsubscribe();
  await settle();
  expect(watcher.pollCount).toBe(0);
  watcher = createWatcher();
});

function add(subscriber: TestSubscriber): TestSubscriber {
  subscribers.push(subscriber);
  return subscriber;
}

/** Advances the clock in steps, in which requests get their responses. */
async function advanceSeconds(seconds: number): Promise<void> {
  await advance(0);
  for (let second = 0; second < seconds; second++) await advance(1_000);
}

const watchTask = (key = apiKey, by = watcher) => add(recordEvents(by.forKey(key).task('t-1', null), formatTask));
const watchList = (key = apiKey) => add(recordEvents(watcher.forKey(key).siteToSiteVpns(testArea), formatList));
const watchVpn = () => add(recordEvents(watcher.forKey(apiKey).siteToSiteVpn(testArea, toVpnId('a')), formatVpn));

describe.each([429, 503])('A poll after a response with status %i', (status) => {
  it.each([
    ['0', watchPollMs],
    ['3', watchPollMs],
    ['60', 60_000],
    ['86400', 300_000],
  ])('and Retry-After %s waits so long, from one interval to five minutes', async (retryAfter, delayMs) => {
    const busy = raw(status, '', { 'retry-after': retryAfter });
    upstream.script(serveInOrder(list, ...Array<typeof busy>(5).fill(busy), changedList));
    const { log } = watchList();
    await advance(0);
    await advance(watchPollMs);
    for (let poll = 2; poll < 7; poll++) {
      await advance(delayMs - 1);
      expect(requestedUrls()).toHaveLength(poll);
      await advance(1);
    }
    // No number of such responses is a failure.
    expect(log).toEqual(['[a Connected]', '[a Error]']);
  });

  it('and Retry-After holds the other polls and waits of its key, and no other key', async () => {
    upstream.script(({ url }) => (url === listPath ? raw(status, '', { 'retry-after': '60' }) : pending));
    watchList();
    await advance(0);
    const limits = { waitMs: 10_000, stop: new AbortController().signal };
    const task = { id: 't-1', status: 'PENDING', created: null, result: undefined, errors: [] } as const;
    const waited = watcher.forKey(apiKey).waitForTask(task, null, limits);
    watchTask('other');
    await advanceSeconds(10);
    expect(await waited).toBe(task);
    const { log } = watchTask();
    await advanceSeconds(49);
    expect(log).toEqual([]);
    const keys = upstream.calls.filter(({ url }) => url === taskPath).map(({ headers }) => headers['mc-api-key']);
    expect(new Set(keys)).toEqual(new Set(['other']));
    await advanceSeconds(1);
    expect(log).toEqual(['PENDING']);
  });

  it('and Retry-After feeds the VPNs of its list afterwards, without requests for them', async () => {
    upstream.script(serveInOrder(list, raw(status, '', { 'retry-after': '60' }), list));
    watchList();
    await advance(0);
    const { log } = watchVpn();
    await advance(watchPollMs);
    await advance(60_000);
    await advance(watchPollMs);
    expect(requestedUrls()).toEqual(Array(4).fill(listPath));
    expect(log).toEqual(['a Connected']);
  });

  it('without Retry-After waits two intervals, then four, and fails at the third', async () => {
    upstream.script(serveInOrder(pending, raw(status)));
    const { log } = watchTask();
    await advance(0);
    for (const [poll, delayMs] of [taskPollMs, 2 * taskPollMs, 4 * taskPollMs].entries()) {
      await advance(delayMs - 1);
      expect(requestedUrls()).toHaveLength(poll + 1);
      await advance(1);
    }
    expect(log).toEqual(['PENDING', status === 429 ? 'RateLimitedError' : 'UnavailableError', 'end']);
  });
});

describe('A poll whose request is not sent', () => {
  class SwitchedCircuitBreaker extends CircuitBreaker {
    isSwitchedOff = false;
    override run(...[key, call]: Parameters<CircuitBreaker['run']>): ReturnType<CircuitBreaker['run']> {
      return this.isSwitchedOff ? Promise.reject(new CircuitOpenError()) : super.run(key, call);
    }
  }

  const start = () => {
    const circuitBreaker = new SwitchedCircuitBreaker();
    const client = new CloudcaClient({ baseUrl: upstream.url, timeoutMs: 10_000, circuitBreaker });
    addCleanup(() => client.close());
    const calls = trackRestCalls(client);
    const ownWatcher = new Watcher({ client, taskPollMs, watchPollMs, warn: () => undefined });
    const advanceAndSettle = async (milliseconds: number) => {
      await advance(milliseconds);
      await calls.settle();
    };
    return { circuitBreaker, client, ownWatcher, advance: advanceAndSettle };
  };

  it('because the circuit is open counts no failure, and continues once per interval', async () => {
    upstream.script(serveInOrder(pending, raw(500), raw(500), done));
    const { circuitBreaker, ownWatcher, advance } = start();
    const { log } = watchTask(apiKey, ownWatcher);
    await advance(0);
    await advance(taskPollMs);
    await advance(taskPollMs);
    circuitBreaker.isSwitchedOff = true;
    for (let poll = 0; poll < 10; poll++) await advance(taskPollMs);
    expect(requestedUrls()).toHaveLength(3);
    circuitBreaker.isSwitchedOff = false;
    await advance(taskPollMs);
    expect(log).toEqual(['PENDING', 'SUCCESS', 'end']);
  });

  it('because the gateway shuts down counts no failure', async () => {
    upstream.script(() => pending);
    const { client, ownWatcher, advance } = start();
    const subscriber = watchTask(apiKey, ownWatcher);
    await advance(0);
    client.abort();
    for (let poll = 0; poll < 10; poll++) await advance(taskPollMs);
    expect(subscriber.log).toEqual(['PENDING']);
    expect(requestedUrls()).toHaveLength(1);
  });
});
