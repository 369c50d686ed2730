// The operations for apps: each asks for what there is, each field of the contract is asked for, and their manifest is what Apollo's own
// generator makes of them.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { concatAST, Kind, parse, TypeInfo, validate, visit, visitWithTypeInfo } from 'graphql';
import { readConfig } from '../../../src/config.js';
import { createSchema } from '../../../src/graph/schema.js';
import { createDocumentReader } from '../../../src/server/graphql/parse-document.js';
import { TrustedDocuments } from '../../../src/server/graphql/trusted-documents.js';
import { atEnd } from '../../helpers/at-end.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = join(root, 'operations');
const files = (await readdir(folder)).filter((name) => name.endsWith('.graphql'));
const whole = concatAST(
  await Promise.all(files.map(async (name) => parse(await readFile(join(folder, name), 'utf8')))),
);
const schema = createSchema();

describe('operations/', () => {
  it('asks for nothing that the schema lacks', () => {
    expect(validate(schema, whole)).toEqual([]);
  });

  it('has an operation for each mutation and subscription, and for what is read of VPNs', () => {
    const asked = new Set<string>();
    const typeInfo = new TypeInfo(schema);
    const look = {
      Field: () => {
        const field = typeInfo.getFieldDef();
        asked.add(`${typeInfo.getParentType()?.name ?? ''}.${field?.name ?? ''}`);
      },
    };
    visit(whole, visitWithTypeInfo(typeInfo, look));
    const fieldsOf = (name: 'Mutation' | 'Subscription') =>
      Object.keys(
        (name === 'Mutation' ? schema.getMutationType() : schema.getSubscriptionType())?.getFields() ?? {},
      ).map((field) => `${name}.${field}`);

    expect([...asked]).toEqual(
      expect.arrayContaining([
        'Query.siteToSiteVpns',
        'Query.siteToSiteVpn',
        'Query.task',
        'Query.environments',
        ...fieldsOf('Mutation'),
        ...fieldsOf('Subscription'),
      ]),
    );
  });

  it('never asks for a pre-shared key', () => {
    const names = new Set<string>();
    visit(whole, { Field: ({ name }) => void names.add(name.value) });
    expect(names).not.toContain('ipSecPsk');
  });

  it('has one operation in a file, called as that is', () => {
    const operations = whole.definitions.flatMap((each) => (each.kind === Kind.OPERATION_DEFINITION ? [each] : []));
    const toFile = (name = '') => `${name.replace(/(?<!^)(?=[A-Z])/g, '-').toLowerCase()}.graphql`;
    expect([...operations.map(({ name }) => toFile(name?.value)), 'fragments.graphql'].sort()).toEqual(
      [...files].sort(),
    );
  });
});

describe('operations/manifest.json', () => {
  it("is what Apollo's generator makes of the operations", async () => {
    const directory = await mkdtemp(join(tmpdir(), 'operations-'));
    atEnd(() => rm(directory, { recursive: true }));
    const config = join(directory, 'persisted-query-manifest.config.json');
    const output = join(directory, 'manifest.json');
    await writeFile(config, JSON.stringify({ documents: ['operations/*.graphql'], output }));
    const generator = join(root, 'node_modules/.bin/generate-persisted-query-manifest');
    await promisify(execFile)(generator, ['--config', config], { cwd: root });
    const toValue = (text: string): unknown => JSON.parse(text);

    // `npm run operations` writes it anew.
    expect(toValue(await readFile(join(folder, 'manifest.json'), 'utf8'))).toEqual(
      toValue(await readFile(output, 'utf8')),
    );
  });

  it('is one that the gateway starts with, within the limits that are usual', async () => {
    const prepared: unknown[] = [];
    const documents = new TrustedDocuments({
      file: join(folder, 'manifest.json'),
      only: true,
      readDocument: createDocumentReader(schema, readConfig({}), true),
      prepare: (document) => prepared.push(document),
    });
    await documents.read();

    expect(documents.count).toBe(files.length - 1);
    expect(prepared).toHaveLength(documents.count);
  });
});
