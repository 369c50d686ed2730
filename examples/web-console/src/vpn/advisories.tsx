// The security advisories about a VPN's algorithms. The gateway derives them from the RFCs; the console only sorts them.
import { ShieldCheck } from 'lucide-react';
import { type FragmentType, graphql, unmask } from '../gql';
import type { SecurityAdvisorySeverity } from '../gql/graphql';
import { Algorithms, isStrongest } from './algorithms';

const Vpn = graphql(`
  fragment Advisories_vpn on SiteToSiteVpn {
    id
    ...Algorithms
    securityAdvisories {
      field
      severity
      message
      reference
    }
  }
`);

const severities: Readonly<Record<SecurityAdvisorySeverity, string>> = {
  CRITICAL: 'Critical',
  WARNING: 'Warning',
  NOTICE: 'Notice',
};
const order: readonly SecurityAdvisorySeverity[] = ['CRITICAL', 'WARNING', 'NOTICE'];

const fields: Readonly<Record<string, string | undefined>> = {
  ikeEncryptionAlgorithm: 'Encryption of phase 1',
  ikeHashAlgorithm: 'Hash of phase 1',
  ikeDhGroup: 'Group of phase 1',
  espEncryptionAlgorithm: 'Encryption of phase 2',
  espHashAlgorithm: 'Hash of phase 2',
  espPerfectForwardSecrecy: 'Group of phase 2',
};

/** Lists the advisories that the user can act on, most severe first, then those that the cloud has no answer to. */
export function Advisories({ vpn: masked }: { readonly vpn: FragmentType<typeof Vpn> }) {
  const vpn = unmask(Vpn, masked);
  const algorithms = unmask(Algorithms, vpn);
  const sorted = vpn.securityAdvisories.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  const avoidable = sorted.filter(({ field }) => !isStrongest(algorithms, field));
  const others = sorted.filter(({ field }) => isStrongest(algorithms, field));
  return (
    <section className="card panel" aria-labelledby="advisories-title">
      <h2 id="advisories-title">Security advisories</h2>
      {avoidable.length === 0 && (
        <p className="muted with-icon">
          <ShieldCheck aria-hidden /> It uses the strongest algorithms that the cloud offers.
        </p>
      )}
      <ul className="advisories">
        {avoidable.map(({ field, severity, message, reference }) => (
          <li key={field} className={`advisory advisory-${severity.toLowerCase()}`}>
            <span className="advisory-title">
              {severities[severity]}: {fields[field] ?? field}
            </span>
            <span>
              {message} <ReadMore field={field} reference={reference} />
            </span>
          </li>
        ))}
      </ul>
      {others.length > 0 && (
        <details open={avoidable.length === 0}>
          <summary>The RFCs advise against {others.length} more, but the cloud offers nothing stronger</summary>
          <ul className="plain-list">
            {others.map(({ field, reference }) => (
              <li key={field}>
                {fields[field] ?? field}. <ReadMore field={field} reference={reference} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function ReadMore({ field, reference }: { readonly field: string; readonly reference: string }) {
  return (
    <a href={reference} target="_blank" rel="noreferrer">
      Read the section<span className="visually-hidden"> on {fields[field] ?? field}, in a new tab</span>
    </a>
  );
}
