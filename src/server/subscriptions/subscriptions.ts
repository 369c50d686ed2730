// A subscription from its request to its last event, whichever transport carries it: the same schema, checks, limits, errors and logs as
// queries, and for each event a context, and so loaders and a deadline, of its own. Sources never throw: a failure is the last event.
import type { Repeater } from '@repeaterjs/repeater';
import {
  createSourceEventStream,
  type DocumentNode,
  execute,
  type ExecutionResult,
  type FieldNode,
  getOperationAST,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
} from 'graphql';
import type { Logger } from 'pino';
import type { WatchEvent } from '../../cloudca/polling/watcher.js';
import type { Config } from '../../config.js';
import type { GraphContext, OperationTrace } from '../../graph/context.js';
import { toCode, toFormattedError } from '../../graph/errors.js';
import { mapEvents } from '../../graph/async-iterators.js';
import { checkVariables } from '../../graph/execution/variables.js';
import { InvalidDocumentError } from '../graphql/parse-document.js';
import type { Lifecycle } from '../lifecycle.js';
import type { Limits } from '../admission/admission.js';
import { logOperation, logUnexpected, type OperationFacts } from '../telemetry/logging.js';
import type { Metrics } from '../telemetry/metrics.js';
import { lateMessage } from '../admission/load-shedding.js';
import {
  type NamedDocument,
  toDocumentIds,
  toTrustedDocumentRequired,
  type TrustedDocuments,
} from '../graphql/trusted-documents.js';

/** A request for a subscription, as a transport has read it. */
export interface SubscriptionRequest extends NamedDocument {
  /** Empty where it is sent by its id. */
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
  /** The caller's trace (W3C Trace Context), where it has one. */
  readonly traceparent?: unknown;
}

/** What subscriptions stand on. */
export interface SubscriptionOptions {
  readonly config: Config;
  readonly schema: GraphQLSchema;
  readonly limits: Limits;
  /** Makes a document of its text; throws InvalidDocumentError. */
  readonly readDocument: (text: string) => DocumentNode;
  readonly trusted: TrustedDocuments | undefined;
  readonly lifecycle: Lifecycle;
  /** Whether the event loop is late, so that a new one is refused; it is counted then. */
  readonly isLate: () => boolean;
  readonly log: Logger;
  readonly countOperation: Metrics['countOperation'];
  /** Begins a trace, where there are traces. */
  readonly beginTrace: (traceparent: unknown) => OperationTrace | undefined;
}

/** An error that has been formatted already: transports write it as it is. */
export class FormattedError extends GraphQLError {
  readonly #formatted: GraphQLFormattedError;

  constructor(formatted: GraphQLFormattedError) {
    super(formatted.message);
    this.#formatted = formatted;
  }

  override toJSON(): GraphQLFormattedError {
    return this.#formatted;
  }
}

/** An event as it goes out. */
export interface SubscriptionResult extends ExecutionResult {
  readonly errors?: readonly FormattedError[];
}

/** Why a request was refused. */
export interface Refusal {
  readonly errors: readonly FormattedError[];
  /** The HTTP status of that. */
  readonly status: number;
  /** Seconds after which to ask again, where that may help. */
  readonly retryAfter: number | undefined;
}

/** What came of a request: its events, or why it was refused. */
export type Subscribed = (Prepared & { readonly events: AsyncIterableIterator<SubscriptionResult> }) | Refusal;

/** A request that has been found good. */
export interface Prepared {
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

  /** How many are open. */
  get open(): number {
    return this.#open.size;
  }

