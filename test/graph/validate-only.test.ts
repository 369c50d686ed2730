// CreateSiteToSiteVpnInput.validateOnly and UpdateSiteToSiteVpnInput.validateOnly.
import { describe, expect, it } from '@jest/globals';
import { environment, environmentPath, numberedId, otherVpnId, vpcId, vpnId } from '../helpers/fixtures.js';
import { at, failure, startOnSandbox } from './graph-client.js';

let fault: number | undefined;
const graph = await startOnSandbox({ faults: () => (fault === undefined ? undefined : { status: fault }) });

const input = {
  environment,
  name: 'abydos',
  vpcId,
  gateway: '203.0.113.50',
  cidr: '10.12.0.2/22',
  ipSecPsk: 'Kz81mPq04LtYvB',
  ikeEncryptionAlgorithm: 'AES256',
  ikeHashAlgorithm: 'SHA1',
  ikeLifetime: 86400,
  espEncryptionAlgorithm: 'TRIPLE_DES',
  espHashAlgorithm: 'MD5',
  espLifetime: 3600,
  waitSeconds: 10,
  validateOnly: true,
};
const create = `mutation ($input: CreateSiteToSiteVpnInput!) {
  createSiteToSiteVpn(input: $input) {
    alreadyExists siteToSiteVpn { id } task { id } userErrors { field code }
  }
}`;
const update = `mutation ($input: UpdateSiteToSiteVpnInput!) {
  updateSiteToSiteVpn(input: $input) { siteToSiteVpn { id } task { id } userErrors { field code } }
}`;
const created = (fields: object = {}) => ({
  data: { createSiteToSiteVpn: { alreadyExists: false, siteToSiteVpn: null, task: null, userErrors: [], ...fields } },
});
const updated = (userErrors: object[] = []) => ({
  data: { updateSiteToSiteVpn: { siteToSiteVpn: null, task: null, userErrors } },
});
const error = (field: string, code: string) => ({ field: ['input', ...field.split('.')], code });
const list = `GET ${environmentPath}/sitetositevpns`;
const listVpcs = `GET ${environmentPath}/vpcs`;

describe('CreateSiteToSiteVpnInput.validateOnly', () => {
  it('finds nothing wrong with a VPN that the environment has room for, and sends no write', async () => {
    expect(await graph.execute(create, { input })).toEqual(created());
    expect(graph.calls()).toEqual([list, listVpcs]);
  });

  it('returns everything wrong at once, violations and conflicts', async () => {
    const bad = { name: 'stargate', gateway: '19.19.19.19', vpcId: numberedId('vpc', 1), ikeLifetime: 0 };
    expect(await graph.execute(create, { input: { ...input, ...bad } })).toEqual(
      created({
        userErrors: [
          error('ikeLifetime', 'INVALID'),
          error('name', 'TAKEN'),
          error('gateway', 'TAKEN'),
          error('vpcId', 'NOT_FOUND'),
        ],
      }),
    );
    expect(graph.calls()).toEqual([list, listVpcs]);
  });

  it('reports a field once', async () => {
    expect(await graph.execute(create, { input: { ...input, vpcId: 'x' } })).toEqual(
      created({ userErrors: [error('vpcId', 'INVALID')] }),
    );
  });

  it('reads nothing if the environment is invalid', async () => {
    const address = { environment: { serviceCode: 'compute-on', name: '..' } };
    expect(await graph.execute(create, { input: { ...input, ...address } })).toEqual(
      created({ userErrors: [error('environment.name', 'INVALID')] }),
    );
    expect(graph.calls()).toEqual([]);
  });

  it('returns NOT_FOUND without a field if the environment does not exist', async () => {
    const address = { environment: { serviceCode: 'compute-on', name: 'nowhere' } };
    expect(await graph.execute(create, { input: { ...input, ...address } })).toEqual(
      created({ userErrors: [{ field: null, code: 'NOT_FOUND' }] }),
    );
    expect(graph.calls()).toEqual([list.replace('test_area', 'nowhere')]);
  });

  it('is null, with an error, if the environment cannot be read', async () => {
    fault = 405;
    const body = await graph.execute(create, { input });
    fault = undefined;
    expect(body).toEqual({
      data: { createSiteToSiteVpn: null },
      errors: [failure('UPSTREAM_ERROR', ['createSiteToSiteVpn'], 'The REST API failed to process the request.')],
    });
  });

  it('leaves no trace in the audit log', async () => {
    const countEvents = () => graph.gateway.logs.filter(({ msg }) => msg === 'audit').length;
    const events = countEvents();
    await graph.execute(create, { input });
    expect(countEvents()).toBe(events);
  });

  it('reports a VPN that has exactly the attributes, without returning it', async () => {
    const attributes = `name vpcId gateway cidr ipSecPsk ikeEncryptionAlgorithm ikeHashAlgorithm ikeDhGroup ikeLifetime
      espEncryptionAlgorithm espHashAlgorithm espPerfectForwardSecrecy espLifetime dpd forceEncap`;
    const query = `query ($environment: EnvironmentInput!, $id: ID!) {
      siteToSiteVpn(environment: $environment, id: $id) { ${attributes} }
    }`;
    const existing = at(await graph.execute(query, { environment, id: vpnId }), 'data', 'siteToSiteVpn');
    expect(await graph.execute(create, { input: { ...Object(existing), environment, validateOnly: true } })).toEqual(
      created({ alreadyExists: true }),
    );
  });
});

describe('UpdateSiteToSiteVpnInput.validateOnly', () => {
  const run = (fields: object, id = otherVpnId) =>
    graph.execute(update, { input: { environment, id, validateOnly: true, ...fields } });

  it('finds nothing wrong with the own name and gateway of the VPN, and sends no write', async () => {
    expect(await run({ name: 'stargate', gateway: '19.19.19.19', dpd: true }, vpnId)).toEqual(updated());
    expect(graph.calls()).toEqual([list]);
  });

  it('returns everything wrong at once, violations and conflicts', async () => {
    expect(await run({ name: 'stargate', gateway: '19.19.19.19', cidr: 'x' })).toEqual(
      updated([error('cidr', 'INVALID'), error('name', 'TAKEN'), error('gateway', 'TAKEN')]),
    );
    expect(graph.calls()).toEqual([list]);
  });

  it('is NOT_FOUND at an id that the environment lacks, or that is no UUID', async () => {
    expect(await run({ name: 'x' }, numberedId('vpn', 9))).toEqual(updated([error('id', 'NOT_FOUND')]));
    expect(await run({ name: 'stargate' }, 'x')).toEqual(updated([error('id', 'NOT_FOUND'), error('name', 'TAKEN')]));
  });

  it('is INVALID if there is nothing to update', async () => {
    expect(await run({})).toEqual({
      data: {
        updateSiteToSiteVpn: { siteToSiteVpn: null, task: null, userErrors: [{ field: null, code: 'INVALID' }] },
      },
    });
  });
});
