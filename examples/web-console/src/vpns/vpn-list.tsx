// The table of VPNs, with its search, filters and selection. The whole list is loaded, so search, filters and sorting send no request.
import { Plus, SearchX, Waypoints } from 'lucide-react';
import {
  lazy,
  memo,
  type MouseEvent,
  Suspense,
  useCallback,
  useDeferredValue,
  useEffect,
  useEffectEvent,
  useMemo,
  useState,
} from 'react';
import { useHref, useNavigate, useSearchParams } from 'react-router';
import { type FragmentType, graphql, unmask } from '../gql';
import { type EnvironmentInput, SiteToSiteVpnRowFragmentDoc } from '../gql/graphql';
import { Button, ButtonLink } from '../ui/buttons';
import { EmptyState } from '../ui/empty-state';
import { Algorithms, isWeak } from '../vpn/algorithms';
import { BulkBar, type BulkAction } from './bulk-bar';
import {
  columns,
  filterBySearchAndVpc,
  type ListedVpn,
  type ListView,
  parseListView,
  sortVpns,
  toSearchParams,
  toSearchText,
} from './list-view';
import { Toolbar } from './toolbar';
import { VpnRow } from './vpn-row';

// Loaded on first use: few visits change several VPNs.
const BulkDialog = lazy(() => import('./bulk-dialog'));

/** Pause after which the URL follows the view, in milliseconds. */
const urlAfterMs = 150;

/** The fields that the list reads. */
const Vpn = graphql(`
  fragment VpnList_vpn on SiteToSiteVpn {
    ...SiteToSiteVpnRow
    ...Algorithms
    securityAdvisories {
      field
      severity
    }
  }
`);

const columnLabels = { name: 'Name', vpc: 'VPC', gateway: 'Gateway', cidr: 'Remote network', state: 'State' } as const;

interface VpnListProps {
  readonly vpns: readonly FragmentType<typeof Vpn>[];
  readonly environment: EnvironmentInput;
  /** Path prefix of the environment's pages. */
  readonly path: string;
}

