// What the tests of the graph share: a gateway that is asked in one line, the REST calls that it made in one list, and the form of an
// error. It knows no answers.
import { afterEach, expect } from '@jest/globals';
import type { Config } from '../../src/config.js';
import { type SandboxOptions } from '../../src/sandbox/sandbox.js';
import { seedSiteToSiteVpn, seedVpc } from '../../src/sandbox/seed.js';
import { type Answer, startGateway, startGatewayOnSandbox, type TestGateway } from '../helpers/gateway.js';
import { startUpstream, type Upstream } from '../helpers/upstream.js';

/** A gateway under test, with an eye on its REST calls. */
export interface Graph {
  readonly gateway: TestGateway;
  /** Runs an operation that is executed, and gives the body of the answer. */
  ask(query: string, variables?: Readonly<Record<string, unknown>>, key?: string | null): Promise<unknown>;
  /** Sends an operation, and gives the whole answer. */
  send(query: string, variables?: Readonly<Record<string, unknown>>, key?: string | null): Promise<Answer>;
  /** The REST calls since this was last asked, in order: method, path below the base URL, query. */
  calls(): string[];
}

/** A graph on a scripted upstream. */
export interface ScriptedGraph extends Graph {
  readonly upstream: Upstream;
}

/** The request id that every request of these tests has. */
export const requestId = 'request-1';

export const environment = { serviceCode: 'compute-on', name: 'test_area' } as const;
/** The environment's path below the base URL. */
export const area = '/services/compute-on/test_area';

// What a test asks for is not what an answer to a crowd of callers would be.
const noLimits: Partial<Config> = { rateLimitPerMinute: 0, maxInFlightPerKey: 0, maxInFlight: 0 };

/** Starts a gateway on a sandbox of its own; at the top of a file. */
export async function startOnSandbox(options: SandboxOptions = {}, overrides: Partial<Config> = {}): Promise<Graph> {
  const gateway = await startGatewayOnSandbox(options, { ...noLimits, ...overrides });
  return toGraph(gateway, () => gateway.sandbox.calls.splice(0));
}

/** Starts a gateway on a scripted upstream; at the top of a file. */
export async function startOnUpstream(overrides: Partial<Config> = {}): Promise<ScriptedGraph> {
  const upstream = await startUpstream();
  const gateway = await startGateway(upstream.url, { ...noLimits, ...overrides });
  const calls = () => upstream.calls.splice(0).map(({ method, url }) => ({ method, path: url }));
  return { ...toGraph(gateway, calls), upstream };
}

/** A gateway that is asked in one line. */
export function toGraph(gateway: TestGateway, takeCalls: () => { method: string; path: string }[]): Graph {
  const send: Graph['send'] = (query, variables = {}, key) =>
    gateway.run(query, variables, { headers: { 'x-request-id': requestId }, ...(key === undefined ? {} : { key }) });
  // What one test did not look at is not for the next one to find.
  afterEach(() => {
    takeCalls();
  });
  return {
    gateway,
    send,
    ask: async (...request) => {
      const { status, body } = await send(...request);
      if (status !== 200) throw new Error(`Not executed, status ${status}: ${JSON.stringify(body)}`);
      return body;
    },
    calls: () => takeCalls().map(({ method, path }) => `${method} ${path.replace(/^\/v1/, '')}`),
  };
}

/** An error as it stands in an answer; what `extensions` has besides the code and the request id, in `more`. */
export function failure(code: string, path: readonly (string | number)[], message: unknown, more: object = {}): object {
  return { message, path, locations: expect.any(Array), extensions: { code, requestId, ...more } };
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
  if (typeof found !== 'string') throw new Error(`No text at ${path.join('.')} of ${JSON.stringify(value)}`);
  return found;
}

/** The list at a path; fails where there is none. */
export function listAt(value: unknown, ...path: (string | number)[]): unknown[] {
  const found = at(value, ...path);
  if (!Array.isArray(found)) throw new Error(`No list at ${path.join('.')} of ${JSON.stringify(value)}`);
  return found;
}

/** A UUID that ends in a number, and that tells what it is of by its first digit. */
export function toId(kind: 'vpn' | 'vpc' | 'task', index: number): string {
  const first = { vpn: 'a', vpc: 'b', task: 'c' }[kind];
  return `${first}0000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
}

/** A VPN on the wire, of a VPC; any field can be another, or, undefined, be left out. */
export function wireVpn(index: number, vpc: number, fields: Readonly<Record<string, unknown>> = {}): object {
  const id = toId('vpn', index);
  const name = `vpn-${String(index).padStart(4, '0')}`;
  return { ...seedSiteToSiteVpn({ id, name, vpcId: toId('vpc', vpc), gateway: `198.51.100.${index}` }), ...fields };
}

/** A VPC on the wire. */
export function wireVpc(index: number, fields: Readonly<Record<string, unknown>> = {}): object {
  return { ...seedVpc({ id: toId('vpc', index), name: `vpc-${String(index).padStart(4, '0')}` }), ...fields };
}

/** The whole numbers from 0. */
export function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
