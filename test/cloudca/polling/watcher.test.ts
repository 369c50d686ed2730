// The watcher: intervals between polls, events for subscribers, polls of VPNs that take values from a list, ends, and waits for tasks.
// Timers are fake. The upstream is a real server.
import { afterEach, describe, expect, it } from '@jest/globals';
import { createSourceEventStream, parse } from 'graphql';
import type { EnvironmentAddress } from '../../../src/cloudca/environments.js';
import type { SiteToSiteVpnEntity } from '../../../src/cloudca/site-to-site-vpns.js';
import type { TaskEntity } from '../../../src/cloudca/tasks.js';
import type { WaitLimits, Watcher, WatchEvent, WatchEvents } from '../../../src/cloudca/polling/watcher.js';
import { GraphContext } from '../../../src/graph/context.js';
import { mapWatchEvents } from '../../../src/graph/async-iterators.js';
import { createSchema } from '../../../src/graph/schema.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { dropConnection, json, raw } from '../../helpers/upstream.js';
import {
  createWireVpn,
  formatEvent,
  formatList,
  formatTask,
  formatVpn,
  HeldResponses,
  listPath,
  recordEvents,
  serveInOrder,
  serveVpns,
  startHarness,
  taskPollMs,
  testArea,
  type TestSubscriber,
  toVpnId,
  watchPollMs,
} from './test-watcher.js';

const { upstream, client, requestedUrls, advance, settle, createWatcher } = await startHarness();
const schema = createSchema();
const apiKey = 'Qk7vXc2nTestKeyOfTheCaller';
const draining = new AbortController().signal;
const pending = { data: { id: 't-1', status: 'PENDING' } };
const done = { data: { id: 't-1', status: 'SUCCESS', result: { id: 'x' } } };
const vpnPath = (name: string) => `${listPath}/${toVpnId(name)}`;
const rejection = { errors: [{ message: 'No.' }] };

let watcher: Watcher = createWatcher();
const subscribers: TestSubscriber[] = [];

afterEach(async () => {
  for (const subscriber of subscribers.splice(0)) await subscriber.unsubscribe();
  await settle();
  expect(watcher.pollCount).toBe(0);
  watcher = createWatcher();
  upstream.script(() => ({ data: [] }));
});

// Unsubscribes after the test.
function subscribe<T>(events: WatchEvents<T>, format: (value: T) => string): TestSubscriber {
  const subscriber = recordEvents(events, format);
  subscribers.push(subscriber);
  return subscriber;
}

const watchTask = (id = 't-1') => subscribe(watcher.forKey(apiKey).task(id, null), formatTask);
const watchVpn = (name: string, environment: EnvironmentAddress = testArea) =>
  subscribe(watcher.forKey(apiKey).siteToSiteVpn(environment, toVpnId(name)), formatVpn);
const watchList = () => subscribe(watcher.forKey(apiKey).siteToSiteVpns(testArea), formatList);

describe('CallerWatcher.task', () => {
  it('emits the task as it is now, then each change of its status, and ends with the task', async () => {
    const unknown = { data: { id: 't-1', status: 'RUNNING' } };
    upstream.script(serveInOrder(pending, pending, unknown, pending, done));
    const { log } = watchTask();
    await advance(0);
    expect(log).toEqual(['PENDING']);
    for (let poll = 1; poll < 5; poll++) await advance(taskPollMs);
    expect(log).toEqual(['PENDING', 'UNKNOWN', 'PENDING', 'SUCCESS', 'end']);
    expect(watcher.pollCount).toBe(0);
    await advance(10 * taskPollMs);
    expect(requestedUrls()).toEqual(Array(5).fill('/v1/tasks/t-1'));
  });

  it('emits a task that has ended once, and ends', async () => {
    upstream.script(serveInOrder(done));
    const { log } = watchTask();
    await advance(0);
    expect(log).toEqual(['SUCCESS', 'end']);
  });

  it('emits FAILED and ends without a failure after a 400 with errors', async () => {
    upstream.script(serveInOrder(pending, json(400, rejection)));
    const { log } = watchTask();
    await advance(0);
    await advance(taskPollMs);
    expect(log).toEqual(['PENDING', 'FAILED', 'end']);
  });

  it('emits nothing if only other fields than the status have changed', async () => {
    upstream.script((_call, index) => ({ data: { id: 't-1', status: 'PENDING', created: `2026-01-0${index + 1}` } }));
    const { log } = watchTask();
    for (let poll = 0; poll < 4; poll++) await advance(taskPollMs);
    expect(log).toEqual(['PENDING']);
    expect(requestedUrls().length).toBe(4);
  });

  it('polls once per interval, however many subscribers there are and whenever they joined', async () => {
    upstream.script(() => pending);
    const all = Array.from({ length: 20 }, () => watchTask());
    await advance(0);
    for (let poll = 0; poll < 3; poll++) {
      await advance(taskPollMs / 2);
      all.push(watchTask(), watchTask());
      await advance(taskPollMs / 2);
    }
    expect(requestedUrls().length).toBe(4);
    expect(watcher.pollCount).toBe(1);
    expect(all.map(({ log }) => log)).toEqual(Array(26).fill(['PENDING']));
  });

  it('polls tasks of other ids and organizations separately', async () => {
    upstream.script(() => pending);
    watchTask('t-1');
    watchTask('t-2');
    subscribe(watcher.forKey(apiKey).task('t-1', 'o-1'), formatTask);
    await advance(0);
    expect([...requestedUrls()].sort()).toEqual(['/v1/tasks/t-1', '/v1/tasks/t-1?org_id=o-1', '/v1/tasks/t-2']);
  });

  it('does not poll before a subscriber reads, nor after it has unsubscribed unread', async () => {
    const events = watcher.forKey(apiKey).task('t-1', null);
    await advance(taskPollMs);
    await events.return();
    expect(await events.next()).toEqual({ done: true, value: undefined });
    await advance(taskPollMs);
    expect(requestedUrls()).toEqual([]);
  });
});

