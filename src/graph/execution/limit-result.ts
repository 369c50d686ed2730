// Limits the result of an operation. Ends the operation when its budget stops it, and measures the finished result before it is made a
// text.
import { type ExecutionResult, GraphQLError, type OperationDefinitionNode, OperationTypeNode } from 'graphql';
import { CloudcaError } from '../../cloudca/errors.js';
import { unwrapError } from '../errors.js';
import {
  createTooLongError,
  createTooManyFieldsError,
  maxResultLength,
  type ResultBudget,
  ResultTooLargeError,
} from './result-budget.js';
import { isLongerThan } from './text-length.js';

// An error has about 10 fields: message, line, column, a path of five entries, code, requestId. The first errors are free, so that no error is
// lost because the limit is low.
const fieldsPerError = 10;
const freeErrors = 100;

/** An operation whose result is limited. */
export interface LimitedOperation {
  readonly operation: OperationDefinitionNode;
  readonly budget: ResultBudget;
  /** Returns an upper bound of the result's length, in characters, without errors. Infinity: not known. */
  readonly estimateLength: () => number;
}

/**
 * Returns the result of an operation, or one error in its place if the result is too large. The error comes as soon as the budget stops the
 * operation. Only a mutation, whose writes must finish, ends by itself.
 */
export function limitResult(
  result: Promise<ExecutionResult> | ExecutionResult,
  limited: LimitedOperation,
): Promise<ExecutionResult> | ExecutionResult {
  const { operation, budget } = limited;
  const isMutation = operation.operation === OperationTypeNode.MUTATION;
  const limit = (finished: ExecutionResult): Promise<ExecutionResult> | ExecutionResult => {
    const reason = budget.stopReason ?? findExcess(finished, limited);
    return reason instanceof Promise ? reason.then((excess) => replace(finished, excess)) : replace(finished, reason);
  };
  const replace = (finished: ExecutionResult, reason: Error | undefined): ExecutionResult => {
    if (reason === undefined) return finished;
    if (!isMutation) return toErrorResult(reason);
    // If the client of a mutation has disconnected, the log still gets the outcome.
    return reason instanceof ResultTooLargeError ? toErrorResult(reason.withUnknownOutcome()) : finished;
  };
  if (!(result instanceof Promise)) return limit(result);
  if (isMutation) return result.then(limit);
  return new Promise((resolve, reject) => {
    budget.onStop((reason) => {
      resolve(toErrorResult(reason));
    });
    result.then((finished) => {
      resolve(limit(finished));
    }, reject);
  });
}

function toErrorResult(reason: Error): ExecutionResult {
  return { data: null, errors: [new GraphQLError(reason.message, { originalError: reason })] };
}

function findExcess(
  { data, errors = [] }: ExecutionResult,
  { budget: { fields, maxFields, caller }, estimateLength }: LimitedOperation,
): Promise<ResultTooLargeError | undefined> | ResultTooLargeError | undefined {
  const chargedErrors = errors.length - freeErrors;
  if (chargedErrors <= 0 && estimateLength() <= maxResultLength) return undefined;
  if (maxFields > 0 && chargedErrors > 0 && fields + chargedErrors * fieldsPerError > maxFields) {
    return createTooManyFieldsError(maxFields);
  }
  const maxDataLength = maxResultLength - toErrorsLength(errors);
  const toError = (isTooLong: boolean) => (isTooLong ? createTooLongError() : undefined);
  return maxDataLength < 0 ? toError(true) : isLongerThan(data, maxDataLength, caller).then(toError);
}

// Errors of one REST call have the same cause, which may have 20 KB of details.
function toErrorsLength(errors: readonly GraphQLError[]): number {
  const lengths = new Map<unknown, number>();
  let length = 0;
  for (const error of errors) {
    const cause = unwrapError(error);
    const causeLength = lengths.get(cause) ?? toCauseLength(cause);
    lengths.set(cause, causeLength);
    length += error.message.length + causeLength;
  }
  return length;
}

function toCauseLength(cause: unknown): number {
  // Locations, path, code and request id.
  const overhead = 300;
  return overhead + (cause instanceof CloudcaError ? JSON.stringify(cause.upstream ?? null).length : 0);
}
