// Connections (Relay's Cursor Connections Specification) over lists that the REST API gives whole: order, cursors, pages and their
// GraphQL types. It does not know what the rows are.
import { ArgsType, type ClassType, Field, Int, ObjectType } from 'type-graphql';
import { BadUserInputError } from './errors.js';

/** The most rows that `first` or `last` may ask for. */
export const largestPage = 1000;

/** What a row must have to stand in a connection. */
export interface Row {
  readonly id: string;
  readonly name: string;
}

/** Which page of a connection is wanted. */
@ArgsType()
export class PageArgs {
  /** How many from the beginning, 0 to 1000. */
  @Field(() => Int, { nullable: true, description: 'How many from the beginning, 0 to 1000. Not together with last.' })
  declare first?: number | null;

  /** Only what comes after this cursor. */
  @Field(() => String, { nullable: true, description: 'Only what comes after this cursor.' })
  declare after?: string | null;

  /** How many from the end, 0 to 1000. */
  @Field(() => Int, { nullable: true, description: 'How many from the end, 0 to 1000. Not together with first.' })
  declare last?: number | null;

  /** Only what comes before this cursor. */
  @Field(() => String, { nullable: true, description: 'Only what comes before this cursor.' })
  declare before?: string | null;
}

/** Where a page stands in the whole of a connection. */
@ObjectType({ simpleResolvers: true, description: 'Where a page stands in the whole.' })
export class PageInfo {
  /** Whether rows follow the page. */
  @Field(() => Boolean, { description: 'Whether rows follow the last one of this page.' })
  declare hasNextPage: boolean;

  /** Whether rows precede the page. */
  @Field(() => Boolean, { description: 'Whether rows precede the first one of this page.' })
  declare hasPreviousPage: boolean;

  /** Cursor of the first row. */
  @Field(() => String, { nullable: true, description: 'Cursor of the first row of this page; null where it has none.' })
  declare startCursor: string | null;

  /** Cursor of the last row. */
  @Field(() => String, { nullable: true, description: 'Cursor of the last row of this page; null where it has none.' })
  declare endCursor: string | null;
}

/** One row with its cursor. */
export interface Edge<T> {
  readonly cursor: string;
  readonly node: T;
}

/** A page of a list. */
export interface Connection<T> {
  readonly edges: readonly Edge<T>[];
  readonly nodes: readonly T[];
  readonly pageInfo: PageInfo;
  /** How many match, on all pages together. */
  readonly totalCount: number;
}

/** The GraphQL types `{name}Connection` and `{name}Edge`; `noun` is used in their descriptions. */
export function createConnectionType(name: string, nodeType: () => ClassType, noun: string): ClassType {
  @ObjectType(`${name}Edge`, { simpleResolvers: true, description: `One ${noun} of a list, with its cursor.` })
  class EdgeType {
    @Field(() => String, { description: 'Where the row stands; stays good when the row is gone.' })
    declare cursor: string;

    @Field(nodeType, { description: `The ${noun}.` })
    declare node: object;
  }

  @ObjectType(`${name}Connection`, {
    simpleResolvers: true,
    description: `A page of a list of ${noun}s, ordered by name, then id.`,
  })
  class ConnectionType {
    // Not simple: a compiled query reads what no resolver gives several times over, and these are made as they are read.
    @Field(() => [EdgeType], { simple: false, description: 'The rows of this page, each with its cursor.' })
    declare edges: EdgeType[];

    @Field(() => [nodeType()], { description: 'The rows of this page.' })
    declare nodes: object[];

    @Field(() => PageInfo, { simple: false, description: 'Where this page stands in the whole.' })
    declare pageInfo: PageInfo;

    @Field(() => Int, { description: 'How many match, on all pages together.' })
    declare totalCount: number;
  }
  return ConnectionType;
}

/** Which rows to take; made from arguments that have been found good. */
export interface Page {
  readonly first: number | null;
  readonly last: number | null;
  readonly after: Position | null;
  readonly before: Position | null;
}

