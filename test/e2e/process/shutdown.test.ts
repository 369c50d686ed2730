// The built program as it ends: what it still answers and what no more, and that nobody can keep it from ending.
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { atEnd } from '../../helpers/at-end.js';
import { launch, launchGateway, type ListeningProcess } from '../../helpers/process.js';
import { until } from '../../helpers/until.js';
import { json, startUpstream, type Upstream } from '../../helpers/upstream.js';
import { ask, post, type WireAnswer } from '../../helpers/wire.js';
import { openAcknowledged } from '../../server/subscriptions/subscribers.js';

const taskId = 'cd7a2da8-6739-4bf6-9e71-518831525ea0';
const vpnId = 'ca86b14f-20db-463d-b58a-9d3fa5959af2';
const environment = 'environment: { serviceCode: "compute-on", name: "test_area" }';
const list = { query: `{ siteToSiteVpns(${environment}) { totalCount } }` };
const remove = {
  query: `mutation { deleteSiteToSiteVpn(input: { ${environment}, id: "${vpnId}" }) { task { id status } userErrors { code } } }`,
};
const removeAndWait = { query: remove.query.replace('id:', 'waitSeconds: 60, id:') };
const key = { 'mc-api-key': 'key' };
const ended = { code: 0, signal: null };

/** A gateway on an upstream whose lists and deletions are held until they are released. */
async function launchHeld(): Promise<{ gateway: ListeningProcess; upstream: Upstream; release: () => void }> {
  const held: ServerResponse[] = [];
  const upstream = await startUpstream(() => (response) => held.push(response));
  // Far beyond what a process has left to end in.
  const gateway = await launchGateway({
    CLOUDCA_API_URL: upstream.url,
    CLOUDCA_API_TIMEOUT_MS: '60000',
    TASK_POLL_MS: '20',
  });
  const release = () => {
    for (const response of held.splice(0)) json(200, { data: [] })(response);
  };
  return { gateway, upstream, release };
}

/** How a gateway ends that has nothing to wait for: long before its fuses, of which the first is at 8 s. A guard, and no measure. */
async function endsSoon(gateway: ListeningProcess): Promise<unknown> {
  const late = new AbortController();
  const fuse = sleep(7_000, 'It waits for its fuses.', { signal: late.signal }).catch(() => undefined);
  const exit = await Promise.race([gateway.exit, fuse]);
  late.abort();
  return exit;
}

/** Resolves once the gateway says that it is to end. */
async function drains({ opsUrl }: ListeningProcess): Promise<void> {
  while ((await ask(`${opsUrl}/readyz`)).status !== 503);
}

/** A gateway that takes whatever comes. */
function launchUnlimited(): Promise<ListeningProcess> {
  return launchGateway({ RATE_LIMIT_PER_MINUTE: '0', MAX_IN_FLIGHT_PER_KEY: '0', MAX_IN_FLIGHT: '0' });
}

/** Sends requests of which each is a long line in the log, and waits for the answers. */
async function flood(gateway: ListeningProcess, requests: number): Promise<void> {
  const caller = await connectTo(gateway);
  const query = encodeURIComponent(`query ${'a'.repeat(100)} { __typename }`);
  const head = `GET /graphql?query=${query} HTTP/1.1\r\nhost: a\r\nmc-api-key: a\r\nx-request-id: ${'a'.repeat(128)}\r\n`;
  let tail = '';
  caller.on('data', (chunk) => (tail = `${tail}${String(chunk)}`.slice(-100)));
  caller.write(`${`${head}\r\n`.repeat(requests - 1)}${head}connection: close\r\n\r\n`);
  await once(caller, 'close');
  expect(tail).toMatch(/\{"__typename":"Query"\}\}\n?$/);
}

