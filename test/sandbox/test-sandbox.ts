// Starts sandboxes on free ports for these tests, talks to them with plain fetch, and closes them after each test.
// It knows no shapes: an answer's body is handed on as it was parsed.
import { afterEach } from '@jest/globals';
import { createSandbox, SANDBOX_KEY, type Sandbox, type SandboxOptions } from '../../src/sandbox/sandbox.js';

export interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
}

export interface Served {
  sandbox: Sandbox;
  baseUrl: string;
  /** Sends a call with the full key, unless `key` is given; null sends none. A body of text is sent as it is. */
  call: (method: string, path: string, options?: { body?: unknown; key?: string | null }) => Promise<Answer>;
  /** Moves the sandbox's clock, which stands still otherwise. */
  advance: (milliseconds: number) => void;
}

export const testArea = '/services/compute-on/test_area';
export const stargate = 'd49b2922-0581-4587-94df-6fe719327d0f';
export const torontoOffice = 'ca86b14f-20db-463d-b58a-9d3fa5959af2';
export const lostOutpost = 'd626c4dc-f4f8-4d31-af4a-d92e17ca8dc1';
export const atlantis = '97bf42fc-d526-423c-bca5-acd40877a2ba';

/** What a creation in test_area needs at least. */
export const newVpn = {
  name: 'abydos',
  vpcId: '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7',
  gateway: '203.0.113.50',
  cidr: '10.12.0.2/22',
  ipSecPsk: 'Kz81mPq04LtYvB',
  ikeEncryptionAlgorithm: 'aes256',
  ikeHashAlgorithm: 'sha1',
  ikeLifetime: 86400,
  espEncryptionAlgorithm: 'aes256',
  espHashAlgorithm: 'sha1',
  espLifetime: 3600,
};

const open: Sandbox[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((sandbox) => sandbox.close()));
});

export async function serve(options: SandboxOptions = {}): Promise<Served> {
  let now = Date.parse('2026-11-23T18:30:00.000Z');
  const sandbox = createSandbox({ clock: () => now, ...options });
  open.push(sandbox);
  const baseUrl = await sandbox.listen({ host: '127.0.0.1', port: 0 });
  return {
    sandbox,
    baseUrl,
    call: async (method, path, { body, key = SANDBOX_KEY } = {}) => {
      const response = await fetch(baseUrl + path, {
        method,
        headers: {
          ...(key !== null && { 'MC-Api-Key': key }),
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
    },
    advance: (milliseconds) => {
      now += milliseconds;
    },
  };
}

/** The value at a path of fields and indexes; undefined where the path ends early. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = new Map(Object.entries(current)).get(String(step));
  }
  return current;
}

/** The text at a path; fails where there is none. */
export function textAt(value: unknown, ...path: (string | number)[]): string {
  const found = at(value, ...path);
  if (typeof found !== 'string') throw new Error(`No text at ${path.join('.')}.`);
  return found;
}

/** The messages of an answer's errors. */
export function messages(answer: Answer): unknown[] {
  const errors = at(answer.body, 'errors');
  return Array.isArray(errors) ? errors.map((error: unknown) => at(error, 'message')) : [];
}

/** The names in a list, in its order. */
export function names(answer: Answer): unknown[] {
  const data = at(answer.body, 'data');
  return Array.isArray(data) ? data.map((entity: unknown) => at(entity, 'name')) : [];
}
