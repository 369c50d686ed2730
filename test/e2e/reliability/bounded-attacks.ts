// The attacks of one client, each within all limits on what a request may look like, and what the gateway must make of them.
import { setTimeout as sleep } from 'node:timers/promises';
import { numberedId, range } from '../../helpers/fixtures.js';
import {
  openFrameSocket,
  openHttpClient,
  openWebSocket,
  pipeline,
  sendAndHold,
  sendInTurn,
  subscribe,
  toFrame,
  toPost,
} from './attack-clients.js';
import { type Attack, attackerKey, type Target } from './bounded-rig.js';

const inEnvironment = (name: string) => `environment: { serviceCode: "compute-on", name: "${name}" }`;
const repeat = (count: number, toText: (index: number) => string) => range(count).map(toText).join(' ');
const vpns = (environment: string, fields: string) =>
  `{ siteToSiteVpns(${inEnvironment(environment)}) { nodes { ${fields} } } }`;

/** Sends the same query in turn, over this many connections. */
const sendQuery =
  (query: string, { variables = {}, connections = 1 }: { variables?: object; connections?: number } = {}) =>
  (target: Target) =>
    sendInTurn(target, connections, () => toPost({ query, variables }));

// 250 KB of JSON that takes far more memory as objects than as a text.
const manyValues = JSON.stringify(range(83_000).map(() => []));
const unusedVariables = `query Q(${repeat(240, (index) => `$v${index}:ID`)}) { a }`;
const typename = { query: '{a}' };
const options = 'OPTIONS /graphql HTTP/1.1\r\nhost: localhost\r\n\r\n';

const allFields = `id name state gateway cidr ikeEncryptionAlgorithm ikeHashAlgorithm ikeDhGroup ikeLifetime espEncryptionAlgorithm
  espHashAlgorithm espPerfectForwardSecrecy espLifetime securityAdvisories { field severity message reference }`;

const rateLimited = /^429 RATE_LIMITED, Retry-After$/;

/** What a result may hold. */
const results: readonly Attack[] = [
  {
    name: 'goes from VPN to VPC to VPNs to VPC to VPNs, ten times',
    run: sendQuery(
      vpns(
        'rows-100',
        repeat(
          10,
          (index) =>
            `a${index}: vpc { siteToSiteVpns { nodes { id name vpc { id name siteToSiteVpns { totalCount } } } } }`,
        ),
      ),
    ),
    expected: [/^(200 OPERATION_TOO_COMPLEX|400 GRAPHQL_VALIDATION_FAILED)/],
    maxRestCalls: () => 1_200,
  },
  {
    name: 'goes from VPN to VPC to VPNs, ten times',
    run: sendQuery(
      vpns(
        'rows-100',
        repeat(10, (index) => `a${index}: vpc { siteToSiteVpns { nodes { id name state gateway cidr } } }`),
      ),
    ),
    expected: [/^200 OPERATION_TOO_COMPLEX/],
  },
  ...[1_000, 5_000].map((rows) => ({
    name: `lists ${rows.toLocaleString('en')} VPNs with their VPCs, which is allowed`,
    run: sendQuery(vpns(`rows-${rows}-vpcs-50`, 'id name state gateway cidr vpc { id name cidr state }')),
    expected: [/^200$/],
  })),
  {
    name: 'gets VPNs of 1,000 VPCs, although it filters by one VPC',
    run: (target) =>
      sendInTurn(
        target,
        1,
        () =>
          toPost({
            query: `{ siteToSiteVpns(${inEnvironment('rows-1000-vpcs-1000-unfiltered')}, filter: { vpcId: "${numberedId('vpc', 0)}" }) {
              nodes { id vpc { id name } } } }`,
          }),
        1,
      ),
    maxRestCalls: () => 3,
  },
];

