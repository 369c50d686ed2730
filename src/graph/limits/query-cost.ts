// What an operation is expected to cost the REST API: the calls that its fields say they make, in their extensions.
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
 * Says that a field makes a REST call, however many objects it is asked of, since loaders share it. With `free`, none where nothing
 * but fields of these names is selected below it.
 */
export function MakesRestCall(free: readonly string[] = []): MethodDecorator & PropertyDecorator {
  return Extensions({ restCall: { free: new Set(['__typename', ...free]) } });
}

/** The REST calls that an operation is expected to make; at least 1. A fragment counts once, wherever it is spread. */
export function toExpectedRestCalls(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): number {
  const typeInfo = new TypeInfo(schema);
  let calls = 0;
  const counted = document.definitions.filter((each) => each === operation || each.kind === Kind.FRAGMENT_DEFINITION);
  for (const definition of counted) {
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
  // A fragment may hold anything.
  const isFree = (selection: (typeof selections)[number]) =>
    selection.kind === Kind.FIELD && free instanceof Set && free.has(selection.name.value);
  return selections.length === 0 || !selections.every(isFree);
}
