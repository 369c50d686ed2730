// What an answer of the REST API means: {data | errors | taskId…} to a value, an accepted write, or a thrown error.
// It does not know how answers come about, nor what is in `data`.
import {
  BadResponseError,
  type CloudcaError,
  ForbiddenError,
  NotFoundError,
  RateLimitedError,
  RefusedError,
  TimeoutError,
  UnauthenticatedError,
  UnavailableError,
  type UpstreamAnswer,
  type UpstreamErrorEntry,
  UpstreamFailureError,
} from './errors.js';
import { isTooComplex } from '../json.js';

/** An answer as it came. */
export interface Answer {
  /** HTTP status. */
  readonly status: number;
  /** The body as JSON; undefined where it is no JSON, or too much of it. */
  readonly body: unknown;
  /** Whether there was no body, or nothing but blanks in it. */
  readonly isEmpty: boolean;
  /** Retry-After in seconds, however many; undefined where there was none. */
  readonly retryAfter: number | undefined;
}

/** What a write that was accepted came with: a task's fields, `data`, both, or nothing. */
export interface WriteOutcome {
  /** The body's fields; empty where there was no body. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Its `data`; undefined where it has none. */
  readonly data: unknown;
  /** Its `taskId`; undefined where no task was begun. */
  readonly taskId: string | undefined;
}

// A longer Retry-After is no answer to a caller who waits.
const longestRetryAfterSeconds = 86_400;

/** The `data` of a read. Throws a CloudcaError for everything else. */
export function toReadData(answer: Answer, secrets: readonly string[]): unknown {
  throwIfFailed(answer, secrets);
  const { body } = answer;
  if (!isObject(body) || body['data'] === undefined || body['data'] === null) throw toUndocumented(answer);
  return body['data'];
}

/** What an accepted write came with. Throws a CloudcaError where it was not accepted, or the answer cannot be read. */
export function toWriteOutcome(answer: Answer, secrets: readonly string[]): WriteOutcome {
  throwIfFailed(answer, secrets);
  const { body, isEmpty } = answer;
  // The documentation shows no body for writes: none at all is as good as a task.
  if (isEmpty) return { fields: {}, data: undefined, taskId: undefined };
  if (!isObject(body)) throw toUndocumented(answer);
  const data = body['data'] ?? undefined;
  const fields = toTaskFields(body);
  const taskId = fields['taskId'] ?? undefined;
  if (taskId === undefined) return { fields, data, taskId };
  // Told here, where the error is still marked as one of a write that may have been carried out.
  const status = fields['taskStatus'] ?? fields['status'] ?? undefined;
  if (typeof taskId !== 'string' || !(status === undefined || typeof status === 'string')) throw toUndocumented(answer);
  return { fields, data: isTask(data) ? undefined : data, taskId };
}

// A task may stand in `data` as well, under its own names or in the form that GET /tasks/{id} has there.
function toTaskFields(body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { taskId, data } = body;
  if ((taskId ?? undefined) !== undefined || !isObject(data)) return body;
  return isTask(data) ? { ...body, ...data, taskId: data['id'] } : { ...body, ...data };
}

// An entity has a state; a status is a task's.
function isTask(data: unknown): boolean {
  return isObject(data) && typeof data['id'] === 'string' && typeof data['status'] === 'string';
}

function toUndocumented(answer: Answer): BadResponseError {
  return new BadResponseError('The REST API answered with something other than the documented form.', toTold(answer));
}

/** Makes an answer of what came over the wire. Its body is parsed here, once for all who read it. */
export function toAnswer(status: number, text: string, retryAfter: number | undefined): Answer {
  return { status, body: parse(text), isEmpty: text.trim() === '', retryAfter };
}

// Parsed in some 40 ms, whatever it is made of.
const smallBody = 256 * 1024;
// More than 10,000 VPNs have; parsed in less than half a second, whatever they are.
const mostValues = 250_000;

function parse(text: string): unknown {
  // As little use as what is no JSON: it would hold everybody up.
  if (text.length > smallBody && isTooComplex(text, mostValues)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    // Not JSON: whoever asked says what that means, by the status.
    return undefined;
  }
}

