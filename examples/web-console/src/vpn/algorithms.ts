// Labels, select options and strength of the algorithms. Options are ordered strongest first, as the form suggests them.
import { graphql } from '../gql';
import type {
  AlgorithmsFragment,
  DhGroup,
  EncryptionAlgorithm,
  HashAlgorithm,
  SecurityAdvisorySeverity,
} from '../gql/graphql';
import type { Option } from '../ui/select-field';

/** The algorithms of a VPN. */
export const Algorithms = graphql(`
  fragment Algorithms on SiteToSiteVpn {
    ikeEncryptionAlgorithm
    ikeHashAlgorithm
    ikeDhGroup
    espEncryptionAlgorithm
    espHashAlgorithm
    espPerfectForwardSecrecy
  }
`);

/** Label of each algorithm and group. */
export const algorithmLabels = {
  AES256: 'AES, 256 bits',
  AES192: 'AES, 192 bits',
  AES128: 'AES, 128 bits',
  TRIPLE_DES: '3DES',
  SHA1: 'SHA-1',
  MD5: 'MD5',
  MODP_1536: 'Group 5 (1536 bits)',
  MODP_1024: 'Group 2 (1024 bits)',
  NONE: 'None',
} as const satisfies Record<EncryptionAlgorithm | HashAlgorithm | DhGroup, string>;

/** Advice about each algorithm and group, for the form. */
export const algorithmNotes = {
  AES256: 'Recommended.',
  AES192: 'Strong.',
  AES128: 'Strong.',
  TRIPLE_DES: 'Too weak today: only for old devices.',
  SHA1: 'The strongest on offer, but on its way out.',
  MD5: 'Broken: only for old devices.',
  MODP_1536: 'The strongest on offer, but weak today.',
  MODP_1024: 'Too weak today: only for old devices.',
  NONE: 'No group is requested.',
} as const satisfies Record<EncryptionAlgorithm | HashAlgorithm | DhGroup, string>;

function toOptions<Value extends keyof typeof algorithmLabels>(values: readonly Value[]): readonly Option<Value>[] {
  return values.map((value) => ({ value, label: algorithmLabels[value], description: algorithmNotes[value] }));
}

/** Options for encryption algorithms. */
export const encryptions = toOptions<EncryptionAlgorithm>(['AES256', 'AES192', 'AES128', 'TRIPLE_DES']);

/** Options for hash (integrity) algorithms. */
export const hashes = toOptions<HashAlgorithm>(['SHA1', 'MD5']);

/** Options for Diffie-Hellman groups. */
export const groups = toOptions<DhGroup>(['MODP_1536', 'MODP_1024', 'NONE']);

const strongest: Readonly<Record<string, string | undefined>> = {
  ikeEncryptionAlgorithm: 'AES256',
  ikeHashAlgorithm: 'SHA1',
  ikeDhGroup: 'MODP_1536',
  espEncryptionAlgorithm: 'AES256',
  espHashAlgorithm: 'SHA1',
  espPerfectForwardSecrecy: 'MODP_1536',
} satisfies AlgorithmsFragment;

/** Returns whether the cloud offers nothing stronger for this field than the VPN's algorithm. */
export function isStrongest(algorithms: AlgorithmsFragment, field: string): boolean {
  return Object.entries(algorithms).some(([name, value]) => name === field && value === strongest[field]);
}

/** Returns whether an RFC advises against an algorithm of the VPN, and the cloud offers a stronger one. */
export function isWeak(
  algorithms: AlgorithmsFragment,
  advisories: readonly { readonly field: string; readonly severity: SecurityAdvisorySeverity }[],
): boolean {
  return advisories.some(({ field, severity }) => severity !== 'NOTICE' && !isStrongest(algorithms, field));
}
