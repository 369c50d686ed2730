// How deep JSON is nested, before it is parsed: a parser takes far longer over depth than over length.

/** The deepest nesting that is read: variables and their document need a tenth of it. */
export const deepestNesting = 100;

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Whether JSON, as UTF-8, is nested deeper than `most`. Of what is no JSON it may say either. */
export function isNestedDeeper(json: Buffer, most: number): boolean {
  let depth = 0;
  let isText = false;
  for (let index = 0; index < json.length; index++) {
    const byte = json[index] ?? 0;
    if (byte === quote) isText = !isText;
    else if (isText) {
      // Whatever it escapes is one byte at least, and no quote that ends the text.
      if (byte === backslash) index++;
    } else if (byte === openBracket || byte === openBrace) {
      if (++depth > most) return true;
    } else if (byte === closeBracket || byte === closeBrace) depth--;
  }
  return false;
}
