// What is told of a request that cannot be executed: where the fault is and what was expected there, never a value that was sent.
import { describe, expect, it } from '@jest/globals';
import { failure, requestId, startOnSandbox } from './graph-client.js';

const graph = await startOnSandbox();

const canary = 'canaryKz81mPq04';
const input = {
  environment: { serviceCode: 'compute-on', name: 'test_area' },
  name: 'abydos',
  vpcId: '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7',
  gateway: '203.0.113.50',
  cidr: '10.12.0.2/22',
  ipSecPsk: canary,
  ikeEncryptionAlgorithm: 'AES256',
  ikeHashAlgorithm: 'SHA1',
  ikeLifetime: 86400,
  espEncryptionAlgorithm: 'AES256',
  espHashAlgorithm: 'SHA1',
  espLifetime: 3600,
};
const create = `mutation ($input: CreateSiteToSiteVpnInput!) {
  createSiteToSiteVpn(input: $input) { userErrors { message } }
}`;
/** The input as a literal, with some fields written otherwise, or left out. */
function literal(fields: Readonly<Record<string, string | undefined>> = {}): string {
  const { environment, ...others } = input;
  const written = Object.entries({
    environment: `{ serviceCode: "${environment.serviceCode}", name: "${environment.name}" }`,
    ...Object.fromEntries(
      Object.entries(others).map(([name, value]) => [
        name,
        name.endsWith('Algorithm') ? String(value) : JSON.stringify(value),
      ]),
    ),
    ...fields,
  }).flatMap(([name, value]: [string, string | undefined]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return `mutation { createSiteToSiteVpn(input: { ${written.join(', ')} }) { userErrors { message } } }`;
}

/** Sends a request that is refused; what is told of it, after a look that it tells no value, and that nothing was asked. */
async function refusal(query: string, variables: object = {}): Promise<unknown> {
  const { status, body } = await graph.send(query, { ...variables });
  expect(status).toBe(400);
  expect(JSON.stringify(body)).not.toContain('canary');
  expect(graph.calls()).toEqual([]);
  return body;
}

describe('variables that do not fit', () => {
  it.each<[string, object, string]>([
    ['nothing at all', {}, '$input of type CreateSiteToSiteVpnInput! is missing or null'],
    ['null', { input: null }, '$input of type CreateSiteToSiteVpnInput! is missing or null'],
    ['a text', { input: canary }, '$input is no CreateSiteToSiteVpnInput!'],
    [
      'a missing field beside the key',
      { input: { ...input, name: undefined } },
      '$input: Field "name" of required type "String!" was not provided',
    ],
    [
      'a missing field further in',
      { input: { ...input, environment: { name: canary } } },
      '$input.environment: Field "serviceCode" of required type "String!" was not provided',
    ],
    ['an unknown field', { input: { ...input, [canary]: canary } }, '$input has a field that its type does not have'],
    ['null for the key', { input: { ...input, ipSecPsk: null } }, '$input.ipSecPsk must not be null'],
    ['a list for the key', { input: { ...input, ipSecPsk: [canary] } }, '$input.ipSecPsk does not fit its type'],
    ['a number for the key', { input: { ...input, ipSecPsk: 12345 } }, '$input.ipSecPsk does not fit its type'],
    ['a text for a number', { input: { ...input, ikeLifetime: canary } }, '$input.ikeLifetime does not fit its type'],
    ['a fraction', { input: { ...input, ikeLifetime: 0.5 } }, '$input.ikeLifetime does not fit its type'],
    [
      'a number larger than an Int',
      { input: { ...input, espLifetime: 2147483648 } },
      '$input.espLifetime does not fit its type',
    ],
    [
      'an enum value that is none',
      { input: { ...input, ikeHashAlgorithm: canary } },
      '$input.ikeHashAlgorithm does not fit its type',
    ],
    [
      'an enum value of the wire',
      { input: { ...input, ikeHashAlgorithm: 'sha1' } },
      '$input.ikeHashAlgorithm does not fit its type',
    ],
    [
      'several faults',
      { input: { ...input, name: null, dpd: canary, vpcId: {} } },
      '$input.vpcId does not fit its type; $input.dpd does not fit its type; $input.name must not be null',
    ],
  ])('are told by path: %s', async (_, variables, message) => {
    const body = await refusal(create, variables);
    const faults = message.split('; ');
    expect(body).toEqual({
      errors: [
        {
          message: expect.stringMatching(/^The variables do not fit: .*\.$/),
          extensions: { code: 'BAD_USER_INPUT', requestId },
        },
      ],
    });
    for (const fault of faults) expect(JSON.stringify(body)).toContain(JSON.stringify(fault).slice(1, -1));
    expect(JSON.stringify(body).split('; ')).toHaveLength(faults.length);
  });

  it('are told no more than five of', async () => {
    const faulty = Object.fromEntries(Object.keys(input).map((name) => [name, { canary }]));
    expect(JSON.stringify(await refusal(create, { input: faulty }))).toMatch(
      /do not fit: [^;]*(;[^;]*){4} \(and \d+ more\)\./,
    );
  });

  it('are told by index in a list', async () => {
    const query = `query ($filter: SiteToSiteVpnFilter) {
      siteToSiteVpns(environment: { serviceCode: "s", name: "e" }, filter: $filter) { totalCount }
    }`;
    expect(await refusal(query, { filter: { states: ['CONNECTED', canary, null] } })).toEqual({
      errors: [
        {
          message:
            'The variables do not fit: $filter.states.1 does not fit its type; $filter.states.2 must not be null.',
          extensions: { code: 'BAD_USER_INPUT', requestId },
        },
      ],
    });
  });

  it('are told for a directive', async () => {
    expect(await refusal('query ($if: Boolean!) { __typename @include(if: $if) }', { if: canary })).toEqual({
      errors: [
        {
          message: 'The variables do not fit: $if is no Boolean!.',
          extensions: { code: 'BAD_USER_INPUT', requestId },
        },
      ],
    });
  });

  it('are told where only execution finds them', async () => {
    // A default value lets a nullable variable stand where null may not; null may be sent all the same.
    const query = literal({ name: '$name' }).replace('mutation', 'mutation ($name: String = "abydos")');
    const { status, body } = await graph.send(query, { name: null });
    expect(status).toBe(200);
    expect(body).toEqual({
      data: { createSiteToSiteVpn: null },
      errors: [
        failure(
          'BAD_USER_INPUT',
          ['createSiteToSiteVpn'],
          'A variable or an argument is missing, null, or does not fit its type.',
        ),
      ],
    });
    expect(graph.calls()).toEqual([]);
  });
});

const invalid = (message: string) => ({
  errors: [{ message, locations: expect.any(Array), extensions: { code: 'GRAPHQL_VALIDATION_FAILED', requestId } }],
});

describe('a document that is not valid', () => {
  it.each([
    [
      'a missing field beside the key',
      literal({ name: undefined }),
      'Field "CreateSiteToSiteVpnInput.name" of required type "String!" was not provided.',
    ],
    ['an enum value that is none', literal({ ikeHashAlgorithm: canary }), 'The value does not fit its type.'],
    [
      'a text for an enum value',
      literal({ ikeHashAlgorithm: `"${canary}"` }),
      'The value does not fit the type HashAlgorithm.',
    ],
    ['a text for a number', literal({ ikeLifetime: `"${canary}"` }), 'The value does not fit the type Int.'],
    ['a number for the key', literal({ ipSecPsk: '1234567890' }), 'The value does not fit the type String.'],
    ['an enum value for the key', literal({ ipSecPsk: canary }), 'The value does not fit the type String.'],
    ['a list for the key', literal({ ipSecPsk: `["${canary}"]` }), 'The value does not fit the type String.'],
    ['an object for the key', literal({ ipSecPsk: `{ a: "${canary}" }` }), 'The value does not fit the type String.'],
    ['null for the key', literal({ ipSecPsk: 'null' }), 'The value does not fit the type String!.'],
    ['a text for a Boolean', literal({ dpd: `"${canary}"` }), 'The value does not fit the type Boolean.'],
    ['a fraction for an id', literal({ vpcId: '0.5' }), 'The value does not fit the type ID.'],
    [
      'a text for an input',
      `mutation { createSiteToSiteVpn(input: "${canary}") { __typename } }`,
      'The value does not fit the type CreateSiteToSiteVpnInput!.',
    ],
    [
      'a default value of the wrong type',
      `query ($first: Int = "${canary}") { vpcs(environment: { serviceCode: "s", name: "e" }, first: $first) { totalCount } }`,
      'The value does not fit the type Int.',
    ],
    [
      'an argument of a directive of the wrong type',
      `{ __typename @include(if: "${canary}") }`,
      'The value does not fit the type Boolean.',
    ],
    [
      'a field twice',
      literal().replace('name: "abydos"', `name: "${canary}", name: "${canary}"`),
      'There can be only one input field named "name".',
    ],
  ])('is told without the value: %s', async (_, query, message) => {
    expect(await refusal(query)).toEqual(invalid(message));
  });

  it('is told by the names that are wrong', async () => {
    expect(await refusal('{ environments { nam } }')).toEqual(
      invalid('Cannot query field "nam" on type "Environment". Did you mean "name"?'),
    );
    expect(await refusal('{ task(id: "canary") }')).toEqual(
      invalid('Field "task" of type "Task" must have a selection of subfields. Did you mean "task { ... }"?'),
    );
    expect(await refusal('{ task { id } }')).toEqual(
      invalid('Field "task" argument "id" of type "ID!" is required, but it was not provided.'),
    );
    expect(await refusal('query ($id: ID) { task(id: $id) { id } }', { id: canary })).toEqual(
      invalid('Variable "$id" of type "ID" used in position expecting type "ID!".'),
    );
    expect(await refusal(literal({ ipSecPks: `"${canary}"` }))).toEqual(
      invalid('Field "ipSecPks" is not defined by type "CreateSiteToSiteVpnInput". Did you mean "ipSecPsk"?'),
    );
  });
});

describe('a document that is not GraphQL', () => {
  it.each([
    [
      'a text where a name is due',
      `{ task("${canary}") { id } }`,
      'The document is not GraphQL: syntax error at line 1, column 8, expected Name.',
    ],
    ['an open text', `{ task(id: "${canary}`, 'The document is not GraphQL: syntax error at line 1, column 28.'],
    ['a word', canary, 'The document is not GraphQL: syntax error at line 1, column 1.'],
    [
      'an open brace behind a key',
      literal().slice(0, -40),
      expect.stringMatching(
        /^The document is not GraphQL: syntax error at line 1, column \d+(, expected [\w ":]+)?\.$/,
      ),
    ],
    [
      'a key without quotes that begins with a digit',
      literal({ ipSecPsk: `1${canary}` }),
      expect.stringMatching(/^The document is not GraphQL: syntax error at line 1, column \d+\.$/),
    ],
    [
      'a letter that is none',
      `{ task(id: “${canary}”) }`,
      'The document is not GraphQL: syntax error at line 1, column 12.',
    ],
    [
      'the second line',
      `{\n  task(id: "${canary}" { id } }`,
      'The document is not GraphQL: syntax error at line 2, column 30, expected Name.',
    ],
  ])('is told by its place, without what stands there: %s', async (_, query, message) => {
    expect(await refusal(query)).toEqual({
      errors: [
        {
          message,
          locations: [{ line: expect.any(Number), column: expect.any(Number) }],
          extensions: { code: 'GRAPHQL_PARSE_FAILED', requestId },
        },
      ],
    });
  });
});

describe('a document of several operations', () => {
  it('is refused where none of them is named', async () => {
    expect(await refusal('query canary { __typename } query other { __typename }')).toEqual({
      errors: [
        {
          message: 'The document has no operation of that name, or has several and none was named. Send operationName.',
          extensions: { code: 'OPERATION_RESOLUTION_FAILURE', requestId },
        },
      ],
    });
  });
});
