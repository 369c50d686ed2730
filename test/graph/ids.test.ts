// Ids that the REST API, or the client, spells in capitals in one place and in small letters in another.
import { describe, expect, it } from '@jest/globals';
import {
  environmentLiteral,
  environmentPath,
  numberedId,
  numberedVpc,
  numberedVpn,
  range,
} from '../helpers/fixtures.js';
import { failure, startOnUpstream } from './graph-client.js';

const graph = await startOnUpstream();

const small = numberedId('vpc', 1);
const capitals = small.toUpperCase();

/** Two VPNs, whose `vpcId` is in capitals in the first and in small letters in the second. */
const vpns = [numberedVpn(1, 1, { vpcId: capitals }), numberedVpn(2, 1, { vpcId: small })];

/** Responds to each call. The list of VPCs, and the one VPC, spell the id as `id`. */
function respondWith(id: string): void {
  graph.upstream.script(({ url }) => {
    const vpc = numberedVpc(1, { id });
    if (url.includes('/sitetositevpns')) return { data: vpns };
    return { data: url.endsWith('/vpcs') ? [numberedVpc(0), vpc] : vpc };
  });
}

const execute = (selection: string) => graph.execute(`{ ${selection} }`);

const list = `GET ${environmentPath}/sitetositevpns`;
const vpcList = `GET ${environmentPath}/vpcs`;

describe.each([
  ['small letters', small],
  ['capitals', capitals],
])('The id of a VPC in %s', (_, id) => {
  it('is that of the vpcId of its VPNs, in a list', async () => {
    respondWith(id);
    const query = (filter: string) =>
      `siteToSiteVpns(environment: ${environmentLiteral}, filter: ${filter}) { nodes { name vpc { name } } }`;
    const nodes = range(2).map((index) => ({ name: `vpn-000${index + 1}`, vpc: { name: 'vpc-0001' } }));
    expect(await execute(query('null'))).toEqual({ data: { siteToSiteVpns: { nodes } } });
    expect(graph.calls().toSorted()).toEqual([list, vpcList]);

    for (const vpcId of [small, capitals]) {
      expect(await execute(query(`{ vpcId: "${vpcId}" }`))).toEqual({ data: { siteToSiteVpns: { nodes } } });
      expect(graph.calls()).toHaveLength(2);
    }
  });

  it('has the VPNs with that vpcId, as one VPC and in a list', async () => {
    respondWith(id);
    const connection = 'name siteToSiteVpns { nodes { name } }';
    const siteToSiteVpns = { nodes: [{ name: 'vpn-0001' }, { name: 'vpn-0002' }] };
    expect(await execute(`vpcs(environment: ${environmentLiteral}) { nodes { ${connection} } }`)).toEqual({
      data: {
        vpcs: {
          nodes: [
            { name: 'vpc-0000', siteToSiteVpns: { nodes: [] } },
            { name: 'vpc-0001', siteToSiteVpns },
          ],
        },
      },
    });
    for (const asked of [small, capitals]) {
      expect(await execute(`vpc(environment: ${environmentLiteral}, id: "${asked}") { ${connection} }`)).toEqual({
        data: { vpc: { name: 'vpc-0001', siteToSiteVpns } },
      });
    }
  });
});

describe('An id in two spellings', () => {
  it('takes one REST call in an operation, for a VPN, a VPC and a filter', async () => {
    graph.upstream.script(({ url }) => {
      if (url.includes('vpc_id=')) return { data: vpns };
      return { data: url.includes('/vpcs/') ? numberedVpc(1) : numberedVpn(1, 1) };
    });
    const vpn = numberedId('vpn', 1);
    const fields = (root: string, one: string, other: string) =>
      [one, other].map(
        (id, index) => `a${root}${index}: ${root}(environment: ${environmentLiteral}, ${id}) { __typename }`,
      );
    const selections = [
      ...fields('siteToSiteVpn', `id: "${vpn}"`, `id: "${vpn.toUpperCase()}"`),
      ...fields('vpc', `id: "${small}"`, `id: "${capitals}"`),
      ...fields('siteToSiteVpns', `filter: { vpcId: "${small}" }`, `filter: { vpcId: "${capitals}" }`),
    ];
    expect(await execute(selections.join(' '))).toEqual({ data: expect.any(Object) });
    expect(graph.calls()).toHaveLength(3);
  });

  it('is NOT_FOUND for a VPC that the list does not have in either spelling', async () => {
    graph.upstream.script(({ url }) => ({ data: url.endsWith('/vpcs') ? [numberedVpc(0)] : vpns.slice(0, 1) }));
    expect(await execute(`siteToSiteVpns(environment: ${environmentLiteral}) { nodes { vpc { name } } }`)).toEqual({
      data: { siteToSiteVpns: { nodes: [{ vpc: null }] } },
      errors: [
        failure(
          'NOT_FOUND',
          ['siteToSiteVpns', 'nodes', 0, 'vpc'],
          'The environment has no VPC with the vpcId of this site-to-site VPN.',
        ),
      ],
    });
  });
});
