// Environments, service connections and VPCs on the wire: what they need, and what is made of an odd one.
import { describe, expect, it } from '@jest/globals';
import type { RestSession } from '../../src/cloudca/client.js';
import { listEnvironments, listServiceConnections } from '../../src/cloudca/environments.js';
import { getVpc, listVpcs } from '../../src/cloudca/vpcs.js';
import { json, raw, startUpstream } from '../helpers/upstream.js';
import { failureOf, startClient, testArea } from './test-client.js';

const upstream = await startUpstream();
const { session, warnings } = startClient(upstream.url);

/** Reads a list of one entry. */
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

describe('An environment', () => {
  it.each([{}, { description: null, organization: null, serviceConnection: null }])(
    'needs an id and a name alone: %j',
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
  ])('whose %s is %j reads null there, with a warning', async (field, value) => {
    const serviceConnection = { id: 'c', name: 'Compute' };
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
  ])('whose %s is named %j has none of that name', async (field, name) => {
    expect(await read(listEnvironments, { ...environment, [field]: { id: 'x', name } })).toMatchObject({
      [field]: { id: 'x', name: null },
    });
    const warned = [{ field: `environment.${field}.name`, problem: 'of the wrong type, read as null' }];
    expect(warnings).toEqual(typeof name === 'number' ? warned : []);
  });

  it.each([
    ['environment whose id', { id: 7 }],
    ['environment whose name', { name: null }],
    ['environment.organization whose id', { organization: { name: 'sg1' } }],
    ['environment.serviceConnection whose id', { serviceConnection: { id: 7 } }],
  ])('makes a bad response where it is an %s is no string', async (what, fields) => {
    expect(await failureOf(read(listEnvironments, { ...environment, ...fields }))).toEqual({
      name: 'BadResponseError',
      message: `The REST API sent a ${what} is not a string.`,
      outcomeUnknown: false,
    });
  });
});

describe('A service connection', () => {
  it('needs an id alone', async () => {
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
  ])('with the status %j is reachable: %j', async (status, reachable) => {
    expect(await read(listServiceConnections, { ...connection, status })).toEqual({ ...connection, reachable });
    expect(warnings).toEqual([]);
  });

  it.each([
    ['status', 'up', 'status'],
    ['status', [], 'status'],
    ['status', { reachable: 'yes' }, 'status.reachable'],
  ])('whose %s is %j is not known to be reachable, with a warning', async (field, value, warned) => {
    expect(await read(listServiceConnections, { ...connection, [field]: value })).toEqual({
      ...connection,
      reachable: null,
    });
    expect(warnings).toEqual([{ field: `serviceConnection.${warned}`, problem: 'of the wrong type, read as null' }]);
  });

  it.each(['name', 'serviceCode', 'type'])('whose %s is no string reads null there, with a warning', async (field) => {
    expect(await read(listServiceConnections, { ...connection, [field]: 7 })).toEqual({
      ...connection,
      reachable: null,
      [field]: null,
    });
    expect(warnings).toEqual([{ field: `serviceConnection.${field}`, problem: 'of the wrong type, read as null' }]);
  });

  it('without an id makes a bad response', async () => {
    expect((await failureOf(read(listServiceConnections, { ...connection, id: null }))).message).toBe(
      'The REST API sent a serviceConnection whose id is not a string.',
    );
  });
});

describe('A VPC', () => {
  it('needs an id and a name alone', async () => {
    expect(await read(vpcs, vpc)).toEqual({ ...vpc, ...vpcNulls });
    expect(await read(vpcs, { ...vpc, ...vpcNulls })).toEqual({ ...vpc, ...vpcNulls });
    expect(warnings).toEqual([]);
  });

  it.each(['Disabled', 'DISABLED', 'whatever'])('keeps its vpnStatus as it is: %s', async (vpnStatus) => {
    expect(await read(vpcs, { ...vpc, vpnStatus })).toEqual({ ...vpc, ...vpcNulls, vpnStatus });
  });

  it.each(Object.keys(vpcNulls))('whose %s is of the wrong type reads null there, with a warning', async (field) => {
    expect(await read(vpcs, { ...vpc, [field]: 7 })).toEqual({ ...vpc, ...vpcNulls });
    expect(warnings).toEqual([{ field: `vpc.${field}`, problem: 'of the wrong type, read as null' }]);
  });

  it.each(['id', 'name'])('without its %s makes a bad response, alone and in a list', async (field) => {
    const failure = {
      name: 'BadResponseError',
      message: `The REST API sent a vpc whose ${field} is not a string.`,
      outcomeUnknown: false,
    };
    for (const value of [undefined, null, 7]) {
      expect(await failureOf(read(vpcs, { ...vpc, [field]: value }))).toEqual(failure);
      upstream.script(() => ({ data: { ...vpc, [field]: value } }));
      expect(await failureOf(getVpc(session(), testArea, 'v'))).toEqual(failure);
    }
  });
});

describe.each<[string, (rest: RestSession) => Promise<unknown>, string]>([
  ['environments', listEnvironments, 'environments'],
  ['service connections', listServiceConnections, 'service connections'],
  ['VPCs', vpcs, 'vpcs'],
])('A list of %s', (_what, list, named) => {
  it.each([[{}], ['x'], [7], [true]])('is no list where data is %j', async (data) => {
    upstream.script(() => ({ data }));
    expect(await failureOf(list(session()))).toEqual({
      name: 'BadResponseError',
      message: `The REST API sent something that is no list of ${named}.`,
      outcomeUnknown: false,
    });
  });

  it.each([[null], ['x'], [[]]])('has no entry %j', async (entry) => {
    upstream.script(() => ({ data: [entry] }));
    expect((await failureOf(list(session()))).name).toBe('BadResponseError');
  });

  it('may be empty', async () => {
    upstream.script(() => ({ data: [] }));
    expect(await list(session())).toEqual([]);
  });
});

describe('What is not there', () => {
  it('names service and environment for a list', async () => {
    upstream.script(() => json(404, { errors: [{ code: 404, message: 'Nothing there.' }] }));
    const far = { serviceCode: 'compute québec', name: 'a;b', organizationId: 'o' };
    expect(await failureOf(listVpcs(session(), far))).toEqual({
      name: 'NotFoundError',
      message: 'The REST API knows no environment a;b in the service compute québec.',
      answer: { status: 404, errors: [{ code: '404', message: 'Nothing there.' }] },
      outcomeUnknown: false,
    });
  });

  it('is told as such for one VPC', async () => {
    upstream.script(() => raw(404));
    expect(await failureOf(getVpc(session(), testArea, 'v'))).toEqual({
      name: 'NotFoundError',
      message: 'The REST API knows nothing of that name or id.',
      answer: { status: 404, errors: [] },
      outcomeUnknown: false,
    });
  });
});
