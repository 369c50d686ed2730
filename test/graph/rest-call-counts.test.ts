// The REST calls of an operation: one for each list, however many rows it has and however deep the lists are nested.
import { describe, expect, it } from '@jest/globals';
import { environment, environmentPath, numberedId, numberedVpc, numberedVpn, range } from '../helpers/fixtures.js';
import { failure, listAt, at, startOnSandbox, startOnUpstream } from './graph-client.js';
import { waitUntil } from '../helpers/wait-until.js';
import { json } from '../helpers/upstream.js';
import { createDefaultSeed } from '../../src/sandbox/default-seed.js';
import { seedEnvironment, seedSiteToSiteVpn, seedVpc } from '../../src/sandbox/seed.js';

const crowdedEnvironment = { serviceCode: 'compute-on', name: 'crowded' };
const crowdedPath = '/services/compute-on/crowded';

// A hundred VPNs over ten VPCs.
const sandbox = await startOnSandbox({
  seed: {
    ...createDefaultSeed(),
    environments: [
      {
        environment: seedEnvironment({ id: 'environment-1', name: 'crowded' }),
        vpcs: range(10).map((index) => seedVpc({ id: numberedId('vpc', index), name: `vpc-${index}` })),
        siteToSiteVpns: range(100).map((index) =>
          seedSiteToSiteVpn({
            id: numberedId('vpn', index),
            name: `vpn-${String(index).padStart(2, '0')}`,
            vpcId: numberedId('vpc', index % 10),
            gateway: `198.51.100.${index}`,
          }),
        ),
      },
    ],
  },
});
const scripted = await startOnUpstream();
const unlimited = await startOnUpstream({ maxRootFields: 0, maxAliases: 0, maxRepeats: 0, maxTokens: 10_000 });

const one = numberedId('vpn', 7);
const list = (fields: string, args = '') =>
  `query ($environment: EnvironmentInput!, $yes: Boolean = true, $no: Boolean = false) {
    siteToSiteVpns(environment: $environment ${args}) { ${fields} }
    __type(name: "Query") { name @include(if: $yes) @skip(if: $no) }
  }`;
const type = { __type: { name: 'Query' } };

