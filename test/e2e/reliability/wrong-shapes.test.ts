// Wrong REST responses, field by field: a missing or mistyped required field is a bad response. A mistyped optional field reads null, with a
// warning in the log, and the other fields keep their values. A state that cannot be read is UNKNOWN.
import { afterEach, describe, expect, it } from '@jest/globals';
import { toBytes } from '../../helpers/raw-upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';
import type { HttpResponse } from '../../helpers/http.js';
import { taskId, vpcId, vpnId } from '../../helpers/fixtures.js';
import { environmentArgument } from './operations.js';
import { preSharedKey, startRig, toErrors } from './harness.js';

const rig = await startRig();

afterEach(() => rig.verify());

/** A REST entity, and a query that reads it. */
interface EntityCase {
  readonly type: string;
  readonly field: string;
  readonly query: string;
  /** The entity in its documented form. */
  readonly documented: Readonly<Record<string, unknown>>;
  readonly required: readonly string[];
  /** Fields that may be null. */
  readonly optional: readonly string[];
  /** Returns the REST response, to any call, that contains an entity. */
  readonly toRestResponse: (entity: unknown) => object;
  /** Returns the entity from the `data` of the gateway's response. */
  readonly toEntity: (data: unknown) => unknown;
}

const vpn = {
  id: vpnId,
  name: 'stargate',
  state: 'Connected',
  vpcId,
  gateway: '19.19.19.19',
  cidr: '10.12.0.2/22',
  ipSecPsk: preSharedKey,
  ikeEncryptionAlgorithm: '3des',
  ikeHashAlgorithm: 'sha1',
  ikeDhGroup: 'modp1536',
  ikeLifetime: 86400,
  espEncryptionAlgorithm: '3des',
  espHashAlgorithm: 'sha1',
  espPerfectForwardSecrecy: 'modp1536',
  espLifetime: 3600,
  dpd: false,
  forceEncap: true,
};
const vpnFields = Object.keys(vpn).filter((field) => field !== 'ipSecPsk');
const requiredVpnFields = ['id', 'name', 'vpcId', 'gateway', 'cidr'];
const vpc = {
  id: vpcId,
  name: 'MyVPC',
  description: 'Some VPC',
  cidr: '10.155.24.0/22',
  zoneId: '04afdbd1-e32d-4999-86d0-96703736dded',
  zoneName: 'QC-1',
  state: 'Enabled',
  networkDomain: 'hello.world',
  vpcOfferingId: '21a40b85-5fa9-440f-ab77-5e560073b584',
  requiresUpgrade: false,
  sourceNatIp: '172.31.3.253',
  vpnStatus: 'Disabled',
};
const environment = {
  id: '1ee5cd43-8395-4cd5-a20f-0f1e83b7f8bd',
  name: 'cheyenne_mountain',
  description: 'Environment for base at Cheyenne Mountain',
};
const task = { taskId, taskStatus: 'SUCCESS', created: '2015-07-07', result: {} };

const getIn = (data: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    data,
  );
const without = (fields: readonly string[], excluded: readonly string[]) =>
  fields.filter((field) => !excluded.includes(field));

