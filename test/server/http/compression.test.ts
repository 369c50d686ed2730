// Which responses are compressed, and how. Reads their bytes, which fetch would decompress.
import { request } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import Fastify from 'fastify';
import { addCompression } from '../../../src/server/http/compression.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { environmentLiteral, keyHeader } from '../../helpers/fixtures.js';
import { startGateway } from '../../helpers/gateway.js';

const { url } = await startGateway();
const requestHeaders = { ...keyHeader(), 'content-type': 'application/json' };
const introspection = '{ __schema { types { name description fields { name description } } } }';

/** A response with its body as sent. */
interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

function sendQuery(query: string, headers: Readonly<Record<string, string>> = {}): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', headers: { ...requestHeaders, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    outgoing.on('error', reject).end(JSON.stringify({ query }));
  });
}

describe('A response of 1 KiB or more', () => {
  it.each([
    ['gzip', 'gzip', gunzipSync],
    ['br', 'br', brotliDecompressSync],
    ['gzip, deflate, br', 'br', brotliDecompressSync],
    ['br;q=0.1, gzip;q=0.9', 'gzip', gunzipSync],
  ])('is compressed for Accept-Encoding: %s, by %s', async (acceptEncoding, encoding, decompress) => {
    const plain = await sendQuery(introspection);
    const compressed = await sendQuery(introspection, { 'accept-encoding': acceptEncoding });
    expect(compressed).toMatchObject({
      status: 200,
      headers: { 'content-encoding': encoding, vary: expect.stringMatching(/accept-encoding/i) },
    });
    expect(decompress(compressed.body).equals(plain.body)).toBe(true);
    expect(compressed.body.length).toBeLessThan(plain.body.length / 3);
    expect(compressed.headers['cache-control']).toBe('no-store');
  });

  it.each([
    {},
    { 'accept-encoding': 'identity' },
    { 'accept-encoding': 'gzip;q=0' },
    { 'accept-encoding': 'compress' },
  ])('is not compressed for the request headers %j', async (headers) => {
    const { headers: responseHeaders, body } = await sendQuery(introspection, headers);
    expect(responseHeaders['content-encoding']).toBeUndefined();
    expect(JSON.parse(body.toString())).toHaveProperty('data.__schema');
  });
});

describe('A smaller response', () => {
  it('is not compressed', async () => {
    const { headers, body } = await sendQuery('{ __typename }', { 'accept-encoding': 'gzip, br' });
    expect(headers['content-encoding']).toBeUndefined();
    expect(body.toString()).toBe('{"data":{"__typename":"Query"}}\n');
  });
});

describe('An event stream', () => {
  it('is not compressed, and sends each event at once', async () => {
    const response = await fetch(`${url}/stream`, {
      method: 'POST',
      headers: { ...requestHeaders, accept: 'text/event-stream', 'accept-encoding': 'gzip, br' },
      body: JSON.stringify({
        query: `subscription { siteToSiteVpnsUpdated(environment: ${environmentLiteral}) { nodes { name gateway ipSecPsk vpc { description } } } }`,
      }),
    });
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes('event: next')) break;
    }
    expect(response.headers.get('content-encoding')).toBeNull();
    expect(text).toContain('event: next');
  });
});

describe('A response that comes before the check of Accept-Encoding', () => {
  it.each([
    [1_024, 'gzip'],
    [1_025, undefined],
  ])('is for a header of %i characters compressed by %s', async (length, encoding) => {
    const app = Fastify();
    addCleanup(() => app.close());
    await addCompression(app);
    app.get('/', (_request, reply) => reply.type('text/plain').send('x'.repeat(2_000)));
    const header = 'gzip'.padEnd(length, ', identity;q=0.5');
    const { headers } = await app.inject({ url: '/', headers: { 'accept-encoding': header } });
    expect(headers['content-encoding']).toBe(encoding);
  });
});
