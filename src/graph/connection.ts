// Connections (Relay's Cursor Connections Specification) over complete lists: order, cursors, pages, and their GraphQL types.
import { ArgsType, type ClassType, Field, Int, ObjectType } from 'type-graphql';
import { BadUserInputError } from './errors.js';

/** Maximum of `first` and `last`. */
export const maxPageSize = 1000;

// In characters. A cursor of a name with 255 characters of any script fits. Decoding takes time for each character, once for each connection of
// a result.
const maxCursorLength = 2_048;

/** A row of a connection. */
export interface ConnectionRow {
  readonly id: string;
  readonly name: string;
}

/** Arguments that select a page of a connection. */
@ArgsType()
export class PageArgs {
  @Field(() => Int, {
    nullable: true,
    description: 'Maximum number of rows from the start, 0 to 1000. Must not be combined with last.',
  })
  declare first?: number | null;

  @Field(() => String, { nullable: true, description: 'Cursor. Returns only rows after it.' })
  declare after?: string | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Maximum number of rows from the end, 0 to 1000. Must not be combined with first.',
  })
  declare last?: number | null;

  @Field(() => String, { nullable: true, description: 'Cursor. Returns only rows before it.' })
  declare before?: string | null;
}

/** The position of a page in its list. */
@ObjectType({ simpleResolvers: true, description: 'The position of a page in its list.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether rows follow the last row of this page.' })
  declare hasNextPage: boolean;

  @Field(() => Boolean, { description: 'Whether rows precede the first row of this page.' })
  declare hasPreviousPage: boolean;

  @Field(() => String, { nullable: true, description: 'Cursor of the first row of this page. Null for an empty page.' })
  declare startCursor: string | null;

  @Field(() => String, { nullable: true, description: 'Cursor of the last row of this page. Null for an empty page.' })
  declare endCursor: string | null;
}

/** A row and its cursor. */
export interface Edge<T> {
  readonly cursor: string;
  readonly node: T;
}

/** A page of a list. */
export interface Connection<T> {
  readonly edges: readonly Edge<T>[];
  readonly nodes: readonly T[];
  readonly pageInfo: PageInfo;
  /** Number of rows that match, on all pages. */
  readonly totalCount: number;
}

/** Creates the GraphQL types `{name}Connection`, which it returns, and `{name}Edge`. Their descriptions call a row `noun`. */
export function createConnectionType(name: string, nodeType: () => ClassType, noun: string): ClassType {
  @ObjectType(`${name}Edge`, { simpleResolvers: true, description: `A ${noun} of a list and its cursor.` })
  class EdgeType {
    @Field(() => String, { description: 'Position of the row. Stays valid after the row is deleted.' })
    declare cursor: string;

    @Field(nodeType, { description: `The ${noun}.` })
    declare node: object;
  }

  @ObjectType(`${name}Connection`, {
    simpleResolvers: true,
    description: `A page of a list of ${noun}s, ordered by name, then id.`,
  })
  class ConnectionType {
    // Not simple: a compiled query reads a field without a resolver several times, and each read of this getter creates the objects anew.
    @Field(() => [EdgeType], { simple: false, description: 'The rows of this page and their cursors.' })
    declare edges: EdgeType[];

    @Field(() => [nodeType()], { description: 'The rows of this page.' })
    declare nodes: object[];

    @Field(() => PageInfo, { simple: false, description: 'The position of this page in the list.' })
    declare pageInfo: PageInfo;

    @Field(() => Int, { description: 'Number of rows that match, on all pages.' })
    declare totalCount: number;
  }
  return ConnectionType;
}

/** Validated PageArgs. */
export interface Page {
  readonly first: number | null;
  readonly last: number | null;
  readonly after: Position | null;
  readonly before: Position | null;
}

/** Name and id of a row, by which rows are ordered. */
type Position = readonly [name: string, id: string];

/** The page that contains every row. */
export const allRows: Page = { first: null, last: null, after: null, before: null };

/** Validates the page arguments of a connection. Cursors must be of `collection`. Throws BadUserInputError. */
export function parsePage(collection: string, args: PageArgs): Page {
  const { first = null, last = null, after = null, before = null } = args;
  if (first !== null && last !== null)
    throw new BadUserInputError('first and last must not be combined. Send one of them.');
  for (const [name, count] of Object.entries({ first, last })) {
    if (count !== null && (count < 0 || count > maxPageSize)) {
      throw new BadUserInputError(`${name} must be from 0 to ${maxPageSize}.`);
    }
  }
  return {
    first,
    last,
    after: toPosition(collection, 'after', after),
    before: toPosition(collection, 'before', before),
  };
}

/** Returns the rows ordered by name, then id, each compared by UTF-16 code units. */
export function sortRows<T extends ConnectionRow>(rows: readonly T[]): readonly T[] {
  return rows.toSorted((a, b) => compare(a, b.name, b.id));
}

/** Returns a page of rows, which must be ordered as by `sortRows`. Its cursors name `collection`. */
export function toConnection<T extends ConnectionRow>(
  collection: string,
  rows: readonly T[],
  page: Page,
): Connection<T> {
  // Compares positions instead of looking the cursor's row up: that row may have been deleted.
  const { after, before } = page;
  const low = after === null ? 0 : countWhile(rows, (row) => compare(row, ...after) <= 0);
  const high = before === null ? rows.length : countWhile(rows, (row) => compare(row, ...before) < 0);
  const end = Math.max(low, page.first === null ? high : Math.min(high, low + page.first));
  const begin = page.last === null ? low : Math.max(low, end - page.last);
  return new Slice(collection, rows, begin, end);
}

/**
 * The rows of a list from index `begin` up to, but not including, `end`. A class, because V8 allocates the getters of an object literal in
 * the old generation. There they would retain the rows until a full garbage collection.
 */
class Slice<T extends ConnectionRow> implements Connection<T> {
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

  // Created only if selected: a cursor costs more than its row.

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

/** Returns how many rows `test` holds for, by binary search: it must hold for no row after one for which it does not hold. */
function countWhile<T>(rows: readonly T[], test: (row: T) => boolean): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = rows[middle];
    if (row !== undefined && test(row)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compare(row: ConnectionRow, name: string, id: string): number {
  if (row.name !== name) return row.name < name ? -1 : 1;
  if (row.id !== id) return row.id < id ? -1 : 1;
  return 0;
}

function toCursor(collection: string, row: ConnectionRow): string {
  return Buffer.from(JSON.stringify([collection, row.name, row.id])).toString('base64url');
}

function toPosition(collection: string, argument: string, cursor: string | null): Position | null {
  if (cursor === null) return null;
  const isWellFormed = cursor.length <= maxCursorLength && /^[\w-]+$/.test(cursor);
  const [cursorCollection, name, id, ...rest] = isWellFormed ? toParts(cursor) : [];
  if (cursorCollection === collection && typeof name === 'string' && typeof id === 'string' && rest.length === 0) {
    // Accepts only what toCursor returns: the base64url decoder ignores invalid characters, and JSON allows white space.
    if (toCursor(collection, { name, id }) === cursor) return [name, id];
  }
  throw new BadUserInputError(`${argument} is not a cursor of this list. Use a cursor from its pageInfo or edges.`);
}

function toParts(cursor: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(parts) ? parts : [];
  } catch {
    // toPosition rejects the cursor.
    return [];
  }
}
