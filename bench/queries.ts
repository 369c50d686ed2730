// Defines the GraphQL queries of the workloads in each contender's dialect, and how to normalize the responses.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Dataset, serviceCode } from './dataset.js';

/** GraphQL schema of a contender: the gateway's own, or one that mirrors the REST API's responses, as tools that generate it do. */
export type Dialect = 'gateway' | 'mirror';

/** Body of a GraphQL request over HTTP. */
export interface Operation {
  readonly operationName: string;
  readonly query?: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** A query in each dialect. */
export interface Query {
  /** Request to send. */
  readonly operations: Readonly<Record<Dialect, Operation>>;
  /** Converts the response's `data` to a form that is the same in all dialects. Throws if it has another shape. */
  readonly normalize: Readonly<Record<Dialect, (data: unknown) => unknown>>;
  /** Texts by id, if the request names its document by a trusted id instead of its text. */
  readonly trustedDocuments?: Readonly<Record<string, string>>;
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
// The joined field needs the environment as an argument, because a VPN does not contain its environment.
const mirroredFieldsWithVpc = `${fields} vpc(environment: $environment) { id name }`;

function toEnvironment({ environment }: Dataset) {
  return { environment: { serviceCode, name: environment } };
}

/** Creates a query for all VPNs of an environment, each with its VPC. */
export function vpnsWithVpcs(dataset: Dataset): Query {
  return {
    operations: {
      gateway: {
        operationName: 'Vpns',
        query: `query Vpns($environment: EnvironmentInput!) { siteToSiteVpns(environment: $environment) { nodes { ${fieldsWithVpc} } } }`,
        variables: toEnvironment(dataset),
      },
      mirror: {
        operationName: 'Vpns',
        query: `query Vpns($environment: String!) { siteToSiteVpns(environment: $environment) { data { ${mirroredFieldsWithVpc} } } }`,
        variables: { environment: dataset.environment },
      },
    },
    normalize: {
      gateway: (data) =>
        z.strictObject({ siteToSiteVpns: z.strictObject({ nodes: z.array(rowWithVpc) }) }).parse(data).siteToSiteVpns
          .nodes,
      mirror: (data) =>
        z
          .strictObject({ siteToSiteVpns: z.strictObject({ data: z.array(rowWithVpc) }) })
          .parse(data)
          .siteToSiteVpns.data.map(withEnumState),
    },
  };
}

/** Creates a query for all VPNs of an environment without their VPCs, which takes one REST call. */
export function vpnsAlone(dataset: Dataset): Query {
  return {
    operations: {
      gateway: {
        operationName: 'VpnsAlone',
        query: `query VpnsAlone($environment: EnvironmentInput!) { siteToSiteVpns(environment: $environment) { nodes { ${fields} } } }`,
        variables: toEnvironment(dataset),
      },
      mirror: {
        operationName: 'VpnsAlone',
        query: `query VpnsAlone($environment: String!) { siteToSiteVpns(environment: $environment) { data { ${fields} } } }`,
        variables: { environment: dataset.environment },
      },
    },
    normalize: {
      gateway: (data) =>
        z.strictObject({ siteToSiteVpns: z.strictObject({ nodes: z.array(row) }) }).parse(data).siteToSiteVpns.nodes,
      mirror: (data) =>
        z
          .strictObject({ siteToSiteVpns: z.strictObject({ data: z.array(row) }) })
          .parse(data)
          .siteToSiteVpns.data.map(withEnumState),
    },
  };
}

/** Creates a query for the first VPN of an environment by ID, with its VPC. */
export function vpnWithVpc(dataset: Dataset): Query {
  const id = dataset.vpns[0]?.id;
  return {
    operations: {
      gateway: {
        operationName: 'Vpn',
        query: `query Vpn($environment: EnvironmentInput!, $id: ID!) { siteToSiteVpn(environment: $environment, id: $id) { ${fieldsWithVpc} } }`,
        variables: { ...toEnvironment(dataset), id },
      },
      mirror: {
        operationName: 'Vpn',
        query: `query Vpn($environment: String!, $id: String!) { siteToSiteVpn(environment: $environment, id: $id) { data { ${mirroredFieldsWithVpc} } } }`,
        variables: { environment: dataset.environment, id },
      },
    },
    normalize: {
      gateway: (data) => z.strictObject({ siteToSiteVpn: rowWithVpc }).parse(data).siteToSiteVpn,
      mirror: (data) =>
        withEnumState(
          z.strictObject({ siteToSiteVpn: z.strictObject({ data: rowWithVpc }) }).parse(data).siteToSiteVpn.data,
        ),
    },
  };
}

/** Creates the same query with a trusted id in place of the text, in the form that Apollo's clients send. */
export function byTrustedId({ operations, normalize }: Query): Query {
  const { query = '', ...rest } = operations.gateway;
  const sha256Hash = createHash('sha256').update(query).digest('hex');
  return {
    operations: { ...operations, gateway: { ...rest, extensions: { persistedQuery: { version: 1, sha256Hash } } } },
    normalize,
    trustedDocuments: { [sha256Hash]: query },
  };
}

// A mirror passes the REST API's state on unchanged; the gateway has an enum in upper case.
function withEnumState<T extends { state: string }>(vpn: T): T {
  return { ...vpn, state: vpn.state.toUpperCase() };
}
