// Query.task.
import { Arg, Authorized, Ctx, ID, Query, Resolver } from 'type-graphql';
import { getTask } from '../../cloudca/tasks.js';
import type { GraphContext } from '../context.js';
import { MakesRestCall } from '../limits/query-cost.js';
import { EnvironmentInput, readAddress } from '../environment/environment.inputs.js';
import { orNull } from '../loaders.js';
import { isId } from '../validators.js';
import { Task, toTask } from './task.type.js';

/** Tasks. */
@Resolver(() => Task)
export class TaskResolver {
  /** A task by its id. */
  @Authorized()
  @MakesRestCall()
  @Query(() => Task, {
    nullable: true,
    description:
      'A task by its id; null where the REST API does not know it (any more): it keeps a task for about 30 minutes. ' +
      'The environment is only needed to select more than the id of the VPC in siteToSiteVpn; without it that vpc is null, ' +
      'with a BAD_USER_INPUT error that says so.',
  })
  async task(
    @Arg('id', () => ID, { description: 'Its id, a UUID.' }) id: string,
    @Arg('environment', () => EnvironmentInput, {
      nullable: true,
      description: 'The environment that it works in: needed for the VPC of its siteToSiteVpn.',
    })
    environment: EnvironmentInput | null,
    @Ctx('operation') context: GraphContext,
  ): Promise<Task | null> {
    const address = environment ? readAddress(environment) : null;
    if (!isId(id)) return null;
    return await orNull(getTask(context.rest, id, address?.organizationId ?? null), (entity) =>
      toTask(entity, address, context.rest.secrets),
    );
  }
}
