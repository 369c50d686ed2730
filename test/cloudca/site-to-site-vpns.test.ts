// Decoding of site-to-site VPNs: all spellings of enum values, undocumented values, missing fields, and fields of the wrong type.
import { describe, expect, it, jest } from '@jest/globals';
import type { RestSession } from '../../src/cloudca/session.js';
import { getSiteToSiteVpn, listSiteToSiteVpns, toSiteToSiteVpnOrNull } from '../../src/cloudca/site-to-site-vpns.js';
import { Turns } from '../../src/turns.js';
import { range } from '../helpers/fixtures.js';
import { startUpstream } from '../helpers/upstream.js';
import { apiKey, catchFailure, createTestClient, testArea, vpnId } from './test-client.js';

const upstream = await startUpstream();
const { session, warnings } = createTestClient(upstream.url);

const wire = {
  id: vpnId,
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
const entity = { ...wire, cidrs: ['10.12.0.2/22'], unknownValues: [] };

/** Reads a VPN with some fields replaced. An undefined field is absent from the response. */
async function read(fields: object, rest: RestSession = session()) {
  warnings.splice(0);
  upstream.script(() => ({ data: { ...wire, ...fields } }));
  return getSiteToSiteVpn(rest, testArea, vpnId);
}

const undocumented = (field: string, value: string) => [
  { field: `siteToSiteVpn.${field}`, problem: `not a documented value: ${value}` },
];
const wrongType = (field: string) => [{ field: `siteToSiteVpn.${field}`, problem: 'of the wrong type, read as null' }];

describe.each(['ikeEncryptionAlgorithm', 'espEncryptionAlgorithm'])('SiteToSiteVpnEntity.%s', (field) => {
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
  ])('decodes %j as %j', async (value, expected) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: expected });
    expect(warnings).toEqual([]);
  });

  it.each(['des', 'aes512', 'AES-128', 'None', 'aes128-gcm (new)'])(
    'reads null for %j and reports it as an unknown value',
    async (value) => {
      expect(await read({ [field]: value })).toEqual({ ...entity, [field]: null, unknownValues: [{ field, value }] });
      expect(warnings).toEqual(undocumented(field, value));
    },
  );

  it.each([128, true, {}, ['aes128']])('reads null, with a warning, for %j of the wrong type', async (value) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: null });
    expect(warnings).toEqual(wrongType(field));
  });
});

describe.each(['ikeHashAlgorithm', 'espHashAlgorithm'])('SiteToSiteVpnEntity.%s', (field) => {
  it.each([
    ['sha1', 'sha1'],
    ['SHA1', 'sha1'],
    ['md5', 'md5'],
    ['MD5', 'md5'],
    ['', null],
    [null, null],
    [undefined, null],
  ])('decodes %j as %j', async (value, expected) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: expected });
    expect(warnings).toEqual([]);
  });

  it.each(['sha256', 'SHA512', 'None'])('reads null for %j and reports it as an unknown value', async (value) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: null, unknownValues: [{ field, value }] });
    expect(warnings).toEqual(undocumented(field, value));
  });

  it.each([1, false, {}])('reads null, with a warning, for %j of the wrong type', async (value) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: null });
    expect(warnings).toEqual(wrongType(field));
  });
});

describe.each(['ikeDhGroup', 'espPerfectForwardSecrecy'])('SiteToSiteVpnEntity.%s', (field) => {
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
  ])('decodes %j as %j', async (value, expected) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: expected });
    expect(warnings).toEqual([]);
  });

  it.each(['modp2048', 'Group-14 (2048-bit)', 'Group-5 (1024-bit)', 'modp15360', 'group-25'])(
    'reads null, not None, for %j and reports it as an unknown value',
    async (value) => {
      expect(await read({ [field]: value })).toEqual({ ...entity, [field]: null, unknownValues: [{ field, value }] });
      expect(warnings).toEqual(undocumented(field, value));
    },
  );

  it.each([5, false, {}])('reads null, not None, with a warning, for %j of the wrong type', async (value) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: null });
    expect(warnings).toEqual(wrongType(field));
  });
});

