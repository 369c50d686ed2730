// What the sandbox turns down, and with which status and errors.
import { describe, expect, it } from '@jest/globals';
import { defaultSeed, seedSiteToSiteVpn } from '../../src/sandbox/seed.js';
import { READ_ONLY_KEY } from '../../src/sandbox/sandbox.js';
import { isCidr } from '../../src/sandbox/validation.js';
import { SITE_TO_SITE_VPN_QUOTA } from '../../src/sandbox/state.js';
import { at, messages, newVpn, serve, stargate, testArea, textAt } from './test-sandbox.js';

const vpns = `${testArea}/sitetositevpns`;

describe('A creation', () => {
  it.each<[string, object, string[]]>([
    ['whose name is taken', { name: 'stargate' }, ['The name stargate is already used.']],
    [
      'whose gateway is taken',
      { gateway: '19.19.19.19' },
      ['The gateway 19.19.19.19 is already used by a site-to-site VPN of the environment.'],
    ],
    [
      'whose gateway is taken in another spelling',
      { gateway: 'VPN.partner.example' },
      ['The gateway VPN.partner.example is already used by a site-to-site VPN of the environment.'],
    ],
    ['whose name is blank', { name: ' ' }, ['name must be a text that is not blank.']],
    [
      'whose key has nine alphanumeric characters',
      { ipSecPsk: 'abc-def_123!!!' },
      ['ipSecPsk must be a text of at least 10 alphanumeric characters.'],
    ],
    [
      'whose VPC is of another environment',
      { vpcId: '19ed8296-768e-4440-b626-4a75ab283fff' },
      ['vpcId must be the id of a VPC of the environment.'],
    ],
    [
      'with an unknown encryption algorithm',
      { ikeEncryptionAlgorithm: 'des', espEncryptionAlgorithm: 'aes512' },
      [
        'ikeEncryptionAlgorithm must be one of 3des, aes128, aes192, aes256.',
        'espEncryptionAlgorithm must be one of 3des, aes128, aes192, aes256.',
      ],
    ],
    [
      'with an unknown hash algorithm',
      { ikeHashAlgorithm: 'sha256', espHashAlgorithm: '' },
      ['ikeHashAlgorithm must be one of sha1, md5.', 'espHashAlgorithm must be one of sha1, md5.'],
    ],
    [
      'with an unknown group',
      { ikeDhGroup: 'modp2048', espPerfectForwardSecrecy: 5 },
      [
        'ikeDhGroup must be one of modp1536, group-5 (1536-bit), modp1024, group-2 (1024-bit).',
        'espPerfectForwardSecrecy must be one of modp1536, group-5 (1536-bit), modp1024, group-2 (1024-bit).',
      ],
    ],
    [
      'with lifetimes that are not positive integers',
      { ikeLifetime: 0, espLifetime: 1.5 },
      ['ikeLifetime must be a positive integer: seconds.', 'espLifetime must be a positive integer: seconds.'],
    ],
    ['with a lifetime as text', { ikeLifetime: '86400' }, ['ikeLifetime must be a positive integer: seconds.']],
    ['with a flag as text', { dpd: 'true' }, ['dpd must be true or false.']],
    ['with a name as number', { name: 7 }, ['name must be a text that is not blank.']],
    ['with a gateway out of range', { gateway: '300.1.1.1' }, ['gateway must be an IP address or a host name.']],
    [
      'with a gateway that is an address of a page',
      { gateway: 'https://a.example/' },
      ['gateway must be an IP address or a host name.'],
    ],
    ['with an address for a network', { cidr: '10.12.0.2' }, ['cidr must be a CIDR, e.g. 10.12.0.0/22.']],
    [
      'with fields it has not',
      { state: 'Connected', colour: 'red' },
      ['state is not a field of a site-to-site VPN.', 'colour is not a field of a site-to-site VPN.'],
    ],
  ])('%s is refused', async (_what, change, expected) => {
    const { call } = await serve();
    const answer = await call('POST', vpns, { body: { ...newVpn, ...change } });
    expect([answer.status, messages(answer)]).toEqual([400, expected]);
    expect(at((await call('GET', vpns)).body, 'metadata', 'recordCount')).toBe(9);
  });

  it('tells everything that is wrong at once, each with a number, a message and a context', async () => {
    const { call } = await serve();
    const body = {
      ...newVpn,
      name: undefined,
      gateway: '19.19.19.19',
      ipSecPsk: 'short',
      ikeLifetime: -1,
      colour: 'red',
    };
    const answer = await call('POST', vpns, { body });
    expect(answer.body).toEqual({
      errors: [
        { code: 2010, message: 'name is required.', context: {} },
        { code: 2012, message: 'ipSecPsk must be a text of at least 10 alphanumeric characters.', context: {} },
        { code: 2012, message: 'ikeLifetime must be a positive integer: seconds.', context: {} },
        {
          code: 2013,
          message: 'The gateway 19.19.19.19 is already used by a site-to-site VPN of the environment.',
          context: {},
        },
        { code: 2011, message: 'colour is not a field of a site-to-site VPN.', context: {} },
      ],
    });
  });

  it('without anything in it is told each required field', async () => {
    const { call } = await serve();
    expect(messages(await call('POST', vpns, { body: {} }))).toEqual(
      Object.keys(newVpn).map((field) => `${field} is required.`),
    );
  });

  it('with null for a required field lacks it', async () => {
    const { call } = await serve();
    expect(messages(await call('POST', vpns, { body: { ...newVpn, ipSecPsk: null } }))).toEqual([
      'ipSecPsk is required.',
    ]);
  });

  it('whose body is malformed is refused without a piece of it in the answer', async () => {
    const { call } = await serve();
    const answer = await call('POST', vpns, { body: '{"ipSecPsk":"Kz81mPq04LtYvB",}' });
    expect([answer.status, messages(answer)]).toEqual([400, ['The body is not valid JSON.']]);
  });

  it.each(['[]', 'null', '"text"'])('of %s is refused', async (body) => {
    const { call } = await serve();
    const answer = await call('POST', vpns, { body });
    expect([answer.status, messages(answer)]).toEqual([400, ['The body must be a JSON object.']]);
  });

  it('not announced as JSON is refused', async () => {
    const { baseUrl } = await serve();
    const response = await fetch(baseUrl + vpns, {
      method: 'POST',
      headers: { 'MC-Api-Key': 'sandbox-key' },
      body: JSON.stringify(newVpn),
    });
    expect([response.status, textAt(await response.json(), 'errors', 0, 'message')]).toEqual([
      400,
      'The body must be sent as application/json.',
    ]);
  });

  it('never gets its pre-shared key back in a refusal', async () => {
    const { call } = await serve();
    for (const ipSecPsk of ['n0t-l0ng', ['n0t-l0ng'], 'n0t-l0ng-but-enough']) {
      const answer = await call('POST', vpns, { body: { ...newVpn, ipSecPsk, name: 'stargate' } });
      expect(answer.status).toBe(400);
      expect(JSON.stringify(answer.body)).not.toContain('n0t-l0ng');
    }
  });

  it('beyond the quota of an environment is refused', async () => {
    const [environment] = defaultSeed().environments;
    if (environment === undefined) throw new Error('The seed has no environment.');
    const siteToSiteVpns = Array.from({ length: SITE_TO_SITE_VPN_QUOTA }, (_, index) =>
      seedSiteToSiteVpn({
        id: `vpn-${index}`,
        name: `vpn-${index}`,
        vpcId: newVpn.vpcId,
        gateway: `gateway-${index}.example`,
      }),
    );
    const { call } = await serve({
      seed: { ...defaultSeed(), environments: [{ ...environment, siteToSiteVpns }] },
    });
    expect(at((await call('GET', vpns)).body, 'metadata')).toEqual({ recordCount: SITE_TO_SITE_VPN_QUOTA });
    const answer = await call('POST', vpns, { body: newVpn });
    expect([answer.status, at(answer.body, 'errors', 0, 'code')]).toEqual([400, 2014]);
  });
});

