// What the load generator can be told to do, and what it answers: the form of the messages between it and run.ts.
import { z } from 'zod';

const target = {
  /** The contender's address. */
  url: z.string(),
  /** The request's body. */
  body: z.string(),
  /** Every answer must be this, to the byte. */
  expectedBody: z.string(),
  seconds: z.number(),
};

const loadOrder = z.object({ ask: z.literal('load'), ...target, connections: z.number(), keys: z.number() });
const probeOrder = z.object({
  ask: z.literal('probe'),
  ...target,
  /** The REST call to compare with. */
  directUrl: z.string(),
});

/** Reads an order. */
export const orderSchema = z.discriminatedUnion('ask', [loadOrder, probeOrder]);
/** Something to do. */
export type Order = z.infer<typeof orderSchema>;
/** Send as much as is answered, on so many connections, with so many different keys. */
export type LoadOrder = z.infer<typeof loadOrder>;
/** Send one query after another, and between two of them the REST call itself. */
export type ProbeOrder = z.infer<typeof probeOrder>;

/** Reads what came of a load. */
export const loadResultSchema = z.object({
  /** Requests sent: those answered, and those that were under way at the end. */
  sent: z.number(),
  /** Requests answered, per second. */
  perSecond: z.number(),
  /** Milliseconds, as p99. */
  p50: z.number(),
  p99: z.number(),
  /** Errors, timeouts, statuses other than 2xx, and bodies that are not the expected one. */
  faults: z.number(),
  /** The share of one core that the load generator itself used. */
  busy: z.number(),
});
/** What came of a load. */
export type LoadResult = z.infer<typeof loadResultSchema>;

/** Reads what came of a probe. */
export const probeResultSchema = z.object({
  /** Queries answered. */
  answered: z.number(),
  /** Of the REST call made directly, in milliseconds. */
  directP50: z.number(),
  /** Of the query, in milliseconds, as p99. */
  p50: z.number(),
  p99: z.number(),
  /** Answers that were not the expected one. */
  faults: z.number(),
});
/** What came of a probe. */
export type ProbeResult = z.infer<typeof probeResultSchema>;
