// Decodes wire objects field by field. Tolerant of forms: a number in a text is read as the number. Strict about what is required: such a
// field must be readable, otherwise the response is bad. An optional field that is not readable reads null. Surplus fields are ignored.
import { isObject } from '../json.js';
import { BadResponseError } from './errors.js';

/** The undocumented forms of values that the gateway reads all the same. */
export type LenientForm =
  'blank' | 'boolean_as_text' | 'byte_order_mark' | 'id_as_number' | 'list_as_array' | 'number_as_text';

/** An unexpected value in a response. */
export interface WireWarning {
  /** Type and name of the field, e.g. `siteToSiteVpn.ikeHashAlgorithm`. */
  readonly field: string;
  /** The problem with the value, e.g. `of the wrong type, read as null`. */
  readonly problem: string;
  /** The form of a value that was read all the same. Undefined if the value was read as null or as unknown. */
  readonly form?: LenientForm;
}

/** Receives unexpected values. */
export type Warn = (warning: WireWarning) => void;

/** A type of field: its documented form, and another form that is read all the same. */
interface FieldType<T> {
  /** Completes the sentence that the field is not of the type, e.g. `a string`. */
  readonly noun: string;
  readonly isDocumentedForm: (value: unknown) => value is T;
  /** Reads the other form. Returns undefined if the value does not have that either. */
  readonly readOtherForm?: (value: unknown) => T | undefined;
  readonly otherForm?: LenientForm;
}

/** Reads the fields of one wire object. */
export class WireFields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #type: string;
  readonly #warn: Warn;

  /** `type` names the object in messages, e.g. `vpc`. Throws BadResponseError if the value is not an object. */
  constructor(value: unknown, type: string, warn: Warn) {
    if (!isObject(value)) throw new BadResponseError(`The REST API sent ${withArticle(type)} that is not an object.`);
    this.#fields = value;
    this.#type = type;
    this.#warn = warn;
  }

  /** Reads a required string. Throws BadResponseError if it is missing or of another type. */
  string(name: string): string {
    return this.#required(name, text);
  }

  /** Reads a required id, a string or a whole number. Throws BadResponseError if it is missing or of another type. */
  id(name: string): string {
    return this.#required(name, id);
  }

  /** Reads an optional string. Returns null if it is absent or, with a warning, of another type. */
  optionalString(name: string): string | null {
    return this.#optional(name, text);
  }

  /** Reads an optional id, a string or a whole number. Returns null if it is absent or, with a warning, of another type. */
  optionalId(name: string): string | null {
    return this.#optional(name, id);
  }

  /** Reads an optional boolean, or a text that holds one. Returns null if it is absent or, with a warning, of another type. */
  optionalBoolean(name: string): boolean | null {
    return this.#optional(name, boolean);
  }

  /**
   * Reads an optional integer in the range of GraphQL's Int, or a text that holds one. Returns null if it is absent or, with a warning,
   * anything else.
   */
  optionalInteger(name: string): number | null {
    return this.#optional(name, integer);
  }

  /** Reads an optional integer of any size, or a text that holds one. Returns null if it is absent or, with a warning, anything else. */
  optionalCount(name: string): number | null {
    return this.#optional(name, count);
  }

  /** Returns the fields of an optional object; null if it is absent or, with a warning, of another type. */
  optionalObject(name: string): WireFields | null {
    const fields = this.#optional(name, object);
    return fields === null ? null : new WireFields(fields, `${this.#type}.${name}`, this.#warn);
  }

  /** Decodes an optional object. Returns null if it is absent or, with a warning, if it or one of its required fields is not readable. */
  optionalEntity<T>(name: string, decode: (fields: WireFields) => T): T | null {
    const fields = this.optionalObject(name);
    try {
      return fields === null ? null : decode(fields);
    } catch (error) {
      if (!(error instanceof BadResponseError)) throw error;
      this.warn(name, 'without a required field, read as null');
      return null;
    }
  }

  /** Returns the field's value unchecked; undefined if it is absent or null. */
  unknown(name: string): unknown {
    return this.#fields[name] ?? undefined;
  }

  /** Creates the error for a required field that is not readable. `noun` is what it must be, e.g. `a string`. */
  createError(name: string, noun: string): BadResponseError {
    return new BadResponseError(`The REST API sent ${withArticle(this.#type)} whose ${name} is not ${noun}.`);
  }

  /** Reports an unexpected value in a field. `problem` says what is wrong with it. */
  warn(name: string, problem: string): void {
    this.#warn({ field: `${this.#type}.${name}`, problem });
  }

  /** Reports a value that was read although its form is not documented. */
  warnLenient(name: string, form: LenientForm): void {
    this.#warn({ field: `${this.#type}.${name}`, problem: lenientProblems[form], form });
  }

  #required<T>(name: string, type: FieldType<T>): T {
    const value = this.#fields[name];
    if (type.isDocumentedForm(value)) return value;
    const read = this.#readOtherForm(name, value, type);
    if (read === undefined) throw this.createError(name, type.noun);
    return read;
  }

  #optional<T>(name: string, type: FieldType<T>): T | null {
    const value = this.#fields[name] ?? null;
    if (value === null || type.isDocumentedForm(value)) return value;
    const read = this.#readOtherForm(name, value, type);
    if (read === undefined) this.warn(name, 'of the wrong type, read as null');
    return read ?? null;
  }

  #readOtherForm<T>(name: string, value: unknown, { readOtherForm, otherForm }: FieldType<T>): T | undefined {
    const read = readOtherForm?.(value);
    if (read !== undefined && otherForm !== undefined) this.warnLenient(name, otherForm);
    return read;
  }
}

