// The sandbox's answers against the examples of the API's documentation, copied here word for word.
import { describe, expect, it } from '@jest/globals';
import { defaultSeed } from '../../src/sandbox/seed.js';
import { at, atlantis, messages, names, newVpn, serve, stargate, testArea, textAt, torontoOffice } from './test-sandbox.js';

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

/** The JSON text without its white space: equal texts have the same fields, values and order of fields. */
const compact = (json: string): string => JSON.stringify(JSON.parse(json));
const first = (json: string): unknown => at(JSON.parse(json), 'data', 0);
const entities = (body: unknown): unknown[] => {
  const data = at(body, 'data');
  return Array.isArray(data) ? data : [];
};
const jsonOf = (body: unknown, id: unknown): string =>
  JSON.stringify(entities(body).find((entity) => at(entity, 'id') === id));

describe('The documented examples', () => {
  it('are what the list of site-to-site VPNs of a VPC answers', async () => {
    const { call } = await serve();
    const answer = await call('GET', `${testArea}/sitetositevpns?vpc_id=3fe7d82a-f4c4-4552-ac3b-787fdafed4e7`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(JSON.stringify(answer.body)).toBe(compact(documentedList));
  });

  it('are what one site-to-site VPN answers', async () => {
    const { call } = await serve();
    const answer = await call('GET', `${testArea}/sitetositevpns/${stargate}`);
    expect(answer.status).toBe(200);
    expect(JSON.stringify(answer.body)).toBe(compact(documentedVpn));
  });

  it('create the documented VPN where its name and gateway are free', async () => {
    const { call, advance } = await serve();
    await call('DELETE', `${testArea}/sitetositevpns/${stargate}`);
    advance(3_000);
    const { body } = await call('POST', `${testArea}/sitetositevpns`, { body: documentedCreation });
    advance(3_000);
    const result = at((await call('GET', `/tasks/${textAt(body, 'taskId')}`)).body, 'result');
    const expected = compact(documentedVpn).replace(stargate, textAt(result, 'id')).replace('Connected', 'Pending');
    expect(JSON.stringify({ data: result })).toBe(expected);
  });

  it('reset the VPN they name, announcing JSON and sending none', async () => {
    const { baseUrl } = await serve();
    const response = await fetch(`${baseUrl}${testArea}/sitetositevpns/${torontoOffice}?operation=reset`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'MC-Api-Key': 'sandbox-key' },
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ taskId: expect.any(String), taskStatus: 'PENDING' });
  });

  it('are what VPCs answer, in the list and alone', async () => {
    const { call } = await serve();
    const documented = first(documentedVpcs);
    const list = await call('GET', `${testArea}/vpcs`);
    expect(jsonOf(list.body, at(documented, 'id'))).toBe(JSON.stringify(documented));
    expect(at(list.body, 'metadata')).toEqual({ recordCount: 4 });
    const alone = await call('GET', `${testArea}/vpcs/${textAt(documented, 'id')}`);
    expect(JSON.stringify(alone.body)).toBe(JSON.stringify({ data: documented }));
  });

  it('are what environments answer', async () => {
    const { call } = await serve();
    const documented = first(documentedEnvironments);
    const { body } = await call('GET', '/environments');
    expect(jsonOf(body, at(documented, 'id'))).toBe(JSON.stringify(documented));
  });

  it('are what service connections answer, in the list and alone', async () => {
    const { call } = await serve();
    const documented = first(documentedConnections);
    const list = await call('GET', '/services/connections');
    expect(jsonOf(list.body, at(documented, 'id'))).toBe(JSON.stringify(documented));
    const alone = await call('GET', `/services/connections/${textAt(documented, 'id')}`);
    expect(JSON.stringify(alone.body)).toBe(JSON.stringify({ data: documented }));
  });
});