  /**
   * Begins one. `createContext` makes the context of the subscription itself, and of each event, within its trace; `gone` is aborted when the caller has
   * left. Never throws for what a caller does.
   */
  async subscribe(
    request: SubscriptionRequest,
    createContext: (trace: OperationTrace | undefined) => GraphContext,
    gone: AbortSignal,
  ): Promise<Subscribed> {
    const begun = performance.now();
    const trace = this.#options.beginTrace(request.traceparent);
    const context = createContext(trace);
    let prepared: Prepared | undefined;
    try {
      if (this.#options.lifecycle.draining.aborted) {
        throw refuseForNow('The gateway is shutting down; ask again.');
      }
      if (this.#options.isLate()) throw refuseForNow(lateMessage);
      prepared = this.#prepare(request);
      return { ...prepared, events: await this.#begin(prepared, request, context, () => createContext(trace), gone) };
    } catch (thrown) {
      const errors = thrown instanceof InvalidDocumentError ? thrown.errors : [toGraphQLError(thrown)];
      this.#over(prepared?.operation, context, { begun, restCalls: 0, events: 0, errors: new Set(errors.map(toCode)) });
      const extensions = errors[0]?.extensions;
      return {
        errors: this.#toFormatted(errors, context),
        status: toStatus(extensions),
        retryAfter: typeof extensions?.['retryAfter'] === 'number' ? extensions['retryAfter'] : undefined,
      };
    }
  }

  async #begin(
    { document, operation }: Prepared,
    { variables }: SubscriptionRequest,
    context: GraphContext,
    createContext: () => GraphContext,
    gone: AbortSignal,
  ): Promise<AsyncIterableIterator<SubscriptionResult>> {
    const { schema, limits, lifecycle } = this.#options;
    const begun = performance.now();
    const codes = new Set<string>();
    let restCalls = 0;
    let count = 0;
    let eventContext: GraphContext | undefined;
    const { callerId } = context;
    const args = { schema, document, operationName: operation.name?.value ?? null, variableValues: variables ?? {} };
    const toErrors = (errors: readonly GraphQLError[]) => {
      for (const error of errors) codes.add(toCode(error));
      return this.#toFormatted(errors, context);
    };
    const toResult = async (event: WatchEvent<unknown>): Promise<SubscriptionResult> => {
      count++;
      if ('failure' in event) return { errors: toErrors([toGraphQLError(event.failure, { document, operation })]) };
      eventContext = createContext();
      const { data, errors } = await execute({
        ...args,
        rootValue: event.value,
        contextValue: { operation: eventContext },
      });
      restCalls += eventContext.restCalls;
      eventContext.end();
      return { data: data ?? null, ...(errors === undefined ? {} : { errors: toErrors(errors) }) };
    };
    const source = await createSourceEventStream({ ...args, contextValue: { operation: context } });
    const events = isSource(source)
      ? mapEvents(source, toResult)
      : once<SubscriptionResult>({ errors: toErrors('errors' in source ? (source.errors ?? []) : []) });
    // A source begins with the first event that is asked of it: whoever is refused here has cost nothing.
    const leave = callerId && (await limits.admitSubscription(callerId, { schema, document, operation }));
    const watched = whenEnded(events, () => {
      if (!this.#open.delete(watched)) return;
      gone.removeEventListener('abort', end);
      eventContext?.leave();
      if (leave) leave();
      this.#over(operation, context, { begun, restCalls, events: count, errors: codes });
    });
    const end = () => void watched.return?.();
    gone.addEventListener('abort', end);
    this.#open.add(watched);
    // Either may have happened while this one was begun.
    if (gone.aborted || lifecycle.draining.aborted) end();
    return watched;
  }

  /** Tells of one that has ended, or was refused. */
  #over(
    operation: OperationDefinitionNode | undefined,
    { requestId, trace }: GraphContext,
    facts: Pick<OperationFacts, 'begun' | 'restCalls' | 'events'> & { readonly errors: ReadonlySet<string> },
  ): void {
    const { log, countOperation } = this.#options;
    logOperation(log, operation, { requestId, traceId: trace?.traceId, ...facts });
    countOperation(operation, facts.errors);
    trace?.end(operation, facts.errors);
  }

  // As Apollo Server does for queries. Throws InvalidDocumentError or GraphQLError.
  #prepare(request: SubscriptionRequest): Prepared {
    const { schema, config } = this.#options;
    const { operationName, variables } = request;
    const document = this.#toDocument(request);
    const operation = getOperationAST(document, operationName);
    if (!operation) throw refuse(400, 'OPERATION_RESOLUTION_FAILURE', 'There is no such operation.');
    if (operation.operation !== OperationTypeNode.SUBSCRIPTION) {
      throw refuse(
        400,
        'BAD_REQUEST',
        'This carries subscriptions alone: send queries and mutations by POST to /graphql.',
      );
    }
    const unfit = checkVariables(schema, operation, variables ?? {}, config);
    if (unfit !== undefined) throw unfit;
    return { document, operation };
  }

