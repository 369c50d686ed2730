// What a field's selection asks for, fragments, @skip and @include taken into account: so that no REST call is made for what nobody
// reads, and those that are needed begin together.
import { collectSubFields } from '@graphql-tools/utils';
import { type FieldNode, getNamedType, type GraphQLResolveInfo, isObjectType } from 'graphql';

// By the variables, which are one object for an operation, and by the field's nodes, which are one array for all rows of a list: what
// a row's field asks for is looked at once.
const known = new WeakMap<object, WeakMap<object, ReadonlySet<string>>>();

/** The names of the fields selected below a field. Empty where nothing is selected there. */
export function selectedFields(info: GraphQLResolveInfo): ReadonlySet<string> {
  const ofOperation = known.get(info.variableValues) ?? new WeakMap<object, ReadonlySet<string>>();
  const fields = ofOperation.get(info.fieldNodes) ?? selectedFieldsBelow(info);
  known.set(info.variableValues, ofOperation.set(info.fieldNodes, fields));
  return fields;
}

/** As selectedFields, but further down: below the fields of each name in turn. */
export function selectedFieldsBelow(info: GraphQLResolveInfo, ...path: readonly string[]): ReadonlySet<string> {
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
