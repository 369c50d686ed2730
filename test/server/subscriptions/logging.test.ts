// The log of subscriptions: one line for each, when it has ended, and no word of an unexpected error for a failure that was foreseen.
import { describe, expect, it } from '@jest/globals';
import { startGatewayOnSandbox } from '../../helpers/gateway.js';
import { until } from '../../helpers/until.js';

const gateway = await startGatewayOnSandbox();

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

/** Subscribes by an event stream, and takes what was logged until then. */
async function logOf(query: string): Promise<unknown[]> {
  const before = gateway.logs.length;
  const response = await fetch(`${gateway.url}/stream`, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      'mc-api-key': 'sandbox-key',
      'x-request-id': 'request-1',
    },
    body: JSON.stringify({ query }),
  });
  await response.text();
  await until(() => gateway.logs.length > before);
  return gateway.logs.slice(before);
}

describe('The log of a subscription', () => {
  it('is one line with its name, type, events and error codes', async () => {
    expect(await logOf('subscription Follow { taskUpdated(id: "none") { status } }')).toEqual([
      line({ operation: 'Follow', type: 'subscription', events: 1, errors: ['NOT_FOUND'] }),
    ]);
  });

  it('is one line too where it was refused, with what is known of it', async () => {
    expect(await logOf('subscription Odd { nothing }')).toEqual([line({ errors: ['GRAPHQL_VALIDATION_FAILED'] })]);
    expect(await logOf('subscription Odd($id: UUID!) { taskUpdated(id: $id) { status } }')).toEqual([
      line({ errors: ['GRAPHQL_VALIDATION_FAILED'] }),
    ]);
  });
});
