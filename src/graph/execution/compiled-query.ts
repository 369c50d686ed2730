// One query, compiled by graphql-jit into a function. What graphql-jit gets wrong is kept away from it here: it is given a copy of the
// query without a single value of the caller's, and its errors are made graphql-js's own again. It knows no cache.
import {
  type ArgumentNode,
  BREAK,
  type DocumentNode,
  type ExecutionResult,
  type FieldNode,
  type FragmentDefinitionNode,
  getArgumentValues,
  getNamedType,
  getNullableType,
  GraphQLError,
  type GraphQLField,
  type GraphQLOutputType,
  GraphQLScalarType,
  GraphQLSchema,
  isAbstractType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  locatedError,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
  separateOperations,
  TypeInfo,
  type VariableDefinitionNode,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { compileQuery, isCompiledQuery } from 'graphql-jit';

/**
 * Runs a compiled query. Takes variables as graphql-js's getVariableValues gives them. Gives undefined, and has called no resolver,
 * where an argument cannot be made from them: what is to be told of that is graphql-js's to say.
 */
export type CompiledQuery = (
  variables: Readonly<Record<string, unknown>>,
  contextValue: unknown,
) => Promise<ExecutionResult> | ExecutionResult | undefined;

/** The most fields, its fragments written out, that a query may have to be compiled: the time for that grows faster than they do. */
export const mostFields = 100;

/** Makes compilers of queries: one for each schema. */
export function createCompiler(
  schema: GraphQLSchema,
): (document: DocumentNode, operation: OperationDefinitionNode) => CompiledQuery | undefined {
  const types = schema.toConfig();
  // graphql-jit coerces variables a second time, by rules that are not quite GraphQL's; of this type it lets every value pass.
  const jitSchema = new GraphQLSchema({ ...types, types: [...types.types, passed], assumeValid: true });
  return (document, operation) => {
    const alone = separateOperations(document)[operation.name?.value ?? ''];
    const plan = alone && toPlan(schema, alone, operation);
    return plan && compile(schema, jitSchema, operation, plan);
  };
}

const passed = new GraphQLScalarType({ name: 'PassedToCompiledQuery', parseValue: (value) => value });

/** A field that takes arguments, and the variables by which graphql-jit is handed them. */
interface Call {
  readonly field: GraphQLField<unknown, unknown>;
  readonly node: FieldNode;
  readonly variables: ReadonlyMap<string, string>;
}

interface Plan {
  /** The query as graphql-jit is to see it. */
  readonly document: DocumentNode;
  readonly calls: readonly Call[];
  /** The fields as they were sent, and their types, by where they stand. */
  readonly fields: ReadonlyMap<string, { readonly node: FieldNode; readonly type: GraphQLOutputType }>;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
}

/**
 * What graphql-jit is to compile; undefined where graphql-js must do it. Each of these is kept from graphql-jit (0.8.9):
 *
 * - Values. It writes literals into the code that it generates, and one that begins with a certain mark is run. It reads an unset variable
 *   in an input object as null, and coerces variables in its own way. So all arguments are taken out of the query, and their values, which
 *   graphql-js makes of literals, variables and defaults, are handed over as variables.
 * - `@skip` and `@include`: it visits a fragment once even where that spread was skipped, mixes up the conditions of a fragment that is
 *   spread in several places, and hands resolvers the nodes of what was skipped, so that they would read too much.
 * - Underscores in aliases: it keeps the `info` of each field by its path joined with underscores, so that `a_b.c` gets that of `a.b_c`;
 *   and an alias `__proto__` sets a prototype. A variable of two underscores could be one of those that are made here.
 * - Interfaces, unions and types with isTypeOf, which may be asynchronous, and throw: it waits for no promise there.
 * - Introspection, and mutations, whose fields must run one after the other.
 * - What is very large: it writes fragments out wherever they are spread.
 */
function toPlan(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): Plan | undefined {
  if (operation.operation !== OperationTypeNode.QUERY || countFields(document, operation) > mostFields)
    return undefined;
  const typeInfo = new TypeInfo(schema);
  const calls: Call[] = [];
  const fields = new Map<string, { node: FieldNode; type: GraphQLOutputType }>();
  const definitions: VariableDefinitionNode[] = [];
  let fits = true;
  const give = (name: string): string => {
    definitions.push({
      kind: Kind.VARIABLE_DEFINITION,
      variable: { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: name } },
      type: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: passed.name } },
    });
    return name;
  };
  const enter = (node: FieldNode): unknown => {
    const field = typeInfo.getFieldDef();
    const place = toPlace(node);
    if (!field || place === undefined || !isPlainField(node) || !isPlainType(getNamedType(field.type))) {
      fits = false;
      return BREAK;
    }
    fields.set(place, { node, type: field.type });
    return undefined;
  };
  const leave = (copy: FieldNode): FieldNode => {
    const field = typeInfo.getFieldDef();
    const node = fields.get(toPlace(copy) ?? '')?.node;
    if (!field || !node || field.args.length === 0) return { ...copy };
    const variables = new Map(field.args.map(({ name }, index) => [name, give(`__${calls.length}_${index}`)]));
    calls.push({ field, node, variables });
    return { ...copy, arguments: [...variables].map(([name, variable]) => toArgument(name, variable)) };
  };
  for (const { variable } of operation.variableDefinitions ?? []) {
    // Handed over unchanged for `info.variableValues`.
    fits &&= !variable.name.value.startsWith('_');
    give(variable.name.value);
  }
  const copy: DocumentNode = visit(
    document,
    visitWithTypeInfo(typeInfo, {
      Directive: () => {
        fits = false;
        return BREAK;
      },
      VariableDefinition: () => false,
      Field: { enter, leave },
    }),
  );
  if (!fits) return undefined;
  const fragments = document.definitions.filter((each) => each.kind === Kind.FRAGMENT_DEFINITION);
  return {
    document: {
      ...copy,
      definitions: copy.definitions.map((each) =>
        each.kind === Kind.OPERATION_DEFINITION ? { ...each, variableDefinitions: definitions } : each,
      ),
    },
    calls,
    fields,
    fragments: Object.fromEntries(fragments.map((each) => [each.name.value, each])),
  };
}

