// SiteToSiteVpn.networkOverlaps: its values, its REST calls, and why it is null.
import { describe, expect, it } from '@jest/globals';
import { countTurns } from '../helpers/count-turns.js';
import { environment, environmentPath, numberedId, numberedVpc, numberedVpn, range } from '../helpers/fixtures.js';
import { json } from '../helpers/upstream.js';
import { subscribeBySse } from '../server/subscriptions/subscribers.js';
import { at, failure, listAt, startOnSandbox, startOnUpstream } from './graph-client.js';

const graph = await startOnUpstream();
const sandbox = await startOnSandbox();
const small = await startOnUpstream({ maxResultFields: 1_000 });

const overlapFields = 'networkOverlaps { cidr overlapsWith kind siteToSiteVpn { name } }';
const listOf = (fields: string, args = '') =>
  `query ($environment: EnvironmentInput!) {
    siteToSiteVpns(environment: $environment ${args}) { nodes { name ${fields} } }
  }`;
const oneOf = (fields: string) => `query ($environment: EnvironmentInput!, $id: ID!) {
  siteToSiteVpn(environment: $environment, id: $id) { ${fields} }
}`;
const variables = { environment, id: numberedId('vpn', 1) };
const listPath = `GET ${environmentPath}/sitetositevpns`;
const vpcsPath = `GET ${environmentPath}/vpcs`;

type Fields = Readonly<Record<string, unknown>>;

/** Scripts an environment: VPNs as rows, and VPCs by the numbers in their ids. */
function script({ upstream }: typeof graph, vpns: readonly object[], vpcs: readonly object[] = [numberedVpc(1)]): void {
  upstream.script(({ url }) => {
    const { pathname, searchParams } = new URL(url, 'http://upstream');
    const [collection = '', id] = pathname.split('/').slice(-2).includes('test_area')
      ? [pathname.split('/').at(-1)]
      : pathname.split('/').slice(-2);
    const rows = collection === 'vpcs' ? vpcs : vpns;
    const ofVpc = rows.filter((row) => [null, at(row, 'vpcId')].includes(searchParams.get('vpc_id')));
    return { data: id === undefined ? ofVpc : rows.find((row) => at(row, 'id') === id) };
  });
}

/** Returns this many networks, others for each index. */
const toCidrs = (index: number, count: number) =>
  range(count)
    .map((host) => `10.${index}.0.${host}/32`)
    .join();

/** Returns the overlaps of the VPN with number 1, whose VPC is 10.164.0.0/22 unless `vpc` says otherwise. */
async function overlapsOf(vpn: Fields, others: readonly Fields[] = [], vpc: Fields = {}): Promise<unknown> {
  const rows = [numberedVpn(1, 1, vpn), ...others.map((fields, index) => numberedVpn(index + 2, 1, fields))];
  script(graph, rows, [numberedVpc(1, { cidr: '10.164.0.0/22', ...vpc })]);
  return at(await graph.execute(listOf(overlapFields), { environment }), 'data', 'siteToSiteVpns', 'nodes', 0);
}

const overlap = (cidr: string, overlapsWith: string, name?: string) => ({
  cidr,
  overlapsWith,
  kind: name === undefined ? 'VPC' : 'SITE_TO_SITE_VPN',
  siteToSiteVpn: name === undefined ? null : { name },
});

