// Finds the task in a response, whatever its form: at the top (`taskId`, `taskStatus`), in `data` (`id`, `status`), or both side by side.
import { isObject } from '../json.js';
import { isSameId } from './ids.js';
import { hasErrors, isFailedResult } from './upstream-errors.js';

/** Status of a task. `UNKNOWN` stands for any status that is not documented; such a task counts as not ended. */
export type TaskStatus = 'PENDING' | 'SUCCESS' | 'FAILED' | 'UNKNOWN';

/** The fields of a task, unchecked. Undefined are those that the response lacks, or has as null. */
export interface TaskFields {
  readonly taskId: unknown;
  readonly taskStatus: unknown;
  readonly created: unknown;
  readonly result: unknown;
  readonly errors: unknown;
}

/**
 * Returns the fields of the task in a body; undefined if it has none. `isExpected`: the call asked for a task, so `data` and the body need
 * not look like one.
 */
export function findTask(body: unknown, isExpected: boolean): TaskFields | undefined {
  if (!isObject(body)) return undefined;
  const top = toTaskFields(body);
  const isTop = isNamedTask(body);
  const { data } = body;
  if (isObject(data) && (looksLikeTask(data) || (isExpected && !isTop))) {
    const inner = toTaskFields(data);
    const errors = hasErrors(top.errors) ? top.errors : inner.errors;
    if (!isTop) return { ...inner, errors };
    // Beside a task, `data` may be the task again, or the entity that the task works on.
    if (isSameTask(top.taskId, inner.taskId)) return { ...merge(top, inner), errors };
  }
  const isBare = isExpected && (top.taskStatus !== undefined || isFailedResult(top.result));
  return isTop || isBare ? top : undefined;
}

/** Reports whether a task has failed: its status says so, or it has not succeeded and its result says why. */
export function hasFailed({ taskStatus, result }: TaskFields): boolean {
  const status = toTaskStatus(taskStatus);
  return status === 'FAILED' || (status !== 'SUCCESS' && isFailedResult(result));
}

/** Reads a status, in any case. */
export function toTaskStatus(value: unknown): TaskStatus {
  const status = typeof value === 'string' ? value.trim().toUpperCase() : undefined;
  return status === 'PENDING' || status === 'SUCCESS' || status === 'FAILED' ? status : 'UNKNOWN';
}

/** Reads an id, which may be a number. Returns undefined if it is neither a string nor a number. */
export function toTaskId(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function toTaskFields(fields: Readonly<Record<string, unknown>>): TaskFields {
  const first = (...names: readonly string[]) => names.map((name) => fields[name]).find(isPresent);
  return {
    taskId: first('taskId', 'id'),
    taskStatus: fields['taskStatus'] ?? fields['status'] ?? undefined,
    created: fields['created'] ?? undefined,
    result: fields['result'] ?? undefined,
    errors: fields['errors'] ?? undefined,
  };
}

// Entities have a `state`; only tasks have a `status`.
function looksLikeTask(fields: Readonly<Record<string, unknown>>): boolean {
  return isNamedTask(fields) || (toTaskId(fields['id']) !== undefined && typeof fields['status'] === 'string');
}

function isNamedTask({ taskId, taskStatus }: Readonly<Record<string, unknown>>): boolean {
  return isPresent(taskId) || (taskStatus ?? undefined) !== undefined;
}

function merge(top: TaskFields, inner: TaskFields): Omit<TaskFields, 'errors'> {
  return {
    taskId: top.taskId ?? inner.taskId,
    taskStatus: top.taskStatus ?? inner.taskStatus,
    created: top.created ?? inner.created,
    result: top.result ?? inner.result,
  };
}

function isSameTask(one: unknown, other: unknown): boolean {
  if (one === undefined || other === undefined) return true;
  return isSameId(toTaskId(one) ?? '', toTaskId(other) ?? '');
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}