describe('SiteToSiteVpnEntity.state', () => {
  it.each([
    ['Connected', 'Connected'],
    ['CONNECTED', 'Connected'],
    ['pending', 'Pending'],
    ['Disconnected', 'Disconnected'],
    ['Error', 'Error'],
  ])('decodes %j as %j', async (value, expected) => {
    expect(await read({ state: value })).toEqual({ ...entity, state: expected });
    expect(warnings).toEqual([]);
  });

  it.each(['Removing', 'Unknown', ''])('reads Unknown for %j and reports it as an unknown value', async (value) => {
    expect(await read({ state: value })).toEqual({
      ...entity,
      state: 'Unknown',
      unknownValues: [{ field: 'state', value }],
    });
    expect(warnings.map(({ field }) => field)).toEqual(['siteToSiteVpn.state']);
  });

  it.each([undefined, null, 7, true, {}, ['Connected']])('reads Unknown, with a warning, for %j', async (value) => {
    expect(await read({ state: value })).toEqual({ ...entity, state: 'Unknown' });
    const problem = (value ?? undefined) === undefined ? 'absent' : 'of the wrong type';
    expect(warnings).toEqual([{ field: 'siteToSiteVpn.state', problem: `${problem}, read as UNKNOWN` }]);
    upstream.script(() => ({ data: [wire, { ...wire, state: value }] }));
    const list = await listSiteToSiteVpns(session(), testArea, null);
    expect(list.map(({ state }) => state)).toEqual(['Connected', 'Unknown']);
  });
});

describe('SiteToSiteVpnEntity.cidr', () => {
  it('keeps host bits', async () => {
    expect((await read({ cidr: '10.12.3.4/22' })).cidr).toBe('10.12.3.4/22');
  });

  const two = '10.0.0.0/8,172.16.0.0/12';
  const both = ['10.0.0.0/8', '172.16.0.0/12'];
  const asArray = (name: string) => ({ field: `siteToSiteVpn.${name}`, form: 'list_as_array' });
  const blank = { field: 'siteToSiteVpn.cidr', form: 'blank' };

  it.each<[object, string, readonly string[], readonly object[]]>([
    [{ cidr: two }, two, both, []],
    [{ cidr: ' 10.0.0.0/8 , 172.16.0.0/12,' }, ' 10.0.0.0/8 , 172.16.0.0/12,', both, []],
    [{ cidr: both }, two, both, [asArray('cidr')]],
    [{ cidr: undefined, cidrList: two }, two, both, []],
    [{ cidr: null, cidrList: two }, two, both, []],
    [{ cidr: '', cidrList: two }, two, both, [blank]],
    [{ cidr: ' ', cidrList: two }, two, both, [blank]],
    [{ cidr: [], cidrList: two }, two, both, [blank]],
    [{ cidr: undefined, cidrList: both }, two, both, [asArray('cidrList')]],
    [{ cidr: '', cidrList: both }, two, both, [asArray('cidrList'), blank]],
    [{ cidr: undefined, cidrList: [' 10.0.0.0/8', '172.16.0.0/12 , '] }, two, both, [asArray('cidrList')]],
    [{ cidr: undefined, cidrList: ['10.0.0.0/8'] }, '10.0.0.0/8', ['10.0.0.0/8'], [asArray('cidrList')]],
    [{ cidr: two, cidrList: '10.0.0.0/8' }, two, both, []],
    [{ cidr: two, cidrList: 7 }, two, both, []],
    [{ cidr: '' }, '', [], []],
    [{ cidr: '', cidrList: null }, '', [], []],
    [{ cidr: undefined, cidrList: '' }, '', [], []],
    [{ cidr: undefined, cidrList: [] }, '', [], [asArray('cidrList')]],
  ])('and cidrs are read from %j', async (fields, cidr, cidrs, expectedWarnings) => {
    expect(await read(fields)).toEqual({ ...entity, cidr, cidrs });
    expect(warnings).toEqual(expectedWarnings.map((warning) => ({ problem: expect.any(String), ...warning })));
  });

  it.each([
    ['cidrList', { cidr: null, cidrList: 7 }],
    ['cidrList', { cidr: '', cidrList: [7] }],
    ['cidrList', { cidr: undefined, cidrList: {} }],
    ['cidr', { cidr: 7, cidrList: two }],
    ['cidr', { cidr: [two, null] }],
    ['cidr', { cidr: undefined }],
  ])('makes the response bad if %s is of the wrong type: %j', async (field, fields) => {
    expect((await catchFailure(read(fields))).message).toBe(
      `The REST API sent a siteToSiteVpn whose ${field} is not a string.`,
    );
  });
});

describe.each(['ikeLifetime', 'espLifetime'])('SiteToSiteVpnEntity.%s', (field) => {
  it.each([0, 1, 2_147_483_647, -1, null, undefined])('decodes %j', async (value) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: value ?? null });
    expect(warnings).toEqual([]);
  });

  it('reads a number in a text, which is reported as lenient', async () => {
    expect(await read({ [field]: '3600' })).toEqual({ ...entity, [field]: 3_600 });
    expect(warnings).toEqual([
      { field: `siteToSiteVpn.${field}`, problem: expect.any(String), form: 'number_as_text' },
    ]);
  });

  it.each([2_147_483_648, 1e300, 1.5, 'long', true, [1]])(
    'reads null, with a warning, for %j, which is not a GraphQL Int',
    async (value) => {
      expect(await read({ [field]: value })).toEqual({ ...entity, [field]: null });
      expect(warnings).toEqual(wrongType(field));
    },
  );
});

