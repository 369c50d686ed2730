// What is asked of the contenders, in the words of each, and what their answers mean. How it is measured is not known here.
import { z } from 'zod';
import { serviceCode, type World } from './world.js';

/** The words in which a contender is asked: the gateway's own schema, or the one that Mesh makes of an OpenAPI description. */
export type Dialect = 'gateway' | 'mesh';

/** A GraphQL request over HTTP: its body. */
export interface Operation {
  readonly operationName: string;
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** A kind of operation, in each dialect. */
export interface Question {
  /** What to send. */
  readonly operations: Readonly<Record<Dialect, Operation>>;
  /** What came in `data`, in a form that is the same for all. Throws where it is something else. */
  readonly toCommon: Readonly<Record<Dialect, (data: unknown) => unknown>>;
}

const row = z.strictObject({
  id: z.string(),
  name: z.string(),
  state: z.string(),
  gateway: z.string(),
  cidr: z.string(),
});
const rowWithVpc = row.extend({ vpc: z.strictObject({ id: z.string(), name: z.string() }) });

const fields = 'id name state gateway cidr';
const fieldsWithVpc = `${fields} vpc { id name }`;
// A joined field has arguments of its own in Mesh: the VPN does not know its environment.
const meshFieldsWithVpc = `${fields} vpc(environment: $environment) { id name }`;

function toEnvironment({ environment }: World) {
  return { environment: { serviceCode, name: environment } };
}

/** All VPNs of an environment, each with its VPC. */
export function vpnsWithVpcs(world: World): Question {
  return {
    operations: {
      gateway: {
        operationName: 'Vpns',
        query: `query Vpns($environment: EnvironmentInput!) { siteToSiteVpns(environment: $environment) { nodes { ${fieldsWithVpc} } } }`,
        variables: toEnvironment(world),
      },
      mesh: {
        operationName: 'Vpns',
        query: `query Vpns($environment: String!) { siteToSiteVpns(environment: $environment) { data { ${meshFieldsWithVpc} } } }`,
        variables: { environment: world.environment },
      },
    },
    toCommon: {
      gateway: (data) =>
        z.strictObject({ siteToSiteVpns: z.strictObject({ nodes: z.array(rowWithVpc) }) }).parse(data).siteToSiteVpns
          .nodes,
      mesh: (data) =>
        z
          .strictObject({ siteToSiteVpns: z.strictObject({ data: z.array(rowWithVpc) }) })
          .parse(data)
          .siteToSiteVpns.data.map(withEnumState),
    },
  };
}

/** All VPNs of an environment, without VPCs: one REST call. */
export function vpnsAlone(world: World): Question {
  return {
    operations: {
      gateway: {
        operationName: 'VpnsAlone',
        query: `query VpnsAlone($environment: EnvironmentInput!) { siteToSiteVpns(environment: $environment) { nodes { ${fields} } } }`,
        variables: toEnvironment(world),
      },
      mesh: {
        operationName: 'VpnsAlone',
        query: `query VpnsAlone($environment: String!) { siteToSiteVpns(environment: $environment) { data { ${fields} } } }`,
        variables: { environment: world.environment },
      },
    },
    toCommon: {
      gateway: (data) =>
        z.strictObject({ siteToSiteVpns: z.strictObject({ nodes: z.array(row) }) }).parse(data).siteToSiteVpns.nodes,
      mesh: (data) =>
        z
          .strictObject({ siteToSiteVpns: z.strictObject({ data: z.array(row) }) })
          .parse(data)
          .siteToSiteVpns.data.map(withEnumState),
    },
  };
}

/** One VPN by its id, with its VPC. */
export function vpnWithVpc(world: World): Question {
  const id = world.vpns[0]?.id;
  return {
    operations: {
      gateway: {
        operationName: 'Vpn',
        query: `query Vpn($environment: EnvironmentInput!, $id: ID!) { siteToSiteVpn(environment: $environment, id: $id) { ${fieldsWithVpc} } }`,
        variables: { ...toEnvironment(world), id },
      },
      mesh: {
        operationName: 'Vpn',
        query: `query Vpn($environment: String!, $id: String!) { siteToSiteVpn(environment: $environment, id: $id) { data { ${meshFieldsWithVpc} } } }`,
        variables: { environment: world.environment, id },
      },
    },
    toCommon: {
      gateway: (data) => z.strictObject({ siteToSiteVpn: rowWithVpc }).parse(data).siteToSiteVpn,
      mesh: (data) =>
        withEnumState(
          z.strictObject({ siteToSiteVpn: z.strictObject({ data: rowWithVpc }) }).parse(data).siteToSiteVpn.data,
        ),
    },
  };
}

// Mesh passes on the REST API's own words.
function withEnumState<T extends { state: string }>(vpn: T): T {
  return { ...vpn, state: vpn.state.toUpperCase() };
}
