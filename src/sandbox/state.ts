// The state of the simulated API: environments with their VPCs and VPNs, tasks, and changes that are due later. It knows nothing of HTTP,
// and gets the time only from its clock.
import { randomUUID } from 'node:crypto';
import { isIPv4 } from 'node:net';
import type { Seed } from './seed.js';
import { decodeSiteToSiteVpn } from './validation.js';
import type { ApiVersion } from './versions.js';
import {
  createApiError,
  ApiFailure,
  type Environment,
  type ErrorContext,
  type OrganizationEntity,
  type ServiceConnection,
  type SiteToSiteVpn,
  type SiteToSiteVpnState,
  type Task,
  type TaskOutcome,
  type Vpc,
} from './wire-types.js';

/** Time for which a task is PENDING, in milliseconds. */
export const TASK_DURATION = 3_000;

/** Time for which a new VPN stays Pending after its task has succeeded, in milliseconds. */
export const CONNECTION_DELAY = 3_000;

/** Time from a write until its task disappears, in milliseconds. The REST API keeps tasks for about 30 minutes. */
export const TASK_RETENTION = 30 * 60_000;

/** Maximum VPNs of an environment. */
export const SITE_TO_SITE_VPN_QUOTA = 1_000;

/** An environment and its contents, in the order of their creation. */
export interface EnvironmentState {
  environment: Environment;
  /** Undefined if the seed does not contain the service connection. */
  serviceConnection: ServiceConnection | undefined;
  vpcs: Map<string, Vpc>;
  siteToSiteVpns: Map<string, SiteToSiteVpn>;
}

const byId = <Entity extends { id: string }>(entities: Entity[]): Map<string, Entity> =>
  new Map(entities.map((entity) => [entity.id, entity]));

/** Reports whether the sandbox treats a gateway as unreachable: 240.0.0.0/4 is reserved and never routed (RFC 1112, section 4). */
const isUnreachable = (gateway: string): boolean => isIPv4(gateway) && Number(gateway.split('.')[0]) >= 240;

const succeed = (result: SiteToSiteVpn | { id: string }): TaskOutcome => ({ status: 'SUCCESS', result });

const fail = (id: string, message: string): TaskOutcome => ({
  status: 'FAILED',
  errors: [createApiError('taskFailed', message, { type: 'sitetositevpns', id })],
});

const failUnreachable = ({ id, gateway }: SiteToSiteVpn): TaskOutcome =>
  fail(id, `The gateway ${gateway} cannot be reached.`);

const failGone = (id: string): TaskOutcome => fail(id, `The site-to-site VPN ${id} no longer exists.`);

/** Replaces a VPN by a copy in another state. The old object may be the result of a task, so it must not change. */
const replaceState = (
  vpns: Map<string, SiteToSiteVpn>,
  vpn: SiteToSiteVpn,
  state: SiteToSiteVpnState,
): SiteToSiteVpn => {
  const updated = { ...vpn, state };
  vpns.set(vpn.id, updated);
  return updated;
};

/** Returns the entity with an id. Throws ApiFailure 404 if there is none. */
export function getEntity<Entity>(entities: ReadonlyMap<string, Entity>, id: string): Entity {
  const entity = entities.get(id);
  if (entity === undefined) throw createNotFound(`The id ${id} was not found.`);
  return entity;
}

const createNotFound = (message: string, context?: ErrorContext): ApiFailure =>
  new ApiFailure(404, createApiError('notFound', message, context));

/** The state of the simulated API. Call `applyDueChanges` before each request, since no other method applies them. */
export class SandboxState {
  /** Service connections by id. */
  readonly serviceConnections: ReadonlyMap<string, ServiceConnection>;
  readonly #homeOrganizationId: string;
  readonly #organizations: ReadonlyMap<string, OrganizationEntity>;
  readonly #environments: EnvironmentState[];
  readonly #tasks = new Map<string, Task>();
  readonly #clock: () => number;
  /** Changes that are due later, the earliest first. */
  readonly #scheduled: { at: number; apply: () => void }[] = [];

