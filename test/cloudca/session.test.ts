// Outgoing calls of a session: the API key, the URL, connections, the deadline's timer, and cancellation. envelope.test.ts covers what
// responses mean.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { isPathSegment } from '../../src/cloudca/path-segments.js';
import type { RestSession } from '../../src/cloudca/session.js';
import { type EnvironmentAddress, listEnvironments, listServiceConnections } from '../../src/cloudca/environments.js';
import {
  createSiteToSiteVpn,
  deleteSiteToSiteVpn,
  resetSiteToSiteVpn,
} from '../../src/cloudca/site-to-site-vpn-writes.js';
import { getSiteToSiteVpn, listSiteToSiteVpns } from '../../src/cloudca/site-to-site-vpns.js';
import { getTask } from '../../src/cloudca/tasks.js';
import { getVpc, listVpcs } from '../../src/cloudca/vpcs.js';
import { Turns } from '../../src/turns.js';
import { useFakeClock } from '../helpers/fake-clock.js';
import { json, raw, startUpstream } from '../helpers/upstream.js';
import { waitUntil } from '../helpers/wait-until.js';
import {
  apiKey,
  catchFailure,
  createTestClient,
  neverRespond,
  newVpn,
  receiveBodyChunk,
  requestId,
  testArea,
  vpnId,
  writes,
} from './test-client.js';

const upstream = await startUpstream();
const clock = useFakeClock();
const vpn = { id: vpnId, name: 'n', state: 'Pending', vpcId: 'v', gateway: '192.0.2.1', cidr: '192.0.2.0/24' };
const vpc = { id: 'v', name: 'n' };
const requests = () => upstream.calls.map(({ method, url }) => `${method} ${url}`);

/** Each call in an environment: name, call, method and path, and a valid response. */
const environmentCalls: readonly (readonly [
  string,
  (rest: RestSession, environment: EnvironmentAddress) => Promise<unknown>,
  string,
  object,
])[] = [
  ['listSiteToSiteVpns', (rest, at) => listSiteToSiteVpns(rest, at, null), 'GET …/sitetositevpns', { data: [vpn] }],
  ['getSiteToSiteVpn', (rest, at) => getSiteToSiteVpn(rest, at, 'a b'), 'GET …/sitetositevpns/a%20b', { data: vpn }],
  ['createSiteToSiteVpn', (rest, at) => createSiteToSiteVpn(rest, at, newVpn), 'POST …/sitetositevpns', {}],
  ['deleteSiteToSiteVpn', (rest, at) => deleteSiteToSiteVpn(rest, at, 'a b'), 'DELETE …/sitetositevpns/a%20b', {}],
  [
    'resetSiteToSiteVpn',
    (rest, at) => resetSiteToSiteVpn(rest, at, 'a b'),
    'POST …/sitetositevpns/a%20b?operation=reset',
    {},
  ],
  ['listVpcs', (rest, at) => listVpcs(rest, at), 'GET …/vpcs', { data: [vpc] }],
  ['getVpc', (rest, at) => getVpc(rest, at, 'a b'), 'GET …/vpcs/a%20b', { data: vpc }],
];

/** Each call that takes an id. */
const callsById: readonly (readonly [string, (rest: RestSession, id: string) => Promise<unknown>])[] = [
  ['getSiteToSiteVpn', (rest, id) => getSiteToSiteVpn(rest, testArea, id)],
  ['deleteSiteToSiteVpn', (rest, id) => deleteSiteToSiteVpn(rest, testArea, id)],
  ['resetSiteToSiteVpn', (rest, id) => resetSiteToSiteVpn(rest, testArea, id)],
  ['getVpc', (rest, id) => getVpc(rest, testArea, id)],
  ['getTask', (rest, id) => getTask(rest, id, null)],
];

const unsafeSegments = [
  '',
  '.',
  '..',
  '%2e%2e',
  '%2E.',
  '%',
  'a/b',
  '/',
  '../x',
  'a\\b',
  '..\\x',
  '\t',
  '.\t.',
  'a\u0000',
  'a\nb',
  '\u007f',
  '\u0085',
  'a?b',
  'a#b',
  '\ud800',
  'a\udc00b',
];