function isPlainField({ alias, name }: FieldNode): boolean {
  if (name.value.startsWith('__')) return name.value === '__typename' && alias === undefined;
  return /^[A-Za-z][A-Za-z0-9]*$/.test((alias ?? name).value);
}

function isPlainType(type: unknown): boolean {
  return !isAbstractType(type) && !(isObjectType(type) && type.isTypeOf);
}

function toArgument(name: string, variable: string): ArgumentNode {
  return {
    kind: Kind.ARGUMENT,
    name: { kind: Kind.NAME, value: name },
    value: { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: variable } },
  };
}

/** Where a field stands in its document; no two stand in the same place. */
function toPlace({ loc }: FieldNode): string | undefined {
  return loc && `${loc.startToken.line}:${loc.startToken.column}`;
}

/** The fields of an operation with its fragments written out; each fragment is gone through once, however often it is spread. */
function countFields(document: DocumentNode, operation: OperationDefinitionNode): number {
  const counts = new Map<string, number>();
  const fragments = new Map(
    document.definitions.flatMap((each) =>
      each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each.selectionSet]] : [],
    ),
  );
  const count = (set: SelectionSetNode | undefined): number => {
    let sum = 0;
    for (const selection of set?.selections ?? []) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) sum += countFragment(selection.name.value);
      else sum += count(selection.selectionSet) + (selection.kind === Kind.FIELD ? 1 : 0);
    }
    return sum;
  };
  const countFragment = (name: string): number => {
    const known = counts.get(name) ?? count(fragments.get(name));
    counts.set(name, known);
    return known;
  };
  return count(operation.selectionSet);
}

function compile(
  schema: GraphQLSchema,
  jitSchema: GraphQLSchema,
  operation: OperationDefinitionNode,
  { document, calls, fields, fragments }: Plan,
): CompiledQuery | undefined {
  const compiled = compileQuery(jitSchema, document, '', {
    disablingCapturingStackErrors: true,
    // What resolvers are told of the query is what was sent.
    resolverInfoEnricher: ({ fieldNodes }) => ({
      schema,
      operation,
      fragments,
      fieldNodes: fieldNodes.map((node) => fields.get(toPlace(node) ?? '')?.node ?? node),
    }),
  });
  if (!isCompiledQuery(compiled)) return undefined;
  const toResult = (result: ExecutionResult): ExecutionResult =>
    result.errors === undefined ? result : { ...result, errors: toErrors(result.errors, result.data, fields) };
  return (variables, contextValue) => {
    const values = toValues(calls, variables);
    if (values === undefined) return undefined;
    const result = compiled.query(undefined, contextValue, values);
    return 'then' in result ? result.then(toResult) : toResult(result);
  };
}

/** The variables of graphql-jit's query: those that were sent, and all arguments. Undefined where an argument has no good value. */
function toValues(
  calls: readonly Call[],
  sent: Readonly<Record<string, unknown>>,
): Record<string, unknown> | undefined {
  const values = { ...sent };
  for (const { field, node, variables } of calls) {
    let args: Record<string, unknown>;
    try {
      args = getArgumentValues(field, node, sent);
    } catch (error) {
      if (error instanceof GraphQLError) return undefined;
      throw error;
    }
    for (const [name, variable] of variables) if (Object.hasOwn(args, name)) values[variable] = args[name];
  }
  return values;
}

/**
 * graphql-jit's errors as graphql-js makes them, from what was thrown, with the nodes that were sent. Where several fields that must not
 * be null have taken the same object along, graphql-js tells of the first alone.
 */
function toErrors(errors: readonly GraphQLError[], data: unknown, fields: Plan['fields']): readonly GraphQLError[] {
  const told = new Set<string>();
  return errors.flatMap((error) => {
    const path = error.path ?? [];
    const [field, ...others] = (error.locations ?? []).flatMap(({ line, column }) => {
      const each = fields.get(`${line}:${column}`);
      return each === undefined ? [] : [each];
    });
    const nodes = field === undefined ? [] : [field.node, ...others.map(({ node }) => node)];
    if (field !== undefined && !isNullable(field.type, path)) {
      const nulled = JSON.stringify(toNulled(data, path));
      if (told.has(nulled)) return [];
      told.add(nulled);
    }
    const { message, originalError } = error;
    return [
      originalError === undefined
        ? new GraphQLError(message, { nodes, path })
        : locatedError(originalError, nodes, path),
    ];
  });
}

/** Whether null may stand at a path that ends in a field of a type, or in an entry of its list. */
function isNullable(type: GraphQLOutputType, path: readonly (string | number)[]): boolean {
  let at: GraphQLOutputType = type;
  for (let index = path.length - 1; typeof path[index] === 'number'; index--) {
    const list = getNullableType(at);
    if (isListType(list)) at = list.ofType;
  }
  return !isNonNullType(at);
}

/** The beginning of a path at which the data ends in null. */
function toNulled(data: unknown, path: readonly (string | number)[]): readonly (string | number)[] {
  let current = data;
  for (const [depth, key] of path.entries()) {
    if (typeof current !== 'object' || current === null) return path.slice(0, depth);
    current = Reflect.get(current, key);
  }
  return path;
}
