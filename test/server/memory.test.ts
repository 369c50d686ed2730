// What the gateway keeps in memory of a request, while its connection is idle or its operation waits.
import { describe, expect, it } from '@jest/globals';
import { collectGarbage } from '../helpers/collect-garbage.js';
import { keyHeader, wireVpn } from '../helpers/fixtures.js';
import { startGateway } from '../helpers/gateway.js';
import { startUpstream } from '../helpers/upstream.js';
import { vpnsSubscription } from './subscriptions/mutable-rest-api.js';
import { openAcknowledgedSocket, openSocket } from './subscriptions/subscribers.js';

const rest = await startUpstream(() => ({ data: [wireVpn()] }));
const gateway = await startGateway({ restApi: rest.url, config: { watchPollMs: 600_000 } });

const count = 40;
const large = 'x'.repeat(120_000);

/** Returns how much memory `work` leaves in use, in units of `large`, for each of its repetitions. */
async function measure(work: () => Promise<void>): Promise<number> {
  // The first time, code is compiled and caches are filled.
  await work();
  const before = collectGarbage();
  for (let done = 0; done < count; done++) await work();
  const after = collectGarbage();
  return (after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers) / count / large.length;
}

describe('A WebSocket', () => {
  it('holds nothing of connection_init but its key', async () => {
    const held = await measure(async () => {
      const socket = await openSocket(gateway.url);
      socket.send({ type: 'connection_init', payload: { ...keyHeader(), large } });
      await socket.waitForMessages(1);
    });
    expect(held).toBeLessThan(0.7);
  });

  it('holds nothing of a subscribe message but its operation', async () => {
    const socket = await openAcknowledgedSocket(gateway.url);
    let id = 0;
    const held = await measure(async () => {
      const messages = socket.messages.length;
      const payload = { query: vpnsSubscription, extensions: { traceparent: large } };
      socket.send({ id: String(id++), type: 'subscribe', payload });
      await socket.waitForMessages(messages + 1);
    });
    expect(held).toBeLessThan(0.5);
    socket.webSocket.terminate();
  });
});
