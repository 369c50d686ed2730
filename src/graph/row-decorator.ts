// Parameter decorator for fields that are resolved for every row of a list. It passes all resolver data in one parameter, because
// type-graphql sorts and collects parameters at each call, which takes longer than most fields do.
import type { GraphQLResolveInfo } from 'graphql';
import { createParameterDecorator } from 'type-graphql';
import type { ContextValue } from './context.js';

/** Resolver data of a field whose parent object is a `T`. */
export interface ResolverDataOf<T> {
  readonly root: T;
  readonly context: ContextValue;
  readonly info: GraphQLResolveInfo;
}

/** Passes a ResolverDataOf to the resolver. Replaces `@Root`, `@Ctx` and `@Info`. */
export function ResolverData(): ReturnType<typeof createParameterDecorator> {
  return createParameterDecorator((data) => data);
}