/** Name and id of a row: its place in the order. */
type Position = readonly [name: string, id: string];

/** All rows. */
export const wholeList: Page = { first: null, last: null, after: null, before: null };

/** Reads the arguments of a connection of `collection`. Throws BadUserInputError. */
export function toPage(collection: string, args: PageArgs): Page {
  const { first = null, last = null, after = null, before = null } = args;
  if (first !== null && last !== null) throw new BadUserInputError('Ask for first or for last, not for both.');
  for (const [name, count] of Object.entries({ first, last })) {
    if (count !== null && (count < 0 || count > largestPage)) {
      throw new BadUserInputError(`${name} must be from 0 to ${largestPage}.`);
    }
  }
  return {
    first,
    last,
    after: toPosition(collection, 'after', after),
    before: toPosition(collection, 'before', before),
  };
}

/** Orders rows by name (code units), then id. */
export function inOrder<T extends Row>(rows: readonly T[]): readonly T[] {
  return rows.toSorted((a, b) => compare(a, b.name, b.id));
}

/** A page of rows that are in order; the cursors name `collection`. */
export function toConnection<T extends Row>(collection: string, rows: readonly T[], page: Page): Connection<T> {
  // Rows are counted from the cursors, not looked up by them: the row of a cursor may be gone.
  const { after, before } = page;
  const low = after === null ? 0 : rows.filter((row) => compare(row, ...after) <= 0).length;
  const high = before === null ? rows.length : rows.filter((row) => compare(row, ...before) < 0).length;
  const end = Math.max(low, page.first === null ? high : Math.min(high, low + page.first));
  const begin = page.last === null ? low : Math.max(low, end - page.last);
  return new Slice(collection, rows, begin, end);
}

/**
 * The rows of a list from `begin` to before `end`. A class, whose getters are made once: those of an object are among V8's old objects from the
 * beginning, and would keep the rows until V8 collects all that is old.
 */
class Slice<T extends Row> implements Connection<T> {
  readonly nodes: readonly T[];
  readonly totalCount: number;
  readonly #collection: string;
  readonly #begin: number;
  readonly #end: number;

  constructor(collection: string, rows: readonly T[], begin: number, end: number) {
    this.nodes = begin === 0 && end === rows.length ? rows : rows.slice(begin, end);
    this.totalCount = rows.length;
    this.#collection = collection;
    this.#begin = begin;
    this.#end = end;
  }

  // These two are made only where they are asked for: a cursor costs more than the row it names.

  get edges(): readonly Edge<T>[] {
    return this.nodes.map((node) => ({ cursor: toCursor(this.#collection, node), node }));
  }

  get pageInfo(): PageInfo {
    const [first, last] = [this.nodes.at(0), this.nodes.at(-1)];
    return {
      hasNextPage: this.#end < this.totalCount,
      hasPreviousPage: this.#begin > 0,
      startCursor: first === undefined ? null : toCursor(this.#collection, first),
      endCursor: last === undefined ? null : toCursor(this.#collection, last),
    };
  }
}

function compare(row: Row, name: string, id: string): number {
  if (row.name !== name) return row.name < name ? -1 : 1;
  if (row.id !== id) return row.id < id ? -1 : 1;
  return 0;
}

function toCursor(collection: string, row: Row): string {
  return Buffer.from(JSON.stringify([collection, row.name, row.id])).toString('base64url');
}

function toPosition(collection: string, argument: string, cursor: string | null): Position | null {
  if (cursor === null) return null;
  const [of, name, id, ...rest] = toParts(cursor);
  if (of === collection && typeof name === 'string' && typeof id === 'string' && rest.length === 0) {
    // Only what this gateway would write itself is a cursor: decoders pass over what they do not know.
    if (toCursor(collection, { name, id }) === cursor) return [name, id];
  }
  throw new BadUserInputError(`${argument} is not a cursor of this list. Take it from pageInfo or from an edge.`);
}

function toParts(cursor: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(parts) ? parts : [];
  } catch {
    // No JSON is no cursor; the caller says so.
    return [];
  }
}
