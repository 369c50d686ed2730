// docs/clients.md: graphql-ws with the options of the setup, while the built gateway is away. The clock of the client is fake.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type ClientOptions, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { addCleanup } from '../../helpers/cleanup.js';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { findFreePort } from '../../helpers/free-port.js';
import { launchGateway } from '../../helpers/process.js';
import { waitUntil } from '../../helpers/wait-until.js';

const clock = useFakeClock(['setTimeout']);
const text = await readFile(join(import.meta.dirname, '../../../docs/clients.md'), 'utf8');
const [, setup = ''] = /<!-- setup -->\n\n```js\n([\s\S]*?)```/.exec(text) ?? [];
const documented: unknown = await import(
  `data:text/javascript,${encodeURIComponent(`${setup}\nexport { reconnect };`)}`
);

type ReconnectOptions = Pick<ClientOptions, 'shouldRetry' | 'retryAttempts' | 'retryWait'>;

function hasReconnect(value: unknown): value is { readonly reconnect: ReconnectOptions } {
  return typeof value === 'object' && value !== null && 'reconnect' in value;
}

const query = `subscription { siteToSiteVpnsUpdated(environment: {serviceCode: "compute-on", name: "test_area"}) { totalCount } }`;
const event = { data: { siteToSiteVpnsUpdated: { totalCount: 9 } } };

describe('graphql-ws with the documented options', () => {
  it('resubscribes by itself to a gateway that was away for minutes', async () => {
    if (!hasReconnect(documented)) throw new TypeError('The setup has no options for graphql-ws.');
    const PORT = String(await findFreePort());
    const gateway = await launchGateway({ PORT });
    const events: unknown[] = [];
    const ends: unknown[] = [];
    let attempts = 0;
    const client = createClient({
      url: gateway.url.replace('http', 'ws'),
      connectionParams: { 'MC-Api-Key': 'sandbox-key' },
      webSocketImpl: WebSocket,
      on: { connecting: () => attempts++ },
      ...documented.reconnect,
    });
    addCleanup(() => client.dispose());
    client.subscribe(
      { query },
      {
        next: (value) => events.push(value),
        error: (error) => ends.push(error),
        complete: () => ends.push('complete'),
      },
    );
    await waitUntil(() => events.length === 1);
    gateway.signal('SIGTERM');
    await gateway.exit;
    let elapsedMs = 0;
    const advance = () => {
      clock.advance(500);
      elapsedMs += 500;
    };
    // Each refused connection takes real time, and each wait for the next one fake time.
    await waitUntil(() => {
      advance();
      return attempts > 10 || ends.length > 0;
    });
    await launchGateway({ PORT });
    await waitUntil(() => {
      advance();
      return events.length === 2 || ends.length > 0;
    });

    expect(ends).toEqual([]);
    expect(events).toEqual([event, event]);
    expect(elapsedMs).toBeGreaterThan(60_000);
  });
});