describe('isCidr', () => {
  it.each(['10.12.0.2/22', '0.0.0.0/0', '192.0.2.1/32', '10.0.0.0/8, 172.16.0.0/12'])('takes %s', (text) => {
    expect(isCidr(text)).toBe(true);
  });

  it.each(['', '10.12.0.2', '10.12.0.2/33', '10.12.0/22', '256.0.0.0/8', '10.0.0.0/8,', '10.0.0.0/8/8', 'ten/8'])(
    'refuses "%s"',
    (text) => {
      expect(isCidr(text)).toBe(false);
    },
  );
});

describe('A call', () => {
  it.each([
    ['GET', '/services/compute-on/nowhere/sitetositevpns', undefined],
    ['POST', '/services/compute-on/nowhere/sitetositevpns', newVpn],
    ['GET', '/services/compute-qc/test_area/sitetositevpns', undefined],
    ['GET', '/services/compute-mars/test_area/vpcs', undefined],
    ['GET', `${vpns}/nothing`, undefined],
    ['DELETE', `${vpns}/nothing`, undefined],
    ['POST', `${vpns}/nothing?operation=reset`, undefined],
    ['GET', `${testArea}/vpcs/nothing`, undefined],
    ['GET', '/services/connections/nothing', undefined],
    ['GET', '/tasks/nothing', undefined],
    ['GET', '/nowhere', undefined],
    ['GET', '/tasks/%', undefined],
  ])('%s %s finds nothing', async (method, path, body) => {
    const { call } = await serve();
    const answer = await call(method, path, { body });
    expect([answer.status, at(answer.body, 'errors')]).toEqual([
      404,
      [{ code: 3001, message: expect.any(String), context: {} }],
    ]);
  });

  it.each([
    ['PUT', `${vpns}/${stargate}`, 'GET, POST, DELETE'],
    ['DELETE', vpns, 'GET, POST'],
    ['POST', `${testArea}/vpcs`, 'GET'],
    ['DELETE', '/environments', 'GET'],
    ['PATCH', '/tasks/nothing', 'GET'],
  ])('%s %s is not allowed', async (method, path, allowed) => {
    const { call } = await serve();
    const answer = await call(method, path);
    expect([answer.status, answer.headers.get('allow'), at(answer.body, 'errors', 0, 'code')]).toEqual([
      405,
      allowed,
      3002,
    ]);
  });

  it.each([null, 'guessed', ''])('with the key %p is refused, whatever it asks for', async (key) => {
    const { call } = await serve();
    for (const path of ['/environments', `${testArea}/vpcs`, '/tasks/nothing', '/nowhere']) {
      const answer = await call('GET', path, { key });
      expect([answer.status, at(answer.body, 'errors', 0, 'code')]).toEqual([401, 1001]);
    }
    expect((await call('DELETE', `${vpns}/${stargate}`, { key })).status).toBe(401);
  });

  it('that reads is answered to the read-only key', async () => {
    const { call } = await serve();
    expect((await call('GET', `${vpns}/${stargate}`, { key: READ_ONLY_KEY })).status).toBe(200);
  });

  it.each([
    ['POST', vpns],
    ['POST', `${vpns}/${stargate}?operation=reset`],
    ['DELETE', `${vpns}/${stargate}`],
  ])('%s %s is not authorized with the read-only key', async (method, path) => {
    const { call, advance } = await serve();
    const answer = await call(method, path, { key: READ_ONLY_KEY, ...(path === vpns && { body: newVpn }) });
    expect([answer.status, at(answer.body, 'errors', 0, 'code')]).toEqual([403, 1002]);
    advance(60_000);
    expect(at((await call('GET', vpns)).body, 'metadata', 'recordCount')).toBe(9);
  });

  it.each(['', '?operation=', '?operation=restart'])('for the operation "%s" of a VPN is refused', async (query) => {
    const { call } = await serve();
    const answer = await call('POST', `${vpns}/${stargate}${query}`);
    expect([answer.status, messages(answer)]).toEqual([400, ['The operation must be reset.']]);
  });

  it('with a body of over a megabyte is refused in the same form', async () => {
    const { call } = await serve();
    const answer = await call('POST', vpns, { body: { name: 'n'.repeat(2_000_000) } });
    expect([answer.status, at(answer.body, 'errors', 0, 'code')]).toEqual([413, 5000]);
  });
});
