// What the resolvers of one operation share: the caller's REST session, the loaders, how to wait. Made anew for each operation, so that
// no two callers ever share any of it.
import type { CloudcaClient, RestSession, WireWarning } from '../cloudca/client.js';
import { createEnvironmentLoaders, type EnvironmentLoaders } from './environment/environment.loaders.js';
import { MissingKeyError } from './errors.js';
import { createSiteToSiteVpnLoaders, type SiteToSiteVpnLoaders } from './site-to-site-vpn/site-to-site-vpn.loaders.js';
import { createVpcLoaders, type VpcLoaders } from './vpc/vpc.loaders.js';

/** What is needed to make a context. */
export interface ContextOptions {
  readonly client: CloudcaClient;
  /** The caller's key; undefined where none came that can be one. */
  readonly apiKey: string | undefined;
  /** What the key is known by where it must not stand itself; undefined where there is none. */
  readonly callerId: string | undefined;
  readonly requestId: string;
  /** How often a task that is waited for is looked at, in milliseconds. */
  readonly taskPollMs: number;
  /** Aborted when waits are to end at once, because the process does. */
  readonly draining: AbortSignal;
  /** Told of oddities in the REST API's answers. */
  readonly warn: (warning: WireWarning) => void;
}

/** The loaders of one operation. */
interface Loaders {
  readonly environments: EnvironmentLoaders;
  readonly siteToSiteVpns: SiteToSiteVpnLoaders;
  readonly vpcs: VpcLoaders;
}

/** The context value that GraphQL hands to resolvers: Apollo Server copies it, which a class with private fields does not survive. */
export interface ContextValue {
  readonly operation: GraphContext;
}

/** What the resolvers of one operation share. */
export class GraphContext {
  readonly callerId: string | undefined;
  readonly requestId: string;
  readonly taskPollMs: number;
  readonly draining: AbortSignal;
  readonly #rest: RestSession | undefined;
  #loaders: Loaders | undefined;
  #tellWaiting: ((waits: boolean) => void) | undefined;

  constructor({ client, apiKey, callerId, requestId, taskPollMs, draining, warn }: ContextOptions) {
    this.callerId = callerId;
    this.requestId = requestId;
    this.taskPollMs = taskPollMs;
    this.draining = draining;
    this.#rest = apiKey === undefined ? undefined : client.session({ apiKey, requestId, warn });
  }

  /** Whether a key came with the operation. */
  get hasKey(): boolean {
    return this.#rest !== undefined;
  }

  /** The caller's REST session. Throws MissingKeyError. */
  get rest(): RestSession {
    if (this.#rest === undefined) throw new MissingKeyError();
    return this.#rest;
  }

  /** REST calls made so far. */
  get restCalls(): number {
    return this.#rest?.calls ?? 0;
  }

  /** The loaders. Throws MissingKeyError. */
  get loaders(): Loaders {
    this.#loaders ??= {
      environments: createEnvironmentLoaders(this.rest),
      siteToSiteVpns: createSiteToSiteVpnLoaders(this.rest),
      vpcs: createVpcLoaders(this.rest),
    };
    return this.#loaders;
  }

  /** Begins a root field of a mutation, which has a deadline of its own, and forgets what was loaded before the write. */
  beginWrite(): RestSession {
    this.#loaders = undefined;
    this.rest.renewDeadline();
    return this.rest;
  }

  /** Has a listener told when the operation begins to wait for a task, and when it goes on. */
  onWaiting(tell: (waits: boolean) => void): void {
    this.#tellWaiting = tell;
  }

  /** Waits for a task, which is no work. */
  async waitFor<T>(wait: () => Promise<T>): Promise<T> {
    this.#tellWaiting?.(true);
    try {
      return await wait();
    } finally {
      this.#tellWaiting?.(false);
    }
  }

  /** The caller has gone: reads end, writes finish. */
  leave(): void {
    this.#rest?.leave();
  }
}