describe('A subscriber that joins a poll', () => {
  it('gets the latest value at once, without a request', async () => {
    upstream.script(() => pending);
    watchTask();
    await advance(0);
    await advance(taskPollMs - 1);
    const { log } = watchTask();
    await advance(0);
    expect(log).toEqual(['PENDING']);
    expect(requestedUrls().length).toBe(1);
  });

  it('gets the value of the first request if that is in flight', async () => {
    const held = new HeldResponses();
    upstream.script(() => held.hold);
    const first = watchTask();
    await advance(0);
    const second = watchTask();
    held.release(pending);
    await settle();
    expect([first.log, second.log]).toEqual([['PENDING'], ['PENDING']]);
    expect(requestedUrls().length).toBe(1);
  });

  it.each([
    ['an unchanged value', createWireVpn('a'), ['a Connected'], ['a Connected']],
    ['a changed value', createWireVpn('a', { state: 'Error' }), ['a Connected', 'a Error'], ['a Error']],
  ])(
    'gets the value of a later request in flight, not the one before it: %s',
    async (_case, data, firstLog, secondLog) => {
      const held = new HeldResponses();
      upstream.script(serveInOrder({ data: createWireVpn('a') }, held.hold));
      const first = watchVpn('a');
      await advance(0);
      await advance(watchPollMs);
      const second = watchVpn('a');
      expect(second.log).toEqual([]);
      held.release({ data });
      await settle();
      expect([first.log, second.log]).toEqual([firstLog, secondLog]);
      expect(requestedUrls().length).toBe(2);
    },
  );

  it('gets the value of the next request after a failed one, not an older value', async () => {
    upstream.script(serveInOrder(pending, raw(500), pending));
    const first = watchTask();
    await advance(0);
    await advance(taskPollMs);
    const second = watchTask();
    await advance(taskPollMs - 1);
    expect(second.log).toEqual([]);
    await advance(1);
    expect([first.log, second.log]).toEqual([['PENDING'], ['PENDING']]);
    expect(requestedUrls().length).toBe(3);
  });
});

describe('A subscriber that unsubscribes', () => {
  it.each([
    ['task', watchTask],
    ['VPN', () => watchVpn('a')],
    ['list', watchList],
  ])('from a %s ends the poll if it is the last one', async (_case, watch) => {
    upstream.script((call, index) =>
      call.url.includes('/tasks/') ? pending : serveVpns(createWireVpn('a'))(call, index),
    );
    const [one, other] = [watch(), watch()];
    await advance(0);
    await one.unsubscribe();
    await advance(watchPollMs);
    expect(requestedUrls().length).toBe(2);
    expect(watcher.pollCount).toBe(1);
    await other.unsubscribe();
    expect(watcher.pollCount).toBe(0);
    await advance(10 * watchPollMs);
    expect(requestedUrls().length).toBe(2);
  });

  it('cancels the request in flight only if it is the last one', async () => {
    const held = new HeldResponses();
    upstream.script(() => held.hold);
    const [one, other] = [watchTask(), watchTask()];
    await advance(0);
    await one.unsubscribe();
    await settle();
    expect(held.closedCount).toBe(0);
    await other.unsubscribe();
    await waitUntil(() => held.closedCount === 1);
    await settle();
    expect(requestedUrls().length).toBe(1);
    expect([one.log, other.log]).toEqual([[], []]);
  });

  it('gets the current value when it subscribes again', async () => {
    upstream.script(serveInOrder(pending, done));
    const first = watchTask();
    await advance(0);
    await first.unsubscribe();
    const second = watchTask();
    await advance(0);
    expect([first.log, second.log]).toEqual([['PENDING'], ['SUCCESS', 'end']]);
  });
});

