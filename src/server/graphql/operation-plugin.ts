// The course of a query or mutation, as Apollo Server tells of it: checked, admitted, executed, and over: logged, counted, traced.
// One plugin has all of it, one after the other: the same hook of several Apollo Server would call at the same time.
import type { ApolloServerPlugin, GraphQLRequest, GraphQLRequestContextWillSendResponse } from '@apollo/server';
import { GraphQLError, OperationTypeNode } from 'graphql';
import type { Logger } from 'pino';
import { isObject } from '../../cloudca/envelope.js';
import type { Config } from '../../config.js';
import type { ContextValue } from '../../graph/context.js';
import { toCode, toFormattedError } from '../../graph/errors.js';
import { mostValidationErrors } from '../../graph/limits/query-limits.js';
import { checkVariables } from '../../graph/execution/variables.js';
import type { ApolloExecution } from './apollo-executor.js';
import type { Limits } from '../admission/admission.js';
import { logOperation, logUnexpected } from '../telemetry/logging.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { TrustedDocuments } from './trusted-documents.js';

/** What operations pass on their way. */
export interface OperationsOptions {
  readonly config: Config;
  readonly trusted: TrustedDocuments | undefined;
  readonly limits: Limits;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Executes an operation. */
  readonly respond: ApolloExecution<ContextValue>['respond'];
}

/** Makes the plugin. */
export function createOperationPlugin(options: OperationsOptions): ApolloServerPlugin<ContextValue> {
  const { config, trusted, limits, log, metrics, respond } = options;
  return {
    contextCreationDidFail: ({ error }) => {
      // What is foreseen there is a refusal.
      logUnexpected(log, [error], undefined);
      return Promise.resolve();
    },
    unexpectedErrorProcessingRequest: ({ requestContext, error }) => {
      logUnexpected(log, [error], requestContext.contextValue.operation);
      return Promise.resolve();
    },
    requestDidStart: ({ request, contextValue: { operation: context } }) => {
      const begun = performance.now();
      const untrusted = trusted?.begin(request);
      refuseOddHash(request);
      let leave: (() => void) | undefined;
      return Promise.resolve({
        didResolveOperation: async ({ schema, document, operation }) => {
          if (untrusted !== undefined) throw untrusted;
          // Apollo Server tells by itself of a document that has no such operation.
          if (operation === undefined) return;
          if (operation.operation === OperationTypeNode.SUBSCRIPTION) throw subscriptionsElsewhere();
          const unfit = checkVariables(schema, operation, request.variables ?? {}, config);
          if (unfit !== undefined) throw unfit;
          leave = await limits.admit(context, { schema, document, operation });
        },
        responseForOperation: respond,
        didEncounterErrors: ({ errors }) => {
          logUnexpected(log, errors, context);
          return Promise.resolve();
        },
        willSendResponse: (answered) => {
          leave?.();
          refuseSubscriptionByGet(answered);
          completeErrors(answered, context.requestId);
          context.end();
          const { operation, errors = [] } = answered;
          const codes = errors.map(toCode);
          const { requestId, trace, restCalls } = context;
          logOperation(log, operation, { requestId, traceId: trace?.traceId, begun, restCalls, errors: codes });
          metrics.countAnswered(operation, codes, { begun, restCalls });
          trace?.end(operation, codes);
          return Promise.resolve();
        },
      });
    },
  };
}

// Apollo Server stumbles over a hash that cannot be made a text; what has no version it refuses.
function refuseOddHash({ extensions }: GraphQLRequest): void {
  const persisted: unknown = extensions?.['persistedQuery'];
  if (extensions && isObject(persisted) && typeof persisted['sha256Hash'] !== 'string')
    extensions['persistedQuery'] = {};
}

// Apollo Server refuses all but queries by GET, with 405, before it asks whether the operation may run.
function refuseSubscriptionByGet({
  operation,
  request,
  response,
}: GraphQLRequestContextWillSendResponse<ContextValue>): void {
  if (operation?.operation !== OperationTypeNode.SUBSCRIPTION || request.http?.method !== 'GET') return;
  const error = subscriptionsElsewhere();
  response.http.status = 400;
  response.http.headers.delete('allow');
  response.body = { kind: 'single', singleResult: { errors: [toFormattedError(error.toJSON(), error)] } };
}

function subscriptionsElsewhere(): GraphQLError {
  const message = 'Subscriptions come by WebSocket at /graphql, or by Server-Sent Events at /graphql/stream.';
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } });
}

// Every error has the request's id; and of those of validation, graphql-js adds one to the most that are wanted, saying that it stopped.
function completeErrors({ response }: GraphQLRequestContextWillSendResponse<ContextValue>, requestId: string): void {
  if (response.body.kind !== 'single') return;
  const { singleResult } = response.body;
  const { errors } = singleResult;
  if (errors === undefined) return;
  const isInvalid = errors[0]?.extensions?.['code'] === 'GRAPHQL_VALIDATION_FAILED';
  singleResult.errors = (isInvalid ? errors.slice(0, mostValidationErrors) : errors).map((error) => ({
    ...error,
    extensions: { ...error.extensions, requestId },
  }));
}
