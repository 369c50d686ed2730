// Query.siteToSiteVpn and Query.siteToSiteVpns, the fields of SiteToSiteVpn that need a resolver, and the fields of other types that
// lead to a VPN.
import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Args, Authorized, Ctx, FieldResolver, ID, Info, Query, Resolver, Root } from 'type-graphql';
import { isObject } from '../../json.js';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { isSameId, toIdKey } from '../../cloudca/ids.js';
import type { RestSession } from '../../cloudca/session.js';
import { toSiteToSiteVpnOrNull } from '../../cloudca/site-to-site-vpns.js';
import { type Connection, PageArgs, toConnection, parsePage } from '../connection.js';
import type { GraphContext } from '../context.js';
import { MakesRestCalls } from '../limits/query-cost.js';
import { EnvironmentInput, toValidAddress } from '../environment/environment.inputs.js';
import { BadUserInputError } from '../errors.js';
import { prefetch } from '../loaders.js';
import { ResolverData, type ResolverDataOf } from '../row-decorator.js';
import { collectSelectedFields } from '../execution/selected-fields.js';
import { Task } from '../task/task.type.js';
import { isId } from '../validators.js';
import { Vpc, type VpcReference } from '../vpc/vpc.type.js';
import { type SecurityAdvisoryEntry, toSecurityAdvisories } from './security-advisories.js';
import { loadVpc } from './site-to-site-vpn.loaders.js';
import { type SiteToSiteVpnFilter, SiteToSiteVpnsArgs } from './site-to-site-vpn.inputs.js';
import { SecurityAdvisory, SiteToSiteVpn, SiteToSiteVpnConnection, toSiteToSiteVpn } from './site-to-site-vpn.type.js';

/** Name of the list of site-to-site VPNs in its cursors. */
export const cursorCollection = 'siteToSiteVpn';

// The fields of a VpcReference: they need no REST call for the VPC.
const referenceFields = new Set(['__typename', 'id', 'environment', 'siteToSiteVpns']);
// The fields of a VpcReference whose environment is null.
const fieldsWithoutEnvironment = new Set(['__typename', 'id']);

// The fields of a VPN besides `vpc` that need its VPC.
const fieldsWithVpc = ['remoteEnd', 'networkOverlaps'];

/** Resolves Query.siteToSiteVpn, Query.siteToSiteVpns, and the fields of a VPN that need a call or a computation. */
@Resolver(() => SiteToSiteVpn)
export class SiteToSiteVpnResolver {
  @Authorized()
  @MakesRestCalls(['siteToSiteVpn'])
  @Query(() => SiteToSiteVpn, {
    nullable: true,
    description:
      'Site-to-site VPN by id; null if there is none, or if the environment does not exist: the REST API does not distinguish the two.',
  })
  async siteToSiteVpn(
    @Arg('environment', () => EnvironmentInput, { description: 'Environment that the site-to-site VPN is in.' })
    environment: EnvironmentInput,
    @Arg('id', () => ID, { description: 'Id of the site-to-site VPN, a UUID.' }) id: string,
    @Ctx('operation') context: GraphContext,
  ): Promise<SiteToSiteVpn | null> {
    const address = toValidAddress(environment);
    return isId(id) ? await context.loaders.siteToSiteVpns.one.load({ environment: address, id }) : null;
  }

