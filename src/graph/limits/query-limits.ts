// How much one document may ask for: its length, its tokens, and what its operations come to with every fragment written out. Pure: it
// knows the document and the limits, neither the transport nor the schema.
import {
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type ParseOptions,
  type SelectionNode,
  type SelectionSetNode,
  type ValidationRule,
} from 'graphql';
import type { Config } from '../../config.js';

/** The limits of a document; 0: no limit. */
export type QueryLimits = Pick<
  Config,
  | 'maxDocumentLength'
  | 'maxTokens'
  | 'maxDepth'
  | 'maxFields'
  | 'maxRepeats'
  | 'maxRootFields'
  | 'maxMutationFields'
  | 'maxAliases'
  | 'maxDirectives'
>;

/** How many errors of validation are told at most; what comes after them is not looked for. */
export const mostValidationErrors = 5;

// Introspection nests deeper than any data: the query that tools send is 13 deep, and has no alias. With many, lists within lists would
// be read many times over. How many of these lists may lie within each other is a rule of graphql-js's own.
const introspectionLimits = { depth: 15, aliases: 2 };

// Without a limit of fields, an operation may be too large to be written out.
const mostWrittenOut = 10_000;

/** A document asks for more than it may. The message is for the caller as it is. */
export class QueryLimitError extends GraphQLError {}

/** The document is longer than it may be: undefined where it is not. To be asked before it is parsed. */
export function checkLength(document: string, { maxDocumentLength: most }: QueryLimits): QueryLimitError | undefined {
  if (most === 0 || (document.length <= most && Buffer.byteLength(document) <= most)) return undefined;
  return new QueryLimitError(`The document is longer than ${most} bytes. Send it without what is not needed.`, {
    extensions: { code: 'GRAPHQL_PARSE_FAILED', http: { status: 400 } },
  });
}

/** Has graphql-js stop at the first token too many. */
export function toParseOptions({ maxTokens }: QueryLimits): ParseOptions {
  return maxTokens === 0 ? {} : { maxLexicalTokens: maxTokens };
}

/** Makes the rule of validation that holds every operation of a document to the limits. */
export function createQueryLimitsRule(limits: QueryLimits): ValidationRule {
  return (context) => ({
    // All rules walk a document together: in place of one that asks for too much, the others are given nothing to walk.
    Document: (document) => {
      const counter = new Counter((name) => context.getFragment(name) ?? undefined);
      let isWithin = true;
      for (const operation of document.definitions) {
        if (operation.kind !== Kind.OPERATION_DEFINITION) continue;
        for (const fault of toFaults(operation, counter, limits)) {
          isWithin = false;
          const message = `The operation ${fault}. Ask for less at once.`;
          context.reportError(new QueryLimitError(message, { nodes: operation }));
        }
      }
      return isWithin ? undefined : { ...document, definitions: [] };
    },
  });
}

/** What an operation, or a part of one, comes to with every fragment written out where it is spread. */
interface Counts {
  /** Fields one within the other. */
  readonly depth: number;
  readonly fields: number;
  /** Fields that stand outermost. */
  readonly rootFields: number;
  readonly aliases: number;
  readonly directives: number;
  /** The depth of its introspection, which counts to nothing else but `fields` and `rootFields`. */
  readonly introspectionDepth: number;
  readonly introspectionAliases: number;
}

function toFaults(operation: OperationDefinitionNode, counter: Counter, limits: QueryLimits): string[] {
  const isMutation = operation.operation === OperationTypeNode.MUTATION;
  const counts = counter.countOperation(operation);
  const { maxDepth, maxFields, maxRootFields, maxMutationFields, maxRepeats, maxAliases, maxDirectives } = limits;
  const { depth, aliases } = introspectionLimits;
  const faults = [
    ...toFault(counts.depth, maxDepth, (most) => `is more than ${most} fields deep`),
    ...toFault(counts.fields, maxFields, (most) => `has more than ${most} fields, those of fragments included`),
    ...toFault(
      counts.rootFields,
      isMutation ? maxMutationFields : maxRootFields,
      (most) => `has more than ${most} root fields`,
    ),
    ...toFault(counts.aliases, maxAliases, (most) => `has more than ${most} aliases`),
    ...toFault(counts.directives, maxDirectives, (most) => `has more than ${most} directives`),
    ...toFault(counts.introspectionDepth, depth, (most) => `introspects more than ${most} fields deep`),
    ...toFault(counts.introspectionAliases, aliases, (most) => `has more than ${most} aliases in its introspection`),
  ];
  return faults.length > 0 || maxRepeats === 0 || counts.fields > mostWrittenOut
    ? faults
    : toFault(counter.countRepeats(operation), maxRepeats, (most) => `asks for the same field more than ${most} times`);
}

