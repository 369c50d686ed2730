// How many events of one API key are executed at a time.
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { environmentLiteral, numberedVpc, numberedVpn, otherKey, range } from '../../helpers/fixtures.js';
import { json } from '../../helpers/upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { startOnRestApi } from './polling-gateway.js';
import { subscribeBySse, subscribeByWebSocket } from './subscribers.js';

const query = (index: number) =>
  `subscription { siteToSiteVpnsUpdated(environment: ${environmentLiteral}) { nodes { a${index}: name vpc { name } } } }`;

describe('The events of one API key', () => {
  it('are executed eight at a time for different operations, over all its connections, and do not delay those of another key', async () => {
    const { url, rest } = await startOnRestApi();
    const held: { key: unknown; response: ServerResponse }[] = [];
    rest.state.override = ({ url: path, headers }) =>
      path.includes('/vpcs')
        ? (response) => held.push({ key: headers['mc-api-key'], response })
        : { data: [numberedVpn(1, 1)] };
    const release = () => {
      for (const { response } of held.splice(0)) json(200, { data: [numberedVpc(1)] })(response);
    };
    const transports = [subscribeBySse, subscribeByWebSocket];
    const subscriptions = range(12).map((index) => (transports[index % 2] ?? subscribeBySse)(url)(query(index)));
    await waitUntil(() => held.length === 8);

    const other = subscribeBySse(url, otherKey)(query(0));
    await waitUntil(() => held.length === 9);
    expect(held.filter(({ key }) => key === otherKey)).toHaveLength(1);

    release();
    await Promise.all([other.waitForEvents(1), waitUntil(() => held.length === 4)]);
    release();
    await Promise.all(subscriptions.map((subscription) => subscription.waitForEvents(1)));
    expect(rest.calls.filter(({ url: path }) => path.includes('/vpcs'))).toHaveLength(13);
  });
});
