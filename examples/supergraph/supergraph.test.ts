// The gateway as a subgraph: Apollo's composer joins it with a second subgraph, and two routers resolve references to its VPNs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { type Router, startApolloGateway, startHiveGateway } from './routers.js';
import { sitesText, startSites } from './sites.js';

const sites = await startSites();
const gateway = spawn(process.execPath, [fileURLToPath(new URL('../../dist/main.js', import.meta.url))], {
  env: { ...process.env, FEDERATION: 'true', PORT: '0', OPS_PORT: '0', SANDBOX_PORT: '0' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
after(() => {
  gateway.kill();
  sites.server.closeAllConnections();
  sites.server.close();
});

async function readUrl(): Promise<string> {
  for await (const line of createInterface(gateway.stdout)) {
    const { msg, url }: { msg?: string; url?: string } = JSON.parse(line);
    if (msg === 'gateway listening' && url !== undefined) return url;
  }
  throw new Error('The gateway has not started. Run npm run build at the root of the repository.');
}

async function readSubgraph(url: string): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: '{ _service { sdl } }' }),
  });
  const { data }: { data: { _service: { sdl: string } } } = await response.json();
  return data._service.sdl;
}

const url = await readUrl();
const vpns = { name: 'vpns', url, typeDefs: parse(await readSubgraph(url)) };

describe("Apollo's composer", () => {
  it('accepts the gateway as the only subgraph', () => {
    assert.equal(composeServices([vpns]).errors, undefined);
  });

  it('accepts schema.graphql without the directives of Federation 2', async () => {
    const text = await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8');
    assert.equal(composeServices([{ ...vpns, typeDefs: parse(text) }]).errors, undefined);
  });
});

const composed = composeServices([vpns, { name: 'sites', url: sites.url, typeDefs: parse(sitesText) }]);
const { supergraphSdl } = composed;
assert.ok(supergraphSdl !== undefined, String(composed.errors));

const query = '{ sites { name vpn { name state vpc { name } } } }';

/** An error of a response. */
interface ResponseError {
  readonly path: readonly (string | number)[];
  readonly extensions: { readonly code: string };
}

/** Runs the query. Returns the response as a client reads it. */
async function run(router: Router, key: string): Promise<{ data: unknown; errors?: readonly ResponseError[] }> {
  return JSON.parse(JSON.stringify(await router.run(query, key)));
}

for (const [name, start] of [
  ['Apollo Gateway', startApolloGateway],
  ['Hive Gateway', startHiveGateway],
] as const) {
  describe(name, () => {
    let router: Router;
    before(async () => {
      router = await start(supergraphSdl);
    });
    after(() => router.stop());

    it('resolves references, and reports an invalid one at its place', async () => {
      const { data, errors = [] } = await run(router, 'sandbox-key');
      assert.deepEqual(data, {
        sites: [
          { name: 'Stargate Command', vpn: { name: 'stargate', state: 'CONNECTED', vpc: { name: 'gate-room' } } },
          { name: 'Toronto', vpn: { name: 'toronto-office', state: 'DISCONNECTED', vpc: { name: 'MyVPC' } } },
          { name: 'Closed', vpn: null },
          { name: 'Misfiled', vpn: null },
        ],
      });
      // Hive Gateway reports the path one field deeper. It also reports an error of its own for the VPN that does not exist.
      const isOfGateway = ({ extensions }: ResponseError) => extensions.code === 'BAD_USER_INPUT';
      assert.deepEqual(
        errors.filter(isOfGateway).map(({ path }) => path.slice(0, 3)),
        [['sites', 3, 'vpn']],
      );
    });

    it('passes on that the API key is missing', async () => {
      const { errors = [] } = await run(router, '');
      assert.equal(errors[0]?.extensions.code, 'UNAUTHENTICATED');
    });
  });
}
