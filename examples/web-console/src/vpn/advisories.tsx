// The security advisories about a VPN's algorithms. The gateway derives them from the RFCs; the console only displays them.
import { ShieldCheck } from 'lucide-react';
import { type FragmentType, graphql, unmask } from '../gql';
import type { SecurityAdvisorySeverity } from '../gql/graphql';

const Vpn = graphql(`
  fragment Advisories_vpn on SiteToSiteVpn {
    id
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

/** Lists the advisories, most severe first. */
export function Advisories({ vpn }: { readonly vpn: FragmentType<typeof Vpn> }) {
  const { securityAdvisories } = unmask(Vpn, vpn);
  const sorted = securityAdvisories.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  return (
    <section className="card panel" aria-labelledby="advisories-title">
      <h2 id="advisories-title">Security advisories</h2>
      {sorted.length === 0 && (
        <p className="muted">
          <ShieldCheck aria-hidden /> No RFC advises against its algorithms.
        </p>
      )}
      <ul className="advisories">
        {sorted.map(({ field, severity, message, reference }) => (
          <li key={field} className={`advisory advisory-${severity.toLowerCase()}`}>
            <span className="advisory-title">
              {severities[severity]}: {fields[field] ?? field}
            </span>
            <span>
              {message}{' '}
              <a href={reference} target="_blank" rel="noreferrer">
                Read the section<span className="visually-hidden"> on {fields[field] ?? field}, in a new tab</span>
              </a>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
