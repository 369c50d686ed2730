// Makes the JSON text of results. Divides large ones into slices, so that other requests are served in between.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { countValues, isObject } from '../../json.js';
import { Turns } from '../../turns.js';

// In values: about as much work as executing as many fields.
const maxValuesPerSlice = 2_000;

/**
 * Returns the JSON text of a result, with a line end. Returns a promise of it if the result must wait for a turn of the event loop. `caller`
 * is the API key that the result is for.
 */
export function stringifyResult(result: object, caller?: string): string | Promise<string> {
  const values = countValues(result, maxValuesPerSlice);
  if (values > maxValuesPerSlice) return stringifyInTurns(result, caller);
  const turn = new Turns({ caller, hasResult: true }).take(values);
  return turn === undefined ? toText(result) : turn.then(() => toText(result));
}

function toText(result: object): string {
  return `${JSON.stringify(result)}\n`;
}

async function stringifyInTurns(result: object, caller: string | undefined): Promise<string> {
  const writer = new JsonWriter(new Turns({ caller, hasResult: true }));
  await writer.write(result);
  const text = writer.finish();
  // Sending the text copies it several times: work for a turn of its own.
  await nextTurn();
  return text;
}

/** Appends values to a JSON text, a slice in each turn. */
class JsonWriter {
  readonly #turns: Turns;
  readonly #parts: string[] = [];

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  async write(value: unknown): Promise<void> {
    if (Array.isArray(value)) {
      await this.#writeList(value);
      return;
    }
    const count = countValues(value, maxValuesPerSlice);
    if (isObject(value) && count > maxValuesPerSlice) await this.#writeObject(value);
    else await this.#writeSlice(JSON.stringify(value), count);
  }

  /** Returns the text. */
  finish(): string {
    this.#parts.push('\n');
    return this.#parts.join('');
  }

  async #writeObject(object: Readonly<Record<string, unknown>>): Promise<void> {
    let separator = '{';
    for (const [name, value] of Object.entries(object)) {
      if (value === undefined) continue;
      this.#parts.push(`${separator}${JSON.stringify(name)}:`);
      await this.write(value);
      separator = ',';
    }
    this.#parts.push('}');
  }

  async #writeList(list: readonly unknown[]): Promise<void> {
    let separator = '';
    let slice: unknown[] = [];
    let values = 0;
    const writeSlice = async () => {
      if (slice.length === 0) return;
      this.#parts.push(separator);
      await this.#writeSlice(JSON.stringify(slice).slice(1, -1), values);
      separator = ',';
      slice = [];
      values = 0;
    };
    this.#parts.push('[');
    for (const entry of list) {
      const count = countValues(entry, maxValuesPerSlice);
      if (values + count > maxValuesPerSlice) await writeSlice();
      if (count > maxValuesPerSlice) {
        this.#parts.push(separator);
        await this.write(entry);
        separator = ',';
      } else {
        slice.push(entry);
        values += count;
      }
    }
    await writeSlice();
    this.#parts.push(']');
  }

  async #writeSlice(text: string, values: number): Promise<void> {
    this.#parts.push(text);
    await this.#turns.take(values);
  }
}
