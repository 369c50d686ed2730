// Pooled connections of the built gateway to the REST API: the peer closes them while idle, or their hostname moves to another address.
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { HttpResponse } from '../../helpers/http.js';
import { toBytes } from '../../helpers/raw-upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { type RelocatingRestApi, startRelocatingRestApi, upstreamHostname } from './relocating-rest-api.js';
import {
  resetFailureState,
  countCalls,
  documentedResponse,
  environmentArgument,
  reads,
  runOperation,
  writeThenStall,
  writes,
} from './operations.js';
import { expireDeadlines, startRig, toErrors } from './harness.js';

const rig = await startRig();
const operations = [...reads, ...writes];

afterEach(() => rig.verify());

describe('Idle connection', () => {
  const closeBy = {
    end: (socket: Socket) => socket.end(),
    reset: (socket: Socket) => socket.resetAndDestroy(),
  };
  const waysToClose = [
    ['end', {}],
    ['end', { 'keep-alive': 'timeout=600' }],
    ['reset', {}],
    ['reset', { connection: 'keep-alive', 'keep-alive': 'timeout=5, max=1' }],
  ] as const;
  // The socket that closes as soon as it receives a request.
  let closing: Socket | undefined;

  /** Leaves the gateway with one connection, which is idle and has been used. */
  async function openIdleConnection(how: keyof typeof closeBy, headers: Readonly<Record<string, string>>) {
    await rig.upstream.stop();
    await rig.upstream.listen();
    await finishReading();
    const sockets = new Set<Socket>();
    closing = undefined;
    rig.upstream.script(({ method, target }) => (socket) => {
      sockets.add(socket);
      if (socket === closing) closeBy[how](socket);
      else socket.write(toBytes(200, documentedResponse(method, target), headers));
    });
    expect(toErrors((await rig.post({ query: `{ vpcs(${environmentArgument}) { totalCount } }` })).json)).toEqual([]);
    const [socket, ...others] = sockets;
    expect(others).toEqual([]);
    if (socket === undefined) throw new TypeError('The upstream got no connection.');
    return { socket, close: () => closeBy[how](socket) };
  }

  /** Waits until the gateway has read whatever it was sent before. */
  const finishReading = () => rig.post({ query: '{ __typename }' });

  type IdleConnection = Awaited<ReturnType<typeof openIdleConnection>>;
  type Moment = (connection: IdleConnection, send: () => Promise<HttpResponse>) => Promise<HttpResponse>;
  type Outcome = 'sent' | 'not sent' | 'outcome unknown';

  // When the connection closes, and what may become of a write.
  const moments: readonly (readonly [string, Moment, ...Outcome[]])[] = [
    [
      'before the gateway gets the request',
      async ({ close }, send) => {
        close();
        await finishReading();
        return send();
      },
      'sent',
    ],
    [
      'just before the gateway gets the request',
      async ({ close }, send) => {
        rig.gateway.signal('SIGSTOP');
        close();
        const response = send();
        // Both events wait for the gateway, unless the machine is too busy. The expectation holds all the same.
        await sleep(5);
        rig.gateway.signal('SIGCONT');
        return response;
      },
      'sent',
      'not sent',
      'outcome unknown',
    ],
    [
      'just after the gateway gets the request',
      async ({ close }, send) => {
        rig.gateway.signal('SIGSTOP');
        const response = send();
        await sleep(5);
        close();
        rig.gateway.signal('SIGCONT');
        return response;
      },
      'sent',
      'not sent',
      'outcome unknown',
    ],
    [
      'as the REST API gets the request',
      ({ socket }, send) => {
        closing = socket;
        return send();
      },
      'outcome unknown',
    ],
  ];
  const cases = moments.flatMap(([moment, closeAt, ...outcomes]) =>
    waysToClose.map(([how, headers]) => ({ moment, closeAt, outcomes, how, headers })),
  );

  it.each(cases)(
    'fails no read and repeats no write if closed by $how $moment ($headers)',
    async ({ closeAt, outcomes, how, headers }) => {
      await resetFailureState(rig);
      for (const operation of operations) {
        const connection = await openIdleConnection(how, headers);
        const response = await closeAt(connection, () => runOperation(rig, operation));
        const sent = countCalls(rig, operation);
        const errors = toErrors(response.json);
        if (reads.includes(operation)) {
          expect([operation.field, errors]).toEqual([operation.field, []]);
          if (outcomes.length === 1 && outcomes[0] === 'sent') expect(sent).toBe(1);
        } else if (errors.length === 0) {
          // If the response to a write is lost, the gateway reads whether it has been executed.
          expect(['sent', 'outcome unknown']).toContain(outcomes.find((outcome) => outcome !== 'not sent'));
          expect(sent).toBeLessThanOrEqual(1);
        } else {
          expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_UNAVAILABLE' } }]);
          // The REST API may not see a write that arrives during the close. The gateway cannot know that once it has sent the write.
          const isUnknown = response.text.includes('"outcomeUnknown":true');
          expect(outcomes).toContain(isUnknown ? 'outcome unknown' : 'not sent');
          expect(sent).toBeLessThanOrEqual(isUnknown ? 1 : 0);
        }
      }
    },
  );
});

describe('Hostname that moves to a new address', () => {
  /** Runs all operations and expects that none fails. */
  async function expectAllSucceed({ run }: RelocatingRestApi): Promise<void> {
    for (const operation of operations) {
      const response = rig.record(await run(operation));
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
    const rest = await startRelocatingRestApi();
    const [firstRead] = reads;
    if (firstRead === undefined) throw new TypeError('The list of reads is empty.');
    expect(toErrors((await rest.run(firstRead)).json)).toEqual([]);

    await rest.relocate();
    rest.oldUpstream.script(() => writeThenStall());
    const timedOut = rest.run(firstRead);
    await waitUntil(() => rest.oldUpstream.calls.length === 1);
    await expireDeadlines(rest.gateway);
    expect(rig.record(await timedOut).json).toMatchObject({ errors: [{ extensions: { code: 'UPSTREAM_TIMEOUT' } }] });
    await expectAllSucceed(rest);
    expect(rest.oldUpstream.calls).toHaveLength(1);
    expect(rest.newUpstream.calls).toHaveLength(operations.length);
  });
});
