// Compiled queries: which queries the executor compiles and when, and that they pass the same arguments and return the same results as
// graphql-js.
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  buildSchema,
  execute,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isObjectType,
  parse,
} from 'graphql';
import { createExecutor } from '../../../src/graph/execution/executor.js';
import { range } from '../../helpers/fixtures.js';
import { canary, createCountingExecutor, parseValid, toValidRequest } from './counting-executor.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe('Compiled query', () => {
  const schema = buildSchema(`
    type Query { said(what: String, of: Of, list: [String]): String, at(n: Int! = 3): Int, node: Node, nodes: [Node!], one: One }
    type Mutation { said(what: String): String }
    type Node { id: ID, node: Node, said(what: String): String, failing: String! }
    interface One { id: ID }
    type Two implements One { id: ID }
    input Of { a: String, b: [Of!], c: Int = 5, d: String! }
  `);
  for (const type of ['Query', 'Mutation', 'Node']) {
    const { said } = objectType(schema, type).getFields();
    if (said) said.resolve = (_source, args) => JSON.stringify(args);
  }
  const query = objectType(schema, 'Query').getFields();
  if (query['at']) query['at'].resolve = (_source, { n }) => n;
  let onNode: (info: GraphQLResolveInfo) => void = () => undefined;
  if (query['node']) {
    query['node'].resolve = (_source, _args, _context, info) => {
      onNode(info);
      return { id: '1', node: { id: '2' } };
    };
  }
  if (query['nodes']) query['nodes'].resolve = () => [{ id: '1' }, { id: '2' }, { id: '3' }];
  const { failing } = objectType(schema, 'Node').getFields();
  if (failing) failing.resolve = ({ id }) => Promise.reject(new Error(`Node ${id} failed.`));
  if (query['one']) query['one'].resolve = () => ({ __typename: 'Two', id: '1' });

  /** Executes a valid document, and compares the result with graphql-js. Reports whether the query was compiled. */
  const executeAndCompare = async (text: string, variables: object = {}) => {
    const { run, compiledCount } = createCountingExecutor(schema);
    const document = parseValid(schema, text);
    if (document === undefined) throw new TypeError('The document is not valid.');
    const request = toValidRequest(schema, document, { variables: { ...variables } });
    const [result, expected] = [
      await run(request),
      await execute({ schema, document, variableValues: { ...variables } }),
    ];
    expect(JSON.parse(JSON.stringify(result))).toEqual(JSON.parse(JSON.stringify(expected)));
    const data: unknown = JSON.parse(JSON.stringify(result.data ?? null));
    return { data, isCompiled: compiledCount() === 1 };
  };

  it.each<[string, string, object, unknown]>([
    ['a literal', '{ said(what: "x") }', {}, { what: 'x' }],
    ['a string that would run as code', `{ said(what: ${JSON.stringify(canary)}) }`, {}, { what: canary }],
    ['such a string in an object', `{ said(of: { d: ${JSON.stringify(canary)} }) }`, {}, { of: { c: 5, d: canary } }],
    [
      'such a string as a default',
      `query ($v: String = ${JSON.stringify(canary)}) { said(what: $v) }`,
      {},
      { what: canary },
    ],
    ['such a string as a variable', 'query ($v: String) { said(what: $v) }', { v: canary }, { what: canary }],
    ['an unset variable', 'query ($v: String) { said(what: $v) }', {}, {}],
    ['null for a variable', 'query ($v: String) { said(what: $v) }', { v: null }, { what: null }],
    [
      'an unset variable in an object',
      'query ($v: String) { said(of: { a: $v, d: "" }) }',
      {},
      { of: { c: 5, d: '' } },
    ],
    ['an unset variable in a list', 'query ($v: String) { said(list: ["x", $v]) }', {}, { list: ['x', null] }],
    ['an object without its defaults', 'query ($v: Of) { said(of: $v) }', { v: { d: '' } }, { of: { c: 5, d: '' } }],
    [
      'a single value for a list',
      'query ($v: [Of!]) { said(of: { d: "", b: $v }) }',
      { v: { d: '', c: null } },
      { of: { b: [{ c: null, d: '' }], c: 5, d: '' } },
    ],
  ])('passes the same arguments as graphql-js: %s', async (_, text, variables, args) => {
    const { data, isCompiled } = await executeAndCompare(text, variables);
    expect(isCompiled).toBe(true);
    const said = typeof data === 'object' && data !== null && 'said' in data ? String(data.said) : '';
    expect(JSON.parse(said)).toEqual(args);
    expect(Reflect.has(globalThis, 'canary')).toBe(false);
  });

  it('leaves an argument that cannot be coerced to graphql-js', async () => {
    expect(await executeAndCompare('query ($n: Int = 3) { at(n: $n) }', { n: null })).toEqual({
      data: { at: null },
      isCompiled: true,
    });
    expect(await executeAndCompare('query ($d: String = "") { said(of: { d: $d }) }', { d: null })).toEqual({
      data: { said: null },
      isCompiled: true,
    });
  });

  it('reports one error if several fields nullify the same list', async () => {
    expect(await executeAndCompare('{ nodes { failing } at }')).toEqual({
      data: { nodes: null, at: 3 },
      isCompiled: true,
    });
  });

  it.each([
    ['a mutation', 'mutation { said(what: "x") }'],
    ['a directive', '{ node { id @include(if: true) } }'],
    ['a directive on a fragment', '{ ... @skip(if: false) { node { id } } }'],
    ['an underscore in an alias', '{ c_a: node { b: said } a: node { b_c: said } }'],
    ['the alias __proto__', '{ node { __proto__: id } }'],
    ['an alias of __typename', '{ node { a_b: __typename } }'],
    ['a variable that begins with underscores', 'query ($__9: String) { said(what: $__9) }'],
    ['an interface', '{ one { id } }'],
    ['introspection', '{ __type(name: "Node") { name } }'],
    [
      '101 fields',
      `{ ${range(101)
        .map((index) => `a${index}: at`)
        .join(' ')} }`,
    ],
    [
      'nested fragments that expand to more than 100 fields',
      `{ node { ...F0 } } ${range(9)
        .map((index) => `fragment F${index} on Node { a: node { ...F${index + 1} } b: node { ...F${index + 1} } }`)
        .join('\n')} fragment F9 on Node { id }`,
    ],
  ])('is not used for %s', async (_, text) => {
    expect((await executeAndCompare(text)).isCompiled).toBe(false);
  });

  it('is used from the third execution of a document on', async () => {
    const { run, compiledCount } = createCountingExecutor(schema, { compileAt: 3 });
    const documents = range(20).map(() => parse('{ at }'));
    const counts: number[] = [];
    for (let round = 0; round < 4; round++) {
      for (const document of documents) {
        expect(await run(toValidRequest(schema, document))).toEqual({
          data: { at: 3 },
        });
      }
      counts.push(compiledCount());
    }
    expect(counts).toEqual([0, 0, 20, 20]);
  });

  it('is created for each operation of a document separately', async () => {
    const { run, compiledCount } = createCountingExecutor(schema);
    const document = parse(
      'query A { ...F } query B { node { id } ...F } query C($what: String) { said(what: $what) } fragment F on Query { at }',
    );
    const executeOperation = (operationName: string) =>
      run(toValidRequest(schema, document, { operationName, variables: { what: 'x' } }));
    for (let round = 0; round < 2; round++) {
      expect(await executeOperation('A')).toEqual({ data: { at: 3 } });
      expect(await executeOperation('B')).toEqual({ data: { node: { id: '1' }, at: 3 } });
      expect(await executeOperation('C')).toEqual({ data: { said: '{"what":"x"}' } });
    }
    expect(compiledCount()).toBe(3);
  });

  it('is created once by compileAhead, before the first execution', async () => {
    const { run, compileAhead, compiledCount } = createCountingExecutor(schema, { compileAt: 3 });
    const document = parse('query A { at } query B { node { id } }');
    compileAhead(document);
    expect(compiledCount()).toBe(2);
    for (let round = 0; round < 4; round++) {
      expect(await run(toValidRequest(schema, document, { operationName: 'A' }))).toEqual({
        data: { at: 3 },
      });
    }
    expect(compiledCount()).toBe(2);
  });

  it('is created by compileAhead for up to 128 queries', () => {
    const { compileAhead, compiledCount } = createCountingExecutor(schema);
    compileAhead(
      parse(
        `fragment F on Query { at } ${range(130)
          .map((index) => `query Q${index} { ...F }`)
          .join(' ')}`,
      ),
    );
    expect(compiledCount()).toBe(128);
  });

  it('is not created while compiling has used its share of the time', async () => {
    const clock = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    let count = 0;
    const { execute: run } = createExecutor(schema, {
      compileAt: 1,
      maxCompileShare: 0.25,
      // Compiling takes 10 ms each time.
      onCompiled: () => {
        count++;
        clock.mockReturnValue(performance.now() + 10);
      },
    });
    const counts: number[] = [];
    // A share of a quarter allows the next one 30 ms after the end of the first.
    for (const now of [1_000, 1_010, 1_039.9, 1_040, 1_050, 1_079.9, 1_080]) {
      clock.mockReturnValue(now);
      await run(toValidRequest(schema, parse('{ at }')));
      counts.push(count);
    }
    expect(counts).toEqual([1, 1, 1, 2, 2, 2, 3]);
  });

  it('executes the operation in place of graphql-js', async () => {
    const { run } = createCountingExecutor(schema);
    const document = parse('{ node { id } }');
    const arrays: unknown[] = [];
    onNode = ({ fieldNodes }) => arrays.push(fieldNodes);
    for (let round = 0; round < 2; round++) {
      await run(toValidRequest(schema, document));
    }
    // graphql-js creates an array for each execution.
    expect(arrays[0]).toBe(arrays[1]);
  });
});

function objectType(schema: GraphQLSchema, name: string): GraphQLObjectType {
  const type = schema.getType(name);
  if (!isObjectType(type)) throw new TypeError(`The schema has no type ${name}.`);
  return type;
}
