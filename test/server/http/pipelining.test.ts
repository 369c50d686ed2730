// Pipelined requests: the gateway serves those of one connection one at a time, in order, and does not read ahead without a limit.
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { addCleanup } from '../../helpers/cleanup.js';
import { startGateway, type TestGateway } from '../../helpers/gateway.js';
import { startUpstream } from '../../helpers/upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';

const toRequest = (index: number, query = '{ environments { id } }') =>
  [
    `GET /graphql?query=${encodeURIComponent(query)} HTTP/1.1`,
    'host: a',
    // Its own key, since reads of one key are coalesced.
    `mc-api-key: key-${index}`,
    `x-request-id: ${index}`,
    '',
    '',
  ].join('\r\n');

/** Starts a gateway on a REST API that holds its responses, and connects to it. */
async function start() {
  const held: ServerResponse[] = [];
  const upstream = await startUpstream(() => (response) => held.push(response));
  const gateway = await startGateway({ restApi: upstream.url });
  const connections: Socket[] = [];
  gateway.app.server.on('connection', (connection) => connections.push(connection));
  const { hostname, port } = new URL(gateway.url);
  const client = connect(Number(port), hostname);
  addCleanup(() => client.destroy());
  client.on('error', () => undefined);
  let received = '';
  client.on('data', (chunk) => (received += String(chunk)));
  await waitUntil(() => connections.length === 1);
  const [connection] = connections;
  if (connection === undefined) throw new TypeError('The gateway has accepted no connection.');
  return {
    gateway,
    upstream,
    client,
    connection,
    /** Returns the responses so far. */
    received: () => received,
    /** Returns the request ids of the responses so far. */
    receivedIds: () => [...received.matchAll(/x-request-id: (\d+)/g)].map(([, id]) => Number(id)),
    /** Sends the REST response to a call. */
    release: (index: number) => held[index]?.end('{"data":[]}'),
  };
}

/** Counts the requests that Node parses from now on. */
function countRequests({ app }: TestGateway) {
  const requests = { parsed: 0 };
  const count = () => requests.parsed++;
  app.server.on('request', count).on('checkExpectation', count);
  return requests;
}

describe('Pipelined requests', () => {
  it('are served one at a time, in order', async () => {
    const { gateway, upstream, client, receivedIds, release } = await start();
    client.write([0, 1, 2].map((index) => toRequest(index)).join(''));
    for (let index = 0; index < 3; index++) {
      await waitUntil(() => upstream.calls.length > index);
      // A request on another connection is served meanwhile, and so would the next one be.
      await gateway.run('{ __typename }');
      expect(upstream.calls).toHaveLength(index + 1);
      release(index);
      await waitUntil(() => receivedIds().length === index + 1);
    }

    expect(upstream.calls.map(({ headers }) => headers['mc-api-key'])).toEqual(['key-0', 'key-1', 'key-2']);
    expect(receivedIds()).toEqual([0, 1, 2]);
  });

  it('are not read while many wait, and are all served after that', async () => {
    const { upstream, client, connection, receivedIds, release } = await start();
    client.write(toRequest(0));
    await waitUntil(() => upstream.calls.length === 1);
    const count = 300;
    // So large that one read has at most the number of requests that may wait.
    const padding = `#${'x'.repeat(10_000)}`;
    const rest = Array.from({ length: count - 1 }, (_, index) => toRequest(index + 1, `{ __typename } ${padding}`));
    client.write(rest.join(''));
    await waitUntil(() => connection.isPaused());
    expect(connection.bytesRead).toBeLessThan(200_000);
    release(0);
    await waitUntil(() => receivedIds().length === count);

    expect(receivedIds()).toEqual(Array.from({ length: count }, (_, index) => index));
  });

  it.each([300, 30_000])('close their connection after 16 responses if %i of them come at once', async (count) => {
    const { gateway, client, received } = await start();
    const requests = countRequests(gateway);
    client.write('GET / HTTP/1.1\r\n\r\n'.repeat(count));
    await waitUntil(() => client.closed);

    expect(requests).toEqual({ parsed: 16 });
    const closes = received()
      .split(/(?=HTTP\/1\.1 400 )/)
      .map((response) => /^connection: close/im.test(response));
    expect(closes).toEqual([...Array<boolean>(15).fill(false), true]);
    expect((await gateway.run('{ __typename }')).body).toEqual({ data: { __typename: 'Query' } });
  });

  it('are not parsed after a response that closes the connection', async () => {
    const { gateway, client, received } = await start();
    const requests = countRequests(gateway);
    client.write('GET / HTTP/1.1\r\nexpect: a\r\n\r\n'.repeat(300));
    await waitUntil(() => client.closed);

    expect(requests.parsed).toBe(1);
    expect(received()).toMatch(/^HTTP\/1.1 417 [^]*connection: close/i);
  });

  it('are cancelled, and the waiting ones never start, if the client disconnects', async () => {
    const { gateway, upstream, client, connection } = await start();
    client.write([0, 1, 2].map((index) => toRequest(index)).join(''));
    await waitUntil(() => upstream.calls.length === 1);
    client.destroy();
    await waitUntil(() => connection.closed && gateway.lifecycle.activeRequests === 0);
    await gateway.run('{ __typename }');

    expect(upstream.calls).toHaveLength(1);
    expect(gateway.logs.filter(({ msg }) => msg === 'operation')).toHaveLength(2);
  });
});
