// Decodes wire objects field by field. A required field must be present and of its type, otherwise the response is bad. An optional field
// of another type reads null, with a warning. Surplus fields are ignored.
import { isObject } from '../json.js';
import { BadResponseError } from './errors.js';

/** An unexpected value in a response, which was read as null or as unknown. */
export interface WireWarning {
  /** Type and name of the field, e.g. `siteToSiteVpn.ikeHashAlgorithm`. */
  readonly field: string;
  /** The problem with the value, e.g. `of the wrong type, read as null`. */
  readonly problem: string;
}

// The range of GraphQL's Int (GraphQL October 2021, 3.5.1).
const maxInt = 2_147_483_647;

/** Reads the fields of one wire object. */
export class WireFields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #type: string;
  readonly #warn: (warning: WireWarning) => void;

  /** `type` names the object in messages, e.g. `vpc`. Throws BadResponseError if the value is not an object. */
  constructor(value: unknown, type: string, warn: (warning: WireWarning) => void) {
    if (!isObject(value)) throw new BadResponseError(`The REST API sent a ${type} that is not an object.`);
    this.#fields = value;
    this.#type = type;
    this.#warn = warn;
  }

  /** Reads a required string. Throws BadResponseError if it is missing or of another type. */
  string(name: string): string {
    const value = this.#fields[name];
    if (typeof value === 'string') return value;
    throw new BadResponseError(`The REST API sent a ${this.#type} whose ${name} is not a string.`);
  }

  /** Reads an optional string. Returns null if it is absent or, with a warning, of another type. */
  optionalString(name: string): string | null {
    const value = this.#fields[name] ?? null;
    return value === null || typeof value === 'string' ? value : this.#warnWrongType(name);
  }

  /** Reads an optional boolean. Returns null if it is absent or, with a warning, of another type. */
  optionalBoolean(name: string): boolean | null {
    const value = this.#fields[name] ?? null;
    return value === null || typeof value === 'boolean' ? value : this.#warnWrongType(name);
  }

  /** Reads an optional integer in the range of GraphQL's Int. Returns null if it is absent or, with a warning, anything else. */
  optionalInteger(name: string): number | null {
    const value = this.#fields[name] ?? null;
    if (value === null) return null;
    return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= maxInt
      ? value
      : this.#warnWrongType(name);
  }

  /** Returns the fields of an optional object; null if it is absent or, with a warning, of another type. */
  optionalObject(name: string): WireFields | null {
    const value = this.#fields[name] ?? null;
    if (value === null) return null;
    return isObject(value) ? new WireFields(value, `${this.#type}.${name}`, this.#warn) : this.#warnWrongType(name);
  }

  /** Returns the field's value unchecked; undefined if it is absent or null. */
  unknown(name: string): unknown {
    return this.#fields[name] ?? undefined;
  }

  /** Reports an unexpected value in a field. `problem` says what is wrong with it. */
  warn(name: string, problem: string): void {
    this.#warn({ field: `${this.#type}.${name}`, problem });
  }

  #warnWrongType(name: string): null {
    this.warn(name, 'of the wrong type, read as null');
    return null;
  }
}

/** Returns the entries of a wire list. Throws BadResponseError if the value is not an array; `type` names the entries in its message. */
export function toList(data: unknown, type: string): readonly unknown[] {
  if (Array.isArray(data)) return data;
  throw new BadResponseError(`The REST API sent a list of ${type} that is not an array.`);
}
