// The GraphQL type of a VPC.
import { Field, ID, ObjectType } from 'type-graphql';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import type { VpcEntity } from '../../cloudca/vpcs.js';
import { createConnectionType } from '../connection.js';
import { EnvironmentScope } from '../environment/environment.type.js';

/**
 * How an object is loaded: by its id (`one`) or in a list (`list`). Its related objects are loaded in the same way, which saves a list
 * one REST call for each row.
 */
export type LoadStrategy = 'one' | 'list';

/** A VPC of which only id and environment are known, so that it takes no REST call. */
export interface VpcReference {
  readonly id: string;
  readonly environment: EnvironmentAddress | null;
  readonly loadStrategy: LoadStrategy;
}

/** Describes a VPC, as the REST API sends it. */
@ObjectType({
  simpleResolvers: true,
  description: 'Virtual Private Cloud: a logically isolated section, with its own networks.',
})
export class Vpc implements VpcReference {
  @Field(() => ID, { description: 'Id of the VPC, a UUID.' })
  declare id: string;

  @Field(() => EnvironmentScope, { nullable: true, description: 'Environment that the VPC was loaded from.' })
  declare environment: EnvironmentAddress;

  @Field(() => String, { description: 'Name of the VPC.' })
  declare name: string;

  @Field(() => String, { nullable: true, description: 'Purpose of the VPC, as its creator described it.' })
  declare description: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'CIDR that the networks of the VPC lie in, e.g. 10.155.24.0/22.',
  })
  declare cidr: string | null;

  @Field(() => ID, { nullable: true, description: 'Id of the zone that the VPC is in.' })
  declare zoneId: string | null;

  @Field(() => String, { nullable: true, description: 'Name of the zone that the VPC is in, e.g. QC-1.' })
  declare zoneName: string | null;

  @Field(() => String, { nullable: true, description: 'State of the VPC as the REST API sends it, e.g. Enabled.' })
  declare state: string | null;

  @Field(() => String, { nullable: true, description: 'DNS domain of the networks of the VPC.' })
  declare networkDomain: string | null;

  @Field(() => ID, { nullable: true, description: 'Id of the VPC offering that the VPC was created from.' })
  declare vpcOfferingId: string | null;

  @Field(() => Boolean, { nullable: true, description: 'Whether the router of the VPC must be upgraded.' })
  declare requiresUpgrade: boolean | null;

  @Field(() => String, {
    nullable: true,
    description: 'Source NAT IP address: the remote end of a site-to-site VPN connects to it.',
  })
  declare sourceNatIp: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Status of remote access by VPN as the REST API sends it, e.g. Disabled.',
  })
  declare vpnStatus: string | null;

  /** How the VPC was loaded. Not part of the schema. */
  declare loadStrategy: LoadStrategy;
}

/** The GraphQL type of a page of VPCs. */
export const VpcConnection = createConnectionType('Vpc', () => Vpc, 'VPC');

/** Converts a VPC of the REST API to the GraphQL type. */
export function toVpc(entity: VpcEntity, environment: EnvironmentAddress, loadStrategy: LoadStrategy): Vpc {
  // Runs for every row of a list. Names each field, since a spread of this many fields takes a hundred times as long.
  return {
    id: entity.id,
    name: entity.name,
    description: entity.description,
    cidr: entity.cidr,
    zoneId: entity.zoneId,
    zoneName: entity.zoneName,
    state: entity.state,
    networkDomain: entity.networkDomain,
    vpcOfferingId: entity.vpcOfferingId,
    requiresUpgrade: entity.requiresUpgrade,
    sourceNatIp: entity.sourceNatIp,
    vpnStatus: entity.vpnStatus,
    environment,
    loadStrategy,
  };
}
