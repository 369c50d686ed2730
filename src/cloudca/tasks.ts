// The REST API's background tasks: wire type, decoding, and the call that reads one.
import type { RestSession } from './session.js';
import { WireFields } from './decode.js';
import { toOrganizationQuery } from './environments.js';
import { isObject } from '../json.js';
import { throwIfFailed, toReadData, toUpstreamErrors, type WriteOutcome } from './envelope.js';
import { BadResponseError, type UpstreamErrorEntry } from './errors.js';

/** Status of a task. `UNKNOWN` stands for any status that is not documented; such a task counts as not ended. */
export type TaskStatus = 'PENDING' | 'SUCCESS' | 'FAILED' | 'UNKNOWN';

/** A task, the same for both of its wire forms. */
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
 * Reads a task: `GET /tasks/{id}`. A 400 with `errors` is a task that has failed. Rejects with a CloudcaError: NotFoundError if the REST
 * API does not know the task, or has forgotten it.
 */
export function getTask(rest: RestSession, id: string, organizationId: string | null): Promise<TaskEntity> {
  const request = { route: '/tasks/{id}', path: ['tasks', id], query: toOrganizationQuery(organizationId) };
  return rest.readResponse(request, (response) => {
    const errors = toUpstreamErrors(response.body, rest.secrets);
    if (response.status === 400 && errors !== undefined)
      return { id, status: 'FAILED', created: null, result: undefined, errors };
    // A failed task may have `errors` beside its status: they are errors of the task, not of the call.
    const fields = toTaskFields(response.body);
    if (
      response.status === 200 &&
      fields !== undefined &&
      toTaskStatus(fields['taskStatus'] ?? fields['status']) === 'FAILED'
    ) {
      const task = decodeTask(rest, fields, id);
      return task.errors.length === 0 && errors !== undefined ? { ...task, errors } : task;
    }
    throwIfFailed(response, rest.secrets);
    return decodeTask(rest, fields ?? toReadData(response, rest.secrets), id);
  });
}

/** Returns the task that a write started; null if it started none. Throws BadResponseError. */
export function toStartedTask(rest: RestSession, outcome: WriteOutcome): TaskEntity | null {
  const { fields, taskId } = outcome;
  if (taskId === undefined) return null;
  // A new task without a status has been accepted, and has not ended.
  const taskStatus = fields['taskStatus'] ?? fields['status'] ?? 'PENDING';
  return decodeTask(rest, { ...fields, taskStatus }, taskId);
}

/** Reports whether a task has succeeded or failed, and so will not change. */
export function hasEnded(task: TaskEntity): boolean {
  return task.status === 'SUCCESS' || task.status === 'FAILED';
}

// A task is either the body itself, or in its `data`. Returns undefined if the body has neither.
function toTaskFields(body: unknown): Readonly<Record<string, unknown>> | undefined {
  if (!isObject(body)) return undefined;
  if (body['taskStatus'] !== undefined) return body;
  return isObject(body['data']) ? body['data'] : undefined;
}

function decodeTask(rest: RestSession, value: unknown, id: string): TaskEntity {
  const fields = new WireFields(value, 'task', rest.warn);
  const wireStatus = fields.unknown('taskStatus') ?? fields.unknown('status');
  if (typeof wireStatus !== 'string')
    throw new BadResponseError('The REST API sent a task whose status is not a string.');
  const status = toTaskStatus(wireStatus);
  if (status === 'UNKNOWN') fields.warn('status', 'not a documented value, read as UNKNOWN');
  return {
    id,
    status,
    created: decodeCreated(fields),
    result: status === 'SUCCESS' ? fields.unknown('result') : undefined,
    errors: status === 'FAILED' ? (toUpstreamErrors(value, rest.secrets) ?? []) : [],
  };
}

function toTaskStatus(value: unknown): TaskStatus {
  const status = typeof value === 'string' ? value.trim().toUpperCase() : undefined;
  return status === 'PENDING' || status === 'SUCCESS' || status === 'FAILED' ? status : 'UNKNOWN';
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
