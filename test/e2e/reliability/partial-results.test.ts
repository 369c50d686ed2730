// Partial results: a field that fails is null, with an error at its path, and no other field is lost. Each query is posted until it runs
// compiled, and must give the same result each time.
import { afterEach, describe, expect, it } from '@jest/globals';
import { type RawScript, toBytes } from '../../helpers/raw-upstream.js';
import { subscribeBySse, subscribeByWebSocket } from '../../server/subscriptions/subscribers.js';
import { taskId, vpcId, vpnId, wireVpn } from '../../helpers/fixtures.js';
import { resetFailureState, documentedResponse, writeThenReset, environmentArgument } from './operations.js';
import { apiKey, startRig } from './harness.js';

const rig = await startRig();

afterEach(() => rig.verify());

type RawResponse = ReturnType<RawScript>;
type Path = readonly (string | number)[];

// The gateway compiles a query at its third request, or later if the event loop is busy.
const rounds = 8;
const otherVpnId = 'd49b2922-0581-4587-94df-6fe719327d10';
const otherVpcId = '0b3f13ec-e005-4a71-8bea-6af42c1a895b';
const twoVpns = {
  data: [wireVpn({ name: 'a' }), wireVpn({ id: otherVpnId, name: 'b', vpcId: otherVpcId })],
};
const error500 = toBytes(500, { errors: [{ code: 'E', message: 'Broken.' }] });

/** Returns a script: the response of the first entry whose part is in the target, else the documented response. */
function respondByTarget(
  ...responses: readonly (readonly [part: string | RegExp, response: RawResponse])[]
): RawScript {
  return ({ method, target }) => {
    const match = responses.find(([part]) => (typeof part === 'string' ? target.includes(part) : part.test(target)));
    return match === undefined ? documentedResponse(method, target) : match[1];
  };
}

/** Returns the expected error of a field at this path. */
function toExpectedError(code: string, ...path: Path): object {
  return {
    message: expect.any(String),
    locations: expect.any(Array),
    path,
    extensions: expect.objectContaining({ code, requestId: expect.any(String) }),
  };
}

/** Posts a query several times. Expects this data and these errors each time, the errors in any order. */
async function expectResults(query: string, data: object, errors: readonly object[]): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const { status, json } = await rig.post({ query });
    expect({ round, status, json }).toEqual({
      round,
      status: 200,
      json: { data, errors: expect.arrayContaining([...errors]) },
    });
    expect(json).toHaveProperty('errors.length', errors.length);
  }
}

describe('SiteToSiteVpn.vpc', () => {
  const lists: readonly (readonly [string, string, (vpcs: readonly unknown[]) => object, (index: number) => Path])[] = [
    [
      'nodes',
      `{ siteToSiteVpns(${environmentArgument}) { totalCount nodes { name vpc { name } } } }`,
      (vpcs) => ({ totalCount: 2, nodes: ['a', 'b'].map((name, index) => ({ name, vpc: vpcs[index] })) }),
      (index) => ['siteToSiteVpns', 'nodes', index, 'vpc'],
    ],
    [
      'edges',
      `{ siteToSiteVpns(${environmentArgument}) { edges { node { name vpc { name } } } totalCount } }`,
      (vpcs) => ({
        totalCount: 2,
        edges: ['a', 'b'].map((name, index) => ({ node: { name, vpc: vpcs[index] } })),
      }),
      (index) => ['siteToSiteVpns', 'edges', index, 'node', 'vpc'],
    ],
  ];

  const failures: readonly (readonly [string, RawResponse, string])[] = [
    ['500', error500, 'UPSTREAM_ERROR'],
    ['403', toBytes(403, { errors: ['No.'] }), 'FORBIDDEN'],
    ['403 of a proxy', toBytes(403, ''), 'UPSTREAM_BAD_RESPONSE'],
    ['429', toBytes(429, '', { 'retry-after': '86400' }), 'RATE_LIMITED'],
    ['HTML', toBytes(200, '<html>'), 'UPSTREAM_BAD_RESPONSE'],
    ['a row without a name', { data: [{ id: otherVpcId, name: 'other' }, { id: vpcId }] }, 'UPSTREAM_BAD_RESPONSE'],
  ];

  it.each(failures)(
    'is null with an error for each VPN of a list if the list of VPCs fails (%s)',
    async (_failure, response, code) => {
      rig.upstream.script(respondByTarget(['/vpcs', response], ['/sitetositevpns', twoVpns]));
      for (const [, query, toList, toPath] of lists) {
        await expectResults(query, { siteToSiteVpns: toList([null, null]) }, [
          toExpectedError(code, ...toPath(0)),
          toExpectedError(code, ...toPath(1)),
        ]);
      }
    },
  );

  it.each(lists)(
    'is null with an error for the one VPC of a list that is missing (%s)',
    async (_field, query, toList, toPath) => {
      rig.upstream.script(
        respondByTarget(['/vpcs', { data: [{ id: otherVpcId, name: 'other' }] }], ['/sitetositevpns', twoVpns]),
      );
      await expectResults(query, { siteToSiteVpns: toList([null, { name: 'other' }]) }, [
        toExpectedError('NOT_FOUND', ...toPath(0)),
      ]);
    },
  );
});

