// The values of the form, their defaults, and how they compare to those of an existing VPN. Pure functions, without React.
import type { AlgorithmsFragment, CreateSiteToSiteVpnInput, DhGroup, SettingsFragment } from '../gql/graphql';

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

/**
 * Converts a VPN to values of the form. The key is empty, because it is not read. Values that the REST API has not sent, or that the schema
 * lacks, take their defaults.
 */
export function toDraft(
  vpn: { readonly name: string; readonly cidr: string },
  settings: SettingsFragment,
  algorithms: AlgorithmsFragment,
): Draft {
  return {
    name: vpn.name,
    vpcId: settings.vpcId,
    gateway: settings.gateway,
    cidr: vpn.cidr,
    ipSecPsk: '',
    ikeEncryptionAlgorithm: algorithms.ikeEncryptionAlgorithm ?? defaultDraft.ikeEncryptionAlgorithm,
    ikeHashAlgorithm: algorithms.ikeHashAlgorithm ?? defaultDraft.ikeHashAlgorithm,
    ikeDhGroup: algorithms.ikeDhGroup ?? 'NONE',
    ikeLifetime: settings.ikeLifetime ?? defaultDraft.ikeLifetime,
    espEncryptionAlgorithm: algorithms.espEncryptionAlgorithm ?? defaultDraft.espEncryptionAlgorithm,
    espHashAlgorithm: algorithms.espHashAlgorithm ?? defaultDraft.espHashAlgorithm,
    espPerfectForwardSecrecy: algorithms.espPerfectForwardSecrecy ?? 'NONE',
    espLifetime: settings.espLifetime ?? defaultDraft.espLifetime,
    dpd: settings.dpd ?? false,
    forceEncap: settings.forceEncap ?? false,
  };
}

/** Returns the fields whose values differ, in the order of the form. */
export function findChanges(draft: Draft, original: Draft): readonly DraftField[] {
  return draftFields.filter((field) => draft[field] !== original[field]);
}
