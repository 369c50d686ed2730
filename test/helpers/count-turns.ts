// Counts turns of the event loop.
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Returns how many turns of the event loop other work in this process gets until a promise settles. Rejects if the promise does. */
export async function countTurns(work: Promise<unknown>): Promise<number> {
  const done = new AbortController();
  let turns = 0;
  const count = async () => {
    while (!done.signal.aborted) {
      await nextTurn();
      turns++;
    }
  };
  const counting = count();
  try {
    await work;
  } finally {
    done.abort();
    await counting;
  }
  return turns;
}
