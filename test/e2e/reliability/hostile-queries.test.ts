// Hostile documents, variables and requests, sent to the built gateway over each transport: it executes them, or rejects them with a code.
// A rejection takes no REST call and reveals no secret, stack trace or file path. The gateway then serves the next request.
import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { keyHeader } from '../../helpers/fixtures.js';
import { launchGateway } from '../../helpers/process.js';
import { startUpstream } from '../../helpers/upstream.js';
import { sendRequest, post, type HttpResponse } from '../../helpers/http.js';
import { openAcknowledgedSocket } from '../../server/subscriptions/subscribers.js';
import { documentsAtLimits, fullIntrospection, hostileDocuments, preSharedKeyCanary } from './hostile-documents.js';

const keyCanary = 'canaryKey8842';
const headers = keyHeader(keyCanary);
const upstream = await startUpstream();
const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url, RATE_LIMIT_PER_MINUTE: '0' });

/** Asserts that a response text contains no secret, stack frame or file path. */
function expectNoLeak(text: string): void {
  for (const secret of [keyCanary, preSharedKeyCanary]) expect(text).not.toContain(secret);
  expect(text).not.toMatch(/node_modules|\bat [\w.<>]+ \(|\.[jt]s:\d|file:\/\//);
}

/** Asserts that the gateway has made no REST call and still serves requests. */
async function expectUnaffected(): Promise<void> {
  expect(upstream.calls).toEqual([]);
  expect(await post(gateway.url, { query: '{ __typename }' })).toMatchObject({
    status: 200,
    json: { data: { __typename: 'Query' } },
  });
}

/** Returns a matcher for one entry of `errors`. */
function errorWith(code: string, message: unknown = expect.any(String)) {
  return expect.objectContaining({ message, extensions: { code, requestId: expect.any(String) } });
}

/** Returns the errors of a response without data. Asserts that there are at most five, each with the given code. */
function expectErrors({ json, text }: Pick<HttpResponse, 'json' | 'text'>, code: string): unknown[] {
  expectNoLeak(text);
  expect(json).toEqual({ errors: expect.any(Array) });
  const errors = typeof json === 'object' && json !== null && 'errors' in json ? json.errors : undefined;
  if (!Array.isArray(errors)) throw new Error('The response has no errors.');
  for (const error of errors) expect(error).toEqual(errorWith(code));
  expect(errors.length).toBeLessThanOrEqual(5);
  return errors;
}

describe('Hostile document over each transport', () => {
  it.each(hostileDocuments)('is rejected: $name', async ({ query, code, message }) => {
    const expected = errorWith(code, typeof message === 'string' ? message : expect.stringMatching(message));
    const posted = await post(gateway.url, { query, operationName: 'A' }, headers);
    expect(posted.status).toBe(400);
    expect(expectErrors(posted, code)).toContainEqual(expected);

    const accept = { ...headers, accept: 'application/graphql-response+json' };
    const specResponse = await post(gateway.url, { query }, accept);
    expect([specResponse.status, specResponse.headers.get('content-type')]).toEqual([
      400,
      'application/graphql-response+json; charset=utf-8',
    ]);

    const getUrl = `${gateway.url}?query=${encodeURIComponent(query.toWellFormed())}`;
    if (getUrl.length < 12_000) {
      const got = await sendRequest(getUrl, { headers });
      expect([got.status, expectErrors(got, code).length]).toEqual([400, expectErrors(posted, code).length]);
    }

    const streamed = await post(`${gateway.url}/stream`, { query }, { ...headers, accept: 'text/event-stream' });
    expect(streamed.status).toBe(400);
    expect(expectErrors(streamed, code)).toContainEqual(expected);

    const webSocket = await openAcknowledgedSocket(gateway.url, keyCanary);
    webSocket.send({ type: 'subscribe', id: '1', payload: { query } });
    await webSocket.waitForMessages(2);
    expect(webSocket.messages[1]).toEqual({ type: 'error', id: '1', payload: expect.arrayContaining([expected]) });
    expectNoLeak(JSON.stringify(webSocket.messages));
    webSocket.webSocket.close();

    await expectUnaffected();
  });
});

describe('Query limits', () => {
  it('are checked before the other validation rules, and reported alone', async () => {
    const query = `{ ${Array.from({ length: 16 }, (_, index) => `a${index}: nothing(of: $this) @exists`).join(' ')} }`;
    const { json } = await post(gateway.url, { query }, headers);

    const exceeded = ['10 root fields (MAX_ROOT_FIELDS)', '15 aliases (MAX_ALIASES)', '10 directives (MAX_DIRECTIVES)'];
    expect(json).toEqual({
      errors: exceeded.map((limit) =>
        errorWith('GRAPHQL_VALIDATION_FAILED', `The operation has more than ${limit}. Split it into several requests.`),
      ),
    });
  });

  it('allow any number of fields, levels and tokens if they are 0', async () => {
    const unlimited = await launchGateway({
      CLOUDCA_API_URL: upstream.url,
      MAX_FIELDS: '0',
      MAX_DEPTH: '0',
      MAX_TOKENS: '0',
    });
    const spreadTwice = (name: string) => `...${name} ... on SiteToSiteVpn { ...${name} }`;
    const fragments = Array.from(
      { length: 25 },
      (_, index) => `fragment F${index} on SiteToSiteVpn { ${spreadTwice(`F${index + 1}`)} }`,
    );
    const vpcs = (next: string) => `vpc { siteToSiteVpns { nodes { ${next} } } }`;
    const query = `{ siteToSiteVpns(environment: { serviceCode: "a", name: "b" }) { nodes { ${vpcs(vpcs('...F0'))} } } }
      ${fragments.join(' ')} fragment F25 on SiteToSiteVpn { id }`;

    expect((await post(unlimited.url, { query }, headers)).json).toEqual({ data: { siteToSiteVpns: { nodes: [] } } });
    upstream.calls.splice(0);
  });
});

describe('Document at the limits', () => {
  it.each(documentsAtLimits)('is executed: %s', async (_name, query) => {
    const { status, json, text } = await post(gateway.url, { query }, headers);

    expect([status, text]).toEqual([200, text]);
    expect(json).toEqual({ data: expect.any(Object) });
    upstream.calls.splice(0);
    await expectUnaffected();
  });

  it('is executed: the full introspection query of tools', async () => {
    const { status, json } = await post(gateway.url, { query: fullIntrospection });

    expect(status).toBe(200);
    expect(json).toEqual({ data: { __schema: expect.any(Object) } });
  });
});

const environment = { serviceCode: 'compute-on', name: 'test_area' };
const listQuery = `query ($environment: EnvironmentInput!, $filter: SiteToSiteVpnFilter, $first: Int) {
  siteToSiteVpns(environment: $environment, filter: $filter, first: $first) { totalCount }
}`;
const createMutation = `mutation ($input: CreateSiteToSiteVpnInput!) {
  createSiteToSiteVpn(input: $input) { userErrors { field code } task { id } }
}`;
const input = {
  environment,
  name: 'abydos',
  vpcId: '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7',
  gateway: '203.0.113.50',
  cidr: '10.12.0.2/22',
  ipSecPsk: preSharedKeyCanary,
  ikeEncryptionAlgorithm: 'AES256',
  ikeHashAlgorithm: 'SHA1',
  ikeLifetime: 86_400,
  espEncryptionAlgorithm: 'AES256',
  espHashAlgorithm: 'SHA1',
  espLifetime: 3_600,
};
const repeat = (count: number, text: string) => Array.from({ length: count }, () => text);
/** Serializes variables. Each quoted placeholder becomes the given JSON text, which may be one that JSON.stringify never writes. */
const toJsonText = (variables: object, ...replacements: readonly (readonly [placeholder: string, text: string])[]) =>
  replacements.reduce(
    (json, [placeholder, text]) => json.replace(`"${placeholder}"`, () => text),
    JSON.stringify(variables),
  );
const nestedLists = (count: number) => `${'['.repeat(count)}${']'.repeat(count)}`;
const withFirst = (text: string) => toJsonText({ environment, first: '#' }, ['#', text]);

describe('Hostile variables', () => {
  it.each<readonly [name: string, query: string, variables: string]>([
    [
      '10,000 items in a list',
      listQuery,
      JSON.stringify({ environment, filter: { states: repeat(10_000, 'CONNECTED') } }),
    ],
    ['101 items in a list', listQuery, JSON.stringify({ environment, filter: { states: repeat(101, 'CONNECTED') } })],
    [
      '15,000 items of the wrong type',
      listQuery,
      JSON.stringify({ environment, filter: { states: Array(15_000).fill(0) } }),
    ],
    [
      '100 unknown enum values',
      listQuery,
      JSON.stringify({ environment, filter: { states: repeat(100, 'CONNECTEE') } }),
    ],
    ['a list nested in a list', listQuery, JSON.stringify({ environment, filter: { states: [[['CONNECTED']]] } })],
    [
      '90 levels of lists',
      listQuery,
      toJsonText({ environment: { ...environment, name: '#' } }, ['#', nestedLists(90)]),
    ],
    ['90 levels of objects', listQuery, `{"environment":${'{"name":'.repeat(90)}1${'}'.repeat(90)}}`],
    [
      '15,000 unknown fields',
      listQuery,
      JSON.stringify({
        environment: Object.fromEntries(Array.from({ length: 15_000 }, (_, index) => [`k${index}`, 1])),
      }),
    ],
    [
      'variables under __proto__',
      listQuery,
      '{"__proto__":{"environment":{"serviceCode":"compute-on","name":"test_area"}}}',
    ],
    [
      '__proto__ in an input',
      listQuery,
      '{"environment":{"serviceCode":"a","name":"b","__proto__":{"organizationId":"c"}}}',
    ],
    ['an input under __proto__', listQuery, '{"environment":{"__proto__":{"serviceCode":"a","name":"b"}}}'],
    ['constructor in an input', listQuery, JSON.stringify({ environment: { ...environment, constructor: 'x' } })],
    ['a number above every double', listQuery, withFirst('1e400')],
    ['a number below every double', listQuery, withFirst('-1e400')],
    ['a number above every Int', listQuery, withFirst('2147483648')],
    ['a number below every Int', listQuery, withFirst('-2147483649')],
    ['a fraction', listQuery, withFirst('0.5')],
    ['a number above the safe integers', listQuery, withFirst('9007199254740993')],
    ['an ID above every double', 'query ($id: ID!) { task(id: $id) { id } }', '{"id":1e400}'],
    [
      'a pre-shared key of 200 KB beside an invalid field',
      createMutation,
      JSON.stringify({ input: { ...input, dpd: 1, ipSecPsk: preSharedKeyCanary.repeat(14_000) } }),
    ],
    [
      'a list of 10,000 pre-shared keys',
      createMutation,
      JSON.stringify({ input: { ...input, ipSecPsk: repeat(10_000, preSharedKeyCanary) } }),
    ],
    [
      '5,000 unknown fields with the pre-shared key as name and value',
      createMutation,
      JSON.stringify({
        input: {
          ...Object.fromEntries(
            repeat(5_000, '').map((_, index) => [`${preSharedKeyCanary}${index}`, preSharedKeyCanary]),
          ),
          ...input,
        },
      }),
    ],
  ])('are rejected: %s', async (_name, query, variables) => {
    const response = await post(gateway.url, `{"query":${JSON.stringify(query)},"variables":${variables}}`, headers);

    expect(response.status).toBe(400);
    expect(expectErrors(response, 'BAD_USER_INPUT')).toHaveLength(1);
    expect(response.text.length).toBeLessThan(1_000);
    await expectUnaffected();
  });

  it('are reported with at most five errors, and counted up to 25', async () => {
    const toUnknownFields = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]));
    const postUnknownFields = async (count: number) =>
      (await post(gateway.url, { query: listQuery, variables: { environment: toUnknownFields(count) } }, headers)).text;

    // Two further errors report the missing fields.
    expect(await postUnknownFields(20)).toContain('has a field that EnvironmentInput does not define (and 17 more).');
    expect(await postUnknownFields(15_000)).toContain(
      'has a field that EnvironmentInput does not define (and 20 or more).',
    );
  });

  it('are rejected for a subscription too', async () => {
    const query = `subscription ($environment: EnvironmentInput!, $filter: SiteToSiteVpnFilter) {
      siteToSiteVpnsUpdated(environment: $environment, filter: $filter) { totalCount }
    }`;
    const variables = { environment, filter: { states: repeat(10_000, 'CONNECTED') } };
    const response = await post(
      `${gateway.url}/stream`,
      { query, variables },
      { ...headers, accept: 'text/event-stream' },
    );

    expect(response.status).toBe(400);
    expect(expectErrors(response, 'BAD_USER_INPUT')).toEqual([
      errorWith(
        'BAD_USER_INPUT',
        'The variables are invalid: $filter.states has a list of more than 100 items (MAX_LIST_ITEMS).',
      ),
    ]);
    await expectUnaffected();
  });
});

