// Mutation.updateSiteToSiteVpn: input validation, the body of the REST call, rejections, lost responses, and the payload.
import { describe, expect, it } from '@jest/globals';
import { dropConnection, json, raw, type Script } from '../helpers/upstream.js';
import { environment, environmentPath, numberedId, numberedVpn, otherVpnId, vpnId } from '../helpers/fixtures.js';
import { at, listAt, startOnSandbox, startOnUpstream, textAt } from './graph-client.js';

let now = Date.parse('2026-11-23T18:30:00.000Z');
// Each reading of the clock is a second later, so that a task of the sandbox ends after a few polls, however fast they are.
const clock = () => (now += 1_000);
const version2 = await startOnSandbox({ clock }, {}, 'v2');
const version1 = await startOnSandbox({ clock });
const scripted = await startOnUpstream();

const id = numberedId('vpn', 1);
const psk = 'Kz81mPq04LtYvB';
const update = (fields = 'siteToSiteVpn { id name } task { status }') =>
  `mutation ($input: UpdateSiteToSiteVpnInput!) {
    updateSiteToSiteVpn(input: $input) { ${fields} userErrors { field code message upstreamCode } }
  }`;
const payload = (fields: object = {}) => ({
  data: { updateSiteToSiteVpn: { siteToSiteVpn: null, task: null, userErrors: [], ...fields } },
});
const put = `PUT ${environmentPath}/sitetositevpns/${id}`;
const get = `GET ${environmentPath}/sitetositevpns/${id}`;
const list = `GET ${environmentPath}/sitetositevpns`;

/** Runs an update against a scripted upstream. `vpns` are the VPNs of the environment. */
function run(script: Script, input: object, vpns: readonly object[] = [numberedVpn(1, 1)]): Promise<unknown> {
  scripted.upstream.script((call, index) => {
    if (call.method !== 'GET') return script(call, index);
    return { data: call.url.endsWith('/sitetositevpns') ? vpns : vpns[0] };
  });
  return scripted.execute(update(), { input: { environment, id, ...input } });
}

