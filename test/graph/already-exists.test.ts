// Writes that were rejected or whose response was lost: which VPN counts as the one of the input, and which fields conflict with others.
import { describe, expect, it } from '@jest/globals';
import { placeRejections } from '../../src/graph/site-to-site-vpn/environment-check.js';
import { UserErrorCode } from '../../src/graph/user-error.js';
import { dropConnection, json, raw, type Script } from '../helpers/upstream.js';
import { environment, environmentPath, numberedId, numberedVpc, numberedVpn } from '../helpers/fixtures.js';
import { at, startOnUpstream } from './graph-client.js';

const graph = await startOnUpstream();

const id = numberedId('vpn', 1);
const psk = 'Kz81mPq04LtYvB';
const input = {
  environment,
  name: 'abydos',
  vpcId: numberedId('vpc', 1),
  gateway: '203.0.113.50',
  cidr: '10.12.0.2/22,10.20.0.0/16',
  ipSecPsk: psk,
  ikeEncryptionAlgorithm: 'AES256',
  ikeHashAlgorithm: 'SHA1',
  ikeLifetime: 86400,
  espEncryptionAlgorithm: 'TRIPLE_DES',
  espHashAlgorithm: 'MD5',
  espLifetime: 3600,
};
/** Attributes of a VPN of the input, in other spellings. */
const sameAttributes = {
  name: 'abydos',
  gateway: '203.0.113.50',
  cidr: '10.20.255.1/16, 10.12.0.0/22',
  ipSecPsk: psk,
  ikeEncryptionAlgorithm: 'AES256',
  ikeHashAlgorithm: 'sha1',
  ikeDhGroup: 'None',
  ikeLifetime: 86400,
  espEncryptionAlgorithm: '3DES',
  espHashAlgorithm: 'md5',
  espPerfectForwardSecrecy: '',
  espLifetime: 3600,
  dpd: false,
  forceEncap: false,
};
const twin = numberedVpn(1, 1, sameAttributes);

const create = `mutation ($input: CreateSiteToSiteVpnInput!) {
  createSiteToSiteVpn(input: $input) {
    alreadyExists siteToSiteVpn { id name } task { id } userErrors { field message code upstreamCode }
  }
}`;
const payload = (fields: object = {}) => ({
  data: { createSiteToSiteVpn: { alreadyExists: false, siteToSiteVpn: null, task: null, userErrors: [], ...fields } },
});
const post = `POST ${environmentPath}/sitetositevpns`;
const list = `GET ${environmentPath}/sitetositevpns`;
const listVpcs = `GET ${environmentPath}/vpcs`;
const taken = json(400, { errors: [{ code: 2013, message: 'Used already.' }] });

/** Runs a create in an environment with these VPNs, which has the VPC of the input. */
function run(write: Script, vpns: readonly object[], fields: object = {}): Promise<unknown> {
  graph.upstream.script((call, index) => {
    if (call.method !== 'GET') return write(call, index);
    return { data: call.url.endsWith('/vpcs') ? [numberedVpc(1)] : vpns };
  });
  return graph.execute(create, { input: { ...input, ...fields } });
}