describe('SiteToSiteVpn.vpc', () => {
  it.each([
    ['the id only', 'vpc { id }'],
    ['id and __typename', 'vpc { id __typename }'],
    ['an alias of the id', 'vpc { name: id }'],
    ['its environment', 'vpc { id environment { name } }'],
    ['an inline fragment', 'vpc { ... on Vpc { id } ... { id } }'],
    ['several selections of the same field', 'vpc { id } vpc { __typename id }'],
    ['a field excluded by @include', 'vpc { id name @include(if: $no) }'],
    ['a field excluded by @skip', 'vpc { id name @skip(if: $yes) }'],
    ['a fragment excluded by @include', 'vpc { id ... @include(if: $no) { name cidr } }'],
    ['literals in @skip and @include', 'vpc { id name @skip(if: true) cidr @include(if: false) }'],
  ])('takes no REST call for %s', async (_, selection) => {
    const body = await sandbox.execute(list(`nodes { id ${selection} }`), { environment: crowdedEnvironment });
    expect(listAt(body, 'data', 'siteToSiteVpns', 'nodes')).toHaveLength(100);
    expect(JSON.stringify(at(body, 'data', 'siteToSiteVpns', 'nodes', 7, 'vpc'))).toContain(numberedId('vpc', 7));
    expect(at(body, 'errors')).toBeUndefined();
    expect(sandbox.calls()).toEqual([`GET ${crowdedPath}/sitetositevpns`]);
  });

  it('takes no REST call if named fragments select only the id', async () => {
    const query = `query ($environment: EnvironmentInput!, $id: ID!, $no: Boolean!) {
      siteToSiteVpn(environment: $environment, id: $id) { ...Vpn }
    }
    fragment Vpn on SiteToSiteVpn { it: vpc { ...Id ...Name @include(if: $no) } }
    fragment Id on Vpc { key: id }
    fragment Name on Vpc { name }`;
    expect(await sandbox.execute(query, { environment: crowdedEnvironment, id: one, no: false })).toEqual({
      data: { siteToSiteVpn: { it: { key: numberedId('vpc', 7) } } },
    });
    expect(sandbox.calls()).toEqual([`GET ${crowdedPath}/sitetositevpns/${one}`]);
    expect(await sandbox.execute(query, { environment: crowdedEnvironment, id: one, no: true })).toEqual({
      data: { siteToSiteVpn: { it: { key: numberedId('vpc', 7), name: 'vpc-7' } } },
    });
    expect(sandbox.calls()).toEqual([
      `GET ${crowdedPath}/sitetositevpns/${one}`,
      `GET ${crowdedPath}/vpcs/${numberedId('vpc', 7)}`,
    ]);
  });

  it('takes one GET for one VPN', async () => {
    const query = `query ($environment: EnvironmentInput!, $id: ID!) {
      siteToSiteVpn(environment: $environment, id: $id) { name vpc { name sourceNatIp } again: vpc { cidr } }
    }`;
    expect(await sandbox.execute(query, { environment: crowdedEnvironment, id: one })).toEqual({
      data: {
        siteToSiteVpn: {
          name: 'vpn-07',
          vpc: { name: 'vpc-7', sourceNatIp: '172.31.4.10' },
          again: { cidr: '10.164.0.0/22' },
        },
      },
    });
    expect(sandbox.calls()).toEqual([
      `GET ${crowdedPath}/sitetositevpns/${one}`,
      `GET ${crowdedPath}/vpcs/${numberedId('vpc', 7)}`,
    ]);
  });

  it.each([
    ['nodes', 'nodes { vpc { id name } }'],
    ['edges', 'edges { node { vpc { id name } } }'],
    ['an alias', 'nodes: edges { node { its: vpc { id name } } }'],
    ['both', 'nodes { vpc { id name } } edges { node { vpc { cidr } } }'],
    ['variables in @include and @skip', 'nodes { vpc { id name @include(if: $yes) @skip(if: $no) } }'],
  ])('takes one list of VPCs for a hundred VPNs of ten VPCs, selected by %s', async (_, fields) => {
    const body = await sandbox.execute(list(fields), { environment: crowdedEnvironment });
    const rows = listAt(
      body,
      'data',
      'siteToSiteVpns',
      'nodes' in Object(at(body, 'data', 'siteToSiteVpns')) ? 'nodes' : 'edges',
    );
    const vpcs = rows.map((row) => at(row, 'vpc') ?? at(row, 'node', 'vpc') ?? at(row, 'node', 'its'));
    expect(vpcs).toEqual(range(100).map((index) => ({ id: numberedId('vpc', index % 10), name: `vpc-${index % 10}` })));
    expect(at(body, 'errors')).toBeUndefined();
    expect(sandbox.calls().toSorted()).toEqual([`GET ${crowdedPath}/sitetositevpns`, `GET ${crowdedPath}/vpcs`]);
  });

  it.each([
    ['vpc { name }', { vpc: { name: 'vpc-0001' } }],
    ['remoteEnd { localAddress }', { remoteEnd: { localAddress: '198.51.100.1' } }],
  ])('is loaded at the same time as the list of VPNs for %s', async (fields, node) => {
    const pending: (() => void)[] = [];
    scripted.upstream.script(({ url }) => (response) => {
      const data = url.endsWith('/vpcs') ? [numberedVpc(1)] : [numberedVpn(1, 1)];
      // The upstream responds to neither call before it has received both.
      pending.push(() => {
        json(200, { data })(response);
      });
      if (pending.length === 2) for (const respond of pending) respond();
    });
    expect(await scripted.execute(list(`nodes { ${fields} }`), { environment })).toEqual({
      data: { siteToSiteVpns: { nodes: [node] }, ...type },
    });
  });

  it('takes one GET if the list is filtered by its id, whatever rows the REST API returns', async () => {
    const capital = numberedId('vpc', 1).toUpperCase();
    const rows = range(30).map((index) => numberedVpn(index, index, index === 2 ? { vpcId: capital } : {}));
    scripted.upstream.script(({ url }) => ({ data: url.includes('/vpcs/') ? numberedVpc(1) : rows }));
    const query = list('nodes { name vpc { name } } totalCount', `, filter: { vpcId: "${numberedId('vpc', 1)}" }`);
    expect(await scripted.execute(query, { environment })).toEqual({
      data: {
        siteToSiteVpns: {
          nodes: [
            { name: 'vpn-0001', vpc: { name: 'vpc-0001' } },
            { name: 'vpn-0002', vpc: { name: 'vpc-0001' } },
          ],
          totalCount: 2,
        },
        ...type,
      },
    });
    expect(scripted.calls()).toHaveLength(2);
    expect(scripted.gateway.logs).toContainEqual(
      expect.objectContaining({
        field: 'siteToSiteVpn.vpcId',
        problem: 'not the VPC that the list was filtered by, VPN dropped',
      }),
    );
  });

  it('takes one GET if the list is filtered by its id', async () => {
    const vpcId = numberedId('vpc', 3);
    const body = await sandbox.execute(list('nodes { vpc { name } }', `, filter: { vpcId: "${vpcId}" }`), {
      environment: crowdedEnvironment,
    });
    expect(body).toEqual({
      data: { siteToSiteVpns: { nodes: range(10).map(() => ({ vpc: { name: 'vpc-3' } })) }, ...type },
    });
    expect(sandbox.calls().toSorted()).toEqual([
      `GET ${crowdedPath}/sitetositevpns?vpc_id=${vpcId}`,
      `GET ${crowdedPath}/vpcs/${vpcId}`,
    ]);
  });

  const vpcMissing = 'The environment has no VPC with the vpcId of this site-to-site VPN.';

  it('is null, with NOT_FOUND at its path, on the one row whose VPC does not exist', async () => {
    scripted.upstream.script(({ url }) => ({
      data: url.endsWith('/vpcs') ? [numberedVpc(1)] : [numberedVpn(1, 1), numberedVpn(2, 2), numberedVpn(3, 1)],
    }));
    expect(await scripted.execute(list('nodes { name vpc { name } }'), { environment })).toEqual({
      data: {
        siteToSiteVpns: {
          nodes: [
            { name: 'vpn-0001', vpc: { name: 'vpc-0001' } },
            { name: 'vpn-0002', vpc: null },
            { name: 'vpn-0003', vpc: { name: 'vpc-0001' } },
          ],
        },
        ...type,
      },
      errors: [failure('NOT_FOUND', ['siteToSiteVpns', 'nodes', 1, 'vpc'], vpcMissing)],
    });
    expect(scripted.calls()).toHaveLength(2);
  });

  it('is null, with NOT_FOUND, if the VPC of one VPN does not exist; an invalid vpcId is not requested', async () => {
    const query = `query ($environment: EnvironmentInput!, $id: ID!) {
      siteToSiteVpn(environment: $environment, id: $id) { vpcId vpc { name } }
    }`;
    for (const [vpcId, calls] of [
      [numberedId('vpc', 2), 2],
      ['../../../tasks', 1],
    ] as const) {
      scripted.upstream.script(({ url }) =>
        url.includes('/vpcs/') ? json(404, { errors: ['No.'] }) : { data: numberedVpn(1, 1, { vpcId }) },
      );
      expect(await scripted.execute(query, { environment, id: one })).toEqual({
        data: { siteToSiteVpn: { vpcId, vpc: null } },
        errors: [failure('NOT_FOUND', ['siteToSiteVpn', 'vpc'], vpcMissing)],
      });
      expect(scripted.calls()).toHaveLength(calls);
    }
  });

  it.each([
    [500, 'UPSTREAM_ERROR', 'The REST API failed to process the request.', 1],
    [503, 'UPSTREAM_UNAVAILABLE', 'The REST API is not available at the moment.', 3],
  ])('is an error on each row if the one list of VPCs fails with %i', async (status, code, message, tries) => {
    scripted.upstream.script(({ url }) =>
      url.endsWith('/vpcs') ? json(status, {}) : { data: range(5).map((index) => numberedVpn(index, index)) },
    );
    expect(await scripted.execute(list('nodes { name vpc { name } }'), { environment })).toEqual({
      data: {
        siteToSiteVpns: { nodes: range(5).map((index) => ({ name: `vpn-000${index}`, vpc: null })) },
        ...type,
      },
      errors: range(5).map((index) => failure(code, ['siteToSiteVpns', 'nodes', index, 'vpc'], message)),
    });
    expect(scripted.calls().toSorted()).toEqual([
      `GET ${environmentPath}/sitetositevpns`,
      ...range(tries).map(() => `GET ${environmentPath}/vpcs`),
    ]);
  });

  it('adds no error of prefetched VPCs if the list of VPNs fails', async () => {
    scripted.upstream.script(() => json(500, {}));
    expect(await scripted.execute(list('nodes { vpc { name } }'), { environment })).toEqual({
      data: { siteToSiteVpns: null, ...type },
      errors: [failure('UPSTREAM_ERROR', ['siteToSiteVpns'], 'The REST API failed to process the request.')],
    });
    expect(scripted.calls()).toHaveLength(2);
  });
});

