// The shapes of the simulated API's answers, field for field and in the order in which they are documented.
// It knows neither HTTP nor what is stored.

/** The states of a site-to-site VPN, as the API spells them. */
export type SiteToSiteVpnState = 'Connected' | 'Pending' | 'Disconnected' | 'Error';

/** A site-to-site VPN. Lifetimes in seconds; a group that is not used may be absent, null, `""` or `None`. */
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

/** A VPC, as `…/vpcs` answers it. */
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

/** An organization, as it stands inside an environment. */
export interface Organization {
  id: string;
  name: string;
  entryPoint: string;
}

/** An environment, as `/environments` answers it. It names its service connection without telling the service code. */
export interface Environment {
  id: string;
  name: string;
  description: string;
  membership: string;
  creationDate: string;
  organization: Organization;
  serviceConnection: { id: string; name: string };
}

/** A service connection, as `/services/connections` answers it. */
export interface ServiceConnection {
  id: string;
  serviceCode: string;
  name: string;
  type: string;
  status: { lastUpdated: string; reachable: boolean };
}

/** A task, as a write and `/tasks/:id` answer it: `result` on success only, `errors` on failure only. */
export type Task =
  | { taskId: string; taskStatus: 'PENDING' }
  | { taskId: string; taskStatus: 'SUCCESS'; result: object }
  | { taskId: string; taskStatus: 'FAILED'; errors: ApiError[] };

/** One entry of an answer's `errors`. */
export interface ApiError {
  code: number;
  message: string;
  context: Record<string, unknown>;
}

/** The numbers in `errors`. The documentation shows 2012 without saying what it stands for; the rest are made up. */
export const errorCodes = {
  unknownKey: 1001,
  notAuthorized: 1002,
  malformedBody: 2001,
  missingField: 2010,
  unknownField: 2011,
  invalidValue: 2012,
  alreadyUsed: 2013,
  quotaExceeded: 2014,
  notCarriedOut: 2020,
  notFound: 3001,
  methodNotAllowed: 3002,
  unexpected: 5000,
} as const;

/** Builds one entry of `errors`. A message never holds a pre-shared key. */
export function apiError(code: keyof typeof errorCodes, message: string): ApiError {
  return { code: errorCodes[code], message, context: {} };
}

/** A request that is turned down: the HTTP status and the `errors` of its answer. */
export class Refusal extends Error {
  readonly errors: ApiError[];

  constructor(
    readonly status: number,
    ...errors: ApiError[]
  ) {
    super('The request is turned down.');
    this.errors = errors;
  }
}
