// Removes secrets from text that the REST API returned: a response may echo what it was sent, and in another form.
import { decode, EncodedString, type TextRange } from './encoded-text.js';
import type { UpstreamErrorEntry } from './errors.js';

// Redacting a shorter string would tear words apart and hide nothing.
const minSecretLength = 6;

const replacement = '[secret]';

/** The strings that no text for a client may contain. Immutable. */
export class Secrets {
  readonly #values: readonly string[];
  #encoded: readonly EncodedString[] | undefined;

  /** Ignores strings of fewer than 6 characters. */
  constructor(values: readonly string[]) {
    this.#values = values.filter((value) => value.length >= minSecretLength);
  }

  /** Returns these secrets and further ones. */
  with(values: readonly string[]): Secrets {
    return values.length === 0 ? this : new Secrets([...this.#values, ...values]);
  }

  /**
   * Replaces by `[secret]` each secret in `text`, and the value of each field named like a pre-shared key in a JSON text. Finds a secret
   * as it is, escaped as in JSON, percent-encoded, and in base64 or base64url, also amid other encoded text.
   */
  redact(text: string): string {
    const named = mayNamePreSharedKey(text)
      ? text.replace(preSharedKeyPattern, `$<name>$<open>${replacement}$<open>`)
      : text;
    this.#encoded ??= this.#values.map((value) => new EncodedString(value));
    const decoded = decode(named);
    const ranges = this.#encoded.flatMap((secret) => secret.find(decoded));
    return ranges.length === 0 ? named : replaceRanges(named, ranges);
  }
}

// Replaces ranges that overlap, e.g. those of a secret in another one, together.
function replaceRanges(text: string, ranges: readonly TextRange[]): string {
  let result = '';
  let end = 0;
  for (const range of ranges.toSorted((one, other) => one.start - other.start)) {
    if (range.start >= end) result += `${text.slice(end, range.start)}${replacement}`;
    end = Math.max(end, range.end);
  }
  return result + text.slice(end);
}

/** Redacts further secrets in the code and message of each entry. */
export function redactEntries(entries: readonly UpstreamErrorEntry[], secrets: Secrets): readonly UpstreamErrorEntry[] {
  return entries.map(({ code, message }) => ({
    code: code === null ? null : secrets.redact(code),
    message: secrets.redact(message),
  }));
}

/** Reports whether a field holds a pre-shared key by its name: `ipSecPsk` in any spelling, e.g. `ipsec_psk`. */
export function isPreSharedKeyField(name: string): boolean {
  return /^[^a-z\d]*ip[^a-z\d]*sec[^a-z\d]*psk[^a-z\d]*$/i.test(name);
}

/** Returns the pre-shared keys that a JSON text names, decoded. Returns none for other texts. */
export function findNamedPreSharedKeys(text: string): readonly string[] {
  if (!mayNamePreSharedKey(text)) return [];
  return [...text.matchAll(preSharedKeyPattern)].map(({ groups = {} }) => {
    const value = groups['quoted'] ?? groups['bare'] ?? '';
    return value.includes('\\') ? unescapeJson(value) : value;
  });
}

function mayNamePreSharedKey(text: string): boolean {
  return /psk/i.test(text);
}

// The JSON text may itself be in a JSON text, up to three levels deep: then each quote follows up to seven backslashes. A value ends at the
// quote that is escaped as the one that opened it, or else at the end of the text.
const preSharedKeyPattern =
  /(?<name>ip[_-]?sec[_-]?psk(?:\\{0,7}["'])?\s{0,9}[:=])(?:\s{0,9}(?<open>\\{0,7}["'])(?<quoted>.*?)(?:(?<!\\)\k<open>|$)|(?<bare>[^\s\\,;&"'{}[\]]{6,}))/gis;

function unescapeJson(text: string): string {
  try {
    const value: unknown = JSON.parse(`"${text}"`);
    return typeof value === 'string' ? value : text;
  } catch {
    return text;
  }
}
