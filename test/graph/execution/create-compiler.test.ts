// createCompiler alone: what a compiled query passes to resolvers, and the errors that it returns.
import { describe, expect, it } from '@jest/globals';
import {
  buildSchema,
  type DocumentNode,
  execute,
  type ExecutionResult,
  type FieldNode,
  GraphQLError,
  type GraphQLResolveInfo,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
} from 'graphql';
import { createCompiler, maxCompiledFields } from '../../../src/graph/execution/compiled-query.js';
import { range } from '../../helpers/fixtures.js';

const schema = buildSchema(`
  type Query {
    at(n: Int! = 3): Int, node: Node, other: Other, list: [String!], second: [String!], nullables: [String]
    matrix: [[String!]], lists: [[String!]!], required: String!
  }
  type Node { id: ID, node: Node, fails: String, failsNonNull: String!, absent: String!, said(what: String): String }
  type Other { id: ID }
`);

/** Returns an argument. */
function getArgument(args: object, name: string): unknown {
  const value: unknown = Reflect.get(args, name);
  return value;
}

const fail = (message: string) => () => {
  throw new Error(message);
};
const failures = (...names: string[]) => names.map((name) => new Error(`${name} failed`));
const infos: GraphQLResolveInfo[] = [];
const resolvers: Readonly<Record<string, (source: unknown, args: object) => unknown>> = {
  'Query.at': (_source, args) => getArgument(args, 'n'),
  'Query.node': () => ({ id: '1', node: { id: '2' } }),
  'Query.list': () => failures('one', 'other'),
  'Query.second': () => failures('one', 'other'),
  'Query.nullables': () => failures('one', 'other'),
  'Query.matrix': () => [['x'], failures('one', 'other'), failures('third')],
  'Query.lists': () => [failures('one', 'other'), failures('third')],
  'Query.required': fail('required failed'),
  'Node.fails': fail('fails failed'),
  'Node.failsNonNull': () => Promise.reject(new Error('failsNonNull failed')),
  'Node.said': (_source, args) => getArgument(args, 'what'),
};
for (const [coordinate, resolve] of Object.entries(resolvers)) {
  const [typeName = '', fieldName = ''] = coordinate.split('.');
  const type = schema.getType(typeName);
  const field = isObjectType(type) ? type.getFields()[fieldName] : undefined;
  if (field === undefined) throw new TypeError(`The schema has no field ${coordinate}.`);
  field.resolve = (source, args: object, _context, info) => {
    infos.push(info);
    return resolve(source, args);
  };
}
const other = schema.getType('Other');
if (isObjectType(other)) other.isTypeOf = () => true;

function toOperation(document: DocumentNode): OperationDefinitionNode {
  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  if (operation === undefined) throw new TypeError('The document has no operation.');
  return operation;
}

/** Compiles the first operation of a document. */
function compile(document: DocumentNode) {
  return createCompiler(schema)(document, toOperation(document));
}

/** Executes a query by the compiled query. Throws if it cannot be compiled, or leaves the execution to graphql-js. */
async function executeCompiled(document: DocumentNode, variables = {}): Promise<ExecutionResult> {
  infos.length = 0;
  const result = await compile(document)?.(variables, {});
  if (result === undefined) throw new Error('The compiled query did not execute.');
  return result;
}

/** Returns the errors of a result in a form that can be compared, and its data. */
function toComparable({ data, errors }: ExecutionResult): unknown {
  const compared = (errors ?? []).map((error) => JSON.stringify([error.message, error.path, error.locations]));
  return { data: JSON.stringify(data), errors: compared.toSorted() };
}

