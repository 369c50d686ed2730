// What the resolvers of one operation share: the caller's REST session, the loaders, how to wait. Made anew for each operation, so that
// no two callers ever share any of it.
import type { OperationDefinitionNode } from 'graphql';
import type { CloudcaClient, ObserveCall, RestSession, WireWarning } from '../cloudca/client.js';
import type { EnvironmentAddress } from '../cloudca/environments.js';
import type { CallersWatcher, Watcher } from '../cloudca/polling/watcher.js';
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
  /** What follows tasks and VPNs. */
  readonly watcher: Watcher;
  /** Aborted when waits are to end at once, because the process does. */
  readonly draining: AbortSignal;
  /** Whether reads may share the calls that the caller's other operations have under way: not where they follow an event. */
  readonly sharesReads: boolean;
  /** Told of oddities in the REST API's answers. */
  readonly warn: (warning: WireWarning) => void;
  /** Told of each REST call. */
  readonly observe?: ObserveCall | undefined;
  /** Told of each write, and of pre-shared keys that were read. */
  readonly audit?: ((deed: Deed) => void) | undefined;
  /** Its trace, where there is one. */
  readonly trace?: OperationTrace | undefined;
}

/** The trace of one operation, as far as it goes here. */
export interface OperationTrace {
  /** As W3C Trace Context has it: 32 hexadecimal digits. */
  readonly traceId: string;
  /** Told of each REST call. */
  readonly observe: ObserveCall;
  /** Ends it, once: what the operation was, and the codes of its errors. */
  readonly end: (operation: OperationDefinitionNode | undefined, codes: Iterable<string>) => void;
}

/** Something that somebody may have to answer for. */
export interface Deed {
  /** The mutation's name, or the secret field that was read. */
  readonly what: 'createSiteToSiteVpn' | 'deleteSiteToSiteVpn' | 'resetSiteToSiteVpn' | 'SiteToSiteVpn.ipSecPsk';
  /** Null where a task told of the VPN, and nobody the environment. */
  readonly environment: EnvironmentAddress | null;
  /** The VPNs that it was done to, by id; none where one was to be created. */
  readonly siteToSiteVpns: readonly string[];
  /** `done`, `refused` (the REST API took it for wrong), or the code of the error that it ended in. */
  readonly outcome: string;
  /** The task that carries it out, where there is one. */
  readonly taskId?: string | undefined;
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
  readonly trace: OperationTrace | undefined;
  readonly #draining: AbortSignal;
  readonly #watcher: Watcher;
  readonly #apiKey: string | undefined;
  readonly #rest: RestSession | undefined;
  readonly #audit: (deed: Deed) => void;
  // The VPNs whose keys were read, by environment.
  #secretsRead: Map<EnvironmentAddress | null, Set<string>> | undefined;
  #loaders: Loaders | undefined;
  #tellWaiting: ((waits: boolean) => void) | undefined;
  #stopWaiting: (() => void) | undefined;
  #hasLeft = false;

  constructor(options: ContextOptions) {
    const { client, apiKey, callerId, requestId, watcher, draining, sharesReads, warn, observe, audit, trace } =
      options;
    this.callerId = callerId;
    this.requestId = requestId;
    this.trace = trace;
    this.#draining = draining;
    this.#audit = audit ?? (() => undefined);
    this.#watcher = watcher;
    this.#apiKey = apiKey;
    this.#rest =
      apiKey === undefined ? undefined : client.session({ apiKey, requestId, warn, observe }, { shares: sharesReads });
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

  /** What follows tasks and VPNs for the caller. Throws MissingKeyError. */
  get watch(): CallersWatcher {
    if (this.#apiKey === undefined) throw new MissingKeyError();
    return this.#watcher.of(this.#apiKey);
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

  /** Tells of something that somebody may have to answer for. */
  tell(deed: Deed): void {
    this.#audit(deed);
  }

  /** Takes note of a pre-shared key that was read; told when the operation is over. */
  readSecret(environment: EnvironmentAddress | null, siteToSiteVpnId: string): void {
    this.#secretsRead ??= new Map();
    const ids = this.#secretsRead.get(environment) ?? new Set();
    this.#secretsRead.set(environment, ids.add(siteToSiteVpnId));
  }

  /** The answer has been made: tells of the keys that are in it. */
  end(): void {
    for (const [environment, ids] of this.#secretsRead ?? []) {
      this.#audit({ what: 'SiteToSiteVpn.ipSecPsk', environment, siteToSiteVpns: [...ids], outcome: 'done' });
    }
    this.#secretsRead = undefined;
  }

  /** Has a listener told when the operation begins to wait for a task, and when it goes on. */
  onWaiting(tell: (waits: boolean) => void): void {
    this.#tellWaiting = tell;
  }

  /**
   * Waits for a task, or for a place to begin in, which is no work: the deadline moves on by as long as it takes. `stop` aborts where the
   * process ends, or the caller has gone.
   */
  async waitFor<T>(wait: (stop: AbortSignal) => Promise<T>): Promise<T> {
    const begun = performance.now();
    const waiting = new AbortController();
    const stop = () => {
      waiting.abort();
    };
    this.#stopWaiting = stop;
    this.#draining.addEventListener('abort', stop);
    if (this.#draining.aborted || this.#hasLeft) stop();
    this.#tellWaiting?.(true);
    try {
      return await wait(waiting.signal);
    } finally {
      this.#draining.removeEventListener('abort', stop);
      this.rest.extendDeadline(performance.now() - begun);
      this.#tellWaiting?.(false);
    }
  }

  /** The caller has gone: reads and waits end, writes finish. */
  leave(): void {
    this.#hasLeft = true;
    this.#rest?.leave();
    this.#stopWaiting?.();
  }
}