describe('Query', () => {
  it('returns the root fields that succeed, and an error for each root field that fails', async () => {
    await resetFailureState(rig);
    rig.upstream.script(
      respondByTarget(
        ['/b500/', error500],
        ['/b401/', toBytes(401, '')],
        ['/b404/', toBytes(404, { errors: ['No.'] })],
        ['/lost/', writeThenReset()],
        ['/html/', toBytes(200, '<html>')],
        ['/tasks/', toBytes(503, '')],
      ),
    );
    const named = (name: string) => environmentArgument.replace('test_area', name);
    const query = `{
      succeeds: siteToSiteVpns(${environmentArgument}) { totalCount }
      status500: siteToSiteVpns(${named('b500')}) { totalCount }
      status401: vpcs(${named('b401')}) { totalCount }
      status404: vpcs(${named('b404')}) { totalCount }
      lost: siteToSiteVpn(${named('lost')}, id: "${vpnId}") { name }
      html: siteToSiteVpn(${named('html')}, id: "${vpnId}") { name }
      invalidId: siteToSiteVpn(${environmentArgument}, id: "no-uuid") { name }
      task(id: "${taskId}") { status }
      environments { id }
    }`;
    await expectResults(
      query,
      {
        succeeds: { totalCount: 1 },
        status500: null,
        status401: null,
        status404: null,
        lost: null,
        html: null,
        invalidId: null,
        task: null,
        environments: [],
      },
      [
        toExpectedError('UPSTREAM_ERROR', 'status500'),
        toExpectedError('UNAUTHENTICATED', 'status401'),
        toExpectedError('NOT_FOUND', 'status404'),
        toExpectedError('UPSTREAM_UNAVAILABLE', 'lost'),
        toExpectedError('UPSTREAM_BAD_RESPONSE', 'html'),
        toExpectedError('UPSTREAM_UNAVAILABLE', 'task'),
      ],
    );
  });
});

describe('Nested field that fails', () => {
  it.each<readonly [string, string, RawScript, object, readonly object[]]>([
    [
      'SiteToSiteVpn.vpc',
      `{ siteToSiteVpn(${environmentArgument}, id: "${vpnId}") { name vpc { name } state } }`,
      respondByTarget(['/vpcs/', error500]),
      { siteToSiteVpn: { name: 'stargate', vpc: null, state: 'CONNECTED' } },
      [toExpectedError('UPSTREAM_ERROR', 'siteToSiteVpn', 'vpc')],
    ],
    [
      'Task.siteToSiteVpn',
      `{ task(id: "${taskId}", ${environmentArgument}) { status siteToSiteVpn { name } } }`,
      respondByTarget(
        ['/sitetositevpns/', error500],
        ['/tasks/', { taskId, taskStatus: 'SUCCESS', result: { id: vpnId } }],
      ),
      { task: { status: 'SUCCESS', siteToSiteVpn: null } },
      [toExpectedError('UPSTREAM_ERROR', 'task', 'siteToSiteVpn')],
    ],
    [
      'ServiceConnection.serviceCode',
      '{ environments { name serviceConnection { id serviceCode } organization { id } } }',
      respondByTarget(
        ['/services/connections', error500],
        [
          '/environments',
          { data: [{ id: 'e', name: 'n', serviceConnection: { id: 's', name: 'S' }, organization: { id: 'o' } }] },
        ],
      ),
      { environments: [{ name: 'n', serviceConnection: { id: 's', serviceCode: null }, organization: { id: 'o' } }] },
      [toExpectedError('UPSTREAM_ERROR', 'environments', 0, 'serviceConnection', 'serviceCode')],
    ],
    [
      'Vpc.siteToSiteVpns, which is not nullable, so the VPC is null',
      `{ vpc(${environmentArgument}, id: "${vpcId}") { name siteToSiteVpns { totalCount } } environments { id } }`,
      respondByTarget(['/sitetositevpns', error500]),
      { vpc: null, environments: [] },
      [toExpectedError('UPSTREAM_ERROR', 'vpc', 'siteToSiteVpns')],
    ],
  ])('leaves all other fields intact (%s)', async (_field, query, script, data, errors) => {
    rig.upstream.script(script);
    await expectResults(query, data, errors);
  });
});