describe.each(['dpd', 'forceEncap'])('SiteToSiteVpnEntity.%s', (field) => {
  it.each([true, false, null, undefined])('decodes %j', async (value) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: value ?? null });
    expect(warnings).toEqual([]);
  });

  it.each(['true', 'FALSE'])('reads the boolean in the text %j, which is reported as lenient', async (value) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: value === 'true' });
    expect(warnings).toEqual([
      { field: `siteToSiteVpn.${field}`, problem: expect.any(String), form: 'boolean_as_text' },
    ]);
  });

  it.each(['yes', 0, {}])('reads null, with a warning, for %j of the wrong type', async (value) => {
    expect(await read({ [field]: value })).toEqual({ ...entity, [field]: null });
    expect(warnings).toEqual(wrongType(field));
  });
});

describe('SiteToSiteVpnEntity.ipSecPsk', () => {
  it.each(['', ' a"b\\é\u{1F511} ', null, undefined])('reads %j unchanged', async (value) => {
    expect(await read({ ipSecPsk: value })).toEqual({ ...entity, ipSecPsk: value ?? null });
  });

  it('reads null, with a warning that does not repeat the value, for the wrong type', async () => {
    expect(await read({ ipSecPsk: 1234567890 })).toEqual({ ...entity, ipSecPsk: null });
    expect(warnings).toEqual(wrongType('ipSecPsk'));
  });

  it.each([
    ['the pre-shared key', wire.ipSecPsk],
    ['text with the pre-shared key', `x ${wire.ipSecPsk}`],
    ['the API key', apiKey],
    ['a long text', 'x'.repeat(25)],
    ['a line break', 'a\nb'],
  ])('does not appear in warnings: %s in another field is not logged', async (_content, value) => {
    expect((await read({ ikeHashAlgorithm: value, ipSecPsk: wire.ipSecPsk })).ikeHashAlgorithm).toBeNull();
    expect(warnings).toEqual([{ field: 'siteToSiteVpn.ikeHashAlgorithm', problem: 'not a documented value' }]);
  });
});

describe('A required field of SiteToSiteVpnEntity', () => {
  const required = ['id', 'name', 'vpcId', 'gateway', 'cidr'];
  const wrong = [undefined, null, 7.5, true, {}, [7]];

  it.each(required.flatMap((field) => wrong.map((value) => [field, value] as const)))(
    '%s that is %j makes the VPN, and a list with it, a bad response',
    async (field, value) => {
      const failure = {
        name: 'BadResponseError',
        message: `The REST API sent a siteToSiteVpn whose ${field} is not a string.`,
        outcomeUnknown: false,
      };
      expect(await catchFailure(read({ [field]: value }))).toEqual(failure);
      upstream.script(() => ({ data: [wire, { ...wire, [field]: value }] }));
      expect(await catchFailure(listSiteToSiteVpns(session(), testArea, null))).toEqual(failure);
      expect(upstream.calls.length).toBe(1);
    },
  );
});

describe('A value that is not a VPN', () => {
  it.each([[[wire]], ['stargate'], [7], [true]])('is a bad response to a read by id: %j', async (data) => {
    upstream.script(() => ({ data }));
    expect(await catchFailure(getSiteToSiteVpn(session(), testArea, vpnId))).toEqual({
      name: 'BadResponseError',
      message: 'The REST API sent a siteToSiteVpn that is not an object.',
      outcomeUnknown: false,
    });
  });

  it.each([[wire], ['x'], [0], [{}]])('is a bad response to a list: %j', async (data) => {
    upstream.script(() => ({ data }));
    expect(await catchFailure(listSiteToSiteVpns(session(), testArea, null))).toEqual({
      name: 'BadResponseError',
      message: 'The REST API sent a list of sitetositevpns that is not an array.',
      outcomeUnknown: false,
    });
  });

  it.each([[null], ['x'], [[]], [7]])('makes a list a bad response: %j', async (entry) => {
    upstream.script(() => ({ data: [wire, entry] }));
    expect((await catchFailure(listSiteToSiteVpns(session(), testArea, null))).name).toBe('BadResponseError');
  });

  it.each([undefined, null, 'x', 7, [], {}, { ...wire, name: 7 }])('is null for toSiteToSiteVpnOrNull: %j', (value) => {
    expect(toSiteToSiteVpnOrNull(session(), value)).toBeNull();
    expect(toSiteToSiteVpnOrNull(session(), wire)).toEqual(entity);
  });
});

