// Loaders of one operation: each reads an object or a list at most once. Callers never share a loader.
import DataLoader from 'dataloader';
import type { EnvironmentAddress } from '../cloudca/environments.js';
import { NotFoundError } from '../cloudca/errors.js';

/** Creates a loader that calls `load` once for each key and caches the outcome, failures included. */
export function createLoader<K, V>(
  load: (key: K) => Promise<V>,
  toCacheKey: (key: K) => string,
): DataLoader<K, V, string> {
  const toError = (error: unknown) =>
    error instanceof Error ? error : new Error('A loader failed.', { cause: error });
  // A DataLoader takes the error of one key as a value.
  const loadOrError = (key: K): Promise<V | Error> => load(key).catch(toError);
  return new DataLoader<K, V, string>((keys) => Promise.all(keys.map(loadOrError)), { cacheKeyFn: toCacheKey });
}

/**
 * Creates a loader that starts one read for each key at once, without a batch, and caches the outcome, failures included. Serves lists,
 * of which an operation seldom reads two.
 */
export function createListLoader<K, V>(
  read: (key: K) => Promise<V>,
  toCacheKey: (key: K) => string,
): (key: K) => Promise<V> {
  const reads = new Map<string, Promise<V>>();
  return (key) => {
    const cacheKey = toCacheKey(key);
    const promise = reads.get(cacheKey) ?? read(key);
    reads.set(cacheKey, promise);
    return promise;
  };
}

/** Returns a cache key for `item` of an environment. No two collide: a validated address contains no line feed. */
export function toEnvironmentCacheKey(
  { serviceCode, name, organizationId }: EnvironmentAddress,
  item: string | null = null,
): string {
  return `${serviceCode}\n${name}\n${organizationId ?? ''}\n${item ?? ''}`;
}

/** Reports whether two addresses name the same environment. */
export function isSameEnvironment(one: EnvironmentAddress, other: EnvironmentAddress): boolean {
  if (one === other) return true;
  return (
    one.name === other.name && one.serviceCode === other.serviceCode && one.organizationId === other.organizationId
  );
}

/** Marks a load as started before the field that needs it. Resolves when it settles; only that field reports its failure. */
export function prefetch(load: Promise<unknown>): Promise<unknown> {
  return load.catch(() => undefined);
}

/** Maps the result of a read. Resolves with null if the read rejects with NotFoundError; other errors pass. */
export function nullIfNotFound<Found, Mapped>(
  read: Promise<Found>,
  map: (found: Found) => Mapped,
): Promise<Mapped | null> {
  return read.then(map, (error: unknown) => {
    if (error instanceof NotFoundError) return null;
    throw error;
  });
}
