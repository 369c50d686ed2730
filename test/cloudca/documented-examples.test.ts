// The examples in the REST API's documentation, copied verbatim: the client sends exactly the documented requests, and decodes every field
// of the documented responses.
import { describe, expect, it } from '@jest/globals';
import { listEnvironments, listServiceConnections } from '../../src/cloudca/environments.js';
import {
  createSiteToSiteVpn,
  deleteSiteToSiteVpn,
  resetSiteToSiteVpn,
} from '../../src/cloudca/site-to-site-vpn-writes.js';
import { getSiteToSiteVpn, listSiteToSiteVpns } from '../../src/cloudca/site-to-site-vpns.js';
import { getTask } from '../../src/cloudca/tasks.js';
import { getVpc, listVpcs } from '../../src/cloudca/vpcs.js';
import { json, raw, startUpstream } from '../helpers/upstream.js';
import { createTestClient, newVpn, testArea, vpnId } from './test-client.js';

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
  "name": "Compute - Québec", "type": "CloudCA",
  "status": {"lastUpdated": "2017-08-15T12:00:00.000Z", "reachable": true}}]}`;

const decodedVpn = {
  id: 'd49b2922-0581-4587-94df-6fe719327d0f',
  name: 'stargate',
  state: 'Connected',
  vpcId: '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7',
  gateway: '19.19.19.19',
  cidr: '10.12.0.2/22',
  cidrs: ['10.12.0.2/22'],
  ipSecPsk: 'WtOBS9GRux2XtJPtHY2TUvrv',
  ikeEncryptionAlgorithm: '3des',
  ikeHashAlgorithm: 'sha1',
  ikeDhGroup: 'modp1536',
  ikeLifetime: 86400,
  espEncryptionAlgorithm: '3des',
  espHashAlgorithm: 'sha1',
  espPerfectForwardSecrecy: 'modp1536',
  espLifetime: 3600,
  dpd: false,
  forceEncap: false,
  unknownValues: [],
};

const decodedVpc = {
  id: '9fe8e398-06d6-482c-8f55-b805bde4d3cc',
  name: 'MyVPC',
  description: 'Some VPC',
  cidr: '10.155.24.0/22',
  zoneId: '04afdbd1-e32d-4999-86d0-96703736dded',
  zoneName: 'QC-1',
  state: 'Enabled',
  networkDomain: 'hello.world',
  vpcOfferingId: '21a40b85-5fa9-440f-ab77-5e560073b584',
  requiresUpgrade: false,
  sourceNatIp: '172.31.3.253',
  vpnStatus: 'Disabled',
};

const upstream = await startUpstream();
const { session, warnings } = createTestClient(upstream.url);
const documentedKey = { apiKey: 'your_api_key', requestId: 'r-1' };
const respondWith = (text: string) => () => raw(200, text, { 'content-type': 'application/json' });

/** All headers of a call without a body. */
const headers = {
  host: new URL(upstream.url).host,
  connection: 'keep-alive',
  'mc-api-key': 'your_api_key',
  'x-request-id': 'r-1',
  accept: 'application/json',
  'accept-encoding': 'gzip',
};

describe('listSiteToSiteVpns', () => {
  it('sends the documented request and decodes every field of the response', async () => {
    upstream.script(respondWith(documentedList));
    expect(await listSiteToSiteVpns(session(documentedKey), testArea, null)).toEqual([decodedVpn]);
    expect(upstream.calls).toEqual([
      { method: 'GET', url: '/v1/services/compute-on/test_area/sitetositevpns', headers, body: '' },
    ]);
    expect(warnings).toEqual([]);
  });

  it('filters by VPC with the parameter vpc_id', async () => {
    upstream.script(respondWith(documentedList));
    await listSiteToSiteVpns(session(documentedKey), testArea, '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7');
    expect(upstream.calls.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /v1/services/compute-on/test_area/sitetositevpns?vpc_id=3fe7d82a-f4c4-4552-ac3b-787fdafed4e7',
    ]);
  });
});

describe('getSiteToSiteVpn', () => {
  it('sends the documented request and decodes every field of the response', async () => {
    upstream.script(respondWith(documentedVpn));
    expect(await getSiteToSiteVpn(session(documentedKey), testArea, vpnId)).toEqual(decodedVpn);
    expect(upstream.calls).toEqual([
      { method: 'GET', url: `/v1/services/compute-on/test_area/sitetositevpns/${vpnId}`, headers, body: '' },
    ]);
  });
});

describe('createSiteToSiteVpn', () => {
  it('sends all fields in the documented order', async () => {
    upstream.script(() => raw(204));
    expect(await createSiteToSiteVpn(session(documentedKey), testArea, newVpn)).toEqual({});
    const body = JSON.stringify(JSON.parse(documentedCreation));
    expect(upstream.calls).toEqual([
      {
        method: 'POST',
        url: '/v1/services/compute-on/test_area/sitetositevpns',
        headers: { ...headers, 'content-type': 'application/json', 'content-length': String(body.length) },
        body,
      },
    ]);
  });

  it('omits Diffie-Hellman groups that are not set', async () => {
    upstream.script(() => raw(204));
    const { ikeDhGroup, espPerfectForwardSecrecy, ...rest } = newVpn;
    await createSiteToSiteVpn(session(documentedKey), testArea, rest);
    expect([ikeDhGroup, espPerfectForwardSecrecy]).toEqual(['modp1536', 'modp1536']);
    expect(upstream.calls.map(({ body }) => body)).toEqual([
      '{"name":"stargate","vpcId":"3fe7d82a-f4c4-4552-ac3b-787fdafed4e7","gateway":"19.19.19.19","cidr":"10.12.0.2/22",' +
        '"ipSecPsk":"WtOBS9GRux2XtJPtHY2TUvrv","ikeEncryptionAlgorithm":"3des","ikeHashAlgorithm":"sha1",' +
        '"ikeLifetime":86400,"espEncryptionAlgorithm":"3des","espHashAlgorithm":"sha1","espLifetime":3600,' +
        '"dpd":false,"forceEncap":false}',
    ]);
  });

  it('sends a pre-shared key of any characters unchanged', async () => {
    upstream.script(() => raw(204));
    const ipSecPsk = 'Ωmega"\\\u2028 +&=%é\u{1F511}0123456789';
    await createSiteToSiteVpn(session(documentedKey), testArea, { ...newVpn, ipSecPsk });
    expect(upstream.calls.map(({ body }): unknown => JSON.parse(body))).toEqual([{ ...newVpn, ipSecPsk }]);
  });
});

describe('deleteSiteToSiteVpn', () => {
  it('sends the documented request, without a body or a Content-Type', async () => {
    upstream.script(() => raw(204));
    expect(await deleteSiteToSiteVpn(session(documentedKey), testArea, vpnId)).toEqual({});
    expect(upstream.calls).toEqual([
      { method: 'DELETE', url: `/v1/services/compute-on/test_area/sitetositevpns/${vpnId}`, headers, body: '' },
    ]);
  });
});

describe('resetSiteToSiteVpn', () => {
  it('sends the documented request, with a Content-Type but no body', async () => {
    upstream.script(() => raw(204));
    const id = 'ca86b14f-20db-463d-b58a-9d3fa5959af2';
    expect(await resetSiteToSiteVpn(session(documentedKey), testArea, id)).toEqual({});
    expect(upstream.calls).toEqual([
      {
        method: 'POST',
        url: `/v1/services/compute-on/test_area/sitetositevpns/${id}?operation=reset`,
        headers: { ...headers, 'content-type': 'application/json', 'content-length': '0' },
        body: '',
      },
    ]);
  });
});

describe('getTask', () => {
  it('sends the documented request, without an environment, and decodes the response', async () => {
    upstream.script(() =>
      json(200, { taskId: 't-1', taskStatus: 'SUCCESS', result: { id: 'd49b2922-0581-4587-94df-6fe719327d0f' } }),
    );
    expect(await getTask(session(documentedKey), 't-1', null)).toEqual({
      id: 't-1',
      status: 'SUCCESS',
      created: null,
      result: { id: 'd49b2922-0581-4587-94df-6fe719327d0f' },
      errors: [],
    });
    expect(upstream.calls).toEqual([{ method: 'GET', url: '/v1/tasks/t-1', headers, body: '' }]);
  });
});

describe('listVpcs', () => {
  it('sends the documented request and decodes every field of the response', async () => {
    upstream.script(respondWith(documentedVpcs));
    expect(await listVpcs(session(documentedKey), testArea)).toEqual([decodedVpc]);
    expect(upstream.calls).toEqual([
      { method: 'GET', url: '/v1/services/compute-on/test_area/vpcs', headers, body: '' },
    ]);
  });
});

describe('getVpc', () => {
  it('sends the documented request and decodes every field of the response', async () => {
    upstream.script(respondWith(documentedVpcs.replace('[', '').replace(']', '')));
    expect(await getVpc(session(documentedKey), testArea, '9fe8e398-06d6-482c-8f55-b805bde4d3cc')).toEqual(decodedVpc);
    expect(upstream.calls).toEqual([
      {
        method: 'GET',
        url: '/v1/services/compute-on/test_area/vpcs/9fe8e398-06d6-482c-8f55-b805bde4d3cc',
        headers,
        body: '',
      },
    ]);
  });
});

describe('listEnvironments', () => {
  it('sends the documented request and decodes the response', async () => {
    upstream.script(respondWith(documentedEnvironments));
    expect(await listEnvironments(session(documentedKey))).toEqual([
      {
        id: '1ee5cd43-8395-4cd5-a20f-0f1e83b7f8bd',
        name: 'cheyenne_mountain',
        description: 'Environment for base at Cheyenne Mountain',
        organization: { id: 'a9f93785-0545-4876-8241-3b19b9a86721', name: 'sg1' },
        serviceConnection: {
          id: 'adfbdb51-493b-45b1-8802-3f6327afb9e6',
          name: 'Compute - Québec',
          serviceCode: null,
          type: null,
          reachable: null,
        },
      },
    ]);
    expect(upstream.calls).toEqual([{ method: 'GET', url: '/v1/environments', headers, body: '' }]);
  });
});

describe('listServiceConnections', () => {
  it('sends the documented request and decodes the response', async () => {
    upstream.script(respondWith(documentedConnections));
    expect(await listServiceConnections(session(documentedKey))).toEqual([
      {
        id: 'adfbdb51-493b-45b1-8802-3f6327afb9e6',
        name: 'Compute - Québec',
        serviceCode: 'compute-qc',
        type: 'CloudCA',
        reachable: true,
      },
    ]);
    expect(upstream.calls).toEqual([{ method: 'GET', url: '/v1/services/connections', headers, body: '' }]);
  });
});
