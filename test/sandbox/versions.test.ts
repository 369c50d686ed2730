// The versions of the sandbox's API: their VPNs, and the environments, organizations and service connections of both.
import { describe, expect, it } from '@jest/globals';
import { keyHeader } from '../helpers/fixtures.js';
import {
  atlantis,
  getErrorMessages,
  getFields,
  getNames,
  getPath,
  getText,
  lostOutpost,
  newVpn,
  newVpnOfVersion2,
  type RestResponse,
  startSandbox,
  stargate,
  testArea,
  torontoOffice,
} from './test-sandbox.js';

const vpns = `${testArea}/sitetositevpns`;
const sg1 = 'a9f93785-0545-4876-8241-3b19b9a86721';
const cheyenneMountain = '1ee5cd43-8395-4cd5-a20f-0f1e83b7f8bd';

const getCodes = ({ body }: RestResponse): unknown[] => {
  const errors = getPath(body, 'errors');
  return Array.isArray(errors) ? errors.map((error: unknown) => getPath(error, 'errorCode')) : [];
};

describe('Version 2, site-to-site VPNs', () => {
  it('returns cidrList in the place of cidr, in lists, single VPNs and results of tasks', async () => {
    const { call, advance } = await startSandbox({}, 'v2');
    const { body: task } = await call('POST', vpns, { body: newVpnOfVersion2 });
    expect(task).toEqual({ taskId: expect.any(String), taskStatus: 'PENDING' });
    advance(3_000);
    const result = getPath((await call('GET', `/tasks/${getText(task, 'taskId')}`)).body, 'result');
    const single = getPath((await call('GET', `${vpns}/${getText(result, 'id')}`)).body, 'data');
    expect(single).toEqual({
      ...newVpnOfVersion2,
      id: getText(result, 'id'),
      state: 'Pending',
      dpd: false,
      forceEncap: false,
    });
    expect(result).toEqual(single);
    expect(getPath((await call('GET', vpns)).body, 'data', 9)).toEqual(single);
    const { body: list } = await call('GET', vpns);
    expect(Object.keys(getFields(list, 'data', 0))).toEqual([
      'id',
      'name',
      'state',
      'vpcId',
      'gateway',
      'cidrList',
      'ipSecPsk',
      'ikeEncryptionAlgorithm',
      'ikeHashAlgorithm',
      'ikeDhGroup',
      'ikeLifetime',
      'espEncryptionAlgorithm',
      'espHashAlgorithm',
      'espPerfectForwardSecrecy',
      'espLifetime',
      'dpd',
      'forceEncap',
    ]);
  });

  it('shares all VPNs and tasks with version 1', async () => {
    const { call, baseUrl, advance } = await startSandbox({}, 'v2');
    const { body: task } = await call('POST', vpns, {
      body: { ...newVpnOfVersion2, cidrList: '10.1.0.0/16,10.2.0.0/16' },
    });
    advance(3_000);
    const url = `${baseUrl.replace(/v2$/, 'v1')}/tasks/${getText(task, 'taskId')}`;
    const body: unknown = await (await fetch(url, { headers: keyHeader() })).json();
    expect(getPath(body, 'result')).toMatchObject({ name: newVpn.name, cidr: '10.1.0.0/16,10.2.0.0/16' });
  });

  it.each<[string, object, string[]]>([
    [
      'cidr instead of cidrList',
      { cidrList: undefined, cidr: '10.12.0.2/22' },
      ['cidrList is required.', 'cidr is not a field of a site-to-site VPN.'],
    ],
    [
      'no groups',
      { ikeDhGroup: undefined, espPerfectForwardSecrecy: null },
      ['ikeDhGroup is required.', 'espPerfectForwardSecrecy is required.'],
    ],
    [
      'the group None',
      { ikeDhGroup: 'None' },
      ['ikeDhGroup must be one of modp1536, group-5 (1536-bit), modp1024, group-2 (1024-bit).'],
    ],
    [
      'a pre-shared key with a double quote',
      { ipSecPsk: 'Kz81mPq04LtY"vB' },
      ['ipSecPsk must be a non-empty string without double quotes and line breaks.'],
    ],
    [
      'an empty pre-shared key',
      { ipSecPsk: '' },
      ['ipSecPsk must be a non-empty string without double quotes and line breaks.'],
    ],
  ])('rejects a create request with %s', async (_what, change, expected) => {
    const { call } = await startSandbox({}, 'v2');
    const response = await call('POST', vpns, { body: { ...newVpnOfVersion2, ...change } });
    expect([response.status, getErrorMessages(response)]).toEqual([400, expected]);
  });

  it('accepts a pre-shared key with fewer than 10 alphanumeric characters', async () => {
    const { call } = await startSandbox({}, 'v2');
    expect((await call('POST', vpns, { body: { ...newVpnOfVersion2, ipSecPsk: 'a-b-c' } })).status).toBe(200);
  });
});

