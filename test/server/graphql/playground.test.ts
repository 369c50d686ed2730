// The playground as a browser gets it, from a directory made up here: what it shows is for a browser to tell.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fastify, type FastifyInstance } from 'fastify';
import { buildSchema, getOperationAST, parse, validate } from 'graphql';
import { getVariableValues } from 'graphql/execution/values.js';
import { readyOperations } from '../../../playground/operations.js';
import { addPlayground } from '../../../src/server/graphql/playground.js';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const PAGE = '<!doctype html><html><head><title>page</title></head><body></body></html>';
const REACHED = 'graphql';
const KEY = "\"><script>alert('$&')</script>";

let directory: string;
let app: FastifyInstance;

interface Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Asks for a path exactly as it is written here, where fetch would tidy it first. */
function ask(path: string, { method = 'GET', ...headers }: Record<string, string> = {}, from = app): Promise<Answer> {
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

/** An app with a stand-in for the GraphQL route, which says that it was reached. */
async function createApp(apiKey: string | undefined): Promise<FastifyInstance> {
  const created = fastify();
  await addPlayground(created, { apiKey, directory: join(directory, 'playground') });
  created.route({ method: ['GET', 'POST'], url: '/graphql', handler: () => REACHED });
  await created.listen({ port: 0 });
  return created;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'playground-'));
  await mkdir(join(directory, 'playground', 'assets'), { recursive: true });
  await writeFile(join(directory, 'playground', 'index.html'), PAGE);
  await writeFile(join(directory, 'playground', 'assets', 'main.js'), 'export {};');
  await writeFile(join(directory, 'secret.txt'), 'secret');
  app = await createApp(KEY);
});

afterAll(async () => {
  await app.close();
  await rm(directory, { recursive: true });
});

describe('GET /graphql', () => {
  it.each([BROWSER, 'text/html', 'application/json, Text/HTML ; q=0.1', 'text/html; charset=utf-8; q=0.5'])(
    'answers Accept: %s with the page',
    async (accept) => {
      const answer = await ask('/graphql?query={__typename}', { accept });

      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(answer.body).toContain('<title>page</title>');
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
  ])('leaves Accept: %s to GraphQL', async (accept) => {
    const answer = await ask('/graphql', { accept });

    expect(answer.body).toBe(REACHED);
  });

  it('leaves a request without Accept to GraphQL', async () => {
    expect((await ask('/graphql')).body).toBe(REACHED);
  });

  it('is the only method that the page answers, with HEAD', async () => {
    const head = await ask('/graphql', { method: 'HEAD', accept: BROWSER });
    const post = await ask('/graphql', { method: 'POST', accept: BROWSER });

    expect(head.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(post.body).toBe(REACHED);
  });

  it('carries a policy without eval, inline scripts or other hosts', async () => {
    const { headers } = await ask('/graphql', { accept: BROWSER });

    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; " +
        "font-src 'self' data:; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
        "frame-ancestors 'none'",
    );
  });

  it('tells the key as escaped data', async () => {
    const { body } = await ask('/graphql', { accept: BROWSER });

    expect(body).toContain(
      '<meta name="api-key" content="&#34;&#62;&#60;script&#62;alert(&#39;$&#38;&#39;)&#60;/script&#62;" />',
    );
    expect(body).not.toContain('<script>');
  });

  it('tells no key where there is none to tell', async () => {
    const keyless = await createApp(undefined);

    expect((await ask('/graphql', { accept: BROWSER }, keyless)).body).toBe(PAGE);
    await keyless.close();
  });
});

describe('GET /', () => {
  it('leads to the playground', async () => {
    const answer = await ask('/');

    expect(answer.status).toBe(302);
    expect(answer.headers.location).toBe('/graphql');
  });
});

describe('GET /playground/assets/', () => {
  it('serves the assets, with the policy and no word on caching', async () => {
    const answer = await ask('/playground/assets/main.js');

    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
    expect(answer.headers).not.toHaveProperty('cache-control');
    expect(answer.headers).not.toHaveProperty('etag');
    expect(answer.headers).not.toHaveProperty('last-modified');
    expect(answer.body).toBe('export {};');
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
  ])('finds nothing at %s', async (url) => {
    const answer = await ask(url);

    expect(answer.status).toBe(404);
  });
});

describe('addPlayground', () => {
  it('says what to run where the playground is not built', async () => {
    const bare = fastify();

    await expect(addPlayground(bare, { apiKey: undefined, directory: join(directory, 'nothing') })).rejects.toThrow(
      'npm run build',
    );
    await bare.close();
  });
});

describe('The ready operations', () => {
  const contract = readFile(join(import.meta.dirname, '../../graph/contract.graphql'), 'utf8').then(buildSchema);
  const named = readyOperations.map(({ query, variables }) => {
    const document = parse(query);
    return { name: getOperationAST(document)?.name?.value, document, variables };
  });

  it('are one for each operation of the contract, the list first', async () => {
    const schema = await contract;
    const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
    const fields = roots.flatMap((type) => Object.keys(type?.getFields() ?? {}));

    expect(named[0]?.name).toBe('siteToSiteVpns');
    expect(named.map(({ name }) => name).sort()).toEqual(fields.sort());
  });

  it.each(named)('$name is valid, with variables that fit', async ({ document, variables }) => {
    const schema = await contract;
    const definitions = getOperationAST(document)?.variableDefinitions ?? [];

    expect(validate(schema, document)).toEqual([]);
    expect(getVariableValues(schema, definitions, variables).errors).toBeUndefined();
    expect(Object.keys(variables)).toEqual(definitions.map(({ variable }) => variable.name.value));
  });
});
