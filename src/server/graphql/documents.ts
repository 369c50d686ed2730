// The documents that clients send: finds one by its text or id, has it parsed if it is unknown, and remembers the outcome.
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { RequestError } from '../../graph/error-codes.js';
import { isObject } from '../../json.js';
import type { Payer } from '../admission/origin-budget.js';
import { InvalidDocumentError, type ParseDocument, type ValidDocument } from './parse-document.js';
import {
  createUntrustedDocumentError,
  type DocumentReference,
  toDocumentIds,
  type TrustedDocuments,
} from './trusted-documents.js';

/** Dependencies of Documents. */
export interface DocumentsOptions {
  readonly parseDocument: ParseDocument;
  readonly trusted: TrustedDocuments | undefined;
}

/** The valid documents of some clients: by text, and, for automatic persisted queries, the text by its hash. */
class DocumentCache {
  readonly valid: LRUCache<string, ValidDocument>;
  readonly persisted: LRUCache<string, string>;

  /** `share` is the share of the maximum sizes, above 0 and at most 1. */
  constructor(share: number) {
    this.valid = new LRUCache({
      maxSize: maxValidSize * share,
      sizeCalculation: ({ text }) => validOverhead + text.length,
    });
    this.persisted = new LRUCache({
      maxSize: maxPersistedSize * share,
      sizeCalculation: (text) => persistedOverhead + text.length,
    });
  }
}

// Maximum size of all valid documents, in characters of their text. A parsed document takes up to 170 bytes a character.
const maxValidSize = 250_000;
// Even the shortest document takes this many characters' worth.
const validOverhead = 20;

// Maximum size of all automatic persisted queries, in characters of their text. An app has a few dozen, of a few hundred characters each.
const maxPersistedSize = 1_000_000;
// Approximate size of an entry besides its text.
const persistedOverhead = 250;

// Rejected documents, and how long the gateway remembers them.
const maxRejected = 1_000;
const rejectedMs = 60_000;

// A unit of the budget of an origin: about 0.3 ms of parsing and validating.
const charactersPerUnit = 200;
// A key pays for what its operations do. It may be made up, so the origin pays for the rest of a long document.
const maxRefundedUnits = 10;

/** The documents of one process. All transports share it. */
export class Documents {
  readonly #parseDocument: ParseDocument;
  readonly #trusted: TrustedDocuments | undefined;
  readonly #cache = new DocumentCache(0.9);
  // Clients without a key have a cache of their own, so that they cannot push out the documents of the others.
  readonly #keylessCache = new DocumentCache(0.1);
  // By hash of the text.
  readonly #rejected = new LRUCache<string, InvalidDocumentError>({
    max: maxRejected,
    ttl: rejectedMs,
    ttlResolution: 0,
  });

  constructor({ parseDocument, trusted }: DocumentsOptions) {
    this.#parseDocument = parseDocument;
    this.#trusted = trusted;
  }

  /**
   * Finds the document that a request names, or parses and validates its text. `payer` pays for a text that is unknown or invalid, and for
   * every document if it has no API key. Throws InvalidDocumentError, or a GraphQLError.
   */
  find(reference: DocumentReference, payer: Payer): ValidDocument {
    const trusted = this.#trusted?.find(reference);
    if (trusted !== undefined) return trusted;
    if (this.#trusted?.only === true) throw createUntrustedDocumentError();
    const { text, newHash } = this.#toText(reference);
    const cache = payer.hasKey ? this.#cache : this.#keylessCache;
    const cached = this.#cache.valid.get(text) ?? this.#keylessCache.valid.get(text);
    if (cached !== undefined && !payer.hasKey) payer.spend(1);
    const valid = cached ?? this.#parse(text, payer);
    if (cached === undefined) cache.valid.set(text, valid);
    if (newHash !== undefined) cache.persisted.set(newHash, text);
    return valid;
  }

  #parse(text: string, payer: Payer): ValidDocument {
    const units = 1 + Math.floor(text.length / charactersPerUnit);
    payer.spend(units);
    const textHash = hash('sha256', text);
    const rejected = this.#rejected.get(textHash);
    if (rejected !== undefined) {
      payer.refund(units - 1);
      throw rejected;
    }
    try {
      const valid = this.#parseDocument(text);
      if (payer.hasKey) payer.refund(Math.min(units, maxRefundedUnits));
      return valid;
    } catch (error) {
      if (error instanceof InvalidDocumentError) this.#rejected.set(textHash, error);
      throw error;
    }
  }

  /** Returns the text of a document that is not trusted. `newHash` is set if the client registers an automatic persisted query. */
  #toText(reference: DocumentReference): { readonly text: string; readonly newHash?: string } {
    const { query: text = '', extensions } = reference;
    const newHash = toPersistedHash(extensions?.['persistedQuery'] ?? undefined);
    if (text !== '') {
      if (newHash === undefined) return { text };
      if (newHash !== hash('sha256', text)) {
        throw new RequestError('BAD_REQUEST', 'The hash of the persisted query is not the SHA-256 of the query.');
      }
      return { text, newHash };
    }
    const [id] = toDocumentIds(reference);
    if (id === undefined) {
      throw new RequestError('BAD_REQUEST', 'The request has no document. Send its text as query, or its id.');
    }
    const persistedText = this.#cache.persisted.get(id) ?? this.#keylessCache.persisted.get(id);
    if (persistedText !== undefined) return { text: persistedText };
    // Apollo Kotlin, Apollo iOS and urql send the text if the message is exactly this. Relay and others that send documentId do not.
    const sendsHash = isObject(extensions?.['persistedQuery']);
    const message = sendsHash ? 'PersistedQueryNotFound' : unknownIdMessage;
    throw new RequestError('PERSISTED_QUERY_NOT_FOUND', message);
  }
}

const unknownIdMessage =
  'The gateway has no document with this documentId. Its operator must start it with TRUSTED_DOCUMENTS, a manifest that has the id.';

/** Returns the hash in the extension of an automatic persisted query; undefined if there is none. Throws BAD_REQUEST if it is malformed. */
function toPersistedHash(persisted: unknown): string | undefined {
  if (persisted === undefined) return undefined;
  if (isObject(persisted) && persisted['version'] === 1 && typeof persisted['sha256Hash'] === 'string') {
    return persisted['sha256Hash'];
  }
  throw new RequestError('BAD_REQUEST', 'The extension persistedQuery is malformed. Send version 1 and sha256Hash.');
}
