// Runs many cases at the same time, on one gateway or on several, while each test reports one case.
import { keyHeader } from '../../helpers/fixtures.js';
import { post, type HttpResponse } from '../../helpers/http.js';
import type { RawCall, RawScript } from '../../helpers/raw-upstream.js';
import type { Operation } from './operations.js';
import { apiKey, type Rig } from './harness.js';

/** A case that has started, for a test that awaits its outcome. */
export interface StartedCase {
  readonly name: string;
  /** Settles with the case. */
  readonly outcome: Promise<void>;
}

/** Starts a case for each row, all at the same time. The first element of a row is the name of its case. */
export function startCases<Row extends readonly [name: string, ...rest: unknown[]]>(
  rows: readonly Row[],
  run: (row: Row) => Promise<void>,
): readonly StartedCase[] {
  return rows.map((row) => {
    const outcome = run(row);
    // The test that awaits the outcome reports a rejection, but may do so later.
    outcome.catch(() => undefined);
    return { name: row[0], outcome };
  });
}

/** Lends each of its items to one case at a time, e.g. gateways to cases that must not overlap on one gateway. */
export class Pool<Item> {
  readonly #idle: Item[];
  readonly #waiting: ((item: Item) => void)[] = [];

  constructor(items: readonly Item[]) {
    this.#idle = [...items];
  }

  /** Runs work on the next item that is free. */
  async run<T>(work: (item: Item) => Promise<T>): Promise<T> {
    const item = this.#idle.pop() ?? (await new Promise<Item>((resolve) => this.#waiting.push(resolve)));
    try {
      return await work(item);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(item);
      else next(item);
    }
  }
}

/** A caller with its own API key. Its REST calls get the responses of its own script. */
export interface Caller {
  readonly apiKey: string;
  /** The REST calls made for it, in order. */
  readonly calls: readonly RawCall[];
  /** Posts an operation, and records the response. */
  readonly run: (operation: Pick<Operation, 'query' | 'variables'>) => Promise<HttpResponse>;
  /** Counts its REST calls of an operation. */
  readonly countCalls: (operation: Operation) => number;
}

/** Part of the path of REST calls that succeed for each caller. */
export const healthyService = 'healthy';

/** Lets the upstream respond to each caller by its own script. Returns a function that adds a caller. */
export function serveCallers(rig: Rig): (script: RawScript) => Caller {
  const callers = new Map<string | undefined, { readonly script: RawScript; readonly calls: RawCall[] }>();
  rig.upstream.script((call) => {
    const caller = callers.get(call.headers.get('mc-api-key'));
    if (caller === undefined || call.target.includes(`/${healthyService}/`)) return { data: [] };
    return caller.script(call, caller.calls.push(call) - 1);
  });
  return (script) => {
    const key = `${apiKey}-${callers.size}`;
    const calls: RawCall[] = [];
    callers.set(key, { script, calls });
    return {
      apiKey: key,
      calls,
      run: async ({ query, variables }) => rig.record(await post(rig.url, { query, variables }, keyHeader(key))),
      countCalls: ({ restCall }) => calls.filter(({ method, target }) => `${method} ${target}` === restCall).length,
    };
  };
}
