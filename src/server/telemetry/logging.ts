// Structured logs: the logger, a line for each operation, a line for what nobody foresaw. What is logged is picked, field by field:
// nothing has to be struck out, since no object of a caller's or of a library's is ever handed over whole.
import { setTimeout as sleep } from 'node:timers/promises';
import { type OperationDefinitionNode, OperationTypeNode } from 'graphql';
import { type Logger, pino } from 'pino';
import type { LogLevel } from '../../config.js';
import type { GraphContext } from '../../graph/context.js';
import { toCause, toCode } from '../../graph/errors.js';

/** Makes the logger: JSON lines on stdout; `transport` puts them in colours for a terminal. */
export function createLogger(level: LogLevel, pretty: boolean): Logger {
  const options = { level, base: null };
  if (!pretty) return pino(options, createDestination());
  return pino({
    ...options,
    transport: { target: 'pino-pretty', options: { colorize: true, ignore: 'pid,hostname' } },
  });
}

// In bytes.
const mostUnwritten = 1024 * 1024;

/** Where lines go. */
interface Destination {
  readonly write: (line: string) => void;
  readonly flush: () => void;
}

// Not pino's own: that keeps all that nobody reads, and has the process wait at its end for someone to read it, for ever.
function createDestination(): Destination {
  const { stdout } = process;
  let lost = 0;
  // The lines of this turn of the event loop: each by itself would be a call of the system's.
  let lines = '';
  const flush = () => {
    if (lines !== '') stdout.write(lines);
    lines = '';
  };
  // Who reads has gone: there is nobody to tell.
  stdout.on('error', () => undefined);
  process.on('exit', flush);
  return {
    write: (line) => {
      if (stdout.writableLength + lines.length >= mostUnwritten) {
        lost++;
        return;
      }
      if (lines === '') setImmediate(flush);
      if (lost > 0) {
        lines += `${JSON.stringify({ level: 50, time: Date.now(), lost, msg: 'lines lost, since nobody read' })}\n`;
        lost = 0;
      }
      lines += line;
    },
    flush,
  };
}

/** Resolves once all that was logged is on its way; after a second in any case. */
export async function whenWritten(log: Logger): Promise<void> {
  log.flush();
  const written = new Promise<void>((resolve) => {
    process.stdout.write('', () => {
      resolve();
    });
  });
  await Promise.race([written, sleep(1_000)]);
}

/** What may be told of an error that nobody foresaw: no message, since it may quote what a caller sent. */
export function toLoggable(error: unknown): Readonly<Record<string, unknown>> {
  if (typeof error !== 'object' || error === null) return { type: typeof error };
  const picked: Record<string, unknown> = {};
  if ('name' in error && typeof error.name === 'string') picked['type'] = error.name;
  if ('code' in error && (typeof error.code === 'string' || typeof error.code === 'number'))
    picked['code'] = error.code;
  if ('stack' in error && typeof error.stack === 'string') picked['stack'] = toFrames(error.stack, error);
  return picked;
}

// The first lines of a stack are the message, which may have lines that look like frames.
function toFrames(stack: string, error: object): string {
  const message = 'message' in error && typeof error.message === 'string' ? error.message : '';
  const begin = stack.indexOf(message);
  // A message that was changed after the stack was made cannot be told from it.
  if (begin < 0) return '';
  return stack
    .slice(begin + message.length)
    .split('\n')
    .filter((line) => /^ {4}at /.test(line))
    .join('\n');
}

// A name is the caller's to choose: one that is long would fill the log.
const longestName = 100;

/** What is told of an operation besides what it is. */
export interface OperationFacts {
  readonly requestId: string;
  readonly traceId?: string | undefined;
  /** When it began, on performance.now()'s clock. */
  readonly begun: number;
  readonly restCalls: number;
  /** Codes of its errors. */
  readonly errors: Iterable<string>;
  /** Of a subscription: how many events it had. */
  readonly events?: number | undefined;
}

/** Logs the one line of an operation; never a variable. */
export function logOperation(log: Logger, operation: OperationDefinitionNode | undefined, facts: OperationFacts): void {
  const { requestId, traceId, begun, restCalls, errors, events } = facts;
  const line = {
    requestId,
    traceId,
    restCalls,
    events,
    operation: operation?.name?.value.slice(0, longestName) ?? null,
    type: operation?.operation ?? null,
    durationMs: Math.round((performance.now() - begun) * 10) / 10,
    errors: [...new Set(errors)],
  };
  log.info(line, 'operation');
  // What was done must be told before anybody is answered that it was.
  if (operation?.operation === OperationTypeNode.MUTATION) log.flush();
}

/** Logs those of several errors that nobody has foreseen, and the operation that they befell, where there is one. */
export function logUnexpected(log: Logger, errors: readonly unknown[], operation: GraphContext | undefined): void {
  for (const error of errors) {
    if (toCode(error) !== 'INTERNAL_SERVER_ERROR') continue;
    const facts = operation && { requestId: operation.requestId, traceId: operation.trace?.traceId };
    log.error({ ...facts, err: toLoggable(toCause(error)) }, 'unexpected error');
  }
}
