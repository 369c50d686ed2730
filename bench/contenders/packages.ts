// The gateway's packages and nothing of its own work: Apollo Server on Fastify, type-graphql's resolvers compiled, class-validator, DataLoader,
// and ky, put together and built as the gateway has them. No log, metrics, limits, security headers, checks of what is sent and what is
// received, deadline, retries or breaker: what is between this and the gateway is what the gateway does, what is above it are the packages.
import 'reflect-metadata';
import { ApolloServer } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import { Matches, validateSync } from 'class-validator';
import DataLoader from 'dataloader';
import { fastify } from 'fastify';
import type { GraphQLResolveInfo } from 'graphql';
import ky from 'ky';
import {
  Arg,
  buildSchemaSync,
  createParameterDecorator,
  Ctx,
  Field,
  FieldResolver,
  ID,
  Info,
  InputType,
  ObjectType,
  Query,
  registerEnumType,
  Resolver,
} from 'type-graphql';
import { type Cancellation, Flight, Flights } from '../../src/cloudca/flights.js';
import { createTransport } from '../../src/cloudca/transport.js';
import { createExecutor } from '../../src/graph/executor.js';
import { selectedFields } from '../../src/graph/selection.js';
import { createApolloExecution } from '../../src/server/execution.js';
import type { WireVpc, WireVpn } from '../world.js';
import { announce, variable } from './listen.js';

const State = { CONNECTED: 'Connected', PENDING: 'Pending', DISCONNECTED: 'Disconnected', ERROR: 'Error' };
registerEnumType(State, { name: 'SiteToSiteVpnState' });

@InputType()
class EnvironmentInput {
  @Field(() => String)
  @Matches(/^[^/]+$/)
  declare serviceCode: string;

  @Field(() => String)
  @Matches(/^[^/]+$/)
  declare name: string;
}

@ObjectType({ simpleResolvers: true })
class Vpc {
  @Field(() => ID)
  declare id: string;

  @Field(() => String)
  declare name: string;
}

@ObjectType({ simpleResolvers: true })
class SiteToSiteVpn {
  @Field(() => ID)
  declare id: string;

  @Field(() => String)
  declare name: string;

  @Field(() => State)
  declare state: string;

  @Field(() => String)
  declare gateway: string;

  @Field(() => String)
  declare cidr: string;
}

@ObjectType({ simpleResolvers: true })
class SiteToSiteVpnConnection {
  @Field(() => [SiteToSiteVpn])
  declare nodes: SiteToSiteVpn[];
}

/** Where a row is. */
interface Place {
  readonly path: string;
  /** The VPCs there, where they have all been asked for. */
  readonly vpcs: ReadonlyMap<string, WireVpc> | undefined;
}

type Row = WireVpn & { readonly place: Place };

// Parameters one by one are sorted and gathered anew at each call.
const RowAndContext = () => createParameterDecorator((data) => data);

@Resolver(() => SiteToSiteVpn)
class SiteToSiteVpnResolver {
  @Query(() => SiteToSiteVpnConnection, { nullable: true })
  async siteToSiteVpns(
    @Arg('environment', () => EnvironmentInput) environment: EnvironmentInput,
    @Ctx('rest') rest: Rest,
    @Info() info: GraphQLResolveInfo,
  ): Promise<{ readonly nodes: readonly Row[] }> {
    const path = toPath(environment);
    const [vpns, vpcs] = await Promise.all([
      rest.vpns(`${path}/sitetositevpns`),
      selectedFields(info, 'nodes').has('vpc') ? rest.vpcs(`${path}/vpcs`) : undefined,
    ]);
    const place = { path, vpcs: vpcs && new Map(vpcs.map((vpc) => [vpc.id, vpc])) };
    return { nodes: vpns.map((vpn) => toRow(vpn, place)) };
  }

  @Query(() => SiteToSiteVpn, { nullable: true })
  async siteToSiteVpn(
    @Arg('environment', () => EnvironmentInput) environment: EnvironmentInput,
    @Arg('id', () => ID) id: string,
    @Ctx('rest') rest: Rest,
  ): Promise<Row> {
    const path = toPath(environment);
    return toRow(await rest.vpn.load(`${path}/sitetositevpns/${id}`), { path, vpcs: undefined });
  }

