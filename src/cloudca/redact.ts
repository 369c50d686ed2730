// Removes the secrets of a call from text that the REST API returned: a response may echo what it was sent.
import type { UpstreamErrorEntry } from './errors.js';

// Redacting a shorter string would tear words apart and hide nothing.
const minSecretLength = 6;

/** Replaces each of `secrets` in `text` by `[secret]`. Does not redact secrets of fewer than 6 characters. */
export function redact(text: string, secrets: readonly string[]): string {
  if (!secrets.some((secret) => text.includes(secret))) return text;
  // A secret may contain another one: redacting the shorter one first would leave the rest of the longer one.
  const longestFirst = [...secrets].sort((one, other) => other.length - one.length);
  return longestFirst
    .filter((secret) => secret.length >= minSecretLength)
    .reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text);
}

/** Redacts further secrets in the code and message of each entry. */
export function redactEntries(
  entries: readonly UpstreamErrorEntry[],
  secrets: readonly string[],
): readonly UpstreamErrorEntry[] {
  return entries.map(({ code, message }) => ({
    code: code === null ? null : redact(code, secrets),
    message: redact(message, secrets),
  }));
}
