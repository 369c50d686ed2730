// Where GraphiQL keeps what it would put into localStorage: in memory, gone with the page. Knows nothing of what is kept.
// Variables hold pre-shared keys and headers the caller's key: neither may lie about in a browser's profile.

const items = new Map<string, string>();

/** A storage in GraphiQL's sense that forgets everything on a reload. */
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
