// Document limits: the length and tokens of a document, and the size of its operations with every fragment expanded. Limits of other
// parts of a request are elsewhere: of lists and strings in variables in execution/variables.ts, of bodies in server/http.
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
import { errorStatuses } from '../error-codes.js';

/** Limits of a document and its operations. 0: no limit. */
export type DocumentLimits = Pick<
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

/** Maximum number of validation errors in a response. Validation stops after them. */
export const maxValidationErrors = 5;

// The introspection query that tools send has a depth of 13 and no alias, deeper than any query for data. Aliases would multiply the
// nested lists. A rule of graphql-js limits how many such lists may be nested.
const introspectionLimits = { depth: 15, aliases: 2 };

// From a VPC to its VPNs, to the VPC of each, and to its VPNs again: once round is enough for any data. From a VPN to those whose networks
// overlap likewise. No other lists can be nested without end.
const roundFields = new Set(['siteToSiteVpns', 'networkOverlaps']);
const maxRounds = 2;
const roundsViolation = `goes to lists of VPNs more than ${maxRounds} times on one path (Vpc.siteToSiteVpns, SiteToSiteVpn.networkOverlaps)`;

/** Maximum length of a string in a document or in the variables, in characters. Inputs with a shorter limit check it themselves. */
export const maxStringLength = 16_384;

// If an operation has more fields, repeats are not counted: without MAX_FIELDS, it may be too large to expand.
const maxExpandedFields = 10_000;

const advice = 'Split it into several requests.';

/** Error of a document above a limit. Clients get its message unchanged. */
export class DocumentLimitError extends GraphQLError {}

/** Returns an error if the document exceeds MAX_DOCUMENT_LENGTH, in bytes. Call it before the document is parsed. */
export function checkDocumentLength(
  document: string,
  { maxDocumentLength }: DocumentLimits,
): DocumentLimitError | undefined {
  const isWithinLimit = document.length <= maxDocumentLength && Buffer.byteLength(document) <= maxDocumentLength;
  if (maxDocumentLength === 0 || isWithinLimit) return undefined;
  const message = `The document is longer than ${maxDocumentLength} bytes (MAX_DOCUMENT_LENGTH). ${advice}`;
  const extensions = { code: 'GRAPHQL_PARSE_FAILED', http: { status: errorStatuses.GRAPHQL_PARSE_FAILED } };
  return new DocumentLimitError(message, { extensions });
}

/** Returns options that make graphql-js's parser fail at the first token beyond MAX_TOKENS. */
export function toParseOptions({ maxTokens }: DocumentLimits): ParseOptions {
  return maxTokens === 0 ? {} : { maxLexicalTokens: maxTokens };
}

/** Creates the validation rule that applies the limits to every operation of a document. */
export function createDocumentLimitsRule(limits: DocumentLimits): ValidationRule {
  return (context) => ({
    // All rules visit the document together. If it exceeds a limit, an empty document replaces it, so that the other rules do no work.
    Document: (document) => {
      const counter = new Counter((name) => context.getFragment(name) ?? undefined);
      let isWithinLimits = true;
      for (const operation of document.definitions) {
        if (operation.kind !== Kind.OPERATION_DEFINITION) continue;
        for (const violation of toViolations(operation, counter, limits)) {
          isWithinLimits = false;
          context.reportError(new DocumentLimitError(`The operation ${violation}. ${advice}`, { nodes: operation }));
        }
      }
      return isWithinLimits ? undefined : { ...document, definitions: [] };
    },
    StringValue: (node) => {
      if (node.value.length <= maxStringLength) return;
      const argument = context.getArgument();
      const place = argument ? `The argument ${argument.name} has` : 'The document has';
      const message = `${place} a string of more than ${maxStringLength} characters. Send a shorter one.`;
      context.reportError(new DocumentLimitError(message, { nodes: node }));
    },
  });
}

