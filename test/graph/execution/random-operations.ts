// Operations made up at random from any schema, valid ones, with the variables that are sent along.
import fc from 'fast-check';
import {
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';

/** A request. */
export interface Operation {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Values of scalars: by the name of the argument or input field, else by the name of the type. */
export type Values = Readonly<Record<string, readonly unknown[]>>;

/** Which of the constructs that are seldom seen there may be. */
export interface OperationOptions {
  readonly values: Values;
  /** How deep, in fields. */
  readonly depth: number;
  /** Whether there are @skip, @include, underscores and the like: those queries are not compiled. */
  readonly isOdd: boolean;
}

/** Queries on a schema. */
export function operations(schema: GraphQLSchema, options: OperationOptions): fc.Arbitrary<Operation> {
  return fc.gen().map((generate) => {
    const below = (most: number): number => generate(fc.nat, most - 1);
    return new Writer(schema, options, below).write();
  });
}

class Writer {
  readonly #schema: GraphQLSchema;
  readonly #options: OperationOptions;
  readonly #below: (most: number) => number;
  readonly #definitions: string[] = [];
  readonly #variables: Record<string, unknown> = {};
  readonly #fragments: { readonly on: string; readonly text: string; readonly name: string }[] = [];
  readonly #arguments = new Map<string, string>();
  #count = 0;

  constructor(schema: GraphQLSchema, options: OperationOptions, below: (most: number) => number) {
    this.#schema = schema;
    this.#options = options;
    this.#below = below;
  }

  write(): Operation {
    const root = this.#schema.getQueryType();
    if (!root) throw new TypeError('The schema has no queries.');
    const selection = this.#selection(root, this.#options.depth);
    const declared = this.#definitions.length === 0 ? '' : `(${this.#definitions.join(', ')})`;
    const fragments = this.#fragments.map(({ name, on, text }) => `fragment ${name} on ${on} ${text}`);
    return { query: [`query Made${declared} ${selection}`, ...fragments].join('\n'), variables: this.#variables };
  }

  #chance(oneIn: number): boolean {
    return this.#below(oneIn) === 0;
  }

  #pick<T>(of: readonly T[]): T {
    const picked = of[this.#below(of.length)];
    if (picked === undefined) throw new TypeError('There is nothing to pick.');
    return picked;
  }

  #selection(type: GraphQLObjectType, depth: number): string {
    const parts = Array.from({ length: 1 + this.#below(4) }, () => this.#part(type, depth));
    return `{ ${parts.join(' ')} }`;
  }

  #part(type: GraphQLObjectType, depth: number): string {
    const lot = this.#below(12);
    // The first is the simplest: what fails is shrunk towards it.
    if (lot === 0 || (depth === 0 && lot < 3)) return '__typename';
    switch (lot) {
      case 1:
        return `... ${this.#chance(2) ? `on ${type.name} ` : ''}${this.#directives()} ${this.#selection(type, depth - 1)}`;
      case 2: {
        const text = this.#selection(type, depth - 1);
        const name = `F${this.#count++}`;
        this.#fragments.push({ on: type.name, text, name });
        return `...${name} ${this.#directives()}`;
      }
      case 3: {
        const known = this.#fragments.filter(({ on }) => on === type.name);
        return known.length === 0 ? '__typename' : `...${this.#pick(known).name} ${this.#directives()}`;
      }
      default:
        return this.#field(type, depth);
    }
  }

  #field(type: GraphQLObjectType, depth: number): string {
    const fields = Object.values(type.getFields()).filter((each) => depth > 0 || isLeafType(getNamedType(each.type)));
    if (fields.length === 0) return '__typename';
    const field = this.#pick(fields);
    const hasAlias = this.#chance(4);
    // A field without an alias has the same arguments wherever it is selected.
    const key = `${type.name}.${field.name}`;
    const text = (hasAlias ? undefined : this.#arguments.get(key)) ?? this.#args(field.args);
    if (!hasAlias) this.#arguments.set(key, text);
    const of = getNamedType(field.type);
    const alias = hasAlias ? `${this.#options.isOdd && this.#chance(8) ? 'a_' : 'a'}${this.#count++}: ` : '';
    return `${alias}${field.name}${text} ${this.#directives()} ${isCompositeType(of) ? this.#composite(of, depth - 1) : ''}`;
  }

  #composite(type: unknown, depth: number): string {
    if (isObjectType(type)) return this.#selection(type, depth);
    if (!isAbstractType(type)) throw new TypeError('There is nothing to select.');
    const parts = this.#schema
      .getPossibleTypes(type)
      .map((each) => `... on ${each.name} ${this.#aliased(each, depth)}`);
    return `{ __typename ${parts.join(' ')} }`;
  }

  // What differs between the types of a union must not meet under one name.
  #aliased(type: GraphQLObjectType, depth: number): string {
    return `{ x${this.#count++}: __typename ${depth > 0 && this.#chance(2) ? `... on ${type.name} { __typename }` : ''} }`;
  }

  #directives(): string {
    if (!this.#options.isOdd || !this.#chance(6)) return '';
    const name = this.#pick(['skip', 'include']);
    if (this.#chance(2)) return `@${name}(if: ${this.#pick(['true', 'false'])})`;
    const variable = this.#declare(this.#chance(2) ? 'Boolean!' : 'Boolean = true');
    if (this.#definitions.at(-1)?.endsWith('!') === true || this.#chance(2)) {
      this.#variables[variable] = this.#pick([true, false]);
    }
    return `@${name}(if: $${variable})`;
  }

  #declare(type: string): string {
    const name = `v${this.#count++}`;
    this.#definitions.push(`$${name}: ${type}`);
    return name;
  }

  #args(args: readonly GraphQLArgument[]): string {
    const parts = args
      .filter(({ type, defaultValue }) => (isNonNullType(type) && defaultValue === undefined) || this.#chance(2))
      .map(({ name, type, defaultValue }) => `${name}: ${this.#input(name, type, defaultValue !== undefined)}`);
    return parts.length === 0 ? '' : `(${parts.join(', ')})`;
  }

  /** A value where one is due: written out, in part or as a whole, or as a variable. */
  #input(name: string, type: GraphQLInputType, hasDefault: boolean): string {
    if (this.#chance(3)) return `$${this.#variable(name, type, hasDefault)}`;
    if (isNonNullType(type))
      return this.#input(name, type.ofType, hasDefault).replace(/^null$/, () => this.#value(name, type.ofType));
    return this.#chance(8) ? 'null' : this.#value(name, type);
  }

  #value(name: string, type: GraphQLInputType): string {
    if (isNonNullType(type)) return this.#value(name, type.ofType);
    if (isListType(type)) {
      // One value stands for a list of one.
      if (this.#chance(3)) return this.#value(name, type.ofType);
      return `[${Array.from({ length: this.#below(3) }, () => this.#input(name, type.ofType, false)).join(', ')}]`;
    }
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields())
        .filter((each) => (isNonNullType(each.type) && each.defaultValue === undefined) || this.#chance(2))
        .map((each) => `${each.name}: ${this.#input(each.name, each.type, each.defaultValue !== undefined)}`);
      return `{ ${fields.join(', ')} }`;
    }
    if (isEnumType(type)) return this.#pick(type.getValues()).name;
    return JSON.stringify(this.#scalar(name, type.name));
  }

  #scalar(name: string, type: string): unknown {
    return this.#pick(this.#options.values[name] ?? this.#options.values[type] ?? [type === 'Boolean']);
  }

  #variable(name: string, type: GraphQLInputType, hasDefault: boolean): string {
    const nullable = isNonNullType(type) ? type.ofType : type;
    // A default value lets a nullable variable stand where null may not.
    const declaresDefault = this.#chance(4);
    const mayBeNull = declaresDefault || hasDefault || !isNonNullType(type);
    const text = nullable.toString();
    const isNonNull = !mayBeNull || this.#chance(4);
    const variable = this.#declare(
      isNonNull ? `${text}!` : declaresDefault ? `${text} = ${this.#constant(name, nullable)}` : text,
    );
    switch (isNonNull ? 2 : this.#below(4)) {
      case 0:
        break;
      case 1:
        this.#variables[variable] = null;
        break;
      default:
        this.#variables[variable] = this.#json(name, nullable);
    }
    return variable;
  }

  #constant(name: string, type: GraphQLInputType): string {
    return toLiteral(this.#json(name, type), type);
  }

  #json(name: string, type: GraphQLInputType): unknown {
    if (isNonNullType(type)) return this.#json(name, type.ofType);
    if (isListType(type)) {
      if (this.#chance(3)) return this.#json(name, type.ofType);
      return Array.from({ length: this.#below(3) }, () => this.#json(name, type.ofType));
    }
    if (isInputObjectType(type)) {
      const entries = Object.values(type.getFields())
        .filter((each) => (isNonNullType(each.type) && each.defaultValue === undefined) || this.#chance(2))
        .map((each) => [
          each.name,
          !isNonNullType(each.type) && this.#chance(4) ? null : this.#json(each.name, each.type),
        ]);
      return Object.fromEntries(entries);
    }
    return isEnumType(type) ? this.#pick(type.getValues()).name : this.#scalar(name, getNamedType(type).name);
  }
}

function toLiteral(value: unknown, type: GraphQLInputType): string {
  if (value === null) return 'null';
  if (isNonNullType(type)) return toLiteral(value, type.ofType);
  if (isListType(type)) {
    if (!Array.isArray(value)) return toLiteral(value, type.ofType);
    return `[${value.map((each: unknown) => toLiteral(each, type.ofType)).join(', ')}]`;
  }
  if (isInputObjectType(type) && typeof value === 'object') {
    const given = new Map<string, unknown>(Object.entries(value));
    const fields = Object.values(type.getFields())
      .filter((each) => given.has(each.name))
      .map((each) => `${each.name}: ${toLiteral(given.get(each.name), each.type)}`);
    return `{ ${fields.join(', ')} }`;
  }
  return isEnumType(type) && typeof value === 'string' ? value : JSON.stringify(value);
}
