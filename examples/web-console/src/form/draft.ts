// The values of the form, their defaults, and how they compare to those of an existing VPN. Pure functions, without React.
import type { CreateSiteToSiteVpnInput, DhGroup, EncryptionAlgorithm, HashAlgorithm } from '../gql/graphql';

/** Values of the form. */
export type Draft = Required<Omit<CreateSiteToSiteVpnInput, 'environment' | 'waitSeconds' | 'validateOnly'>> & {
  readonly ikeDhGroup: DhGroup;
  readonly espPerfectForwardSecrecy: DhGroup;
};

/** Name of a field of the form. */
export type DraftField = keyof Draft;

/** Label of each field, in the order of the form. */
export const fieldLabels: Readonly<Record<DraftField, string>> = {
  name: 'Name',
  vpcId: 'VPC',
  gateway: 'Remote gateway',
  cidr: 'Remote network',
  ipSecPsk: 'Pre-shared key',
  ikeEncryptionAlgorithm: 'Encryption of phase 1',
  ikeHashAlgorithm: 'Hash of phase 1',
  ikeDhGroup: 'Group of phase 1',
  ikeLifetime: 'Lifetime of phase 1',
  espEncryptionAlgorithm: 'Encryption of phase 2',
  espHashAlgorithm: 'Hash of phase 2',
  espPerfectForwardSecrecy: 'Forward secrecy of phase 2',
  espLifetime: 'Lifetime of phase 2',
  dpd: 'Dead peer detection',
  forceEncap: 'Forced UDP encapsulation',
};

/** All fields, in the order of the form. */
export const draftFields: readonly DraftField[] = Object.keys(fieldLabels).filter(isDraftField);

/** Returns whether a name is that of a field of the form. */
export function isDraftField(name: string | undefined): name is DraftField {
  return name !== undefined && name in fieldLabels;
}

/** The strongest algorithms of the REST API, and the lifetimes of its documentation's example. */
export const defaultDraft: Draft = {
  name: '',
  vpcId: '',
  gateway: '',
  cidr: '',
  ipSecPsk: '',
  ikeEncryptionAlgorithm: 'AES256',
  ikeHashAlgorithm: 'SHA1',
  ikeDhGroup: 'MODP_1536',
  ikeLifetime: 86_400,
  espEncryptionAlgorithm: 'AES256',
  espHashAlgorithm: 'SHA1',
  espPerfectForwardSecrecy: 'MODP_1536',
  espLifetime: 3_600,
  dpd: true,
  forceEncap: false,
};

/** The attributes of an existing VPN that the form shows. Null: the REST API sent none, or one that the schema lacks. */
export interface VpnAttributes {
  readonly name: string;
  readonly vpcId: string;
  readonly gateway: string;
  readonly cidr: string;
  readonly ikeEncryptionAlgorithm?: EncryptionAlgorithm | null;
  readonly ikeHashAlgorithm?: HashAlgorithm | null;
  readonly ikeDhGroup?: DhGroup | null;
  readonly ikeLifetime?: number | null;
  readonly espEncryptionAlgorithm?: EncryptionAlgorithm | null;
  readonly espHashAlgorithm?: HashAlgorithm | null;
  readonly espPerfectForwardSecrecy?: DhGroup | null;
  readonly espLifetime?: number | null;
  readonly dpd?: boolean | null;
  readonly forceEncap?: boolean | null;
}

/** Converts a VPN to values of the form. The key is empty, because it is not read. Missing values take their defaults. */
export function toDraft(vpn: VpnAttributes): Draft {
  return {
    name: vpn.name,
    vpcId: vpn.vpcId,
    gateway: vpn.gateway,
    cidr: vpn.cidr,
    ipSecPsk: '',
    ikeEncryptionAlgorithm: vpn.ikeEncryptionAlgorithm ?? defaultDraft.ikeEncryptionAlgorithm,
    ikeHashAlgorithm: vpn.ikeHashAlgorithm ?? defaultDraft.ikeHashAlgorithm,
    ikeDhGroup: vpn.ikeDhGroup ?? 'NONE',
    ikeLifetime: vpn.ikeLifetime ?? defaultDraft.ikeLifetime,
    espEncryptionAlgorithm: vpn.espEncryptionAlgorithm ?? defaultDraft.espEncryptionAlgorithm,
    espHashAlgorithm: vpn.espHashAlgorithm ?? defaultDraft.espHashAlgorithm,
    espPerfectForwardSecrecy: vpn.espPerfectForwardSecrecy ?? 'NONE',
    espLifetime: vpn.espLifetime ?? defaultDraft.espLifetime,
    dpd: vpn.dpd ?? false,
    forceEncap: vpn.forceEncap ?? false,
  };
}

/** Returns the fields whose values differ, in the order of the form. */
export function findChanges(draft: Draft, original: Draft): readonly DraftField[] {
  return draftFields.filter((field) => draft[field] !== original[field]);
}
