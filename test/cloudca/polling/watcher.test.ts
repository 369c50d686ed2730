// What is followed: looked at once per interval however many follow, told of once per change, ended when it ends, fails or nobody is
// left. The clock is turned by the tests; the upstream is real.
import { afterEach, describe, expect, it } from '@jest/globals';
import { createSourceEventStream, parse } from 'graphql';
import type { EnvironmentAddress } from '../../../src/cloudca/environments.js';
import type { SiteToSiteVpnEntity } from '../../../src/cloudca/site-to-site-vpns.js';
import type { TaskEntity } from '../../../src/cloudca/tasks.js';
import type { WaitLimits, Watcher, WatchEvent, WatchEvents } from '../../../src/cloudca/polling/watcher.js';
import { GraphContext } from '../../../src/graph/context.js';
import { mapValues } from '../../../src/graph/async-iterators.js';
import { createSchema } from '../../../src/graph/schema.js';
import { until } from '../../helpers/until.js';
import { cut, json, raw } from '../../helpers/upstream.js';
import {
  environmentOf,
  Held,
  idOf,
  inTurn,
  listPath,
  read,
  showList,
  showTask,
  showVpn,
  startWatching,
  taskPollMs,
  testArea,
  type TestFollower,
  toText,
  watchPollMs,
  wireVpn,
} from './test-watcher.js';

const { upstream, client, hits, tick, rest, createWatcher } = await startWatching();
const schema = createSchema();
const apiKey = 'Qk7vXc2nTestKeyOfTheCaller';
const draining = new AbortController().signal;
const pending = { data: { id: 't-1', status: 'PENDING' } };
const done = { data: { id: 't-1', status: 'SUCCESS', result: { id: 'x' } } };
const vpnPath = (name: string) => `${listPath}/${idOf(name)}`;
const refusal = { errors: [{ message: 'No.' }] };

let watcher: Watcher = createWatcher();
const followers: TestFollower[] = [];

afterEach(async () => {
  for (const follower of followers.splice(0)) await follower.leave();
  await rest();
  expect(watcher.polls).toBe(0);
  watcher = createWatcher();
  upstream.script(() => ({ data: [] }));
});

function reading<T>(events: WatchEvents<T>, show: (value: T) => string): TestFollower {
  const follower = read(events, show);
  followers.push(follower);
  return follower;
}

const followTask = (id = 't-1') => reading(watcher.of(apiKey).task(id, null), showTask);
const followVpn = (name: string, environment: EnvironmentAddress = testArea) =>
  reading(watcher.of(apiKey).siteToSiteVpn(environment, idOf(name)), showVpn);
const followList = () => reading(watcher.of(apiKey).siteToSiteVpns(testArea), showList);

describe('A followed task', () => {
  it('is told of as it is now, then at each change of its status, and completes with its end', async () => {
    const unknown = { data: { id: 't-1', status: 'RUNNING' } };
    upstream.script(inTurn(pending, pending, unknown, pending, done));
    const { log } = followTask();
    await tick(0);
    expect(log).toEqual(['PENDING']);
    for (let look = 1; look < 5; look++) await tick(taskPollMs);
    expect(log).toEqual(['PENDING', 'UNKNOWN', 'PENDING', 'SUCCESS', 'end']);
    expect(watcher.polls).toBe(0);
    await tick(10 * taskPollMs);
    expect(hits()).toEqual(Array(5).fill('/v1/tasks/t-1'));
  });

  it('that has ended is told of once, and completes', async () => {
    upstream.script(inTurn(done));
    const { log } = followTask();
    await tick(0);
    expect(log).toEqual(['SUCCESS', 'end']);
  });

  it('that the REST API answers with 400 and errors has failed, which is an end and no failure', async () => {
    upstream.script(inTurn(pending, json(400, refusal)));
    const { log } = followTask();
    await tick(0);
    await tick(taskPollMs);
    expect(log).toEqual(['PENDING', 'FAILED', 'end']);
  });

  it('is no news where anything but its status has changed', async () => {
    upstream.script((_call, index) => ({ data: { id: 't-1', status: 'PENDING', created: `2026-01-0${index + 1}` } }));
    const { log } = followTask();
    for (let look = 0; look < 4; look++) await tick(taskPollMs);
    expect(log).toEqual(['PENDING']);
    expect(hits().length).toBe(4);
  });

  it('is looked at once per interval, however many follow it and whenever they have joined', async () => {
    upstream.script(() => pending);
    const all = Array.from({ length: 20 }, () => followTask());
    await tick(0);
    for (let look = 0; look < 3; look++) {
      await tick(taskPollMs / 2);
      all.push(followTask(), followTask());
      await tick(taskPollMs / 2);
    }
    expect(hits().length).toBe(4);
    expect(watcher.polls).toBe(1);
    expect(all.map(({ log }) => log)).toEqual(Array(26).fill(['PENDING']));
  });

  it('is not the one of another id or organization', async () => {
    upstream.script(() => pending);
    followTask('t-1');
    followTask('t-2');
    reading(watcher.of(apiKey).task('t-1', 'o-1'), showTask);
    await tick(0);
    expect([...hits()].sort()).toEqual(['/v1/tasks/t-1', '/v1/tasks/t-1?org_id=o-1', '/v1/tasks/t-2']);
  });

  it('is not looked at before somebody reads, nor ever where they leave before that', async () => {
    const events = watcher.of(apiKey).task('t-1', null);
    await tick(taskPollMs);
    await events.return();
    expect(await events.next()).toEqual({ done: true, value: undefined });
    await tick(taskPollMs);
    expect(hits()).toEqual([]);
  });
});

