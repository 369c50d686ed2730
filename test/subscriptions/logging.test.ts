// The log of subscriptions: one line for each, when it has ended, and no word of an unexpected error for a failure that was foreseen.
import { describe, expect, it } from '@jest/globals';
import { startGatewayOnSandbox } from '../helpers/gateway.js';
import { until } from '../helpers/until.js';

const gateway = await startGatewayOnSandbox();

describe('The log of a subscription', () => {
  it('is one line with its name, type, events and error codes', async () => {
    const response = await fetch(`${gateway.url}/stream`, {
      method: 'POST',
      headers: {
        accept: 'text/event-stream',
        'content-type': 'application/json',
        'mc-api-key': 'sandbox-key',
        'x-request-id': 'request-1',
      },
      body: JSON.stringify({ query: 'subscription Follow { taskUpdated(id: "none") { status } }' }),
    });
    await response.text();
    await until(() => gateway.logs.length > 0);

    const time: unknown = expect.any(Number);
    expect(gateway.logs).toEqual([
      {
        level: 30,
        time,
        msg: 'operation',
        requestId: 'request-1',
        operation: 'Follow',
        type: 'subscription',
        durationMs: time,
        restCalls: 0,
        events: 1,
        errors: ['NOT_FOUND'],
      },
    ]);
  });
});
