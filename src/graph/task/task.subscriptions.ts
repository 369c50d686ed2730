// Subscription.taskUpdated.
import { Arg, Authorized, Ctx, ID, Resolver, Root, Subscription } from 'type-graphql';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { NotFoundError } from '../../cloudca/errors.js';
import type { TaskEntity } from '../../cloudca/tasks.js';
import type { WatchEvents } from '../../cloudca/polling/watcher.js';
import type { ContextValue, GraphContext } from '../context.js';
import { MakesRestCall } from '../limits/query-cost.js';
import { EnvironmentInput, toFollowedAddress } from '../environment/environment.inputs.js';
import { guarded, mapValues } from '../async-iterators.js';
import { isId } from '../validators.js';
import { Task, toTask } from './task.type.js';

interface TaskEvent {
  readonly entity: TaskEntity;
  readonly environment: EnvironmentAddress | null;
}

/** Tasks, followed. */
@Resolver(() => Task)
export class TaskSubscriptionResolver {
  /** A task, again and again. */
  @Authorized()
  @MakesRestCall()
  @Subscription(() => Task, {
    description:
      'The task as it is now, then once for each change of its status; completes when it has ended. The environment: as for Query.task.',
    subscribe: ({ args, context }: { args: TaskUpdatedArgs; context: ContextValue }) => followTask(args, context),
  })
  taskUpdated(
    @Root() { entity, environment }: TaskEvent,
    @Arg('id', () => ID, { description: 'Its id, a UUID.' }) _id: string,
    @Arg('environment', () => EnvironmentInput, {
      nullable: true,
      description: 'The environment that it works in: needed for the VPC of its siteToSiteVpn.',
    })
    _environment: EnvironmentInput | null,
    @Ctx('operation') context: GraphContext,
  ): Task {
    return toTask(entity, environment, context.rest.secrets);
  }
}

interface TaskUpdatedArgs {
  readonly id: string;
  readonly environment?: EnvironmentInput | null;
}

function followTask({ id, environment: input }: TaskUpdatedArgs, { operation }: ContextValue): WatchEvents<TaskEvent> {
  return guarded(() => {
    const environment = input ? toFollowedAddress(input) : null;
    if (!isId(id)) throw new NotFoundError('There is no task of that id (any more).');
    return mapValues(operation.watch.task(id, environment?.organizationId ?? null), (entity) => ({
      entity,
      environment,
    }));
  });
}
