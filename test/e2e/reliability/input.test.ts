// Hostile ids, names and cursors: the REST API receives exactly the intended request, or none.
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { waitUntil } from '../../helpers/wait-until.js';
import { openAcknowledgedSocket } from '../../server/subscriptions/subscribers.js';
import { taskId, vpcId, vpnId, wireVpn } from '../../helpers/fixtures.js';
import { Pool, startCases } from './concurrent-cases.js';
import { anyCharacter, takeSixth } from './random.js';
import { apiKey, expectWellFormed, preSharedKey, startRig, toErrors } from './harness.js';
import type { RawCall } from '../../helpers/raw-upstream.js';
import { toRunCount } from '../../helpers/run-count.js';

const rig = await startRig();

afterEach(() => rig.verify());

/** The target of a REST call: path segments below `/v1` and query parameters, before encoding. */
interface RestTarget {
  readonly method: string;
  readonly segments: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
}

/** An input of the schema that takes a caller's value. */
interface InputPosition {
  readonly name: string;
  readonly query: string;
  readonly variables: (value: string) => Record<string, unknown>;
  /** Returns the intended call for a valid value. Null if only a UUID or a cursor would be valid, which no test value is. */
  readonly target: ((value: string) => RestTarget) | null;
}

const environment = { serviceCode: 'compute-on', name: 'test_area' };
const environmentPath = ['services', 'compute-on', 'test_area'];
const environmentVariable = '$environment: EnvironmentInput!';
const environmentArgument = 'environment: $environment';
const newVpn = { vpcId, name: 'a', gateway: '203.0.113.7', cidr: '10.12.0.0/22', ipSecPsk: preSharedKey };
const algorithms = {
  ikeEncryptionAlgorithm: 'AES256',
  ikeHashAlgorithm: 'SHA1',
  ikeLifetime: 86400,
  espEncryptionAlgorithm: 'AES256',
  espHashAlgorithm: 'SHA1',
  espLifetime: 3600,
};

/** The root fields that take an environment: name, operation, its other variables, and the REST method and path. */
const rootFields = [
  [
    'siteToSiteVpn',
    `query(${environmentVariable}, $id: ID!) { siteToSiteVpn(${environmentArgument}, id: $id) { id } }`,
    { id: vpnId },
    'GET',
    ['sitetositevpns', vpnId],
  ],
  [
    'siteToSiteVpns',
    `query(${environmentVariable}) { siteToSiteVpns(${environmentArgument}) { totalCount } }`,
    {},
    'GET',
    ['sitetositevpns'],
  ],
  [
    'vpc',
    `query(${environmentVariable}, $id: ID!) { vpc(${environmentArgument}, id: $id) { id } }`,
    { id: vpcId },
    'GET',
    ['vpcs', vpcId],
  ],
  ['vpcs', `query(${environmentVariable}) { vpcs(${environmentArgument}) { totalCount } }`, {}, 'GET', ['vpcs']],
] as const;
const writes = [
  ['createSiteToSiteVpn', 'CreateSiteToSiteVpnInput', { ...newVpn, ...algorithms }, 'POST', ['sitetositevpns'], {}],
  ['deleteSiteToSiteVpn', 'DeleteSiteToSiteVpnInput', { id: vpnId }, 'DELETE', ['sitetositevpns', vpnId], {}],
  [
    'resetSiteToSiteVpn',
    'ResetSiteToSiteVpnInput',
    { id: vpnId },
    'POST',
    ['sitetositevpns', vpnId],
    { operation: 'reset' },
  ],
] as const;

const toMutation = (field: string, type: string) =>
  `mutation($input: ${type}!) { ${field}(input: $input) { userErrors { code field message } } }`;

