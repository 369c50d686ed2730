// Apollo Client as an app uses it: it lists VPNs, creates one, reads input errors, and polls the task until it succeeds.
import {
  ApolloClient,
  CombinedGraphQLErrors,
  gql,
  HttpLink,
  InMemoryCache,
  type TypedDocumentNode,
} from '@apollo/client';
import { describe, expect, it } from '@jest/globals';
import { SANDBOX_KEY } from '../../../src/sandbox/keys.js';
import { TASK_DURATION } from '../../../src/sandbox/state.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { startGateway } from '../../helpers/gateway.js';

let now = Date.UTC(2026, 10, 23);
const gateway = await startGateway({ sandbox: { clock: () => now } });

const environment = { serviceCode: 'compute-on', name: 'test_area' } as const;

interface Task {
  id: string;
  status: string;
  siteToSiteVpn: { id: string; name: string; state: string } | null;
}
interface Vpn {
  id: string;
  name: string;
  state: string;
  vpc: { id: string; name: string } | null;
}
interface Payload {
  task: Task | null;
  userErrors: { field: string[] | null; message: string; code: string }[];
}

const LIST: TypedDocumentNode<
  { siteToSiteVpns: { totalCount: number; nodes: Vpn[] } | null },
  { environment: typeof environment }
> = gql`
  query List($environment: EnvironmentInput!) {
    siteToSiteVpns(environment: $environment) {
      totalCount
      nodes {
        id
        name
        state
        vpc {
          id
          name
        }
      }
    }
  }
`;

const CREATE: TypedDocumentNode<{ createSiteToSiteVpn: Payload | null }, { input: Record<string, unknown> }> = gql`
  mutation Create($input: CreateSiteToSiteVpnInput!) {
    createSiteToSiteVpn(input: $input) {
      task {
        id
        status
        siteToSiteVpn {
          id
          name
          state
        }
      }
      userErrors {
        field
        message
        code
      }
    }
  }
`;

const TASK: TypedDocumentNode<{ task: Task | null }, { id: string; environment: typeof environment }> = gql`
  query Task($id: ID!, $environment: EnvironmentInput!) {
    task(id: $id, environment: $environment) {
      id
      status
      siteToSiteVpn {
        id
        name
        state
      }
    }
  }
`;

function createClient(headers: Readonly<Record<string, string>>): ApolloClient {
  const client = new ApolloClient({
    link: new HttpLink({ uri: gateway.url, headers }),
    cache: new InMemoryCache(),
  });
  addCleanup(() => {
    client.stop();
  });
  return client;
}

const client = createClient({ 'MC-Api-Key': SANDBOX_KEY });

const input = {
  environment,
  name: 'office',
  vpcId: '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7',
  gateway: '198.51.100.77',
  cidr: '10.99.0.0/24',
  ipSecPsk: 'Kz81mPq04LtYvB',
  ikeEncryptionAlgorithm: 'AES256',
  ikeHashAlgorithm: 'SHA1',
  ikeDhGroup: 'MODP_1536',
  ikeLifetime: 86_400,
  espEncryptionAlgorithm: 'AES256',
  espHashAlgorithm: 'SHA1',
  espLifetime: 3_600,
} as const;

async function list(): Promise<Vpn[]> {
  const { data } = await client.query({ query: LIST, variables: { environment }, fetchPolicy: 'network-only' });
  return data?.siteToSiteVpns?.nodes ?? [];
}