describe('Whoever joins', () => {
  it('is told at once what was seen last, without a look', async () => {
    upstream.script(() => pending);
    followTask();
    await tick(0);
    await tick(taskPollMs - 1);
    const { log } = followTask();
    await tick(0);
    expect(log).toEqual(['PENDING']);
    expect(hits().length).toBe(1);
  });

  it('during the first look is told what that brings', async () => {
    const held = new Held();
    upstream.script(() => held.answer);
    const first = followTask();
    await tick(0);
    const second = followTask();
    held.send(pending);
    await rest();
    expect([first.log, second.log]).toEqual([['PENDING'], ['PENDING']]);
    expect(hits().length).toBe(1);
  });

  it.each([
    ['what has not changed', wireVpn('a'), ['a Connected'], ['a Connected']],
    ['what has changed', wireVpn('a', { state: 'Error' }), ['a Connected', 'a Error'], ['a Error']],
  ])('during a later look is told what that brings, nothing older: %s', async (_what, data, known, fresh) => {
    const held = new Held();
    upstream.script(inTurn({ data: wireVpn('a') }, held.answer));
    const first = followVpn('a');
    await tick(0);
    await tick(watchPollMs);
    const second = followVpn('a');
    expect(second.log).toEqual([]);
    held.send({ data });
    await rest();
    expect([first.log, second.log]).toEqual([known, fresh]);
    expect(hits().length).toBe(2);
  });

  it('after a look that failed is told what the next one brings, nothing older', async () => {
    upstream.script(inTurn(pending, raw(500), pending));
    const first = followTask();
    await tick(0);
    await tick(taskPollMs);
    const second = followTask();
    await tick(taskPollMs - 1);
    expect(second.log).toEqual([]);
    await tick(1);
    expect([first.log, second.log]).toEqual([['PENDING'], ['PENDING']]);
    expect(hits().length).toBe(3);
  });
});

describe('Whoever leaves', () => {
  it.each([
    ['task', followTask],
    ['VPN', () => followVpn('a')],
    ['list', followList],
  ])('a %s as the last leaves no poll', async (_what, follow) => {
    upstream.script((call, index) =>
      call.url.includes('/tasks/') ? pending : environmentOf(wireVpn('a'))(call, index),
    );
    const [one, other] = [follow(), follow()];
    await tick(0);
    await one.leave();
    await tick(watchPollMs);
    expect(hits().length).toBe(2);
    expect(watcher.polls).toBe(1);
    await other.leave();
    expect(watcher.polls).toBe(0);
    await tick(10 * watchPollMs);
    expect(hits().length).toBe(2);
  });

  it('as the last has the look under way aborted; as the last but one, not', async () => {
    const held = new Held();
    upstream.script(() => held.answer);
    const [one, other] = [followTask(), followTask()];
    await tick(0);
    await one.leave();
    await rest();
    expect(held.closed).toBe(0);
    await other.leave();
    await until(() => held.closed === 1);
    await rest();
    expect(hits().length).toBe(1);
    expect([one.log, other.log]).toEqual([[], []]);
  });

  it('and joins again finds what is new', async () => {
    upstream.script(inTurn(pending, done));
    const first = followTask();
    await tick(0);
    await first.leave();
    const second = followTask();
    await tick(0);
    expect([first.log, second.log]).toEqual([['PENDING'], ['SUCCESS', 'end']]);
  });
});

