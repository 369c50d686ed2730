// A REST API whose hostname changes from one address to another, and a gateway that reaches it by that hostname.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addCleanup } from '../../helpers/cleanup.js';
import { launchGateway, type ListeningProcess } from '../../helpers/process.js';
import { type RawScript, type RawUpstream, startRawUpstream } from '../../helpers/raw-upstream.js';
import { post, type HttpResponse } from '../../helpers/http.js';
import { documentedResponse, type Operation } from './operations.js';
import { heldClock, keyHeaders } from './harness.js';

/** The hostname. */
export const upstreamHostname = 'canary-host.test';

/** Two healthy REST APIs at two addresses, and a gateway that knows only their common hostname. */
export interface RelocatingRestApi {
  /** The REST API that the hostname resolves to at first. */
  readonly oldUpstream: RawUpstream;
  /** The REST API that the hostname resolves to after `relocate`. */
  readonly newUpstream: RawUpstream;
  /** Lets the hostname resolve to the new address. */
  readonly relocate: () => Promise<void>;
  /** The gateway, whose clock is held. */
  readonly gateway: ListeningProcess;
  /** Posts an operation to the gateway. */
  readonly run: (operation: Operation) => Promise<HttpResponse>;
}

/** Starts both REST APIs and the gateway. */
export async function startRelocatingRestApi(): Promise<RelocatingRestApi> {
  const script: RawScript = ({ method, target }) => documentedResponse(method, target);
  const oldUpstream = await startRawUpstream(script, '127.0.0.1');
  const { port } = new URL(oldUpstream.url);
  const newUpstream = await startRawUpstream(script, '127.0.0.2', Number(port));
  const directory = await mkdtemp(join(tmpdir(), 'names-'));
  addCleanup(() => rm(directory, { recursive: true }));
  const file = join(directory, 'address');
  await writeFile(file, '127.0.0.1');
  // Node calls dns.lookup for each new connection.
  const preload = `
    import dns from 'node:dns';
    import { readFileSync } from 'node:fs';
    const { lookup } = dns;
    dns.lookup = (name, options, done) => {
      if (name !== '${upstreamHostname}') return lookup(name, options, done);
      const address = readFileSync(${JSON.stringify(file)}, 'utf8');
      if (options.all) done(null, [{ address, family: 4 }]);
      else done(null, address, 4);
    };`;
  const gateway = await launchGateway({
    CLOUDCA_API_URL: `http://${upstreamHostname}:${port}/v1`,
    ...heldClock,
    NODE_OPTIONS: `${heldClock.NODE_OPTIONS} --import=data:text/javascript,${encodeURIComponent(preload)}`,
    RATE_LIMIT_PER_MINUTE: '0',
    PLAYGROUND: 'false',
  });
  return {
    oldUpstream,
    newUpstream,
    gateway,
    relocate: () => writeFile(file, '127.0.0.2'),
    run: ({ query, variables }) => post(gateway.url, { query, variables }, keyHeaders),
  };
}
