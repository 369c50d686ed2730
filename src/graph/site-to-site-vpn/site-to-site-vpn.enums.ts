// The enums of site-to-site VPNs. Each maps GraphQL names (keys) to the REST API's values (values).
import { registerEnumType } from 'type-graphql';
import type * as wire from '../../cloudca/site-to-site-vpns.js';

/** Maps GraphQL's names of states to the REST API's values. */
export const SiteToSiteVpnState = {
  CONNECTED: 'Connected',
  PENDING: 'Pending',
  DISCONNECTED: 'Disconnected',
  ERROR: 'Error',
  UNKNOWN: 'Unknown',
} as const satisfies Record<string, wire.SiteToSiteVpnState>;
/** Names a state of a VPN, as the REST API sends it. */
export type SiteToSiteVpnState = wire.SiteToSiteVpnState;

registerEnumType(SiteToSiteVpnState, {
  name: 'SiteToSiteVpnState',
  description: 'State of a site-to-site VPN.',
  valuesConfig: {
    CONNECTED: { description: 'The tunnel is up.' },
    PENDING: { description: 'The VPN is being created, changed, reset or deleted.' },
    DISCONNECTED: { description: 'The tunnel is down. Mutation.resetSiteToSiteVpn may bring it up.' },
    ERROR: { description: 'The VPN could not be set up.' },
    UNKNOWN: { description: 'A state that the gateway does not recognize: see unknownValues.' },
  },
});

/** Maps GraphQL's names of encryption algorithms to the REST API's values. */
export const EncryptionAlgorithm = {
  AES128: 'aes128',
  AES192: 'aes192',
  AES256: 'aes256',
  TRIPLE_DES: '3des',
} as const satisfies Record<string, wire.EncryptionAlgorithm>;
/** Names an encryption algorithm of IKE or ESP, as the REST API sends it. */
export type EncryptionAlgorithm = wire.EncryptionAlgorithm;

registerEnumType(EncryptionAlgorithm, {
  name: 'EncryptionAlgorithm',
  description: 'Encryption algorithm of phase 1 (IKE) or phase 2 (ESP).',
  valuesConfig: {
    AES128: { description: 'AES with a 128-bit key.' },
    AES192: { description: 'AES with a 192-bit key.' },
    AES256: { description: 'AES with a 256-bit key.' },
    TRIPLE_DES: { description: 'Triple DES: 3des in the REST API, but a GraphQL name cannot begin with a digit.' },
  },
});

/** Maps GraphQL's names of hash algorithms to the REST API's values. */
export const HashAlgorithm = { SHA1: 'sha1', MD5: 'md5' } as const satisfies Record<string, wire.HashAlgorithm>;
/** Names a hash algorithm of IKE or ESP, as the REST API sends it. */
export type HashAlgorithm = wire.HashAlgorithm;

registerEnumType(HashAlgorithm, {
  name: 'HashAlgorithm',
  description: 'Hash algorithm of phase 1 (IKE) or phase 2 (ESP).',
  valuesConfig: {
    SHA1: { description: 'HMAC with SHA-1.' },
    MD5: { description: 'HMAC with MD5.' },
  },
});

/** Maps GraphQL's names of Diffie-Hellman groups to the REST API's values. */
export const DhGroup = {
  NONE: 'None',
  MODP_1024: 'modp1024',
  MODP_1536: 'modp1536',
} as const satisfies Record<string, wire.DhGroup>;
/** Names a Diffie-Hellman group of IKE or ESP, as the REST API sends it. */
export type DhGroup = wire.DhGroup;

registerEnumType(DhGroup, {
  name: 'DhGroup',
  description: 'Diffie-Hellman group of the IKE key exchange, or for perfect forward secrecy.',
  valuesConfig: {
    NONE: { description: 'No group.' },
    MODP_1024: { description: 'Group 2: 1024-bit MODP.' },
    MODP_1536: { description: 'Group 5: 1536-bit MODP.' },
  },
});

/** Lists the severities of advisories, the gravest first. */
export const SecurityAdvisorySeverity = { CRITICAL: 'CRITICAL', WARNING: 'WARNING', NOTICE: 'NOTICE' } as const;
/** Names the severity of an advisory. */
export type SecurityAdvisorySeverity = keyof typeof SecurityAdvisorySeverity;

registerEnumType(SecurityAdvisorySeverity, {
  name: 'SecurityAdvisorySeverity',
  description: 'Severity of a security advisory, derived from the requirement level in the RFC.',
  valuesConfig: {
    CRITICAL: { description: 'Requirement level MUST NOT.' },
    WARNING: { description: 'Requirement level SHOULD NOT.' },
    NOTICE: { description: 'Requirement level MAY or MUST-: still allowed, but to be deprecated.' },
  },
});
