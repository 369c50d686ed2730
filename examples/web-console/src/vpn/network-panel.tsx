// The networks of both ends as a map, and the overlaps that keep traffic from being routed.
import { CircleCheck } from 'lucide-react';
import { type CSSProperties, Fragment } from 'react';
import { Link } from 'react-aria-components';
import { unmask } from '../gql';
import { NetworkOverlapDetailsFragmentDoc } from '../gql/graphql';
import { ErrorNotice } from '../ui/error-notice';
import { Notice } from '../ui/notice';
import { type NamedNetwork, type NetworkMap, toNetworkMaps } from './networks';
import type { VpnNetworks } from './use-vpn-networks';

interface NetworkPanelProps {
  readonly path: string;
  readonly networks: VpnNetworks;
}

/** Renders the map and lists the overlaps. */
export function NetworkPanel({ path, networks: { vpn, error, retry } }: NetworkPanelProps) {
  const overlaps = unmask(NetworkOverlapDetailsFragmentDoc, vpn?.networkOverlaps);
  const networks: NamedNetwork[] = vpn
    ? [
        ...(vpn.vpc?.cidr ? [{ cidr: vpn.vpc.cidr, label: vpn.vpc.name, side: 'cloud' as const }] : []),
        ...vpn.cidrs.map((cidr) => ({ cidr, label: vpn.name, side: 'remote' as const })),
        ...(overlaps ?? []).flatMap(({ overlapsWith, siteToSiteVpn }) =>
          siteToSiteVpn ? [{ cidr: overlapsWith, label: siteToSiteVpn.name, side: 'other' as const }] : [],
        ),
      ]
    : [];
  return (
    <section className="card panel" aria-labelledby="networks-title">
      <h2 id="networks-title">Networks</h2>
      {toNetworkMaps(networks).map((map, index) => (
        <Drawing key={index} map={map} />
      ))}
      {overlaps?.length === 0 && (
        <p className="muted with-icon">
          <CircleCheck aria-hidden /> The networks do not overlap.
        </p>
      )}
      {overlaps && overlaps.length > 0 && (
        <Notice tone="warning" title="Traffic to overlapping networks cannot be routed">
          <ul className="plain-list">
            {overlaps.map(({ cidr, overlapsWith, siteToSiteVpn: other }) => (
              <li key={`${cidr} ${overlapsWith} ${other?.id ?? ''}`}>
                <span className="mono">{cidr}</span> overlaps <span className="mono">{overlapsWith}</span> of{' '}
                {other ? <Link href={`${path}/vpns/${other.id}`}>{other.name}</Link> : 'the VPC'}
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {error !== undefined && overlaps === undefined && (
        <ErrorNotice title="Overlaps cannot be determined" error={error} tone="info" onRetry={retry} />
      )}
    </section>
  );
}

const sides = { cloud: 'VPC', remote: 'This VPN', other: 'Other VPN' } as const;

function Drawing({ map: { columns, networks, overlaps } }: { readonly map: NetworkMap }) {
  const style: CSSProperties = {
    gridTemplateColumns: columns.map((width) => `minmax(0, ${width.toFixed(1)}fr)`).join(' '),
  };
  return (
    <div
      className="network-map"
      role="img"
      aria-label={`Map of ${networks.length} networks: ${networks.map(({ cidr, label, side }) => `${sides[side]} ${label} ${cidr}`).join(', ')}`}
      style={style}
    >
      {overlaps.map(({ from, to, first, last }) => (
        <span
          key={from}
          className="network-overlap"
          style={{ gridColumn: `${from} / ${to}`, gridRow: `${first * 2 + 2} / ${last * 2 + 3}` }}
        />
      ))}
      {networks.map(({ cidr, label, side, from, to }, index) => (
        <Fragment key={`${label} ${cidr}`}>
          <span className="network-label" style={{ gridRow: index * 2 + 1 }}>
            <span className="muted">
              {sides[side]} {label}
            </span>{' '}
            <span className="mono">{cidr}</span>
          </span>
          <span className="network-track" style={{ gridRow: index * 2 + 2 }} />
          <span
            className={`network network-${side}`}
            style={{ gridColumn: `${from} / ${to}`, gridRow: index * 2 + 2 }}
          />
        </Fragment>
      ))}
    </div>
  );
}