/** Each field of the environment input, in each root field. */
const environmentPositions: readonly InputPosition[] = (['serviceCode', 'name', 'organizationId'] as const).flatMap(
  (part) => {
    const toEnvironment = (value: string) => ({ ...environment, [part]: value });
    const toTarget = (method: string, rest: readonly string[], query: Record<string, string>) => (value: string) => ({
      method,
      segments: [
        'services',
        ...(part === 'serviceCode' ? [value] : ['compute-on']),
        ...(part === 'name' ? [value] : ['test_area']),
        ...rest,
      ],
      query: { ...query, ...(part === 'organizationId' ? { org_id: value } : {}) },
    });
    return [
      ...rootFields.map(([field, query, variables, method, rest]) => ({
        name: `${field} ${part}`,
        query,
        variables: (value: string) => ({ ...variables, environment: toEnvironment(value) }),
        target: toTarget(method, rest, {}),
      })),
      ...writes.map(([field, type, input, method, rest, query]) => ({
        name: `${field} ${part}`,
        query: toMutation(field, type),
        variables: (value: string) => ({ input: { ...input, environment: toEnvironment(value) } }),
        target: toTarget(method, rest, query),
      })),
    ];
  },
);

/** Each id and cursor. The gateway calls the REST API only for a UUID or a cursor of its own. */
const idPositions: readonly InputPosition[] = [
  ...rootFields
    .filter(([, , variables]) => 'id' in variables)
    .map(([field, query]) => ({
      name: `${field} id`,
      query,
      variables: (id: string) => ({ environment, id }),
      target: null,
    })),
  { name: 'task id', query: 'query($id: ID!) { task(id: $id) { id } }', variables: (id) => ({ id }), target: null },
  {
    name: 'siteToSiteVpns vpcId',
    query: `query(${environmentVariable}, $id: ID!) { siteToSiteVpns(${environmentArgument}, filter: { vpcId: $id }) { nodes { vpc { name } } } }`,
    variables: (id) => ({ environment, id }),
    target: null,
  },
  ...writes
    .filter(([, , input]) => 'id' in input)
    .map(([field, type]) => ({
      name: `${field} id`,
      query: toMutation(field, type),
      variables: (id: string) => ({ input: { environment, id } }),
      target: null,
    })),
  {
    name: 'createSiteToSiteVpn vpcId',
    query: toMutation('createSiteToSiteVpn', 'CreateSiteToSiteVpnInput'),
    variables: (id) => ({ input: { ...newVpn, ...algorithms, environment, vpcId: id } }),
    target: null,
  },
  ...(['siteToSiteVpns', 'vpcs'] as const).flatMap((field) =>
    (['after', 'before'] as const).map((argument) => ({
      name: `${field} ${argument}`,
      query: `query(${environmentVariable}, $cursor: String) { ${field}(${environmentArgument}, ${argument}: $cursor) { totalCount } }`,
      variables: (cursor: string) => ({ environment, cursor }),
      target: null,
    })),
  ),
];

const taskPosition: InputPosition = {
  name: 'task organizationId',
  query: 'query($id: ID!, $environment: EnvironmentInput) { task(id: $id, environment: $environment) { id } }',
  variables: (organizationId) => ({ id: taskId, environment: { ...environment, organizationId } }),
  target: (value) => ({ method: 'GET', segments: ['tasks', taskId], query: { org_id: value } }),
};

const positions = [...environmentPositions, ...idPositions, taskPosition];

