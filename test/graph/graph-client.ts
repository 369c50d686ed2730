// Helpers for tests of the graph: a gateway that runs operations and records its REST calls, expected errors, and access to results.
import { afterEach, expect } from '@jest/globals';
import type { Config } from '../../src/config.js';
import { type SandboxOptions } from '../../src/sandbox/sandbox.js';
import type { ApiVersion } from '../../src/sandbox/versions.js';
import { type GraphqlResponse, startGateway, type TestGateway } from '../helpers/gateway.js';
import { startUpstream, type Upstream } from '../helpers/upstream.js';

/** A gateway under test, with its REST calls recorded. */
export interface Graph {
  readonly gateway: TestGateway;
  /** Runs an operation and returns the body of the response. Throws if the status is not 200. */
  execute(query: string, variables?: Readonly<Record<string, unknown>>, key?: string | null): Promise<unknown>;
  /** Runs an operation and returns the whole response. */
  send(query: string, variables?: Readonly<Record<string, unknown>>, key?: string | null): Promise<GraphqlResponse>;
  /** Returns the REST calls since the last call of this function, in order: method, path below the base URL, query. */
  calls(): string[];
}

/** A gateway under test whose upstream is scripted. */
export interface ScriptedGraph extends Graph {
  readonly upstream: Upstream;
}

/** The request id of every request of these tests. */
export const requestId = 'request-1';

/** Deadline of an operation's REST calls, in milliseconds. Only a test with a fake clock reaches it. */
export const deadlineMs = 60_000;

// Tests of resolvers must not meet admission limits.
const noLimits: Partial<Config> = {
  rateLimitPerMinute: 0,
  maxInFlightPerKey: 0,
  maxInFlight: 0,
  cloudcaApiTimeoutMs: deadlineMs,
};

/** Starts a gateway with its own sandbox. Must be called at the top of a file. */
export async function startOnSandbox(
  options: SandboxOptions = {},
  overrides: Partial<Config> = {},
  apiVersion: ApiVersion = 'v1',
): Promise<Graph> {
  const gateway = await startGateway({ sandbox: options, apiVersion, config: { ...noLimits, ...overrides } });
  return toGraph(gateway, () => gateway.sandbox.calls.splice(0));
}

/** Starts a gateway with its own scripted upstream. Must be called at the top of a file. */
export async function startOnUpstream(overrides: Partial<Config> = {}): Promise<ScriptedGraph> {
  const upstream = await startUpstream();
  const gateway = await startGateway({ restApi: upstream.url, config: { ...noLimits, ...overrides } });
  const calls = () => upstream.calls.splice(0).map(({ method, url }) => ({ method, path: url }));
  return { ...toGraph(gateway, calls), upstream };
}

/** Wraps a gateway. `takeCalls` returns the REST calls since its last call. */
export function toGraph(gateway: TestGateway, takeCalls: () => { method: string; path: string }[]): Graph {
  const send: Graph['send'] = (query, variables = {}, key) =>
    gateway.run(query, variables, { headers: { 'x-request-id': requestId }, ...(key === undefined ? {} : { key }) });
  // Discards the calls that a test did not check.
  afterEach(() => {
    takeCalls();
  });
  return {
    gateway,
    send,
    execute: async (...request) => {
      const { status, body } = await send(...request);
      if (status !== 200) throw new Error(`Not executed, status ${status}: ${JSON.stringify(body)}`);
      return body;
    },
    calls: () => takeCalls().map(({ method, path }) => `${method} ${path.replace(/^\/v[12]/, '')}`),
  };
}

/** Returns the expected form of an error in a response. `more` has the extensions besides code and request id. */
export function failure(code: string, path: readonly (string | number)[], message: unknown, more: object = {}): object {
  return { message, path, locations: expect.any(Array), extensions: { code, requestId, ...more } };
}

/** Returns the value at a path of fields and indexes; undefined if there is none. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = new Map(Object.entries(current)).get(String(step));
  }
  return current;
}

/** Returns the string at a path. Throws if there is none. */
export function textAt(value: unknown, ...path: (string | number)[]): string {
  const match = at(value, ...path);
  if (typeof match !== 'string') throw new Error(`No string at ${path.join('.')} of ${JSON.stringify(value)}`);
  return match;
}

/** Returns the array at a path. Throws if there is none. */
export function listAt(value: unknown, ...path: (string | number)[]): unknown[] {
  const match = at(value, ...path);
  if (!Array.isArray(match)) throw new Error(`No array at ${path.join('.')} of ${JSON.stringify(value)}`);
  return match;
}
