// The table of what responses of the REST API mean, by status, form of the body and kind of call. A meaning becomes a value or an error in
// `envelope.ts`. Retries and the circuit breaker read here which statuses are a failure of the service.

/** Kinds of calls: `task` reads a task, `read` reads anything else. */
export type CallKind = 'read' | 'task' | 'write';

/**
 * Forms of a body. The first that applies counts.
 *
 * - `failed task`: a task that has failed, with or without `errors`. Only calls of the kind `task` have it.
 * - `errors`: `errors` with something in it. The REST API sends it, proxies do not.
 * - `value`: what a call asks for: `data` for a read, a task for a task.
 * - `object`: any other JSON object, and any without `errors` for a write.
 * - `empty`: no body, or white space.
 * - `unreadable`: anything else, e.g. HTML, or JSON that is too complex.
 */
export type BodyForm = 'failed task' | 'errors' | 'value' | 'object' | 'empty' | 'unreadable';

/**
 * Names what a response means.
 *
 * - `success`: the call has succeeded. `failed task`: it has, and the task has failed.
 * - `rejected`, `unauthenticated`, `forbidden`, `not found`, `rate limited`: the REST API rejected the call.
 * - `failure`, `unavailable`, `timeout`: the REST API failed, did not run, or did not respond in time.
 * - `proxy`: a proxy responded instead of the REST API, so nothing is known of the resource.
 * - `redirect`, `undocumented`, `unexpected`: the response is of no use.
 */
export type Meaning =
  | 'success'
  | 'failed task'
  | 'rejected'
  | 'unauthenticated'
  | 'forbidden'
  | 'not found'
  | 'rate limited'
  | 'failure'
  | 'unavailable'
  | 'timeout'
  | 'proxy'
  | 'redirect'
  | 'undocumented'
  | 'unexpected';

type Meanings = Readonly<Record<CallKind, Meaning>>;

/** Ranges of statuses, forms of the body, and the meaning for each kind of call. `unknown`: a write may have been executed all the same. */
type Row = readonly [
  statuses: string,
  forms: 'any' | readonly BodyForm[],
  meanings: Meanings,
  outcomeOfWrite?: 'unknown',
];

const all = (meaning: Meaning): Meanings => ({ read: meaning, task: meaning, write: meaning });

// 520 to 530 are Cloudflare's. 524 is its timeout. With the others, it did not reach the REST API or got nothing readable from it.
const unavailable = '502-503 520-523 525-530';
const timeout = '504 524';

// The first row that matches counts. docs/operations.md has this table for operators.
const rows: readonly Row[] = [
  // No proxy sends it, so the task has failed whatever the status.
  ['200-299 400-599', ['failed task'], all('failed task')],
  ['200-299', ['errors'], all('rejected')],
  ['200-299', ['value'], all('success')],
  // The documentation shows no body for writes.
  ['200-299', ['object', 'empty'], { ...all('undocumented'), write: 'success' }],
  ['200-299', 'any', all('undocumented'), 'unknown'],
  ['300-399', 'any', all('redirect')],
  ['400', ['errors'], { ...all('rejected'), task: 'failed task' }],
  ['400', 'any', { ...all('unexpected'), write: 'rejected' }],
  ['401', 'any', all('unauthenticated')],
  ['403', ['errors'], all('forbidden')],
  ['404', ['errors'], all('not found')],
  ['403-404', 'any', all('proxy')],
  ['405', 'any', all('failure')],
  ['429', 'any', all('rate limited')],
  ['402-499', ['errors'], all('rejected')],
  ['408 499', 'any', all('unexpected'), 'unknown'],
  ['402-499', 'any', all('unexpected')],
  ['500', ['errors'], { ...all('failure'), task: 'failed task' }],
  ['500', 'any', all('failure'), 'unknown'],
  [unavailable, ['errors'], all('unavailable')],
  [unavailable, 'any', all('unavailable'), 'unknown'],
  [timeout, ['errors'], all('timeout')],
  [timeout, 'any', all('timeout'), 'unknown'],
  ['501-599', ['errors'], all('failure')],
  ['501-599', 'any', all('unexpected'), 'unknown'],
];

/** Returns what a response means. A status outside 200 to 599 is `unexpected`. */
export function toMeaning(call: CallKind, status: number, form: BodyForm): Meaning {
  return findRow(status, form)?.[2][call] ?? 'unexpected';
}

/** Reports whether a write may have been executed although its response is not a success. */
export function isOutcomeUnknown(status: number, form: BodyForm): boolean {
  return findRow(status, form)?.[3] === 'unknown';
}

/** Reports whether a status means that the REST API is unavailable or too slow, whatever the body: 502 to 504, and 520 to 530. */
export function isServiceFailure(status: number): boolean {
  return ['unavailable', 'timeout'].includes(toMeaning('read', status, 'empty'));
}

function findRow(status: number, form: BodyForm): Row | undefined {
  return rowsByStatus.get(status)?.find(([, forms]) => forms === 'any' || forms.includes(form));
}

const rowsByStatus = new Map<number, readonly Row[]>();
for (const row of rows) {
  for (const range of row[0].split(' ')) {
    const [first = NaN, last = first] = range.split('-').map(Number);
    for (let status = first; status <= last; status++)
      rowsByStatus.set(status, [...(rowsByStatus.get(status) ?? []), row]);
  }
}