describe('CallerWatcher.siteToSiteVpn', () => {
  it('emits the VPN as it is now, then each change, in order', async () => {
    const states = ['Pending', 'Pending', 'Connected', 'Disconnected', 'Disconnected', 'Connected'];
    upstream.script(serveInOrder(...states.map((state) => ({ data: createWireVpn('a', { state }) }))));
    const { log } = watchVpn('a');
    await advance(0);
    for (let poll = 1; poll < 8; poll++) await advance(watchPollMs);
    expect(log).toEqual(['a Pending', 'a Connected', 'a Disconnected', 'a Connected']);
    expect(requestedUrls()).toEqual(Array(8).fill(vpnPath('a')));
  });

  it('emits nothing if only fields that the gateway does not decode have changed', async () => {
    upstream.script((_call, index) => ({ data: createWireVpn('a', { uptime: index }) }));
    const { log } = watchVpn('a');
    for (let poll = 0; poll < 3; poll++) await advance(watchPollMs);
    expect(log).toEqual(['a Connected']);
  });

  it('ends when the VPN is not found twice in a row', async () => {
    upstream.script(serveInOrder({ data: createWireVpn('a') }, json(404, rejection)));
    const { log } = watchVpn('a');
    await advance(0);
    await advance(watchPollMs);
    expect(log).toEqual(['a Connected']);
    await advance(watchPollMs);
    expect(log).toEqual(['a Connected', 'end']);
    expect(watcher.pollCount).toBe(0);
    expect(requestedUrls()).toEqual(Array(3).fill(vpnPath('a')));
  });

  it('continues if the VPN is not found once, even several times', async () => {
    const [found, missing] = [{ data: createWireVpn('a') }, json(404, rejection)];
    upstream.script(serveInOrder(found, missing, raw(500), found, missing, found, missing, missing));
    const { log } = watchVpn('a');
    await advance(0);
    for (let poll = 1; poll < 7; poll++) await advance(watchPollMs);
    expect(log).toEqual(['a Connected']);
    await advance(watchPollMs);
    expect(log).toEqual(['a Connected', 'end']);
  });

  it('fails with NotFoundError if the VPN does not exist', async () => {
    upstream.script(serveVpns());
    const { log } = watchVpn('a');
    await advance(0);
    expect(log).toEqual(['NotFoundError', 'end']);
    expect(requestedUrls().length).toBe(1);
  });

  it('ends after a deletion for subscribers with a value, and fails for those without', async () => {
    const held = new HeldResponses();
    upstream.script(serveInOrder({ data: createWireVpn('a') }, held.hold));
    const early = watchVpn('a');
    await advance(0);
    await advance(watchPollMs);
    const late = watchVpn('a');
    held.release(rejection, 404);
    await settle();
    const later = watchVpn('a');
    expect([early.log, late.log, later.log]).toEqual([['a Connected'], [], []]);
    upstream.script(() => json(404, rejection));
    await advance(watchPollMs);
    expect([early.log, late.log, later.log]).toEqual([
      ['a Connected', 'end'],
      ['NotFoundError', 'end'],
      ['NotFoundError', 'end'],
    ]);
  });
});

describe('CallerWatcher.siteToSiteVpns', () => {
  it('emits the list as it is now, then the whole list after each change', async () => {
    upstream.script(serveVpns(createWireVpn('a'), createWireVpn('b')));
    const { log } = watchList();
    await advance(0);
    await advance(watchPollMs);
    upstream.script(serveVpns(createWireVpn('a'), createWireVpn('b', { state: 'Error' })));
    await advance(watchPollMs);
    upstream.script(serveVpns(createWireVpn('b', { state: 'Error' })));
    await advance(watchPollMs);
    upstream.script(serveVpns());
    await advance(watchPollMs);
    expect(log).toEqual(['[a Connected, b Connected]', '[a Connected, b Error]', '[b Error]', '[]']);
  });

  it('emits nothing if only the order has changed', async () => {
    upstream.script((_call, index) => ({
      data: index % 2 ? [createWireVpn('a'), createWireVpn('b')] : [createWireVpn('b'), createWireVpn('a')],
    }));
    const { log } = watchList();
    for (let poll = 0; poll < 4; poll++) await advance(watchPollMs);
    expect(log).toEqual(['[a Connected, b Connected]']);
    expect(requestedUrls()).toEqual(Array(4).fill(listPath));
  });
});

interface ListEvent {
  readonly entities: readonly SiteToSiteVpnEntity[];
}

// Subscribes through the resolver of the subscription, without a transport.
async function subscribeWithFilter(filter: object | null): Promise<TestSubscriber> {
  const warn = () => undefined;
  const caller = { apiKey, callerId: 'c', requestId: 'r' };
  const operation = new GraphContext({
    client,
    ...caller,
    watcher,
    draining,
    coalesceReads: false,
    maxResultFields: 0,
    warn,
  });
  const events: unknown = await createSourceEventStream({
    schema,
    document: parse(`subscription ($filter: SiteToSiteVpnFilter) {
      siteToSiteVpnsUpdated(environment: { serviceCode: "compute-on", name: "test_area" }, filter: $filter) { totalCount }
    }`),
    variableValues: { filter },
    contextValue: { operation },
  });
  if (!isEvents(events)) throw new TypeError('The subscription has no events.');
  const subscriber = recordEvents(events, ({ entities }) => formatList(entities));
  subscribers.push(subscriber);
  return subscriber;
}

