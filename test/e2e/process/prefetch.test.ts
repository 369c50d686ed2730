// What is begun ahead of the question, and then not asked for since something else failed first: its failure ends nothing.
import { describe, expect, it } from '@jest/globals';
import { launchGateway } from '../../helpers/process.js';
import { json, startUpstream } from '../../helpers/upstream.js';
import { post } from '../../helpers/wire.js';

const key = { 'mc-api-key': 'any-key' };
const environment = 'environment: { serviceCode: "compute-on", name: "test_area" }';

describe('A call that was begun ahead', () => {
  it.each([
    ['service connections', '{ environments { serviceConnection { serviceCode } } }'],
    ['the VPCs of a list', `{ siteToSiteVpns(${environment}) { nodes { vpc { name } } } }`],
  ])('for %s may fail when nobody asks for it any more', async (_what, query) => {
    const upstream = await startUpstream(() => json(403, { errors: [{ code: 1002, message: 'No.' }] }));
    const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url });
    await post(gateway.url, { query }, key);

    expect(upstream.calls).toHaveLength(2);
    expect(await post(gateway.url, { query: '{ __typename }' }, key)).toMatchObject({ status: 200 });
    expect(gateway.hasEnded()).toBe(false);
    expect(gateway.stdout()).not.toMatch('unexpected error');
  });
});