  @Authorized()
  @MakesRestCalls(['siteToSiteVpns'])
  @Query(() => SiteToSiteVpnConnection, {
    nullable: true,
    description: 'Site-to-site VPNs of an environment, ordered by name; all of them unless first or last is sent.',
  })
  async siteToSiteVpns(
    @Args(() => SiteToSiteVpnsArgs) args: SiteToSiteVpnsArgs,
    @Ctx('operation') context: GraphContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Connection<SiteToSiteVpn>> {
    const environment = toValidAddress(args.environment);
    const page = parsePage(cursorCollection, args);
    const { vpcId = null, states = null } = args.filter ?? {};
    if (matchesNothing(args.filter)) return toConnection(cursorCollection, [], page);
    const vpcsLoaded = prefetchVpcs(context, info, environment, vpcId);
    const vpns = await context.loaders.siteToSiteVpns.list({ environment, vpcId });
    // Once the VPCs are loaded, each row resolves its VPC synchronously.
    await vpcsLoaded;
    return toConnection(
      cursorCollection,
      states === null ? vpns : vpns.filter((vpn) => states.includes(vpn.state)),
      page,
    );
  }

  @MakesRestCalls(['vpcs'], [...referenceFields])
  @FieldResolver(() => Vpc, {
    nullable: true,
    description: 'VPC that the VPN was created for; null, with an error, if it cannot be loaded.',
  })
  vpc(@ResolverData() { root, context, info }: ResolverDataOf<SiteToSiteVpn>): VpcReference | Promise<VpcReference> {
    const { environment, vpcId: id, loadStrategy } = root;
    const { vpcs } = context.operation.loaders;
    const loaded = environment && vpcs.getLoaded(environment, id);
    if (loaded) return loaded;
    const selected = collectSelectedFields(info);
    if (environment === null) {
      if (isSubset(selected, fieldsWithoutEnvironment)) return { id, environment, loadStrategy };
      throw new BadUserInputError(missingEnvironmentMessage);
    }
    if (isSubset(selected, referenceFields)) return { id, environment, loadStrategy };
    return loadVpc(vpcs, { environment, id, loadStrategy });
  }

  /** Records that the pre-shared key is read, for the audit log. */
  @FieldResolver(() => String)
  ipSecPsk(
    @ResolverData() { root: { environment, id, ipSecPsk }, context }: ResolverDataOf<SiteToSiteVpn>,
  ): string | null {
    if (ipSecPsk !== null) context.operation.recordSecretRead(environment, id);
    return ipSecPsk;
  }

  @FieldResolver(() => [SecurityAdvisory], {
    description:
      'Advisories of RFC 8247 (IKE) and RFC 8221 (ESP) against the algorithms of the VPN; empty if there are none.',
  })
  securityAdvisories(@Root() vpn: SiteToSiteVpn): readonly SecurityAdvisoryEntry[] {
    return toSecurityAdvisories(vpn);
  }
}

/** Resolves Vpc.siteToSiteVpns. */
@Resolver(() => Vpc)
export class VpcSiteToSiteVpnsResolver {
  @MakesRestCalls(['siteToSiteVpns'])
  @FieldResolver(() => SiteToSiteVpnConnection, {
    description:
      'Site-to-site VPNs that were created for the VPC, ordered by name; all of them unless first or last is sent.',
  })
  async siteToSiteVpns(
    @Root() vpc: VpcReference,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx('operation') context: GraphContext,
  ): Promise<Connection<SiteToSiteVpn>> {
    const page = parsePage(cursorCollection, args);
    const { environment, id, loadStrategy } = vpc;
    if (environment === null) throw new BadUserInputError(missingEnvironmentMessage);
    const { list, byVpc } = context.loaders.siteToSiteVpns;
    const vpns =
      loadStrategy === 'one'
        ? await list({ environment, vpcId: id })
        : ((await byVpc(environment)).get(toIdKey(id)) ?? []);
    return toConnection(cursorCollection, vpns, page);
  }
}

/** Resolves Task.siteToSiteVpn. */
@Resolver(() => Task)
export class TaskSiteToSiteVpnResolver {
  @MakesRestCalls(['siteToSiteVpn'])
  @FieldResolver(() => SiteToSiteVpn, {
    nullable: true,
    description:
      'VPN that the result of the task names; null if it names none. ' +
      'The gateway loads its current state if the environment was sent. ' +
      'Without it, or if the REST API does not have the VPN yet, the gateway takes the VPN from the result.',
  })
  async siteToSiteVpn(@Root() task: Task, @Ctx('operation') context: GraphContext): Promise<SiteToSiteVpn | null> {
    const id = readEntityId(task.wireResult);
    if (id === null) return null;
    const { environment } = task;
    const current = environment && (await context.loaders.siteToSiteVpns.one.load({ environment, id }));
    return current ?? readVpn(context.rest, task.wireResult, { environment, id });
  }
}

/** Reports whether no VPN can match a filter: its vpcId is not a UUID, or its list of states is empty. */
export function matchesNothing(filter: SiteToSiteVpnFilter | null | undefined): boolean {
  const { vpcId = null, states = null } = filter ?? {};
  return (vpcId !== null && !isId(vpcId)) || states?.length === 0;
}

/** Returns the id of the entity in the result of a task, or in the data of a write; null if there is none. */
export function readEntityId(result: unknown): string | null {
  return isObject(result) && isId(result['id']) ? result['id'] : null;
}

/** Names a VPN. The environment is null if the client did not send it. */
interface VpnReference {
  readonly environment: EnvironmentAddress | null;
  readonly id: string;
}

/** Reads a VPN from the result of a task, or from the data of a write. Returns null if that is not the VPN, or only a part of it. */
export function readVpn(rest: RestSession, result: unknown, { environment, id }: VpnReference): SiteToSiteVpn | null {
  const entity = toSiteToSiteVpnOrNull(rest, result);
  return entity !== null && isSameId(entity.id, id) ? toSiteToSiteVpn(entity, environment, 'one') : null;
}

const missingEnvironmentMessage =
  'Without the environment of the task, only the id of its VPC can be selected. Send the environment argument to select more.';

function isSubset(fields: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  for (const field of fields) if (!others.has(field)) return false;
  return true;
}

/**
 * Starts to load the VPCs of a list of VPNs: all of an environment, or one. Resolves when they are loaded or cannot be; undefined if no row
 * selects its VPC.
 */
export function prefetchVpcs(
  { loaders: { vpcs } }: GraphContext,
  info: GraphQLResolveInfo,
  environment: EnvironmentAddress,
  vpcId: string | null,
): Promise<unknown> | undefined {
  if (!selectsVpcs(info)) return undefined;
  return prefetch(
    vpcId === null ? vpcs.byId(environment) : vpcs.one.load({ environment, id: vpcId, loadStrategy: 'one' }),
  );
}

function selectsVpcs(info: GraphQLResolveInfo): boolean {
  return [['nodes'], ['edges', 'node']].some(
    (row) =>
      fieldsWithVpc.some((field) => collectSelectedFields(info, ...row).has(field)) ||
      !isSubset(collectSelectedFields(info, ...row, 'vpc'), referenceFields),
  );
}
