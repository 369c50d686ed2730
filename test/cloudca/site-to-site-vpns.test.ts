// Every spelling of a site-to-site VPN on the wire, and what is made of one that is odd: a value that is not documented, a field of the
// wrong type, one that is missing.
import { describe, expect, it } from '@jest/globals';
import type { RestSession } from '../../src/cloudca/client.js';
import { getSiteToSiteVpn, listSiteToSiteVpns, tryToSiteToSiteVpn } from '../../src/cloudca/site-to-site-vpns.js';
import { startUpstream } from '../helpers/upstream.js';
import { apiKey, failureOf, stargate, startClient, testArea } from './test-client.js';

const upstream = await startUpstream();
const { session, warnings } = startClient(upstream.url);

const wire = {
  id: stargate,
  name: 'stargate',
  state: 'Connected',
  vpcId: '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7',
  gateway: '19.19.19.19',
  cidr: '10.12.0.2/22',
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
};
const entity = { ...wire, unknownValues: [] };

/** Reads a VPN that has these fields; those that are undefined are not on the wire. */
async function read(fields: object, rest: RestSession = session()) {
  warnings.splice(0);
  upstream.script(() => ({ data: { ...wire, ...fields } }));
  return getSiteToSiteVpn(rest, testArea, stargate);
}

const undocumented = (field: string, value: string) => [
  { field: `siteToSiteVpn.${field}`, problem: `not a documented value: ${value}` },
];
const wrongType = (field: string) => [{ field: `siteToSiteVpn.${field}`, problem: 'of the wrong type, read as null' }];

describe.each(['ikeEncryptionAlgorithm', 'espEncryptionAlgorithm'])('%s', (field) => {
  it.each([
    ['3des', '3des'],
    ['3DES', '3des'],
    ['aes128', 'aes128'],
    ['AES128', 'aes128'],
    ['Aes192', 'aes192'],
    ['AES256', 'aes256'],
    [' aes256 ', 'aes256'],
    ['', null],
    [null, null],
    [undefined, null],
  ])('reads %j as %j', async (value, known) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: known });
    expect(warnings).toEqual([]);
  });

  it.each(['des', 'aes512', 'AES-128', 'None', 'aes128-gcm (new)'])('tells %j as an unknown value', async (value) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: null, unknownValues: [{ field, value }] });
    expect(warnings).toEqual(undocumented(field, value));
  });

  it.each([128, true, {}, ['aes128']])('of the wrong type (%j) is null, with a warning', async (value) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: null });
    expect(warnings).toEqual(wrongType(field));
  });
});

describe.each(['ikeHashAlgorithm', 'espHashAlgorithm'])('%s', (field) => {
  it.each([
    ['sha1', 'sha1'],
    ['SHA1', 'sha1'],
    ['md5', 'md5'],
    ['MD5', 'md5'],
    ['', null],
    [null, null],
    [undefined, null],
  ])('reads %j as %j', async (value, known) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: known });
    expect(warnings).toEqual([]);
  });

  it.each(['sha256', 'SHA512', 'None'])('tells %j as an unknown value', async (value) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: null, unknownValues: [{ field, value }] });
    expect(warnings).toEqual(undocumented(field, value));
  });

  it.each([1, false, {}])('of the wrong type (%j) is null, with a warning', async (value) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: null });
    expect(warnings).toEqual(wrongType(field));
  });
});

describe.each(['ikeDhGroup', 'espPerfectForwardSecrecy'])('%s', (field) => {
  it.each([
    ['modp1536', 'modp1536'],
    ['MODP1536', 'modp1536'],
    ['Group-5 (1536-bit)', 'modp1536'],
    ['group-5', 'modp1536'],
    ['modp1024', 'modp1024'],
    ['Group-2 (1024-bit)', 'modp1024'],
    ['None', 'None'],
    ['none', 'None'],
    ['NONE', 'None'],
    ['', 'None'],
    [null, 'None'],
    [undefined, 'None'],
  ])('reads %j as %j', async (value, known) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: known });
    expect(warnings).toEqual([]);
  });

  it.each(['modp2048', 'Group-14 (2048-bit)', 'Group-5 (1024-bit)', 'modp15360', 'group-25'])(
    'tells %j as an unknown value: it is not none',
    async (value) => {
      expect(await read({ [field]: value })).toEqual({ ...entity, [field]: null, unknownValues: [{ field, value }] });
      expect(warnings).toEqual(undocumented(field, value));
    },
  );

  it.each([5, false, {}])(
    'of the wrong type (%j) is null, with a warning: it is not known to be none',
    async (value) => {
      expect(await read({ [field]: value })).toEqual({ ...entity, [field]: null });
      expect(warnings).toEqual(wrongType(field));
    },
  );
});

