// The log of subscriptions: one line for each when it has ended. Expected failures are not logged as unexpected errors.
import { describe, expect, it } from '@jest/globals';
import { keyHeader } from '../../helpers/fixtures.js';
import { startGateway } from '../../helpers/gateway.js';
import { post } from '../../helpers/http.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { openSocket } from './subscribers.js';

const gateway = await startGateway();

const time: unknown = expect.any(Number);
const line = (fields: object) => ({
  level: 30,
  time,
  msg: 'operation',
  requestId: 'request-1',
  operation: null,
  type: null,
  durationMs: time,
  restCalls: 0,
  events: 0,
  ...fields,
});

/** Subscribes by an event stream, waits for its end, and returns the log lines. */
async function runAndReadLog(query: string): Promise<unknown[]> {
  const linesBefore = gateway.logs.length;
  const response = await fetch(`${gateway.url}/stream`, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      ...keyHeader(),
      'x-request-id': 'request-1',
    },
    body: JSON.stringify({ query }),
  });
  await response.text();
  await waitUntil(() => gateway.logs.length > linesBefore);
  return gateway.logs.slice(linesBefore);
}

describe('the log of a subscription', () => {
  it('has one line with its name, type, number of events and error codes', async () => {
    expect(await runAndReadLog('subscription Updates { taskUpdated(id: "none") { status } }')).toEqual([
      line({ operation: 'Updates', type: 'subscription', events: 1, errors: ['NOT_FOUND'] }),
    ]);
  });

  it('names the client that names itself in the headers of an event stream or a WebSocket, or in connection_init', async () => {
    const query = 'subscription { taskUpdated(id: "none") { status } }';
    const names = { 'Apollographql-Client-Name': 'web', 'apollographql-client-version': '2' };
    const linesBefore = gateway.logs.length;
    await post(gateway.url, { query }, { accept: 'text/event-stream', ...keyHeader(), ...names });
    const sockets = [await openSocket(gateway.url), await openSocket(gateway.url, { headers: names })];
    for (const [index, socket] of sockets.entries()) {
      socket.send({ type: 'connection_init', payload: { ...keyHeader(), ...(index === 0 ? names : {}) } });
      await socket.waitForMessages(1);
      socket.send({ id: '1', type: 'subscribe', payload: { query } });
    }
    await waitUntil(() => gateway.logs.length === linesBefore + 3);
    expect(gateway.logs.slice(linesBefore).map(({ client, clientVersion }) => [client, clientVersion])).toEqual(
      Array(3).fill(['web', '2']),
    );
  });

  it('has one line if the subscription is rejected', async () => {
    expect(await runAndReadLog('subscription Unknown { nothing }')).toEqual([
      line({ errors: ['GRAPHQL_VALIDATION_FAILED'] }),
    ]);
    expect(await runAndReadLog('subscription Unknown($id: UUID!) { taskUpdated(id: $id) { status } }')).toEqual([
      line({ errors: ['GRAPHQL_VALIDATION_FAILED'] }),
    ]);
  });
});
