// Wrong shapes, field by field: what must be there and is not, or is of another type, is a bad response; what need not be reads null, with a
// warning in the log; all else of the answer stands.
import { afterEach, describe, expect, it } from '@jest/globals';
import { toBytes } from '../../helpers/raw-upstream.js';
import { until } from '../../helpers/until.js';
import type { WireAnswer } from '../../helpers/wire.js';
import { taskId, vpcId, vpnId } from '../../server/subscriptions/changing-rest-api.js';
import { scope } from './operations.js';
import { preSharedKey, startRig, toErrors } from './harness.js';

const rig = await startRig();

afterEach(() => rig.settle());

/** A thing of the wire, and how it is asked for. */
interface Thing {
  readonly type: string;
  readonly field: string;
  readonly query: string;
  /** It as it is documented. */
  readonly whole: Readonly<Record<string, unknown>>;
  readonly required: readonly string[];
  /** Those that a query may read as null. */
  readonly optional: readonly string[];
  /** The answer that has it, to any call. */
  readonly toAnswer: (thing: unknown) => object;
  /** Where it stands in an answer of the gateway's. */
  readonly find: (data: unknown) => unknown;
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
const requiredOfVpn = ['id', 'name', 'state', 'vpcId', 'gateway', 'cidr'];
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

const at = (data: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    data,
  );
const without = (all: readonly string[], some: readonly string[]) => all.filter((field) => !some.includes(field));

const things: readonly Thing[] = [
  {
    type: 'siteToSiteVpn',
    field: 'siteToSiteVpns',
    query: `{ siteToSiteVpns(${scope}) { nodes { ${vpnFields.join(' ')} } } }`,
    whole: vpn,
    required: requiredOfVpn,
    optional: without(vpnFields, requiredOfVpn),
    toAnswer: (thing) => ({ data: [{ ...vpn, id: 'a', name: 'a' }, thing] }),
    find: (data) => at(data, 'siteToSiteVpns', 'nodes', 1),
  },
  {
    type: 'siteToSiteVpn',
    field: 'siteToSiteVpn',
    query: `{ siteToSiteVpn(${scope}, id: "${vpnId}") { ${vpnFields.join(' ')} } }`,
    whole: vpn,
    required: requiredOfVpn,
    optional: without(vpnFields, requiredOfVpn),
    toAnswer: (data) => ({ data }),
    find: (data) => at(data, 'siteToSiteVpn'),
  },
  {
    type: 'vpc',
    field: 'vpcs',
    query: `{ vpcs(${scope}) { nodes { ${Object.keys(vpc).join(' ')} } } }`,
    whole: vpc,
    required: ['id', 'name'],
    optional: without(Object.keys(vpc), ['id', 'name']),
    toAnswer: (thing) => ({ data: [thing] }),
    find: (data) => at(data, 'vpcs', 'nodes', 0),
  },
  {
    type: 'vpc',
    field: 'vpc',
    query: `{ vpc(${scope}, id: "${vpcId}") { ${Object.keys(vpc).join(' ')} } }`,
    whole: vpc,
    required: ['id', 'name'],
    optional: without(Object.keys(vpc), ['id', 'name']),
    toAnswer: (data) => ({ data }),
    find: (data) => at(data, 'vpc'),
  },
  {
    type: 'environment',
    field: 'environments',
    query: '{ environments { id name description organization { id } serviceConnection { id } } }',
    whole: { ...environment, organization: { id: 'o', name: 'sg1' }, serviceConnection: { id: 's', name: 'Compute' } },
    required: ['id', 'name'],
    optional: ['description', 'organization', 'serviceConnection'],
    toAnswer: (thing) => ({ data: [thing] }),
    find: (data) => at(data, 'environments', 0),
  },
  {
    type: 'task',
    field: 'task',
    query: `{ task(id: "${taskId}") { status created } }`,
    whole: task,
    required: ['taskStatus'],
    optional: ['created'],
    toAnswer: (thing) => toBytes(200, JSON.stringify(thing ?? null)),
    find: (data) => at(data, 'task'),
  },
];

const wrong: readonly (readonly [string, unknown])[] = [
  ['missing', undefined],
  ['null', null],
  ['a number', 7.5],
  ['a truth', true],
  ['a text', 'canary text'],
  ['a list', ['canary']],
  ['an object', { canary: 'canary' }],
  ['beyond all numbers', 1e300],
];

/** Whether a value is one that a field may have. */
function fits(like: unknown, value: unknown): boolean {
  return typeof like === 'number' ? Number.isInteger(value) && Number(value) < 2 ** 31 : typeof like === typeof value;
}

/** Asks, and gives the answer and the warnings that were logged for it. */
async function askWarned(query: string): Promise<{ answer: WireAnswer; warnings: readonly unknown[] }> {
  const from = rig.gateway.stdout().lastIndexOf('\n') + 1;
  const answer = await rig.ask({ query });
  const id = answer.headers.get('x-request-id');
  const lines = () =>
    rig.gateway
      .stdout()
      .slice(from)
      .split('\n')
      .slice(0, -1)
      .map((line): unknown => JSON.parse(line))
      .filter((line) => at(line, 'requestId') === id);
  // What is logged comes by another way than the answer.
  await until(() => lines().some((line) => at(line, 'msg') === 'operation'));
  const warnings = lines().filter((line) => at(line, 'msg') === 'odd answer of the REST API');
  return { answer, warnings: warnings.map((line) => ({ field: at(line, 'field'), problem: at(line, 'problem') })) };
}

describe.each(things.map((thing) => [thing.field, thing] as const))('%s', (_field, thing) => {
  const { type, field, query, whole, required, optional, toAnswer, find } = thing;

  it.each(required)('whose %s is missing or of the wrong type is a bad response', async (name) => {
    for (const [what, value] of wrong) {
      if (typeof value === 'string') continue;
      rig.upstream.script(() => toAnswer({ ...whole, [name]: value }));
      const answer = await rig.ask({ query });
      expect([what, answer.json]).toEqual([
        what,
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
      expect(answer.text).not.toContain('canary');
      expect(rig.upstream.calls).toHaveLength(1);
    }
  });

  it.each(optional)('whose %s is missing or of the wrong type has all else', async (name) => {
    rig.upstream.script(() => toAnswer(whole));
    const usual = find(at((await rig.ask({ query })).json, 'data'));
    // An object has fields of its own, which may be required.
    const others = wrong.filter(([what]) => what !== 'an object' || typeof at(whole, name) !== 'object');
    for (const [what, value] of others) {
      rig.upstream.script(() => toAnswer({ ...whole, [name]: value }));
      const { answer, warnings } = await askWarned(query);
      const found = find(at(answer.json, 'data'));
      expect([what, toErrors(answer.json)]).toEqual([what, []]);
      expect(typeof found).toBe('object');
      expect({ ...Object(found), [name]: null }).toEqual({ ...Object(usual), [name]: null });
      const isAbsent = value === undefined || value === null;
      if (isAbsent || fits(at(whole, name), value)) continue;
      expect([what, at(found, name)]).toEqual([what, null]);
      expect(warnings).toEqual([{ field: `${type}.${name}`, problem: 'of the wrong type, read as null' }]);
    }
  });

  it('that is no object is a bad response', async () => {
    for (const [what, value] of [...wrong, ['an empty object', {}], ['an empty list', []]] as const) {
      if (what === 'missing' && field !== 'task') continue;
      rig.upstream.script(() => toAnswer(value));
      const answer = await rig.ask({ query });
      expect([what, answer.json]).toMatchObject([
        what,
        { data: { [field]: null }, errors: [{ path: [field], extensions: { code: 'UPSTREAM_BAD_RESPONSE' } }] },
      ]);
      expect(answer.text).not.toContain('canary');
    }
  });
});

it.each(['organization', 'serviceConnection'])('An environment whose %s has no id is a bad response', async (name) => {
  rig.upstream.script(() => ({ data: [{ ...environment, [name]: { name: 'canary' } }] }));
  const answer = await rig.ask({ query: '{ environments { id } }' });
  expect(answer.json).toMatchObject({
    data: { environments: null },
    errors: [{ path: ['environments'], extensions: { code: 'UPSTREAM_BAD_RESPONSE' } }],
  });
});

describe('A list', () => {
  it.each([
    ['siteToSiteVpns', `{ siteToSiteVpns(${scope}) { totalCount } }`],
    ['vpcs', `{ vpcs(${scope}) { totalCount } }`],
    ['environments', '{ environments { id } }'],
  ])('of %s that is none is a bad response', async (field, query) => {
    for (const [what, value] of wrong.filter(([, each]) => !Array.isArray(each))) {
      rig.upstream.script(() => ({ data: value, metadata: { recordCount: 1 } }));
      const answer = await rig.ask({ query });
      expect([what, answer.json]).toMatchObject([
        what,
        { data: { [field]: null }, errors: [{ path: [field], extensions: { code: 'UPSTREAM_BAD_RESPONSE' } }] },
      ]);
    }
  });
});