describe('Variables that fit their types', () => {
  it.each<readonly [name: string, query: string, variables: string, body: object]>([
    [
      '100 items in a list',
      listQuery,
      JSON.stringify({ environment, filter: { states: repeat(100, 'CONNECTED') } }),
      { data: { siteToSiteVpns: { totalCount: 0 } } },
    ],
    ['minus zero', listQuery, withFirst('-0'), { data: { siteToSiteVpns: { totalCount: 0 } } }],
    ['a whole number with an exponent', listQuery, withFirst('1e2'), { data: { siteToSiteVpns: { totalCount: 0 } } }],
    [
      'variables that the operation does not declare',
      '{ __typename }',
      `{"deep":${nestedLists(90)},"text":"${'[\\\\\\"'.repeat(200)}","__proto__":{"x":1}}`,
      { data: { __typename: 'Query' } },
    ],
    [
      'a variable named __proto__',
      listQuery.replaceAll('$environment', '$__proto__'),
      toJsonText({ '#': environment }, ['#', '"__proto__"']),
      { data: { siteToSiteVpns: { totalCount: 0 } } },
    ],
    [
      'an ID of 16 KB',
      'query ($id: ID!) { task(id: $id) { id } }',
      JSON.stringify({ id: 'a'.repeat(16_384) }),
      { data: { task: null } },
    ],
    [
      'the largest Int',
      listQuery,
      withFirst('2147483647'),
      { data: { siteToSiteVpns: null }, errors: [errorWith('BAD_USER_INPUT')] },
    ],
    [
      'the smallest Int',
      listQuery,
      withFirst('-2147483648'),
      { data: { siteToSiteVpns: null }, errors: [errorWith('BAD_USER_INPUT')] },
    ],
    [
      'a lone surrogate',
      listQuery,
      '{"environment":{"serviceCode":"a","name":"\\ud800"}}',
      { data: { siteToSiteVpns: null }, errors: [errorWith('BAD_USER_INPUT')] },
    ],
    [
      'a NUL character',
      listQuery,
      '{"environment":{"serviceCode":"a","name":"b\\u0000"}}',
      { data: { siteToSiteVpns: null }, errors: [errorWith('BAD_USER_INPUT')] },
    ],
  ])('get status 200: %s', async (_name, query, variables, expected) => {
    const response = await post(gateway.url, `{"query":${JSON.stringify(query)},"variables":${variables}}`, headers);

    expect(response.status).toBe(200);
    expect(response.json).toEqual(expected);
    expectNoLeak(response.text);
    upstream.calls.splice(0);
    await expectUnaffected();
  });

  it('get a user error and no REST call for an invalid cidr of 15 KB', async () => {
    const response = await post(
      gateway.url,
      { query: createMutation, variables: { input: { ...input, cidr: '10.0.0.0/8,'.repeat(1_400) } } },
      headers,
    );

    expect(response.json).toEqual({
      data: { createSiteToSiteVpn: { userErrors: [{ field: ['input', 'cidr'], code: 'INVALID' }], task: null } },
    });
    expectNoLeak(response.text);
    await expectUnaffected();
  });
});

