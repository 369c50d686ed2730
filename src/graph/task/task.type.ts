// Background tasks as callers see them.
import { GraphQLDateTime, GraphQLJSON } from 'graphql-scalars';
import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { isObject, strike } from '../../cloudca/envelope.js';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import type { TaskEntity } from '../../cloudca/tasks.js';

/** How far a task is. */
export const TaskStatus = { PENDING: 'PENDING', SUCCESS: 'SUCCESS', FAILED: 'FAILED', UNKNOWN: 'UNKNOWN' } as const;
/** How far a task is. */
export type TaskStatus = TaskEntity['status'];

registerEnumType(TaskStatus, {
  name: 'TaskStatus',
  description: 'How far a task is.',
  valuesConfig: {
    PENDING: { description: 'It is being carried out.' },
    SUCCESS: { description: 'It has been carried out.' },
    FAILED: { description: 'It could not be carried out.' },
    UNKNOWN: { description: 'A status that this gateway does not know yet; taken as not ended.' },
  },
});

/** Why a task failed. */
@ObjectType({ simpleResolvers: true, description: 'Why a task failed.' })
export class TaskError {
  /** The REST API's code. */
  @Field(() => String, { nullable: true, description: "The REST API's own code, where it gave one." })
  declare code: string | null;

  /** The REST API's words. */
  @Field(() => String, { description: "The REST API's own words." })
  declare message: string;
}

/** An operation that the REST API carries out in the background. */
@ObjectType({ simpleResolvers: true, description: 'An operation that the REST API carries out in the background.' })
export class Task {
  /** Its id. */
  @Field(() => ID, { description: 'Its id, a UUID; good for about 30 minutes.' })
  declare id: string;

  /** How far it is. */
  @Field(() => TaskStatus, { description: 'How far it is.' })
  declare status: TaskStatus;

  /** When it was begun. */
  @Field(() => GraphQLDateTime, {
    nullable: true,
    description: 'When it was begun; null where the REST API does not say. A day alone is told as its midnight, UTC.',
  })
  declare created: Date | null;

  /** What came of it. */
  @Field(() => GraphQLJSON, {
    nullable: true,
    description:
      'What came of it, once its status is SUCCESS, as the REST API sent it. Any ipSecPsk in it is left out.',
  })
  declare result: unknown;

  /** Why it failed. */
  @Field(() => [TaskError], {
    description: 'Why it failed, where the REST API says; empty where it has not failed.',
  })
  declare errors: readonly TaskError[];

  /** The result with nothing left out; not part of the schema. */
  declare wireResult: unknown;

  /** Where it works, where that is known; not part of the schema. */
  declare environment: EnvironmentAddress | null;
}

/** A task of the REST API as callers see it; `secrets` are what no text of its result may repeat. */
export function toTask(entity: TaskEntity, environment: EnvironmentAddress | null, secrets: readonly string[]): Task {
  const { result } = entity;
  const keys = new Set(toKeys(result));
  const told = keys.size > mostKeys ? null : (withoutKeys(result, [...secrets, ...keys]) ?? null);
  return { ...entity, result: told, wireResult: result, environment };
}

// Deeper than any entity of the REST API; what is nested beyond it is left out, since no client's parser need bear it.
const deepest = 32;

// Each is looked for in each text. A result names one VPN; one that has more keys than this is none that could be told.
const mostKeys = 20;

function isKeyName(name: string): boolean {
  return name.toLowerCase() === 'ipsecpsk';
}

/** The pre-shared keys in a JSON value: what stands under their name may stand in a text beside it as well. */
function toKeys(value: unknown, depth = 0): readonly string[] {
  if (depth > deepest || typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, entry]: [string, unknown]) =>
    isKeyName(name) && typeof entry === 'string' ? [entry] : toKeys(entry, depth + 1),
  );
}

/** A JSON value without its pre-shared keys, wherever they stand and however they are spelled, and without secrets in its texts. */
function withoutKeys(value: unknown, secrets: readonly string[], depth = 0): unknown {
  if (depth > deepest) return null;
  if (typeof value === 'string') return strike(value, secrets);
  if (Array.isArray(value)) return value.map((entry) => withoutKeys(entry, secrets, depth + 1));
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([name]) => !isKeyName(name));
  return Object.fromEntries(
    kept.map(([name, entry]) => [strike(name, secrets), withoutKeys(entry, secrets, depth + 1)]),
  );
}