describe('Apollo Client', () => {
  it('lists VPNs with their VPCs, and caches them by id', async () => {
    const { data, error } = await client.query({ query: LIST, variables: { environment } });

    expect(error).toBeUndefined();
    const nodes = data?.siteToSiteVpns?.nodes ?? [];
    expect(nodes.length).toBeGreaterThan(0);
    expect(nodes).toHaveLength(data?.siteToSiteVpns?.totalCount ?? -1);
    for (const { id, vpc } of nodes) {
      expect(vpc?.name).toEqual(expect.any(String));
      expect(client.cache.extract()).toHaveProperty([`SiteToSiteVpn:${id}`]);
    }
  });

  it('receives an input error for each invalid field, and creates nothing', async () => {
    const before = await list();
    const { data, error } = await client.mutate({
      mutation: CREATE,
      variables: { input: { ...input, gateway: 'nowhere', ipSecPsk: 'short' } },
    });

    expect(error).toBeUndefined();
    expect(data?.createSiteToSiteVpn).toMatchObject({
      task: null,
      userErrors: expect.arrayContaining([
        expect.objectContaining({ field: ['input', 'gateway'], message: expect.any(String), code: 'INVALID' }),
        expect.objectContaining({ field: ['input', 'ipSecPsk'], message: expect.any(String), code: 'INVALID' }),
      ]),
    });
    expect(await list()).toEqual(before);
  });

  it('receives a rejection by the REST API as an input error', async () => {
    const [existing] = await list();
    const { data } = await client.mutate({
      mutation: CREATE,
      variables: { input: { ...input, name: existing?.name } },
    });

    expect(data?.createSiteToSiteVpn).toMatchObject({
      task: null,
      userErrors: [{ field: ['input', 'name'], code: 'TAKEN' }],
    });
  });

  it('creates a VPN, and polls the task until it succeeds', async () => {
    const { data } = await client.mutate({ mutation: CREATE, variables: { input } });
    const created = data?.createSiteToSiteVpn;
    expect(created).toMatchObject({ task: { status: 'PENDING', siteToSiteVpn: null }, userErrors: [] });

    const states: string[] = [];
    const getPolls = () =>
      gateway.sandbox.calls.filter(({ path }) => path.endsWith(`/tasks/${created?.task?.id ?? ''}`));
    const completed = await new Promise<Task>((resolve, reject) => {
      const observable = client.watchQuery({
        query: TASK,
        variables: { id: created?.task?.id ?? '', environment },
        fetchPolicy: 'network-only',
        notifyOnNetworkStatusChange: true,
        pollInterval: 20,
      });
      const subscription = observable.subscribe(({ data: current, dataState, error, networkStatus }) => {
        if (error !== undefined) reject(new Error(error.message));
        if (dataState !== 'complete' || !current.task) return;
        states.push(`${networkStatus} ${current.task.status}`);
        // The task was pending in a poll too. Now the sandbox completes it.
        if (states.length === 3) now += TASK_DURATION;
        if (current.task.status !== 'SUCCESS') return;
        observable.stopPolling();
        subscription.unsubscribe();
        resolve(current.task);
      });
    });

    expect(states.filter((state) => state.endsWith('PENDING')).length).toBeGreaterThanOrEqual(3);
    expect(getPolls().length).toBeGreaterThanOrEqual(3);
    expect(completed.siteToSiteVpn).toMatchObject({ name: 'office', state: 'PENDING' });
    expect((await list()).map(({ id }) => id)).toContain(completed.siteToSiteVpn?.id);
  });

  it('receives the error code for an unknown API key', async () => {
    const unauthenticated = createClient({ 'MC-Api-Key': 'unknown-key' });
    const { error } = await unauthenticated.query({ query: LIST, variables: { environment }, errorPolicy: 'all' });

    expect(CombinedGraphQLErrors.is(error) && error.errors).toMatchObject([
      { path: ['siteToSiteVpns'], extensions: { code: 'UNAUTHENTICATED', requestId: expect.any(String) } },
    ]);
  });

  it('receives the validation error of an invalid document, despite status 400', async () => {
    const invalid: TypedDocumentNode<unknown, Record<string, never>> = gql`
      {
        nothing
      }
    `;
    const { error } = await client.query({ query: invalid, variables: {}, errorPolicy: 'all' });

    expect(CombinedGraphQLErrors.is(error) && error.errors).toMatchObject([
      { message: expect.stringContaining('nothing'), extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
    ]);
  });
});
