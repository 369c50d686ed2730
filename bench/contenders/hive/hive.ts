// Hive Gateway with its JIT, on the supergraph that Mesh composes from an OpenAPI description of the REST API (mesh.config.ts).
// It forwards the client's API key.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createGatewayRuntime } from '@graphql-hive/gateway';
import { useJIT } from '@graphql-mesh/plugin-jit';
import { listen, requireEnv } from '../listen.js';

// The supergraph contains a placeholder URL, because the REST API's port is unknown at composition.
const supergraph = readFileSync(new URL('supergraph.graphql', import.meta.url), 'utf8').replaceAll(
  'http://127.0.0.1:1/v1',
  requireEnv('UPSTREAM'),
);

const gateway = createGatewayRuntime({
  supergraph,
  plugins: () => [useJIT()],
  logging: false,
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) => ({ 'MC-Api-Key': String(request.headers.get('mc-api-key')) }),
  },
});

listen(
  createServer((request, response) => {
    void gateway(request, response);
  }),
);
