// Query.environments, and the fields of ServiceConnection that need a REST call of their own.
import type { GraphQLResolveInfo } from 'graphql';
import { Authorized, Ctx, FieldResolver, Info, Query, Resolver, Root } from 'type-graphql';
import { listEnvironments, type ServiceConnectionEntity } from '../../cloudca/environments.js';
import type { GraphContext } from '../context.js';
import { MakesRestCall } from '../limits/query-cost.js';
import { prefetch } from '../loaders.js';
import { collectSelectedFields } from '../execution/selected-fields.js';
import { Environment, ServiceConnection } from './environment.type.js';

@Resolver(() => Environment)
export class EnvironmentResolver {
  @Authorized()
  @MakesRestCall()
  @Query(() => [Environment], {
    nullable: true,
    description: "Environments that the caller's API key can see.",
  })
  async environments(
    @Ctx('operation') context: GraphContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<readonly Environment[]> {
    const selected = collectSelectedFields(info, 'serviceConnection');
    if (['serviceCode', 'type', 'reachable'].some((field) => selected.has(field))) {
      void prefetch(context.loaders.environments.serviceConnections());
    }
    return listEnvironments(context.rest);
  }
}

/** Resolves what `GET /environments` leaves out of a service connection: it sends id and name only. */
@Resolver(() => ServiceConnection)
export class ServiceConnectionResolver {
  @FieldResolver(() => String, {
    nullable: true,
    description:
      'Code of the service connection, e.g. compute-on: the value for EnvironmentInput.serviceCode. Null if the API key cannot see the connection.',
  })
  async serviceCode(@Root() root: ServiceConnection, @Ctx('operation') context: GraphContext): Promise<string | null> {
    return (await loadConnection(root, context))?.serviceCode ?? null;
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'Type of the service, e.g. CloudCA. Null if the API key cannot see the connection.',
  })
  async type(@Root() root: ServiceConnection, @Ctx('operation') context: GraphContext): Promise<string | null> {
    return (await loadConnection(root, context))?.type ?? null;
  }

  @FieldResolver(() => Boolean, {
    nullable: true,
    description:
      'Whether the service responded when the REST API last checked it. Null if the API key cannot see the connection.',
  })
  async reachable(@Root() root: ServiceConnection, @Ctx('operation') context: GraphContext): Promise<boolean | null> {
    return (await loadConnection(root, context))?.reachable ?? null;
  }
}

async function loadConnection(
  root: ServiceConnection,
  context: GraphContext,
): Promise<ServiceConnectionEntity | undefined> {
  return (await context.loaders.environments.serviceConnections()).get(root.id);
}
