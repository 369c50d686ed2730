// Loaders: what one operation reads it reads once, single things by a DataLoader, lists by a memo. One per operation, never longer; two callers
// never share one.
import DataLoader from 'dataloader';
import type { EnvironmentAddress } from '../cloudca/environments.js';
import { NotFoundError } from '../cloudca/errors.js';

/** A loader that makes one call for each key and remembers what came of it, a failure too. */
export function createLoader<K, V>(
  load: (key: K) => Promise<V>,
  toCacheKey: (key: K) => string,
): DataLoader<K, V, string> {
  const toError = (error: unknown) =>
    error instanceof Error ? error : new Error('A loader failed.', { cause: error });
  const loadOrTell = (key: K): Promise<V | Error> => load(key).catch(toError);
  return new DataLoader<K, V, string>((keys) => Promise.all(keys.map(loadOrTell)), { cacheKeyFn: toCacheKey });
}

/** Makes one read for each key, at once, and remembers what came of it, a failure too. For lists, of which an operation seldom asks for two. */
export function createMemo<K, V>(read: (key: K) => Promise<V>, toCacheKey: (key: K) => string): (key: K) => Promise<V> {
  const reads = new Map<string, Promise<V>>();
  return (key) => {
    const cacheKey = toCacheKey(key);
    const known = reads.get(cacheKey) ?? read(key);
    reads.set(cacheKey, known);
    return known;
  };
}

/** What tells one environment from another in a cache, and what is there: an address that has been checked has no line end in it. */
export function toEnvironmentKey(
  { serviceCode, name, organizationId }: EnvironmentAddress,
  what: string | null = null,
): string {
  return `${serviceCode}\n${name}\n${organizationId ?? ''}\n${what ?? ''}`;
}

/** Whether two addresses are of one environment. */
export function isSameEnvironment(one: EnvironmentAddress, other: EnvironmentAddress): boolean {
  if (one === other) return true;
  return (
    one.name === other.name && one.serviceCode === other.serviceCode && one.organizationId === other.organizationId
  );
}

/** Begins a load whose outcome a field will ask for later: a failure is told there, and only there. Resolves when it has come. */
export function ahead(load: Promise<unknown>): Promise<unknown> {
  return load.catch(() => undefined);
}

/** What is made of what a read gives; null where there is no such thing. */
export function orNull<Found, Made>(read: Promise<Found>, make: (found: Found) => Made): Promise<Made | null> {
  return read.then(make, (error: unknown) => {
    if (error instanceof NotFoundError) return null;
    throw error;
  });
}
