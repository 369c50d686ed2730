// The check of variables before an operation: which problems it reports, and in which words.
import { describe, expect, it } from '@jest/globals';
import {
  buildSchema,
  type DocumentNode,
  GraphQLError,
  isScalarType,
  Kind,
  type OperationDefinitionNode,
  parse,
} from 'graphql';
import { RequestError } from '../../../src/graph/error-codes.js';
import { createVariableReader } from '../../../src/graph/execution/variables.js';

const schema = buildSchema(`
  type Query { f(of: Of, ofs: [Of!], nested: [[Int!]], kind: Kind, id: ID!, n: Int, list: [String], no: NoList, odd: Odd): Int }
  enum Kind { RED GREEN }
  scalar Odd
  input Of { name: String!, kind: Kind, number: Int! = 5, more: [Of!], self: Of }
  input NoList { a: Int, self: NoList }
`);

const odd = schema.getType('Odd');
if (isScalarType(odd)) {
  odd.parseValue = () => {
    throw new GraphQLError('secret');
  };
}

/** Parses an operation with these variable definitions. */
function toOperation(definitions: string): OperationDefinitionNode {
  const document: DocumentNode = parse(`query (${definitions}) { __typename }`);
  const [operation] = document.definitions;
  if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new TypeError('The document has no operation.');
  return operation;
}

/** Checks variables against their definitions. Returns the problems, or undefined if there are none. */
function check(
  definitions: string,
  variables: Readonly<Record<string, unknown>>,
  { introspection = true, maxListItems = 0 } = {},
): string | undefined {
  try {
    createVariableReader(schema, toOperation(definitions), { introspection, maxListItems })(variables);
    return undefined;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return toProblems(error);
  }
}

function toProblems(error: RequestError): string {
  expect([error.extensions, error.status]).toEqual([{ code: 'BAD_USER_INPUT' }, 400]);
  const match = /^The variables are invalid: (.*)\.$/s.exec(error.message);
  if (match?.[1] === undefined) throw new Error('The message has another form.');
  return match[1];
}

