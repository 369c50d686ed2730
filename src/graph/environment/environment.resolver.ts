// Query.environments, and what of a service connection takes a call of its own.
import type { GraphQLResolveInfo } from 'graphql';
import { Authorized, Ctx, FieldResolver, Info, Query, Resolver, Root } from 'type-graphql';
import { listEnvironments, type ServiceConnectionEntity } from '../../cloudca/environments.js';
import type { GraphContext } from '../context.js';
import { MakesRestCall } from '../limits/query-cost.js';
import { ahead } from '../loaders.js';
import { selectedFields } from '../execution/selected-fields.js';
import { Environment, ServiceConnection } from './environment.type.js';

/** Environments. */
@Resolver(() => Environment)
export class EnvironmentResolver {
  /** The environments that the caller's API key can see. */
  @Authorized()
  @MakesRestCall()
  @Query(() => [Environment], {
    nullable: true,
    description: "The environments that the caller's API key can see.",
  })
  async environments(
    @Ctx('operation') context: GraphContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<readonly Environment[]> {
    const wanted = selectedFields(info, 'serviceConnection');
    if (['serviceCode', 'type', 'reachable'].some((field) => wanted.has(field))) {
      void ahead(context.loaders.environments.serviceConnections());
    }
    return listEnvironments(context.rest);
  }
}

/** An environment names its service connection by id and name only: the rest comes from `GET /services/connections`. */
@Resolver(() => ServiceConnection)
export class ServiceConnectionResolver {
  /** Code of the service. */
  @FieldResolver(() => String, {
    nullable: true,
    description: 'Code of the service: what EnvironmentInput.serviceCode takes, e.g. compute-on.',
  })
  async serviceCode(@Root() root: ServiceConnection, @Ctx('operation') context: GraphContext): Promise<string | null> {
    return (await find(root, context))?.serviceCode ?? null;
  }

  /** Type of the service. */
  @FieldResolver(() => String, { nullable: true, description: 'Type of the service, e.g. CloudCA.' })
  async type(@Root() root: ServiceConnection, @Ctx('operation') context: GraphContext): Promise<string | null> {
    return (await find(root, context))?.type ?? null;
  }

  /** Whether the service answered. */
  @FieldResolver(() => Boolean, {
    nullable: true,
    description: 'Whether the service answered when the REST API last looked.',
  })
  async reachable(@Root() root: ServiceConnection, @Ctx('operation') context: GraphContext): Promise<boolean | null> {
    return (await find(root, context))?.reachable ?? null;
  }
}

async function find(root: ServiceConnection, context: GraphContext): Promise<ServiceConnectionEntity | undefined> {
  return (await context.loaders.environments.serviceConnections()).get(root.id);
}
