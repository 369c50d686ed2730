// An app with Apollo Client, as it would use the gateway: it lists, creates, is told what to put right, and follows the task to its end.
import {
  ApolloClient,
  CombinedGraphQLErrors,
  gql,
  HttpLink,
  InMemoryCache,
  type TypedDocumentNode,
} from '@apollo/client';
import { describe, expect, it } from '@jest/globals';
import { SANDBOX_KEY } from '../../../src/sandbox/sandbox.js';
import { TASK_DURATION } from '../../../src/sandbox/state.js';
import { atEnd } from '../../helpers/at-end.js';
import { startGatewayOnSandbox } from '../../helpers/gateway.js';

let now = Date.UTC(2026, 10, 23);
const gateway = await startGatewayOnSandbox({ clock: () => now });

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
  atEnd(() => {
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
  it('lists the VPNs with their VPCs, and has them in its cache by their ids', async () => {
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

  it('is told field by field what to put right before anything is created', async () => {
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

  it('is told what the REST API refuses in the same way', async () => {
    const [taken] = await list();
    const { data } = await client.mutate({ mutation: CREATE, variables: { input: { ...input, name: taken?.name } } });

    expect(data?.createSiteToSiteVpn).toMatchObject({ task: null, userErrors: [{ field: null, code: 'REJECTED' }] });
  });

  it('creates a VPN, and follows the task by polling until it has succeeded', async () => {
    const { data } = await client.mutate({ mutation: CREATE, variables: { input } });
    const created = data?.createSiteToSiteVpn;
    expect(created).toMatchObject({ task: { status: 'PENDING', siteToSiteVpn: null }, userErrors: [] });

    const seen: string[] = [];
    const polls = () => gateway.sandbox.calls.filter(({ path }) => path.endsWith(`/tasks/${created?.task?.id ?? ''}`));
    const last = await new Promise<Task>((resolve, reject) => {
      const watched = client.watchQuery({
        query: TASK,
        variables: { id: created?.task?.id ?? '', environment },
        fetchPolicy: 'network-only',
        notifyOnNetworkStatusChange: true,
        pollInterval: 20,
      });
      const subscription = watched.subscribe(({ data: shown, dataState, error, networkStatus }) => {
        if (error !== undefined) reject(new Error(error.message));
        if (dataState !== 'complete' || !shown.task) return;
        seen.push(`${networkStatus} ${shown.task.status}`);
        // A poll, too, has seen it pending: now the time comes at which it is done.
        if (seen.length === 3) now += TASK_DURATION;
        if (shown.task.status !== 'SUCCESS') return;
        watched.stopPolling();
        subscription.unsubscribe();
        resolve(shown.task);
      });
    });

    expect(seen.filter((state) => state.endsWith('PENDING')).length).toBeGreaterThanOrEqual(3);
    expect(polls().length).toBeGreaterThanOrEqual(3);
    expect(last.siteToSiteVpn).toMatchObject({ name: 'office', state: 'PENDING' });
    expect((await list()).map(({ id }) => id)).toContain(last.siteToSiteVpn?.id);
  });

  it('has an error by its code where the key is not known', async () => {
    const stranger = createClient({ 'MC-Api-Key': 'unknown-key' });
    const { error } = await stranger.query({ query: LIST, variables: { environment }, errorPolicy: 'all' });

    expect(CombinedGraphQLErrors.is(error) && error.errors).toMatchObject([
      { path: ['siteToSiteVpns'], extensions: { code: 'UNAUTHENTICATED', requestId: expect.any(String) } },
    ]);
  });

  it('has the reason where the document does not fit, though the status is 400', async () => {
    const wrong: TypedDocumentNode<unknown, Record<string, never>> = gql`
      {
        nothing
      }
    `;
    const { error } = await client.query({ query: wrong, variables: {}, errorPolicy: 'all' });

    expect(CombinedGraphQLErrors.is(error) && error.errors).toMatchObject([
      { message: expect.stringContaining('nothing'), extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
    ]);
  });
});
