// Estimates the REST calls of an operation, which the rate limit charges. Fields declare their calls in their extensions.
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
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
 * Returns the number of REST calls that an operation is expected to make, at least 1. Counts a fragment wherever the operation spreads it.
 * Ignores `@skip` and `@include`. The document must be valid: its fragments must not spread each other in a circle.
 */
export function estimateRestCalls(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): number {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  // A fragment costs the same wherever it is spread, so each is walked once.
  const costs = new Map<string, number>();
  const toFragmentCost = (name: string): number => {
    const known = costs.get(name);
    if (known !== undefined) return known;
    const fragment = fragments.get(name);
    const cost = fragment === undefined ? 0 : countCalls(fragment);
    costs.set(name, cost);
    return cost;
  };
  const countCalls = (definition: OperationDefinitionNode | FragmentDefinitionNode): number => {
    const typeInfo = new TypeInfo(schema);
    let calls = 0;
    visit(
      definition,
      visitWithTypeInfo(typeInfo, {
        Field: (node) => {
          if (makesCall(typeInfo.getFieldDef(), node)) calls++;
        },
        FragmentSpread: ({ name }) => {
          calls += toFragmentCost(name.value);
        },
      }),
    );
    return calls;
  };
  return Math.max(1, countCalls(operation));
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