describe('Vpc.siteToSiteVpns', () => {
  it('takes one list of VPNs for all VPCs of a list', async () => {
    const query = `query ($environment: EnvironmentInput!) {
      vpcs(environment: $environment) { nodes { name siteToSiteVpns { nodes { id vpcId } totalCount } } }
    }`;
    expect(await sandbox.execute(query, { environment: crowdedEnvironment })).toEqual({
      data: {
        vpcs: {
          nodes: range(10).map((vpc) => ({
            name: `vpc-${vpc}`,
            siteToSiteVpns: {
              nodes: range(10).map((ten) => ({ id: numberedId('vpn', 10 * ten + vpc), vpcId: numberedId('vpc', vpc) })),
              totalCount: 10,
            },
          })),
        },
      },
    });
    expect(sandbox.calls()).toEqual([`GET ${crowdedPath}/vpcs`, `GET ${crowdedPath}/sitetositevpns`]);
  });

  it('lets the REST API filter for a single VPC', async () => {
    const id = numberedId('vpc', 3);
    const query = `query ($environment: EnvironmentInput!, $id: ID!) {
      vpc(environment: $environment, id: $id) { name siteToSiteVpns { totalCount } more: siteToSiteVpns(first: 1) { nodes { name } } }
    }`;
    expect(await sandbox.execute(query, { environment: crowdedEnvironment, id })).toEqual({
      data: { vpc: { name: 'vpc-3', siteToSiteVpns: { totalCount: 10 }, more: { nodes: [{ name: 'vpn-03' }] } } },
    });
    expect(sandbox.calls()).toEqual([
      `GET ${crowdedPath}/vpcs/${id}`,
      `GET ${crowdedPath}/sitetositevpns?vpc_id=${id}`,
    ]);
  });

  it('fails only its root field if the list of VPNs fails', async () => {
    scripted.upstream.script(({ url }) =>
      url.endsWith('/vpcs') ? { data: range(3).map((n) => numberedVpc(n)) } : json(500, {}),
    );
    const query = `query ($environment: EnvironmentInput!) {
      vpcs(environment: $environment) { nodes { siteToSiteVpns { totalCount } } }
      plain: vpcs(environment: $environment) { totalCount }
    }`;
    const body = await scripted.execute(query, { environment });
    expect(at(body, 'data')).toEqual({ vpcs: null, plain: { totalCount: 3 } });
    expect(scripted.calls().toSorted()).toEqual([
      `GET ${environmentPath}/sitetositevpns`,
      `GET ${environmentPath}/vpcs`,
    ]);
  });
});

