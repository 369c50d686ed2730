// Measures the JSON text of a value without making it.
import { isObject } from '../../json.js';
import { Turns } from '../../turns.js';

// `\u0001`: the longest form of a character in JSON.
const maxEscapedLength = 6;

/**
 * Reports whether the JSON text of a value is longer than `maxLength` characters. Stops once it is. Measures a large value in several turns
 * of the event loop, as those of `caller`.
 */
export async function isLongerThan(value: unknown, maxLength: number, caller?: string): Promise<boolean> {
  const turns = new Turns({ caller, hasResult: true });
  // Counting escaped characters takes ten times as long, so it is left to values that may be too long because of them.
  if (await fits(value, maxLength / maxEscapedLength, turns, toPlainLength)) return false;
  return !(await fits(value, maxLength, turns, toEscapedLength));
}

function toPlainLength(text: string): number {
  return text.length;
}

function toEscapedLength(text: string): number {
  return JSON.stringify(text).length;
}

// Length of a number, a boolean or null, and of punctuation around a value: rough, since long values are what matters.
const leafLength = 8;
const punctuationLength = 4;

const maxValuesPerTurn = 10_000;

async function fits(
  value: unknown,
  maxLength: number,
  turns: Turns,
  toLength: (text: string) => number,
): Promise<boolean> {
  let left = maxLength;
  const unmeasured = [value];
  for (let count = 1; unmeasured.length > 0 && left >= 0; count++) {
    const next = unmeasured.pop();
    if (typeof next === 'string') left -= toLength(next) + punctuationLength;
    else {
      left -= leafLength;
      if (Array.isArray(next)) for (const entry of next) unmeasured.push(entry);
      else if (isObject(next)) {
        for (const name in next) {
          left -= name.length + punctuationLength;
          unmeasured.push(next[name]);
        }
      }
    }
    if (count % maxValuesPerTurn === 0) await turns.take(maxValuesPerTurn);
  }
  return left >= 0;
}
