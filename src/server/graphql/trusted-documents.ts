// Trusted documents: the documents of a manifest, validated when the manifest is read. Clients run them by id or by text.
import { hash } from 'node:crypto';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { DocumentNode } from 'graphql';
import type { Logger } from 'pino';
import type { Config } from '../../config.js';
import { RequestError } from '../../graph/error-codes.js';
import { isObject } from '../../json.js';
import type { Lifecycle } from '../lifecycle.js';
import { toLoggable } from '../telemetry/logging.js';
import { ManifestFile, TrustedDocumentsError } from './manifest.js';
import { InvalidDocumentError, type ParseDocument, type ValidDocument } from './parse-document.js';

/** Options of TrustedDocuments. */
export interface TrustedDocumentsOptions {
  /** Path of the manifest. */
  readonly file: string;
  /** Whether the gateway rejects all other documents. */
  readonly only: boolean;
  readonly parseDocument: ParseDocument;
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
export function createUntrustedDocumentError(): RequestError {
  const message =
    'The gateway runs only trusted documents. Send the id or the exact text of a document in its manifest.';
  return new RequestError('TRUSTED_DOCUMENT_REQUIRED', message);
}

/** Returns the ids in a request, without the prefix `sha256:`. */
export function toDocumentIds({ documentId, extensions }: DocumentReference): string[] {
  const persisted = extensions?.['persistedQuery'];
  const ids = [documentId, isObject(persisted) ? persisted['sha256Hash'] : undefined];
  return ids.flatMap((id) => (typeof id === 'string' ? [id.replace(/^sha256:/, '')] : []));
}

/** Adds an empty text to a request that has only an id, because graphql-ws requires a text. */
export function withQueryText(request: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const lacksText = request['query'] === undefined && (request['documentId'] ?? request['extensions']) !== undefined;
  return lacksText ? { ...request, query: '' } : request;
}

/** The documents of one manifest: by exact text, and by id. Each hash is an id too. */
interface DocumentIndex {
  readonly byText: ReadonlyMap<string, ValidDocument>;
  readonly byId: ReadonlyMap<string, ValidDocument>;
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
  find(reference: DocumentReference): ValidDocument | undefined {
    const { byText, byId } = this.#index;
    const matches = toDocumentIds(reference).map((id) => byId.get(id));
    if (reference.query) matches.push(byText.get(reference.query));
    const [first] = matches;
    return matches.every((match) => match === first) ? first : undefined;
  }

  async #read(): Promise<DocumentIndex> {
    const { parseDocument, compileAhead } = this.#options;
    const byText = new Map<string, ValidDocument>();
    const byId = new Map<string, ValidDocument>();
    const problems: string[] = [];
    for (const [id, text] of await this.#manifest.read()) {
      // A manifest may take long to validate: requests go first.
      await yieldToEventLoop();
      try {
        const trusted = byText.get(text) ?? parseDocument(text);
        byText.set(text, trusted);
        for (const key of [id, hash('sha256', text)]) {
          if ((byId.get(key) ?? trusted) !== trusted)
            problems.push(`names a manifest that has two documents with the id ${key}`);
          byId.set(key, trusted);
        }
      } catch (error) {
        if (!(error instanceof InvalidDocumentError)) throw error;
        const [first] = error.errors;
        problems.push(`names a manifest that has an invalid document, ${id}: ${first?.message ?? ''}`);
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
