// The GraphQL type of an overlap between a remote network and another one.
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { SiteToSiteVpn } from './site-to-site-vpn.type.js';

/** Lists what the other network of an overlap may belong to. */
export const NetworkOverlapKind = { VPC: 'VPC', SITE_TO_SITE_VPN: 'SITE_TO_SITE_VPN' } as const;
/** Names what the other network of an overlap belongs to. */
export type NetworkOverlapKind = keyof typeof NetworkOverlapKind;

registerEnumType(NetworkOverlapKind, {
  name: 'NetworkOverlapKind',
  description: 'What a remote network overlaps with.',
  valuesConfig: {
    VPC: { description: 'A network of the VPC itself.' },
    SITE_TO_SITE_VPN: { description: 'A remote network of another site-to-site VPN of the VPC.' },
  },
});

/** Describes two networks that share addresses. */
@ObjectType({
  simpleResolvers: true,
  description:
    'Overlap of a remote network with another network, so that traffic for shared addresses cannot be routed.',
})
export class NetworkOverlap {
  @Field(() => String, { description: 'Remote network, one of cidrs.' })
  declare cidr: string;

  @Field(() => String, { description: 'Network that it overlaps with, as the REST API sends it.' })
  declare overlapsWith: string;

  @Field(() => NetworkOverlapKind, { description: 'What the other network belongs to.' })
  declare kind: NetworkOverlapKind;

  @Field(() => SiteToSiteVpn, {
    nullable: true,
    description: 'Other site-to-site VPN, which the other network belongs to; null if kind is VPC.',
  })
  declare siteToSiteVpn: SiteToSiteVpn | null;
}
