// The bytes of an answer: how many are read, in which encodings, and what is made of those that are not what HTTP or the
// documentation has.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { brotliCompressSync, createGzip, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { maximumBodyBytes } from '../../../src/cloudca/http/transport.js';
import { deleteSiteToSiteVpn } from '../../../src/cloudca/site-to-site-vpns.js';
import { json, raw, startUpstream } from '../../helpers/upstream.js';
import { bytes, failureOf, stargate, startClient, testArea, writes } from '../test-client.js';

const upstream = await startUpstream();
const { session } = startClient(upstream.url, { timeoutMs: 20_000 });
const environments = { route: '/', path: ['environments'] };
const read = () => session().read(environments, (data) => data);

const document = JSON.stringify({ data: ['Québec \u{1F511}'] });
const failed = { name: 'BadResponseError', outcomeUnknown: false };
const undocumented = 'The REST API answered with something other than the documented form.';
const notHttp = 'The REST API answered with something that is not HTTP as it should be.';
const tooLarge = "The REST API's answer is larger than 10485760 bytes.";
const notUtf8 = "The REST API's answer is not UTF-8.";

/** Answers with bytes as a body. */
const body = (content: Buffer | string, headers: Readonly<Record<string, string>> = {}) => {
  return (response: ServerResponse): void => {
    response.writeHead(200, headers).end(content);
  };
};

/** Sends zeros until the client goes away; gives how many were sent. */
async function pour(target: NodeJS.WritableStream, gone: Promise<unknown>): Promise<number> {
  const zeros = Buffer.alloc(64 * 1024);
  const left = gone.then(() => true);
  for (let sent = zeros.length; ; sent += zeros.length) {
    if (!target.write(zeros)) await Promise.race([once(target, 'drain'), left]);
    if (await Promise.race([left, nextTurn(false)])) return sent;
  }
}