describe('state', () => {
  it.each([
    ['Connected', 'Connected'],
    ['CONNECTED', 'Connected'],
    ['pending', 'Pending'],
    ['Disconnected', 'Disconnected'],
    ['Error', 'Error'],
  ])('reads %j as %j', async (value, known) => {
    expect(await read({ state: value })).toEqual({ ...entity, state: known });
    expect(warnings).toEqual([]);
  });

  it.each(['Removing', 'Unknown', ''])('reads %j as unknown, and tells it', async (value) => {
    expect(await read({ state: value })).toEqual({
      ...entity,
      state: 'Unknown',
      unknownValues: [{ field: 'state', value }],
    });
    expect(warnings.map(({ field }) => field)).toEqual(['siteToSiteVpn.state']);
  });
});

describe('cidr', () => {
  it('keeps its host bits', async () => {
    expect((await read({ cidr: '10.12.3.4/22' })).cidr).toBe('10.12.3.4/22');
  });

  it.each([undefined, null])('is cidrList where it is %j itself', async (cidr) => {
    expect(await read({ cidr, cidrList: '10.0.0.0/8,172.16.0.0/12' })).toEqual({
      ...entity,
      cidr: '10.0.0.0/8,172.16.0.0/12',
    });
    expect(warnings).toEqual([]);
  });

  it('is not cidrList where both are there', async () => {
    expect((await read({ cidrList: '10.0.0.0/8' })).cidr).toBe('10.12.0.2/22');
  });

  it.each([7, ['10.0.0.0/8'], {}])('cannot be a cidrList of the wrong type: %j', async (cidrList) => {
    expect((await failureOf(read({ cidr: null, cidrList }))).message).toBe(
      'The REST API sent a siteToSiteVpn whose cidrList is not a string.',
    );
  });
});

describe.each(['ikeLifetime', 'espLifetime'])('%s', (field) => {
  it.each([0, 1, 2_147_483_647, -1, null, undefined])('reads %j', async (value) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: value ?? null });
    expect(warnings).toEqual([]);
  });

  it.each([2_147_483_648, 1e300, 1.5, '3600', true, [1]])(
    'is null, with a warning, for %j: GraphQL’s Int cannot hold it',
    async (value) => {
      expect(await read({ [field]: value })).toEqual({ ...entity, [field]: null });
      expect(warnings).toEqual(wrongType(field));
    },
  );
});

describe.each(['dpd', 'forceEncap'])('%s', (field) => {
  it.each([true, false, null, undefined])('reads %j', async (value) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: value ?? null });
    expect(warnings).toEqual([]);
  });

  it.each(['true', 0, {}])('of the wrong type (%j) is null, with a warning', async (value) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: null });
    expect(warnings).toEqual(wrongType(field));
  });
});

describe('ipSecPsk', () => {
  it.each(['', ' a"b\\é\u{1F511} ', null, undefined])('reads %j to the letter', async (value) => {
    expect(await read({ ipSecPsk: value })).toEqual({ ...entity, ipSecPsk: value ?? null });
  });

  it('of the wrong type is null, with a warning that does not repeat it', async () => {
    expect(await read({ ipSecPsk: 1234567890 })).toEqual({ ...entity, ipSecPsk: null });
    expect(warnings).toEqual(wrongType('ipSecPsk'));
  });

  it.each([
    ['the key of the VPN', wire.ipSecPsk],
    ['something around it', `x ${wire.ipSecPsk}`],
    ['the caller’s key', apiKey],
    ['what is long', 'x'.repeat(25)],
    ['what is odd', 'a\nb'],
  ])('is safe from warnings: %s in another field is not repeated', async (_what, value) => {
    expect((await read({ ikeHashAlgorithm: value, ipSecPsk: wire.ipSecPsk })).ikeHashAlgorithm).toBeNull();
    expect(warnings).toEqual([{ field: 'siteToSiteVpn.ikeHashAlgorithm', problem: 'not a documented value' }]);
  });
});

describe('A required field', () => {
  const required = ['id', 'name', 'state', 'vpcId', 'gateway', 'cidr'];
  const wrong = [undefined, null, 7, true, {}, ['x']];

  it.each(required.flatMap((field) => wrong.map((value) => [field, value] as const)))(
    '%s that is %j makes a bad response of the VPN, and of a list with it',
    async (field, value) => {
      const failure = {
        name: 'BadResponseError',
        message: `The REST API sent a siteToSiteVpn whose ${field} is not a string.`,
        outcomeUnknown: false,
      };
      expect(await failureOf(read({ [field]: value }))).toEqual(failure);
      upstream.script(() => ({ data: [wire, { ...wire, [field]: value }] }));
      expect(await failureOf(listSiteToSiteVpns(session(), testArea, null))).toEqual(failure);
      expect(upstream.calls.length).toBe(1);
    },
  );
});