describe('Mutation.updateSiteToSiteVpn', () => {
  it('changes a VPN, waits for the task, and returns the VPN as it is then', async () => {
    const input = { environment, id: otherVpnId, name: 'montreal', cidr: '10.9.0.0/16, 10.8.0.0/16', waitSeconds: 60 };
    expect(await version2.execute(update('siteToSiteVpn { name cidr } task { status }'), { input })).toEqual(
      payload({ siteToSiteVpn: { name: 'montreal', cidr: '10.9.0.0/16,10.8.0.0/16' }, task: { status: 'SUCCESS' } }),
    );
    const calls = version2.calls().filter((call) => !call.startsWith('GET /tasks/'));
    expect(calls).toEqual([
      `PUT ${environmentPath}/sitetositevpns/${otherVpnId}`,
      `GET ${environmentPath}/sitetositevpns/${otherVpnId}`,
    ]);
  });

  it.each<[string, object, object]>([
    ['one attribute', { name: ' renamed ' }, { name: 'renamed' }],
    ['false and null', { dpd: false, forceEncap: null, gateway: null }, { dpd: false }],
    [
      'NONE for a group that is to go',
      { ikeDhGroup: 'NONE', espPerfectForwardSecrecy: 'MODP_1536' },
      { ikeDhGroup: 'None', espPerfectForwardSecrecy: 'modp1536' },
    ],
    [
      'every attribute',
      {
        name: 'x',
        gateway: '192.0.2.1',
        cidr: '10.0.0.0/8, 2001:db8::/32',
        ipSecPsk: psk,
        ikeEncryptionAlgorithm: 'TRIPLE_DES',
        ikeHashAlgorithm: 'SHA1',
        ikeDhGroup: 'MODP_1024',
        ikeLifetime: 1,
        espEncryptionAlgorithm: 'AES256',
        espHashAlgorithm: 'MD5',
        espPerfectForwardSecrecy: 'MODP_1024',
        espLifetime: 2,
        dpd: true,
        forceEncap: true,
      },
      {
        name: 'x',
        gateway: '192.0.2.1',
        cidr: '10.0.0.0/8,2001:db8::/32',
        ipSecPsk: psk,
        ikeEncryptionAlgorithm: '3des',
        ikeHashAlgorithm: 'sha1',
        ikeDhGroup: 'modp1024',
        ikeLifetime: 1,
        espEncryptionAlgorithm: 'aes256',
        espHashAlgorithm: 'md5',
        espPerfectForwardSecrecy: 'modp1024',
        espLifetime: 2,
        dpd: true,
        forceEncap: true,
      },
    ],
  ])('sends what was given and nothing else: %s', async (_, input, body) => {
    expect(await run(() => ({}), input)).toEqual(payload({ siteToSiteVpn: { id, name: 'vpn-0001' } }));
    const [sent] = scripted.upstream.calls;
    expect(sent?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(sent?.body ?? '')).toStrictEqual(body);
    expect(scripted.calls()).toEqual([put, get]);
  });

  it.each([{}, { name: null, dpd: null }, { ikeDhGroup: null, cidr: null }])(
    'is INVALID if there is nothing to update: %j',
    async (input) => {
      const message = 'There is nothing to update. Send at least one attribute that is not null.';
      expect(await run(() => ({}), input)).toEqual(
        payload({ userErrors: [{ field: null, code: 'INVALID', message, upstreamCode: null }] }),
      );
      expect(scripted.calls()).toEqual([]);
    },
  );

  it.each(['name', 'cidr', 'gateway', 'ipSecPsk'])('is INVALID at %s only, if that is empty', async (field) => {
    const body = await run(() => ({}), { [field]: '' });
    expect(at(body, 'data', 'updateSiteToSiteVpn', 'userErrors')).toEqual([
      expect.objectContaining({ field: ['input', field], code: 'INVALID' }),
    ]);
  });

  it('is done if its response was lost, and the VPN has no group any more', async () => {
    const removed = numberedVpn(1, 1, { ikeDhGroup: null });
    expect(await run(() => raw(502), { ikeDhGroup: 'NONE' }, [removed])).toEqual(
      payload({ siteToSiteVpn: { id, name: 'vpn-0001' } }),
    );
  });

  it('is REJECTED if the REST API has no value for NONE', async () => {
    const input = { environment, id: otherVpnId, ikeDhGroup: 'NONE' };
    const body = await version2.execute(update(), { input });
    expect(at(body, 'data', 'updateSiteToSiteVpn', 'userErrors')).toMatchObject([{ field: null, code: 'REJECTED' }]);
  });

  it('returns all violations at once, without a REST call', async () => {
    const input = {
      id: 'x',
      name: '\u200b',
      gateway: 'vpn.example.com',
      cidr: '',
      ipSecPsk: 'canary"0123456789',
      ikeLifetime: 0,
      espLifetime: -1,
      waitSeconds: 61,
    };
    const body = await run(() => ({}), input);
    const codes = listAt(body, 'data', 'updateSiteToSiteVpn', 'userErrors').map((error) => [
      textAt(error, 'field', 1),
      textAt(error, 'code'),
    ]);
    expect(codes.toSorted()).toEqual([
      ['cidr', 'INVALID'],
      ['espLifetime', 'INVALID'],
      ['gateway', 'INVALID'],
      ['id', 'NOT_FOUND'],
      ['ikeLifetime', 'INVALID'],
      ['ipSecPsk', 'INVALID'],
      ['name', 'INVALID'],
      ['waitSeconds', 'INVALID'],
    ]);
    expect(JSON.stringify(body)).not.toContain('canary');
    expect(scripted.calls()).toEqual([]);
  });

  it('is TAKEN at each field that another VPN uses, with the code of the REST API', async () => {
    const input = { environment, id: otherVpnId, name: 'stargate', gateway: '19.19.19.19', espLifetime: 60 };
    expect(await version2.execute(update(), { input })).toEqual(
      payload({
        userErrors: [
          expect.objectContaining({ field: ['input', 'name'], code: 'TAKEN', upstreamCode: '2013' }),
          expect.objectContaining({ field: ['input', 'gateway'], code: 'TAKEN', upstreamCode: '2013' }),
        ],
      }),
    );
    expect(version2.calls()).toEqual([
      `PUT ${environmentPath}/sitetositevpns/${otherVpnId}`,
      `GET ${environmentPath}/sitetositevpns`,
    ]);
  });

  it('is REJECTED without a field for a reason that the environment does not explain', async () => {
    const errors = [{ code: 9, message: 'The VPN is connected.' }];
    expect(await run(() => json(400, { errors }), { name: 'x' })).toEqual(
      payload({ userErrors: [{ field: null, code: 'REJECTED', message: 'The VPN is connected.', upstreamCode: '9' }] }),
    );
    expect(scripted.calls()).toEqual([put, list]);
  });

  it('is NOT_FOUND at its id if the environment has no such VPN', async () => {
    const input = { environment, id: numberedId('vpn', 9), name: 'x' };
    expect(await version2.execute(update(), { input })).toEqual(
      payload({
        userErrors: [
          {
            field: ['input', 'id'],
            code: 'NOT_FOUND',
            message: 'The REST API has nothing with this name or id.',
            upstreamCode: '3001',
          },
        ],
      }),
    );
  });

  const unsupported = (upstreamCode: string | null) =>
    payload({
      userErrors: [
        {
          field: null,
          code: 'REJECTED',
          message:
            'This REST API cannot update site-to-site VPNs. Delete the VPN, and create it again with the new attributes.',
          upstreamCode,
        },
      ],
    });

  it('says in userErrors that version 1 of the REST API cannot update', async () => {
    expect(await version1.execute(update(), { input: { environment, id: vpnId, name: 'x' } })).toEqual(
      unsupported('3002'),
    );
    expect(version1.calls()).toEqual([`PUT ${environmentPath}/sitetositevpns/${vpnId}`]);
  });

  it.each<[string, Script, string | null, string[]]>([
    ['405 without a body', () => raw(405, ''), null, [put]],
    ['405 with HTML', () => raw(405, '<html>'), null, [put]],
    ['404 with HTML', () => raw(404, '<html>'), null, [put]],
    [
      '404 with errors, although it has the VPN',
      () => json(404, { errors: [{ code: 4, message: 'What?' }] }),
      '4',
      [put, get],
    ],
  ])('says in userErrors that a REST API that responds with %s cannot update', async (_, script, code, calls) => {
    expect(await run(script, { name: 'x' })).toEqual(unsupported(code));
    expect(scripted.calls()).toEqual(calls);
  });

  const changed = numberedVpn(1, 1, { name: 'new', cidr: '10.1.0.0/16,10.2.0.0/16', ipSecPsk: psk });
  const changes = { name: 'new', cidr: '10.2.0.9/16,10.1.0.0/16', ipSecPsk: psk, ikeDhGroup: null };

  it('is done if its response was lost, and the VPN has every attribute that was given', async () => {
    expect(await run(() => dropConnection, changes, [changed])).toEqual(
      payload({ siteToSiteVpn: { id, name: 'new' } }),
    );
    expect(scripted.calls()).toEqual([put, list]);
  });

  it.each([{ name: 'old' }, { cidr: '10.1.0.0/16' }, { ipSecPsk: 'Kz81mPq04LtYvC' }])(
    'has an unknown outcome if its response was lost, and the VPN still has %j',
    async (old) => {
      const vpn = { ...changed, ...old };
      expect(await run(() => raw(502), changes, [vpn])).toMatchObject({
        data: { updateSiteToSiteVpn: null },
        errors: [{ extensions: { code: 'UPSTREAM_UNAVAILABLE', outcomeUnknown: true } }],
      });
      expect(scripted.calls()).toEqual([put, list]);
    },
  );

  it('is TAKEN if its response was lost, and another VPN has the name', async () => {
    const other = numberedVpn(2, 1, { name: 'new' });
    const body = await run(() => raw(502), changes, [numberedVpn(1, 1), other]);
    expect(at(body, 'data', 'updateSiteToSiteVpn', 'userErrors')).toMatchObject([
      { field: ['input', 'name'], code: 'TAKEN', upstreamCode: null },
    ]);
  });

  it('records a change of the pre-shared key in the audit log', async () => {
    await run(() => ({}), { ipSecPsk: psk });
    await run(() => ({}), { name: 'x' });
    const events = scripted.gateway.logs.filter(({ msg }) => msg === 'audit').slice(-2);
    expect(events).toMatchObject([
      {
        action: 'updateSiteToSiteVpn',
        siteToSiteVpns: [id],
        secretsWritten: ['SiteToSiteVpn.ipSecPsk'],
        outcome: 'done',
      },
      { action: 'updateSiteToSiteVpn', siteToSiteVpns: [id], outcome: 'done' },
    ]);
    expect(events[1]).not.toHaveProperty('secretsWritten');
    expect(JSON.stringify(scripted.gateway.logs)).not.toContain(psk);
  });
});