function isEvents(value: unknown): value is AsyncIterator<WatchEvent<ListEvent>> {
  return typeof value === 'object' && value !== null && 'next' in value;
}

describe('Subscription.siteToSiteVpnsUpdated', () => {
  it('shares one poll between all filters, and emits a change only if it passes the filter', async () => {
    const otherVpcId = '11111111-1111-4111-8111-111111111111';
    const [a, b, c] = [
      createWireVpn('a'),
      createWireVpn('b', { state: 'Error' }),
      createWireVpn('c', { vpcId: otherVpcId }),
    ];
    upstream.script(serveVpns(a, b, c));
    const [all, failed, inVpc] = [
      await subscribeWithFilter(null),
      await subscribeWithFilter({ states: ['ERROR'] }),
      await subscribeWithFilter({ vpcId: otherVpcId.toUpperCase() }),
    ];
    await advance(0);
    expect(requestedUrls()).toEqual([listPath]);
    upstream.script(serveVpns(a, b, { ...c, name: 'cc' }));
    await advance(watchPollMs);
    upstream.script(serveVpns({ ...a, state: 'Error' }, b, { ...c, name: 'cc' }));
    await advance(watchPollMs);
    expect(requestedUrls()).toEqual([listPath]);
    expect(watcher.pollCount).toBe(1);
    expect(all.log).toEqual([
      '[a Connected, b Error, c Connected]',
      '[a Connected, b Error, cc Connected]',
      '[a Error, b Error, cc Connected]',
    ]);
    // The events have all VPNs, of which the field shows those in the state.
    expect(failed.log).toEqual(['[a Connected, b Error, c Connected]', '[a Error, b Error, cc Connected]']);
    expect(inVpc.log).toEqual(['[c Connected]', '[cc Connected]']);
  });

  it.each([{ states: [] }, { vpcId: 'no UUID' }])(
    'emits an empty list without a request if nothing can pass the filter: %j',
    async (filter) => {
      const { log } = await subscribeWithFilter(filter);
      await advance(watchPollMs);
      expect(log).toEqual(['[]', 'end']);
      expect(requestedUrls()).toEqual([]);
    },
  );
});

