// Makes every list field of the schema take its rows from the result budget of the operation.
import {
  defaultFieldResolver,
  getNullableType,
  type GraphQLFieldResolver,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isIntrospectionType,
  isListType,
  isObjectType,
} from 'graphql';
import type { ContextValue } from '../context.js';
import { toRowSize } from './selected-fields.js';

/** Replaces the resolvers of all list fields, those of introspection excepted, whose lists are as long as the schema. */
export function limitListFields(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || isIntrospectionType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      if (isListType(getNullableType(field.type))) field.resolve = withBudget(field.resolve ?? defaultFieldResolver);
    }
  }
}

type Resolver = GraphQLFieldResolver<unknown, ContextValue>;

function withBudget(resolve: Resolver): Resolver {
  return (root, args, context, info) => {
    // The list of an operation that has stopped need not be made.
    context.operation.budget.throwIfStopped();
    const rows: unknown = resolve(root, args, context, info);
    return rows instanceof Promise ? rows.then((list) => takeRows(list, context, info)) : takeRows(rows, context, info);
  };
}

function takeRows(rows: unknown, { operation }: ContextValue, info: GraphQLResolveInfo): unknown {
  if (!Array.isArray(rows) || rows.length === 0) return rows;
  return operation.budget.takeRows(rows, toRowSize(info));
}
