// Where log lines go: stdout, without waiting for its reader. While stdout is not read, lines are buffered up to a limit, and then dropped and
// counted. Audit lines have a reserve of their own above that limit.
import process, { stderr, stdout } from 'node:process';

/** The `msg` of an audit line. */
export const auditMessage = 'audit';

/** Maximum size of the buffered lines, in bytes. */
const maxBuffered = 1024 * 1024;
/** Maximum size of the buffered lines when an audit line is added, in bytes. A line has about 400. */
const maxBufferedWithAudit = 5 * maxBuffered;

/** A destination of pino that writes to stdout. */
export interface LogDestination {
  /** Makes pino set `lastMsg` before each call of `write`. */
  readonly [pinoMetadata]: true;
  /** The `msg` of the line that is being written. */
  lastMsg?: string;
  readonly write: (line: string) => void;
  /** Counts the dropped lines, audit lines excluded. */
  readonly droppedLines: () => number;
  /** Counts the dropped audit lines. */
  readonly droppedAuditLines: () => number;
}

const pinoMetadata: unique symbol = Symbol.for('pino.metadata');

/**
 * Creates the destination. It replaces pino's own, which buffers without limit while stdout is not read, and blocks the exit until it is.
 * At the exit, it reports on stderr how many audit lines stdout has not taken.
 */
export function createLogDestination(): LogDestination {
  let [dropped, droppedAudit] = [0, 0];
  // As the last report in the log said.
  let [reported, reportedAudit] = [0, 0];
  let unwrittenAudit = 0;
  // The callback of `write` gets the error, which cannot be logged anywhere else.
  stdout.on('error', () => undefined);
  process.on('exit', () => {
    const lost = droppedAudit - reportedAudit + (stdout.writableLength > 0 ? unwrittenAudit : 0);
    if (lost > 0) stderr.write(`${lost} audit lines are lost: stdout is not read.\n`);
  });
  const report = () => {
    const [newDropped, newDroppedAudit] = [dropped - reported, droppedAudit - reportedAudit];
    [reported, reportedAudit] = [dropped, droppedAudit];
    const msg = 'log lines dropped: stdout is not read';
    const line = { level: 50, time: Date.now(), dropped: newDropped, droppedAudit: newDroppedAudit, msg };
    stdout.write(`${JSON.stringify(line)}\n`);
  };
  const destination: LogDestination = {
    [pinoMetadata]: true,
    write: (line) => {
      const isAudit = destination.lastMsg === auditMessage;
      const buffered = stdout.writableLength;
      const countDropped = () => {
        if (isAudit) droppedAudit++;
        else dropped++;
      };
      if (buffered >= (isAudit ? maxBufferedWithAudit : maxBuffered)) {
        countDropped();
        return;
      }
      if (dropped + droppedAudit > reported + reportedAudit && buffered < maxBuffered) report();
      if (isAudit) unwrittenAudit++;
      stdout.write(line, (error) => {
        if (isAudit) unwrittenAudit--;
        // The reader of stdout has gone.
        if (error) countDropped();
      });
    },
    droppedLines: () => dropped,
    droppedAuditLines: () => droppedAudit,
  };
  return destination;
}