/** Renders the VPNs as a table with search and filters. */
export function VpnList({ vpns: masked, environment, path }: VpnListProps) {
  const vpns = useMemo(
    () =>
      unmask(Vpn, masked).map((vpn) => {
        const row = unmask(SiteToSiteVpnRowFragmentDoc, vpn);
        return { ...row, isWeak: isWeak(unmask(Algorithms, vpn), vpn.securityAdvisories), text: toSearchText(row) };
      }),
    [masked],
  );
  const [searchParams, setSearchParams] = useSearchParams();
  // The view is local state that the URL follows once the user pauses: a change of the URL renders the whole page.
  const [view, setView] = useState(() => parseListView(searchParams));
  const updateView = (part: Partial<ListView>): void => {
    setView({ ...view, ...part });
  };
  const listPathname = useHref(path);
  const updateUrl = useEffectEvent(() => {
    // The list is still shown while the next page loads. The URL is that page's then.
    if (location.pathname !== listPathname) return;
    const params = toSearchParams(view);
    if (params.toString() !== searchParams.toString()) setSearchParams(params, { replace: true });
  });
  useEffect(() => {
    const timer = setTimeout(updateUrl, urlAfterMs);
    return () => {
      clearTimeout(timer);
    };
  }, [view]);
  const [selectedIds, setSelectedIds] = useState<ReadonlySet<string>>(new Set());
  const select = useCallback((id: string, isSelected: boolean) => {
    setSelectedIds((ids) => new Set(isSelected ? [...ids, id] : [...ids].filter((other) => other !== id)));
  }, []);
  const [action, setAction] = useState<BulkAction>();

  // The rows follow the input when there is time, so a key press never waits for 1,000 rows.
  const { search, vpcId, state, column, isDescending } = useDeferredValue(view);
  const sorted = useMemo(() => sortVpns(vpns, { column, isDescending }), [vpns, column, isDescending]);
  const matching = useMemo(() => filterBySearchAndVpc(sorted, { search, vpcId }), [sorted, search, vpcId]);
  const rows = useMemo(() => matching.filter((vpn) => state === undefined || vpn.state === state), [matching, state]);
  const navigate = useNavigate();
  const base = useHref(`${path}/vpns/`);
  const openLink = (event: MouseEvent): void => {
    const id = event.target instanceof HTMLElement ? event.target.closest('a')?.dataset['id'] : undefined;
    // Any other click is the browser's: a new tab, a download, a selection of text.
    if (id === undefined || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void navigate(`${path}/vpns/${id}`);
  };
  const selected = rows.filter(({ id }) => selectedIds.has(id));

  if (vpns.length === 0) {
    return (
      <EmptyState
        icon={Waypoints}
        title="No VPN yet"
        text="Connect your office to a VPC: name the router there, choose a VPC, and share a key."
        action={
          <ButtonLink href={`${path}/create`} icon={Plus}>
            Create the first VPN
          </ButtonLink>
        }
      />
    );
  }
  return (
    <>
      <Toolbar vpns={vpns} matching={matching} view={view} onChange={updateView} />
      <p role="status" className="visually-hidden">
        {rows.length} of {vpns.length} VPNs shown.
      </p>
      <table role="table" className="vpns card" aria-label="Site-to-site VPNs" onClick={openLink}>
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" className="cell-select">
              <input
                type="checkbox"
                aria-label="Select all"
                checked={rows.length > 0 && selected.length === rows.length}
                ref={(input) => {
                  if (input) input.indeterminate = selected.length > 0 && selected.length < rows.length;
                }}
                onChange={(event) => {
                  setSelectedIds(new Set(event.target.checked ? rows.map(({ id }) => id) : []));
                }}
              />
            </th>
            {columns.map((name) => {
              const direction = name !== column ? undefined : isDescending ? 'descending' : 'ascending';
              return (
                <th key={name} scope="col" role="columnheader" className={`column-${name}`} aria-sort={direction}>
                  <button
                    type="button"
                    onClick={() => {
                      updateView({ column: name, isDescending: direction === 'ascending' });
                    }}
                  >
                    {columnLabels[name]}
                    <span aria-hidden className="sort">
                      {direction === undefined ? '' : direction === 'ascending' ? '↑' : '↓'}
                    </span>
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <Rows rows={rows} base={base} selectedIds={selectedIds} onSelect={select} />
      </table>
      {rows.length === 0 && (
        <EmptyState
          icon={SearchX}
          text="No VPN matches."
          action={
            <Button
              onPress={() => {
                updateView({ search: '', state: undefined, vpcId: undefined });
              }}
            >
              Show all
            </Button>
          }
        />
      )}
      <BulkBar
        count={selected.length}
        onAction={setAction}
        onClear={() => {
          setSelectedIds(new Set());
        }}
      />
      {action && (
        <Suspense fallback={null}>
          <BulkDialog
            action={action}
            vpns={selected}
            environment={environment}
            onClose={(isDone) => {
              setAction(undefined);
              if (isDone) setSelectedIds(new Set());
            }}
          />
        </Suspense>
      )}
    </>
  );
}

interface RowsProps {
  readonly rows: readonly (ListedVpn & { readonly id: string; readonly isWeak: boolean })[];
  /** URL prefix of the pages of the VPNs. */
  readonly base: string;
  readonly selectedIds: ReadonlySet<string>;
  readonly onSelect: (id: string, isSelected: boolean) => void;
}

const Rows = memo(function Rows({ rows, base, selectedIds, onSelect }: RowsProps) {
  return (
    <tbody role="rowgroup">
      {rows.map((vpn) => (
        <VpnRow
          key={vpn.id}
          vpn={vpn}
          href={base + vpn.id}
          isWeak={vpn.isWeak}
          isSelected={selectedIds.has(vpn.id)}
          onSelect={onSelect}
        />
      ))}
    </tbody>
  );
});
