// Prefetched REST calls whose result is not used, because another call failed first: their failure must not end the process.
import { describe, expect, it } from '@jest/globals';
import { launchGateway } from '../../helpers/process.js';
import { json, startUpstream } from '../../helpers/upstream.js';
import { post } from '../../helpers/http.js';

const key = { 'mc-api-key': 'any-key' };
const environment = 'environment: { serviceCode: "compute-on", name: "test_area" }';

describe('A prefetched REST call', () => {
  it.each([
    ['service connections', '{ environments { serviceConnection { serviceCode } } }'],
    ['the VPCs of a list', `{ siteToSiteVpns(${environment}) { nodes { vpc { name } } } }`],
  ])('for %s can fail without use, and the gateway keeps running', async (_name, query) => {
    const upstream = await startUpstream(() => json(403, { errors: [{ code: 1002, message: 'No.' }] }));
    const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url });
    await post(gateway.url, { query }, key);

    expect(upstream.calls).toHaveLength(2);
    expect(await post(gateway.url, { query: '{ __typename }' }, key)).toMatchObject({ status: 200 });
    expect(gateway.hasExited()).toBe(false);
    expect(gateway.stdout()).not.toMatch('unexpected error');
  });
});
