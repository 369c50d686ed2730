// Attacks by requests: large results, long inputs, and floods.
import { numberedId, range } from '../../helpers/fixtures.js';
import {
  openHttpClient,
  openWebSocket,
  pipeline,
  sendAndHold,
  sendInTurn,
  subscribe,
  toPost,
} from './attack-clients.js';
import { inEnvironment, repeat, vpns } from './attack-documents.js';
import { type Attack, attackerKey, smallHeap, type Target } from './bounded-rig.js';

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

const rateLimited = /^429 RATE_LIMITED, Retry-After$/;

// Attacks by large results.
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
    environment: smallHeap,
    expected: [/^200$/],
  })),
  {
    name: 'asks for the overlaps of 5,000 VPNs with the same network, four at a time',
    environment: smallHeap,
    run: sendQuery(vpns('rows-5000', 'networkOverlaps { cidr overlapsWith }'), { connections: 4 }),
    expected: [/^200 OPERATION_TOO_COMPLEX/],
  },
  {
    name: 'lists 5,000 VPNs, 64 lists at a time',
    environment: smallHeap,
    run: sendQuery(vpns('rows-5000', 'id name state gateway cidr'), { connections: 64 }),
    expected: [/^200$/],
  },
  {
    name: 'lists 5,000 VPNs, of 64 environments at a time',
    environment: smallHeap,
    run: (target) =>
      sendInTurn(target, 64, (index) =>
        toPost({ query: vpns(`rows-5000-area-${index % 64}`, 'id name state gateway cidr') }),
      ),
    expected: [/^200$/],
  },
  {
    name: 'lists 5,000 VPNs with each of 64 keys, beside a list of 200',
    environment: smallHeap,
    neighbourLists: true,
    run: (target) =>
      sendInTurn(target, 64, (index) =>
        toPost({ query: vpns('rows-5000', 'id name state gateway cidr') }, `${attackerKey}-${index % 64}`),
      ),
    expected: [/^200$/],
  },
  {
    name: 'lists 1,000 VPNs with 300 networks each, four at a time',
    environment: smallHeap,
    run: sendQuery(vpns('rows-1000-networks-300', 'id name cidr'), { connections: 4 }),
    expected: [/^200$/],
  },
  {
    name: 'lists 300 VPNs on each of 900 connections at once',
    environment: { ...smallHeap, RATE_LIMIT_PER_MINUTE: '1000000' },
    run: async (target) => {
      const request = toPost({ query: vpns('rows-300', 'id name') });
      const clients = range(900).map(() => openHttpClient(target));
      for (let count = 1; !target.isOver(); count++) {
        for (const { socket } of clients) socket.write(request);
        await Promise.all(clients.map((client) => client.whenResponded(count)));
      }
    },
    expected: [/^200$/],
  },
  {
    name: 'sends another made-up key with each of 900 requests at once',
    environment: { ...smallHeap, RATE_LIMIT_PER_MINUTE: '1000000' },
    run: async (target) => {
      const clients = range(900).map(() => openHttpClient(target));
      for (let count = 1; !target.isOver(); count++) {
        for (const [index, { socket }] of clients.entries()) {
          socket.write(toPost({ query: '{ __typename }' }, `${attackerKey}-${count}-${index}`));
        }
        await Promise.all(clients.map((client) => client.whenResponded(count)));
      }
    },
    expected: [/^200$/],
    maxRestCalls: () => 0,
  },
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

// Attacks by long inputs.
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

// Attacks by many requests.
const floods: readonly Attack[] = [
  {
    name: 'pipelines {"query":"{a}"} without a key at 500 KB/s',
    run: (target) => pipeline(target, toPost(typename, null), 500_000),
    expected: [rateLimited],
  },
  {
    name: 'pipelines OPTIONS at 500 KB/s',
    run: (target) => pipeline(target, options, 500_000),
    // A connection that is served in turn may be too slow to spend its budget.
    expected: [/^(204|429)/],
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
    name: 'sends another document of 160 operations each time, on 20 connections',
    run: (target) =>
      sendInTurn(target, 20, (index) => {
        const query = repeat(160, (number) => `query Q${number}_${index} { __typename }`);
        return toPost({ query, operationName: `Q0_${index}` }, `made-up-${index}`);
      }),
    expected: [rateLimited],
  },
  {
    name: 'sends chunks with extensions of 15 KB, on 100 connections',
    run: (target) => {
      const chunks = `1;${'x'.repeat(15_000)}\r\n \r\n`.repeat(60);
      const headers = 'content-type: application/json\r\ntransfer-encoding: chunked';
      const request = `POST /graphql HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n\r\n${chunks}0\r\n\r\n`;
      return sendInTurn(target, 100, () => request);
    },
    expected: [/^413/],
  },
  ...['accept', 'accept-encoding'].map((name) => ({
    name: `sends 13 KB in the header ${name}, on 100 connections`,
    run: (target: Target) =>
      sendInTurn(target, 100, () =>
        toPost({ query: '{ __typename }' }, undefined, [`${name}: ${'a/b;q=0.1,'.repeat(1_300)}`]),
      ),
    expected: [/^431/],
  })),
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
    environment: smallHeap,
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

/** The attacks by requests. */
export const requestAttacks: readonly Attack[] = [...results, ...lengths, ...floods];
