// Loaders: a DataLoader where each key is a REST call of its own. One per operation, never longer; two callers never share one.
import DataLoader from 'dataloader';
import type { EnvironmentAddress } from '../cloudca/environments.js';
import { NotFoundError } from '../cloudca/errors.js';

/** A loader that makes one call for each key and remembers what came of it, a failure too. */
export function createLoader<K, V>(
  load: (key: K) => Promise<V>,
  toCacheKey: (key: K) => string,
): DataLoader<K, V, string> {
  return new DataLoader<K, V, string>((keys) => settled(keys.map(load)), { cacheKeyFn: toCacheKey });
}

/** The outcomes of several promises in a DataLoader's form: a value or an Error for each. */
export async function settled<V>(promises: readonly Promise<V>[]): Promise<(V | Error)[]> {
  return (await Promise.allSettled(promises)).map((outcome) => {
    if (outcome.status === 'fulfilled') return outcome.value;
    const reason: unknown = outcome.reason;
    return reason instanceof Error ? reason : new Error('A loader failed.', { cause: reason });
  });
}

/** What tells one environment from another in a cache. */
export function toEnvironmentKey(environment: EnvironmentAddress, ...rest: readonly (string | null)[]): string {
  return JSON.stringify([environment.serviceCode, environment.name, environment.organizationId, ...rest]);
}

/** Begins a load whose outcome a field will ask for later: a failure is told there, and only there. Resolves when it has come. */
export async function ahead(load: Promise<unknown>): Promise<void> {
  await load.catch(() => undefined);
}

/** What a read gives; null where there is no such thing. */
export async function orNull<T>(read: Promise<T>): Promise<T | null> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}
