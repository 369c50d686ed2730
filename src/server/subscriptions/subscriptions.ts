// Subscriptions, from the request to the last event, for all transports. Schema, checks, limits, errors and logs are those of queries. Each
// event has its own context, and so its own loaders and deadline. Sources never throw: a failure is the last event.
import type { Repeater } from '@repeaterjs/repeater';
import {
  createSourceEventStream,
  type DocumentNode,
  execute,
  type ExecutionResult,
  getOperationAST,
  type GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
  OperationTypeNode,
} from 'graphql';
import type { Logger } from 'pino';
import type { WatchEvent } from '../../cloudca/polling/watcher.js';
import type { Config } from '../../config.js';
import { mapAsyncIterator } from '../../graph/async-iterators.js';
import type { GraphContext, OperationTrace } from '../../graph/context.js';
import { createRequestError } from '../../graph/error-codes.js';
import { formatGraphqlError, toErrorCode } from '../../graph/errors.js';
import { checkVariables } from '../../graph/execution/variables.js';
import type { Admission } from '../admission/admission.js';
import { overloadedMessage } from '../admission/load-shedding.js';
import { InvalidDocumentError } from '../graphql/parse-document.js';
import {
  createUntrustedDocumentError,
  type DocumentReference,
  toDocumentIds,
  type TrustedDocuments,
} from '../graphql/trusted-documents.js';
import type { Lifecycle } from '../lifecycle.js';
import { logOperation, logUnexpected, type OperationSummary } from '../telemetry/logging.js';
import type { Metrics } from '../telemetry/metrics.js';
import { FormattedError, toGraphqlError, toHttpStatus } from './subscription-errors.js';

/** A request for a subscription, as a transport has parsed it. */
export interface SubscriptionRequest extends DocumentReference {
  /** Text of the document. Empty if the request has an id instead. */
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
  /** The client's trace (W3C Trace Context), if any. */
  readonly traceparent?: unknown;
}

/** Dependencies of Subscriptions. */
export interface SubscriptionOptions {
  readonly config: Config;
  readonly schema: GraphQLSchema;
  readonly admission: Admission;
  /** Parses and validates a document. Throws InvalidDocumentError. */
  readonly parseDocument: (text: string) => DocumentNode;
  readonly trusted: TrustedDocuments | undefined;
  readonly lifecycle: Lifecycle;
  /** Reports whether a new subscription must be shed, and counts it if so. */
  readonly shedIfOverloaded: () => boolean;
  readonly log: Logger;
  readonly countOperation: Metrics['countOperation'];
  /** Starts a trace. Returns undefined if tracing is off. */
  readonly startTrace: (traceparent: unknown) => OperationTrace | undefined;
}

/** The result of an event, formatted for the client. */
export interface SubscriptionResult extends ExecutionResult {
  readonly errors?: readonly FormattedError[];
}

/** The errors that a request is rejected with. */
export interface RejectedSubscription {
  readonly errors: readonly FormattedError[];
  /** HTTP status of the first error. */
  readonly status: number;
  /** Seconds until a retry may succeed, if that is known. */
  readonly retryAfter: number | undefined;
}

/** The result of a request: its operation and events, or the errors that it is rejected with. */
export type SubscribeResult =
  (PreparedOperation & { readonly events: AsyncIterableIterator<SubscriptionResult> }) | RejectedSubscription;

/** The document and the operation of a valid request. */
export interface PreparedOperation {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
}

/** The subscriptions of one process. */
export class Subscriptions {
  readonly #options: SubscriptionOptions;
  readonly #open = new Set<AsyncIterableIterator<SubscriptionResult>>();

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    options.lifecycle.draining.addEventListener('abort', () => {
      for (const events of this.#open) void events.return?.();
    });
  }

  /** Counts the open subscriptions. */
  get open(): number {
    return this.#open.size;
  }

