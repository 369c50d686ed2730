// What a VPN goes through, from its creation to its end, as a caller of the sandbox sees it.
import { describe, expect, it } from '@jest/globals';
import { area, environment, startOnSandbox } from './graph-client.js';

let now = Date.parse('2026-11-23T18:30:00.000Z');
// Each look at the clock takes so long: a task, of three seconds, ends after some.
let step = 0;
const graph = await startOnSandbox({ clock: () => (now += step) });

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
  it('turns the VPN Pending at once, and Connected with the end of its task', async () => {
    const pending = { task: { status: 'PENDING', siteToSiteVpn: null, errors: [] }, userErrors: [] };
    step = 0;
    expect(await graph.ask(reset, { input: { environment, id: torontoOffice } })).toEqual({
      data: { resetSiteToSiteVpn: { siteToSiteVpn: { name: 'toronto-office', state: 'PENDING' }, ...pending } },
    });
    expect(graph.calls()).toEqual([
      `POST ${area}/sitetositevpns/${torontoOffice}?operation=reset`,
      `GET ${area}/sitetositevpns/${torontoOffice}`,
    ]);
    step = 1_000;
    expect(await graph.ask(reset, { input: { environment, id: torontoOffice, waitSeconds: 60 } })).toEqual({
      data: {
        resetSiteToSiteVpn: {
          siteToSiteVpn: { name: 'toronto-office', state: 'CONNECTED' },
          task: { status: 'SUCCESS', siteToSiteVpn: { state: 'CONNECTED' }, errors: [] },
          userErrors: [],
        },
      },
    });
    // The payload’s VPN and the task’s are one read.
    expect(graph.calls().filter((call) => call.startsWith(`GET ${area}`))).toHaveLength(1);
  });

  it('fails in carrying out where the gateway cannot be reached, and tells of the VPN all the same', async () => {
    step = 1_000;
    expect(await graph.ask(reset, { input: { environment, id: lostOutpost, waitSeconds: 60 } })).toEqual({
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
  it('tells the id once the VPN is gone, and not before', async () => {
    step = 0;
    const input = { environment, id: warehouse };
    expect(await graph.ask(remove, { input })).toEqual({
      data: {
        deleteSiteToSiteVpn: {
          deletedSiteToSiteVpnId: null,
          task: { status: 'PENDING', result: null, siteToSiteVpn: null, errors: [] },
          userErrors: [],
        },
      },
    });
    step = 1_000;
    // The first deletion has taken it away by the time the second is carried out.
    expect(await graph.ask(remove, { input: { ...input, waitSeconds: 60 } })).toEqual({
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
    expect(await graph.ask(remove, { input: { ...input, waitSeconds: 60 } })).toEqual({
      data: { deleteSiteToSiteVpn: { deletedSiteToSiteVpnId: null, task: null, userErrors: [{ code: 'NOT_FOUND' }] } },
    });
  });

  it('waits for the end of its task: its result names a VPN that is no more', async () => {
    step = 1_000;
    expect(await graph.ask(remove, { input: { environment, id: torontoOffice, waitSeconds: 60 } })).toEqual({
      data: {
        deleteSiteToSiteVpn: {
          deletedSiteToSiteVpnId: torontoOffice,
          task: { status: 'SUCCESS', result: { id: torontoOffice }, siteToSiteVpn: null, errors: [] },
          userErrors: [],
        },
      },
    });
    const query = 'query ($e: EnvironmentInput!, $id: ID!) { siteToSiteVpn(environment: $e, id: $id) { id } }';
    expect(await graph.ask(query, { e: environment, id: torontoOffice })).toEqual({ data: { siteToSiteVpn: null } });
  });
});
