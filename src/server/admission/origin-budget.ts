// The budgets of connections and addresses: they pay for what no API key pays for, such as requests without a key and invalid documents.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import proxyAddress from '@fastify/proxy-addr';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';
import { RequestError } from '../../graph/error-codes.js';
import { readApiKey } from '../http/api-key.js';
import { sendError } from '../http/error-responses.js';
import { closeAfterResponse } from '../http/pending-responses.js';
import type { ShedReason } from '../telemetry/metrics.js';

/** Says who pays for a request: its connection, its address, or both. */
export interface Origin {
  /** The connection; undefined if trusted proxies share it among clients. */
  readonly connection: Duplex | undefined;
  /** IP address of the client; the /64 network of an IPv6 address. Undefined if it does not pay. */
  readonly address: string | undefined;
}

/** Pays for what an operation costs before its API key does. */
export interface Payer {
  /** Whether the request has an API key. */
  readonly hasKey: boolean;
  /** Takes units from the budgets of the origin. Throws RATE_LIMITED (429), with Retry-After, if one of them is spent. */
  readonly spend: (units: number) => void;
  /** Gives units back. */
  readonly refund: (units: number) => void;
}

/** A budget that refills steadily. */
interface Budget {
  units: number;
  /** When `units` was last updated, in milliseconds on the clock of performance.now(). */
  updatedAt: number;
}

// A unit is about 0.3 ms of CPU time: a small request, or 200 characters of a document. So one address can take a tenth of a core for long,
// and half a second at once.
const maxUnits = 1_500;
const unitsPerSecond = 300;

// Bounds the memory for addresses; the least recently used is evicted first.
const maxAddresses = 100_000;

/** Message to clients whose connection or address has spent its budget. */
export const originSpentMessage =
  'Too many requests without an API key, or with documents that are invalid, or new and long. Try again later.';

/** The budgets of one process. */
export class OriginBudgets {
  readonly #isUnlimited: boolean;
  readonly #trustedProxies: number;
  readonly #onReject: (reason: ShedReason) => void;
  readonly #byConnection = new WeakMap<Duplex, Budget>();
  readonly #byAddress = new LRUCache<string, Budget>({ max: maxAddresses });

  /** `trustedProxies` proxies in front add the client's address to X-Forwarded-For. With `isUnlimited`, everything is free. */
  constructor(options: { isUnlimited: boolean; trustedProxies: number; onReject: (reason: ShedReason) => void }) {
    this.#isUnlimited = options.isUnlimited;
    this.#trustedProxies = options.trustedProxies;
    this.#onReject = options.onReject;
  }

  /** Returns the origin of a request. */
  toOrigin(request: IncomingMessage): Origin {
    // Each proxy appends the address that it sees. Entries before those of the trusted proxies may be forged.
    const address = proxyAddress(request, (_address, hop) => hop < this.#trustedProxies);
    return { connection: this.#trustedProxies === 0 ? request.socket : undefined, address: toNetwork(address) };
  }

  /** Returns the payer of a request. Calls `toOrigin` when it pays: most requests with an API key never do. */
  toPayer(hasKey: boolean, toOrigin: () => Origin): Payer {
    return {
      hasKey,
      spend: (units) => {
        const waitSeconds = this.spend(toOrigin(), units);
        if (waitSeconds > 0) throw new RequestError('RATE_LIMITED', originSpentMessage, { retryAfter: waitSeconds });
      },
      refund: (units) => {
        this.spend(toOrigin(), -units);
      },
    };
  }

  /**
   * Takes units from the budgets of an origin, or gives them back if negative. Returns 0, or the seconds after which the budgets are enough
   * again. Then takes nothing.
   */
  spend(origin: Origin, units: number): number {
    if (this.#isUnlimited) return 0;
    const budgets = this.#toBudgets(origin);
    const missing = Math.max(...budgets.map((budget) => units - budget.units));
    if (missing > 0) {
      this.#onReject('origin');
      return Math.ceil(missing / unitsPerSecond);
    }
    for (const budget of budgets) budget.units -= units;
    return 0;
  }

  #toBudgets({ connection, address }: Origin): Budget[] {
    const now = performance.now();
    const budgets: Budget[] = [];
    if (address !== undefined) {
      const budget = refill(this.#byAddress.get(address), now);
      this.#byAddress.set(address, budget);
      budgets.push(budget);
    }
    if (connection !== undefined) {
      const budget = refill(this.#byConnection.get(connection), now);
      this.#byConnection.set(connection, budget);
      budgets.push(budget);
    }
    return budgets;
  }
}

function refill(budget: Budget | undefined, now: number): Budget {
  if (budget === undefined) return { units: maxUnits, updatedAt: now };
  budget.units = Math.min(maxUnits, budget.units + ((now - budget.updatedAt) / 1000) * unitsPerSecond);
  budget.updatedAt = now;
  return budget;
}

// One client usually has a whole /64 network of IPv6 addresses.
function toNetwork(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed instanceof ipaddr.IPv6
    ? ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toNormalizedString()}/64`).toString()
    : parsed.toString();
}

/** Rejects requests without an API key whose connection or address has spent its budget. */
export function addOriginBudgets(app: FastifyInstance, budgets: OriginBudgets): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (readApiKey(request) === undefined) spendOrReject(budgets, budgets.toOrigin(request.raw), request, reply, done);
    else done();
  });
}

/**
 * Rejects OPTIONS requests whose connection has spent its budget. Add it before CORS, which responds to them. The address does not pay,
 * unless only it tells clients apart: without trusted proxies, all pages behind a proxy would share its budget.
 */
export function addPreflightBudgets(app: FastifyInstance, budgets: OriginBudgets): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (request.method !== 'OPTIONS') {
      done();
      return;
    }
    const { connection, address } = budgets.toOrigin(request.raw);
    const origin = { connection, address: connection === undefined ? address : undefined };
    spendOrReject(budgets, origin, request, reply, done);
  });
}

function spendOrReject(
  budgets: OriginBudgets,
  origin: Origin,
  request: FastifyRequest,
  reply: FastifyReply,
  done: () => void,
): void {
  const waitSeconds = budgets.spend(origin, 1);
  if (waitSeconds === 0) {
    done();
    return;
  }
  // A client that goes on regardless must open a new connection for each request.
  closeAfterResponse(reply.raw);
  void reply.header('retry-after', waitSeconds);
  sendError(request, reply, 'RATE_LIMITED', originSpentMessage);
}
