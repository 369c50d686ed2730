// How a call goes out: whose key it carries, to which address, and what ends it besides its own deadline. What the answers mean is
// told in the other files.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { isPathSegment, type RestSession } from '../../src/cloudca/client.js';
import { type EnvironmentAddress, listEnvironments, listServiceConnections } from '../../src/cloudca/environments.js';
import {
  createSiteToSiteVpn,
  deleteSiteToSiteVpn,
  getSiteToSiteVpn,
  listSiteToSiteVpns,
  resetSiteToSiteVpn,
} from '../../src/cloudca/site-to-site-vpns.js';
import { getTask } from '../../src/cloudca/tasks.js';
import { getVpc, listVpcs } from '../../src/cloudca/vpcs.js';
import { until } from '../helpers/until.js';
import { json, raw, startUpstream } from '../helpers/upstream.js';
import { apiKey, failureOf, hang, newVpn, requestId, stargate, startClient, testArea, writes } from './test-client.js';

const upstream = await startUpstream();
const vpn = { id: stargate, name: 'n', state: 'Pending', vpcId: 'v', gateway: '192.0.2.1', cidr: '192.0.2.0/24' };
const vpc = { id: 'v', name: 'n' };
const asked = () => upstream.calls.map(({ method, url }) => `${method} ${url}`);

