// Metrics for Prometheus: operations and REST calls as counts and durations, and Node's own. No label is a caller's to choose.
import type { ApolloServerPlugin } from '@apollo/server';
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';
import type { ContextValue } from '../graph/context.js';
import { toCode } from '../graph/errors.js';

/** The metrics of one process. */
export interface Metrics {
  /** Media type of the text. */
  readonly contentType: string;
  /** The metrics in Prometheus' text format. */
  readonly text: () => Promise<string>;
  /** Counts operations. */
  readonly plugin: ApolloServerPlugin<ContextValue>;
}

/** Makes a registry of its own: several gateways in one process do not meet. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const operations = new Counter({
    name: 'gateway_operations_total',
    help: 'Operations answered, by type and outcome: ok, or the code of the first error.',
    labelNames: ['type', 'outcome'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'gateway_operation_duration_seconds',
    help: 'Time from an operation being read to its answer being made, in seconds.',
    labelNames: ['type'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers: [registry],
  });
  const restCalls = new Counter({
    name: 'gateway_rest_calls_total',
    help: 'REST calls made for operations, retries included.',
    registers: [registry],
  });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    plugin: {
      requestDidStart: () => {
        const begun = performance.now();
        return Promise.resolve({
          willSendResponse: ({ operation, errors, contextValue }) => {
            const type = operation?.operation ?? 'none';
            operations.inc({ type, outcome: errors === undefined ? 'ok' : toCode(errors[0]) });
            durations.observe({ type }, (performance.now() - begun) / 1000);
            restCalls.inc(contextValue.operation.restCalls);
            return Promise.resolve();
          },
        });
      },
    },
  };
}
