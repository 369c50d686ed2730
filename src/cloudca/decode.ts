// Reads the fields of an object of the wire, one by one: a required one that is missing or of the wrong type is a bad response, an
// optional one reads null with a warning. Surplus fields are never looked at.
import type { WireWarning } from './client.js';
import { isObject } from './envelope.js';
import { BadResponseError } from './errors.js';

// GraphQL's Int (GraphQL October 2021, 3.5.1): what does not fit could not be answered.
const largestInt = 2_147_483_647;

/** The fields of one object of the wire. */
export class WireFields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #type: string;
  readonly #warn: (warning: WireWarning) => void;

  /** `type` names it in messages, e.g. `vpc`. Throws BadResponseError where the value is no object. */
  constructor(value: unknown, type: string, warn: (warning: WireWarning) => void) {
    if (!isObject(value)) throw new BadResponseError(`The REST API sent something that is no ${type}.`);
    this.#fields = value;
    this.#type = type;
    this.#warn = warn;
  }

  /** A string that must be there. Throws BadResponseError. */
  string(name: string): string {
    const value = this.#fields[name];
    if (typeof value === 'string') return value;
    throw new BadResponseError(`The REST API sent a ${this.#type} whose ${name} is not a string.`);
  }

  /** A string, or null. */
  optionalString(name: string): string | null {
    const value = this.#fields[name] ?? null;
    return value === null || typeof value === 'string' ? value : this.#wrongType(name);
  }

  /** A boolean, or null. */
  optionalBoolean(name: string): boolean | null {
    const value = this.#fields[name] ?? null;
    return value === null || typeof value === 'boolean' ? value : this.#wrongType(name);
  }

  /** A whole number that GraphQL's Int can hold, or null. */
  optionalInteger(name: string): number | null {
    const value = this.#fields[name] ?? null;
    if (value === null) return null;
    return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= largestInt
      ? value
      : this.#wrongType(name);
  }

  /** The fields of an object, or null. */
  optionalObject(name: string): WireFields | null {
    const value = this.#fields[name] ?? null;
    if (value === null) return null;
    return isObject(value) ? new WireFields(value, `${this.#type}.${name}`, this.#warn) : this.#wrongType(name);
  }

  /** The field's value as it came; undefined where it is absent or null. */
  unknown(name: string): unknown {
    return this.#fields[name] ?? undefined;
  }

  /** Warns of one of the fields; `problem` tells the log what is wrong with it. */
  warn(name: string, problem: string): void {
    this.#warn({ field: `${this.#type}.${name}`, problem });
  }

  #wrongType(name: string): null {
    this.warn(name, 'of the wrong type, read as null');
    return null;
  }
}

/** The entries of a list of the wire. Throws BadResponseError where it is none. */
export function toList(data: unknown, type: string): readonly unknown[] {
  if (Array.isArray(data)) return data;
  throw new BadResponseError(`The REST API sent something that is no list of ${type}.`);
}
