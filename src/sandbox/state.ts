// What exists in the simulated API and how it changes with time: environments, their VPCs and VPNs, and tasks.
// It sees time only through the clock it is given, when it is asked to catch up; it knows nothing of HTTP.
import { randomUUID } from 'node:crypto';
import { isIPv4 } from 'node:net';
import type { Seed } from './seed.js';
import { decodeSiteToSiteVpn } from './validation.js';
import {
  apiError,
  Refusal,
  type ApiError,
  type Environment,
  type ServiceConnection,
  type SiteToSiteVpn,
  type SiteToSiteVpnState,
  type Task,
  type Vpc,
} from './wire-types.js';

/** How long a task is PENDING, in milliseconds. */
export const TASK_DURATION = 3_000;

/** How long a new VPN stays Pending once its task has succeeded, in milliseconds. */
export const CONNECTION_DELAY = 3_000;

/** How long a task is known after its creation, in milliseconds: the API keeps tasks for about 30 minutes. */
export const TASK_RETENTION = 30 * 60_000;

/** How many VPNs an environment may hold before a creation exceeds its quota. */
export const SITE_TO_SITE_VPN_QUOTA = 1_000;

/** One environment with what is in it, in the order in which it came. */
export interface Place {
  environment: Environment;
  serviceCode: string | undefined;
  vpcs: Map<string, Vpc>;
  siteToSiteVpns: Map<string, SiteToSiteVpn>;
}

type Outcome = { taskStatus: 'SUCCESS'; result: object } | { taskStatus: 'FAILED'; errors: ApiError[] };

const byId = <Entity extends { id: string }>(entities: Entity[]): Map<string, Entity> =>
  new Map(entities.map((entity) => [entity.id, entity]));

/** Whether no tunnel to this gateway can come about: 240.0.0.0/4 is reserved (RFC 1112) and routed nowhere. */
const isUnreachable = (gateway: string): boolean => isIPv4(gateway) && Number(gateway.split('.')[0]) >= 240;

const succeeded = (result: object): Outcome => ({ taskStatus: 'SUCCESS', result });

const failed = (message: string): Outcome => ({
  taskStatus: 'FAILED',
  errors: [apiError('notCarriedOut', message)],
});

const unreachable = (gateway: string): Outcome => failed(`The gateway ${gateway} cannot be reached.`);

const gone = (id: string): Outcome => failed(`The site-to-site VPN ${id} no longer exists.`);

/** Gives a VPN another state. Replaces it: what was answered before, e.g. the result of a task, stays as it was told. */
const turn = (vpns: Map<string, SiteToSiteVpn>, vpn: SiteToSiteVpn, state: SiteToSiteVpnState): SiteToSiteVpn => {
  const turned = { ...vpn, state };
  vpns.set(vpn.id, turned);
  return turned;
};

/** The entity of that id. @throws Refusal 404 where there is none. */
export function entityOf<Entity>(entities: ReadonlyMap<string, Entity>, id: string): Entity {
  const entity = entities.get(id);
  if (entity === undefined) throw new Refusal(404, apiError('notFound', `Nothing of the id ${id} was found.`));
  return entity;
}

/** The simulated API's state. Call `catchUp` before each request; everything else takes the state as it is. */
export class World {
  /** The service connections, by id. */
  readonly serviceConnections: ReadonlyMap<string, ServiceConnection>;
  readonly #homeOrganizationId: string;
  readonly #places: Place[];
  readonly #tasks = new Map<string, Task>();
  readonly #clock: () => number;
  /** What is still to happen, the earliest first. */
  readonly #agenda: { at: number; run: () => void }[] = [];

