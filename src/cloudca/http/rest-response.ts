// One response of the REST API, its body parsed once. What the body means is decided in envelope.ts.
import { isTooComplex, parseExactly, removeByteOrderMark } from '../../json.js';

/** A response of the REST API. */
export interface RestResponse {
  /** HTTP status. */
  readonly status: number;
  /**
   * The body parsed as JSON; numbers that JavaScript would alter are strings (parseExactly). Undefined if it is not JSON, nests more than 100
   * arrays and objects, or is large and has too many values.
   */
  readonly body: unknown;
  /** Length of the body, in characters. */
  readonly length: number;
  /** Whether the body is absent or holds white space only. */
  readonly isEmpty: boolean;
  /** Retry-After, in seconds and not bounded; undefined if the response has none. */
  readonly retryAfter: number | undefined;
}

/** Parses the body of a response, once for all sessions that share it. Ignores a byte order mark, as RFC 8259, 8.1 allows. */
export function toRestResponse(status: number, text: string, retryAfter: number | undefined): RestResponse {
  return {
    status,
    body: parse(removeByteOrderMark(text)),
    length: text.length,
    isEmpty: text.trim() === '',
    retryAfter,
  };
}

// In UTF-16 code units. JSON.parse needs at most about 40 ms for a body of this length, whatever it contains.
const maxUncheckedLength = 256 * 1024;
// More values than 10,000 VPNs have; JSON.parse needs less than half a second for them.
const maxValues = 250_000;

function parse(text: string): unknown {
  // Parsing a more complex body would block the event loop for all other requests.
  if (text.length > maxUncheckedLength && isTooComplex(text, maxValues)) return undefined;
  try {
    return parseExactly(text);
  } catch {
    // response-meanings.ts says what an unreadable body means.
    return undefined;
  }
}

/** Parses Retry-After into seconds, from either form (RFC 9110, 10.2.3). Returns undefined if it is absent, in the past, or malformed. */
export function parseRetryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : Math.ceil((Date.parse(header) - Date.now()) / 1000);
  return seconds >= 0 ? seconds : undefined;
}
