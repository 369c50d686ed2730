// Filters the tabs that the browser may store. Plain functions without browser code, so a test can call them.

// A string literal of an argument or a variable whose name says that it is secret, complete or still being typed.
const secretLiteral =
  /(\b\w*(?:psk|key|secret|password|token)\w*\s*:[^"(){}:]*)("""[\s\S]*?(?:"""|$)|"(?:\\.|[^"\\\n])*"?)/gi;

interface StoredTab {
  readonly id: string;
  readonly title: string;
  readonly query: string | null;
  readonly operationName: string | null;
  readonly variables: string | null;
  readonly headers: null;
  readonly response: null;
}

/** Tabs as GraphiQL stores them. */
export interface StoredTabs {
  readonly tabs: readonly StoredTab[];
  readonly activeTabIndex: number;
}

/** Returns the tabs without headers, responses, variables and secret literals; undefined if the text is not of this format. */
export function parseTabs(text: string | null): StoredTabs | undefined {
  try {
    const state: unknown = JSON.parse(text ?? '');
    if (typeof state !== 'object' || state === null || !('tabs' in state) || !Array.isArray(state.tabs))
      return undefined;
    const tabs = state.tabs.map(toStoredTab).filter((tab) => tab !== undefined);
    const index = 'activeTabIndex' in state && typeof state.activeTabIndex === 'number' ? state.activeTabIndex : 0;
    return tabs.length === 0 ? undefined : { tabs, activeTabIndex: Math.min(Math.max(index, 0), tabs.length - 1) };
  } catch {
    return undefined;
  }
}

function toStoredTab(tab: unknown): StoredTab | undefined {
  if (typeof tab !== 'object' || tab === null || !('id' in tab) || typeof tab.id !== 'string') return undefined;
  const toText = (value: unknown) => (typeof value === 'string' ? value : null);
  return {
    id: tab.id,
    title: ('title' in tab ? toText(tab.title) : null) ?? '<untitled>',
    query: ('query' in tab ? toText(tab.query) : null)?.replace(secretLiteral, '$1""') ?? null,
    operationName: 'operationName' in tab ? toText(tab.operationName) : null,
    variables: null,
    headers: null,
    response: null,
  };
}