describe('SiteToSiteVpn.networkOverlaps', () => {
  it('is empty if no network overlaps', async () => {
    expect(await overlapsOf({ cidr: '10.12.0.0/22' }, [{ cidr: '10.16.0.0/22,2001:db8::/32' }])).toEqual({
      name: 'vpn-0001',
      networkOverlaps: [],
    });
  });

  it("lists the VPC's networks first, then those of its other VPNs by name, for each remote network", async () => {
    const cidrs = '10.12.0.2/22, 10.164.2.0/24';
    const others = [
      { name: 'z', cidr: '10.0.0.0/8' },
      { name: 'a', cidr: '10.12.1.7/32,10.20.0.0/16' },
    ];
    expect(await overlapsOf({ cidr: cidrs }, others)).toMatchObject({ name: 'a' });
    expect(await overlapsOf({ name: 'A', cidr: cidrs }, others)).toEqual({
      name: 'A',
      networkOverlaps: [
        overlap('10.12.0.2/22', '10.12.1.7/32', 'a'),
        overlap('10.12.0.2/22', '10.0.0.0/8', 'z'),
        overlap('10.164.2.0/24', '10.164.0.0/22'),
        overlap('10.164.2.0/24', '10.0.0.0/8', 'z'),
      ],
    });
  });

  it('knows several networks of a VPC, and compares none of different IP versions', async () => {
    const vpc = { cidr: '10.164.0.0/22, 2001:db8::/32' };
    expect(await overlapsOf({ cidr: '2001:db8:1::/48,0.0.0.0/0' }, [{ cidr: '::/0' }], vpc)).toEqual({
      name: 'vpn-0001',
      networkOverlaps: [
        overlap('2001:db8:1::/48', '2001:db8::/32'),
        overlap('2001:db8:1::/48', '::/0', 'vpn-0002'),
        overlap('0.0.0.0/0', '10.164.0.0/22'),
      ],
    });
  });

  it('says nothing of VPNs of other VPCs, nor of a network that the VPN has twice', async () => {
    const rows = [
      numberedVpn(1, 1, { cidr: '10.12.0.0/22,10.12.0.0/22,10.12.1.0/24' }),
      numberedVpn(2, 2, { cidr: '10.12.0.0/22' }),
    ];
    script(graph, rows, [numberedVpc(1), numberedVpc(2)]);
    expect(await graph.execute(listOf(overlapFields), { environment })).toEqual({
      data: {
        siteToSiteVpns: {
          nodes: [
            { name: 'vpn-0001', networkOverlaps: [] },
            { name: 'vpn-0002', networkOverlaps: [] },
          ],
        },
      },
    });
  });

  it('takes two REST calls for a hundred VPNs of ten VPCs, whatever else needs the VPCs', async () => {
    script(
      graph,
      range(100).map((index) => numberedVpn(index, index % 10, { cidr: '10.12.0.0/22' })),
      range(10).map((index) => numberedVpc(index)),
    );
    const body = await graph.execute(listOf(`${overlapFields} vpc { name siteToSiteVpns { totalCount } }`), {
      environment,
    });
    const rows = listAt(body, 'data', 'siteToSiteVpns', 'nodes');
    expect(rows.map((row) => listAt(row, 'networkOverlaps').length)).toEqual(range(100).map(() => 9));
    expect(graph.calls().toSorted()).toEqual([listPath, vpcsPath]);
  });

  it('takes two REST calls for a list that is filtered by VPC and by state', async () => {
    const cidr = '10.12.0.0/22';
    script(graph, [numberedVpn(1, 1, { cidr }), numberedVpn(2, 1, { cidr, state: 'Error' })]);
    const filter = `, filter: { vpcId: "${numberedId('vpc', 1)}", states: [ERROR] }`;
    expect(await graph.execute(listOf(overlapFields, filter), { environment })).toEqual({
      data: { siteToSiteVpns: { nodes: [{ name: 'vpn-0002', networkOverlaps: [overlap(cidr, cidr, 'vpn-0001')] }] } },
    });
    expect(graph.calls().toSorted()).toEqual([
      `${listPath}?vpc_id=${numberedId('vpc', 1)}`,
      `${vpcsPath}/${numberedId('vpc', 1)}`,
    ]);
  });

  it('takes the list of its VPC besides for one VPN, which counts as it was read', async () => {
    const rows = [numberedVpn(1, 1, { cidr: '10.99.0.0/24' }), numberedVpn(2, 1, { cidr: '10.12.0.0/16' })];
    graph.upstream.script(({ url }) => {
      if (url.includes('/vpcs/')) return { data: numberedVpc(1) };
      return { data: url.includes('vpc_id') ? rows : numberedVpn(1, 1, { cidr: '10.12.0.0/22' }) };
    });
    expect(await graph.execute(oneOf(overlapFields), variables)).toEqual({
      data: { siteToSiteVpn: { networkOverlaps: [overlap('10.12.0.0/22', '10.12.0.0/16', 'vpn-0002')] } },
    });
    expect(graph.calls().toSorted()).toEqual([
      `${listPath}/${numberedId('vpn', 1)}`,
      `${listPath}?vpc_id=${numberedId('vpc', 1)}`,
      `${vpcsPath}/${numberedId('vpc', 1)}`,
    ]);
  });

  it.each([
    ['the VPC has no network', {}, {}, { cidr: null }, 'the REST API sent no cidr of the VPC'],
    ["the VPC's network is none", {}, {}, { cidr: 'none' }, 'the cidr of the VPC is not a list of CIDR blocks'],
    [
      'the network of a VPN of the VPC is none',
      {},
      { cidr: 'office' },
      {},
      'the cidr of a site-to-site VPN of the VPC is not a list of CIDR blocks',
    ],
    ['the VPN has no network', { cidr: '' }, {}, {}, 'the REST API sent no cidr of a site-to-site VPN of the VPC'],
  ])('is null, with an error, if %s', async (_, vpn, other, vpc, reason) => {
    script(graph, [numberedVpn(1, 1, vpn), numberedVpn(2, 1, other)], [numberedVpc(1, vpc)]);
    const body = await graph.execute(oneOf(`name ${overlapFields}`), variables);
    expect(body).toEqual({
      data: { siteToSiteVpn: { name: 'vpn-0001', networkOverlaps: null } },
      errors: [
        failure(
          'UPSTREAM_BAD_RESPONSE',
          ['siteToSiteVpn', 'networkOverlaps'],
          `The overlaps cannot be determined: ${reason}.`,
        ),
      ],
    });
  });

  it.each([
    ['the VPCs cannot be read', '/vpcs', 'UPSTREAM_UNAVAILABLE'],
    ['the key may not read the VPCs', '/vpcs', 'FORBIDDEN'],
  ])('is null, with an error, in each row if %s', async (_, path, code) => {
    const status = code === 'FORBIDDEN' ? 403 : 502;
    graph.upstream.script(({ url }) =>
      url.endsWith(path)
        ? json(status, { errors: [{ code: 1, message: 'No.' }] })
        : { data: [numberedVpn(1, 1), numberedVpn(2, 1)] },
    );
    const body = await graph.execute(listOf(overlapFields), { environment });
    expect(at(body, 'data')).toEqual({
      siteToSiteVpns: {
        nodes: [
          { name: 'vpn-0001', networkOverlaps: null },
          { name: 'vpn-0002', networkOverlaps: null },
        ],
      },
    });
    expect(at(body, 'errors')).toEqual(
      range(2).map((row) =>
        failure(code, ['siteToSiteVpns', 'nodes', row, 'networkOverlaps'], expect.any(String), {
          upstream: expect.anything(),
        }),
      ),
    );
  });

  it('is null, with NOT_FOUND, if the environment lacks the VPC of one row, and stands in the other rows', async () => {
    script(graph, [numberedVpn(1, 1), numberedVpn(2, 2)]);
    expect(await graph.execute(listOf(overlapFields), { environment })).toEqual({
      data: {
        siteToSiteVpns: {
          nodes: [
            { name: 'vpn-0001', networkOverlaps: [] },
            { name: 'vpn-0002', networkOverlaps: null },
          ],
        },
      },
      errors: [
        failure(
          'NOT_FOUND',
          ['siteToSiteVpns', 'nodes', 1, 'networkOverlaps'],
          'The environment has no VPC with the vpcId of this site-to-site VPN.',
        ),
      ],
    });
  });

  it('is null, with BAD_USER_INPUT, for the VPN of a task without its environment', async () => {
    const taskId = numberedId('task', 1);
    graph.upstream.script(() => ({ taskId, taskStatus: 'SUCCESS', result: numberedVpn(1, 1) }));
    const query = `query ($id: ID!) { task(id: $id) { siteToSiteVpn { name ${overlapFields} } } }`;
    const body = await graph.execute(query, { id: taskId });
    expect(at(body, 'data', 'task', 'siteToSiteVpn')).toEqual({ name: 'vpn-0001', networkOverlaps: null });
    expect(at(body, 'errors', 0, 'extensions', 'code')).toBe('BAD_USER_INPUT');
  });

  it.each([1, 100])('gets a turn of the event loop for every 1,000 networks of %i VPCs', async (vpcs) => {
    script(
      graph,
      range(100).map((index) => numberedVpn(index, index % vpcs, { cidr: toCidrs(index, 100) })),
      range(vpcs).map((index) => numberedVpc(index)),
    );
    expect(await countTurns(graph.execute(listOf('networkOverlaps { kind }'), { environment }))).toBeGreaterThanOrEqual(
      10,
    );
  });

  it('is null, with an error, if the VPC and its VPNs have more than 20,000 networks', async () => {
    script(
      graph,
      range(100).map((index) => numberedVpn(index, 1, { cidr: toCidrs(index, 201) })),
    );
    const body = await graph.execute(listOf(overlapFields, 'first: 1'), { environment });
    expect(at(body, 'errors', 0, 'message')).toBe(
      'The overlaps cannot be determined: the VPC and its VPNs have more than 20000 networks.',
    );
  });

  it('counts each overlap as a row of the result, and makes no more of them than the result may have', async () => {
    script(
      small,
      range(200).map((index) => numberedVpn(index, 1, { cidr: '10.12.0.0/22' })),
    );
    const body = await small.execute(listOf('networkOverlaps { cidr }'), { environment });
    expect(at(body, 'data')).toBeNull();
    expect(listAt(body, 'errors')).toHaveLength(1);
    expect(at(body, 'errors', 0, 'extensions', 'code')).toBe('OPERATION_TOO_COMPLEX');
  });
});

