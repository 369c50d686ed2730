// Query.task.
import { Arg, Authorized, Ctx, ID, Query, Resolver } from 'type-graphql';
import { getTask } from '../../cloudca/tasks.js';
import type { GraphContext } from '../context.js';
import { MakesRestCalls } from '../limits/query-cost.js';
import { EnvironmentInput, toValidAddress } from '../environment/environment.inputs.js';
import { nullIfNotFound } from '../loaders.js';
import { isId } from '../validators.js';
import { Task, toTaskType } from './task.type.js';

/** Resolves Query.task. */
@Resolver(() => Task)
export class TaskResolver {
  @Authorized()
  @MakesRestCalls(['task'])
  @Query(() => Task, {
    nullable: true,
    description:
      'Task by id; null if the REST API does not know it. The REST API keeps a task for about 30 minutes. ' +
      'Send the environment to select more than the id of the VPC in siteToSiteVpn: ' +
      'without it, that vpc is null, with a BAD_USER_INPUT error.',
  })
  async task(
    @Arg('id', () => ID, { description: 'Id of the task, a UUID.' }) id: string,
    @Arg('environment', () => EnvironmentInput, {
      nullable: true,
      description:
        'Environment that the task works in. Needed for the current state of siteToSiteVpn, and for its VPC.',
    })
    environment: EnvironmentInput | null,
    @Ctx('operation') context: GraphContext,
  ): Promise<Task | null> {
    const address = environment ? toValidAddress(environment) : null;
    if (!isId(id)) return null;
    return await nullIfNotFound(getTask(context.rest, id, address?.organizationId ?? null), (entity) =>
      toTaskType(entity, address, context.rest.secrets),
    );
  }
}
