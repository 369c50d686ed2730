// What a field is resolved with that is resolved for every row of a list, in one parameter: type-graphql sorts and gathers the parameters of a
// field at each call, which takes longer than what most fields do.
import type { GraphQLResolveInfo } from 'graphql';
import { createParameterDecorator } from 'type-graphql';
import type { ContextValue } from './context.js';

/** What a field of a row is resolved with. */
export interface RowData<T> {
  readonly root: T;
  readonly context: ContextValue;
  readonly info: GraphQLResolveInfo;
}

/** Hands a resolver its row, the context and what is selected below the field, in place of `@Root`, `@Ctx` and `@Info`. */
export function Row(): ReturnType<typeof createParameterDecorator> {
  return createParameterDecorator((data) => data);
}
