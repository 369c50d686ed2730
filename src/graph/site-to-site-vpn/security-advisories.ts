// What RFC 8247 (IKE, and groups) and RFC 8221 (ESP), both as updated by RFC 9395, say against the algorithms of a VPN. One table.
import type { SiteToSiteVpnEntity } from '../../cloudca/site-to-site-vpns.js';
import type { SecurityAdvisorySeverity } from './site-to-site-vpn.enums.js';

/** One thing that an RFC says against an algorithm. */
export interface Advisory {
  readonly field: string;
  readonly severity: SecurityAdvisorySeverity;
  readonly message: string;
  readonly reference: string;
}

interface Rule {
  readonly severity: SecurityAdvisorySeverity;
  readonly algorithm: string;
  /** The requirement level. */
  readonly level: string;
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

const meanings = {
  CRITICAL: 'It is broken: replace it.',
  WARNING: 'It is too weak today: replace it where both ends can.',
  NOTICE: 'It is allowed today, and on its way out: prefer something stronger.',
} as const satisfies Record<SecurityAdvisorySeverity, string>;

/** What there is to say against a VPN's algorithms; empty where there is nothing. */
export function toSecurityAdvisories(vpn: Pick<SiteToSiteVpnEntity, (typeof table)[number][0]>): readonly Advisory[] {
  return table.flatMap(([field, rfc, rules]) => {
    const value = vpn[field];
    const rule = typeof value === 'string' ? rules[value] : undefined;
    if (rule === undefined) return [];
    const reference = `https://www.rfc-editor.org/rfc/${rfc.replace(' ', '').toLowerCase()}#section-${rule.section}`;
    const message = `${rfc}, which speaks of IKEv2, rates ${rule.algorithm} as ${rule.level}. ${meanings[rule.severity]}`;
    return [{ field, severity: rule.severity, message, reference }];
  });
}
