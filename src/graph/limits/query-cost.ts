// Estimates the REST calls of an operation, which the rate limit charges. Fields declare their calls in their extensions.
import {
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { Extensions } from 'type-graphql';

/**
 * Declares that a field makes one REST call, however many objects it is resolved for, since loaders share the call. It makes none if
 * all its selected fields are named in `free`.
 */
export function MakesRestCall(free: readonly string[] = []): MethodDecorator & PropertyDecorator {
  return Extensions({ restCall: { free: new Set(['__typename', ...free]) } });
}

/**
 * Returns the number of REST calls that an operation is expected to make, at least 1. Counts every fragment of the document once, whether
 * or not this operation spreads it. Ignores `@skip` and `@include`.
 */
export function estimateRestCalls(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): number {
  const typeInfo = new TypeInfo(schema);
  let calls = 0;
  const definitions = document.definitions.filter(
    (definition) => definition === operation || definition.kind === Kind.FRAGMENT_DEFINITION,
  );
  for (const definition of definitions) {
    visit(
      definition,
      visitWithTypeInfo(typeInfo, {
        Field: (node) => {
          if (makesCall(typeInfo.getFieldDef(), node)) calls++;
        },
      }),
    );
  }
  return Math.max(1, calls);
}

function makesCall(field: GraphQLField<unknown, unknown> | null | undefined, node: FieldNode): boolean {
  const restCall: unknown = field?.extensions['restCall'];
  if (typeof restCall !== 'object' || restCall === null || !('free' in restCall)) return false;
  const { free } = restCall;
  const selections = node.selectionSet?.selections ?? [];
  // Does not expand fragments: assumes that one selects other fields.
  const isFree = (selection: (typeof selections)[number]) =>
    selection.kind === Kind.FIELD && free instanceof Set && free.has(selection.name.value);
  return selections.length === 0 || !selections.every(isFree);
}
