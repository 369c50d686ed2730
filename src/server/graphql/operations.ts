// The path of one operation, the same for every transport: find the document, check type and variables, charge, admit, execute, format the
// errors, log. Transports only read requests and write results.
import {
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type OperationTypeNode,
} from 'graphql';
import type { Logger } from 'pino';
import type { Config } from '../../config.js';
import type { GraphContext, RestCallRecord } from '../../graph/context.js';
import { RequestError } from '../../graph/error-codes.js';
import { formatGraphqlError } from '../../graph/errors.js';
import type { Executor } from '../../graph/execution/executor.js';
import type { OperationVariables } from '../../graph/execution/variables.js';
import type { Admission } from '../admission/admission.js';
import type { Payer } from '../admission/origin-budget.js';
import type { Budget } from '../admission/rate-limit.js';
import type { UnreadBytes } from '../http/unread-bytes.js';
import { logOperation, logUnexpected, type OperationSummary } from '../telemetry/logging.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { Documents } from './documents.js';
import { findOperation, InvalidDocumentError, type KnownOperation } from './parse-document.js';
import type { DocumentReference } from './trusted-documents.js';

/** A request for an operation, as a transport has read it. */
export interface OperationRequest extends DocumentReference {
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

/** Describes the sender of a request and the types of operation that its transport runs. */
export interface OperationCaller {
  readonly context: GraphContext;
  readonly payer: Payer;
  /** Returns the error for a type of operation that the transport does not run. */
  readonly checkType: (type: OperationTypeNode) => RequestError | undefined;
}

/** Carries an operation whose request has passed the checks, through the steps after them. */
export interface Operation extends Pick<KnownOperation, 'document' | 'operation'> {
  readonly variables: OperationVariables;
  /** The number of REST calls that it is expected to make, at least 1. */
  readonly cost: number;
}

/** The errors that a request is rejected with, formatted for the client. */
export interface Rejection {
  readonly errors: readonly GraphQLFormattedError[];
  /** HTTP status. */
  readonly status: number;
  /** Seconds until a retry may succeed; undefined if that is unknown. */
  readonly retryAfter?: number | undefined;
}

/** The result of an operation or event. */
export interface OperationResult {
  readonly data: Readonly<Record<string, unknown>> | null;
  /** Formatted for the client; undefined if there are none. */
  readonly errors?: readonly GraphQLFormattedError[];
}

/** The response to a query or mutation. */
export interface OperationResponse {
  /** Its result, or what it was rejected with. */
  readonly outcome: Rejection | (OperationResult & { readonly status: 200 });
  /** Budget of the API key. Undefined without a key or a rate limit. */
  readonly budget?: Budget | undefined;
  /** The REST calls that were made, if the client has asked for them. */
  readonly restCalls?: readonly RestCallRecord[] | undefined;
}

/** Holds what a response needs, besides the operation and its outcome. */
interface ResponseDetails {
  readonly context: GraphContext;
  /** In milliseconds, on the clock of performance.now(). */
  readonly startedAt: number;
  /** Budget of the API key after the operation was charged to it; undefined if it was not. */
  readonly charged?: Budget | undefined;
}

/** Dependencies of Operations. */
export interface OperationsOptions {
  readonly config: Config;
  readonly schema: GraphQLSchema;
  readonly documents: Documents;
  readonly admission: Admission;
  readonly unreadBytes: UnreadBytes;
  readonly execute: Executor;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** The operations of one process. */
export class Operations {
  readonly #options: OperationsOptions;

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  /** Finds the document and the operation of a request. Throws InvalidDocumentError or a GraphQLError. */
  find(request: OperationRequest, { payer, checkType }: Omit<OperationCaller, 'context'>): KnownOperation {
    const known = findOperation(this.#options.documents.find(request, payer), request.operationName);
    const wrongType = checkType(known.operation.operation);
    if (wrongType !== undefined) throw wrongType;
    return known;
  }

  /** Checks the variables of a request for an operation. Throws a GraphQLError. */
  prepare(known: KnownOperation, request: OperationRequest): Operation {
    const { document, operation, readVariables, toCost } = known;
    const variables = readVariables(request.variables ?? {});
    return { document, operation, variables, cost: toCost(variables.coerced) };
  }

  /** Runs a query or mutation. Never rejects: a failure is in the response. */
  run(request: OperationRequest, caller: OperationCaller): Promise<OperationResponse> {
    const { context } = caller;
    const startedAt = performance.now();
    let known: KnownOperation | undefined;
    try {
      known = this.find(request, caller);
      return this.#runKnown(this.prepare(known, request), context, startedAt);
    } catch (thrown) {
      return this.#respond(known?.operation, this.reject(thrown, context), { context, startedAt });
    }
  }

  // Does not get the request, which would stay in memory for as long as the operation lasts, with all that it does not need.
  async #runKnown(operation: Operation, context: GraphContext, startedAt: number): Promise<OperationResponse> {
    const { admission } = this.#options;
    const charged: { budget?: Budget } = {};
    let outcome: OperationResponse['outcome'];
    let release: (() => void) | undefined;
    try {
      release = await admission.admit(context, operation.cost, (budget) => (charged.budget = budget));
      // After the queue, in which the operation may have waited for others whose results nobody reads.
      if (this.#options.unreadBytes.isFull(context.callerId)) {
        throw new RequestError('RATE_LIMITED', 'This API key does not read its responses. Read them first.', {
          retryAfter: 1,
        });
      }
      outcome = { status: 200, ...(await this.execute(operation, context)) };
    } catch (thrown) {
      outcome = this.reject(thrown, context);
    }
    release?.();
    return this.#respond(operation.operation, outcome, { context, startedAt, charged: charged.budget });
  }

