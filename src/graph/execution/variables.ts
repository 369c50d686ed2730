// Checks an operation's variables before it is executed, and says what is wrong with them without repeating a value: graphql-js's
// own messages quote the whole input, pre-shared key and all.
import {
  coerceInputValue,
  getNullableType,
  getVariableValues,
  GraphQLError,
  type GraphQLInputType,
  type GraphQLSchema,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql';
import { isObject } from '../../cloudca/envelope.js';
import type { Config } from '../../config.js';
import { toMissingField } from '../errors.js';

// What is told of one request at most.
const mostFaults = 5;
// After so many faults no more are looked for: there may be one for every few bytes that were sent.
const enoughFaults = 25;

/** What variables are held to: without `introspection`, nothing is told of the schema that was not sent. */
export type VariableLimits = Pick<Config, 'introspection' | 'maxListItems'>;

// By the variables as they were sent, which are an operation's own: the check and the execution want them both.
const coerced = new WeakMap<object, { operation: OperationDefinitionNode; values: CoercedVariables | undefined }>();

/** Variables by their names, as graphql-js's getVariableValues gives them. */
export type CoercedVariables = Readonly<Record<string, unknown>>;

/** The variables of an operation, coerced; undefined where they do not fit. */
export function coerceVariables(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): CoercedVariables | undefined {
  const known = coerced.get(variables);
  if (known?.operation === operation) return known.values;
  const { coerced: values } = getVariableValues(schema, operation.variableDefinitions ?? [], variables, {
    maxErrors: 1,
  });
  coerced.set(variables, { operation, values });
  return values;
}

/** What is wrong with the variables of an operation, all in one error; undefined where nothing is. */
export function checkVariables(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
  { introspection, maxListItems }: VariableLimits,
): GraphQLError | undefined {
  const faults: string[] = [];
  const toFault = introspection ? toTypedFault : toHiddenFault;
  for (const { name, type, hasDefault, mayHoldLists } of toDeclared(schema, operation)) {
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value === undefined || value === null) {
      const isMissing = value === null || !hasDefault;
      if (isMissing && isNonNullType(type)) faults.push(toMissingVariable(name, type, introspection));
      continue;
    }
    if (maxListItems > 0 && mayHoldLists && hasLongList(value, type, maxListItems)) {
      faults.push(`$${name} has a list of more than ${maxListItems} items`);
      continue;
    }
    if (coerceVariables(schema, operation, variables) === undefined) {
      collectFaults(value, type, (path, error) => faults.push(toFault(name, type, path, error)));
    }
  }
  if (faults.length === 0) return undefined;
  const left = faults.length - mostFaults;
  const more = left > 0 ? ` (and ${left}${faults.length < enoughFaults ? '' : ' or'} more)` : '';
  return new GraphQLError(`The variables do not fit: ${faults.slice(0, mostFaults).join('; ')}${more}.`, {
    extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } },
  });
}

/** A variable as an operation declares it. */
interface Declared {
  readonly name: string;
  readonly type: GraphQLInputType;
  readonly hasDefault: boolean;
  readonly mayHoldLists: boolean;
}

// An operation that comes again is the same.
const declared = new WeakMap<OperationDefinitionNode, readonly Declared[]>();

function toDeclared(schema: GraphQLSchema, operation: OperationDefinitionNode): readonly Declared[] {
  const known = declared.get(operation);
  if (known !== undefined) return known;
  const found = (operation.variableDefinitions ?? []).flatMap(({ variable, type: typeNode, defaultValue }) => {
    const type = typeFromAST(schema, typeNode);
    if (!isInputType(type)) return [];
    return [
      {
        name: variable.name.value,
        type,
        hasDefault: defaultValue !== undefined,
        mayHoldLists: mayHoldLists(type, new Set()),
      },
    ];
  });
  declared.set(operation, found);
  return found;
}

function mayHoldLists(type: GraphQLInputType, seen: Set<GraphQLInputType>): boolean {
  const nullable = getNullableType(type);
  if (isListType(nullable)) return true;
  if (!isInputObjectType(nullable) || seen.has(nullable)) return false;
  seen.add(nullable);
  return Object.values(nullable.getFields()).some((field) => mayHoldLists(field.type, seen));
}

class EnoughFaults extends Error {}

/** Has graphql-js coerce a value, for the sake of what it says is wrong; gives it up after `enoughFaults`. */
function collectFaults(
  value: unknown,
  type: GraphQLInputType,
  tell: (path: readonly (string | number)[], error: GraphQLError) => number,
): void {
  try {
    const onError = (path: readonly (string | number)[], _value: unknown, error: GraphQLError) => {
      if (tell(path, error) >= enoughFaults) throw new EnoughFaults();
    };
    // Without suggestions, which nobody is told here.
    coerceInputValue(value, type, onError, true);
  } catch (thrown) {
    if (!(thrown instanceof EnoughFaults)) throw thrown;
  }
}

// Along the type: what has no place in it is never looked at, however large or deep it is.
function hasLongList(value: unknown, type: GraphQLInputType, most: number): boolean {
  const nullable = getNullableType(type);
  if (isListType(nullable)) {
    if (!Array.isArray(value)) return hasLongList(value, nullable.ofType, most);
    return value.length > most || value.some((item) => hasLongList(item, nullable.ofType, most));
  }
  if (!isInputObjectType(nullable) || !isObject(value)) return false;
  const fields = Object.values(nullable.getFields());
  return fields.some((field) => hasLongList(value[field.name], field.type, most));
}

function toMissingVariable(name: string, type: GraphQLInputType, isTyped: boolean): string {
  return `$${name}${isTyped ? ` of type ${type.toString()}` : ''} is missing or null`;
}

/** Tells a fault by its path alone: the path is of what was sent. */
function toHiddenFault(
  name: string,
  _type: GraphQLInputType,
  path: readonly (string | number)[],
  { message }: GraphQLError,
): string {
  const place = [`$${name}`, ...path].join('.');
  if (toMissingField(message) !== undefined) return `${place} lacks something that is required`;
  if (/^Field ".*" is not defined by /s.test(message)) return `${place} has something that is not known there`;
  return `${place} does not fit`;
}

function toTypedFault(
  name: string,
  type: GraphQLInputType,
  path: readonly (string | number)[],
  error: GraphQLError,
): string {
  const place = [`$${name}`, ...path].join('.');
  const missing = toMissingField(error.message);
  if (missing !== undefined) return `${place}: ${missing.slice(0, -1)}`;
  if (/^Field ".*" is not defined by type "\w+"\./s.test(error.message))
    return `${place} has a field that its type does not have`;
  if (/^Expected non-nullable type "[\w![\]]+" not to be null\.$/.test(error.message))
    return `${place} must not be null`;
  return path.length === 0 ? `${place} is no ${type.toString()}` : `${place} does not fit its type`;
}
