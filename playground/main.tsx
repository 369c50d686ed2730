// Entry point of the playground: GraphiQL with a list of prepared operations.
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './playground.css';
import './narrow.css';
import { useEffect, type ReactElement } from 'react';
import { useMonaco } from '@graphiql/react';
import type { Fetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { browserStorage, restoredTab } from './browser-storage.js';
import { createFetcher } from './fetcher.js';
import { keepIds } from './latest-ids.js';
import { Notice, notify } from './notice.js';
import { operationsPlugin } from './operation-list.js';
import { readyOperations, toJson } from './operations.js';
import { isNarrow, pane, PaneSwitch } from './pane-switch.js';
import { RestCalls, RestCallsSwitch, withRestCalls } from './rest-calls.js';
import { TabSync } from './tab-sync.js';
import { CopyAsCurl, DownloadSchema } from './toolbar.js';

// The page has the address of the GraphQL endpoint, which may be below a path of a proxy.
const url = new URL(window.location.pathname, window.location.href);
const send = withRestCalls(createFetcher(url));
const fetcher: Fetcher = async (params, options) => {
  // GraphiQL reads the schema by itself.
  if (params.operationName === 'IntrospectionQuery') return send(params, options);
  notify('');
  pane.set('response');
  const result = await send(params, options);
  keepIds(result);
  return result;
};

// The gateway adds this meta element only for the sandbox's key. The user types a real key.
const apiKey = document.querySelector<HTMLMetaElement>('meta[name="api-key"]')?.content ?? '';
const headers = toJson({ 'MC-Api-Key': apiKey });
const tabs = readyOperations.slice(0, 1).map(({ query, variables }) => ({ query, variables: toJson(variables) }));
const firstTab = restoredTab ?? tabs[0];
const plugins = [operationsPlugin];
// In a narrow window, the list would cover the query.
const visiblePlugin = isNarrow() ? {} : { visiblePlugin: operationsPlugin.title };

function Playground(): ReactElement {
  const { hasMonaco, initialize } = useMonaco(({ monaco, actions }) => ({
    hasMonaco: Boolean(monaco),
    initialize: actions.initialize,
  }));
  const shown = pane.use();
  useEffect(() => {
    void initialize();
  }, [initialize]);
  // GraphiQL shows its tabs before it has its editors, and ignores clicks until then.
  if (!hasMonaco) return <p className="loading">Loading the editors…</p>;
  return (
    <GraphiQL
      className={`pane-${shown}`}
      fetcher={fetcher}
      defaultTabs={tabs}
      // Without these, GraphiQL opens with empty editors.
      initialQuery={firstTab?.query ?? ''}
      initialVariables={firstTab?.variables ?? ''}
      defaultHeaders={headers}
      defaultEditorToolsVisibility={firstTab?.variables ? 'variables' : 'headers'}
      shouldPersistHeaders={false}
      storage={browserStorage}
      inputValueDeprecation
      schemaDescription
      // The history plugin is off, because it stores the headers of each run.
      plugins={plugins}
      {...visiblePlugin}
    >
      {/* In place of GraphiQL's own logo, which links to another host. */}
      <GraphiQL.Logo>
        <h1>Site-to-site VPNs</h1>
        <PaneSwitch />
        <Notice />
      </GraphiQL.Logo>
      <GraphiQL.Toolbar>
        {({ prettify, merge, copy }) => (
          <>
            {prettify}
            {merge}
            {copy}
            <CopyAsCurl url={url} />
            <DownloadSchema fetcher={fetcher} />
            <RestCallsSwitch />
          </>
        )}
      </GraphiQL.Toolbar>
      <GraphiQL.Footer>
        <RestCalls />
      </GraphiQL.Footer>
      <TabSync />
    </GraphiQL>
  );
}

const container = document.getElementById('playground');
if (container) createRoot(container).render(<Playground />);
