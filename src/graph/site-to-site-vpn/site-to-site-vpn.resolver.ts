// The reads of site-to-site VPNs, and the fields that lead from and to them.
import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Args, Authorized, Ctx, FieldResolver, ID, Info, Query, Resolver, Root } from 'type-graphql';
import { isObject } from '../../cloudca/envelope.js';
import { NotFoundError } from '../../cloudca/errors.js';
import { tryToSiteToSiteVpn } from '../../cloudca/site-to-site-vpns.js';
import { type Connection, PageArgs, toConnection, toPage } from '../connection.js';
import type { GraphContext } from '../context.js';
import { MakesRestCall } from '../limits/query-cost.js';
import { EnvironmentInput, readAddress } from '../environment/environment.inputs.js';
import { BadUserInputError } from '../errors.js';
import { ahead } from '../loaders.js';
import { Row, type RowData } from '../row-decorator.js';
import { selectedFields } from '../execution/selected-fields.js';
import { Task } from '../task/task.type.js';
import { isId } from '../validators.js';
import { Vpc, type VpcReference } from '../vpc/vpc.type.js';
import { type Advisory, toSecurityAdvisories } from './security-advisories.js';
import { type SiteToSiteVpnFilter, SiteToSiteVpnsArgs } from './site-to-site-vpn.inputs.js';
import { SecurityAdvisory, SiteToSiteVpn, SiteToSiteVpnConnection, toSiteToSiteVpn } from './site-to-site-vpn.type.js';

/** The name of the list in its cursors. */
export const collection = 'siteToSiteVpn';

// What is known of a VPC without asking for it.
const fieldsOfReference = new Set(['__typename', 'id', 'environment', 'siteToSiteVpns']);
// The same where the environment is not known.
const fieldsWithoutEnvironment = new Set(['__typename', 'id']);

/** Site-to-site VPNs. */
@Resolver(() => SiteToSiteVpn)
export class SiteToSiteVpnResolver {
  /** One site-to-site VPN. */
  @Authorized()
  @MakesRestCall()
  @Query(() => SiteToSiteVpn, {
    nullable: true,
    description:
      'One site-to-site VPN; null where there is none of that id (the REST API does not tell an unknown environment apart).',
  })
  async siteToSiteVpn(
    @Arg('environment', () => EnvironmentInput, { description: 'The environment that it is in.' })
    environment: EnvironmentInput,
    @Arg('id', () => ID, { description: 'Its id, a UUID.' }) id: string,
    @Ctx('operation') context: GraphContext,
  ): Promise<SiteToSiteVpn | null> {
    const address = readAddress(environment);
    return isId(id) ? await context.loaders.siteToSiteVpns.one.load({ environment: address, id }) : null;
  }

