// Which fields collectSelectedFields returns below a field.
import { describe, expect, it } from '@jest/globals';
import { buildSchema, graphqlSync, type GraphQLResolveInfo, isObjectType } from 'graphql';
import { collectSelectedFields } from '../../../src/graph/execution/selected-fields.js';

const schema = buildSchema(`
  type Query { node: Node, nodes: [Node!]!, leaf: Int }
  type Node { id: ID, node: Node, list: [Node!]!, leaf: Leaf }
  type Leaf { name: String }
`);

/** Executes a query, and calls `inspect` with the info of each root field. */
function execute(
  query: string,
  inspect: (info: GraphQLResolveInfo) => void,
  variableValues: Readonly<Record<string, unknown>> = {},
): void {
  const type = schema.getType('Query');
  if (!isObjectType(type)) throw new TypeError('The schema has no Query.');
  for (const field of Object.values(type.getFields())) {
    field.resolve = (_source, _args, _context, info) => {
      inspect(info);
      return field.name === 'nodes' ? [] : null;
    };
  }
  const { errors } = graphqlSync({ schema, source: query, variableValues });
  if (errors !== undefined) throw new Error('The query failed.', { cause: errors });
}

/** Returns the fields selected below the root field of a query, or below its descendants at `path`, sorted. */
function collect(query: string, path: readonly string[] = [], variables?: Record<string, unknown>): readonly string[] {
  let fields: readonly string[] | undefined;
  execute(
    query,
    (info) => {
      fields = [...collectSelectedFields(info, ...path)].toSorted();
    },
    variables,
  );
  if (fields === undefined) throw new Error('The query has no root field.');
  return fields;
}

describe('collectSelectedFields', () => {
  it.each<[string, string[], string[]]>([
    ['{ node { id node { id } } }', [], ['id', 'node']],
    ['{ nodes { id leaf { name } } }', [], ['id', 'leaf']],
    ['{ node { a: id b: id } }', [], ['id']],
    ['{ node { __typename } }', [], ['__typename']],
    ['{ leaf }', [], []],
    ['{ node { id node { leaf { name } } } }', ['node'], ['leaf']],
    ['{ node { list { id node { leaf { name } } } } }', ['list', 'node'], ['leaf']],
    ['{ node { a: node { id } b: node { leaf { name } } list { list { id } } } }', ['node'], ['id', 'leaf']],
    ['{ node { id } }', ['node'], []],
    ['{ node { id } }', ['node', 'leaf'], []],
    ['{ node { node { ...F } } } fragment F on Node { id ... { leaf { name } } }', ['node'], ['id', 'leaf']],
    ['{ node { id } node { leaf { name } } }', [], ['id', 'leaf']],
  ])('returns the fields of %s', (query, path, fields) => {
    expect(collect(query, path)).toEqual(fields);
  });

  it('applies @skip and @include with the variables of the execution', () => {
    const query = 'query ($v: Boolean!) { node { id @skip(if: $v) leaf @include(if: $v) { name } } }';
    expect(collect(query, [], { v: true })).toEqual(['leaf']);
    expect(collect(query, [], { v: false })).toEqual(['id']);
  });

  it('throws TypeError for a path that the schema does not have', () => {
    execute('{ node { id } leaf }', (info) => {
      const name = info.fieldName === 'leaf' ? 'Int' : 'Node';
      expect(() => collectSelectedFields(info, 'unknown')).toThrow(new TypeError(`${name} has no field unknown.`));
    });
  });

  it('returns the same set for the same field and path, and another for another path', () => {
    execute('{ node { id node { leaf { name } node { id } } } }', (info) => {
      const fields = collectSelectedFields(info, 'node');
      expect(collectSelectedFields(info, 'node')).toBe(fields);
      expect([...collectSelectedFields(info)]).toEqual(['id', 'node']);
      expect([...collectSelectedFields(info, 'node', 'node')]).toEqual(['id']);
      expect(collectSelectedFields(info, 'node')).toBe(fields);
    });
  });
});
