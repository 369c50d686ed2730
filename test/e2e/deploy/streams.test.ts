// Subscriptions without a WebSocket, at POST /graphql, with the clients that apps use: direct, and through nginx and HAProxy with the
// configurations in deploy/. Each proxy is skipped if its Debian package is not installed.
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { createFetchMultipartSubscription } from '@apollo/client/utilities/subscriptions/relay';
import { describe, expect, it } from '@jest/globals';
import { Client as UrqlClient, fetchExchange, type OperationResult } from '@urql/core';
import relay from 'relay-runtime';
import { addCleanup } from '../../helpers/cleanup.js';
import { keyHeader, wireVpn } from '../../helpers/fixtures.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { taskSubscription, vpnsSubscription } from '../../server/subscriptions/mutable-rest-api.js';
import { startOnRestApi } from '../../server/subscriptions/polling-gateway.js';
import { startSubscription, type Subscribe } from '../../server/subscriptions/subscribers.js';
import { isProxyInstalled, proxies, startProxy } from './path-proxies.js';

const headers = keyHeader();

function subscribeByApolloClient(uri: string): Subscribe {
  const client = new ApolloClient({ link: new HttpLink({ uri, headers }), cache: new InMemoryCache() });
  return (query) =>
    startSubscription((sink) => {
      const subscription = client.subscribe({ query: gql(query) }).subscribe({
        next: ({ data, error }) => {
          // Apollo Client passes a lost connection on as the last result.
          if (error === undefined) sink.next({ data });
          else sink.error(error);
        },
        complete: sink.complete,
      });
      return () => {
        subscription.unsubscribe();
      };
    });
}

function subscribeByUrql(url: string): Subscribe {
  const fetchOptions = { headers };
  const exchanges = [fetchExchange];
  const client = new UrqlClient({ url, fetchOptions, exchanges, fetchSubscriptions: true, preferGetMethod: false });
  return (query) =>
    startSubscription((sink) => {
      let last: unknown;
      const subscription = client
        .subscription(query, {})
        .subscribe(({ data, error, hasNext }: OperationResult<unknown>) => {
          if (error !== undefined) sink.error(error);
          // urql repeats the last result when it has no further one.
          else if (data !== last) sink.next({ data });
          last = data;
          if (!hasNext) sink.complete();
        });
      return () => {
        subscription.unsubscribe();
      };
    });
}

function subscribeByRelay(url: string): Subscribe {
  const fetchNothing = () => Promise.reject(new Error('This test sends no queries.'));
  const network = relay.Network.create(fetchNothing, createFetchMultipartSubscription(url, { headers }));
  return (text) =>
    startSubscription((sink) => {
      const request = { text, id: null, cacheID: text, name: '', operationKind: 'subscription', metadata: {} } as const;
      const subscription = network.execute(request, {}, {}).subscribe(sink);
      return () => {
        subscription.unsubscribe();
      };
    });
}

const clients = [subscribeByApolloClient, subscribeByUrql, subscribeByRelay];
const ways = [{ name: 'no proxy', proxy: undefined }, ...proxies.map((proxy) => ({ name: proxy.name, proxy }))];

describe.each(ways)("Apollo Client's HttpLink, urql and Relay through $name", ({ proxy }) => {
  const test = proxy === undefined || isProxyInstalled(proxy) ? it : it.skip;

  test('receive each event at once, see the end, and see a cut as a lost connection', async () => {
    const { rest, url, lifecycle } = await startOnRestApi();
    const proxied = proxy === undefined ? url : `${await startProxy(proxy, new URL(url))}/vpn/graphql`;
    const subscribers = clients.map((client) => client(proxied));
    const vpns = subscribers.map((subscribe) => subscribe(vpnsSubscription));
    const tasks = subscribers.map((subscribe) => subscribe(taskSubscription));
    for (const { unsubscribe } of [...vpns, ...tasks]) addCleanup(unsubscribe);
    await Promise.all([...vpns, ...tasks].map(({ waitForEvents }) => waitForEvents(1)));
    rest.state.vpns = [wireVpn({ name: 'renamed' })];
    rest.state.taskStatus = 'SUCCESS';
    await Promise.all(tasks.map(({ waitForEnd }) => waitForEnd()));
    await Promise.all(vpns.map(({ waitForEvents }) => waitForEvents(2)));
    lifecycle.drain();
    await waitUntil(() => vpns.every(({ end }) => end !== undefined));

    // Apollo Client adds __typename.
    const toVpns = (name: string) => ({ data: { siteToSiteVpnsUpdated: { nodes: [{ name }] } } });
    const toTask = (status: string) => ({ data: { taskUpdated: { status } } });
    for (const { events, end } of vpns) {
      expect(events).toMatchObject([toVpns('stargate'), toVpns('renamed')]);
      expect(end).toHaveProperty('message', expect.any(String));
    }
    for (const { events, end } of tasks) {
      expect(events).toMatchObject([toTask('PENDING'), toTask('SUCCESS')]);
      expect(end).toBe('complete');
    }
  });
});
