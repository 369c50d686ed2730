// Entry point of the playground: GraphiQL with one tab per operation of operations.ts.
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './playground.css';
import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { parse } from 'graphql';
import { createRoot } from 'react-dom/client';
import { memoryStorage } from './memory-storage.js';
import { readyOperations } from './operations.js';
import { RestCalls, RestCallsSwitch, withRestCalls } from './rest-calls.js';
import { TabSync } from './tab-sync.js';

// The page has the address of the GraphQL endpoint, which may be below a path of a proxy.
const url = new URL(window.location.pathname, window.location.href);
const socketUrl = new URL(url);
socketUrl.protocol = socketUrl.protocol.replace('http', 'ws');

// The gateway responds to queries and mutations with one JSON document and does not support multipart responses. Subscriptions use a
// WebSocket, with the typed headers as connection parameters.
const defaultFetcher = createGraphiQLFetcher({
  url: url.href,
  subscriptionUrl: socketUrl.href,
  enableIncrementalDelivery: false,
});
// After a tab switch, GraphiQL's own `documentAST` is briefly that of the previous tab.
const fetcher: Fetcher = withRestCalls((params, options) =>
  defaultFetcher(params, { ...options, documentAST: parse(params.query, { noLocation: true }) }),
);

// The gateway adds this meta element only for the sandbox's key. The user types a real key.
const apiKey = document.querySelector<HTMLMetaElement>('meta[name="api-key"]')?.content ?? '';
const headers = toJson({ 'MC-Api-Key': apiKey });
const tabs = readyOperations.map(({ query, variables }) => ({ query, variables: toJson(variables), headers }));

function toJson(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

const container = document.getElementById('playground');
if (container) {
  createRoot(container).render(
    <GraphiQL
      fetcher={fetcher}
      defaultTabs={tabs}
      // Without this, the first tab opens without variables.
      initialVariables={tabs[0]?.variables ?? ''}
      defaultHeaders={headers}
      defaultEditorToolsVisibility="headers"
      shouldPersistHeaders={false}
      storage={memoryStorage}
      // The history plugin is off, because it stores the headers of each run.
      plugins={[]}
    >
      {/* Empty, to leave space for the tabs. GraphiQL's own logo links to another host. */}
      <GraphiQL.Logo>{''}</GraphiQL.Logo>
      <GraphiQL.Toolbar>
        {({ prettify, merge, copy }) => (
          <>
            {prettify}
            {merge}
            {copy}
            <RestCallsSwitch />
          </>
        )}
      </GraphiQL.Toolbar>
      <GraphiQL.Footer>
        <RestCalls />
      </GraphiQL.Footer>
      <TabSync />
    </GraphiQL>,
  );
}
