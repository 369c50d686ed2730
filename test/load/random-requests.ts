// Random operations of a schema as trees that can be changed a little, for a search that climbs.
import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isNonNullType,
  isObjectType,
  OperationTypeNode,
} from 'graphql';
import { numberedId } from '../helpers/fixtures.js';

/** A selected field. */
interface Selection {
  field: string;
  /** The arguments as text, in parentheses, or empty. `ENV` stands for the name of the environment. */
  args: string;
  isAliased: boolean;
  /** Whether the field stands in a fragment. Equal fragments are one, spread several times. */
  isFragment: boolean;
  selections: Selection[];
}

/** An operation to measure. */
export interface Candidate {
  kind: OperationTypeNode;
  /** Name of its environment, which says how large the lists of the REST API are (see sized-rest-api.ts). */
  environment: string;
  /** Whether the same text is sent several times before it is measured, so that it is compiled. */
  isCompiled: boolean;
  selections: Selection[];
}

// The gateway's default limits, so that most candidates are allowed. Others cost one short request.
const maxDepth = 8;
const maxAliases = 15;
const maxSelections = 120;
const maxRoots = { query: 10, mutation: 3, subscription: 1 } as const;

const inputTexts: Readonly<Record<string, readonly string[]>> = {
  name: ['"n"'],
  cidr: ['"10.0.0.0/24"'],
  gateway: ['"203.0.113.9"'],
  ipSecPsk: ['"abcdefghijk123"'],
  waitSeconds: ['0'],
  after: ['null'],
  before: ['null'],
  id: [0, 1, 2].map((index) => `"${numberedId('vpn', index)}"`),
  vpcId: [0, 1, 2].map((index) => `"${numberedId('vpc', index)}"`),
  organizationId: ['null'],
  states: ['[CONNECTED]', '[CONNECTED, ERROR]'],
  environment: ['', '-e1', '-e2', '-e3'].map((suffix) => `{ serviceCode: "compute-on", name: "ENV${suffix}" }`),
};

/** Creates, changes and prints candidates. All its choices come from `random`, which returns numbers from 0 to below 1. */
export class RandomRequests {
  readonly #schema: GraphQLSchema;
  readonly #random: () => number;

  constructor(schema: GraphQLSchema, random: () => number) {
    this.#schema = schema;
    this.#random = random;
  }

