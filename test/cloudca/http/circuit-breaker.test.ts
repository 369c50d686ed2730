// The circuit breaker and the retry budget: when the circuit opens, how a probe closes it, and how many retries an outage causes. The
// clock is fake.
import { describe, expect, it } from '@jest/globals';
import { CloudcaClient } from '../../../src/cloudca/client.js';
import type { CircuitBreaker } from '../../../src/cloudca/http/circuit-breaker.js';
import type { RestSession } from '../../../src/cloudca/session.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { createLenientClientOptions } from '../../helpers/gateway.js';
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
    upstream.script(() => () => {
      clock.advance(timeoutMs);
    });
    const { client, calls, session } = createClient();
    expect(await failReads(session, 10)).toEqual(Array(10).fill('TimeoutError'));
    await calls.settle();
    expect(client.circuitBreaker.isOpen).toBe(true);
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

  it('stays open if the probe fails or is cancelled', async () => {
    upstream.script(respondUnavailable);
    const { client, calls, session } = createClient();
    await failReads(session, 10);
    upstream.script((_call, index) => (index === 0 ? neverRespond : raw(503)));
    clock.advance(maxProbeDelayMs);
    const rest = session();
    const cancelled = catchError(read(rest));
    await waitUntil(() => upstream.calls.length === 1);
    rest.cancelReads();
    expect((await cancelled).name).toBe('ClientDisconnectedError');
    await calls.settle();
    expect(client.circuitBreaker.isOpen).toBe(true);

    clock.advance(maxProbeDelayMs);
    expect((await catchError(read(session()))).name).toBe('UnavailableError');
    expect(client.circuitBreaker.isOpen).toBe(true);
    expect((await catchError(read(session()))).name).toBe('CircuitOpenError');
    expect(upstream.calls).toHaveLength(2);
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