describe('listSiteToSiteVpns', () => {
  it('returns an empty list', async () => {
    upstream.script(() => ({ data: [], metadata: { recordCount: 0 } }));
    expect(await listSiteToSiteVpns(session(), testArea, null)).toEqual([]);
  });

  it('keeps the order of the REST API, and duplicates', async () => {
    upstream.script(() => ({ data: [{ ...wire, name: 'b' }, { ...wire, name: 'a' }, wire, wire] }));
    const names = (await listSiteToSiteVpns(session(), testArea, null)).map(({ name }) => name);
    expect(names).toEqual(['b', 'a', 'stargate', 'stargate']);
  });
});

describe('Surplus fields of a VPN', () => {
  it('are ignored, whatever their names and values', async () => {
    const surplus =
      '{"constructor":null,"toString":7,"__proto__":{"dpd":true},"ikeVersion":"ikev2","nested":[{"id":7}]}';
    const text = `{"data":${JSON.stringify(wire).slice(0, -1)},${surplus.slice(1)},"__proto__":{"id":"x"}}`;
    upstream.script(() => (response) => response.writeHead(200).end(text));
    warnings.splice(0);
    expect(await getSiteToSiteVpn(session(), testArea, vpnId)).toStrictEqual(entity);
    expect(warnings).toEqual([]);
  });

  it('in __proto__ do not replace missing fields', async () => {
    const { dpd, ...rest } = wire;
    const text = JSON.stringify({ data: rest }).replace('{"id"', `{"__proto__":{"dpd":${String(!dpd)}},"id"`);
    upstream.script(() => (response) => response.writeHead(200).end(text));
    expect(await getSiteToSiteVpn(session(), testArea, vpnId)).toEqual({ ...entity, dpd: null });
  });
});

describe('Warnings of a session', () => {
  it('occur once per session for each field and problem', async () => {
    warnings.splice(0);
    const unexpected = { ...wire, ikeHashAlgorithm: 'sha256', dpd: 'yes' };
    upstream.script(() => ({ data: [unexpected, unexpected, { ...unexpected, ikeHashAlgorithm: 'sha512' }] }));
    const rest = session();
    const vpns = await listSiteToSiteVpns(rest, testArea, null);
    await listSiteToSiteVpns(rest, testArea, null);
    const expected = [
      ...undocumented('ikeHashAlgorithm', 'sha256'),
      ...wrongType('dpd'),
      ...undocumented('ikeHashAlgorithm', 'sha512'),
    ];
    expect(warnings).toEqual(expected);
    expect(vpns.map(({ unknownValues }) => unknownValues)).toEqual(
      ['sha256', 'sha256', 'sha512'].map((value) => [{ field: 'ikeHashAlgorithm', value }]),
    );
    await listSiteToSiteVpns(session(), testArea, null);
    expect(warnings).toEqual([...expected, ...expected]);
  });

  it('are limited to 50 per session', async () => {
    warnings.splice(0);
    upstream.script(() => ({ data: Array.from({ length: 60 }, (_, index) => ({ ...wire, state: `State ${index}` })) }));
    const vpns = await listSiteToSiteVpns(session(), testArea, null);
    expect(warnings).toEqual(Array.from({ length: 50 }, (_, index) => undocumented('state', `State ${index}`)).flat());
    expect(vpns.at(-1)?.unknownValues).toEqual([{ field: 'state', value: 'State 59' }]);
  });

  it('and unknownValues cover every field of one VPN', async () => {
    const undocumentedFields = { state: 'Odd', ikeHashAlgorithm: 'x1', espHashAlgorithm: 'x2', ikeDhGroup: 'x3' };
    const { unknownValues } = await read(undocumentedFields);
    expect(new Map(unknownValues.map(({ field, value }) => [field, value]))).toEqual(
      new Map(Object.entries(undocumentedFields)),
    );
    expect(warnings.length).toBe(4);
  });
});

describe('A list of VPNs', () => {
  it.each([
    [1, 0],
    [200, 1],
  ])('with %i networks each is decoded in %i turns besides the first', async (networks, turns) => {
    const cidr = range(networks)
      .map((index) => `10.0.${index}.0/24`)
      .join(',');
    upstream.script(() => ({ data: range(100).map(() => ({ ...wire, cidr })) }));
    const take = jest.spyOn(Turns.prototype, 'take');
    expect(await listSiteToSiteVpns(session(), testArea, null)).toHaveLength(100);
    // The first is for parsing.
    expect(take).toHaveBeenCalledTimes(1 + turns);
    take.mockRestore();
  });
});