/** How long anything may be. */
const lengths: readonly Attack[] = [
  {
    name: 'sends a cursor of 253 KB, for ten aliases of 50 rows',
    run: sendQuery(
      `query Cursors($after: String!) ${vpns(
        'rows-50',
        repeat(10, (index) => `a${index}: vpc { siteToSiteVpns(after: $after) { totalCount } }`),
      )}`,
      {
        variables: {
          after: Buffer.from(JSON.stringify(['siteToSiteVpns', 'x'.repeat(189_000), 'x'])).toString('base64url'),
        },
      },
    ),
    expected: [/^(200|400) BAD_USER_INPUT/],
  },
  {
    name: 'sends environment names of 250 KB, 20 at a time',
    run: (target) =>
      sendInTurn(target, 20, (index) =>
        toPost({
          query: 'query Q($e: EnvironmentInput!) { siteToSiteVpns(environment: $e) { totalCount } }',
          variables: { e: { serviceCode: 'compute-on', name: `${index}`.padEnd(250_000, 'x') } },
        }),
      ),
    expected: [/^(200|400) BAD_USER_INPUT/],
    maxRestCalls: () => 0,
  },
  {
    name: 'sends another key of 8 KB with each request',
    run: (target) =>
      sendInTurn(target, 20, (index) => toPost({ query: '{ environments { id } }' }, `${index}`.padEnd(8_000, 'x'))),
    expected: [/UNAUTHENTICATED|^400|^431/],
  },
  {
    name: 'sends 250 KB of undeclared variables with 150 mutations that wait',
    run: (target) =>
      sendAndHold(
        target,
        range(150).map((index) => {
          const input = `${inEnvironment('test_area')}, id: "${numberedId('vpn', index)}", waitSeconds: 60`;
          const query = `mutation { resetSiteToSiteVpn(input: { ${input} }) { task { id } } }`;
          return toPost(`{"query":${JSON.stringify(query)},"variables":{"x":${manyValues}}}`);
        }),
      ),
  },
  {
    name: 'sends 250 KB of extensions with 150 subscriptions',
    run: async (target) => {
      const extensions: unknown = JSON.parse(manyValues);
      const webSockets = await Promise.all(range(10).map(() => openWebSocket(target)));
      for (const index of range(150)) {
        const webSocket = webSockets[index % 10];
        const query = `subscription { taskUpdated(id: "${numberedId('task', index)}") { status } }`;
        if (webSocket !== undefined) subscribe(webSocket, `s${index}`, { query, extensions: { x: extensions } });
      }
      await target.over;
    },
  },
];

/** What is charged before it is parsed. */
const floods: readonly Attack[] = [
  {
    name: 'pipelines {"query":"{a}"} without a key at 500 KB/s',
    run: (target) => pipeline(target, toPost(typename, null), 500_000),
    expected: [rateLimited],
  },
  {
    name: 'pipelines OPTIONS at 500 KB/s',
    run: (target) => pipeline(target, options, 500_000),
    expected: [/^429/],
  },
  {
    name: 'sends 240 unused variables without a key, on 50 connections',
    run: (target) => sendInTurn(target, 50, (index) => toPost({ query: `${unusedVariables} #${index}` }, null)),
    expected: [rateLimited],
  },
  {
    name: 'sends those with another X-Forwarded-For each time',
    run: (target) =>
      sendInTurn(target, 50, (index) => {
        const address = `x-forwarded-for: 198.51.${(index >> 8) & 255}.${index & 255}`;
        return toPost({ query: `${unusedVariables} #${index}` }, null, [address]);
      }),
    expected: [rateLimited],
  },
  {
    name: 'sends those with another made-up key each time',
    run: (target) =>
      sendInTurn(target, 50, (index) => toPost({ query: `${unusedVariables} #${index}` }, `made-up-${index}`)),
    expected: [rateLimited],
  },
  {
    name: 'sends 83,000 arrays in a body, on 20 connections',
    run: (target) => {
      const request = toPost(`{"query":"{a}","variables":{"x":${manyValues}}}`, null);
      return sendInTurn(target, 20, () => request);
    },
    expected: [/^400|^429/],
  },
  {
    name: 'pipelines 500 reads of a slow REST API',
    run: async (target) => {
      const { socket } = openHttpClient(target);
      for (const index of range(500)) {
        const id = numberedId('vpn', index);
        const query = `{ siteToSiteVpn(${inEnvironment('delay-9000')}, id: "${id}") { name } }`;
        socket.write(toPost({ query }));
      }
      await target.over;
    },
    maxRestCalls: (seconds) => 2 + seconds / 9,
  },
  {
    name: 'spreads a fragment with a list in nine places',
    run: (target) =>
      sendInTurn(target, 8, (index) => {
        // Another environment each time, so that no two requests share a REST call.
        const toVpc = (vpc: number) =>
          `a${vpc}: vpc(${inEnvironment(`vpcs-9-e${index}`)}, id: "${numberedId('vpc', vpc)}") { ...F }`;
        return toPost({ query: `{ ${repeat(9, toVpc)} } fragment F on Vpc { siteToSiteVpns { nodes { id } } }` });
      }),
    expected: [/^429 RATE_LIMITED/],
    maxRestCalls: () => 1_200,
  },
];