  @FieldResolver(() => Vpc, { nullable: true })
  vpc(
    @RowAndContext() { root, context }: { readonly root: Row; readonly context: Context },
  ): WireVpc | Promise<WireVpc> | undefined {
    const { place, vpcId } = root;
    return place.vpcs === undefined ? context.rest.vpc.load(`${place.path}/vpcs/${vpcId}`) : place.vpcs.get(vpcId);
  }
}

// Written out: a spread takes a hundred times as long.
function toRow({ id, name, state, vpcId, gateway, cidr }: WireVpn, place: Place): Row {
  return { id, name, state, vpcId, gateway, cidr, place };
}

function toPath(environment: EnvironmentInput): string {
  if (validateSync(environment).length > 0) throw new TypeError('There can be no such environment.');
  return `services/${environment.serviceCode}/${environment.name}`;
}

const base = variable('UPSTREAM');
const transport = createTransport(new URL(base).origin);

class Call {
  readonly headers: string[];
  readonly cancellation: Cancellation;

  constructor(apiKey: string, cancellation: Cancellation) {
    this.headers = ['MC-Api-Key', apiKey];
    this.cancellation = cancellation;
  }
}

const client = ky.create({
  hooks: {
    beforeRequest: [
      (request, { context: { call } }) => (call instanceof Call ? transport.exchange(request, call) : undefined),
    ],
  },
  timeout: false,
  retry: 0,
  throwHttpErrors: false,
});

/** Reads of one kind; those of a key that are alike share a call. */
class Reads<T> {
  readonly #flights = new Flights<T>();

  get(apiKey: string, path: string): Promise<T> {
    const url = `${base}/${path}`;
    const begin = () => new Flight((cancellation) => read<T>(url, new Call(apiKey, cancellation)));
    const flight = this.#flights.join(apiKey, url, begin);
    return new Promise((resolve, reject) => {
      flight.board(resolve, reject);
    });
  }
}

async function read<T>(url: string, call: Call): Promise<T> {
  const response = await client(url, { context: { call } });
  const { data }: { data: T } = JSON.parse(await response.text());
  return data;
}

const oneVpn = new Reads<WireVpn>();
const oneVpc = new Reads<WireVpc>();
const allVpns = new Reads<WireVpn[]>();
const allVpcs = new Reads<WireVpc[]>();

/** The reads of one operation. */
class Rest {
  readonly vpn = this.#loader(oneVpn);
  readonly vpc = this.#loader(oneVpc);
  readonly #apiKey: string;

  constructor(apiKey: string) {
    this.#apiKey = apiKey;
  }

  vpns(path: string): Promise<WireVpn[]> {
    return allVpns.get(this.#apiKey, path);
  }

  vpcs(path: string): Promise<WireVpc[]> {
    return allVpcs.get(this.#apiKey, path);
  }

  #loader<T>(reads: Reads<T>): DataLoader<string, T> {
    return new DataLoader((paths) => Promise.all(paths.map((path) => reads.get(this.#apiKey, path))));
  }
}

interface Context {
  readonly rest: Rest;
}

const schema = buildSchemaSync({ resolvers: [SiteToSiteVpnResolver], validate: false });
const { respond, gateway } = createApolloExecution<Context>(schema, createExecutor(schema).execute);
const apollo = new ApolloServer<Context>({
  gateway,
  stopOnTerminationSignals: false,
  plugins: [
    ApolloServerPluginCacheControlDisabled(),
    ApolloServerPluginInlineTraceDisabled(),
    ApolloServerPluginLandingPageDisabled(),
    ApolloServerPluginSchemaReportingDisabled(),
    ApolloServerPluginUsageReportingDisabled(),
    { requestDidStart: () => Promise.resolve({ responseForOperation: respond }) },
  ],
});
await apollo.start();
const app = fastify();
app.route({
  method: 'POST',
  url: '/graphql',
  handler: fastifyApolloHandler(apollo, {
    context: ({ headers }) => Promise.resolve({ rest: new Rest(String(headers['mc-api-key'])) }),
  }),
});
announce(await app.listen({ host: '127.0.0.1', port: 0 }));