/** Connects to a gateway. */
async function connectTo({ url }: ListeningProcess): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  // How a connection ends is the gateway's to say.
  socket.on('error', () => undefined);
  atEnd(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('ends a gateway with 0 that has nothing to do, however many idle connections it holds', async () => {
    const gateway = await launchGateway();
    const sockets = [await connectTo(gateway), await connectTo(gateway)];
    const [used] = sockets;
    used?.write('GET /graphql?query={__typename} HTTP/1.1\r\nhost: a\r\nmc-api-key: a\r\n\r\n');
    await Promise.all([used && once(used, 'data'), post(gateway.url, list), ask(`${gateway.opsUrl}/livez`)]);
    const closed = Promise.all(sockets.map((socket) => once(socket, 'close')));
    gateway.signal(signal);

    expect(await endsSoon(gateway)).toEqual(ended);
    await closed;
    expect(gateway.stderr()).toBe('');
  });

  it('lets a read that runs finish', async () => {
    const { gateway, upstream, release } = await launchHeld();
    const reading = post(gateway.url, list, key);
    await until(() => upstream.calls.length === 1);
    gateway.signal(signal);
    await drains(gateway);
    release();

    const answer = await reading;
    expect(answer).toMatchObject({ status: 200, json: { data: { siteToSiteVpns: { totalCount: 0 } } } });
    expect(answer.headers.get('connection')).toBe('close');
    expect(await endsSoon(gateway)).toEqual(ended);
  });
});

