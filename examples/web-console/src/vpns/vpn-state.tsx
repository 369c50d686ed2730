// A VPN's state, in words and a colour.
import type { SiteToSiteVpnState } from '../gql/graphql';

/** Each state in words, those that want attention first. */
export const stateLabels = {
  ERROR: 'Error',
  DISCONNECTED: 'Disconnected',
  PENDING: 'Pending',
  UNKNOWN: 'Unknown',
  CONNECTED: 'Connected',
} as const satisfies Record<SiteToSiteVpnState, string>;

/** All states, those that want attention first. */
export const states: readonly SiteToSiteVpnState[] = ['ERROR', 'DISCONNECTED', 'PENDING', 'UNKNOWN', 'CONNECTED'];

/** A state as it stands in a table or beside a title. */
export function VpnState({ state }: { readonly state: SiteToSiteVpnState }) {
  return (
    <span className={`state state-${state.toLowerCase()}`}>
      <span className="state-dot" aria-hidden />
      {stateLabels[state]}
    </span>
  );
}
