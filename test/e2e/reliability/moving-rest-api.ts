// A REST API that is known by its name, and moves: a gateway that finds it by that name, at whatever address is said.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd } from '../../helpers/at-end.js';
import { launchGateway } from '../../helpers/process.js';
import { type RawScript, type RawUpstream, startRawUpstream } from '../../helpers/raw-upstream.js';
import { post, type WireAnswer } from '../../helpers/wire.js';
import { documented, type Operation } from './operations.js';
import { keyHeaders } from './harness.js';

/** The name. */
export const upstreamName = 'canary-host.test';

/** Two REST APIs that work, at two addresses; a gateway that knows them by their name. */
export interface OnName {
  /** Where the name leads at first. */
  readonly old: RawUpstream;
  readonly next: RawUpstream;
  /** Has the name lead to the next. */
  readonly move: () => Promise<void>;
  readonly ask: (operation: Operation) => Promise<WireAnswer>;
}

/** Starts them. */
export async function startOnName(timeoutMs = 10_000): Promise<OnName> {
  const answers: RawScript = ({ method, target }) => documented(method, target);
  const old = await startRawUpstream(answers, '127.0.0.1');
  const { port } = new URL(old.url);
  const next = await startRawUpstream(answers, '127.0.0.2', Number(port));
  const folder = await mkdtemp(join(tmpdir(), 'names-'));
  atEnd(() => rm(folder, { recursive: true }));
  const file = join(folder, 'address');
  await writeFile(file, '127.0.0.1');
  // Node asks dns.lookup for the address of each new connection.
  const preload = `
    import dns from 'node:dns';
    import { readFileSync } from 'node:fs';
    const { lookup } = dns;
    dns.lookup = (name, options, done) => {
      if (name !== '${upstreamName}') return lookup(name, options, done);
      const address = readFileSync(${JSON.stringify(file)}, 'utf8');
      if (options.all) done(null, [{ address, family: 4 }]);
      else done(null, address, 4);
    };`;
  const gateway = await launchGateway({
    CLOUDCA_API_URL: `http://${upstreamName}:${port}/v1`,
    CLOUDCA_API_TIMEOUT_MS: String(timeoutMs),
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}`,
    RATE_LIMIT_PER_MINUTE: '0',
    PLAYGROUND: 'false',
  });
  return {
    old,
    next,
    move: () => writeFile(file, '127.0.0.2'),
    ask: ({ query, variables }) => post(gateway.url, { query, variables }, keyHeaders),
  };
}
