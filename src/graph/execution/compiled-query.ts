// Compiles one query with graphql-jit, and shields graphql-jit from what it handles wrongly. It sees a copy of the query without any input
// value, and its errors are converted to those of graphql-js.
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
  separateOperations,
  TypeInfo,
  type VariableDefinitionNode,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { compileQuery, isCompiledQuery } from 'graphql-jit';
import { countFields } from './operation-fields.js';

/**
 * Runs a compiled query with coerced variables, as graphql-js's getVariableValues returns them. Returns undefined, without a call of any
 * resolver, if an argument cannot be coerced: graphql-js must execute the query then, to report the error.
 */
export type CompiledQuery = (
  variables: Readonly<Record<string, unknown>>,
  contextValue: unknown,
) => Promise<ExecutionResult> | ExecutionResult | undefined;

/** Maximum number of fields, fragments expanded, of a query to compile. Compile time grows faster than the number of fields. */
export const maxCompiledFields = 100;

/** Creates the compiler of a schema. It returns undefined for a query that graphql-js must execute. */
export function createCompiler(
  schema: GraphQLSchema,
): (document: DocumentNode, operation: OperationDefinitionNode) => CompiledQuery | undefined {
  const config = schema.toConfig();
  // graphql-jit coerces variables a second time, by rules that differ from GraphQL's. It passes every value of this type unchanged.
  const jitSchema = new GraphQLSchema({ ...config, types: [...config.types, passThrough], assumeValid: true });
  return (document, operation) => {
    const ownDocument = separateOperations(document)[operation.name?.value ?? ''];
    const plan = ownDocument && toPlan(schema, ownDocument, operation);
    return plan && compile(schema, jitSchema, operation, plan);
  };
}

const passThrough = new GraphQLScalarType({ name: 'PassedToCompiledQuery', parseValue: (value) => value });

/** A selected field with arguments, and the variables that carry them, by argument name. */
interface FieldWithArguments {
  readonly field: GraphQLField<unknown, unknown>;
  readonly node: FieldNode;
  readonly variables: ReadonlyMap<string, string>;
}

interface Plan {
  /** The document that graphql-jit compiles. */
  readonly document: DocumentNode;
  readonly fieldsWithArguments: readonly FieldWithArguments[];
  /** The fields that the client sent, and their types, by position. */
  readonly fields: ReadonlyMap<string, { readonly node: FieldNode; readonly type: GraphQLOutputType }>;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
}

/**
 * Plans the document that graphql-jit compiles. Returns undefined if graphql-js must execute the query. graphql-jit (0.8.9) must not see:
 *
 * - Values. It writes literals into the code that it generates, and runs one that begins with a certain marker. It reads an unset
 *   variable in an input object as null, and coerces variables by its own rules. So the plan removes all arguments: graphql-js
 *   computes their values, and the compiled query receives them as variables.
 * - `@skip` and `@include`. It visits a fragment once, even if that spread was skipped. It confuses the conditions of a fragment that is
 *   spread several times. It passes skipped nodes to resolvers, which would then read too much.
 * - Underscores in aliases. It stores the `info` of each field by its path joined with underscores, so that `a_b.c` gets that of `a.b_c`.
 *   An alias `__proto__` sets a prototype. A variable with two leading underscores could collide with a generated one.
 * - Interfaces, unions, and types with isTypeOf. isTypeOf may throw or return a promise, which it does not await.
 * - Introspection.
 * - Mutations, whose fields must run one after the other.
 * - Very large queries: it expands a fragment wherever it is spread.
 */
