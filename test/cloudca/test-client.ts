// Helpers of the REST client's tests: sessions on any upstream, failed calls as plain objects, and upstreams that respond byte by byte.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import { CloudcaClient } from '../../src/cloudca/client.js';
import type { RestSession } from '../../src/cloudca/session.js';
import type { WireWarning } from '../../src/cloudca/decode.js';
import type { EnvironmentAddress } from '../../src/cloudca/environments.js';
import { CloudcaError, RateLimitedError, type UpstreamDetails } from '../../src/cloudca/errors.js';
import {
  createSiteToSiteVpn,
  deleteSiteToSiteVpn,
  type NewSiteToSiteVpn,
  resetSiteToSiteVpn,
} from '../../src/cloudca/site-to-site-vpn-writes.js';
import { addCleanup } from '../helpers/cleanup.js';
import { findFreePort } from '../helpers/free-port.js';
import { createLenientClientOptions } from '../helpers/lenient-client.js';
import { type RestCallTracker, trackRestCalls } from '../helpers/rest-calls.js';

export const apiKey = 'Qk7vXc2nTestKeyOfTheCaller';
export const requestId = 'request-1';
/** Id of the VPN in the REST API's documentation. */
export const vpnId = 'd49b2922-0581-4587-94df-6fe719327d0f';

/** The environment in the REST API's documentation, in the caller's own organization. */
export const testArea: EnvironmentAddress = { serviceCode: 'compute-on', name: 'test_area', organizationId: null };

/** The VPN that the REST API's documentation creates. */
export const newVpn: NewSiteToSiteVpn = {
  name: 'stargate',
  vpcId: '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7',
  gateway: '19.19.19.19',
  cidr: '10.12.0.2/22',
  ipSecPsk: 'WtOBS9GRux2XtJPtHY2TUvrv',
  ikeEncryptionAlgorithm: '3des',
  ikeHashAlgorithm: 'sha1',
  ikeDhGroup: 'modp1536',
  ikeLifetime: 86400,
  espEncryptionAlgorithm: '3des',
  espHashAlgorithm: 'sha1',
  espPerfectForwardSecrecy: 'modp1536',
  espLifetime: 3600,
  dpd: false,
  forceEncap: false,
};

/** Each write: name, call, and the advice in its error message if the outcome is unknown. */
export const writes: readonly (readonly [string, (rest: RestSession) => Promise<unknown>, string])[] = [
  [
    'createSiteToSiteVpn',
    (rest) => createSiteToSiteVpn(rest, testArea, newVpn),
    'Before you retry, check whether the environment has a site-to-site VPN with this name.',
  ],
  [
    'deleteSiteToSiteVpn',
    (rest) => deleteSiteToSiteVpn(rest, testArea, vpnId),
    'Before you retry, check whether the site-to-site VPN still exists.',
  ],
  [
    'resetSiteToSiteVpn',
    (rest) => resetSiteToSiteVpn(rest, testArea, vpnId),
    'Before you retry, check the state of the site-to-site VPN.',
  ],
];

/** A client under test, and its sessions. */
export interface TestClient {
  readonly client: CloudcaClient;
  /** Creates a session. Its deadline starts now. */
  readonly session: (caller?: { apiKey?: string; requestId?: string }) => RestSession;
  /** The warnings of all sessions, in order. */
  readonly warnings: WireWarning[];
  /** The calls of all sessions. */
  readonly calls: RestCallTracker;
}

/**
 * Creates a client whose circuit never opens and whose retry budget never ends. It closes after the file's tests. The default deadline is
 * one minute.
 */
export function createTestClient(baseUrl: string, { timeoutMs = 60_000 } = {}): TestClient {
  const client = new CloudcaClient({ baseUrl, timeoutMs, ...createLenientClientOptions() });
  const calls = trackRestCalls(client);
  addCleanup(() => client.close());
  const warnings: WireWarning[] = [];
  const warn = (warning: WireWarning) => {
    warnings.push(warning);
  };
  return { client, warnings, calls, session: (caller = {}) => client.session({ apiKey, requestId, warn, ...caller }) };
}

/** The public fields of a CloudcaError. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly upstream?: UpstreamDetails | undefined;
  readonly outcomeUnknown: boolean;
  readonly retryAfter?: number | undefined;
}

/** Returns the CloudcaError that a call rejects with. Throws if the call succeeds, or rejects with another error. */
export async function catchError(call: Promise<unknown>): Promise<CloudcaError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof CloudcaError) return error;
    throw error;
  }
  throw new Error('The call succeeded.');
}

/** Returns the public fields of the CloudcaError that a call rejects with. Throws if the call succeeds, or rejects with another error. */
export async function catchFailure(call: Promise<unknown>): Promise<Failure> {
  const error = await catchError(call);
  return {
    name: error.name,
    message: error.message,
    upstream: error.upstream,
    outcomeUnknown: error.outcomeUnknown,
    retryAfter: error instanceof RateLimitedError ? error.retryAfter : undefined,
  };
}

/** Creates a handler that sends bytes, HTTP or not, and closes the connection. */
export function sendBytes(...parts: readonly (string | Buffer)[]) {
  return ({ socket }: ServerResponse): void => {
    for (const part of parts) socket?.write(part);
    socket?.end();
  };
}

/** Waits until a client has received the next part of a response body. */
export function receiveBodyChunk(): Promise<void> {
  // undici publishes each part that arrives.
  const channel = 'undici:request:bodyChunkReceived';
  return new Promise((resolve) => {
    const onChunk = () => {
      unsubscribe(channel, onChunk);
      resolve();
    };
    subscribe(channel, onChunk);
  });
}

/** Never responds. */
export function neverRespond(): void {
  // The client closes the connection, or the end of the tests does.
}

/** Returns a base URL on a port that no server listens on. */
export async function findUnreachableUrl(): Promise<string> {
  return `http://127.0.0.1:${await findFreePort()}/v1`;
}
