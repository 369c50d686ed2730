// Traces, sent by OTLP/HTTP. Each operation, each of its REST calls, and each watched task, VPN or list has a span. No span contains an
// API key, a variable or a literal; the operation name is the only input.
// Instrumentation packages patch modules as they are loaded, so they do nothing in the built gateway, which is one file.
import {
  type Context,
  defaultTextMapGetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import type * as Sdk from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import type { ObserveCall } from '../../cloudca/requests.js';
import type { WatchObservation, WatchTarget } from '../../cloudca/polling/watcher.js';
import type { TracesConfig } from '../../config.js';
import type { OperationTrace } from '../../graph/context.js';
import { toErrorCode } from '../../graph/errors.js';
import { toLoggable } from './logging.js';
import { toShortName } from './operation-name.js';

/** The traces of one process. */
export interface Tracing {
  /** Starts the span of an operation, in the client's trace if `traceparent` is a valid header (W3C Trace Context). */
  readonly startOperation: (traceparent: unknown) => OperationTrace;
  /** Starts the span of a watched resource, in a trace of its own. */
  readonly startWatch: (target: WatchTarget) => WatchObservation;
  /** Sends the remaining spans, within three seconds, and stops tracing. Never rejects. */
  readonly stop: () => Promise<void>;
}

// An unavailable receiver must not delay the shutdown.
const stopTimeoutMs = 3_000;

/**
 * Starts tracing. Loads OpenTelemetry's SDK only when called. The exporter reads its options from the environment by itself. `log` receives
 * failures to send.
 */
export async function createTracing(config: TracesConfig, log: Logger): Promise<Tracing> {
  const [sdk, { OTLPTraceExporter }, { defaultResource, resourceFromAttributes }, core] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/core'),
  ]);
  const logFailure = (error: unknown) => {
    log.warn({ err: toLoggable(error) }, 'traces could not be sent');
  };
  core.setGlobalErrorHandler(logFailure);
  const provider = new sdk.TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes(config.resourceAttributes)),
    sampler: createSampler(sdk, config),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: new OTLPTraceExporter(),
        scheduledDelayMillis: config.exportDelayMs,
        exportTimeoutMillis: config.exportTimeoutMs,
        maxQueueSize: config.maxQueuedSpans,
        maxExportBatchSize: config.maxExportedSpans,
      }),
    ],
  });
  const tracer = provider.getTracer('site-to-site-vpn-gateway');
  const propagator = new core.W3CTraceContextPropagator();
  return {
    startOperation: (traceparent) => {
      // Without tracestate and baggage: the gateway has no use for them, and would pass them on to the REST API.
      const carrier = typeof traceparent === 'string' ? { traceparent } : {};
      return traceOperation(tracer, propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter));
    },
    startWatch: (target) => {
      const span = tracer.startSpan(`watch ${target}`, { kind: SpanKind.INTERNAL }, ROOT_CONTEXT);
      let restCalls = 0;
      const headers = toHeaders(span);
      return {
        observe: () => {
          restCalls++;
          return { headers, end: () => undefined };
        },
        end: (failure) => {
          span.setAttribute('gateway.rest_calls', restCalls);
          if (failure !== undefined) markFailed(span, toErrorCode(failure));
          span.end();
        },
      };
    },
    stop: async () => {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          logFailure(new Error('The receiver of traces did not respond in time.'));
          resolve();
        }, stopTimeoutMs);
        void provider
          .shutdown()
          .catch(logFailure)
          .finally(() => {
            clearTimeout(timer);
            resolve();
          });
      });
    },
  };
}

function createSampler(sdk: typeof Sdk, { sampler, samplerRatio }: TracesConfig): Sdk.Sampler {
  const root = sampler.endsWith('always_on')
    ? new sdk.AlwaysOnSampler()
    : sampler.endsWith('always_off')
      ? new sdk.AlwaysOffSampler()
      : new sdk.TraceIdRatioBasedSampler(samplerRatio);
  return sampler.startsWith('parentbased_') ? new sdk.ParentBasedSampler({ root }) : root;
}

function traceOperation(tracer: Tracer, parent: Context): OperationTrace {
  const span = tracer.startSpan('GraphQL operation', { kind: SpanKind.SERVER }, parent);
  const context = trace.setSpan(ROOT_CONTEXT, span);
  return {
    traceId: span.spanContext().traceId,
    observe: ({ method, route, attempt }) => {
      const call = tracer.startSpan(`${method} ${route}`, { kind: SpanKind.CLIENT }, context);
      call.setAttributes({ 'http.request.method': method, 'url.template': route });
      if (attempt > 1) call.setAttribute('http.request.resend_count', attempt - 1);
      return {
        headers: toHeaders(call),
        end: (outcome) => {
          if (typeof outcome === 'number') call.setAttribute('http.response.status_code', outcome);
          if (typeof outcome !== 'number') markFailed(call, outcome.name);
          else if (outcome >= 400) markFailed(call, String(outcome));
          call.end();
        },
      };
    },
    end: (operation, codes) => {
      if (operation !== undefined) {
        const name = toShortName(operation);
        span.updateName(name === undefined ? operation.operation : `${operation.operation} ${name}`);
        span.setAttribute('graphql.operation.type', operation.operation);
        if (name !== undefined) span.setAttribute('graphql.operation.name', name);
      }
      const distinctCodes = [...new Set(codes)];
      const [firstCode] = distinctCodes;
      if (firstCode !== undefined) {
        span.setAttribute('graphql.error_codes', distinctCodes);
        markFailed(span, firstCode);
      }
      span.end();
    },
  };
}

function markFailed(span: Span, type: string): void {
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

// Returns the `traceparent` header, version 00 (W3C Trace Context, 3.2), as a name and a value.
function toHeaders(span: Span): readonly string[] {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return ['traceparent', `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`];
}

/** Combines two observers into one that passes each REST call to both. */
export function combineObservers(first: ObserveCall, second: ObserveCall | undefined): ObserveCall {
  if (second === undefined) return first;
  return (call) => {
    const firstCall = first(call);
    const secondCall = second(call);
    return {
      headers: [...(firstCall.headers ?? []), ...(secondCall.headers ?? [])],
      end: (outcome) => {
        firstCall.end(outcome);
        secondCall.end(outcome);
      },
    };
  };
}