describe('What is no VPN', () => {
  it.each([[[wire]], ['stargate'], [7], [true]])('is a bad response in place of one: %j', async (data) => {
    upstream.script(() => ({ data }));
    expect(await failureOf(getSiteToSiteVpn(session(), testArea, stargate))).toEqual({
      name: 'BadResponseError',
      message: 'The REST API sent something that is no siteToSiteVpn.',
      outcomeUnknown: false,
    });
  });

  it.each([[wire], ['x'], [0], [{}]])('is a bad response in place of a list: %j', async (data) => {
    upstream.script(() => ({ data }));
    expect(await failureOf(listSiteToSiteVpns(session(), testArea, null))).toEqual({
      name: 'BadResponseError',
      message: 'The REST API sent something that is no list of sitetositevpns.',
      outcomeUnknown: false,
    });
  });

  it.each([[null], ['x'], [[]], [7]])('is a bad response in a list: %j', async (entry) => {
    upstream.script(() => ({ data: [wire, entry] }));
    expect((await failureOf(listSiteToSiteVpns(session(), testArea, null))).name).toBe('BadResponseError');
  });

  it.each([undefined, null, 'x', 7, [], {}, { ...wire, name: 7 }])('is null where it need not be one: %j', (value) => {
    expect(tryToSiteToSiteVpn(session(), value)).toBeNull();
    expect(tryToSiteToSiteVpn(session(), wire)).toEqual(entity);
  });
});

describe('A list', () => {
  it('may be empty', async () => {
    upstream.script(() => ({ data: [], metadata: { recordCount: 7 } }));
    expect(await listSiteToSiteVpns(session(), testArea, null)).toEqual([]);
  });

  it('keeps the order of the REST API, and rows that are twice there', async () => {
    upstream.script(() => ({ data: [{ ...wire, name: 'b' }, { ...wire, name: 'a' }, wire, wire] }));
    const names = (await listSiteToSiteVpns(session(), testArea, null)).map(({ name }) => name);
    expect(names).toEqual(['b', 'a', 'stargate', 'stargate']);
  });
});

describe('Surplus fields', () => {
  it('are ignored, whatever they are', async () => {
    const surplus =
      '{"constructor":null,"toString":7,"__proto__":{"dpd":true},"ikeVersion":"ikev2","nested":[{"id":7}]}';
    const text = `{"data":${JSON.stringify(wire).slice(0, -1)},${surplus.slice(1)},"__proto__":{"id":"x"}}`;
    upstream.script(() => (response) => response.writeHead(200).end(text));
    warnings.splice(0);
    expect(await getSiteToSiteVpn(session(), testArea, stargate)).toStrictEqual(entity);
    expect(warnings).toEqual([]);
  });

  it('with the names of missing ones in the prototype do not stand in for them', async () => {
    const { dpd, ...rest } = wire;
    const text = JSON.stringify({ data: rest }).replace('{"id"', `{"__proto__":{"dpd":${String(!dpd)}},"id"`);
    upstream.script(() => (response) => response.writeHead(200).end(text));
    expect(await getSiteToSiteVpn(session(), testArea, stargate)).toEqual({ ...entity, dpd: null });
  });
});

describe('Warnings', () => {
  it('come once for each oddity of a session, and tell all of them', async () => {
    warnings.splice(0);
    const odd = { ...wire, ikeHashAlgorithm: 'sha256', dpd: 'yes' };
    upstream.script(() => ({ data: [odd, odd, { ...odd, ikeHashAlgorithm: 'sha512' }] }));
    const rest = session();
    const vpns = await listSiteToSiteVpns(rest, testArea, null);
    await listSiteToSiteVpns(rest, testArea, null);
    const told = [
      ...undocumented('ikeHashAlgorithm', 'sha256'),
      ...wrongType('dpd'),
      ...undocumented('ikeHashAlgorithm', 'sha512'),
    ];
    expect(warnings).toEqual(told);
    expect(vpns.map(({ unknownValues }) => unknownValues)).toEqual(
      ['sha256', 'sha256', 'sha512'].map((value) => [{ field: 'ikeHashAlgorithm', value }]),
    );
    await listSiteToSiteVpns(session(), testArea, null);
    expect(warnings).toEqual([...told, ...told]);
  });

  it('come for the first fifty oddities of a session alone', async () => {
    warnings.splice(0);
    upstream.script(() => ({ data: Array.from({ length: 60 }, (_, index) => ({ ...wire, state: `State ${index}` })) }));
    const vpns = await listSiteToSiteVpns(session(), testArea, null);
    expect(warnings).toEqual(Array.from({ length: 50 }, (_, index) => undocumented('state', `State ${index}`)).flat());
    expect(vpns.at(-1)?.unknownValues).toEqual([{ field: 'state', value: 'State 59' }]);
  });

  it('and unknown values name every field of one VPN', async () => {
    const odd = { state: 'Odd', ikeHashAlgorithm: 'x1', espHashAlgorithm: 'x2', ikeDhGroup: 'x3' };
    const { unknownValues } = await read(odd);
    expect(new Map(unknownValues.map(({ field, value }) => [field, value]))).toEqual(new Map(Object.entries(odd)));
    expect(warnings.length).toBe(4);
  });
});
