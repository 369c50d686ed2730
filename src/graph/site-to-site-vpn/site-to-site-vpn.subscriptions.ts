// Subscription.siteToSiteVpnUpdated and Subscription.siteToSiteVpnsUpdated.
import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Authorized, Ctx, ID, Info, Resolver, Root, Subscription } from 'type-graphql';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { NotFoundError } from '../../cloudca/errors.js';
import { toIdKey } from '../../cloudca/ids.js';
import type { SiteToSiteVpnEntity } from '../../cloudca/site-to-site-vpns.js';
import type { WatchEvents } from '../../cloudca/polling/watcher.js';
import { type Connection, sortRows, toConnection, allRows } from '../connection.js';
import type { ContextValue, GraphContext } from '../context.js';
import { MakesRestCalls } from '../limits/query-cost.js';
import { EnvironmentInput, toSubscriptionAddress } from '../environment/environment.inputs.js';
import { errorsAsEvents, singleEvent, mapWatchEvents } from '../async-iterators.js';
import { isId } from '../validators.js';
import type { SiteToSiteVpnState } from './site-to-site-vpn.enums.js';
import { SiteToSiteVpnFilter } from './site-to-site-vpn.inputs.js';
import { groupVpnsByVpc } from './site-to-site-vpn.loaders.js';
import { cursorCollection, matchesNothing, prefetchVpcs } from './site-to-site-vpn.resolver.js';
import { SiteToSiteVpn, SiteToSiteVpnConnection, toSiteToSiteVpn } from './site-to-site-vpn.type.js';

interface VpnEvent {
  readonly entity: SiteToSiteVpnEntity;
  readonly environment: EnvironmentAddress;
}

interface ListEvent {
  /** The VPC that the filter names, to which all VPNs then belong; null without one. */
  readonly vpcId: string | null;
  /** The VPNs of the environment, or of that VPC, in any state. */
  readonly entities: readonly SiteToSiteVpnEntity[];
  /** The states that the filter names; null without them. */
  readonly states: readonly SiteToSiteVpnState[] | null;
  readonly environment: EnvironmentAddress;
}

/** Resolves Subscription.siteToSiteVpnUpdated and Subscription.siteToSiteVpnsUpdated. */
@Resolver(() => SiteToSiteVpn)
export class SiteToSiteVpnSubscriptionResolver {
  @Authorized()
  @MakesRestCalls(['siteToSiteVpn'])
  @Subscription(() => SiteToSiteVpn, {
    description:
      'Emits the site-to-site VPN as it is now, then after each change. Completes when the VPN has been deleted.',
    subscribe: ({ args, context }: { args: VpnArgs; context: ContextValue }) => watchVpn(args, context),
  })
  siteToSiteVpnUpdated(
    @Root() { entity, environment }: VpnEvent,
    @Arg('environment', () => EnvironmentInput, { description: 'Environment that the site-to-site VPN is in.' })
    _environment: EnvironmentInput,
    @Arg('id', () => ID, { description: 'Id of the site-to-site VPN, a UUID.' }) _id: string,
  ): SiteToSiteVpn {
    return toSiteToSiteVpn(entity, environment, 'one');
  }

  @Authorized()
  @MakesRestCalls(['siteToSiteVpns'])
  @Subscription(() => SiteToSiteVpnConnection, {
    description:
      'Emits the list as it is now, ordered by name, then the whole list after each change in it. Suits a table on a screen.',
    subscribe: ({ args, context }: { args: ListArgs; context: ContextValue }) => watchList(args, context),
  })
  async siteToSiteVpnsUpdated(
    @Root() { entities, environment, vpcId, states }: ListEvent,
    @Arg('environment', () => EnvironmentInput, { description: 'Environment whose site-to-site VPNs are watched.' })
    _environment: EnvironmentInput,
    @Arg('filter', () => SiteToSiteVpnFilter, {
      nullable: true,
      description: 'Filter of the list. Absent or null: all VPNs.',
    })
    _filter: SiteToSiteVpnFilter | null,
    @Ctx('operation') context: GraphContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Connection<SiteToSiteVpn>> {
    // All VPNs of one VPC belong to the same VPC, which one GET loads.
    const loadStrategy = vpcId === null ? 'list' : 'one';
    const vpns = sortRows(entities.map((entity) => toSiteToSiteVpn(entity, environment, loadStrategy)));
    const shown = states === null ? vpns : vpns.filter(({ state }) => states.includes(state));
    if (shown.length > 0) await prefetchVpcs(context, info, environment, vpcId);
    // Nested fields that need the list find it as the poll has read it.
    context.loaders.siteToSiteVpns.primeList({ environment, vpcId }, vpns);
    return toConnection(cursorCollection, shown, allRows);
  }
}

interface VpnArgs {
  readonly environment: EnvironmentInput;
  readonly id: string;
}

function watchVpn({ environment: input, id }: VpnArgs, { operation }: ContextValue): WatchEvents<VpnEvent> {
  return errorsAsEvents(() => {
    const environment = toSubscriptionAddress(input);
    if (!isId(id)) throw new NotFoundError('The environment has no site-to-site VPN with this id.');
    return mapWatchEvents(operation.watcher.siteToSiteVpn(environment, id), (entity) => ({ entity, environment }));
  });
}

interface ListArgs {
  readonly environment: EnvironmentInput;
  readonly filter?: SiteToSiteVpnFilter | null;
}

// The gateway applies the filter, so that subscribers with different filters share one poll. A change outside the filter emits nothing.
function watchList({ environment: input, filter }: ListArgs, { operation }: ContextValue): WatchEvents<ListEvent> {
  return errorsAsEvents(() => {
    const environment = toSubscriptionAddress(input);
    const { vpcId = null, states = null } = filter ?? {};
    // The list stays empty, so it needs no poll.
    if (matchesNothing(filter)) return singleEvent<ListEvent>({ value: { entities: [], environment, vpcId, states } });
    let previous: readonly SiteToSiteVpnEntity[] | undefined;
    return mapWatchEvents(operation.watcher.siteToSiteVpns(environment), (all): ListEvent | undefined => {
      const entities = vpcId === null ? all : (groupByVpc(all).get(toIdKey(vpcId)) ?? []);
      const shown = states === null ? entities : entities.filter(({ state }) => states.includes(state));
      if (previous !== undefined && hasSameVpns(previous, shown)) return undefined;
      previous = shown;
      return { entities, environment, vpcId, states };
    });
  });
}

// A thousand subscribers may each watch another VPC of one list: they share its groups.
const groupsOfLists = new WeakMap<
  readonly SiteToSiteVpnEntity[],
  ReadonlyMap<string, readonly SiteToSiteVpnEntity[]>
>();

function groupByVpc(list: readonly SiteToSiteVpnEntity[]): ReadonlyMap<string, readonly SiteToSiteVpnEntity[]> {
  const groups = groupsOfLists.get(list) ?? groupVpnsByVpc(list);
  groupsOfLists.set(list, groups);
  return groups;
}

// A poll keeps the objects of VPNs that have not changed.
function hasSameVpns(one: readonly SiteToSiteVpnEntity[], other: readonly SiteToSiteVpnEntity[]): boolean {
  return one.length === other.length && one.every((vpn, index) => vpn === other[index]);
}
