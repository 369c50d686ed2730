// Measures the JSON text of a value without making it.
import { isObject } from '../../json.js';

// `\u0001`: the longest form of a character in JSON.
const maxEscapedLength = 6;

/** Reports whether the JSON text of a value is longer than `maxLength` characters. Stops once it is. */
export function isLongerThan(value: unknown, maxLength: number): boolean {
  // Counting escaped characters takes ten times as long, so it is left to values that may be too long because of them.
  if (subtractLength(value, maxLength / maxEscapedLength, toPlainLength) >= 0) return false;
  return subtractLength(value, maxLength, toEscapedLength) < 0;
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

/** Subtracts the length of a value. Returns what is left; a negative number as soon as nothing is. */
function subtractLength(value: unknown, length: number, toLength: (text: string) => number): number {
  if (typeof value === 'string') return length - toLength(value) - punctuationLength;
  let left = length - leafLength;
  if (Array.isArray(value)) {
    for (const entry of value) {
      left = subtractLength(entry, left, toLength);
      if (left < 0) break;
    }
  } else if (isObject(value)) {
    for (const name in value) {
      left = subtractLength(value[name], left - name.length - punctuationLength, toLength);
      if (left < 0) break;
    }
  }
  return left;
}