  /** The site-to-site VPNs of an environment. */
  @Authorized()
  @MakesRestCall()
  @Query(() => SiteToSiteVpnConnection, {
    nullable: true,
    description: 'The site-to-site VPNs of an environment, ordered by name. Without first or last: all of them.',
  })
  async siteToSiteVpns(
    @Args(() => SiteToSiteVpnsArgs) args: SiteToSiteVpnsArgs,
    @Ctx('operation') context: GraphContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Connection<SiteToSiteVpn>> {
    const environment = readAddress(args.environment);
    const page = toPage(collection, args);
    const { vpcId = null, states = null } = args.filter ?? {};
    if (isOfNothing(args.filter)) return toConnection(collection, [], page);
    const { vpcs, siteToSiteVpns } = context.loaders;
    const vpcsComing = asksForVpcs(info)
      ? ahead(vpcId === null ? vpcs.byId(environment) : vpcs.one.load({ environment, id: vpcId, reach: 'one' }))
      : undefined;
    const vpns = await siteToSiteVpns.list({ environment, vpcId });
    // With the VPCs there, no row has to wait for its own.
    await vpcsComing;
    return toConnection(collection, states === null ? vpns : vpns.filter((vpn) => states.includes(vpn.state)), page);
  }

  /** Its VPC. */
  @MakesRestCall([...fieldsOfReference])
  @FieldResolver(() => Vpc, {
    nullable: true,
    description: 'The VPC that the VPN was created for; null, with an error, where it cannot be had.',
  })
  vpc(@Row() { root, context, info }: RowData<SiteToSiteVpn>): VpcReference | Promise<VpcReference> {
    const { environment, vpcId: id, reach } = root;
    const { vpcs } = context.operation.loaders;
    const listed = environment && vpcs.listed(environment, id);
    if (listed) return listed;
    const wanted = selectedFields(info);
    if (environment === null) {
      if (isWithin(wanted, fieldsWithoutEnvironment)) return { id, environment, reach };
      throw new BadUserInputError('Send the environment of the task to select more of its VPC than the id.');
    }
    if (isWithin(wanted, fieldsOfReference)) return { id, environment, reach };
    return thatVpc(vpcs.one.load({ environment, id, reach }));
  }

  /** Its pre-shared key; who reads it is taken note of. */
  @FieldResolver(() => String)
  ipSecPsk(@Row() { root: { environment, id, ipSecPsk }, context }: RowData<SiteToSiteVpn>): string | null {
    if (ipSecPsk !== null) context.operation.readSecret(environment, id);
    return ipSecPsk;
  }

  /** What RFCs say against its algorithms. */
  @FieldResolver(() => [SecurityAdvisory], {
    description:
      "What RFC 8247 (IKE) and RFC 8221 (ESP) say against this VPN's algorithms; empty where they say nothing.",
  })
  securityAdvisories(@Root() vpn: SiteToSiteVpn): readonly Advisory[] {
    return toSecurityAdvisories(vpn);
  }
}

/** The VPNs of a VPC. */
@Resolver(() => Vpc)
export class VpcSiteToSiteVpnsResolver {
  /** The VPNs that were created for it. */
  @MakesRestCall()
  @FieldResolver(() => SiteToSiteVpnConnection, {
    description: 'The site-to-site VPNs that were created for it, ordered by name. Without first or last: all of them.',
  })
  async siteToSiteVpns(
    @Root() vpc: VpcReference,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx('operation') context: GraphContext,
  ): Promise<Connection<SiteToSiteVpn>> {
    const page = toPage(collection, args);
    const { environment, id, reach } = vpc;
    if (environment === null)
      throw new BadUserInputError('Send the environment of the task to select more of its VPC than the id.');
    const { list } = context.loaders.siteToSiteVpns;
    if (reach === 'one') return toConnection(collection, await list({ environment, vpcId: id }), page);
    const all = await list({ environment, vpcId: null });
    return toConnection(
      collection,
      all.filter((vpn) => vpn.vpcId === id),
      page,
    );
  }
}

/** The VPN of a task. */
@Resolver(() => Task)
export class TaskSiteToSiteVpnResolver {
  /** The VPN that it worked on. */
  @MakesRestCall()
  @FieldResolver(() => SiteToSiteVpn, {
    nullable: true,
    description:
      'The VPN it worked on, where its result names one: as it is now where the environment is known, else as the result has it.',
  })
  async siteToSiteVpn(@Root() task: Task, @Ctx('operation') context: GraphContext): Promise<SiteToSiteVpn | null> {
    const id = toNamedId(task.wireResult);
    if (id === null) return null;
    const { environment } = task;
    if (environment !== null) return context.loaders.siteToSiteVpns.one.load({ environment, id });
    const entity = tryToSiteToSiteVpn(context.rest, task.wireResult);
    return entity === null ? null : toSiteToSiteVpn(entity, null, 'one');
  }
}

/** Whether no VPN can ever pass a filter: nothing is of a VPC whose id is none, and nothing is in no state. */
export function isOfNothing(filter: SiteToSiteVpnFilter | null | undefined): boolean {
  const { vpcId = null, states = null } = filter ?? {};
  return (vpcId !== null && !isId(vpcId)) || states?.length === 0;
}

/** The id of the entity that a result, or the data of a write, names; null where it names none. */
export function toNamedId(result: unknown): string | null {
  return isObject(result) && isId(result['id']) ? result['id'] : null;
}

async function thatVpc(load: Promise<Vpc | null>): Promise<Vpc> {
  const vpc = await load;
  if (vpc === null) throw new NotFoundError('The environment has no VPC of the id that the site-to-site VPN names.');
  return vpc;
}

function isWithin(fields: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  for (const field of fields) if (!others.has(field)) return false;
  return true;
}

// Whether the list's VPCs will be asked for: then both calls can be under way at the same time.
function asksForVpcs(info: GraphQLResolveInfo): boolean {
  const ways = [
    ['nodes', 'vpc'],
    ['edges', 'node', 'vpc'],
  ];
  return ways.some((way) => !isWithin(selectedFields(info, ...way), fieldsOfReference));
}
