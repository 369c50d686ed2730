// The playground over HTTP, with files that the test creates. The browser tests cover what the page shows.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fastify, type FastifyInstance } from 'fastify';
import { buildSchema, getOperationAST, OperationTypeNode, parse, validate } from 'graphql';
import { getVariableValues } from 'graphql/execution/values.js';
import { toCurl } from '../../../playground/curl.js';
import { readyOperations } from '../../../playground/operations.js';
import { parseTabs } from '../../../playground/stored-tabs.js';
import { addPlayground } from '../../../src/server/graphql/playground.js';
import { runProcess } from '../../helpers/process.js';

const browserAccept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const page = '<!doctype html><html><head><title>page</title></head><body></body></html>';
const graphqlBody = 'graphql';
const apiKey = "\"><script>alert('$&')</script>";

let directory: string;
let app: FastifyInstance;

interface PlaygroundResponse {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Sends a request with the path exactly as given, which fetch would normalize. */
function sendRequest(
  path: string,
  { method = 'GET', ...headers }: Record<string, string> = {},
  from = app,
): Promise<PlaygroundResponse> {
  return new Promise((resolve, reject) => {
    request(from.listeningOrigin, { path, method, headers, agent: false }, (response) => {
      text(response).then((body) => {
        resolve({ status: response.statusCode, headers: response.headers, body });
      }, reject);
    })
      .on('error', reject)
      .end();
  });
}

/** Starts an application whose GraphQL route returns `graphqlBody`. */
async function createApp(key: string | undefined): Promise<FastifyInstance> {
  const newApp = fastify();
  await addPlayground(newApp, { apiKey: key, directory: join(directory, 'playground') });
  newApp.route({ method: ['GET', 'POST'], url: '/graphql', handler: () => graphqlBody });
  await newApp.listen({ port: 0 });
  return newApp;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'playground-'));
  await mkdir(join(directory, 'playground', 'assets'), { recursive: true });
  await writeFile(join(directory, 'playground', 'index.html'), page);
  await writeFile(join(directory, 'playground', 'assets', 'main.js'), 'export {};');
  await writeFile(join(directory, 'secret.txt'), 'secret');
  app = await createApp(apiKey);
});

afterAll(async () => {
  await app.close();
  await rm(directory, { recursive: true });
});

