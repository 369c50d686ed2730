// The REST API's background tasks: wire type, decoding, and the call that reads one.
import type { RestSession } from './session.js';
import { WireFields } from './decode.js';
import { toOrganizationQuery } from './environments.js';
import { toTask, type WriteOutcome } from './envelope.js';
import { BadResponseError, type UpstreamErrorEntry } from './errors.js';
import type { Secrets } from './redact.js';
import { hasFailed, type TaskFields, type TaskStatus, toTaskStatus } from './task-fields.js';
import { hasErrors, toResultErrors, toUpstreamErrors } from './upstream-errors.js';

/** A task, the same for all of its wire forms. */
export interface TaskEntity {
  readonly id: string;
  readonly status: TaskStatus;
  /** When the REST API created the task; null if it does not say. */
  readonly created: Date | null;
  /** The result, unchecked; undefined unless the status is `SUCCESS`. */
  readonly result: unknown;
  /** Why the task failed; empty unless the status is `FAILED`, or if the REST API gave no reason. */
  readonly errors: readonly UpstreamErrorEntry[];
}

/**
 * Reads a task: `GET /tasks/{id}`. A 400 or 500 with `errors` is a task that has failed. Rejects with a CloudcaError: NotFoundError if the
 * REST API does not know the task, or has forgotten it.
 */
export function getTask(rest: RestSession, id: string, organizationId: string | null): Promise<TaskEntity> {
  const request = { route: '/tasks/{id}', path: ['tasks', id], query: toOrganizationQuery(organizationId) };
  return rest.readResponse(request, (response) => decodeTask(rest, toTask(response, rest.secrets), id));
}

/** Returns the task that a write started; null if it started none. Throws BadResponseError. */
export function toStartedTask(rest: RestSession, { task }: WriteOutcome): TaskEntity | null {
  if (task === undefined) return null;
  // A new task without a status has been accepted, and has not ended.
  return decodeTask(rest, { ...task, taskStatus: task.taskStatus ?? 'PENDING' }, task.taskId);
}

/** Reports whether a task has succeeded or failed, and so will not change. */
export function hasEnded(task: TaskEntity): boolean {
  return task.status === 'SUCCESS' || task.status === 'FAILED';
}

function decodeTask(rest: RestSession, task: TaskFields, id: string): TaskEntity {
  const fields = new WireFields(task, 'task', rest.warn);
  if (typeof task.taskStatus !== 'string')
    throw new BadResponseError('The REST API sent a task whose status is not a string.');
  const status = hasFailed(task) ? 'FAILED' : toTaskStatus(task.taskStatus);
  if (status === 'UNKNOWN') fields.warn('status', 'not a documented value, read as UNKNOWN');
  return {
    id,
    status,
    created: decodeCreated(fields),
    result: status === 'SUCCESS' ? task.result : undefined,
    errors: status === 'FAILED' ? toTaskErrors(task, rest.secrets) : [],
  };
}

function toTaskErrors({ errors, result }: TaskFields, secrets: Secrets): readonly UpstreamErrorEntry[] {
  return hasErrors(errors) ? toUpstreamErrors(errors, secrets) : toResultErrors(result, secrets);
}

// ISO 8601: a date, or a date and time. UTC if there is no offset.
const dateTimePattern = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i;

function decodeCreated(fields: WireFields): Date | null {
  const text = fields.optionalString('created');
  if (text === null) return null;
  const [, day = '', time = '00:00', offset = 'Z'] = dateTimePattern.exec(text.trim()) ?? [];
  const instant = new Date(`${day}T${time}${offset.replace(/^([+-]\d{2})(\d{2})$/, '$1:$2')}`);
  // Date turns the 31st of a shorter month into a day of the next month: such a date is invalid.
  const midnight = new Date(`${day}T00:00Z`);
  if (!Number.isNaN(instant.getTime()) && midnight.toISOString().startsWith(day)) return instant;
  fields.warn('created', 'not a valid ISO 8601 date, read as null');
  return null;
}
