// Defines the workloads: what the bench measures, in order.
import { type Dataset, largeDataset, smallDataset } from './dataset.js';
import { byTrustedId, type Query, vpnsAlone, vpnsWithVpcs, vpnWithVpc } from './queries.js';

interface BaseWorkload {
  /** Name on the command line, for `--only`. */
  readonly id: string;
  readonly title: string;
}

/** Measures the throughput of each contender: the load generator keeps all connections busy. */
export interface ThroughputWorkload extends BaseWorkload {
  readonly kind: 'throughput';
  readonly query: Query;
  /** Number of VPNs in the response. */
  readonly rows: number;
  /** Number of different API keys. */
  readonly keys: number;
  readonly connections: number;
}

/** Measures the latency of each contender: one client alternates between the query and a direct REST call. */
export interface LatencyWorkload extends BaseWorkload {
  readonly kind: 'latency';
  readonly query: Query;
  readonly dataset: Dataset;
  /** Added latency of the REST API, in milliseconds. */
  readonly delayMs: number;
}

/** Loads the gateway for a longer time and samples its memory. */
export interface SoakWorkload extends BaseWorkload {
  readonly kind: 'soak';
  readonly query: Query;
  readonly keys: number;
  readonly connections: number;
  readonly seconds: number;
  /** Megabytes of a container with one core to run it in; undefined for the whole machine. */
  readonly containerMb?: number;
}

/** Measures what one change of a list costs with many subscribers of one API key. */
export interface ChangesWorkload extends BaseWorkload {
  readonly kind: 'changes';
  /** Numbers of VPNs in the list. */
  readonly rows: readonly number[];
  /** Numbers of subscribers, in ascending order. */
  readonly subscribers: readonly number[];
}

/** Measures how long the gateway takes to start, and its idle memory. */
export interface StartupWorkload extends BaseWorkload {
  readonly kind: 'startup';
}

/** One thing that the bench measures. */
export type Workload = ThroughputWorkload | LatencyWorkload | SoakWorkload | ChangesWorkload | StartupWorkload;

const listQuery = vpnsWithVpcs(smallDataset);
const byIdQuery = vpnWithVpc(smallDataset);

/** Workload of `--quick`, and of the chart. */
export const firstWorkload: ThroughputWorkload = {
  id: 'list',
  kind: 'throughput',
  title: '25 VPNs with the names of their 10 VPCs, 1,000 keys',
  query: listQuery,
  rows: 25,
  keys: 1000,
  connections: 32,
};

/** All workloads, in the order in which they run. */
export const workloads: readonly Workload[] = [
  firstWorkload,
  { ...firstWorkload, id: 'one-key', title: '25 VPNs with the names of their 10 VPCs, one key', keys: 1 },
  {
    ...firstWorkload,
    id: 'by-id',
    title: 'One VPN by id, with its VPC, 1,000 keys',
    query: byIdQuery,
    rows: 1,
  },
  {
    ...firstWorkload,
    id: 'trusted-id',
    title: 'One VPN by id, with its VPC, sent as a trusted id, 1,000 keys',
    query: byTrustedId(byIdQuery),
    rows: 1,
  },
  {
    ...firstWorkload,
    id: 'large',
    title: '1,000 VPNs with the names of their 50 VPCs, 1,000 keys',
    query: vpnsWithVpcs(largeDataset),
    rows: 1000,
  },
  {
    id: 'slow-rest',
    kind: 'latency',
    title: '25 VPNs with the names of their 10 VPCs, 50 ms of REST API latency, one client',
    query: listQuery,
    dataset: smallDataset,
    delayMs: 50,
  },
  {
    id: 'overhead',
    kind: 'latency',
    title: '25 VPNs without VPCs (one REST call), one client',
    query: vpnsAlone(smallDataset),
    dataset: smallDataset,
    delayMs: 0,
  },
  {
    id: 'soak',
    kind: 'soak',
    title: '200 connections for 2 minutes, 25 VPNs with their VPCs, 1,000 keys',
    query: listQuery,
    keys: 1000,
    connections: 200,
    seconds: 120,
  },
  {
    id: 'container',
    kind: 'soak',
    title: 'One core and 512 MB: 200 connections for 30 seconds, 25 VPNs with their VPCs, 1,000 keys',
    query: listQuery,
    keys: 1000,
    connections: 200,
    seconds: 30,
    containerMb: 512,
  },
  {
    id: 'changes',
    kind: 'changes',
    title: 'One change of a list, subscribers of one key over WebSockets',
    rows: [25, 500],
    subscribers: [10, 100, 1000],
  },
  { id: 'startup', kind: 'startup', title: 'Startup time and idle memory of the gateway' },
];
