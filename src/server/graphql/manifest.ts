// The manifest of trusted documents: reads its file, within a limit of time because a network file system may hang, and decodes it.
import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import * as z from 'zod';
import { isObject, removeByteOrderMark } from '../../json.js';

/** Reports that a manifest cannot be used. The message is for operators, with a line for each problem. */
export class TrustedDocumentsError extends Error {
  constructor(problems: readonly string[]) {
    super(problems.map((problem) => `TRUSTED_DOCUMENTS ${problem}`).join('\n'));
  }
}

/** Milliseconds after which a read counts as slow. */
const slowReadMs = 2_000;
/** Maximum milliseconds of a read. */
const maxReadMs = 10_000;

/** The file of a manifest. */
export class ManifestFile {
  readonly #path: string;
  readonly #onSlowRead: () => void;
  #reading: Promise<string> | undefined;

  /** Calls `onSlowRead` when a read takes more than 2 s. */
  constructor(path: string, onSlowRead: () => void) {
    this.#path = path;
    this.#onSlowRead = onSlowRead;
  }

  /**
   * Returns the ids and texts of the documents. Rejects with TrustedDocumentsError if the file is no regular file or has no manifest. Also
   * rejects if it cannot be read within 10 s, or while an earlier read of it hangs.
   */
  async read(): Promise<readonly (readonly [id: string, text: string])[]> {
    return toEntries(parse(await this.#readText()));
  }

  async #readText(): Promise<string> {
    // A read that hangs blocks one of the few threads for files and DNS, so there must be no second one.
    if (this.#reading !== undefined) throw new TrustedDocumentsError(['names a file of which an earlier read hangs']);
    this.#reading = readRegularFile(this.#path).finally(() => {
      this.#reading = undefined;
    });
    let timer: NodeJS.Timeout | undefined;
    const slowTimer = setTimeout(this.#onSlowRead, slowReadMs);
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new TrustedDocumentsError([`names a file that could not be read within ${maxReadMs / 1_000} s`]));
      }, maxReadMs);
    });
    try {
      return await Promise.race([this.#reading, timeout]);
    } finally {
      clearTimeout(slowTimer);
      clearTimeout(timer);
    }
  }
}

async function readRegularFile(path: string): Promise<string> {
  try {
    // Opening a device may act on it, and opening a FIFO waits for its writer.
    if (!(await stat(path)).isFile()) throw new TrustedDocumentsError(['names no regular file']);
    // Does not wait even if a FIFO has replaced the file since.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof TrustedDocumentsError) throw error;
    const code = isObject(error) ? String(error['code']) : 'unknown reason';
    throw new TrustedDocumentsError([`names a file that cannot be read (${code})`]);
  }
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(removeByteOrderMark(text));
    return value;
  } catch {
    throw new TrustedDocumentsError(['names a file that is not JSON']);
  }
}

// Apollo's generators for the web, Kotlin and iOS write the first form; GraphQL Codegen, Relay's compiler and others write the second.
const manifest = z.union([
  z
    .object({
      format: z.literal('apollo-persisted-query-manifest'),
      version: z.literal(1),
      operations: z.array(z.object({ id: z.string().min(1), body: z.string() })),
    })
    .transform(({ operations }) => operations.map(({ id, body }): [string, string] => [id, body])),
  z.record(z.string().min(1), z.string()).transform((texts) => Object.entries(texts)),
]);

function toEntries(value: unknown): readonly (readonly [id: string, text: string])[] {
  const { data } = manifest.safeParse(value);
  if (data !== undefined) return data;
  throw new TrustedDocumentsError([
    'must name a manifest: format apollo-persisted-query-manifest, version 1, or a JSON object that maps ids to documents',
  ]);
}