const hostileValues = [
  ...[
    '',
    '.',
    '..',
    '...',
    './',
    '../',
    '/',
    '//',
    '\\',
    '..\\..',
    '.;/',
    '..;/',
    '/..',
    '..%2f',
    '%2e',
    '%2e%2e',
    '%2E%2E',
    '.%2e',
    '%2e.',
  ],
  ...[
    '%252e%252e',
    '%2f',
    '%5c',
    '%00',
    '%',
    '%zz',
    '%u002e',
    '%c0%ae%c0%ae',
    'a/b',
    'a\\b',
    'a%2fb',
    '../../tasks',
    `${vpnId}/../x`,
  ],
  ...[
    '?',
    'a?b=c',
    '#',
    'a#b',
    ';',
    ';a=b',
    'a;b',
    '@',
    'a@b',
    'user:pass@host',
    ':',
    '::1',
    'http://127.0.0.1/',
    '//elsewhere.example',
    '&',
    'a&org_id=b',
  ],
  ...[
    '=',
    '+',
    ' ',
    'a b',
    ' a',
    'a ',
    '\t',
    'a\tb',
    '\n',
    'a\nb',
    '\r\n',
    'a\r\nHost: b',
    '\0',
    'a\0b',
    '\x1b[31m',
    '\x7f',
    '\u0085',
    '\u00a0',
  ],
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '__defineGetter__',
    'then',
    'null',
    'undefined',
    'NaN',
    'true',
    '0',
    '-1',
  ],
  // Look-alikes: fullwidth solidus, full stop and percent sign, one-dot and two-dot leader, fraction slash, ideographic full stop.
  ...[
    '\uff0f',
    '\uff0e\uff0e',
    '\uff0fa',
    '\uff05\u0032\u0065',
    '\u2024\u2024',
    '\u2025',
    '\u2044',
    '\u2215',
    '\u3002\u3002',
    '\uff3c',
    '\u29f8',
  ],
  // Marks: right-to-left override, joiner, combining accent, byte order mark, line separators, tag character.
  ...[
    '\u202e',
    'a\u202eb',
    '\u200d',
    'a\u200db',
    '\u0301',
    'e\u0301',
    '\u00e9',
    '\ufeff',
    '\u2028',
    '\u2029',
    '\u{e0041}',
    '\u{1f680}',
    '\ufffd',
    '\uffff',
  ],
  ...[
    '\ud800',
    'a\udfff',
    '\udc00\ud800',
    '*',
    '**',
    '~',
    '$',
    '`id`',
    '$(id)',
    '{{7*7}}',
    '${7*7}',
    "' OR 1=1 --",
    '"',
    '<script>',
    '{',
    '[]',
    '|',
  ],
  'x'.repeat(255),
  'x'.repeat(256),
  'x'.repeat(200_000),
  '\u{1f680}'.repeat(50_000),
  '../'.repeat(60_000),
];