  #toDocument(request: SubscriptionRequest): DocumentNode {
    const { trusted, readDocument } = this.#options;
    const found = trusted?.find(request);
    if (found !== undefined) return found.document;
    if (trusted?.only === true) throw toTrustedDocumentRequired();
    if (request.query === '' && toDocumentIds(request).length > 0) {
      // Apollo's clients for phones, and urql, send the text when they have read exactly this.
      throw refuse(400, 'PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound');
    }
    return readDocument(request.query);
  }

  #toFormatted(errors: readonly GraphQLError[], context: GraphContext): readonly FormattedError[] {
    const { log, config } = this.#options;
    const { requestId } = context;
    logUnexpected(log, errors, context);
    return errors.map((error) => {
      const formatted = toFormattedError(error.toJSON(), error, !config.introspection);
      return new FormattedError({ ...formatted, extensions: { ...formatted.extensions, requestId } });
    });
  }
}

function refuse(status: number, code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status } } });
}

function refuseForNow(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'OVERLOADED', retryAfter: 1, http: { status: 503 } } });
}

function toStatus(extensions: Readonly<Record<string, unknown>> | undefined): number {
  const http = extensions?.['http'];
  return typeof http === 'object' && http !== null && 'status' in http && typeof http.status === 'number'
    ? http.status
    : 500;
}

// With what was asked for, the path is that of its one field.
function toGraphQLError(thrown: unknown, asked?: Prepared): GraphQLError {
  if (thrown instanceof GraphQLError) return thrown;
  const originalError = thrown instanceof Error ? thrown : new Error('Something was thrown that is no error.');
  const field = asked && toRootField(asked.operation.selectionSet, asked.document);
  const path = field && [field.alias?.value ?? field.name.value];
  return new GraphQLError(originalError.message, { originalError, path: path ?? null });
}

// It may stand in a fragment.
function toRootField({ selections: [first] }: SelectionSetNode, document: DocumentNode): FieldNode | undefined {
  switch (first?.kind) {
    case undefined:
    case Kind.FIELD:
      return first;
    case Kind.INLINE_FRAGMENT:
      return toRootField(first.selectionSet, document);
    case Kind.FRAGMENT_SPREAD: {
      const { value } = first.name;
      const fragment = document.definitions.find(
        (each) => each.kind === Kind.FRAGMENT_DEFINITION && each.name.value === value,
      );
      return fragment?.kind === Kind.FRAGMENT_DEFINITION ? toRootField(fragment.selectionSet, document) : undefined;
    }
  }
}

function isSource(value: AsyncIterable<unknown> | ExecutionResult): value is AsyncIterable<WatchEvent<unknown>> {
  return Symbol.asyncIterator in value;
}

async function* once<T>(event: T): AsyncGenerator<T> {
  yield await Promise.resolve(event);
}

/** The same events; tells when they end, however they do. */
function whenEnded<T>(events: AsyncGenerator<T> | Repeater<T>, ended: () => void): AsyncIterableIterator<T> {
  const told = {
    next: async () => {
      const next = await events.next();
      if (next.done === true) ended();
      return next;
    },
    return: () => {
      ended();
      return events.return(undefined);
    },
    throw: (error: unknown) => {
      ended();
      return events.throw(error);
    },
    [Symbol.asyncIterator]: () => told,
  };
  return told;
}
