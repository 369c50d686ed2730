// The GraphQL types of the remote end of a tunnel.
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { CheckCode, CheckSeverity } from '../remote-end/checks.js';
import type { Tunnel } from '../remote-end/tunnel.js';
import type { Vpc } from '../vpc/vpc.type.js';
import type { SiteToSiteVpn } from './site-to-site-vpn.type.js';

/** Lists the formats of configuration files. */
export const RemoteEndFormat = { SWANCTL: 'SWANCTL', IPSEC_CONF: 'IPSEC_CONF' } as const;
/** Names a format of configuration files. */
export type RemoteEndFormat = keyof typeof RemoteEndFormat;

registerEnumType(RemoteEndFormat, {
  name: 'RemoteEndFormat',
  description: 'Format of the configuration files for the remote end.',
  valuesConfig: {
    SWANCTL: { description: "strongSwan's swanctl.conf: one file." },
    IPSEC_CONF: { description: "strongSwan's older ipsec.conf and ipsec.secrets: two files." },
  },
});

registerEnumType(CheckSeverity, {
  name: 'RemoteEndCheckSeverity',
  description: 'Severity of a check of the remote end.',
  valuesConfig: {
    ERROR: { description: 'The tunnel, or a part of its traffic, cannot work like this.' },
    WARNING: { description: 'The tunnel may fail: it depends on what the REST API does not show.' },
  },
});

registerEnumType(CheckCode, {
  name: 'RemoteEndCheckCode',
  description: 'What a check of the remote end has found.',
  valuesConfig: {
    NOT_CONNECTED: { description: 'The REST API reports the VPN as DISCONNECTED or ERROR.' },
    NETWORKS_OVERLAP: { description: 'A remote network overlaps a network of the VPC.' },
    NETWORK_WITHOUT_PEER: { description: 'The VPC has no network of the IP version of a remote network.' },
    ADDRESS_NOT_PUBLIC: { description: 'An end of the tunnel has a private, reserved or unusable address.' },
    ADDRESS_FAMILIES_DIFFER: { description: 'The ends of the tunnel have addresses of different IP versions.' },
    LIFETIME_UNUSUAL: { description: 'A lifetime differs from the usual one.' },
    NO_IKE_GROUP: { description: 'The VPN names no Diffie-Hellman group for phase 1 (IKE).' },
    NO_FORWARD_SECRECY: { description: 'The VPN has no perfect forward secrecy in phase 2 (ESP).' },
    VPC_NOT_ENABLED: { description: 'The VPC is not enabled.' },
    VPC_REQUIRES_UPGRADE: { description: 'The router of the VPC must be upgraded.' },
  },
});

/** Holds a configuration file for the other end of a tunnel. */
@ObjectType({ simpleResolvers: true, description: 'Configuration file for the remote end of a tunnel.' })
export class RemoteEndFile {
  @Field(() => String, { description: 'Name of the file, e.g. toronto-office.conf.' })
  declare name: string;

  @Field(() => String, {
    description: 'Content of the file, ready to be saved. A secret: it may hold the pre-shared key.',
  })
  declare content: string;
}

/** Describes a finding of the checks in remote-end/checks.ts. */
@ObjectType({
  simpleResolvers: true,
  description: 'Something that keeps a tunnel down, or may do so, as far as the REST API shows it.',
})
export class RemoteEndCheck {
  @Field(() => CheckCode, { description: 'What the check has found.' })
  declare code: CheckCode;

  @Field(() => CheckSeverity, { description: 'Severity of the check.' })
  declare severity: CheckSeverity;

  @Field(() => String, { description: 'Coordinate of the field that the check is about, e.g. SiteToSiteVpn.gateway.' })
  declare field: string;

  @Field(() => String, { description: 'What is the case and why it matters, for a person to read.' })
  declare message: string;

  @Field(() => String, { description: 'What to do about it, for a person to read.' })
  declare advice: string;
}

/** Describes a tunnel from the remote network's side. */
@ObjectType({
  simpleResolvers: true,
  description: "Other end of a tunnel, as seen from there: local is the remote network's side, peer is the VPC's side.",
})
export class RemoteEnd {
  @Field(() => String, { description: 'IP address of the remote network: the gateway of the VPN.' })
  declare localAddress: string;

  @Field(() => String, { description: 'IP address of the VPC: its source NAT address.' })
  declare peerAddress: string;

  @Field(() => [String], { description: 'CIDRs of the remote networks, each once, with cleared host bits.' })
  declare localNetworks: readonly string[];

  @Field(() => [String], { description: 'CIDRs of the networks of the VPC, with cleared host bits.' })
  declare peerNetworks: readonly string[];

  /** Source of the other fields. Not part of the schema. */
  declare tunnel: Tunnel;
  /** The VPN that the remote end belongs to. Not part of the schema. */
  declare vpn: SiteToSiteVpn;
  /** The VPC of the VPN. Not part of the schema. */
  declare vpc: Vpc;
}