const entityCases: readonly EntityCase[] = [
  {
    type: 'siteToSiteVpn',
    field: 'siteToSiteVpns',
    query: `{ siteToSiteVpns(${environmentArgument}) { nodes { ${vpnFields.join(' ')} } } }`,
    documented: vpn,
    required: requiredVpnFields,
    optional: without(vpnFields, [...requiredVpnFields, 'state']),
    toRestResponse: (entity) => ({ data: [{ ...vpn, id: 'a', name: 'a' }, entity] }),
    toEntity: (data) => getIn(data, 'siteToSiteVpns', 'nodes', 1),
  },
  {
    type: 'siteToSiteVpn',
    field: 'siteToSiteVpn',
    query: `{ siteToSiteVpn(${environmentArgument}, id: "${vpnId}") { ${vpnFields.join(' ')} } }`,
    documented: vpn,
    required: requiredVpnFields,
    optional: without(vpnFields, [...requiredVpnFields, 'state']),
    toRestResponse: (data) => ({ data }),
    toEntity: (data) => getIn(data, 'siteToSiteVpn'),
  },
  {
    type: 'vpc',
    field: 'vpcs',
    query: `{ vpcs(${environmentArgument}) { nodes { ${Object.keys(vpc).join(' ')} } } }`,
    documented: vpc,
    required: ['id', 'name'],
    optional: without(Object.keys(vpc), ['id', 'name']),
    toRestResponse: (entity) => ({ data: [entity] }),
    toEntity: (data) => getIn(data, 'vpcs', 'nodes', 0),
  },
  {
    type: 'vpc',
    field: 'vpc',
    query: `{ vpc(${environmentArgument}, id: "${vpcId}") { ${Object.keys(vpc).join(' ')} } }`,
    documented: vpc,
    required: ['id', 'name'],
    optional: without(Object.keys(vpc), ['id', 'name']),
    toRestResponse: (data) => ({ data }),
    toEntity: (data) => getIn(data, 'vpc'),
  },
  {
    type: 'environment',
    field: 'environments',
    query: '{ environments { id name description organization { id } serviceConnection { id } } }',
    documented: {
      ...environment,
      organization: { id: 'o', name: 'sg1' },
      serviceConnection: { id: 's', name: 'Compute' },
    },
    required: ['id', 'name'],
    optional: ['description', 'organization', 'serviceConnection'],
    toRestResponse: (entity) => ({ data: [entity] }),
    toEntity: (data) => getIn(data, 'environments', 0),
  },
  {
    type: 'task',
    field: 'task',
    query: `{ task(id: "${taskId}") { status created } }`,
    documented: task,
    required: ['taskStatus'],
    optional: ['created'],
    toRestResponse: (entity) => toBytes(200, JSON.stringify(entity ?? null)),
    toEntity: (data) => getIn(data, 'task'),
  },
];

const wrongValues: readonly (readonly [string, unknown])[] = [
  ['missing', undefined],
  ['null', null],
  ['a number', 7.5],
  ['a boolean', true],
  ['a string', 'canary text'],
  ['a list', [{ canary: 'canary' }]],
  ['an object', { canary: 'canary' }],
  ['a number above Int', 1e300],
];

/** Reports whether a value has the type of a documented value. A number must be an integer below 2^31. */
function hasTypeOf(example: unknown, value: unknown): boolean {
  if (typeof example === 'number') return Number.isInteger(value) && Number(value) < 2 ** 31;
  return typeof example === typeof value;
}

/** Runs a query. Returns the response and the warnings that the gateway logged for it. */
async function runWithWarnings(query: string): Promise<{ response: HttpResponse; warnings: readonly unknown[] }> {
  const logOffset = rig.gateway.stdout().lastIndexOf('\n') + 1;
  const response = await rig.post({ query });
  const requestId = response.headers.get('x-request-id');
  const lines = () =>
    rig.gateway
      .stdout()
      .slice(logOffset)
      .split('\n')
      .slice(0, -1)
      .map((line): unknown => JSON.parse(line))
      .filter((line) => getIn(line, 'requestId') === requestId);
  // The log may arrive after the response.
  await waitUntil(() => lines().some((line) => getIn(line, 'msg') === 'operation'));
  const warnings = lines().filter((line) => getIn(line, 'msg') === 'unexpected value in a response of the REST API');
  return {
    response,
    warnings: warnings.map((line) => ({ field: getIn(line, 'field'), problem: getIn(line, 'problem') })),
  };
}