describe('createCompiler', () => {
  const fields = (count: number) =>
    range(count)
      .map((index) => `a${index}: at`)
      .join(' ');

  const ids = (count: number) => fields(count).replaceAll('at', 'id');

  it.each<[string, boolean, string]>([
    ['100 fields', true, `{ ${fields(maxCompiledFields)} }`],
    ['101 fields', false, `{ ${fields(maxCompiledFields + 1)} }`],
    ['100 fields in an inline fragment', true, `{ ... { ${fields(maxCompiledFields)} } }`],
    [
      '101 fields in fragments',
      false,
      `{ ...A ...B } fragment A on Query { ${fields(50)} } fragment B on Query { ${fields(51)} }`,
    ],
    ['102 fields, some of them nested', false, `{ node { ${ids(50)} node { ${ids(50)} } } }`],
    ['a type with isTypeOf', false, '{ other { id } }'],
    ['an underscore within the name of a variable', true, 'query ($a_b: Int! = 1) { at(n: $a_b) }'],
    ['__typename', true, '{ node { __typename } }'],
    ['a subscription', false, 'subscription { at }'],
  ])('for a document with %s, compiles: %s', (_, isCompiled, text) => {
    expect(compile(parse(text)) !== undefined).toBe(isCompiled);
  });

  it('does not compile a document without locations', () => {
    expect(compile(parse('{ at }', { noLocation: true }))).toBeUndefined();
  });

  it('passes to resolvers the nodes that the client sent, with their arguments', async () => {
    const document = parse('query ($w: String) { node { said(what: "x") } node { b: said(what: $w) } }');
    expect(await executeCompiled(document, { w: 'y' })).toEqual({ data: { node: { said: 'x', b: 'y' } } });
    const [node, secondNode] = toOperation(document).selectionSet.selections;
    expect(infos).toHaveLength(3);
    expect(infos[0]?.fieldNodes[0]).toBe(node);
    expect(infos[0]?.fieldNodes[1]).toBe(secondNode);
    const nodes: (FieldNode | undefined)[] = infos.slice(1).map((info) => info.fieldNodes[0]);
    expect(nodes.map((item) => item?.arguments?.map(({ value }) => value.kind))).toEqual([
      [Kind.STRING],
      [Kind.VARIABLE],
    ]);
    expect(infos.map((info) => info.operation)).toEqual(Array(3).fill(toOperation(document)));
  });

  it('passes to resolvers the same array of nodes in all executions', async () => {
    const document = parse('{ node { id } }');
    const query = compile(document);
    infos.length = 0;
    for (let count = 0; count < 2; count++) {
      expect(await query?.({}, {})).toEqual({ data: { node: { id: '1' } } });
    }
    expect(infos[0]?.fieldNodes).toBe(infos[1]?.fieldNodes);
  });

  it('returns undefined if an argument cannot be coerced, without calling a resolver', () => {
    infos.length = 0;
    expect(compile(parse('query ($n: Int = 3) { node { id } at(n: $n) }'))?.({ n: null }, {})).toBeUndefined();
    expect(infos).toEqual([]);
  });

  it.each([
    ['{ node { id fails } }', ['node.fails']],
    ['{ list }', ['list.0']],
    ['{ list second }', ['list.0', 'second.0']],
    ['{ nullables }', ['nullables.0', 'nullables.1']],
    ['{ matrix }', ['matrix.1.0', 'matrix.2.0']],
    ['{ lists }', ['lists.0.0']],
    ['{ node { fails failsNonNull } }', ['node.fails', 'node.failsNonNull']],
    ['{ node { a: fails b: fails node { failsNonNull } } }', ['node.a', 'node.b', 'node.node.failsNonNull']],
    ['{ at required }', ['required']],
  ])('returns for %s the errors of graphql-js', async (text, paths) => {
    const document = parse(text);
    const result = await executeCompiled(document);
    expect((result.errors ?? []).map((error) => error.path?.join('.')).toSorted()).toEqual(paths);
    expect(toComparable(result)).toEqual(toComparable(await execute({ schema, document })));
    for (const error of result.errors ?? []) {
      expect(error).toBeInstanceOf(GraphQLError);
      expect(error.originalError?.message).toMatch(/ failed$/);
    }
  });

  it('locates the error of a field that is selected twice at both places', async () => {
    const result = await executeCompiled(parse('{ node { fails } node { fails } }'));
    expect(result.errors?.map(({ locations }) => locations)).toEqual([
      [
        { line: 1, column: 10 },
        { line: 1, column: 25 },
      ],
    ]);
    expect(result.errors?.[0]?.nodes).toHaveLength(2);
  });

  it('returns an error without a cause for a non-null field that resolves to null', async () => {
    const result = await executeCompiled(parse('{ node { id absent } }'));
    expect(result.data).toEqual({ node: null });
    expect(result.errors).toMatchObject([
      { message: expect.stringContaining('null'), path: ['node', 'absent'], originalError: undefined },
    ]);
  });
});