describe('A gateway that is to end', () => {
  it('is alive, and not ready', async () => {
    const { gateway, upstream, release } = await launchHeld();
    const reading = post(gateway.url, list, key);
    await until(() => upstream.calls.length === 1);
    gateway.signal('SIGTERM');
    await drains(gateway);

    expect(await ask(`${gateway.opsUrl}/livez`)).toMatchObject({ status: 200 });
    expect(await ask(`${gateway.opsUrl}/readyz`)).toMatchObject({ status: 503 });
    expect(await ask(`${gateway.opsUrl}/metrics`)).toMatchObject({ status: 200 });
    release();
    await reading;
    expect(await endsSoon(gateway)).toEqual(ended);
  });

  it('still takes what load balancers send before they have noticed, for DRAIN_DELAY_MS, and ends connections by that', async () => {
    const upstream = await startUpstream();
    const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url, DRAIN_DELAY_MS: '3000' });
    const old = await connectTo(gateway);
    const following = await openAcknowledged(gateway.url, 'key');
    following.send({
      id: '1',
      type: 'subscribe',
      payload: { query: `subscription { siteToSiteVpnsUpdated(${environment}) { totalCount } }` },
    });
    await following.has(2);
    gateway.signal('SIGTERM');
    await drains(gateway);

    let received = '';
    const closed = once(old, 'close');
    old.on('data', (chunk) => (received += String(chunk)));
    old.write('GET /graphql?query={__typename} HTTP/1.1\r\nhost: a\r\nmc-api-key: a\r\n\r\n');
    const answer = await post(gateway.url, list, key);
    await closed;

    expect(answer).toMatchObject({ status: 200, json: { data: { siteToSiteVpns: { totalCount: 0 } } } });
    expect(answer.headers.get('connection')).toBe('close');
    expect(received).toMatch(/^HTTP\/1\.1 200 [^]*\r\nconnection: close\r\n/i);
    expect(following.closed).toBeUndefined();
    expect(await gateway.exit).toEqual(ended);
    expect(following.closed).toMatchObject({ code: 1001 });
  });

  it('takes no new request, on a new connection or an old one', async () => {
    const { gateway, upstream, release } = await launchHeld();
    const old = await connectTo(gateway);
    const reading = post(gateway.url, list, key);
    await until(() => upstream.calls.length === 1);
    gateway.signal('SIGTERM');
    await drains(gateway);

    let received = '';
    const closed = once(old, 'close');
    old.on('data', (chunk) => (received += String(chunk)));
    old.write('GET /graphql?query={__typename} HTTP/1.1\r\nhost: a\r\nmc-api-key: a\r\n\r\n');
    const refused = await post(gateway.url, list, key);
    await closed;

    expect(refused).toMatchObject({ status: 503, json: { errors: [{ extensions: { code: 'OVERLOADED' } }] } });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.headers.get('connection')).toBe('close');
    expect(received).toMatch(/^HTTP\/1\.1 503 /);
    expect(received).toMatch(/\r\nretry-after: 1\r\n/i);
    expect(upstream.calls).toHaveLength(1);
    release();
    await reading;
    expect(await endsSoon(gateway)).toEqual(ended);
  });

  it('is not held up by half a request', async () => {
    const gateway = await launchGateway();
    const headers = await connectTo(gateway);
    headers.write('POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-ty');
    const body = await connectTo(gateway);
    body.write(
      'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"query"',
    );
    // Node has read both once it answers what came after them.
    await post(gateway.url, list);
    const closed = Promise.all([once(headers, 'close'), once(body, 'close')]);
    gateway.signal('SIGTERM');

    expect(await endsSoon(gateway)).toEqual(ended);
    await closed;
  });

  it('answers at once who waits for a task, with the task as it is', async () => {
    const pending = { taskId, taskStatus: 'PENDING' };
    const upstream = await startUpstream(() => pending);
    const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url, TASK_POLL_MS: '20' });
    const waiting = post(gateway.url, removeAndWait, key);
    await until(() => upstream.calls.some(({ url }) => url.includes('/tasks/')));
    gateway.signal('SIGTERM');
    const exit = endsSoon(gateway);

    expect(await waiting).toMatchObject({
      status: 200,
      json: { data: { deleteSiteToSiteVpn: { task: { id: taskId, status: 'PENDING' }, userErrors: [] } } },
    });
    expect(await exit).toEqual(ended);
  });

  it('answers so even while the REST API leaves it without word of the task', async () => {
    const upstream = await startUpstream(({ method }) =>
      method === 'DELETE' ? { taskId, taskStatus: 'PENDING' } : () => undefined,
    );
    const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url, TASK_POLL_MS: '20' });
    const waiting = post(gateway.url, removeAndWait, key);
    await until(() => upstream.calls.length === 2);
    gateway.signal('SIGTERM');
    const exit = endsSoon(gateway);

    expect(await waiting).toMatchObject({
      json: { data: { deleteSiteToSiteVpn: { task: { id: taskId, status: 'PENDING' } } } },
    });
    expect(await exit).toEqual(ended);
  });

  it('cuts what the REST API does not answer: reads are unavailable, of writes the outcome is unknown', async () => {
    const { gateway, upstream } = await launchHeld();
    const reading = post(gateway.url, list, key);
    const writing = post(gateway.url, remove, key);
    await until(() => upstream.calls.length === 2);
    gateway.signal('SIGTERM');

    const shuttingDown = 'The gateway is shutting down; ask again.';
    const [read, write] = await Promise.all([reading, writing]);
    const requestIdOf = (answer: WireAnswer) => answer.headers.get('x-request-id');
    expect({ status: read.status, body: read.json }).toEqual({
      status: 200,
      body: {
        data: { siteToSiteVpns: null },
        errors: [
          {
            message: shuttingDown,
            path: ['siteToSiteVpns'],
            locations: expect.any(Array),
            extensions: { code: 'UPSTREAM_UNAVAILABLE', requestId: requestIdOf(read) },
          },
        ],
      },
    });
    expect({ status: write.status, body: write.json }).toEqual({
      status: 200,
      body: {
        data: { deleteSiteToSiteVpn: null },
        errors: [
          {
            message: expect.stringMatching(
              / The request may have been carried out all the same\. Before you try again, .+\.$/,
            ),
            path: ['deleteSiteToSiteVpn'],
            locations: expect.any(Array),
            extensions: { code: 'UPSTREAM_UNAVAILABLE', outcomeUnknown: true, requestId: requestIdOf(write) },
          },
        ],
      },
    });
    expect(upstream.calls).toHaveLength(2);
    expect(await gateway.exit).toEqual(ended);
  });

  it('ends though a caller does not read its answer, and nobody takes its traces', async () => {
    const row = { name: 'x'.repeat(1_000) };
    const names = Array.from({ length: 8_000 }, (_, index) => ({
      id: `${vpnId.slice(0, -4)}${index + 1_000}`,
      ...row,
    }));
    const upstream = await startUpstream(() => ({ data: names }));
    const traces = await startUpstream(() => () => undefined);
    const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url, OTEL_EXPORTER_OTLP_ENDPOINT: traces.url });
    const deaf = await connectTo(gateway);
    deaf.pause();
    const query = encodeURIComponent('{ environments { a: name } }');
    deaf.write(`GET /graphql?query=${query} HTTP/1.1\r\nhost: a\r\nmc-api-key: a\r\n\r\n`);
    await gateway.says('operation');
    gateway.signal('SIGTERM');

    expect(await gateway.exit).toEqual(ended);
  });

  it('ends though nobody reads what it logs', async () => {
    const gateway = await launchUnlimited();
    gateway.stopReading();
    await flood(gateway, 2_000);
    gateway.signal('SIGTERM');

    expect(await gateway.exit).toEqual(ended);
  });

  it('ends also where it has only begun to start', async () => {
    const gateway = launch();
    await gateway.says('sandbox listening');
    gateway.signal('SIGTERM');

    expect(await gateway.exit).toEqual(ended);
    expect(gateway.stderr()).toBe('');
  });

  it('ends at once on a second signal, without an answer to what runs', async () => {
    const { gateway, upstream } = await launchHeld();
    const reading = post(gateway.url, list, key).then(
      () => 'answered',
      () => 'cut',
    );
    await until(() => upstream.calls.length === 1);
    gateway.signal('SIGTERM');
    await drains(gateway);
    // Two that come together may be one, passed on by a parent process as well: one that comes later is a second.
    while (!gateway.hasEnded()) {
      gateway.signal('SIGTERM');
      await sleep(50);
    }

    expect(await reading).toBe('cut');
    expect(await gateway.exit).toEqual({ code: 1, signal: null });
  });
});

