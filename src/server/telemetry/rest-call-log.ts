// Lists the REST calls of one operation for its client, in development only.
import type { ObserveCall, RestCall } from '../../cloudca/requests.js';
import type { RestCallRecord } from '../../graph/context.js';

/** The request header that asks for the list. */
export const explainHeader = 'x-explain';

/** Records the REST calls of one operation. */
export class RestCallLog {
  /** Receives each call that the operation makes. */
  readonly observe: ObserveCall;
  /** Receives each read that joins a call of another operation. */
  readonly observeJoined: ObserveCall;
  readonly #startedAt = performance.now();
  readonly #records: RestCallRecord[] = [];

  constructor() {
    this.observe = (call) => this.#record(call, false);
    this.observeJoined = (call) => this.#record(call, true);
  }

  /** The calls so far, in the order in which they started. */
  get records(): readonly RestCallRecord[] {
    return this.#records;
  }

  #record({ method, route, attempt }: RestCall, shared: boolean) {
    const startedAt = performance.now();
    const start = round(startedAt - this.#startedAt);
    const index = this.#records.push({ method, route, status: null, start, milliseconds: null, attempt, shared }) - 1;
    return {
      end: (outcome: number | Error) => {
        const status = typeof outcome === 'number' ? outcome : null;
        const milliseconds = round(performance.now() - startedAt);
        this.#records[index] = { method, route, status, start, milliseconds, attempt, shared };
      },
    };
  }
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