describe('Invalid request', () => {
  it.each<readonly [name: string, body: string]>([
    ['a batch', JSON.stringify(Array(2).fill({ query: '{ __typename }' }))],
    ['a batch of 8,000', JSON.stringify(Array(8_000).fill({ query: '{ __typename }' }))],
    ['an empty batch', '[]'],
    ['130,000 levels of lists', nestedLists(130_000)],
    ['101 levels of lists', nestedLists(101)],
    ['10,000 levels of objects', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
    ['variables of 100,000 levels', `{"query":"{ __typename }","variables":{"a":${nestedLists(100_000)}}}`],
    ['a document under __proto__', '{"__proto__":{"query":"{ __typename }"}}'],
    ['an empty document', '{"query":""}'],
    ['a document that is a list', '{"query":["{ __typename }"]}'],
    ['variables that are a list', '{"query":"{ __typename }","variables":[]}'],
    [
      'a hash that is an object',
      '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":{"toString":1,"valueOf":1}}}}',
    ],
    [
      'a hash that is a list beside a document',
      '{"query":"{ __typename }","extensions":{"persistedQuery":{"version":1,"sha256Hash":[]}}}',
    ],
    [
      'the hash of another document',
      '{"query":"{ __typename }","extensions":{"persistedQuery":{"version":1,"sha256Hash":"0"}}}',
    ],
  ])('is rejected: %s', async (_name, body) => {
    const response = await post(gateway.url, body, headers);

    expect(response.status).toBe(400);
    expect(expectErrors(response, 'BAD_REQUEST')).toHaveLength(1);
    await expectUnaffected();
  });

  it('closes the WebSocket with code 4400 if a message has 100,000 levels', async () => {
    const webSocket = await openAcknowledgedSocket(gateway.url, keyCanary);
    webSocket.webSocket.send(
      `{"type":"subscribe","id":"1","payload":{"query":"{ a }","variables":{"a":${nestedLists(100_000)}}}}`,
    );
    await webSocket.waitForClose();

    expect(webSocket.closed).toEqual({ code: 4400, reason: 'Nested too deep, or too many values' });
    await expectUnaffected();
  });

  it('gets status 431 if its URL has 20 KB', async () => {
    const response = await sendRequest(`${gateway.url}?query=${'{__typename}'.padEnd(20_000, ',')}`, { headers });

    expect(response.status).toBe(431);
    expect(expectErrors(response, 'BAD_REQUEST')).toHaveLength(1);
    await expectUnaffected();
  });
});

describe('Persisted document', () => {
  const persist = (query: string | undefined, hash: string) =>
    post(gateway.url, { query, extensions: { persistedQuery: { version: 1, sha256Hash: hash } } }, headers);
  const toHash = (query: string) => createHash('sha256').update(query).digest('hex');

  it.each(hostileDocuments.filter(({ query }) => query.isWellFormed()))(
    'is not stored if rejected: $name',
    async ({ query, code }) => {
      expect(expectErrors(await persist(query, toHash(query)), code)).not.toEqual([]);

      const again = await persist(undefined, toHash(query));
      expect(expectErrors(again, 'PERSISTED_QUERY_NOT_FOUND')).toHaveLength(1);
      await expectUnaffected();
    },
  );

  it('is stored if it is executed', async () => {
    const query = '{ __typename } # stored';
    await persist(query, toHash(query));

    expect((await persist(undefined, toHash(query))).json).toEqual({ data: { __typename: 'Query' } });
  });
});

describe('Limits set to 0', () => {
  it('allow any size', async () => {
    const names = [
      'DOCUMENT_LENGTH',
      'TOKENS',
      'DEPTH',
      'FIELDS',
      'REPEATS',
      'ROOT_FIELDS',
      'MUTATION_FIELDS',
      'ALIASES',
      'DIRECTIVES',
      'LIST_ITEMS',
    ];
    const unlimited = await launchGateway({
      CLOUDCA_API_URL: upstream.url,
      RATE_LIMIT_PER_MINUTE: '0',
      ...Object.fromEntries(names.map((name) => [`MAX_${name}`, '0'])),
    });
    const aliases = Array.from({ length: 2_000 }, (_, index) => `a${index}: __typename`).join(' ');
    const deep = `{ vpcs(environment: { serviceCode: "a", name: "b" }) { nodes { ${'siteToSiteVpns { nodes { vpc { '.repeat(2)}id @skip(if: false) ${'} } } '.repeat(2)} } } }`;

    for (const query of [`{ ${aliases} }`, deep])
      expect(await post(unlimited.url, { query }, headers)).toMatchObject({ status: 200 });
    const variables = { environment, filter: { states: repeat(10_000, 'CONNECTED') } };
    expect(await post(unlimited.url, { query: listQuery, variables }, headers)).toMatchObject({ status: 200 });
    upstream.calls.splice(0);
  });
});
