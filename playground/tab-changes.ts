// What GraphiQL leaves undone when another tab is opened. Shows nothing of its own, and knows no operation of ours.
import { useEffect, useRef } from 'react';
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';

/**
 * Takes the headers that were typed last along to each tab that is opened, so that a key is typed once; and tells GraphiQL
 * the tab's operation. Stands inside GraphiQL.
 */
export function TabChanges(): null {
  const actions = useGraphiQLActions();
  const { editor, tab } = useGraphiQL((state) => ({
    editor: state.headerEditor,
    tab: state.tabs[state.activeTabIndex],
  }));
  const tabId = tab?.id;
  const operationName = tab?.operationName;
  const typed = useRef<string | undefined>(undefined);

  useEffect(() => {
    const listener = editor?.onDidChangeModelContent((change) => {
      // GraphiQL itself sets a whole text, e.g. for another tab; only a person edits it.
      if (!change.isFlush) typed.current = editor.getValue();
    });
    return () => listener?.dispose();
  }, [editor]);

  useEffect(() => {
    if (editor && typed.current !== undefined && editor.getValue() !== typed.current) editor.setValue(typed.current);
  }, [editor, tabId]);

  useEffect(() => {
    // GraphiQL finds it out after a moment, until when it would run this tab under the name of the last one.
    if (operationName) actions.setOperationName(operationName);
  }, [tabId, operationName, actions]);

  return null;
}
