// Partial answers: what came is delivered, what did not is null with an error at its path, and nothing else is lost for it. Each query is asked
// until it runs compiled, and its last answer is its first.
import { afterEach, describe, expect, it } from '@jest/globals';
import { type RawScript, toBytes } from '../../helpers/raw-upstream.js';
import { byEventStream, byWebSocket } from '../../server/subscriptions/subscribers.js';
import { taskId, vpcId, vpnId, wireVpn } from '../../server/subscriptions/changing-rest-api.js';
import { calm, documented, resetting, scope } from './operations.js';
import { apiKey, startRig } from './harness.js';

const rig = await startRig();

afterEach(() => rig.settle());

type Answer = ReturnType<RawScript>;
type Path = readonly (string | number)[];

// A query is compiled when it comes for the third time, or as soon after that as there is time for it.
const rounds = 8;
const otherVpn = 'd49b2922-0581-4587-94df-6fe719327d10';
const otherVpc = '0b3f13ec-e005-4a71-8bea-6af42c1a895b';
const two = {
  data: [wireVpn({ name: 'a' }), wireVpn({ id: otherVpn, name: 'b', vpcId: otherVpc })],
};
const broken = toBytes(500, { errors: [{ code: 'E', message: 'Broken.' }] });

/** Answers by what a target has in it, the first that fits; else as documented. */
function answering(...answers: readonly (readonly [part: string | RegExp, answer: Answer])[]): RawScript {
  return ({ method, target }) => {
    const found = answers.find(([part]) => (typeof part === 'string' ? target.includes(part) : part.test(target)));
    return found === undefined ? documented(method, target) : found[1];
  };
}

function failure(code: string, ...path: Path): object {
  return {
    message: expect.any(String),
    locations: expect.any(Array),
    path,
    extensions: expect.objectContaining({ code, requestId: expect.any(String) }),
  };
}

/** Asks again and again, and says that each answer is this one, the errors in whatever order they came. */
async function expectAnswers(query: string, data: object, errors: readonly object[]): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const { status, json } = await rig.ask({ query });
    expect({ round, status, json }).toEqual({
      round,
      status: 200,
      json: { data, errors: expect.arrayContaining([...errors]) },
    });
    expect(json).toHaveProperty('errors.length', errors.length);
  }
}

describe('The VPCs of a list of VPNs', () => {
  const lists: readonly (readonly [string, string, (vpcs: readonly unknown[]) => object, (index: number) => Path])[] = [
    [
      'nodes',
      `{ siteToSiteVpns(${scope}) { totalCount nodes { name vpc { name } } } }`,
      (vpcs) => ({ totalCount: 2, nodes: ['a', 'b'].map((name, index) => ({ name, vpc: vpcs[index] })) }),
      (index) => ['siteToSiteVpns', 'nodes', index, 'vpc'],
    ],
    [
      'edges',
      `{ siteToSiteVpns(${scope}) { edges { node { name vpc { name } } } totalCount } }`,
      (vpcs) => ({
        totalCount: 2,
        edges: ['a', 'b'].map((name, index) => ({ node: { name, vpc: vpcs[index] } })),
      }),
      (index) => ['siteToSiteVpns', 'edges', index, 'node', 'vpc'],
    ],
  ];

  const failing: readonly (readonly [string, Answer, string])[] = [
    ['500', broken, 'UPSTREAM_ERROR'],
    ['403', toBytes(403, ''), 'FORBIDDEN'],
    ['429', toBytes(429, '', { 'retry-after': '86400' }), 'RATE_LIMITED'],
    ['HTML', toBytes(200, '<html>'), 'UPSTREAM_BAD_RESPONSE'],
    ['a row that is none', { data: [{ id: otherVpc, name: 'other' }, { id: vpcId }] }, 'UPSTREAM_BAD_RESPONSE'],
  ];

  it.each(failing)('are null, each with an error, where their list fails (%s)', async (_what, answer, code) => {
    rig.upstream.script(answering(['/vpcs', answer], ['/sitetositevpns', two]));
    for (const [, query, toList, toPath] of lists) {
      await expectAnswers(query, { siteToSiteVpns: toList([null, null]) }, [
        failure(code, ...toPath(0)),
        failure(code, ...toPath(1)),
      ]);
    }
  });

  it.each(lists)('are there, by %s, but for the one that is missing', async (_name, query, toList, toPath) => {
    rig.upstream.script(answering(['/vpcs', { data: [{ id: otherVpc, name: 'other' }] }], ['/sitetositevpns', two]));
    await expectAnswers(query, { siteToSiteVpns: toList([null, { name: 'other' }]) }, [
      failure('NOT_FOUND', ...toPath(0)),
    ]);
  });
});

describe('Root fields of which some fail', () => {
  it('have what came, and an error for each that did not', async () => {
    await calm(rig);
    rig.upstream.script(
      answering(
        ['/b500/', broken],
        ['/b401/', toBytes(401, '')],
        ['/b404/', toBytes(404, '')],
        ['/lost/', resetting()],
        ['/html/', toBytes(200, '<html>')],
        ['/tasks/', toBytes(503, '')],
      ),
    );
    const named = (name: string) => scope.replace('test_area', name);
    const query = `{
      good: siteToSiteVpns(${scope}) { totalCount }
      broken: siteToSiteVpns(${named('b500')}) { totalCount }
      refused: vpcs(${named('b401')}) { totalCount }
      nowhere: vpcs(${named('b404')}) { totalCount }
      lost: siteToSiteVpn(${named('lost')}, id: "${vpnId}") { name }
      html: siteToSiteVpn(${named('html')}, id: "${vpnId}") { name }
      none: siteToSiteVpn(${scope}, id: "no-uuid") { name }
      task(id: "${taskId}") { status }
      environments { id }
    }`;
    await expectAnswers(
      query,
      {
        good: { totalCount: 1 },
        broken: null,
        refused: null,
        nowhere: null,
        lost: null,
        html: null,
        none: null,
        task: null,
        environments: [],
      },
      [
        failure('UPSTREAM_ERROR', 'broken'),
        failure('UNAUTHENTICATED', 'refused'),
        failure('NOT_FOUND', 'nowhere'),
        failure('UPSTREAM_UNAVAILABLE', 'lost'),
        failure('UPSTREAM_BAD_RESPONSE', 'html'),
        failure('UPSTREAM_UNAVAILABLE', 'task'),
      ],
    );
  });
});

