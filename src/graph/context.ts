// The GraphQL context of one operation: the caller's REST session, loaders and waits. Each operation has its own, so callers share none
// of it.
import type { OperationDefinitionNode } from 'graphql';
import type { CloudcaClient } from '../cloudca/client.js';
import type { ObserveCall } from '../cloudca/requests.js';
import type { RestSession } from '../cloudca/session.js';
import type { WireWarning } from '../cloudca/decode.js';
import type { EnvironmentAddress } from '../cloudca/environments.js';
import { ClientDisconnectedError } from '../cloudca/errors.js';
import type { CallerWatcher, WaitLimits, Watcher } from '../cloudca/polling/watcher.js';
import { createEnvironmentLoaders, type EnvironmentLoaders } from './environment/environment.loaders.js';
import { MissingKeyError } from './errors.js';
import { ResultBudget } from './execution/result-budget.js';
import { createVpcNetworksLoader, type LoadVpcNetworks } from './site-to-site-vpn/network-overlaps.loaders.js';
import { createSiteToSiteVpnLoaders, type SiteToSiteVpnLoaders } from './site-to-site-vpn/site-to-site-vpn.loaders.js';
import { maxWaitSeconds } from './site-to-site-vpn/site-to-site-vpn.inputs.js';
import { createVpcLoaders, type VpcLoaders } from './vpc/vpc.loaders.js';

/** Names the app that sent an operation, as the app calls itself. */
export interface ClientApp {
  readonly name: string;
  readonly version: string | undefined;
}

/** Identifies an operation and its caller. */
export interface Caller {
  /** The caller's key. Undefined if the request has none that an HTTP header can carry. */
  readonly apiKey: string | undefined;
  readonly requestId: string;
  /** The app that the caller uses, if it names itself. */
  readonly app?: ClientApp | undefined;
}

/** Describes a REST call of an operation to its client. */
export interface RestCallRecord {
  readonly method: string;
  /** Template of the path. */
  readonly route: string;
  /** HTTP status of the response. Null if there is none, or not yet. */
  readonly status: number | null;
  /** Milliseconds from the start of the operation to that of the call. */
  readonly start: number;
  /** Duration in milliseconds. Null if the call has not ended. */
  readonly milliseconds: number | null;
  /** 1 for the first attempt, more for a retry. */
  readonly attempt: number;
  /** Whether another operation made the call, and this one joined it. */
  readonly shared: boolean;
}

/** Options of a context. */
export interface ContextOptions extends Caller {
  readonly client: CloudcaClient;
  /** SHA-256 of the key, safe to log. Undefined without a key. */
  readonly callerId: string | undefined;
  readonly watcher: Watcher;
  /** Aborts when the process shuts down: waits for tasks must end at once. */
  readonly draining: AbortSignal;
  /** Whether reads may join calls that other operations of the key have in flight. False for events, which such a call may predate. */
  readonly coalesceReads: boolean;
  /** Maximum number of fields in the rows of the result; 0: no limit. */
  readonly maxResultFields: number;
  /** Receives unexpected values in responses of the REST API. */
  readonly warn: (warning: WireWarning) => void;
  /** Receives each REST call. */
  readonly observe?: ObserveCall | undefined;
  /** Receives each read that joins a call of another operation. */
  readonly observeJoined?: ObserveCall | undefined;
  /** The REST calls of the operation so far, if its client has asked for them. */
  readonly restCallLog?: { readonly records: readonly RestCallRecord[] } | undefined;
  /** Receives each write, and the reads of pre-shared keys. */
  readonly recordAudit?: ((event: AuditEvent) => void) | undefined;
  /** The trace of the operation. Undefined if tracing is off. */
  readonly trace?: OperationTrace | undefined;
}

/** The trace of one operation. */
export interface OperationTrace {
  /** Trace id of W3C Trace Context: 32 hexadecimal digits. */
  readonly traceId: string;
  /** Receives each REST call. */
  readonly observe: ObserveCall;
  /** Ends the trace, once, with the operation and the codes of its errors. */
  readonly end: (operation: OperationDefinitionNode | undefined, codes: Iterable<string>) => void;
}

