// The state of a VPN, as a coloured label.
import type { SiteToSiteVpnState } from '../gql/graphql';

/** Label of each state. */
export const stateLabels = {
  ERROR: 'Error',
  DISCONNECTED: 'Disconnected',
  PENDING: 'Pending',
  UNKNOWN: 'Unknown',
  CONNECTED: 'Connected',
} as const satisfies Record<SiteToSiteVpnState, string>;

/** All states, ordered by how urgently they need attention. */
export const states: readonly SiteToSiteVpnState[] = ['ERROR', 'DISCONNECTED', 'PENDING', 'UNKNOWN', 'CONNECTED'];

/** Renders a state, for a table cell or beside a title. */
export function VpnState({ state }: { readonly state: SiteToSiteVpnState }) {
  return (
    <span className={`state state-${state.toLowerCase()}`}>
      <span className="state-dot" aria-hidden />
      {stateLabels[state]}
    </span>
  );
}
