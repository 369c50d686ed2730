// Trusted documents: the documents of a manifest, validated when the manifest is read. Clients run them by id or by text. If only they may
// run, Apollo Server receives the hash of one of them with every request, and nothing else can run.
import { hash } from 'node:crypto';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { GraphQLRequest } from '@apollo/server';
import type { KeyValueCache } from '@apollo/utils.keyvaluecache';
import type { DocumentNode, GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import type { Config } from '../../config.js';
import { createRequestError } from '../../graph/error-codes.js';
import { formatGraphqlError } from '../../graph/errors.js';
import { isObject } from '../../json.js';
import type { Lifecycle } from '../lifecycle.js';
import { toLoggable } from '../telemetry/logging.js';
import { ManifestFile, TrustedDocumentsError } from './manifest.js';
import { InvalidDocumentError } from './parse-document.js';

/** A document of the manifest. */
export interface TrustedDocument {
  readonly text: string;
  /** SHA-256 of the text, in hexadecimal. */
  readonly hash: string;
  readonly document: DocumentNode;
}

/** Options of TrustedDocuments. */
export interface TrustedDocumentsOptions {
  /** Path of the manifest. */
  readonly file: string;
  /** Whether the gateway rejects all other documents. */
  readonly only: boolean;
  /** Parses and validates a document. Throws InvalidDocumentError. */
  readonly parseDocument: (text: string) => DocumentNode;
  /** Compiles a document before its first request. */
  readonly compileAhead: (document: DocumentNode) => void;
  /** Called when reading the manifest takes long. Default: does nothing. */
  readonly onSlowRead?: () => void;
}

/** The parts of a request that name its document. */
export interface DocumentReference {
  readonly query?: string | undefined;
  /** Id of the document (GraphQL over HTTP, appendix A). */
  readonly documentId?: unknown;
  /** Apollo's clients send the id in `persistedQuery.sha256Hash`. */
  readonly extensions?: Readonly<Record<string, unknown>> | null | undefined;
}

/** Creates the error for a document that is not trusted. */
export function createUntrustedDocumentError(): GraphQLError {
  const message =
    'The gateway runs only trusted documents. Send the id or the exact text of a document in its manifest.';
  return createRequestError('TRUSTED_DOCUMENT_REQUIRED', message);
}

/** Returns the ids in a request, without the prefix `sha256:`. */
export function toDocumentIds({ documentId, extensions }: DocumentReference): string[] {
  const persisted = extensions?.['persistedQuery'];
  const ids = [documentId, isObject(persisted) ? persisted['sha256Hash'] : undefined];
  return ids.flatMap((id) => (typeof id === 'string' ? [id.replace(/^sha256:/, '')] : []));
}

/** Adds an empty text to a request that has only an id, because graphql-ws and graphql-sse require a text. */
export function withQueryText(request: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const lacksText = request['query'] === undefined && (request['documentId'] ?? request['extensions']) !== undefined;
  return lacksText ? { ...request, query: '' } : request;
}

/** The documents of one manifest: by exact text, and by id. Each hash is an id too. */
interface DocumentIndex {
  readonly byText: ReadonlyMap<string, TrustedDocument>;
  readonly byId: ReadonlyMap<string, TrustedDocument>;
}

/** The trusted documents of one process. */
export class TrustedDocuments {
  /** Whether the gateway rejects all other documents. */
  readonly only: boolean;
  readonly #options: TrustedDocumentsOptions;
  readonly #manifest: ManifestFile;
  #index: DocumentIndex = { byText: new Map(), byId: new Map() };
  #lastRead: Promise<unknown> = Promise.resolve();

  /** Has no documents until `read` resolves. */
  constructor(options: TrustedDocumentsOptions) {
    this.only = options.only;
    this.#options = options;
    this.#manifest = new ManifestFile(options.file, options.onSlowRead ?? (() => undefined));
  }

  /** Counts the documents. */
  get count(): number {
    return this.#index.byText.size;
  }

  /** Reads the manifest. Rejects with TrustedDocumentsError if the manifest cannot be used, and then keeps the previous documents. */
  read(): Promise<void> {
    // Reads one after the other, so that the last call wins.
    const read = this.#lastRead.then(async () => {
      this.#index = await this.#read();
    });
    this.#lastRead = read.catch(() => undefined);
    return read;
  }

  /** Returns the document that a request names. Returns undefined unless its text and all its ids name the same trusted document. */
  find(reference: DocumentReference): TrustedDocument | undefined {
    const { byText, byId } = this.#index;
    const matches = toDocumentIds(reference).map((id) => byId.get(id));
    if (reference.query) matches.push(byText.get(reference.query));
    const [first] = matches;
    return matches.every((match) => match === first) ? first : undefined;
  }

  /** Returns a cache that finds trusted documents first, then the entries of `cache`. Its keys end in the hash of a text. */
  layerOver<T>(cache: KeyValueCache<T>, toValue: (document: TrustedDocument) => T): KeyValueCache<T> {
    return {
      get: async (key) => {
        const keyHash = key.slice(key.lastIndexOf(':') + 1);
        const match = this.#index.byId.get(keyHash);
        // A manifest may give a document an id that is the hash of another text.
        return match?.hash === keyHash ? toValue(match) : cache.get(key);
      },
      set: (key, value, options) => cache.set(key, value, options),
      delete: (key) => cache.delete(key),
    };
  }

  /**
   * Rewrites a request to the hash of the document that it names, for Apollo Server. If only trusted documents may run and it names none,
   * rewrites it to `{ __typename }` and returns the error to reject it with later. An earlier rejection would be neither logged nor counted.
   */
  resolveRequest(request: GraphQLRequest): GraphQLError | undefined {
    const reference = { ...request, documentId: readDocumentId(request) };
    // Apollo Server handles the text itself.
    if (reference.query && !this.only) return undefined;
    const match = this.find(reference);
    // An id that is not in the manifest may be that of an automatic persisted query.
    const id = this.only ? match?.hash : (match?.hash ?? toDocumentIds(reference)[0]);
    if (id !== undefined) replaceByHash(request, id);
    else if (this.only) {
      Object.assign(request, { query: '{ __typename }', operationName: undefined, extensions: {} });
      return createUntrustedDocumentError();
    }
    return undefined;
  }

  async #read(): Promise<DocumentIndex> {
    const { parseDocument, compileAhead } = this.#options;
    const byText = new Map<string, TrustedDocument>();
    const byId = new Map<string, TrustedDocument>();
    const problems: string[] = [];
    for (const [id, text] of await this.#manifest.read()) {
      // A manifest may take long to validate: requests go first.
      await yieldToEventLoop();
      try {
        const trusted = byText.get(text) ?? { text, hash: hash('sha256', text), document: parseDocument(text) };
        byText.set(text, trusted);
        for (const key of [id, trusted.hash]) {
          if ((byId.get(key) ?? trusted) !== trusted)
            problems.push(`names a manifest that has two documents with the id ${key}`);
          byId.set(key, trusted);
        }
      } catch (error) {
        if (!(error instanceof InvalidDocumentError)) throw error;
        const [first] = error.errors;
        const reason = first === undefined ? '' : formatGraphqlError(first.toJSON(), first).message;
        problems.push(`names a manifest that has an invalid document, ${id}: ${reason}`);
      }
    }
    if (byText.size === 0 && problems.length === 0) problems.push('names a manifest that has no documents');
    if (problems.length > 0) throw new TrustedDocumentsError(problems.slice(0, maxProblems));
    for (const { document } of byText.values()) {
      await yieldToEventLoop();
      compileAhead(document);
    }
    return { byText, byId };
  }
}

