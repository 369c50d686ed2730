// A VPC as callers see it.
import { Field, ID, ObjectType } from 'type-graphql';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import type { VpcEntity } from '../../cloudca/vpcs.js';
import { createConnectionType } from '../connection.js';
import { EnvironmentScope } from '../environment/environment.type.js';

/** How something was come by: alone, or in a list. What belongs to it is loaded in the same way. */
export type Reach = 'one' | 'list';

/** A VPC of which no more is known than where it is. */
export interface VpcReference {
  readonly id: string;
  readonly environment: EnvironmentAddress | null;
  readonly reach: Reach;
}

/** A Virtual Private Cloud. */
@ObjectType({
  simpleResolvers: true,
  description: 'A Virtual Private Cloud: a logically isolated section, with networks of its own.',
})
export class Vpc implements VpcReference {
  /** Its id. */
  @Field(() => ID, { description: 'Its id, a UUID.' })
  declare id: string;

  /** Where it is. */
  @Field(() => EnvironmentScope, { nullable: true, description: 'The environment that it was asked from.' })
  declare environment: EnvironmentAddress;

  /** Its name. */
  @Field(() => String, { description: 'Its name.' })
  declare name: string;

  /** What it is for. */
  @Field(() => String, { nullable: true, description: 'What it is for, in the words of those who made it.' })
  declare description: string | null;

  /** Its addresses. */
  @Field(() => String, { nullable: true, description: 'The CIDR that its networks lie in, e.g. 10.155.24.0/22.' })
  declare cidr: string | null;

  /** Its zone. */
  @Field(() => ID, { nullable: true, description: 'Id of the zone that it is in.' })
  declare zoneId: string | null;

  /** Its zone's name. */
  @Field(() => String, { nullable: true, description: 'Name of the zone that it is in, e.g. QC-1.' })
  declare zoneName: string | null;

  /** Its state. */
  @Field(() => String, { nullable: true, description: 'Its state, as the REST API sends it, e.g. Enabled.' })
  declare state: string | null;

  /** Its domain. */
  @Field(() => String, { nullable: true, description: 'The DNS domain of its networks.' })
  declare networkDomain: string | null;

  /** Its offering. */
  @Field(() => ID, { nullable: true, description: 'Id of the offering that it was made from.' })
  declare vpcOfferingId: string | null;

  /** Whether its router is out of date. */
  @Field(() => Boolean, { nullable: true, description: 'Whether its router must be upgraded.' })
  declare requiresUpgrade: boolean | null;

  /** Its public address. */
  @Field(() => String, {
    nullable: true,
    description: 'The source NAT IP: the address that the remote end of a site-to-site VPN connects to.',
  })
  declare sourceNatIp: string | null;

  /** Its remote access VPN. */
  @Field(() => String, {
    nullable: true,
    description: 'Whether remote access by VPN is on, as the REST API sends it, e.g. Disabled.',
  })
  declare vpnStatus: string | null;

  /** How it was come by; not part of the schema. */
  declare reach: Reach;
}

/** A page of VPCs. */
export const VpcConnection = createConnectionType('Vpc', () => Vpc, 'VPC');

/** A VPC of the REST API as callers see it. */
export function toVpc(entity: VpcEntity, environment: EnvironmentAddress, reach: Reach): Vpc {
  // Written out, since this is done for every row: a spread of so many fields takes a hundred times as long.
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
    reach,
  };
}
