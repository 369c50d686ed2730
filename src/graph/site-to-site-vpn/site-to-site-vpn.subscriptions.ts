// Subscription.siteToSiteVpnUpdated and siteToSiteVpnsUpdated.
import { isDeepStrictEqual } from 'node:util';
import { Arg, Authorized, ID, Resolver, Root, Subscription } from 'type-graphql';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { NotFoundError } from '../../cloudca/errors.js';
import type { SiteToSiteVpnEntity } from '../../cloudca/site-to-site-vpns.js';
import type { WatchEvents } from '../../cloudca/polling/watcher.js';
import { type Connection, inOrder, toConnection, wholeList } from '../connection.js';
import type { ContextValue } from '../context.js';
import { MakesRestCall } from '../limits/query-cost.js';
import { EnvironmentInput, toFollowedAddress } from '../environment/environment.inputs.js';
import { guarded, justOnce, mapValues } from '../async-iterators.js';
import { isId } from '../validators.js';
import type { Reach } from '../vpc/vpc.type.js';
import { SiteToSiteVpnFilter } from './site-to-site-vpn.inputs.js';
import { collection, isOfNothing } from './site-to-site-vpn.resolver.js';
import { SiteToSiteVpn, SiteToSiteVpnConnection, toSiteToSiteVpn } from './site-to-site-vpn.type.js';

interface VpnEvent {
  readonly entity: SiteToSiteVpnEntity;
  readonly environment: EnvironmentAddress;
}

interface ListEvent {
  /** The VPNs of one VPC need no more than that VPC. */
  readonly reach: Reach;
  readonly entities: readonly SiteToSiteVpnEntity[];
  readonly environment: EnvironmentAddress;
}

/** Site-to-site VPNs, followed. */
@Resolver(() => SiteToSiteVpn)
export class SiteToSiteVpnSubscriptionResolver {
  /** A VPN, again and again. */
  @Authorized()
  @MakesRestCall()
  @Subscription(() => SiteToSiteVpn, {
    description: 'The VPN as it is now, then once for each change; completes when it has been deleted.',
    subscribe: ({ args, context }: { args: VpnArgs; context: ContextValue }) => followVpn(args, context),
  })
  siteToSiteVpnUpdated(
    @Root() { entity, environment }: VpnEvent,
    @Arg('environment', () => EnvironmentInput, { description: 'The environment that it is in.' })
    _environment: EnvironmentInput,
    @Arg('id', () => ID, { description: 'Its id, a UUID.' }) _id: string,
  ): SiteToSiteVpn {
    return toSiteToSiteVpn(entity, environment, 'one');
  }

  /** A list of VPNs, again and again. */
  @Authorized()
  @MakesRestCall()
  @Subscription(() => SiteToSiteVpnConnection, {
    description:
      'The list as it is now, ordered by name, then whole again after each change in it. What a table on a screen wants.',
    subscribe: ({ args, context }: { args: ListArgs; context: ContextValue }) => followList(args, context),
  })
  siteToSiteVpnsUpdated(
    @Root() { entities, environment, reach }: ListEvent,
    @Arg('environment', () => EnvironmentInput, { description: 'The environment to follow.' })
    _environment: EnvironmentInput,
    @Arg('filter', () => SiteToSiteVpnFilter, { nullable: true, description: 'Which ones; all where it is absent.' })
    _filter: SiteToSiteVpnFilter | null,
  ): Connection<SiteToSiteVpn> {
    const vpns = inOrder(entities.map((entity) => toSiteToSiteVpn(entity, environment, reach)));
    return toConnection(collection, vpns, wholeList);
  }
}

interface VpnArgs {
  readonly environment: EnvironmentInput;
  readonly id: string;
}

function followVpn({ environment: input, id }: VpnArgs, { operation }: ContextValue): WatchEvents<VpnEvent> {
  return guarded(() => {
    const environment = toFollowedAddress(input);
    if (!isId(id)) throw new NotFoundError('There is no site-to-site VPN of that id in the environment.');
    return mapValues(operation.watch.siteToSiteVpn(environment, id), (entity) => ({ entity, environment }));
  });
}

interface ListArgs {
  readonly environment: EnvironmentInput;
  readonly filter?: SiteToSiteVpnFilter | null;
}

// Followers with different filters share one poll: the filter is the gateway's here, and what it leaves out is no change.
function followList({ environment: input, filter }: ListArgs, { operation }: ContextValue): WatchEvents<ListEvent> {
  return guarded(() => {
    const environment = toFollowedAddress(input);
    const { vpcId = null, states = null } = filter ?? {};
    const reach = vpcId === null ? 'list' : 'one';
    // Nothing will ever be in it.
    if (isOfNothing(filter)) return justOnce<ListEvent>({ value: { entities: [], environment, reach } });
    let last: readonly SiteToSiteVpnEntity[] | undefined;
    return mapValues(operation.watch.siteToSiteVpns(environment), (all): ListEvent | undefined => {
      const entities = all.filter(
        (vpn) =>
          (vpcId === null || vpn.vpcId.toLowerCase() === vpcId.toLowerCase()) &&
          (states === null || states.includes(vpn.state)),
      );
      if (last !== undefined && isDeepStrictEqual(last, entities)) return undefined;
      last = entities;
      return { entities, environment, reach };
    });
  });
}
