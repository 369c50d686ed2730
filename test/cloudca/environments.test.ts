// Decoding of environments, service connections and VPCs: required fields, optional fields, and fields of the wrong type.
import { describe, expect, it } from '@jest/globals';
import type { RestSession } from '../../src/cloudca/session.js';
import { listEnvironments, listServiceConnections } from '../../src/cloudca/environments.js';
import { getVpc, listVpcs } from '../../src/cloudca/vpcs.js';
import { json, startUpstream } from '../helpers/upstream.js';
import { apiKey, catchFailure, createTestClient, testArea } from './test-client.js';

const upstream = await startUpstream();
const { session, warnings } = createTestClient(upstream.url);

/** Reads a list whose one entry is `entry`. */
async function read<T>(list: (rest: RestSession) => Promise<readonly T[]>, entry: unknown): Promise<T | undefined> {
  warnings.splice(0);
  upstream.script(() => ({ data: [entry] }));
  const entries = await list(session());
  expect(entries.length).toBe(1);
  return entries[0];
}

const environment = { id: 'e', name: 'test_area', description: 'd', organization: { id: 'o', name: 'sg1' } };
const connection = { id: 'c', name: 'Compute', serviceCode: 'compute-on', type: 'CloudCA' };
const vpc = { id: 'v', name: 'n' };
const vpcNulls = {
  description: null,
  cidr: null,
  zoneId: null,
  zoneName: null,
  state: null,
  networkDomain: null,
  vpcOfferingId: null,
  requiresUpgrade: null,
  sourceNatIp: null,
  vpnStatus: null,
};
const vpcs = (rest: RestSession) => listVpcs(rest, testArea);

describe('listEnvironments', () => {
  it.each([{}, { description: null, organization: null, serviceConnection: null }])(
    'requires only an id and a name of an environment: %j',
    async (rest) => {
      expect(await read(listEnvironments, { id: 'e', name: 'n', ...rest })).toEqual({
        id: 'e',
        name: 'n',
        description: null,
        organization: null,
        serviceConnection: null,
      });
      expect(warnings).toEqual([]);
    },
  );

  it.each([
    ['description', 7],
    ['organization', 'sg1'],
    ['organization', ['sg1']],
    ['serviceConnection', 7],
    ['serviceConnection', true],
  ])('reads null, with a warning, if %s is %j', async (field, value) => {
    const serviceConnection = { id: 'c', name: 'Compute', serviceCode: null, type: null, reachable: null };
    expect(await read(listEnvironments, { ...environment, serviceConnection, [field]: value })).toEqual({
      ...environment,
      serviceConnection,
      [field]: null,
    });
    expect(warnings).toEqual([{ field: `environment.${field}`, problem: 'of the wrong type, read as null' }]);
  });

  it.each([
    ['organization', undefined],
    ['organization', 7],
    ['serviceConnection', null],
    ['serviceConnection', 7],
  ])('reads null for the name of its %s if that is %j', async (field, name) => {
    expect(await read(listEnvironments, { ...environment, [field]: { id: 'x', name } })).toMatchObject({
      [field]: { id: 'x', name: null },
    });
    const wrongType = [{ field: `environment.${field}.name`, problem: 'of the wrong type, read as null' }];
    expect(warnings).toEqual(typeof name === 'number' ? wrongType : []);
  });

  it.each([
    ['environment whose id', { id: 7.5 }],
    ['environment whose name', { name: null }],
    ['environment whose name', { name: 7 }],
  ])('rejects with BadResponseError for an %s is not a string', async (subject, fields) => {
    expect(await catchFailure(read(listEnvironments, { ...environment, ...fields }))).toEqual({
      name: 'BadResponseError',
      message: `The REST API sent an ${subject} is not a string.`,
      outcomeUnknown: false,
    });
  });
});

describe('An object of an environment without an id', () => {
  it.each(['organization', 'serviceConnection'])('reads null, with a warning; the rest stands: %s', async (field) => {
    for (const id of [undefined, null, true, {}]) {
      expect(await read(listEnvironments, { ...environment, [field]: { id, name: 'x' } })).toEqual({
        serviceConnection: null,
        ...environment,
        [field]: null,
      });
      expect(warnings).toEqual([{ field: `environment.${field}`, problem: 'without a required field, read as null' }]);
    }
  });
});

describe('listServiceConnections', () => {
  it('requires only an id of a service connection', async () => {
    const nulls = { name: null, serviceCode: null, type: null, reachable: null };
    expect(await read(listServiceConnections, { id: 'c' })).toEqual({ id: 'c', ...nulls });
    expect(await read(listServiceConnections, { id: 'c', ...nulls, status: null })).toEqual({ id: 'c', ...nulls });
    expect(warnings).toEqual([]);
  });

  it.each([
    [{ reachable: true }, true],
    [{ reachable: false, lastUpdated: 7 }, false],
    [{}, null],
    [{ reachable: null }, null],
  ])('reads the status %j as reachable: %j', async (status, reachable) => {
    expect(await read(listServiceConnections, { ...connection, status })).toEqual({ ...connection, reachable });
    expect(warnings).toEqual([]);
  });

  it.each([
    ['status', 'up', 'status'],
    ['status', [], 'status'],
    ['status', { reachable: 'yes' }, 'status.reachable'],
  ])('reads reachable as null, with a warning, if %s is %j', async (field, value, warnedField) => {
    expect(await read(listServiceConnections, { ...connection, [field]: value })).toEqual({
      ...connection,
      reachable: null,
    });
    expect(warnings).toEqual([
      { field: `serviceConnection.${warnedField}`, problem: 'of the wrong type, read as null' },
    ]);
  });

  it.each(['name', 'serviceCode', 'type'])('reads null, with a warning, if %s is not a string', async (field) => {
    expect(await read(listServiceConnections, { ...connection, [field]: 7 })).toEqual({
      ...connection,
      reachable: null,
      [field]: null,
    });
    expect(warnings).toEqual([{ field: `serviceConnection.${field}`, problem: 'of the wrong type, read as null' }]);
  });

  it('rejects with BadResponseError if a service connection has no id', async () => {
    expect((await catchFailure(read(listServiceConnections, { ...connection, id: null }))).message).toBe(
      'The REST API sent a serviceConnection whose id is not a string.',
    );
  });
});