  /**
   * Starts a subscription. `createContext` creates the context of the subscription itself, and that of each event. The subscription ends when
   * `disconnected` aborts. No event is executed before the promise of `takeTurn` has resolved, if there is one: the client has not taken
   * the events before it. Resolves with a RejectedSubscription if the request is invalid or a limit is reached.
   */
  async subscribe(
    request: SubscriptionRequest,
    createContext: (trace: OperationTrace | undefined) => GraphContext,
    disconnected: AbortSignal,
    takeTurn: () => Promise<void> | undefined = () => undefined,
  ): Promise<SubscribeResult> {
    const startedAt = performance.now();
    const trace = this.#options.startTrace(request.traceparent);
    const context = createContext(trace);
    let prepared: PreparedOperation | undefined;
    try {
      if (this.#options.lifecycle.draining.aborted) {
        throw createRequestError('OVERLOADED', 'The gateway is shutting down. Try again.', 1);
      }
      if (this.#options.shedIfOverloaded()) throw createRequestError('OVERLOADED', overloadedMessage, 1);
      prepared = this.#prepare(request);
      const events = await this.#start(prepared, request, context, () => createContext(trace), disconnected, takeTurn);
      return { ...prepared, events };
    } catch (thrown) {
      const errors = thrown instanceof InvalidDocumentError ? thrown.errors : [toGraphqlError(thrown)];
      this.#record(prepared?.operation, context, {
        startedAt,
        restCalls: 0,
        events: 0,
        errors: new Set(errors.map(toErrorCode)),
      });
      const extensions = errors[0]?.extensions;
      return {
        errors: this.#formatErrors(errors, context),
        status: toHttpStatus(extensions),
        retryAfter: typeof extensions?.['retryAfter'] === 'number' ? extensions['retryAfter'] : undefined,
      };
    }
  }

  async #start(
    { document, operation }: PreparedOperation,
    { variables }: SubscriptionRequest,
    context: GraphContext,
    createContext: () => GraphContext,
    disconnected: AbortSignal,
    takeTurn: () => Promise<void> | undefined,
  ): Promise<AsyncIterableIterator<SubscriptionResult>> {
    const { schema, admission, lifecycle } = this.#options;
    const startedAt = performance.now();
    const codes = new Set<string>();
    let restCalls = 0;
    let eventCount = 0;
    let eventContext: GraphContext | undefined;
    const { callerId } = context;
    const args = { schema, document, operationName: operation.name?.value ?? null, variableValues: variables ?? {} };
    const formatErrors = (errors: readonly GraphQLError[]) => {
      for (const error of errors) codes.add(toErrorCode(error));
      return this.#formatErrors(errors, context);
    };
    const toResult = async (event: WatchEvent<unknown>): Promise<SubscriptionResult> => {
      await takeTurn();
      eventCount++;
      if ('failure' in event) return { errors: formatErrors([toGraphqlError(event.failure, { document, operation })]) };
      eventContext = createContext();
      const { data, errors } = await execute({
        ...args,
        rootValue: event.value,
        contextValue: { operation: eventContext },
      });
      restCalls += eventContext.restCalls;
      eventContext.auditSecretReads();
      return { data: data ?? null, ...(errors === undefined ? {} : { errors: formatErrors(errors) }) };
    };
    const source = await createSourceEventStream({ ...args, contextValue: { operation: context } });
    const events = isEventStream(source)
      ? mapAsyncIterator(source, toResult)
      : singleResult({ errors: formatErrors('errors' in source ? (source.errors ?? []) : []) });
    // A source starts when its first event is requested, so a rejection here has cost no REST call.
    const release = callerId && (await admission.admitSubscription(callerId, { schema, document, operation }));
    const observed = onEnd(events, () => {
      if (!this.#open.delete(observed)) return;
      disconnected.removeEventListener('abort', stop);
      eventContext?.disconnect();
      if (release) release();
      this.#record(operation, context, { startedAt, restCalls, events: eventCount, errors: codes });
    });
    const stop = () => void observed.return?.();
    disconnected.addEventListener('abort', stop);
    this.#open.add(observed);
    // Either may have aborted before the listener was added.
    if (disconnected.aborted || lifecycle.draining.aborted) stop();
    return observed;
  }

  /** Logs, counts and traces a subscription that has ended or was rejected. */
  #record(
    operation: OperationDefinitionNode | undefined,
    { requestId, trace }: GraphContext,
    summary: Pick<OperationSummary, 'startedAt' | 'restCalls' | 'events'> & {
      readonly errors: ReadonlySet<string>;
    },
  ): void {
    const { log, countOperation } = this.#options;
    logOperation(log, operation, { requestId, traceId: trace?.traceId, ...summary });
    countOperation(operation, summary.errors);
    trace?.end(operation, summary.errors);
  }

  /** Makes the checks that Apollo Server makes for queries. Throws InvalidDocumentError or GraphQLError. */
  #prepare(request: SubscriptionRequest): PreparedOperation {
    const { schema, config } = this.#options;
    const { operationName, variables } = request;
    const document = this.#toDocument(request);
    const operation = getOperationAST(document, operationName);
    if (!operation)
      throw createRequestError('OPERATION_RESOLUTION_FAILURE', 'The document has no operation of that name.');
    if (operation.operation !== OperationTypeNode.SUBSCRIPTION) {
      throw createRequestError(
        'BAD_REQUEST',
        'Only subscriptions are served here. Send queries and mutations by POST to /graphql.',
      );
    }
    const invalid = checkVariables(schema, operation, variables ?? {}, config);
    if (invalid !== undefined) throw invalid;
    return { document, operation };
  }

  #toDocument(request: SubscriptionRequest): DocumentNode {
    const { trusted, parseDocument } = this.#options;
    const match = trusted?.find(request);
    if (match !== undefined) return match.document;
    if (trusted?.only === true) throw createUntrustedDocumentError();
    if (request.query === '' && toDocumentIds(request).length > 0) {
      // Apollo Kotlin, Apollo iOS and urql send the text if the message is exactly this.
      throw createRequestError('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound');
    }
    return parseDocument(request.query);
  }

  #formatErrors(errors: readonly GraphQLError[], context: GraphContext): readonly FormattedError[] {
    const { log, config, schema } = this.#options;
    const { requestId } = context;
    logUnexpected(log, errors, context);
    return errors.map((error) => {
      const formatted = formatGraphqlError(error.toJSON(), error, { introspection: config.introspection, schema });
      return new FormattedError({ ...formatted, extensions: { ...formatted.extensions, requestId } });
    });
  }
}

function isEventStream(value: AsyncIterable<unknown> | ExecutionResult): value is AsyncIterable<WatchEvent<unknown>> {
  return Symbol.asyncIterator in value;
}

async function* singleResult(result: SubscriptionResult): AsyncGenerator<SubscriptionResult> {
  yield await Promise.resolve(result);
}

/** Wraps events to call `listener` when they end, whether by themselves or by `return` or `throw`. May call it several times. */
function onEnd<T>(events: AsyncGenerator<T> | Repeater<T>, listener: () => void): AsyncIterableIterator<T> {
  const observed = {
    next: async () => {
      const next = await events.next();
      if (next.done === true) listener();
      return next;
    },
    return: () => {
      listener();
      return events.return(undefined);
    },
    throw: (error: unknown) => {
      listener();
      return events.throw(error);
    },
    [Symbol.asyncIterator]: () => observed,
  };
  return observed;
}
