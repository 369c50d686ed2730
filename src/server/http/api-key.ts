// The caller's API key: where a request carries it, which strings can be a key, and the hash that stands for it.
import { hash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';

/** The header that carries the caller's API key, in Node's spelling of header names. */
export const apiKeyHeader = 'mc-api-key';

// In characters. Each open subscription holds its key.
const maxKeyLength = 256;

/**
 * Parses a value into an API key, without the white space around it. Returns undefined if it is not a string that an HTTP header can carry
 * (RFC 9110, 5.5). Also returns undefined if it has more than 256 characters, white space included.
 */
export function parseApiKey(value: unknown): string | undefined {
  // Before `trim`, whose result keeps the whole value in memory.
  if (typeof value !== 'string' || value.length > maxKeyLength) return undefined;
  const key = value.trim();
  return /^[\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$/.test(key) ? key : undefined;
}

/** Reads the API key of a request. Returns undefined if it has none that can be a key. */
export function readApiKey(request: FastifyRequest): string | undefined {
  return parseApiKey(request.headers[apiKeyHeader]);
}

/** Returns the caller id: the SHA-256 of an API key in base64url. Limits and Redis use it instead of the key. */
export function hashApiKey(apiKey: string): string {
  return hash('sha256', apiKey, 'base64url');
}