/** An entry of the audit log. */
export interface AuditEvent {
  /** Name of the mutation, or coordinate of the secret field that was read. */
  readonly action:
    | 'createSiteToSiteVpn'
    | 'updateSiteToSiteVpn'
    | 'deleteSiteToSiteVpn'
    | 'resetSiteToSiteVpn'
    | 'SiteToSiteVpn.ipSecPsk';
  /** Null if the VPN is the result of a task: the REST API does not name its environment. */
  readonly environment: EnvironmentAddress | null;
  /** Ids of the VPNs concerned. Empty for a create, unless its VPN exists already. */
  readonly siteToSiteVpns: readonly string[];
  /** Coordinates of the secret fields of existing VPNs that the write changes, if any. */
  readonly secretsWritten?: readonly string[];
  /** `done`, `alreadyExists` (a create whose VPN exists), `rejected` (by the REST API, with userErrors), or the code of the error. */
  readonly outcome: string;
  /** Id of the task that carries out the write, if any. */
  readonly taskId?: string | undefined;
}

/** The pre-shared keys that an operation read: ids of VPNs by environment, which is null if the VPN is the result of a task. */
export type SecretReads = ReadonlyMap<EnvironmentAddress | null, ReadonlySet<string>>;

/** The loaders of one operation. */
interface Loaders {
  readonly environments: EnvironmentLoaders;
  readonly siteToSiteVpns: SiteToSiteVpnLoaders;
  readonly vpcs: VpcLoaders;
  readonly vpcNetworks: LoadVpcNetworks;
}

/** The context value that resolvers receive. It wraps GraphContext, since Apollo Server copies it, and a copy loses private fields. */
export interface ContextValue {
  readonly operation: GraphContext;
}

/** The shared state of one operation. */
export class GraphContext {
  readonly callerId: string | undefined;
  readonly requestId: string;
  readonly app: ClientApp | undefined;
  readonly trace: OperationTrace | undefined;
  /** How large the result may become. */
  readonly budget: ResultBudget;
  readonly #restCallLog: ContextOptions['restCallLog'];
  readonly #draining: AbortSignal;
  readonly #watcher: Watcher;
  readonly #apiKey: string | undefined;
  readonly #rest: RestSession | undefined;
  readonly #audit: (event: AuditEvent) => void;
  // Ids of the VPNs whose pre-shared keys were read, by environment.
  #secretsRead: Map<EnvironmentAddress | null, Set<string>> | undefined;
  #loaders: Loaders | undefined;
  #onWaitingChange: ((isWaiting: boolean) => void) | undefined;
  #abortWait: (() => void) | undefined;
  #isDisconnected = false;
  #joinsPoll = false;
  // Time for which the root fields may still wait for tasks, in milliseconds. They share the maximum of one.
  #waitMs = maxWaitSeconds * 1000;