describe('The API key', () => {
  const { session } = createTestClient(upstream.url);

  it('is sent with the calls of its own caller only, although all callers share one client', async () => {
    upstream.script(() => ({ data: [] }));
    const callers = Array.from({ length: 20 }, (_, index) => ({
      apiKey: `key-${index}`,
      requestId: `request-${index}`,
    }));
    const sessions = callers.map((caller) => session(caller));
    await Promise.all([...sessions, ...sessions].map((rest) => listVpcs(rest, testArea)));
    const received = upstream.calls.map(
      ({ headers }) => `${String(headers['mc-api-key'])} ${String(headers['x-request-id'])}`,
    );
    const sent = callers.map((caller) => `${caller.apiKey} ${caller.requestId}`);
    expect(received.sort()).toEqual([...sent, ...sent].sort());
  });

  it.each(environmentCalls)('is sent with %s, and so is the request id', async (_name, call, _path, response) => {
    upstream.script(() => response);
    await call(session(), testArea);
    expect(upstream.calls.map(({ headers }) => [headers['mc-api-key'], headers['x-request-id']])).toEqual([
      [apiKey, requestId],
    ]);
  });

  it('is never part of the URL', async () => {
    upstream.script(() => ({ data: [] }));
    await listEnvironments(session());
    await listServiceConnections(session());
    expect(requests()).toEqual(['GET /v1/environments', 'GET /v1/services/connections']);
  });
});

describe('The query parameter org_id', () => {
  const { session } = createTestClient(upstream.url);
  const organizationId = 'a9f93785-0545-4876-8241-3b19b9a86721';

  it.each(environmentCalls)(
    'is sent with %s in a sub-organization, and only there',
    async (_name, call, path, response) => {
      upstream.script(() => response);
      await call(session(), testArea);
      await call(session(), { ...testArea, organizationId });
      const plain = path.replace('…', '/v1/services/compute-on/test_area');
      expect(requests()).toEqual([plain, `${plain}${plain.includes('?') ? '&' : '?'}org_id=${organizationId}`]);
    },
  );

  it('is sent with getTask', async () => {
    upstream.script(() => ({ taskId: 't', taskStatus: 'PENDING' }));
    await getTask(session(), 't', organizationId);
    expect(requests()).toEqual([`GET /v1/tasks/t?org_id=${organizationId}`]);
  });

  it('is sent beside the filter of a list', async () => {
    upstream.script(() => ({ data: [] }));
    await listSiteToSiteVpns(session(), { ...testArea, organizationId }, 'vpc-1');
    expect(requests()).toEqual([
      `GET /v1/services/compute-on/test_area/sitetositevpns?vpc_id=vpc-1&org_id=${organizationId}`,
    ]);
  });

  it('is encoded, so that it cannot change the URL', async () => {
    upstream.script(() => ({ data: [] }));
    const hostile = '../&org_id=2#é\ud800 ?';
    await listVpcs(session(), { ...testArea, organizationId: hostile });
    const url = new URL(upstream.calls[0]?.url ?? '', 'http://upstream');
    expect([url.pathname, [...url.searchParams]]).toEqual([
      '/v1/services/compute-on/test_area/vpcs',
      [['org_id', hostile.toWellFormed()]],
    ]);
  });
});

