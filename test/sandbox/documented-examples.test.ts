// Compares the sandbox's responses with the examples of the REST API's documentation, copied word for word.
import { describe, expect, it } from '@jest/globals';
import { createDefaultSeed } from '../../src/sandbox/default-seed.js';
import { keyHeader } from '../helpers/fixtures.js';
import {
  getPath,
  atlantis,
  getEntities,
  getErrorMessages,
  getNames,
  newVpn,
  startSandbox,
  stargate,
  testArea,
  getText,
  torontoOffice,
} from './test-sandbox.js';

const documentedList = `{
  "data": [
    {
        "id": "d49b2922-0581-4587-94df-6fe719327d0f",
        "name": "stargate",
        "state": "Connected",
        "vpcId": "3fe7d82a-f4c4-4552-ac3b-787fdafed4e7",
        "gateway":"19.19.19.19",
        "cidr":"10.12.0.2/22",
        "ipSecPsk": "WtOBS9GRux2XtJPtHY2TUvrv",
        "ikeEncryptionAlgorithm": "3des",
        "ikeHashAlgorithm": "sha1",
        "ikeDhGroup":"modp1536",
        "ikeLifetime":86400,
        "espEncryptionAlgorithm":"3des",
        "espHashAlgorithm":"sha1",
        "espPerfectForwardSecrecy":"modp1536",
        "espLifetime":3600,
        "dpd": false,
        "forceEncap": false
    }
  ],
  "metadata": {
    "recordCount": 1
  }
}`;

const documentedVpn = `{
  "data": {
      "id": "d49b2922-0581-4587-94df-6fe719327d0f",
      "name": "stargate",
      "state": "Connected",
      "vpcId": "3fe7d82a-f4c4-4552-ac3b-787fdafed4e7",
      "gateway":"19.19.19.19",
      "cidr":"10.12.0.2/22",
      "ipSecPsk": "WtOBS9GRux2XtJPtHY2TUvrv",
      "ikeEncryptionAlgorithm": "3des",
      "ikeHashAlgorithm": "sha1",
      "ikeDhGroup":"modp1536",
      "ikeLifetime":86400,
      "espEncryptionAlgorithm":"3des",
      "espHashAlgorithm":"sha1",
      "espPerfectForwardSecrecy":"modp1536",
      "espLifetime":3600,
      "dpd": false,
      "forceEncap": false
  }
}`;

const documentedCreation = `{
      "name": "stargate",
      "vpcId": "3fe7d82a-f4c4-4552-ac3b-787fdafed4e7",
      "gateway":"19.19.19.19",
      "cidr":"10.12.0.2/22",
      "ipSecPsk": "WtOBS9GRux2XtJPtHY2TUvrv",
      "ikeEncryptionAlgorithm": "3des",
      "ikeHashAlgorithm": "sha1",
      "ikeDhGroup":"modp1536",
      "ikeLifetime":86400,
      "espEncryptionAlgorithm":"3des",
      "espHashAlgorithm":"sha1",
      "espPerfectForwardSecrecy":"modp1536",
      "espLifetime":3600,
      "dpd": false,
      "forceEncap": false
  }`;

const documentedVpcs = `{"data": [{"id": "9fe8e398-06d6-482c-8f55-b805bde4d3cc", "name": "MyVPC", "description": "Some VPC",
  "cidr": "10.155.24.0/22", "zoneId": "04afdbd1-e32d-4999-86d0-96703736dded", "zoneName": "QC-1", "state": "Enabled",
  "networkDomain": "hello.world", "vpcOfferingId": "21a40b85-5fa9-440f-ab77-5e560073b584", "requiresUpgrade": false,
  "sourceNatIp": "172.31.3.253", "vpnStatus": "Disabled"}], "metadata": {"recordCount": 1}}`;

const documentedEnvironments = `{"data": [{"id": "1ee5cd43-8395-4cd5-a20f-0f1e83b7f8bd", "name": "cheyenne_mountain",
  "description": "Environment for base at Cheyenne Mountain", "membership": "MANY_USERS",
  "creationDate": "2017-08-15T12:00:00.000Z",
  "organization": {"id": "a9f93785-0545-4876-8241-3b19b9a86721", "name": "sg1", "entryPoint": "sg1"},
  "serviceConnection": {"id": "adfbdb51-493b-45b1-8802-3f6327afb9e6", "name": "Compute - Québec"}}]}`;

const documentedConnections = `{"data": [{"id": "adfbdb51-493b-45b1-8802-3f6327afb9e6", "serviceCode": "compute-qc",
  "name": "Compute - Québec",
  "type": "CloudCA", "status": {"lastUpdated": "2017-08-15T12:00:00.000Z", "reachable": true}}]}`;

