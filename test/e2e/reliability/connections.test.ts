// Connections that are kept: closed under the gateway while they are idle, and at an address that their name has left.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type RawScript, toBytes } from '../../helpers/raw-upstream.js';
import { type OnName, startOnName, upstreamName } from './moving-rest-api.js';
import { calm, countCalls, createTimes, documented, reads, run, silent, writes } from './operations.js';
import { startRig, toErrors } from './harness.js';

const rig = await startRig();
const all = [...reads, ...writes];
const timed = createTimes('Answers over connections that are kept');

afterEach(() => rig.settle());

describe('An idle connection', () => {
  /** Answers as documented, and closes the connection once it has been idle for so many milliseconds, whoever is about to use it. */
  function closingAfter(
    milliseconds: number,
    how: 'end' | 'reset',
    headers: Readonly<Record<string, string>> = {},
  ): RawScript {
    const timers = new Map<object, NodeJS.Timeout>();
    return ({ method, target }) =>
      (socket) => {
        clearTimeout(timers.get(socket));
        socket.write(toBytes(200, documented(method, target), headers));
        timers.set(
          socket,
          setTimeout(() => (how === 'end' ? socket.end() : socket.resetAndDestroy()), milliseconds),
        );
      };
  }

  it.each([
    [20, 'end', {}],
    [20, 'end', { 'keep-alive': 'timeout=600' }],
    [20, 'reset', {}],
    [20, 'reset', { connection: 'keep-alive', 'keep-alive': 'timeout=5, max=1' }],
  ] as const)(
    'that is closed after %i ms, by %s, where its answer said %j, fails no read, and has no write sent twice',
    async (milliseconds, how, headers) => {
      await calm(rig);
      rig.upstream.script(closingAfter(milliseconds, how, headers));
      for (let round = 0; round < 40; round++) {
        // Now before, now after, now as it is closed.
        await sleep((round * 7) % (2 * milliseconds + 1));
        for (const operation of reads) {
          const answer = await timed('read', run(rig, operation));
          expect(toErrors(answer.json)).toEqual([]);
        }
        const write = writes[round % writes.length];
        if (write === undefined) continue;
        const before = countCalls(rig, write);
        const answer = await timed('write', run(rig, write));
        const sent = countCalls(rig, write) - before;
        // One that comes to a connection as it is closed is not seen by the REST API; who sent it cannot know.
        if (toErrors(answer.json).length === 0) expect(sent).toBe(1);
        else {
          expect(sent).toBeLessThanOrEqual(1);
          expect(toErrors(answer.json)).toMatchObject([
            { extensions: { code: 'UPSTREAM_UNAVAILABLE', outcomeUnknown: true } },
          ]);
        }
      }
    },
  );

  it('that is closed as a request comes has the read sent again over another', async () => {
    await calm(rig);
    const seen = new Set<object>();
    rig.upstream.script(({ method, target }) => (socket) => {
      // The first request of a connection is answered, the second finds it closed.
      if (seen.has(socket)) socket.destroy();
      else socket.write(toBytes(200, documented(method, target)));
      seen.add(socket);
    });
    for (const operation of reads) expect(toErrors((await run(rig, operation)).json)).toEqual([]);
  });
});

describe('A new address behind the name', () => {
  /** Asks for everything, and says that it is there. */
  async function expectAll({ ask }: OnName): Promise<void> {
    for (const operation of all) {
      const answer = rig.keep(await timed('name that has moved', ask(operation)));
      expect(answer.text).not.toContain(upstreamName);
      expect(toErrors(answer.json)).toEqual([]);
    }
  }

  it('is asked once the connections to the old one are closed, and nothing fails', async () => {
    const rest = await startOnName();
    await expectAll(rest);
    expect(rest.old.calls).toHaveLength(all.length);

    await rest.move();
    await rest.old.refuse();
    await expectAll(rest);
    expect(rest.next.calls.map(({ headers }) => headers.get('host'))).toEqual(
      all.map(() => `${upstreamName}:${new URL(rest.next.url).port}`),
    );
  });

  it('is asked once the old one has left a caller without an answer', async () => {
    const rest = await startOnName(500);
    const [first] = reads;
    if (first === undefined) throw new TypeError('There is nothing to read.');
    expect(toErrors((await rest.ask(first)).json)).toEqual([]);

    await rest.move();
    rest.old.script(() => silent());
    const late = rig.keep(await timed('name that has moved', rest.ask(first)));
    expect(late.json).toMatchObject({ errors: [{ extensions: { code: 'UPSTREAM_TIMEOUT' } }] });
    await expectAll(rest);
    expect(rest.old.calls).toHaveLength(1);
    expect(rest.next.calls).toHaveLength(all.length);
  });
});
