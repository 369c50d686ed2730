// A second subgraph: offices, each with a reference to its site-to-site VPN.
import { createServer, type Server } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { buildSchema, graphql } from 'graphql';

/** Schema of the subgraph. `resolvable: false`: it only refers to VPNs, and resolves none of their fields. */
export const sitesText = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])

  type Query {
    sites: [Site!]!
  }

  type Site {
    name: String!
    vpn: SiteToSiteVpn
  }

  type SiteToSiteVpn @key(fields: "id environment { serviceCode name organizationId }", resolvable: false) {
    id: ID!
    environment: EnvironmentScope
  }

  type EnvironmentScope @shareable {
    serviceCode: String!
    name: String!
    organizationId: ID
  }
`;

const schema = buildSchema(sitesText, { assumeValidSDL: true });

const environment = { serviceCode: 'compute-on', name: 'test_area', organizationId: null };
const sites = [
  { name: 'Stargate Command', vpn: { id: 'd49b2922-0581-4587-94df-6fe719327d0f', environment } },
  { name: 'Toronto', vpn: { id: 'ca86b14f-20db-463d-b58a-9d3fa5959af2', environment } },
  { name: 'Closed', vpn: { id: 'ffffffff-ffff-4fff-8fff-ffffffffffff', environment } },
  {
    name: 'Misfiled',
    vpn: { id: 'd49b2922-0581-4587-94df-6fe719327d0f', environment: { ...environment, name: '..' } },
  },
];

/** Starts the subgraph. Returns its server and URL. */
export async function startSites(): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    void (async () => {
      const { query }: { query: string } = JSON.parse(await readText(request));
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(await graphql({ schema, source: query, rootValue: { sites } })));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { server, url: `http://127.0.0.1:${port}/graphql` };
}
