// The sandbox's error responses: status and errors.
import { describe, expect, it } from '@jest/globals';
import { keyHeader } from '../helpers/fixtures.js';
import { createDefaultSeed } from '../../src/sandbox/default-seed.js';
import { seedSiteToSiteVpn } from '../../src/sandbox/seed.js';
import { READ_ONLY_KEY } from '../../src/sandbox/keys.js';
import { isCidr } from '../../src/sandbox/validation.js';
import { SITE_TO_SITE_VPN_QUOTA } from '../../src/sandbox/state.js';
import { getPath, getErrorMessages, newVpn, startSandbox, stargate, testArea, getText } from './test-sandbox.js';

const vpns = `${testArea}/sitetositevpns`;
const context = { type: 'sitetositevpns' };
const preSharedKeyMessage =
  'ipSecPsk must be a string with at least 10 alphanumeric characters, without double quotes and line breaks.';

describe('POST …/sitetositevpns', () => {
  it.each<[string, object, string[]]>([
    ['a name that is in use', { name: 'stargate' }, ['The name stargate is already used.']],
    [
      'a gateway that is in use',
      { gateway: '19.19.19.19' },
      ['The gateway 19.19.19.19 is already used by a site-to-site VPN of the environment.'],
    ],
    [
      'a gateway that is in use in another spelling',
      { gateway: 'VPN.partner.example' },
      ['The gateway VPN.partner.example is already used by a site-to-site VPN of the environment.'],
    ],
    ['a blank name', { name: ' ' }, ['name must be a non-blank string.']],
    ['a pre-shared key with nine alphanumeric characters', { ipSecPsk: 'abc-def_123!!!' }, [preSharedKeyMessage]],
    ['a pre-shared key with a double quote', { ipSecPsk: 'Kz81mPq04LtY"vB' }, [preSharedKeyMessage]],
    ['a pre-shared key with a line break', { ipSecPsk: 'Kz81mPq04LtY\nvB' }, [preSharedKeyMessage]],
    [
      'a VPC of another environment',
      { vpcId: '19ed8296-768e-4440-b626-4a75ab283fff' },
      ['vpcId must be the id of a VPC of the environment.'],
    ],
    [
      'unknown encryption algorithms',
      { ikeEncryptionAlgorithm: 'des', espEncryptionAlgorithm: 'aes512' },
      [
        'ikeEncryptionAlgorithm must be one of 3des, aes128, aes192, aes256.',
        'espEncryptionAlgorithm must be one of 3des, aes128, aes192, aes256.',
      ],
    ],
    [
      'unknown hash algorithms',
      { ikeHashAlgorithm: 'sha256', espHashAlgorithm: '' },
      ['ikeHashAlgorithm must be one of sha1, md5.', 'espHashAlgorithm must be one of sha1, md5.'],
    ],
    [
      'unknown Diffie-Hellman groups',
      { ikeDhGroup: 'modp2048', espPerfectForwardSecrecy: 5 },
      [
        'ikeDhGroup must be one of modp1536, group-5 (1536-bit), modp1024, group-2 (1024-bit).',
        'espPerfectForwardSecrecy must be one of modp1536, group-5 (1536-bit), modp1024, group-2 (1024-bit).',
      ],
    ],
    [
      'lifetimes that are not positive integers',
      { ikeLifetime: 0, espLifetime: 1.5 },
      ['ikeLifetime must be a positive integer, in seconds.', 'espLifetime must be a positive integer, in seconds.'],
    ],
    ['a lifetime that is a string', { ikeLifetime: '86400' }, ['ikeLifetime must be a positive integer, in seconds.']],
    ['a flag that is a string', { dpd: 'true' }, ['dpd must be true or false.']],
    ['a name that is a number', { name: 7 }, ['name must be a non-blank string.']],
    [
      'a gateway with an invalid IPv4 address',
      { gateway: '300.1.1.1' },
      ['gateway must be an IP address or a host name.'],
    ],
    ['a gateway that is a URL', { gateway: 'https://a.example/' }, ['gateway must be an IP address or a host name.']],
    ['a cidr without a prefix length', { cidr: '10.12.0.2' }, ['cidr must be a CIDR, e.g. 10.12.0.0/22.']],
    [
      'unknown fields',
      { state: 'Connected', colour: 'red' },
      ['state is not a field of a site-to-site VPN.', 'colour is not a field of a site-to-site VPN.'],
    ],
  ])('rejects %s', async (_what, change, expected) => {
    const { call } = await startSandbox();
    const response = await call('POST', vpns, { body: { ...newVpn, ...change } });
    expect([response.status, getErrorMessages(response)]).toEqual([400, expected]);
    expect(getPath((await call('GET', vpns)).body, 'metadata', 'recordCount')).toBe(9);
  });

  it('reports all errors at once, each with a code, a message and a context', async () => {
    const { call } = await startSandbox();
    const body = {
      ...newVpn,
      name: undefined,
      gateway: '19.19.19.19',
      ipSecPsk: 'short',
      ikeLifetime: -1,
      colour: 'red',
    };
    const response = await call('POST', vpns, { body });
    expect(response.body).toEqual({
      errors: [
        { code: 2010, errorCode: 'MISSING_FIELD', message: 'name is required.', context },
        { code: 2012, errorCode: 'INVALID_VALUE', message: preSharedKeyMessage, context },
        {
          code: 2012,
          errorCode: 'INVALID_VALUE',
          message: 'ikeLifetime must be a positive integer, in seconds.',
          context,
        },
        {
          code: 2013,
          errorCode: 'ALREADY_USED',
          message: 'The gateway 19.19.19.19 is already used by a site-to-site VPN of the environment.',
          context: { ...context, id: stargate },
        },
        {
          code: 2011,
          errorCode: 'UNKNOWN_FIELD',
          message: 'colour is not a field of a site-to-site VPN.',
          context,
        },
      ],
    });
  });

  it('reports each required field of an empty body', async () => {
    const { call } = await startSandbox();
    expect(getErrorMessages(await call('POST', vpns, { body: {} }))).toEqual(
      Object.keys(newVpn).map((field) => `${field} is required.`),
    );
  });

  it('treats null in a required field as missing', async () => {
    const { call } = await startSandbox();
    expect(getErrorMessages(await call('POST', vpns, { body: { ...newVpn, ipSecPsk: null } }))).toEqual([
      'ipSecPsk is required.',
    ]);
  });

  it('rejects a body that is not JSON without quoting it', async () => {
    const { call } = await startSandbox();
    const response = await call('POST', vpns, { body: '{"ipSecPsk":"Kz81mPq04LtYvB",}' });
    expect([response.status, getErrorMessages(response)]).toEqual([400, ['The body is not valid JSON.']]);
  });

  it.each(['[]', 'null', '"text"'])('rejects the body %s', async (body) => {
    const { call } = await startSandbox();
    const response = await call('POST', vpns, { body });
    expect([response.status, getErrorMessages(response)]).toEqual([400, ['The body must be a JSON object.']]);
  });

  it('rejects a body that is not sent as application/json', async () => {
    const { baseUrl } = await startSandbox();
    const response = await fetch(baseUrl + vpns, {
      method: 'POST',
      headers: keyHeader(),
      body: JSON.stringify(newVpn),
    });
    expect([response.status, getText(await response.json(), 'errors', 0, 'message')]).toEqual([
      400,
      'The body must be sent as application/json.',
    ]);
  });

  it('never returns the pre-shared key in an error', async () => {
    const { call } = await startSandbox();
    for (const ipSecPsk of ['n0t-l0ng', ['n0t-l0ng'], 'n0t-l0ng-but-enough']) {
      const response = await call('POST', vpns, { body: { ...newVpn, ipSecPsk, name: 'stargate' } });
      expect(response.status).toBe(400);
      expect(JSON.stringify(response.body)).not.toContain('n0t-l0ng');
    }
  });

  it('rejects a VPN beyond the quota of the environment', async () => {
    const [environment] = createDefaultSeed().environments;
    if (environment === undefined) throw new Error('The seed has no environment.');
    const siteToSiteVpns = Array.from({ length: SITE_TO_SITE_VPN_QUOTA }, (_, index) =>
      seedSiteToSiteVpn({
        id: `vpn-${index}`,
        name: `vpn-${index}`,
        vpcId: newVpn.vpcId,
        gateway: `gateway-${index}.example`,
      }),
    );
    const { call } = await startSandbox({
      seed: { ...createDefaultSeed(), environments: [{ ...environment, siteToSiteVpns }] },
    });
    expect(getPath((await call('GET', vpns)).body, 'metadata')).toEqual({ recordCount: SITE_TO_SITE_VPN_QUOTA });
    const response = await call('POST', vpns, { body: newVpn });
    expect([response.status, getPath(response.body, 'errors', 0, 'code')]).toEqual([400, 2014]);
  });
});