/** Whether a value of the wire is an object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The `errors` of a body, in either form of them, with the secrets struck out; undefined where it has none. */
export function toUpstreamErrors(body: unknown, secrets: readonly string[]): readonly UpstreamErrorEntry[] | undefined {
  if (!isObject(body)) return undefined;
  const errors = body['errors'] ?? undefined;
  if (errors === undefined || (Array.isArray(errors) && errors.length === 0)) return undefined;
  const entries: unknown[] = Array.isArray(errors) ? errors : [errors];
  return entries.slice(0, mostErrors).map((entry) => {
    const fields = isObject(entry) ? entry : {};
    const code = fields['code'] ?? fields['errorCode'];
    const message = typeof entry === 'string' ? entry : fields['message'];
    return {
      code: typeof code === 'number' || typeof code === 'string' ? cut(strike(String(code), secrets)) : null,
      message:
        typeof message === 'string' && message !== '' ? cut(strike(message, secrets)) : 'The REST API gave no reason.',
    };
  });
}

// An error may be told at every row of a list.
const mostErrors = 20;
const longestText = 1_000;

function cut(text: string): string {
  // Without the last word, of which only half may be left: half of a secret is not struck out later.
  return text.length <= longestText ? text : `${text.slice(0, longestText).replace(/\S+$/, '')}…`;
}

/** Entries with more secrets struck out. */
export function withoutSecrets(
  entries: readonly UpstreamErrorEntry[],
  secrets: readonly string[],
): readonly UpstreamErrorEntry[] {
  return entries.map(({ code, message }) => ({
    code: code === null ? null : strike(code, secrets),
    message: strike(message, secrets),
  }));
}

/** Throws the error that a status, or `errors` in the body, stands for. */
export function throwIfFailed(answer: Answer, secrets: readonly string[]): void {
  const errors = toUpstreamErrors(answer.body, secrets);
  const succeeded = answer.status >= 200 && answer.status < 300;
  if (succeeded && errors === undefined) return;
  throw toError(toTold(answer, errors), errors !== undefined, answer.retryAfter);
}

function toError(told: UpstreamAnswer, hasErrors: boolean, retryAfter: number | undefined): CloudcaError {
  if (told.status >= 300 && told.status < 400) {
    return new BadResponseError('The REST API sends callers elsewhere; redirects are not followed.', {
      ...told,
      errors: [],
    });
  }
  switch (told.status) {
    case 401:
      return new UnauthenticatedError('The REST API does not accept this API key.', told);
    case 403:
      return new ForbiddenError('This API key is not allowed to do that.', told);
    case 404:
      return new NotFoundError('The REST API knows nothing of that name or id.', told);
    case 405:
    case 500:
      return new UpstreamFailureError('The REST API failed at this request.', told);
    case 429:
      return new RateLimitedError(
        'The REST API is asked too often; ask again later.',
        told,
        retryAfter !== undefined && retryAfter <= longestRetryAfterSeconds ? retryAfter : undefined,
      );
    case 502:
    case 503:
      return new UnavailableError('The REST API is not available at the moment.', { answer: told });
    case 504:
      return new TimeoutError('The REST API did not answer in time.', { answer: told });
    case 400:
      return new RefusedError('The REST API refused the request.', told);
    default:
      if (!hasErrors) return new BadResponseError('The REST API answered with something unexpected.', told);
      return told.status >= 500
        ? new UpstreamFailureError('The REST API failed at this request.', told)
        : new RefusedError('The REST API refused the request.', told);
  }
}

function toTold(answer: Answer, errors: readonly UpstreamErrorEntry[] = []): UpstreamAnswer {
  return { status: answer.status, errors };
}

/**
 * A text with the secrets struck out: the REST API may echo what it was sent. Short secrets are left: striking them out would tear words
 * apart and hide nothing.
 */
export function strike(text: string, secrets: readonly string[]): string {
  if (!secrets.some((secret) => text.includes(secret))) return text;
  // One that holds another goes first, or what is around the other would stay.
  const longestFirst = [...secrets].sort((one, other) => other.length - one.length);
  return longestFirst
    .filter((secret) => secret.length >= 6)
    .reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text);
}
