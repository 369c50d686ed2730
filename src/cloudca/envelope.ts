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
  UpstreamFailureError,
} from './errors.js';
import { type BodyForm, type CallKind, isOutcomeUnknown, type Meaning, toMeaning } from './http/response-meanings.js';
import type { RestResponse } from './http/rest-response.js';
import { isSameId } from './ids.js';
import type { Secrets } from './redact.js';
import { findTask, hasFailed, type TaskFields, toTaskId } from './task-fields.js';
import { hasErrors, toUpstreamErrors } from './upstream-errors.js';

/** The response to an accepted write: a task, `data`, both, or nothing. */
export interface WriteOutcome {
  /** The body's `data`; undefined if it has none, or if that is the task. */
  readonly data: unknown;
  /** The task that carries the write out; undefined if there is none. Its `taskId` is a string. */
  readonly task: (TaskFields & { readonly taskId: string }) | undefined;
}

/** Returns the `data` of a read. Throws a CloudcaError for any other response. */
export function toReadData(response: RestResponse, secrets: Secrets): unknown {
  interpret('read', response, secrets);
  return toData(response.body);
}

/** Returns the fields of the task that a call asked for. Its `taskStatus` is FAILED if it has failed. Throws a CloudcaError. */
export function toTask(response: RestResponse, secrets: Secrets): TaskFields {
  const meaning = interpret('task', response, secrets);
  const { body } = response;
  const task = findTask(body, true);
  if (meaning === 'success' && task !== undefined) return task;
  const errors = task?.errors ?? (isObject(body) ? body['errors'] : undefined);
  return { ...noTask, ...task, errors, taskStatus: 'FAILED' };
}

const noTask = { taskId: undefined, created: undefined, result: undefined };

/**
 * Returns the outcome of an accepted write. Throws a CloudcaError if it was not accepted. If it may have been executed all the same, the
 * error says so, with `advice` on what to check.
 */
export function toWriteOutcome(response: RestResponse, secrets: Secrets, advice: string): WriteOutcome {
  interpret('write', response, secrets, advice);
  const data = toData(response.body);
  const task = findTask(response.body, false);
  if (task?.taskId === undefined) return { data, task: undefined };
  const taskId = toTaskId(task.taskId);
  // Checked here, where the error still is one of a write that may have been executed.
  if (taskId === undefined || !['string', 'undefined'].includes(typeof task.taskStatus)) {
    throw toError('undocumented', response, secrets).markOutcomeUnknown(advice);
  }
  const isDataTask = isObject(data) && isSameId(toTaskId(data['id']) ?? '', taskId);
  return { data: isDataTask ? undefined : data, task: { ...task, taskId } };
}

/** Returns the meaning of a response that is a success. Throws the error that any other response stands for. */
function interpret(
  call: CallKind,
  response: RestResponse,
  secrets: Secrets,
  advice?: string,
): Extract<Meaning, 'success' | 'failed task'> {
  const form = toBodyForm(call, response);
  const meaning = toMeaning(call, response.status, form);
  if (meaning === 'success' || meaning === 'failed task') return meaning;
  const error = toError(meaning, response, secrets);
  throw advice !== undefined && isOutcomeUnknown(response.status, form) ? error.markOutcomeUnknown(advice) : error;
}

function toBodyForm(call: CallKind, { body, isEmpty }: RestResponse): BodyForm {
  if (!isObject(body)) return isEmpty ? 'empty' : 'unreadable';
  const task = call === 'task' ? findTask(body, true) : undefined;
  if (task !== undefined && hasFailed(task)) return 'failed task';
  if (hasErrors(body['errors'])) return 'errors';
  return task !== undefined || (call === 'read' && toData(body) !== undefined) ? 'value' : 'object';
}

function toData(body: unknown): unknown {
  return isObject(body) ? (body['data'] ?? undefined) : undefined;
}

// A longer Retry-After is ignored. In seconds: one day.
const maxRetryAfterSeconds = 86_400;

function toError(
  meaning: Exclude<Meaning, 'success' | 'failed task'>,
  { status, body, retryAfter }: RestResponse,
  secrets: Secrets,
): CloudcaError {
  const upstream: UpstreamDetails = {
    status,
    errors: meaning === 'redirect' || !isObject(body) ? [] : toUpstreamErrors(body['errors'], secrets),
  };
  switch (meaning) {
    case 'rejected':
      return new RejectedError('The REST API rejected the request.', upstream);
    case 'unauthenticated':
      return new UnauthenticatedError('The REST API does not accept this API key.', upstream);
    case 'forbidden':
      return new ForbiddenError('This API key is not allowed to do that.', upstream);
    case 'not found':
      return new NotFoundError('The REST API has nothing with this name or id.', upstream);
    case 'rate limited':
      return new RateLimitedError(
        'The REST API limits the rate of requests. Try again later.',
        upstream,
        toUsableRetryAfter(retryAfter),
      );
    case 'failure':
      return new UpstreamFailureError('The REST API failed to process the request.', upstream);
    case 'unavailable':
      return new UnavailableError('The REST API is not available at the moment.', {
        upstream,
        retryAfter: toUsableRetryAfter(retryAfter),
      });
    case 'timeout':
      return new TimeoutError('The REST API did not respond in time.', { upstream });
    case 'proxy':
      return new BadResponseError(
        `A proxy responded with status ${status} instead of the REST API. This says nothing of what was requested. Try again later.`,
        upstream,
      );
    case 'redirect':
      return new BadResponseError('The REST API sent a redirect. The gateway does not follow redirects.', upstream);
    case 'undocumented':
      return new BadResponseError('The REST API sent a response that is not of the documented form.', upstream);
    case 'unexpected':
      return new BadResponseError('The REST API sent an unexpected response.', upstream);
  }
}

function toUsableRetryAfter(seconds: number | undefined): number | undefined {
  return seconds !== undefined && seconds <= maxRetryAfterSeconds ? seconds : undefined;
}
