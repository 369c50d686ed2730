// Trusted documents in the built program: a wrong manifest stops the start, and SIGHUP has it read again.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { atEnd } from '../../helpers/at-end.js';
import { launch, launchGateway } from '../../helpers/process.js';
import { until } from '../../helpers/until.js';
import { post } from '../../helpers/wire.js';

const directory = await mkdtemp(join(tmpdir(), 'manifest-'));
atEnd(() => rm(directory, { recursive: true }));

async function toFile(name: string, manifest: object): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, JSON.stringify(manifest));
  return file;
}

describe('TRUSTED_DOCUMENTS', () => {
  it('that is wrong stops the start with 1, as a wrong variable does', async () => {
    const gateway = launch({ TRUSTED_DOCUMENTS: await toFile('wrong.json', { one: '{ nothing }' }) });

    expect(await gateway.exit).toEqual({ code: 1, signal: null });
    expect(gateway.stderr()).toBe(
      'The gateway cannot start with this environment:\n' +
        'TRUSTED_DOCUMENTS has a document that cannot be run, one: Cannot query field "nothing" on type "Query".\n',
    );
  });

  it('is read again at SIGHUP, which ends a gateway that has none', async () => {
    const file = await toFile('right.json', { one: '{ one: __typename }' });
    const gateway = await launchGateway({ TRUSTED_DOCUMENTS: file, TRUSTED_DOCUMENTS_ONLY: 'true' });
    const bare = await launchGateway();
    expect(await post(gateway.url, { documentId: 'two' })).toMatchObject({ status: 400 });

    await toFile('right.json', { two: '{ nothing }' });
    gateway.signal('SIGHUP');
    await gateway.says('trusted documents not read: those from before stay');
    expect(await post(gateway.url, { documentId: 'one' })).toMatchObject({ json: { data: { one: 'Query' } } });

    await toFile('right.json', { two: '{ two: __typename }' });
    const readings = () => gateway.lines().filter(({ msg }) => msg === 'trusted documents read').length;
    const before = readings();
    gateway.signal('SIGHUP');
    await until(() => readings() > before);
    expect(await post(gateway.url, { documentId: 'two' })).toMatchObject({ json: { data: { two: 'Query' } } });
    expect(await post(gateway.url, { documentId: 'one' })).toMatchObject({ status: 400 });

    bare.signal('SIGHUP');
    expect(await bare.exit).toEqual({ code: 0, signal: null });
  });
});
