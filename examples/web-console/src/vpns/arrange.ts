// Which rows of the list are shown, and in which order: what the address says behind the question mark. Knows no React.
import type { SiteToSiteVpnState } from '../gql/graphql';
import { states } from './vpn-state';

/** What a row is arranged by. */
export interface Arrangeable {
  readonly name: string;
  readonly gateway: string;
  readonly cidr: string;
  readonly state: SiteToSiteVpnState;
  readonly vpcId: string;
  readonly vpc?: { readonly name: string } | null;
}

/** The columns. */
export const columns = ['name', 'vpc', 'gateway', 'cidr', 'state'] as const;
/** One of them. */
export type Column = (typeof columns)[number];

/** How the list is looked at. */
export interface View {
  readonly search: string;
  readonly state: SiteToSiteVpnState | undefined;
  readonly vpcId: string | undefined;
  readonly column: Column;
  readonly isDescending: boolean;
}

/** Reads a view off an address; what is missing or unknown there is as it is at first. */
export function readView(address: URLSearchParams): View {
  const sort = address.get('sort') ?? '';
  return {
    search: address.get('search') ?? '',
    state: states.find((state) => state.toLowerCase() === address.get('state')),
    vpcId: address.get('vpc') ?? undefined,
    column: columns.find((column) => column === sort.replace(/^-/, '')) ?? 'name',
    isDescending: sort.startsWith('-'),
  };
}

/** Writes a view for an address, the shortest way. */
export function writeView({ search, state, vpcId, column, isDescending }: View): URLSearchParams {
  const sort = (isDescending ? '-' : '') + column;
  return new URLSearchParams({
    ...(search !== '' && { search }),
    ...(state !== undefined && { state: state.toLowerCase() }),
    ...(vpcId !== undefined && { vpc: vpcId }),
    ...(sort !== 'name' && { sort }),
  });
}

/** What a row shows as its VPC: the id where the name cannot be had. */
export const vpcLabel = ({ vpc, vpcId }: Arrangeable): string => vpc?.name ?? vpcId;

// By numbers where there are any: 10.9.0.0 stands before 10.24.0.0.
const { compare } = new Intl.Collator('en', { numeric: true });

const keys: Readonly<Record<Column, (vpn: Arrangeable) => string>> = {
  name: ({ name }) => name,
  vpc: vpcLabel,
  gateway: ({ gateway }) => gateway,
  cidr: ({ cidr }) => cidr,
  state: ({ state }) => String(states.indexOf(state)),
};

/** Those that match the search and are of the VPC, whatever their state: what the states are counted over. */
export function match<Vpn extends Arrangeable>(vpns: readonly Vpn[], { search, vpcId }: View): readonly Vpn[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return vpns.filter((vpn) => {
    const text = [vpn.name, vpcLabel(vpn), vpn.gateway, vpn.cidr].join('\n').toLowerCase();
    return (vpcId === undefined || vpn.vpcId === vpcId) && words.every((word) => text.includes(word));
  });
}

/** Those of the state, in the order of the column; rows that are equal there, by name. */
export function arrange<Vpn extends Arrangeable>(vpns: readonly Vpn[], view: View): readonly Vpn[] {
  const key = keys[view.column];
  const sign = view.isDescending ? -1 : 1;
  return vpns
    .filter(({ state }) => view.state === undefined || state === view.state)
    .toSorted((a, b) => sign * compare(key(a), key(b)) || compare(a.name, b.name));
}
