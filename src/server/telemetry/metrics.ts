// Prometheus metrics: operations, REST calls, load shedding, and Node's own. Clients choose no labels but bounded names.
import type { OperationDefinitionNode } from 'graphql';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ObserveCall } from '../../cloudca/requests.js';
import type { WireWarning } from '../../cloudca/decode.js';
import type { ClientApp } from '../../graph/context.js';
import type { OperationSummary } from './logging.js';
import { maxNameLength } from './operation-name.js';

/**
 * The limit that caused a rejection or a closed connection: of the process, of one API key (`_of_key`), or of a connection or address
 * (`origin`).
 */
export type ShedReason =
  | 'connections'
  | 'connections_of_key'
  | 'event_loop'
  | 'operations'
  | 'operations_of_key'
  | 'origin'
  | 'requests'
  | 'subscriptions'
  | 'subscriptions_of_key'
  | 'unread_bytes';

/** The metrics of one process. */
export interface Metrics {
  /** Media type of `text`. */
  readonly contentType: string;
  /** Returns the metrics in the Prometheus text format. */
  readonly text: () => Promise<string>;
  /**
   * Counts a completed operation, by the first of its error codes. For subscriptions, which have no single duration. `acceptedCaller` is the
   * caller id, if the REST API has accepted the caller's key in this operation. Only then may its names become labels.
   */
  readonly countOperation: (
    operation: OperationDefinitionNode | undefined,
    codes: Iterable<string>,
    sender: { readonly acceptedCaller: string | undefined; readonly app: ClientApp | undefined },
  ) => void;
  /** Counts a completed query or mutation, with its duration and its number of REST calls. `callerId` is undefined without a key. */
  readonly countResponse: (
    operation: OperationDefinitionNode | undefined,
    codes: Iterable<string>,
    summary: Pick<OperationSummary, 'startedAt' | 'restCalls' | 'app'> & { readonly callerId: string | undefined },
  ) => void;
  /** Counts the REST calls of operations and polls, with their durations. */
  readonly observeCall: ObserveCall;
  /** Counts an unexpected value in a REST response, by whether it was read all the same. */
  readonly countUnexpectedValue: (warning: WireWarning) => void;
  /** Counts a rejected request, operation or subscription. */
  readonly countShed: (reason: ShedReason) => void;
  /** Adds a gauge. Calls `read` for its value at each scrape. */
  readonly addGauge: (name: string, help: string, read: () => number) => void;
  /** Adds a counter. Calls `read` for its value at each scrape; the value must never decrease. */
  readonly addCounter: (name: string, help: string, read: () => number) => void;
}