/**
 * Reads the manifest that the configuration names, now and on each reload. Rejects with TrustedDocumentsError if it cannot be used now;
 * on a reload, logs the problems. Returns undefined if the configuration names none.
 */
export async function openTrustedDocuments(
  { trustedDocuments: file, trustedDocumentsOnly: only }: Config,
  {
    lifecycle,
    log,
    ...options
  }: Omit<TrustedDocumentsOptions, 'file' | 'only' | 'onSlowRead'> & { lifecycle: Lifecycle; log: Logger },
): Promise<TrustedDocuments | undefined> {
  if (file === undefined) return undefined;
  const onSlowRead = () => {
    log.warn('waiting for the file that TRUSTED_DOCUMENTS names');
  };
  const documents = new TrustedDocuments({ file, only, onSlowRead, ...options });
  const read = async () => {
    await documents.read();
    log.info({ documents: documents.count, only }, 'trusted documents loaded');
  };
  await read();
  lifecycle.onReload(() => {
    read().catch((error: unknown) => {
      const details =
        error instanceof TrustedDocumentsError ? { problems: error.message.split('\n') } : { err: toLoggable(error) };
      log.error(details, 'trusted documents not reloaded, previous ones kept');
    });
  });
  return documents;
}

// A manifest for another schema has a problem in each of its documents.
const maxProblems = 10;

function replaceByHash(request: GraphQLRequest, id: string): void {
  delete request.query;
  request.extensions = { ...request.extensions, persistedQuery: { version: 1, sha256Hash: id } };
}

// Apollo Server does not read documentId.
function readDocumentId({ http }: GraphQLRequest): unknown {
  if (http?.method === 'GET') return new URLSearchParams(http.search).get('documentId') ?? undefined;
  return isObject(http?.body) ? http.body['documentId'] : undefined;
}