function toPlan(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): Plan | undefined {
  if (operation.operation !== OperationTypeNode.QUERY || countFields(document, operation) > maxCompiledFields)
    return undefined;
  const typeInfo = new TypeInfo(schema);
  const fieldsWithArguments: FieldWithArguments[] = [];
  const fields = new Map<string, { node: FieldNode; type: GraphQLOutputType }>();
  const variableDefinitions: VariableDefinitionNode[] = [];
  let canCompile = true;
  const define = (name: string): string => {
    variableDefinitions.push({
      kind: Kind.VARIABLE_DEFINITION,
      variable: { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: name } },
      type: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: passThrough.name } },
    });
    return name;
  };
  const enter = (node: FieldNode): unknown => {
    const field = typeInfo.getFieldDef();
    const position = toPosition(node);
    if (!field || position === undefined || !isPlainField(node) || !isPlainType(getNamedType(field.type))) {
      canCompile = false;
      return BREAK;
    }
    fields.set(position, { node, type: field.type });
    return undefined;
  };
  const leave = (copy: FieldNode): FieldNode => {
    const field = typeInfo.getFieldDef();
    const node = fields.get(toPosition(copy) ?? '')?.node;
    if (!field || !node || field.args.length === 0) return { ...copy };
    const variables = new Map(
      field.args.map(({ name }, index) => [name, define(`__${fieldsWithArguments.length}_${index}`)]),
    );
    fieldsWithArguments.push({ field, node, variables });
    return { ...copy, arguments: [...variables].map(([name, variable]) => toArgument(name, variable)) };
  };
  for (const { variable } of operation.variableDefinitions ?? []) {
    // Passed unchanged, for `info.variableValues`.
    canCompile &&= !variable.name.value.startsWith('_');
    define(variable.name.value);
  }
  const copy: DocumentNode = visit(
    document,
    visitWithTypeInfo(typeInfo, {
      Directive: () => {
        canCompile = false;
        return BREAK;
      },
      VariableDefinition: () => false,
      Field: { enter, leave },
    }),
  );
  if (!canCompile) return undefined;
  const fragments = document.definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION);
  return {
    document: {
      ...copy,
      definitions: copy.definitions.map((definition) =>
        definition.kind === Kind.OPERATION_DEFINITION ? { ...definition, variableDefinitions } : definition,
      ),
    },
    fieldsWithArguments,
    fields,
    fragments: Object.fromEntries(fragments.map((fragment) => [fragment.name.value, fragment])),
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

/** Returns the position of a field in its document, which no other field has. */
function toPosition({ loc }: FieldNode): string | undefined {
  return loc && `${loc.startToken.line}:${loc.startToken.column}`;
}

function compile(
  schema: GraphQLSchema,
  jitSchema: GraphQLSchema,
  operation: OperationDefinitionNode,
  { document, fieldsWithArguments, fields, fragments }: Plan,
): CompiledQuery | undefined {
  const compiled = compileQuery(jitSchema, document, '', {
    disablingCapturingStackErrors: true,
    // Resolvers must see the query that the client sent, not the copy.
    resolverInfoEnricher: ({ fieldNodes }) => ({
      schema,
      operation,
      fragments,
      fieldNodes: fieldNodes.map((node) => fields.get(toPosition(node) ?? '')?.node ?? node),
    }),
  });
  if (!isCompiledQuery(compiled)) return undefined;
  const toResult = (result: ExecutionResult): ExecutionResult =>
    result.errors === undefined ? result : { ...result, errors: toErrors(result.errors, result.data, fields) };
  return (variables, contextValue) => {
    const values = toValues(fieldsWithArguments, variables);
    if (values === undefined) return undefined;
    const result = compiled.query(undefined, contextValue, values);
    return 'then' in result ? result.then(toResult) : toResult(result);
  };
}

/** Returns the variables of the compiled query: the client's, and all arguments. Returns undefined if an argument cannot be coerced. */
function toValues(
  fieldsWithArguments: readonly FieldWithArguments[],
  coerced: Readonly<Record<string, unknown>>,
): Record<string, unknown> | undefined {
  const values = { ...coerced };
  for (const { field, node, variables } of fieldsWithArguments) {
    let args: Record<string, unknown>;
    try {
      args = getArgumentValues(field, node, coerced);
    } catch (error) {
      if (error instanceof GraphQLError) return undefined;
      throw error;
    }
    for (const [name, variable] of variables) if (Object.hasOwn(args, name)) values[variable] = args[name];
  }
  return values;
}

/**
 * Converts graphql-jit's errors to those of graphql-js: from the thrown value, with the client's nodes. If several non-null fields nullify the
 * same object, keeps the first error only, as graphql-js does.
 */
function toErrors(errors: readonly GraphQLError[], data: unknown, fields: Plan['fields']): readonly GraphQLError[] {
  const nullified = new Set<string>();
  return errors.flatMap((error) => {
    const path = error.path ?? [];
    const [field, ...others] = (error.locations ?? []).flatMap(({ line, column }) => {
      const match = fields.get(`${line}:${column}`);
      return match === undefined ? [] : [match];
    });
    const nodes = field === undefined ? [] : [field.node, ...others.map(({ node }) => node)];
    if (field !== undefined && !isNullable(field.type, path)) {
      const nullifiedPath = JSON.stringify(toNullifiedPath(data, path));
      if (nullified.has(nullifiedPath)) return [];
      nullified.add(nullifiedPath);
    }
    const { message, originalError } = error;
    return [
      originalError === undefined
        ? new GraphQLError(message, { nodes, path })
        : locatedError(originalError, nodes, path),
    ];
  });
}

/** Reports whether the value at a path may be null. `type` is that of the path's last field; list indexes may follow. */
function isNullable(type: GraphQLOutputType, path: readonly (string | number)[]): boolean {
  let current: GraphQLOutputType = type;
  for (let index = path.length - 1; typeof path[index] === 'number'; index--) {
    const list = getNullableType(current);
    if (isListType(list)) current = list.ofType;
  }
  return !isNonNullType(current);
}

/** Returns the prefix of a path at which the data is null. */
function toNullifiedPath(data: unknown, path: readonly (string | number)[]): readonly (string | number)[] {
  let current = data;
  for (const [depth, key] of path.entries()) {
    if (typeof current !== 'object' || current === null) return path.slice(0, depth);
    current = Reflect.get(current, key);
  }
  return path;
}
