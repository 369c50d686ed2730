// Queries made to hurt, sent to the built gateway by every transport: refused with 400 and a code, or answered; nothing is asked of the
// REST API for what is refused, nothing is told that is nobody's business, and the gateway answers the next one.
import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { launchGateway } from '../../helpers/process.js';
import { startUpstream } from '../../helpers/upstream.js';
import { ask, post, type WireAnswer } from '../../helpers/wire.js';
import { openAcknowledged } from '../../server/subscriptions/subscribers.js';
import { documentsAtTheLimits, fullIntrospection, hostileDocuments, presharedKeyCanary } from './hostile-documents.js';

const keyCanary = 'canaryKey8842';
const headers = { 'mc-api-key': keyCanary };
const upstream = await startUpstream();
const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url, RATE_LIMIT_PER_MINUTE: '0' });

/** Fails where a text holds what no answer may: a secret, a frame of a stack, a path of a file. */
function expectDiscreet(text: string): void {
  for (const secret of [keyCanary, presharedKeyCanary]) expect(text).not.toContain(secret);
  expect(text).not.toMatch(/node_modules|\bat [\w.<>]+ \(|\.[jt]s:\d|file:\/\//);
}

/** Fails where anything was asked of the REST API, or the gateway does not answer any more. */
async function expectUnharmed(): Promise<void> {
  expect(upstream.calls).toEqual([]);
  expect(await post(gateway.url, { query: '{ __typename }' })).toMatchObject({
    status: 200,
    json: { data: { __typename: 'Query' } },
  });
}

function refusal(code: string, message: unknown = expect.any(String)) {
  return expect.objectContaining({ message, extensions: { code, requestId: expect.any(String) } });
}

/** The errors of an answer, all of which have one code; no more than five. */
function toErrors({ json, text }: Pick<WireAnswer, 'json' | 'text'>, code: string): unknown[] {
  expectDiscreet(text);
  expect(json).toEqual({ errors: expect.any(Array) });
  const errors = typeof json === 'object' && json !== null && 'errors' in json ? json.errors : undefined;
  if (!Array.isArray(errors)) throw new Error('There are no errors.');
  for (const error of errors) expect(error).toEqual(refusal(code));
  expect(errors.length).toBeLessThanOrEqual(5);
  return errors;
}

describe('A document that asks for too much is refused', () => {
  it.each(hostileDocuments)('$name', async ({ query, code, message }) => {
    const told = refusal(code, typeof message === 'string' ? message : expect.stringMatching(message));
    const posted = await post(gateway.url, { query, operationName: 'A' }, headers);
    expect(posted.status).toBe(400);
    expect(toErrors(posted, code)).toContainEqual(told);

    const accept = { ...headers, accept: 'application/graphql-response+json' };
    const asSpecified = await post(gateway.url, { query }, accept);
    expect([asSpecified.status, asSpecified.headers.get('content-type')]).toEqual([
      400,
      'application/graphql-response+json; charset=utf-8',
    ]);

    const address = `${gateway.url}?query=${encodeURIComponent(query.toWellFormed())}`;
    if (address.length < 12_000) {
      const got = await ask(address, { headers });
      expect([got.status, toErrors(got, code).length]).toEqual([400, toErrors(posted, code).length]);
    }

    const streamed = await post(`${gateway.url}/stream`, { query }, { ...headers, accept: 'text/event-stream' });
    expect(streamed.status).toBe(400);
    expect(toErrors(streamed, code)).toContainEqual(told);

    const bare = await openAcknowledged(gateway.url, keyCanary);
    bare.send({ type: 'subscribe', id: '1', payload: { query } });
    await bare.has(2);
    expect(bare.messages[1]).toEqual({ type: 'error', id: '1', payload: expect.arrayContaining([told]) });
    expectDiscreet(JSON.stringify(bare.messages));
    bare.socket.close();

    await expectUnharmed();
  });
});

describe('What is told of a document that asks for too much', () => {
  it('is nothing of what else is wrong with it, since nothing else is looked at', async () => {
    const query = `{ ${Array.from({ length: 16 }, (_, index) => `a${index}: nothing(of: $this) @exists`).join(' ')} }`;
    const { json } = await post(gateway.url, { query }, headers);

    const told = ['10 root fields', '15 aliases', '10 directives'];
    expect(json).toEqual({
      errors: told.map((most) =>
        refusal('GRAPHQL_VALIDATION_FAILED', `The operation has more than ${most}. Ask for less at once.`),
      ),
    });
  });

  it('is nothing where there is no limit, however much it comes to', async () => {
    const open = await launchGateway({
      CLOUDCA_API_URL: upstream.url,
      MAX_FIELDS: '0',
      MAX_DEPTH: '0',
      MAX_TOKENS: '0',
    });
    const below = (next: string) => `vpc { siteToSiteVpns { nodes { ${next} } edges { node { ${next} } } } }`;
    const fragments = Array.from(
      { length: 25 },
      (_, index) => `fragment F${index} on SiteToSiteVpn { ${below(`...F${index + 1}`)} }`,
    );
    const query = `{ siteToSiteVpns(environment: { serviceCode: "a", name: "b" }) { nodes { ...F0 } } }
      ${fragments.join(' ')} fragment F25 on SiteToSiteVpn { id }`;

    expect((await post(open.url, { query }, headers)).json).toEqual({ data: { siteToSiteVpns: { nodes: [] } } });
    upstream.calls.splice(0);
  });
});

describe('A document at the limits is answered', () => {
  it.each(documentsAtTheLimits)('%s', async (_name, query) => {
    const { status, json, text } = await post(gateway.url, { query }, headers);

    expect([status, text]).toEqual([200, text]);
    expect(json).toEqual({ data: expect.any(Object) });
    upstream.calls.splice(0);
    await expectUnharmed();
  });

  it('the introspection of tools', async () => {
    const { status, json } = await post(gateway.url, { query: fullIntrospection });

    expect(status).toBe(200);
    expect(json).toEqual({ data: { __schema: expect.any(Object) } });
  });
});

const environment = { serviceCode: 'compute-on', name: 'test_area' };
const list = `query ($environment: EnvironmentInput!, $filter: SiteToSiteVpnFilter, $first: Int) {
  siteToSiteVpns(environment: $environment, filter: $filter, first: $first) { totalCount }
}`;
const create = `mutation ($input: CreateSiteToSiteVpnInput!) {
  createSiteToSiteVpn(input: $input) { userErrors { field code } task { id } }
}`;
const input = {
  environment,
  name: 'abydos',
  vpcId: '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7',
  gateway: '203.0.113.50',
  cidr: '10.12.0.2/22',
  ipSecPsk: presharedKeyCanary,
  ikeEncryptionAlgorithm: 'AES256',
  ikeHashAlgorithm: 'SHA1',
  ikeLifetime: 86_400,
  espEncryptionAlgorithm: 'AES256',
  espHashAlgorithm: 'SHA1',
  espLifetime: 3_600,
};
const repeat = (count: number, text: string) => Array.from({ length: count }, () => text);
/** Variables as the text that is sent: an object, with some values written otherwise. */
const written = (variables: object, ...values: readonly (readonly [mark: string, text: string])[]) =>
  values.reduce((text, [mark, value]) => text.replace(`"${mark}"`, () => value), JSON.stringify(variables));
const nested = (count: number) => `${'['.repeat(count)}${']'.repeat(count)}`;
const first = (text: string) => written({ environment, first: '#' }, ['#', text]);

describe('Variables that are made to hurt are refused', () => {
  it.each<readonly [name: string, query: string, variables: string]>([
    ['10,000 items in a list', list, JSON.stringify({ environment, filter: { states: repeat(10_000, 'CONNECTED') } })],
    ['101 items in a list', list, JSON.stringify({ environment, filter: { states: repeat(101, 'CONNECTED') } })],
    [
      '120,000 items that do not fit',
      list,
      JSON.stringify({ environment, filter: { states: Array(120_000).fill(0) } }),
    ],
    ['100 items that do not fit', list, JSON.stringify({ environment, filter: { states: repeat(100, 'CONNECTEE') } })],
    ['a list in a list', list, JSON.stringify({ environment, filter: { states: [[['CONNECTED']]] } })],
    ['90 levels of lists', list, written({ environment: { ...environment, name: '#' } }, ['#', nested(90)])],
    ['90 levels of objects', list, `{"environment":${'{"name":'.repeat(90)}1${'}'.repeat(90)}}`],
    [
      '20,000 fields that are none',
      list,
      JSON.stringify({
        environment: Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, 1])),
      }),
    ],
    ['a prototype', list, '{"__proto__":{"environment":{"serviceCode":"compute-on","name":"test_area"}}}'],
    [
      'a prototype in an input',
      list,
      '{"environment":{"serviceCode":"a","name":"b","__proto__":{"organizationId":"c"}}}',
    ],
    ['a prototype for an input', list, '{"environment":{"__proto__":{"serviceCode":"a","name":"b"}}}'],
    ['a constructor in an input', list, JSON.stringify({ environment: { ...environment, constructor: 'x' } })],
    ['a number beyond all', list, first('1e400')],
    ['a number below all', list, first('-1e400')],
    ['a number above an Int', list, first('2147483648')],
    ['a number below an Int', list, first('-2147483649')],
    ['a fraction', list, first('0.5')],
    ['a number that is no longer exact', list, first('9007199254740993')],
    ['an id beyond all', 'query ($id: ID!) { task(id: $id) { id } }', '{"id":1e400}'],
    [
      'a key of 200 KB beside a fault',
      create,
      JSON.stringify({ input: { ...input, dpd: 1, ipSecPsk: presharedKeyCanary.repeat(14_000) } }),
    ],
    [
      'a key in a list of 10,000',
      create,
      JSON.stringify({ input: { ...input, ipSecPsk: repeat(10_000, presharedKeyCanary) } }),
    ],
    [
      'a key among 5,000 fields that are none',
      create,
      JSON.stringify({
        input: {
          ...Object.fromEntries(
            repeat(5_000, '').map((_, index) => [`${presharedKeyCanary}${index}`, presharedKeyCanary]),
          ),
          ...input,
        },
      }),
    ],
  ])('%s', async (_name, query, variables) => {
    const answer = await post(gateway.url, `{"query":${JSON.stringify(query)},"variables":${variables}}`, headers);

    expect(answer.status).toBe(400);
    expect(toErrors(answer, 'BAD_USER_INPUT')).toHaveLength(1);
    expect(answer.text.length).toBeLessThan(1_000);
    await expectUnharmed();
  });

  it('are told five of, and counted no further than to 25', async () => {
    const of = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]));
    const tell = async (count: number) =>
      (await post(gateway.url, { query: list, variables: { environment: of(count) } }, headers)).text;

    // Two more are of what is missing.
    expect(await tell(20)).toContain('has a field that its type does not have (and 17 more).');
    expect(await tell(20_000)).toContain('has a field that its type does not have (and 20 or more).');
  });

  it('of a subscription too', async () => {
    const query = `subscription ($environment: EnvironmentInput!, $filter: SiteToSiteVpnFilter) {
      siteToSiteVpnsUpdated(environment: $environment, filter: $filter) { totalCount }
    }`;
    const variables = { environment, filter: { states: repeat(10_000, 'CONNECTED') } };
    const answer = await post(
      `${gateway.url}/stream`,
      { query, variables },
      { ...headers, accept: 'text/event-stream' },
    );

    expect(answer.status).toBe(400);
    expect(toErrors(answer, 'BAD_USER_INPUT')).toEqual([
      refusal('BAD_USER_INPUT', 'The variables do not fit: $filter has a list of more than 100 items.'),
    ]);
    await expectUnharmed();
  });
});

