// The GraphQL types of a site-to-site VPN.
import { Field, ID, Int, ObjectType } from 'type-graphql';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import type { SiteToSiteVpnEntity } from '../../cloudca/site-to-site-vpns.js';
import { createConnectionType } from '../connection.js';
import { EnvironmentScope } from '../environment/environment.type.js';
import type { LoadStrategy } from '../vpc/vpc.type.js';
import {
  DhGroup,
  EncryptionAlgorithm,
  HashAlgorithm,
  SecurityAdvisorySeverity,
  SiteToSiteVpnState,
} from './site-to-site-vpn.enums.js';

/** Reports a value of the REST API that has no place in the schema. */
@ObjectType({ simpleResolvers: true, description: 'Value of the REST API that the schema does not define.' })
export class UnknownValue {
  @Field(() => String, {
    description: 'Name of the field that is null or UNKNOWN because of the value, e.g. ikeHashAlgorithm.',
  })
  declare field: string;

  @Field(() => String, { description: 'Value that the REST API sent, e.g. sha256.' })
  declare value: string;
}

/** Reports an algorithm of a VPN that an RFC advises against. */
@ObjectType({ simpleResolvers: true, description: 'Advisory of an RFC against an algorithm of a site-to-site VPN.' })
export class SecurityAdvisory {
  @Field(() => String, { description: 'Name of the field with the algorithm, e.g. ikeEncryptionAlgorithm.' })
  declare field: string;

  @Field(() => SecurityAdvisorySeverity, { description: 'Severity of the advisory.' })
  declare severity: SecurityAdvisorySeverity;

  @Field(() => String, { description: 'Requirement level in the RFC and a recommendation, for a person to read.' })
  declare message: string;

  @Field(() => String, { description: 'URL of the section in the RFC.' })
  declare reference: string;
}

/** Describes a site-to-site VPN, as the REST API sends it. */
@ObjectType({
  simpleResolvers: true,
  description: 'Secure connection over the public network between a VPC and another network.',
})
export class SiteToSiteVpn {
  @Field(() => ID, { description: 'Id of the site-to-site VPN, a UUID.' })
  declare id: string;

  @Field(() => EnvironmentScope, {
    nullable: true,
    description:
      'Environment that the VPN was loaded from; null for the VPN of a task if the environment of the task was not sent.',
  })
  declare environment: EnvironmentAddress | null;

  @Field(() => String, { description: 'Name of the VPN, unique in the environment.' })
  declare name: string;

  @Field(() => SiteToSiteVpnState, { description: 'State of the VPN at the time of the REST call.' })
  declare state: SiteToSiteVpnState;

  @Field(() => ID, { description: 'Id of the VPC that the VPN was created for.' })
  declare vpcId: string;

  @Field(() => String, { description: 'Gateway of the remote network.' })
  declare gateway: string;

  @Field(() => String, { description: 'CIDR of the remote network, or several CIDRs separated by commas.' })
  declare cidr: string;

  @Field(() => [String], { description: 'CIDRs of the remote networks, one entry each, in the order of cidr.' })
  declare cidrs: readonly string[];

  @Field(() => String, { nullable: true, description: 'IPsec pre-shared key, a secret.' })
  declare ipSecPsk: string | null;

  @Field(() => EncryptionAlgorithm, {
    nullable: true,
    description:
      'Encryption algorithm of phase 1 (IKE); null if the REST API sends none, or an unknown one: see unknownValues.',
  })
  declare ikeEncryptionAlgorithm: EncryptionAlgorithm | null;

  @Field(() => HashAlgorithm, {
    nullable: true,
    description:
      'Hash algorithm of phase 1 (IKE); null if the REST API sends none, or an unknown one: see unknownValues.',
  })
  declare ikeHashAlgorithm: HashAlgorithm | null;

  @Field(() => DhGroup, {
    nullable: true,
    description:
      'Diffie-Hellman group of phase 1 (IKE); NONE if the REST API sends none, null if it sends an unknown one: see unknownValues.',
  })
  declare ikeDhGroup: DhGroup | null;

  @Field(() => Int, { nullable: true, description: 'Lifetime of the phase 1 (IKE) security association, in seconds.' })
  declare ikeLifetime: number | null;

  @Field(() => EncryptionAlgorithm, {
    nullable: true,
    description:
      'Encryption algorithm of phase 2 (ESP); null if the REST API sends none, or an unknown one: see unknownValues.',
  })
  declare espEncryptionAlgorithm: EncryptionAlgorithm | null;

  @Field(() => HashAlgorithm, {
    nullable: true,
    description:
      'Hash algorithm of phase 2 (ESP); null if the REST API sends none, or an unknown one: see unknownValues.',
  })
  declare espHashAlgorithm: HashAlgorithm | null;

  @Field(() => DhGroup, {
    nullable: true,
    description:
      'Diffie-Hellman group for perfect forward secrecy in phase 2 (ESP); NONE if the REST API sends none, null if it sends an unknown one: see unknownValues.',
  })
  declare espPerfectForwardSecrecy: DhGroup | null;

  @Field(() => Int, { nullable: true, description: 'Lifetime of the phase 2 (ESP) security association, in seconds.' })
  declare espLifetime: number | null;

  @Field(() => Boolean, { nullable: true, description: 'Whether dead peer detection (DPD) is enabled.' })
  declare dpd: boolean | null;

  @Field(() => Boolean, { nullable: true, description: 'Whether UDP encapsulation is forced, for NAT traversal.' })
  declare forceEncap: boolean | null;

  @Field(() => [UnknownValue], {
    description:
      'Values of the REST API that the schema does not define: one for each field that is null or UNKNOWN because of them.',
  })
  declare unknownValues: readonly UnknownValue[];

  /** How the VPN was loaded. Not part of the schema. */
  declare loadStrategy: LoadStrategy;
}

/** The GraphQL type of a page of site-to-site VPNs. */
export const SiteToSiteVpnConnection = createConnectionType('SiteToSiteVpn', () => SiteToSiteVpn, 'site-to-site VPN');

/** Converts a site-to-site VPN of the REST API to the GraphQL type. */
export function toSiteToSiteVpn(
  entity: SiteToSiteVpnEntity,
  environment: EnvironmentAddress | null,
  loadStrategy: LoadStrategy,
): SiteToSiteVpn {
  // Runs for every row of a list. Names each field, since a spread of this many fields takes a hundred times as long.
  return {
    id: entity.id,
    name: entity.name,
    state: entity.state,
    vpcId: entity.vpcId,
    gateway: entity.gateway,
    cidr: entity.cidr,
    cidrs: entity.cidrs,
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
    loadStrategy,
  };
}