describe('A followed VPN', () => {
  it('is told of as it is now, then at each change in it, in order', async () => {
    const states = ['Pending', 'Pending', 'Connected', 'Disconnected', 'Disconnected', 'Connected'];
    upstream.script(inTurn(...states.map((state) => ({ data: wireVpn('a', { state }) }))));
    const { log } = followVpn('a');
    await tick(0);
    for (let look = 1; look < 8; look++) await tick(watchPollMs);
    expect(log).toEqual(['a Pending', 'a Connected', 'a Disconnected', 'a Connected']);
    expect(hits()).toEqual(Array(8).fill(vpnPath('a')));
  });

  it('is no news where only what the gateway does not know has changed', async () => {
    upstream.script((_call, index) => ({ data: wireVpn('a', { uptime: index }) }));
    const { log } = followVpn('a');
    for (let look = 0; look < 3; look++) await tick(watchPollMs);
    expect(log).toEqual(['a Connected']);
  });

  it('completes once it is gone', async () => {
    upstream.script(inTurn({ data: wireVpn('a') }, json(404, refusal)));
    const { log } = followVpn('a');
    await tick(0);
    await tick(watchPollMs);
    expect(log).toEqual(['a Connected', 'end']);
    expect(watcher.polls).toBe(0);
  });

  it('that is not there is a failure', async () => {
    upstream.script(environmentOf());
    const { log } = followVpn('a');
    await tick(0);
    expect(log).toEqual(['NotFoundError', 'end']);
    expect(hits().length).toBe(1);
  });

  it('that turns out to be gone completes for those who saw it, and fails for those who did not', async () => {
    const held = new Held();
    upstream.script(inTurn({ data: wireVpn('a') }, held.answer));
    const saw = followVpn('a');
    await tick(0);
    await tick(watchPollMs);
    const joined = followVpn('a');
    held.send(refusal, 404);
    await rest();
    expect([saw.log, joined.log]).toEqual([
      ['a Connected', 'end'],
      ['NotFoundError', 'end'],
    ]);
  });
});

describe('A followed list', () => {
  it('is told of as it is now, then whole at each change in it', async () => {
    upstream.script(environmentOf(wireVpn('a'), wireVpn('b')));
    const { log } = followList();
    await tick(0);
    await tick(watchPollMs);
    upstream.script(environmentOf(wireVpn('a'), wireVpn('b', { state: 'Error' })));
    await tick(watchPollMs);
    upstream.script(environmentOf(wireVpn('b', { state: 'Error' })));
    await tick(watchPollMs);
    upstream.script(environmentOf());
    await tick(watchPollMs);
    expect(log).toEqual(['[a Connected, b Connected]', '[a Connected, b Error]', '[b Error]', '[]']);
  });

  it('is no news where only the order has changed', async () => {
    upstream.script((_call, index) => ({
      data: index % 2 ? [wireVpn('a'), wireVpn('b')] : [wireVpn('b'), wireVpn('a')],
    }));
    const { log } = followList();
    for (let look = 0; look < 4; look++) await tick(watchPollMs);
    expect(log).toEqual(['[a Connected, b Connected]']);
    expect(hits()).toEqual(Array(4).fill(listPath));
  });
});

interface ListEvent {
  readonly entities: readonly SiteToSiteVpnEntity[];
}

// As the subscription's resolver follows it, before any transport.
async function followFiltered(filter: object | null): Promise<TestFollower> {
  const warn = () => undefined;
  const caller = { apiKey, callerId: 'c', requestId: 'r' };
  const operation = new GraphContext({ client, ...caller, watcher, draining, sharesReads: false, warn });
  const events: unknown = await createSourceEventStream({
    schema,
    document: parse(`subscription ($filter: SiteToSiteVpnFilter) {
      siteToSiteVpnsUpdated(environment: { serviceCode: "compute-on", name: "test_area" }, filter: $filter) { totalCount }
    }`),
    variableValues: { filter },
    contextValue: { operation },
  });
  if (!isEvents(events)) throw new TypeError('No events came about.');
  const follower = read(events, ({ entities }) => showList(entities));
  followers.push(follower);
  return follower;
}

