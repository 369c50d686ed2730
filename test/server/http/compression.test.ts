// What comes compressed, and what does not: asked as callers ask, read byte by byte.
import { request } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { startGatewayOnSandbox } from '../../helpers/gateway.js';

const { url } = await startGatewayOnSandbox();
const key = { 'mc-api-key': 'sandbox-key', 'content-type': 'application/json' };
const introspection = '{ __schema { types { name description fields { name description } } } }';

/** An answer as it came over the wire. */
interface Bytes {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

function ask(query: string, headers: Readonly<Record<string, string>> = {}): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers: { ...key, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    sent.on('error', reject).end(JSON.stringify({ query }));
  });
}

describe('An answer from 1 KiB on', () => {
  it.each([
    ['gzip', 'gzip', gunzipSync],
    ['br', 'br', brotliDecompressSync],
    ['gzip, deflate, br', 'br', brotliDecompressSync],
    ['br;q=0.1, gzip;q=0.9', 'gzip', gunzipSync],
  ])('comes compressed for who accepts %s: by %s', async (accepted, encoding, inflate) => {
    const plain = await ask(introspection);
    const small = await ask(introspection, { 'accept-encoding': accepted });
    expect(small).toMatchObject({
      status: 200,
      headers: { 'content-encoding': encoding, vary: expect.stringMatching(/accept-encoding/i) },
    });
    expect(inflate(small.body).equals(plain.body)).toBe(true);
    expect(small.body.length).toBeLessThan(plain.body.length / 3);
    expect(small.headers['cache-control']).toBe('no-store');
  });

  it.each([
    {},
    { 'accept-encoding': 'identity' },
    { 'accept-encoding': 'gzip;q=0' },
    { 'accept-encoding': 'compress' },
  ])('comes as it is for who sends %j', async (headers) => {
    const { headers: answered, body } = await ask(introspection, headers);
    expect(answered['content-encoding']).toBeUndefined();
    expect(JSON.parse(body.toString())).toHaveProperty('data.__schema');
  });
});

describe('A smaller answer', () => {
  it('comes as it is', async () => {
    const { headers, body } = await ask('{ __typename }', { 'accept-encoding': 'gzip, br' });
    expect(headers['content-encoding']).toBeUndefined();
    expect(body.toString()).toBe('{"data":{"__typename":"Query"}}\n');
  });
});

describe('An event stream', () => {
  it('comes as it is, event by event', async () => {
    const response = await fetch(`${url}/stream`, {
      method: 'POST',
      headers: { ...key, accept: 'text/event-stream', 'accept-encoding': 'gzip, br' },
      body: JSON.stringify({
        query:
          'subscription { siteToSiteVpnsUpdated(environment: { serviceCode: "compute-on", name: "test_area" }) { nodes { name gateway ipSecPsk vpc { description } } } }',
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
