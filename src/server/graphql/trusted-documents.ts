// Trusted documents: those of a manifest, read and found valid before anything is asked for. They run by their id, and where only they may
// run, what Apollo Server goes on with is one of them by construction.
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setImmediate as breathe } from 'node:timers/promises';
import type { GraphQLRequest } from '@apollo/server';
import type { KeyValueCache } from '@apollo/utils.keyvaluecache';
import { type DocumentNode, GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { z } from 'zod';
import { isObject } from '../../cloudca/envelope.js';
import type { Config } from '../../config.js';
import { toFormattedError } from '../../graph/errors.js';
import { InvalidDocumentError } from './parse-document.js';
import type { Lifecycle } from '../lifecycle.js';
import { toLoggable } from '../telemetry/logging.js';

/** A document of the manifest. */
export interface TrustedDocument {
  readonly text: string;
  /** The SHA-256 of the text, in hexadecimal digits. */
  readonly hash: string;
  readonly document: DocumentNode;
}

/** What trusted documents are made with. */
export interface TrustedDocumentsOptions {
  /** The manifest's file. */
  readonly file: string;
  /** Whether nothing else may run. */
  readonly only: boolean;
  /** Reads a document; throws InvalidDocumentError. */
  readonly readDocument: (text: string) => DocumentNode;
  /** Has a document ready to be executed. */
  readonly prepare: (document: DocumentNode) => void;
}

/** What a request says of its document. */
export interface NamedDocument {
  readonly query?: string | undefined;
  /** The id, as GraphQL over HTTP has it (appendix A). */
  readonly documentId?: unknown;
  /** Apollo's clients have it in `persistedQuery.sha256Hash`. */
  readonly extensions?: Readonly<Record<string, unknown>> | null | undefined;
}

/** The manifest is not one to run with; the message has a line for each fault, for operators to read. */
export class TrustedDocumentsError extends Error {
  constructor(faults: readonly string[]) {
    super(faults.map((fault) => `TRUSTED_DOCUMENTS ${fault}`).join('\n'));
  }
}

/** What is answered where only trusted documents run. */
export function toTrustedDocumentRequired(): GraphQLError {
  const message = 'Only trusted documents run here. Send one that the gateway knows, by its id or by its exact text.';
  return new GraphQLError(message, { extensions: { code: 'TRUSTED_DOCUMENT_REQUIRED', http: { status: 400 } } });
}

/** The ids that a request names its document by, without the prefix that says how they are made. */
export function toDocumentIds({ documentId, extensions }: NamedDocument): string[] {
  const persisted = extensions?.['persistedQuery'];
  const sent = [documentId, isObject(persisted) ? persisted['sha256Hash'] : undefined];
  return sent.flatMap((id) => (typeof id === 'string' ? [id.replace(/^sha256:/, '')] : []));
}

/** A request with the text that graphql-ws and graphql-sse want: what is sent by its id need have none, and is given an empty one. */
export function withText(sent: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const lacksText = sent['query'] === undefined && (sent['documentId'] ?? sent['extensions']) !== undefined;
  return lacksText ? { ...sent, query: '' } : sent;
}

/** The documents of one reading: by their exact text, and by their ids, of which the hash is always one. */
interface Known {
  readonly byText: ReadonlyMap<string, TrustedDocument>;
  readonly byId: ReadonlyMap<string, TrustedDocument>;
}

/** The trusted documents of one process. */
export class TrustedDocuments {
  /** Whether nothing else may run. */
  readonly only: boolean;
  readonly #options: TrustedDocumentsOptions;
  #known: Known = { byText: new Map(), byId: new Map() };
  #reading: Promise<unknown> = Promise.resolve();

  /** There are none until they have been read. */
  constructor(options: TrustedDocumentsOptions) {
    this.only = options.only;
    this.#options = options;
  }

  /** How many there are. */
  get count(): number {
    return this.#known.byText.size;
  }

  /** Reads the manifest. Throws TrustedDocumentsError where it is not one to run with; the documents then stay as they were. */
  read(): Promise<void> {
    // One after the other: the reading that was asked for last is the one that stays.
    const read = this.#reading.then(async () => {
      this.#known = await this.#read();
    });
    this.#reading = read.catch(() => undefined);
    return read;
  }

  /** The trusted document that a request names; undefined where anything in it names none, or another. */
  find(named: NamedDocument): TrustedDocument | undefined {
    const { byText, byId } = this.#known;
    const found = toDocumentIds(named).map((id) => byId.get(id));
    if (named.query) found.push(byText.get(named.query));
    return found.every((each) => each === found[0]) ? found[0] : undefined;
  }

  /** A cache whose keys end in the hash of a text, with the trusted documents before its own entries. */
  before<T>(cache: KeyValueCache<T>, take: (document: TrustedDocument) => T): KeyValueCache<T> {
    return {
      get: async (key) => {
        const sought = key.slice(key.lastIndexOf(':') + 1);
        const found = this.#known.byId.get(sought);
        // An id of its own may be the hash of another text.
        return found?.hash === sought ? take(found) : cache.get(key);
      },
      set: (key, value, options) => cache.set(key, value, options),
      delete: (key) => cache.delete(key),
    };
  }

  /**
   * Has Apollo Server go on with the document that a request names, as if its hash had been sent. Where only trusted documents may run,
   * any other request goes on with one that asks for nothing, and gives the refusal for it: earlier, it would be neither logged nor counted.
   */
  begin(request: GraphQLRequest): GraphQLError | undefined {
    const named = { ...request, documentId: readDocumentId(request) };
    // What has a text, and is not held to the manifest, is Apollo Server's.
    if (named.query && !this.only) return undefined;
    const found = this.find(named);
    // An id that is not of the manifest may be an automatic persisted query's.
    const id = this.only ? found?.hash : (found?.hash ?? toDocumentIds(named)[0]);
    if (id !== undefined) goOnWith(request, id);
    else if (this.only) {
      Object.assign(request, { query: '{ __typename }', operationName: undefined, extensions: {} });
      return toTrustedDocumentRequired();
    }
    return undefined;
  }

  async #read(): Promise<Known> {
    const { file, readDocument, prepare } = this.#options;
    const byText = new Map<string, TrustedDocument>();
    const byId = new Map<string, TrustedDocument>();
    const faults: string[] = [];
    for (const [id, text] of toEntries(await readManifest(file))) {
      // What callers have sent goes first.
      await breathe();
      try {
        const trusted = byText.get(text) ?? { text, hash: hash('sha256', text), document: readDocument(text) };
        byText.set(text, trusted);
        for (const each of [id, trusted.hash]) {
          if ((byId.get(each) ?? trusted) !== trusted) faults.push(`names two documents by the id ${each}`);
          byId.set(each, trusted);
        }
      } catch (error) {
        if (!(error instanceof InvalidDocumentError)) throw error;
        const [first] = error.errors;
        const why = first === undefined ? '' : toFormattedError(first.toJSON(), first).message;
        faults.push(`has a document that cannot be run, ${id}: ${why}`);
      }
    }
    if (byText.size === 0 && faults.length === 0) faults.push('names a manifest without any document');
    if (faults.length > 0) throw new TrustedDocumentsError(faults.slice(0, mostFaults));
    for (const { document } of byText.values()) {
      await breathe();
      prepare(document);
    }
    return { byText, byId };
  }
}

