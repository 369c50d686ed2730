// Collects and counts the fields selected below a field, with fragments, @skip and @include applied. Resolvers use the names to start the
// REST calls that a selection needs together, and to make no others. The result budget uses the counts.
import { collectSubFields } from '@graphql-tools/utils';
import {
  type FieldNode,
  getNamedType,
  getNullableType,
  type GraphQLResolveInfo,
  isAbstractType,
  isListType,
  isObjectType,
} from 'graphql';

// By field nodes, then by path. graphql-js passes the same array of nodes for all rows of a list, so one list collects once. A compiled query,
// in which nothing depends on variables, passes the same array in all its executions.
const cache = new WeakMap<readonly FieldNode[], Map<string, ReadonlySet<string>>>();
const sizeCache = new WeakMap<readonly FieldNode[], RowSize>();

/** The size of one row of a list, up to the next list below it. */
export interface RowSize {
  /** Number of fields and objects: the row itself, and all fields below it. Fields of nested objects count, whether or not one is null. */
  readonly fields: number;
  /** Time that it takes to execute the row, in fields without arguments. */
  readonly work: number;
}

// A field with arguments is a connection, which takes about 30 µs. graphql-js takes about 1 µs for any other field.
const workWithArguments = 30;

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

/** Measures one row of a list field. */
export function toRowSize(info: GraphQLResolveInfo): RowSize {
  const cached = sizeCache.get(info.fieldNodes);
  if (cached !== undefined) return cached;
  const size = { fields: 0, work: 0 };
  addFields(size, info, getNamedType(info.returnType), info.fieldNodes);
  sizeCache.set(info.fieldNodes, size);
  return size;
}

function addFields(
  size: { fields: number; work: number },
  info: GraphQLResolveInfo,
  type: unknown,
  nodes: readonly FieldNode[],
): void {
  if (isAbstractType(type)) {
    // The types of the rows are not known yet, so each counts as the largest.
    const sizes = info.schema.getPossibleTypes(type).map((possibleType) => {
      const possibleSize = { fields: 0, work: 0 };
      addFields(possibleSize, info, possibleType, nodes);
      return possibleSize;
    });
    size.fields += Math.max(...sizes.map(({ fields }) => fields));
    size.work += Math.max(...sizes.map(({ work }) => work));
    return;
  }
  size.fields++;
  size.work++;
  if (!isObjectType(type)) return;
  const fields = type.getFields();
  for (const subNodes of toSubFields(info, type, nodes)) {
    const field = fields[subNodes[0]?.name.value ?? ''];
    if (field !== undefined && field.args.length > 0) size.work += workWithArguments;
    const isLeaf = field === undefined || isListType(getNullableType(field.type));
    addFields(size, info, isLeaf ? undefined : getNamedType(field.type), subNodes);
  }
}

function collect(info: GraphQLResolveInfo, path: readonly string[]): ReadonlySet<string> {
  let type = getNamedType(info.returnType);
  let nodes: readonly FieldNode[] = info.fieldNodes;
  for (const name of path) {
    nodes = toSubFields(info, type, nodes)
      .flat()
      .filter((node) => node.name.value === name);
    const field = isObjectType(type) ? type.getFields()[name] : undefined;
    if (field === undefined) throw new TypeError(`${type.name} has no field ${name}.`);
    type = getNamedType(field.type);
  }
  return new Set(
    toSubFields(info, type, nodes)
      .flat()
      .map((node) => node.name.value),
  );
}

/** Returns the nodes selected below a field, grouped by the name that they have in the response. */
function toSubFields(
  info: GraphQLResolveInfo,
  type: unknown,
  nodes: readonly FieldNode[],
): readonly (readonly FieldNode[])[] {
  if (!isObjectType(type) || nodes.length === 0) return [];
  // collectSubFields takes variables in the form of graphql 17, and reads `coerced` only.
  const variables = { coerced: info.variableValues, sources: {} };
  return [...collectSubFields(info.schema, info.fragments, variables, type, [...nodes]).fields.values()];
}
