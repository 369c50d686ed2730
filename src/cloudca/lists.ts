// Reads lists completely: a list call usually sends all entries, but may send a page of them. Decodes long lists in slices, so that other
// requests are served in between.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isObject } from '../json.js';
import { toList, WireFields } from './decode.js';
import { BadResponseError } from './errors.js';
import { markSharedWith } from './http/singleflight.js';
import { toIdKey } from './ids.js';
import type { ReadRequest } from './requests.js';
import type { RestSession } from './session.js';

// Bounds the REST calls of one list.
const maxPages = 20;

/** A response to a list call. */
interface ListPage {
  readonly entries: readonly unknown[];
  /** Number of entries on all pages; null if the REST API does not say. */
  readonly recordCount: number | null;
}

/**
 * Reads all entries of a list. If `metadata.recordCount` says that there are more, requests further pages. Rejects with a CloudcaError: a
 * BadResponseError means that the list is not complete, or not an array. `type` names the entries in messages.
 */
export async function readList(rest: RestSession, request: ReadRequest, type: string): Promise<readonly unknown[]> {
  const first = await readPage(rest, request, type);
  if ((first.recordCount ?? 0) <= first.entries.length) return first.entries;
  return readFurtherPages(rest, request, type, first);
}

async function readFurtherPages(
  rest: RestSession,
  request: ReadRequest,
  type: string,
  first: ListPage,
): Promise<readonly unknown[]> {
  const pageSize = first.entries.length;
  const entries = [...first.entries];
  const keys = new Set(entries.map(toEntryKey));
  let recordCount = first.recordCount ?? 0;
  for (let page = 2; entries.length < recordCount; page++) {
    const mayHaveMore = pageSize > 0 && page <= maxPages && recordCount <= pageSize * maxPages;
    // Documented once. A REST API without pages ignores both parameters, and sends the same entries again.
    const query = { ...request.query, page_number: String(page), page_size: String(pageSize) };
    const next = mayHaveMore ? await readPage(rest, { ...request, query }, type) : undefined;
    // Entries shift to a later page if one is added meanwhile.
    const added = next?.entries.filter((entry) => !keys.has(toEntryKey(entry))) ?? [];
    if (added.length === 0) throw createIncompleteError(type, entries.length, recordCount);
    for (const entry of added) keys.add(toEntryKey(entry));
    entries.push(...added);
    recordCount = next?.recordCount ?? recordCount;
  }
  return entries;
}

async function readPage(rest: RestSession, request: ReadRequest, type: string): Promise<ListPage> {
  return rest.read(request, (data, body) => {
    const metadata = new WireFields(body, 'list', rest.warn).optionalObject('metadata');
    return { entries: toList(data, type), recordCount: metadata?.optionalCount('recordCount') ?? null };
  });
}

// An entry without an id is always another one: decoding it decides what that means.
function toEntryKey(entry: unknown): unknown {
  const id = isObject(entry) ? entry['id'] : undefined;
  if (typeof id === 'string' || typeof id === 'number') return toIdKey(String(id));
  return entry;
}

function createIncompleteError(type: string, received: number, recordCount: number): BadResponseError {
  return new BadResponseError(
    `The REST API sent ${received} of ${recordCount} ${type}, and no further page of them. The gateway returns no incomplete list.`,
  );
}

/** Decoding an entry of few fields takes about as long as executing this many. */
export const workPerEntry = 5;
const workPerSlice = 2_500;

// Lists with more entries have taken the rest of the turn in which they were parsed.
const maxEntriesInSameTurn = 500;

/**
 * Decodes the entries of a list, in slices if there are many. `toWork` returns how much work an entry was, in fields that are executed. The
 * result is marked as shared if the entries are (see memoizePerSharedValue). Rejects with what `decode` throws.
 */
export async function decodeEntries<T>(
  rest: RestSession,
  entries: readonly unknown[],
  decode: (entry: unknown) => T,
  toWork: (decoded: T) => number = () => workPerEntry,
): Promise<readonly T[]> {
  const decoded: T[] = [];
  const turns = rest.createTurns();
  if (entries.length > maxEntriesInSameTurn) await nextTurn();
  let work = 0;
  for (const entry of entries) {
    const value = decode(entry);
    decoded.push(value);
    work += toWork(value);
    if (work < workPerSlice) continue;
    await turns.take(work);
    work = 0;
  }
  return markSharedWith(entries, decoded);
}
