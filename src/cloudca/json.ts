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
 * Whether JSON, as UTF-8, is nested deeper than 100 lists and objects, or has more values than there may be, its lists and objects among
 * them. Of what is no JSON it may say either.
 */
export function isTooComplex(json: Buffer, mostValues = Infinity): boolean {
  let depth = 0;
  let values = 0;
  let isText = false;
  for (let index = 0; index < json.length; index++) {
    const byte = json[index] ?? 0;
    if (byte === quote) isText = !isText;
    else if (isText) {
      // Whatever it escapes is one byte at least, and no quote that ends the text.
      if (byte === backslash) index++;
    } else if (byte === openBracket || byte === openBrace) {
      values++;
      if (++depth > deepestNesting) return true;
    } else if (byte === closeBracket || byte === closeBrace) depth--;
    else if (byte === comma) values++;
  }
  return values > mostValues;
}
