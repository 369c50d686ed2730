// The search and the filters of the list.
import { Search, X } from 'lucide-react';
import { Button, Input, SearchField, ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import { SelectField } from '../ui/select-field';
import { type ListedVpn, type ListView, toVpcLabel } from './list-view';
import { stateLabels, states } from './vpn-state';

interface ToolbarProps {
  readonly vpns: readonly ListedVpn[];
  /** The VPNs that match search and VPC, in any state. */
  readonly matching: readonly ListedVpn[];
  readonly view: ListView;
  readonly onChange: (part: Partial<ListView>) => void;
}

/** Renders the search and the filters. */
export function Toolbar({ vpns, matching, view, onChange }: ToolbarProps) {
  const vpcs = [...new Map(vpns.map((vpn) => [vpn.vpcId, toVpcLabel(vpn)]))].map(([value, label]) => ({
    value,
    label,
  }));
  // States of any VPN, so that a filter does not disappear while the user types.
  const counts = states
    .filter((state) => state === view.state || vpns.some((vpn) => vpn.state === state))
    .map((state) => ({ state, count: matching.filter((vpn) => vpn.state === state).length }));
  return (
    <div className="toolbar">
      <SearchField
        className="field search"
        aria-label="Search"
        value={view.search}
        onChange={(search) => {
          onChange({ search });
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
          onChange({ vpcId: vpcId === '' ? undefined : vpcId });
        }}
      />
      <ToggleButtonGroup
        className="states"
        aria-label="State"
        selectionMode="single"
        disallowEmptySelection
        selectedKeys={[view.state ?? 'ALL']}
        onSelectionChange={(keys) => {
          onChange({ state: states.find((state) => keys.has(state)) });
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
  );
}