/** Returns JSON text without white space. Equal texts have the same fields and values, in the same order. */
const compact = (json: string): string => JSON.stringify(JSON.parse(json));
const first = (json: string): unknown => getPath(JSON.parse(json), 'data', 0);
const jsonOf = (body: unknown, id: unknown): string =>
  JSON.stringify(getEntities(body).find((entity) => getPath(entity, 'id') === id));

describe('Documented examples', () => {
  it('match the response to the list of VPNs of a VPC', async () => {
    const { call } = await startSandbox();
    const response = await call('GET', `${testArea}/sitetositevpns?vpc_id=3fe7d82a-f4c4-4552-ac3b-787fdafed4e7`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(JSON.stringify(response.body)).toBe(compact(documentedList));
  });

  it('match the response to one VPN', async () => {
    const { call } = await startSandbox();
    const response = await call('GET', `${testArea}/sitetositevpns/${stargate}`);
    expect(response.status).toBe(200);
    expect(JSON.stringify(response.body)).toBe(compact(documentedVpn));
  });

  it('create the documented VPN if its name and gateway are free', async () => {
    const { call, advance } = await startSandbox();
    await call('DELETE', `${testArea}/sitetositevpns/${stargate}`);
    advance(3_000);
    const { body } = await call('POST', `${testArea}/sitetositevpns`, { body: documentedCreation });
    advance(3_000);
    const result = getPath((await call('GET', `/tasks/${getText(body, 'taskId')}`)).body, 'result');
    const expected = compact(documentedVpn).replace(stargate, getText(result, 'id')).replace('Connected', 'Pending');
    expect(JSON.stringify({ data: result })).toBe(expected);
  });

  it('reset the documented VPN with a JSON content type and no body', async () => {
    const { baseUrl } = await startSandbox();
    const response = await fetch(`${baseUrl}${testArea}/sitetositevpns/${torontoOffice}?operation=reset`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...keyHeader() },
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ taskId: expect.any(String), taskStatus: 'PENDING' });
  });

  it('match the responses to the list of VPCs and to one VPC', async () => {
    const { call } = await startSandbox();
    const documented = first(documentedVpcs);
    const list = await call('GET', `${testArea}/vpcs`);
    expect(jsonOf(list.body, getPath(documented, 'id'))).toBe(JSON.stringify(documented));
    expect(getPath(list.body, 'metadata')).toEqual({ recordCount: 4 });
    const single = await call('GET', `${testArea}/vpcs/${getText(documented, 'id')}`);
    expect(JSON.stringify(single.body)).toBe(JSON.stringify({ data: documented }));
  });

  it('match the response to the list of environments', async () => {
    const { call } = await startSandbox();
    const documented = first(documentedEnvironments);
    const { body } = await call('GET', '/environments');
    expect(jsonOf(body, getPath(documented, 'id'))).toBe(JSON.stringify(documented));
  });

  it('match the responses to the list of service connections and to one of them', async () => {
    const { call } = await startSandbox();
    const documented = first(documentedConnections);
    const list = await call('GET', '/services/connections');
    expect(jsonOf(list.body, getPath(documented, 'id'))).toBe(JSON.stringify(documented));
    const single = await call('GET', `/services/connections/${getText(documented, 'id')}`);
    expect(JSON.stringify(single.body)).toBe(JSON.stringify({ data: documented }));
  });
});