function isEvents(value: unknown): value is AsyncIterator<WatchEvent<ListEvent>> {
  return typeof value === 'object' && value !== null && 'next' in value;
}

describe('Subscription.siteToSiteVpnsUpdated with filters', () => {
  it('shares one poll between all filters, and tells of a change only where it is let through', async () => {
    const elsewhere = '11111111-1111-4111-8111-111111111111';
    const [a, b, c] = [wireVpn('a'), wireVpn('b', { state: 'Error' }), wireVpn('c', { vpcId: elsewhere })];
    upstream.script(environmentOf(a, b, c));
    const [all, failed, inVpc] = [
      await followFiltered(null),
      await followFiltered({ states: ['ERROR'] }),
      await followFiltered({ vpcId: elsewhere.toUpperCase() }),
    ];
    await tick(0);
    expect(hits()).toEqual([listPath]);
    upstream.script(environmentOf(a, b, { ...c, name: 'cc' }));
    await tick(watchPollMs);
    upstream.script(environmentOf({ ...a, state: 'Error' }, b, { ...c, name: 'cc' }));
    await tick(watchPollMs);
    expect(hits()).toEqual([listPath]);
    expect(watcher.polls).toBe(1);
    expect(all.log).toEqual([
      '[a Connected, b Error, c Connected]',
      '[a Connected, b Error, cc Connected]',
      '[a Error, b Error, cc Connected]',
    ]);
    expect(failed.log).toEqual(['[b Error]', '[a Error, b Error]']);
    expect(inVpc.log).toEqual(['[c Connected]', '[cc Connected]']);
  });

  it.each([{ states: [] }, { vpcId: 'no UUID' }])(
    'asks nothing where nothing can be let through: %j',
    async (filter) => {
      const { log } = await followFiltered(filter);
      await tick(watchPollMs);
      expect(log).toEqual(['[]', 'end']);
      expect(hits()).toEqual([]);
    },
  );
});

