// The inputs of site-to-site VPNs, with the validation that precedes every REST call of a write.
import { IsOptional, ValidateNested } from 'class-validator';
import { ArgsType, Field, ID, InputType, Int } from 'type-graphql';
import type { NewSiteToSiteVpn, SiteToSiteVpnChanges } from '../../cloudca/site-to-site-vpn-writes.js';
import { PageArgs } from '../connection.js';
import { EnvironmentInput } from '../environment/environment.inputs.js';
import { type UserError, UserErrorCode } from '../user-error.js';
import { CanExist, IsCidrList, IsGateway, IsId, IsName, IsPreSharedKey, IsSeconds } from '../validators.js';
import { DhGroup, EncryptionAlgorithm, HashAlgorithm, SiteToSiteVpnState } from './site-to-site-vpn.enums.js';

/** Maximum time that one operation waits for tasks, in seconds. */
export const maxWaitSeconds = 60;

/** Selects VPNs of an environment. Every condition must hold. */
@InputType({ description: 'Filter of the site-to-site VPNs of an environment.' })
export class SiteToSiteVpnFilter {
  @Field(() => ID, {
    nullable: true,
    description:
      'Id of the VPC whose VPNs are returned. Absent or null: the VPNs of all VPCs. The REST API filters in queries, the gateway in subscriptions.',
  })
  declare vpcId?: string | null;

  @Field(() => [SiteToSiteVpnState], {
    nullable: true,
    description:
      'States of the VPNs that are returned. Absent or null: any state. An empty list: no VPN. The gateway filters.',
  })
  declare states?: SiteToSiteVpnState[] | null;
}

/** Arguments of Query.siteToSiteVpns. */
@ArgsType()
export class SiteToSiteVpnsArgs extends PageArgs {
  @Field(() => EnvironmentInput, { description: 'Environment whose site-to-site VPNs are listed.' })
  declare environment: EnvironmentInput;

  @Field(() => SiteToSiteVpnFilter, { nullable: true, description: 'Filter of the list. Absent or null: all VPNs.' })
  declare filter?: SiteToSiteVpnFilter | null;
}

/** Fields of every input of a write. */
@InputType()
export class WriteInput {
  @Field(() => EnvironmentInput, { description: 'Environment of the site-to-site VPN.' })
  @ValidateNested()
  declare environment: EnvironmentInput;

  @Field(() => Int, {
    defaultValue: 0,
    description: 'Maximum time to wait for the task to end before the gateway responds, in seconds: 0 to 60.',
  })
  @IsSeconds('waitSeconds', 0, maxWaitSeconds)
  declare waitSeconds: number;
}

const validateOnlyDescription =
  'Whether to only check the input, against the environment too: userErrors has everything that is wrong, and the gateway sends no write. ' +
  'Makes at most two REST calls.';

/** Holds the attributes of a new VPN. Absent ones get the defaults of the schema. */
@InputType({ description: 'Attributes of a new site-to-site VPN.' })
export class CreateSiteToSiteVpnInput extends WriteInput {
  @Field(() => String, { description: 'Name of the VPN, unique in the environment. Must not be blank.' })
  @IsName()
  declare name: string;

  @Field(() => ID, { description: 'Id of the VPC that the VPN is created for, a UUID.' })
  @IsId('The vpcId')
  declare vpcId: string;

  @Field(() => String, {
    description: 'IP address of the remote gateway. No other site-to-site VPN of the environment may use it.',
  })
  @IsGateway()
  declare gateway: string;

  @Field(() => String, {
    description:
      'CIDR of the remote network, e.g. 10.12.0.2/22. Host bits may be set. Several are separated by commas, if the REST API accepts them.',
  })
  @IsCidrList()
  declare cidr: string;

  @Field(() => String, {
    description: 'IPsec pre-shared key, a secret. Must contain at least 10 alphanumeric characters.',
  })
  @IsPreSharedKey()
  declare ipSecPsk: string;

  @Field(() => EncryptionAlgorithm, { description: 'Encryption algorithm of phase 1 (IKE).' })
  declare ikeEncryptionAlgorithm: EncryptionAlgorithm;

  @Field(() => HashAlgorithm, { description: 'Hash algorithm of phase 1 (IKE).' })
  declare ikeHashAlgorithm: HashAlgorithm;

