// Storage for GraphiQL: what survives a reload, and what must not.
import { readyOperations, toJson, toName } from './operations.js';
import { parseTabs, type StoredTabs } from './stored-tabs.js';

// Everything that GraphiQL stores stays in memory, except the theme and the text of the tabs. Headers contain the API key and variables may
// contain pre-shared keys, and neither may be stored in the browser's profile.
const items = new Map<string, string>();

const themeName = 'graphiql:theme';
const tabsName = 'graphiql:tabState';

// Two gateways can share an origin, each below its own path.
const prefix = `site-to-site-vpn-playground ${window.location.pathname} `;

/** Calls `use` with a storage of the browser. Does nothing if the browser denies it or it is full: the page works without it. */
function withStorage(storage: 'localStorage' | 'sessionStorage', use: (storage: Storage) => void): void {
  try {
    use(window[storage]);
  } catch {
    // A reload then starts anew.
  }
}

function persist(name: string, value: string | undefined): void {
  if (name === themeName)
    withStorage('localStorage', (storage) => {
      if (value === undefined) storage.removeItem(prefix + name);
      else storage.setItem(prefix + name, value);
    });
  // Each window has its own tabs, so they are not in the storage that windows share.
  if (name === tabsName)
    withStorage('sessionStorage', (storage) => {
      const tabs = value === undefined ? undefined : parseTabs(value);
      if (tabs === undefined) storage.removeItem(prefix + name);
      else storage.setItem(prefix + name, JSON.stringify(tabs));
    });
}

function restoreTabs(): StoredTabs | undefined {
  let text: string | null = null;
  withStorage('sessionStorage', (storage) => {
    text = storage.getItem(prefix + tabsName);
  });
  const stored = parseTabs(text);
  return (
    stored && {
      ...stored,
      tabs: stored.tabs.map((tab) => {
        const operation = readyOperations.find((ready) => toName(ready) === tab.operationName);
        return operation ? { ...tab, variables: toJson(operation.variables) } : tab;
      }),
    }
  );
}

const restored = restoreTabs();
if (restored) items.set(tabsName, JSON.stringify(restored));
withStorage('localStorage', (storage) => {
  const theme = storage.getItem(prefix + themeName);
  if (theme !== null) items.set(themeName, theme);
});

/** Active tab before the reload. It has the variables of the prepared operation of its name, if any. Undefined: nothing is stored. */
export const restoredTab = restored?.tabs[restored.activeTabIndex];

/** Storage for GraphiQL. A reload keeps the theme and the query text of the tabs, and discards the rest. */
export const browserStorage = {
  getItem: (name: string): string | null => items.get(name) ?? null,
  setItem: (name: string, value: string): void => {
    items.set(name, value);
    persist(name, value);
  },
  removeItem: (name: string): void => {
    items.delete(name);
    persist(name, undefined);
  },
  clear: (): void => {
    for (const name of items.keys()) persist(name, undefined);
    items.clear();
  },
  get length(): number {
    return items.size;
  },
};