describe('A VPN of a followed list', () => {
  it.each([
    ['joined after it', false],
    ['joined with it', true],
  ])('is followed from the list, without a look of its own: %s', async (_when, together) => {
    upstream.script(environmentOf(wireVpn('a'), wireVpn('b')));
    const list = followList();
    if (!together) await tick(0);
    const [a, b] = [followVpn('a'), followVpn('b')];
    await tick(0);
    expect([a.log, b.log]).toEqual([['a Connected'], ['b Connected']]);
    for (let look = 0; look < 3; look++) await tick(watchPollMs);
    expect(hits()).toEqual(Array(4).fill(listPath));
    upstream.script(environmentOf(wireVpn('a', { state: 'Error' }), wireVpn('b')));
    await tick(watchPollMs);
    upstream.script(environmentOf(wireVpn('a', { state: 'Error' })));
    await tick(watchPollMs);
    expect(hits()).toEqual([listPath]);
    expect(a.log).toEqual(['a Connected', 'a Error']);
    expect(b.log).toEqual(['b Connected', 'end']);
    expect(list.log.at(-1)).toBe('[a Error]');
    expect(watcher.polls).toBe(2);
  });

  it('that was followed before is not looked at any more', async () => {
    upstream.script(environmentOf(wireVpn('a')));
    const { log } = followVpn('a');
    await tick(0);
    followList();
    await tick(0);
    for (let look = 0; look < 3; look++) await tick(watchPollMs);
    expect(hits()).toEqual([vpnPath('a'), ...Array<string>(4).fill(listPath)]);
    expect(log).toEqual(['a Connected']);
  });

  it('is the same in capitals', async () => {
    upstream.script(environmentOf(wireVpn('a')));
    const { log } = reading(watcher.of(apiKey).siteToSiteVpn(testArea, idOf('a').toUpperCase()), showVpn);
    await tick(0);
    followList();
    await tick(0);
    await tick(watchPollMs);
    expect(log).toEqual(['a Connected']);
    upstream.script(environmentOf());
    await tick(watchPollMs);
    expect(log).toEqual(['a Connected', 'end']);
  });

  it('is asked for by itself in another environment', async () => {
    upstream.script(environmentOf(wireVpn('a')));
    followList();
    await tick(0);
    followVpn('a', { ...testArea, organizationId: 'o-1' });
    await tick(0);
    expect(hits()).toEqual([listPath, `${vpnPath('a')}?org_id=o-1`]);
  });

  it('is looked at by itself once nobody follows the list, one interval after it was seen', async () => {
    upstream.script(environmentOf(wireVpn('a')));
    const list = followList();
    await tick(0);
    const { log } = followVpn('a');
    await tick(watchPollMs);
    await list.leave();
    upstream.script(environmentOf(wireVpn('a', { state: 'Error' })));
    await tick(watchPollMs);
    await tick(watchPollMs);
    expect(hits()).toEqual([vpnPath('a'), vpnPath('a')]);
    expect(log).toEqual(['a Connected', 'a Error']);
  });

  it('is looked at at once where the list is left in the middle of the look that it waits for', async () => {
    const held = new Held();
    const all = environmentOf(wireVpn('a'), wireVpn('b'));
    upstream.script(all);
    const list = followList();
    await tick(0);
    const seen = followVpn('a');
    await tick(0);
    upstream.script((call, index) => (call.url === listPath ? held.answer : all(call, index)));
    await tick(watchPollMs);
    const joined = followVpn('b');
    await tick(0);
    expect(hits()).toEqual([listPath]);
    await list.leave();
    await rest();
    expect([...hits()].sort()).toEqual([listPath, vpnPath('a'), vpnPath('b')].sort());
    expect([seen.log, joined.log]).toEqual([['a Connected'], ['b Connected']]);
  });

  it('is looked at by itself, however often the list is joined and left before it answers', async () => {
    const held = new Held();
    const all = environmentOf(wireVpn('a'));
    upstream.script((call, index) => (call.url === listPath ? held.answer : all(call, index)));
    followVpn('a');
    await tick(0);
    for (let round = 0; round < 8; round++) {
      const list = followList();
      await tick(watchPollMs / 4);
      await list.leave();
      await rest();
    }
    expect(hits().filter((url) => url === vpnPath('a')).length).toBe(3);
  });

  it('is looked at by itself while the list fails, and not any more once that is back', async () => {
    const all = environmentOf(wireVpn('a'));
    const failing = environmentOf(wireVpn('a', { state: 'Error' }));
    upstream.script(all);
    const list = followList();
    await tick(0);
    const { log } = followVpn('a');
    await tick(0);
    upstream.script((call, index) => (call.url === listPath ? raw(500) : failing(call, index)));
    await tick(watchPollMs);
    expect(hits()).toEqual([listPath, vpnPath('a')]);
    expect(log).toEqual(['a Connected', 'a Error']);
    upstream.script(all);
    await tick(watchPollMs);
    expect(log).toEqual(['a Connected', 'a Error', 'a Connected']);
    upstream.script(all);
    await tick(watchPollMs);
    await tick(watchPollMs);
    expect(hits()).toEqual([listPath, listPath]);
    expect(list.log).toEqual(['[a Connected]']);
  });

  it('outlives the list', async () => {
    const all = environmentOf(wireVpn('a'));
    upstream.script(all);
    const list = followList();
    await tick(0);
    const { log } = followVpn('a');
    upstream.script((call, index) => (call.url === listPath ? json(403, refusal) : all(call, index)));
    await tick(watchPollMs);
    expect(list.log).toEqual(['[a Connected]', 'ForbiddenError', 'end']);
    await tick(watchPollMs);
    expect(hits()).toEqual([listPath, vpnPath('a'), vpnPath('a')]);
    expect(log).toEqual(['a Connected']);
  });

  it('that is not in the list yet is asked for once, then followed from the list', async () => {
    upstream.script(environmentOf());
    followList();
    await tick(0);
    upstream.script(environmentOf(wireVpn('a')));
    const { log } = followVpn('a');
    await tick(0);
    expect(hits()).toEqual([vpnPath('a')]);
    await tick(watchPollMs);
    await tick(watchPollMs);
    expect(hits()).toEqual([vpnPath('a'), listPath, listPath]);
    expect(log).toEqual(['a Connected']);
  });

  it('that neither the list nor its own look finds is a failure', async () => {
    upstream.script(environmentOf());
    followList();
    const { log } = followVpn('a');
    await tick(0);
    expect(hits()).toEqual([listPath, vpnPath('a')]);
    expect(log).toEqual(['NotFoundError', 'end']);
  });

  it('that is gone from the list completes for those who saw it, and fails for those who did not', async () => {
    const held = new Held();
    upstream.script(inTurn({ data: [wireVpn('a')] }, held.answer, json(404, refusal)));
    followList();
    await tick(0);
    const saw = followVpn('a');
    await tick(watchPollMs);
    const joined = followVpn('a');
    held.send({ data: [] });
    await rest();
    expect([saw.log, joined.log]).toEqual([
      ['a Connected', 'end'],
      ['NotFoundError', 'end'],
    ]);
    expect(hits()).toEqual([listPath, listPath]);
  });

  it.each([
    ['lacks it', []],
    ['has it as it was', [wireVpn('a', { state: 'Pending' })]],
  ])('is not undone by a list that was asked for before it was seen, and %s', async (_what, data) => {
    const held = new Held();
    const all = environmentOf(wireVpn('a'));
    const vpnHeld = new Held();
    upstream.script(({ url }) => (url === listPath ? held.answer : vpnHeld.answer));
    const { log } = followVpn('a');
    await tick(0);
    followList();
    await tick(0);
    vpnHeld.send({ data: wireVpn('a') });
    await rest();
    expect(log).toEqual(['a Connected']);
    held.send({ data });
    await rest();
    expect(log).toEqual(['a Connected']);
    upstream.script(all);
    await tick(watchPollMs);
    expect(hits()).toEqual([listPath]);
    expect(log).toEqual(['a Connected']);
  });

  it('is not undone by a look of its own that the list has overtaken', async () => {
    const held = new Held();
    const all = environmentOf(wireVpn('a'));
    upstream.script(environmentOf(wireVpn('a', { state: 'Pending' })));
    const { log } = followVpn('a');
    await tick(0);
    upstream.script((call, index) => (call.url === listPath ? all(call, index) : held.answer));
    await tick(watchPollMs);
    followList();
    await tick(0);
    await until(() => held.closed === 1);
    expect(log).toEqual(['a Pending', 'a Connected']);
  });
});

