// Structured logs: the logger, a line for each operation, a line for each unexpected error. Every line is built field by field, so no
// object of a client or a library is logged whole and nothing needs redaction.
import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationDefinitionNode } from 'graphql';
import { type Logger, pino } from 'pino';
import type { LogLevel } from '../../environment-variables.js';
import type { ClientApp, GraphContext } from '../../graph/context.js';
import { unwrapError, toErrorCode } from '../../graph/errors.js';
import type { LogDestination } from './log-destination.js';
import { toShortName } from './operation-name.js';

/**
 * Creates the logger, which writes JSON lines to a destination. Without one, it formats them for a terminal with pino-pretty, a dev
 * dependency: production must pass one.
 */
export function createLogger(level: LogLevel, destination: LogDestination | undefined): Logger {
  const options = { level, base: null };
  if (destination !== undefined) return pino(options, destination);
  return pino({
    ...options,
    transport: { target: 'pino-pretty', options: { colorize: true, ignore: 'pid,hostname' } },
  });
}

/** Resolves when all logged lines are written to stdout, or after one second. */
export async function flushLog(): Promise<void> {
  const written = new Promise<void>((resolve) => {
    process.stdout.write('', () => {
      resolve();
    });
  });
  await Promise.race([written, sleep(1_000)]);
}

/** Returns what may be logged of an unexpected error: its type, code and stack. The message is omitted, since it may quote input. */
export function toLoggable(error: unknown): Readonly<Record<string, unknown>> {
  if (typeof error !== 'object' || error === null) return { type: typeof error };
  const fields: Record<string, unknown> = {};
  if ('name' in error && typeof error.name === 'string') fields['type'] = error.name;
  if ('code' in error && (typeof error.code === 'string' || typeof error.code === 'number'))
    fields['code'] = error.code;
  if ('stack' in error && typeof error.stack === 'string') fields['stack'] = toStackFrames(error.stack, error);
  return fields;
}

// A stack begins with the message, whose lines may look like stack frames.
function toStackFrames(stack: string, error: object): string {
  const message = 'message' in error && typeof error.message === 'string' ? error.message : '';
  const begin = stack.indexOf(message);
  // If the message was changed after the stack was captured, the old one cannot be removed.
  if (begin < 0) return '';
  return stack
    .slice(begin + message.length)
    .split('\n')
    .filter((line) => /^ {4}at /.test(line))
    .join('\n');
}

/** Summarizes an operation that has ended: operations.ts fills it for queries and mutations, subscriptions.ts for subscriptions. */
export interface OperationSummary {
  readonly requestId: string;
  readonly traceId?: string | undefined;
  /** The app of the client, if it names itself. */
  readonly app?: ClientApp | undefined;
  /** In milliseconds, on the clock of performance.now(). */
  readonly startedAt: number;
  /** The number of REST calls, retries included. */
  readonly restCalls: number;
  /** The codes of its errors. */
  readonly errors: Iterable<string>;
  /** The number of events, for a subscription. */
  readonly events?: number | undefined;
}

/** Logs the line of an operation that has ended, without its variables. */
export function logOperation(
  log: Logger,
  operation: OperationDefinitionNode | undefined,
  summary: OperationSummary,
): void {
  const { requestId, traceId, app, startedAt, restCalls, errors, events } = summary;
  const line = {
    requestId,
    traceId,
    client: app?.name,
    clientVersion: app?.version,
    restCalls,
    events,
    operation: toShortName(operation) ?? null,
    type: operation?.operation ?? null,
    durationMs: Math.round((performance.now() - startedAt) * 10) / 10,
    errors: [...new Set(errors)],
  };
  log.info(line, 'operation');
}

/** Logs the unexpected ones among the errors of an operation. An error is unexpected if its code is INTERNAL_SERVER_ERROR. */
export function logUnexpected(log: Logger, errors: readonly unknown[], { requestId, trace }: GraphContext): void {
  for (const error of errors) {
    if (toErrorCode(error) !== 'INTERNAL_SERVER_ERROR') continue;
    log.error({ requestId, traceId: trace?.traceId, err: toLoggable(unwrapError(error)) }, 'unexpected error');
  }
}