describe('The poll of a VPN whose list is polled', () => {
  it.each([
    ['subscribed after the list', false],
    ['subscribed with the list', true],
  ])('takes its values from the list, without requests of its own: %s', async (_order, together) => {
    upstream.script(serveVpns(createWireVpn('a'), createWireVpn('b')));
    const list = watchList();
    if (!together) await advance(0);
    const [a, b] = [watchVpn('a'), watchVpn('b')];
    await advance(0);
    expect([a.log, b.log]).toEqual([['a Connected'], ['b Connected']]);
    for (let poll = 0; poll < 3; poll++) await advance(watchPollMs);
    expect(requestedUrls()).toEqual(Array(4).fill(listPath));
    upstream.script(serveVpns(createWireVpn('a', { state: 'Error' }), createWireVpn('b')));
    await advance(watchPollMs);
    upstream.script(serveVpns(createWireVpn('a', { state: 'Error' })));
    await advance(watchPollMs);
    // The list and the VPN each confirm that it is gone.
    expect(requestedUrls()).toEqual([listPath, vpnPath('b'), vpnPath('b')]);
    expect(a.log).toEqual(['a Connected', 'a Error']);
    expect(b.log).toEqual(['b Connected', 'end']);
    expect(list.log.at(-1)).toBe('[a Error]');
    expect(watcher.pollCount).toBe(2);
  });

  it('stops its own requests when a poll of the list starts', async () => {
    upstream.script(serveVpns(createWireVpn('a')));
    const { log } = watchVpn('a');
    await advance(0);
    watchList();
    await advance(0);
    for (let poll = 0; poll < 3; poll++) await advance(watchPollMs);
    expect(requestedUrls()).toEqual([vpnPath('a'), ...Array<string>(4).fill(listPath)]);
    expect(log).toEqual(['a Connected']);
  });

  it('matches the id in upper case', async () => {
    upstream.script(serveVpns(createWireVpn('a')));
    const { log } = subscribe(watcher.forKey(apiKey).siteToSiteVpn(testArea, toVpnId('a').toUpperCase()), formatVpn);
    await advance(0);
    watchList();
    await advance(0);
    await advance(watchPollMs);
    expect(log).toEqual(['a Connected']);
    upstream.script(serveVpns());
    await advance(watchPollMs);
    expect(log).toEqual(['a Connected', 'end']);
  });

  it('makes its own requests in another environment', async () => {
    upstream.script(serveVpns(createWireVpn('a')));
    watchList();
    await advance(0);
    watchVpn('a', { ...testArea, organizationId: 'o-1' });
    await advance(0);
    expect(requestedUrls()).toEqual([listPath, `${vpnPath('a')}?org_id=o-1`]);
  });

  it('resumes its own requests one interval after its last value when the list has no subscriber', async () => {
    upstream.script(serveVpns(createWireVpn('a')));
    const list = watchList();
    await advance(0);
    const { log } = watchVpn('a');
    await advance(watchPollMs);
    await list.unsubscribe();
    upstream.script(serveVpns(createWireVpn('a', { state: 'Error' })));
    await advance(watchPollMs);
    await advance(watchPollMs);
    expect(requestedUrls()).toEqual([vpnPath('a'), vpnPath('a')]);
    expect(log).toEqual(['a Connected', 'a Error']);
  });

  it('makes its own request at once if the list loses its subscriber during a request', async () => {
    const held = new HeldResponses();
    const all = serveVpns(createWireVpn('a'), createWireVpn('b'));
    upstream.script(all);
    const list = watchList();
    await advance(0);
    const early = watchVpn('a');
    await advance(0);
    upstream.script((call, index) => (call.url === listPath ? held.hold : all(call, index)));
    await advance(watchPollMs);
    const late = watchVpn('b');
    await advance(0);
    expect(requestedUrls()).toEqual([listPath]);
    await list.unsubscribe();
    await settle();
    expect([...requestedUrls()].sort()).toEqual([listPath, vpnPath('a'), vpnPath('b')].sort());
    expect([early.log, late.log]).toEqual([['a Connected'], ['b Connected']]);
  });

  it('makes its own requests while subscribers of the list come and go without a response', async () => {
    const held = new HeldResponses();
    const all = serveVpns(createWireVpn('a'));
    upstream.script((call, index) => (call.url === listPath ? held.hold : all(call, index)));
    watchVpn('a');
    await advance(0);
    for (let round = 0; round < 8; round++) {
      const list = watchList();
      await advance(watchPollMs / 4);
      await list.unsubscribe();
      await settle();
    }
    expect(requestedUrls().filter((url) => url === vpnPath('a')).length).toBe(3);
  });

  it('makes its own requests while the list fails, and stops when the list recovers', async () => {
    const all = serveVpns(createWireVpn('a'));
    const failing = serveVpns(createWireVpn('a', { state: 'Error' }));
    upstream.script(all);
    const list = watchList();
    await advance(0);
    const { log } = watchVpn('a');
    await advance(0);
    upstream.script((call, index) => (call.url === listPath ? raw(500) : failing(call, index)));
    await advance(watchPollMs);
    expect(requestedUrls()).toEqual([listPath, vpnPath('a')]);
    expect(log).toEqual(['a Connected', 'a Error']);
    upstream.script(all);
    await advance(watchPollMs);
    expect(log).toEqual(['a Connected', 'a Error', 'a Connected']);
    upstream.script(all);
    await advance(watchPollMs);
    await advance(watchPollMs);
    expect(requestedUrls()).toEqual([listPath, listPath]);
    expect(list.log).toEqual(['[a Connected]']);
  });

  it('continues after the poll of the list has ended', async () => {
    const all = serveVpns(createWireVpn('a'));
    upstream.script(all);
    const list = watchList();
    await advance(0);
    const { log } = watchVpn('a');
    upstream.script((call, index) => (call.url === listPath ? json(403, rejection) : all(call, index)));
    await advance(watchPollMs);
    expect(list.log).toEqual(['[a Connected]', 'ForbiddenError', 'end']);
    await advance(watchPollMs);
    expect(requestedUrls()).toEqual([listPath, vpnPath('a'), vpnPath('a')]);
    expect(log).toEqual(['a Connected']);
  });

  it('requests a VPN that is not in the list once, then takes its values from the list', async () => {
    upstream.script(serveVpns());
    watchList();
    await advance(0);
    upstream.script(serveVpns(createWireVpn('a')));
    const { log } = watchVpn('a');
    await advance(0);
    expect(requestedUrls()).toEqual([vpnPath('a')]);
    await advance(watchPollMs);
    await advance(watchPollMs);
    expect(requestedUrls()).toEqual([vpnPath('a'), listPath, listPath]);
    expect(log).toEqual(['a Connected']);
  });

  it('fails with NotFoundError if neither the list nor its own request has the VPN', async () => {
    upstream.script(serveVpns());
    watchList();
    const { log } = watchVpn('a');
    await advance(0);
    expect(requestedUrls()).toEqual([listPath, vpnPath('a')]);
    expect(log).toEqual(['NotFoundError', 'end']);
  });

  it('ends after a deletion from the list, and fails for subscribers without a value', async () => {
    const held = new HeldResponses();
    upstream.script(serveInOrder({ data: [createWireVpn('a')] }, held.hold, json(404, rejection)));
    watchList();
    await advance(0);
    const early = watchVpn('a');
    await advance(watchPollMs);
    const late = watchVpn('a');
    held.release({ data: [] });
    await settle();
    expect([early.log, late.log]).toEqual([
      ['a Connected', 'end'],
      ['NotFoundError', 'end'],
    ]);
    expect(requestedUrls()).toEqual([listPath, listPath, vpnPath('a'), vpnPath('a')]);
  });

  it.each([
    ['lacks it', []],
    ['has an older value', [createWireVpn('a', { state: 'Pending' })]],
  ])('ignores a list that was requested before its own value arrived, and %s', async (_case, data) => {
    const held = new HeldResponses();
    const all = serveVpns(createWireVpn('a'));
    const heldVpn = new HeldResponses();
    upstream.script(({ url }) => (url === listPath ? held.hold : heldVpn.hold));
    const { log } = watchVpn('a');
    await advance(0);
    watchList();
    await advance(0);
    heldVpn.release({ data: createWireVpn('a') });
    await settle();
    expect(log).toEqual(['a Connected']);
    held.release({ data });
    await settle();
    expect(log).toEqual(['a Connected']);
    upstream.script(all);
    await advance(watchPollMs);
    expect(requestedUrls()).toEqual([listPath]);
    expect(log).toEqual(['a Connected']);
  });

  it('cancels its own request if a newer list arrives first', async () => {
    const held = new HeldResponses();
    const all = serveVpns(createWireVpn('a'));
    upstream.script(serveVpns(createWireVpn('a', { state: 'Pending' })));
    const { log } = watchVpn('a');
    await advance(0);
    upstream.script((call, index) => (call.url === listPath ? all(call, index) : held.hold));
    await advance(watchPollMs);
    watchList();
    await advance(0);
    await waitUntil(() => held.closedCount === 1);
    expect(log).toEqual(['a Pending', 'a Connected']);
  });
});

