// What these tests share: a REST session on any upstream, a failed call as plain facts, and upstreams that answer byte by byte.
// It knows no expectations.
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { CloudcaClient, type RestSession, type WireWarning } from '../../src/cloudca/client.js';
import type { EnvironmentAddress } from '../../src/cloudca/environments.js';
import { CloudcaError, RateLimitedError, type UpstreamAnswer } from '../../src/cloudca/errors.js';
import {
  createSiteToSiteVpn,
  deleteSiteToSiteVpn,
  type NewSiteToSiteVpn,
  resetSiteToSiteVpn,
} from '../../src/cloudca/site-to-site-vpns.js';
import { atEnd } from '../helpers/at-end.js';
import { unsparing } from '../helpers/gateway.js';

export const apiKey = 'Qk7vXc2nTestKeyOfTheCaller';
export const requestId = 'request-1';
export const stargate = 'd49b2922-0581-4587-94df-6fe719327d0f';

/** The environment of the documentation, in the caller's own organization. */
export const testArea: EnvironmentAddress = { serviceCode: 'compute-on', name: 'test_area', organizationId: null };

/** What the documentation makes a VPN from. */
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

/** Each write, with what its caller is told to look for where the outcome is unknown. */
export const writes: readonly (readonly [string, (rest: RestSession) => Promise<unknown>, string])[] = [
  [
    'createSiteToSiteVpn',
    (rest) => createSiteToSiteVpn(rest, testArea, newVpn),
    'Before you try again, look whether compute-on/test_area lists a site-to-site VPN of that name.',
  ],
  [
    'deleteSiteToSiteVpn',
    (rest) => deleteSiteToSiteVpn(rest, testArea, stargate),
    'Before you try again, look whether the site-to-site VPN is still in compute-on/test_area.',
  ],
  [
    'resetSiteToSiteVpn',
    (rest) => resetSiteToSiteVpn(rest, testArea, stargate),
    'Before you try again, look at the state of the site-to-site VPN in compute-on/test_area.',
  ],
];

/** A client under test, and sessions of it. */
export interface TestClient {
  readonly client: CloudcaClient;
  /** Begins a session: its deadline runs from now. */
  readonly session: (caller?: { apiKey?: string; requestId?: string }) => RestSession;
  /** What the sessions warned of, in order. */
  readonly warnings: WireWarning[];
}

/** Makes a client that never spares the upstream, however it fails; it is closed with the file's tests. */
export function startClient(baseUrl: string, { timeoutMs = 10_000 } = {}): TestClient {
  const client = new CloudcaClient({ baseUrl, timeoutMs, ...unsparing() });
  atEnd(() => client.close());
  const warnings: WireWarning[] = [];
  const warn = (warning: WireWarning) => {
    warnings.push(warning);
  };
  return { client, warnings, session: (caller = {}) => client.session({ apiKey, requestId, warn, ...caller }) };
}

/** A failed call: all that its error tells. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly answer?: UpstreamAnswer | undefined;
  readonly outcomeUnknown: boolean;
  readonly retryAfter?: number | undefined;
}

/** The CloudcaError that a call ends in. Throws where it succeeds, or throws anything else. */
export async function errorOf(call: Promise<unknown>): Promise<CloudcaError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof CloudcaError) return error;
    throw error;
  }
  throw new Error('The call did not fail.');
}

/** As errorOf, but gives what the error tells. */
export async function failureOf(call: Promise<unknown>): Promise<Failure> {
  const error = await errorOf(call);
  return {
    name: error.name,
    message: error.message,
    answer: error.answer,
    outcomeUnknown: error.outcomeUnknown,
    retryAfter: error instanceof RateLimitedError ? error.retryAfter : undefined,
  };
}

/** Answers with these bytes, HTTP or not, and closes the connection. */
export function bytes(...parts: readonly (string | Buffer)[]) {
  return ({ socket }: ServerResponse): void => {
    for (const part of parts) socket?.write(part);
    socket?.end();
  };
}

/** Never answers. */
export function hang(): void {
  // The connection stays open until the client or the end of the tests closes it.
}

/** A base URL at which nothing listens. */
export async function refusingUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new TypeError('The server has no port.');
  return `http://127.0.0.1:${address.port}/v1`;
}