describe('PUT …/sitetositevpns/:id', () => {
  const path = `${vpns}/${torontoOffice}`;

  it('changes the given fields, keeps the others, and connects the VPN when its task succeeds', async () => {
    const { call, advance } = await startSandbox({}, 'v2');
    const before = getFields((await call('GET', path)).body, 'data');
    const change = { cidrList: '10.20.0.0/16,10.21.0.0/16', ikeDhGroup: 'modp1024', dpd: false, espLifetime: 1_800 };
    const { status, body: task } = await call('PUT', path, { body: change });
    expect([status, task]).toEqual([200, { taskId: expect.any(String), taskStatus: 'PENDING' }]);
    expect(getPath((await call('GET', path)).body, 'data')).toEqual({ ...before, ...change, state: 'Pending' });
    advance(3_000);
    const updated = { ...before, ...change, state: 'Connected' };
    expect(getPath((await call('GET', path)).body, 'data')).toEqual(updated);
    expect((await call('GET', `/tasks/${getText(task, 'taskId')}`)).body).toMatchObject({
      taskStatus: 'SUCCESS',
      result: updated,
      data: { status: 'SUCCESS', result: updated },
    });
  });

  it('keeps the position of the VPN in the list, and its own name and gateway', async () => {
    const { call } = await startSandbox({}, 'v2');
    const before = getNames(await call('GET', vpns));
    const body = { name: 'toronto-office', gateway: '198.51.100.17' };
    expect((await call('PUT', path, { body })).status).toBe(200);
    expect(getNames(await call('GET', vpns))).toEqual(before);
  });

  it.each<[string, object, string[], object]>([
    ['a name that is in use', { name: 'stargate' }, ['ALREADY_USED'], { type: 'sitetositevpns', id: stargate }],
    [
      'a gateway that is in use',
      { gateway: '19.19.19.19' },
      ['ALREADY_USED'],
      { type: 'sitetositevpns', id: stargate },
    ],
    ['a VPC', { vpcId: newVpn.vpcId }, ['UNKNOWN_FIELD'], { type: 'sitetositevpns', id: torontoOffice }],
    ['cidr', { cidr: '10.12.0.0/22' }, ['UNKNOWN_FIELD'], { type: 'sitetositevpns', id: torontoOffice }],
    ['the group None', { ikeDhGroup: 'None' }, ['INVALID_VALUE'], { type: 'sitetositevpns', id: torontoOffice }],
    ['a lifetime of 0', { ikeLifetime: 0 }, ['INVALID_VALUE'], { type: 'sitetositevpns', id: torontoOffice }],
  ])('rejects %s, and changes nothing', async (_what, body, codes, context) => {
    const { call } = await startSandbox({}, 'v2');
    const before = (await call('GET', path)).body;
    const response = await call('PUT', path, { body });
    expect([response.status, getCodes(response), getPath(response.body, 'errors', 0, 'context')]).toEqual([
      400,
      codes,
      context,
    ]);
    expect((await call('GET', path)).body).toEqual(before);
  });

  it('fails the task for an unreachable gateway, and leaves the VPN in Error', async () => {
    const { call, advance } = await startSandbox({}, 'v2');
    const { body } = await call('PUT', `${vpns}/${lostOutpost}`, { body: { name: 'found-outpost' } });
    advance(3_000);
    expect((await call('GET', `/tasks/${getText(body, 'taskId')}`)).body).toMatchObject({ data: { status: 'FAILED' } });
    expect((await call('GET', `${vpns}/${lostOutpost}`)).body).toMatchObject({
      data: { name: 'found-outpost', state: 'Error' },
    });
  });

  it('is not undone when a VPN that was just created connects', async () => {
    const { call, advance } = await startSandbox({}, 'v2');
    await call('POST', vpns, { body: newVpnOfVersion2 });
    const id = getText((await call('GET', vpns)).body, 'data', 9, 'id');
    await call('PUT', `${vpns}/${id}`, { body: { name: 'renamed' } });
    advance(6_000);
    expect((await call('GET', `${vpns}/${id}`)).body).toMatchObject({ data: { name: 'renamed', state: 'Connected' } });
  });

  it('returns 404 for an unknown VPN, before it reads the body', async () => {
    const { call } = await startSandbox({}, 'v2');
    expect((await call('PUT', `${vpns}/nothing`)).status).toBe(404);
  });

  it('is not allowed in version 1', async () => {
    const { call } = await startSandbox();
    const response = await call('PUT', path, { body: { name: 'renamed' } });
    expect([response.status, response.headers.get('allow'), getCodes(response)]).toEqual([
      405,
      'GET, POST, DELETE',
      ['METHOD_NOT_ALLOWED'],
    ]);
  });
});