describe('A poll whose request fails', () => {
  it.each([
    ['500', raw(500), 'UpstreamFailureError'],
    ['502', raw(502, '', { 'retry-after': '1' }), 'UnavailableError'],
    ['504', raw(504), 'TimeoutError'],
    ['a lost connection', dropConnection, 'UnavailableError'],
    ['HTML', raw(200, '<html>'), 'BadResponseError'],
    ['a redirect', raw(302, '', { location: 'http://elsewhere.example/' }), 'BadResponseError'],
    ['errors in a 200', json(200, rejection), 'RejectedError'],
  ])(
    'with %s repeats it at the next interval, and ends after three failures in a row',
    async (_case, response, failure) => {
      upstream.script((_call, index) => ([0, 3].includes(index) ? { data: [createWireVpn('a')] } : response));
      const [first, second] = [watchList(), watchList()];
      await advance(0);
      for (let poll = 2; poll <= 6; poll++) {
        await advance(watchPollMs - 1);
        expect(requestedUrls().length).toBe(poll - 1);
        await advance(1);
        expect(requestedUrls().length).toBe(poll);
      }
      expect(first.log).toEqual(['[a Connected]']);
      await advance(watchPollMs);
      expect(first.log).toEqual(['[a Connected]', failure, 'end']);
      expect(second.log).toEqual(first.log);
      expect(watcher.pollCount).toBe(0);
      await advance(10 * watchPollMs);
      expect(requestedUrls().length).toBe(7);
    },
  );

  it.each([
    ['task', watchTask, done, ['SUCCESS', 'end']],
    ['VPN', () => watchVpn('a'), { data: createWireVpn('a') }, ['a Connected']],
    ['list', watchList, { data: [createWireVpn('a')] }, ['[a Connected]']],
  ])('repeats even the first request: %s', async (_target, watch, response, log) => {
    upstream.script(serveInOrder(raw(502), dropConnection, response));
    const subscriber = watch();
    await advance(0);
    await advance(watchPollMs);
    expect(subscriber.log).toEqual([]);
    await advance(watchPollMs);
    expect(subscriber.log).toEqual(log);
    expect(requestedUrls().length).toBe(3);
  });

  it.each([
    [401, 'UnauthenticatedError'],
    [403, 'ForbiddenError'],
  ])('with %i ends at once', async (status, failure) => {
    const responses: Record<string, object> = { '/v1/tasks/t-1': pending, [listPath]: { data: [] } };
    upstream.script(({ url }) => responses[url] ?? json(status, rejection));
    const [task, list] = [watchTask(), watchList()];
    await advance(0);
    upstream.script(() => json(status, rejection));
    await advance(watchPollMs);
    const [lateTask, lateList] = [watchTask(), watchList()];
    await advance(0);
    expect(task.log).toEqual(['PENDING', failure, 'end']);
    expect(list.log).toEqual(['[]', failure, 'end']);
    expect([lateTask.log, lateList.log]).toEqual(Array(2).fill([failure, 'end']));
    expect(requestedUrls().length).toBe(4);
  });

  it('with 404 ends at once only without a value, otherwise after a second 404', async () => {
    const responses: Record<string, object> = { '/v1/tasks/t-1': pending, [listPath]: { data: [] } };
    const missing = json(404, rejection);
    upstream.script(({ url }) => responses[url] ?? missing);
    const [task, list, missingTask] = [watchTask(), watchList(), watchTask('t-2')];
    await advance(0);
    expect(missingTask.log).toEqual(['NotFoundError', 'end']);
    upstream.script(() => missing);
    await advance(watchPollMs);
    expect([task.log, list.log]).toEqual([['PENDING'], ['[]']]);
    await advance(taskPollMs);
    await advance(watchPollMs);
    expect(task.log).toEqual(['PENDING', 'NotFoundError', 'end']);
    expect(list.log).toEqual(['[]', 'NotFoundError', 'end']);
    expect(requestedUrls().length).toBe(4);
  });

  it('at the deadline cancels the call, and repeats it at the next interval', async () => {
    const held = new HeldResponses();
    upstream.script(serveInOrder(held.hold, done));
    const { log } = watchTask();
    await advance(0);
    await advance(10_000);
    await waitUntil(() => held.closedCount === 1);
    expect(log).toEqual([]);
    await advance(taskPollMs);
    expect(log).toEqual(['SUCCESS', 'end']);
  });

  it('with a TypeError ends at once', async () => {
    const { log } = subscribe(watcher.forKey(apiKey).siteToSiteVpn(testArea, '..'), formatVpn);
    await advance(0);
    await advance(watchPollMs);
    expect(log).toEqual(['TypeError', 'end']);
    expect(requestedUrls()).toEqual([]);
  });
});

