// The circuit breaker and the retry budget: when the circuit opens, how a probe closes it, and how many retries an outage causes. The
// clock is fake.
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { CloudcaClient } from '../../../src/cloudca/client.js';
import type { CircuitBreaker } from '../../../src/cloudca/http/circuit-breaker.js';
import type { RestSession } from '../../../src/cloudca/session.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { createLenientClientOptions } from '../../helpers/lenient-client.js';
import { type RestCallTracker, trackRestCalls } from '../../helpers/rest-calls.js';
import { dropConnection, json, raw, type Script, startUpstream } from '../../helpers/upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { catchError, catchFailure, neverRespond, writes } from '../test-client.js';

// The deadline of a session.
const timeoutMs = 60_000;
// The longest time until the next probe.
const maxProbeDelayMs = 30_000;

const upstream = await startUpstream();
const clock = useFakeClock();
const respondUnavailable: Script = () => raw(503);

interface BreakerClient {
  readonly client: CloudcaClient;
  /** The calls of all sessions. */
  readonly calls: RestCallTracker;
  /** Creates a session that does not retry reads. */
  readonly session: (apiKey?: string) => RestSession;
}

function createClient(options: { circuitBreaker?: CircuitBreaker } = {}): BreakerClient {
  const client = new CloudcaClient({ baseUrl: upstream.url, timeoutMs, ...options });
  addCleanup(() => client.close());
  let count = 0;
  return {
    client,
    calls: trackRestCalls(client),
    // Each session has its own API key by default.
    session: (apiKey = `key-${count++}`) =>
      client.session({ apiKey, requestId: 'r', warn: () => undefined }, { maxRetries: 0 }),
  };
}

function read(rest: RestSession): Promise<unknown> {
  return rest.read({ route: '/', path: ['vpcs'] }, (data) => data);
}

/** Makes `count` reads that fail, one after the other. Returns the names of their errors. */
async function failReads(session: () => RestSession, count: number): Promise<readonly string[]> {
  const names: string[] = [];
  for (let index = 0; index < count; index++) names.push((await catchError(read(session()))).name);
  return names;
}

