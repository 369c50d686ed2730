// The types of the simulated API's response bodies, with their fields in the documented order, and its errors.

/** State of a site-to-site VPN, in the API's spelling. */
export type SiteToSiteVpnState = 'Connected' | 'Pending' | 'Disconnected' | 'Error';

/** A site-to-site VPN. Lifetimes are in seconds. An unused Diffie-Hellman group is absent, null, `""` or `None`. */
export interface SiteToSiteVpn {
  id: string;
  name: string;
  state: SiteToSiteVpnState;
  vpcId: string;
  gateway: string;
  cidr: string;
  ipSecPsk: string;
  ikeEncryptionAlgorithm: string;
  ikeHashAlgorithm: string;
  ikeDhGroup?: string | null;
  ikeLifetime: number;
  espEncryptionAlgorithm: string;
  espHashAlgorithm: string;
  espPerfectForwardSecrecy?: string | null;
  espLifetime: number;
  dpd: boolean;
  forceEncap: boolean;
}

/** A VPC, as in a response of `…/vpcs`. */
export interface Vpc {
  id: string;
  name: string;
  description: string;
  cidr: string;
  zoneId: string;
  zoneName: string;
  state: string;
  networkDomain: string;
  vpcOfferingId: string;
  requiresUpgrade: boolean;
  sourceNatIp: string;
  vpnStatus: string;
}

/** The organization of an environment. */
export interface Organization {
  id: string;
  name: string;
  entryPoint: string;
}

/** An environment, as in a response of `/environments`. Its `serviceConnection` has no service code. */
export interface Environment {
  id: string;
  name: string;
  description: string;
  membership: string;
  creationDate: string;
  organization: Organization;
  serviceConnection: { id: string; name: string };
}

/** A service connection, as in a response of `/services/connections`. */
export interface ServiceConnection {
  id: string;
  serviceCode: string;
  name: string;
  type: string;
  status: { lastUpdated: string; reachable: boolean };
}

/** A task, as in a response to a write or of `/tasks/:id`. */
export type Task =
  | { taskId: string; taskStatus: 'PENDING' }
  | { taskId: string; taskStatus: 'SUCCESS'; result: object }
  | { taskId: string; taskStatus: 'FAILED'; errors: ApiError[] };

/** An entry of `errors` in a response. */
export interface ApiError {
  code: number;
  message: string;
  context: Record<string, unknown>;
}

/** Values of `code` in `errors`. The documentation shows only 2012, without its meaning. All others are invented. */
export const errorCodes = {
  unknownKey: 1001,
  notAuthorized: 1002,
  malformedBody: 2001,
  missingField: 2010,
  unknownField: 2011,
  invalidValue: 2012,
  alreadyUsed: 2013,
  quotaExceeded: 2014,
  taskFailed: 2020,
  notFound: 3001,
  methodNotAllowed: 3002,
  unexpected: 5000,
} as const;

/** Returns an entry of `errors`. The message must not contain a pre-shared key. */
export function createApiError(code: keyof typeof errorCodes, message: string): ApiError {
  return { code: errorCodes[code], message, context: {} };
}

/** Rejects a request with an HTTP status and `errors`. */
export class ApiFailure extends Error {
  readonly errors: ApiError[];

  constructor(
    readonly status: number,
    ...errors: ApiError[]
  ) {
    super('The sandbox rejected the request.');
    this.errors = errors;
  }
}
