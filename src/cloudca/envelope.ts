// Interprets the envelope of REST responses, {data | errors | taskId…}: returns a value or the outcome of a write, or throws an error.
// Does not interpret `data`.
import { isObject } from '../json.js';
import {
  BadResponseError,
  type CloudcaError,
  ForbiddenError,
  NotFoundError,
  RateLimitedError,
  RejectedError,
  TimeoutError,
  UnauthenticatedError,
  UnavailableError,
  type UpstreamDetails,
  type UpstreamErrorEntry,
  UpstreamFailureError,
} from './errors.js';
import type { RestResponse } from './http/rest-response.js';
import type { Secrets } from './redact.js';

/** The response to an accepted write: a task's fields, `data`, both, or nothing. */
export interface WriteOutcome {
  /** The fields of the body; empty if there was no body. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The body's `data`; undefined if it has none. */
  readonly data: unknown;
  /** The id of the task that carries the write out; undefined if there is none. */
  readonly taskId: string | undefined;
}

// A longer Retry-After is ignored. In seconds: one day.
const maxRetryAfterSeconds = 86_400;

/** Returns the `data` of a read. Throws a CloudcaError for any other response. */
export function toReadData(response: RestResponse, secrets: Secrets): unknown {
  throwIfFailed(response, secrets);
  const { body } = response;
  if (!isObject(body) || body['data'] === undefined || body['data'] === null)
    throw createUndocumentedResponseError(response);
  return body['data'];
}

/** Returns the outcome of an accepted write. Throws a CloudcaError if it was not accepted, or if the response cannot be read. */
export function toWriteOutcome(response: RestResponse, secrets: Secrets): WriteOutcome {
  throwIfFailed(response, secrets);
  const { body, isEmpty } = response;
  // The documentation shows no body for writes, so an empty one is a success like any other.
  if (isEmpty) return { fields: {}, data: undefined, taskId: undefined };
  if (!isObject(body)) throw createUndocumentedResponseError(response);
  const data = body['data'] ?? undefined;
  const fields = toTaskFields(body);
  const taskId = fields['taskId'] ?? undefined;
  if (taskId === undefined) return { fields, data, taskId };
  // Checked here, where the session still marks the error as one of a write that may have succeeded.
  const status = fields['taskStatus'] ?? fields['status'] ?? undefined;
  if (typeof taskId !== 'string' || !(status === undefined || typeof status === 'string')) {
    throw createUndocumentedResponseError(response);
  }
  return { fields, data: isTask(data) ? undefined : data, taskId };
}

// A task may also be in `data`, either with `taskId` and `taskStatus`, or with `id` and `status` as in GET /tasks/{id}.
function toTaskFields(body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { taskId, data } = body;
  if ((taskId ?? undefined) !== undefined || !isObject(data)) return body;
  return isTask(data) ? { ...body, ...data, taskId: data['id'] } : { ...body, ...data };
}

// Entities have a `state`; only tasks have a `status`.
function isTask(data: unknown): boolean {
  return isObject(data) && typeof data['id'] === 'string' && typeof data['status'] === 'string';
}

function createUndocumentedResponseError(response: RestResponse): BadResponseError {
  return new BadResponseError(
    'The REST API sent a response that is not of the documented form.',
    toUpstreamDetails(response),
  );
}

/** Throws the error that a status, or `errors` in the body, stands for. */
export function throwIfFailed(response: RestResponse, secrets: Secrets): void {
  const errors = toUpstreamErrors(response.body, secrets);
  const succeeded = response.status >= 200 && response.status < 300;
  if (succeeded && errors === undefined) return;
  throw toError(toUpstreamDetails(response, errors), errors !== undefined, response.retryAfter);
}

function toError(upstream: UpstreamDetails, hasErrors: boolean, retryAfter: number | undefined): CloudcaError {
  if (upstream.status >= 300 && upstream.status < 400) {
    return new BadResponseError('The REST API sent a redirect. The gateway does not follow redirects.', {
      ...upstream,
      errors: [],
    });
  }
  switch (upstream.status) {
    case 401:
      return new UnauthenticatedError('The REST API does not accept this API key.', upstream);
    case 403:
      return new ForbiddenError('This API key is not allowed to do that.', upstream);
    case 404:
      return new NotFoundError('The REST API has nothing with this name or id.', upstream);
    case 405:
    case 500:
      return new UpstreamFailureError('The REST API failed to process the request.', upstream);
    case 429:
      return new RateLimitedError(
        'The REST API limits the rate of requests. Try again later.',
        upstream,
        toUsableRetryAfter(retryAfter),
      );
    case 502:
      return new UnavailableError(unavailableMessage, { upstream });
    case 503:
      return new UnavailableError(unavailableMessage, { upstream, retryAfter: toUsableRetryAfter(retryAfter) });
    case 504:
      return new TimeoutError('The REST API did not respond in time.', { upstream });
    case 400:
      return new RejectedError('The REST API rejected the request.', upstream);
    default:
      if (!hasErrors) return new BadResponseError('The REST API sent an unexpected response.', upstream);
      return upstream.status >= 500
        ? new UpstreamFailureError('The REST API failed to process the request.', upstream)
        : new RejectedError('The REST API rejected the request.', upstream);
  }
}

const unavailableMessage = 'The REST API is not available at the moment.';

function toUsableRetryAfter(seconds: number | undefined): number | undefined {
  return seconds !== undefined && seconds <= maxRetryAfterSeconds ? seconds : undefined;
}

function toUpstreamDetails(response: RestResponse, errors: readonly UpstreamErrorEntry[] = []): UpstreamDetails {
  return { status: response.status, errors };
}

/** Reads the `errors` of a body, in either form, with the secrets redacted. Returns undefined if it has none. */
export function toUpstreamErrors(body: unknown, secrets: Secrets): readonly UpstreamErrorEntry[] | undefined {
  if (!isObject(body)) return undefined;
  const errors = body['errors'] ?? undefined;
  if (errors === undefined || (Array.isArray(errors) && errors.length === 0)) return undefined;
  const entries: unknown[] = Array.isArray(errors) ? errors : [errors];
  return entries.slice(0, maxErrors).map((entry) => {
    const fields = isObject(entry) ? entry : {};
    const code = fields['code'] ?? fields['errorCode'];
    const message = typeof entry === 'string' ? entry : fields['message'];
    return {
      code: typeof code === 'number' || typeof code === 'string' ? truncate(secrets.redact(String(code))) : null,
      message:
        typeof message === 'string' && message !== ''
          ? truncate(secrets.redact(message))
          : 'The REST API gave no reason.',
    };
  });
}

// The maximum number of entries: a GraphQL response may repeat them for every entry of a list.
const maxErrors = 20;
// In characters.
const maxTextLength = 1_000;

function truncate(text: string): string {
  // Drops the last word as well: a later redaction would not recognize half of a secret.
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength).replace(/\S+$/, '')}…`;
}
