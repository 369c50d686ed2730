// Traces, sent by OTLP/HTTP: a span for each operation, one below it for each of its REST calls, one for all the time that a task, a VPN
// or a list is followed. Spans are made here and not by instrumentations: those replace modules as they are loaded, and the built gateway
// is one file. Nothing of a caller's is in a span but the name of its operation: no key, no variable, no literal.
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
import type { Logger } from 'pino';
import type { ObserveCall } from '../../cloudca/client.js';
import type { Followed, FollowObservation } from '../../cloudca/polling/watcher.js';
import type { OperationTrace } from '../../graph/context.js';
import { toCode } from '../../graph/errors.js';
import { toLoggable } from './logging.js';

/** How traces are sent. */
export interface TracingOptions {
  /** Base URL of the receiver, to which `/v1/traces` is added. */
  readonly endpoint: string;
  /** Which share of the traces that begin here is kept, from 0 to 1; of those that began with the caller, the ones that it keeps. */
  readonly ratio: number;
  readonly serviceName: string;
  /** Told of what could not be sent. */
  readonly log: Logger;
}

/** The traces of one process. */
export interface Tracing {
  /** Begins the span of an operation, within the caller's trace where its `traceparent` (W3C Trace Context) says so. */
  readonly begin: (traceparent: unknown) => OperationTrace;
  /** Begins the span of something that is followed. */
  readonly follow: (what: Followed) => FollowObservation;
  /** Sends what has not been sent, for three seconds at the most, and nothing from then on. */
  readonly stop: () => Promise<void>;
}

// A name is the caller's to choose.
const longestName = 100;
// The receiver may be gone: the end is not held up by that.
const stopWithinMs = 3_000;

/** Loads what traces take, and begins. Without it, none of that is loaded. */
export async function createTracing({ endpoint, ratio, serviceName, log }: TracingOptions): Promise<Tracing> {
  const [sdk, { OTLPTraceExporter }, { resourceFromAttributes }, core] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/core'),
  ]);
  const lost = (error: unknown) => {
    log.warn({ err: toLoggable(error) }, 'traces could not be sent');
  };
  core.setGlobalErrorHandler(lost);
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` });
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer('site-to-site-vpn-gateway');
  const propagator = new core.W3CTraceContextPropagator();
  return {
    begin: (traceparent) => {
      // Not tracestate and not baggage: what those hold is for nobody here, and would be sent on.
      const carrier = typeof traceparent === 'string' ? { traceparent } : {};
      return traceOperation(tracer, propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter));
    },
    follow: (what) => {
      const span = tracer.startSpan(`follow ${what}`, { kind: SpanKind.INTERNAL }, ROOT_CONTEXT);
      let calls = 0;
      const headers = toHeaders(span);
      return {
        observe: () => {
          calls++;
          return { headers, end: () => undefined };
        },
        end: (failure) => {
          span.setAttribute('gateway.rest_calls', calls);
          if (failure !== undefined) fail(span, toCode(failure));
          span.end();
        },
      };
    },
    stop: async () => {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          lost(new Error('It took too long.'));
          resolve();
        }, stopWithinMs);
        void provider
          .shutdown()
          .catch(lost)
          .finally(() => {
            clearTimeout(timer);
            resolve();
          });
      });
    },
  };
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
          if (typeof outcome !== 'number') fail(call, outcome.name);
          else if (outcome >= 400) fail(call, String(outcome));
          call.end();
        },
      };
    },
    end: (operation, codes) => {
      if (operation !== undefined) {
        const name = operation.name?.value.slice(0, longestName);
        span.updateName(name === undefined ? operation.operation : `${operation.operation} ${name}`);
        span.setAttribute('graphql.operation.type', operation.operation);
        if (name !== undefined) span.setAttribute('graphql.operation.name', name);
      }
      const told = [...new Set(codes)];
      const [first] = told;
      if (first !== undefined) {
        span.setAttribute('graphql.error_codes', told);
        fail(span, first);
      }
      span.end();
    },
  };
}

function fail(span: Span, type: string): void {
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

// `traceparent`, version 00 (W3C Trace Context, 3.2).
function toHeaders(span: Span): readonly string[] {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return ['traceparent', `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`];
}

/** Has a call told to both: what counts it and what traces it. */
export function observeBy(one: ObserveCall, other: ObserveCall | undefined): ObserveCall {
  if (other === undefined) return one;
  return (call) => {
    const first = one(call);
    const second = other(call);
    return {
      headers: [...(first.headers ?? []), ...(second.headers ?? [])],
      end: (outcome) => {
        first.end(outcome);
        second.end(outcome);
      },
    };
  };
}