describe('A look that fails', () => {
  it.each([
    ['500', raw(500), 'UpstreamFailureError'],
    ['503', raw(503, '', { 'retry-after': '1' }), 'UnavailableError'],
    ['504', raw(504), 'TimeoutError'],
    ['429', raw(429, '', { 'retry-after': '600' }), 'RateLimitedError'],
    ['a lost connection', cut, 'UnavailableError'],
    ['HTML', raw(200, '<html>'), 'BadResponseError'],
    ['a redirect', raw(302, '', { location: 'http://elsewhere.example/' }), 'BadResponseError'],
    ['errors in a 200', json(200, refusal), 'RefusedError'],
  ])('with %s is tried again at the next interval; the third in a row ends all', async (_what, answer, failure) => {
    upstream.script((_call, index) => ([0, 3].includes(index) ? { data: [wireVpn('a')] } : answer));
    const [first, second] = [followList(), followList()];
    await tick(0);
    for (let look = 2; look <= 6; look++) {
      await tick(watchPollMs - 1);
      expect(hits().length).toBe(look - 1);
      await tick(1);
      expect(hits().length).toBe(look);
    }
    expect(first.log).toEqual(['[a Connected]']);
    await tick(watchPollMs);
    expect(first.log).toEqual(['[a Connected]', failure, 'end']);
    expect(second.log).toEqual(first.log);
    expect(watcher.polls).toBe(0);
    await tick(10 * watchPollMs);
    expect(hits().length).toBe(7);
  });

  it.each([
    ['task', followTask, done, ['SUCCESS', 'end']],
    ['VPN', () => followVpn('a'), { data: wireVpn('a') }, ['a Connected']],
    ['list', followList, { data: [wireVpn('a')] }, ['[a Connected]']],
  ])('is tried again although it was the first: %s', async (_what, follow, answer, log) => {
    upstream.script(inTurn(raw(503), cut, answer));
    const follower = follow();
    await tick(0);
    await tick(watchPollMs);
    expect(follower.log).toEqual([]);
    await tick(watchPollMs);
    expect(follower.log).toEqual(log);
    expect(hits().length).toBe(3);
  });

  it.each([
    [401, 'UnauthenticatedError'],
    [403, 'ForbiddenError'],
    [404, 'NotFoundError'],
  ])('with %i ends all at once', async (status, failure) => {
    const answers: Record<string, object> = { '/v1/tasks/t-1': pending, [listPath]: { data: [] } };
    upstream.script(({ url }) => answers[url] ?? json(status, refusal));
    const [task, list] = [followTask(), followList()];
    await tick(0);
    upstream.script(() => json(status, refusal));
    await tick(watchPollMs);
    const [joinedTask, joinedList] = [followTask(), followList()];
    await tick(0);
    expect(task.log).toEqual(['PENDING', failure, 'end']);
    expect(list.log).toEqual(['[]', failure, 'end']);
    expect([joinedTask.log, joinedList.log]).toEqual(Array(2).fill([failure, 'end']));
    expect(hits().length).toBe(4);
  });

  it('because it takes too long is tried again, and leaves no call behind', async () => {
    const held = new Held();
    upstream.script(inTurn(held.answer, done));
    const { log } = followTask();
    await tick(0);
    await tick(10_000);
    await until(() => held.closed === 1);
    expect(log).toEqual([]);
    await tick(taskPollMs);
    expect(log).toEqual(['SUCCESS', 'end']);
  });

  it('by a mistake in what is followed is the last event and is not tried again', async () => {
    const { log } = reading(watcher.of(apiKey).siteToSiteVpn(testArea, '..'), showVpn);
    await tick(0);
    await tick(watchPollMs);
    expect(log).toEqual(['TypeError', 'end']);
    expect(hits()).toEqual([]);
  });
});

