// The versions of the simulated API: what each requires of a VPN, and how each writes entities into response bodies.
import type {
  Environment,
  Organization,
  OrganizationEntity,
  ServiceConnection,
  SiteToSiteVpn,
  Task,
} from './wire-types.js';

/** The versions, as in the path. */
export const apiVersions = ['v1', 'v2'] as const;
/** A version of the API. */
export type ApiVersion = (typeof apiVersions)[number];

/** Requirements of a version for a VPN to create or update. */
export interface VersionRules {
  /** Name of the field with the CIDRs, in requests and responses. */
  cidrField: 'cidr' | 'cidrList';
  /** Whether a create needs both Diffie-Hellman groups, and no request may switch one off. */
  requiresGroups: boolean;
  /** Requirement for a pre-shared key. `allowed` completes the message `ipSecPsk must be …`. */
  preSharedKey: { allowed: string; isAllowed: (value: string) => boolean };
}

// The REST API is built on CloudStack, whose createVpnCustomerGateway documents that `ipsecpsk` can contain neither.
const isSafeKey = (value: string): boolean => !/["\r\n]/.test(value);

/** The rules of each version. */
export const versionRules: Readonly<Record<ApiVersion, VersionRules>> = {
  v1: {
    cidrField: 'cidr',
    requiresGroups: false,
    preSharedKey: {
      allowed: 'a string with at least 10 alphanumeric characters, without double quotes and line breaks',
      isAllowed: (value) => isSafeKey(value) && value.replace(/[^a-z\d]/gi, '').length >= 10,
    },
  },
  v2: {
    cidrField: 'cidrList',
    requiresGroups: true,
    preSharedKey: {
      allowed: 'a non-empty string without double quotes and line breaks',
      isAllowed: (value) => isSafeKey(value) && value !== '',
    },
  },
};

/** Returns a VPN as a version writes it. */
export function toSiteToSiteVpnBody(vpn: SiteToSiteVpn, version: ApiVersion): object {
  const { cidrField } = versionRules[version];
  return Object.fromEntries(Object.entries(vpn).map(([name, value]) => [name === 'cidr' ? cidrField : name, value]));
}

/**
 * Returns an environment as a version writes it. `connection` is its service connection, if there is one. In a list, version 1 names it by id
 * and name only, as documented. Terraform reads the service code from the response to one environment.
 */
export function toEnvironmentBody(
  environment: Environment,
  connection: ServiceConnection | undefined,
  { version, isInList }: { version: ApiVersion; isInList: boolean },
): object {
  if (version === 'v1' && isInList) return environment;
  const { serviceCode, type } = connection ?? {};
  return {
    ...environment,
    ...(version === 'v2' && { state: 'PROVISIONED' }),
    serviceConnection: { ...environment.serviceConnection, serviceCode, type },
  };
}

/** Returns a service connection as a version writes it. */
export function toServiceConnectionBody(
  connection: ServiceConnection,
  owner: Organization,
  version: ApiVersion,
): object {
  return version === 'v1' ? connection : { ...connection, organization: { id: owner.id, name: owner.name } };
}

/** Returns an organization with the ids of what belongs to it. The sandbox has no roles and no users. */
export function toOrganizationBody(
  organization: OrganizationEntity,
  environments: readonly Environment[],
  connections: readonly ServiceConnection[],
): object {
  return {
    ...organization,
    environments: environments.map(({ id }) => ({ id })),
    roles: [],
    serviceConnections: connections.map(({ id, serviceCode }) => ({ id, serviceCode })),
    users: [],
  };
}

/** Returns the response to a write that a task carries out. */
export function toStartedTaskBody({ id, status }: Task): object {
  return { taskId: id, taskStatus: status };
}

/** Returns a task in both of its forms: the documentation's at the top, that of the published clients in `data`. */
export function toTaskBody(task: Task, version: ApiVersion): object {
  const { id, status, created } = task;
  const result =
    task.status !== 'SUCCESS'
      ? {}
      : { result: 'name' in task.result ? toSiteToSiteVpnBody(task.result, version) : task.result };
  return {
    ...toStartedTaskBody(task),
    ...result,
    ...(task.status === 'FAILED' && { errors: task.errors }),
    data: { id, status, created, ...result },
  };
}