describe('The limit of 10 MiB', () => {
  const text = (length: number) => `"${'x'.repeat(length - 2)}"`;
  const data = (length: number) => `{"data":${text(length - 9)}}`;

  it.each(['identity', 'gzip'])('lets a body of exactly that size through (%s)', async (encoding) => {
    const content = data(maximumBodyBytes);
    upstream.script(() => body(encoding === 'gzip' ? gzipSync(content) : content, { 'content-encoding': encoding }));
    expect(content.length).toBe(10_485_760);
    expect(String(await read()).length).toBe(10_485_760 - 11);
  });

  it.each(['identity', 'gzip'])('lets none through that is a byte larger (%s)', async (encoding) => {
    const content = data(maximumBodyBytes + 1);
    upstream.script(() => body(encoding === 'gzip' ? gzipSync(content) : content, { 'content-encoding': encoding }));
    expect(await failureOf(read())).toEqual({ ...failed, message: tooLarge });
    expect(upstream.calls.length).toBe(1);
  });

  it('ends a body without an end, and the connection that it comes over', async () => {
    let poured: Promise<number> = Promise.resolve(0);
    upstream.script(() => (response) => {
      response.writeHead(200);
      poured = pour(response, once(response, 'close'));
    });
    expect(await failureOf(read())).toEqual({ ...failed, message: tooLarge });
    // What is above the limit is what the sockets hold.
    expect(await poured).toBeLessThan(64 * 1024 * 1024);
  });

  it('counts what comes out of a gzip bomb, and ends one without an end', async () => {
    let poured: Promise<number> = Promise.resolve(0);
    upstream.script(() => (response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      const gzip = createGzip({ level: 9, chunkSize: 1024 });
      gzip.pipe(response);
      poured = pour(gzip, once(response, 'close'));
    });
    expect(await failureOf(read())).toEqual({ ...failed, message: tooLarge });
    // A thousand to one: ten million bytes on the wire would be ten thousand millions here.
    expect(await poured).toBeLessThan(1024 * 1024 * 1024);
  });

  it('does not end the calls that follow', async () => {
    upstream.script((_call, index) => (index === 0 ? body(data(maximumBodyBytes + 1)) : { data: 1 }));
    await failureOf(read());
    expect(await read()).toBe(1);
  });

  it('lets no body come in more than 100,000 pieces, whose number would take more room than their bytes', async () => {
    const chunks = (count: number, end: string) =>
      bytes(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${'1\r\n \r\n'.repeat(count)}${end}`);
    upstream.script(() => chunks(99_999, 'a\r\n{"data":1}\r\n0\r\n\r\n'));
    expect(await read()).toBe(1);
    upstream.script(() => chunks(100_001, '0\r\n\r\n'));
    expect(await failureOf(read())).toEqual({
      ...failed,
      message: "The REST API's answer comes in too many pieces.",
    });
  });

  it('leaves the outcome of a write unknown', async () => {
    upstream.script(() => body(data(maximumBodyBytes + 1)));
    for (const [, write, advice] of writes) {
      expect(await failureOf(write(session()))).toEqual({
        name: 'BadResponseError',
        message: `${tooLarge} The request may have been carried out all the same. ${advice}`,
        outcomeUnknown: true,
      });
    }
  });
});

describe('A body', () => {
  it.each([
    ['identity', Buffer.from(document)],
    ['gzip', gzipSync(document)],
    ['x-gzip', gzipSync(document)],
    ['GZip', gzipSync(document)],
    ['deflate', deflateSync(document)],
    ['br', brotliCompressSync(document)],
  ])('in the encoding %s is decoded', async (encoding, content) => {
    upstream.script(() => body(content, { 'content-encoding': encoding }));
    expect(await read()).toEqual(['Québec \u{1F511}']);
  });

  it('in several chunks that break a character is put together', async () => {
    upstream.script(() => (response) => {
      const content = Buffer.from(document);
      const middle = content.indexOf(0xc3) + 1;
      response.write(content.subarray(0, middle));
      setTimeout(() => response.end(content.subarray(middle)), 20);
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
  ])('that is not what its encoding %s says is a bad response', async (encoding, content, message) => {
    upstream.script(() => body(content, { 'content-encoding': encoding }));
    expect(await failureOf(read())).toEqual({ ...failed, message });
    expect(upstream.calls.length).toBe(1);
  });

  it.each([
    ['a byte that never is', Buffer.from([0xff])],
    ['half a character', Buffer.from([0xc3])],
    ['an encoded surrogate', Buffer.from([0xed, 0xa0, 0x80])],
    ['an overlong slash', Buffer.from([0xc0, 0xaf])],
    ['Latin-1', Buffer.from('é', 'latin1')],
  ])('that is not UTF-8 (%s) is a bad response: no value is altered', async (_what, wrong) => {
    upstream.script(() => body(Buffer.concat([Buffer.from('{"data":"'), wrong, Buffer.from('"}')])));
    expect(await failureOf(read())).toEqual({ ...failed, message: notUtf8 });
  });

  it.each([
    ['HTML', '<html><body>It works!</body></html>'],
    ['empty', ''],
    ['blank', ' \n'],
    ['half JSON', '{"data":['],
    ['two documents', '{"data":1}{"data":2}'],
    ['a list', '[]'],
    ['a string', '"data"'],
    ['null', 'null'],
    ['an object without data', '{}'],
    ['data that is null', '{"data":null}'],
  ])('of a 200 to a read that is %s is a bad response', async (_what, content) => {
    upstream.script(() => raw(200, content, { 'content-type': 'application/json' }));
    expect(await failureOf(read())).toEqual({ ...failed, message: undocumented, answer: { status: 200, errors: [] } });
    expect(upstream.calls.length).toBe(1);
  });

  it('is read whatever its Content-Type', async () => {
    upstream.script(() => raw(200, document, { 'content-type': 'text/html; charset=iso-8859-1' }));
    expect(await read()).toEqual(['Québec \u{1F511}']);
  });

  it.each([204, 205])('that a %i cannot have is missed by a read', async (status) => {
    upstream.script(() => raw(status));
    expect(await failureOf(read())).toEqual({ ...failed, message: undocumented, answer: { status, errors: [] } });
  });

  it.each([
    ['204', raw(204)],
    ['205', raw(205)],
    ['an empty 200', raw(200)],
    ['a blank 202', raw(202, '\r\n')],
  ])('is not needed by a write: %s is a success', async (_what, answer) => {
    upstream.script(() => answer);
    for (const [, write] of writes) expect(await write(session())).toEqual({ fields: {} });
    expect(upstream.calls.length).toBe(writes.length);
  });
});

describe('An answer', () => {
  const lost = { name: 'UnavailableError', message: 'The connection to the REST API was lost.', outcomeUnknown: false };

  it.each([
    ['a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n20\r\n{"data":['],
    ['the chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\n{"data":1}\r\n'],
    ['the length', 'HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{"data":1}'],
    ['the headers', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['the status', 'HTTP/1.'],
  ])('that ends before %s does is a lost connection', async (_what, content) => {
    upstream.script(() => bytes(content));
    expect(await failureOf(read())).toEqual(lost);
    expect(upstream.calls.length).toBe(3);
  });

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['no status', 'HTTP/1.1 OK\r\n\r\n'],
    ['a chunk of no size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nsize\r\n{"data":1}\r\n0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\ncontent-length: 11\r\n\r\n{"data":1} '],
    ['a header without a name', 'HTTP/1.1 200 OK\r\n: x\r\ncontent-length: 10\r\n\r\n{"data":1}'],
    ['a status below 100', 'HTTP/1.1 099 OK\r\ncontent-length: 10\r\n\r\n{"data":1}'],
    ['endless headers', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}\r\n\r\n`],
  ])('that is not HTTP (%s) is a bad response', async (_what, content) => {
    upstream.script(() => bytes(content));
    expect(await failureOf(read())).toEqual({ ...failed, message: notHttp });
    expect(upstream.calls.length).toBe(1);
  });

  it.each([600, 999])('with the status %i, which HTTP does not have, is a bad response', async (status) => {
    upstream.script(() => bytes(`HTTP/1.1 ${status} What\r\ncontent-length: 10\r\n\r\n{"data":1}`));
    expect(await failureOf(read())).toEqual({
      ...failed,
      message: 'The REST API answered with a status that HTTP does not have.',
    });
  });

  it('longer than its Content-Length is cut there, and the rest answers no other call', async () => {
    const surplus = json(200, { data: 'of nobody' });
    upstream.script((_call, index) =>
      index === 0
        ? bytes(
            'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"data":1}HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"data":2}',
          )
        : surplus,
    );
    expect([await read(), await read()]).toEqual([1, 'of nobody']);
    upstream.script(() => bytes('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{"data":1}'));
    expect((await failureOf(read())).name).toBe('BadResponseError');
  });

  it('may be announced by another one', async () => {
    upstream.script(() => bytes('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{"data":1}'));
    expect(await read()).toBe(1);
  });

  it('to a write that is not HTTP leaves the outcome unknown', async () => {
    upstream.script(() => bytes('SSH-2.0-OpenSSH_9.6\r\n'));
    expect(await failureOf(deleteSiteToSiteVpn(session(), testArea, stargate))).toEqual({
      name: 'BadResponseError',
      message:
        `${notHttp} The request may have been carried out all the same. ` +
        'Before you try again, look whether the site-to-site VPN is still in compute-on/test_area.',
      outcomeUnknown: true,
    });
  });
});
