// The GraphQL types of background tasks, and the removal of secrets from a task's result.
import { GraphQLDateTime, GraphQLJSON } from 'graphql-scalars';
import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { countValues, isObject } from '../../json.js';
import { findNamedPreSharedKeys, isPreSharedKeyField, type Secrets } from '../../cloudca/redact.js';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import type { TaskEntity } from '../../cloudca/tasks.js';

/** Lists the statuses of a task. The names are those of the REST API. */
export const TaskStatus = { PENDING: 'PENDING', SUCCESS: 'SUCCESS', FAILED: 'FAILED', UNKNOWN: 'UNKNOWN' } as const;
/** Names the status of a task. */
export type TaskStatus = TaskEntity['status'];

registerEnumType(TaskStatus, {
  name: 'TaskStatus',
  description: 'Status of a task.',
  valuesConfig: {
    PENDING: { description: 'The task is in progress.' },
    SUCCESS: { description: 'The task has succeeded.' },
    FAILED: { description: 'The task has failed.' },
    UNKNOWN: { description: 'A status that the gateway does not recognize; treated as not ended.' },
  },
});

/** Reports why a task failed, without secrets. */
@ObjectType({ simpleResolvers: true, description: 'Reason why a task failed.' })
export class TaskError {
  @Field(() => String, { nullable: true, description: 'Error code of the REST API; null if it sent none.' })
  declare code: string | null;

  @Field(() => String, { description: 'Error message of the REST API, with secrets redacted.' })
  declare message: string;
}

/** Describes a background task, as the REST API sends it, without secrets. */
@ObjectType({ simpleResolvers: true, description: 'Operation that the REST API runs in the background.' })
export class Task {
  @Field(() => ID, { description: 'Id of the task, a UUID. The REST API keeps a task for about 30 minutes.' })
  declare id: string;

  @Field(() => TaskStatus, { description: 'Status of the task.' })
  declare status: TaskStatus;

  @Field(() => GraphQLDateTime, {
    nullable: true,
    description:
      'Time when the task was created; null if the REST API does not send it. A date without a time is read as midnight UTC.',
  })
  declare created: Date | null;

  @Field(() => GraphQLJSON, {
    nullable: true,
    description:
      'Result of the task as the REST API sent it; null unless status is SUCCESS, or if it has more than 5,000 values. ' +
      'Fields named ipSecPsk are removed. ' +
      'A number that a double does not hold exactly, e.g. an integer beyond 2^53 - 1, is a string with its digits.',
  })
  declare result: unknown;

  @Field(() => [TaskError], {
    description: 'Reasons why the task failed; empty if it has not failed, or if the REST API gives none.',
  })
  declare errors: readonly TaskError[];

  /** Result as the REST API sent it, secrets included. Not part of the schema. */
  declare wireResult: unknown;

  /** Environment that the task works in; null if the client did not send it. Not part of the schema. */
  declare environment: EnvironmentAddress | null;
}

/** Converts a task of the REST API to the GraphQL type. `secrets` are redacted in every string of its result. */
export function toTaskType(entity: TaskEntity, environment: EnvironmentAddress | null, secrets: Secrets): Task {
  const { result: wireResult } = entity;
  const result = countValues(wireResult, maxValues) > maxValues ? null : toPublicResult(wireResult, secrets);
  return { ...entity, result, wireResult, environment };
}

// Each string and each name of a field is searched for secrets, all in one turn of the event loop. A VPN has about 25 values.
const maxValues = 5_000;

function toPublicResult(wireResult: unknown, secrets: Secrets): unknown {
  const keys = new Set(findPreSharedKeys(wireResult));
  return keys.size > maxKeys ? null : (removePreSharedKeys(wireResult, secrets.with([...keys])) ?? null);
}

// Deeper than any entity of the REST API. Deeper values become null, since a client's JSON parser may not bear them.
const maxDepth = 32;

// Every string is searched for every key, so the cost grows with both. A result names one VPN: one with more keys is replaced by null.
const maxKeys = 20;

/** Returns the pre-shared keys in a JSON value and in the JSON texts in it, since a message beside a key may repeat it. */
function findPreSharedKeys(value: unknown, depth = 0): readonly string[] {
  if (typeof value === 'string') return findNamedPreSharedKeys(value);
  if (depth > maxDepth || typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, entry]: [string, unknown]) =>
    isPreSharedKeyField(name) && typeof entry === 'string' ? [entry] : findPreSharedKeys(entry, depth + 1),
  );
}

/** Copies a JSON value without the fields named ipSecPsk, in any spelling and at any depth, and redacts secrets in its strings. */
function removePreSharedKeys(value: unknown, secrets: Secrets, depth = 0): unknown {
  if (depth > maxDepth) return null;
  if (typeof value === 'string') return secrets.redact(value);
  if (Array.isArray(value)) return value.map((entry) => removePreSharedKeys(entry, secrets, depth + 1));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([name]) => !isPreSharedKeyField(name));
  return Object.fromEntries(
    entries.map(([name, entry]) => [secrets.redact(name), removePreSharedKeys(entry, secrets, depth + 1)]),
  );
}