  constructor(options: ContextOptions) {
    const { client, apiKey, callerId, requestId, watcher, draining, coalesceReads, warn, observe, recordAudit, trace } =
      options;
    this.budget = new ResultBudget(options.maxResultFields, apiKey, () => this.#rest?.cancelReads());
    this.callerId = callerId;
    this.requestId = requestId;
    this.app = options.app;
    this.#restCallLog = options.restCallLog;
    this.trace = trace;
    this.#draining = draining;
    this.#audit = recordAudit ?? (() => undefined);
    this.#watcher = watcher;
    this.#apiKey = apiKey;
    this.#rest =
      apiKey === undefined
        ? undefined
        : client.session({ apiKey, requestId, warn, observe, observeJoined: options.observeJoined }, { coalesceReads });
  }

  /** Whether the caller sent a key. */
  get hasKey(): boolean {
    return this.#rest !== undefined;
  }

  /** The caller's REST session. Throws MissingKeyError. */
  get rest(): RestSession {
    if (this.#rest === undefined) throw new MissingKeyError();
    return this.#rest;
  }

  /** Watches tasks and VPNs with the caller's key. Throws MissingKeyError. */
  get watcher(): CallerWatcher {
    if (this.#apiKey === undefined) throw new MissingKeyError();
    return this.#watcher.forKey(this.#apiKey, () => {
      this.#joinsPoll = true;
    });
  }

  /** Whether the operation watches a resource that was polled already. */
  get joinsPoll(): boolean {
    return this.#joinsPoll;
  }

  /** Number of REST calls made so far, retries included. */
  get restCalls(): number {
    return this.#rest?.callCount ?? 0;
  }

  /** The REST calls so far, for the client; undefined if it has not asked for them. */
  get restCallRecords(): readonly RestCallRecord[] | undefined {
    return this.#restCallLog?.records;
  }

  /** Length of the responses to the REST reads so far, in characters. */
  get receivedLength(): number {
    return this.#rest?.receivedLength ?? 0;
  }

  /** The loaders of the operation. Throws MissingKeyError. */
  get loaders(): Loaders {
    this.#loaders ??= createLoaders(this.rest);
    return this.#loaders;
  }

  /** Starts a root field of a mutation: restarts the deadline, and drops loaders, whose cached reads a write makes stale. Throws if the operation has stopped. */
  beginWrite(): RestSession {
    this.budget.throwIfStopped();
    this.#loaders = undefined;
    this.rest.renewDeadline();
    return this.rest;
  }

  /** Writes an event to the audit log. */
  recordAudit(event: AuditEvent): void {
    this.#audit(event);
  }

  /** Notes that a pre-shared key was read, for `auditSecretReads`. */
  recordSecretRead(environment: EnvironmentAddress | null, siteToSiteVpnId: string): void {
    this.#secretsRead ??= new Map();
    const ids = this.#secretsRead.get(environment) ?? new Set();
    this.#secretsRead.set(environment, ids.add(siteToSiteVpnId));
  }

  /** The pre-shared keys that the operation has read so far; undefined if there are none. */
  get secretReads(): SecretReads | undefined {
    return this.#secretsRead;
  }

  /** Writes pre-shared keys that the caller reads to the audit log, one event for each environment. Call it before the result is sent. */
  auditSecretReads(secretReads: SecretReads | undefined = this.#secretsRead): void {
    for (const [environment, ids] of secretReads ?? []) {
      this.#audit({ action: 'SiteToSiteVpn.ipSecPsk', environment, siteToSiteVpns: [...ids], outcome: 'done' });
    }
  }

  /** Sets the listener that receives true when the operation starts a wait outside the deadline, and false when the wait ends. */
  onWaitingChange(listener: (isWaiting: boolean) => void): void {
    this.#onWaitingChange = listener;
  }

  /**
   * Runs `wait`, for a task or for a permit, without counting its duration against the REST deadline. `stop` aborts when the process shuts
   * down or the caller disconnects.
   */
  async waitOutsideDeadline<T>(wait: (stop: AbortSignal) => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const controller = new AbortController();
    const abort = () => {
      controller.abort();
    };
    this.#abortWait = abort;
    this.#draining.addEventListener('abort', abort);
    if (this.#draining.aborted || this.#isDisconnected) abort();
    this.#onWaitingChange?.(true);
    try {
      return await wait(controller.signal);
    } finally {
      this.#draining.removeEventListener('abort', abort);
      this.rest.extendDeadline(performance.now() - startedAt);
      this.#onWaitingChange?.(false);
    }
  }

  /**
   * Runs `wait` for a task outside the REST deadline. Limits it to `waitMs`, and to what earlier waits of the operation have left of 60 s.
   */
  async waitForTask<T>(waitMs: number, wait: (limits: WaitLimits) => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const limits = { waitMs: Math.min(waitMs, this.#waitMs) };
    try {
      return await this.waitOutsideDeadline((stop) => wait({ ...limits, stop }));
    } finally {
      this.#waitMs -= performance.now() - startedAt;
    }
  }

  /** Cancels reads and waits, since the caller has disconnected. A write in flight finishes, and no other begins. */
  disconnect(): void {
    this.#isDisconnected = true;
    this.budget.stop(new ClientDisconnectedError('The client disconnected.'));
    this.#abortWait?.();
  }
}

function createLoaders(rest: RestSession): Loaders {
  const siteToSiteVpns = createSiteToSiteVpnLoaders(rest);
  const vpcs = createVpcLoaders(rest);
  const vpcNetworks = createVpcNetworksLoader(siteToSiteVpns, vpcs, rest.createTurns());
  return { environments: createEnvironmentLoaders(rest), siteToSiteVpns, vpcs, vpcNetworks };
}
