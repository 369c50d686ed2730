// How many REST calls an operation takes: one for each list, whatever the number of its rows and however deep they are nested.
import { describe, expect, it } from '@jest/globals';
import {
  area,
  environment,
  failure,
  listAt,
  at,
  range,
  startOnSandbox,
  startOnUpstream,
  toId,
  wireVpc,
  wireVpn,
} from './graph-client.js';
import { until } from '../helpers/until.js';
import { json } from '../helpers/upstream.js';
import { defaultSeed, seedEnvironment, seedSiteToSiteVpn, seedVpc } from '../../src/sandbox/seed.js';

const crowded = { serviceCode: 'compute-on', name: 'crowded' };
const crowd = '/services/compute-on/crowded';

// A hundred VPNs over ten VPCs.
const sandbox = await startOnSandbox({
  seed: {
    ...defaultSeed(),
    environments: [
      {
        environment: seedEnvironment({ id: 'environment-1', name: 'crowded' }),
        vpcs: range(10).map((index) => seedVpc({ id: toId('vpc', index), name: `vpc-${index}` })),
        siteToSiteVpns: range(100).map((index) =>
          seedSiteToSiteVpn({
            id: toId('vpn', index),
            name: `vpn-${String(index).padStart(2, '0')}`,
            vpcId: toId('vpc', index % 10),
            gateway: `198.51.100.${index}`,
          }),
        ),
      },
    ],
  },
});
const scripted = await startOnUpstream();

const one = toId('vpn', 7);
const list = (fields: string, args = '') =>
  `query ($environment: EnvironmentInput!, $yes: Boolean = true, $no: Boolean = false) {
    siteToSiteVpns(environment: $environment ${args}) { ${fields} }
    __type(name: "Query") { name @include(if: $yes) @skip(if: $no) }
  }`;
const type = { __type: { name: 'Query' } };

