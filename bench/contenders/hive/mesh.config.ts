// Configures how Mesh composes Hive Gateway's supergraph: from the REST API's OpenAPI description, and a join of VPNs to their VPCs.
import { defineConfig } from '@graphql-mesh/compose-cli';
import { loadOpenAPISubgraph } from '@omnigraph/openapi';

/** Configures mesh-compose, which imports it by this name. */
export const composeConfig = defineConfig({
  subgraphs: [
    {
      sourceHandler: loadOpenAPISubgraph('cloudca', {
        source: './contenders/hive/openapi.json',
        endpoint: 'http://127.0.0.1:1/v1',
        operationHeaders: { 'MC-Api-Key': '{context.headers.mc-api-key}' },
      }),
    },
  ],
  additionalTypeDefs: /* GraphQL */ `
    extend type SiteToSiteVpn {
      vpc(environment: String!): Vpc
        @resolveTo(
          sourceName: "cloudca"
          sourceTypeName: "Query"
          sourceFieldName: "vpc"
          requiredSelectionSet: "{ vpcId }"
          sourceArgs: { environment: "{args.environment}", id: "{root.vpcId}" }
          result: "data"
        )
    }
  `,
});
