// The gateway's packages alone: Apollo Server on Fastify, compiled type-graphql resolvers, class-validator, DataLoader and ky, combined and
// built as in the gateway. It has no log, metrics, limits, security headers, request checks, response validation, deadline, retries or
// circuit breaker. Its cost is that of the packages; the difference between it and the gateway is the cost of the gateway's own work.
import 'reflect-metadata';
import {
  ApolloServer,
  type GraphQLRequestContextResponseForOperation,
  type GraphQLResponse,
  HeaderMap,
} from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { Matches, validateSync } from 'class-validator';
import DataLoader from 'dataloader';
import { fastify } from 'fastify';
import type { GraphQLResolveInfo } from 'graphql';
import ky, { type Options } from 'ky';
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
import { lightClasses } from '../../src/cloudca/http/fetch-classes.js';
import { InFlightCall, Singleflight } from '../../src/cloudca/http/singleflight.js';
import { createTransport, OutgoingCall } from '../../src/cloudca/http/transport.js';
import { createExecutor } from '../../src/graph/execution/executor.js';
import { collectSelectedFields } from '../../src/graph/execution/selected-fields.js';
import { createVariableReader } from '../../src/graph/execution/variables.js';
import type { WireVpc, WireVpn } from '../dataset.js';
import { logListening, requireEnv } from './listen.js';

const State = { CONNECTED: 'Connected', PENDING: 'Pending', DISCONNECTED: 'Disconnected', ERROR: 'Error' };
registerEnumType(State, { name: 'SiteToSiteVpnState' });

// Named, since the bundle has a class of the gateway with the same name.
@InputType('EnvironmentInput')
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

/** Environment of a row. */
interface Environment {
  /** Path of the environment in the REST API. */
  readonly path: string;
  /** VPCs of the environment by id. Undefined if the operation has not listed them. */
  readonly vpcs: ReadonlyMap<string, WireVpc> | undefined;
}

type Row = WireVpn & { readonly environment: Environment };

// One decorator for both: for several decorated parameters, type-graphql sorts and collects them again on each call.
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
      collectSelectedFields(info, 'nodes').has('vpc') ? rest.vpcs(`${path}/vpcs`) : undefined,
    ]);
    const rowEnvironment = { path, vpcs: vpcs && new Map(vpcs.map((vpc) => [vpc.id, vpc])) };
    return { nodes: vpns.map((vpn) => toRow(vpn, rowEnvironment)) };
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
    const { vpcId } = root;
    const { path, vpcs } = root.environment;
    return vpcs === undefined ? context.rest.vpc.load(`${path}/vpcs/${vpcId}`) : vpcs.get(vpcId);
  }
}

// Lists the fields one by one: a spread takes a hundred times as long.
function toRow({ id, name, state, vpcId, gateway, cidr }: WireVpn, environment: Environment): Row {
  return { id, name, state, vpcId, gateway, cidr, environment };
}

function toPath(environment: EnvironmentInput): string {
  if (validateSync(environment).length > 0)
    throw new TypeError('Invalid environment. serviceCode and name must be non-empty and must not contain a slash.');
  return `services/${environment.serviceCode}/${environment.name}`;
}

const base = requireEnv('UPSTREAM');
const transport = createTransport(new URL(base).origin, lightClasses);

interface CallOptions extends Options {
  readonly call: OutgoingCall;
}

const client = ky.create({
  fetch: (request, options = {}) => {
    if (
      request instanceof URL ||
      typeof request === 'string' ||
      !('call' in options) ||
      !(options.call instanceof OutgoingCall)
    )
      throw new TypeError('ky did not pass on the request and its call.');
    return transport.exchange(request, options.call);
  },
  timeout: false,
  retry: 0,
  throwHttpErrors: false,
});

/** Reads one type of resource, and coalesces concurrent identical reads of one API key. */
class Reads<T> {
  readonly #singleflight = new Singleflight<T>();

  get(apiKey: string, path: string): Promise<T> {
    const url = `${base}/${path}`;
    const start = () =>
      new InFlightCall((cancellation) => read<T>(new OutgoingCall(url, ['MC-Api-Key', apiKey], cancellation, apiKey)));
    const inFlight = this.#singleflight.join(apiKey, url, start);
    return new Promise((resolve, reject) => {
      inFlight.addWaiter(resolve, reject);
    });
  }
}

async function read<T>(call: OutgoingCall): Promise<T> {
  const options: CallOptions = { call };
  try {
    const response = await lightClasses.call(() => client(call.url, options));
    const { data }: { data: T } = JSON.parse(await response.text());
    return data;
  } finally {
    call.heldBody?.release();
  }
}

const vpnReads = new Reads<WireVpn>();
const vpcReads = new Reads<WireVpc>();
const vpnListReads = new Reads<WireVpn[]>();
const vpcListReads = new Reads<WireVpc[]>();

/** REST reads of one GraphQL operation. */
class Rest {
  readonly vpn = this.#loader(vpnReads);
  readonly vpc = this.#loader(vpcReads);
  readonly #apiKey: string;

  constructor(apiKey: string) {
    this.#apiKey = apiKey;
  }

  vpns(path: string): Promise<WireVpn[]> {
    return vpnListReads.get(this.#apiKey, path);
  }

  vpcs(path: string): Promise<WireVpc[]> {
    return vpcListReads.get(this.#apiKey, path);
  }

  #loader<T>(reads: Reads<T>): DataLoader<string, T> {
    return new DataLoader((paths) => Promise.all(paths.map((path) => reads.get(this.#apiKey, path))));
  }
}

interface Context {
  readonly rest: Rest;
}

const schema = buildSchemaSync({ resolvers: [SiteToSiteVpnResolver], validate: false });
const { execute } = createExecutor(schema);

/** Responds to operations that succeed. */
async function respond({
  document,
  operation,
  request,
  contextValue,
}: GraphQLRequestContextResponseForOperation<Context>): Promise<GraphQLResponse> {
  const readVariables = createVariableReader(schema, operation, { introspection: true, maxListItems: 0 });
  const variables = readVariables(request.variables ?? {});
  const { data = null } = await execute({ document, operation, variables, contextValue });
  return { http: { headers: new HeaderMap() }, body: { kind: 'single', singleResult: { data } } };
}

const apollo = new ApolloServer<Context>({
  schema,
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
app.post('/graphql', async ({ headers, body }, reply) => {
  const response = await apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: {
      method: 'POST',
      headers: new HeaderMap([['content-type', String(headers['content-type'])]]),
      search: '',
      body,
    },
    context: () => Promise.resolve({ rest: new Rest(String(headers['mc-api-key'])) }),
  });
  if (response.body.kind !== 'complete') throw new TypeError('No operation is delivered incrementally.');
  for (const [name, value] of response.headers) void reply.header(name, value);
  return response.body.string;
});
logListening(await app.listen({ host: '127.0.0.1', port: 0 }));