  constructor(seed: Seed, clock: () => number) {
    // The caller may change its seed later.
    const { homeOrganizationId, organizations, serviceConnections, environments } = structuredClone(seed);
    this.#clock = clock;
    this.#homeOrganizationId = homeOrganizationId;
    this.#organizations = byId(organizations);
    this.serviceConnections = byId(serviceConnections);
    this.#environments = environments.map(({ environment, vpcs, siteToSiteVpns }) => ({
      environment,
      serviceConnection: this.serviceConnections.get(environment.serviceConnection.id),
      vpcs: byId(vpcs),
      siteToSiteVpns: byId(siteToSiteVpns),
    }));
  }

  /** Applies all changes that are due by the clock, in order of time. */
  applyDueChanges(): void {
    const now = this.#clock();
    for (let next = this.#scheduled[0]; next !== undefined && next.at <= now; next = this.#scheduled[0]) {
      this.#scheduled.shift();
      next.apply();
    }
  }

  /** Returns an organization; null: that of the API keys. Throws ApiFailure 404 if there is no such organization. */
  getOrganization(organizationId: string | null): OrganizationEntity {
    const id = organizationId ?? this.#homeOrganizationId;
    const organization = this.#organizations.get(id);
    if (organization !== undefined) return organization;
    throw createNotFound(`The organization ${id} was not found.`, { type: 'organizations', id });
  }

  /** Returns an organization, null: that of the API keys, and those below it. Throws ApiFailure 404 if there is no such organization. */
  listOrganizations(organizationId: string | null): ReadonlyMap<string, OrganizationEntity> {
    const top = this.getOrganization(organizationId);
    return byId([top, ...[...this.#organizations.values()].filter(({ parent }) => parent?.id === top.id)]);
  }

  /** Returns the service connections that an organization owns; null: that of the API keys, which owns all. */
  listOwnServiceConnections(organizationId: string | null): ServiceConnection[] {
    const { id } = this.getOrganization(organizationId);
    return id === this.#homeOrganizationId ? [...this.serviceConnections.values()] : [];
  }

  /** Returns the environments of an organization by id; null: that of the API keys. Throws ApiFailure 404 if there is no such organization. */
  listEnvironments(organizationId: string | null): ReadonlyMap<string, EnvironmentState> {
    const { id } = this.getOrganization(organizationId);
    const matches = this.#environments.filter(({ environment }) => environment.organization.id === id);
    return new Map(matches.map((match) => [match.environment.id, match]));
  }

  /** Returns one environment. Throws ApiFailure 404 if the organization, service or environment is unknown. */
  getEnvironment(organizationId: string | null, serviceCode: string, name: string): EnvironmentState {
    const match = [...this.listEnvironments(organizationId).values()].find(
      (candidate) => candidate.serviceConnection?.serviceCode === serviceCode && candidate.environment.name === name,
    );
    if (match !== undefined) return match;
    throw createNotFound(`The service ${serviceCode} has no environment ${name}.`, { type: 'environments', id: name });
  }

  /** Returns a task. Throws ApiFailure 404 if it is unknown, or older than TASK_RETENTION. */
  getTask(id: string): Task {
    return getEntity(this.#tasks, id);
  }

  /** Creates a VPN, Pending at first, and returns the task. Throws ApiFailure 400 with one error for each problem of the body. */
  createSiteToSiteVpn({ vpcs, siteToSiteVpns }: EnvironmentState, body: unknown, version: ApiVersion): Task {
    const others = [...siteToSiteVpns.values()];
    const { name, ...rest } = decodeSiteToSiteVpn(body, { version, vpcIds: [...vpcs.keys()], others });
    if (others.length >= SITE_TO_SITE_VPN_QUOTA) {
      throw new ApiFailure(
        400,
        createApiError('quotaExceeded', 'The environment has reached its quota of site-to-site VPNs.'),
      );
    }

    const vpn: SiteToSiteVpn = { id: randomUUID(), name, state: 'Pending', ...rest };
    siteToSiteVpns.set(vpn.id, vpn);
    return this.#startTask((at) => {
      if (isUnreachable(vpn.gateway)) {
        siteToSiteVpns.delete(vpn.id);
        return failUnreachable(vpn);
      }
      this.#schedule(at + CONNECTION_DELAY, () => {
        const current = siteToSiteVpns.get(vpn.id);
        if (current !== undefined) replaceState(siteToSiteVpns, current, 'Connected');
      });
      return succeed(vpn);
    });
  }

  /**
   * Changes a VPN at once, and connects it as a reset does. Throws ApiFailure 404 if there is no such VPN, and 400 with one error for each
   * problem of the body.
   */
  updateSiteToSiteVpn(environment: EnvironmentState, id: string, body: unknown, version: ApiVersion): Task {
    const { vpcs, siteToSiteVpns } = environment;
    const current = getEntity(siteToSiteVpns, id);
    const others = [...siteToSiteVpns.values()].filter((vpn) => vpn !== current);
    const fields = decodeSiteToSiteVpn(body, { version, vpcIds: [...vpcs.keys()], others, current });
    siteToSiteVpns.set(id, { ...current, ...fields });
    return this.resetSiteToSiteVpn(environment, id);
  }

  /** Returns a task that deletes a VPN when it succeeds. Throws ApiFailure 404 if there is no such VPN. */
  deleteSiteToSiteVpn({ siteToSiteVpns }: EnvironmentState, id: string): Task {
    getEntity(siteToSiteVpns, id);
    return this.#startTask(() => (siteToSiteVpns.delete(id) ? succeed({ id }) : failGone(id)));
  }

  /** Resets a VPN: Pending at once, Connected when the returned task succeeds. Throws ApiFailure 404 if there is no such VPN. */
  resetSiteToSiteVpn({ siteToSiteVpns }: EnvironmentState, id: string): Task {
    replaceState(siteToSiteVpns, getEntity(siteToSiteVpns, id), 'Pending');
    return this.#startTask(() => {
      const vpn = siteToSiteVpns.get(id);
      if (vpn === undefined) return failGone(id);
      const isReachable = !isUnreachable(vpn.gateway);
      const updated = replaceState(siteToSiteVpns, vpn, isReachable ? 'Connected' : 'Error');
      return isReachable ? succeed(updated) : failUnreachable(vpn);
    });
  }

  /** Starts a task. `complete` runs when it ends, and receives that time. */
  #startTask(complete: (at: number) => TaskOutcome): Task {
    const startedAt = this.#clock();
    const base = { id: randomUUID(), created: new Date(startedAt).toISOString() };
    const task: Task = { ...base, status: 'PENDING' };
    this.#tasks.set(base.id, task);
    const endsAt = startedAt + TASK_DURATION;
    this.#schedule(endsAt, () => {
      this.#tasks.set(base.id, { ...base, ...complete(endsAt) });
    });
    this.#schedule(startedAt + TASK_RETENTION, () => this.#tasks.delete(base.id));
    return task;
  }

  #schedule(at: number, apply: () => void): void {
    const previous = this.#scheduled.findLastIndex((change) => change.at <= at);
    this.#scheduled.splice(previous + 1, 0, { at, apply });
  }
}
