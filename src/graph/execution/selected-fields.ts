// Collects the fields selected below a field, with fragments, @skip and @include applied. Resolvers use them to start the REST calls that
// a selection needs together, and to make no others.
import { collectSubFields } from '@graphql-tools/utils';
import { type FieldNode, getNamedType, type GraphQLResolveInfo, isObjectType } from 'graphql';

// By field nodes, then by path. graphql-js passes the same array of nodes for all rows of a list, so one list collects once. A compiled query,
// in which nothing depends on variables, passes the same array in all its executions.
const cache = new WeakMap<readonly FieldNode[], Map<string, ReadonlySet<string>>>();

/** Returns the names of the fields selected below a field, or below its descendants at `path`. Returns an empty set if there are none. */
export function collectSelectedFields(info: GraphQLResolveInfo, ...path: readonly string[]): ReadonlySet<string> {
  const key = path.join('.');
  const cachedByPath = cache.get(info.fieldNodes) ?? new Map<string, ReadonlySet<string>>();
  const cached = cachedByPath.get(key);
  if (cached !== undefined) return cached;
  const fields = collect(info, path);
  cache.set(info.fieldNodes, cachedByPath.set(key, fields));
  return fields;
}

function collect(info: GraphQLResolveInfo, path: readonly string[]): ReadonlySet<string> {
  let type = getNamedType(info.returnType);
  let nodes: readonly FieldNode[] = info.fieldNodes;
  for (const name of path) {
    nodes = toSubFields(info, type, nodes).filter((node) => node.name.value === name);
    const field = isObjectType(type) ? type.getFields()[name] : undefined;
    if (field === undefined) throw new TypeError(`${type.name} has no field ${name}.`);
    type = getNamedType(field.type);
  }
  return new Set(toSubFields(info, type, nodes).map((node) => node.name.value));
}

function toSubFields(info: GraphQLResolveInfo, type: unknown, nodes: readonly FieldNode[]): readonly FieldNode[] {
  if (!isObjectType(type) || nodes.length === 0) return [];
  // collectSubFields takes variables in the form of graphql 17, and reads `coerced` only.
  const variables = { coerced: info.variableValues, sources: {} };
  return [...collectSubFields(info.schema, info.fragments, variables, type, [...nodes]).fields.values()].flat();
}