describe('CreateSiteToSiteVpnPayload.alreadyExists', () => {
  it.each<[string, Script]>([
    ['the REST API rejects the create', () => taken],
    ['the connection is lost', () => dropConnection],
    ['a proxy responds with 502', () => raw(502)],
    ['the response cannot be read', () => raw(200, '<html>')],
  ])('is true if %s, and the VPN of that name has exactly the attributes', async (_, write) => {
    const vpns = [numberedVpn(2, 1), twin];
    expect(await run(write, vpns)).toEqual(payload({ alreadyExists: true, siteToSiteVpn: { id, name: 'abydos' } }));
    expect(graph.calls()).toEqual([post, list]);
  });

  it('is true if the REST API keeps the groups and flags that were sent', async () => {
    const fields = {
      ikeDhGroup: 'modp1024',
      espPerfectForwardSecrecy: 'Group-5 (1536-bit)',
      dpd: true,
      forceEncap: true,
    };
    const sent = { ikeDhGroup: 'MODP_1024', espPerfectForwardSecrecy: 'MODP_1536', dpd: true, forceEncap: true };
    expect(await run(() => taken, [{ ...twin, ...fields }], sent)).toEqual(
      payload({ alreadyExists: true, siteToSiteVpn: { id, name: 'abydos' } }),
    );
  });

  const otherAttributes: Readonly<Record<string, unknown>> = {
    vpcId: numberedId('vpc', 2),
    gateway: '203.0.113.51',
    cidr: '10.20.0.0/16',
    ipSecPsk: `${psk}x`,
    ikeEncryptionAlgorithm: 'aes128',
    ikeHashAlgorithm: 'md5',
    ikeDhGroup: 'modp1536',
    ikeLifetime: 86401,
    espEncryptionAlgorithm: 'aes256',
    espHashAlgorithm: 'sha1',
    espPerfectForwardSecrecy: 'modp1024',
    espLifetime: 3601,
    dpd: true,
    forceEncap: true,
  };
  it.each(Object.entries(otherAttributes))(
    'is false, with TAKEN at the name, if the VPN of that name has the %s %j',
    async (field, value) => {
      for (const write of [() => taken, () => dropConnection]) {
        const body = await run(write, [{ ...twin, [field]: value }]);
        expect(at(body, 'data', 'createSiteToSiteVpn')).toMatchObject({
          alreadyExists: false,
          siteToSiteVpn: null,
          task: null,
        });
        expect(at(body, 'data', 'createSiteToSiteVpn', 'userErrors', 0)).toMatchObject({
          field: ['input', 'name'],
          code: 'TAKEN',
        });
        expect(JSON.stringify(body)).not.toContain(id);
      }
    },
  );

  it.each(['ikeHashAlgorithm', 'ikeLifetime', 'dpd', 'ipSecPsk'])(
    'is false if the REST API does not send the %s of the VPN of that name',
    async (field) => {
      const body = await run(() => taken, [{ ...twin, [field]: undefined }]);
      expect(at(body, 'data', 'createSiteToSiteVpn', 'alreadyExists')).toBe(false);
    },
  );

  it('is in the audit log, with the id of the VPN', async () => {
    await run(() => taken, [twin]);
    const events = graph.gateway.logs.filter(({ msg }) => msg === 'audit');
    expect(events.at(-1)).toMatchObject({
      action: 'createSiteToSiteVpn',
      outcome: 'alreadyExists',
      siteToSiteVpns: [id],
    });
    expect(JSON.stringify(graph.gateway.logs)).not.toContain(psk);
  });
});

describe('Mutation.createSiteToSiteVpn', () => {
  it('has an unknown outcome if its response was lost, and the environment has no VPN of that name', async () => {
    expect(await run(() => dropConnection, [numberedVpn(2, 1)])).toMatchObject({
      data: { createSiteToSiteVpn: null },
      errors: [{ extensions: { code: 'UPSTREAM_UNAVAILABLE', outcomeUnknown: true } }],
    });
    expect(graph.calls()).toEqual([post, list]);
  });

  it('keeps the rejection of the REST API if the environment cannot be read', async () => {
    graph.upstream.script(({ method }) => (method === 'GET' ? json(403, { errors: ['No.'] }) : taken));
    expect(await graph.execute(create, { input })).toEqual(
      payload({ userErrors: [{ field: null, code: 'REJECTED', message: 'Used already.', upstreamCode: '2013' }] }),
    );
    expect(graph.calls()).toEqual([post, list]);
  });

  it('fails if the REST API rejects it, and is unavailable when the gateway reads the list', async () => {
    graph.upstream.script(({ method }) => (method === 'GET' ? raw(502) : taken));
    expect(await graph.execute(create, { input })).toMatchObject({
      data: { createSiteToSiteVpn: null },
      errors: [{ extensions: { code: 'UPSTREAM_UNAVAILABLE' } }],
    });
  });

  it('is TAKEN at the gateway if another VPN has the same address in another spelling', async () => {
    const vpns = [numberedVpn(2, 1, { gateway: '2001:DB8:0::1' })];
    expect(at(await run(() => taken, vpns, { gateway: '2001:db8::1' }), 'data', 'createSiteToSiteVpn')).toMatchObject({
      userErrors: [{ field: ['input', 'gateway'], code: 'TAKEN', upstreamCode: '2013' }],
    });
  });

  it('is NOT_FOUND at the vpcId if the environment lacks the VPC', async () => {
    const write = () => json(400, { errors: [{ code: 2012, message: 'What VPC?' }] });
    expect(at(await run(write, [], { vpcId: numberedId('vpc', 2) }), 'data', 'createSiteToSiteVpn')).toMatchObject({
      userErrors: [{ field: ['input', 'vpcId'], code: 'NOT_FOUND', upstreamCode: '2012' }],
    });
    expect(graph.calls()).toEqual([post, list, listVpcs]);
  });

  it.each(['ABYDOS', ' abydos '])(
    'is TAKEN at the name if the REST API rejects it, and a VPN is named %j',
    async (name) => {
      const other = numberedVpn(2, 1, { name });
      const rejected = json(400, { errors: [{ code: 2013, message: 'The name is used already.' }] });
      const body = await run(() => rejected, [other]);
      expect(at(body, 'data', 'createSiteToSiteVpn')).toMatchObject({
        alreadyExists: false,
        userErrors: [{ field: ['input', 'name'], code: 'TAKEN', upstreamCode: '2013' }],
      });
    },
  );

  it('is REJECTED without a field if the REST API rejects something else, and a VPN has a similar name', async () => {
    const rejected = json(400, { errors: [{ code: 2014, message: 'The quota is used up.' }] });
    const body = await run(() => rejected, [numberedVpn(2, 1, { name: 'Abydos' })]);
    expect(at(body, 'data', 'createSiteToSiteVpn', 'userErrors')).toMatchObject([{ field: null, code: 'REJECTED' }]);
  });

  it('is REJECTED without a field for a quota, whatever else the environment rules out', async () => {
    const quota = { code: 2014, message: 'The quota is used up.' };
    const used = { code: 2013, message: 'This name is used.' };
    const body = await run(() => json(400, { errors: [quota, used] }), [numberedVpn(2, 1, { name: 'abydos' })]);
    expect(at(body, 'data', 'createSiteToSiteVpn', 'userErrors')).toMatchObject([
      { field: ['input', 'name'], code: 'TAKEN', upstreamCode: '2013' },
      { field: null, code: 'REJECTED', message: 'The quota is used up.', upstreamCode: '2014' },
    ]);
  });

  it('sends nothing else after a rejection because the environment does not exist', async () => {
    await run(() => json(404, { errors: ['No.'] }), []);
    expect(graph.calls()).toEqual([post]);
  });
});

