// The contenders: how each is started and in which words it is asked.
import { join } from 'node:path';
import type { Dialect } from './questions.js';

/** Something that answers GraphQL over HTTP. */
export interface Contender {
  readonly id: string;
  /** What it is called in tables. */
  readonly title: string;
  /** Whether only `--all` measures it. */
  readonly extra: boolean;
  readonly dialect: Dialect;
  /** The works that it is left out of, since one operation takes it longer than a round. */
  readonly leftOut?: readonly string[];
  /** The message of the log line that tells its address. */
  readonly ready: string;
  /** The compiled file that it is run from, relative to the compiled bench or, of the gateway, to its tree. */
  readonly script: (directories: Directories) => string;
  /** Its environment, given the base URL of the REST API. */
  readonly env: (upstream: string) => Readonly<Record<string, string>>;
}

/** Where compiled files are. */
export interface Directories {
  /** The gateway's tree. */
  readonly root: string;
  /** The compiled bench. */
  readonly compiled: string;
}

const own = (id: string, title: string, rest: { extra: boolean; dialect: Dialect }): Contender => ({
  id,
  title,
  ...rest,
  ready: 'listening',
  script: ({ compiled }) => join(compiled, 'contenders', `${id}.js`),
  env: (upstream) => ({ UPSTREAM: upstream }),
});

/** The gateway of the tree that the bench stands in, as in production, its limits off and its log on. */
export const gateway: Contender = {
  id: 'gateway',
  title: 'gateway',
  extra: false,
  dialect: 'gateway',
  ready: 'gateway listening',
  script: ({ root }) => join(root, 'dist/main.js'),
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

/** The gateway with traces of every operation, sent to where the REST API is. */
export const traced: Contender = {
  ...gateway,
  id: 'traced',
  title: 'gateway with traces',
  env: (upstream) => ({ ...gateway.env(upstream), OTEL_EXPORTER_OTLP_ENDPOINT: new URL(upstream).origin }),
};

/** The gateway as another tree has built it; given its `dist/main.js`. */
export function toOther(file: string): Contender {
  return { ...gateway, id: 'other', title: 'the other gateway', script: () => file };
}

/** What everything is compared with. */
export const floor = own('floor', 'floor (no GraphQL)', { extra: false, dialect: 'gateway' });

/** All contenders, in the order of the tables. */
export const contenders: readonly Contender[] = [
  floor,
  gateway,
  own('packages', 'its packages alone', { extra: true, dialect: 'gateway' }),
  own('usual', 'usual stack', { extra: false, dialect: 'gateway' }),
  own('mercurius', 'Mercurius with JIT', { extra: true, dialect: 'gateway' }),
  {
    ...own('hive', 'Hive Gateway with JIT', { extra: true, dialect: 'mesh' }),
    script: ({ compiled }) => join(compiled, 'contenders/hive/hive.js'),
    // 1,001 REST calls for each operation.
    leftOut: ['large'],
  },
];
