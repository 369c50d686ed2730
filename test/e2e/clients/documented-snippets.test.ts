// docs/clients.md, as it stands: its files are compiled, and its snippets run, each in a process of its own against a gateway.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { buildSchema, isScalarType } from 'graphql';
import { SANDBOX_KEY } from '../../../src/sandbox/sandbox.js';
import { atEnd } from '../../helpers/at-end.js';
import { startGatewayOnSandbox } from '../../helpers/gateway.js';
import { post } from '../../helpers/wire.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));
const text = await readFile(join(root, 'docs/clients.md'), 'utf8');
const schemaText = await readFile(join(root, 'schema.graphql'), 'utf8');
const blocks = [...text.matchAll(/<!-- (run|file|before): (.+) -->\n\n```(\w+)\n([\s\S]*?)```/g)].map(
  ([, kind = '', name = '', language = '', code = '']) => ({ kind, name, language, code }),
);
const [, known = ''] = /<!-- known -->\n\n```js\n([\s\S]*?)```/.exec(text) ?? [];

// An app as the document describes it.
const app = await mkdtemp(join(tmpdir(), 'clients-'));
atEnd(() => rm(app, { recursive: true }));
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

const start = (manifest: string) =>
  startGatewayOnSandbox({}, { trustedDocuments: join(app, manifest), trustedDocumentsOnly: true });
const free = await startGatewayOnSandbox();
const apollo = await start('operations/manifest.json');
const relay = await start('persisted-queries.json');
const codegen = await start('src/gql/persisted-documents.json');

const environments = /test_area/;
const names = /name: 'toronto-office'/;
const namesAndState = /name: 'toronto-office'[\s\S]*\nCONNECTED\n/;

// All else needs Node alone.
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
  const held = new Map([
    ['Apollo Client by ids', apollo],
    ['Relay', relay],
  ]);
  const snippets = blocks.filter(({ kind }) => kind === 'run');

  it('has a snippet for each of these, and these for each snippet', () => {
    expect(snippets.map(({ name }) => name)).toEqual([...expected.keys()]);
  });

  it('says for each snippet what is to be installed', () => {
    for (const section of text.split(/^## /m)) {
      const imports = [...section.matchAll(/^import (?:type )?.* from '(?!node:|\.)((?:@[^/']+\/)?[^/']+)/gm)];
      const installed = [...section.matchAll(/`npm install ([^`]+)`/g)].flatMap(([, names = '']) => names.split(' '));
      expect(installed).toEqual(expect.arrayContaining(imports.map(([, name]) => name)));
    }
  });

  it.each(snippets.filter(({ language }) => language !== 'sh' || hasCurl))(
    '$name does what it says',
    async ({ name, language, code }) => {
      const origin = new URL((held.get(name) ?? free).url).host;
      const there = code.replaceAll(/(http|ws)s:\/\/gateway\.example\.com/g, `$1://${origin}`);
      const file = join(app, `snippet-${String(snippets.findIndex((each) => each.name === name))}`);
      if (language === 'js') await writeFile(`${file}.js`, there.replace(/(^(?:import .*\n)*)/, `$1${known}`));
      const { stdout, stderr } =
        language === 'sh'
          ? await run('sh', ['-c', there])
          : await run(
              process.execPath,
              // Node 20 has a WebSocket only where it is asked for.
              ['--experimental-websocket', '--disable-warning=ExperimentalWarning', '--import', 'tsx', `${file}.js`],
              { cwd: app, timeout: 25_000 },
            );
      expect(stderr).toBe('');
      expect(stdout).toMatch(expected.get(name) ?? /^$/);
    },
  );
});

describe('Trusted documents', () => {
  it('of GraphQL Codegen run by their ids', async () => {
    const ids: unknown = JSON.parse(await readFile(join(app, 'src/gql/persisted-documents.json'), 'utf8'));
    const [id = ''] =
      Object.entries(ids ?? {}).find(([, body]) => String(body).startsWith('query Environments ')) ?? [];

    expect(await post(codegen.url, { documentId: id }, { 'mc-api-key': SANDBOX_KEY })).toMatchObject({
      status: 200,
      json: { data: { environments: expect.arrayContaining([expect.objectContaining({ name: 'test_area' })]) } },
    });
  });
});

describe('What is for Kotlin and Swift', () => {
  const phones = text.slice(text.indexOf('## Apollo Kotlin'), text.indexOf('## Trusted documents'));

  it('sends the key by the name that the gateway knows', () => {
    const names = [...phones.matchAll(/(?:addHeader\((?:name: )?|mapOf\(|connectingPayload: \[)"([^"]+)"/g)].map(
      ([, name]) => name,
    );
    expect(names).toEqual(Array(4).fill('MC-Api-Key'));
  });

  it('asks where the gateway is, by the protocol that it speaks', () => {
    const addresses = [...phones.matchAll(/"(\w+:\/\/[^"]+)"/g)].map(([, address]) => address);
    expect(new Set(addresses)).toEqual(
      new Set([
        'http://127.0.0.1:4000/graphql',
        'https://gateway.example.com/graphql',
        'wss://gateway.example.com/graphql',
      ]),
    );
    expect(phones.match(/GraphQLWsProtocol\.Factory\(|\.graphql_transport_ws/g)).toHaveLength(2);
  });

  it('maps scalars that there are', () => {
    const schema = buildSchema(schemaText);
    const scalars = [...phones.matchAll(/mapScalar\w*\("(\w+)"/g)].map(([, name = '']) => schema.getType(name));
    expect(scalars).toEqual([schema.getType('DateTime')]);
    expect(isScalarType(scalars[0])).toBe(true);
  });

  it('has a configuration that is JSON, whose operations and schema are those of the app', () => {
    const [, json = ''] = /```json\n([\s\S]*?)```/.exec(phones) ?? [];
    expect(JSON.parse(json)).toMatchObject({
      input: { schemaSearchPaths: ['./schema.graphqls'], operationSearchPaths: ['./operations/*.graphql'] },
      operationManifest: { version: 'persistedQueries' },
      schemaDownload: { outputPath: './schema.graphqls' },
    });
  });
});
