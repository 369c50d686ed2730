// Subscription.taskUpdated.
import { Arg, Authorized, Ctx, ID, Resolver, Root, Subscription } from 'type-graphql';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { NotFoundError } from '../../cloudca/errors.js';
import type { TaskEntity } from '../../cloudca/tasks.js';
import type { WatchEvents } from '../../cloudca/polling/watcher.js';
import type { ContextValue, GraphContext } from '../context.js';
import { MakesRestCalls } from '../limits/query-cost.js';
import { EnvironmentInput, toSubscriptionAddress } from '../environment/environment.inputs.js';
import { errorsAsEvents, mapWatchEvents } from '../async-iterators.js';
import { isId } from '../validators.js';
import { Task, toTaskType } from './task.type.js';

interface TaskEvent {
  readonly entity: TaskEntity;
  readonly environment: EnvironmentAddress | null;
}

/** Resolves Subscription.taskUpdated. */
@Resolver(() => Task)
export class TaskSubscriptionResolver {
  @Authorized()
  @MakesRestCalls(['task'])
  @Subscription(() => Task, {
    description:
      'Emits the task as it is now, then after each change of its status. Completes when the task has ended. ' +
      'The environment has the same purpose as in Query.task.',
    subscribe: ({ args, context }: { args: TaskUpdatedArgs; context: ContextValue }) => watchTask(args, context),
  })
  taskUpdated(
    @Root() { entity, environment }: TaskEvent,
    @Arg('id', () => ID, { description: 'Id of the task, a UUID.' }) _id: string,
    @Arg('environment', () => EnvironmentInput, {
      nullable: true,
      description:
        'Environment that the task works in. Needed for the current state of siteToSiteVpn, and for its VPC.',
    })
    _environment: EnvironmentInput | null,
    @Ctx('operation') context: GraphContext,
  ): Task {
    return toTaskType(entity, environment, context.rest.secrets);
  }
}

interface TaskUpdatedArgs {
  readonly id: string;
  readonly environment?: EnvironmentInput | null;
}

function watchTask({ id, environment: input }: TaskUpdatedArgs, { operation }: ContextValue): WatchEvents<TaskEvent> {
  return errorsAsEvents(() => {
    const environment = input ? toSubscriptionAddress(input) : null;
    if (!isId(id))
      throw new NotFoundError('The REST API does not know this task. It keeps a task for about 30 minutes.');
    return mapWatchEvents(operation.watcher.task(id, environment?.organizationId ?? null), (entity) => ({
      entity,
      environment,
    }));
  });
}