describe('A follower that does not read', () => {
  const changes = 100;

  it.each([
    ['a value', false, `a${changes} Connected`],
    ['the failure', true, 'UnauthenticatedError'],
  ])('may skip, in order, but not the last: %s', async (_what, fails, last) => {
    upstream.script((_call, index) =>
      fails && index > changes ? json(401, refusal) : { data: wireVpn('a', { name: `a${index}` }) },
    );
    const watch = watcher.of(apiKey);
    const idle = [
      watch.siteToSiteVpn(testArea, idOf('a')),
      mapValues(watch.siteToSiteVpn(testArea, idOf('a')), (vpn) => vpn),
    ];
    const pulled = idle.map((events) => events.next());
    const keepsUp = followVpn('a');
    await tick(0);
    for (let look = 0; look < changes; look++) await tick(watchPollMs);
    if (fails) await tick(watchPollMs);
    const all = Array.from({ length: changes + 1 }, (_each, index) => `a${index} Connected`);
    expect(keepsUp.log).toEqual(fails ? [...all, last, 'end'] : all);
    await Promise.all(pulled);
    const readers = idle.map((events) => reading(events, showVpn));
    await rest();
    for (const { log } of readers) {
      const events = log.filter((text) => text !== 'end');
      expect(events.at(-1)).toBe(last);
      // Sixteen are kept; one more is on its way through each step.
      expect(events.length).toBeLessThanOrEqual(18);
      const order = [...all, last];
      const places = events.map((event) => order.indexOf(event));
      expect(places).toEqual(places.toSorted((one, other) => one - other));
      expect(log.includes('end')).toBe(fails);
    }
  });

  it('holds back no one else, and is free to leave', async () => {
    upstream.script((_call, index) => ({ data: wireVpn('a', { name: `a${index}` }) }));
    const idle = mapValues(watcher.of(apiKey).siteToSiteVpn(testArea, idOf('a')), (vpn) => vpn);
    const pulled = idle.next();
    await tick(0);
    for (let look = 0; look < 3; look++) await tick(watchPollMs);
    const first = await pulled;
    expect(first.done === true ? 'end' : toText<SiteToSiteVpnEntity>(first.value, showVpn)).toBe('a0 Connected');
    await idle.return();
    await rest();
    expect(watcher.polls).toBe(0);
  });
});