describe('A subscriber that reads late', () => {
  const changes = 100;

  it.each([
    ['a value', false, `a${changes} Connected`],
    ['the failure', true, 'UnauthenticatedError'],
  ])('gets the events in order, may miss some, but never the last: %s', async (_case, fails, last) => {
    upstream.script((_call, index) =>
      fails && index > changes ? json(401, rejection) : { data: createWireVpn('a', { name: `a${index}` }) },
    );
    const watch = watcher.forKey(apiKey);
    const lateReaders = [
      watch.siteToSiteVpn(testArea, toVpnId('a')),
      mapWatchEvents(watch.siteToSiteVpn(testArea, toVpnId('a')), (vpn) => vpn),
    ];
    const firstEvents = lateReaders.map((events) => events.next());
    const promptReader = watchVpn('a');
    await advance(0);
    for (let poll = 0; poll < changes; poll++) await advance(watchPollMs);
    if (fails) await advance(watchPollMs);
    const all = Array.from({ length: changes + 1 }, (_, index) => `a${index} Connected`);
    expect(promptReader.log).toEqual(fails ? [...all, last, 'end'] : all);
    await Promise.all(firstEvents);
    const readers = lateReaders.map((events) => subscribe(events, formatVpn));
    await settle();
    for (const { log } of readers) {
      const events = log.filter((text) => text !== 'end');
      expect(events.at(-1)).toBe(last);
      // The buffer holds 16 events, and each iterator on the way holds one more.
      expect(events.length).toBeLessThanOrEqual(18);
      const order = [...all, last];
      const positions = events.map((event) => order.indexOf(event));
      expect(positions).toEqual(positions.toSorted((one, other) => one - other));
      expect(log.includes('end')).toBe(fails);
    }
  });

  it('can unsubscribe with unread events', async () => {
    upstream.script((_call, index) => ({ data: createWireVpn('a', { name: `a${index}` }) }));
    const events = mapWatchEvents(watcher.forKey(apiKey).siteToSiteVpn(testArea, toVpnId('a')), (vpn) => vpn);
    const firstEvent = events.next();
    await advance(0);
    for (let poll = 0; poll < 3; poll++) await advance(watchPollMs);
    const first = await firstEvent;
    expect(first.done === true ? 'end' : formatEvent<SiteToSiteVpnEntity>(first.value, formatVpn)).toBe('a0 Connected');
    await events.return();
    await settle();
    expect(watcher.pollCount).toBe(0);
  });
});