function toFault(count: number, most: number, say: (most: number) => string): string[] {
  return most > 0 && count > most ? [say(most)] : [];
}

const nothing: Counts = {
  depth: 0,
  fields: 0,
  rootFields: 0,
  aliases: 0,
  directives: 0,
  introspectionDepth: 0,
  introspectionAliases: 0,
};

/** Counts each fragment once, however often it is spread: what it comes to is multiplied, not walked again. */
class Counter {
  readonly #getFragment: (name: string) => FragmentDefinitionNode | undefined;
  readonly #fragments = new Map<string, Counts>();
  readonly #open = new Set<string>();
  #isCyclic = false;

  constructor(getFragment: (name: string) => FragmentDefinitionNode | undefined) {
    this.#getFragment = getFragment;
  }

  countOperation({ directives, variableDefinitions = [], selectionSet }: OperationDefinitionNode): Counts {
    const variables = variableDefinitions.map((variable) => withDirectives(nothing, variable.directives));
    return withDirectives(sum([this.#countAll(selectionSet), ...variables]), directives);
  }

  #countAll({ selections }: SelectionSetNode): Counts {
    return sum(selections.map((selection) => this.#count(selection)));
  }

  #count(selection: SelectionNode): Counts {
    const { directives } = selection;
    switch (selection.kind) {
      case Kind.FIELD:
        return withDirectives(this.#countField(selection), directives);
      case Kind.INLINE_FRAGMENT:
        return withDirectives(this.#countAll(selection.selectionSet), directives);
      case Kind.FRAGMENT_SPREAD:
        return withDirectives(this.#countFragment(selection.name.value), directives);
    }
  }

  #countField({ name, alias, selectionSet }: FieldNode): Counts {
    const below = selectionSet === undefined ? nothing : this.#countAll(selectionSet);
    const counts = {
      ...below,
      depth: below.depth + 1,
      fields: below.fields + 1,
      rootFields: 1,
      aliases: below.aliases + (alias === undefined ? 0 : 1),
    };
    if (name.value !== '__schema' && name.value !== '__type') return counts;
    return { ...counts, depth: 1, aliases: 0, introspectionDepth: counts.depth, introspectionAliases: counts.aliases };
  }

  #countFragment(name: string): Counts {
    const known = this.#fragments.get(name);
    if (known !== undefined) return known;
    const fragment = this.#getFragment(name);
    if (fragment === undefined) return nothing;
    // One that leads to itself is refused by a rule of GraphQL's own.
    if (this.#open.has(name)) {
      this.#isCyclic = true;
      return nothing;
    }
    this.#open.add(name);
    const counts = withDirectives(this.#countAll(fragment.selectionSet), fragment.directives);
    this.#open.delete(name);
    this.#fragments.set(name, counts);
    return counts;
  }

  /** How often one field is asked for in the same place of the answer: each pair of them is compared by validation. */
  countRepeats({ selectionSet }: OperationDefinitionNode): number {
    return this.#isCyclic ? 0 : this.#countMerged([selectionSet]);
  }

  #countMerged(selectionSets: readonly SelectionSetNode[]): number {
    const groups = new Map<string, FieldNode[]>();
    const spread = new Set<string>();
    const gather = ({ selections }: SelectionSetNode) => {
      for (const selection of selections) {
        if (selection.kind === Kind.FIELD) {
          const responseName = (selection.alias ?? selection.name).value;
          const group = groups.get(responseName);
          if (group === undefined) groups.set(responseName, [selection]);
          else group.push(selection);
        } else if (selection.kind === Kind.INLINE_FRAGMENT) gather(selection.selectionSet);
        else if (!spread.has(selection.name.value)) {
          spread.add(selection.name.value);
          const fragment = this.#getFragment(selection.name.value);
          if (fragment !== undefined) gather(fragment.selectionSet);
        }
      }
    };
    selectionSets.forEach(gather);
    let most = 0;
    for (const fields of groups.values()) {
      const below = fields.flatMap((field) => field.selectionSet ?? []);
      most = Math.max(most, fields.length, below.length === 0 ? 0 : this.#countMerged(below));
    }
    return most;
  }
}

function withDirectives(counts: Counts, directives: readonly DirectiveNode[] = []): Counts {
  return directives.length === 0 ? counts : { ...counts, directives: counts.directives + directives.length };
}

// Beyond 2^53 the sums are no longer exact, but no less than any limit.
function sum(parts: readonly Counts[]): Counts {
  const total = { ...nothing };
  for (const part of parts) {
    total.depth = Math.max(total.depth, part.depth);
    total.fields += part.fields;
    total.rootFields += part.rootFields;
    total.aliases += part.aliases;
    total.directives += part.directives;
    total.introspectionDepth = Math.max(total.introspectionDepth, part.introspectionDepth);
    total.introspectionAliases += part.introspectionAliases;
  }
  return total;
}
