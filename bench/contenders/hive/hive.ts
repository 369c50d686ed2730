// Hive Gateway on the supergraph that Mesh composes from an OpenAPI description of the REST API (mesh.config.ts), with its JIT on and
// the caller's key passed on.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createGatewayRuntime } from '@graphql-hive/gateway';
import { useJIT } from '@graphql-mesh/plugin-jit';
import { listen, variable } from '../listen.js';

// The address in the supergraph is a stand-in: which port the REST API has is not known when it is composed.
const supergraph = readFileSync(new URL('supergraph.graphql', import.meta.url), 'utf8').replaceAll(
  'http://127.0.0.1:1/v1',
  variable('UPSTREAM'),
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
