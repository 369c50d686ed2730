// The works: what is measured, each with its name on the command line.
import { type Question, vpnsAlone, vpnsWithVpcs, vpnWithVpc } from './questions.js';
import { largeArea, testArea, type World } from './world.js';

interface Named {
  /** What `--only` takes. */
  readonly id: string;
  readonly title: string;
}

/** As many operations as a contender can answer. */
export interface ThroughputWork extends Named {
  readonly kind: 'throughput';
  readonly question: Question;
  /** VPNs in the answer. */
  readonly rows: number;
  /** How many different API keys ask. */
  readonly keys: number;
  readonly connections: number;
}

/** One caller, who asks the REST API too. */
export interface ProbeWork extends Named {
  readonly kind: 'probe';
  readonly question: Question;
  readonly world: World;
  /** How late the REST API answers, in milliseconds. */
  readonly delayMs: number;
}

/** The gateway for a long time, and what it holds. */
export interface SoakWork extends Named {
  readonly kind: 'soak';
  readonly question: Question;
  readonly keys: number;
  readonly connections: number;
  readonly seconds: number;
}

/** The gateway from its start until it listens, and at rest. */
export interface StartWork extends Named {
  readonly kind: 'start';
}

/** Something to measure. */
export type Work = ThroughputWork | ProbeWork | SoakWork | StartWork;

const list = vpnsWithVpcs(testArea);

/** The work of `--quick`. */
export const firstWork: ThroughputWork = {
  id: 'list',
  kind: 'throughput',
  title: '25 VPNs with the names of their 10 VPCs, 1,000 keys',
  question: list,
  rows: 25,
  keys: 1000,
  connections: 32,
};

/** Everything that is measured, in order. */
export const works: readonly Work[] = [
  firstWork,
  { ...firstWork, id: 'one-key', title: '25 VPNs with the names of their 10 VPCs, one key', keys: 1 },
  {
    ...firstWork,
    id: 'by-id',
    title: 'One VPN by its id, with its VPC, 1,000 keys',
    question: vpnWithVpc(testArea),
    rows: 1,
  },
  {
    ...firstWork,
    id: 'large',
    title: '1,000 VPNs with the names of their 50 VPCs, 1,000 keys',
    question: vpnsWithVpcs(largeArea),
    rows: 1000,
  },
  {
    id: 'late',
    kind: 'probe',
    title: '25 VPNs with the names of their 10 VPCs, REST API 50 ms away, one caller',
    question: list,
    world: testArea,
    delayMs: 50,
  },
  {
    id: 'overhead',
    kind: 'probe',
    title: '25 VPNs alone (one REST call), one caller',
    question: vpnsAlone(testArea),
    world: testArea,
    delayMs: 0,
  },
  {
    id: 'soak',
    kind: 'soak',
    title: '200 connections for 2 minutes, 25 VPNs with their VPCs, 1,000 keys',
    question: list,
    keys: 1000,
    connections: 200,
    seconds: 120,
  },
  { id: 'start', kind: 'start', title: 'Start of the gateway, and the gateway at rest' },
];
