// Coalescing of identical reads: concurrent reads of one key share one REST call. Reads never share a call across keys, nor a call that
// started before a write of their key.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CloudcaClient } from '../../../src/cloudca/client.js';
import type { RestSession } from '../../../src/cloudca/session.js';
import { listVpcs } from '../../../src/cloudca/vpcs.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { dropConnection, json, type Script, startUpstream } from '../../helpers/upstream.js';
import { catchFailure } from '../test-client.js';

// Each entry sends the response to a call that the upstream holds back.
const pendingResponses: (() => void)[] = [];
// The number of calls that the client cancelled.
let cancelledCount = 0;

// Holds the response back. It consists of the API key, the request id and the URL of the call.
const hold: Script = (call) => (response) => {
  response.on('close', () => {
    if (!response.writableFinished) cancelledCount++;
  });
  const { 'mc-api-key': key, 'x-request-id': requestId } = call.headers;
  pendingResponses.push(() => {
    json(200, { data: { key, requestId, url: call.url } })(response);
  });
};

const upstream = await startUpstream(hold);
const client = new CloudcaClient({ baseUrl: upstream.url, timeoutMs: 60_000 });
addCleanup(() => client.close());

function session(apiKey = 'key-a', requestId = 'first', coalesceReads = true): RestSession {
  return client.session({ apiKey, requestId, warn: () => undefined }, { coalesceReads });
}

function read(rest: RestSession, name = 'vpcs'): Promise<unknown> {
  return rest.read({ route: '/', path: [name] }, (data) => data);
}

function write(rest: RestSession): Promise<unknown> {
  return rest.write({ method: 'POST', route: '/', path: ['vpns'], advice: 'Check.' });
}

/** Resets the upstream and the recorded calls. */
function reset(script: Script = hold): void {
  upstream.script(script);
  pendingResponses.splice(0);
  cancelledCount = 0;
}

/** Waits until exactly `count` calls have arrived. */
async function waitForCalls(count: number): Promise<void> {
  await waitUntil(() => upstream.calls.length === count);
  await nextTurn();
  expect(upstream.calls).toHaveLength(count);
}

function respondToAll(): void {
  for (const respond of pendingResponses.splice(0)) respond();
}

describe('Singleflight', () => {
  it('shares one call between identical reads, and counts it for the session that started it', async () => {
    reset();
    const sessions = ['first', 'second', 'third'].map((id) => session('key-a', id));
    const reads = sessions.map((rest) => read(rest));
    await waitForCalls(1);
    respondToAll();
    expect(await Promise.all(reads)).toEqual(Array(3).fill({ key: 'key-a', requestId: 'first', url: '/v1/vpcs' }));
    expect(sessions.map(({ callCount }) => callCount)).toEqual([1, 0, 0]);
    expect(client.reads.size).toBe(0);
  });

  it('does not share a call that has settled', async () => {
    reset(() => ({ data: 1 }));
    await read(session());
    await read(session());
    expect(upstream.calls).toHaveLength(2);
  });

  it.each([
    ['another key', 'key-b', 'vpcs', true],
    ['another URL', 'key-a', 'vpns', true],
    ['a session without coalesceReads', 'key-a', 'vpcs', false],
  ])('does not share a call with a read of %s', async (_difference, key, name, coalesceReads) => {
    reset();
    const reads = [read(session()), read(session(key, 'second', coalesceReads), name)];
    await waitForCalls(2);
    respondToAll();
    expect(await Promise.all(reads)).toEqual([
      { key: 'key-a', requestId: 'first', url: '/v1/vpcs' },
      { key, requestId: 'second', url: `/v1/${name}` },
    ]);
  });

  it('does not cancel a call while another caller waits, even if its first caller disconnects', async () => {
    reset();
    const [first, second] = [session(), session('key-a', 'second')];
    const reads = [catchFailure(read(first)), read(second)];
    await waitForCalls(1);
    first.cancelReads();
    expect(await reads[0]).toMatchObject({ name: 'ClientDisconnectedError' });
    respondToAll();
    expect(await reads[1]).toMatchObject({ requestId: 'first' });
    expect(cancelledCount).toBe(0);
  });

  it('cancels a call when its last caller disconnects, and lets no read join it afterwards', async () => {
    reset();
    const sessions = [session(), session('key-a', 'second')];
    const failures = sessions.map((rest) => catchFailure(read(rest)));
    await waitForCalls(1);
    for (const rest of sessions) rest.cancelReads();
    const third = read(session('key-a', 'third'));
    await waitForCalls(2);
    respondToAll();
    expect(await third).toMatchObject({ requestId: 'third' });
    expect((await Promise.all(failures)).map(({ name }) => name)).toEqual(Array(2).fill('ClientDisconnectedError'));
    await waitUntil(() => cancelledCount === 1);
  });

  it('lets each caller retry by itself if the shared call fails', async () => {
    reset((call, index) => (index === 0 ? dropConnection : hold(call, index)));
    const reads = [read(session()), read(session('key-a', 'second'))];
    await waitUntil(() => pendingResponses.length > 0);
    const responding = setInterval(respondToAll, 10);
    expect(await Promise.all(reads)).toMatchObject([{ key: 'key-a' }, { key: 'key-a' }]);
    clearInterval(responding);
    expect(upstream.calls.length).toBeLessThanOrEqual(3);
  });
});

