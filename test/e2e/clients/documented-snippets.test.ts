// docs/clients.md: compiles its files, and runs each of its snippets in a separate process against a gateway.
import { spawnSync } from 'node:child_process';
import { cp, readFile, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { buildSchema, isScalarType } from 'graphql';
import { keyHeader } from '../../helpers/fixtures.js';
import type { Config } from '../../../src/config.js';
import { startGateway } from '../../helpers/gateway.js';
import { post } from '../../helpers/http.js';
import { type ProcessResult, runProcess } from '../../helpers/process.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { blocks, compileScript, createAppFolder, replaceGateway, root, text } from './snippets.js';

const schemaText = await readFile(join(root, 'schema.graphql'), 'utf8');

// An app with the files that the document describes.
const app = await createAppFolder();
await cp(join(root, 'schema.graphql'), join(app, 'schema.graphql'));
await cp(join(root, 'operations'), join(app, 'operations'), { recursive: true });
await rm(join(app, 'operations/manifest.json'));

/** Runs a program in the app's folder, with the commands of the packages. Returns its output. Throws if it fails. */
async function run(command: string, ...args: string[]): Promise<ProcessResult> {
  const path = `${join(root, 'node_modules/.bin')}${delimiter}${process.env['PATH'] ?? ''}`;
  const result = await runProcess(command, args, { cwd: app, env: { ...process.env, PATH: path } });
  if (result.code !== 0) throw new Error(`${command} exited with ${String(result.code)}.\n${result.stderr}`);
  return result;
}

// npx would take longer than the commands themselves.
await Promise.all(
  blocks.filter(({ kind }) => kind === 'before').map(({ code }) => run('sh', '-ec', code.replaceAll(/^npx /gm, ''))),
);

const trusted = (manifest: string) => ({ trustedDocuments: join(app, manifest), trustedDocumentsOnly: true });
const startTrusted = (manifest: string) => startGateway({ config: trusted(manifest) });

/** Starts a gateway that loses the response to the first create. A snippet that does not send it again creates nothing. */
function startLossy(config: Partial<Config> = {}) {
  let isLost = false;
  const faults = ({ method }: { readonly method: string }) => {
    if (method !== 'POST' || isLost) return undefined;
    isLost = true;
    return { destroy: true } as const;
  };
  return startGateway({ sandbox: { faults }, config });
}
const open = await startGateway();
const apollo = await startTrusted('operations/manifest.json');
const relay = await startTrusted('persisted-queries.json');
const events = await startGateway({ config: { watchPollMs: 20 } });
const codegen = await startTrusted('src/gql/persisted-documents.json');

const environments = /test_area/;
const names = /name: 'toronto-office'/;
const created = /^Task: PENDING\nIt was there already\.\nTAKEN input\.name\nTAKEN input\.gateway\n$/;
const namesAndState = /name: 'toronto-office'[\s\S]*\nCONNECTED\n/;

/** Runs a snippet of a shell. */
function runShell(code: string) {
  return run('sh', '-c', code.replace('--max-time 5', '--max-time 120'));
}

// Snippets in curl are skipped if it is not installed. All others need only Node.
const hasCurl = spawnSync('curl', ['--version']).status === 0;

describe('docs/clients.md', () => {
  const expected = new Map([
    ['Finding the environment', /\[ 'compute-on\/pegasus' \]/],
    ['curl', environments],
    ['curl by GET', environments],
    ['curl for events', /^data: \{"data":\{"siteToSiteVpnsUpdated":\{"totalCount":\d+\}\}\}/m],
    ['Creating with curl', /^\{"data":\{"createSiteToSiteVpn":\{"alreadyExists":false,/],
    ['fetch', names],
    ['Creating with fetch', created],
    ['graphql-request', names],
    ['Creating with graphql-request', created],
    ['Apollo Client', namesAndState],
    ['Creating with Apollo Client', created],
    ['Apollo Client by ids', environments],
    ['urql', namesAndState],
    ['Creating with urql', created],
    ['urql by hashes', environments],
    ['urql over event streams', /^CONNECTED\n$/],
    ['graphql-sse', /^CONNECTED\nThe subscription has ended\.\n$/],
    ['Relay', names],
    ['Creating with Relay', created],
  ]);
  const gateways = new Map([
    ['curl for events', events],
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

  it.concurrent.each(snippets.filter(({ language }) => language !== 'sh' || hasCurl))(
    'runs the snippet $name with the expected output',
    async ({ name, language, code }) => {
      const gateway = name.startsWith('Creating')
        ? await startLossy(name.endsWith('Relay') ? trusted('persisted-queries.json') : {})
        : (gateways.get(name) ?? open);
      const localCode = replaceGateway(code, gateway.url);
      const running =
        language === 'sh' ? runShell(localCode) : run(process.execPath, ...(await compileScript(app, name, localCode)));
      if (name === 'curl for events') {
        // The gateway ends the stream, so that no time limit does. Its second poll follows the first event.
        await waitUntil(() => events.sandbox.calls.length > 5);
        events.lifecycle.drain();
      }
      const { stdout, stderr } = await running;

      expect(stderr).toBe('');
      expect(stdout).toMatch(expected.get(name) ?? /^$/);
    },
  );
});

describe('Trusted documents of GraphQL Codegen', () => {
  it('run by their ids', async () => {
    const ids: unknown = JSON.parse(await readFile(join(app, 'src/gql/persisted-documents.json'), 'utf8'));
    const [id = ''] =
      Object.entries(ids ?? {}).find(([, body]) => String(body).startsWith('query Environments(')) ?? [];

    expect(await post(codegen.url, { documentId: id }, keyHeader())).toMatchObject({
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
