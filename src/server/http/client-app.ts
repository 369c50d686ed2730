// The name and version that an app gives itself, in headers or in the payload of connection_init.
import type { ClientApp } from '../../graph/context.js';
import { apiKeyHeader } from './api-key.js';

// Apollo's clients send the first pair.
const prefixes = ['apollographql-client', 'graphql-client'] as const;

const maxLength = 100;

/**
 * Reads the app of a client from fields with lower-case names. Returns undefined if it has no name. Ignores a value that has more than 100
 * characters, others than printable ASCII, or the API key: names go into logs and metrics.
 */
export function readClientApp(fields: Readonly<Record<string, unknown>>, apiKey?: string): ClientApp | undefined {
  const key = apiKey ?? fields[apiKeyHeader];
  const read = (field: string): string | undefined => {
    const value = fields[field];
    if (typeof value !== 'string' || value.length > maxLength || !/^[\x21-\x7e][\x20-\x7e]*$/.test(value))
      return undefined;
    return typeof key === 'string' && key !== '' && value.includes(key) ? undefined : value;
  };
  for (const prefix of prefixes) {
    const name = read(`${prefix}-name`);
    if (name !== undefined) return { name, version: read(`${prefix}-version`) };
  }
  return undefined;
}