describe('CallerWatcher.waitForTask', () => {
  const started: TaskEntity = { id: 't-1', status: 'PENDING', created: null, result: undefined, errors: [] };
  const succeeded: TaskEntity = { ...started, status: 'SUCCESS', result: { id: 'x' } };
  const failed: TaskEntity = { ...started, status: 'FAILED' };

  function wait(limits: Partial<WaitLimits> = {}, task = started): { outcome: TaskEntity | undefined } {
    const result: { outcome: TaskEntity | undefined } = { outcome: undefined };
    void watcher
      .forKey(apiKey)
      .waitForTask(task, null, { waitMs: 60_000, stop: draining, ...limits })
      .then((outcome) => {
        result.outcome = outcome;
      });
    return result;
  }

  it('polls once per interval, first after one interval, and resolves when the task ends', async () => {
    upstream.script(serveInOrder(pending, pending, done));
    const result = wait();
    await advance(taskPollMs - 1);
    expect(requestedUrls()).toEqual([]);
    await advance(1);
    await advance(taskPollMs);
    expect(result.outcome).toBeUndefined();
    await advance(taskPollMs);
    expect(result.outcome).toEqual(succeeded);
    expect(requestedUrls()).toEqual(Array(3).fill('/v1/tasks/t-1'));
    expect(watcher.pollCount).toBe(0);
  });

  it('shares its poll with other waits and subscribers of the task', async () => {
    upstream.script(serveInOrder(pending, pending, done));
    const waits = [wait(), wait()];
    const subscriber = watchTask();
    await advance(0);
    expect(subscriber.log).toEqual(['PENDING']);
    for (let poll = 0; poll < 3; poll++) await advance(taskPollMs);
    expect(waits.map(({ outcome }) => outcome)).toEqual([succeeded, succeeded]);
    expect(subscriber.log).toEqual(['PENDING', 'SUCCESS', 'end']);
    expect(requestedUrls().length).toBe(3);
  });

  it('resolves with the latest task after waitMs, and cancels the request in flight', async () => {
    const held = new HeldResponses();
    upstream.script(serveInOrder({ data: { id: 't-1', status: 'RUNNING' } }, held.hold));
    const result = wait({ waitMs: 2_500 });
    await advance(taskPollMs);
    await advance(taskPollMs);
    await advance(499);
    expect(result.outcome).toBeUndefined();
    await advance(1);
    expect(result.outcome).toEqual({ ...started, status: 'UNKNOWN' });
    await waitUntil(() => held.closedCount === 1);
    expect(watcher.pollCount).toBe(0);
  });

  it('polls at least once, however short waitMs is', async () => {
    upstream.script(() => done);
    const result = wait({ waitMs: 10 });
    await advance(5);
    expect(result.outcome).toEqual(succeeded);
  });

  it.each([
    ['between two requests', false],
    ['during a request', true],
  ])('resolves at once when stop aborts: %s', async (_moment, isRequestInFlight) => {
    const held = new HeldResponses();
    const stopping = new AbortController();
    upstream.script(serveInOrder({ data: { id: 't-1', status: 'RUNNING' } }, held.hold));
    const result = wait({ stop: stopping.signal });
    await advance(taskPollMs);
    if (isRequestInFlight) await advance(taskPollMs);
    stopping.abort();
    await settle();
    expect(result.outcome).toEqual({ ...started, status: 'UNKNOWN' });
    expect(watcher.pollCount).toBe(0);
    expect(requestedUrls().length).toBe(isRequestInFlight ? 2 : 1);
  });

  it('continues once per interval until waitMs, however many requests fail', async () => {
    upstream.script((_call, index) =>
      index < 7 ? ([raw(500), dropConnection, raw(504), raw(200, '<html>')][index % 4] ?? dropConnection) : done,
    );
    const result = wait();
    const other = wait();
    for (let poll = 1; poll <= 7; poll++) {
      await advance(taskPollMs);
      expect(requestedUrls().length).toBe(poll);
    }
    expect(result.outcome).toBeUndefined();
    await advance(taskPollMs);
    expect([result.outcome, other.outcome]).toEqual([succeeded, succeeded]);
    expect(requestedUrls().length).toBe(8);
  });

  it('does not pass a task older than one interval to subscribers', async () => {
    upstream.script((_call, index) => (index < 3 ? raw(500) : { data: { id: 't-1', status: 'RUNNING' } }));
    wait({ waitMs: 5_000 });
    for (let poll = 0; poll < 3; poll++) await advance(taskPollMs);
    const { log } = watchTask();
    await advance(0);
    expect(log).toEqual([]);
    await advance(taskPollMs);
    expect(log).toEqual(['UNKNOWN']);
    await advance(taskPollMs);
  });

  it.each([
    ['401', 401, 1],
    ['403', 403, 1],
    ['a second 404', 404, 2],
  ])('resolves with the latest task after %s', async (_case, status, count) => {
    upstream.script(serveInOrder({ data: { id: 't-1', status: 'RUNNING' } }, json(status, rejection)));
    const result = wait();
    for (let poll = 0; poll < count; poll++) await advance(taskPollMs);
    expect(result.outcome).toBeUndefined();
    await advance(taskPollMs);
    expect(result.outcome).toEqual({ ...started, status: 'UNKNOWN' });
    expect(requestedUrls().length).toBe(1 + count);
  });

  it.each([
    ['if the task has ended', {}, failed],
    ['if waitMs is 0', { waitMs: 0 }, started],
    ['if stop has aborted', { stop: AbortSignal.abort() }, started],
    ['if the id cannot be a path segment', {}, { ...started, id: '../environments' }],
  ])('makes no request %s', async (_case, limits, task) => {
    const result = wait(limits, task);
    await settle();
    expect(result.outcome).toBe(task);
    expect(requestedUrls()).toEqual([]);
  });
});
