// Keeps GraphiQL's state in sync when the user switches tabs. Renders nothing.
import { useEffect, useRef } from 'react';
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';

/**
 * Copies the last typed headers to each tab that the user opens, so the API key is typed only once. Also sets GraphiQL's operation
 * name to the tab's. Must be a child of `GraphiQL`.
 */
export function TabSync(): null {
  const actions = useGraphiQLActions();
  const { editor, tab } = useGraphiQL((state) => ({
    editor: state.headerEditor,
    tab: state.tabs[state.activeTabIndex],
  }));
  const tabId = tab?.id;
  const operationName = tab?.operationName;
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

  return null;
}