describe('A field that fails deep in an answer', () => {
  it.each<readonly [string, string, RawScript, object, readonly object[]]>([
    [
      'the VPC of one VPN',
      `{ siteToSiteVpn(${scope}, id: "${vpnId}") { name vpc { name } state } }`,
      answering(['/vpcs/', broken]),
      { siteToSiteVpn: { name: 'stargate', vpc: null, state: 'CONNECTED' } },
      [failure('UPSTREAM_ERROR', 'siteToSiteVpn', 'vpc')],
    ],
    [
      'the VPN of a task',
      `{ task(id: "${taskId}", ${scope}) { status siteToSiteVpn { name } } }`,
      answering(['/sitetositevpns/', broken], ['/tasks/', { taskId, taskStatus: 'SUCCESS', result: { id: vpnId } }]),
      { task: { status: 'SUCCESS', siteToSiteVpn: null } },
      [failure('UPSTREAM_ERROR', 'task', 'siteToSiteVpn')],
    ],
    [
      'the service of an environment',
      '{ environments { name serviceConnection { id serviceCode } organization { id } } }',
      answering(
        ['/services/connections', broken],
        [
          '/environments',
          { data: [{ id: 'e', name: 'n', serviceConnection: { id: 's', name: 'S' }, organization: { id: 'o' } }] },
        ],
      ),
      { environments: [{ name: 'n', serviceConnection: { id: 's', serviceCode: null }, organization: { id: 'o' } }] },
      [failure('UPSTREAM_ERROR', 'environments', 0, 'serviceConnection', 'serviceCode')],
    ],
    [
      'the VPNs of a VPC, which may not be null: it is null itself',
      `{ vpc(${scope}, id: "${vpcId}") { name siteToSiteVpns { totalCount } } environments { id } }`,
      answering(['/sitetositevpns', broken]),
      { vpc: null, environments: [] },
      [failure('UPSTREAM_ERROR', 'vpc', 'siteToSiteVpns')],
    ],
  ])('(%s) takes nothing else along', async (_what, query, script, data, errors) => {
    rig.upstream.script(script);
    await expectAnswers(query, data, errors);
  });
});

describe('Writes of which some fail', () => {
  const reset = (alias: string, name: string) => `${alias}: resetSiteToSiteVpn(input: {
    ${scope.replace('test_area', name)}, id: "${vpnId}" }) { task { id } siteToSiteVpn { name } userErrors { code } }`;

  it('have what came of the others, before and after, and each was sent once', async () => {
    rig.upstream.script(answering(['/html/', toBytes(200, '<html>')]));
    const { json } = await rig.ask({
      query: `mutation { ${reset('a', 'one')} ${reset('b', 'html')} ${reset('c', 'two')} }`,
    });
    const done = { task: { id: taskId }, siteToSiteVpn: { name: 'stargate' }, userErrors: [] };
    expect(json).toEqual({
      data: { a: done, b: null, c: done },
      errors: [failure('UPSTREAM_BAD_RESPONSE', 'b')],
    });
    expect(json).toHaveProperty('errors.0.extensions.outcomeUnknown', true);
    const sent = rig.upstream.calls.filter(({ method }) => method === 'POST');
    expect(sent.map(({ target }) => target.split('/')[4])).toEqual(['one', 'html', 'two']);
  });

  it('have their task where the read that follows fails', async () => {
    rig.upstream.script(({ method, target }) => (method === 'GET' ? broken : documented(method, target)));
    const { json } = await rig.ask({ query: `mutation { ${reset('a', 'one')} }` });
    expect(json).toEqual({
      data: { a: { task: { id: taskId }, siteToSiteVpn: null, userErrors: [] } },
      errors: [failure('UPSTREAM_ERROR', 'a', 'siteToSiteVpn')],
    });
  });
});

describe.each([
  ['WebSocket', byWebSocket],
  ['Server-Sent Events', byEventStream],
] as const)('An event by %s', (_transport, by) => {
  it('has what came, with an error for what did not, and the next one has all of it', async () => {
    let looks = 0;
    rig.upstream.script(({ target }) => {
      if (target.includes('/vpcs')) return looks < 4 ? broken : { data: [{ id: vpcId, name: 'vpc' }] };
      looks++;
      return { data: [wireVpn({ name: looks < 4 ? 'before' : 'after' })] };
    });
    const query = `subscription { siteToSiteVpnsUpdated(${scope}) { nodes { name vpc { name } } } }`;
    const following = by(rig.url, apiKey)(query);
    await following.has(2);
    following.stop();
    rig.keep(JSON.stringify(following.events));
    expect(following.events.slice(0, 2)).toEqual([
      {
        data: { siteToSiteVpnsUpdated: { nodes: [{ name: 'before', vpc: null }] } },
        errors: [failure('UPSTREAM_ERROR', 'siteToSiteVpnsUpdated', 'nodes', 0, 'vpc')],
      },
      { data: { siteToSiteVpnsUpdated: { nodes: [{ name: 'after', vpc: { name: 'vpc' } }] } } },
    ]);
  });
});
