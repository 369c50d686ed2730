// The one schema: type-graphql's classes built, and the root types described.
import 'reflect-metadata';
import { type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { buildSchemaSync, type PubSub } from 'type-graphql';
import type { ContextValue } from './context.js';
import { EnvironmentResolver, ServiceConnectionResolver } from './environment/environment.resolver.js';
import {
  CreateSiteToSiteVpnResolver,
  DeleteSiteToSiteVpnResolver,
  ResetSiteToSiteVpnResolver,
} from './site-to-site-vpn/site-to-site-vpn.mutations.js';
import {
  SiteToSiteVpnResolver,
  TaskSiteToSiteVpnResolver,
  VpcSiteToSiteVpnsResolver,
} from './site-to-site-vpn/site-to-site-vpn.resolver.js';
import { SiteToSiteVpnSubscriptionResolver } from './site-to-site-vpn/site-to-site-vpn.subscriptions.js';
import { TaskResolver } from './task/task.resolver.js';
import { TaskSubscriptionResolver } from './task/task.subscriptions.js';
import { VpcResolver } from './vpc/vpc.resolver.js';

// type-graphql has no place for these.
const rootDescriptions = new Map([
  ['Query', 'What can be read. Each field is null, with an error, where it fails: it does not take the others along.'],
  ['Mutation', 'What can be changed. The REST API carries changes out in the background: follow the tasks.'],
  [
    'Subscription',
    'What can be followed, over WebSocket or Server-Sent Events. What fails is the last event, with its errors.',
  ],
]);

const inertPubSub: PubSub = {
  publish: () => undefined,
  subscribe: () => {
    throw new TypeError('Nothing is published here.');
  },
};

const scalarDescriptions = new Map([
  ['DateTime', 'An instant in ISO 8601 / RFC 3339 form, e.g. 2026-11-23T18:30:00.000Z.'],
  ['JSON', 'Any JSON value, passed on as the REST API sent it.'],
]);

/** Builds the schema. Throws where the classes contradict each other. */
export function createSchema(): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: [
      SiteToSiteVpnResolver,
      CreateSiteToSiteVpnResolver,
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
    // Every subscription has a source of its own; type-graphql wants this all the same.
    pubSub: inertPubSub,
    // Inputs are checked by the resolvers: type-graphql would throw, with the value, before userErrors can be made.
    validate: false,
    authChecker: ({ context }: { context: ContextValue }) => context.operation.hasKey,
  });
  for (const [name, description] of [...rootDescriptions, ...scalarDescriptions]) {
    const type = schema.getType(name);
    if (type === undefined) throw new TypeError(`The schema has no type ${name}.`);
    type.description = description;
  }
  return schema;
}

/** The schema in GraphQL's own language, in an order that does not depend on the code's. */
export function toSchemaText(schema: GraphQLSchema): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
