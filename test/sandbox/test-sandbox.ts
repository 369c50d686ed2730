// Starts sandboxes on free ports, calls them with fetch, and closes them after each test. It does not check response bodies.
import { afterEach } from '@jest/globals';
import { keyHeader } from '../helpers/fixtures.js';
import { SANDBOX_KEY } from '../../src/sandbox/keys.js';
import { createSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/sandbox.js';
import type { ApiVersion } from '../../src/sandbox/versions.js';

/** A response with its parsed body. */
export interface RestResponse {
  status: number;
  headers: Headers;
  body: unknown;
}

/** A running sandbox. */
export interface TestSandbox {
  sandbox: Sandbox;
  baseUrl: string;
  /** Sends a call. `key` is the API key (null: none; default: SANDBOX_KEY). A string body is sent as it is, an object as JSON. */
  call: (method: string, path: string, options?: { body?: unknown; key?: string | null }) => Promise<RestResponse>;
  /** Advances the sandbox's clock, which otherwise stands still. */
  advance: (milliseconds: number) => void;
}

export const testArea = '/services/compute-on/test_area';
export const stargate = 'd49b2922-0581-4587-94df-6fe719327d0f';
export const torontoOffice = 'ca86b14f-20db-463d-b58a-9d3fa5959af2';
export const lostOutpost = 'd626c4dc-f4f8-4d31-af4a-d92e17ca8dc1';
export const atlantis = '97bf42fc-d526-423c-bca5-acd40877a2ba';

/** A valid create request for test_area, with the required fields only. */
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

const sandboxes: Sandbox[] = [];

afterEach(async () => {
  await Promise.all(sandboxes.splice(0).map((sandbox) => sandbox.close()));
});

/** A valid create request of version 2 for test_area, with the required fields only. */
export const newVpnOfVersion2 = toVersion2(newVpn);

function toVersion2({ cidr, ...rest }: typeof newVpn): object {
  return { ...rest, cidrList: cidr, ikeDhGroup: 'modp1536', espPerfectForwardSecrecy: 'modp1024' };
}

/** Starts a sandbox, and calls one version of its API. It closes after the test. */
export async function startSandbox(options: SandboxOptions = {}, version: ApiVersion = 'v1'): Promise<TestSandbox> {
  let now = Date.parse('2026-11-23T18:30:00.000Z');
  const sandbox = createSandbox({ clock: () => now, ...options });
  sandboxes.push(sandbox);
  const baseUrl = (await sandbox.listen({ host: '127.0.0.1', port: 0 })).replace(/v1$/, version);
  return {
    sandbox,
    baseUrl,
    call: async (method, path, { body, key = SANDBOX_KEY } = {}) => {
      const response = await fetch(baseUrl + path, {
        method,
        headers: {
          ...(key !== null && keyHeader(key)),
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

/** Returns the value at a path of fields and indexes; undefined if there is none. */
export function getPath(value: unknown, ...path: (string | number)[]): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = new Map(Object.entries(current)).get(String(step));
  }
  return current;
}

/** Returns the string at a path. Throws if there is none. */
export function getText(value: unknown, ...path: (string | number)[]): string {
  const text = getPath(value, ...path);
  if (typeof text !== 'string') throw new Error(`No string at ${path.join('.')}.`);
  return text;
}

/** Returns the fields of the object at a path. Throws if there is none. */
export function getFields(value: unknown, ...path: (string | number)[]): Record<string, unknown> {
  const fields = getPath(value, ...path);
  if (typeof fields !== 'object' || fields === null) throw new Error(`No object at ${path.join('.')}.`);
  return { ...fields };
}

/** Returns the messages of a response's errors. */
export function getErrorMessages(response: RestResponse): unknown[] {
  const errors = getPath(response.body, 'errors');
  return Array.isArray(errors) ? errors.map((error: unknown) => getPath(error, 'message')) : [];
}

/** Returns the entities in the body of a list response; none if it is another body. */
export function getEntities(body: unknown): unknown[] {
  const data = getPath(body, 'data');
  return Array.isArray(data) ? data : [];
}

/** Returns the names in a list response, in its order. */
export function getNames({ body }: RestResponse): unknown[] {
  return getEntities(body).map((entity) => getPath(entity, 'name'));
}