describe('CircuitBreaker', () => {
  it.each<[string, Script, string]>([
    ['502', () => raw(502), 'UnavailableError'],
    ['503', respondUnavailable, 'UnavailableError'],
    ['504', () => raw(504), 'TimeoutError'],
    ['521', () => raw(521), 'UnavailableError'],
    ['524', () => raw(524), 'TimeoutError'],
    ['lost connections', () => dropConnection, 'UnavailableError'],
  ])(
    'opens after ten calls that fail with %s, then rejects calls without sending them',
    async (_failure, script, name) => {
      upstream.script(script);
      const { client, session } = createClient();
      expect(await failReads(session, 10)).toEqual(Array(10).fill(name));
      expect(client.circuitBreaker.isOpen).toBe(true);
      expect(await catchFailure(read(session()))).toMatchObject({
        name: 'CircuitOpenError',
        message: 'The REST API has been failing, and the gateway sends it no requests for a moment. Try again later.',
      });
      expect(upstream.calls).toHaveLength(10);
    },
  );

  it('opens after ten calls without a response before the deadline', async () => {
    upstream.script(() => neverRespond);
    const { client, calls, session } = createClient();
    const reads = Array.from({ length: 10 }, () => catchError(read(session())));
    await waitUntil(() => upstream.calls.length === 10);
    clock.advance(timeoutMs);
    expect((await Promise.all(reads)).map(({ name }) => name)).toEqual(Array(10).fill('TimeoutError'));
    await calls.settle();
    expect(client.circuitBreaker.isOpen).toBe(true);
  });

  it('counts the calls of the last ten seconds only', async () => {
    upstream.script(respondUnavailable);
    const { client, session } = createClient();
    for (let round = 0; round < 30; round++) {
      await failReads(session, 9);
      clock.advance(11_000);
    }
    expect(client.circuitBreaker.isOpen).toBe(false);
    await failReads(session, 9);
    clock.advance(9_000);
    await failReads(session, 1);
    expect(client.circuitBreaker.isOpen).toBe(true);
  });

  it('opens at ten failures amid a flood of calls with made-up keys that get 401', async () => {
    upstream.script(({ headers }) => (headers['mc-api-key'] === 'works' ? raw(503) : json(401, {})));
    const { client, session } = createClient();
    for (let index = 0; index < 10; index++) {
      await failReads(session, 5);
      await failReads(() => session('works'), 1);
    }
    expect(client.circuitBreaker.isOpen).toBe(true);
  });

  it('stays closed while accepted keys succeed, whatever calls with made-up keys get', async () => {
    upstream.script(({ headers }) => (headers['mc-api-key'] === 'works' ? { data: 1 } : raw(504)));
    const { client, session } = createClient();
    for (let index = 0; index < 10; index++) await read(session('works'));
    await failReads(session, 100);
    expect(client.circuitBreaker.isOpen).toBe(false);
    expect(await read(session('works'))).toBe(1);
  });

  it.each([400, 401, 403, 404, 405, 409, 429, 500])('stays closed after responses with status %i', async (status) => {
    upstream.script(() => json(status, { errors: [{ code: 1, message: 'No.' }] }));
    const { client, session } = createClient();
    await failReads(session, 30);
    expect(client.circuitBreaker.isOpen).toBe(false);
    expect(upstream.calls).toHaveLength(30);
  });

  it('stays closed after unreadable responses and cancelled reads', async () => {
    upstream.script((_call, index) => (index % 2 === 0 ? raw(200, 'not JSON') : neverRespond));
    const { client, session } = createClient();
    for (let index = 0; index < 30; index++) {
      const rest = session();
      const failure = catchFailure(read(rest));
      await waitUntil(() => upstream.calls.length === index + 1);
      if (index % 2 === 1) rest.cancelReads();
      await failure;
    }
    expect(client.circuitBreaker.isOpen).toBe(false);
  });

  it('stays closed while more than half of the calls succeed', async () => {
    upstream.script((_call, index) => (index % 2 === 0 ? { data: 1 } : raw(503)));
    const { client, session } = createClient();
    for (let index = 0; index < 40; index++) await read(session()).catch(() => undefined);
    expect(client.circuitBreaker.isOpen).toBe(false);
  });

  it.each(writes)('rejects %s with a known outcome while it is open', async (_name, write) => {
    upstream.script(respondUnavailable);
    const { session } = createClient();
    await failReads(session, 10);
    expect(await catchFailure(write(session()))).toMatchObject({ name: 'CircuitOpenError', outcomeUnknown: false });
    expect(upstream.calls).toHaveLength(10);
  });

  it('lets one call at a time probe, rejects all others, and closes when the probe succeeds', async () => {
    upstream.script(respondUnavailable);
    const { client, session } = createClient();
    await failReads(session, 10);
    let respond: (() => void) | undefined;
    upstream.script(() => (response) => {
      respond = () => {
        json(200, { data: 'back' })(response);
      };
    });
    clock.advance(maxProbeDelayMs);
    const probe = read(session());
    await waitUntil(() => upstream.calls.length === 1);
    const during = await Promise.all(Array.from({ length: 20 }, () => catchError(read(session()))));
    expect(during.map(({ name }) => name)).toEqual(Array(20).fill('CircuitOpenError'));
    expect(upstream.calls).toHaveLength(1);
    respond?.();
    expect(await probe).toBe('back');
    expect(client.circuitBreaker.isOpen).toBe(false);
    upstream.script(() => ({ data: 1 }));
    expect(await read(session())).toBe(1);
  });

  it('stays open if the probe fails', async () => {
    upstream.script(respondUnavailable);
    const { client, session } = createClient();
    await failReads(session, 10);
    clock.advance(maxProbeDelayMs);
    expect((await catchError(read(session()))).name).toBe('UnavailableError');
    expect(client.circuitBreaker.isOpen).toBe(true);
    expect((await catchError(read(session()))).name).toBe('CircuitOpenError');
    expect(upstream.calls).toHaveLength(11);
  });

  it.each([
    [200, false],
    [503, true],
  ])('learns from a probe whose client disconnected: after %i, isOpen is %s', async (status, isOpen) => {
    upstream.script(respondUnavailable);
    const { client, calls, session } = createClient();
    await failReads(session, 10);
    const held: ServerResponse[] = [];
    upstream.script(() => (response) => held.push(response));
    clock.advance(maxProbeDelayMs);
    // Two sessions wait for the probe, and both leave.
    const sessions = [0, 1].map(() =>
      client.session({ apiKey: 'key', requestId: 'r', warn: () => undefined }, { coalesceReads: true, maxRetries: 0 }),
    );
    const cancelled = sessions.map((rest) => catchError(read(rest)));
    await waitUntil(() => held.length === 1);
    for (const rest of sessions) rest.cancelReads();
    expect((await Promise.all(cancelled)).map(({ name }) => name)).toEqual(Array(2).fill('ClientDisconnectedError'));
    expect((await catchError(read(session()))).name).toBe('CircuitOpenError');
    for (const response of held) json(status, { data: 1 })(response);
    await calls.settle();
    expect(client.circuitBreaker.isOpen).toBe(isOpen);
    expect(upstream.calls).toHaveLength(1);
  });

  it('ends a probe without a response after the deadline of a call, and stays open', async () => {
    upstream.script(respondUnavailable);
    const { client, calls, session } = createClient();
    await failReads(session, 10);
    upstream.script(() => neverRespond);
    clock.advance(maxProbeDelayMs);
    const rest = session();
    const cancelled = catchError(read(rest));
    await waitUntil(() => upstream.calls.length === 1);
    rest.cancelReads();
    await cancelled;
    clock.advance(timeoutMs);
    await calls.settle();
    expect(client.circuitBreaker.isOpen).toBe(true);
    upstream.script(() => ({ data: 'back' }));
    clock.advance(maxProbeDelayMs);
    expect(await read(session())).toBe('back');
  });

  it('lets a call with an accepted key probe while made-up keys probe and get 401', async () => {
    const { client, session } = createClient();
    upstream.script(() => ({ data: 1 }));
    await read(session('works'));
    upstream.script(respondUnavailable);
    await failReads(() => session('works'), 11);
    expect(client.circuitBreaker.isOpen).toBe(true);
    const held: ServerResponse[] = [];
    upstream.script(({ headers }) =>
      headers['mc-api-key'] === 'works' ? { data: 'back' } : (response) => held.push(response),
    );
    clock.advance(maxProbeDelayMs);
    const first = catchError(read(session()));
    await waitUntil(() => held.length === 1);
    held[0]?.writeHead(401).end();
    expect((await first).name).toBe('UnauthenticatedError');
    // A 401 proves nothing, so the next call probes at once.
    expect(client.circuitBreaker.isOpen).toBe(true);
    const second = catchError(read(session()));
    await waitUntil(() => held.length === 2);
    expect(await read(session('works'))).toBe('back');
    expect(client.circuitBreaker.isOpen).toBe(false);
    held[1]?.writeHead(401).end();
    expect((await second).name).toBe('UnauthenticatedError');
  });
});

