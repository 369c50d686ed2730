// The types of the simulated API's entities, with their fields in the documented order, and its errors. versions.ts makes response bodies of
// them.

/** State of a site-to-site VPN, in the API's spelling. */
export type SiteToSiteVpnState = 'Connected' | 'Pending' | 'Disconnected' | 'Error';

/** A site-to-site VPN. Lifetimes are in seconds. An unused Diffie-Hellman group is absent, null, `""` or `None`. */
export interface SiteToSiteVpn {
  id: string;
  name: string;
  state: SiteToSiteVpnState;
  vpcId: string;
  gateway: string;
  /** CIDRs, separated by commas. Version 2 of the API calls the field `cidrList`. */
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

/** An organization, as in a response of `/organizations`, without what belongs to it. Only a sub-organization has a parent. */
export interface OrganizationEntity extends Organization {
  parent?: { id: string; name: string };
}

/** An environment, as in a response of `/environments` of version 1. Its `serviceConnection` has no service code. */
export interface Environment {
  id: string;
  name: string;
  description: string;
  membership: string;
  creationDate: string;
  organization: Organization;
  serviceConnection: { id: string; name: string };
}

/** A service connection, as in a response of `/services/connections` of version 1. */
export interface ServiceConnection {
  id: string;
  serviceCode: string;
  name: string;
  type: string;
  status: { lastUpdated: string; reachable: boolean };
}

/** How a task has ended, or that it has not. The result is the VPN that the task created or changed, or the id of the VPN that it deleted. */
export type TaskOutcome =
  | { status: 'PENDING' }
  | { status: 'SUCCESS'; result: SiteToSiteVpn | { id: string } }
  | { status: 'FAILED'; errors: ApiError[] };

/** A task. `created` is an ISO 8601 date and time. */
export type Task = { id: string; created: string } & TaskOutcome;

/** The entity that an error is about: its type, e.g. `sitetositevpns`, and its id if there is one. */
export interface ErrorContext {
  type?: string;
  id?: string;
}

/** An entry of `errors` in a response, with the code of the documentation and that of the Go client. */
export interface ApiError {
  code: number;
  errorCode: string;
  message: string;
  context: ErrorContext;
}

/** Values of `code` in `errors`. The documentation shows only 2012, without its meaning. All others are invented. */
const errorCodes = {
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

/**
 * Returns an entry of `errors`. Its `errorCode` is the name of the code, e.g. `UNKNOWN_KEY`. An empty context stands for the entity that the
 * path names. The message must not contain a pre-shared key.
 */
export function createApiError(code: keyof typeof errorCodes, message: string, context: ErrorContext = {}): ApiError {
  const errorCode = code.replace(/[A-Z]/g, '_$&').toUpperCase();
  return { code: errorCodes[code], errorCode, message, context };
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