  @Field(() => DhGroup, {
    nullable: true,
    description: 'Diffie-Hellman group of phase 1 (IKE). With NONE or null, the gateway sends no group.',
  })
  declare ikeDhGroup?: DhGroup | null;

  @Field(() => Int, { description: 'Lifetime of the phase 1 (IKE) security association, in seconds. At least 1.' })
  @IsSeconds('ikeLifetime', 1, Number.MAX_SAFE_INTEGER)
  declare ikeLifetime: number;

  @Field(() => EncryptionAlgorithm, { description: 'Encryption algorithm of phase 2 (ESP).' })
  declare espEncryptionAlgorithm: EncryptionAlgorithm;

  @Field(() => HashAlgorithm, { description: 'Hash algorithm of phase 2 (ESP).' })
  declare espHashAlgorithm: HashAlgorithm;

  @Field(() => DhGroup, {
    nullable: true,
    description:
      'Diffie-Hellman group for perfect forward secrecy in phase 2 (ESP). With NONE or null, the gateway sends no group.',
  })
  declare espPerfectForwardSecrecy?: DhGroup | null;

  @Field(() => Int, { description: 'Lifetime of the phase 2 (ESP) security association, in seconds. At least 1.' })
  @IsSeconds('espLifetime', 1, Number.MAX_SAFE_INTEGER)
  declare espLifetime: number;

  @Field(() => Boolean, { defaultValue: false, description: 'Whether dead peer detection (DPD) is enabled.' })
  declare dpd: boolean;

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Whether UDP encapsulation is forced, for NAT traversal.',
  })
  declare forceEncap: boolean;

  @Field(() => Boolean, { defaultValue: false, description: validateOnlyDescription })
  declare validateOnly: boolean;
}

/** Fields of every input of a write to an existing site-to-site VPN. */
@InputType()
class ExistingSiteToSiteVpnInput extends WriteInput {
  @Field(() => ID, { description: 'Id of the site-to-site VPN, a UUID.' })
  @CanExist('site-to-site VPN')
  declare id: string;
}

/** Names the VPN to delete. */
@InputType({ description: 'Site-to-site VPN to delete.' })
export class DeleteSiteToSiteVpnInput extends ExistingSiteToSiteVpnInput {}

/** Names the VPN to reset. */
@InputType({ description: 'Site-to-site VPN to reset.' })
export class ResetSiteToSiteVpnInput extends ExistingSiteToSiteVpnInput {}

/** Names a VPN, and holds the attributes to change. The REST API keeps those that are absent or null. */
@InputType({
  description:
    'Site-to-site VPN to update, and its new attributes. Attributes that are absent or null stay as they are.',
})
export class UpdateSiteToSiteVpnInput extends ExistingSiteToSiteVpnInput {
  @Field(() => String, { nullable: true, description: 'New name, unique in the environment. Must not be blank.' })
  @IsOptional()
  @IsName()
  declare name?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'New IP address of the remote gateway. No other site-to-site VPN of the environment may use it.',
  })
  @IsOptional()
  @IsGateway()
  declare gateway?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'New CIDR of the remote network, or several, separated by commas. Replaces all that the VPN has.',
  })
  @IsOptional()
  @IsCidrList()
  declare cidr?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'New IPsec pre-shared key, a secret. Must contain at least 10 alphanumeric characters.',
  })
  @IsOptional()
  @IsPreSharedKey()
  declare ipSecPsk?: string | null;

  @Field(() => EncryptionAlgorithm, { nullable: true, description: 'New encryption algorithm of phase 1 (IKE).' })
  declare ikeEncryptionAlgorithm?: EncryptionAlgorithm | null;

  @Field(() => HashAlgorithm, { nullable: true, description: 'New hash algorithm of phase 1 (IKE).' })
  declare ikeHashAlgorithm?: HashAlgorithm | null;

  @Field(() => DhGroup, {
    nullable: true,
    description:
      'New Diffie-Hellman group of phase 1 (IKE). NONE asks the REST API to remove the group. Its version 2 documents no such value, and may reject it.',
  })
  declare ikeDhGroup?: DhGroup | null;

  @Field(() => Int, {
    nullable: true,
    description: 'New lifetime of the phase 1 (IKE) security association, in seconds. At least 1.',
  })
  @IsOptional()
  @IsSeconds('ikeLifetime', 1, Number.MAX_SAFE_INTEGER)
  declare ikeLifetime?: number | null;

  @Field(() => EncryptionAlgorithm, { nullable: true, description: 'New encryption algorithm of phase 2 (ESP).' })
  declare espEncryptionAlgorithm?: EncryptionAlgorithm | null;

  @Field(() => HashAlgorithm, { nullable: true, description: 'New hash algorithm of phase 2 (ESP).' })
  declare espHashAlgorithm?: HashAlgorithm | null;

  @Field(() => DhGroup, {
    nullable: true,
    description:
      'New Diffie-Hellman group for perfect forward secrecy in phase 2 (ESP). NONE asks the REST API to remove the group. Its version 2 documents no such value, and may reject it.',
  })
  declare espPerfectForwardSecrecy?: DhGroup | null;

  @Field(() => Int, {
    nullable: true,
    description: 'New lifetime of the phase 2 (ESP) security association, in seconds. At least 1.',
  })
  @IsOptional()
  @IsSeconds('espLifetime', 1, Number.MAX_SAFE_INTEGER)
  declare espLifetime?: number | null;

  @Field(() => Boolean, { nullable: true, description: 'Whether dead peer detection (DPD) is enabled.' })
  declare dpd?: boolean | null;

  @Field(() => Boolean, { nullable: true, description: 'Whether UDP encapsulation is forced, for NAT traversal.' })
  declare forceEncap?: boolean | null;

  @Field(() => Boolean, { defaultValue: false, description: validateOnlyDescription })
  declare validateOnly: boolean;
}