describe.each(entityCases.map((entityCase) => [entityCase.field, entityCase] as const))(
  'Query.%s',
  (_field, entityCase) => {
    const { type, field, query, documented, required, optional, toRestResponse, toEntity } = entityCase;

    it.each(required)('is null with UPSTREAM_BAD_RESPONSE if %s is missing or has the wrong type', async (name) => {
      for (const [label, value] of wrongValues) {
        if (typeof value === 'string') continue;
        rig.upstream.script(() => toRestResponse({ ...documented, [name]: value }));
        const response = await rig.post({ query });
        expect([label, response.json]).toEqual([
          label,
          {
            data: { [field]: null },
            errors: [
              {
                message: expect.any(String),
                locations: expect.any(Array),
                path: [field],
                extensions: { code: 'UPSTREAM_BAD_RESPONSE', requestId: expect.any(String) },
              },
            ],
          },
        ]);
        expect(response.text).not.toContain('canary');
        expect(rig.upstream.calls).toHaveLength(1);
      }
    });

    it.each(optional)('reads %s as null if it is missing or has the wrong type', async (name) => {
      rig.upstream.script(() => toRestResponse(documented));
      const expected = toEntity(getIn((await rig.post({ query })).json, 'data'));
      // An object for an object is no wrong type; its own fields may be required.
      const values = wrongValues.filter(
        ([label]) => label !== 'an object' || typeof getIn(documented, name) !== 'object',
      );
      for (const [label, value] of values) {
        rig.upstream.script(() => toRestResponse({ ...documented, [name]: value }));
        const { response, warnings } = await runWithWarnings(query);
        const entity = toEntity(getIn(response.json, 'data'));
        expect([label, toErrors(response.json)]).toEqual([label, []]);
        expect(typeof entity).toBe('object');
        expect({ ...Object(entity), [name]: null }).toEqual({ ...Object(expected), [name]: null });
        const isAbsent = value === undefined || value === null;
        if (isAbsent || hasTypeOf(getIn(documented, name), value)) continue;
        expect([label, getIn(entity, name)]).toEqual([label, null]);
        expect(warnings).toEqual([{ field: `${type}.${name}`, problem: 'of the wrong type, read as null' }]);
      }
    });

    it('is null with UPSTREAM_BAD_RESPONSE if the REST API returns no object', async () => {
      for (const [label, value] of [...wrongValues, ['an empty object', {}], ['an empty list', []]] as const) {
        if (label === 'missing' && field !== 'task') continue;
        rig.upstream.script(() => toRestResponse(value));
        const response = await rig.post({ query });
        expect([label, response.json]).toMatchObject([
          label,
          { data: { [field]: null }, errors: [{ path: [field], extensions: { code: 'UPSTREAM_BAD_RESPONSE' } }] },
        ]);
        expect(response.text).not.toContain('canary');
      }
    });
  },
);

it.each(['organization', 'serviceConnection'])(
  'Query.environments reads null for an %s without an id; the rest stands',
  async (name) => {
    rig.upstream.script(() => ({ data: [{ ...environment, [name]: { name: 'canary' } }] }));
    const { response, warnings } = await runWithWarnings(`{ environments { id name ${name} { id } } }`);
    const { id, name: environmentName } = environment;
    expect(response.json).toEqual({ data: { environments: [{ id, name: environmentName, [name]: null }] } });
    expect(warnings).toEqual([{ field: `environment.${name}`, problem: 'without a required field, read as null' }]);
  },
);

it('Query.siteToSiteVpns reads UNKNOWN for a state that is missing or has the wrong type; the list stands', async () => {
  for (const [label, value] of wrongValues.filter(([, item]) => typeof item !== 'string')) {
    rig.upstream.script(() => ({ data: [{ ...vpn, state: value }, vpn] }));
    const query = `{ siteToSiteVpns(${environmentArgument}) { nodes { state } } }`;
    const { response, warnings } = await runWithWarnings(query);
    expect([label, response.json]).toEqual([
      label,
      { data: { siteToSiteVpns: { nodes: [{ state: 'UNKNOWN' }, { state: 'CONNECTED' }] } } },
    ]);
    expect(warnings).toMatchObject([{ field: 'siteToSiteVpn.state' }]);
  }
});

describe('REST list', () => {
  it.each([
    ['siteToSiteVpns', `{ siteToSiteVpns(${environmentArgument}) { totalCount } }`],
    ['vpcs', `{ vpcs(${environmentArgument}) { totalCount } }`],
    ['environments', '{ environments { id } }'],
  ])('of %s is rejected with UPSTREAM_BAD_RESPONSE if it is no array', async (field, query) => {
    for (const [label, value] of wrongValues.filter(([, item]) => !Array.isArray(item))) {
      rig.upstream.script(() => ({ data: value, metadata: { recordCount: 1 } }));
      const response = await rig.post({ query });
      expect([label, response.json]).toMatchObject([
        label,
        { data: { [field]: null }, errors: [{ path: [field], extensions: { code: 'UPSTREAM_BAD_RESPONSE' } }] },
      ]);
    }
  });
});