/** Counts of an operation, or of a part of one, with every fragment expanded. */
interface Counts {
  /** Nested fields. */
  readonly depth: number;
  readonly fields: number;
  readonly rootFields: number;
  readonly aliases: number;
  readonly directives: number;
  /** How often one path goes from a VPC, or from a VPN, to VPNs. */
  readonly rounds: number;
  /** Depth of introspection. Introspection fields count in `fields` and `rootFields` too, but not in `depth` and `aliases`. */
  readonly introspectionDepth: number;
  readonly introspectionAliases: number;
}

type LimitCheck = readonly [count: number, max: number, violation: string];

function toViolations(operation: OperationDefinitionNode, counter: Counter, limits: DocumentLimits): string[] {
  const counts = counter.countOperation(operation);
  const { maxDepth, maxFields, maxRootFields, maxMutationFields, maxRepeats, maxAliases, maxDirectives } = limits;
  const { depth, aliases } = introspectionLimits;
  const violations = findExceeded([
    [counts.depth, maxDepth, `has a depth of more than ${maxDepth} fields (MAX_DEPTH)`],
    [counts.fields, maxFields, `has more than ${maxFields} fields, fragments included (MAX_FIELDS)`],
    operation.operation === OperationTypeNode.MUTATION
      ? [counts.rootFields, maxMutationFields, `has more than ${maxMutationFields} root fields (MAX_MUTATION_FIELDS)`]
      : [counts.rootFields, maxRootFields, `has more than ${maxRootFields} root fields (MAX_ROOT_FIELDS)`],
    [counts.aliases, maxAliases, `has more than ${maxAliases} aliases (MAX_ALIASES)`],
    [counts.directives, maxDirectives, `has more than ${maxDirectives} directives (MAX_DIRECTIVES)`],
    [counts.rounds, maxRounds, roundsViolation],
    [counts.introspectionDepth, depth, `has introspection with a depth of more than ${depth} fields`],
    [counts.introspectionAliases, aliases, `has introspection with more than ${aliases} aliases`],
  ]);
  if (violations.length > 0 || maxRepeats === 0 || counts.fields > maxExpandedFields) return violations;
  const repeats = counter.countRepeats(operation);
  return findExceeded([[repeats, maxRepeats, `selects the same field more than ${maxRepeats} times (MAX_REPEATS)`]]);
}

function findExceeded(checks: readonly LimitCheck[]): string[] {
  return checks.filter(([count, max]) => max > 0 && count > max).map(([, , violation]) => violation);
}

const zeroCounts: Counts = {
  depth: 0,
  fields: 0,
  rootFields: 0,
  aliases: 0,
  directives: 0,
  rounds: 0,
  introspectionDepth: 0,
  introspectionAliases: 0,
};

/** Counts each fragment once, and adds its counts for each spread. So the work is linear in the document's length. */
class Counter {
  readonly #getFragment: (name: string) => FragmentDefinitionNode | undefined;
  readonly #fragments = new Map<string, Counts>();
  readonly #visiting = new Set<string>();
  #isCyclic = false;

  constructor(getFragment: (name: string) => FragmentDefinitionNode | undefined) {
    this.#getFragment = getFragment;
  }

