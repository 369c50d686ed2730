// Defines the IPC messages between the bench and its load generator.
import { z } from 'zod';

const target = {
  /** URL of the contender's GraphQL endpoint. */
  url: z.string(),
  /** Request body. */
  body: z.string(),
  /** Response body that every response must equal, byte for byte. */
  expectedBody: z.string(),
  seconds: z.number(),
};

const loadMessageSchema = z.object({
  type: z.literal('load'),
  ...target,
  connections: z.number(),
  keys: z.number(),
});
const latencyMessageSchema = z.object({
  type: z.literal('latency'),
  ...target,
  /** URL of the REST call to compare with. */
  directUrl: z.string(),
});

/** Parses a message to the load generator. */
export const messageSchema = z.discriminatedUnion('type', [loadMessageSchema, latencyMessageSchema]);
/** A message to the load generator. */
export type Message = z.infer<typeof messageSchema>;
/** Requests a load at full speed over `connections` connections, with `keys` different API keys. */
export type LoadMessage = z.infer<typeof loadMessageSchema>;
/** Requests one query after another, with one direct REST call before each. */
export type LatencyMessage = z.infer<typeof latencyMessageSchema>;

/** Parses the result of a load. */
export const loadResultSchema = z.object({
  /** Number of requests sent, with or without a response. */
  sent: z.number(),
  /** Number of responses per second. */
  requestsPerSecond: z.number(),
  /** Median latency, in milliseconds. */
  p50Ms: z.number(),
  /** 99th percentile of the latency, in milliseconds. */
  p99Ms: z.number(),
  /** Number of connection errors, timeouts, statuses other than 2xx, and unexpected bodies. */
  errors: z.number(),
  /** CPU use of the load generator itself, as a share of one core. */
  generatorCpuShare: z.number(),
});
/** Result of a load. */
export type LoadResult = z.infer<typeof loadResultSchema>;

/** Parses the result of a latency measurement. */
export const latencyResultSchema = z.object({
  /** Number of queries. */
  queries: z.number(),
  /** Median latency of the direct REST call, in milliseconds. */
  directP50Ms: z.number(),
  /** Median latency of the query, in milliseconds. */
  p50Ms: z.number(),
  /** 99th percentile of the query's latency, in milliseconds. */
  p99Ms: z.number(),
  /** Number of unexpected bodies. */
  errors: z.number(),
});
/** Result of a latency measurement. */
export type LatencyResult = z.infer<typeof latencyResultSchema>;
