// Generates random queries for a schema, with variables.
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

/** A query with its variables. */
export interface Operation {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Scalar values to choose from, by name of the argument or input field, otherwise by name of the type. */
export type Values = Readonly<Record<string, readonly unknown[]>>;

/** Options of the generator. */
export interface OperationOptions {
  readonly values: Values;
  /** Maximum depth, in fields. */
  readonly depth: number;
  /** Whether to use @skip, @include and underscores in aliases, with which a query is not compiled. */
  readonly isUncompilable: boolean;
}

/** Generates queries. Most are valid: check each with graphql-js. */
export function operations(schema: GraphQLSchema, options: OperationOptions): fc.Arbitrary<Operation> {
  return fc.gen().map((generate) => {
    const pickBelow = (limit: number): number => generate(fc.nat, limit - 1);
    return new Writer(schema, options, pickBelow).write();
  });
}

class Writer {
  readonly #schema: GraphQLSchema;
  readonly #options: OperationOptions;
  readonly #pickBelow: (limit: number) => number;
  readonly #definitions: string[] = [];
  readonly #variables: Record<string, unknown> = {};
  readonly #fragments: { readonly on: string; readonly text: string; readonly name: string }[] = [];
  readonly #arguments = new Map<string, string>();
  #count = 0;

  constructor(schema: GraphQLSchema, options: OperationOptions, pickBelow: (limit: number) => number) {
    this.#schema = schema;
    this.#options = options;
    this.#pickBelow = pickBelow;
  }

  write(): Operation {
    const root = this.#schema.getQueryType();
    if (!root) throw new TypeError('The schema has no query type.');
    const selection = this.#selection(root, this.#options.depth);
    const declared = this.#definitions.length === 0 ? '' : `(${this.#definitions.join(', ')})`;
    const fragments = this.#fragments.map(({ name, on, text }) => `fragment ${name} on ${on} ${text}`);
    return { query: [`query Random${declared} ${selection}`, ...fragments].join('\n'), variables: this.#variables };
  }

  #chance(oneIn: number): boolean {
    return this.#pickBelow(oneIn) === 0;
  }

  #pick<T>(values: readonly T[]): T {
    const picked = values[this.#pickBelow(values.length)];
    if (picked === undefined) throw new TypeError('There is no value to pick.');
    return picked;
  }

  #selection(type: GraphQLObjectType, depth: number): string {
    const parts = Array.from({ length: 1 + this.#pickBelow(4) }, () => this.#part(type, depth));
    return `{ ${parts.join(' ')} }`;
  }

  #part(type: GraphQLObjectType, depth: number): string {
    const kind = this.#pickBelow(12);
    // Kind 0 is the simplest, since fast-check shrinks a counterexample towards 0.
    if (kind === 0 || (depth === 0 && kind < 3)) return '__typename';
    switch (kind) {
      case 1:
        return `... ${this.#chance(2) ? `on ${type.name} ` : ''}${this.#directives()} ${this.#selection(type, depth - 1)}`;
      case 2: {
        const text = this.#selection(type, depth - 1);
        const name = `F${this.#count++}`;
        this.#fragments.push({ on: type.name, text, name });
        return `...${name} ${this.#directives()}`;
      }
      case 3: {
        const fragments = this.#fragments.filter(({ on }) => on === type.name);
        return fragments.length === 0 ? '__typename' : `...${this.#pick(fragments).name} ${this.#directives()}`;
      }
      default:
        return this.#field(type, depth);
    }
  }

