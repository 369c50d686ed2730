// Response bodies of the REST API: limits on size, content encodings, and bytes that are not valid HTTP, UTF-8 or JSON.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { brotliCompressSync, createGzip, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { maxResponseBodyBytes } from '../../../src/cloudca/http/exchange.js';
import { deleteSiteToSiteVpn } from '../../../src/cloudca/site-to-site-vpn-writes.js';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { json, raw, startUpstream } from '../../helpers/upstream.js';
import { catchFailure, createTestClient, sendBytes, testArea, vpnId, writes } from '../test-client.js';

const upstream = await startUpstream();
const clock = useFakeClock();
const { session, calls } = createTestClient(upstream.url);
const environments = { route: '/', path: ['environments'] };
/** Reads, without waiting for the delays before retries. */
const read = () =>
  calls.complete(
    session().read(environments, (data) => data),
    clock,
  );

const document = JSON.stringify({ data: ['Québec \u{1F511}'] });
const failed = { name: 'BadResponseError', outcomeUnknown: false };
const undocumented = 'The REST API sent a response that is not of the documented form.';
const notHttp = 'The REST API sent a response that is not valid HTTP.';
const tooLarge = 'The response of the REST API is larger than 10485760 bytes.';
const notUtf8 = 'The response of the REST API is not UTF-8.';

/** Creates a handler that sends a body with status 200. */
const body = (content: Buffer | string, headers: Readonly<Record<string, string>> = {}) => {
  return (response: ServerResponse): void => {
    response.writeHead(200, headers).end(content);
  };
};

/** Writes zeros until the client closes the connection. Returns the number of bytes written. */
async function writeUntilClosed(target: NodeJS.WritableStream, close: Promise<unknown>): Promise<number> {
  const zeros = Buffer.alloc(64 * 1024);
  const closed = close.then(() => true);
  for (let count = zeros.length; ; count += zeros.length) {
    if (!target.write(zeros)) await Promise.race([once(target, 'drain'), closed]);
    if (await Promise.race([closed, nextTurn(false)])) return count;
  }
}

