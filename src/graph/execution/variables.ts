// Coerces and checks the variables of an operation before its execution. Its messages quote no value, unlike those of graphql-js, which
// would repeat the whole input with the pre-shared key.
import {
  coerceInputValue,
  getNullableType,
  getVariableValues,
  type GraphQLError,
  type GraphQLInputType,
  type GraphQLSchema,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
  type VariableDefinitionNode,
} from 'graphql';
import { isObject } from '../../json.js';
import type { Config } from '../../config.js';
import { RequestError } from '../error-codes.js';
import { maxStringLength } from '../limits/document-limits.js';
import { describeUnknownValue, listEnumValues, matchExpectedType, matchMissingField } from '../errors.js';

const maxReportedProblems = 5;
// The check stops after this many: every few bytes of the input may be a problem.
const maxCountedProblems = 25;

/** Configuration of the check. Without `introspection`, messages name nothing of the schema that the client did not send. */
export type VariableLimits = Pick<Config, 'introspection' | 'maxListItems'>;

/** The variables of one operation. */
export interface OperationVariables {
  /** The declared variables that the client sent, as it sent them. */
  readonly declared: Readonly<Record<string, unknown>>;
  /** Coerced, by name, as graphql-js's getVariableValues returns them. */
  readonly coerced: Readonly<Record<string, unknown>>;
}

/**
 * Checks and coerces the variables that a client sent for an operation. Returns only those that the operation declares. Throws one
 * BAD_USER_INPUT error, which lists up to 5 problems.
 */
export type ReadVariables = (sent: Readonly<Record<string, unknown>>) => OperationVariables;

/** Creates the function that checks and coerces the variables of a valid operation. */
export function createVariableReader(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  { introspection, maxListItems }: VariableLimits,
): ReadVariables {
  const definitions = operation.variableDefinitions ?? [];
  if (definitions.length === 0) return () => noVariables;
  const declarations = toDeclarations(schema, definitions);
  return (sent) => {
    // Without a prototype, so that a variable named `__proto__` is one like any other.
    const declared: Record<string, unknown> = { __proto__: null };
    for (const { name } of declarations) if (Object.hasOwn(sent, name)) declared[name] = sent[name];
    const problems: string[] = [];
    let result: ReturnType<typeof getVariableValues> | undefined;
    const coerce = () => (result ??= getVariableValues(schema, definitions, declared, { maxErrors: 1 })).coerced;
    for (const { name, type, hasDefault } of declarations) {
      const value = declared[name];
      if (value === undefined || value === null) {
        const isMissing = value === null || !hasDefault;
        if (isMissing && isNonNullType(type)) problems.push(toMissingVariable(name, type, introspection));
        continue;
      }
      const excess = findExcess(value, type, maxListItems);
      if (excess !== undefined) {
        problems.push(`$${[name, ...excess.path].join('.')} ${excess.problem}`);
        continue;
      }
      if (coerce() === undefined) {
        collectProblems(value, type, (path, { message }) => {
          const location = [`$${name}`, ...path].join('.');
          return problems.push(
            introspection
              ? toProblem(schema, location, path.length === 0 ? type : undefined, message)
              : toMaskedProblem(location, message),
          );
        });
      }
    }
    const values = problems.length === 0 ? coerce() : undefined;
    if (values !== undefined) return { declared, coerced: values };
    throw toError(problems);
  };
}

const noVariables: OperationVariables = { declared: {}, coerced: {} };

/** A variable as an operation declares it. */
interface Declaration {
  readonly name: string;
  readonly type: GraphQLInputType;
  readonly hasDefault: boolean;
}

function toDeclarations(schema: GraphQLSchema, definitions: readonly VariableDefinitionNode[]): readonly Declaration[] {
  return definitions.flatMap(({ variable, type: typeNode, defaultValue }) => {
    const type = typeFromAST(schema, typeNode);
    if (!isInputType(type)) return [];
    return [{ name: variable.name.value, type, hasDefault: defaultValue !== undefined }];
  });
}

