// Pooled connections of the built gateway to the REST API: the peer closes them while idle, or their hostname moves to another address.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type RawScript, toBytes } from '../../helpers/raw-upstream.js';
import { type RelocatingRestApi, startRelocatingRestApi, upstreamHostname } from './relocating-rest-api.js';
import {
  resetFailureState,
  countCalls,
  createTimings,
  documentedResponse,
  reads,
  runOperation,
  writeThenStall,
  writes,
} from './operations.js';
import { startRig, toErrors } from './harness.js';

const rig = await startRig();
const operations = [...reads, ...writes];
const timed = createTimings('Responses over pooled connections');

afterEach(() => rig.verify());

describe('Idle connection', () => {
  /** Responds as documented, and closes a connection after an idle time in milliseconds, even if a request is about to arrive. */
  function closeWhenIdle(
    milliseconds: number,
    how: 'end' | 'reset',
    headers: Readonly<Record<string, string>> = {},
  ): RawScript {
    const timers = new Map<object, NodeJS.Timeout>();
    return ({ method, target }) =>
      (socket) => {
        clearTimeout(timers.get(socket));
        socket.write(toBytes(200, documentedResponse(method, target), headers));
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
    'fails no read and repeats no write if closed after %i ms by %s (headers %j)',
    async (milliseconds, how, headers) => {
      await resetFailureState(rig);
      rig.upstream.script(closeWhenIdle(milliseconds, how, headers));
      for (let round = 0; round < 40; round++) {
        // The next request falls before, at, or after the close.
        await sleep((round * 7) % (2 * milliseconds + 1));
        for (const operation of reads) {
          const response = await timed('read', runOperation(rig, operation));
          expect(toErrors(response.json)).toEqual([]);
        }
        const write = writes[round % writes.length];
        if (write === undefined) continue;
        const countBefore = countCalls(rig, write);
        const response = await timed('write', runOperation(rig, write));
        const sent = countCalls(rig, write) - countBefore;
        // The REST API does not see a write that arrives during the close. The gateway cannot know that, so the outcome is unknown.
        if (toErrors(response.json).length === 0) expect(sent).toBe(1);
        else {
          expect(sent).toBeLessThanOrEqual(1);
          expect(toErrors(response.json)).toMatchObject([
            { extensions: { code: 'UPSTREAM_UNAVAILABLE', outcomeUnknown: true } },
          ]);
        }
      }
    },
  );

  it('has a read retried over a new connection if it closes as the request arrives', async () => {
    await resetFailureState(rig);
    const usedSockets = new Set<object>();
    rig.upstream.script(({ method, target }) => (socket) => {
      // The first request of a connection gets a response, the second one closes it.
      if (usedSockets.has(socket)) socket.destroy();
      else socket.write(toBytes(200, documentedResponse(method, target)));
      usedSockets.add(socket);
    });
    for (const operation of reads) expect(toErrors((await runOperation(rig, operation)).json)).toEqual([]);
  });
});

describe('Hostname that moves to a new address', () => {
  /** Runs all operations and expects that none fails. */
  async function expectAllSucceed({ run }: RelocatingRestApi): Promise<void> {
    for (const operation of operations) {
      const response = rig.record(await timed('hostname moved', run(operation)));
      expect(response.text).not.toContain(upstreamHostname);
      expect(toErrors(response.json)).toEqual([]);
    }
  }

  it('fails no operation once the connections to the old address are closed', async () => {
    const rest = await startRelocatingRestApi();
    await expectAllSucceed(rest);
    expect(rest.oldUpstream.calls).toHaveLength(operations.length);

    await rest.relocate();
    await rest.oldUpstream.stop();
    await expectAllSucceed(rest);
    expect(rest.newUpstream.calls.map(({ headers }) => headers.get('host'))).toEqual(
      operations.map(() => `${upstreamHostname}:${new URL(rest.newUpstream.url).port}`),
    );
  });

  it('is resolved again after one call to the old address gets no response', async () => {
    const rest = await startRelocatingRestApi(500);
    const [firstRead] = reads;
    if (firstRead === undefined) throw new TypeError('The list of reads is empty.');
    expect(toErrors((await rest.run(firstRead)).json)).toEqual([]);

    await rest.relocate();
    rest.oldUpstream.script(() => writeThenStall());
    const timedOut = rig.record(await timed('hostname moved', rest.run(firstRead)));
    expect(timedOut.json).toMatchObject({ errors: [{ extensions: { code: 'UPSTREAM_TIMEOUT' } }] });
    await expectAllSucceed(rest);
    expect(rest.oldUpstream.calls).toHaveLength(1);
    expect(rest.newUpstream.calls).toHaveLength(operations.length);
  });
});
