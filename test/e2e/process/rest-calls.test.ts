// The requests of the built gateway to the REST API, byte for byte. In the build, ky uses the gateway's own replacements of the Fetch classes.
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  documentedResponse,
  newVpnInput,
  type Operation,
  reads,
  runOperation,
  writes,
} from '../reliability/operations.js';
import { apiKey, startRig } from '../reliability/harness.js';

const rig = await startRig();
afterEach(() => rig.verify());

/** Runs an operation, and returns its REST call. */
async function getRestCall(operation: Operation) {
  rig.upstream.script(({ method, target }) => documentedResponse(method, target));
  const response = await runOperation(rig, operation);
  expect(response.json).toMatchObject({ data: { [operation.field]: expect.anything() } });
  const [call] = rig.upstream.calls.filter(({ method, target }) => `${method} ${target}` === operation.restCall);
  if (call === undefined) throw new Error('The gateway did not make the REST call.');
  return { line: call.requestLine, headers: Object.fromEntries(call.headers), body: call.body };
}

const commonHeaders = {
  host: expect.stringMatching(/^127\.77\.77\.77:\d+$/),
  connection: 'keep-alive',
  'mc-api-key': apiKey,
  'x-request-id': expect.stringMatching(/^[\w-]{36}$/),
  accept: 'application/json',
  'accept-encoding': 'gzip',
};

describe('REST calls of the built gateway', () => {
  it.each(reads.map((read) => [read.field, read] as const))(
    'read %s with only the expected headers',
    async (_field, read) => {
      expect(await getRestCall(read)).toEqual({ line: `${read.restCall} HTTP/1.1`, headers: commonHeaders, body: '' });
    },
  );

  it.each(writes.map((write) => [write.field, write] as const))(
    'write %s with only the expected headers and body',
    async (_field, write) => {
      const { line, headers, body } = await getRestCall(write);
      expect(line).toBe(`${write.restCall} HTTP/1.1`);
      const bodyHeaders = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
      expect(headers).toEqual(write.restCall.startsWith('POST') ? { ...commonHeaders, ...bodyHeaders } : commonHeaders);
      if (write.field !== 'createSiteToSiteVpn') {
        expect(body).toBe('');
        return;
      }
      expect(JSON.parse(body)).toEqual({
        ...newVpnInput,
        environment: undefined,
        ikeEncryptionAlgorithm: 'aes256',
        ikeHashAlgorithm: 'sha1',
        espEncryptionAlgorithm: 'aes256',
        espHashAlgorithm: 'sha1',
        dpd: false,
        forceEncap: false,
      });
    },
  );
});
