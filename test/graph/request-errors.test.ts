// Messages for requests that the gateway rejects before execution: they say what was expected, and quote no value.
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

/** Returns the mutation with the input as a literal. `fields` replace fields of the input, or remove those that are undefined. */
function toLiteralMutation(fields: Readonly<Record<string, string | undefined>> = {}): string {
  const { environment, ...others } = input;
  const literals = Object.entries({
    environment: `{ serviceCode: "${environment.serviceCode}", name: "${environment.name}" }`,
    ...Object.fromEntries(
      Object.entries(others).map(([name, value]) => [
        name,
        name.endsWith('Algorithm') ? String(value) : JSON.stringify(value),
      ]),
    ),
    ...fields,
  }).flatMap(([name, value]: [string, string | undefined]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return `mutation { createSiteToSiteVpn(input: { ${literals.join(', ')} }) { userErrors { message } } }`;
}

/** Sends a request that must be rejected without a REST call and without a value in the response. Returns the body. */
async function reject(query: string, variables: object = {}): Promise<unknown> {
  const { status, body } = await graph.send(query, { ...variables });
  expect(status).toBe(400);
  expect(JSON.stringify(body)).not.toContain('canary');
  expect(graph.calls()).toEqual([]);
  return body;
}

const invalidVariables = (problems: string) => ({
  errors: [{ message: `The variables are invalid: ${problems}.`, extensions: { code: 'BAD_USER_INPUT', requestId } }],
});

describe('Variables', () => {
  const hashAlgorithms = 'Unknown value for HashAlgorithm. Allowed: SHA1, MD5';

  it.each<[string, object, string]>([
    ['a missing variable', {}, '$input of type CreateSiteToSiteVpnInput! is missing or null'],
    ['null', { input: null }, '$input of type CreateSiteToSiteVpnInput! is missing or null'],
    ['a string for an input object', { input: canary }, '$input must be of type CreateSiteToSiteVpnInput!'],
    [
      'a missing field beside the pre-shared key',
      { input: { ...input, name: undefined } },
      '$input: Field "name" of required type "String!" was not provided',
    ],
    [
      'a missing nested field',
      { input: { ...input, environment: { name: canary } } },
      '$input.environment: Field "serviceCode" of required type "String!" was not provided',
    ],
    [
      'an unknown field',
      { input: { ...input, [canary]: canary } },
      '$input has a field that CreateSiteToSiteVpnInput does not define',
    ],
    ['null for the pre-shared key', { input: { ...input, ipSecPsk: null } }, '$input.ipSecPsk must not be null'],
    ['a list for a String', { input: { ...input, ipSecPsk: [canary] } }, '$input.ipSecPsk must be of type String'],
    ['a number for a String', { input: { ...input, ipSecPsk: 12345 } }, '$input.ipSecPsk must be of type String'],
    ['a string for an Int', { input: { ...input, ikeLifetime: canary } }, '$input.ikeLifetime must be of type Int'],
    ['a fraction for an Int', { input: { ...input, ikeLifetime: 0.5 } }, '$input.ikeLifetime must be of type Int'],
    [
      'a number above the maximum of Int',
      { input: { ...input, espLifetime: 2147483648 } },
      '$input.espLifetime must be of type Int',
    ],
    [
      'an unknown enum value',
      { input: { ...input, ikeHashAlgorithm: canary } },
      `$input.ikeHashAlgorithm: ${hashAlgorithms}`,
    ],
    [
      'an enum value in the form of the REST API',
      { input: { ...input, ikeHashAlgorithm: 'sha1' } },
      `$input.ikeHashAlgorithm: ${hashAlgorithms}`,
    ],
    [
      'an enum value that imitates an error message',
      { input: { ...input, ikeHashAlgorithm: `${canary}" does not exist in "${canary}" enum.` } },
      `$input.ikeHashAlgorithm: ${hashAlgorithms}`,
    ],
    [
      'a number for an enum value',
      { input: { ...input, ikeHashAlgorithm: 1 } },
      `$input.ikeHashAlgorithm: ${hashAlgorithms}`,
    ],
    [
      'several problems',
      { input: { ...input, name: null, dpd: canary, vpcId: {} } },
      '$input.name must not be null; $input.vpcId must be of type ID; $input.dpd must be of type Boolean',
    ],
  ])('are rejected with the path of each problem: %s', async (_, variables, problems) => {
    expect(await reject(create, variables)).toEqual(invalidVariables(problems));
  });

  it('are rejected with a list of at most five problems', async () => {
    const invalid = Object.fromEntries(Object.keys(input).map((name) => [name, { canary }]));
    expect(JSON.stringify(await reject(create, { input: invalid }))).toMatch(
      /are invalid: [^;]*(;[^;]*){4} \(and \d+ more\)\./,
    );
  });

  it('are rejected with the index of an invalid list item', async () => {
    const query = `query ($filter: SiteToSiteVpnFilter) {
      siteToSiteVpns(environment: { serviceCode: "s", name: "e" }, filter: $filter) { totalCount }
    }`;
    expect(await reject(query, { filter: { states: ['CONNECTED', canary, null] } })).toEqual(
      invalidVariables(
        '$filter.states.1: Unknown value for SiteToSiteVpnState. ' +
          'Allowed: CONNECTED, PENDING, DISCONNECTED, ERROR, UNKNOWN; $filter.states.2 must not be null',
      ),
    );
  });

  it('are checked if only a directive uses them', async () => {
    expect(await reject('query ($if: Boolean!) { __typename @include(if: $if) }', { if: canary })).toEqual(
      invalidVariables('$if must be of type Boolean!'),
    );
  });

  it('fail the field if null overrides the default of a variable in a non-null position', async () => {
    // Validation allows this position, since the variable has a default. Only execution sees the null.
    const query = toLiteralMutation({ name: '$name' }).replace('mutation', 'mutation ($name: String = "abydos")');
    const { status, body } = await graph.send(query, { name: null });
    expect(status).toBe(200);
    expect(body).toEqual({
      data: { createSiteToSiteVpn: null },
      errors: [
        failure(
          'BAD_USER_INPUT',
          ['createSiteToSiteVpn'],
          'A variable or an argument is missing, null or of the wrong type. Send a value of the declared type.',
        ),
      ],
    });
    expect(graph.calls()).toEqual([]);
  });
});

const invalidDocument = (message: string) => ({
  errors: [{ message, locations: expect.any(Array), extensions: { code: 'GRAPHQL_VALIDATION_FAILED', requestId } }],
});

describe('Invalid document', () => {
  it.each([
    [
      'a missing field beside the pre-shared key',
      toLiteralMutation({ name: undefined }),
      'Field "CreateSiteToSiteVpnInput.name" of required type "String!" was not provided.',
    ],
    [
      'an unknown enum value',
      toLiteralMutation({ ikeHashAlgorithm: canary }),
      'Unknown value for HashAlgorithm. Allowed: SHA1, MD5.',
    ],
    [
      'a string for an enum value',
      toLiteralMutation({ ikeHashAlgorithm: `"${canary}"` }),
      'Expected a value of type HashAlgorithm, without quotes. Allowed: SHA1, MD5.',
    ],
    [
      'a number for an enum value',
      toLiteralMutation({ ikeHashAlgorithm: '1' }),
      'Expected a value of type HashAlgorithm. Allowed: SHA1, MD5.',
    ],
    [
      'null for an enum value',
      toLiteralMutation({ ikeHashAlgorithm: 'null' }),
      'Expected a value of type HashAlgorithm!. Allowed: SHA1, MD5.',
    ],
    ['a string for an Int', toLiteralMutation({ ikeLifetime: `"${canary}"` }), 'Expected a value of type Int.'],
    ['an enum value for an Int', toLiteralMutation({ ikeLifetime: canary }), 'Expected a value of type Int.'],
    ['a number for a String', toLiteralMutation({ ipSecPsk: '1234567890' }), 'Expected a value of type String.'],
    ['an enum value for a String', toLiteralMutation({ ipSecPsk: canary }), 'Expected a value of type String.'],
    ['a list for a String', toLiteralMutation({ ipSecPsk: `["${canary}"]` }), 'Expected a value of type String.'],
    [
      'an object for a String',
      toLiteralMutation({ ipSecPsk: `{ a: "${canary}" }` }),
      'Expected a value of type String.',
    ],
    ['null for a String!', toLiteralMutation({ ipSecPsk: 'null' }), 'Expected a value of type String!.'],
    ['a string for a Boolean', toLiteralMutation({ dpd: `"${canary}"` }), 'Expected a value of type Boolean.'],
    ['a fraction for an ID', toLiteralMutation({ vpcId: '0.5' }), 'Expected a value of type ID.'],
    [
      'a string for an input object',
      `mutation { createSiteToSiteVpn(input: "${canary}") { __typename } }`,
      'Expected a value of type CreateSiteToSiteVpnInput!.',
    ],
    [
      'a default of the wrong type',
      `query ($first: Int = "${canary}") { vpcs(environment: { serviceCode: "s", name: "e" }, first: $first) { totalCount } }`,
      'Expected a value of type Int.',
    ],
    [
      'an argument of a directive of the wrong type',
      `{ __typename @include(if: "${canary}") }`,
      'Expected a value of type Boolean.',
    ],
    [
      'an input field twice',
      toLiteralMutation().replace('name: "abydos"', `name: "${canary}", name: "${canary}"`),
      'There can be only one input field named "name".',
    ],
  ])('is rejected without the value in the message: %s', async (_, query, message) => {
    expect(await reject(query)).toEqual(invalidDocument(message));
  });

  it('is rejected with the wrong names, and with suggestions', async () => {
    expect(await reject('{ environments { nam } }')).toEqual(
      invalidDocument('Cannot query field "nam" on type "Environment". Did you mean "name"?'),
    );
    expect(await reject('{ task(id: "canary") }')).toEqual(
      invalidDocument('Field "task" of type "Task" must have a selection of subfields. Did you mean "task { ... }"?'),
    );
    expect(await reject('{ task { id } }')).toEqual(
      invalidDocument('Field "task" argument "id" of type "ID!" is required, but it was not provided.'),
    );
    expect(await reject('query ($id: ID) { task(id: $id) { id } }', { id: canary })).toEqual(
      invalidDocument('Variable "$id" of type "ID" used in position expecting type "ID!".'),
    );
    expect(await reject(toLiteralMutation({ ipSecPks: `"${canary}"` }))).toEqual(
      invalidDocument('Field "ipSecPks" is not defined by type "CreateSiteToSiteVpnInput". Did you mean "ipSecPsk"?'),
    );
  });
});

describe('Document with a syntax error', () => {
  it.each([
    [
      'a string instead of a name',
      `{ task("${canary}") { id } }`,
      'The document is not GraphQL: syntax error at line 1, column 8, expected Name.',
    ],
    [
      'an unterminated string',
      `{ task(id: "${canary}`,
      'The document is not GraphQL: syntax error at line 1, column 28.',
    ],
    ['a word', canary, 'The document is not GraphQL: syntax error at line 1, column 1.'],
    [
      'an unclosed brace after a pre-shared key',
      toLiteralMutation().slice(0, -40),
      expect.stringMatching(
        /^The document is not GraphQL: syntax error at line 1, column \d+(, expected [\w ":]+)?\.$/,
      ),
    ],
    [
      'an unquoted pre-shared key that begins with a digit',
      toLiteralMutation({ ipSecPsk: `1${canary}` }),
      expect.stringMatching(/^The document is not GraphQL: syntax error at line 1, column \d+\.$/),
    ],
    [
      'a typographic quotation mark',
      `{ task(id: “${canary}”) }`,
      'The document is not GraphQL: syntax error at line 1, column 12.',
    ],
    [
      'an error on the second line',
      `{\n  task(id: "${canary}" { id } }`,
      'The document is not GraphQL: syntax error at line 2, column 30, expected Name.',
    ],
  ])('is rejected with the position of the error, without the source: %s', async (_, query, message) => {
    expect(await reject(query)).toEqual({
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

describe('Document of several operations', () => {
  it('is rejected without operationName', async () => {
    expect(await reject('query canary { __typename } query other { __typename }')).toEqual({
      errors: [
        {
          message:
            'The document has no operation of that name, or has several operations. Send the name of one as operationName.',
          extensions: { code: 'OPERATION_RESOLUTION_FAILURE', requestId },
        },
      ],
    });
  });
});