describe('SiteToSiteVpn.vpc', () => {
  it.each([
    ['id alone', 'vpc { id }'],
    ['id and __typename', 'vpc { id __typename }'],
    ['an alias', 'vpc { name: id }'],
    ['its environment', 'vpc { id environment { name } }'],
    ['an inline fragment', 'vpc { ... on Vpc { id } ... { id } }'],
    ['several selections of the same', 'vpc { id } vpc { __typename id }'],
    ['a field that @include leaves out', 'vpc { id name @include(if: $no) }'],
    ['a field that @skip leaves out', 'vpc { id name @skip(if: $yes) }'],
    ['a fragment that @include leaves out', 'vpc { id ... @include(if: $no) { name cidr } }'],
    ['literals in @skip and @include', 'vpc { id name @skip(if: true) cidr @include(if: false) }'],
  ])('takes no call for the VPC where %s is selected', async (_, selection) => {
    const body = await sandbox.ask(list(`nodes { id ${selection} }`), { environment: crowded });
    expect(listAt(body, 'data', 'siteToSiteVpns', 'nodes')).toHaveLength(100);
    expect(JSON.stringify(at(body, 'data', 'siteToSiteVpns', 'nodes', 7, 'vpc'))).toContain(toId('vpc', 7));
    expect(at(body, 'errors')).toBeUndefined();
    expect(sandbox.calls()).toEqual([`GET ${crowd}/sitetositevpns`]);
  });

  it('takes no call for the VPC where named fragments select the id alone', async () => {
    const query = `query ($environment: EnvironmentInput!, $id: ID!, $no: Boolean!) {
      siteToSiteVpn(environment: $environment, id: $id) { ...Vpn }
    }
    fragment Vpn on SiteToSiteVpn { it: vpc { ...Id ...Name @include(if: $no) } }
    fragment Id on Vpc { key: id }
    fragment Name on Vpc { name }`;
    expect(await sandbox.ask(query, { environment: crowded, id: one, no: false })).toEqual({
      data: { siteToSiteVpn: { it: { key: toId('vpc', 7) } } },
    });
    expect(sandbox.calls()).toEqual([`GET ${crowd}/sitetositevpns/${one}`]);
    expect(await sandbox.ask(query, { environment: crowded, id: one, no: true })).toEqual({
      data: { siteToSiteVpn: { it: { key: toId('vpc', 7), name: 'vpc-7' } } },
    });
    expect(sandbox.calls()).toEqual([`GET ${crowd}/sitetositevpns/${one}`, `GET ${crowd}/vpcs/${toId('vpc', 7)}`]);
  });

  it('is one GET for one VPN', async () => {
    const query = `query ($environment: EnvironmentInput!, $id: ID!) {
      siteToSiteVpn(environment: $environment, id: $id) { name vpc { name sourceNatIp } again: vpc { cidr } }
    }`;
    expect(await sandbox.ask(query, { environment: crowded, id: one })).toEqual({
      data: {
        siteToSiteVpn: {
          name: 'vpn-07',
          vpc: { name: 'vpc-7', sourceNatIp: '172.31.4.10' },
          again: { cidr: '10.164.0.0/22' },
        },
      },
    });
    expect(sandbox.calls()).toEqual([`GET ${crowd}/sitetositevpns/${one}`, `GET ${crowd}/vpcs/${toId('vpc', 7)}`]);
  });

  it.each([
    ['nodes', 'nodes { vpc { id name } }'],
    ['edges', 'edges { node { vpc { id name } } }'],
    ['an alias', 'nodes: edges { node { its: vpc { id name } } }'],
    ['both', 'nodes { vpc { id name } } edges { node { vpc { cidr } } }'],
    ['a variable’s leave', 'nodes { vpc { id name @include(if: $yes) @skip(if: $no) } }'],
  ])('is one list of VPCs for a hundred VPNs over ten VPCs, by %s', async (_, fields) => {
    const body = await sandbox.ask(list(fields), { environment: crowded });
    const rows = listAt(
      body,
      'data',
      'siteToSiteVpns',
      'nodes' in Object(at(body, 'data', 'siteToSiteVpns')) ? 'nodes' : 'edges',
    );
    const vpcs = rows.map((row) => at(row, 'vpc') ?? at(row, 'node', 'vpc') ?? at(row, 'node', 'its'));
    expect(vpcs).toEqual(range(100).map((index) => ({ id: toId('vpc', index % 10), name: `vpc-${index % 10}` })));
    expect(at(body, 'errors')).toBeUndefined();
    expect(sandbox.calls().toSorted()).toEqual([`GET ${crowd}/sitetositevpns`, `GET ${crowd}/vpcs`]);
  });

  it('takes both calls at the same time', async () => {
    const pending: (() => void)[] = [];
    scripted.upstream.script(({ url }) => (response) => {
      const data = url.endsWith('/vpcs') ? [wireVpc(1)] : [wireVpn(1, 1)];
      // Neither is answered before both have come.
      pending.push(() => {
        json(200, { data })(response);
      });
      if (pending.length === 2) for (const answer of pending) answer();
    });
    expect(await scripted.ask(list('nodes { vpc { name } }'), { environment })).toEqual({
      data: { siteToSiteVpns: { nodes: [{ vpc: { name: 'vpc-0001' } }] }, ...type },
    });
  });

  it('is the one VPC’s GET where the list is filtered by it', async () => {
    const vpcId = toId('vpc', 3);
    const body = await sandbox.ask(list('nodes { vpc { name } }', `, filter: { vpcId: "${vpcId}" }`), {
      environment: crowded,
    });
    expect(body).toEqual({
      data: { siteToSiteVpns: { nodes: range(10).map(() => ({ vpc: { name: 'vpc-3' } })) }, ...type },
    });
    expect(sandbox.calls().toSorted()).toEqual([
      `GET ${crowd}/sitetositevpns?vpc_id=${vpcId}`,
      `GET ${crowd}/vpcs/${vpcId}`,
    ]);
  });

  const lacks = 'The environment has no VPC of the id that the site-to-site VPN names.';

  it('is null, with NOT_FOUND at its path, where the environment lacks the VPC; the rest stands', async () => {
    scripted.upstream.script(({ url }) => ({
      data: url.endsWith('/vpcs') ? [wireVpc(1)] : [wireVpn(1, 1), wireVpn(2, 2), wireVpn(3, 1)],
    }));
    expect(await scripted.ask(list('nodes { name vpc { name } }'), { environment })).toEqual({
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
      errors: [failure('NOT_FOUND', ['siteToSiteVpns', 'nodes', 1, 'vpc'], lacks)],
    });
    expect(scripted.calls()).toHaveLength(2);
  });

  it('is null, with NOT_FOUND at its path, where a VPN’s own VPC is not there or cannot be: no path is made of a bad id', async () => {
    const query = `query ($environment: EnvironmentInput!, $id: ID!) {
      siteToSiteVpn(environment: $environment, id: $id) { vpcId vpc { name } }
    }`;
    for (const [vpcId, calls] of [
      [toId('vpc', 2), 2],
      ['../../../tasks', 1],
    ] as const) {
      scripted.upstream.script(({ url }) =>
        url.includes('/vpcs/') ? json(404, {}) : { data: wireVpn(1, 1, { vpcId }) },
      );
      expect(await scripted.ask(query, { environment, id: one })).toEqual({
        data: { siteToSiteVpn: { vpcId, vpc: null } },
        errors: [failure('NOT_FOUND', ['siteToSiteVpn', 'vpc'], lacks)],
      });
      expect(scripted.calls()).toHaveLength(calls);
    }
  });

  it.each([
    [500, 'UPSTREAM_ERROR', 'The REST API failed at this request.', 1],
    [503, 'UPSTREAM_UNAVAILABLE', 'The REST API is not available at the moment.', 3],
  ])(
    'is an error on each row where the list of VPCs answers %i: one failing call, not one for each row',
    async (status, code, message, tries) => {
      scripted.upstream.script(({ url }) =>
        url.endsWith('/vpcs') ? json(status, {}) : { data: range(5).map((index) => wireVpn(index, index)) },
      );
      expect(await scripted.ask(list('nodes { name vpc { name } }'), { environment })).toEqual({
        data: {
          siteToSiteVpns: { nodes: range(5).map((index) => ({ name: `vpn-000${index}`, vpc: null })) },
          ...type,
        },
        errors: range(5).map((index) => failure(code, ['siteToSiteVpns', 'nodes', index, 'vpc'], message)),
      });
      expect(scripted.calls().toSorted()).toEqual([
        `GET ${area}/sitetositevpns`,
        ...range(tries).map(() => `GET ${area}/vpcs`),
      ]);
    },
  );

  it('fails with the list of VPNs: the VPCs that were asked for ahead tell nothing', async () => {
    scripted.upstream.script(() => json(500, {}));
    expect(await scripted.ask(list('nodes { vpc { name } }'), { environment })).toEqual({
      data: { siteToSiteVpns: null, ...type },
      errors: [failure('UPSTREAM_ERROR', ['siteToSiteVpns'], 'The REST API failed at this request.')],
    });
    expect(scripted.calls()).toHaveLength(2);
  });
});

