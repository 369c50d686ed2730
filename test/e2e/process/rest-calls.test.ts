// What the built program sends to the REST API, byte for byte: there ky runs on classes of the gateway's own, in place of the standard's.
import { afterEach, describe, expect, it } from '@jest/globals';
import { documented, newVpn, type Operation, reads, run, writes } from '../reliability/operations.js';
import { apiKey, startRig } from '../reliability/harness.js';

const rig = await startRig();
afterEach(() => rig.settle());

/** Asks for something, and gives the one call that it took. */
async function callOf(operation: Operation) {
  rig.upstream.script(({ method, target }) => documented(method, target));
  const answer = await run(rig, operation);
  expect(answer.json).toMatchObject({ data: { [operation.field]: expect.anything() } });
  const [call] = rig.upstream.calls.filter(({ method, target }) => `${method} ${target}` === operation.call);
  if (call === undefined) throw new Error('The REST API was not asked.');
  return { line: call.requestLine, headers: Object.fromEntries(call.headers), body: call.body };
}

const usual = {
  host: expect.stringMatching(/^127\.77\.77\.77:\d+$/),
  connection: 'keep-alive',
  'mc-api-key': apiKey,
  'x-request-id': expect.stringMatching(/^[\w-]{36}$/),
  accept: 'application/json',
  'accept-encoding': 'gzip',
};

describe('The built program', () => {
  it.each(reads.map((read) => [read.field, read] as const))(
    'asks for %s with these headers alone',
    async (_field, read) => {
      expect(await callOf(read)).toEqual({ line: `${read.call} HTTP/1.1`, headers: usual, body: '' });
    },
  );

  it.each(writes.map((write) => [write.field, write] as const))('sends %s whole', async (_field, write) => {
    const { line, headers, body } = await callOf(write);
    expect(line).toBe(`${write.call} HTTP/1.1`);
    const ofBody = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
    expect(headers).toEqual(write.call.startsWith('POST') ? { ...usual, ...ofBody } : usual);
    if (write.field !== 'createSiteToSiteVpn') {
      expect(body).toBe('');
      return;
    }
    expect(JSON.parse(body)).toEqual({
      ...newVpn,
      environment: undefined,
      ikeEncryptionAlgorithm: 'aes256',
      ikeHashAlgorithm: 'sha1',
      espEncryptionAlgorithm: 'aes256',
      espHashAlgorithm: 'sha1',
      dpd: false,
      forceEncap: false,
    });
  });
});
