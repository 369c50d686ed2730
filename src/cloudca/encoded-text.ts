// Finds strings in a text in which they may be encoded: escaped as in JSON, percent-encoded, or in base64.

/** A part of a text: the index of its first character, and the index after its last. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** Finds one string in texts. */
export class EncodedString {
  readonly #value: string;
  readonly #base64: readonly string[];

  /** The string must have characters other than escapes; otherwise it is found in no text. */
  constructor(value: string) {
    this.#value = decode(value).text;
    this.#base64 = toBase64Cores(value).flatMap((digits) => [
      ...new Set([digits, toBase64Url(digits)].map(foldSpaces)),
    ]);
  }

  /** Returns where the string occurs in a decoded text, as ranges of the text before it was decoded. */
  find(decoded: DecodedText): readonly TextRange[] {
    const plain = findAll(decoded, this.#value);
    return [...plain, ...this.#base64.flatMap((digits) => findAll(decoded, digits).map(decoded.withBase64Neighbors))];
  }
}

/**
 * A text without its escapes, for comparison with another such text. Backslashes are left out and pluses read as spaces, so that one pass
 * is enough for JSON texts in JSON texts and for forms.
 */
export class DecodedText {
  /** The text without its escapes. */
  readonly text: string;
  readonly #source: string;
  // For each escape, in order: index and length in the decoded text, index and length in the source.
  readonly #escapes: readonly (readonly [number, number, number, number])[];

  constructor(text: string, source: string, escapes: readonly (readonly [number, number, number, number])[]) {
    this.text = text;
    this.#source = source;
    this.#escapes = escapes;
  }

  /** Returns the part of the source that a part of the decoded text comes from, with the backslashes before it. */
  toSource(start: number, end: number): TextRange {
    const [index, length, sourceIndex] = this.#escapeBefore(start) ?? noEscape;
    const isInside = start > index && start < index + length;
    return { start: isInside ? sourceIndex : start === 0 ? 0 : this.#endOf(start - 1), end: this.#endOf(end - 1) };
  }

  /** Extends a range of base64 digits by the digits that also encode the text before and after, and by the padding. */
  readonly withBase64Neighbors = ({ start, end }: TextRange): TextRange => {
    const before = /[\w+/-]/.test(this.#source.charAt(start - 1)) ? 1 : 0;
    const after = /^[\w+/-]?={0,2}/.exec(this.#source.slice(end, end + 3))?.[0].length ?? 0;
    return { start: start - before, end: end + after };
  };

  // Returns the index in the source after the character at this index of the decoded text.
  #endOf(position: number): number {
    const [index, length, sourceIndex, sourceLength] = this.#escapeBefore(position) ?? noEscape;
    const sourceEnd = sourceIndex + sourceLength;
    return position < index + length ? sourceEnd : sourceEnd + position - (index + length) + 1;
  }

  // Returns the last escape that begins at or before this index of the decoded text.
  #escapeBefore(position: number): readonly [number, number, number, number] | undefined {
    let low = 0;
    let high = this.#escapes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#escapes[middle]?.[0] ?? Infinity) <= position) low = middle + 1;
      else high = middle;
    }
    return this.#escapes[low - 1];
  }
}

// A shorter string would be found by chance.
const minLength = 4;

const noEscape = [0, 0, 0, 0] as const;

// Backslashes, alone or as \uXXXX; a percent-encoded byte below 128, or all other bytes in a row. %25 is a percent sign, so %2541 is %41.
const escapePattern = /\\+(?:u([\da-f]{4}))?|%(?:25)*([0-7][\da-f])|(?:%(?:25)*[89a-f][\da-f])+/gi;

/** Removes the escapes from a text. Takes linear time. */
export function decode(source: string): DecodedText {
  if (!source.includes('\\') && !source.includes('%')) return new DecodedText(foldSpaces(source), source, []);
  const escapes: (readonly [number, number, number, number])[] = [];
  let text = '';
  let end = 0;
  for (const { 0: escape, 1: unit, 2: byte, index } of source.matchAll(escapePattern)) {
    text += source.slice(end, index);
    const decoded = decodeEscape(escape, unit ?? byte);
    escapes.push([text.length, decoded.length, index, escape.length]);
    text += decoded;
    end = index + escape.length;
  }
  return new DecodedText(foldSpaces(text + source.slice(end)), source, escapes);
}

function decodeEscape(escape: string, code: string | undefined): string {
  if (code !== undefined) {
    const character = String.fromCharCode(Number.parseInt(code, 16));
    return character === '\\' ? '' : character;
  }
  return escape.startsWith('\\') ? '' : Buffer.from(escape.replace(/%(?:25)*/g, ''), 'hex').toString('utf8');
}

function foldSpaces(text: string): string {
  return text.includes('+') ? text.replaceAll('+', ' ') : text;
}

function findAll(decoded: DecodedText, value: string): readonly TextRange[] {
  if (value.length < minLength) return [];
  let start = decoded.text.indexOf(value);
  if (start < 0) return [];
  const ranges: TextRange[] = [];
  for (; start >= 0; start = decoded.text.indexOf(value, start + value.length)) {
    ranges.push(decoded.toSource(start, start + value.length));
  }
  return ranges;
}

/** Returns the base64 of a string at each of the three offsets in a longer text, without the digits that also encode its neighbors. */
function toBase64Cores(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  return [0, 1, 2].map((offset) => {
    const digits = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    const complete = Math.floor(((offset + bytes.length) * 8) / 6);
    return digits.slice(Math.ceil((offset * 8) / 6), complete);
  });
}

function toBase64Url(digits: string): string {
  return digits.replaceAll('+', '-').replaceAll('/', '_');
}
