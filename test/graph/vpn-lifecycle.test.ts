// The life of a VPN in the sandbox, as a client sees it: reset and deletion, with and without waiting for the task.
import { describe, expect, it } from '@jest/globals';
import { environment, environmentPath } from '../helpers/fixtures.js';
import { listAt, startOnSandbox, textAt } from './graph-client.js';

let now = Date.parse('2026-11-23T18:30:00.000Z');
// Milliseconds that pass at each reading of the clock. A task takes three seconds, so it ends after some polls.
let step = 0;
const graph = await startOnSandbox({ clock: () => (now += step) });
const onVersion2 = await startOnSandbox({ clock: () => (now += step) }, {}, 'v2');

const torontoOffice = 'ca86b14f-20db-463d-b58a-9d3fa5959af2';
const lostOutpost = 'd626c4dc-f4f8-4d31-af4a-d92e17ca8dc1';
const warehouse = '1f97bfb7-b8d8-48e0-ac62-9714384460ce';

const reset = `mutation ($input: ResetSiteToSiteVpnInput!) {
  resetSiteToSiteVpn(input: $input) {
    siteToSiteVpn { name state }
    task { status siteToSiteVpn { state } errors { message } }
    userErrors { message }
  }
}`;
const remove = `mutation ($input: DeleteSiteToSiteVpnInput!) {
  deleteSiteToSiteVpn(input: $input) {
    deletedSiteToSiteVpnId task { status result siteToSiteVpn { id } errors { message } } userErrors { code }
  }
}`;

describe('Mutation.resetSiteToSiteVpn', () => {
  it('sets the VPN to PENDING at once, and to CONNECTED when its task ends', async () => {
    const pending = { task: { status: 'PENDING', siteToSiteVpn: null, errors: [] }, userErrors: [] };
    step = 0;
    expect(await graph.execute(reset, { input: { environment, id: torontoOffice } })).toEqual({
      data: { resetSiteToSiteVpn: { siteToSiteVpn: { name: 'toronto-office', state: 'PENDING' }, ...pending } },
    });
    expect(graph.calls()).toEqual([
      `POST ${environmentPath}/sitetositevpns/${torontoOffice}?operation=reset`,
      `GET ${environmentPath}/sitetositevpns/${torontoOffice}`,
    ]);
    step = 1_000;
    expect(await graph.execute(reset, { input: { environment, id: torontoOffice, waitSeconds: 60 } })).toEqual({
      data: {
        resetSiteToSiteVpn: {
          siteToSiteVpn: { name: 'toronto-office', state: 'CONNECTED' },
          task: { status: 'SUCCESS', siteToSiteVpn: { state: 'CONNECTED' }, errors: [] },
          userErrors: [],
        },
      },
    });
    // The VPN of the payload and the VPN of the task share one read.
    expect(graph.calls().filter((call) => call.startsWith(`GET ${environmentPath}`))).toHaveLength(1);
  });

  it('returns the VPN even if the task fails because the remote gateway is unreachable', async () => {
    step = 1_000;
    expect(await graph.execute(reset, { input: { environment, id: lostOutpost, waitSeconds: 60 } })).toEqual({
      data: {
        resetSiteToSiteVpn: {
          siteToSiteVpn: { name: 'lost-outpost', state: 'ERROR' },
          task: {
            status: 'FAILED',
            siteToSiteVpn: null,
            errors: [{ message: 'The gateway 240.0.0.19 cannot be reached.' }],
          },
          userErrors: [],
        },
      },
    });
  });
});