/** Bounds labels that clients choose. Those above one of the limits are counted as `other`, to bound the number of time series. */
interface LabelLimits {
  readonly max: number;
  /** Maximum number that one caller adds, so that no caller takes all of them. */
  readonly maxPerCaller: number;
}
const operationNames: LabelLimits = { max: 100, maxPerCaller: 25 };
// Combinations of an app, its version and an operation name.
const appOperations: LabelLimits = { max: 1_000, maxPerCaller: 100 };
const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Creates the metrics in their own registry, so that several gateways can run in one process. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const operations = new Counter({
    name: 'gateway_operations_total',
    help: 'Completed operations, by name (none if unnamed, other if it has no label of its own), type and outcome (ok or the code of the first error).',
    labelNames: ['name', 'type', 'outcome'],
    registers,
  });
  const operationsOfApps = new Counter({
    name: 'gateway_client_operations_total',
    help: 'Completed operations of clients that name themselves, by client, its version (none if it has none) and operation name (none if unnamed); all three are other for clients and operations without labels of their own.',
    labelNames: ['client', 'version', 'name'],
    registers,
  });
  const durations = new Histogram({
    name: 'gateway_operation_duration_seconds',
    help: 'Duration of queries and mutations in seconds, from the received request to the complete response, by type.',
    labelNames: ['type'],
    buckets: durationBuckets,
    registers,
  });
  const callsPerOperation = new Histogram({
    name: 'gateway_rest_calls_per_operation',
    help: 'REST calls of an operation, retries included, by type. A coalesced call counts for the operation that started it.',
    labelNames: ['type'],
    buckets: [0, 1, 2, 3, 5, 10, 20, 50, 100],
    registers,
  });
  const calls = new Counter({
    name: 'gateway_rest_calls_total',
    help: 'REST calls, by method, path template (route) and status (or the name of the error, if no response arrived).',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const callDurations = new Histogram({
    name: 'gateway_rest_call_duration_seconds',
    help: 'Duration of REST calls in seconds, from sending the request to the end of the response, by method and route.',
    labelNames: ['method', 'route'],
    buckets: durationBuckets,
    registers,
  });
  const unexpectedValues = new Counter({
    name: 'gateway_upstream_unexpected_values_total',
    help: 'Undocumented values in REST responses that the gateway read as null or unknown, by field.',
    labelNames: ['field'],
    registers,
  });
  const lenientReads = new Counter({
    name: 'gateway_upstream_lenient_reads_total',
    help: 'Values in REST responses that the gateway read although their form is not documented, by field and form (blank, boolean_as_text, byte_order_mark, id_as_number, list_as_array or number_as_text). Counts a field and form once for each operation or poll request.',
    labelNames: ['field', 'form'],
    registers,
  });
  const shed = new Counter({
    name: 'gateway_shed_total',
    help: 'Requests, operations, subscriptions and connections rejected or closed because of a limit, by reason: connections, connections_of_key, event_loop, operations, operations_of_key, origin, subscriptions, subscriptions_of_key or unread_bytes.',
    labelNames: ['reason'],
    registers,
  });
  const isNameLabel = createLabelAdmission(operationNames);
  const isAppLabel = createLabelAdmission(appOperations);
  const countOperation: Metrics['countOperation'] = (operation, codes, { acceptedCaller, app }) => {
    const [outcome = 'ok'] = codes;
    const name = operation?.name?.value;
    const isLabel = name === undefined || (name.length <= maxNameLength && isNameLabel(name, acceptedCaller));
    const nameLabel = isLabel ? (name ?? 'none') : 'other';
    operations.inc({ name: nameLabel, type: operation?.operation ?? 'none', outcome });
    if (app === undefined) return;
    const labels = { client: app.name, version: app.version ?? 'none', name: nameLabel };
    const isApp = isAppLabel(JSON.stringify(labels), acceptedCaller);
    operationsOfApps.inc(isApp ? labels : { client: 'other', version: 'other', name: 'other' });
  };
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    countOperation,
    countResponse: (operation, codes, { startedAt, restCalls, callerId, app }) => {
      const type = operation?.operation ?? 'none';
      const [firstCode] = codes;
      // The REST API returned data, so it has accepted the key.
      const acceptedCaller = firstCode === undefined && restCalls > 0 ? callerId : undefined;
      countOperation(operation, codes, { acceptedCaller, app });
      durations.observe({ type }, (performance.now() - startedAt) / 1000);
      callsPerOperation.observe({ type }, restCalls);
    },
    observeCall: ({ method, route }) => {
      const startedAt = performance.now();
      return {
        end: (outcome) => {
          calls.inc({ method, route, status: typeof outcome === 'number' ? outcome : outcome.name });
          callDurations.observe({ method, route }, (performance.now() - startedAt) / 1000);
        },
      };
    },
    countUnexpectedValue: ({ field, form }) => {
      if (form === undefined) unexpectedValues.inc({ field });
      else lenientReads.inc({ field, form });
    },
    countShed: (reason) => {
      shed.inc({ reason });
    },
    addGauge: (name, help, read) => {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    },
    addCounter: (name, help, read) => {
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    },
  };
}

/**
 * Returns a function that reports whether a label has a time series of its own. It gets one when a caller whose key the REST API has accepted
 * first uses it, within the limits. Otherwise clients with invented keys could take all labels for ever.
 */
function createLabelAdmission({
  max,
  maxPerCaller,
}: LabelLimits): (label: string, acceptedCaller: string | undefined) => boolean {
  const labels = new Set<string>();
  const addedBy = new Map<string, number>();
  return (label, acceptedCaller) => {
    if (labels.has(label)) return true;
    if (acceptedCaller === undefined || labels.size >= max) return false;
    const added = addedBy.get(acceptedCaller) ?? 0;
    if (added >= maxPerCaller) return false;
    addedBy.set(acceptedCaller, added + 1);
    labels.add(label);
    return true;
  };
}