describe('Nested selections', () => {
  it('take two REST calls from VPNs to VPCs and back, at any depth', async () => {
    const query = list(
      'nodes { vpc { name siteToSiteVpns { nodes { vpc { name siteToSiteVpns { totalCount } } } } } }',
    );
    const body = await sandbox.execute(query, { environment: crowdedEnvironment });
    const first = {
      vpc: {
        name: 'vpc-0',
        siteToSiteVpns: {
          nodes: range(10).map(() => ({ vpc: { name: 'vpc-0', siteToSiteVpns: { totalCount: 10 } } })),
        },
      },
    };
    expect(listAt(body, 'data', 'siteToSiteVpns', 'nodes')).toHaveLength(100);
    expect(at(body, 'data', 'siteToSiteVpns', 'nodes', 0)).toEqual(first);
    expect(at(body, 'errors')).toBeUndefined();
    expect(sandbox.calls().toSorted()).toEqual([`GET ${crowdedPath}/sitetositevpns`, `GET ${crowdedPath}/vpcs`]);
  });

  it('take two REST calls from VPCs to VPNs and back, at any depth', async () => {
    const query = `query ($environment: EnvironmentInput!) {
      vpcs(environment: $environment) {
        nodes { siteToSiteVpns { nodes { vpc { name siteToSiteVpns { nodes { name } } } } } }
      }
    }`;
    const body = await sandbox.execute(query, { environment: crowdedEnvironment });
    expect(at(body, 'data', 'vpcs', 'nodes', 9, 'siteToSiteVpns', 'nodes', 9, 'vpc')).toEqual({
      name: 'vpc-9',
      siteToSiteVpns: { nodes: range(10).map((ten) => ({ name: `vpn-${ten}9` })) },
    });
    expect(at(body, 'errors')).toBeUndefined();
    expect(sandbox.calls()).toEqual([`GET ${crowdedPath}/vpcs`, `GET ${crowdedPath}/sitetositevpns`]);
  });

  it('take three REST calls from one VPN to its VPC, the VPNs of that VPC and their VPC', async () => {
    const query = `query ($environment: EnvironmentInput!, $id: ID!) {
      siteToSiteVpn(environment: $environment, id: $id) {
        vpc { name siteToSiteVpns { nodes { vpc { cidr siteToSiteVpns { totalCount } } } } }
      }
    }`;
    expect(await sandbox.execute(query, { environment: crowdedEnvironment, id: one })).toEqual({
      data: {
        siteToSiteVpn: {
          vpc: {
            name: 'vpc-7',
            siteToSiteVpns: {
              nodes: range(10).map(() => ({ vpc: { cidr: '10.164.0.0/22', siteToSiteVpns: { totalCount: 10 } } })),
            },
          },
        },
      },
    });
    const vpc = numberedId('vpc', 7);
    expect(sandbox.calls()).toEqual([
      `GET ${crowdedPath}/sitetositevpns/${one}`,
      `GET ${crowdedPath}/vpcs/${vpc}`,
      `GET ${crowdedPath}/sitetositevpns?vpc_id=${vpc}`,
    ]);
  });

  it('take no REST call for a VPC of which only the VPNs are selected', async () => {
    const query = `query ($environment: EnvironmentInput!, $id: ID!) {
      siteToSiteVpn(environment: $environment, id: $id) { vpc { siteToSiteVpns { totalCount } } }
    }`;
    expect(await sandbox.execute(query, { environment: crowdedEnvironment, id: one })).toEqual({
      data: { siteToSiteVpn: { vpc: { siteToSiteVpns: { totalCount: 10 } } } },
    });
    expect(sandbox.calls()).toEqual([
      `GET ${crowdedPath}/sitetositevpns/${one}`,
      `GET ${crowdedPath}/sitetositevpns?vpc_id=${numberedId('vpc', 7)}`,
    ]);
  });
});

