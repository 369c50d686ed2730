// The state of the simulated API: environments with their VPCs and VPNs, tasks, and changes that are due later. It knows nothing of HTTP,
// and gets the time only from its clock.
import { randomUUID } from 'node:crypto';
import { isIPv4 } from 'node:net';
import type { Seed } from './seed.js';
import { decodeSiteToSiteVpn } from './validation.js';
import {
  createApiError,
  ApiFailure,
  type ApiError,
  type Environment,
  type ServiceConnection,
  type SiteToSiteVpn,
  type SiteToSiteVpnState,
  type Task,
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
  serviceCode: string | undefined;
  vpcs: Map<string, Vpc>;
  siteToSiteVpns: Map<string, SiteToSiteVpn>;
}

type Outcome = { taskStatus: 'SUCCESS'; result: object } | { taskStatus: 'FAILED'; errors: ApiError[] };

const byId = <Entity extends { id: string }>(entities: Entity[]): Map<string, Entity> =>
  new Map(entities.map((entity) => [entity.id, entity]));

/** Reports whether the sandbox treats a gateway as unreachable: 240.0.0.0/4 is reserved and never routed (RFC 1112, section 4). */
const isUnreachable = (gateway: string): boolean => isIPv4(gateway) && Number(gateway.split('.')[0]) >= 240;

const succeed = (result: object): Outcome => ({ taskStatus: 'SUCCESS', result });

const fail = (message: string): Outcome => ({
  taskStatus: 'FAILED',
  errors: [createApiError('taskFailed', message)],
});

const failUnreachable = (gateway: string): Outcome => fail(`The gateway ${gateway} cannot be reached.`);

const failGone = (id: string): Outcome => fail(`The site-to-site VPN ${id} no longer exists.`);

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
  if (entity === undefined) throw new ApiFailure(404, createApiError('notFound', `The id ${id} was not found.`));
  return entity;
}

/** The state of the simulated API. Call `applyDueChanges` before each request, since no other method applies them. */
export class SandboxState {
  /** Service connections by id. */
  readonly serviceConnections: ReadonlyMap<string, ServiceConnection>;
  readonly #homeOrganizationId: string;
  readonly #environments: EnvironmentState[];
  readonly #tasks = new Map<string, Task>();
  readonly #clock: () => number;
  /** Changes that are due later, the earliest first. */
  readonly #scheduled: { at: number; apply: () => void }[] = [];

  constructor(seed: Seed, clock: () => number) {
    // The caller may change its seed later.
    const { homeOrganizationId, serviceConnections, environments } = structuredClone(seed);
    this.#clock = clock;
    this.#homeOrganizationId = homeOrganizationId;
    this.serviceConnections = byId(serviceConnections);
    this.#environments = environments.map(({ environment, vpcs, siteToSiteVpns }) => ({
      environment,
      serviceCode: this.serviceConnections.get(environment.serviceConnection.id)?.serviceCode,
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

  /** Returns the environments of an organization; null: that of the API keys. Throws ApiFailure 404 if there is no such organization. */
  listEnvironments(organizationId: string | null): Environment[] {
    return this.#findEnvironments(organizationId).map(({ environment }) => environment);
  }

  /** Returns one environment. Throws ApiFailure 404 if the organization, service or environment is unknown. */
  getEnvironment(organizationId: string | null, serviceCode: string, name: string): EnvironmentState {
    const match = this.#findEnvironments(organizationId).find(
      (candidate) => candidate.serviceCode === serviceCode && candidate.environment.name === name,
    );
    if (match !== undefined) return match;
    throw new ApiFailure(404, createApiError('notFound', `The service ${serviceCode} has no environment ${name}.`));
  }

  /** Returns a task. Throws ApiFailure 404 if it is unknown, or older than TASK_RETENTION. */
  getTask(id: string): Task {
    return getEntity(this.#tasks, id);
  }

  /** Creates a VPN, Pending at first, and returns the task. Throws ApiFailure 400 with one error for each problem of the body. */
  createSiteToSiteVpn({ vpcs, siteToSiteVpns }: EnvironmentState, body: unknown): Task {
    const others = [...siteToSiteVpns.values()];
    const decoded = decodeSiteToSiteVpn(body, {
      vpcIds: [...vpcs.keys()],
      names: others.map(({ name }) => name),
      gateways: others.map(({ gateway }) => gateway),
    });
    if ('errors' in decoded) throw new ApiFailure(400, ...decoded.errors);
    if (others.length >= SITE_TO_SITE_VPN_QUOTA) {
      throw new ApiFailure(
        400,
        createApiError('quotaExceeded', 'The environment has reached its quota of site-to-site VPNs.'),
      );
    }

    const { name, ...rest } = decoded.fields;
    const vpn: SiteToSiteVpn = { id: randomUUID(), name, state: 'Pending', ...rest };
    siteToSiteVpns.set(vpn.id, vpn);
    return this.#startTask((at) => {
      if (isUnreachable(vpn.gateway)) {
        siteToSiteVpns.delete(vpn.id);
        return failUnreachable(vpn.gateway);
      }
      this.#schedule(at + CONNECTION_DELAY, () => {
        if (siteToSiteVpns.has(vpn.id)) replaceState(siteToSiteVpns, vpn, 'Connected');
      });
      return succeed(vpn);
    });
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
      return isReachable ? succeed(updated) : failUnreachable(vpn.gateway);
    });
  }

  #findEnvironments(organizationId: string | null): EnvironmentState[] {
    const id = organizationId ?? this.#homeOrganizationId;
    const matches = this.#environments.filter(({ environment }) => environment.organization.id === id);
    if (matches.length > 0 || id === this.#homeOrganizationId) return matches;
    throw new ApiFailure(404, createApiError('notFound', `The organization ${id} was not found.`));
  }

  /** Starts a task. `complete` runs when it ends, and receives that time. */
  #startTask(complete: (at: number) => Outcome): Task {
    const taskId = randomUUID();
    const startedAt = this.#clock();
    const task: Task = { taskId, taskStatus: 'PENDING' };
    this.#tasks.set(taskId, task);
    const endsAt = startedAt + TASK_DURATION;
    this.#schedule(endsAt, () => {
      this.#tasks.set(taskId, { taskId, ...complete(endsAt) });
    });
    this.#schedule(startedAt + TASK_RETENTION, () => this.#tasks.delete(taskId));
    return task;
  }

  #schedule(at: number, apply: () => void): void {
    const previous = this.#scheduled.findLastIndex((change) => change.at <= at);
    this.#scheduled.splice(previous + 1, 0, { at, apply });
  }
}