  /** Returns a new candidate. Most are queries. */
  create(): Candidate {
    const { QUERY, MUTATION, SUBSCRIPTION } = OperationTypeNode;
    const kind = this.#pick([QUERY, QUERY, QUERY, QUERY, MUTATION, SUBSCRIPTION]);
    const selections = [this.#select(this.#root(kind), 1)];
    return { kind, environment: this.#environment(), isCompiled: this.#chance(0.5), selections };
  }

  /** Returns a copy of a candidate with one to three changes. */
  mutate(candidate: Candidate): Candidate {
    const copy = structuredClone(candidate);
    for (let change = 0; change < 1 + Math.floor(this.#random() * 3); change++) this.#change(copy);
    return copy;
  }

  /** Returns the text of a candidate. */
  print({ kind, environment, selections }: Candidate): string {
    const fragments = new Map<string, string>();
    let aliases = 0;
    const printAll = (type: GraphQLObjectType, list: readonly Selection[]): string =>
      `{ ${list.map((selection) => printOne(type, selection)).join(' ')} }`;
    const printOne = (
      type: GraphQLObjectType,
      { field, args, isAliased, isFragment, selections: inner }: Selection,
    ) => {
      const fieldType = getNamedType(type.getFields()[field]?.type);
      const below = isObjectType(fieldType) ? ` ${printAll(fieldType, inner)}` : '';
      const text = `${isAliased ? `a${aliases++}: ` : ''}${field}${args}${below}`;
      if (!isFragment) return text;
      const body = `on ${type.name} { ${text} }`;
      const name = fragments.get(body) ?? `F${fragments.size}`;
      fragments.set(body, name);
      return `...${name}`;
    };
    const operation = `${kind} Worst ${printAll(this.#root(kind), selections)}`;
    const all = [operation, ...[...fragments].map(([body, name]) => `fragment ${name} ${body}`)];
    return all.join('\n').replaceAll('ENV', environment);
  }

  #change(candidate: Candidate): void {
    const places = this.#places(this.#root(candidate.kind), candidate.selections, 1);
    const { type, list, depth } = this.#pick(places);
    const all = places.flatMap((place) => place.list);
    const aliases = all.filter(({ isAliased }) => isAliased).length;
    const isFull = depth === 1 && list.length >= maxRoots[candidate.kind];
    const selection = this.#pick(list);
    switch (Math.floor(this.#random() * 8)) {
      case 0:
        candidate.environment = this.#environment();
        break;
      case 1:
        candidate.isCompiled = !candidate.isCompiled;
        break;
      case 2:
        if (list.length > 1) list.splice(list.indexOf(selection), 1);
        break;
      case 3:
        selection.isFragment = !selection.isFragment;
        break;
      case 4: {
        const field = type.getFields()[selection.field];
        if (field !== undefined) selection.args = this.#args(field);
        break;
      }
      case 5:
      case 6: {
        // Copies a field under aliases: the rows below it are made once for each.
        const copies = Math.min(maxAliases - aliases, isFull ? 0 : 1 + Math.floor(this.#random() * 5));
        const isAllowed = all.length * (1 + copies) <= maxSelections * 4;
        for (let copy = 0; isAllowed && copy < copies; copy++)
          list.push({ ...structuredClone(selection), isAliased: true });
        break;
      }
      default: {
        if (isFull || all.length >= maxSelections) break;
        const added = this.#select(type, depth);
        const isTaken = list.some(({ field, isAliased }) => field === added.field && !isAliased);
        if (!isTaken || aliases < maxAliases) list.push({ ...added, isAliased: isTaken });
      }
    }
  }

  #select(type: GraphQLObjectType, depth: number): Selection {
    const fields = Object.values(type.getFields()).filter(
      (field) => depth < maxDepth || !isObjectType(getNamedType(field.type)),
    );
    const objects = fields.filter((field) => isObjectType(getNamedType(field.type)));
    const field = this.#pick(objects.length > 0 && this.#chance(0.7) ? objects : fields);
    const fieldType = getNamedType(field.type);
    const selections: Selection[] = [];
    if (isObjectType(fieldType)) {
      for (let count = 1 + Math.floor(this.#random() * 3); count > 0; count--) {
        const added = this.#select(fieldType, depth + 1);
        if (!selections.some((selection) => selection.field === added.field)) selections.push(added);
      }
    }
    return { field: field.name, args: this.#args(field), isAliased: false, isFragment: this.#chance(0.1), selections };
  }

  #args(field: GraphQLField<unknown, unknown>): string {
    const args = field.args
      .filter(({ type, name }) => isNonNullType(type) || name === 'environment' || this.#chance(0.2))
      .map(({ type, name }) => `${name}: ${this.#value(name, type)}`);
    return args.length === 0 ? '' : `(${args.join(', ')})`;
  }

  #value(name: string, type: GraphQLInputType): string {
    const texts = inputTexts[name];
    const named = getNamedType(type);
    if (texts !== undefined) return this.#pick(texts);
    if (isEnumType(named)) return this.#pick(named.getValues()).name;
    if (!isInputObjectType(named)) return named.name === 'Boolean' ? 'true' : this.#pick(['1', '100', '1000']);
    const fields = Object.values(named.getFields()).filter((field) => isNonNullType(field.type) || this.#chance(0.5));
    return `{ ${fields.map((field) => `${field.name}: ${this.#value(field.name, field.type)}`).join(', ')} }`;
  }

  #environment(): string {
    const rows = this.#pick([100, 1_000, 5_000]);
    const words = [...(this.#chance(0.3) ? ['unfiltered'] : []), 'changing'];
    return `rows-${rows}-vpcs-${this.#pick([1, 10, 100, rows])}-${words.join('-')}`;
  }

  // Returns each list of selections, with the type that it is of.
  #places(
    type: GraphQLObjectType,
    list: Selection[],
    depth: number,
  ): { type: GraphQLObjectType; list: Selection[]; depth: number }[] {
    const below = list.flatMap(({ field, selections }) => {
      const fieldType = getNamedType(type.getFields()[field]?.type);
      return isObjectType(fieldType) ? this.#places(fieldType, selections, depth + 1) : [];
    });
    return [{ type, list, depth }, ...below];
  }

  #root(kind: OperationTypeNode): GraphQLObjectType {
    const root = this.#schema.getRootType(kind);
    if (!root) throw new TypeError(`The schema has no ${kind}.`);
    return root;
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  #pick<T>(values: readonly T[]): T {
    const value = values[Math.floor(this.#random() * values.length)];
    if (value === undefined) throw new TypeError('There is no value to pick.');
    return value;
  }
}