describe('GET /graphql', () => {
  it.each([browserAccept, 'text/html', 'application/json, Text/HTML ; q=0.1', 'text/html; charset=utf-8; q=0.5'])(
    'returns the page for Accept: %s',
    async (accept) => {
      const response = await sendRequest('/graphql?query={__typename}', { accept });

      expect(response.status).toBe(200);
      expect(response.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(response.body).toContain('<title>page</title>');
    },
  );

  it.each([
    '*/*',
    'text/*',
    'application/json',
    'application/graphql-response+json',
    'text/html;q=0',
    'text/html; q=0.00',
    'text/htmlx',
    '',
  ])('runs GraphQL for Accept: %s', async (accept) => {
    const response = await sendRequest('/graphql', { accept });

    expect(response.body).toBe(graphqlBody);
  });

  it('runs GraphQL for a request without Accept', async () => {
    expect((await sendRequest('/graphql')).body).toBe(graphqlBody);
  });

  it('returns the page for HEAD too, but not for POST', async () => {
    const head = await sendRequest('/graphql', { method: 'HEAD', accept: browserAccept });
    const post = await sendRequest('/graphql', { method: 'POST', accept: browserAccept });

    expect(head.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(post.body).toBe(graphqlBody);
  });

  it('has a content security policy without eval, inline scripts and other hosts', async () => {
    const { headers } = await sendRequest('/graphql', { accept: browserAccept });

    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; " +
        "font-src 'self' data:; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
        "frame-ancestors 'none'",
    );
  });

  it('contains the key as escaped data', async () => {
    const { body } = await sendRequest('/graphql', { accept: browserAccept });

    expect(body).toContain(
      '<meta name="api-key" content="&#34;&#62;&#60;script&#62;alert(&#39;$&#38;&#39;)&#60;/script&#62;" />',
    );
    expect(body).not.toContain('<script>');
  });

  it('contains no key if none is configured', async () => {
    const appWithoutKey = await createApp(undefined);

    expect((await sendRequest('/graphql', { accept: browserAccept }, appWithoutKey)).body).toBe(page);
    await appWithoutKey.close();
  });
});

describe('GET /', () => {
  it('redirects to the playground by a relative address', async () => {
    const response = await sendRequest('/');

    expect(response.status).toBe(302);
    expect(response.headers.location).toBe('./graphql');
  });
});

describe('GET /playground/assets/:name', () => {
  it('returns the assets, with the policy and without caching headers', async () => {
    const response = await sendRequest('/playground/assets/main.js');

    expect(response.status).toBe(200);
    expect(response.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(response.headers['content-security-policy']).toContain("default-src 'none'");
    expect(response.headers).not.toHaveProperty('cache-control');
    expect(response.headers).not.toHaveProperty('etag');
    expect(response.headers).not.toHaveProperty('last-modified');
    expect(response.body).toBe('export {};');
  });

  it.each([
    '/playground/assets/../../secret.txt',
    '/playground/assets/..%2f..%2fsecret.txt',
    '/playground/assets/%2e%2e/%2e%2e/secret.txt',
    '/playground/assets/..%5c..%5csecret.txt',
    '/playground/assets/../index.html',
    '/playground/assets/%00',
    '/playground/assets/',
    '/playground/assets/missing.js',
    '/playground/index.html',
    '/playground/',
  ])('returns 404 for %s', async (url) => {
    const response = await sendRequest(url);

    expect(response.status).toBe(404);
  });
});

describe('addPlayground', () => {
  it('rejects with the command to run if the playground is not built', async () => {
    const unbuiltApp = fastify();

    await expect(
      addPlayground(unbuiltApp, { apiKey: undefined, directory: join(directory, 'nothing') }),
    ).rejects.toThrow('npm run build');
    await unbuiltApp.close();
  });
});

describe('readyOperations', () => {
  const contract = readFile(join(import.meta.dirname, '../../graph/contract.graphql'), 'utf8').then(buildSchema);
  const named = readyOperations.map(({ query, variables }) => {
    const document = parse(query);
    return { name: getOperationAST(document)?.name?.value, document, variables };
  });

  it('has one operation for each root field of the contract, the list of VPNs first', async () => {
    const schema = await contract;
    const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
    const fields = roots.flatMap((type) => Object.keys(type?.getFields() ?? {}));

    expect(named[0]?.name).toBe('siteToSiteVpns');
    expect(named.map(({ name }) => name).sort()).toEqual(fields.sort());
  });

  it.each(named)('has a valid operation $name, with valid variables', async ({ document, variables }) => {
    const schema = await contract;
    const definitions = getOperationAST(document)?.variableDefinitions ?? [];

    expect(validate(schema, document)).toEqual([]);
    expect(getVariableValues(schema, definitions, variables).errors).toBeUndefined();
    expect(Object.keys(variables)).toEqual(definitions.map(({ variable }) => variable.name.value));
  });

  it('deletes no VPN that another operation uses', () => {
    const toIds = (variables: unknown) => JSON.stringify(variables).match(/[\da-f]{8}-[\da-f-]{27}/g) ?? [];
    const deletes = named.filter(({ name }) => name?.startsWith('delete'));

    expect(deletes).toHaveLength(1);
    expect(deletes.flatMap(({ variables }) => toIds(variables))).toEqual([]);
  });
});

describe('toCurl', () => {
  const hostile = `'; echo $HOME \`id\` "\\" \n\t! é`;
  const request = {
    url: "http://127.0.0.1/it's/graphql",
    query: `{ a(b: ${JSON.stringify(hostile)}) }`,
    operationName: null,
    variables: { hostile },
    headerNames: ['MC-Api-Key', 'x-trace', 'bad"$(id)', 'Content-Type'],
    type: OperationTypeNode.QUERY,
  };
  /** Returns the arguments that a shell passes to curl. */
  const toArguments = async (text: string) => {
    const script = `curl() { printf '%s\\0' "$@"; }\n${text}`;
    const { stdout } = await runProcess('sh', ['-c', script], { env: { MC_API_KEY: 'the "key" $1', X_TRACE: 'on' } });
    return stdout.split('\0').slice(0, -1);
  };

  it('quotes every word for a POSIX shell, and takes the headers from shell variables', async () => {
    expect(await toArguments(toCurl(request))).toEqual([
      request.url,
      '--header',
      'Content-Type: application/json',
      '--header',
      'MC-Api-Key: the "key" $1',
      '--header',
      'x-trace: on',
      '--data-raw',
      JSON.stringify({ query: request.query, variables: request.variables }),
    ]);
  });

  it('reads a subscription as Server-Sent Events', async () => {
    const words = await toArguments(
      toCurl({ ...request, operationName: 'changes', type: OperationTypeNode.SUBSCRIPTION }),
    );

    expect(words).toEqual(expect.arrayContaining(['--no-buffer', 'Accept: text/event-stream']));
    expect(words.at(-1)).toContain('"operationName":"changes"');
  });
});

describe('parseTabs', () => {
  const store = (query: string) => {
    const tab = { id: '1', title: 'a', query, operationName: 'a', hash: 'secret', response: '"secret"' };
    const secrets = { variables: '{"ipSecPsk":"secret"}', headers: '{"MC-Api-Key":"secret"}' };
    return parseTabs(JSON.stringify({ tabs: [{ ...tab, ...secrets }], activeTabIndex: 3 }));
  };

  it('keeps texts and names, and drops variables, headers, responses and hashes', () => {
    const kept = { id: '1', title: 'a', query: '{ a(id: "b") }', operationName: 'a' };

    expect(store('{ a(id: "b") }')).toEqual({
      tabs: [{ ...kept, variables: null, headers: null, response: null }],
      activeTabIndex: 0,
    });
  });

  it.each([
    ['{ a(ipSecPsk: "secret", id: "b") }', '{ a(ipSecPsk: "", id: "b") }'],
    ['{ a(input: {ipSecPsk\n: , "se\\"cret"}) }', '{ a(input: {ipSecPsk\n: , ""}) }'],
    ['{ a(ipSecPsk: """se"cret""") }', '{ a(ipSecPsk: "") }'],
    ['{ a(ipSecPsk: "secret', '{ a(ipSecPsk: ""'],
    ['query ($apiKey: String! = "secret") { a }', 'query ($apiKey: String! = "") { a }'],
    ['query ($ipSecPsk: String!) { a(ipSecPsk: $ipSecPsk, id: "b") }', undefined],
    ['{ key: name a(name: "b") }', undefined],
  ])('redacts secret literals of %s', (query, redacted) => {
    expect(store(query)?.tabs[0]?.query).toBe(redacted ?? query);
  });

  it.each([null, '', '{', 'null', '[]', '{"tabs":[]}', '{"tabs":[{"id":1}]}'])('returns undefined for %s', (text) => {
    expect(parseTabs(text)).toBeUndefined();
  });
});
