// A site-to-site VPN as callers see it.
import { Field, ID, Int, ObjectType } from 'type-graphql';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import type { SiteToSiteVpnEntity } from '../../cloudca/site-to-site-vpns.js';
import { createConnectionType } from '../connection.js';
import { EnvironmentScope } from '../environment/environment.type.js';
import type { Reach } from '../vpc/vpc.type.js';
import {
  DhGroup,
  EncryptionAlgorithm,
  HashAlgorithm,
  SecurityAdvisorySeverity,
  SiteToSiteVpnState,
} from './site-to-site-vpn.enums.js';

/** A value of the REST API that the schema cannot say. */
@ObjectType({
  simpleResolvers: true,
  description: "The REST API's own word for something that this schema cannot say.",
})
export class UnknownValue {
  /** Where it stood. */
  @Field(() => String, { description: 'The field that is null or reads UNKNOWN for it, e.g. ikeHashAlgorithm.' })
  declare field: string;

  /** What it was. */
  @Field(() => String, { description: 'What the REST API sent, e.g. sha256.' })
  declare value: string;
}

/** What an RFC says against an algorithm. */
@ObjectType({ simpleResolvers: true, description: 'What an RFC says against an algorithm of a site-to-site VPN.' })
export class SecurityAdvisory {
  /** What it speaks of. */
  @Field(() => String, { description: 'The field it speaks of, e.g. ikeEncryptionAlgorithm.' })
  declare field: string;

  /** How much it weighs. */
  @Field(() => SecurityAdvisorySeverity, { description: 'How much it weighs.' })
  declare severity: SecurityAdvisorySeverity;

  /** For a person to read. */
  @Field(() => String, { description: 'What the RFC says, for a person to read.' })
  declare message: string;

  /** Where it stands. */
  @Field(() => String, { description: 'Where it stands: the address of the section of the RFC.' })
  declare reference: string;
}

/** A site-to-site VPN. */
@ObjectType({
  simpleResolvers: true,
  description: 'A secure connection over the public network between a VPC and another network.',
})
export class SiteToSiteVpn {
  /** Its id. */
  @Field(() => ID, { description: 'Its id, a UUID.' })
  declare id: string;

  /** Where it is. */
  @Field(() => EnvironmentScope, {
    nullable: true,
    description:
      "The environment that it was asked from. Null on a task's VPN where the task was asked for without its environment.",
  })
  declare environment: EnvironmentAddress | null;

  /** Its name. */
  @Field(() => String, { description: 'Its name, unique in the environment.' })
  declare name: string;

  /** Its state. */
  @Field(() => SiteToSiteVpnState, { description: 'Its state when the REST API was asked.' })
  declare state: SiteToSiteVpnState;

  /** Its VPC. */
  @Field(() => ID, { description: 'Id of the VPC that it was created for.' })
  declare vpcId: string;

  /** The other end. */
  @Field(() => String, { description: 'Gateway of the remote network.' })
  declare gateway: string;

  /** The other network. */
  @Field(() => String, { description: 'CIDR of the remote network, or several, separated by commas.' })
  declare cidr: string;

  /** The pre-shared key. */
  @Field(() => String, { nullable: true, description: 'The IPsec pre-shared key. A secret.' })
  declare ipSecPsk: string | null;

  /** Phase-1 encryption. */
  @Field(() => EncryptionAlgorithm, {
    nullable: true,
    description:
      'Encryption algorithm of phase 1 (IKE). This algorithm and those below are null where the REST API sends a value that ' +
      'this schema lacks: see unknownValues.',
  })
  declare ikeEncryptionAlgorithm: EncryptionAlgorithm | null;

  /** Phase-1 hash. */
  @Field(() => HashAlgorithm, { nullable: true, description: 'Hash algorithm of phase 1 (IKE).' })
  declare ikeHashAlgorithm: HashAlgorithm | null;

  /** Phase-1 group. */
  @Field(() => DhGroup, {
    nullable: true,
    description: 'Diffie-Hellman group of phase 1 (IKE). NONE also where the REST API sends nothing.',
  })
  declare ikeDhGroup: DhGroup | null;

  /** Phase-1 lifetime. */
  @Field(() => Int, { nullable: true, description: 'Phase-1 lifetime, in seconds.' })
  declare ikeLifetime: number | null;

  /** Phase-2 encryption. */
  @Field(() => EncryptionAlgorithm, { nullable: true, description: 'Encryption algorithm of phase 2 (ESP).' })
  declare espEncryptionAlgorithm: EncryptionAlgorithm | null;

  /** Phase-2 hash. */
  @Field(() => HashAlgorithm, { nullable: true, description: 'Hash algorithm of phase 2 (ESP).' })
  declare espHashAlgorithm: HashAlgorithm | null;

  /** Phase-2 group. */
  @Field(() => DhGroup, {
    nullable: true,
    description: 'Diffie-Hellman group of phase 2 (ESP). NONE also where the REST API sends nothing.',
  })
  declare espPerfectForwardSecrecy: DhGroup | null;

  /** Phase-2 lifetime. */
  @Field(() => Int, { nullable: true, description: 'Phase-2 lifetime, in seconds.' })
  declare espLifetime: number | null;

  /** Dead peer detection. */
  @Field(() => Boolean, { nullable: true, description: 'Dead peer detection.' })
  declare dpd: boolean | null;

  /** UDP encapsulation. */
  @Field(() => Boolean, { nullable: true, description: 'Force UDP encapsulation, for NAT traversal.' })
  declare forceEncap: boolean | null;

  /** What the schema cannot say. */
  @Field(() => [UnknownValue], {
    description: "The REST API's own words for what this schema cannot say.",
  })
  declare unknownValues: readonly UnknownValue[];

  /** How it was come by; not part of the schema. */
  declare reach: Reach;
}

/** A page of site-to-site VPNs. */
export const SiteToSiteVpnConnection = createConnectionType('SiteToSiteVpn', () => SiteToSiteVpn, 'site-to-site VPN');

/** A site-to-site VPN of the REST API as callers see it. */
export function toSiteToSiteVpn(
  entity: SiteToSiteVpnEntity,
  environment: EnvironmentAddress | null,
  reach: Reach,
): SiteToSiteVpn {
  // Written out, since this is done for every row: a spread of so many fields takes a hundred times as long.
  return {
    id: entity.id,
    name: entity.name,
    state: entity.state,
    vpcId: entity.vpcId,
    gateway: entity.gateway,
    cidr: entity.cidr,
    ipSecPsk: entity.ipSecPsk,
    ikeEncryptionAlgorithm: entity.ikeEncryptionAlgorithm,
    ikeHashAlgorithm: entity.ikeHashAlgorithm,
    ikeDhGroup: entity.ikeDhGroup,
    ikeLifetime: entity.ikeLifetime,
    espEncryptionAlgorithm: entity.espEncryptionAlgorithm,
    espHashAlgorithm: entity.espHashAlgorithm,
    espPerfectForwardSecrecy: entity.espPerfectForwardSecrecy,
    espLifetime: entity.espLifetime,
    dpd: entity.dpd,
    forceEncap: entity.forceEncap,
    unknownValues: entity.unknownValues,
    environment,
    reach,
  };
}