  countOperation({ directives, variableDefinitions = [], selectionSet }: OperationDefinitionNode): Counts {
    const variables = variableDefinitions.map((variable) => withDirectives(zeroCounts, variable.directives));
    return withDirectives(sum([this.#countAll(selectionSet, true), ...variables]), directives);
  }

  // `isRoot`: the selection is one of the root type. A fragment is either one of it wherever it is spread, or nowhere.
  #countAll({ selections }: SelectionSetNode, isRoot: boolean): Counts {
    return sum(selections.map((selection) => this.#count(selection, isRoot)));
  }

  #count(selection: SelectionNode, isRoot: boolean): Counts {
    const { directives } = selection;
    switch (selection.kind) {
      case Kind.FIELD:
        return withDirectives(this.#countField(selection, isRoot), directives);
      case Kind.INLINE_FRAGMENT:
        return withDirectives(this.#countAll(selection.selectionSet, isRoot), directives);
      case Kind.FRAGMENT_SPREAD:
        return withDirectives(this.#countFragment(selection.name.value, isRoot), directives);
    }
  }

  #countField({ name, alias, selectionSet }: FieldNode, isRoot: boolean): Counts {
    const below = selectionSet === undefined ? zeroCounts : this.#countAll(selectionSet, false);
    const counts = {
      ...below,
      depth: below.depth + 1,
      fields: below.fields + 1,
      rootFields: 1,
      aliases: below.aliases + (alias === undefined ? 0 : 1),
      rounds: below.rounds + (roundFields.has(name.value) && !isRoot ? 1 : 0),
    };
    if (name.value !== '__schema' && name.value !== '__type') return counts;
    return { ...counts, depth: 1, aliases: 0, introspectionDepth: counts.depth, introspectionAliases: counts.aliases };
  }

  #countFragment(name: string, isRoot: boolean): Counts {
    const cached = this.#fragments.get(name);
    if (cached !== undefined) return cached;
    const fragment = this.#getFragment(name);
    if (fragment === undefined) return zeroCounts;
    // A rule of graphql-js rejects fragment cycles.
    if (this.#visiting.has(name)) {
      this.#isCyclic = true;
      return zeroCounts;
    }
    this.#visiting.add(name);
    const counts = withDirectives(this.#countAll(fragment.selectionSet, isRoot), fragment.directives);
    this.#visiting.delete(name);
    this.#fragments.set(name, counts);
    return counts;
  }

  /** Returns the largest number of selections that merge into one response field. graphql-js compares each pair of them. */
  countRepeats({ selectionSet }: OperationDefinitionNode): number {
    return this.#isCyclic ? 0 : this.#countMerged([selectionSet]);
  }

  #countMerged(selectionSets: readonly SelectionSetNode[]): number {
    const groups = new Map<string, FieldNode[]>();
    const spread = new Set<string>();
    const collect = ({ selections }: SelectionSetNode) => {
      for (const selection of selections) {
        if (selection.kind === Kind.FIELD) {
          const responseName = (selection.alias ?? selection.name).value;
          const group = groups.get(responseName);
          if (group === undefined) groups.set(responseName, [selection]);
          else group.push(selection);
        } else if (selection.kind === Kind.INLINE_FRAGMENT) collect(selection.selectionSet);
        else if (!spread.has(selection.name.value)) {
          spread.add(selection.name.value);
          const fragment = this.#getFragment(selection.name.value);
          if (fragment !== undefined) collect(fragment.selectionSet);
        }
      }
    };
    selectionSets.forEach(collect);
    let max = 0;
    for (const fields of groups.values()) {
      const below = fields.flatMap((field) => field.selectionSet ?? []);
      max = Math.max(max, fields.length, below.length === 0 ? 0 : this.#countMerged(below));
    }
    return max;
  }
}

function withDirectives(counts: Counts, directives: readonly DirectiveNode[] = []): Counts {
  return directives.length === 0 ? counts : { ...counts, directives: counts.directives + directives.length };
}

// Above 2^53 the sums are inexact, but still above any limit.
function sum(parts: readonly Counts[]): Counts {
  const total = { ...zeroCounts };
  for (const part of parts) {
    total.depth = Math.max(total.depth, part.depth);
    total.fields += part.fields;
    total.rootFields += part.rootFields;
    total.aliases += part.aliases;
    total.directives += part.directives;
    total.rounds = Math.max(total.rounds, part.rounds);
    total.introspectionDepth = Math.max(total.introspectionDepth, part.introspectionDepth);
    total.introspectionAliases += part.introspectionAliases;
  }
  return total;
}
