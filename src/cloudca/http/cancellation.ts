// Cancellation of one call, and the work that it ends.
import type { CloudcaError } from '../errors.js';

/** Signals the cancellation of one call, with its reason, to at most one listener. An AbortSignal would cost ten times as much. */
export class Cancellation {
  #reason: CloudcaError | undefined;
  #listener: ((reason: CloudcaError) => void) | undefined;

  /** Why the call was cancelled; undefined if it was not. */
  get reason(): CloudcaError | undefined {
    return this.#reason;
  }

  /** Sets the one listener for a later cancellation; undefined removes it. Does not report a cancellation that has already happened. */
  onCancel(listener: ((reason: CloudcaError) => void) | undefined): void {
    this.#listener = listener;
  }

  /** Cancels the call. */
  cancel(reason: CloudcaError): void {
    this.#reason = reason;
    this.#listener?.(reason);
  }
}

/** Waits for some milliseconds. Rejects with the reason of the cancellation, at once. */
export function sleep(milliseconds: number, cancellation: Cancellation): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    cancellation.onCancel((reason) => {
      clearTimeout(timer);
      reject(reason);
    });
  });
}

/** Runs a call that is cancelled after `timeoutMs`, with the reason that `toReason` creates, and by nothing else. */
export async function runToEnd<T>(
  timeoutMs: number,
  toReason: () => CloudcaError,
  call: (cancellation: Cancellation) => Promise<T>,
): Promise<T> {
  const cancellation = new Cancellation();
  const timer = setTimeout(() => {
    cancellation.cancel(toReason());
  }, timeoutMs);
  try {
    return await call(cancellation);
  } finally {
    clearTimeout(timer);
  }
}
