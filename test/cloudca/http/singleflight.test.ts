// Reads that are alike and under way at the same time share one REST call: within a key, never across keys, and never with a call that
// was begun before a write of that key.
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CloudcaClient, type RestSession } from '../../../src/cloudca/client.js';
import { listVpcs } from '../../../src/cloudca/vpcs.js';
import { atEnd } from '../../helpers/at-end.js';
import { until } from '../../helpers/until.js';
import { cut, json, type Script, startUpstream, type UpstreamCall } from '../../helpers/upstream.js';
import { failureOf } from '../test-client.js';

/** A call that waits for its answer. */
interface Held {
  readonly call: UpstreamCall;
  /** Answers with the key and the request id that the call came with. */
  readonly release: () => void;
}

const held: Held[] = [];
let closed = 0;

const hold: Script = (call) => (response) => {
  response.on('close', () => {
    if (!response.writableFinished) closed++;
  });
  const { 'mc-api-key': key, 'x-request-id': by } = call.headers;
  const release = () => {
    json(200, { data: { key, by, url: call.url } })(response);
  };
  held.push({ call, release });
};

const upstream = await startUpstream(hold);
const client = new CloudcaClient({ baseUrl: upstream.url, timeoutMs: 20_000 });
atEnd(() => client.close());

function session(apiKey = 'key-a', requestId = 'first', shares = true): RestSession {
  return client.session({ apiKey, requestId, warn: () => undefined }, { shares });
}

function read(rest: RestSession, name = 'vpcs'): Promise<unknown> {
  return rest.read({ route: '/', path: [name] }, (data) => data);
}

function write(rest: RestSession): Promise<unknown> {
  return rest.write({ method: 'POST', route: '/', path: ['vpns'], advice: 'Look.' });
}

/** Begins a case, with nothing under way. */
function begin(script: Script = hold): void {
  upstream.script(script);
  held.splice(0);
  closed = 0;
}

/** Waits until so many calls have come. */
async function come(count: number): Promise<void> {
  await until(() => upstream.calls.length === count);
  await turn();
  expect(upstream.calls).toHaveLength(count);
}

function releaseAll(): void {
  for (const { release } of held.splice(0)) release();
}

describe('Reads of one key that are alike', () => {
  it('share one call while it is under way, and the one who began it has made it', async () => {
    begin();
    const sessions = ['first', 'second', 'third'].map((id) => session('key-a', id));
    const reads = sessions.map((rest) => read(rest));
    await come(1);
    releaseAll();
    expect(await Promise.all(reads)).toEqual(Array(3).fill({ key: 'key-a', by: 'first', url: '/v1/vpcs' }));
    expect(sessions.map(({ calls }) => calls)).toEqual([1, 0, 0]);
    expect(client.flights.size).toBe(0);
  });

  it('share none that has landed', async () => {
    begin(() => ({ data: 1 }));
    await read(session());
    await read(session());
    expect(upstream.calls).toHaveLength(2);
  });

  it.each([
    ['another key', 'key-b', 'vpcs', true],
    ['another address', 'key-a', 'vpns', true],
    ['a session that does not share', 'key-a', 'vpcs', false],
  ])('are not those of %s', async (_what, key, name, shares) => {
    begin();
    const reads = [read(session()), read(session(key, 'second', shares), name)];
    await come(2);
    releaseAll();
    expect(await Promise.all(reads)).toEqual([
      { key: 'key-a', by: 'first', url: '/v1/vpcs' },
      { key, by: 'second', url: `/v1/${name}` },
    ]);
  });

  it('go on where one of those who wait goes away, be it the one who began', async () => {
    begin();
    const [first, second] = [session(), session('key-a', 'second')];
    const reads = [failureOf(read(first)), read(second)];
    await come(1);
    first.leave();
    expect(await reads[0]).toMatchObject({ name: 'CallerGoneError' });
    releaseAll();
    expect(await reads[1]).toMatchObject({ by: 'first' });
    expect(closed).toBe(0);
  });

  it('end upstream when the last has gone, and nobody joins what has ended', async () => {
    begin();
    const sessions = [session(), session('key-a', 'second')];
    const failures = sessions.map((rest) => failureOf(read(rest)));
    await come(1);
    for (const rest of sessions) rest.leave();
    const third = read(session('key-a', 'third'));
    await come(2);
    releaseAll();
    expect(await third).toMatchObject({ by: 'third' });
    expect((await Promise.all(failures)).map(({ name }) => name)).toEqual(Array(2).fill('CallerGoneError'));
    await until(() => closed === 1);
  });

  it('are tried again by each, at its own time, where the one call fails', async () => {
    begin((_call, index) => (index === 0 ? cut : hold(_call, index)));
    const reads = [read(session()), read(session('key-a', 'second'))];
    await until(() => held.length > 0);
    const releasing = setInterval(releaseAll, 10);
    expect(await Promise.all(reads)).toMatchObject([{ key: 'key-a' }, { key: 'key-a' }]);
    clearInterval(releasing);
    expect(upstream.calls.length).toBeLessThanOrEqual(3);
  });
});