describe('Waiting for a task', () => {
  const begun: TaskEntity = { id: 't-1', status: 'PENDING', created: null, result: undefined, errors: [] };
  const succeeded: TaskEntity = { ...begun, status: 'SUCCESS', result: { id: 'x' } };
  const failed: TaskEntity = { ...begun, status: 'FAILED' };

  function wait(limits: Partial<WaitLimits> = {}, task = begun): { outcome: TaskEntity | undefined } {
    const result: { outcome: TaskEntity | undefined } = { outcome: undefined };
    void watcher
      .of(apiKey)
      .waitForTask(task, null, { waitMs: 60_000, stop: draining, ...limits })
      .then((outcome) => {
        result.outcome = outcome;
      });
    return result;
  }

  it('ends with the task, and looks once per interval, the first time after one', async () => {
    upstream.script(inTurn(pending, pending, done));
    const result = wait();
    await tick(taskPollMs - 1);
    expect(hits()).toEqual([]);
    await tick(1);
    await tick(taskPollMs);
    expect(result.outcome).toBeUndefined();
    await tick(taskPollMs);
    expect(result.outcome).toEqual(succeeded);
    expect(hits()).toEqual(Array(3).fill('/v1/tasks/t-1'));
    expect(watcher.polls).toBe(0);
  });

  it('shares its looks with everyone who waits for the task or follows it', async () => {
    upstream.script(inTurn(pending, pending, done));
    const waits = [wait(), wait()];
    const follower = followTask();
    await tick(0);
    expect(follower.log).toEqual(['PENDING']);
    for (let look = 0; look < 3; look++) await tick(taskPollMs);
    expect(waits.map(({ outcome }) => outcome)).toEqual([succeeded, succeeded]);
    expect(follower.log).toEqual(['PENDING', 'SUCCESS', 'end']);
    expect(hits().length).toBe(3);
  });

  it('ends when the time is over, with the task as last known, and leaves no look behind', async () => {
    const held = new Held();
    upstream.script(inTurn({ data: { id: 't-1', status: 'RUNNING' } }, held.answer));
    const result = wait({ waitMs: 2_500 });
    await tick(taskPollMs);
    await tick(taskPollMs);
    await tick(499);
    expect(result.outcome).toBeUndefined();
    await tick(1);
    expect(result.outcome).toEqual({ ...begun, status: 'UNKNOWN' });
    await until(() => held.closed === 1);
    expect(watcher.polls).toBe(0);
  });

  it('looks at least once, however short it is', async () => {
    upstream.script(() => done);
    const result = wait({ waitMs: 10 });
    await tick(5);
    expect(result.outcome).toEqual(succeeded);
  });

  it.each([
    ['between two looks', false],
    ['in the middle of one', true],
  ])('ends at once when it is stopped: %s', async (_when, looking) => {
    const held = new Held();
    const stopping = new AbortController();
    upstream.script(inTurn({ data: { id: 't-1', status: 'RUNNING' } }, held.answer));
    const result = wait({ stop: stopping.signal });
    await tick(taskPollMs);
    if (looking) {
      await tick(taskPollMs);
    }
    stopping.abort();
    await rest();
    expect(result.outcome).toEqual({ ...begun, status: 'UNKNOWN' });
    expect(watcher.polls).toBe(0);
    expect(hits().length).toBe(looking ? 2 : 1);
  });

  it('goes on for as long as there is time, however many looks fail, once per interval', async () => {
    upstream.script((_call, index) =>
      index < 7 ? ([raw(500), cut, raw(429), raw(200, '<html>')][index % 4] ?? cut) : done,
    );
    const result = wait();
    const other = wait();
    for (let look = 1; look <= 7; look++) {
      await tick(taskPollMs);
      expect(hits().length).toBe(look);
    }
    expect(result.outcome).toBeUndefined();
    await tick(taskPollMs);
    expect([result.outcome, other.outcome]).toEqual([succeeded, succeeded]);
    expect(hits().length).toBe(8);
  });

  it('does not tell others what it has known for too long', async () => {
    upstream.script((_call, index) => (index < 3 ? raw(500) : { data: { id: 't-1', status: 'RUNNING' } }));
    wait({ waitMs: 5_000 });
    for (let look = 0; look < 3; look++) await tick(taskPollMs);
    const { log } = followTask();
    await tick(0);
    expect(log).toEqual([]);
    await tick(taskPollMs);
    expect(log).toEqual(['UNKNOWN']);
    await tick(taskPollMs);
  });

  it.each([401, 403, 404])('ends with a look that is answered %i, with the task as last known', async (status) => {
    upstream.script(inTurn({ data: { id: 't-1', status: 'RUNNING' } }, json(status, refusal)));
    const result = wait();
    await tick(taskPollMs);
    await tick(taskPollMs);
    expect(result.outcome).toEqual({ ...begun, status: 'UNKNOWN' });
    expect(hits().length).toBe(2);
  });

  it.each([
    ['that has ended', {}, failed],
    ['for no time', { waitMs: 0 }, begun],
    ['after the stop', { stop: AbortSignal.abort() }, begun],
    ['whose id is no part of an address', {}, { ...begun, id: '../environments' }],
  ])('asks nothing about one %s', async (_what, limits, task) => {
    const result = wait(limits, task);
    await rest();
    expect(result.outcome).toBe(task);
    expect(hits()).toEqual([]);
  });
});