describe('createVariableReader', () => {
  it.each<[string, string, Record<string, unknown>]>([
    ['a valid object', '$v: Of!', { v: { name: 'x', kind: 'RED', more: [{ name: 'y' }] } }],
    ['no value for a nullable variable', '$v: Of', {}],
    ['null for a nullable variable', '$v: Of', { v: null }],
    ['no value for a non-null variable with a default', '$v: ID! = "1"', {}],
    ['a variable that the operation does not define', '$v: ID', { other: 1 }],
    ['no definitions', '$v: Int', { v: 1 }],
    ['a single value for a list', '$v: [Of!]', { v: { name: 'x' } }],
  ])('accepts %s', (_, definitions, variables) => {
    expect(check(definitions, variables)).toBeUndefined();
  });

  it('accepts an operation without variables', () => {
    const [operation] = parse('{ __typename }').definitions;
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new TypeError('The document has no operation.');
    const { kind, operation: type, selectionSet } = operation;
    const withoutList: OperationDefinitionNode = { kind, operation: type, selectionSet };
    const limits = { introspection: true, maxListItems: 1 };
    const none = { declared: {}, coerced: {} };
    expect(createVariableReader(schema, operation, limits)({ v: 1 })).toEqual(none);
    expect(createVariableReader(schema, withoutList, limits)({ v: 1 })).toEqual(none);
  });

  it.each<[string, Record<string, unknown>, string, string]>([
    ['$v: ID!', {}, '$v of type ID! is missing or null', '$v is missing or null'],
    ['$v: ID!', { v: null }, '$v of type ID! is missing or null', '$v is missing or null'],
    ['$v: ID! = "1"', { v: null }, '$v of type ID! is missing or null', '$v is missing or null'],
    ['$toString: ID!', {}, '$toString of type ID! is missing or null', '$toString is missing or null'],
    ['$v: Int', { v: 'secret' }, '$v must be of type Int', '$v has an invalid value'],
    ['$v: [Int!]!', { v: 'secret' }, '$v must be of type [Int!]!', '$v has an invalid value'],
    ['$v: [Int]', { v: [1, 'secret'] }, '$v.1 must be of type Int', '$v.1 has an invalid value'],
    ['$v: [Int!]', { v: [1, null] }, '$v.1 must not be null', '$v.1 must not be null'],
    ['$v: Of', { v: 'secret' }, '$v must be of type Of', '$v has an invalid value'],
    ['$v: Of', { v: {} }, '$v: Field "name" of required type "String!" was not provided', '$v lacks a required field'],
    ['$v: Of', { v: { name: null } }, '$v.name must not be null', '$v.name must not be null'],
    ['$v: Of', { v: { name: 'x', self: 1 } }, '$v.self must be of type Of', '$v.self has an invalid value'],
    [
      '$v: Of',
      { v: { name: 'x', 'secret"\n': 1 } },
      '$v has a field that Of does not define',
      '$v has an unknown field',
    ],
    ['$v: Kind', { v: 'secret' }, '$v: Unknown value for Kind. Allowed: RED, GREEN', '$v has an invalid value'],
    [
      '$v: [Of]',
      { v: [{ name: 'x', kind: 'secret' }] },
      '$v.0.kind: Unknown value for Kind. Allowed: RED, GREEN',
      '$v.0.kind has an invalid value',
    ],
    ['$v: Odd', { v: 1 }, '$v must be of type Odd', '$v has an invalid value'],
    ['$v: [Odd]', { v: [1] }, '$v.0 is of the wrong type', '$v.0 has an invalid value'],
  ])('reports the problem of %s with %j', (definitions, variables, problem, masked) => {
    expect(check(definitions, variables)).toBe(problem);
    expect(check(definitions, variables, { introspection: false })).toBe(masked);
  });

  it('reports problems of several variables in the order of their definitions', () => {
    expect(check('$a: Int, $b: ID!, $c: Int, $d: Int', { a: 'x', c: 1, d: 'y' })).toBe(
      '$a must be of type Int; $b of type ID! is missing or null; $d must be of type Int',
    );
  });

  it.each([
    [5, ''],
    [6, ' (and 1 more)'],
    [24, ' (and 19 more)'],
    [25, ' (and 20 or more)'],
    [26, ' (and 20 or more)'],
    [1_000, ' (and 20 or more)'],
  ])('lists the first 5 of %i problems, and counts the others up to 20', (count, more) => {
    const listed = [0, 1, 2, 3, 4].map((index) => `$v.${index} must be of type Int`).join('; ');
    expect(check('$v: [Int]', { v: Array<string>(count).fill('x') })).toBe(`${listed}${more}`);
  });

  it.each<[string, unknown, string]>([
    ['[String]', ['a', 'b', 'c'], '$v'],
    ['[String!]!', ['a', 'b', 'c'], '$v'],
    ['[[Int!]]', [[1], [1, 2, 3]], '$v.1'],
    ['[Of!]', [{ name: 'x' }, { name: 'y', more: [{}, {}, {}] }], '$v.1.more'],
    ['Of', { name: 'x', more: [1, 2, 3] }, '$v.more'],
    ['Of', { self: { self: { more: [1, 2, 3] } } }, '$v.self.self.more'],
    ['[Of!]', { more: [1, 2, 3] }, '$v.more'],
  ])('reports a list of more than MAX_LIST_ITEMS in a %s', (type, value, place) => {
    const problem = `${place} has a list of more than 2 items (MAX_LIST_ITEMS)`;
    expect(check(`$v: ${type}, $w: ID!`, { v: value }, { maxListItems: 2 })).toBe(
      `${problem}; $w of type ID! is missing or null`,
    );
  });

  it.each<[string, unknown]>([
    ['[String]', ['a', 'b']],
    [
      '[[Int!]]',
      [
        [1, 2],
        [1, 2],
      ],
    ],
    [
      '[Of!]',
      [
        { name: 'x', more: [{ name: 'y' }, { name: 'z' }] },
        { name: 'y', more: null },
      ],
    ],
    ['Of', { name: 'x' }],
  ])('accepts lists of up to MAX_LIST_ITEMS in a %s', (type, value) => {
    expect(check(`$v: ${type}`, { v: value }, { maxListItems: 2 })).toBeUndefined();
  });

  it('accepts lists of any length if MAX_LIST_ITEMS is 0', () => {
    expect(check('$v: [String]', { v: Array<string>(1_000).fill('x') }, { maxListItems: 0 })).toBeUndefined();
  });

  it('does not visit lists where the type has none', () => {
    expect(check('$v: NoList', { v: { a: [1, 2, 3] } }, { maxListItems: 2 })).toBe('$v.a must be of type Int');
    expect(check('$v: Int', { v: [1, 2, 3] }, { maxListItems: 2 })).toBe('$v must be of type Int');
  });
});

describe('The variables that a reader returns', () => {
  it('are those that the operation declares, as sent and coerced', () => {
    const sent = { v: { name: 'x' }, undeclared: 'x'.repeat(1_000) };
    expect(
      createVariableReader(schema, toOperation('$v: [Of!], $n: Int = 3, $unset: Int'), {
        introspection: true,
        maxListItems: 0,
      })(sent),
    ).toEqual({ declared: { v: { name: 'x' } }, coerced: { v: [{ name: 'x', number: 5 }], n: 3 } });
  });
});
