// Builds the schema from type-graphql's classes, and describes the root types and scalars.
import 'reflect-metadata';
import { type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { buildSchemaSync, type PubSub } from 'type-graphql';
import type { Config } from '../config.js';
import type { ContextValue } from './context.js';
import { EnvironmentResolver, ServiceConnectionResolver } from './environment/environment.resolver.js';
import { limitListFields } from './execution/list-fields.js';
import { toSubgraph } from './federation/subgraph.js';
import {
  CreateSiteToSiteVpnResolver,
  DeleteSiteToSiteVpnResolver,
  ResetSiteToSiteVpnResolver,
  UpdateSiteToSiteVpnResolver,
} from './site-to-site-vpn/site-to-site-vpn.mutations.js';
import { SiteToSiteVpnNetworkOverlapsResolver } from './site-to-site-vpn/network-overlaps.resolver.js';
import { RemoteEndResolver, SiteToSiteVpnRemoteEndResolver } from './site-to-site-vpn/remote-end.resolver.js';
import {
  SiteToSiteVpnResolver,
  TaskSiteToSiteVpnResolver,
  VpcSiteToSiteVpnsResolver,
} from './site-to-site-vpn/site-to-site-vpn.resolver.js';
import { SiteToSiteVpnSubscriptionResolver } from './site-to-site-vpn/site-to-site-vpn.subscriptions.js';
import { TaskResolver } from './task/task.resolver.js';
import { TaskSubscriptionResolver } from './task/task.subscriptions.js';
import { VpcResolver } from './vpc/vpc.resolver.js';

// type-graphql cannot describe these types.
const rootDescriptions = new Map([
  ['Query', 'Reads. A field that fails is null, with an error. The other fields are not affected.'],
  ['Mutation', 'Writes. The REST API carries them out in the background: query or subscribe to the tasks.'],
  [
    'Subscription',
    'Subscriptions, over WebSocket or Server-Sent Events. A failure is the last event, with its errors. ' +
      'If their extensions.retryable is true, the cause may pass: subscribe again after a pause.',
  ],
]);

const inertPubSub: PubSub = {
  publish: () => undefined,
  subscribe: () => {
    throw new TypeError('The schema has no PubSub.');
  },
};

const scalarDescriptions = new Map([
  ['DateTime', 'An instant in ISO 8601 / RFC 3339 form, e.g. 2026-11-23T18:30:00.000Z.'],
  ['JSON', 'Any JSON value, as the REST API sent it.'],
]);

/** Options of the schema. */
export type SchemaOptions = Partial<Pick<Config, 'federation'>>;

/**
 * Builds the schema, whose resolvers need a ContextValue. Adds the fields of a subgraph if `federation` is true. Throws if the classes
 * contradict each other.
 */
export function createSchema({ federation = false }: SchemaOptions = {}): GraphQLSchema {
  const ownSchema = buildSchemaSync({
    resolvers: [
      SiteToSiteVpnResolver,
      SiteToSiteVpnRemoteEndResolver,
      RemoteEndResolver,
      SiteToSiteVpnNetworkOverlapsResolver,
      CreateSiteToSiteVpnResolver,
      UpdateSiteToSiteVpnResolver,
      DeleteSiteToSiteVpnResolver,
      ResetSiteToSiteVpnResolver,
      VpcResolver,
      VpcSiteToSiteVpnsResolver,
      TaskResolver,
      TaskSiteToSiteVpnResolver,
      EnvironmentResolver,
      ServiceConnectionResolver,
      TaskSubscriptionResolver,
      SiteToSiteVpnSubscriptionResolver,
    ],
    // Required by type-graphql, but unused: every subscription has its own `subscribe`.
    pubSub: inertPubSub,
    // The resolvers validate inputs and return userErrors. type-graphql would throw an error that contains the value.
    validate: false,
    // The check runs an introspection query, a fifth of the CPU time of a start. graphql validates the schema before the first operation.
    skipCheck: true,
    authChecker: ({ context }: { context: ContextValue }) => context.operation.hasKey,
  });
  for (const [name, description] of [...rootDescriptions, ...scalarDescriptions]) {
    const type = ownSchema.getType(name);
    if (type === undefined) throw new TypeError(`The schema has no type ${name}.`);
    type.description = description;
  }
  const schema = federation ? toSubgraph(ownSchema, toSchemaText(ownSchema)) : ownSchema;
  limitListFields(schema);
  return schema;
}

/** Prints the schema in GraphQL's schema definition language, sorted, so that the output does not depend on the order of the code. */
export function toSchemaText(schema: GraphQLSchema): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