describe('Mutation', () => {
  const reset = (alias: string, name: string) => `${alias}: resetSiteToSiteVpn(input: {
    ${environmentArgument.replace('test_area', name)}, id: "${vpnId}" }) { task { id } siteToSiteVpn { name } userErrors { code } }`;

  it('returns the results of all fields but the one that fails, and sends each write once', async () => {
    rig.upstream.script(respondByTarget(['/html/', toBytes(200, '<html>')]));
    const { json } = await rig.post({
      query: `mutation { ${reset('a', 'one')} ${reset('b', 'html')} ${reset('c', 'two')} }`,
    });
    const success = { task: { id: taskId }, siteToSiteVpn: { name: 'stargate' }, userErrors: [] };
    expect(json).toEqual({
      data: { a: success, b: null, c: success },
      errors: [toExpectedError('UPSTREAM_BAD_RESPONSE', 'b')],
    });
    expect(json).toHaveProperty('errors.0.extensions.outcomeUnknown', true);
    const sent = rig.upstream.calls.filter(({ method }) => method === 'POST');
    expect(sent.map(({ target }) => target.split('/')[4])).toEqual(['one', 'html', 'two']);
  });

  it('returns the task of a write if the read after it fails', async () => {
    rig.upstream.script(({ method, target }) => (method === 'GET' ? error500 : documentedResponse(method, target)));
    const { json } = await rig.post({ query: `mutation { ${reset('a', 'one')} }` });
    expect(json).toEqual({
      data: { a: { task: { id: taskId }, siteToSiteVpn: null, userErrors: [] } },
      errors: [toExpectedError('UPSTREAM_ERROR', 'a', 'siteToSiteVpn')],
    });
  });
});

describe.each([
  ['WebSocket', subscribeByWebSocket],
  ['Server-Sent Events', subscribeBySse],
] as const)('Subscription over %s', (_transport, subscribe) => {
  it('sends an event with an error for the failed field, and then one with all fields', async () => {
    let isFailing = true;
    rig.upstream.script(({ target }) => {
      if (target.includes('/vpcs')) return isFailing ? error500 : { data: [{ id: vpcId, name: 'vpc' }] };
      return { data: [wireVpn({ name: isFailing ? 'before' : 'after' })] };
    });
    const query = `subscription { siteToSiteVpnsUpdated(${environmentArgument}) { nodes { name vpc { name } } } }`;
    const subscription = subscribe(rig.url, apiKey)(query);
    await subscription.waitForEvents(1);
    isFailing = false;
    await subscription.waitForEvents(2);
    subscription.unsubscribe();
    rig.record(JSON.stringify(subscription.events));
    expect(subscription.events.slice(0, 2)).toEqual([
      {
        data: { siteToSiteVpnsUpdated: { nodes: [{ name: 'before', vpc: null }] } },
        errors: [toExpectedError('UPSTREAM_ERROR', 'siteToSiteVpnsUpdated', 'nodes', 0, 'vpc')],
      },
      { data: { siteToSiteVpnsUpdated: { nodes: [{ name: 'after', vpc: { name: 'vpc' } }] } } },
    ]);
  });
});
