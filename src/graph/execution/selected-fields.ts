// What a field's selection asks for, fragments, @skip and @include taken into account: so that no REST call is made for what nobody
// reads, and those that are needed begin together.
import { collectSubFields } from '@graphql-tools/utils';
import { type FieldNode, getNamedType, type GraphQLResolveInfo, isObjectType } from 'graphql';

// By the field's nodes, and by the way from there. They are one array for all rows of a list, whose fields are so looked at once; and for
// all executions of a query that is compiled, in which nothing depends on variables. Every other execution has arrays of its own.
const known = new WeakMap<readonly FieldNode[], Map<string, ReadonlySet<string>>>();

/** The names of the fields selected below a field, or below the fields of each name in turn. Empty where nothing is selected there. */
export function selectedFields(info: GraphQLResolveInfo, ...path: readonly string[]): ReadonlySet<string> {
  const way = path.join('.');
  const ofNodes = known.get(info.fieldNodes) ?? new Map<string, ReadonlySet<string>>();
  const fields = ofNodes.get(way);
  if (fields !== undefined) return fields;
  const collected = collect(info, path);
  known.set(info.fieldNodes, ofNodes.set(way, collected));
  return collected;
}

function collect(info: GraphQLResolveInfo, path: readonly string[]): ReadonlySet<string> {
  let type = getNamedType(info.returnType);
  let nodes: readonly FieldNode[] = info.fieldNodes;
  for (const name of path) {
    nodes = below(info, type, nodes).filter((node) => node.name.value === name);
    const field = isObjectType(type) ? type.getFields()[name] : undefined;
    if (field === undefined) throw new TypeError(`${type.name} has no field ${name}.`);
    type = getNamedType(field.type);
  }
  return new Set(below(info, type, nodes).map((node) => node.name.value));
}

function below(info: GraphQLResolveInfo, type: unknown, nodes: readonly FieldNode[]): readonly FieldNode[] {
  if (!isObjectType(type) || nodes.length === 0) return [];
  // The form of variables that graphql 17 has; only the values are read.
  const variables = { coerced: info.variableValues, sources: {} };
  return [...collectSubFields(info.schema, info.fragments, variables, type, [...nodes]).fields.values()].flat();
}
