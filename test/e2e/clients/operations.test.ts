// The example operations for apps: they are valid, they cover the API, and their manifest is current.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { concatAST, Kind, parse, TypeInfo, validate, visit, visitWithTypeInfo } from 'graphql';
import { readConfig } from '../../../src/config.js';
import { createSchema } from '../../../src/graph/schema.js';
import { createDocumentParser } from '../../../src/server/graphql/parse-document.js';
import { TrustedDocuments } from '../../../src/server/graphql/trusted-documents.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { runProcess } from '../../helpers/process.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = join(root, 'operations');
const files = (await readdir(folder)).filter((name) => name.endsWith('.graphql'));
const document = concatAST(
  await Promise.all(files.map(async (name) => parse(await readFile(join(folder, name), 'utf8')))),
);
const schema = createSchema();

describe('operations/', () => {
  it('contains only valid operations', () => {
    expect(validate(schema, document)).toEqual([]);
  });

  it('contains an operation for each mutation and subscription, and for the main queries', () => {
    const coordinates = new Set<string>();
    const typeInfo = new TypeInfo(schema);
    const visitor = {
      Field: () => {
        const field = typeInfo.getFieldDef();
        coordinates.add(`${typeInfo.getParentType()?.name ?? ''}.${field?.name ?? ''}`);
      },
    };
    visit(document, visitWithTypeInfo(typeInfo, visitor));
    const toCoordinates = (name: 'Mutation' | 'Subscription') =>
      Object.keys(
        (name === 'Mutation' ? schema.getMutationType() : schema.getSubscriptionType())?.getFields() ?? {},
      ).map((field) => `${name}.${field}`);

    expect([...coordinates]).toEqual(
      expect.arrayContaining([
        'Query.siteToSiteVpns',
        'Query.siteToSiteVpn',
        'Query.task',
        'Query.environments',
        'Query.organizations',
        ...toCoordinates('Mutation'),
        ...toCoordinates('Subscription'),
      ]),
    );
  });

  it('selects no pre-shared key, but for the files of RemoteEndFiles, which hold it', () => {
    const secretFields = document.definitions.flatMap((definition) => {
      const names: string[] = [];
      visit(definition, { Field: ({ name: { value } }) => void names.push(value) });
      const owner = 'name' in definition ? definition.name.value : undefined;
      return names.filter((name) => ['ipSecPsk', 'files'].includes(name)).map((name) => `${owner ?? ''}.${name}`);
    });
    expect(secretFields).toEqual(['RemoteEndFiles.files']);
  });

  it('contains one operation per file, with the name of the file', () => {
    const operations = document.definitions.flatMap((definition) =>
      definition.kind === Kind.OPERATION_DEFINITION ? [definition] : [],
    );
    const toFileName = (name = '') => `${name.replace(/(?<!^)(?=[A-Z])/g, '-').toLowerCase()}.graphql`;
    expect([...operations.map(({ name }) => toFileName(name?.value)), 'fragments.graphql'].sort()).toEqual(
      [...files].sort(),
    );
  });
});

describe('operations/manifest.json', () => {
  it("equals the output of Apollo's generator", async () => {
    const directory = await mkdtemp(join(tmpdir(), 'operations-'));
    addCleanup(() => rm(directory, { recursive: true }));
    const config = join(directory, 'persisted-query-manifest.config.json');
    const output = join(directory, 'manifest.json');
    await writeFile(config, JSON.stringify({ documents: ['operations/*.graphql'], output }));
    const generator = join(root, 'node_modules/.bin/generate-persisted-query-manifest');
    expect(await runProcess(generator, ['--config', config], { cwd: root })).toMatchObject({ code: 0, stderr: '' });
    const parseJson = (text: string): unknown => JSON.parse(text);

    // Run `npm run operations` to update it.
    expect(parseJson(await readFile(join(folder, 'manifest.json'), 'utf8'))).toEqual(
      parseJson(await readFile(output, 'utf8')),
    );
  });

  it('is accepted by the gateway with the default limits', async () => {
    const compiled: unknown[] = [];
    const documents = new TrustedDocuments({
      file: join(folder, 'manifest.json'),
      only: true,
      parseDocument: createDocumentParser(schema, readConfig({})),
      compileAhead: (document) => compiled.push(document),
    });
    await documents.read();

    expect(documents.count).toBe(files.length - 1);
    expect(compiled).toHaveLength(documents.count);
  });
});