describe('A list from a shared call', () => {
  const entry = { id: 'i', name: 'n', state: 'Enabled', cidr: 7 };

  it('is decoded once, and its unexpected values are reported once', async () => {
    reset(() => (response) => {
      pendingResponses.push(() => {
        json(200, { data: [entry] })(response);
      });
    });
    const warnings: string[] = [];
    const sessions = ['first', 'second'].map((requestId) =>
      client.session(
        { apiKey: 'key-a', requestId, warn: ({ field }) => warnings.push(`${requestId} ${field}`) },
        { coalesceReads: true },
      ),
    );
    const lists = sessions.map((rest) => listVpcs(rest, { serviceCode: 's', name: 'e', organizationId: null }));
    await waitForCalls(1);
    respondToAll();
    const [one, other] = await Promise.all(lists);
    expect(one).toMatchObject([{ id: 'i', cidr: null }]);
    expect(other).toBe(one);
    expect(warnings).toEqual(['first vpc.cidr']);
  });

  it('makes every caller fail if it cannot be decoded', async () => {
    reset(() => (response) => {
      pendingResponses.push(() => {
        json(200, { data: [{}] })(response);
      });
    });
    const lists = ['first', 'second'].map((id) =>
      catchFailure(listVpcs(session('key-a', id), { serviceCode: 's', name: 'e', organizationId: null })),
    );
    await waitForCalls(1);
    respondToAll();
    expect((await Promise.all(lists)).map(({ name }) => name)).toEqual(Array(2).fill('BadResponseError'));
  });
});

describe('A read', () => {
  it('does not join a call that started before a write of its key', async () => {
    reset();
    const before = read(session());
    await waitForCalls(1);
    const writing = write(session('key-a', 'writer'));
    const after = read(session('key-a', 'after'));
    await waitForCalls(3);
    respondToAll();
    expect(await Promise.all([before, after])).toMatchObject([{ requestId: 'first' }, { requestId: 'after' }]);
    await writing;
  });

  it('does not join a call that started during a write of its key, once the write has completed', async () => {
    reset();
    const writing = write(session('key-a', 'writer'));
    await waitForCalls(1);
    const during = read(session());
    await waitForCalls(2);
    pendingResponses.shift()?.();
    await writing;
    const after = read(session('key-a', 'after'));
    await waitForCalls(3);
    respondToAll();
    expect(await Promise.all([during, after])).toMatchObject([{ requestId: 'first' }, { requestId: 'after' }]);
  });

  it('joins no call after a write of its own session', async () => {
    reset((call, index) => (call.method === 'POST' ? { data: {} } : hold(call, index)));
    const rest = session('key-a', 'writer');
    await write(rest);
    const other = read(session());
    await waitForCalls(2);
    const own = read(rest);
    await waitForCalls(3);
    respondToAll();
    expect(await Promise.all([other, own])).toMatchObject([{ requestId: 'first' }, { requestId: 'writer' }]);
  });

  it('joins a call in flight despite a write of another key', async () => {
    reset();
    const before = read(session());
    await waitForCalls(1);
    const writing = write(session('key-b', 'writer'));
    const after = read(session('key-a', 'after'));
    await waitForCalls(2);
    respondToAll();
    expect(await Promise.all([before, after])).toMatchObject([{ requestId: 'first' }, { requestId: 'first' }]);
    await writing;
  });
});

/** A step: what to do, and two numbers that select the key, the URL, the read or the pending response. */
type Step = readonly ['read' | 'write' | 'disconnect' | 'respond' | 'turn', number, number];

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom('read', 'read', 'read', 'write', 'disconnect', 'respond', 'turn'),
  fc.nat(1),
  fc.nat(1),
);

/** A read that was started. */
interface StartedRead {
  readonly id: string;
  readonly key: string;
  readonly url: string;
  /** Its position in the sequence of steps. */
  readonly position: number;
  readonly rest: RestSession;
  readonly outcome: Promise<unknown>;
}

describe('Random interleavings of reads, writes and disconnects of two keys', () => {
  // Otherwise a run might share no call.
  const sharedRead: readonly Step[] = [
    ['read', 0, 0],
    ['read', 0, 0],
  ];

  it('give each read a response to its own key and URL, from after the last write of its key', async () => {
    let sharedCount = 0;
    const runs = fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 30 }), async (steps) => {
      reset();
      const reads: StartedRead[] = [];
      const writes: { key: string; position: number; outcome: Promise<unknown> }[] = [];
      let count = 0;
      for (const [action, one, other] of steps) {
        const key = `key-${one}`;
        const position = count++;
        const id = String(position);
        const rest = session(key, id);
        if (action === 'read') {
          const outcome = read(rest, `list-${other}`).catch(() => 'disconnected');
          reads.push({ id, key, url: `/v1/list-${other}`, position, rest, outcome });
        } else if (action === 'write') writes.push({ key, position, outcome: write(rest) });
        else if (action === 'disconnect') reads[one]?.rest.cancelReads();
        else if (action === 'respond') pendingResponses.splice(other, 1)[0]?.();
        else await nextTurn();
      }
      const responding = setInterval(respondToAll, 1);
      const responses = await Promise.all(reads.map(({ outcome }) => outcome));
      await Promise.all(writes.map(({ outcome }) => outcome));
      clearInterval(responding);
      reads.forEach((started, index) => {
        const response = responses[index];
        if (response === 'disconnected') return;
        expect(response).toMatchObject({ key: started.key, url: started.url });
        // The read whose call brought the response.
        const source = reads.find(
          ({ id }) =>
            typeof response === 'object' && response !== null && 'requestId' in response && response.requestId === id,
        );
        const earlierWrites = writes.filter(({ key, position }) => key === started.key && position < started.position);
        expect(source?.position).toBeGreaterThan(earlierWrites.at(-1)?.position ?? -1);
        if (source !== started) sharedCount++;
      });
      await waitUntil(() => client.reads.size === 0);
    });
    await fc.assert(runs, { numRuns: 150, examples: [[[...sharedRead]]] });
    expect(sharedCount).toBeGreaterThan(0);
  });
});
