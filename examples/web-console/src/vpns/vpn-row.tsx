// A row of the table of VPNs.
import { ShieldAlert } from 'lucide-react';
import { memo } from 'react';
import type { ListedVpn } from './list-view';
import { VpnState } from './vpn-state';

interface VpnRowProps {
  readonly vpn: ListedVpn & { readonly id: string };
  readonly href: string;
  readonly isWeak: boolean;
  readonly isSelected: boolean;
  readonly onSelect: (id: string, isSelected: boolean) => void;
}

/**
 * Renders a row. Its name is a plain link, and the table handles the clicks: 1,000 links with handlers of their own would render
 * slowly. The roles are explicit, because the phone layout would remove them.
 */
export const VpnRow = memo(function VpnRow({ vpn, href, isWeak, isSelected, onSelect }: VpnRowProps) {
  return (
    <tr role="row" className={isSelected ? 'selected' : undefined}>
      <td role="cell" className="cell-select">
        <input
          type="checkbox"
          aria-label={`Select ${vpn.name}`}
          checked={isSelected}
          onChange={(event) => {
            onSelect(vpn.id, event.target.checked);
          }}
        />
      </td>
      <th scope="row" role="rowheader" className="cell-name">
        <a href={href} data-id={vpn.id}>
          {vpn.name}
        </a>
      </th>
      <td role="cell" className="cell-vpc">
        {vpn.vpc ? vpn.vpc.name : <span className="muted">{vpn.vpcId.slice(0, 8)}… (name not known)</span>}
      </td>
      <td role="cell" className="cell-gateway">
        {vpn.gateway}
      </td>
      <td role="cell" className="cell-cidr">
        {vpn.cidr}
      </td>
      <td role="cell" className="cell-state">
        <VpnState state={vpn.state} />
        {isWeak && (
          <span className="weak" title="The cloud offers stronger algorithms than it uses.">
            <ShieldAlert aria-hidden /> Weak
          </span>
        )}
      </td>
    </tr>
  );
});
