// Subscriptions to tasks, VPNs and lists, from the first event to the last, with common client libraries and all transports.
import { describe, expect, it } from '@jest/globals';
import { ApolloClient, gql, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client as UrqlClient, subscriptionExchange } from '@urql/core';
import { environmentLiteral, keyHeader, otherVpnId, vpnId, wireVpn } from '../../helpers/fixtures.js';
import { startGateway } from '../../helpers/gateway.js';
import { waitUntil } from '../../helpers/wait-until.js';
import {
  subscribeBySse,
  subscribeByWebSocket,
  createWebSocketClient,
  openAcknowledgedSocket,
  startSubscription,
  transports,
} from './subscribers.js';
import { taskSubscription, vpnSubscription, vpnsSubscription, isSilent } from './mutable-rest-api.js';
import { startOnRestApi } from './polling-gateway.js';

// VPNs of the sandbox's test_area: the first in the VPC gate-room, the second in the VPC MyVPC.
const stargate = vpnId;
const toronto = otherVpnId;
const environment = environmentLiteral;

/** Starts a gateway on a sandbox with a clock that only the test advances. */
async function startWithManualClock() {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const gateway = await startGateway({ sandbox: { clock: () => now }, config: { taskPollMs: 20, watchPollMs: 20 } });
  const reset = async (id: string): Promise<string> => {
    const { body } = await gateway.run(
      `mutation { resetSiteToSiteVpn(input: {environment: ${environment}, id: "${id}"}) { task { id } } }`,
    );
    const taskIdInBody = /"task":\{"id":"([\w-]+)"/.exec(JSON.stringify(body))?.[1];
    if (taskIdInBody === undefined) throw new TypeError('The reset started no task.');
    return taskIdInBody;
  };
  return {
    ...gateway,
    reset,
    advance: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

describe.each(transports)('a subscription by %s', (_name, subscribeBy) => {
  it('sends a task as it is and when it has succeeded, with VPN and VPC, then completes', async () => {
    const { url, reset, advance, watcher } = await startWithManualClock();
    const task = await reset(stargate);
    const subscription = subscribeBy(url)(
      `subscription ($id: ID!) {
        taskUpdated(id: $id, environment: ${environment}) { id status errors { message } siteToSiteVpn { name state vpc { name } } }
      }`,
      { id: task },
    );
    await subscription.waitForEvents(1);
    advance(3_000);
    await subscription.waitForEnd();
    expect(subscription.end).toBe('complete');
    expect(subscription.events).toEqual([
      { data: { taskUpdated: { id: task, status: 'PENDING', errors: [], siteToSiteVpn: null } } },
      {
        data: {
          taskUpdated: {
            id: task,
            status: 'SUCCESS',
            errors: [],
            siteToSiteVpn: { name: 'stargate', state: 'CONNECTED', vpc: { name: 'gate-room' } },
          },
        },
      },
    ]);
    await waitUntil(() => watcher.pollCount === 0);
  });

  it('sends a VPN after each change, and completes when the VPN has been deleted', async () => {
    const { url, reset, run, advance } = await startWithManualClock();
    const subscription = subscribeBy(url)(
      `subscription { siteToSiteVpnUpdated(environment: ${environment}, id: "${stargate}") { name state vpc { name } } }`,
    );
    await subscription.waitForEvents(1);
    await reset(stargate);
    await subscription.waitForEvents(2);
    advance(3_000);
    await subscription.waitForEvents(3);
    await run(
      `mutation { deleteSiteToSiteVpn(input: {environment: ${environment}, id: "${stargate}"}) { task { id } } }`,
    );
    advance(3_000);
    await subscription.waitForEnd();
    expect(subscription.end).toBe('complete');
    const expected = (state: string) => ({
      data: { siteToSiteVpnUpdated: { name: 'stargate', state, vpc: { name: 'gate-room' } } },
    });
    expect(subscription.events).toEqual([expected('CONNECTED'), expected('PENDING'), expected('CONNECTED')]);
  });

  it('sends the whole list after each change of a VPN that matches the filter, and no other', async () => {
    const { url, reset, advance } = await startWithManualClock();
    const list = (filter: string) =>
      `subscription { siteToSiteVpnsUpdated(environment: ${environment}, filter: ${filter}) { totalCount nodes { name state } } }`;
    const subscribe = subscribeBy(url);
    const ofGateRoom = subscribe(list('{vpcId: "3FE7D82A-F4C4-4552-AC3B-787FDAFED4E7", states: null}'));
    const pending = subscribe(list('{states: [PENDING]}'));
    const nothing = subscribe(list('{states: []}'));
    await Promise.all([ofGateRoom.waitForEvents(1), pending.waitForEvents(1), nothing.waitForEnd()]);
    await reset(toronto);
    await pending.waitForEvents(2);
    advance(3_000);
    await pending.waitForEvents(3);
    const expected = (...names: string[]) => ({
      data: {
        siteToSiteVpnsUpdated: { totalCount: names.length, nodes: names.map((name) => ({ name, state: 'PENDING' })) },
      },
    });
    expect(pending.events).toEqual([
      expected('ottawa-office'),
      expected('ottawa-office', 'toronto-office'),
      expected('ottawa-office'),
    ]);
    expect(ofGateRoom.events).toHaveLength(1);
    expect(nothing.events).toEqual([expected()]);
    expect(nothing.end).toBe('complete');
    expect(pending.end).toBeUndefined();
  });

  it('shares one poll with equal subscriptions, until the last of them unsubscribes', async () => {
    const { rest, url, watcher } = await startOnRestApi();
    const subscribe = subscribeBy(url);
    const subscriptions = [subscribe(vpnsSubscription), subscribe(vpnsSubscription), subscribe(taskSubscription)];
    await Promise.all(subscriptions.map((subscription) => subscription.waitForEvents(1)));
    expect(watcher.pollCount).toBe(2);
    rest.state.vpns = [wireVpn({ name: 'renamed' })];
    const [first, second, task] = subscriptions;
    if (first === undefined || second === undefined || task === undefined)
      throw new TypeError('Expected three subscriptions.');
    await Promise.all([first.waitForEvents(2), second.waitForEvents(2)]);
    const expected = (name: string) => ({ data: { siteToSiteVpnsUpdated: { nodes: [{ name }] } } });
    expect(first.events).toEqual([expected('stargate'), expected('renamed')]);
    expect(second.events).toEqual(first.events);
    expect(task.events).toEqual([{ data: { taskUpdated: { status: 'PENDING' } } }]);
    first.unsubscribe();
    rest.state.vpns = [wireVpn({ name: 'again' })];
    await second.waitForEvents(3);
    expect(first.events).toHaveLength(2);
    second.unsubscribe();
    task.unsubscribe();
    expect(await isSilent(rest, watcher)).toBe(true);
    expect(rest.calls.every(({ headers }) => headers['mc-api-key'] === 'sandbox-key')).toBe(true);
  });

  it('stays open when another one ends', async () => {
    const { rest, url } = await startOnRestApi();
    const subscribe = subscribeBy(url);
    const task = subscribe(taskSubscription);
    const vpn = subscribe(vpnSubscription);
    await Promise.all([task.waitForEvents(1), vpn.waitForEvents(1)]);
    rest.state.taskStatus = 'SUCCESS';
    await task.waitForEnd();
    rest.state.vpns = [wireVpn({ name: 'renamed' })];
    await vpn.waitForEvents(2);
    expect(vpn.end).toBeUndefined();
    vpn.unsubscribe();
  });
});

describe('Apollo Client’s GraphQLWsLink', () => {
  it('receives a task until the task has ended', async () => {
    const { rest, url } = await startOnRestApi();
    const client = new ApolloClient({
      link: new GraphQLWsLink(createWebSocketClient(url)),
      cache: new InMemoryCache(),
    });
    const subscription = startSubscription((sink) => {
      const clientSubscription = client.subscribe({ query: gql(taskSubscription) }).subscribe(sink);
      return () => {
        clientSubscription.unsubscribe();
      };
    });
    await subscription.waitForEvents(1);
    rest.state.taskStatus = 'SUCCESS';
    await subscription.waitForEnd();
    expect(subscription.end).toBe('complete');
    expect(subscription.events).toEqual([
      { data: { taskUpdated: { __typename: 'Task', status: 'PENDING' } } },
      { data: { taskUpdated: { __typename: 'Task', status: 'SUCCESS' } } },
    ]);
    client.stop();
  });

  it('receives a failure as a GraphQL error, and ends the poll by unsubscribing', async () => {
    const { rest, url, watcher } = await startOnRestApi();
    const client = new ApolloClient({
      link: new GraphQLWsLink(createWebSocketClient(url)),
      cache: new InMemoryCache(),
    });
    const subscribe = (query: string) =>
      startSubscription((sink) => {
        const clientSubscription = client.subscribe({ query: gql(query) }).subscribe(sink);
        return () => {
          clientSubscription.unsubscribe();
        };
      });
    const unknownTask = subscribe('subscription { taskUpdated(id: "no-uuid") { status } }');
    await unknownTask.waitForEnd();
    expect(unknownTask.events).toMatchObject([{ error: { errors: [{ extensions: { code: 'NOT_FOUND' } }] } }]);
    const list = subscribe(vpnsSubscription);
    await list.waitForEvents(1);
    list.unsubscribe();
    expect(await isSilent(rest, watcher)).toBe(true);
    client.stop();
  });
});

describe('urql’s subscriptionExchange', () => {
  it('receives each change, and ends the poll by unsubscribing', async () => {
    const { rest, url, watcher } = await startOnRestApi();
    const socket = createWebSocketClient(url);
    const client = new UrqlClient({
      url,
      preferGetMethod: false,
      exchanges: [
        subscriptionExchange({
          forwardSubscription: ({ query = '', variables }) => ({
            subscribe: (sink) => ({
              unsubscribe: socket.subscribe(
                { query, variables: { ...variables } },
                {
                  ...sink,
                  next: ({ data = null, errors }) => {
                    sink.next({ data, ...(errors === undefined ? {} : { errors }) });
                  },
                },
              ),
            }),
          }),
        }),
      ],
    });
    const names: unknown[] = [];
    const subscription = startSubscription((sink) => {
      const clientSubscription = client.subscription(vpnsSubscription, {}).subscribe(({ data, error }) => {
        names.push(data);
        sink.next(error);
      });
      return () => {
        clientSubscription.unsubscribe();
      };
    });
    await subscription.waitForEvents(1);
    rest.state.vpns = [wireVpn({ name: 'renamed' })];
    await subscription.waitForEvents(2);
    expect(subscription.events).toEqual([undefined, undefined]);
    expect(names).toMatchObject([
      { siteToSiteVpnsUpdated: { nodes: [{ name: 'stargate' }] } },
      { siteToSiteVpnsUpdated: { nodes: [{ name: 'renamed' }] } },
    ]);
    subscription.unsubscribe();
    expect(await isSilent(rest, watcher)).toBe(true);
  });
});

describe('a query or mutation', () => {
  const rejection = [
    {
      message: 'Only subscriptions are served here. Send queries and mutations by POST to /graphql.',
      extensions: { code: 'BAD_REQUEST', requestId: expect.any(String) },
    },
  ];
  const list = `{ siteToSiteVpns(environment: ${environment}) { totalCount } }`;
  const reset = `mutation { resetSiteToSiteVpn(input: {environment: ${environment}, id: "${vpnId}"}) { task { id } } }`;

  const operations: readonly (readonly [string, string])[] = [
    ['a query', list],
    ['a mutation', reset],
  ];

  it.each(operations)('is rejected by WebSocket, without a REST call (%s)', async (_name, query) => {
    const { rest, url } = await startOnRestApi();
    const subscription = subscribeByWebSocket(url)(query);
    await subscription.waitForEnd();
    expect(subscription).toMatchObject({ events: [], end: rejection });
    expect(rest.calls).toEqual([]);
  });

  it.each(operations)('is rejected by SSE with 400, without a REST call (%s)', async (_name, query) => {
    const { rest, url } = await startOnRestApi();
    const response = await fetch(`${url}/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...keyHeader() },
      body: JSON.stringify({ query }),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ errors: rejection });
    const subscription = subscribeBySse(url)(query);
    await subscription.waitForEnd();
    expect(subscription.events).toEqual([]);
    expect(rest.calls).toEqual([]);
  });
});

describe('a WebSocket with a reused subscription id', () => {
  it('leaves no poll behind when it closes while the first subscription starts', async () => {
    const { rest, url, watcher } = await startOnRestApi();
    const socket = await openAcknowledgedSocket(url);
    const subscribe = { id: '1', type: 'subscribe', payload: { query: vpnsSubscription } };
    for (let round = 0; round < 3; round++) {
      socket.send(subscribe);
      socket.send({ id: '1', type: 'complete' });
    }
    socket.send(subscribe);
    await socket.waitForMessages(2);
    socket.webSocket.terminate();
    expect(await isSilent(rest, watcher)).toBe(true);
  });
});
