// Subscription.siteToSiteVpnUpdated and Subscription.siteToSiteVpnsUpdated.
import { isDeepStrictEqual } from 'node:util';
import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Authorized, Ctx, ID, Info, Resolver, Root, Subscription } from 'type-graphql';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { NotFoundError } from '../../cloudca/errors.js';
import { isSameId } from '../../cloudca/ids.js';
import type { SiteToSiteVpnEntity } from '../../cloudca/site-to-site-vpns.js';
import type { WatchEvents } from '../../cloudca/polling/watcher.js';
import { type Connection, sortRows, toConnection, allRows } from '../connection.js';
import type { ContextValue, GraphContext } from '../context.js';
import { MakesRestCalls } from '../limits/query-cost.js';
import { EnvironmentInput, toSubscriptionAddress } from '../environment/environment.inputs.js';
import { errorsAsEvents, singleEvent, mapWatchEvents } from '../async-iterators.js';
import { isId } from '../validators.js';
import { SiteToSiteVpnFilter } from './site-to-site-vpn.inputs.js';
import { cursorCollection, matchesNothing, prefetchVpcs } from './site-to-site-vpn.resolver.js';
import { SiteToSiteVpn, SiteToSiteVpnConnection, toSiteToSiteVpn } from './site-to-site-vpn.type.js';

interface VpnEvent {
  readonly entity: SiteToSiteVpnEntity;
  readonly environment: EnvironmentAddress;
}

interface ListEvent {
  /** The VPC that the filter names, to which all VPNs then belong; null without one. */
  readonly vpcId: string | null;
  readonly entities: readonly SiteToSiteVpnEntity[];
  readonly environment: EnvironmentAddress;
}

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
    @Root() { entities, environment, vpcId }: ListEvent,
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
    if (entities.length > 0) await prefetchVpcs(context, info, environment, vpcId);
    const vpns = sortRows(entities.map((entity) => toSiteToSiteVpn(entity, environment, loadStrategy)));
    return toConnection(cursorCollection, vpns, allRows);
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
    if (matchesNothing(filter)) return singleEvent<ListEvent>({ value: { entities: [], environment, vpcId } });
    let previous: readonly SiteToSiteVpnEntity[] | undefined;
    return mapWatchEvents(operation.watcher.siteToSiteVpns(environment), (all): ListEvent | undefined => {
      const entities = all.filter(
        (vpn) => (vpcId === null || isSameId(vpn.vpcId, vpcId)) && (states === null || states.includes(vpn.state)),
      );
      if (previous !== undefined && isDeepStrictEqual(previous, entities)) return undefined;
      previous = entities;
      return { entities, environment, vpcId };
    });
  });
}