  #field(type: GraphQLObjectType, depth: number): string {
    const fields = Object.values(type.getFields()).filter((field) => depth > 0 || isLeafType(getNamedType(field.type)));
    if (fields.length === 0) return '__typename';
    const field = this.#pick(fields);
    const hasAlias = this.#chance(4);
    // Fields without an alias must have the same arguments wherever they are selected, or they conflict.
    const key = `${type.name}.${field.name}`;
    const text = (hasAlias ? undefined : this.#arguments.get(key)) ?? this.#args(field.args);
    if (!hasAlias) this.#arguments.set(key, text);
    const fieldType = getNamedType(field.type);
    const alias = hasAlias ? `${this.#options.isUncompilable && this.#chance(8) ? 'a_' : 'a'}${this.#count++}: ` : '';
    return `${alias}${field.name}${text} ${this.#directives()} ${isCompositeType(fieldType) ? this.#composite(fieldType, depth - 1) : ''}`;
  }

  #composite(type: unknown, depth: number): string {
    if (isObjectType(type)) return this.#selection(type, depth);
    if (!isAbstractType(type)) throw new TypeError('Only object types, interfaces and unions have selections.');
    const parts = this.#schema
      .getPossibleTypes(type)
      .map((possible) => `... on ${possible.name} ${this.#aliased(possible, depth)}`);
    return `{ __typename ${parts.join(' ')} }`;
  }

  // Different fields of the types of a union must not share a response name.
  #aliased(type: GraphQLObjectType, depth: number): string {
    return `{ x${this.#count++}: __typename ${depth > 0 && this.#chance(2) ? `... on ${type.name} { __typename }` : ''} }`;
  }

  #directives(): string {
    if (!this.#options.isUncompilable || !this.#chance(6)) return '';
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

  /** Returns an input value: a variable, or a literal that may contain variables. */
  #input(name: string, type: GraphQLInputType, hasDefault: boolean): string {
    if (this.#chance(3)) return `$${this.#variable(name, type, hasDefault)}`;
    if (isNonNullType(type))
      return this.#input(name, type.ofType, hasDefault).replace(/^null$/, () => this.#value(name, type.ofType));
    return this.#chance(8) ? 'null' : this.#value(name, type);
  }

  #value(name: string, type: GraphQLInputType): string {
    if (isNonNullType(type)) return this.#value(name, type.ofType);
    if (isListType(type)) {
      // GraphQL coerces a single value to a list of one item.
      if (this.#chance(3)) return this.#value(name, type.ofType);
      return `[${Array.from({ length: this.#pickBelow(3) }, () => this.#input(name, type.ofType, false)).join(', ')}]`;
    }
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields())
        .filter((field) => (isNonNullType(field.type) && field.defaultValue === undefined) || this.#chance(2))
        .map((field) => `${field.name}: ${this.#input(field.name, field.type, field.defaultValue !== undefined)}`);
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
    // GraphQL allows a nullable variable in a non-null position if it has a default.
    const declaresDefault = this.#chance(4);
    const mayBeNull = declaresDefault || hasDefault || !isNonNullType(type);
    const text = nullable.toString();
    const isNonNull = !mayBeNull || this.#chance(4);
    const variable = this.#declare(
      isNonNull ? `${text}!` : declaresDefault ? `${text} = ${this.#constant(name, nullable)}` : text,
    );
    switch (isNonNull ? 2 : this.#pickBelow(4)) {
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
      return Array.from({ length: this.#pickBelow(3) }, () => this.#json(name, type.ofType));
    }
    if (isInputObjectType(type)) {
      const entries = Object.values(type.getFields())
        .filter((field) => (isNonNullType(field.type) && field.defaultValue === undefined) || this.#chance(2))
        .map((field) => [
          field.name,
          !isNonNullType(field.type) && this.#chance(4) ? null : this.#json(field.name, field.type),
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
    return `[${value.map((item: unknown) => toLiteral(item, type.ofType)).join(', ')}]`;
  }
  if (isInputObjectType(type) && typeof value === 'object') {
    const values = new Map<string, unknown>(Object.entries(value));
    const fields = Object.values(type.getFields())
      .filter((field) => values.has(field.name))
      .map((field) => `${field.name}: ${toLiteral(values.get(field.name), field.type)}`);
    return `{ ${fields.join(', ')} }`;
  }
  return isEnumType(type) && typeof value === 'string' ? value : JSON.stringify(value);
}
