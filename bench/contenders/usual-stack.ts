// The usual stack: Apollo Server with its defaults, type-graphql, ky on Node's fetch, and a DataLoader per request that fetches each VPC
// by its id.
import 'reflect-metadata';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import DataLoader from 'dataloader';
import ky, { type KyInstance } from 'ky';
import {
  Arg,
  buildSchema,
  Ctx,
  Field,
  FieldResolver,
  ID,
  InputType,
  ObjectType,
  Query,
  registerEnumType,
  Resolver,
  Root,
} from 'type-graphql';
import type { WireVpn } from '../dataset.js';
import { logListening, requireEnv } from './listen.js';

interface Context {
  rest: KyInstance;
  vpcs: (environment: EnvironmentInput) => DataLoader<string, Vpc>;
}

const State = { CONNECTED: 'Connected', PENDING: 'Pending', DISCONNECTED: 'Disconnected', ERROR: 'Error' };
registerEnumType(State, { name: 'SiteToSiteVpnState' });

@InputType()
class EnvironmentInput {
  @Field(() => String)
  declare serviceCode: string;

  @Field(() => String)
  declare name: string;
}

@ObjectType()
class Vpc {
  @Field(() => ID)
  declare id: string;

  @Field(() => String)
  declare name: string;
}

@ObjectType()
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

  declare vpcId: string;
  declare environment: EnvironmentInput;
}

@ObjectType()
class SiteToSiteVpnConnection {
  @Field(() => [SiteToSiteVpn])
  declare nodes: SiteToSiteVpn[];
}

@Resolver(() => SiteToSiteVpn)
class SiteToSiteVpnResolver {
  @Query(() => SiteToSiteVpnConnection)
  async siteToSiteVpns(
    @Arg('environment', () => EnvironmentInput) environment: EnvironmentInput,
    @Ctx() { rest }: Context,
  ): Promise<SiteToSiteVpnConnection> {
    const { data } = await rest.get(`${toPath(environment)}/sitetositevpns`).json<{ data: WireVpn[] }>();
    return { nodes: data.map((vpn) => ({ ...vpn, environment })) };
  }

  @Query(() => SiteToSiteVpn)
  async siteToSiteVpn(
    @Arg('environment', () => EnvironmentInput) environment: EnvironmentInput,
    @Arg('id', () => ID) id: string,
    @Ctx() { rest }: Context,
  ): Promise<SiteToSiteVpn> {
    const { data } = await rest.get(`${toPath(environment)}/sitetositevpns/${id}`).json<{ data: WireVpn }>();
    return { ...data, environment };
  }

  @FieldResolver(() => Vpc)
  vpc(@Root() vpn: SiteToSiteVpn, @Ctx() { vpcs }: Context): Promise<Vpc> {
    return vpcs(vpn.environment).load(vpn.vpcId);
  }
}

function createContext(apiKey: string): Context {
  const rest = ky.create({ prefixUrl: requireEnv('UPSTREAM'), headers: { 'MC-Api-Key': apiKey } });
  const loaders = new Map<string, DataLoader<string, Vpc>>();
  const getVpc = async (environment: EnvironmentInput, id: string) => {
    const { data } = await rest.get(`${toPath(environment)}/vpcs/${id}`).json<{ data: Vpc }>();
    return data;
  };
  return {
    rest,
    vpcs: (environment) => {
      const path = toPath(environment);
      const loader =
        loaders.get(path) ??
        new DataLoader<string, Vpc>((ids) => Promise.all(ids.map((id) => getVpc(environment, id))));
      loaders.set(path, loader);
      return loader;
    },
  };
}

function toPath({ serviceCode, name }: EnvironmentInput): string {
  return `services/${serviceCode}/${name}`;
}

const server = new ApolloServer<Context>({ schema: await buildSchema({ resolvers: [SiteToSiteVpnResolver] }) });
const { url } = await startStandaloneServer(server, {
  listen: { host: '127.0.0.1', port: 0 },
  context: ({ req }) => Promise.resolve(createContext(String(req.headers['mc-api-key']))),
});
logListening(url);
