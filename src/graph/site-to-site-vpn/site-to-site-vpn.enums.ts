// The enums of site-to-site VPNs. Each is the mapping to the wire: its keys are GraphQL's names, its values the REST API's.
import { registerEnumType } from 'type-graphql';
import type * as wire from '../../cloudca/site-to-site-vpns.js';

/** The state of a site-to-site VPN. */
export const SiteToSiteVpnState = {
  CONNECTED: 'Connected',
  PENDING: 'Pending',
  DISCONNECTED: 'Disconnected',
  ERROR: 'Error',
  UNKNOWN: 'Unknown',
} as const satisfies Record<string, wire.SiteToSiteVpnState>;
/** The state of a site-to-site VPN. */
export type SiteToSiteVpnState = wire.SiteToSiteVpnState;

registerEnumType(SiteToSiteVpnState, {
  name: 'SiteToSiteVpnState',
  description: 'The state of a site-to-site VPN.',
  valuesConfig: {
    CONNECTED: { description: 'The tunnel is up.' },
    PENDING: { description: 'It is being set up, changed or taken down.' },
    DISCONNECTED: { description: 'The tunnel is down; a reset may bring it up.' },
    ERROR: { description: 'It could not be set up.' },
    UNKNOWN: { description: 'A state that this gateway does not know yet.' },
  },
});

/** An encryption algorithm. */
export const EncryptionAlgorithm = {
  AES128: 'aes128',
  AES192: 'aes192',
  AES256: 'aes256',
  TRIPLE_DES: '3des',
} as const satisfies Record<string, wire.EncryptionAlgorithm>;
/** An encryption algorithm. */
export type EncryptionAlgorithm = wire.EncryptionAlgorithm;

registerEnumType(EncryptionAlgorithm, {
  name: 'EncryptionAlgorithm',
  description: 'An encryption algorithm of IKE (phase 1) or ESP (phase 2).',
  valuesConfig: {
    AES128: { description: 'AES with a key of 128 bits.' },
    AES192: { description: 'AES with a key of 192 bits.' },
    AES256: { description: 'AES with a key of 256 bits.' },
    TRIPLE_DES: { description: '3des on the wire: a GraphQL name cannot begin with a digit.' },
  },
});

/** A hash algorithm. */
export const HashAlgorithm = { SHA1: 'sha1', MD5: 'md5' } as const satisfies Record<string, wire.HashAlgorithm>;
/** A hash algorithm. */
export type HashAlgorithm = wire.HashAlgorithm;

registerEnumType(HashAlgorithm, {
  name: 'HashAlgorithm',
  description: 'A hash algorithm of IKE (phase 1) or ESP (phase 2).',
  valuesConfig: {
    SHA1: { description: 'HMAC with SHA-1.' },
    MD5: { description: 'HMAC with MD5.' },
  },
});

/** A Diffie-Hellman group. */
export const DhGroup = {
  NONE: 'None',
  MODP_1024: 'modp1024',
  MODP_1536: 'modp1536',
} as const satisfies Record<string, wire.DhGroup>;
/** A Diffie-Hellman group. */
export type DhGroup = wire.DhGroup;

registerEnumType(DhGroup, {
  name: 'DhGroup',
  description: 'A Diffie-Hellman group, for the IKE key exchange or for perfect forward secrecy.',
  valuesConfig: {
    NONE: { description: 'No group.' },
    MODP_1024: { description: 'Group-2 (1024-bit).' },
    MODP_1536: { description: 'Group-5 (1536-bit).' },
  },
});

/** How much an advisory weighs. */
export const SecurityAdvisorySeverity = { CRITICAL: 'CRITICAL', WARNING: 'WARNING', NOTICE: 'NOTICE' } as const;
/** How much an advisory weighs. */
export type SecurityAdvisorySeverity = keyof typeof SecurityAdvisorySeverity;

registerEnumType(SecurityAdvisorySeverity, {
  name: 'SecurityAdvisorySeverity',
  description: 'How much an advisory weighs, by the requirement level in the RFC.',
  valuesConfig: {
    CRITICAL: { description: 'MUST NOT in the RFC.' },
    WARNING: { description: 'SHOULD NOT in the RFC.' },
    NOTICE: { description: 'MAY or MUST- in the RFC: allowed today, on its way out.' },
  },
});