describe('The URL of a call', () => {
  const { session, client } = createTestClient(upstream.url);

  it.each([
    ['compute on', 'compute%20on'],
    ['Compute - Québec', 'Compute%20-%20Qu%C3%A9bec'],
    ['a;b', 'a%3Bb'],
    ['a&b=c', 'a%26b%3Dc'],
    ['a+b', 'a%2Bb'],
    ['@:,$', '%40%3A%2C%24'],
    ["!'()*-._~", "!'()*-._~"],
    ['"<>^`{|}[]', '%22%3C%3E%5E%60%7B%7C%7D%5B%5D'],
    ['...', '...'],
    ['環境', '%E7%92%B0%E5%A2%83'],
    ['\u{1F511}', '%F0%9F%94%91'],
    ['\u202e\ufeff', '%E2%80%AE%EF%BB%BF'],
  ])('encodes %j as %s in a service code, an environment and an id', async (name, encoded) => {
    upstream.script(() => ({ data: vpc }));
    await getVpc(session(), { serviceCode: name, name, organizationId: null }, name);
    expect(requests()).toEqual([`GET /v1/services/${encoded}/${encoded}/vpcs/${encoded}`]);
  });

  it.each([
    ['', ''],
    ['/', ''],
    ['/v1', '/v1'],
    ['/v1/', '/v1'],
    ['/some/where/v1//', '/some/where/v1'],
    ['/a%20b/v1', '/a%20b/v1'],
  ])('is below a base URL with the path %j', async (path, kept) => {
    const client = createTestClient(new URL(upstream.url).origin + path);
    upstream.script(() => ({ data: [] }));
    await listVpcs(client.session(), testArea);
    await listEnvironments(client.session());
    expect(requests()).toEqual([`GET ${kept}/services/compute-on/test_area/vpcs`, `GET ${kept}/environments`]);
    await client.client.close();
  });

  it.each(unsafeSegments)('never contains the segment %j: the call throws and sends nothing', async (segment) => {
    upstream.script(() => ({ data: [] }));
    expect(isPathSegment(segment)).toBe(false);
    for (const environment of [
      { ...testArea, serviceCode: segment },
      { ...testArea, name: segment },
    ]) {
      for (const [, call] of environmentCalls) await expect(call(session(), environment)).rejects.toThrow(TypeError);
    }
    for (const [, call] of callsById) await expect(call(session(), segment)).rejects.toThrow(TypeError);
    expect(upstream.calls).toEqual([]);
  });

  it('does not repeat a rejected segment in the error', () => {
    expect(() => client.url(['services', 'secret/..'])).toThrow(
      new TypeError('A path segment is not allowed in a URL.'),
    );
  });

  it('decodes to exactly the given segments, or the call throws and sends nothing', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.string({ unit: fc.nat({ max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
      fc.string({
        unit: fc.constantFrom('.', '%', '2', 'e', 'E', '/', '\\', '\t', ';', '&', '+', ' ', '?', '#', '@', 'é'),
        maxLength: 6,
      }),
    );
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(text, text, async (serviceCode, name) => {
        upstream.script(() => ({ data: [] }));
        const call = listVpcs(session(), { serviceCode, name, organizationId: null });
        if (isPathSegment(serviceCode) && isPathSegment(name)) {
          expect(await call).toEqual([]);
          sent++;
          const paths = upstream.calls.map(({ url }) => url.split('/').map(decodeURIComponent));
          expect(paths).toEqual([['', 'v1', 'services', serviceCode, name, 'vpcs']]);
        } else {
          await expect(call).rejects.toThrow(TypeError);
          expect(upstream.calls).toEqual([]);
        }
      }),
      {
        numRuns: 200,
        // Segments that are allowed, and segments that are not.
        examples: [
          ['Compute - Québec', 'a;b&c+d'],
          ['compute-on', '..'],
        ],
      },
    );
    expect(sent).toBeGreaterThan(0);
  });
});

describe('A connection to the REST API', () => {
  /** Makes `count` calls. Each starts when the connection of the previous one is free again. */
  async function listOneAfterAnother(createSession: () => RestSession, count: number): Promise<void> {
    for (let call = 0; call < count; call++) {
      await listVpcs(createSession(), testArea);
      // undici frees a connection on the next turn of the event loop.
      await nextTurn();
    }
  }

  it('is reused by later calls', async () => {
    const { session } = createTestClient(upstream.url);
    const ports = new Set<number | undefined>();
    upstream.script(() => (response) => {
      ports.add(response.socket?.remotePort);
      json(200, { data: [] })(response);
    });
    await listOneAfterAnother(session, 10);
    expect(upstream.calls.length).toBe(10);
    expect(ports.size).toBe(1);
  });

  it('does not fail the next read if the REST API closes it while it is idle', async () => {
    const { session, calls } = createTestClient(upstream.url);
    let idle: Socket | null = null;
    const close = () => idle?.destroy();
    upstream.script(() => (response) => {
      idle = response.socket;
      json(200, { data: [] })(response);
    });
    for (let call = 0; call < 25; call++) {
      expect(await calls.complete(listVpcs(session(), testArea), clock)).toEqual([]);
      // The next call starts before the client has seen the close.
      close();
    }
  });

  it('is replaced, and the read retried, if it closes while the read is in flight', async () => {
    const { session, calls } = createTestClient(upstream.url);
    const rest = session();
    upstream.script((_call, index) => (index === 1 ? (response) => response.destroy() : { data: [] }));
    for (let call = 0; call < 2; call++) {
      expect(await calls.complete(listVpcs(rest, testArea), clock)).toEqual([]);
    }
    expect([upstream.calls.length, rest.callCount]).toEqual([3, 3]);
  });

  describe('after a minute', () => {
    // Timers do not expire: a deadline would end the pending call.
    const advanceOneMinute = () => {
      const now = performance.now.bind(performance);
      jest.spyOn(performance, 'now').mockImplementation(() => now() + 61_000);
    };
    afterEach(() => {
      jest.restoreAllMocks();
    });

    it('is not used for new calls', async () => {
      const { session } = createTestClient(upstream.url);
      const ports = new Set<number | undefined>();
      upstream.script(() => (response) => {
        ports.add(response.req.socket.remotePort);
        json(200, { data: [] })(response);
      });
      await listOneAfterAnother(session, 5);
      const before = new Set(ports);
      ports.clear();
      advanceOneMinute();
      await listOneAfterAnother(session, 5);

      expect([...ports].filter((port) => before.has(port))).toEqual([]);
      expect(ports.size).toBe(1);
    });

    it('still delivers a pending response, and closes with the client', async () => {
      const { client, session } = createTestClient(upstream.url);
      const pending = new Map<string, ServerResponse>();
      upstream.script(({ url }) => (url.endsWith('/vpcs') ? { data: [] } : (response) => pending.set(url, response)));
      const completed = getVpc(session(), testArea, 'completed');
      const aborted = catchFailure(getVpc(session(), testArea, 'aborted'));
      await waitUntil(() => pending.size === 2);
      advanceOneMinute();
      expect(await listVpcs(session(), testArea)).toEqual([]);

      for (const [url, response] of pending) if (url.endsWith('/completed')) json(200, { data: vpc })(response);
      expect(await completed).toMatchObject(vpc);
      await client.close();
      expect((await aborted).name).toBe('UnavailableError');
    });
  });
});

describe('The timer of a deadline', () => {
  // Longer than any other timer.
  const timeoutMs = 30_000;

  afterEach(() => {
    jest.restoreAllMocks();
  });

  it.each([
    ['a response', json(200, { data: [] })],
    ['an error response', json(403, { errors: [] })],
  ])('is cleared when %s has arrived, and not before', async (_kind, respond) => {
    const started = jest.spyOn(globalThis, 'setTimeout');
    const cleared = jest.spyOn(globalThis, 'clearTimeout');
    let pending: ServerResponse | undefined;
    upstream.script(() => (response) => (pending = response));
    const outcome = listEnvironments(createTestClient(upstream.url, { timeoutMs }).session()).catch(() => undefined);
    await waitUntil(() => pending !== undefined);
    const timers = started.mock.results.filter((_, index) => (started.mock.calls[index]?.[1] ?? 0) > timeoutMs / 2);
    expect(timers).toHaveLength(1);
    expect(cleared.mock.calls.flat()).not.toContain(timers[0]?.value);
    if (pending !== undefined) respond(pending);
    await outcome;

    expect(cleared.mock.calls.flat()).toContain(timers[0]?.value);
  });
});

describe('The maximum number of calls of a session', () => {
  it('rejects reads beyond 100 calls without a call, but no write', async () => {
    const { session } = createTestClient(upstream.url);
    const rest = session();
    upstream.script(() => ({ data: [] }));
    await Promise.all(Array.from({ length: 100 }, () => listVpcs(rest, testArea)));
    expect(await catchFailure(listVpcs(rest, testArea))).toMatchObject({
      name: 'TooManyCallsError',
      message:
        'The operation needs more than 100 calls of the REST API, the maximum for one operation. Split it into several.',
    });
    expect(upstream.calls).toHaveLength(100);
    await deleteSiteToSiteVpn(rest, testArea, vpnId);
    expect(upstream.calls).toHaveLength(101);
    expect(await listVpcs(session(), testArea)).toEqual([]);
  });

  it('counts retries, and returns the error of the last call instead of one retry more', async () => {
    const { session, calls } = createTestClient(upstream.url);
    const rest = session();
    upstream.script(() => ({ data: [] }));
    await Promise.all(Array.from({ length: 98 }, () => listVpcs(rest, testArea)));
    upstream.script(() => raw(503));
    const failure = await calls.complete(catchFailure(listVpcs(rest, testArea)), clock);
    expect(failure.name).toBe('UnavailableError');
    expect(upstream.calls).toHaveLength(2);
  });
});

describe('The response of a call', () => {
  const { session } = createTestClient(upstream.url);

  it('is parsed in a turn of the event loop that has room for its length', async () => {
    let startTurn: (() => void) | undefined;
    const take = jest.spyOn(Turns.prototype, 'take').mockImplementationOnce(
      () =>
        new Promise((resolve) => {
          startTurn = resolve;
        }),
    );
    upstream.script(() => raw(200, '{"data":[]}'.padEnd(5_000)));
    let isParsed = false;
    const vpcs = listVpcs(session(), testArea).then(() => {
      isParsed = true;
    });
    await waitUntil(() => startTurn !== undefined);
    await nextTurn();
    expect(isParsed).toBe(false);
    expect(take.mock.calls).toEqual([[100]]);
    take.mockRestore();
    startTurn?.();
    await vpcs;
  });

  it('does not count any more for the bodies of its key once it has been parsed', async () => {
    upstream.script(() => raw(200, '{"data":[]}'.padEnd(9 * 1024 * 1024)));
    const rest = session();
    for (let read = 0; read < 4; read++) expect(await listVpcs(rest, testArea)).toEqual([]);
  });

  it('is not parsed if its last reader has left while it waited', async () => {
    let startTurn: (() => void) | undefined;
    const waited = new Promise<void>((resolve) => {
      startTurn = resolve;
    });
    const take = jest.spyOn(Turns.prototype, 'take').mockImplementationOnce(() => waited);
    const parse = jest.spyOn(JSON, 'parse');
    const text = '{"data":[]}'.padEnd(5_000);
    upstream.script(() => raw(200, text));
    const rest = session();
    const failure = catchFailure(listVpcs(rest, testArea));
    await waitUntil(() => take.mock.calls.length === 1);
    rest.cancelReads();
    await failure;
    startTurn?.();
    await nextTurn();
    expect(parse.mock.calls.filter(([parsed]) => parsed === text)).toEqual([]);
    take.mockRestore();
    parse.mockRestore();
  });
});

describe('RestSession.cancelReads', () => {
  it('cancels a read in flight, closes its connection, and rejects later reads', async () => {
    const { session } = createTestClient(upstream.url);
    const rest = session();
    let closed: Promise<unknown> = Promise.resolve();
    upstream.script(() => (response) => {
      closed = new Promise((resolve) => response.on('close', resolve));
      rest.cancelReads();
    });
    const disconnected = {
      name: 'ClientDisconnectedError',
      message: 'The client disconnected.',
      outcomeUnknown: false,
    };
    expect(await catchFailure(listVpcs(rest, testArea))).toEqual(disconnected);
    await closed;
    expect(await catchFailure(listVpcs(rest, testArea))).toEqual(disconnected);
    expect([upstream.calls.length, rest.callCount]).toEqual([1, 1]);
  });

  it('cancels a read whose body is arriving', async () => {
    const { session } = createTestClient(upstream.url);
    const rest = session();
    let closed: Promise<unknown> = Promise.resolve();
    upstream.script(() => (response) => {
      closed = new Promise((resolve) => response.on('close', resolve));
      void receiveBodyChunk().then(() => {
        rest.cancelReads();
      });
      response.write('{"data":');
    });
    expect((await catchFailure(listVpcs(rest, testArea))).name).toBe('ClientDisconnectedError');
    await closed;
  });

  it('cancels a read that waits for its retry', async () => {
    const { session, calls } = createTestClient(upstream.url);
    const rest = session();
    upstream.script(() => raw(503, '', { 'retry-after': '5' }));
    const failure = catchFailure(listVpcs(rest, testArea));
    await calls.settle();
    rest.cancelReads();
    expect((await failure).name).toBe('ClientDisconnectedError');
    expect(upstream.calls.length).toBe(1);
  });

  it.each(writes)('lets %s finish', async (_name, write) => {
    const { session } = createTestClient(upstream.url);
    const rest = session();
    upstream.script(() => (response) => {
      rest.cancelReads();
      json(200, { taskId: 't', taskStatus: 'PENDING' })(response);
    });
    expect(await write(rest)).toEqual({ task: { taskId: 't', taskStatus: 'PENDING' } });
    expect(upstream.calls.length).toBe(1);
  });

  it.each(writes)('keeps %s from being sent later', async (_name, write) => {
    const { session } = createTestClient(upstream.url);
    const rest = session();
    upstream.script(() => ({}));
    rest.cancelReads();
    expect(await catchFailure(write(rest))).toMatchObject({ name: 'ClientDisconnectedError', outcomeUnknown: false });
    expect(upstream.calls).toEqual([]);
  });

  it('does not affect other sessions', async () => {
    const { session } = createTestClient(upstream.url);
    const cancelled = session();
    upstream.script(() => (response) => {
      cancelled.cancelReads();
      json(200, { data: [] })(response);
    });
    expect(await listVpcs(session(), testArea)).toEqual([]);
  });
});

describe('CloudcaClient.abort', () => {
  const shuttingDown = 'The gateway is shutting down. Try again.';

  it('fails all reads in flight, and rejects later calls', async () => {
    const { client, session } = createTestClient(upstream.url);
    upstream.script((_call, index) =>
      index === 1
        ? () => {
            client.abort();
          }
        : neverRespond,
    );
    const [first, second, later] = [session(), session(), session()];
    const unavailable = { name: 'ShutdownError', message: shuttingDown, outcomeUnknown: false };
    const failures = [catchFailure(listVpcs(first, testArea)), catchFailure(listEnvironments(second))];
    expect(await Promise.all(failures)).toEqual([unavailable, unavailable]);
    for (const rest of [first, later]) expect(await catchFailure(listVpcs(rest, testArea))).toEqual(unavailable);
    for (const [, write] of writes) expect(await catchFailure(write(later))).toEqual(unavailable);
    expect([upstream.calls.length, first.callCount, second.callCount, later.callCount]).toEqual([2, 1, 1, 0]);
  });

  it('cancels a read that waits for its retry', async () => {
    const { client, session, calls } = createTestClient(upstream.url);
    upstream.script(() => raw(503, '', { 'retry-after': '5' }));
    const failure = catchFailure(listVpcs(session(), testArea));
    await calls.settle();
    client.abort();
    expect(await failure).toEqual({ name: 'ShutdownError', message: shuttingDown, outcomeUnknown: false });
    expect(upstream.calls.length).toBe(1);
  });

  it.each(writes)('makes the outcome of %s in flight unknown', async (_name, write, advice) => {
    const { client, session } = createTestClient(upstream.url);
    upstream.script(() => () => {
      client.abort();
    });
    expect(await catchFailure(write(session()))).toEqual({
      name: 'ShutdownError',
      message: `${shuttingDown} The request may have succeeded all the same. ${advice}`,
      outcomeUnknown: true,
    });
    expect(upstream.calls.length).toBe(1);
  });
});

describe('CloudcaClient.close', () => {
  it('fails calls in flight with UnavailableError', async () => {
    const { client, session, calls } = createTestClient(upstream.url);
    upstream.script(() => () => void client.close());
    const call = calls.complete(listVpcs(session(), testArea), clock);
    expect((await catchFailure(call)).name).toBe('UnavailableError');
  });
});
