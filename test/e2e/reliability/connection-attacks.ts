// Attacks by connections: their content, data that a client does not read, and REST calls.
import { setTimeout as sleep } from 'node:timers/promises';
import { numberedId, range } from '../../helpers/fixtures.js';
import {
  openFrameSocket,
  openHttpClient,
  openWebSocket,
  sendInTurn,
  subscribe,
  toFrame,
  toPost,
} from './attack-clients.js';
import { allFields, inEnvironment, vpns } from './attack-documents.js';
import { type Attack, attackerKey, smallHeap } from './bounded-rig.js';

const typename = { query: '{a}' };

// Attacks by the content and the number of connections.
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
  ...[
    { what: 'messages', frame: toFrame(1, true, '{"type":"pong"}') },
    { what: 'pongs', frame: toFrame(10, true, '') },
  ].map(({ what, frame }): Attack => ({
    name: `sends small ${what} without a pause on 100 WebSockets`,
    run: async (target) => {
      const init = JSON.stringify({ type: 'connection_init', payload: { 'MC-Api-Key': attackerKey } });
      const frames = Buffer.concat(range(3_000).map(() => frame));
      await Promise.all(
        range(100).map(async () => {
          const socket = await openFrameSocket(target);
          socket.write(toFrame(1, true, init));
          while (!socket.destroyed && !target.isOver()) {
            socket.write(frames);
            await Promise.race([whenWritable(socket), target.over]);
          }
        }),
      );
    },
  })),
  {
    name: 'sends 600 subscriptions with ids of 250 KB',
    run: async (target) => {
      const webSockets = await Promise.all(range(10).map(() => openWebSocket(target)));
      for (const index of range(600)) {
        const webSocket = webSockets[index % 10];
        const query = `subscription { taskUpdated(id: "${numberedId('task', index % 50)}") { status } }`;
        if (webSocket !== undefined) subscribe(webSocket, `${index}`.padEnd(250_000, 'x'), { query });
      }
      await target.over;
    },
    expected: [/^closed/],
  },
  ...[
    { sender: 'without a key', headers: '' },
    { sender: 'with a key', headers: `MC-Api-Key: ${attackerKey}\r\n` },
  ].map(({ sender, headers }): Attack => ({
    name: `sends 64 KiB of small requests at once, ${sender}, on each of 600 connections`,
    environment: smallHeap,
    run: async (target) => {
      const request = `GET / HTTP/1.1\r\n${headers}\r\n`;
      const requests = request.repeat(65_536 / request.length);
      while (!target.isOver()) {
        const clients = range(600).map(() => openHttpClient(target));
        for (const { socket } of clients) socket.write(requests);
        // Infinity: until the gateway closes the connection.
        await Promise.all(clients.map((client) => client.whenResponded(Infinity)));
      }
    },
  })),
  {
    name: 'pipelines 1,700 requests with an unknown Expect header, on 50 connections',
    run: async (target) => {
      const requests = 'GET / HTTP/1.1\r\nhost: localhost\r\nexpect: a\r\n\r\n'.repeat(1_700);
      await Promise.all(
        range(50).map(async () => {
          while (!target.isOver()) {
            const client = openHttpClient(target);
            client.socket.write(requests);
            // Infinity: until the gateway closes the connection.
            await client.whenResponded(Infinity);
          }
        }),
      );
    },
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
    name: 'opens connections and sends half a request on each, at MAX_CONNECTIONS=800',
    environment: { MAX_CONNECTIONS: '800' },
    run: async (target) => {
      for (let opened = 0; opened < 2_000 && !target.isOver(); opened++) {
        openHttpClient(target).socket.write('POST /graphql HTTP/1.1\r\nhost: localhost\r\n');
        // A pause for each 80: more would wait for the listener's backlog.
        if (opened % 80 === 79) await sleep(10);
      }
      await target.over;
    },
    newConnections: true,
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

// Attacks by clients that do not read.
const unread: readonly Attack[] = [
  {
    name: 'reads no event of 300 subscriptions to 1,000 VPNs',
    environment: { ...smallHeap, WATCH_POLL_MS: '500' },
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
    environment: { ...smallHeap, WATCH_POLL_MS: '500' },
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
    environment: smallHeap,
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

// Attacks on the REST API, and on other clients by its failures.
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
    name: 'follows 900 VPNs of a list of 5,000, and the list',
    environment: { ...smallHeap, WATCH_POLL_MS: '1000' },
    run: async (target) => {
      const webSocket = await openWebSocket(target);
      const environment = inEnvironment('rows-5000-changing');
      subscribe(webSocket, 'list', { query: `subscription { siteToSiteVpnsUpdated(${environment}) { totalCount } }` });
      for (const index of range(900)) {
        const query = `subscription { siteToSiteVpnUpdated(${environment}, id: "${numberedId('vpn', 4_999 - index)}") { state } }`;
        subscribe(webSocket, `s${index}`, { query });
      }
      await target.over;
    },
    maxRestCalls: (seconds) => 900 + 2 * (seconds + 1),
  },
  {
    name: 'follows a list of 5,000 VPNs with 900 filters by VPC',
    environment: { ...smallHeap, WATCH_POLL_MS: '1000' },
    run: async (target) => {
      const webSocket = await openWebSocket(target);
      for (const index of range(900)) {
        const filter = `filter: { vpcId: "${numberedId('vpc', index)}" }`;
        const list = `siteToSiteVpnsUpdated(${inEnvironment('rows-5000-changing')}, ${filter})`;
        subscribe(webSocket, `s${index}`, { query: `subscription { ${list} { totalCount } }` });
      }
      await target.over;
    },
    maxRestCalls: (seconds) => 2 * (seconds + 1),
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
        for (let index = loop; !target.isOver(); index += 60) {
          const { socket } = openHttpClient(target);
          socket.write(toRequest(index, attackerKey));
          // Before the response of the REST API, but late enough for a call on a machine that is busy.
          await sleep(20 + (index % 100));
          socket.destroy();
        }
      };
      await Promise.all(range(60).map(abortInLoop));
    },
  },
  ...[
    { what: 'keys', toName: () => 'test_area', toKey: (index: number) => `${attackerKey}-${index}`.padEnd(2_000, 'x') },
    { what: 'environment names', toName: () => 'x'.repeat(2_000), toKey: () => attackerKey },
  ].map(({ what, toName, toKey }): Attack => ({
    name: `sends ${what} of 2 KB, to which the REST API does not respond`,
    environment: smallHeap,
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

/** The attacks by connections. */
export const connectionAttacks: readonly Attack[] = [...connections, ...unread, ...restCalls];

async function whenWritable(socket: { readonly writableNeedDrain: boolean; readonly destroyed: boolean }) {
  while (socket.writableNeedDrain && !socket.destroyed) await sleep(5);
}
