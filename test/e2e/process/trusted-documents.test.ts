// Trusted documents in the built gateway: an invalid manifest stops the start, and SIGHUP reloads it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { addCleanup } from '../../helpers/cleanup.js';
import { expireTimers, holdClock } from '../../helpers/process-clock.js';
import { launch, launchGateway, runProcess } from '../../helpers/process.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { post } from '../../helpers/http.js';

const directory = await mkdtemp(join(tmpdir(), 'manifest-'));
addCleanup(() => rm(directory, { recursive: true }));

async function writeManifest(name: string, manifest: object): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, JSON.stringify(manifest));
  return file;
}

/** Creates a FIFO without a writer: opening it to read waits for ever. */
async function createFifo(name: string): Promise<string> {
  const fifo = join(directory, name);
  expect(await runProcess('mkfifo', [fifo])).toMatchObject({ code: 0 });
  return fifo;
}

/**
 * Returns a value of NODE_OPTIONS with which the first look at the manifest hangs in a thread of the process, as on a network file system
 * whose server is down. With `only`, it hangs only while that file exists.
 */
async function hangOnManifest(only?: string): Promise<string> {
  const fifo = await createFifo(`hang-${Math.random()}`);
  const script = `
    import { existsSync } from 'node:fs';
    import fs from 'node:fs/promises';
    import { syncBuiltinESMExports } from 'node:module';
    const { stat } = fs;
    fs.stat = (path) => (${only === undefined} || existsSync(${JSON.stringify(only)}) ? fs.open(${JSON.stringify(fifo)}) : stat(path));
    syncBuiltinESMExports();`;
  return `--import data:text/javascript,${encodeURIComponent(script)}`;
}

const waiting = 'waiting for the file that TRUSTED_DOCUMENTS names';

describe('TRUSTED_DOCUMENTS', () => {
  it.concurrent.each([
    ['a FIFO', () => createFifo('manifest.fifo')],
    ['a device', () => Promise.resolve('/dev/zero')],
    ['a directory', () => Promise.resolve(directory)],
  ])('stops the start with code 1, without opening it, if it names %s', async (_name, create) => {
    const gateway = launch({ TRUSTED_DOCUMENTS: await create() });

    expect(await gateway.exit).toEqual({ code: 1, signal: null });
    expect(gateway.stderr()).toContain('TRUSTED_DOCUMENTS names no regular file\n');
  });

  it.concurrent('says what it waits for if the file system hangs, and ends with a message after 10 s', async () => {
    const held = holdClock({ from: 10_000, to: 10_000 });
    const gateway = launch({ TRUSTED_DOCUMENTS: 'manifest.json', NODE_OPTIONS: `${held} ${await hangOnManifest()}` });
    await gateway.waitForLog(waiting);
    expireTimers(gateway);

    // Node waits for its threads before it exits with a code, so nothing but SIGKILL can end this process.
    expect(await gateway.exit).toEqual({ code: null, signal: 'SIGKILL' });
    expect(gateway.stderr()).toContain('TRUSTED_DOCUMENTS names a file that could not be read within 10 s\n');
    expect(gateway.lines().map(({ msg }) => msg)).not.toContain('gateway listening');
  });

  it.concurrent.each([1, 2])('ends on %i signals while the file system hangs during the start', async (signals) => {
    // The first signal gives the file system a second. Here, that second never ends.
    const options = signals === 2 ? [holdClock({ from: 1_000, to: 1_000 })] : [];
    const NODE_OPTIONS = [...options, await hangOnManifest()].join(' ');
    const gateway = launch({ TRUSTED_DOCUMENTS: 'manifest.json', NODE_OPTIONS });
    await gateway.waitForLog(waiting);
    gateway.signal('SIGTERM');
    // The gateway ignores a duplicate signal within 100 ms, so this sends more until it exits.
    if (signals === 2) {
      await waitUntil(() => {
        gateway.signal('SIGTERM');
        return gateway.hasExited();
      });
    }

    expect(await gateway.exit).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it.concurrent('keeps the documents if the file system hangs on a reload, and starts no second read', async () => {
    const file = await writeManifest('hanging.json', { one: '{ one: __typename }' });
    const trigger = join(directory, 'hang');
    const held = holdClock({ from: 10_000, to: 10_000 });
    const NODE_OPTIONS = `${held} ${await hangOnManifest(trigger)}`;
    const gateway = await launchGateway({ TRUSTED_DOCUMENTS: file, NODE_OPTIONS });
    const findProblems = () =>
      gateway.lines().flatMap(({ problems }): unknown[] => (Array.isArray(problems) ? problems : []));
    await writeFile(trigger, '');
    gateway.signal('SIGHUP');
    await gateway.waitForLog(waiting);
    expect(await post(gateway.url, { documentId: 'one' })).toMatchObject({ json: { data: { one: 'Query' } } });
    expireTimers(gateway);
    await waitUntil(() => findProblems().length === 1);
    gateway.signal('SIGHUP');
    await waitUntil(() => findProblems().length === 2);

    expect(findProblems()).toEqual([
      'TRUSTED_DOCUMENTS names a file that could not be read within 10 s',
      'TRUSTED_DOCUMENTS names a file of which an earlier read hangs',
    ]);
    expect(await post(gateway.url, { documentId: 'one' })).toMatchObject({ json: { data: { one: 'Query' } } });
  });

  it.concurrent('keeps the documents if a FIFO has replaced the file on a reload', async () => {
    const file = await writeManifest('replaced.json', { one: '{ one: __typename }' });
    const gateway = await launchGateway({ TRUSTED_DOCUMENTS: file });
    await rm(file);
    await createFifo('replaced.json');
    gateway.signal('SIGHUP');
    await gateway.waitForLog('trusted documents not reloaded, previous ones kept');

    expect(await post(gateway.url, { documentId: 'one' })).toMatchObject({ json: { data: { one: 'Query' } } });
    gateway.signal('SIGTERM');
    expect(await gateway.exit).toEqual({ code: 0, signal: null });
  });

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
