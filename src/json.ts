// JSON for every layer: bounds on a text, parsing that alters no number, and checks of the type of a value.

/** Maximum nesting of arrays and objects. The deepest documented response, and a request with all its variables, need a tenth of this. */
export const maxNesting = 100;

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * Reports whether a JSON text nests more than 100 arrays and objects, or holds more than `maxValues` values. Counts each array and object,
 * and each of their entries after the first.
 * A parser spends far more time on depth and on many small values than on length. The result for a text that is not JSON is unspecified.
 */
export function isTooComplex(json: string, maxValues = Infinity): boolean {
  let depth = 0;
  let values = 0;
  for (let index = 0; index < json.length; index++) {
    const code = json.charCodeAt(index);
    if (code === quote) index = findEndOfString(json, index);
    else if (code === openBracket || code === openBrace) {
      values++;
      if (++depth > maxNesting) return true;
    } else if (code === closeBracket || code === closeBrace) depth--;
    else if (code === comma) values++;
  }
  return values > maxValues;
}

/**
 * Parses a JSON text. Returns each number that a double does not hold exactly as a string with its digits, e.g. an integer beyond 2^53 - 1.
 * Only a number so close to an integer that a double is that integer becomes it. Throws SyntaxError if the text is not JSON, RangeError if
 * it nests more than 100 arrays and objects.
 */
export function parseExactly(json: string): unknown {
  const value: unknown = JSON.parse(json);
  // To look at the parsed numbers takes a fifth of the time of a search in the text.
  return holdsOnlySafeIntegers(value, 0) ? value : JSON.parse(quoteLongNumbers(json));
}

function holdsOnlySafeIntegers(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  const isList = Array.isArray(value);
  if (!isList && !isObject(value)) return true;
  if (depth === maxNesting) throw new RangeError(`The JSON nests more than ${maxNesting} arrays and objects.`);
  if (isList) return value.every((entry) => holdsOnlySafeIntegers(entry, depth + 1));
  for (const name in value) if (!holdsOnlySafeIntegers(value[name], depth + 1)) return false;
  return true;
}

function quoteLongNumbers(json: string): string {
  const stringOrNumber = /"|-?\d[\d.eE+-]*/g;
  let result = '';
  let end = 0;
  for (let match = stringOrNumber.exec(json); match !== null; match = stringOrNumber.exec(json)) {
    const [token] = match;
    if (token === '"') stringOrNumber.lastIndex = findEndOfString(json, match.index) + 1;
    else if (!isExact(token)) {
      result += `${json.slice(end, match.index)}"${token}"`;
      end = stringOrNumber.lastIndex;
    }
  }
  return result + json.slice(end);
}

// A double holds any decimal number of up to 15 digits, within its range (IEEE 754, 5.12.2).
function isExact(number: string): boolean {
  const value = Number(number);
  if (/^-?\d+$/.test(number)) return Number.isSafeInteger(value);
  const digits = number
    .replace(/[eE].*$/, '')
    .replace(/\D/g, '')
    .replace(/^0+/, '');
  return Number.isFinite(value) && (digits.length <= 15 || String(value) === number) && (value !== 0 || digits === '');
}

// Returns the index of the closing quote of the string that starts at `begin`, or the text's length if there is none. Most of a JSON text
// is strings, so skipping them saves most of the scan.
function findEndOfString(json: string, begin: number): number {
  let end = begin;
  do {
    end = json.indexOf('"', end + 1);
    if (end < 0) return json.length;
  } while (isEscaped(json, end));
  return end;
}

// A quote is escaped after an odd number of backslashes: in an even number, they escape each other.
function isEscaped(json: string, index: number): boolean {
  let before = index;
  while (json.charCodeAt(before - 1) === backslash) before--;
  return (index - before) % 2 === 1;
}

/** Returns the number of values in a JSON value, itself included. Stops counting above `max`. */
export function countValues(value: unknown, max: number): number {
  let count = 1;
  if (Array.isArray(value)) {
    for (const entry of value) {
      count += countValues(entry, max);
      if (count > max) break;
    }
  } else if (isObject(value)) {
    for (const name in value) {
      count += countValues(value[name], max);
      if (count > max) break;
    }
  }
  return count;
}

/** Reports whether a value is a JSON object: not null, not an array. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns a text without the byte order mark that some programs write before JSON. A parser may ignore it (RFC 8259, 8.1). */
export function removeByteOrderMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}
