// SiteToSiteVpn.networkOverlaps.
import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { GraphContext } from '../context.js';
import { BadUserInputError } from '../errors.js';
import { MakesRestCalls } from '../limits/query-cost.js';
import { NetworkOverlap } from './network-overlap.type.js';
import { SiteToSiteVpn } from './site-to-site-vpn.type.js';

/** Resolves SiteToSiteVpn.networkOverlaps from the VPNs and networks of the VPC. */
@Resolver(() => SiteToSiteVpn)
export class SiteToSiteVpnNetworkOverlapsResolver {
  @MakesRestCalls(['siteToSiteVpns', 'vpcs'])
  @FieldResolver(() => [NetworkOverlap], {
    nullable: true,
    description:
      "Networks that overlap with the remote ones, so that traffic cannot be routed: the VPC's own, and those of the VPC's other site-to-site VPNs. " +
      'Empty if there are none. Null, with an error, if the VPC or its VPNs cannot be loaded, one of their networks is missing or no CIDR block, or they have more than 20,000.',
  })
  async networkOverlaps(
    @Root() vpn: SiteToSiteVpn,
    @Ctx('operation') context: GraphContext,
  ): Promise<readonly NetworkOverlap[]> {
    const { environment, vpcId, loadStrategy } = vpn;
    if (environment === null) throw new BadUserInputError(missingEnvironmentMessage);
    const networks = await context.loaders.vpcNetworks(vpn, { environment, vpcId, loadStrategy });
    const own = networks.networksOf(vpn);
    // All rows of a list get here in one turn of the event loop. The budget takes the overlaps of the first one after that, so they are
    // announced. Overlaps among the VPN's own networks count too, although they are not returned: there are few.
    const count = own.reduce((sum, network) => sum + networks.countOverlaps(network), 0);
    context.budget.announceRows(count);
    await context.budget.takeWork(workPerVpn + count);
    return own.flatMap((network) =>
      networks.findOverlaps(network).map((other) => ({
        cidr: network.cidr,
        overlapsWith: other.cidr,
        kind: other.owner === null ? ('VPC' as const) : ('SITE_TO_SITE_VPN' as const),
        siteToSiteVpn: other.owner,
      })),
    );
  }
}

// To search for its overlaps takes about as long as executing this many fields. Each one that is found takes as long as one more.
const workPerVpn = 20;

const missingEnvironmentMessage =
  'Without the environment of the task, the networks of its VPC are not known. Send the environment argument to select their overlaps.';