/** Every call of an environment, the address it has there, and an answer that it takes. */
const callsOf: readonly (readonly [
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

/** The calls that name something by its id. */
const callsById: readonly (readonly [string, (rest: RestSession, id: string) => Promise<unknown>])[] = [
  ['getSiteToSiteVpn', (rest, id) => getSiteToSiteVpn(rest, testArea, id)],
  ['deleteSiteToSiteVpn', (rest, id) => deleteSiteToSiteVpn(rest, testArea, id)],
  ['resetSiteToSiteVpn', (rest, id) => resetSiteToSiteVpn(rest, testArea, id)],
  ['getVpc', (rest, id) => getVpc(rest, testArea, id)],
  ['getTask', (rest, id) => getTask(rest, id, null)],
];

const unsafe = [
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

describe('The key', () => {
  const { session } = startClient(upstream.url);

  it('goes with each call of its own caller, and with no call of another, though all share one client', async () => {
    upstream.script(() => ({ data: [] }));
    const callers = Array.from({ length: 20 }, (_, index) => ({
      apiKey: `key-${index}`,
      requestId: `request-${index}`,
    }));
    const sessions = callers.map((caller) => session(caller));
    await Promise.all([...sessions, ...sessions].map((rest) => listVpcs(rest, testArea)));
    const seen = upstream.calls.map(
      ({ headers }) => `${String(headers['mc-api-key'])} ${String(headers['x-request-id'])}`,
    );
    const one = callers.map((caller) => `${caller.apiKey} ${caller.requestId}`);
    expect(seen.sort()).toEqual([...one, ...one].sort());
  });

  it.each(callsOf)('and the request id go with %s', async (_name, call, _address, answer) => {
    upstream.script(() => answer);
    await call(session(), testArea);
    expect(upstream.calls.map(({ headers }) => [headers['mc-api-key'], headers['x-request-id']])).toEqual([
      [apiKey, requestId],
    ]);
  });

  it('stands in no address', async () => {
    upstream.script(() => ({ data: [] }));
    await listEnvironments(session());
    await listServiceConnections(session());
    expect(asked()).toEqual(['GET /v1/environments', 'GET /v1/services/connections']);
  });
});

describe('org_id', () => {
  const { session } = startClient(upstream.url);
  const organizationId = 'a9f93785-0545-4876-8241-3b19b9a86721';

  it.each(callsOf)(
    'is sent with %s in a sub-organization, and not without one',
    async (_name, call, address, answer) => {
      upstream.script(() => answer);
      await call(session(), testArea);
      await call(session(), { ...testArea, organizationId });
      const plain = address.replace('…', '/v1/services/compute-on/test_area');
      expect(asked()).toEqual([plain, `${plain}${plain.includes('?') ? '&' : '?'}org_id=${organizationId}`]);
    },
  );

  it('is sent with a task', async () => {
    upstream.script(() => ({ taskId: 't', taskStatus: 'PENDING' }));
    await getTask(session(), 't', organizationId);
    expect(asked()).toEqual([`GET /v1/tasks/t?org_id=${organizationId}`]);
  });

  it('stands beside the filter of a list', async () => {
    upstream.script(() => ({ data: [] }));
    await listSiteToSiteVpns(session(), { ...testArea, organizationId }, 'vpc-1');
    expect(asked()).toEqual([
      `GET /v1/services/compute-on/test_area/sitetositevpns?vpc_id=vpc-1&org_id=${organizationId}`,
    ]);
  });

  it('leads nowhere else, whatever is in it', async () => {
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

describe('The address', () => {
  const { session, client } = startClient(upstream.url);

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
  ])('has %j as %s, be it a service code, an environment or an id', async (name, encoded) => {
    upstream.script(() => ({ data: vpc }));
    await getVpc(session(), { serviceCode: name, name, organizationId: null }, name);
    expect(asked()).toEqual([`GET /v1/services/${encoded}/${encoded}/vpcs/${encoded}`]);
  });

  it.each([
    ['', ''],
    ['/', ''],
    ['/v1', '/v1'],
    ['/v1/', '/v1'],
    ['/some/where/v1//', '/some/where/v1'],
    ['/a%20b/v1', '/a%20b/v1'],
  ])('stands on a base URL with the path %j', async (path, kept) => {
    const client = startClient(new URL(upstream.url).origin + path);
    upstream.script(() => ({ data: [] }));
    await listVpcs(client.session(), testArea);
    await listEnvironments(client.session());
    expect(asked()).toEqual([`GET ${kept}/services/compute-on/test_area/vpcs`, `GET ${kept}/environments`]);
    await client.client.close();
  });

  it.each(unsafe)('has no segment %j: nothing is sent', async (segment) => {
    upstream.script(() => ({ data: [] }));
    expect(isPathSegment(segment)).toBe(false);
    for (const environment of [
      { ...testArea, serviceCode: segment },
      { ...testArea, name: segment },
    ]) {
      for (const [, call] of callsOf) await expect(call(session(), environment)).rejects.toThrow(TypeError);
    }
    for (const [, call] of callsById) await expect(call(session(), segment)).rejects.toThrow(TypeError);
    expect(upstream.calls).toEqual([]);
  });

  it('does not repeat a refused segment in the error', () => {
    expect(() => client.url({ path: ['services', 'secret/..'] })).toThrow(
      new TypeError('A path segment would lead elsewhere.'),
    );
  });

  it('names, for any service code and environment, exactly these, or nothing is sent', async () => {
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
      { numRuns: 200 },
    );
    expect(sent).toBeGreaterThan(20);
  });
});

describe('A connection', () => {
  it('is kept for later calls', async () => {
    const { session } = startClient(upstream.url);
    const ports = new Set<number | undefined>();
    upstream.script(() => (response) => {
      ports.add(response.socket?.remotePort);
      json(200, { data: [] })(response);
    });
    for (let call = 0; call < 10; call++) await listVpcs(session(), testArea);
    expect(upstream.calls.length).toBe(10);
    // A call may begin a moment before the connection of the one before is free again.
    expect(ports.size).toBeLessThan(4);
  });

  it('that the REST API closes while it is idle does not fail the next read', async () => {
    const { session } = startClient(upstream.url);
    let idle: Socket | null = null;
    const close = () => idle?.destroy();
    upstream.script(() => (response) => {
      idle = response.socket;
      json(200, { data: [] })(response);
    });
    for (let call = 0; call < 25; call++) {
      expect(await listVpcs(session(), testArea)).toEqual([]);
      // The client has not heard of it yet when the next call goes out.
      close();
    }
  });

  it('that is closed as a read comes in is replaced: the read is sent again', async () => {
    const { session } = startClient(upstream.url);
    const rest = session();
    upstream.script((_call, index) => (index === 1 ? (response) => response.destroy() : { data: [] }));
    expect([await listVpcs(rest, testArea), await listVpcs(rest, testArea)]).toEqual([[], []]);
    expect([upstream.calls.length, rest.calls]).toEqual([3, 3]);
  });

  describe('after a minute', () => {
    const toClock = performance.now.bind(performance);
    const aMinuteLater = () => jest.spyOn(performance, 'now').mockImplementation(() => toClock() + 61_000);
    afterEach(() => {
      jest.restoreAllMocks();
    });

    it('is kept for no more calls', async () => {
      const { session } = startClient(upstream.url);
      const ports = new Set<number | undefined>();
      upstream.script(() => (response) => {
        ports.add(response.req.socket.remotePort);
        json(200, { data: [] })(response);
      });
      for (let call = 0; call < 10; call++) await listVpcs(session(), testArea);
      const before = new Set(ports);
      ports.clear();
      aMinuteLater();
      for (let call = 0; call < 10; call++) await listVpcs(session(), testArea);

      expect([...ports].filter((port) => before.has(port))).toEqual([]);
      expect(ports.size).toBeLessThan(4);
    });

    it('still gives the answer that it owes, and is cut with the others', async () => {
      const { client, session } = startClient(upstream.url);
      const held = new Map<string, ServerResponse>();
      upstream.script(({ url }) => (url.endsWith('/vpcs') ? { data: [] } : (response) => held.set(url, response)));
      const answered = getVpc(session(), testArea, 'answered');
      const cut = failureOf(getVpc(session(), testArea, 'cut'));
      await until(() => held.size === 2);
      aMinuteLater();
      expect(await listVpcs(session(), testArea)).toEqual([]);

      for (const [url, response] of held) if (url.endsWith('/answered')) json(200, { data: vpc })(response);
      expect(await answered).toMatchObject(vpc);
      await client.close();
      expect((await cut).name).toBe('UnavailableError');
    });
  });
});

describe('The deadline', () => {
  // Longer than any other timer's.
  const timeoutMs = 30_000;

  afterEach(() => {
    jest.restoreAllMocks();
  });

  it.each([
    ['an answer', json(200, { data: [] })],
    ['a refusal', json(403, { errors: [] })],
  ])('is watched until %s has come, and no longer', async (_, answer) => {
    const started = jest.spyOn(globalThis, 'setTimeout');
    const cleared = jest.spyOn(globalThis, 'clearTimeout');
    let held: ServerResponse | undefined;
    upstream.script(() => (response) => (held = response));
    const outcome = listEnvironments(startClient(upstream.url, { timeoutMs }).session()).catch(() => undefined);
    await until(() => held !== undefined);
    const timers = started.mock.results.filter((_, index) => (started.mock.calls[index]?.[1] ?? 0) > timeoutMs / 2);
    expect(timers).toHaveLength(1);
    expect(cleared.mock.calls.flat()).not.toContain(timers[0]?.value);
    if (held !== undefined) answer(held);
    await outcome;

    expect(cleared.mock.calls.flat()).toContain(timers[0]?.value);
  });
});

describe('RestSession.leave', () => {
  it('ends a read under way, upstream too, and lets no other begin', async () => {
    const { session } = startClient(upstream.url);
    const rest = session();
    let left: Promise<unknown> = Promise.resolve();
    upstream.script(() => (response) => {
      left = new Promise((resolve) => response.on('close', resolve));
      rest.leave();
    });
    const gone = { name: 'CallerGoneError', message: 'The caller went away.', outcomeUnknown: false };
    expect(await failureOf(listVpcs(rest, testArea))).toEqual(gone);
    await left;
    expect(await failureOf(listVpcs(rest, testArea))).toEqual(gone);
    expect([upstream.calls.length, rest.calls]).toEqual([1, 1]);
  });

  it('ends a read whose body is on its way', async () => {
    const { session } = startClient(upstream.url);
    const rest = session();
    let left: Promise<unknown> = Promise.resolve();
    upstream.script(() => (response) => {
      left = new Promise((resolve) => response.on('close', resolve));
      response.write('{"data":');
      setTimeout(() => {
        rest.leave();
      }, 20);
    });
    expect((await failureOf(listVpcs(rest, testArea))).name).toBe('CallerGoneError');
    await left;
  });

  it('ends a read that waits for its next attempt', async () => {
    const { session } = startClient(upstream.url);
    const rest = session();
    upstream.script(() => (response) => {
      response.on('close', () =>
        setTimeout(() => {
          rest.leave();
        }, 20),
      );
      raw(503, '', { 'retry-after': '5' })(response);
    });
    expect((await failureOf(listVpcs(rest, testArea))).name).toBe('CallerGoneError');
    expect(upstream.calls.length).toBe(1);
  });

  it.each(writes)('lets %s finish', async (_name, write) => {
    const { session } = startClient(upstream.url);
    const rest = session();
    upstream.script(() => (response) => {
      rest.leave();
      setTimeout(() => {
        json(200, { taskId: 't', taskStatus: 'PENDING' })(response);
      }, 20);
    });
    expect(await write(rest)).toEqual({ fields: { taskId: 't', taskStatus: 'PENDING' }, taskId: 't' });
    expect(upstream.calls.length).toBe(1);
  });

  it('leaves the other sessions alone', async () => {
    const { session } = startClient(upstream.url);
    const leaving = session();
    upstream.script(() => (response) => {
      leaving.leave();
      json(200, { data: [] })(response);
    });
    expect(await listVpcs(session(), testArea)).toEqual([]);
  });
});

describe('CloudcaClient.cut', () => {
  const shuttingDown = 'The gateway is shutting down; ask again.';

  it('ends all reads under way, and lets no call begin', async () => {
    const { client, session } = startClient(upstream.url);
    upstream.script((_call, index) =>
      index === 1
        ? () => {
            client.cut();
          }
        : hang,
    );
    const [first, second, later] = [session(), session(), session()];
    const unavailable = { name: 'UnavailableError', message: shuttingDown, outcomeUnknown: false };
    const failures = [failureOf(listVpcs(first, testArea)), failureOf(listEnvironments(second))];
    expect(await Promise.all(failures)).toEqual([unavailable, unavailable]);
    for (const rest of [first, later]) expect(await failureOf(listVpcs(rest, testArea))).toEqual(unavailable);
    for (const [, write] of writes) expect(await failureOf(write(later))).toEqual(unavailable);
    expect([upstream.calls.length, first.calls, second.calls, later.calls]).toEqual([2, 1, 1, 0]);
  });

  it('ends a read that waits for its next attempt', async () => {
    const { client, session } = startClient(upstream.url);
    upstream.script(() => (response) => {
      response.on('close', () =>
        setTimeout(() => {
          client.cut();
        }, 20),
      );
      raw(503, '', { 'retry-after': '5' })(response);
    });
    expect(await failureOf(listVpcs(session(), testArea))).toEqual({
      name: 'UnavailableError',
      message: shuttingDown,
      outcomeUnknown: false,
    });
    expect(upstream.calls.length).toBe(1);
  });

  it.each(writes)('leaves the outcome of %s unknown', async (_name, write, advice) => {
    const { client, session } = startClient(upstream.url);
    upstream.script(() => () => {
      client.cut();
    });
    expect(await failureOf(write(session()))).toEqual({
      name: 'UnavailableError',
      message: `${shuttingDown} The request may have been carried out all the same. ${advice}`,
      outcomeUnknown: true,
    });
    expect(upstream.calls.length).toBe(1);
  });
});

describe('CloudcaClient.close', () => {
  it('fails the calls under way as a lost connection does', async () => {
    const { client, session } = startClient(upstream.url);
    upstream.script(() => () => void client.close());
    expect((await failureOf(listVpcs(session(), testArea))).name).toBe('UnavailableError');
  });
});