/** What a connection may hold. */
const connections: readonly Attack[] = [
  {
    name: 'sends bodies in chunks of one byte, 15 MB in all',
    run: async (target) => {
      const head = ['POST /graphql HTTP/1.1', 'host: localhost', 'content-type: application/json'];
      const chunks = Buffer.from('1\r\n \r\n'.repeat(25_000));
      await Promise.all(
        range(10).map(async () => {
          const client = openHttpClient(target);
          client.socket.write(`${head.join('\r\n')}\r\ntransfer-encoding: chunked\r\n\r\n`);
          for (let part = 0; part < 10 && !client.isClosed() && !target.isOver(); part++) {
            if (!client.socket.write(chunks)) await Promise.race([whenWritable(client.socket), target.over]);
          }
        }),
      );
      await target.over;
    },
    expected: [/^(400|408|413|429)/],
  },
  {
    name: 'sends endless messages of 16,000 fragments on 200 WebSockets',
    run: async (target) => {
      const init = JSON.stringify({ type: 'connection_init', payload: { 'MC-Api-Key': attackerKey } });
      const first = Buffer.concat([toFrame(1, true, init), toFrame(1, false, '{')]);
      const fragments = Buffer.concat(range(1_000).map(() => toFrame(0, false, ' ')));
      await Promise.all(
        range(200).map(async () => {
          const socket = await openFrameSocket(target);
          socket.write(first);
          for (let part = 0; part < 16 && !socket.destroyed && !target.isOver(); part++) {
            if (!socket.write(fragments)) await Promise.race([whenWritable(socket), target.over]);
          }
        }),
      );
      await target.over;
    },
    expected: [/^closed/],
  },
  {
    name: 'opens 800 WebSockets, at MAX_CONNECTIONS=800',
    environment: { MAX_CONNECTIONS: '800' },
    run: async (target) => {
      // 80 at a time: more would wait for the listener's backlog.
      for (let opened = 0; opened < 960 && !target.isOver(); opened += 80) {
        await Promise.all(range(80).map(() => openWebSocket(target)));
      }
      await target.over;
    },
    newConnections: true,
    expected: [/^(closed 1013|handshake (429|503))/],
  },
  {
    name: 'opens 200 WebSockets, at MAX_CONNECTIONS_PER_KEY=100',
    environment: { MAX_CONNECTIONS_PER_KEY: '100' },
    run: async (target) => {
      await Promise.all(range(200).map(() => openWebSocket(target)));
      await target.over;
    },
    expected: [/^(closed 1013|handshake 429)/],
  },
  {
    name: 'sends 101 headers with each request',
    run: (target) => {
      const headers = range(101).map((index) => `x-${index}: 1`);
      return sendInTurn(target, 10, () => toPost(typename, null, headers));
    },
    expected: [/^431/],
  },
  {
    name: 'sends Host headers that are no host, e.g. 1.2.3.4.5',
    run: (target) => {
      const hosts = ['1.2.3.4.5', 'xn--a', '[:::]'];
      return sendInTurn(target, 1, (index) => toPost(typename, null).replace('localhost', hosts[index % 3] ?? ''), 30);
    },
    expected: [/^400 BAD_REQUEST/],
  },
];

const listUpdates = (environment: string, index: number) =>
  `subscription S${index} { siteToSiteVpnsUpdated(${inEnvironment(environment)}) { nodes { ${allFields} } } }`;