describe('Mutation.deleteSiteToSiteVpn', () => {
  const remove = `mutation ($input: DeleteSiteToSiteVpnInput!) {
    deleteSiteToSiteVpn(input: $input) { deletedSiteToSiteVpnId task { id } userErrors { code } }
  }`;
  const calls = [`DELETE ${environmentPath}/sitetositevpns/${id}`, `GET ${environmentPath}/sitetositevpns/${id}`];
  const runDelete = (read: ReturnType<typeof json> | object) => {
    graph.upstream.script(({ method }) => (method === 'GET' ? read : dropConnection));
    return graph.execute(remove, { input: { environment, id } });
  };

  it('is done if its response was lost, and the VPN is gone', async () => {
    expect(await runDelete(json(404, { errors: ['No.'] }))).toEqual({
      data: { deleteSiteToSiteVpn: { deletedSiteToSiteVpnId: id, task: null, userErrors: [] } },
    });
    expect(graph.calls()).toEqual(calls);
  });

  it('has an unknown outcome if its response was lost, and the VPN is still there', async () => {
    expect(await runDelete({ data: twin })).toMatchObject({
      data: { deleteSiteToSiteVpn: null },
      errors: [{ extensions: { outcomeUnknown: true } }],
    });
    expect(graph.calls()).toEqual(calls);
  });
});

describe('placeRejections', () => {
  const explain = (field: string) => ({
    field: ['input', field],
    code: UserErrorCode.TAKEN,
    message: field,
    upstreamCode: null,
  });
  const reject = (message: string) => ({
    field: null,
    code: UserErrorCode.REJECTED,
    message,
    upstreamCode: message.slice(0, 1),
  });
  it.each([
    [['1 name'], ['name'], ['name:1']],
    [
      ['1 gateway', '2 name'],
      ['name', 'gateway'],
      ['name:2', 'gateway:1'],
    ],
    [['1 Used.'], ['gateway'], ['gateway:1']],
    [
      ['1 VPC', '2 Used.'],
      ['name', 'vpcId'],
      ['name:2', 'vpcId:1'],
    ],
    [['1 Used.'], ['name', 'gateway'], ['name:1', 'gateway:null']],
    [['1 Quota.', '2 Used name.'], ['name'], ['name:2', '1 Quota.:1']],
    [['1 Quota.'], [], ['1 Quota.:1']],
    [[], ['name'], ['name:null']],
  ])('explains %j by %j as %j', (rejections, explanations, expected) => {
    const placed = placeRejections(rejections.map(reject), { userErrors: explanations.map(explain) });
    expect(placed.map(({ message, upstreamCode }) => `${message}:${upstreamCode}`)).toEqual(expected);
  });
});
