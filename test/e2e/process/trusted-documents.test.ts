// Trusted documents in the built gateway: an invalid manifest stops the start, and SIGHUP reloads it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { addCleanup } from '../../helpers/cleanup.js';
import { launch, launchGateway } from '../../helpers/process.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { post } from '../../helpers/http.js';

const directory = await mkdtemp(join(tmpdir(), 'manifest-'));
addCleanup(() => rm(directory, { recursive: true }));

async function writeManifest(name: string, manifest: object): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, JSON.stringify(manifest));
  return file;
}

describe('TRUSTED_DOCUMENTS', () => {
  it.concurrent('stops the start with code 1 if the manifest is invalid', async () => {
    const gateway = launch({ TRUSTED_DOCUMENTS: await writeManifest('invalid.json', { one: '{ nothing }' }) });

    expect(await gateway.exit).toEqual({ code: 1, signal: null });
    expect(gateway.stderr()).toBe(
      'The gateway cannot start with this environment:\n' +
        'TRUSTED_DOCUMENTS names a manifest that has an invalid document, one: Cannot query field "nothing" on type "Query".\n',
    );
  });

  it.concurrent('reloads the manifest on SIGHUP, which ends a gateway without one', async () => {
    const file = await writeManifest('manifest.json', { one: '{ one: __typename }' });
    const [gateway, withoutManifest] = await Promise.all([
      launchGateway({ TRUSTED_DOCUMENTS: file, TRUSTED_DOCUMENTS_ONLY: 'true' }),
      launchGateway(),
    ]);
    expect(await post(gateway.url, { documentId: 'two' })).toMatchObject({ status: 400 });

    await writeManifest('manifest.json', { two: '{ nothing }' });
    gateway.signal('SIGHUP');
    await gateway.waitForLog('trusted documents not reloaded, previous ones kept');
    expect(await post(gateway.url, { documentId: 'one' })).toMatchObject({ json: { data: { one: 'Query' } } });

    await writeManifest('manifest.json', { two: '{ two: __typename }' });
    const countLoads = () => gateway.lines().filter(({ msg }) => msg === 'trusted documents loaded').length;
    const before = countLoads();
    gateway.signal('SIGHUP');
    await waitUntil(() => countLoads() > before);
    expect(await post(gateway.url, { documentId: 'two' })).toMatchObject({ json: { data: { two: 'Query' } } });
    expect(await post(gateway.url, { documentId: 'one' })).toMatchObject({ status: 400 });

    withoutManifest.signal('SIGHUP');
    expect(await withoutManifest.exit).toEqual({ code: 0, signal: null });
  });
});
