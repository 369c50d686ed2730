// Checks an operation's variables before it is executed, and says what is wrong with them without repeating a value: graphql-js's
// own messages quote the whole input, pre-shared key and all.
import {
  coerceInputValue,
  GraphQLError,
  type GraphQLInputType,
  type GraphQLSchema,
  isInputType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql';
import { toMissingField } from './errors.js';

// What is told of one request at most.
const mostFaults = 5;

/** What is wrong with the variables of an operation, all in one error; undefined where nothing is. */
export function checkVariables(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): GraphQLError | undefined {
  const faults: string[] = [];
  for (const { variable, type: typeNode, defaultValue } of operation.variableDefinitions ?? []) {
    const name = variable.name.value;
    const type = typeFromAST(schema, typeNode);
    if (!isInputType(type)) continue;
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value === undefined || value === null) {
      const isMissing = value === undefined ? defaultValue === undefined : true;
      if (isMissing && isNonNullType(type)) faults.push(`$${name} of type ${type.toString()} is missing or null`);
      continue;
    }
    coerceInputValue(value, type, (path, _value, error) => faults.push(toFault(name, type, path, error)));
  }
  if (faults.length === 0) return undefined;
  const more = faults.length > mostFaults ? ` (and ${faults.length - mostFaults} more)` : '';
  return new GraphQLError(`The variables do not fit: ${faults.slice(0, mostFaults).join('; ')}${more}.`, {
    extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } },
  });
}

function toFault(
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
