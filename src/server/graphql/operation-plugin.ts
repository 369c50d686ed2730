// The steps of a query or mutation in Apollo Server: check, admit, execute, then log, count and trace. They are one plugin, because Apollo
// Server calls the same hook of several plugins at the same time.
import type { ApolloServerPlugin, GraphQLRequest, GraphQLRequestContextWillSendResponse } from '@apollo/server';
import { type GraphQLError, OperationTypeNode } from 'graphql';
import type { Logger } from 'pino';
import type { Config } from '../../config.js';
import type { ContextValue } from '../../graph/context.js';
import { createRequestError } from '../../graph/error-codes.js';
import { formatGraphqlError, toErrorCode } from '../../graph/errors.js';
import { checkVariables } from '../../graph/execution/variables.js';
import { maxValidationErrors } from '../../graph/limits/document-limits.js';
import { isObject } from '../../json.js';
import type { Admission } from '../admission/admission.js';
import { logOperation, logUnexpected } from '../telemetry/logging.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { ApolloExecutor } from './apollo-executor.js';
import type { TrustedDocuments } from './trusted-documents.js';

/** Dependencies of the plugin. */
export interface OperationPluginOptions {
  readonly config: Config;
  readonly trusted: TrustedDocuments | undefined;
  readonly admission: Admission;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly respond: ApolloExecutor<ContextValue>['respond'];
}

/** Creates the plugin for Apollo Server. */
export function createOperationPlugin(options: OperationPluginOptions): ApolloServerPlugin<ContextValue> {
  const { config, trusted, admission, log, metrics, respond } = options;
  return {
    contextCreationDidFail: ({ error }) => {
      // Logs unexpected errors only: one with a code is a rejection.
      logUnexpected(log, [error], undefined);
      return Promise.resolve();
    },
    unexpectedErrorProcessingRequest: ({ requestContext, error }) => {
      logUnexpected(log, [error], requestContext.contextValue.operation);
      return Promise.resolve();
    },
    requestDidStart: ({ request, contextValue: { operation: context } }) => {
      const startedAt = performance.now();
      const rejection = trusted?.resolveRequest(request);
      rejectMalformedHash(request);
      let release: (() => void) | undefined;
      return Promise.resolve({
        didResolveOperation: async ({ schema, document, operation }) => {
          if (rejection !== undefined) throw rejection;
          // Apollo Server rejects a document without the named operation by itself.
          if (operation === undefined) return;
          if (operation.operation === OperationTypeNode.SUBSCRIPTION) throw createSubscriptionError();
          const invalid = checkVariables(schema, operation, request.variables ?? {}, config);
          if (invalid !== undefined) throw invalid;
          release = await admission.admit(context, { schema, document, operation });
        },
        responseForOperation: respond,
        didEncounterErrors: ({ errors }) => {
          logUnexpected(log, errors, context);
          return Promise.resolve();
        },
        willSendResponse: (requestContext) => {
          release?.();
          rejectSubscriptionByGet(requestContext);
          completeErrors(requestContext, context.requestId);
          context.auditSecretReads();
          const { operation, errors = [] } = requestContext;
          const codes = errors.map(toErrorCode);
          const { requestId, trace, restCalls, callerId } = context;
          logOperation(log, operation, {
            requestId,
            traceId: trace?.traceId,
            startedAt,
            restCalls,
            errors: codes,
          });
          metrics.countResponse(operation, codes, { startedAt, restCalls, callerId });
          trace?.end(operation, codes);
          return Promise.resolve();
        },
      });
    },
  };
}

// Removes a hash that is not a string, on which Apollo Server throws. It rejects the rest, because the version is missing.
function rejectMalformedHash({ extensions }: GraphQLRequest): void {
  const persisted: unknown = extensions?.['persistedQuery'];
  if (extensions && isObject(persisted) && typeof persisted['sha256Hash'] !== 'string')
    extensions['persistedQuery'] = {};
}

// Replaces the response to a subscription by GET. Apollo Server rejects that with 405, before it calls `didResolveOperation`.
function rejectSubscriptionByGet({
  operation,
  request,
  response,
}: GraphQLRequestContextWillSendResponse<ContextValue>): void {
  if (operation?.operation !== OperationTypeNode.SUBSCRIPTION || request.http?.method !== 'GET') return;
  const error = createSubscriptionError();
  response.http.status = 400;
  response.http.headers.delete('allow');
  response.body = { kind: 'single', singleResult: { errors: [formatGraphqlError(error.toJSON(), error)] } };
}

function createSubscriptionError(): GraphQLError {
  const message =
    'POST and GET /graphql do not run subscriptions. Use WebSocket at /graphql, or Server-Sent Events at /graphql/stream.';
  return createRequestError('BAD_REQUEST', message);
}

// Adds the request id to every error. Drops the validation error that graphql-js appends to say that it stopped.
function completeErrors({ response }: GraphQLRequestContextWillSendResponse<ContextValue>, requestId: string): void {
  if (response.body.kind !== 'single') return;
  const { singleResult } = response.body;
  const { errors } = singleResult;
  if (errors === undefined) return;
  const isInvalid = errors[0]?.extensions?.['code'] === 'GRAPHQL_VALIDATION_FAILED';
  singleResult.errors = (isInvalid ? errors.slice(0, maxValidationErrors) : errors).map((error) => ({
    ...error,
    extensions: { ...error.extensions, requestId },
  }));
}
