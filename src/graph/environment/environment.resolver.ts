// Query.environments, Query.organizations, and the fields of ServiceConnection that need a REST call of their own.
import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Authorized, Ctx, FieldResolver, ID, Info, Query, Resolver, Root } from 'type-graphql';
import { listEnvironments, listOrganizations, type ServiceConnectionEntity } from '../../cloudca/environments.js';
import { toIdKey } from '../../cloudca/ids.js';
import type { GraphContext } from '../context.js';
import { BadUserInputError } from '../errors.js';
import { MakesRestCalls } from '../limits/query-cost.js';
import { prefetch } from '../loaders.js';
import { collectSelectedFields } from '../execution/selected-fields.js';
import { isId } from '../validators.js';
import { Environment, Organization, ServiceConnection } from './environment.type.js';

/** Resolves Query.environments and Query.organizations. */
@Resolver(() => Environment)
export class EnvironmentResolver {
  @Authorized()
  @MakesRestCalls(['environments'])
  @Query(() => [Environment], {
    nullable: true,
    description: "Environments of an organization that the caller's API key can see.",
  })
  async environments(
    @Ctx('operation') context: GraphContext,
    @Info() info: GraphQLResolveInfo,
    @Arg('organizationId', () => ID, {
      nullable: true,
      description:
        "Id of a sub-organization, as in organizations. Absent or null: the caller's own organization. BAD_USER_INPUT if it is not a UUID.",
    })
    organizationId?: string | null,
  ): Promise<readonly Environment[]> {
    const isOwn = organizationId === undefined || organizationId === null;
    if (!isOwn && !isId(organizationId)) {
      throw new BadUserInputError('The organizationId must be a UUID. Query.organizations lists the ids.');
    }
    const selected = collectSelectedFields(info, 'serviceConnection');
    // Version 2 of the REST API sends the other fields with the environments. Version 1 sends none of them, so both calls start at once.
    const needsCall = context.rest.apiVersion === 2 ? ['reachable'] : ['serviceCode', 'type', 'reachable'];
    if (needsCall.some((field) => selected.has(field))) {
      void prefetch(context.loaders.environments.serviceConnections());
    }
    return listEnvironments(context.rest, isOwn ? null : organizationId);
  }

  @Authorized()
  @MakesRestCalls(['organizations'])
  @Query(() => [Organization], {
    nullable: true,
    description:
      "Organizations that the caller's API key can see: its own, and the sub-organizations whose ids organizationId takes. Null with NOT_FOUND if the REST API does not list organizations.",
  })
  async organizations(@Ctx('operation') context: GraphContext): Promise<readonly Organization[]> {
    return listOrganizations(context.rest);
  }
}

/** Resolves what version 1 of the REST API leaves out of the service connection of an environment: it sends id and name only. */
@Resolver(() => ServiceConnection)
export class ServiceConnectionResolver {
  @FieldResolver(() => String, {
    nullable: true,
    description:
      'Code of the service connection, e.g. compute-on: the value for EnvironmentInput.serviceCode. Null if the API key cannot see the connection.',
  })
  serviceCode(@Root() root: ServiceConnectionEntity, @Ctx('operation') context: GraphContext): Promise<string | null> {
    return readField(root, 'serviceCode', context);
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'Type of the service, e.g. CloudCA. Null if the API key cannot see the connection.',
  })
  type(@Root() root: ServiceConnectionEntity, @Ctx('operation') context: GraphContext): Promise<string | null> {
    return readField(root, 'type', context);
  }

  @FieldResolver(() => Boolean, {
    nullable: true,
    description:
      'Whether the service responded when the REST API last checked it. Null if the API key cannot see the connection.',
  })
  reachable(@Root() root: ServiceConnectionEntity, @Ctx('operation') context: GraphContext): Promise<boolean | null> {
    return readField(root, 'reachable', context);
  }
}

/** Reads a field of a service connection: from the environment, or if that lacks it, from the list of service connections. */
async function readField<Name extends keyof ServiceConnectionEntity>(
  root: ServiceConnectionEntity,
  name: Name,
  context: GraphContext,
): Promise<ServiceConnectionEntity[Name] | null> {
  if (root[name] !== null) return root[name];
  const connections = await context.loaders.environments.serviceConnections();
  return connections.get(toIdKey(root.id))?.[name] ?? null;
}
