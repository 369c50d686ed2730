// The shutdown of the built gateway: what it still responds to, what it rejects, and that no client can prevent the exit.
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { addCleanup } from '../../helpers/cleanup.js';
import { keyHeader, numberedVpn, range } from '../../helpers/fixtures.js';
import { launch, launchGateway, type ListeningProcess } from '../../helpers/process.js';
import { expireTimers, holdClock } from '../../helpers/process-clock.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { json, startUpstream, type Upstream } from '../../helpers/upstream.js';
import { sendRequest, post, type HttpResponse } from '../../helpers/http.js';
import { openAcknowledgedSocket } from '../../server/subscriptions/subscribers.js';

const taskId = 'cd7a2da8-6739-4bf6-9e71-518831525ea0';
const vpnId = 'ca86b14f-20db-463d-b58a-9d3fa5959af2';
const environment = 'environment: { serviceCode: "compute-on", name: "test_area" }';
const list = { query: `{ siteToSiteVpns(${environment}) { totalCount } }` };
const deletion = {
  query: `mutation { deleteSiteToSiteVpn(input: { ${environment}, id: "${vpnId}" }) { task { id status } userErrors { code } } }`,
};
const deletionWithWait = { query: deletion.query.replace('id:', 'waitSeconds: 60, id:') };
const key = keyHeader('key');
const cleanExit = { code: 0, signal: null };

/** The steps of a shutdown that time starts, in milliseconds from the signal. The drain delay is the maximum of DRAIN_DELAY_MS. */
const timedSteps = {
  endDrainDelay: 5_000,
  abortCalls: 8_000,
  closeConnections: 9_000,
  abandonFlush: 9_500,
  exit: 9_700,
};

/**
 * Launches a gateway in which none of the timed steps starts by itself: an exit shows that the gateway waited for none of them. Those in
 * `startable` start on `startTimedSteps`.
 */
function launchWithoutClock(
  environment: NodeJS.ProcessEnv = {},
  startable: readonly (keyof typeof timedSteps)[] = [],
): Promise<ListeningProcess> {
  const expirable = startable.map((name) => timedSteps[name]);
  // Holds the limit for the last spans too, which is 3 s.
  return launchGateway({ NODE_OPTIONS: holdClock({ from: 3_000, expirable }), ...environment });
}

/** Starts the startable steps of a gateway that shuts down. */
async function startTimedSteps(gateway: ListeningProcess): Promise<void> {
  await waitUntilUnready(gateway);
  expireTimers(gateway);
}

/** Launches a gateway as `launchWithoutClock` does, on an upstream that holds its responses until `release`. */
async function launchOnHeldUpstream(
  startable: readonly (keyof typeof timedSteps)[] = [],
): Promise<{ gateway: ListeningProcess; upstream: Upstream; release: () => void }> {
  const heldResponses: ServerResponse[] = [];
  const upstream = await startUpstream(() => (response) => heldResponses.push(response));
  const gateway = await launchWithoutClock({ CLOUDCA_API_URL: upstream.url, TASK_POLL_MS: '20' }, startable);
  const release = () => {
    for (const response of heldResponses.splice(0)) json(200, { data: [] })(response);
  };
  return { gateway, upstream, release };
}

/** Waits until the gateway is not ready. */
function waitUntilUnready({ opsUrl }: ListeningProcess): Promise<void> {
  return waitUntil(async () => (await sendRequest(`${opsUrl}/readyz`)).status === 503);
}

/** Launches a gateway that never sheds load. */
function launchUnlimited(environment: NodeJS.ProcessEnv = {}): Promise<ListeningProcess> {
  const limits = { RATE_LIMIT_PER_MINUTE: '0', MAX_IN_FLIGHT_PER_KEY: '0', MAX_IN_FLIGHT: '0' };
  return launchWithoutClock({ ...limits, ...environment });
}

