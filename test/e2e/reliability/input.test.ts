// Input made to hurt: whatever stands in an id, a name or a cursor, the REST API is asked for exactly what was meant, or not at all.
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { until } from '../../helpers/until.js';
import { openAcknowledged } from '../../server/subscriptions/subscribers.js';
import { taskId, vpcId, vpnId, wireVpn } from '../../server/subscriptions/changing-rest-api.js';
import { apiKey, expectWellFormed, preSharedKey, startRig, toErrors } from './harness.js';
import type { RawCall } from '../../helpers/raw-upstream.js';

const rig = await startRig();
const runs = Number(process.env['RELIABILITY_RUNS'] ?? 300);

afterEach(() => rig.settle());

/** Where a call goes: what the gateway must ask for, value by value, before anything is encoded. */
interface Address {
  readonly method: string;
  readonly segments: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
}

/** A place in which a caller may put a value. */
interface Place {
  readonly name: string;
  readonly query: string;
  readonly variables: (value: string) => Record<string, unknown>;
  /** What is asked for where the value is good; null: nothing ever is, since only an id could be. */
  readonly address: ((value: string) => Address) | null;
}

const scope = { serviceCode: 'compute-on', name: 'test_area' };
const area = ['services', 'compute-on', 'test_area'];
const E = '$environment: EnvironmentInput!';
const e = 'environment: $environment';
const vpn = { vpcId, name: 'a', gateway: '203.0.113.7', cidr: '10.12.0.0/22', ipSecPsk: preSharedKey };
const algorithms = {
  ikeEncryptionAlgorithm: 'AES256',
  ikeHashAlgorithm: 'SHA1',
  ikeLifetime: 86400,
  espEncryptionAlgorithm: 'AES256',
  espHashAlgorithm: 'SHA1',
  espLifetime: 3600,
};

/** The root fields that take an environment: the operation, the rest of its variables, and what it asks for. */
const rootFields = [
  [
    'siteToSiteVpn',
    `query(${E}, $id: ID!) { siteToSiteVpn(${e}, id: $id) { id } }`,
    { id: vpnId },
    'GET',
    ['sitetositevpns', vpnId],
  ],
  ['siteToSiteVpns', `query(${E}) { siteToSiteVpns(${e}) { totalCount } }`, {}, 'GET', ['sitetositevpns']],
  ['vpc', `query(${E}, $id: ID!) { vpc(${e}, id: $id) { id } }`, { id: vpcId }, 'GET', ['vpcs', vpcId]],
  ['vpcs', `query(${E}) { vpcs(${e}) { totalCount } }`, {}, 'GET', ['vpcs']],
] as const;
const writes = [
  ['createSiteToSiteVpn', 'CreateSiteToSiteVpnInput', { ...vpn, ...algorithms }, 'POST', ['sitetositevpns'], {}],
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

const toWrite = (field: string, type: string) =>
  `mutation($input: ${type}!) { ${field}(input: $input) { userErrors { code field message } } }`;

/** Every place in an environment, of every root field. */
const names: readonly Place[] = (['serviceCode', 'name', 'organizationId'] as const).flatMap((part) => {
  const toScope = (value: string) => ({ ...scope, [part]: value });
  const toAddress = (method: string, rest: readonly string[], query: Record<string, string>) => (value: string) => ({
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
      variables: (value: string) => ({ ...variables, environment: toScope(value) }),
      address: toAddress(method, rest, {}),
    })),
    ...writes.map(([field, type, input, method, rest, query]) => ({
      name: `${field} ${part}`,
      query: toWrite(field, type),
      variables: (value: string) => ({ input: { ...input, environment: toScope(value) } }),
      address: toAddress(method, rest, query),
    })),
  ];
});

/** Every place of an id or a cursor: nothing but a UUID, or a cursor of the gateway's own, ever leads anywhere. */
const ids: readonly Place[] = [
  ...rootFields
    .filter(([, , variables]) => 'id' in variables)
    .map(([field, query]) => ({
      name: `${field} id`,
      query,
      variables: (id: string) => ({ environment: scope, id }),
      address: null,
    })),
  { name: 'task id', query: 'query($id: ID!) { task(id: $id) { id } }', variables: (id) => ({ id }), address: null },
  {
    name: 'siteToSiteVpns vpcId',
    query: `query(${E}, $id: ID!) { siteToSiteVpns(${e}, filter: { vpcId: $id }) { nodes { vpc { name } } } }`,
    variables: (id) => ({ environment: scope, id }),
    address: null,
  },
  ...writes
    .filter(([, , input]) => 'id' in input)
    .map(([field, type]) => ({
      name: `${field} id`,
      query: toWrite(field, type),
      variables: (id: string) => ({ input: { environment: scope, id } }),
      address: null,
    })),
  {
    name: 'createSiteToSiteVpn vpcId',
    query: toWrite('createSiteToSiteVpn', 'CreateSiteToSiteVpnInput'),
    variables: (id) => ({ input: { ...vpn, ...algorithms, environment: scope, vpcId: id } }),
    address: null,
  },
  ...(['siteToSiteVpns', 'vpcs'] as const).flatMap((field) =>
    (['after', 'before'] as const).map((argument) => ({
      name: `${field} ${argument}`,
      query: `query(${E}, $cursor: String) { ${field}(${e}, ${argument}: $cursor) { totalCount } }`,
      variables: (cursor: string) => ({ environment: scope, cursor }),
      address: null,
    })),
  ),
];

