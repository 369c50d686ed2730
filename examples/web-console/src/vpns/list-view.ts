// The list's view: search text, filters and sort order, and their form in the URL's query string. Pure functions, without React.
import type { SiteToSiteVpnState } from '../gql/graphql';
import { states } from './vpn-state';

/** The fields of a VPN that the list filters and sorts by. */
export interface ListedVpn {
  readonly name: string;
  readonly gateway: string;
  readonly cidr: string;
  readonly state: SiteToSiteVpnState;
  readonly vpcId: string;
  readonly vpc?: { readonly name: string } | null;
}

/** Columns of the table, in display order. */
export const columns = ['name', 'vpc', 'gateway', 'cidr', 'state'] as const;
/** Name of a column. */
export type Column = (typeof columns)[number];

/** Search text, filters and sort order of the list. */
export interface ListView {
  readonly search: string;
  readonly state: SiteToSiteVpnState | undefined;
  readonly vpcId: string | undefined;
  readonly column: Column;
  readonly isDescending: boolean;
}

/** Parses a view from query parameters. Missing or invalid parameters take their defaults. */
export function parseListView(params: URLSearchParams): ListView {
  const sort = params.get('sort') ?? '';
  return {
    search: params.get('search') ?? '',
    state: states.find((state) => state.toLowerCase() === params.get('state')),
    vpcId: params.get('vpc') ?? undefined,
    column: columns.find((column) => column === sort.replace(/^-/, '')) ?? 'name',
    isDescending: sort.startsWith('-'),
  };
}

/** Converts a view to query parameters, without those that have their default. */
export function toSearchParams({ search, state, vpcId, column, isDescending }: ListView): URLSearchParams {
  const sort = (isDescending ? '-' : '') + column;
  return new URLSearchParams({
    ...(search !== '' && { search }),
    ...(state !== undefined && { state: state.toLowerCase() }),
    ...(vpcId !== undefined && { vpc: vpcId }),
    ...(sort !== 'name' && { sort }),
  });
}

/** Returns the VPC's name, or its id if the name is unavailable. */
export const toVpcLabel = ({ vpc, vpcId }: ListedVpn): string => vpc?.name ?? vpcId;

// Numeric collation sorts 10.9.0.0 before 10.24.0.0.
const { compare } = new Intl.Collator('en', { numeric: true });

const sortKeys: Readonly<Record<Column, (vpn: ListedVpn) => string>> = {
  name: ({ name }) => name,
  vpc: toVpcLabel,
  gateway: ({ gateway }) => gateway,
  cidr: ({ cidr }) => cidr,
  state: ({ state }) => String(states.indexOf(state)),
};

/** Returns the VPNs sorted by the selected column, then by name. */
export function sortVpns<Vpn extends ListedVpn>(
  vpns: readonly Vpn[],
  { column, isDescending }: Pick<ListView, 'column' | 'isDescending'>,
): readonly Vpn[] {
  const toKey = sortKeys[column];
  const sign = isDescending ? -1 : 1;
  return vpns.toSorted((a, b) => sign * compare(toKey(a), toKey(b)) || compare(a.name, b.name));
}

/** A VPN with the text that the search looks in, prepared once, because each key searches all VPNs. */
export interface SearchableVpn extends ListedVpn {
  readonly text: string;
}

/** Returns the text that the search looks in. */
export function toSearchText(vpn: ListedVpn): string {
  return [vpn.name, toVpcLabel(vpn), vpn.gateway, vpn.cidr].join('\n').toLowerCase();
}

/** Returns the VPNs that match the search text and the VPC filter, in any state. The counts per state are based on these. */
export function filterBySearchAndVpc<Vpn extends SearchableVpn>(
  vpns: readonly Vpn[],
  { search, vpcId }: Pick<ListView, 'search' | 'vpcId'>,
): readonly Vpn[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return vpns.filter(
    (vpn) => (vpcId === undefined || vpn.vpcId === vpcId) && words.every((word) => vpn.text.includes(word)),
  );
}
