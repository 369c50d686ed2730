// The log of subscriptions: one line for each when it has ended. Expected failures are not logged as unexpected errors.
import { describe, expect, it } from '@jest/globals';
import { keyHeader } from '../../helpers/fixtures.js';
import { startGateway } from '../../helpers/gateway.js';
import { waitUntil } from '../../helpers/wait-until.js';

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

  it('has one line if the subscription is rejected', async () => {
    expect(await runAndReadLog('subscription Unknown { nothing }')).toEqual([
      line({ errors: ['GRAPHQL_VALIDATION_FAILED'] }),
    ]);
    expect(await runAndReadLog('subscription Unknown($id: UUID!) { taskUpdated(id: $id) { status } }')).toEqual([
      line({ errors: ['GRAPHQL_VALIDATION_FAILED'] }),
    ]);
  });
});