describe('The maximum size of a response body', () => {
  const toJsonString = (length: number) => `"${'x'.repeat(length - 2)}"`;
  const data = (length: number) => `{"data":${toJsonString(length - 9)}}`;

  it.each(['identity', 'gzip'])('accepts a body of exactly 10 MiB (%s)', async (encoding) => {
    const content = data(maxResponseBodyBytes);
    upstream.script(() => body(encoding === 'gzip' ? gzipSync(content) : content, { 'content-encoding': encoding }));
    expect(content.length).toBe(10_485_760);
    expect(String(await read()).length).toBe(10_485_760 - 11);
  });

  it.each(['identity', 'gzip'])('rejects a body that is one byte larger than 10 MiB (%s)', async (encoding) => {
    const content = data(maxResponseBodyBytes + 1);
    upstream.script(() => body(encoding === 'gzip' ? gzipSync(content) : content, { 'content-encoding': encoding }));
    expect(await catchFailure(read())).toEqual({ ...failed, message: tooLarge });
    expect(upstream.calls.length).toBe(1);
  });

  it('ends an endless body and closes its connection', async () => {
    let written: Promise<number> = Promise.resolve(0);
    upstream.script(() => (response) => {
      response.writeHead(200);
      written = writeUntilClosed(response, once(response, 'close'));
    });
    expect(await catchFailure(read())).toEqual({ ...failed, message: tooLarge });
    // The sockets buffer what exceeds the maximum.
    expect(await written).toBeLessThan(64 * 1024 * 1024);
  });

  it('applies to the decompressed body, so it ends an endless gzip bomb', async () => {
    let written: Promise<number> = Promise.resolve(0);
    upstream.script(() => (response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      const gzip = createGzip({ level: 9, chunkSize: 1024 });
      gzip.pipe(response);
      written = writeUntilClosed(gzip, once(response, 'close'));
    });
    expect(await catchFailure(read())).toEqual({ ...failed, message: tooLarge });
    // Compression is about 1,000 to 1: counting 10 MiB of compressed bytes would let 10 GiB through.
    expect(await written).toBeLessThan(1024 * 1024 * 1024);
  });

  it('does not affect later calls', async () => {
    upstream.script((_call, index) => (index === 0 ? body(data(maxResponseBodyBytes + 1)) : { data: 1 }));
    await catchFailure(read());
    expect(await read()).toBe(1);
  });

  it('comes with a maximum of 100,000 chunks, which would occupy more memory than their bytes', async () => {
    const chunks = (count: number, end: string) =>
      sendBytes(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${'1\r\n \r\n'.repeat(count)}${end}`);
    upstream.script(() => chunks(99_999, 'a\r\n{"data":1}\r\n0\r\n\r\n'));
    expect(await read()).toBe(1);
    upstream.script(() => chunks(100_001, '0\r\n\r\n'));
    expect(await catchFailure(read())).toEqual({
      ...failed,
      message: 'The response of the REST API comes in more than 100000 chunks.',
    });
  });

  it('makes the outcome of a write unknown if its response exceeds it', async () => {
    upstream.script(() => body(data(maxResponseBodyBytes + 1)));
    for (const [, write, advice] of writes) {
      expect(await catchFailure(write(session()))).toEqual({
        name: 'BadResponseError',
        message: `${tooLarge} The request may have succeeded all the same. ${advice}`,
        outcomeUnknown: true,
      });
    }
  });
});

describe('The body of a response', () => {
  it.each([
    ['identity', Buffer.from(document)],
    ['gzip', gzipSync(document)],
    ['x-gzip', gzipSync(document)],
    ['GZip', gzipSync(document)],
    ['deflate', deflateSync(document)],
    ['br', brotliCompressSync(document)],
  ])('is decoded from the content encoding %s', async (encoding, content) => {
    upstream.script(() => body(content, { 'content-encoding': encoding }));
    expect(await read()).toEqual(['Québec \u{1F511}']);
  });

  it('is joined from chunks that split a character', async () => {
    upstream.script(() => (response) => {
      const content = Buffer.from(document);
      const middle = content.indexOf(0xc3) + 1;
      response.write(content.subarray(0, middle));
      response.end(content.subarray(middle));
    });
    expect(await read()).toEqual(['Québec \u{1F511}']);
  });

  it.each([
    ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x00]), notUtf8],
    ['gzip, br', brotliCompressSync(gzipSync(document)), notUtf8],
    ['gzip', Buffer.from('not compressed at all'), notHttp],
    ['gzip', gzipSync(document).subarray(0, 20), notHttp],
    ['deflate', Buffer.from('not compressed at all'), notHttp],
    ['br', Buffer.from('not compressed at all'), notHttp],
  ])('is a bad response if it does not match the encoding %s', async (encoding, content, message) => {
    upstream.script(() => body(content, { 'content-encoding': encoding }));
    expect(await catchFailure(read())).toEqual({ ...failed, message });
    expect(upstream.calls.length).toBe(1);
  });

  it.each([
    ['an invalid byte', Buffer.from([0xff])],
    ['half a character', Buffer.from([0xc3])],
    ['an encoded surrogate', Buffer.from([0xed, 0xa0, 0x80])],
    ['an overlong slash', Buffer.from([0xc0, 0xaf])],
    ['Latin-1', Buffer.from('é', 'latin1')],
  ])('is a bad response if it is not UTF-8 (%s)', async (_case, invalid) => {
    upstream.script(() => body(Buffer.concat([Buffer.from('{"data":"'), invalid, Buffer.from('"}')])));
    expect(await catchFailure(read())).toEqual({ ...failed, message: notUtf8 });
  });

  it.each([
    ['HTML', '<html><body>It works!</body></html>'],
    ['empty', ''],
    ['blank', ' \n'],
    ['half JSON', '{"data":['],
    ['two documents', '{"data":1}{"data":2}'],
    ['an array', '[]'],
    ['a string', '"data"'],
    ['null', 'null'],
    ['an object without data', '{}'],
    ['data that is null', '{"data":null}'],
  ])('is a bad response to a read if it is %s', async (_case, content) => {
    upstream.script(() => raw(200, content, { 'content-type': 'application/json' }));
    expect(await catchFailure(read())).toEqual({
      ...failed,
      message: undocumented,
      upstream: { status: 200, errors: [] },
    });
    expect(upstream.calls.length).toBe(1);
  });

  it('is decoded whatever its Content-Type', async () => {
    upstream.script(() => raw(200, document, { 'content-type': 'text/html; charset=iso-8859-1' }));
    expect(await read()).toEqual(['Québec \u{1F511}']);
  });

  it.each([204, 205])('is required by a read, so a %i is a bad response', async (status) => {
    upstream.script(() => raw(status));
    expect(await catchFailure(read())).toEqual({ ...failed, message: undocumented, upstream: { status, errors: [] } });
  });

  it.each([
    ['204', raw(204)],
    ['205', raw(205)],
    ['an empty 200', raw(200)],
    ['a blank 202', raw(202, '\r\n')],
  ])('is not required by a write: %s is a success', async (_status, response) => {
    upstream.script(() => response);
    for (const [, write] of writes) expect(await write(session())).toEqual({});
    expect(upstream.calls.length).toBe(writes.length);
  });
});

describe('A response', () => {
  const connectionLost = {
    name: 'UnavailableError',
    message: 'The connection to the REST API was lost.',
    outcomeUnknown: false,
  };

  it.each([
    ['a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n20\r\n{"data":['],
    ['the chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\n{"data":1}\r\n'],
    ['the length', 'HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{"data":1}'],
    ['the headers', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['the status', 'HTTP/1.'],
  ])('is a lost connection if it ends in the middle of %s', async (_case, content) => {
    upstream.script(() => sendBytes(content));
    expect(await catchFailure(read())).toEqual(connectionLost);
    expect(upstream.calls.length).toBe(3);
  });

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['no status code', 'HTTP/1.1 OK\r\n\r\n'],
    ['a chunk without a size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nsize\r\n{"data":1}\r\n0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\ncontent-length: 11\r\n\r\n{"data":1} '],
    ['a header without a name', 'HTTP/1.1 200 OK\r\n: x\r\ncontent-length: 10\r\n\r\n{"data":1}'],
    ['a status below 100', 'HTTP/1.1 099 OK\r\ncontent-length: 10\r\n\r\n{"data":1}'],
    ['endless headers', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}\r\n\r\n`],
  ])('is a bad response if it is not valid HTTP (%s)', async (_case, content) => {
    upstream.script(() => sendBytes(content));
    expect(await catchFailure(read())).toEqual({ ...failed, message: notHttp });
    expect(upstream.calls.length).toBe(1);
  });

  it.each([600, 999])('is a bad response if its status is %i', async (status) => {
    upstream.script(() => sendBytes(`HTTP/1.1 ${status} What\r\ncontent-length: 10\r\n\r\n{"data":1}`));
    expect(await catchFailure(read())).toEqual({
      ...failed,
      message: 'The REST API sent a status that is not valid HTTP.',
    });
  });

  it('ends at its Content-Length, and surplus bytes are not the response to another call', async () => {
    const nextResponse = json(200, { data: 'next' });
    upstream.script((_call, index) =>
      index === 0
        ? sendBytes(
            'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"data":1}HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"data":2}',
          )
        : nextResponse,
    );
    expect([await read(), await read()]).toEqual([1, 'next']);
    upstream.script(() => sendBytes('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{"data":1}'));
    expect((await catchFailure(read())).name).toBe('BadResponseError');
  });

  it('may follow an informational response', async () => {
    upstream.script(() => sendBytes('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{"data":1}'));
    expect(await read()).toBe(1);
  });

  it('makes the outcome of a write unknown if it is not HTTP', async () => {
    upstream.script(() => sendBytes('SSH-2.0-OpenSSH_9.6\r\n'));
    expect(await catchFailure(deleteSiteToSiteVpn(session(), testArea, vpnId))).toEqual({
      name: 'BadResponseError',
      message:
        `${notHttp} The request may have succeeded all the same. ` +
        'Before you retry, check whether the site-to-site VPN still exists.',
      outcomeUnknown: true,
    });
  });
});