describe('GET /environments/:id', () => {
  it('returns the environment with its service code in version 1', async () => {
    const { call } = await startSandbox();
    expect((await call('GET', `/environments/${cheyenneMountain}`)).body).toEqual({
      data: {
        id: cheyenneMountain,
        name: 'cheyenne_mountain',
        description: 'Environment for base at Cheyenne Mountain',
        membership: 'MANY_USERS',
        creationDate: '2017-08-15T12:00:00.000Z',
        organization: { id: sg1, name: 'sg1', entryPoint: 'sg1' },
        serviceConnection: {
          id: 'adfbdb51-493b-45b1-8802-3f6327afb9e6',
          name: 'Compute - Québec',
          serviceCode: 'compute-qc',
          type: 'CloudCA',
        },
      },
    });
  });

  it('returns the entry of the list in version 2, with a state', async () => {
    const { call } = await startSandbox({}, 'v2');
    const single = getPath((await call('GET', `/environments/${cheyenneMountain}`)).body, 'data');
    expect(single).toMatchObject({
      state: 'PROVISIONED',
      serviceConnection: { serviceCode: 'compute-qc', type: 'CloudCA' },
    });
    expect(getPath((await call('GET', '/environments')).body, 'data', 3)).toEqual(single);
  });

  it('finds an environment of a sub-organization only with org_id', async () => {
    const { call } = await startSandbox();
    const path = '/environments/001d478e-2555-4413-a716-1f883aff5d8d';
    expect((await call('GET', path)).status).toBe(404);
    expect((await call('GET', `${path}?org_id=${atlantis}`)).body).toMatchObject({ data: { name: 'pegasus' } });
  });
});

describe('GET /organizations', () => {
  const connections = [
    { id: '1db21ef1-33f5-43b0-a04f-28e7ad1531bd', serviceCode: 'compute-on' },
    { id: 'adfbdb51-493b-45b1-8802-3f6327afb9e6', serviceCode: 'compute-qc' },
  ];
  const subOrganization = {
    id: atlantis,
    name: 'atlantis',
    entryPoint: 'atlantis',
    parent: { id: sg1, name: 'sg1' },
    environments: [{ id: '001d478e-2555-4413-a716-1f883aff5d8d' }],
    roles: [],
    serviceConnections: connections,
    users: [],
  };

  it('returns the organization of the key and those below it, with what belongs to them', async () => {
    const { call } = await startSandbox();
    const { body } = await call('GET', '/organizations');
    expect(body).toEqual({
      data: [
        {
          id: sg1,
          name: 'sg1',
          entryPoint: 'sg1',
          environments: Array(5).fill({ id: expect.any(String) }),
          roles: [],
          serviceConnections: connections,
          users: [],
        },
        subOrganization,
      ],
      metadata: { recordCount: 2 },
    });
  });

  it('returns only the organization of org_id if there is none below it', async () => {
    const { call } = await startSandbox({}, 'v2');
    expect(getNames(await call('GET', `/organizations?org_id=${atlantis}`))).toEqual(['atlantis']);
    expect((await call('GET', `/organizations/${sg1}?org_id=${atlantis}`)).status).toBe(404);
  });

  it('returns one organization by id', async () => {
    const { call } = await startSandbox();
    expect((await call('GET', `/organizations/${atlantis}`)).body).toEqual({ data: subOrganization });
  });
});

describe('GET /services/connections', () => {
  it('returns all connections in version 1, for every organization', async () => {
    const { call } = await startSandbox();
    for (const query of ['', `?organizationId=${atlantis}`, `?org_id=${atlantis}`])
      expect(getPath((await call('GET', `/services/connections${query}`)).body, 'metadata')).toEqual({
        recordCount: 2,
      });
  });

  it('returns only the connections that the organization owns in version 2, with their owner', async () => {
    const { call } = await startSandbox({}, 'v2');
    const { body } = await call('GET', `/services/connections?organizationId=${sg1}`);
    expect(getPath(body, 'data', 0)).toMatchObject({
      serviceCode: 'compute-on',
      organization: { id: sg1, name: 'sg1' },
    });
    for (const query of [`?organizationId=${atlantis}`, `?org_id=${atlantis}`])
      expect((await call('GET', `/services/connections${query}`)).body).toEqual({
        data: [],
        metadata: { recordCount: 0 },
      });
  });
});
