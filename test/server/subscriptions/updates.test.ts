// What applications follow, with the clients that they use, over both transports: tasks, VPNs and lists, from the first event to the end.
import { describe, expect, it } from '@jest/globals';
import { ApolloClient, gql, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client as UrqlClient, subscriptionExchange } from '@urql/core';
import { startGateway, startGatewayOnSandbox } from '../../helpers/gateway.js';
import {
  byEventStream,
  byWebSocket,
  connectWebSocket,
  openAcknowledged,
  toFollowing,
  transports,
} from './subscribers.js';
import { environment, followTask, followVpn, followVpns, isSilent, startRest, vpnId, wireVpn } from './changing-rest-api.js';

const polls = { taskPollMs: 20, watchPollMs: 20 };
// In the sandbox's test_area: of the VPC gate-room, and of the VPC MyVPC.
const stargate = vpnId;
const toronto = 'ca86b14f-20db-463d-b58a-9d3fa5959af2';

/** A gateway on a sandbox whose time only the test moves. */
async function startAtRest() {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const gateway = await startGatewayOnSandbox({ clock: () => now }, polls);
  const reset = async (id: string): Promise<string> => {
    const { body } = await gateway.run(
      `mutation { resetSiteToSiteVpn(input: {environment: ${environment}, id: "${id}"}) { task { id } } }`,
    );
    const found = /"task":\{"id":"([\w-]+)"/.exec(JSON.stringify(body))?.[1];
    if (found === undefined) throw new TypeError('The reset began no task.');
    return found;
  };
  return {
    ...gateway,
    reset,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

describe.each(transports)('by %s', (_name, by) => {
  it('a task is told as it is, then when it has succeeded, with its VPN and that VPN’s VPC, and completes', async () => {
    const { url, reset, pass, watcher } = await startAtRest();
    const task = await reset(stargate);
    const following = by(url)(
      `subscription ($id: ID!) {
        taskUpdated(id: $id, environment: ${environment}) { id status errors { message } siteToSiteVpn { name state vpc { name } } }
      }`,
      { id: task },
    );
    await following.has(1);
    pass(3_000);
    await following.ends();
    expect(following.end).toBe('complete');
    expect(following.events).toEqual([
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
    expect(watcher.polls).toBe(0);
  });

  it('a VPN is told once for each change, and completes when it has been deleted', async () => {
    const { url, reset, run, pass } = await startAtRest();
    const following = by(url)(
      `subscription { siteToSiteVpnUpdated(environment: ${environment}, id: "${stargate}") { name state vpc { name } } }`,
    );
    await following.has(1);
    await reset(stargate);
    await following.has(2);
    pass(3_000);
    await following.has(3);
    await run(
      `mutation { deleteSiteToSiteVpn(input: {environment: ${environment}, id: "${stargate}"}) { task { id } } }`,
    );
    pass(3_000);
    await following.ends();
    expect(following.end).toBe('complete');
    const told = (state: string) => ({
      data: { siteToSiteVpnUpdated: { name: 'stargate', state, vpc: { name: 'gate-room' } } },
    });
    expect(following.events).toEqual([told('CONNECTED'), told('PENDING'), told('CONNECTED')]);
  });

  it('a list is told whole after each change among those that pass its filter, and of no other change', async () => {
    const { url, reset, pass } = await startAtRest();
    const list = (filter: string) =>
      `subscription { siteToSiteVpnsUpdated(environment: ${environment}, filter: ${filter}) { totalCount nodes { name state } } }`;
    const follow = by(url);
    const ofGateRoom = follow(list('{vpcId: "3FE7D82A-F4C4-4552-AC3B-787FDAFED4E7", states: null}'));
    const pending = follow(list('{states: [PENDING]}'));
    const nothing = follow(list('{states: []}'));
    await Promise.all([ofGateRoom.has(1), pending.has(1), nothing.ends()]);
    await reset(toronto);
    await pending.has(2);
    pass(3_000);
    await pending.has(3);
    const told = (...names: string[]) => ({
      data: {
        siteToSiteVpnsUpdated: { totalCount: names.length, nodes: names.map((name) => ({ name, state: 'PENDING' })) },
      },
    });
    expect(pending.events).toEqual([
      told('ottawa-office'),
      told('ottawa-office', 'toronto-office'),
      told('ottawa-office'),
    ]);
    expect(ofGateRoom.events).toHaveLength(1);
    expect(nothing.events).toEqual([told()]);
    expect(nothing.end).toBe('complete');
    expect(pending.end).toBeUndefined();
  });

  it('many of the same share one poll, each is told of each change, and unsubscribing ends the poll with the last', async () => {
    const rest = await startRest();
    const { url, watcher } = await startGateway(rest.url, polls);
    const follow = by(url);
    const followings = [follow(followVpns), follow(followVpns), follow(followTask)];
    await Promise.all(followings.map((each) => each.has(1)));
    expect(watcher.polls).toBe(2);
    rest.state.vpns = [wireVpn({ name: 'renamed' })];
    const [first, second, task] = followings;
    if (first === undefined || second === undefined || task === undefined) throw new TypeError('There are three.');
    await Promise.all([first.has(2), second.has(2)]);
    const told = (name: string) => ({ data: { siteToSiteVpnsUpdated: { nodes: [{ name }] } } });
    expect(first.events).toEqual([told('stargate'), told('renamed')]);
    expect(second.events).toEqual(first.events);
    expect(task.events).toEqual([{ data: { taskUpdated: { status: 'PENDING' } } }]);
    first.stop();
    rest.state.vpns = [wireVpn({ name: 'again' })];
    await second.has(3);
    expect(first.events).toHaveLength(2);
    second.stop();
    task.stop();
    expect(await isSilent(rest)).toBe(true);
    expect(watcher.polls).toBe(0);
    expect(rest.calls.every(({ headers }) => headers['mc-api-key'] === 'sandbox-key')).toBe(true);
  });

  it('one that ends leaves the others open', async () => {
    const rest = await startRest();
    const { url } = await startGateway(rest.url, polls);
    const follow = by(url);
    const task = follow(followTask);
    const vpn = follow(followVpn);
    await Promise.all([task.has(1), vpn.has(1)]);
    rest.state.taskStatus = 'SUCCESS';
    await task.ends();
    rest.state.vpns = [wireVpn({ name: 'renamed' })];
    await vpn.has(2);
    expect(vpn.end).toBeUndefined();
    vpn.stop();
  });
});

describe('Apollo Client’s GraphQLWsLink', () => {
  it('is told of a task to its end', async () => {
    const rest = await startRest();
    const { url } = await startGateway(rest.url, polls);
    const client = new ApolloClient({ link: new GraphQLWsLink(connectWebSocket(url)), cache: new InMemoryCache() });
    const following = toFollowing((sink) => {
      const subscription = client.subscribe({ query: gql(followTask) }).subscribe(sink);
      return () => {
        subscription.unsubscribe();
      };
    });
    await following.has(1);
    rest.state.taskStatus = 'SUCCESS';
    await following.ends();
    expect(following.end).toBe('complete');
    expect(following.events).toEqual([
      { data: { taskUpdated: { __typename: 'Task', status: 'PENDING' } } },
      { data: { taskUpdated: { __typename: 'Task', status: 'SUCCESS' } } },
    ]);
    client.stop();
  });

  it('is told of a failure as an error of GraphQL, and unsubscribing ends the poll', async () => {
    const rest = await startRest();
    const { url, watcher } = await startGateway(rest.url, polls);
    const client = new ApolloClient({ link: new GraphQLWsLink(connectWebSocket(url)), cache: new InMemoryCache() });
    const subscribe = (query: string) =>
      toFollowing((sink) => {
        const subscription = client.subscribe({ query: gql(query) }).subscribe(sink);
        return () => {
          subscription.unsubscribe();
        };
      });
    const lost = subscribe('subscription { taskUpdated(id: "no-uuid") { status } }');
    await lost.ends();
    expect(lost.events).toMatchObject([{ error: { errors: [{ extensions: { code: 'NOT_FOUND' } }] } }]);
    const list = subscribe(followVpns);
    await list.has(1);
    list.stop();
    expect(await isSilent(rest)).toBe(true);
    expect(watcher.polls).toBe(0);
    client.stop();
  });
});

describe('urql’s subscriptionExchange', () => {
  it('is told of each change, and unsubscribing ends the poll', async () => {
    const rest = await startRest();
    const { url, watcher } = await startGateway(rest.url, polls);
    const socket = connectWebSocket(url);
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
    const following = toFollowing((sink) => {
      const subscription = client.subscription(followVpns, {}).subscribe(({ data, error }) => {
        names.push(data);
        sink.next(error);
      });
      return () => {
        subscription.unsubscribe();
      };
    });
    await following.has(1);
    rest.state.vpns = [wireVpn({ name: 'renamed' })];
    await following.has(2);
    expect(following.events).toEqual([undefined, undefined]);
    expect(names).toMatchObject([
      { siteToSiteVpnsUpdated: { nodes: [{ name: 'stargate' }] } },
      { siteToSiteVpnsUpdated: { nodes: [{ name: 'renamed' }] } },
    ]);
    following.stop();
    expect(await isSilent(rest)).toBe(true);
    expect(watcher.polls).toBe(0);
  });
});

describe('what is no subscription', () => {
  const refused = [
    {
      message: 'This carries subscriptions alone: send queries and mutations by POST to /graphql.',
      extensions: { code: 'BAD_REQUEST', requestId: expect.any(String) },
    },
  ];
  const list = `{ siteToSiteVpns(environment: ${environment}) { totalCount } }`;
  const reset = `mutation { resetSiteToSiteVpn(input: {environment: ${environment}, id: "${vpnId}"}) { task { id } } }`;

  const operations: readonly (readonly [string, string])[] = [
    ['a query', list],
    ['a mutation', reset],
  ];

  it.each(operations)('%s is refused over WebSocket, and nothing is sent for it', async (_what, query) => {
    const rest = await startRest();
    const { url } = await startGateway(rest.url, polls);
    const following = byWebSocket(url)(query);
    await following.ends();
    expect(following).toMatchObject({ events: [], end: refused });
    expect(rest.calls).toEqual([]);
  });

  it.each(operations)(
    '%s is refused over Server-Sent Events with 400, and nothing is sent for it',
    async (_what, query) => {
      const rest = await startRest();
      const { url } = await startGateway(rest.url, polls);
      const response = await fetch(`${url}/stream`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'text/event-stream', 'mc-api-key': 'sandbox-key' },
        body: JSON.stringify({ query }),
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({ errors: refused });
      const following = byEventStream(url)(query);
      await following.ends();
      expect(following.events).toEqual([]);
      expect(rest.calls).toEqual([]);
    },
  );
});

describe('an id that is used again on one socket while its first subscription is still being begun', () => {
  it('leaves no poll behind when the socket is closed', async () => {
    const rest = await startRest();
    const { url, watcher } = await startGateway(rest.url, polls);
    const bare = await openAcknowledged(url);
    const begin = { id: '1', type: 'subscribe', payload: { query: followVpns } };
    for (let round = 0; round < 3; round++) {
      bare.send(begin);
      bare.send({ id: '1', type: 'complete' });
    }
    bare.send(begin);
    await bare.has(2);
    bare.socket.terminate();
    expect(await isSilent(rest)).toBe(true);
    expect(watcher.polls).toBe(0);
  });
});