/** Reports whether the contract allows a value as a path segment. */
function isPathSegment(value: string): boolean {
  return value.length <= 255 && !/^\.{0,2}$/.test(value) && value.isWellFormed() && !/[/\\?#%]|\p{Cc}/u.test(value);
}

/** Returns the decoded target of a call. Asserts that it is encoded strictly. */
function toRestTarget({ method, target }: RawCall): RestTarget {
  // Only unreserved characters and percent-encoding, so that no proxy can interpret the path in another way.
  expect(target).toMatch(/^\/v1(\/([\w.~!*'()-]|%[0-9A-F]{2})+)+(\?[\x21-\x7e]*)?$/);
  const [path = '', query = ''] = target.split('?');
  const segments = path.split('/').slice(2);
  return { method, segments: segments.map(decodeURIComponent), query: Object.fromEntries(new URLSearchParams(query)) };
}

/** Returns a documented response to any read or write. */
function respond({ target }: RawCall): object {
  if (target.includes('/tasks/')) return { taskId, taskStatus: 'PENDING' };
  if (/\/sitetositevpns\/[^/]*$/.test(target)) return { data: wireVpn({ ipSecPsk: preSharedKey }) };
  if (/\/vpcs\/[^/]*$/.test(target)) return { data: { id: vpcId, name: 'a' } };
  return { data: [] };
}

// The REST calls, by the id of the client's request.
const callsOf = new Map<string, RawCall[]>();
const sentIds = new Set<string>();

/** Lets the upstream respond to any call, and records the calls. */
function recordCalls(): void {
  callsOf.clear();
  rig.upstream.script((call) => {
    const requestId = call.headers.get('x-request-id') ?? '';
    callsOf.set(requestId, [...(callsOf.get(requestId) ?? []), call]);
    return respond(call);
  });
}

/** Sends a value at a position. Asserts that the gateway makes exactly the intended REST call, or none. */
async function expectIntendedCall({ name, query, variables, target }: InputPosition, value: string): Promise<void> {
  const requestId = randomUUID();
  sentIds.add(requestId);
  const response = await rig.post({ query, variables: variables(value) }, { 'x-request-id': requestId });
  const calls = callsOf.get(requestId) ?? [];
  const expected = target !== null && isPathSegment(value) ? [{ query: {}, ...target(value) }] : [];

  expect({ name, targets: calls.map(toRestTarget) }).toEqual({ name, targets: expected });
  expectWellFormed(response);
  for (const { headers } of calls) expect(headers.get('mc-api-key')).toBe(apiKey);
}

describe('Hostile value as an id, name or cursor', () => {
  // A few values at a time, because the gateway takes longer than the test.
  const turns = new Pool([1, 2, 3]);
  recordCalls();
  const cases = startCases(
    hostileValues.map((value, turn) => [JSON.stringify(value).slice(0, 40), value, turn] as const),
    ([, value, turn]) =>
      turns.run(async () => {
        await Promise.all(takeSixth(positions, turn).map((position) => expectIntendedCall(position, value)));
      }),
  );

  it.each(cases)('leads to the intended REST call or to none: $name', ({ outcome }) => outcome);

  it('leads to no REST call but those for a request of the client', async () => {
    await Promise.allSettled(cases.map(({ outcome }) => outcome));
    expect([...callsOf.keys()].filter((requestId) => !sentIds.has(requestId))).toEqual([]);
  });

  it('leads to the intended REST call or to none if it is random', async () => {
    await Promise.allSettled(cases.map(({ outcome }) => outcome));
    recordCalls();
    const character = fc.oneof(
      fc.constantFrom(
        '.',
        '/',
        '\\',
        '%',
        '2',
        'e',
        'f',
        '?',
        '#',
        ';',
        '@',
        ':',
        '&',
        '=',
        '+',
        ' ',
        '\t',
        '\0',
        '\u202e',
        '\uff0f',
        '\ud800',
      ),
      anyCharacter,
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...positions),
        fc.array(character, { maxLength: 8 }).map((characters) => characters.join('')),
        async (position, value) => {
          await expectIntendedCall(position, value);
        },
      ),
      { numRuns: toRunCount(150) },
    );
  });
});

describe('CreateSiteToSiteVpnInput.name', () => {
  // Right-to-left override, joiner, tag character.
  const invisible = new Set(['\u202e', '\u200d', '\u{e0041}']);

  it('reaches the REST API without surrounding blanks, or is rejected', async () => {
    for (const value of hostileValues) {
      rig.upstream.script(() => ({ taskId, taskStatus: 'PENDING' }));
      const input = { ...newVpn, ...algorithms, environment, name: value };
      const query = toMutation('createSiteToSiteVpn', 'CreateSiteToSiteVpnInput');
      const response = await rig.post({ query, variables: { input } });

      expectWellFormed(response);
      const calls = rig.upstream.calls.map(({ requestLine, body }) => [requestLine, nameOf(body)]);
      const isValid =
        value.length <= 16_384 &&
        value.trim() !== '' &&
        !invisible.has(value) &&
        value.isWellFormed() &&
        !/[\p{Cc}\u2028\u2029]/u.test(value);
      const line = 'POST /v1/services/compute-on/test_area/sitetositevpns HTTP/1.1';
      expect(calls).toEqual(isValid ? [[line, value.trim()]] : []);
    }
  });
});

describe('Hostile object', () => {
  it.each([
    [
      'an environment with __proto__',
      '{"environment":{"serviceCode":"a","name":"b","__proto__":{"organizationId":"c"}}}',
    ],
    [
      'an environment with constructor',
      '{"environment":{"serviceCode":"a","name":"b","constructor":{"prototype":{"a":1}}}}',
    ],
    ['an environment with __proto__ only', '{"environment":{"__proto__":{"serviceCode":"a","name":"b"}}}'],
    ['variables with __proto__ only', '{"__proto__":{"environment":{"serviceCode":"a","name":"b"}}}'],
    ['a list as an environment', '{"environment":[{"serviceCode":"a","name":"b"},{"serviceCode":"a","name":"c"}]}'],
    ['a number as a name', '{"environment":{"serviceCode":1,"name":2}}'],
    ['an object as a name', '{"environment":{"serviceCode":{"toString":"a"},"name":"b"}}'],
  ])('is rejected: %s', async (_name, variables) => {
    rig.upstream.script(respond);
    const query = JSON.stringify(`query(${environmentVariable}) { vpcs(${environmentArgument}) { totalCount } }`);
    const response = await rig.post(`{"query":${query},"variables":${variables}}`);

    expect(response.status).toBe(400);
    expectWellFormed(response);
    expect(rig.upstream.calls).toEqual([]);
  });
});

describe('Name of a JavaScript property', () => {
  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'then'])(
    'matches no variable, operation, field, fragment, directive or hash, only an alias: %s',
    async (name) => {
      rig.upstream.script(respond);
      const responses = [
        await rig.post({ query: `query($${name}: ID!) { task(id: $${name}) { id } }`, variables: {} }),
        await rig.post({ query: 'query a { __typename }', operationName: name }),
        await rig.post({ query: `{ ${name} }` }),
        await rig.post({ query: `{ ...${name} }` }),
        await rig.post({ query: `{ __typename @${name} }` }),
        await rig.post({ extensions: { persistedQuery: { version: 1, sha256Hash: name } } }),
      ];
      for (const response of responses) {
        expectWellFormed(response);
        expect(toErrors(response.json)).not.toHaveLength(0);
      }
      expect(rig.upstream.calls).toEqual([]);
      const aliased = await rig.post({ query: `{ ${name}: __typename }` });
      expect(aliased.text).toBe(`{"data":{"${name}":"Query"}}\n`);
    },
  );
});

describe('Subscription with a hostile value', () => {
  it('polls exactly the intended target, or nothing', async () => {
    const { send, messages, webSocket } = await openAcknowledgedSocket(rig.url, apiKey);
    const subscriptions = [
      ...(['serviceCode', 'name', 'organizationId'] as const).map((part) => ({
        query: `subscription(${environmentVariable}) { siteToSiteVpnsUpdated(${environmentArgument}) { totalCount } }`,
        variables: (value: string) => ({ environment: { ...environment, [part]: value } }),
      })),
      { query: 'subscription($id: ID!) { taskUpdated(id: $id) { status } }', variables: (id: string) => ({ id }) },
      {
        query: `subscription(${environmentVariable}, $id: ID!) { siteToSiteVpnUpdated(${environmentArgument}, id: $id) { id } }`,
        variables: (id: string) => ({ environment, id }),
      },
    ];
    let id = 0;
    const values = hostileValues.filter((value) => value.length < 100);
    rig.upstream.script(respond);
    for (const value of values) {
      const startedIds = subscriptions.map(({ query, variables }) => {
        send({ id: String(++id), type: 'subscribe', payload: { query, variables: variables(value) } });
        return String(id);
      });
      await waitUntil(() => {
        const respondedIds = new Set(messages.map(idOf));
        return startedIds.every((startedId) => respondedIds.has(startedId));
      });
      for (const startedId of startedIds) send({ id: startedId, type: 'complete' });
    }
    const expected = values.filter(isPathSegment).flatMap((value) => [
      { method: 'GET', segments: ['services', value, 'test_area', 'sitetositevpns'], query: {} },
      { method: 'GET', segments: ['services', 'compute-on', value, 'sitetositevpns'], query: {} },
      { method: 'GET', segments: [...environmentPath, 'sitetositevpns'], query: { org_id: value } },
    ]);
    const toUnique = (targets: readonly RestTarget[]) => new Set(targets.map((target) => JSON.stringify(target)));
    // The gateway polls each target several times.
    expect(toUnique(rig.upstream.calls.map(toRestTarget))).toEqual(toUnique(expected));
    rig.record(JSON.stringify(messages));
    webSocket.close();
  });
});

function idOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'id' in message ? message.id : undefined;
}

function nameOf(body: string): unknown {
  const value: unknown = JSON.parse(body);
  return typeof value === 'object' && value !== null && 'name' in value ? value.name : undefined;
}