describe('createDefaultSeed', () => {
  it('has VPNs in every state in test_area, and all documented values of an unused group', async () => {
    const { call } = await startSandbox();
    const vpns = getEntities((await call('GET', `${testArea}/sitetositevpns`)).body);
    expect(vpns).toHaveLength(9);
    expect(new Set(vpns.map((vpn) => getPath(vpn, 'state')))).toEqual(
      new Set(['Connected', 'Pending', 'Disconnected', 'Error']),
    );
    expect(new Set(vpns.map((vpn) => getPath(vpn, 'ikeDhGroup')))).toEqual(
      new Set(['modp1536', 'modp1024', null, '', undefined]),
    );
  });

  it('has environments of both services, each with its own VPNs and VPCs', async () => {
    const { call } = await startSandbox();
    const paths = ['compute-on/production', 'compute-qc/cheyenne_mountain', 'compute-qc/disaster_recovery'];
    const counts = await Promise.all(
      paths.map(async (path) => getPath((await call('GET', `/services/${path}/sitetositevpns`)).body, 'metadata')),
    );
    expect(counts).toEqual([{ recordCount: 2 }, { recordCount: 2 }, { recordCount: 0 }]);
    expect((await call('GET', '/services/compute-on/staging/vpcs')).body).toEqual({
      data: [],
      metadata: { recordCount: 0 },
    });
  });

  it('has only VPNs with a VPC of their environment and a unique name and gateway', () => {
    for (const { vpcs, siteToSiteVpns } of createDefaultSeed().environments) {
      const vpcIds = vpcs.map(({ id }) => id);
      for (const { vpcId } of siteToSiteVpns) expect(vpcIds).toContain(vpcId);
      expect(new Set(siteToSiteVpns.map(({ name }) => name)).size).toBe(siteToSiteVpns.length);
      expect(new Set(siteToSiteVpns.map(({ gateway }) => gateway)).size).toBe(siteToSiteVpns.length);
    }
  });

  it('returns new objects, which the sandbox copies', async () => {
    const seed = createDefaultSeed();
    const { call, advance } = await startSandbox({ seed });
    await call('DELETE', `${testArea}/sitetositevpns/${stargate}`);
    advance(3_000);
    expect((await call('GET', `${testArea}/sitetositevpns/${stargate}`)).status).toBe(404);
    expect(seed).toEqual(createDefaultSeed());
    for (const connection of seed.serviceConnections) connection.name = 'renamed';
    expect(getNames(await call('GET', '/services/connections'))).toEqual(['Compute - Ontario', 'Compute - Québec']);
    expect(createDefaultSeed().serviceConnections.map(({ name }) => name)).not.toContain('renamed');
  });
});

describe('GET …/sitetositevpns?vpc_id', () => {
  it('filters the VPNs of a VPC, in the order of the whole list', async () => {
    const { call } = await startSandbox();
    const response = await call('GET', `${testArea}/sitetositevpns?vpc_id=9fe8e398-06d6-482c-8f55-b805bde4d3cc`);
    expect(getNames(response)).toEqual(['toronto-office', 'montreal-office', 'ottawa-office', 'partner-lab']);
    expect(getPath(response.body, 'metadata')).toEqual({ recordCount: 4 });
  });

  it('returns an empty list for an unknown VPC', async () => {
    const { call } = await startSandbox();
    const response = await call('GET', `${testArea}/sitetositevpns?vpc_id=nothing`);
    expect(response.body).toEqual({ data: [], metadata: { recordCount: 0 } });
  });
});

describe('org_id', () => {
  it('selects the environments of a sub-organization, and none of the home organization', async () => {
    const { call } = await startSandbox();
    expect(getNames(await call('GET', `/environments?org_id=${atlantis}`))).toEqual(['pegasus']);
    const pegasus = `/services/compute-on/pegasus/sitetositevpns?org_id=${atlantis}`;
    expect(getNames(await call('GET', pegasus))).toEqual(['midway-station']);
    expect((await call('GET', `${testArea}/sitetositevpns?org_id=${atlantis}`)).status).toBe(404);
  });

  it('defaults to the home organization', async () => {
    const { call } = await startSandbox();
    expect(getNames(await call('GET', '/environments'))).toEqual([
      'test_area',
      'production',
      'staging',
      'cheyenne_mountain',
      'disaster_recovery',
    ]);
    expect((await call('GET', '/services/compute-on/pegasus/sitetositevpns')).status).toBe(404);
    expect((await call('GET', `${testArea}/sitetositevpns?org_id=a9f93785-0545-4876-8241-3b19b9a86721`)).status).toBe(
      200,
    );
  });

  it('returns 404 for an unknown organization on every path', async () => {
    const { call } = await startSandbox();
    for (const path of ['/environments', `${testArea}/vpcs`, '/services/connections']) {
      const response = await call('GET', `${path}?org_id=nobody`);
      expect([response.status, getErrorMessages(response)]).toEqual([404, ['The organization nobody was not found.']]);
    }
  });

  it('applies to writes', async () => {
    const { call, advance } = await startSandbox();
    const body = { ...newVpn, vpcId: '146b6631-a658-4aa9-9a68-91290bc46860' };
    const path = `/services/compute-on/pegasus/sitetositevpns?org_id=${atlantis}`;
    const { body: task } = await call('POST', path, { body });
    advance(3_000);
    expect(
      getPath((await call('GET', `/tasks/${getText(task, 'taskId')}?org_id=${atlantis}`)).body, 'taskStatus'),
    ).toBe('SUCCESS');
    expect(getNames(await call('GET', path))).toEqual(['midway-station', 'abydos']);
  });
});