/** Returns the entries of a wire list. Throws BadResponseError if the value is not an array; `type` names the entries in its message. */
export function toList(data: unknown, type: string): readonly unknown[] {
  if (Array.isArray(data)) return data;
  throw new BadResponseError(`The REST API sent a list of ${type} that is not an array.`);
}

/** The problem in the warning of each form. */
export const lenientProblems: Readonly<Record<LenientForm, string>> = {
  blank: 'blank, read from another field',
  boolean_as_text: 'a boolean in a text, read as the boolean',
  byte_order_mark: 'begins with a byte order mark, ignored',
  id_as_number: 'a number, read as its digits',
  list_as_array: 'an array, read as a list separated by commas',
  number_as_text: 'a number in a text, read as the number',
};

function withArticle(type: string): string {
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;
}

// The range of GraphQL's Int (GraphQL October 2021, 3.5.1).
const maxInt = 2_147_483_647;

const text: FieldType<string> = {
  noun: 'a string',
  isDocumentedForm: (value) => typeof value === 'string',
};

const id: FieldType<string> = {
  ...text,
  // The digits of a larger number are not those that the REST API sent.
  readOtherForm: (value) => (Number.isSafeInteger(value) ? String(value) : undefined),
  otherForm: 'id_as_number',
};

const booleans = new Map([
  ['true', true],
  ['false', false],
]);

const boolean: FieldType<boolean> = {
  noun: 'a boolean',
  isDocumentedForm: (value) => typeof value === 'boolean',
  readOtherForm: (value) => (typeof value === 'string' ? booleans.get(value.trim().toLowerCase()) : undefined),
  otherForm: 'boolean_as_text',
};

const integer: FieldType<number> = {
  noun: 'an integer',
  isDocumentedForm: (value): value is number => isInteger(value) && Math.abs(value) <= maxInt,
  readOtherForm: (value) => {
    const number = readDigits(value);
    return integer.isDocumentedForm(number) ? number : undefined;
  },
  otherForm: 'number_as_text',
};

const count: FieldType<number> = {
  noun: 'an integer',
  isDocumentedForm: isInteger,
  readOtherForm: readDigits,
  otherForm: 'number_as_text',
};

function isInteger(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value);
}

function readDigits(value: unknown): number | undefined {
  return typeof value === 'string' && /^\s*-?\d{1,20}(?:\.0+)?\s*$/.test(value) ? Number(value) : undefined;
}

const object: FieldType<Readonly<Record<string, unknown>>> = {
  noun: 'an object',
  isDocumentedForm: isObject,
};