const blanks = /\s/g;

/** Converts the input to the body of the REST call: the documented fields only, and no group for NONE or null. */
export function toNewSiteToSiteVpn(input: CreateSiteToSiteVpnInput): NewSiteToSiteVpn {
  const ikeDhGroup = toSentGroup(input.ikeDhGroup);
  const espPerfectForwardSecrecy = toSentGroup(input.espPerfectForwardSecrecy);
  return {
    name: input.name.trim(),
    vpcId: input.vpcId,
    gateway: input.gateway,
    cidr: input.cidr.replaceAll(blanks, ''),
    ipSecPsk: input.ipSecPsk,
    ikeEncryptionAlgorithm: input.ikeEncryptionAlgorithm,
    ikeHashAlgorithm: input.ikeHashAlgorithm,
    ...(ikeDhGroup && { ikeDhGroup }),
    ikeLifetime: input.ikeLifetime,
    espEncryptionAlgorithm: input.espEncryptionAlgorithm,
    espHashAlgorithm: input.espHashAlgorithm,
    ...(espPerfectForwardSecrecy && { espPerfectForwardSecrecy }),
    espLifetime: input.espLifetime,
    dpd: input.dpd,
    forceEncap: input.forceEncap,
  };
}

/** Converts the input to the body of the REST call: the attributes that the client sent. A group of NONE is sent as `None`, since an absent one stays. */
export function toSiteToSiteVpnChanges(input: UpdateSiteToSiteVpnInput): SiteToSiteVpnChanges {
  return {
    name: input.name?.trim(),
    gateway: input.gateway ?? undefined,
    cidr: input.cidr?.replaceAll(blanks, ''),
    ipSecPsk: input.ipSecPsk ?? undefined,
    ikeEncryptionAlgorithm: input.ikeEncryptionAlgorithm ?? undefined,
    ikeHashAlgorithm: input.ikeHashAlgorithm ?? undefined,
    ikeDhGroup: input.ikeDhGroup ?? undefined,
    ikeLifetime: input.ikeLifetime ?? undefined,
    espEncryptionAlgorithm: input.espEncryptionAlgorithm ?? undefined,
    espHashAlgorithm: input.espHashAlgorithm ?? undefined,
    espPerfectForwardSecrecy: input.espPerfectForwardSecrecy ?? undefined,
    espLifetime: input.espLifetime ?? undefined,
    dpd: input.dpd ?? undefined,
    forceEncap: input.forceEncap ?? undefined,
  };
}

/** Returns an error if an update changes nothing. */
export function validateChanges(changes: SiteToSiteVpnChanges): readonly UserError[] {
  if (Object.values(changes).some((value) => value !== undefined)) return [];
  const message = 'There is nothing to update. Send at least one attribute that is not null.';
  return [{ field: null, code: UserErrorCode.INVALID, message, upstreamCode: null }];
}

function toSentGroup(group: DhGroup | null | undefined): DhGroup | undefined {
  return group && group !== DhGroup.NONE ? group : undefined;
}