  async #respond(
    operation: OperationDefinitionNode | undefined,
    outcome: OperationResponse['outcome'],
    { context, startedAt, charged }: ResponseDetails,
  ): Promise<OperationResponse> {
    context.auditSecretReads();
    const codes = (outcome.errors ?? []).map(({ extensions }) => String(extensions?.['code']));
    const { restCalls, callerId, app } = context;
    this.#options.metrics.countResponse(operation, codes, { startedAt, restCalls, callerId, app });
    this.#log(operation, context, { startedAt, restCalls, errors: codes });
    const budget =
      callerId === undefined ? undefined : (charged ?? (await this.#options.admission.readBudget(callerId)));
    return { outcome, budget, restCalls: context.restCallRecords };
  }

  /** Executes an operation, or one event of a subscription, within its result budget. */
  async execute(
    { document, operation, variables }: Operation,
    context: GraphContext,
    rootValue?: unknown,
  ): Promise<OperationResult> {
    const contextValue = { operation: context };
    const { data = null, errors } = await this.#options.execute({
      document,
      operation,
      variables,
      contextValue,
      rootValue,
    });
    return errors === undefined ? { data } : { errors: this.formatErrors(errors, context), data };
  }

  /** Formats what a request was rejected with: an InvalidDocumentError, a GraphQLError, or an unexpected error (status 500). */
  reject(thrown: unknown, context: GraphContext): Rejection {
    if (thrown instanceof InvalidDocumentError) {
      return { status: 400, errors: thrown.errors.map((error) => withRequestId(error, context)) };
    }
    const errors = this.formatErrors([thrown], context);
    return thrown instanceof RequestError
      ? { status: thrown.status, retryAfter: thrown.retryAfter, errors }
      : { status: 500, errors };
  }

  /** Formats errors for the client, and logs the unexpected ones. */
  formatErrors(errors: readonly unknown[], context: GraphContext): readonly GraphQLFormattedError[] {
    const { log, config, schema } = this.#options;
    logUnexpected(log, errors, context);
    return errors.map((error) => {
      const formatted = error instanceof GraphQLError ? error.toJSON() : { message: '' };
      const options = { introspection: config.introspection, schema };
      return withRequestId(formatGraphqlError(formatted, error, options), context);
    });
  }

  /** Logs, counts and traces a subscription that has ended or was rejected. */
  recordSubscription(
    operation: OperationDefinitionNode | undefined,
    context: GraphContext,
    summary: Omit<OperationSummary, 'requestId' | 'traceId' | 'app'>,
  ): void {
    const [firstCode] = summary.errors;
    // An event without an error has data of the REST API, so it has accepted the key.
    const isAccepted = firstCode === undefined && (summary.events ?? 0) > 0;
    const acceptedCaller = isAccepted ? context.callerId : undefined;
    this.#options.metrics.countOperation(operation, summary.errors, { acceptedCaller, app: context.app });
    this.#log(operation, context, summary);
  }

  #log(
    operation: OperationDefinitionNode | undefined,
    { requestId, app, trace }: GraphContext,
    summary: Omit<OperationSummary, 'requestId' | 'traceId' | 'app'>,
  ): void {
    logOperation(this.#options.log, operation, { requestId, traceId: trace?.traceId, app, ...summary });
    trace?.end(operation, summary.errors);
  }
}

/** Returns a formatted error with the request id of a context. */
export function withRequestId(
  error: GraphQLFormattedError,
  { requestId }: Pick<GraphContext, 'requestId'>,
): GraphQLFormattedError {
  return { ...error, extensions: { ...error.extensions, requestId } };
}
