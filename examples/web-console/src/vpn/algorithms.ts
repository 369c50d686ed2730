// Labels and select options of the algorithms. Options are ordered strongest first, as the form suggests them.
import type { DhGroup, EncryptionAlgorithm, HashAlgorithm } from '../gql/graphql';
import type { Option } from '../ui/select-field';

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

/** Options for encryption algorithms. */
export const encryptions: readonly Option<EncryptionAlgorithm>[] = [
  { value: 'AES256', label: algorithmLabels.AES256, description: 'Recommended' },
  { value: 'AES192', label: algorithmLabels.AES192 },
  { value: 'AES128', label: algorithmLabels.AES128 },
  { value: 'TRIPLE_DES', label: algorithmLabels.TRIPLE_DES, description: 'Too weak today: only for old devices' },
];

/** Options for hash (integrity) algorithms. */
export const hashes: readonly Option<HashAlgorithm>[] = [
  { value: 'SHA1', label: algorithmLabels.SHA1, description: 'The stronger of the two' },
  { value: 'MD5', label: algorithmLabels.MD5, description: 'Broken: only for old devices' },
];

/** Options for Diffie-Hellman groups. */
export const groups: readonly Option<DhGroup>[] = [
  { value: 'MODP_1536', label: algorithmLabels.MODP_1536, description: 'The stronger of the two' },
  { value: 'MODP_1024', label: algorithmLabels.MODP_1024, description: 'Too weak today: only for old devices' },
  { value: 'NONE', label: algorithmLabels.NONE, description: 'No group is requested' },
];