describe('Mutation.deleteSiteToSiteVpn', () => {
  it('returns the id only when the VPN is gone', async () => {
    step = 0;
    const input = { environment, id: warehouse };
    expect(await graph.execute(remove, { input })).toEqual({
      data: {
        deleteSiteToSiteVpn: {
          deletedSiteToSiteVpnId: null,
          task: { status: 'PENDING', result: null, siteToSiteVpn: null, errors: [] },
          userErrors: [],
        },
      },
    });
    step = 1_000;
    // The first deletion has removed the VPN before the second runs.
    expect(await graph.execute(remove, { input: { ...input, waitSeconds: 60 } })).toEqual({
      data: {
        deleteSiteToSiteVpn: {
          deletedSiteToSiteVpnId: null,
          task: {
            status: 'FAILED',
            result: null,
            siteToSiteVpn: null,
            errors: [{ message: `The site-to-site VPN ${warehouse} no longer exists.` }],
          },
          userErrors: [],
        },
      },
    });
    expect(await graph.execute(remove, { input: { ...input, waitSeconds: 60 } })).toEqual({
      data: { deleteSiteToSiteVpn: { deletedSiteToSiteVpnId: null, task: null, userErrors: [{ code: 'NOT_FOUND' }] } },
    });
  });

  it('returns a task whose result names a VPN that does not exist any more', async () => {
    step = 1_000;
    expect(await graph.execute(remove, { input: { environment, id: torontoOffice, waitSeconds: 60 } })).toEqual({
      data: {
        deleteSiteToSiteVpn: {
          deletedSiteToSiteVpnId: torontoOffice,
          task: { status: 'SUCCESS', result: { id: torontoOffice }, siteToSiteVpn: null, errors: [] },
          userErrors: [],
        },
      },
    });
    const query = 'query ($e: EnvironmentInput!, $id: ID!) { siteToSiteVpn(environment: $e, id: $id) { id } }';
    expect(await graph.execute(query, { e: environment, id: torontoOffice })).toEqual({
      data: { siteToSiteVpn: null },
    });
  });
});

describe('A gateway on version 2 of the REST API', () => {
  it('creates a VPN with cidrList, waits for its task, lists it and deletes it', async () => {
    step = 1_000;
    const create = `mutation ($input: CreateSiteToSiteVpnInput!) {
      createSiteToSiteVpn(input: $input) {
        siteToSiteVpn { id cidr } task { status siteToSiteVpn { cidr } } userErrors { field message }
      }
    }`;
    const cidr = '10.30.0.0/16,10.31.0.0/16';
    const input = {
      environment,
      name: 'abydos',
      vpcId: '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7',
      gateway: '203.0.113.50',
      cidr,
      ipSecPsk: 'Kz81mPq04LtYvB',
      ikeEncryptionAlgorithm: 'AES256',
      ikeHashAlgorithm: 'SHA1',
      ikeDhGroup: 'MODP_1536',
      ikeLifetime: 86400,
      espEncryptionAlgorithm: 'AES256',
      espHashAlgorithm: 'SHA1',
      espPerfectForwardSecrecy: 'MODP_1536',
      espLifetime: 3600,
      waitSeconds: 60,
    };
    const created = await onVersion2.execute(create, { input });
    const id = textAt(created, 'data', 'createSiteToSiteVpn', 'siteToSiteVpn', 'id');
    expect(created).toEqual({
      data: {
        createSiteToSiteVpn: {
          siteToSiteVpn: { id, cidr },
          task: { status: 'SUCCESS', siteToSiteVpn: { cidr } },
          userErrors: [],
        },
      },
    });
    const list = `query ($environment: EnvironmentInput!) { siteToSiteVpns(environment: $environment) { nodes { id cidr } } }`;
    const listed = () => onVersion2.execute(list, { environment });
    expect(listAt(await listed(), 'data', 'siteToSiteVpns', 'nodes')).toContainEqual({ id, cidr });
    expect(await onVersion2.execute(remove, { input: { environment, id, waitSeconds: 60 } })).toMatchObject({
      data: { deleteSiteToSiteVpn: { deletedSiteToSiteVpnId: id, task: { status: 'SUCCESS' }, userErrors: [] } },
    });
    expect(listAt(await listed(), 'data', 'siteToSiteVpns', 'nodes')).not.toContainEqual({ id, cidr });
  });
});