describe('Variables at the edges are answered', () => {
  it.each<readonly [name: string, query: string, variables: string, answer: object]>([
    [
      '100 items in a list',
      list,
      JSON.stringify({ environment, filter: { states: repeat(100, 'CONNECTED') } }),
      { data: { siteToSiteVpns: { totalCount: 0 } } },
    ],
    ['minus zero', list, first('-0'), { data: { siteToSiteVpns: { totalCount: 0 } } }],
    ['a whole number with an exponent', list, first('1e2'), { data: { siteToSiteVpns: { totalCount: 0 } } }],
    [
      'what no operation asks for',
      '{ __typename }',
      `{"deep":${nested(90)},"text":"${'[\\\\\\"'.repeat(200)}","__proto__":{"x":1}}`,
      { data: { __typename: 'Query' } },
    ],
    [
      'a variable that is named as the prototype',
      list.replaceAll('$environment', '$__proto__'),
      written({ '#': environment }, ['#', '"__proto__"']),
      { data: { siteToSiteVpns: { totalCount: 0 } } },
    ],
    [
      'an id of 200 KB',
      'query ($id: ID!) { task(id: $id) { id } }',
      JSON.stringify({ id: 'a'.repeat(200_000) }),
      { data: { task: null } },
    ],
    [
      'the largest Int',
      list,
      first('2147483647'),
      { data: { siteToSiteVpns: null }, errors: [refusal('BAD_USER_INPUT')] },
    ],
    [
      'the least Int',
      list,
      first('-2147483648'),
      { data: { siteToSiteVpns: null }, errors: [refusal('BAD_USER_INPUT')] },
    ],
    [
      'a surrogate alone',
      list,
      '{"environment":{"serviceCode":"a","name":"\\ud800"}}',
      { data: { siteToSiteVpns: null }, errors: [refusal('BAD_USER_INPUT')] },
    ],
    [
      'a NUL',
      list,
      '{"environment":{"serviceCode":"a","name":"b\\u0000"}}',
      { data: { siteToSiteVpns: null }, errors: [refusal('BAD_USER_INPUT')] },
    ],
  ])('%s', async (_name, query, variables, expected) => {
    const answer = await post(gateway.url, `{"query":${JSON.stringify(query)},"variables":${variables}}`, headers);

    expect(answer.status).toBe(200);
    expect(answer.json).toEqual(expected);
    expectDiscreet(answer.text);
    upstream.calls.splice(0);
    await expectUnharmed();
  });

  it('a cidr of 200 KB is told as invalid, and nothing is sent', async () => {
    const answer = await post(
      gateway.url,
      { query: create, variables: { input: { ...input, cidr: '10.0.0.0/8,'.repeat(18_000) } } },
      headers,
    );

    expect(answer.json).toEqual({
      data: { createSiteToSiteVpn: { userErrors: [{ field: ['input', 'cidr'], code: 'INVALID' }], task: null } },
    });
    expectDiscreet(answer.text);
    await expectUnharmed();
  });
});