/** What waits to be read. */
const unread: readonly Attack[] = [
  {
    name: 'reads no event of 300 subscriptions to 1,000 VPNs',
    environment: { WATCH_POLL_MS: '500' },
    run: async (target) => {
      const webSocket = await openWebSocket(target);
      webSocket.pause();
      for (const index of range(300)) {
        subscribe(webSocket, `s${index}`, { query: listUpdates('rows-1000-vpcs-5-changing', index) });
      }
      await target.over;
    },
  },
  {
    name: 'reads no event of 300 event streams of 1,000 VPNs',
    environment: { WATCH_POLL_MS: '500' },
    run: async (target) => {
      for (const index of range(300)) {
        const { socket } = openHttpClient(target);
        socket.pause();
        const body = { query: listUpdates('rows-1000-vpcs-5-changing', index) };
        socket.write(toPost(body, attackerKey, ['accept: text/event-stream'], '/graphql/stream'));
      }
      await target.over;
    },
  },
  {
    name: 'reads no response of 300 lists of 1,000 VPNs',
    run: async (target) => {
      for (const index of range(300)) {
        const { socket } = openHttpClient(target);
        socket.pause();
        socket.write(toPost({ query: `query Q${index} ${vpns('rows-1000-vpcs-5', allFields)}` }));
      }
      await target.over;
    },
  },
];

/** What reaches the REST API, and what its failures do to others. */
const restCalls: readonly Attack[] = [
  {
    name: 'follows 600 tasks with one key',
    run: async (target) => {
      const webSocket = await openWebSocket(target);
      for (const index of range(600)) {
        const query = `subscription { taskUpdated(id: "${numberedId('task', index)}") { status } }`;
        subscribe(webSocket, `s${index}`, { query });
      }
      await target.over;
    },
    // One call each at the start. From then on, 1,200 a minute.
    maxRestCalls: (seconds) => 600 + 20 * (seconds + 1),
  },
  {
    name: 'aborts its reads, once the circuit has opened',
    beginsWithFailure: true,
    run: async (target) => {
      const toRequest = (index: number, key: string) => {
        const query = `{ siteToSiteVpn(${inEnvironment('delay-300')}, id: "${numberedId('vpn', index)}") { name } }`;
        return toPost({ query }, key);
      };
      const quiet = { ...target, note: () => undefined };
      let dropped = 0;
      target.rest.dropsCall = () => ++dropped > 0;
      do {
        dropped = 0;
        await Promise.all(range(40).map((index) => sendInTurn(quiet, 1, () => toRequest(index, `opens-${index}`), 1)));
      } while (dropped > 20 && !target.isOver());
      target.rest.dropsCall = () => false;
      const abortInLoop = async (loop: number) => {
        for (let index = loop; !target.isOver(); index += 20) {
          const { socket } = openHttpClient(target);
          socket.write(toRequest(index, attackerKey));
          // Before the response of the REST API, but late enough for a call on a machine that is busy.
          await sleep(20 + (index % 100));
          socket.destroy();
        }
      };
      await Promise.all(range(20).map(abortInLoop));
    },
  },
  ...[
    { what: 'keys', toName: () => 'test_area', toKey: (index: number) => `${attackerKey}-${index}`.padEnd(2_000, 'x') },
    { what: 'environment names', toName: () => 'x'.repeat(2_000), toKey: () => attackerKey },
  ].map(({ what, toName, toKey }): Attack => ({
    name: `sends ${what} of 2 KB, to which the REST API does not respond`,
    prepare: (rest) => {
      rest.dropsCall = ({ apiKey, path }) => apiKey.length > 1_000 || path.length > 1_000;
    },
    run: (target) =>
      sendInTurn(target, 10, (index) => {
        const query = `{ siteToSiteVpn(${inEnvironment(toName())}, id: "${numberedId('vpn', index)}") { name } }`;
        return toPost({ query }, toKey(index));
      }),
    maxRestCalls: () => 0,
  })),
];

/** All attacks. */
export const attacks: readonly Attack[] = [...results, ...lengths, ...floods, ...connections, ...unread, ...restCalls];

async function whenWritable(socket: { readonly writableNeedDrain: boolean; readonly destroyed: boolean }) {
  while (socket.writableNeedDrain && !socket.destroyed) await sleep(5);
}