describe('A log that nobody reads', () => {
  it('is kept up to a megabyte; beyond that it says how many lines it has lost, once it is read again', async () => {
    const gateway = await launchUnlimited();
    const readAgain = gateway.stopReading();
    const requests = 6_000;
    await flood(gateway, requests);
    readAgain();
    await until(() => gateway.lines().length > 1_000);
    await flood(gateway, 1);
    await gateway.says('lines lost, since nobody read');

    const lost = Number(gateway.lines().find(({ msg }) => msg === 'lines lost, since nobody read')?.['lost']);
    await until(() => gateway.lines().filter(({ msg }) => msg === 'operation').length === requests + 1 - lost);
  });
});

describe('A wait for the end', () => {
  it('does not wait for what callers have left', async () => {
    const { gateway, upstream } = await launchHeld();
    const leaving = new AbortController();
    const reading = fetch(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...key },
      body: JSON.stringify(list),
      signal: leaving.signal,
    }).catch(() => undefined);
    await until(() => upstream.calls.length === 1);
    leaving.abort();
    await reading;
    gateway.signal('SIGTERM');

    expect(await endsSoon(gateway)).toEqual(ended);
  });

  it('does not wait for requests that were sent one behind another by a caller who has left', async () => {
    const { gateway, upstream } = await launchHeld();
    const caller = await connectTo(gateway);
    const query = encodeURIComponent('{ environments { id } }');
    for (const key of ['a', 'b', 'c'])
      caller.write(`GET /graphql?query=${query} HTTP/1.1\r\nhost: a\r\nmc-api-key: ${key}\r\n\r\n`);
    await until(() => upstream.calls.length === 3);
    caller.destroy();
    // Until the gateway has noticed.
    await until(() => gateway.lines().filter(({ msg }) => msg === 'operation').length === 3);
    gateway.signal('SIGTERM');

    expect(await endsSoon(gateway)).toEqual(ended);
  });
});