describe('listVpcs and getVpc', () => {
  it('require only an id and a name of a VPC', async () => {
    expect(await read(vpcs, vpc)).toEqual({ ...vpc, ...vpcNulls });
    expect(await read(vpcs, { ...vpc, ...vpcNulls })).toEqual({ ...vpc, ...vpcNulls });
    expect(warnings).toEqual([]);
  });

  it.each(['Disabled', 'DISABLED', 'whatever'])('return vpnStatus unchanged: %s', async (vpnStatus) => {
    expect(await read(vpcs, { ...vpc, vpnStatus })).toEqual({ ...vpc, ...vpcNulls, vpnStatus });
  });

  it.each(Object.keys(vpcNulls))('read null, with a warning, if %s is of the wrong type', async (field) => {
    expect(await read(vpcs, { ...vpc, [field]: 7.5 })).toEqual({ ...vpc, ...vpcNulls });
    expect(warnings).toEqual([{ field: `vpc.${field}`, problem: 'of the wrong type, read as null' }]);
  });

  it.each(['id', 'name'])('reject with BadResponseError if a VPC has no %s', async (field) => {
    const failure = {
      name: 'BadResponseError',
      message: `The REST API sent a vpc whose ${field} is not a string.`,
      outcomeUnknown: false,
    };
    for (const value of [undefined, null, true]) {
      expect(await catchFailure(read(vpcs, { ...vpc, [field]: value }))).toEqual(failure);
      upstream.script(() => ({ data: { ...vpc, [field]: value } }));
      expect(await catchFailure(getVpc(session(), testArea, 'v'))).toEqual(failure);
    }
  });
});

describe.each<[string, (rest: RestSession) => Promise<unknown>, string]>([
  ['environments', listEnvironments, 'environments'],
  ['service connections', listServiceConnections, 'service connections'],
  ['VPCs', vpcs, 'vpcs'],
])('A list of %s', (_name, list, nameInMessage) => {
  it.each([[{}], ['x'], [7], [true]])('is a bad response if data is %j', async (data) => {
    upstream.script(() => ({ data }));
    expect(await catchFailure(list(session()))).toEqual({
      name: 'BadResponseError',
      message: `The REST API sent a list of ${nameInMessage} that is not an array.`,
      outcomeUnknown: false,
    });
  });

  it.each([[null], ['x'], [[]]])('is a bad response if an entry is %j', async (entry) => {
    upstream.script(() => ({ data: [entry] }));
    expect((await catchFailure(list(session()))).name).toBe('BadResponseError');
  });

  it('may be empty', async () => {
    upstream.script(() => ({ data: [] }));
    expect(await list(session())).toEqual([]);
  });
});

describe('A response with status 404', () => {
  it('to a list means that the environment does not exist', async () => {
    upstream.script(() => json(404, { errors: [{ code: 404, message: 'Nothing there.' }] }));
    const unknownEnvironment = { serviceCode: 'compute québec', name: 'a;b', organizationId: 'o' };
    expect(await catchFailure(listVpcs(session(), unknownEnvironment))).toEqual({
      name: 'NotFoundError',
      message: 'The REST API has no environment a;b in the service compute québec. Check both, and the organizationId.',
      upstream: { status: 404, errors: [{ code: '404', message: 'Nothing there.' }] },
      outcomeUnknown: false,
    });
  });

  it.each([
    ['the key of the caller', apiKey],
    ['a name with the key of the caller', `env ${apiKey}`],
    ['a name of more than 64 characters', 'ab '.repeat(22)],
    ['a long run of letters and digits', 'WtOBS9GRux2XtJPHtY2T'],
  ])('to a list does not repeat %s', async (_, secret) => {
    upstream.script(() => json(404, { errors: [{ code: 404, message: `No ${secret} here.` }] }));
    const at = { serviceCode: 'compute-on', name: secret, organizationId: null };
    expect(await catchFailure(listVpcs(session(), at))).toMatchObject({
      message:
        'The REST API has no environment of this name in the service compute-on. Check both, and the organizationId.',
      upstream: { status: 404, errors: [{ code: '404', message: expect.stringContaining('No ') }] },
    });
    const inService = catchFailure(listVpcs(session(), { ...at, serviceCode: secret, name: 'test_area' }));
    expect(JSON.stringify(await inService)).not.toContain(secret);
    expect((await inService).message).toContain('no environment test_area in this service.');
  });

  it('to a VPC means that the VPC does not exist', async () => {
    upstream.script(() => json(404, { errors: ['No.'] }));
    expect(await catchFailure(getVpc(session(), testArea, 'v'))).toEqual({
      name: 'NotFoundError',
      message: 'The REST API has nothing with this name or id.',
      upstream: { status: 404, errors: [{ code: null, message: 'No.' }] },
      outcomeUnknown: false,
    });
  });
});