describe('The default seed', () => {
  it('has VPNs in every state in test_area, and the documented spellings of an unused group', async () => {
    const { call } = await serve();
    const vpns = entities((await call('GET', `${testArea}/sitetositevpns`)).body);
    expect(vpns).toHaveLength(9);
    expect(new Set(vpns.map((vpn) => at(vpn, 'state')))).toEqual(
      new Set(['Connected', 'Pending', 'Disconnected', 'Error']),
    );
    expect(new Set(vpns.map((vpn) => at(vpn, 'ikeDhGroup')))).toEqual(
      new Set(['modp1536', 'modp1024', null, '', undefined]),
    );
  });

  it('has environments in both services, each with what its service connection serves', async () => {
    const { call } = await serve();
    const places = ['compute-on/production', 'compute-qc/cheyenne_mountain', 'compute-qc/disaster_recovery'];
    const counts = await Promise.all(
      places.map(async (place) => at((await call('GET', `/services/${place}/sitetositevpns`)).body, 'metadata')),
    );
    expect(counts).toEqual([{ recordCount: 2 }, { recordCount: 2 }, { recordCount: 0 }]);
    expect((await call('GET', '/services/compute-on/staging/vpcs')).body).toEqual({
      data: [],
      metadata: { recordCount: 0 },
    });
  });

  it('holds only VPNs that name a VPC of their environment, and no name or gateway twice', () => {
    for (const { vpcs, siteToSiteVpns } of defaultSeed().environments) {
      const vpcIds = vpcs.map(({ id }) => id);
      for (const { vpcId } of siteToSiteVpns) expect(vpcIds).toContain(vpcId);
      expect(new Set(siteToSiteVpns.map(({ name }) => name)).size).toBe(siteToSiteVpns.length);
      expect(new Set(siteToSiteVpns.map(({ gateway }) => gateway)).size).toBe(siteToSiteVpns.length);
    }
  });

  it('shares nothing with a sandbox made from it, nor with the next one', async () => {
    const seed = defaultSeed();
    const { call, advance } = await serve({ seed });
    await call('DELETE', `${testArea}/sitetositevpns/${stargate}`);
    advance(3_000);
    expect((await call('GET', `${testArea}/sitetositevpns/${stargate}`)).status).toBe(404);
    expect(seed).toEqual(defaultSeed());
    for (const connection of seed.serviceConnections) connection.name = 'renamed';
    expect(names(await call('GET', '/services/connections'))).toEqual(['Compute - Ontario', 'Compute - Québec']);
    expect(defaultSeed().serviceConnections.map(({ name }) => name)).not.toContain('renamed');
  });
});

describe('vpc_id', () => {
  it('keeps the VPNs of that VPC, in the order of the whole list', async () => {
    const { call } = await serve();
    const answer = await call('GET', `${testArea}/sitetositevpns?vpc_id=9fe8e398-06d6-482c-8f55-b805bde4d3cc`);
    expect(names(answer)).toEqual(['toronto-office', 'montreal-office', 'ottawa-office', 'partner-lab']);
    expect(at(answer.body, 'metadata')).toEqual({ recordCount: 4 });
  });

  it('that is of no VPC keeps none', async () => {
    const { call } = await serve();
    const answer = await call('GET', `${testArea}/sitetositevpns?vpc_id=nothing`);
    expect(answer.body).toEqual({ data: [], metadata: { recordCount: 0 } });
  });
});

describe('org_id', () => {
  it('of a sub-organization leads to its environments and to nothing of the own organization', async () => {
    const { call } = await serve();
    expect(names(await call('GET', `/environments?org_id=${atlantis}`))).toEqual(['pegasus']);
    const pegasus = `/services/compute-on/pegasus/sitetositevpns?org_id=${atlantis}`;
    expect(names(await call('GET', pegasus))).toEqual(['midway-station']);
    expect((await call('GET', `${testArea}/sitetositevpns?org_id=${atlantis}`)).status).toBe(404);
  });

  it('left out means the own organization', async () => {
    const { call } = await serve();
    expect(names(await call('GET', '/environments'))).toEqual([
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

  it('that is unknown is not found, whatever is asked for', async () => {
    const { call } = await serve();
    for (const path of ['/environments', `${testArea}/vpcs`, '/services/connections']) {
      const answer = await call('GET', `${path}?org_id=nobody`);
      expect([answer.status, messages(answer)]).toEqual([404, ['The organization nobody was not found.']]);
    }
  });

  it('goes with writes as well', async () => {
    const { call, advance } = await serve();
    const body = { ...newVpn, vpcId: '146b6631-a658-4aa9-9a68-91290bc46860' };
    const path = `/services/compute-on/pegasus/sitetositevpns?org_id=${atlantis}`;
    const { body: task } = await call('POST', path, { body });
    advance(3_000);
    expect(at((await call('GET', `/tasks/${textAt(task, 'taskId')}?org_id=${atlantis}`)).body, 'taskStatus')).toBe(
      'SUCCESS',
    );
    expect(names(await call('GET', path))).toEqual(['midway-station', 'abydos']);
  });
});
