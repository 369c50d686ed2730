// What callers send of site-to-site VPNs, with the checks that are made before anything is sent on.
import { ValidateNested } from 'class-validator';
import { ArgsType, Field, ID, InputType, Int } from 'type-graphql';
import type { NewSiteToSiteVpn } from '../../cloudca/site-to-site-vpns.js';
import { PageArgs } from '../connection.js';
import { EnvironmentInput } from '../environment/environment.inputs.js';
import { CanExist, IsCidrList, IsGateway, IsId, IsName, IsPreSharedKey, IsSeconds } from '../validators.js';
import { DhGroup, EncryptionAlgorithm, HashAlgorithm, SiteToSiteVpnState } from './site-to-site-vpn.enums.js';

const longestWait = 60;

/** Which site-to-site VPNs of an environment are wanted. */
@InputType({ description: 'Which site-to-site VPNs of an environment are wanted.' })
export class SiteToSiteVpnFilter {
  /** Only those of a VPC. */
  @Field(() => ID, { nullable: true, description: 'Only those of this VPC (the REST API filters).' })
  declare vpcId?: string | null;

  /** Only those in some states. */
  @Field(() => [SiteToSiteVpnState], {
    nullable: true,
    description:
      'Only those in one of these states (the gateway filters). Absent or null: any state; an empty list: none.',
  })
  declare states?: SiteToSiteVpnState[] | null;
}

/** Arguments of Query.siteToSiteVpns. */
@ArgsType()
export class SiteToSiteVpnsArgs extends PageArgs {
  /** Where. */
  @Field(() => EnvironmentInput, { description: 'The environment to list.' })
  declare environment: EnvironmentInput;

  /** Which. */
  @Field(() => SiteToSiteVpnFilter, { nullable: true, description: 'Which ones; all where it is absent.' })
  declare filter?: SiteToSiteVpnFilter | null;
}

/** What every write of site-to-site VPNs takes. */
@InputType()
export class WriteInput {
  /** Where. */
  @Field(() => EnvironmentInput, { description: 'The environment to work in.' })
  @ValidateNested()
  declare environment: EnvironmentInput;

  /** How long to wait. */
  @Field(() => Int, {
    defaultValue: 0,
    description: 'Wait up to this many seconds (0 to 60) for the task to end before answering.',
  })
  @IsSeconds('waitSeconds', 0, longestWait)
  declare waitSeconds: number;
}

/** What Mutation.createSiteToSiteVpn takes. */
@InputType({ description: 'What a new site-to-site VPN is made from.' })
export class CreateSiteToSiteVpnInput extends WriteInput {
  /** Its name. */
  @Field(() => String, { description: 'Must be unique in the environment.' })
  @IsName()
  declare name: string;

  /** Its VPC. */
  @Field(() => ID, { description: 'Id of the VPC that it is created for, a UUID.' })
  @IsId('The vpcId')
  declare vpcId: string;

  /** The other end. */
  @Field(() => String, {
    description: 'IP address of the remote gateway; one that no other site-to-site VPN of the environment uses.',
  })
  @IsGateway()
  declare gateway: string;

  /** The other network. */
  @Field(() => String, {
    description:
      'CIDR of the remote network, e.g. 10.12.0.2/22. Host bits may be set. Several, separated by commas, where the REST API takes them.',
  })
  @IsCidrList()
  declare cidr: string;

  /** The pre-shared key. */
  @Field(() => String, { description: 'The IPsec pre-shared key, a secret. At least 10 alphanumeric characters.' })
  @IsPreSharedKey()
  declare ipSecPsk: string;

  /** Phase-1 encryption. */
  @Field(() => EncryptionAlgorithm, { description: 'Encryption algorithm of phase 1 (IKE).' })
  declare ikeEncryptionAlgorithm: EncryptionAlgorithm;

  /** Phase-1 hash. */
  @Field(() => HashAlgorithm, { description: 'Hash algorithm of phase 1 (IKE).' })
  declare ikeHashAlgorithm: HashAlgorithm;