describe('Vpc.siteToSiteVpns', () => {
  it('is one list of VPNs for all VPCs of a list', async () => {
    const query = `query ($environment: EnvironmentInput!) {
      vpcs(environment: $environment) { nodes { name siteToSiteVpns { nodes { id vpcId } totalCount } } }
    }`;
    expect(await sandbox.ask(query, { environment: crowded })).toEqual({
      data: {
        vpcs: {
          nodes: range(10).map((vpc) => ({
            name: `vpc-${vpc}`,
            siteToSiteVpns: {
              nodes: range(10).map((ten) => ({ id: toId('vpn', 10 * ten + vpc), vpcId: toId('vpc', vpc) })),
              totalCount: 10,
            },
          })),
        },
      },
    });
    expect(sandbox.calls()).toEqual([`GET ${crowd}/vpcs`, `GET ${crowd}/sitetositevpns`]);
  });

  it('has the REST API filter for one VPC', async () => {
    const id = toId('vpc', 3);
    const query = `query ($environment: EnvironmentInput!, $id: ID!) {
      vpc(environment: $environment, id: $id) { name siteToSiteVpns { totalCount } more: siteToSiteVpns(first: 1) { nodes { name } } }
    }`;
    expect(await sandbox.ask(query, { environment: crowded, id })).toEqual({
      data: { vpc: { name: 'vpc-3', siteToSiteVpns: { totalCount: 10 }, more: { nodes: [{ name: 'vpn-03' }] } } },
    });
    expect(sandbox.calls()).toEqual([`GET ${crowd}/vpcs/${id}`, `GET ${crowd}/sitetositevpns?vpc_id=${id}`]);
  });

  it('fails its VPC, and no more than that root field, where the list of VPNs fails', async () => {
    scripted.upstream.script(({ url }) =>
      url.endsWith('/vpcs') ? { data: range(3).map((n) => wireVpc(n)) } : json(500, {}),
    );
    const query = `query ($environment: EnvironmentInput!) {
      vpcs(environment: $environment) { nodes { siteToSiteVpns { totalCount } } }
      plain: vpcs(environment: $environment) { totalCount }
    }`;
    const body = await scripted.ask(query, { environment });
    expect(at(body, 'data')).toEqual({ vpcs: null, plain: { totalCount: 3 } });
    expect(scripted.calls().toSorted()).toEqual([`GET ${area}/sitetositevpns`, `GET ${area}/vpcs`]);
  });
});

