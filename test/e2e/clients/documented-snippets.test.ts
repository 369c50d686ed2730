// docs/clients*.md: compiles their files, and runs each of their snippets in a separate process against a gateway.
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
import { blocks, compileScript, createAppFolder, mobileText, replaceGateway, root, text } from './snippets.js';

const schema = buildSchema(await readFile(join(root, 'schema.graphql'), 'utf8'));

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

// npx would take longer than the commands themselves. Some gateways start meanwhile.
const commands = Promise.all(
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
// Other snippets write to `open`, or read the VPN that these reset.
const writes = await startGateway();
const reads = await startGateway();
const events = await startGateway({ config: { watchPollMs: 20 } });
// The commands write their manifests.
await commands;
const apollo = await startTrusted('operations/manifest.json');
const relay = await startTrusted('persisted-queries.json');
const codegen = await startTrusted('src/gql/persisted-documents.json');

const environments = /test_area/;
const names = /name: 'toronto-office'/;
const created = /^Task: PENDING\nIt was there already\.\nTAKEN input\.name\nTAKEN input\.gateway\n$/;
const namesAndState = /name: 'toronto-office'[\s\S]*\nCONNECTED\n/;

const writeAndTask = /^\[ 'NOT_FOUND input\.id' \]\nPENDING\nSUCCESS\nThe task has ended\.\n$/;
const besideData = /^\d+ null\n\[ 'NOT_FOUND there' \]\n$/;
const listPage = /^<ul>.*<li>toronto-office(?:<!-- -->)? .*<\/ul>\n$/;
const pages = /^4 of 9\n8 of 9\n9 of 9\n$/;

/** Runs a snippet of a shell. */
function runShell(code: string) {
  return run('sh', '-c', code.replace('--max-time 5', '--max-time 120'));
}

// Snippets in curl are skipped if it is not installed. All others need only Node.
const hasCurl = spawnSync('curl', ['--version']).status === 0;

describe('docs/clients.md and docs/clients-web.md', () => {
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
    ['Apollo Client, an error beside the data', besideData],
    ['Apollo Client without a WebSocket', /^CONNECTED\n$/],
    ['Apollo Client, a write and its task', writeAndTask],
    ['Apollo Client, pages', pages],
    ['Apollo Client, React hooks', listPage],
    ['Apollo Client by ids', environments],
    ['urql', namesAndState],
    ['Creating with urql', created],
    ['urql, an error beside the data', besideData],
    ['urql, a write and its task', writeAndTask],
    ['urql, pages', pages],
    ['urql, pages in the cache', pages],
    ['urql, React hooks', listPage],
    ['urql by hashes', environments],
    ['urql over event streams', /^CONNECTED\n$/],
    ['graphql-sse', /^CONNECTED\nThe subscription has ended\.\n$/],
    ['Relay', names],
    ['Creating with Relay', created],
    ['Relay, a write and its task', writeAndTask],
    ['Relay, pages', /^4 VPNs\n8 VPNs\n9 VPNs\n$/],
  ]);
  const gateways = new Map([
    ['curl for events', events],
    ['Apollo Client by ids', apollo],
    ['Apollo Client, a write and its task', writes],
    ['Apollo Client, pages', reads],
    ['urql, a write and its task', writes],
    ['urql, pages', reads],
    ['urql, pages in the cache', reads],
    ['Relay', relay],
    ['Relay, a write and its task', relay],
    ['Relay, pages', relay],
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

describe('docs/clients-mobile.md', () => {
  const json: unknown = JSON.parse(/```json\n([\s\S]*?)```/.exec(mobileText)?.[1] ?? '');

  it('sends the API key under the name that the gateway reads', () => {
    const pattern = /(?:addHeader\(|mapOf\(|forHTTPHeaderField: |connectingPayload` is\s+`\[)"([^"]+)"/g;
    expect([...mobileText.matchAll(pattern)].map(([, name]) => name)).toEqual(Array(4).fill('MC-Api-Key'));
  });

  it('uses the URLs of the gateway', () => {
    const urls = [...mobileText.matchAll(/["`](\w+:\/\/[^"`]+)["`]/g)].map(([, url]) => url);
    expect(new Set(urls)).toEqual(
      new Set([
        'http://127.0.0.1:4000/graphql',
        'https://gateway.example.com/graphql',
        'wss://gateway.example.com/graphql',
      ]),
    );
  });

  it('maps only scalars of the schema', () => {
    const scalars = [...mobileText.matchAll(/mapScalar\w*\("(\w+)"/g)].map(([, name = '']) => schema.getType(name));
    expect(scalars).toEqual([schema.getType('DateTime')]);
    expect(isScalarType(scalars[0])).toBe(true);
  });

  it('uses only inputs of the schema, and operations and fragments of operations/', async () => {
    const files = await Promise.all(
      ['create-site-to-site-vpn', 'reset-site-to-site-vpn', 'task-updated', 'fragments'].map((name) =>
        readFile(join(root, `operations/${name}.graphql`), 'utf8'),
      ),
    );
    const defined = [...files.join('').matchAll(/^(?:mutation|subscription|fragment) (\w+)/gm)].map(([, name]) => name);
    const operations = [...mobileText.matchAll(/\b([A-Z]\w+)(?:Mutation|Subscription)\(/g)].map(([, name]) => name);
    const fragments = [...mobileText.matchAll(/\.(formError|taskProgress)\b/g)].map(([, name = '']) =>
      name.replace(/^./, (letter) => letter.toUpperCase()),
    );
    const inputs = [...mobileText.matchAll(/\b(\w+Input)\(/g)].map(([, name = '']) => schema.getType(name));

    expect(new Set(operations)).toEqual(new Set(['CreateSiteToSiteVpn', 'ResetSiteToSiteVpn', 'TaskUpdated']));
    expect(defined).toEqual(expect.arrayContaining([...operations, ...fragments]));
    expect(inputs.length).toBeGreaterThan(0);
    expect(inputs).not.toContain(undefined);
  });

  it('has a valid JSON configuration with the paths of the schema and the operations', () => {
    expect(json).toMatchObject({
      input: { schemaSearchPaths: ['./schema.graphqls'], operationSearchPaths: ['./operations/*.graphql'] },
      operationManifest: { version: 'persistedQueries' },
      schemaDownload: { outputPath: './schema.graphqls' },
    });
  });
});