describe('An operation', () => {
  const query = `query ($environment: EnvironmentInput!, $id: ID!) {
    a: siteToSiteVpn(environment: $environment, id: $id) { name }
    b: siteToSiteVpn(environment: $environment, id: $id) { name }
    c: siteToSiteVpns(environment: $environment) { totalCount }
    d: siteToSiteVpns(environment: $environment, first: 1) { nodes { name } }
  }`;
  const response = {
    data: {
      a: { name: 'vpn-07' },
      b: { name: 'vpn-07' },
      c: { totalCount: 100 },
      d: { nodes: [{ name: 'vpn-00' }] },
    },
  };
  const calls = [`GET ${crowdedPath}/sitetositevpns`, `GET ${crowdedPath}/sitetositevpns/${one}`];

  it('makes each REST call once; the next operation repeats it', async () => {
    expect(await sandbox.execute(query, { environment: crowdedEnvironment, id: one })).toEqual(response);
    expect(sandbox.calls().toSorted()).toEqual(calls);
    expect(await sandbox.execute(query, { environment: crowdedEnvironment, id: one })).toEqual(response);
    expect(sandbox.calls().toSorted()).toEqual(calls);
  });

  it('joins in-flight calls of other operations of the same key, and of no other key', async () => {
    const pendingResponses: (() => void)[] = [];
    scripted.upstream.script(({ url }) => (response) => {
      pendingResponses.push(() => {
        json(200, { data: url.endsWith('/vpcs') ? [numberedVpc(1)] : [numberedVpn(1, 1)] })(response);
      });
    });
    const ask = (more: string, key?: string) =>
      scripted.execute(
        `query ($environment: EnvironmentInput!) { vpns: siteToSiteVpns(environment: $environment) { nodes { name vpc { name } } } ${more} }`,
        { environment },
        key,
      );
    const first = ask('');
    await waitUntil(() => pendingResponses.length === 2);
    // When its own call arrives, it has requested everything that it reads.
    const second = ask('vpcs(environment: $environment) { totalCount } environments { id }');
    await waitUntil(() => pendingResponses.length === 3);
    const other = ask('', 'other-key');
    await waitUntil(() => pendingResponses.length === 5);
    for (const respond of pendingResponses) respond();
    const vpns = { nodes: [{ name: 'vpn-0001', vpc: { name: 'vpc-0001' } }] };
    expect(at(await first, 'data')).toEqual({ vpns });
    expect(at(await second, 'data')).toMatchObject({ vpns, vpcs: { totalCount: 1 } });
    expect(at(await other, 'data')).toEqual({ vpns });
    expect(scripted.calls()).toHaveLength(5);
  });

  it('separates environments of the same name by service and organization', async () => {
    scripted.upstream.script(({ url }) => ({ data: [numberedVpn(1, 1, { name: url })] }));
    const query = `{
      a: siteToSiteVpns(environment: { serviceCode: "s", name: "e" }) { nodes { name } }
      b: siteToSiteVpns(environment: { serviceCode: "t", name: "e" }) { nodes { name } }
      c: siteToSiteVpns(environment: { serviceCode: "s", name: "e", organizationId: "o" }) { nodes { name } }
    }`;
    expect(await scripted.execute(query)).toEqual({
      data: {
        a: { nodes: [{ name: '/v1/services/s/e/sitetositevpns' }] },
        b: { nodes: [{ name: '/v1/services/t/e/sitetositevpns' }] },
        c: { nodes: [{ name: '/v1/services/s/e/sitetositevpns?org_id=o' }] },
      },
    });
  });
});

describe('An operation that needs more than 100 REST calls', () => {
  it('is OPERATION_TOO_COMPLEX at the reads beyond them', async () => {
    const fields = range(110).map(
      (index) => `a${index}: vpcs(environment: { serviceCode: "a", name: "n${index}" }) { totalCount }`,
    );
    const body = await unlimited.execute(`{ ${fields.join(' ')} }`);
    expect(at(body, 'data', 'a99')).toEqual({ totalCount: 0 });
    expect(listAt(body, 'errors')).toEqual(
      range(10).map((index) =>
        failure('OPERATION_TOO_COMPLEX', [`a${index + 100}`], expect.stringContaining('more than 100 calls')),
      ),
    );
    expect(unlimited.calls()).toHaveLength(100);
  });
});