/** Sends requests that each cause a long log line, and waits for the responses. */
async function flood(gateway: ListeningProcess, requests: number): Promise<void> {
  const query = encodeURIComponent(`query ${'a'.repeat(100)} { __typename }`);
  const headers = {
    host: 'a',
    'mc-api-key': 'a',
    'x-request-id': 'b'.repeat(128),
    'graphql-client-name': 'b'.repeat(100),
    'graphql-client-version': 'b'.repeat(100),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `GET /graphql?query=${query} HTTP/1.1\r\n${lines.join('')}`;
  // The gateway closes a connection with 16 pending requests.
  const maxBatch = 15;
  for (let sent = 0; sent < requests; sent += maxBatch) {
    const client = await connectTo(gateway);
    let tail = '';
    client.on('data', (chunk) => (tail = `${tail}${String(chunk)}`.slice(-100)));
    const others = `${head}\r\n`.repeat(Math.min(maxBatch, requests - sent) - 1);
    client.write(`${others}${head}connection: close\r\n\r\n`);
    await once(client, 'close');
    expect(tail).toMatch(/\{"__typename":"Query"\}\}\n?$/);
  }
}

/** Opens a TCP connection to a gateway. */
async function connectTo({ url }: ListeningProcess): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  // The gateway may reset the connection.
  socket.on('error', () => undefined);
  addCleanup(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

describe('Shutdown', () => {
  it.concurrent.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s ends an idle gateway with 0, despite idle connections',
    async (signal) => {
      const gateway = await launchWithoutClock();
      const sockets = [await connectTo(gateway), await connectTo(gateway)];
      const [used] = sockets;
      used?.write('GET /graphql?query={__typename} HTTP/1.1\r\nhost: a\r\nmc-api-key: a\r\n\r\n');
      await Promise.all([used && once(used, 'data'), post(gateway.url, list), sendRequest(`${gateway.opsUrl}/livez`)]);
      const closed = Promise.all(sockets.map((socket) => once(socket, 'close')));
      gateway.signal(signal);

      expect(await gateway.exit).toEqual(cleanExit);
      await closed;
      expect(gateway.stderr()).toBe('');
    },
  );

  it.concurrent('lets a read in flight finish', async () => {
    const { gateway, upstream, release } = await launchOnHeldUpstream();
    const reading = post(gateway.url, list, key);
    await waitUntil(() => upstream.calls.length === 1);
    gateway.signal('SIGINT');
    await waitUntilUnready(gateway);
    release();

    const response = await reading;
    expect(response).toMatchObject({ status: 200, json: { data: { siteToSiteVpns: { totalCount: 0 } } } });
    expect(response.headers.get('connection')).toBe('close');
    expect(await gateway.exit).toEqual(cleanExit);
  });

  it.concurrent('accepts new work for DRAIN_DELAY_MS, with `connection: close` in its responses', async () => {
    const upstream = await startUpstream();
    const gateway = await launchWithoutClock(
      { CLOUDCA_API_URL: upstream.url, DRAIN_DELAY_MS: String(timedSteps.endDrainDelay) },
      ['endDrainDelay'],
    );
    const old = await connectTo(gateway);
    const subscriber = await openAcknowledgedSocket(gateway.url, 'key');
    subscriber.send({
      id: '1',
      type: 'subscribe',
      payload: { query: `subscription { siteToSiteVpnsUpdated(${environment}) { totalCount } }` },
    });
    await subscriber.waitForMessages(2);
    gateway.signal('SIGTERM');
    await waitUntilUnready(gateway);

    let received = '';
    const closed = once(old, 'close');
    old.on('data', (chunk) => (received += String(chunk)));
    old.write('GET /graphql?query={__typename} HTTP/1.1\r\nhost: a\r\nmc-api-key: a\r\n\r\n');
    const response = await post(gateway.url, list, key);
    await closed;

    expect(response).toMatchObject({ status: 200, json: { data: { siteToSiteVpns: { totalCount: 0 } } } });
    expect(response.headers.get('connection')).toBe('close');
    expect(received).toMatch(/^HTTP\/1\.1 200 [^]*\r\nconnection: close\r\n/i);
    expect(subscriber.closed).toBeUndefined();
    await startTimedSteps(gateway);
    expect(await gateway.exit).toEqual(cleanExit);
    await subscriber.waitForClose();
    expect(subscriber.closed).toMatchObject({ code: 1001 });
  });

  it.concurrent('rejects new requests with 503, keeps /livez at 200, and sets /readyz to 503', async () => {
    const { gateway, upstream, release } = await launchOnHeldUpstream();
    const old = await connectTo(gateway);
    const reading = post(gateway.url, list, key);
    await waitUntil(() => upstream.calls.length === 1);
    gateway.signal('SIGTERM');
    await waitUntilUnready(gateway);

    let received = '';
    const closed = once(old, 'close');
    old.on('data', (chunk) => (received += String(chunk)));
    old.write('GET /graphql?query={__typename} HTTP/1.1\r\nhost: a\r\nmc-api-key: a\r\n\r\n');
    const rejected = await post(gateway.url, list, key);
    await closed;

    expect(rejected).toMatchObject({ status: 503, json: { errors: [{ extensions: { code: 'OVERLOADED' } }] } });
    expect(rejected.headers.get('retry-after')).toBe('1');
    expect(rejected.headers.get('connection')).toBe('close');
    expect(received).toMatch(/^HTTP\/1\.1 503 /);
    expect(received).toMatch(/\r\nretry-after: 1\r\n/i);
    expect(upstream.calls).toHaveLength(1);
    expect(await sendRequest(`${gateway.opsUrl}/livez`)).toMatchObject({ status: 200 });
    expect(await sendRequest(`${gateway.opsUrl}/readyz`)).toMatchObject({ status: 503 });
    expect(await sendRequest(`${gateway.opsUrl}/metrics`)).toMatchObject({ status: 200 });
    release();
    await reading;
    expect(await gateway.exit).toEqual(cleanExit);
  });

  it.concurrent('does not wait for incomplete requests', async () => {
    const gateway = await launchWithoutClock();
    const headers = await connectTo(gateway);
    headers.write('POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-ty');
    const body = await connectTo(gateway);
    body.write(
      'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"query"',
    );
    // A response to a later request shows that Node has read both.
    await post(gateway.url, list);
    const closed = Promise.all([once(headers, 'close'), once(body, 'close')]);
    gateway.signal('SIGTERM');

    expect(await gateway.exit).toEqual(cleanExit);
    await closed;
  });

  it.concurrent('ends a wait for a task at once, with the current state of the task', async () => {
    const pending = { taskId, taskStatus: 'PENDING' };
    const upstream = await startUpstream(() => pending);
    const gateway = await launchWithoutClock({ CLOUDCA_API_URL: upstream.url, TASK_POLL_MS: '20' });
    const waiting = post(gateway.url, deletionWithWait, key);
    await waitUntil(() => upstream.calls.some(({ url }) => url.includes('/tasks/')));
    gateway.signal('SIGTERM');

    expect(await waiting).toMatchObject({
      status: 200,
      json: { data: { deleteSiteToSiteVpn: { task: { id: taskId, status: 'PENDING' }, userErrors: [] } } },
    });
    expect(await gateway.exit).toEqual(cleanExit);
  });

  it.concurrent('ends a wait for a task although a poll gets no response', async () => {
    const upstream = await startUpstream(({ method }) =>
      method === 'DELETE' ? { taskId, taskStatus: 'PENDING' } : () => undefined,
    );
    const gateway = await launchWithoutClock({ CLOUDCA_API_URL: upstream.url, TASK_POLL_MS: '20' });
    const waiting = post(gateway.url, deletionWithWait, key);
    await waitUntil(() => upstream.calls.length === 2);
    gateway.signal('SIGTERM');

    expect(await waiting).toMatchObject({
      json: { data: { deleteSiteToSiteVpn: { task: { id: taskId, status: 'PENDING' } } } },
    });
    expect(await gateway.exit).toEqual(cleanExit);
  });

  it.concurrent(
    'cancels REST calls without response: reads are unavailable, the outcome of writes is unknown',
    async () => {
      const { gateway, upstream } = await launchOnHeldUpstream(['abortCalls']);
      const reading = post(gateway.url, list, key);
      const writing = post(gateway.url, deletion, key);
      await waitUntil(() => upstream.calls.length === 2);
      gateway.signal('SIGTERM');
      await startTimedSteps(gateway);

      const shuttingDown = 'The gateway is shutting down. Try again.';
      const [read, write] = await Promise.all([reading, writing]);
      const getRequestId = (response: HttpResponse) => response.headers.get('x-request-id');
      expect({ status: read.status, body: read.json }).toEqual({
        status: 200,
        body: {
          data: { siteToSiteVpns: null },
          errors: [
            {
              message: shuttingDown,
              path: ['siteToSiteVpns'],
              locations: expect.any(Array),
              extensions: { code: 'UPSTREAM_UNAVAILABLE', requestId: getRequestId(read) },
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
              message: expect.stringMatching(/ The request may have succeeded all the same\. Before you retry, .+\.$/),
              path: ['deleteSiteToSiteVpn'],
              locations: expect.any(Array),
              extensions: { code: 'UPSTREAM_UNAVAILABLE', outcomeUnknown: true, requestId: getRequestId(write) },
            },
          ],
        },
      });
      expect(upstream.calls).toHaveLength(2);
      expect(await gateway.exit).toEqual(cleanExit);
    },
  );

  it.concurrent('exits although a client reads no response and the receiver of traces does not respond', async () => {
    const environments = Array.from({ length: 8_000 }, (_, index) => ({
      id: `${vpnId.slice(0, -4)}${index + 1_000}`,
      name: 'x'.repeat(1_000),
    }));
    const upstream = await startUpstream(() => ({ data: environments }));
    const traces = await startUpstream(() => () => undefined);
    const gateway = await launchWithoutClock(
      {
        CLOUDCA_API_URL: upstream.url,
        OTEL_EXPORTER_OTLP_ENDPOINT: traces.url,
        // The exporter itself would give up after 10 s.
        OTEL_EXPORTER_OTLP_TIMEOUT: '600000',
      },
      ['closeConnections', 'abandonFlush'],
    );
    const client = await connectTo(gateway);
    client.pause();
    const query = encodeURIComponent('{ environments { a: name } }');
    client.write(`GET /graphql?query=${query} HTTP/1.1\r\nhost: a\r\nmc-api-key: a\r\n\r\n`);
    await gateway.waitForLog('operation');
    gateway.signal('SIGTERM');
    await startTimedSteps(gateway);

    expect(await gateway.exit).toEqual(cleanExit);
  });

  it.concurrent('exits with 1 at the last limit if a step of the shutdown never ends', async () => {
    const { gateway, upstream } = await launchOnHeldUpstream(['exit']);
    const reading = post(gateway.url, list, key).catch(() => 'no response');
    await waitUntil(() => upstream.calls.length === 1);
    gateway.signal('SIGTERM');
    await startTimedSteps(gateway);

    expect(await reading).toBe('no response');
    expect(await gateway.exit).toEqual({ code: 1, signal: null });
  });

  it.concurrent('exits although no process reads the log', async () => {
    const gateway = await launchUnlimited();
    gateway.pauseStdout();
    await flood(gateway, 1_000);
    gateway.signal('SIGTERM');

    expect(await gateway.exit).toEqual(cleanExit);
  });

  it.concurrent('exits with 0 during the start', async () => {
    // The signal arrives when the gateway starts its second listener.
    const script = `
      import { Server } from 'node:net';
      const { listen } = Server.prototype;
      let listeners = 0;
      Server.prototype.listen = function (...args) {
        if (++listeners === 2) process.emit('SIGTERM');
        return listen.apply(this, args);
      };`;
    const gateway = launch({ NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(script)}` });

    expect(await gateway.exit).toEqual(cleanExit);
    expect(gateway.lines().map(({ msg }) => msg)).toEqual(['sandbox listening']);
    expect(gateway.stderr()).toBe('');
  });

  it.concurrent('exits with 1 at once on a second signal, without a response to work in flight', async () => {
    const { gateway, upstream } = await launchOnHeldUpstream();
    const reading = post(gateway.url, list, key).catch(() => 'no response');
    await waitUntil(() => upstream.calls.length === 1);
    gateway.signal('SIGTERM');
    await waitUntilUnready(gateway);
    // The gateway ignores a duplicate signal within 100 ms, so this sends more until it exits.
    await waitUntil(() => {
      gateway.signal('SIGTERM');
      return gateway.hasExited();
    });

    expect(await reading).toBe('no response');
    expect(await gateway.exit).toEqual({ code: 1, signal: null });
  });

  it.concurrent('does not wait for the request of a client that has disconnected', async () => {
    const { gateway, upstream } = await launchOnHeldUpstream();
    const disconnect = new AbortController();
    const reading = post(gateway.url, list, key, disconnect.signal).catch(() => undefined);
    await waitUntil(() => upstream.calls.length === 1);
    disconnect.abort();
    await reading;
    gateway.signal('SIGTERM');

    expect(await gateway.exit).toEqual(cleanExit);
  });

  it.concurrent('does not wait for pipelined requests of a client that has disconnected', async () => {
    const { gateway, upstream } = await launchOnHeldUpstream();
    const client = await connectTo(gateway);
    const query = encodeURIComponent('{ environments { id } }');
    for (const key of ['a', 'b', 'c'])
      client.write(`GET /graphql?query=${query} HTTP/1.1\r\nhost: a\r\nmc-api-key: ${key}\r\n\r\n`);
    await waitUntil(() => upstream.calls.length === 1);
    client.destroy();
    // The gateway logs an operation when it has noticed the disconnect. The other requests have not begun.
    await waitUntil(() => gateway.lines().filter(({ msg }) => msg === 'operation').length === 1);
    gateway.signal('SIGTERM');

    expect(await gateway.exit).toEqual(cleanExit);
  });
});

describe('A log without reader', () => {
  it('buffers 1 MiB of lines, and then reports how many more it dropped', async () => {
    const gateway = await launchUnlimited();
    const resume = gateway.pauseStdout();
    const requests = 4_000;
    await flood(gateway, requests);
    resume();
    await waitUntil(() => gateway.lines().length > 1_000);
    await flood(gateway, 1);
    await gateway.waitForLog('log lines dropped: stdout is not read');

    const lost = Number(
      gateway.lines().find(({ msg }) => msg === 'log lines dropped: stdout is not read')?.['dropped'],
    );
    await waitUntil(() => gateway.lines().filter(({ msg }) => msg === 'operation').length === requests + 1 - lost);
  });

  describe('in the audit log', () => {
    // The audit line of a query that reads 1,000 pre-shared keys has 40 KB.
    const vpns = { data: range(1_000).map((index) => numberedVpn(index, 1)) };
    const readSecrets = { query: `{ siteToSiteVpns(${environment}) { nodes { ipSecPsk } } }` };
    const launchAudited = async () => {
      const upstream = await startUpstream(() => vpns);
      const gateway = await launchUnlimited({ CLOUDCA_API_URL: upstream.url });
      const countDropped = async (kind: string) => {
        const { text } = await sendRequest(`${gateway.opsUrl}/metrics`);
        return Number(new RegExp(`^gateway_${kind}_lines_dropped_total (\\d+)$`, 'm').exec(text)?.[1]);
      };
      const read = async (count: number) => {
        for (let index = 0; index < count; index++) await post(gateway.url, readSecrets, key);
      };
      const countAuditLines = () => gateway.lines().filter(({ msg }) => msg === 'audit').length;
      return { gateway, read, countDropped, countAuditLines };
    };

    it('loses no audit line with ordinary lines, and counts and reports those beyond its reserve', async () => {
      const { gateway, read, countDropped, countAuditLines } = await launchAudited();
      const resume = gateway.pauseStdout();
      await flood(gateway, 4_000);
      await read(20);
      expect(await countDropped('log')).toBeGreaterThan(20);
      expect(await countDropped('audit')).toBe(0);

      await read(120);
      const dropped = await countDropped('audit');
      expect(dropped).toBeGreaterThan(0);
      resume();
      await waitUntil(() => countAuditLines() === 140 - dropped);
      await read(1);
      await gateway.waitForLog('log lines dropped: stdout is not read');
      expect(gateway.lines().find(({ droppedAudit }) => droppedAudit !== undefined)).toMatchObject({
        droppedAudit: dropped,
      });
    });

    it('reports on stderr how many audit lines it could not write before the exit', async () => {
      const { gateway, read, countAuditLines } = await launchAudited();
      gateway.pauseStdout();
      await read(30);
      gateway.signal('SIGTERM');

      expect(await gateway.exit).toEqual(cleanExit);
      const lost = Number(/^(\d+) audit lines are lost: stdout is not read\.$/m.exec(gateway.stderr())?.[1]);
      expect(lost).toBeGreaterThan(0);
      expect(lost + countAuditLines()).toBeGreaterThanOrEqual(30);
    });
  });
});
