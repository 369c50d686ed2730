// MAX_RESULT_FIELDS of the built gateway, over HTTP.
import { describe, expect, it } from '@jest/globals';
import { environmentLiteral, keyHeader, numberedVpc, numberedVpn, range } from '../../helpers/fixtures.js';
import { post, sendRequest } from '../../helpers/http.js';
import { launchGateway } from '../../helpers/process.js';
import { startUpstream } from '../../helpers/upstream.js';

const upstream = await startUpstream(({ url }) => ({
  data: url.includes('/vpcs') ? [numberedVpc(0)] : range(100).map((index) => numberedVpn(index, 0)),
}));
// VPNs, the VPC of each, and all VPNs of that VPC.
const query = `{ siteToSiteVpns(environment: ${environmentLiteral}) { nodes { vpc { siteToSiteVpns { nodes { vpc { siteToSiteVpns { totalCount } } } } } } } }`;

describe('MAX_RESULT_FIELDS', () => {
  it('bounds the result of a small query by OPERATION_TOO_COMPLEX, status 200, and counts it in the metrics', async () => {
    const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url, MAX_RESULT_FIELDS: '20000' });
    for (let time = 0; time < 4; time++) {
      const { status, json } = await post(gateway.url, { query }, keyHeader());
      expect(status).toBe(200);
      expect(json).toEqual({
        data: null,
        errors: [
          {
            message: expect.stringMatching(/^The result would have more than 20000 fields in the rows of its lists/),
            extensions: { code: 'OPERATION_TOO_COMPLEX', requestId: expect.any(String) },
          },
        ],
      });
    }
    expect((await sendRequest(`${gateway.opsUrl}/metrics`)).text).toContain('outcome="OPERATION_TOO_COMPLEX"');
  });

  it('allows 250,000 fields by default', async () => {
    const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url });
    expect(await post(gateway.url, { query }, keyHeader())).toMatchObject({ status: 200, json: { data: {} } });
  });
});
