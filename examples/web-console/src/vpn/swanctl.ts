// The configuration of the remote end as strongSwan reads it. It knows a VPN's values, and neither React nor the gateway.
import type { DhGroup, EncryptionAlgorithm, HashAlgorithm } from '../gql/graphql';

/** What the file is made from. */
export interface RemoteEnd {
  readonly name: string;
  /** The remote end's own address. */
  readonly gateway: string;
  /** The remote network, or several, separated by commas. */
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

/** The file, or why there is none. */
export type Swanctl = { readonly text: string } | { readonly reason: string };

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

/** Stands in for the key where that is hidden. */
export const hiddenKey = '(the key is hidden)';

/** Makes the swanctl.conf of the remote end. The key is undefined where it is hidden. */
export function toSwanctl(vpn: RemoteEnd, key: string | undefined): Swanctl {
  const { vpc, ikeEncryptionAlgorithm, ikeHashAlgorithm, ikeDhGroup, espEncryptionAlgorithm, espHashAlgorithm } = vpn;
  for (const [field, words] of algorithms) {
    const unknown = vpn.unknownValues.find((value) => value.field === field);
    if (unknown) {
      return { reason: `The ${words} is “${unknown.value}”, which this console cannot write down for strongSwan.` };
    }
  }
  if (!ikeEncryptionAlgorithm || !ikeHashAlgorithm || !espEncryptionAlgorithm || !espHashAlgorithm) {
    return { reason: 'The REST API does not say which algorithms this VPN uses.' };
  }
  if (!ikeDhGroup || ikeDhGroup === 'NONE') {
    return {
      reason: 'No group is set for phase 1. strongSwan needs one, and which one the VPC’s end takes is not known.',
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
    `    secret = ${key === undefined ? quote(hiddenKey) : toSecret(key)}`,
    '  }',
    '}',
  ];
  return { text: lines.join('\n') + '\n' };
}

/** strongSwan begins anew a while before the end: at nine tenths of the lifetime that both ends agreed on. */
function lifetime(
  seconds: number | null | undefined,
  toSettings: (rekey: number, rest: number) => readonly string[],
  indent: number,
): readonly string[] {
  if (!seconds || seconds < 1) return [];
  const rekey = Math.max(1, Math.floor(seconds * 0.9));
  return toSettings(rekey, seconds - rekey).map((line) => ' '.repeat(indent) + line);
}

/** A name for a section: dots, braces and the like have a meaning of their own there. */
function toSectionName(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '') || 'vpn';
}

/** A text that cannot leave its line. */
function toComment(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

function toList(cidrs: string): string {
  return cidrs
    .split(',')
    .map((cidr) => cidr.trim())
    .join(',');
}

/** A value that means nothing but itself. */
function quote(text: string): string {
  return `"${toComment(text).replace(/["\\]/g, '\\$&')}"`;
}

/**
 * A key as it is, unless strongSwan would read another out of it: it takes what follows 0x and 0s as bytes, in hexadecimal and
 * base64. Such a key is written down as bytes.
 */
function toSecret(key: string): string {
  if (/^[\x20-\x7e]+$/.test(key) && !/^0[xs]/i.test(key)) return quote(key);
  const bytes = new TextEncoder().encode(key);
  return '0x' + Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