describe('A list that several have shared', () => {
  const bad = { id: 'i', name: 'n', state: 'Enabled', cidr: 7 };

  it('is read once for all, and its oddities are told once', async () => {
    begin((_call) => (response) => {
      held.push({
        call: _call,
        release: () => {
          json(200, { data: [bad] })(response);
        },
      });
    });
    const warnings: string[] = [];
    const sessions = ['first', 'second'].map((requestId) =>
      client.session(
        { apiKey: 'key-a', requestId, warn: ({ field }) => warnings.push(`${requestId} ${field}`) },
        { shares: true },
      ),
    );
    const lists = sessions.map((rest) => listVpcs(rest, { serviceCode: 's', name: 'e', organizationId: null }));
    await come(1);
    releaseAll();
    const [one, other] = await Promise.all(lists);
    expect(one).toMatchObject([{ id: 'i', cidr: null }]);
    expect(other).toBe(one);
    expect(warnings).toEqual(['first vpc.cidr']);
  });

  it('that cannot be read fails for each', async () => {
    begin((_call) => (response) => {
      held.push({
        call: _call,
        release: () => {
          json(200, { data: [{}] })(response);
        },
      });
    });
    const lists = ['first', 'second'].map((id) =>
      failureOf(listVpcs(session('key-a', id), { serviceCode: 's', name: 'e', organizationId: null })),
    );
    await come(1);
    releaseAll();
    expect((await Promise.all(lists)).map(({ name }) => name)).toEqual(Array(2).fill('BadResponseError'));
  });
});

describe('A read that begins', () => {
  it('after a write of its key was sent does not join one that began before', async () => {
    begin();
    const before = read(session());
    await come(1);
    const writing = write(session('key-a', 'writer'));
    const after = read(session('key-a', 'after'));
    await come(3);
    releaseAll();
    expect(await Promise.all([before, after])).toMatchObject([{ by: 'first' }, { by: 'after' }]);
    await writing;
  });

  it('after a write was answered does not join one that began while it was under way', async () => {
    begin();
    const writing = write(session('key-a', 'writer'));
    await come(1);
    const during = read(session());
    await come(2);
    held.shift()?.release();
    await writing;
    const after = read(session('key-a', 'after'));
    await come(3);
    releaseAll();
    expect(await Promise.all([during, after])).toMatchObject([{ by: 'first' }, { by: 'after' }]);
  });

  it('after a write of its own session joins none', async () => {
    begin((call, index) => (call.method === 'POST' ? { data: {} } : hold(call, index)));
    const rest = session('key-a', 'writer');
    await write(rest);
    const other = read(session());
    await come(2);
    const own = read(rest);
    await come(3);
    releaseAll();
    expect(await Promise.all([other, own])).toMatchObject([{ by: 'first' }, { by: 'writer' }]);
  });

  it('after a write of another key joins what is under way', async () => {
    begin();
    const before = read(session());
    await come(1);
    const writing = write(session('key-b', 'writer'));
    const after = read(session('key-a', 'after'));
    await come(2);
    releaseAll();
    expect(await Promise.all([before, after])).toMatchObject([{ by: 'first' }, { by: 'first' }]);
    await writing;
  });
});

/** A step of an interleaving: of key, address or held call number. */
type Step = readonly ['read' | 'write' | 'leave' | 'release' | 'turn', number, number];

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom('read', 'read', 'read', 'write', 'leave', 'release', 'turn'),
  fc.nat(1),
  fc.nat(1),
);

/** A read as it was begun, and what is to be known of it. */
interface Begun {
  readonly id: string;
  readonly key: string;
  readonly url: string;
  /** Its place in the order of all reads and writes. */
  readonly at: number;
  readonly rest: RestSession;
  readonly outcome: Promise<unknown>;
}

describe('However reads, writes and departures of two keys interleave', () => {
  it('each read is answered for its own key and address, by no call older than the last write of its key', async () => {
    let shared = 0;
    const runs = fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 30 }), async (steps) => {
      begin();
      const begun: Begun[] = [];
      const writes: { key: string; sent: number; answered: Promise<unknown> }[] = [];
      let at = 0;
      for (const [what, one, other] of steps) {
        const key = `key-${one}`;
        const id = String(at++);
        const rest = session(key, id);
        if (what === 'read') {
          const outcome = read(rest, `list-${other}`).catch(() => 'left');
          begun.push({ id, key, url: `/v1/list-${other}`, at: Number(id), rest, outcome });
        } else if (what === 'write') writes.push({ key, sent: Number(id), answered: write(rest) });
        else if (what === 'leave') begun[one]?.rest.leave();
        else if (what === 'release') held.splice(other, 1)[0]?.release();
        else await turn();
      }
      const releasing = setInterval(releaseAll, 1);
      const answers = await Promise.all(begun.map(({ outcome }) => outcome));
      await Promise.all(writes.map(({ answered }) => answered));
      clearInterval(releasing);
      begun.forEach((asked, index) => {
        const answer = answers[index];
        if (answer === 'left') return;
        expect(answer).toMatchObject({ key: asked.key, url: asked.url });
        const by = begun.find(
          ({ id }) => typeof answer === 'object' && answer !== null && 'by' in answer && answer.by === id,
        );
        const lastWrite = writes.filter(({ key, sent }) => key === asked.key && sent < asked.at).at(-1)?.sent ?? -1;
        expect(by?.at).toBeGreaterThan(lastWrite);
        if (by !== asked) shared++;
      });
      await until(() => client.flights.size === 0);
    });
    await fc.assert(runs, { numRuns: 150 });
    // Or nothing was tried.
    expect(shared).toBeGreaterThan(50);
  });
});
