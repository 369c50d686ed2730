// Keeps GraphiQL's state in sync when the user switches tabs. Renders nothing.
import { useEffect, useLayoutEffect, useRef } from 'react';
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';

/**
 * Copies the last typed headers to each tab that the user opens, so the API key is typed only once. Sets GraphiQL's operation name to the
 * tab's, and shows the variables of a tab that has some. Must be a child of `GraphiQL`.
 */
export function TabSync(): null {
  const actions = useGraphiQLActions();
  const { editor, queryEditor, tabs, activeTabIndex, theme } = useGraphiQL((state) => ({
    editor: state.headerEditor,
    queryEditor: state.queryEditor,
    tabs: state.tabs,
    activeTabIndex: state.activeTabIndex,
    theme: state.theme,
  }));
  const tab = tabs[activeTabIndex];
  const tabId = tab?.id;
  const operationName = tab?.operationName;
  const hasVariables = /\S/.test(tab?.variables ?? '') && tab?.variables !== '{}';
  const typedHeaders = useRef<string | undefined>(undefined);

  useEffect(() => {
    const listener = editor?.onDidChangeModelContent((change) => {
      // GraphiQL replaces the whole text (a flush), e.g. for another tab. Any other change is the user's.
      if (!change.isFlush) typedHeaders.current = editor.getValue();
    });
    return () => listener?.dispose();
  }, [editor]);

  useEffect(() => {
    if (editor && typedHeaders.current !== undefined && editor.getValue() !== typedHeaders.current)
      editor.setValue(typedHeaders.current);
  }, [editor, tabId]);

  useEffect(() => {
    // GraphiQL detects the name with a delay. Until then it would run this tab with the previous tab's operation name.
    if (operationName) actions.setOperationName(operationName);
  }, [tabId, operationName, actions]);

  useEffect(() => {
    // The editor keeps the scroll position of the previous tab.
    queryEditor?.setScrollPosition({ scrollLeft: 0, scrollTop: 0 });
  }, [queryEditor, tabId]);

  const wasShown = useRef(new Set<string>());
  useEffect(() => {
    if (tabId === undefined || wasShown.current.has(tabId)) return;
    wasShown.current.add(tabId);
    if (hasVariables) showVariables();
  }, [tabId, hasVariables]);

  useEffect(() => {
    // GraphiQL's editors keep the colours of the system's previous theme.
    const systemTheme = window.matchMedia('(prefers-color-scheme: dark)');
    const update = () => {
      if (theme === null) actions.setTheme(null);
    };
    systemTheme.addEventListener('change', update);
    return () => {
      systemTheme.removeEventListener('change', update);
    };
  }, [theme, actions]);

  useLayoutEffect(() => {
    toButtonList();
  }, [tabs, activeTabIndex]);

  return null;
}

/** Selects the Variables editor, unless the user has hidden the editor below the query. GraphiQL has no call for it. */
function showVariables(): void {
  if (document.querySelector('[aria-label="Show editor tools"]') === null)
    document.querySelector<HTMLElement>('.graphiql-editor-tools [data-name="variables"]')?.click();
}

/**
 * Makes GraphiQL's tabs a list of buttons. GraphiQL gives the role `tab` to elements that contain two buttons, which screen readers cannot
 * reach inside a tab.
 */
function toButtonList(): void {
  document.querySelector('.graphiql-tabs')?.setAttribute('role', 'list');
  document.getElementById('graphiql-session')?.setAttribute('role', 'region');
  for (const item of document.querySelectorAll('.graphiql-tab')) {
    item.setAttribute('role', 'listitem');
    item.removeAttribute('aria-selected');
    const isActive = item.classList.contains('graphiql-tab-active');
    item.querySelector('.graphiql-tab-button')?.setAttribute('aria-current', String(isActive));
    if (isActive) item.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }
}
