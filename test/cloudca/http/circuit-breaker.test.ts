// What spares a REST API that fails: when it is left alone, how it is found to work again, how often is tried again in a storm.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { CloudcaClient, type RestSession } from '../../../src/cloudca/client.js';
import { atEnd } from '../../helpers/at-end.js';
import { until } from '../../helpers/until.js';
import { cut, json, raw, type Script, startUpstream } from '../../helpers/upstream.js';
import { errorOf, failureOf, hang, writes } from '../test-client.js';

const upstream = await startUpstream();
const unavailable: Script = () => raw(503);

function startClient(timeoutMs = 20_000): { client: CloudcaClient; session: (apiKey?: string) => RestSession } {
  const client = new CloudcaClient({ baseUrl: upstream.url, timeoutMs });
  atEnd(() => client.close());
  let count = 0;
  return {
    client,
    // Each caller has a key of their own.
    session: (apiKey = `key-${count++}`) =>
      client.session({ apiKey, requestId: 'r', warn: () => undefined }, { retries: 0 }),
  };
}

function read(rest: RestSession): Promise<unknown> {
  return rest.read({ route: '/', path: ['vpcs'] }, (data) => data);
}

/** Has so many reads fail, one after the other, and gives the names of their errors. */
async function fail(session: () => RestSession, count: number): Promise<readonly string[]> {
  const names: string[] = [];
  for (let index = 0; index < count; index++) names.push((await errorOf(read(session()))).name);
  return names;
}

describe('The circuit', () => {
  it.each<[string, Script, string]>([
    ['502', () => raw(502), 'UnavailableError'],
    ['503', unavailable, 'UnavailableError'],
    ['504', () => raw(504), 'TimeoutError'],
    ['lost connections', () => cut, 'UnavailableError'],
  ])(
    'opens after ten calls that ended in %s: nothing is sent any more, and callers are told at once',
    async (_what, script, name) => {
      upstream.script(script);
      const { client, session } = startClient();
      expect(await fail(session, 10)).toEqual(Array(10).fill(name));
      expect(client.breaker.isOpen).toBe(true);
      expect(await failureOf(read(session()))).toMatchObject({
        name: 'CircuitOpenError',
        message: 'The REST API has been failing, and is left alone for a moment; ask again later.',
      });
      expect(upstream.calls).toHaveLength(10);
    },
  );

  it('opens after ten calls that nobody answered in time', async () => {
    upstream.script(() => hang);
    const { client, session } = startClient(30);
    expect(await fail(session, 10)).toEqual(Array(10).fill('TimeoutError'));
    await until(() => client.breaker.isOpen);
  });

  it.each([400, 401, 403, 404, 405, 409, 429, 500])(
    'never opens for the status %i: the service answers',
    async (status) => {
      upstream.script(() => json(status, { errors: [{ code: 1, message: 'No.' }] }));
      const { client, session } = startClient();
      await fail(session, 30);
      expect(client.breaker.isOpen).toBe(false);
      expect(upstream.calls).toHaveLength(30);
    },
  );

  it('never opens for what cannot be read, nor for callers who leave', async () => {
    upstream.script((_call, index) => (index % 2 === 0 ? raw(200, 'no JSON') : hang));
    const { client, session } = startClient();
    for (let index = 0; index < 30; index++) {
      const rest = session();
      const failure = failureOf(read(rest));
      await until(() => upstream.calls.length === index + 1);
      if (index % 2 === 1) rest.leave();
      await failure;
    }
    expect(client.breaker.isOpen).toBe(false);
  });

  it('stays closed while more than half of the calls succeed', async () => {
    upstream.script((_call, index) => (index % 2 === 0 ? { data: 1 } : raw(503)));
    const { client, session } = startClient();
    for (let index = 0; index < 40; index++) await read(session()).catch(() => undefined);
    expect(client.breaker.isOpen).toBe(false);
  });

  it.each(writes)('has %s fail as never sent, not as of unknown outcome', async (_name, write) => {
    upstream.script(unavailable);
    const { session } = startClient();
    await fail(session, 10);
    expect(await failureOf(write(session()))).toMatchObject({ name: 'CircuitOpenError', outcomeUnknown: false });
    expect(upstream.calls).toHaveLength(10);
  });

  it('is probed by one call, while all others are told at once, and closes by itself when that succeeds', async () => {
    upstream.script(unavailable);
    const { client, session } = startClient();
    await fail(session, 10);
    let answer: (() => void) | undefined;
    upstream.script(() => (response) => {
      answer = () => {
        json(200, { data: 'back' })(response);
      };
    });
    const outcomes: Promise<unknown>[] = [];
    await until(() => {
      outcomes.push(read(session()).catch((error: unknown) => (error instanceof Error ? error.name : error)));
      return upstream.calls.length === 1;
    });
    const during = await Promise.all(Array.from({ length: 20 }, () => errorOf(read(session()))));
    expect(during.map(({ name }) => name)).toEqual(Array(20).fill('CircuitOpenError'));
    expect(upstream.calls).toHaveLength(1);
    answer?.();
    const names = await Promise.all(outcomes);
    expect(names.filter((name) => name === 'back')).toHaveLength(1);
    expect(client.breaker.isOpen).toBe(false);
    upstream.script(() => ({ data: 1 }));
    expect(await read(session())).toBe(1);
  });

  it('stays open where the probe fails, or its caller leaves', async () => {
    upstream.script(unavailable);
    const { client, session } = startClient();
    await fail(session, 10);
    upstream.script((_call, index) => (index === 0 ? hang : raw(503)));
    let rest = session();
    await until(() => {
      rest.leave();
      rest = session();
      void read(rest).catch(() => undefined);
      return upstream.calls.length === 1;
    });
    rest.leave();
    await sleep(20);
    expect(client.breaker.isOpen).toBe(true);
    await until(() => {
      void read(session()).catch(() => undefined);
      return upstream.calls.length === 2;
    });
    await sleep(20);
    expect(client.breaker.isOpen).toBe(true);
  });
});

describe('In a storm', () => {
  it('of lost connections, a thousand reads make at most 1,200 REST calls', async () => {
    // Just under the half that would open the circuit.
    upstream.script((_call, index) => (index % 5 < 3 ? { data: 1 } : cut));
    const { client } = startClient();
    const ask = async (index: number) => {
      await read(client.session({ apiKey: `key-${index}`, requestId: 'r', warn: () => undefined })).catch(
        () => undefined,
      );
    };
    for (let index = 0; index < 1000; index += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, offset) => ask(index + offset)));
    }
    expect(client.breaker.isOpen).toBe(false);
    expect(upstream.calls.length).toBeGreaterThan(1000);
    expect(upstream.calls.length).toBeLessThanOrEqual(1200);
  });

  it('that has passed, reads are tried again as before', async () => {
    upstream.script(() => ({ data: 1 }));
    const { client, session } = startClient();
    while (client.retryBudget.spend());
    for (let index = 0; index < 20; index++) await read(session());
    upstream.script((_call, index) => (index === 0 ? cut : { data: 'again' }));
    expect(await read(client.session({ apiKey: 'key', requestId: 'r', warn: () => undefined }))).toBe('again');
  });
});
