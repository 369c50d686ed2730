// docs/clients.md: compiles its files, and runs each of its snippets in a separate process against a gateway.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { buildSchema, isScalarType } from 'graphql';
import { SANDBOX_KEY } from '../../../src/sandbox/sandbox.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { startGatewayOnSandbox } from '../../helpers/gateway.js';
import { post } from '../../helpers/http.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));
const text = await readFile(join(root, 'docs/clients.md'), 'utf8');
const schemaText = await readFile(join(root, 'schema.graphql'), 'utf8');
const blocks = [...text.matchAll(/<!-- (run|file|before): (.+) -->\n\n```(\w+)\n([\s\S]*?)```/g)].map(
  ([, kind = '', name = '', language = '', code = '']) => ({ kind, name, language, code }),
);
const [, setup = ''] = /<!-- setup -->\n\n```js\n([\s\S]*?)```/.exec(text) ?? [];

// An app with the files that the document describes.
const app = await mkdtemp(join(tmpdir(), 'clients-'));
addCleanup(() => rm(app, { recursive: true }));
await symlink(join(root, 'node_modules'), join(app, 'node_modules'));
await cp(join(root, 'schema.graphql'), join(app, 'schema.graphql'));
await cp(join(root, 'operations'), join(app, 'operations'), { recursive: true });
await rm(join(app, 'operations/manifest.json'));
await writeFile(join(app, 'package.json'), '{ "type": "module" }');
for (const { name, code } of blocks.filter(({ kind }) => kind === 'file')) {
  await mkdir(dirname(join(app, name)), { recursive: true });
  await writeFile(join(app, name), code);
}
await Promise.all(
  blocks.filter(({ kind }) => kind === 'before').map(({ code }) => run('sh', ['-ec', code], { cwd: app })),
);

const startTrusted = (manifest: string) =>
  startGatewayOnSandbox({}, { trustedDocuments: join(app, manifest), trustedDocumentsOnly: true });
const open = await startGatewayOnSandbox();
const apollo = await startTrusted('operations/manifest.json');
const relay = await startTrusted('persisted-queries.json');
const codegen = await startTrusted('src/gql/persisted-documents.json');

const environments = /test_area/;
const names = /name: 'toronto-office'/;
const namesAndState = /name: 'toronto-office'[\s\S]*\nCONNECTED\n/;

// Snippets in curl are skipped if it is not installed. All others need only Node.
const hasCurl = await run('curl', ['--version']).then(
  () => true,
  () => false,
);

describe('docs/clients.md', () => {
  const expected = new Map([
    ['curl', environments],
    ['curl by GET', environments],
    ['curl for events', /^data: \{"data":\{"siteToSiteVpnsUpdated":\{"totalCount":\d+\}\}\}/m],
    ['fetch', names],
    ['graphql-request', names],
    ['Apollo Client', namesAndState],
    ['Apollo Client by ids', environments],
    ['urql', namesAndState],
    ['urql by hashes', environments],
    ['Relay', names],
  ]);
  const trustedGateways = new Map([
    ['Apollo Client by ids', apollo],
    ['Relay', relay],
  ]);
  const snippets = blocks.filter(({ kind }) => kind === 'run');

  it('has exactly the expected snippets', () => {
    expect(snippets.map(({ name }) => name)).toEqual([...expected.keys()]);
  });

  it('names the packages to install for each snippet', () => {
    for (const section of text.split(/^## /m)) {
      const imports = [...section.matchAll(/^import (?:type )?.* from '(?!node:|\.)((?:@[^/']+\/)?[^/']+)/gm)];
      const installed = [...section.matchAll(/`npm install ([^`]+)`/g)].flatMap(([, names = '']) => names.split(' '));
      expect(installed).toEqual(expect.arrayContaining(imports.map(([, name]) => name)));
    }
  });

  it.each(snippets.filter(({ language }) => language !== 'sh' || hasCurl))(
    'runs the snippet $name with the expected output',
    async ({ name, language, code }) => {
      const origin = new URL((trustedGateways.get(name) ?? open).url).host;
      const localCode = code.replaceAll(/(http|ws)s:\/\/gateway\.example\.com/g, `$1://${origin}`);
      const file = join(app, `snippet-${String(snippets.findIndex((snippet) => snippet.name === name))}`);
      if (language === 'js') await writeFile(`${file}.js`, localCode.replace(/(^(?:import .*\n)*)/, `$1${setup}`));
      const { stdout, stderr } =
        language === 'sh'
          ? await run('sh', ['-c', localCode])
          : await run(
              process.execPath,
              // Node 20 has WebSocket only behind a flag.
              ['--experimental-websocket', '--disable-warning=ExperimentalWarning', '--import', 'tsx', `${file}.js`],
              { cwd: app, timeout: 25_000 },
            );
      expect(stderr).toBe('');
      expect(stdout).toMatch(expected.get(name) ?? /^$/);
    },
  );
});

describe('Trusted documents of GraphQL Codegen', () => {
  it('run by their ids', async () => {
    const ids: unknown = JSON.parse(await readFile(join(app, 'src/gql/persisted-documents.json'), 'utf8'));
    const [id = ''] =
      Object.entries(ids ?? {}).find(([, body]) => String(body).startsWith('query Environments ')) ?? [];

    expect(await post(codegen.url, { documentId: id }, { 'mc-api-key': SANDBOX_KEY })).toMatchObject({
      status: 200,
      json: { data: { environments: expect.arrayContaining([expect.objectContaining({ name: 'test_area' })]) } },
    });
  });
});

describe('docs/clients.md, Apollo Kotlin and Apollo iOS', () => {
  const mobileText = text.slice(text.indexOf('## Apollo Kotlin'), text.indexOf('## Trusted documents'));

  it('sends the API key under the name that the gateway reads', () => {
    const names = [...mobileText.matchAll(/(?:addHeader\((?:name: )?|mapOf\(|connectingPayload: \[)"([^"]+)"/g)].map(
      ([, name]) => name,
    );
    expect(names).toEqual(Array(4).fill('MC-Api-Key'));
  });

  it('uses the URLs and the WebSocket protocol of the gateway', () => {
    const urls = [...mobileText.matchAll(/"(\w+:\/\/[^"]+)"/g)].map(([, url]) => url);
    expect(new Set(urls)).toEqual(
      new Set([
        'http://127.0.0.1:4000/graphql',
        'https://gateway.example.com/graphql',
        'wss://gateway.example.com/graphql',
      ]),
    );
    expect(mobileText.match(/GraphQLWsProtocol\.Factory\(|\.graphql_transport_ws/g)).toHaveLength(2);
  });

  it('maps only scalars of the schema', () => {
    const schema = buildSchema(schemaText);
    const scalars = [...mobileText.matchAll(/mapScalar\w*\("(\w+)"/g)].map(([, name = '']) => schema.getType(name));
    expect(scalars).toEqual([schema.getType('DateTime')]);
    expect(isScalarType(scalars[0])).toBe(true);
  });

  it('has a valid JSON configuration with the paths of the schema and the operations', () => {
    const [, json = ''] = /```json\n([\s\S]*?)```/.exec(mobileText) ?? [];
    expect(JSON.parse(json)).toMatchObject({
      input: { schemaSearchPaths: ['./schema.graphqls'], operationSearchPaths: ['./operations/*.graphql'] },
      operationManifest: { version: 'persistedQueries' },
      schemaDownload: { outputPath: './schema.graphqls' },
    });
  });
});