describe('Subscription.siteToSiteVpnsUpdated', () => {
  it('has the overlaps of each row with VPNs outside the filter too, with the list of the poll', async () => {
    const production = '{serviceCode: "compute-on", name: "production"}';
    const shop = '19ed8296-768e-4440-b626-4a75ab283fff';
    const subscribe = subscribeBySse(sandbox.gateway.url);
    const subscription = subscribe(`subscription {
      siteToSiteVpnsUpdated(environment: ${production}, filter: { vpcId: "${shop}" }) { nodes { name ${overlapFields} } }
    }`);
    await subscription.waitForEvents(1);
    expect(subscription.events).toEqual([
      {
        data: {
          siteToSiteVpnsUpdated: {
            nodes: [
              {
                name: 'payment-provider',
                networkOverlaps: [overlap('10.20.250.0/28', '10.20.0.0/16', 'toronto-office')],
              },
              {
                name: 'toronto-office',
                networkOverlaps: [overlap('10.20.0.0/16', '10.20.250.0/28', 'payment-provider')],
              },
            ],
          },
        },
      },
    ]);
    subscription.unsubscribe();
    const productionPath = '/services/compute-on/production';
    expect(sandbox.calls()).toEqual([`GET ${productionPath}/sitetositevpns`, `GET ${productionPath}/vpcs/${shop}`]);
  });
});
