// Makes the schema a subgraph of a supergraph, by Apollo's subgraph specification: `Query._service` and `Query._entities`, and the text with
// the directives of Federation 2.
import {
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
  GraphQLUnionType,
  isObjectType,
} from 'graphql';
import type { ContextValue } from '../context.js';
import { BatchedCalls } from '../limits/query-cost.js';
import { type Entity, entityNames, loadEntities, toEntityName, toLoadCalls } from './references.js';

const key = '@key(fields: "id environment { serviceCode name organizationId }")';

// Other subgraphs define EnvironmentScope for the key. Many define the PageInfo of Relay's connections.
const typeDirectives = new Map([
  ...entityNames.map((name) => [name, key] as const),
  ['EnvironmentScope', '@shareable'],
  ['PageInfo', '@shareable'],
]);

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key", "@shareable"])';

const anyType = new GraphQLScalarType({
  name: '_Any',
  description: 'Representation of an entity: its __typename, and the fields of its key.',
});

const serviceType = new GraphQLObjectType({
  name: '_Service',
  description: 'The subgraph, for composition.',
  fields: { sdl: { type: GraphQLString, description: 'Schema of the subgraph, with the directives of Federation 2.' } },
});

/** Returns a schema with the fields of a subgraph. `text` is that of the schema. */
export function toSubgraph(schema: GraphQLSchema, text: string): GraphQLSchema {
  const { query, types, ...config } = schema.toConfig();
  if (!query) throw new TypeError('The schema has no Query.');
  const service = { sdl: toSubgraphText(text) };
  const { fields, ...queryConfig } = query.toConfig();
  const subgraphQuery = new GraphQLObjectType<unknown, ContextValue>({
    ...queryConfig,
    fields: {
      ...fields,
      _entities: {
        type: new GraphQLNonNull(new GraphQLList(createEntityType(schema))),
        description: 'VPNs and VPCs that other subgraphs refer to, in the order of the representations.',
        args: {
          representations: {
            type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(anyType))),
            description: 'References to VPNs and VPCs.',
          },
        },
        extensions: { batchedCalls: new BatchedCalls((args) => toLoadCalls(toRepresentations(args))) },
        resolve: (_root, args: Readonly<Record<string, unknown>>, { operation }) =>
          loadEntities(toRepresentations(args), operation),
      },
      _service: {
        type: new GraphQLNonNull(serviceType),
        description: 'The subgraph, for composition.',
        resolve: () => service,
      },
    },
  });
  return new GraphQLSchema({ ...config, query: subgraphQuery, types: types.filter((type) => type !== query) });
}

/** Adds the directives of Federation 2 to the text of a schema. */
function toSubgraphText(text: string): string {
  const typesWithDirectives = text.replaceAll(/^type (\w+) \{$/gm, (line, name: string) => {
    const directive = typeDirectives.get(name);
    return directive === undefined ? line : `type ${name} ${directive} {`;
  });
  return `${link}\n\n${typesWithDirectives}`;
}

function createEntityType(schema: GraphQLSchema): GraphQLUnionType {
  return new GraphQLUnionType({
    name: '_Entity',
    description: 'VPN or VPC that other subgraphs can refer to.',
    types: entityNames.map((name) => schema.getType(name)).filter(isObjectType),
    resolveType: (entity: Entity) => toEntityName(entity),
  });
}

function toRepresentations({ representations }: Readonly<Record<string, unknown>>): readonly unknown[] {
  return Array.isArray(representations) ? representations : [];
}
