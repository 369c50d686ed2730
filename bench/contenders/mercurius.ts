// Mercurius on Fastify with graphql-jit, as an experienced user would write it. It has one connection pool to the REST API.
// It lists VPNs and VPCs concurrently, with one REST call each.
import fastify from 'fastify';
import { type GraphQLResolveInfo, Kind, type SelectionSetNode } from 'graphql';
import { mercurius, type MercuriusContext } from 'mercurius';
import { Pool } from 'undici';
import type { WireVpc, WireVpn } from '../dataset.js';
import { logListening, requireEnv } from './listen.js';

const schema = /* GraphQL */ `
  input EnvironmentInput {
    serviceCode: String!
    name: String!
  }

  enum SiteToSiteVpnState {
    CONNECTED
    PENDING
    DISCONNECTED
    ERROR
  }

  type Vpc {
    id: ID!
    name: String!
  }

  type SiteToSiteVpn {
    id: ID!
    name: String!
    state: SiteToSiteVpnState!
    gateway: String!
    cidr: String!
    vpc: Vpc
  }

  type SiteToSiteVpnConnection {
    nodes: [SiteToSiteVpn!]!
  }

  type Query {
    siteToSiteVpns(environment: EnvironmentInput!): SiteToSiteVpnConnection
    siteToSiteVpn(environment: EnvironmentInput!, id: ID!): SiteToSiteVpn
  }
`;

interface Environment {
  readonly serviceCode: string;
  readonly name: string;
}

declare module 'mercurius' {
  interface MercuriusContext {
    apiKey: string;
    /** VPCs of the environment by id. Set if the query selects them in a list. */
    vpcs?: Promise<ReadonlyMap<string, WireVpc>>;
  }
}

type Vpn = WireVpn & { readonly environment: Environment };

const upstream = new URL(requireEnv('UPSTREAM'));
const pool = new Pool(upstream.origin);

async function get<T>({ apiKey }: MercuriusContext, { serviceCode, name }: Environment, rest: string): Promise<T> {
  const path = `${upstream.pathname}/services/${serviceCode}/${name}/${rest}`;
  const { body } = await pool.request({ method: 'GET', path, headers: { 'MC-Api-Key': apiKey } });
  const { data }: { data: T } = JSON.parse(await body.text());
  return data;
}

async function listVpcs(context: MercuriusContext, environment: Environment): Promise<ReadonlyMap<string, WireVpc>> {
  const vpcs = await get<WireVpc[]>(context, environment, 'vpcs');
  return new Map(vpcs.map((vpc) => [vpc.id, vpc]));
}

const resolvers = {
  Query: {
    async siteToSiteVpns(
      _root: unknown,
      { environment }: { environment: Environment },
      context: MercuriusContext,
      info: GraphQLResolveInfo,
    ) {
      if (info.fieldNodes.some(({ selectionSet }) => selects(selectionSet, 'nodes', 'vpc'))) {
        context.vpcs = listVpcs(context, environment);
      }
      const vpns = await get<WireVpn[]>(context, environment, 'sitetositevpns');
      return { nodes: vpns.map((vpn): Vpn => ({ ...vpn, environment })) };
    },
    async siteToSiteVpn(
      _root: unknown,
      { environment, id }: { environment: Environment; id: string },
      context: MercuriusContext,
    ): Promise<Vpn> {
      const vpn = await get<WireVpn>(context, environment, `sitetositevpns/${id}`);
      return { ...vpn, environment };
    },
  },
  SiteToSiteVpn: { state: ({ state }: Vpn) => state.toUpperCase() },
};

const loaders = {
  SiteToSiteVpn: {
    vpc: {
      async loader(queries: { obj: Vpn }[], context: MercuriusContext) {
        const vpcs = await context.vpcs;
        if (vpcs !== undefined) return queries.map(({ obj }) => vpcs.get(obj.vpcId));
        return Promise.all(queries.map(({ obj }) => get<WireVpc>(context, obj.environment, `vpcs/${obj.vpcId}`)));
      },
      opts: { cache: false },
    },
  },
};

function selects(selectionSet: SelectionSetNode | undefined, name: string, ...rest: string[]): boolean {
  const fields = selectionSet?.selections.filter((selection) => selection.kind === Kind.FIELD) ?? [];
  const [next, ...others] = rest;
  return fields
    .filter((field) => field.name.value === name)
    .some((field) => next === undefined || selects(field.selectionSet, next, ...others));
}

const app = fastify();
await app.register(mercurius, {
  schema,
  resolvers,
  loaders,
  jit: 1,
  context: ({ headers }) => ({ apiKey: String(headers['mc-api-key']) }),
});
logListening(await app.listen({ host: '127.0.0.1', port: 0 }));
