// Background tasks: wire type, the call, and what its end is.
import type { RestSession } from './client.js';
import { WireFields } from './decode.js';
import { toOrganization } from './environments.js';
import { isObject, throwIfFailed, toReadData, toUpstreamErrors, type WriteOutcome } from './envelope.js';
import { BadResponseError, type UpstreamErrorEntry } from './errors.js';

/** How far a task is; `UNKNOWN` is a status that is not documented, and taken as not ended. */
export type TaskStatus = 'PENDING' | 'SUCCESS' | 'FAILED' | 'UNKNOWN';

/** A task, whichever form it came in. */
export interface TaskEntity {
  readonly id: string;
  readonly status: TaskStatus;
  /** When it was begun; null where the REST API does not say. */
  readonly created: Date | null;
  /** What came of it; undefined where it has not succeeded. */
  readonly result: unknown;
  /** Why it failed; empty where it has not, or nothing was said. */
  readonly errors: readonly UpstreamErrorEntry[];
}

/** `GET /tasks/{id}`. A 400 with `errors` is a task that failed. Throws a CloudcaError: NotFoundError where it is not known (any more). */
export function getTask(rest: RestSession, id: string, organizationId: string | null): Promise<TaskEntity> {
  const request = { route: '/tasks/{id}', path: ['tasks', id], query: toOrganization(organizationId) };
  return rest.readAnswer(request, (answer) => {
    const errors = toUpstreamErrors(answer.body, rest.secrets);
    if (answer.status === 400 && errors !== undefined)
      return { id, status: 'FAILED', created: null, result: undefined, errors };
    // A failed task may tell its errors beside its status: those are the task's, not the call's.
    const fields = toTaskFields(answer.body);
    if (
      answer.status === 200 &&
      fields !== undefined &&
      toStatus(fields['taskStatus'] ?? fields['status']) === 'FAILED'
    ) {
      const task = toTask(rest, fields, id);
      return task.errors.length === 0 && errors !== undefined ? { ...task, errors } : task;
    }
    throwIfFailed(answer, rest.secrets);
    return toTask(rest, fields ?? toReadData(answer, rest.secrets), id);
  });
}

/** The task that a write began; null where it began none. Throws BadResponseError. */
export function toBegunTask(rest: RestSession, outcome: WriteOutcome): TaskEntity | null {
  const { fields, taskId } = outcome;
  if (taskId === undefined) return null;
  // A task that is told without a status has been accepted, and no more.
  const taskStatus = fields['taskStatus'] ?? fields['status'] ?? 'PENDING';
  return toTask(rest, { ...fields, taskStatus }, taskId);
}

/** Whether a task will not change any more. */
export function hasEnded(task: TaskEntity): boolean {
  return task.status === 'SUCCESS' || task.status === 'FAILED';
}

// The fields of a task, from either form of an answer; undefined where it is none.
function toTaskFields(body: unknown): Readonly<Record<string, unknown>> | undefined {
  if (!isObject(body)) return undefined;
  if (body['taskStatus'] !== undefined) return body;
  return isObject(body['data']) ? body['data'] : undefined;
}

function toTask(rest: RestSession, value: unknown, id: string): TaskEntity {
  const fields = new WireFields(value, 'task', rest.warn);
  const wireStatus = fields.unknown('taskStatus') ?? fields.unknown('status');
  if (typeof wireStatus !== 'string')
    throw new BadResponseError('The REST API sent a task whose status is not a string.');
  const status = toStatus(wireStatus);
  if (status === 'UNKNOWN') fields.warn('status', 'not one that is documented, read as UNKNOWN');
  return {
    id,
    status,
    created: toInstant(fields),
    result: status === 'SUCCESS' ? fields.unknown('result') : undefined,
    errors: status === 'FAILED' ? (toUpstreamErrors(value, rest.secrets) ?? []) : [],
  };
}

function toStatus(value: unknown): TaskStatus {
  const status = typeof value === 'string' ? value.trim().toUpperCase() : undefined;
  return status === 'PENDING' || status === 'SUCCESS' || status === 'FAILED' ? status : 'UNKNOWN';
}

// ISO 8601, a date alone or with a time; one without an offset is taken as UTC.
const instantForm = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i;

function toInstant(fields: WireFields): Date | null {
  const text = fields.optionalString('created');
  if (text === null) return null;
  const [, day = '', time = '00:00', offset = 'Z'] = instantForm.exec(text.trim()) ?? [];
  const instant = new Date(`${day}T${time}${offset.replace(/^([+-]\d{2})(\d{2})$/, '$1:$2')}`);
  // Date moves the 31st of a shorter month into the next one: such a day is no date.
  const midnight = new Date(`${day}T00:00Z`);
  if (!Number.isNaN(instant.getTime()) && midnight.toISOString().startsWith(day)) return instant;
  fields.warn('created', 'not an instant that can be read, read as null');
  return null;
}