describe('RetryBudget', () => {
  it('limits 1,000 reads to at most 1,110 REST calls while connections are lost', async () => {
    upstream.script((_call, index) => (index % 5 < 3 ? { data: 1 } : dropConnection));
    // A circuit that opens would hide retries.
    const { client, calls } = createClient({ circuitBreaker: createLenientClientOptions().circuitBreaker });
    const readOnce = (index: number) =>
      read(client.session({ apiKey: `key-${index}`, requestId: 'r', warn: () => undefined })).catch(() => undefined);
    for (let index = 0; index < 1000; index += 50) {
      const batch = Array.from({ length: 50 }, (_, offset) => readOnce(index + offset));
      await calls.complete(Promise.all(batch), clock);
    }
    expect(upstream.calls.length).toBeGreaterThan(1000);
    // The budget starts with 10 retries, and each read earns a tenth of one.
    expect(upstream.calls.length).toBeLessThanOrEqual(1110);
  });

  it('refills with later reads, so that a read is retried again', async () => {
    upstream.script(() => ({ data: 1 }));
    const { client, calls, session } = createClient();
    while (client.retryBudget.spend());
    for (let index = 0; index < 20; index++) await read(session());
    upstream.script((_call, index) => (index === 0 ? dropConnection : { data: 'again' }));
    const retried = read(client.session({ apiKey: 'key', requestId: 'r', warn: () => undefined }));
    expect(await calls.complete(retried, clock)).toBe('again');
  });
});