describe('A request that is none is refused', () => {
  it.each<readonly [name: string, body: string]>([
    ['a batch', JSON.stringify(Array(2).fill({ query: '{ __typename }' }))],
    ['a batch of 8,000', JSON.stringify(Array(8_000).fill({ query: '{ __typename }' }))],
    ['an empty batch', '[]'],
    ['130,000 levels of lists', nested(130_000)],
    ['101 levels of lists', nested(101)],
    ['10,000 levels of objects', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
    ['variables of 100,000 levels', `{"query":"{ __typename }","variables":{"a":${nested(100_000)}}}`],
    ['a document in the prototype', '{"__proto__":{"query":"{ __typename }"}}'],
    ['no document', '{"query":""}'],
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
      'a hash that is of another document',
      '{"query":"{ __typename }","extensions":{"persistedQuery":{"version":1,"sha256Hash":"0"}}}',
    ],
  ])('%s', async (_name, body) => {
    const answer = await post(gateway.url, body, headers);

    expect(answer.status).toBe(400);
    expect(toErrors(answer, 'BAD_REQUEST')).toHaveLength(1);
    await expectUnharmed();
  });

  it('a message of 100,000 levels, whose WebSocket is closed', async () => {
    const bare = await openAcknowledged(gateway.url, keyCanary);
    bare.socket.send(`{"type":"subscribe","id":"1","payload":{"query":"{ a }","variables":{"a":${nested(100_000)}}}}`);
    await bare.closes();

    expect(bare.closed).toEqual({ code: 4400, reason: 'Nested too deep' });
    await expectUnharmed();
  });

  it('an address of 20 KB', async () => {
    const answer = await ask(`${gateway.url}?query=${'{__typename}'.padEnd(20_000, ',')}`, { headers });

    expect(answer.status).toBe(431);
    expect(toErrors(answer, 'BAD_REQUEST')).toHaveLength(1);
    await expectUnharmed();
  });
});