  constructor(seed: Seed, clock: () => number) {
    // A copy: what a caller does to its seed afterwards changes nothing here.
    const { homeOrganizationId, serviceConnections, environments } = structuredClone(seed);
    this.#clock = clock;
    this.#homeOrganizationId = homeOrganizationId;
    this.serviceConnections = byId(serviceConnections);
    this.#places = environments.map(({ environment, vpcs, siteToSiteVpns }) => ({
      environment,
      serviceCode: this.serviceConnections.get(environment.serviceConnection.id)?.serviceCode,
      vpcs: byId(vpcs),
      siteToSiteVpns: byId(siteToSiteVpns),
    }));
  }

  /** Lets everything happen that was due by now, in the order of time. */
  catchUp(): void {
    const now = this.#clock();
    for (let next = this.#agenda[0]; next !== undefined && next.at <= now; next = this.#agenda[0]) {
      this.#agenda.shift();
      next.run();
    }
  }

  /** The environments of an organization; null stands for the key's own. @throws Refusal 404 for an unknown one. */
  environments(organizationId: string | null): Environment[] {
    return this.#placesOf(organizationId).map(({ environment }) => environment);
  }

  /** One environment. @throws Refusal 404 for an unknown organization, service or environment. */
  place(organizationId: string | null, serviceCode: string, name: string): Place {
    const place = this.#placesOf(organizationId).find(
      (candidate) => candidate.serviceCode === serviceCode && candidate.environment.name === name,
    );
    if (place !== undefined) return place;
    throw new Refusal(404, apiError('notFound', `The service ${serviceCode} has no environment ${name}.`));
  }

  /** A task as it is now. @throws Refusal 404 for one that is unknown or forgotten. */
  task(id: string): Task {
    return entityOf(this.#tasks, id);
  }

  /** Accepts a new VPN: Pending from now on. @throws Refusal 400 with everything that is wrong with the body. */
  createSiteToSiteVpn({ vpcs, siteToSiteVpns }: Place, body: unknown): Task {
    const others = [...siteToSiteVpns.values()];
    const decoded = decodeSiteToSiteVpn(body, {
      vpcIds: [...vpcs.keys()],
      names: others.map(({ name }) => name),
      gateways: others.map(({ gateway }) => gateway),
    });
    if ('errors' in decoded) throw new Refusal(400, ...decoded.errors);
    if (others.length >= SITE_TO_SITE_VPN_QUOTA) {
      throw new Refusal(
        400,
        apiError('quotaExceeded', 'The quota of site-to-site VPNs of the environment is used up.'),
      );
    }

    const { name, ...rest } = decoded.fields;
    const vpn: SiteToSiteVpn = { id: randomUUID(), name, state: 'Pending', ...rest };
    siteToSiteVpns.set(vpn.id, vpn);
    return this.#accept((at) => {
      if (isUnreachable(vpn.gateway)) {
        siteToSiteVpns.delete(vpn.id);
        return unreachable(vpn.gateway);
      }
      this.#schedule(at + CONNECTION_DELAY, () => {
        if (siteToSiteVpns.has(vpn.id)) turn(siteToSiteVpns, vpn, 'Connected');
      });
      return succeeded(vpn);
    });
  }

  /** Accepts the deletion of a VPN: it stays as it is until the task succeeds. @throws Refusal 404. */
  deleteSiteToSiteVpn({ siteToSiteVpns }: Place, id: string): Task {
    entityOf(siteToSiteVpns, id);
    return this.#accept(() => (siteToSiteVpns.delete(id) ? succeeded({ id }) : gone(id)));
  }

  /** Accepts the reset of a VPN: Pending from now on, Connected when the task succeeds. @throws Refusal 404. */
  resetSiteToSiteVpn({ siteToSiteVpns }: Place, id: string): Task {
    turn(siteToSiteVpns, entityOf(siteToSiteVpns, id), 'Pending');
    return this.#accept(() => {
      const vpn = siteToSiteVpns.get(id);
      if (vpn === undefined) return gone(id);
      const reached = !isUnreachable(vpn.gateway);
      const turned = turn(siteToSiteVpns, vpn, reached ? 'Connected' : 'Error');
      return reached ? succeeded(turned) : unreachable(vpn.gateway);
    });
  }

  #placesOf(organizationId: string | null): Place[] {
    const id = organizationId ?? this.#homeOrganizationId;
    const places = this.#places.filter(({ environment }) => environment.organization.id === id);
    if (places.length > 0 || id === this.#homeOrganizationId) return places;
    throw new Refusal(404, apiError('notFound', `The organization ${id} was not found.`));
  }

  #accept(carryOut: (at: number) => Outcome): Task {
    const taskId = randomUUID();
    const accepted = this.#clock();
    const task: Task = { taskId, taskStatus: 'PENDING' };
    this.#tasks.set(taskId, task);
    const end = accepted + TASK_DURATION;
    this.#schedule(end, () => {
      this.#tasks.set(taskId, { taskId, ...carryOut(end) });
    });
    this.#schedule(accepted + TASK_RETENTION, () => this.#tasks.delete(taskId));
    return task;
  }

  #schedule(at: number, run: () => void): void {
    const earlier = this.#agenda.findLastIndex((event) => event.at <= at);
    this.#agenda.splice(earlier + 1, 0, { at, run });
  }
}
