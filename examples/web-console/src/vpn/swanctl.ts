// Generates the remote end's strongSwan configuration (swanctl.conf) from a VPN. Pure functions, without React or GraphQL client.
import type { DhGroup, EncryptionAlgorithm, HashAlgorithm } from '../gql/graphql';

/** The VPN's values that the file is generated from. */
export interface SwanctlInput {
  readonly name: string;
  /** Address of the remote gateway. */
  readonly gateway: string;
  /** One or more CIDRs of the remote network, separated by commas. */
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
  readonly unknownValues: readonly { readonly field: string; readonly value: string }[];
  readonly vpc?: { readonly name: string; readonly cidr?: string | null; readonly sourceNatIp?: string | null } | null;
}

/** The text of the file, or the reason why none can be generated. */
export type SwanctlResult = { readonly text: string } | { readonly reason: string };

const ciphers = { AES128: 'aes128', AES192: 'aes192', AES256: 'aes256', TRIPLE_DES: '3des' } as const;
const hashes = { SHA1: 'sha1', MD5: 'md5' } as const;
const groups = { MODP_1024: 'modp1024', MODP_1536: 'modp1536' } as const;

const algorithms = [
  ['ikeEncryptionAlgorithm', 'encryption of phase 1'],
  ['ikeHashAlgorithm', 'hash of phase 1'],
  ['ikeDhGroup', 'group of phase 1'],
  ['espEncryptionAlgorithm', 'encryption of phase 2'],
  ['espHashAlgorithm', 'hash of phase 2'],
  ['espPerfectForwardSecrecy', 'group of phase 2'],
] as const;

/** Placeholder for a hidden key. */
export const hiddenKeyPlaceholder = '(the key is hidden)';

/** Generates the swanctl.conf of the remote end. If `key` is undefined, writes a placeholder. */
export function toSwanctl(vpn: SwanctlInput, key: string | undefined): SwanctlResult {
  const { vpc, ikeEncryptionAlgorithm, ikeHashAlgorithm, ikeDhGroup, espEncryptionAlgorithm, espHashAlgorithm } = vpn;
  for (const [field, label] of algorithms) {
    const unknown = vpn.unknownValues.find((value) => value.field === field);
    if (unknown) {
      return { reason: `The ${label} is “${unknown.value}”, which this console cannot map to a strongSwan proposal.` };
    }
  }
  if (!ikeEncryptionAlgorithm || !ikeHashAlgorithm || !espEncryptionAlgorithm || !espHashAlgorithm) {
    return { reason: 'The REST API does not say which algorithms this VPN uses.' };
  }
  if (!ikeDhGroup || ikeDhGroup === 'NONE') {
    return {
      reason: 'No group is set for phase 1. strongSwan needs one, and the group that the VPC’s end accepts is unknown.',
    };
  }
  if (!vpc?.cidr || !vpc.sourceNatIp) {
    return { reason: 'The address or the network of the VPC is not known, so there is nothing to connect to.' };
  }

  const pfs = vpn.espPerfectForwardSecrecy;
  const ike = [ciphers[ikeEncryptionAlgorithm], hashes[ikeHashAlgorithm], groups[ikeDhGroup]];
  const esp = [
    ciphers[espEncryptionAlgorithm],
    hashes[espHashAlgorithm],
    ...(pfs && pfs !== 'NONE' ? [groups[pfs]] : []),
  ];
  const section = toSectionName(vpn.name);
  const lines = [
    `# ${toComment(vpn.name)}: from ${toComment(vpn.gateway)} to the VPC ${toComment(vpc.name)}.`,
    '# Save it as /etc/swanctl/conf.d/' + section + '.conf on the remote gateway, then: swanctl --load-all',
    'connections {',
    `  ${section} {`,
    '    # Either version of IKE: the REST API does not say which one the VPC’s end speaks.',
    '    version = 0',
    `    remote_addrs = ${quote(vpc.sourceNatIp)}`,
    `    proposals = ${ike.join('-')}`,
    ...lifetime(vpn.ikeLifetime, (rekey, rest) => [`rekey_time = ${rekey}s`, `over_time = ${rest}s`], 4),
    ...(vpn.dpd ? ['    dpd_delay = 30s'] : []),
    ...(vpn.forceEncap ? ['    encap = yes'] : []),
    '    local {',
    '      auth = psk',
    `      id = ${quote(vpn.gateway)}`,
    '    }',
    '    remote {',
    '      auth = psk',
    `      id = ${quote(vpc.sourceNatIp)}`,
    '    }',
    '    children {',
    `      ${section} {`,
    `        local_ts = ${quote(toList(vpn.cidr))}`,
    `        remote_ts = ${quote(toList(vpc.cidr))}`,
    `        esp_proposals = ${esp.join('-')}`,
    ...lifetime(vpn.espLifetime, (rekey, rest) => [`rekey_time = ${rekey}s`, `life_time = ${rekey + rest}s`], 8),
    ...(vpn.dpd ? ['        dpd_action = restart'] : []),
    '        start_action = start',
    '      }',
    '    }',
    '  }',
    '}',
    'secrets {',
    `  ike-${section} {`,
    `    id-local = ${quote(vpn.gateway)}`,
    `    id-remote = ${quote(vpc.sourceNatIp)}`,
    `    secret = ${key === undefined ? quote(hiddenKeyPlaceholder) : toSecret(key)}`,
    '  }',
    '}',
  ];
  return { text: lines.join('\n') + '\n' };
}

/** Returns the lifetime settings: strongSwan rekeys after 90 % of the lifetime that both ends agreed on, before it expires. */
function lifetime(
  seconds: number | null | undefined,
  toSettings: (rekey: number, rest: number) => readonly string[],
  indent: number,
): readonly string[] {
  if (!seconds || seconds < 1) return [];
  const rekey = Math.max(1, Math.floor(seconds * 0.9));
  return toSettings(rekey, seconds - rekey).map((line) => ' '.repeat(indent) + line);
}

/** Converts a VPN's name to a section name: dots, braces and similar characters are syntax in swanctl.conf. */
function toSectionName(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '') || 'vpn';
}

/** Replaces line breaks and control characters with spaces, so a name cannot add lines to the file. */
function toComment(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

function toList(cidrs: string): string {
  return cidrs
    .split(',')
    .map((cidr) => cidr.trim())
    .join(',');
}

/** Returns a quoted and escaped string value. */
function quote(text: string): string {
  return `"${toComment(text).replace(/["\\]/g, '\\$&')}"`;
}

/**
 * Returns the key as a swanctl secret. strongSwan decodes values that begin with 0x as hexadecimal and with 0s as base64. Such a key,
 * and one with characters other than printable ASCII, is written as hexadecimal bytes.
 */
function toSecret(key: string): string {
  if (/^[\x20-\x7e]+$/.test(key) && !/^0[xs]/i.test(key)) return quote(key);
  const bytes = new TextEncoder().encode(key);
  return '0x' + Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
