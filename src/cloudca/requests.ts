// Describes the reads and writes that a session sends, their caller, and what observes their calls.
import type { WireWarning } from './decode.js';
import type { RestResponse } from './http/rest-response.js';

/** A REST call as metrics and traces see it: free of the caller's data. */
export interface RestCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Template of the path, e.g. `/services/{serviceCode}/{environmentName}/vpcs`. */
  readonly route: string;
  /** 1 for the first attempt, more for a retry. */
  readonly attempt: number;
}

/** Observes one call. */
export interface RestCallObservation {
  /** Header names and values to send along, alternating. */
  readonly headers?: readonly string[];
  /** Receives the outcome, once: the status of the response, or the error if there was none. */
  readonly end: (outcome: number | Error) => void;
}

/** Starts to observe a call that is about to be sent. */
export type ObserveCall = (call: RestCall) => RestCallObservation;

/** Reports the outcome of a call to its observation, and passes it on. */
export async function observeResponse(
  response: Promise<RestResponse>,
  { end }: RestCallObservation,
): Promise<RestResponse> {
  try {
    const { status } = await response;
    end(status);
  } catch (thrown) {
    end(thrown instanceof Error ? thrown : new Error('A value that is not an Error was thrown.'));
  }
  return response;
}

/** The caller on whose behalf a session makes calls. */
export interface Caller {
  /** The caller's own key. It goes into the `MC-Api-Key` header and nowhere else. */
  readonly apiKey: string;
  /** Sent along as `x-request-id`. */
  readonly requestId: string;
  /** Receives each kind of unexpected value in a response once, up to 50 kinds. */
  readonly warn: (warning: WireWarning) => void;
  /** Receives each call. */
  readonly observe?: ObserveCall | undefined;
  /** Receives each read that joins a call which another session has in flight. Its `headers` are not sent. */
  readonly observeJoined?: ObserveCall | undefined;
}

/** A read. */
export interface ReadRequest {
  /** Template of the path, with a name in braces for each variable segment. */
  readonly route: string;
  /** Path below the base URL, one entry per segment, not encoded. */
  readonly path: readonly string[];
  /** Query parameters. */
  readonly query?: Readonly<Record<string, string>>;
}

/** A write. */
export interface WriteRequest extends ReadRequest {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: object;
  /** Values in the body that no message may repeat. */
  readonly secrets?: readonly string[];
  /** A sentence for the error message if the outcome is unknown: what to check before a retry. */
  readonly advice: string;
}
