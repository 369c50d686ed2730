// The prepared operations, as a plugin of GraphiQL: one list per group. A click opens an operation in a tab.
import type { ReactElement } from 'react';
import { type GraphiQLPlugin, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import type { GraphQLObjectType } from 'graphql';
import { isNarrow, pane } from './pane-switch.js';
import { operationGroups, type ReadyOperation, toJson, toName } from './operations.js';
import { withLatestIds } from './latest-ids.js';

/** Returns the beginning of a root field's description. Empty until the schema is read. */
function toDescription(type: GraphQLObjectType | null | undefined, field: string): string {
  const description = type?.getFields()[field]?.description ?? '';
  // Up to a semicolon or the end of the first sentence. The period of "e.g." ends none.
  return /^.*?(?=;|\.?$|\.\s+[A-Z])/s.exec(description)?.[0] ?? '';
}

function OperationList(): ReactElement {
  const actions = useGraphiQLActions();
  const { tabs, activeTabIndex, schema } = useGraphiQL((state) => ({
    tabs: state.tabs,
    activeTabIndex: state.activeTabIndex,
    schema: state.schema,
  }));
  const open = (operation: ReadyOperation) => {
    const name = toName(operation);
    const index = tabs.findIndex((tab) => tab.operationName === name);
    if (index === -1) {
      actions.addTab();
      actions.updateActiveTabValues({
        query: operation.query,
        variables: withLatestIds(toJson(operation.variables)),
        operationName: name,
      });
      // Copies the values into the editors.
      actions.changeTab(tabs.length);
    } else if (index !== activeTabIndex) actions.changeTab(index);
    if (!isNarrow()) return;
    actions.setVisiblePlugin(null);
    pane.set('query');
  };
  const roots = {
    query: schema?.getQueryType(),
    subscription: schema?.getSubscriptionType(),
    mutation: schema?.getMutationType(),
  };
  const activeName = tabs[activeTabIndex]?.operationName;
  return (
    <section className="operations" aria-labelledby="operations-title">
      <h2 id="operations-title">Operations</h2>
      {document.querySelector('meta[name="api-key"]') === null && (
        <p>Enter your API key under Headers, below the query.</p>
      )}
      {operationGroups.map(({ title, type, operations }) => (
        <section key={type} aria-label={title}>
          <h3>{title}</h3>
          <ul>
            {operations.map((operation) => {
              const name = toName(operation);
              return (
                <li key={name}>
                  <button
                    type="button"
                    aria-current={name === activeName}
                    onClick={() => {
                      open(operation);
                    }}
                  >
                    <code>{name}</code>
                    <small>{toDescription(roots[type], name)}</small>
                  </button>
                </li>
              );
            })}
          </ul>
        </section>
      ))}
    </section>
  );
}

function OperationsIcon(): ReactElement {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.3" aria-hidden="true">
      <path d="M1.5 3.5h2M6 3.5h8.5M1.5 8h2M6 8h8.5M1.5 12.5h2M6 12.5h8.5" />
    </svg>
  );
}

/** Plugin that lists the prepared operations. */
export const operationsPlugin: GraphiQLPlugin = { title: 'Operations', icon: OperationsIcon, content: OperationList };
