// The requirement levels of VPN algorithms in RFC 8247 (IKE, and groups) and RFC 8221 (ESP), both as updated by RFC 9395, as one table.
import type { SiteToSiteVpnEntity } from '../../cloudca/site-to-site-vpns.js';
import type { SecurityAdvisorySeverity } from './site-to-site-vpn.enums.js';

/** A security advisory: the value of the GraphQL type SecurityAdvisory. */
export interface SecurityAdvisoryEntry {
  readonly field: string;
  readonly severity: SecurityAdvisorySeverity;
  readonly message: string;
  readonly reference: string;
}

interface Rule {
  readonly severity: SecurityAdvisorySeverity;
  readonly algorithm: string;
  /** Requirement level of the algorithm in the RFC. */
  readonly level: string;
  /** Section of the RFC that sets the level. */
  readonly section: string;
}

type Rules = Readonly<Record<string, Rule | undefined>>;

const ike = 'RFC 8247';
const esp = 'RFC 8221';

const groups: Rules = {
  modp1024: { severity: 'WARNING', algorithm: 'the 1024-bit MODP group', level: 'SHOULD NOT', section: '2.4' },
  modp1536: { severity: 'WARNING', algorithm: 'the 1536-bit MODP group', level: 'SHOULD NOT', section: '2.4' },
};

function hashes(section: string): Rules {
  return {
    sha1: { severity: 'NOTICE', algorithm: 'SHA-1', level: 'MUST-', section },
    md5: { severity: 'CRITICAL', algorithm: 'MD5', level: 'MUST NOT', section },
  };
}

const table: readonly (readonly [keyof SiteToSiteVpnEntity, typeof ike | typeof esp, Rules])[] = [
  ['ikeEncryptionAlgorithm', ike, { '3des': { severity: 'NOTICE', algorithm: '3DES', level: 'MAY', section: '2.1' } }],
  ['ikeHashAlgorithm', ike, hashes('2.3')],
  ['ikeDhGroup', ike, groups],
  [
    'espEncryptionAlgorithm',
    esp,
    { '3des': { severity: 'WARNING', algorithm: '3DES', level: 'SHOULD NOT', section: '5' } },
  ],
  ['espHashAlgorithm', esp, hashes('6')],
  ['espPerfectForwardSecrecy', ike, groups],
];

const recommendations = {
  CRITICAL: 'It is broken. Update or recreate the VPN with a stronger algorithm.',
  WARNING: 'It is weak. Update or recreate the VPN with a stronger algorithm if both ends of the tunnel have one.',
  NOTICE: 'It is still allowed, and will be deprecated. Prefer a stronger algorithm.',
} as const satisfies Record<SecurityAdvisorySeverity, string>;

/** Returns the advisories against the algorithms of a VPN, in the order of the fields; empty if there are none. */
export function toSecurityAdvisories(
  vpn: Pick<SiteToSiteVpnEntity, (typeof table)[number][0]>,
): readonly SecurityAdvisoryEntry[] {
  return table.flatMap(([field, rfc, rules]) => {
    const value = vpn[field];
    const rule = typeof value === 'string' ? rules[value] : undefined;
    if (rule === undefined) return [];
    const { severity, algorithm, level, section } = rule;
    const reference = `https://www.rfc-editor.org/rfc/${rfc.replace(' ', '').toLowerCase()}#section-${section}`;
    const message = `${rfc} (IPsec with IKEv2) rates ${algorithm} as ${level}. ${recommendations[severity]}`;
    return [{ field, severity, message, reference }];
  });
}