const task: Place = {
  name: 'task organizationId',
  query: 'query($id: ID!, $environment: EnvironmentInput) { task(id: $id, environment: $environment) { id } }',
  variables: (organizationId) => ({ id: taskId, environment: { ...scope, organizationId } }),
  address: (value) => ({ method: 'GET', segments: ['tasks', taskId], query: { org_id: value } }),
};

const places = [...names, ...ids, task];

const tricks = [
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
  // Look-alikes: a fullwidth solidus, full stop and percent sign, a one-dot and a two-dot leader, a fraction slash, an ideographic stop.
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
  // Marks: right to left, a joiner, a combining accent, a byte order mark, line separators, tags.
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
  'x'.repeat(200_000),
  '\u{1f680}'.repeat(50_000),
  '../'.repeat(60_000),
];

/** Whether the contract lets a value stand in a path. */
function isSegment(value: string): boolean {
  return !/^\.{0,2}$/.test(value) && value.isWellFormed() && !/[/\\?#%]|\p{Cc}/u.test(value);
}

/** What a call asks for, each segment and parameter decoded; and whether it would be encoded just so. */
function toAddress({ method, target }: RawCall): Address {
  const [path = '', query = ''] = target.split('?');
  const [root, version, ...segments] = path.split('/');
  expect([root, version]).toEqual(['', 'v1']);
  // No more than unreserved characters and escapes, so that nobody between can read it in another way.
  for (const segment of segments) expect(segment).toMatch(/^([\w.~!*'()-]|%[0-9A-F]{2})+$/);
  expect(target).toMatch(/^[\x21-\x7e]*$/);
  return { method, segments: segments.map(decodeURIComponent), query: Object.fromEntries(new URLSearchParams(query)) };
}

function answerAnything({ target }: RawCall): object {
  if (target.includes('/tasks/')) return { taskId, taskStatus: 'PENDING' };
  if (/\/sitetositevpns\/[^/]*$/.test(target)) return { data: wireVpn({ ipSecPsk: preSharedKey }) };
  if (/\/vpcs\/[^/]*$/.test(target)) return { data: { id: vpcId, name: 'a' } };
  return { data: [] };
}

/** Puts a value in a place; says that exactly what was meant is asked for, or nothing. */
async function expectExact({ name, query, variables, address }: Place, value: string): Promise<void> {
  const requestId = randomUUID();
  const answer = await rig.ask({ query, variables: variables(value) }, { 'x-request-id': requestId });
  const mine = rig.upstream.calls.filter(({ headers }) => headers.get('x-request-id') === requestId);
  const expected = address !== null && isSegment(value) ? [{ query: {}, ...address(value) }] : [];

  expect({ name, asked: mine.map(toAddress) }).toEqual({ name, asked: expected });
  expectWellFormed(answer);
  for (const { headers } of mine) expect(headers.get('mc-api-key')).toBe(apiKey);
}

describe('A value that is a trick', () => {
  it.each(tricks.map((value) => [JSON.stringify(value).slice(0, 40), value] as const))(
    '%s leads nowhere else, in any id, name or cursor',
    async (_shown, value) => {
      rig.upstream.script(answerAnything);
      await Promise.all(places.map((place) => expectExact(place, value)));

      // And nothing that no request of a caller's stands for.
      const callers = new Set(rig.upstream.calls.map(({ headers }) => headers.get('x-request-id')));
      expect(rig.upstream.calls).toHaveLength(callers.size);
    },
  );

  it('leads nowhere else at random', async () => {
    rig.upstream.script(answerAnything);
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
      fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...places),
        fc.array(character, { maxLength: 8 }).map((characters) => characters.join('')),
        async (place, value) => {
          rig.upstream.calls.splice(0);
          await expectExact(place, value);
        },
      ),
      { numRuns: runs },
    );
  });
});

describe('A name in a body', () => {
  it('reaches the REST API unchanged, or is refused', async () => {
    for (const value of tricks) {
      rig.upstream.script(() => ({ taskId, taskStatus: 'PENDING' }));
      const input = { ...vpn, ...algorithms, environment: scope, name: value };
      const query = toWrite('createSiteToSiteVpn', 'CreateSiteToSiteVpnInput');
      const answer = await rig.ask({ query, variables: { input } });

      expectWellFormed(answer);
      const told = rig.upstream.calls.map(({ requestLine, body }) => [requestLine, nameOf(body)]);
      const isGood = value.trim() !== '' && value.isWellFormed() && !/[\p{Cc}\u2028\u2029]/u.test(value);
      const line = 'POST /v1/services/compute-on/test_area/sitetositevpns HTTP/1.1';
      expect(told).toEqual(isGood ? [[line, value]] : []);
    }
  });
});

describe('An object that is a trick', () => {
  it.each([
    [
      'an environment with __proto__',
      '{"environment":{"serviceCode":"a","name":"b","__proto__":{"organizationId":"c"}}}',
    ],
    [
      'an environment with constructor',
      '{"environment":{"serviceCode":"a","name":"b","constructor":{"prototype":{"a":1}}}}',
    ],
    ['an environment that is a prototype alone', '{"environment":{"__proto__":{"serviceCode":"a","name":"b"}}}'],
    ['variables that are a prototype alone', '{"__proto__":{"environment":{"serviceCode":"a","name":"b"}}}'],
    ['a list for an environment', '{"environment":[{"serviceCode":"a","name":"b"},{"serviceCode":"a","name":"c"}]}'],
    ['a number for a name', '{"environment":{"serviceCode":1,"name":2}}'],
    ['an object for a name', '{"environment":{"serviceCode":{"toString":"a"},"name":"b"}}'],
  ])('is refused: %s', async (_what, variables) => {
    rig.upstream.script(answerAnything);
    const query = JSON.stringify(`query(${E}) { vpcs(${e}) { totalCount } }`);
    const answer = await rig.ask(`{"query":${query},"variables":${variables}}`);

    expect(answer.status).toBe(400);
    expectWellFormed(answer);
    expect(rig.upstream.calls).toEqual([]);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'then'])(
    'is no variable, operation, alias or fragment: %s',
    async (name) => {
      rig.upstream.script(answerAnything);
      const answers = [
        await rig.ask({ query: `query($${name}: ID!) { task(id: $${name}) { id } }`, variables: {} }),
        await rig.ask({ query: 'query a { __typename }', operationName: name }),
        await rig.ask({ query: `{ ${name} }` }),
        await rig.ask({ query: `{ ...${name} }` }),
        await rig.ask({ query: `{ __typename @${name} }` }),
        await rig.ask({ extensions: { persistedQuery: { version: 1, sha256Hash: name } } }),
      ];
      for (const answer of answers) {
        expectWellFormed(answer);
        expect(toErrors(answer.json)).not.toHaveLength(0);
      }
      expect(rig.upstream.calls).toEqual([]);
      const aliased = await rig.ask({ query: `{ ${name}: __typename }` });
      expect(aliased.text).toBe(`{"data":{"${name}":"Query"}}\n`);
    },
  );
});

describe('What is followed', () => {
  it('is exactly what was meant, or nothing', async () => {
    const { send, messages, socket } = await openAcknowledged(rig.url, apiKey);
    const followed = [
      ...(['serviceCode', 'name', 'organizationId'] as const).map((part) => ({
        query: `subscription(${E}) { siteToSiteVpnsUpdated(${e}) { totalCount } }`,
        variables: (value: string) => ({ environment: { ...scope, [part]: value } }),
      })),
      { query: 'subscription($id: ID!) { taskUpdated(id: $id) { status } }', variables: (id: string) => ({ id }) },
      {
        query: `subscription(${E}, $id: ID!) { siteToSiteVpnUpdated(${e}, id: $id) { id } }`,
        variables: (id: string) => ({ environment: scope, id }),
      },
    ];
    let id = 0;
    const values = tricks.filter((trick) => trick.length < 100);
    rig.upstream.script(answerAnything);
    for (const value of values) {
      const started = followed.map(({ query, variables }) => {
        send({ id: String(++id), type: 'subscribe', payload: { query, variables: variables(value) } });
        return String(id);
      });
      await until(() => started.every((each) => messages.some((message) => idOf(message) === each)));
      for (const each of started) send({ id: each, type: 'complete' });
    }
    const expected = values.filter(isSegment).flatMap((value) => [
      { method: 'GET', segments: ['services', value, 'test_area', 'sitetositevpns'], query: {} },
      { method: 'GET', segments: ['services', 'compute-on', value, 'sitetositevpns'], query: {} },
      { method: 'GET', segments: [...area, 'sitetositevpns'], query: { org_id: value } },
    ]);
    const asText = (addresses: readonly Address[]) => new Set(addresses.map((address) => JSON.stringify(address)));
    // However often each is looked at.
    expect(asText(rig.upstream.calls.map(toAddress))).toEqual(asText(expected));
    rig.keep(JSON.stringify(messages));
    socket.close();
  });
});

function idOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'id' in message ? message.id : undefined;
}

function nameOf(body: string): unknown {
  const value: unknown = JSON.parse(body);
  return typeof value === 'object' && value !== null && 'name' in value ? value.name : undefined;
}
