// Reads the `errors` of the REST API, and the reasons of failed tasks, in all their forms, with secrets redacted.
import { isObject } from '../json.js';
import type { UpstreamErrorEntry } from './errors.js';
import type { Secrets } from './redact.js';

// The maximum number of entries: a GraphQL response may repeat them for every entry of a list.
const maxErrors = 20;
// In characters.
const maxTextLength = 1_000;

const noReason = 'The REST API gave no reason.';

/** Reports whether `errors` has something in it. An absent one and `null`, `[]`, `{}`, `""`, `false` and 0 have nothing. */
export function hasErrors(errors: unknown): boolean {
  if (typeof errors === 'object' && errors !== null) return Object.keys(errors).length > 0;
  return typeof errors === 'string' ? errors.trim() !== '' : Boolean(errors);
}

/** Reads `errors`: a list of entries, or one entry. Returns none if it has nothing in it. */
export function toUpstreamErrors(errors: unknown, secrets: Secrets): readonly UpstreamErrorEntry[] {
  if (!hasErrors(errors)) return [];
  const entries: unknown[] = Array.isArray(errors) ? errors : [errors];
  return entries.slice(0, maxErrors).map((entry) => {
    const { code, message } = readEntry(entry);
    return {
      code: code === undefined ? null : truncate(secrets.redact(code)),
      message: message === undefined ? noReason : truncate(secrets.redact(message)),
    };
  });
}

/** Reads why a task failed from its `result`. Returns none if it gives neither a code nor a message. */
export function toResultErrors(result: unknown, secrets: Secrets): readonly UpstreamErrorEntry[] {
  const reason = isObject(result) && hasErrors(result['errors']) ? result['errors'] : result;
  const { code, message } = readEntry(reason);
  return Array.isArray(reason) || code !== undefined || message !== undefined ? toUpstreamErrors(reason, secrets) : [];
}

// Names under which deployments send the message of an error. A task that succeeded has none of those that say "error".
const errorTexts = ['errorText', 'errortext', 'errorMessage'];
const messages = ['message', ...errorTexts, 'displayText'];
const codes = ['code', 'errorCode', 'errorcode'];

/** Reports whether the `result` of a task says that it failed. */
export function isFailedResult(result: unknown): boolean {
  return isObject(result) && (hasErrors(result['errors']) || errorTexts.some((name) => hasErrors(result[name])));
}

function readEntry(entry: unknown): { code: string | undefined; message: string | undefined } {
  if (typeof entry === 'string') return { code: undefined, message: entry.trim() === '' ? undefined : entry };
  const fields = isObject(entry) ? entry : {};
  const code = codes.map((name) => fields[name]).find((value) => value !== undefined && value !== null);
  return {
    code: typeof code === 'number' || typeof code === 'string' ? String(code) : undefined,
    message: messages.map((name) => fields[name]).find(isText),
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function truncate(text: string): string {
  // Drops the last word as well: a later redaction would not recognize half of a secret.
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength).replace(/\S+$/, '')}…`;
}