  /** Phase-1 group. */
  @Field(() => DhGroup, {
    nullable: true,
    description: 'Diffie-Hellman group of phase 1 (IKE). NONE and null: no group is asked for.',
  })
  declare ikeDhGroup?: DhGroup | null;

  /** Phase-1 lifetime. */
  @Field(() => Int, { description: 'Phase-1 lifetime. In seconds; above 0.' })
  @IsSeconds('ikeLifetime', 1, Number.MAX_SAFE_INTEGER)
  declare ikeLifetime: number;

  /** Phase-2 encryption. */
  @Field(() => EncryptionAlgorithm, { description: 'Encryption algorithm of phase 2 (ESP).' })
  declare espEncryptionAlgorithm: EncryptionAlgorithm;

  /** Phase-2 hash. */
  @Field(() => HashAlgorithm, { description: 'Hash algorithm of phase 2 (ESP).' })
  declare espHashAlgorithm: HashAlgorithm;

  /** Phase-2 group. */
  @Field(() => DhGroup, {
    nullable: true,
    description: 'Group for perfect forward secrecy in phase 2 (ESP). NONE and null: no group is asked for.',
  })
  declare espPerfectForwardSecrecy?: DhGroup | null;

  /** Phase-2 lifetime. */
  @Field(() => Int, { description: 'Phase-2 lifetime. In seconds; above 0.' })
  @IsSeconds('espLifetime', 1, Number.MAX_SAFE_INTEGER)
  declare espLifetime: number;

  /** Dead peer detection. */
  @Field(() => Boolean, { defaultValue: false, description: 'Dead peer detection.' })
  declare dpd: boolean;

  /** UDP encapsulation. */
  @Field(() => Boolean, { defaultValue: false, description: 'Force UDP encapsulation, for NAT traversal.' })
  declare forceEncap: boolean;
}

/** What a write to a site-to-site VPN that there is takes. */
@InputType()
class ExistingSiteToSiteVpnInput extends WriteInput {
  /** Which. */
  @Field(() => ID, { description: 'Id of the site-to-site VPN, a UUID.' })
  @CanExist('site-to-site VPN')
  declare id: string;
}

/** What Mutation.deleteSiteToSiteVpn takes. */
@InputType({ description: 'Which site-to-site VPN to delete.' })
export class DeleteSiteToSiteVpnInput extends ExistingSiteToSiteVpnInput {}

/** What Mutation.resetSiteToSiteVpn takes. */
@InputType({ description: 'Which site-to-site VPN to reset.' })
export class ResetSiteToSiteVpnInput extends ExistingSiteToSiteVpnInput {}

/** A new site-to-site VPN in the REST API's terms: just the documented fields, and no group where none is asked for. */
export function toNewSiteToSiteVpn(input: CreateSiteToSiteVpnInput): NewSiteToSiteVpn {
  const { ikeDhGroup, espPerfectForwardSecrecy } = input;
  return {
    name: input.name,
    vpcId: input.vpcId,
    gateway: input.gateway,
    cidr: input.cidr.replaceAll(/\s/g, ''),
    ipSecPsk: input.ipSecPsk,
    ikeEncryptionAlgorithm: input.ikeEncryptionAlgorithm,
    ikeHashAlgorithm: input.ikeHashAlgorithm,
    ...(ikeDhGroup && ikeDhGroup !== DhGroup.NONE ? { ikeDhGroup } : {}),
    ikeLifetime: input.ikeLifetime,
    espEncryptionAlgorithm: input.espEncryptionAlgorithm,
    espHashAlgorithm: input.espHashAlgorithm,
    ...(espPerfectForwardSecrecy && espPerfectForwardSecrecy !== DhGroup.NONE ? { espPerfectForwardSecrecy } : {}),
    espLifetime: input.espLifetime,
    dpd: input.dpd,
    forceEncap: input.forceEncap,
  };
}
