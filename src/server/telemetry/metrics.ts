// Metrics for Prometheus: operations and REST calls as counts and durations, and Node's own. No label is a caller's to choose.
import type { OperationDefinitionNode } from 'graphql';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ObserveCall, WireWarning } from '../../cloudca/client.js';
import type { OperationFacts } from './logging.js';

/** What there was too much of where something was refused unexecuted: all of it, or what one key may have of it. */
export type Shed = 'event_loop' | 'operations' | 'operations_of_key' | 'subscriptions' | 'subscriptions_of_key';

/** The metrics of one process. */
export interface Metrics {
  /** Media type of the text. */
  readonly contentType: string;
  /** The metrics in Prometheus' text format. */
  readonly text: () => Promise<string>;
  /** Counts an operation that is over, by the codes of its errors: a subscription, which has no one answer. */
  readonly countOperation: (operation: OperationDefinitionNode | undefined, codes: Iterable<string>) => void;
  /** Counts one that has been answered, a query or a mutation, and how long and how many REST calls it took. */
  readonly countAnswered: (
    operation: OperationDefinitionNode | undefined,
    codes: Iterable<string>,
    facts: Pick<OperationFacts, 'begun' | 'restCalls'>,
  ) => void;
  /** Counts REST calls, those of operations and those of polls. */
  readonly observeCall: ObserveCall;
  /** Counts what was odd in an answer of the REST API. */
  readonly countOddity: (warning: WireWarning) => void;
  /** Counts what was refused because there was too much. */
  readonly countShed: (full: Shed) => void;
  /** Adds a number that is read when it is asked for. */
  readonly addGauge: (name: string, help: string, read: () => number) => void;
  /** The same for one that only ever grows. */
  readonly addCounter: (name: string, help: string, read: () => number) => void;
}

// Names are the callers' to choose: so many are told apart, whatever comes after them is `other`.
const mostNames = 100;
const longestName = 100;
const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Makes a registry of its own: several gateways in one process do not meet. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const operations = new Counter({
    name: 'gateway_operations_total',
    help: 'Operations that are over, by name (none: without a name; other: one too many), type and outcome: ok, or the code of the first error.',
    labelNames: ['name', 'type', 'outcome'],
    registers,
  });
  const durations = new Histogram({
    name: 'gateway_operation_duration_seconds',
    help: 'Time from an operation being read to its answer being made, in seconds.',
    labelNames: ['type'],
    buckets: seconds,
    registers,
  });
  const callsPerOperation = new Histogram({
    name: 'gateway_rest_calls_per_operation',
    help: 'REST calls made for an operation, retries included; those that it shared with another are counted for that one.',
    labelNames: ['type'],
    buckets: [0, 1, 2, 3, 5, 10, 20, 50, 100],
    registers,
  });
  const calls = new Counter({
    name: 'gateway_rest_calls_total',
    help: 'REST calls, by method, template of the path, and status: that of the answer, or the name of the error where there was none.',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const callDurations = new Histogram({
    name: 'gateway_rest_call_duration_seconds',
    help: 'Time from a REST call being sent to its answer having been read, in seconds.',
    labelNames: ['method', 'route'],
    buckets: seconds,
    registers,
  });
  const oddities = new Counter({
    name: 'gateway_rest_oddities_total',
    help: 'Values in answers of the REST API that are not documented, and were read as null or as unknown, by field.',
    labelNames: ['field'],
    registers,
  });
  const shed = new Counter({
    name: 'gateway_shed_total',
    help: 'Requests, operations and subscriptions refused because there was too much, by what: the event loop late, operations at work, subscriptions open, or those of one key.',
    labelNames: ['full'],
    registers,
  });
  const names = new Set<string>();
  const toLabel = (operation: OperationDefinitionNode | undefined): string => {
    const name = operation?.name?.value;
    if (name === undefined) return 'none';
    if (names.size < mostNames && name.length <= longestName) names.add(name);
    return names.has(name) ? name : 'other';
  };
  const countOperation: Metrics['countOperation'] = (operation, codes) => {
    const [outcome = 'ok'] = codes;
    operations.inc({ name: toLabel(operation), type: operation?.operation ?? 'none', outcome });
  };
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    countOperation,
    countAnswered: (operation, codes, { begun, restCalls }) => {
      const type = operation?.operation ?? 'none';
      countOperation(operation, codes);
      durations.observe({ type }, (performance.now() - begun) / 1000);
      callsPerOperation.observe({ type }, restCalls);
    },
    observeCall: ({ method, route }) => {
      const begun = performance.now();
      return {
        end: (outcome) => {
          calls.inc({ method, route, status: typeof outcome === 'number' ? outcome : outcome.name });
          callDurations.observe({ method, route }, (performance.now() - begun) / 1000);
        },
      };
    },
    countOddity: ({ field }) => {
      oddities.inc({ field });
    },
    countShed: (full) => {
      shed.inc({ full });
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
