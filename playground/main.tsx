// The page: GraphiQL with a tab for each ready operation. It knows the gateway by its address alone.
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './playground.css';
import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { parse } from 'graphql';
import { createRoot } from 'react-dom/client';
import { memoryStorage } from './memory-storage.js';
import { readyOperations } from './operations.js';
import { TabChanges } from './tab-changes.js';

const socketUrl = new URL('/graphql', window.location.href);
socketUrl.protocol = socketUrl.protocol.replace('http', 'ws');

// One JSON document answers each query and mutation: the gateway speaks no multipart. Subscriptions go over a WebSocket, with the
// headers that are typed as its connection parameters.
const fetchByKind = createGraphiQLFetcher({
  url: '/graphql',
  subscriptionUrl: socketUrl.href,
  enableIncrementalDelivery: false,
});
// GraphiQL's own document is that of the last tab for a moment after another is opened.
const fetcher: Fetcher = (params, options) =>
  fetchByKind(params, { ...options, documentAST: parse(params.query, { noLocation: true }) });

// The gateway tells the key where it is the sandbox's; a real one is for the user to fill in.
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
      // Without it the first tab opens with no variables.
      initialVariables={tabs[0]?.variables ?? ''}
      defaultHeaders={headers}
      defaultEditorToolsVisibility="headers"
      shouldPersistHeaders={false}
      storage={memoryStorage}
      // No history: it keeps the headers of each run.
      plugins={[]}
    >
      {/* The room is for the tabs; GraphiQL's own logo would lead to another host. */}
      <GraphiQL.Logo>{''}</GraphiQL.Logo>
      <TabChanges />
    </GraphiQL>,
  );
}