/**
 * Reads the manifest that the config names, now and whenever files are to be read again. Throws TrustedDocumentsError where it is not one
 * to start with.
 */
export async function openTrustedDocuments(
  { trustedDocuments: file, trustedDocumentsOnly: only }: Config,
  {
    lifecycle,
    log,
    ...options
  }: Omit<TrustedDocumentsOptions, 'file' | 'only'> & { lifecycle: Lifecycle; log: Logger },
): Promise<TrustedDocuments | undefined> {
  if (file === undefined) return undefined;
  const documents = new TrustedDocuments({ file, only, ...options });
  const read = async () => {
    await documents.read();
    log.info({ documents: documents.count, only }, 'trusted documents read');
  };
  await read();
  lifecycle.onReread(() => {
    read().catch((error: unknown) => {
      const known = error instanceof TrustedDocumentsError ? { faults: error.message.split('\n') } : undefined;
      log.error(known ?? { err: toLoggable(error) }, 'trusted documents not read: those from before stay');
    });
  });
  return documents;
}

// A manifest made for another schema has a fault in each of its documents.
const mostFaults = 10;

// Apollo's generators for the web, Kotlin and iOS write the one; GraphQL Codegen, Relay's compiler and others write ids with texts.
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
    'must name a manifest: of the format apollo-persisted-query-manifest, version 1, or an object from ids to documents',
  ]);
}

async function readManifest(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const code = isObject(error) ? String(error['code']) : 'no reason given';
    throw new TrustedDocumentsError([`names a file that cannot be read (${code})`]);
  }
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    throw new TrustedDocumentsError(['names a file that is not JSON']);
  }
}

function goOnWith(request: GraphQLRequest, id: string): void {
  delete request.query;
  request.extensions = { ...request.extensions, persistedQuery: { version: 1, sha256Hash: id } };
}

// Apollo Server does not read it.
function readDocumentId({ http }: GraphQLRequest): unknown {
  if (http?.method === 'GET') return new URLSearchParams(http.search).get('documentId') ?? undefined;
  return isObject(http?.body) ? http.body['documentId'] : undefined;
}