function toError(problems: readonly string[]): RequestError {
  const remaining = problems.length - maxReportedProblems;
  const more = remaining > 0 ? ` (and ${remaining}${problems.length < maxCountedProblems ? '' : ' or'} more)` : '';
  return new RequestError(
    'BAD_USER_INPUT',
    `The variables are invalid: ${problems.slice(0, maxReportedProblems).join('; ')}${more}.`,
  );
}

class TooManyProblems extends Error {}

/** Makes graphql-js coerce a value, to collect its errors. `report` returns the number of problems so far; stops at `maxCountedProblems`. */
function collectProblems(
  value: unknown,
  type: GraphQLInputType,
  report: (path: readonly (string | number)[], error: GraphQLError) => number,
): void {
  try {
    const onError = (path: readonly (string | number)[], _value: unknown, error: GraphQLError) => {
      if (report(path, error) >= maxCountedProblems) throw new TooManyProblems();
    };
    // Without suggestions, which these messages do not use.
    coerceInputValue(value, type, onError, true);
  } catch (thrown) {
    if (!(thrown instanceof TooManyProblems)) throw thrown;
  }
}

/** A list or a string that is too long. */
interface Excess {
  readonly path: readonly (string | number)[];
  readonly problem: string;
}

// Follows the type, so it never visits a part of the value that the type does not declare, however large or deep.
function findExcess(value: unknown, type: GraphQLInputType, maxItems: number): Excess | undefined {
  if (typeof value === 'string') {
    return value.length > maxStringLength
      ? { path: [], problem: `has more than ${maxStringLength} characters` }
      : undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const nullable = getNullableType(type);
  if (isListType(nullable)) {
    if (!Array.isArray(value)) return findExcess(value, nullable.ofType, maxItems);
    if (maxItems > 0 && value.length > maxItems) {
      return { path: [], problem: `has a list of more than ${maxItems} items (MAX_LIST_ITEMS)` };
    }
    for (const [index, item] of value.entries()) {
      const excess = findExcess(item, nullable.ofType, maxItems);
      if (excess !== undefined) return { ...excess, path: [index, ...excess.path] };
    }
  } else if (isInputObjectType(nullable) && isObject(value)) {
    const fields = nullable.getFields();
    for (const name in fields) {
      const field = fields[name];
      const excess = field && findExcess(value[name], field.type, maxItems);
      if (excess !== undefined) return { ...excess, path: [name, ...excess.path] };
    }
  }
  return undefined;
}

function toMissingVariable(name: string, type: GraphQLInputType, introspection: boolean): string {
  return `$${name}${introspection ? ` of type ${type.toString()}` : ''} is missing or null`;
}

const nullForNonNull = /^Expected non-nullable type "[\w![\]]+" not to be null\.$/;
// The unknown field's name must not be repeated: it may be a secret in the wrong place.
const unknownField = /^Field ".*" is not defined by type "(\w+)"\.$/s;

/** Describes a problem from graphql-js's message. `declaredType` is the variable's, if the problem is at the variable itself. */
function toProblem(
  schema: GraphQLSchema,
  location: string,
  declaredType: GraphQLInputType | undefined,
  message: string,
): string {
  const missing = matchMissingField(message);
  if (missing !== undefined) return `${location}: ${missing.slice(0, -1)}`;
  const unknownFieldOf = unknownField.exec(message)?.[1];
  if (unknownFieldOf !== undefined) return `${location} has a field that ${unknownFieldOf} does not define`;
  if (nullForNonNull.test(message)) return `${location} must not be null`;
  const type = matchExpectedType(message);
  const values = type === undefined ? undefined : listEnumValues(schema, type);
  if (type !== undefined && values !== undefined) return `${location}: ${describeUnknownValue(type, values)}`;
  const expected = declaredType?.toString() ?? type;
  return expected === undefined ? `${location} is of the wrong type` : `${location} must be of type ${expected}`;
}

/** Describes a problem by its location only, which consists of names that the client sent. */
function toMaskedProblem(location: string, message: string): string {
  if (matchMissingField(message) !== undefined) return `${location} lacks a required field`;
  if (unknownField.test(message)) return `${location} has an unknown field`;
  return nullForNonNull.test(message) ? `${location} must not be null` : `${location} has an invalid value`;
}
