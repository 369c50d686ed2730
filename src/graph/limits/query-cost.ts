// Estimates the REST calls of an operation, which the rate limit charges. Fields declare their calls in their extensions.
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getArgumentValues,
  GraphQLError,
  type GraphQLField,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  TypeInfo,
  valueFromAST,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { Extensions } from 'type-graphql';
import { isObject } from '../../json.js';

/** Names what a REST call reads, or that it writes. Below one root field, loaders make one call of each name. */
export type RestCallName =
  | 'environments'
  | 'organizations'
  | 'serviceConnections'
  | 'siteToSiteVpn'
  | 'siteToSiteVpns'
  | 'task'
  | 'vpcs'
  | 'write';

/**
 * Declares the REST calls of a field. It makes them once below a root field, however many objects it is resolved for, and shares them with
 * the other fields that declare them. It makes none if all its selected fields are named in `free`.
 */
export function MakesRestCalls(
  calls: readonly RestCallName[],
  free: readonly string[] = [],
): MethodDecorator & PropertyDecorator {
  return Extensions({ restCalls: new FieldCalls(calls, new Set(['__typename', ...free])) });
}

/** Declares the maximum number of REST calls of a mutation whose input has `validateOnly: true`. It sends no write, and returns no object. */
export function ChecksWithRestCalls(maxCalls: number): MethodDecorator {
  return Extensions({ maxCheckCalls: maxCalls });
}

class FieldCalls {
  constructor(
    readonly calls: readonly RestCallName[],
    readonly free: ReadonlySet<string>,
  ) {}
}

/**
 * Declares the REST calls of a field that loads objects in batches, in the extension `batchedCalls`. Each batch makes one call, and those of
 * the fields below, which batches do not share.
 */
export class BatchedCalls {
  /** `toCalls` returns the call that loads each batch, from the arguments of the field. */
  constructor(readonly toCalls: (args: Readonly<Record<string, unknown>>) => readonly RestCallName[]) {}
}

/** Returns the number of REST calls that an operation is expected to make with these variables, which must be coerced. At least 1. */
export type CostOfVariables = (variables: Readonly<Record<string, unknown>>) => number;

/** The calls of a root field, merged with those of the root fields of the same name in the response. */
interface RootCalls {
  readonly node: FieldNode;
  readonly field: RestField;
  readonly calls: Set<string>;
}

type RestField = GraphQLField<unknown, unknown> | null | undefined;

/**
 * Returns the function that estimates the REST calls of an operation. Ignores `@skip` and `@include`. The document must be valid: its
 * fragments must not spread each other in a circle.
 */
export function estimateRestCalls(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): CostOfVariables {
  const roots = [...collectRoots(schema, document, operation).values()];
  return (variables) => Math.max(1, sum(roots.map((root) => countCalls(root, variables))));
}

function collectRoots(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): ReadonlyMap<string, RootCalls> {
  const rootType = schema.getRootType(operation.operation);
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const roots = new Map<string, RootCalls>();
  // Every fragment is walked once: wherever it is spread below a root field, its calls are the same. Its own root fields merge by name.
  const callsOfFragments = new Map<string, ReadonlySet<string>>();
  const collectFragment = (name: string): ReadonlySet<string> => {
    const known = callsOfFragments.get(name);
    if (known !== undefined) return known;
    const fragment = fragments.get(name);
    const calls = fragment === undefined ? new Set<string>() : collect(fragment);
    callsOfFragments.set(name, calls);
    return calls;
  };
  // Returns the calls outside of root fields: those of a fragment of another type.
  const collect = (definition: OperationDefinitionNode | FragmentDefinitionNode): ReadonlySet<string> => {
    const typeInfo = new TypeInfo(schema);
    const outside = new Set<string>();
    let calls = outside;
    visit(
      definition,
      visitWithTypeInfo(typeInfo, {
        Field: (node) => {
          const field = typeInfo.getFieldDef();
          if (typeInfo.getParentType() === rootType) {
            const name = (node.alias ?? node.name).value;
            const root = roots.get(name) ?? { node, field, calls: new Set<string>() };
            roots.set(name, root);
            calls = root.calls;
          }
          addCalls(calls, field, node);
        },
        FragmentSpread: ({ name }) => {
          for (const call of collectFragment(name.value)) calls.add(call);
        },
      }),
    );
    return outside;
  };
  collect(operation);
  return roots;
}

function addCalls(calls: Set<string>, field: RestField, node: FieldNode): void {
  const declared: unknown = field?.extensions['restCalls'];
  if (!(declared instanceof FieldCalls)) return;
  const selections = node.selectionSet?.selections ?? [];
  // Does not expand fragments: assumes that one selects other fields.
  const isFree = (selection: (typeof selections)[number]) =>
    selection.kind === Kind.FIELD && declared.free.has(selection.name.value);
  if (selections.length > 0 && selections.every(isFree)) return;
  for (const call of declared.calls) calls.add(call);
}

function countCalls({ node, field, calls }: RootCalls, variables: Readonly<Record<string, unknown>>): number {
  const batched: unknown = field?.extensions['batchedCalls'];
  if (field && batched instanceof BatchedCalls) {
    const loads = batched.toCalls(toArguments(field, node, variables));
    return sum(loads.map((load) => new Set([...calls, load]).size));
  }
  const maxCheckCalls: unknown = field?.extensions['maxCheckCalls'];
  return typeof maxCheckCalls === 'number' && isValidateOnly(field, node, variables) ? maxCheckCalls : calls.size;
}

/** Returns the arguments of a field. Returns none if one cannot be coerced: the field then fails without a call. */
function toArguments(
  field: NonNullable<RestField>,
  node: FieldNode,
  variables: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  try {
    return getArgumentValues(field, node, variables);
  } catch (error) {
    if (error instanceof GraphQLError) return {};
    throw error;
  }
}

function isValidateOnly(field: RestField, node: FieldNode, variables: Readonly<Record<string, unknown>>): boolean {
  const type = field?.args.find(({ name }) => name === 'input')?.type;
  const argument = node.arguments?.find(({ name }) => name.value === 'input');
  if (type === undefined || argument === undefined) return false;
  const input: unknown = valueFromAST(argument.value, type, variables);
  return isObject(input) && input['validateOnly'] === true;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
