// Defines the contenders: how each is started, and its GraphQL dialect.
import { join } from 'node:path';
import { readImageFlags } from './image.js';
import type { Dialect } from './queries.js';

/** A server that serves GraphQL over HTTP. */
export interface Contender {
  readonly id: string;
  /** Name in tables and in the chart. */
  readonly title: string;
  /** Limits the contender to runs with `--all`. */
  readonly optional: boolean;
  readonly dialect: Dialect;
  /** Whether it takes a trusted id in place of a document. */
  readonly takesTrustedIds?: boolean;
  /** IDs of workloads that it skips, because it does not complete a round of them. */
  readonly skippedWorkloads?: readonly string[];
  /** Whether the script only starts the contender, and reports the usage of that other process instead of its own. */
  readonly isLauncher?: boolean;
  /** Message of the log line that reports its URL. */
  readonly readyMessage: string;
  /** Returns the path of its compiled file. */
  readonly script: (directories: Directories) => string;
  /** Flags of Node. */
  readonly flags: readonly string[];
  /** Returns its environment variables, given the base URL of the REST API. */
  readonly env: (upstream: string) => Readonly<Record<string, string>>;
}

/** Directories of compiled files. */
export interface Directories {
  /** Root of the gateway's repository. */
  readonly root: string;
  /** Compiled files of the bench. */
  readonly benchDist: string;
}

// All contenders get them, so that none has a larger young generation than the others.
const imageFlags = readImageFlags();

const createContender = (id: string, title: string, rest: { optional: boolean; dialect: Dialect }): Contender => ({
  id,
  title,
  ...rest,
  readyMessage: 'listening',
  script: ({ benchDist }) => join(benchDist, 'contenders', `${id}.js`),
  flags: imageFlags,
  env: (upstream) => ({ UPSTREAM: upstream }),
});

/** The gateway of this repository as in the image, with its log on and its limits off. */
export const gateway: Contender = {
  id: 'gateway',
  title: 'gateway',
  optional: false,
  dialect: 'gateway',
  takesTrustedIds: true,
  readyMessage: 'gateway listening',
  script: ({ root }) => join(root, 'dist/main.js'),
  flags: imageFlags,
  env: (upstream) => ({
    CLOUDCA_API_URL: upstream,
    HOST: '127.0.0.1',
    PORT: '0',
    OPS_PORT: '0',
    RATE_LIMIT_PER_MINUTE: '0',
    MAX_IN_FLIGHT: '0',
    MAX_IN_FLIGHT_PER_KEY: '0',
    MAX_QUEUED: '0',
    MAX_EVENT_LOOP_DELAY_MS: '0',
  }),
};

/** The gateway with a trace of every operation. It exports the traces to the REST API's server, which discards them. */
export const gatewayWithTraces: Contender = {
  ...gateway,
  id: 'gateway-with-traces',
  title: 'gateway with traces',
  env: (upstream) => ({ ...gateway.env(upstream), OTEL_EXPORTER_OTLP_ENDPOINT: new URL(upstream).origin }),
};

/** Creates a contender from another build of the gateway, given the path of its `dist/main.js`. */
export function createOtherBuild(file: string): Contender {
  return { ...gateway, id: 'other-build', title: 'other build', script: () => file };
}

/** Creates a contender from the gateway with other flags of Node than in the image, separated by spaces. */
export function createOtherFlags(flags: string): Contender {
  const list = flags.split(' ').filter((flag) => flag !== '');
  return {
    ...gateway,
    id: `flags${flags.replaceAll(/\W+/g, '-')}`,
    title: `gateway, node ${flags}`.trimEnd(),
    flags: list,
  };
}

/** Creates Tailcall as a contender, given the path of its program. */
export function createTailcall(program: string): Contender {
  const contender = createContender('tailcall', 'Tailcall, one worker', { optional: true, dialect: 'mirror' });
  return {
    ...contender,
    isLauncher: true,
    env: (upstream) => ({ ...contender.env(upstream), TAILCALL: program }),
    // Each operation takes 51 REST calls. With 50 operations at a time, all of them fail.
    skippedWorkloads: ['large'],
  };
}

/** The contender that all others are compared with. */
export const baseline: Contender = {
  ...createContender('baseline', 'baseline (no GraphQL)', { optional: false, dialect: 'gateway' }),
  takesTrustedIds: true,
};

/** The contenders that run on every machine, in the order of the tables. */
export const contenders: readonly Contender[] = [
  baseline,
  gateway,
  createContender('packages', 'its packages alone', { optional: true, dialect: 'gateway' }),
  createContender('usual-stack', 'usual stack', { optional: false, dialect: 'gateway' }),
  createContender('mercurius', 'Mercurius with JIT', { optional: true, dialect: 'gateway' }),
  {
    ...createContender('hive', 'Hive Gateway with JIT', { optional: true, dialect: 'mirror' }),
    script: ({ benchDist }) => join(benchDist, 'contenders/hive/hive.js'),
    // One operation takes 1,001 REST calls.
    skippedWorkloads: ['large'],
  },
];