describe('A persisted document', () => {
  const persist = (query: string | undefined, hash: string) =>
    post(gateway.url, { query, extensions: { persistedQuery: { version: 1, sha256Hash: hash } } }, headers);
  const toHash = (query: string) => createHash('sha256').update(query).digest('hex');

  it.each(hostileDocuments.filter(({ query }) => query.isWellFormed()))(
    'is not kept where it is refused: $name',
    async ({ query, code }) => {
      expect(toErrors(await persist(query, toHash(query)), code)).not.toEqual([]);

      const again = await persist(undefined, toHash(query));
      expect(toErrors(again, 'PERSISTED_QUERY_NOT_FOUND')).toHaveLength(1);
      await expectUnharmed();
    },
  );

  it('is kept where it is answered', async () => {
    const query = '{ __typename } # kept';
    await persist(query, toHash(query));

    expect((await persist(undefined, toHash(query))).json).toEqual({ data: { __typename: 'Query' } });
  });
});

describe('Limits of 0', () => {
  it('are none', async () => {
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
    const open = await launchGateway({
      CLOUDCA_API_URL: upstream.url,
      RATE_LIMIT_PER_MINUTE: '0',
      ...Object.fromEntries(names.map((name) => [`MAX_${name}`, '0'])),
    });
    const aliases = Array.from({ length: 2_000 }, (_, index) => `a${index}: __typename`).join(' ');
    const deep = `{ vpcs(environment: { serviceCode: "a", name: "b" }) { nodes { ${'siteToSiteVpns { nodes { vpc { '.repeat(10)}id @skip(if: false) ${'} } } '.repeat(10)} } } }`;

    for (const query of [`{ ${aliases} }`, deep])
      expect(await post(open.url, { query }, headers)).toMatchObject({ status: 200 });
    const variables = { environment, filter: { states: repeat(10_000, 'CONNECTED') } };
    expect(await post(open.url, { query: list, variables }, headers)).toMatchObject({ status: 200 });
    upstream.calls.splice(0);
  });
});
