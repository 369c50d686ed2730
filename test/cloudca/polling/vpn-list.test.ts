// A list that lacks VPNs which it had before: what the watcher requests before subscribers see them deleted.
import { afterEach, describe, expect, it } from '@jest/globals';
import { requestVpnList } from '../../../src/cloudca/polling/vpn-list.js';
import type { Watcher } from '../../../src/cloudca/polling/watcher.js';
import { json, raw, type Script } from '../../helpers/upstream.js';
import { createTestClient } from '../test-client.js';
import {
  createWireVpn,
  formatList,
  formatVpn,
  listPath,
  recordEvents,
  serveVpns,
  startHarness,
  testArea,
  type TestSubscriber,
  toVpnId,
  watchPollMs,
} from './test-watcher.js';

const { upstream, requestedUrls, advance, settle, createWatcher } = await startHarness();
const apiKey = 'Qk7vXc2nTestKeyOfTheCaller';
const vpnPath = (name: string) => `${listPath}/${toVpnId(name)}`;
const [a, b, c] = [createWireVpn('a'), createWireVpn('b'), createWireVpn('c')];
const all = serveVpns(a, b, c);

let watcher: Watcher = createWatcher();
const subscribers: TestSubscriber[] = [];

afterEach(async () => {
  for (const subscriber of subscribers.splice(0)) await subscriber.unsubscribe();
  await settle();
  expect(watcher.pollCount).toBe(0);
  watcher = createWatcher();
});

const watchList = () => add(recordEvents(watcher.forKey(apiKey).siteToSiteVpns(testArea), formatList));
const watchVpn = (name: string) =>
  add(recordEvents(watcher.forKey(apiKey).siteToSiteVpn(testArea, toVpnId(name)), formatVpn));

function add(subscriber: TestSubscriber): TestSubscriber {
  subscribers.push(subscriber);
  return subscriber;
}

/** Serves all VPNs by id, but `lists` one after the other as the list, then the last one again. */
function serveLists(...lists: readonly object[]): Script {
  let index = 0;
  return (call) => (call.url === listPath ? (lists[Math.min(index++, lists.length - 1)] ?? {}) : all(call, 0));
}

describe('requestVpnList', () => {
  it('returns the objects of the previous list for the VPNs that have not changed', async () => {
    const { session } = createTestClient(upstream.url);
    upstream.script(all);
    const before = await requestVpnList(session(), testArea);
    upstream.script(serveVpns(c, { ...b, state: 'Error' }, a));
    const after = await requestVpnList(session(), testArea, before);

    expect(after.map(({ name, state }) => [name, state])).toEqual([
      ['a', 'Connected'],
      ['b', 'Error'],
      ['c', 'Connected'],
    ]);
    expect(after.map((vpn, index) => vpn === before[index])).toEqual([true, false, true]);
  });
});

describe('The poll of a list from which one VPN has vanished', () => {
  it.each([404, 403])('emits the list without it after its own request had status %i', async (status) => {
    upstream.script(all);
    const { log } = watchList();
    await advance(0);
    const refused = json(status, { errors: [{ message: 'No.' }] });
    upstream.script((call, index) => (call.url === vpnPath('b') ? refused : serveVpns(a, c)(call, index)));
    await advance(watchPollMs);
    expect(log).toEqual(['[a Connected, b Connected, c Connected]', '[a Connected, c Connected]']);
    await advance(watchPollMs);
    expect(requestedUrls()).toEqual([listPath, vpnPath('b'), listPath]);
  });

  it('keeps it, and emits other changes, for as long as its own request finds it', async () => {
    upstream.script(all);
    const { log } = watchList();
    await advance(0);
    upstream.script(serveLists({ data: [{ ...a, state: 'Error' }, c] }));
    await advance(watchPollMs);
    await advance(watchPollMs);
    expect(requestedUrls()).toEqual([listPath, vpnPath('b'), listPath, vpnPath('b')]);
    expect(log).toEqual(['[a Connected, b Connected, c Connected]', '[a Error, b Connected, c Connected]']);
  });

  it('emits nothing until it can be confirmed, and ends after three failures', async () => {
    upstream.script(all);
    const { log } = watchList();
    await advance(0);
    upstream.script(({ url }) => (url === listPath ? { data: [a, c] } : raw(500)));
    await advance(watchPollMs);
    await advance(watchPollMs);
    expect(log).toEqual(['[a Connected, b Connected, c Connected]']);
    await advance(watchPollMs);
    expect(log).toEqual(['[a Connected, b Connected, c Connected]', 'UpstreamFailureError', 'end']);
  });
});

describe('The poll of a list from which several VPNs have vanished', () => {
  it('requests the list once more, and emits nothing if that has them', async () => {
    upstream.script(all);
    const { log } = watchList();
    await advance(0);
    upstream.script(serveLists({ data: [] }, { data: [a, b, c] }));
    await advance(watchPollMs);
    expect(requestedUrls()).toEqual([listPath, listPath]);
    await advance(watchPollMs);
    expect(requestedUrls().length).toBe(3);
    expect(log).toEqual(['[a Connected, b Connected, c Connected]']);
  });

  it('emits the second list if that lacks them too', async () => {
    upstream.script(all);
    const { log } = watchList();
    await advance(0);
    upstream.script(serveVpns(a));
    await advance(watchPollMs);
    expect(requestedUrls()).toEqual([listPath, listPath]);
    expect(log).toEqual(['[a Connected, b Connected, c Connected]', '[a Connected]']);
  });

  it('requests the list once more too if the one that has vanished has an id that no path can contain', async () => {
    upstream.script(serveVpns(a, { ...b, id: '../b' }));
    const { log } = watchList();
    await advance(0);
    upstream.script(serveVpns(a));
    await advance(watchPollMs);
    expect(requestedUrls()).toEqual([listPath, listPath]);
    expect(log).toEqual(['[a Connected, b Connected]', '[a Connected]']);
  });
});

describe('The poll of a VPN whose list lacks it', () => {
  it('requests it at once, and continues if it is found', async () => {
    upstream.script(all);
    watchList();
    await advance(0);
    const vpns = [watchVpn('a'), watchVpn('b')];
    upstream.script(serveLists({ data: [] }, { data: [] }, { data: [a, b, c] }));
    await advance(watchPollMs);
    expect([...requestedUrls()].sort()).toEqual([listPath, listPath, vpnPath('a'), vpnPath('b')]);
    for (let poll = 0; poll < 3; poll++) await advance(watchPollMs);
    expect(requestedUrls().filter((url) => url !== listPath)).toHaveLength(2);
    expect(vpns.map(({ log }) => log)).toEqual([['a Connected'], ['b Connected']]);
  });

  it('continues if its own request fails, and ends if a later one does not find it', async () => {
    upstream.script(all);
    watchList();
    await advance(0);
    const { log } = watchVpn('a');
    upstream.script(({ url }) => (url === listPath ? { data: [] } : raw(500)));
    await advance(watchPollMs);
    await advance(watchPollMs);
    expect(log).toEqual(['a Connected']);
    upstream.script(serveVpns());
    await advance(watchPollMs);
    expect(log).toEqual(['a Connected', 'end']);
  });
});
