// What JSON is made of, looked at before it is parsed: a parser takes far longer over depth, and over many small values, than over length.
// The REST API's answers are looked at, and callers' requests.

// The largest that is documented, and a request with all its variables, need a tenth of it.
const deepestNesting = 100;

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * Whether JSON is nested deeper than 100 lists and objects, or has more values than there may be, its lists and objects among them. Of what
 * is no JSON it may say either.
 */
export function isTooComplex(json: string, mostValues = Infinity): boolean {
  let depth = 0;
  let values = 0;
  for (let index = 0; index < json.length; index++) {
    const code = json.charCodeAt(index);
    if (code === quote) index = toEndOfText(json, index);
    else if (code === openBracket || code === openBrace) {
      values++;
      if (++depth > deepestNesting) return true;
    } else if (code === closeBracket || code === closeBrace) depth--;
    else if (code === comma) values++;
  }
  return values > mostValues;
}

/** Where the text that begins at `begin` has its closing quote; the length where it has none. Most of JSON is texts: they are leapt over. */
function toEndOfText(json: string, begin: number): number {
  let end = begin;
  do {
    end = json.indexOf('"', end + 1);
    if (end < 0) return json.length;
  } while (isEscaped(json, end));
  return end;
}

// After an odd number of backslashes: an even one is of backslashes that are escaped themselves.
function isEscaped(json: string, index: number): boolean {
  let before = index;
  while (json.charCodeAt(before - 1) === backslash) before--;
  return (index - before) % 2 === 1;
}
