// The API key of a user who asked to stay signed in after a reload. Kept in sessionStorage: for one tab, until it is closed.

const storageKey = 'api-key';

/** Returns the stored key; undefined if there is none. */
export function readStoredKey(): string | undefined {
  return sessionStorage.getItem(storageKey) ?? undefined;
}

/** Stores a key for this tab. Undefined: removes it. */
export function storeKey(key: string | undefined): void {
  if (key === undefined) sessionStorage.removeItem(storageKey);
  else sessionStorage.setItem(storageKey, key);
}
