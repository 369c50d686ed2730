// An in-memory replacement for localStorage. Variables may contain pre-shared keys and headers contain the API key, and neither may be
// stored in the browser's profile.

const items = new Map<string, string>();

/** Storage for GraphiQL that is lost on reload. */
export const memoryStorage = {
  getItem: (name: string): string | null => items.get(name) ?? null,
  setItem: (name: string, value: string): void => {
    items.set(name, value);
  },
  removeItem: (name: string): void => {
    items.delete(name);
  },
  clear: (): void => {
    items.clear();
  },
  get length(): number {
    return items.size;
  },
};