describe('nesting', () => {
  it('takes two calls, from VPNs to VPCs and back and so on', async () => {
    const query = list(
      'nodes { vpc { name siteToSiteVpns { nodes { vpc { name siteToSiteVpns { totalCount } } } } } }',
    );
    const body = await sandbox.ask(query, { environment: crowded });
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
    expect(sandbox.calls().toSorted()).toEqual([`GET ${crowd}/sitetositevpns`, `GET ${crowd}/vpcs`]);
  });

  it('takes two calls, from VPCs to VPNs and back and so on', async () => {
    const query = `query ($environment: EnvironmentInput!) {
      vpcs(environment: $environment) {
        nodes { siteToSiteVpns { nodes { vpc { name siteToSiteVpns { nodes { name } } } } } }
      }
    }`;
    const body = await sandbox.ask(query, { environment: crowded });
    expect(at(body, 'data', 'vpcs', 'nodes', 9, 'siteToSiteVpns', 'nodes', 9, 'vpc')).toEqual({
      name: 'vpc-9',
      siteToSiteVpns: { nodes: range(10).map((ten) => ({ name: `vpn-${ten}9` })) },
    });
    expect(at(body, 'errors')).toBeUndefined();
    expect(sandbox.calls()).toEqual([`GET ${crowd}/vpcs`, `GET ${crowd}/sitetositevpns`]);
  });

  it('takes three calls from one VPN to its VPC, that VPC’s VPNs and their VPC', async () => {
    const query = `query ($environment: EnvironmentInput!, $id: ID!) {
      siteToSiteVpn(environment: $environment, id: $id) {
        vpc { name siteToSiteVpns { nodes { vpc { cidr siteToSiteVpns { totalCount } } } } }
      }
    }`;
    expect(await sandbox.ask(query, { environment: crowded, id: one })).toEqual({
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
    const vpc = toId('vpc', 7);
    expect(sandbox.calls()).toEqual([
      `GET ${crowd}/sitetositevpns/${one}`,
      `GET ${crowd}/vpcs/${vpc}`,
      `GET ${crowd}/sitetositevpns?vpc_id=${vpc}`,
    ]);
  });

  it('skips the VPC itself where only its VPNs are asked for', async () => {
    const query = `query ($environment: EnvironmentInput!, $id: ID!) {
      siteToSiteVpn(environment: $environment, id: $id) { vpc { siteToSiteVpns { totalCount } } }
    }`;
    expect(await sandbox.ask(query, { environment: crowded, id: one })).toEqual({
      data: { siteToSiteVpn: { vpc: { siteToSiteVpns: { totalCount: 10 } } } },
    });
    expect(sandbox.calls()).toEqual([
      `GET ${crowd}/sitetositevpns/${one}`,
      `GET ${crowd}/sitetositevpns?vpc_id=${toId('vpc', 7)}`,
    ]);
  });
});

describe('an operation', () => {
  const query = `query ($environment: EnvironmentInput!, $id: ID!) {
    a: siteToSiteVpn(environment: $environment, id: $id) { name }
    b: siteToSiteVpn(environment: $environment, id: $id) { name }
    c: siteToSiteVpns(environment: $environment) { totalCount }
    d: siteToSiteVpns(environment: $environment, first: 1) { nodes { name } }
  }`;
  const answer = {
    data: {
      a: { name: 'vpn-07' },
      b: { name: 'vpn-07' },
      c: { totalCount: 100 },
      d: { nodes: [{ name: 'vpn-00' }] },
    },
  };
  const calls = [`GET ${crowd}/sitetositevpns`, `GET ${crowd}/sitetositevpns/${one}`];

  it('reads the same thing once, and the next operation reads it anew', async () => {
    expect(await sandbox.ask(query, { environment: crowded, id: one })).toEqual(answer);
    expect(sandbox.calls().toSorted()).toEqual(calls);
    expect(await sandbox.ask(query, { environment: crowded, id: one })).toEqual(answer);
    expect(sandbox.calls().toSorted()).toEqual(calls);
  });

  it('shares calls under way with the same caller’s other operations, and none with another caller’s', async () => {
    const held: (() => void)[] = [];
    scripted.upstream.script(({ url }) => (response) => {
      held.push(() => {
        json(200, { data: url.endsWith('/vpcs') ? [wireVpc(1)] : [wireVpn(1, 1)] })(response);
      });
    });
    const ask = (more: string, key?: string) =>
      scripted.ask(
        `query ($environment: EnvironmentInput!) { vpns: siteToSiteVpns(environment: $environment) { nodes { name vpc { name } } } ${more} }`,
        { environment },
        key,
      );
    const first = ask('');
    await until(() => held.length === 2);
    // That its own call has come says that it has asked for all that it reads.
    const second = ask('vpcs(environment: $environment) { totalCount } environments { id }');
    await until(() => held.length === 3);
    const other = ask('', 'other-key');
    await until(() => held.length === 5);
    for (const release of held) release();
    const vpns = { nodes: [{ name: 'vpn-0001', vpc: { name: 'vpc-0001' } }] };
    expect(at(await first, 'data')).toEqual({ vpns });
    expect(at(await second, 'data')).toMatchObject({ vpns, vpcs: { totalCount: 1 } });
    expect(at(await other, 'data')).toEqual({ vpns });
    expect(scripted.calls()).toHaveLength(5);
  });

  it('keeps environments of the same name apart by service and organization', async () => {
    scripted.upstream.script(({ url }) => ({ data: [wireVpn(1, 1, { name: url })] }));
    const apart = `{
      a: siteToSiteVpns(environment: { serviceCode: "s", name: "e" }) { nodes { name } }
      b: siteToSiteVpns(environment: { serviceCode: "t", name: "e" }) { nodes { name } }
      c: siteToSiteVpns(environment: { serviceCode: "s", name: "e", organizationId: "o" }) { nodes { name } }
    }`;
    expect(await scripted.ask(apart)).toEqual({
      data: {
        a: { nodes: [{ name: '/v1/services/s/e/sitetositevpns' }] },
        b: { nodes: [{ name: '/v1/services/t/e/sitetositevpns' }] },
        c: { nodes: [{ name: '/v1/services/s/e/sitetositevpns?org_id=o' }] },
      },
    });
  });
});