describe('isCidr', () => {
  it.each(['10.12.0.2/22', '0.0.0.0/0', '192.0.2.1/32', '10.0.0.0/8, 172.16.0.0/12'])('accepts %s', (text) => {
    expect(isCidr(text)).toBe(true);
  });

  it.each(['', '10.12.0.2', '10.12.0.2/33', '10.12.0/22', '256.0.0.0/8', '10.0.0.0/8,', '10.0.0.0/8/8', 'ten/8'])(
    'rejects "%s"',
    (text) => {
      expect(isCidr(text)).toBe(false);
    },
  );
});

describe('Every path', () => {
  it.each([
    ['GET', '/services/compute-on/nowhere/sitetositevpns', undefined, { type: 'environments', id: 'nowhere' }],
    ['POST', '/services/compute-on/nowhere/sitetositevpns', newVpn, { type: 'environments', id: 'nowhere' }],
    ['GET', '/services/compute-qc/test_area/sitetositevpns', undefined, { type: 'environments', id: 'test_area' }],
    ['GET', '/services/compute-mars/test_area/vpcs', undefined, { type: 'environments', id: 'test_area' }],
    ['GET', `${vpns}/nothing`, undefined, { ...context, id: 'nothing' }],
    ['DELETE', `${vpns}/nothing`, undefined, { ...context, id: 'nothing' }],
    ['POST', `${vpns}/nothing?operation=reset`, undefined, { ...context, id: 'nothing' }],
    ['GET', `${testArea}/vpcs/nothing`, undefined, { type: 'vpcs', id: 'nothing' }],
    ['GET', '/services/connections/nothing', undefined, { type: 'connections', id: 'nothing' }],
    ['GET', '/organizations/nothing', undefined, { type: 'organizations', id: 'nothing' }],
    ['GET', '/environments/nothing', undefined, { type: 'environments', id: 'nothing' }],
    ['GET', '/services/connections?organizationId=no', undefined, { type: 'organizations', id: 'no' }],
    ['GET', '/tasks/nothing', undefined, { type: 'tasks', id: 'nothing' }],
    ['GET', '/nowhere', undefined, {}],
    ['GET', '/tasks/%', undefined, {}],
  ])('returns 404 for %s %s, with a context', async (method, path, body, expected) => {
    const { call } = await startSandbox();
    const response = await call(method, path, { body });
    expect([response.status, getPath(response.body, 'errors')]).toEqual([
      404,
      [{ code: 3001, errorCode: 'NOT_FOUND', message: expect.any(String), context: expected }],
    ]);
  });

  it.each([
    ['PUT', `${vpns}/${stargate}`, 'GET, POST, DELETE'],
    ['DELETE', vpns, 'GET, POST'],
    ['POST', `${testArea}/vpcs`, 'GET'],
    ['DELETE', '/environments', 'GET'],
    ['PATCH', '/tasks/nothing', 'GET'],
  ])('returns 405 for %s %s', async (method, path, allowed) => {
    const { call } = await startSandbox();
    const response = await call(method, path);
    expect([response.status, response.headers.get('allow'), getPath(response.body, 'errors', 0, 'code')]).toEqual([
      405,
      allowed,
      3002,
    ]);
  });

  it.each([null, 'guessed', ''])('returns 401 for the API key %p', async (key) => {
    const { call } = await startSandbox();
    for (const path of ['/environments', `${testArea}/vpcs`, '/tasks/nothing', '/nowhere']) {
      const response = await call('GET', path, { key });
      expect([response.status, getPath(response.body, 'errors', 0, 'code')]).toEqual([401, 1001]);
    }
    expect((await call('DELETE', `${vpns}/${stargate}`, { key })).status).toBe(401);
  });

  it('accepts a read with the read-only key', async () => {
    const { call } = await startSandbox();
    expect((await call('GET', `${vpns}/${stargate}`, { key: READ_ONLY_KEY })).status).toBe(200);
  });

  it.each([
    ['POST', vpns],
    ['POST', `${vpns}/${stargate}?operation=reset`],
    ['DELETE', `${vpns}/${stargate}`],
  ])('returns 403 for %s %s with the read-only key', async (method, path) => {
    const { call, advance } = await startSandbox();
    const response = await call(method, path, { key: READ_ONLY_KEY, ...(path === vpns && { body: newVpn }) });
    expect([response.status, getPath(response.body, 'errors', 0, 'code')]).toEqual([403, 1002]);
    advance(60_000);
    expect(getPath((await call('GET', vpns)).body, 'metadata', 'recordCount')).toBe(9);
  });

  it.each(['', '?operation=', '?operation=restart'])('rejects the operation "%s" of a VPN', async (query) => {
    const { call } = await startSandbox();
    const response = await call('POST', `${vpns}/${stargate}${query}`);
    expect([response.status, getErrorMessages(response)]).toEqual([400, ['The operation must be reset.']]);
  });

  it('rejects a body of 2 MB with a JSON error', async () => {
    const { call } = await startSandbox();
    const response = await call('POST', vpns, { body: { name: 'n'.repeat(2_000_000) } });
    expect([response.status, getPath(response.body, 'errors', 0, 'code')]).toEqual([413, 5000]);
  });
});
