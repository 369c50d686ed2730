// Prefetched REST calls whose result is not used, because another call failed first: their failure must not end the process.
import { describe, expect, it } from '@jest/globals';
import { keyHeader } from '../../helpers/fixtures.js';
import { launchGateway } from '../../helpers/process.js';
import { json, startUpstream } from '../../helpers/upstream.js';
import { sendRequest, post } from '../../helpers/http.js';
import { waitUntil } from '../../helpers/wait-until.js';

const key = keyHeader('any-key');
const environment = 'environment: { serviceCode: "compute-on", name: "test_area" }';

const upstream = await startUpstream(() => json(403, { errors: [{ code: 1002, message: 'No.' }] }));
const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url });

/** Returns the number of REST calls whose failure the gateway has received. */
async function countFailures(): Promise<number> {
  const { text } = await sendRequest(`${gateway.opsUrl}/metrics`);
  const counts = [...text.matchAll(/^gateway_rest_calls_total\{.*status="403".*\} (\d+)$/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

describe('A prefetched REST call', () => {
  it.each([
    ['service connections', '{ environments { serviceConnection { serviceCode } } }'],
    ['the VPCs of a list', `{ siteToSiteVpns(${environment}) { nodes { vpc { name } } } }`],
  ])('for %s can fail without use, and the gateway keeps running', async (_name, query) => {
    const before = await countFailures();
    await post(gateway.url, { query }, key);
    await waitUntil(async () => (await countFailures()) === before + 2);

    expect(await post(gateway.url, { query: '{ __typename }' }, key)).toMatchObject({ status: 200 });
    expect(gateway.hasExited()).toBe(false);
    expect(gateway.stdout()).not.toMatch('unexpected error');
  });
});
