// The table of VPNs, with its search and filters. The whole list is loaded, so search, filters and sorting send no request.
import { SearchX, Search, X } from 'lucide-react';
import { useState } from 'react';
import {
  Button,
  Cell,
  Column,
  Input,
  Row,
  SearchField,
  Table,
  TableBody,
  TableHeader,
  ToggleButton,
  ToggleButtonGroup,
} from 'react-aria-components';
import { useSearchParams } from 'react-router';
import { type FragmentType, unmask } from '../gql';
import { SiteToSiteVpnRowFragmentDoc } from '../gql/graphql';
import { SelectField } from '../ui/select-field';
import {
  columns,
  filterBySearchAndVpc,
  filterByStateAndSort,
  type ListView,
  parseListView,
  toSearchParams,
  toVpcLabel,
} from './list-view';
import { stateLabels, states, VpnState } from './vpn-state';

const columnLabels = { name: 'Name', vpc: 'VPC', gateway: 'Gateway', cidr: 'Remote network', state: 'State' } as const;

export interface VpnListProps {
  readonly vpns: readonly FragmentType<typeof SiteToSiteVpnRowFragmentDoc>[];
  /** Path prefix of the environment's pages. */
  readonly path: string;
}

/** Renders the VPNs as a table with search and filters. */
export function VpnList({ vpns: masked, path }: VpnListProps) {
  const vpns = unmask(SiteToSiteVpnRowFragmentDoc, masked);
  const [searchParams, setSearchParams] = useSearchParams();
  // The view is local state that the URL follows: the router updates the URL in a transition, too late for an input being typed into.
  const [view, setView] = useState(() => parseListView(searchParams));
  const updateView = (part: Partial<ListView>): void => {
    const next = { ...view, ...part };
    setView(next);
    setSearchParams(toSearchParams(next), { replace: true });
  };

  const matching = filterBySearchAndVpc(vpns, view);
  const rows = filterByStateAndSort(matching, view);
  const vpcs = [...new Map(vpns.map((vpn) => [vpn.vpcId, toVpcLabel(vpn)]))].map(([value, label]) => ({
    value,
    label,
  }));
  const counts = states
    .map((state) => ({ state, count: matching.filter((vpn) => vpn.state === state).length }))
    .filter(({ state, count }) => count > 0 || state === view.state);

  if (vpns.length === 0) {
    return (
      <div className="empty card">
        <h2>No VPN yet</h2>
        <p className="muted">Create one to connect your network to a VPC in this environment.</p>
      </div>
    );
  }
  return (
    <>
      <div className="toolbar">
        <SearchField
          className="field search"
          aria-label="Search"
          value={view.search}
          onChange={(search) => {
            updateView({ search });
          }}
        >
          <Search aria-hidden className="search-icon" />
          <Input className="input" placeholder="Name, VPC or address" />
          <Button className="search-clear">
            <X aria-hidden />
          </Button>
        </SearchField>
        <SelectField
          className="vpc-filter"
          aria-label="VPC"
          options={[{ value: '', label: 'All VPCs' }, ...vpcs]}
          value={view.vpcId ?? ''}
          onChange={(vpcId) => {
            updateView({ vpcId: vpcId === '' ? undefined : vpcId });
          }}
        />
        <ToggleButtonGroup
          className="states"
          aria-label="State"
          selectionMode="single"
          disallowEmptySelection
          selectedKeys={[view.state ?? 'ALL']}
          onSelectionChange={(keys) => {
            updateView({ state: states.find((state) => keys.has(state)) });
          }}
        >
          <ToggleButton id="ALL" className="state-toggle">
            All <span className="count">{matching.length}</span>
          </ToggleButton>
          {counts.map(({ state, count }) => (
            <ToggleButton key={state} id={state} className="state-toggle">
              {stateLabels[state]} <span className="count">{count}</span>
            </ToggleButton>
          ))}
        </ToggleButtonGroup>
      </div>
      <p role="status" className="visually-hidden">
        {rows.length} of {vpns.length} VPNs shown.
      </p>
      <Table
        className="vpns card"
        aria-label="Site-to-site VPNs"
        sortDescriptor={{ column: view.column, direction: view.isDescending ? 'descending' : 'ascending' }}
        onSortChange={({ column, direction }) => {
          updateView({
            column: columns.find((name) => name === column) ?? 'name',
            isDescending: direction === 'descending',
          });
        }}
      >
        <TableHeader>
          {columns.map((column) => (
            <Column
              key={column}
              id={column}
              allowsSorting
              isRowHeader={column === 'name'}
              className={`column-${column}`}
            >
              {({ sortDirection }) => (
                <>
                  {columnLabels[column]}
                  <span aria-hidden className="sort">
                    {sortDirection === undefined ? '' : sortDirection === 'ascending' ? '↑' : '↓'}
                  </span>
                </>
              )}
            </Column>
          ))}
        </TableHeader>
        <TableBody
          renderEmptyState={() => (
            <div className="empty">
              <SearchX aria-hidden />
              <p>No VPN matches.</p>
              <Button
                className="button button-plain"
                onPress={() => {
                  updateView({ search: '', state: undefined, vpcId: undefined });
                }}
              >
                Show all
              </Button>
            </div>
          )}
        >
          {rows.map((vpn) => (
            <Row key={vpn.id} id={vpn.id} href={`${path}/vpns/${vpn.id}`} textValue={vpn.name}>
              <Cell className="cell-name">{vpn.name}</Cell>
              <Cell className="cell-vpc">
                {vpn.vpc ? vpn.vpc.name : <span className="muted">{vpn.vpcId.slice(0, 8)}… (name not known)</span>}
              </Cell>
              <Cell className="cell-gateway">{vpn.gateway}</Cell>
              <Cell className="cell-cidr">{vpn.cidr}</Cell>
              <Cell className="cell-state">
                <VpnState state={vpn.state} />
              </Cell>
            </Row>
          ))}
        </TableBody>
      </Table>
    </>
  );
}
