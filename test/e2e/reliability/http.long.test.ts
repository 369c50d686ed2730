// Clients that send one byte per second, or request large responses and never read them: memory stays bounded, and other clients are served.
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { addCleanup } from '../../helpers/cleanup.js';
import { post, sendRequest } from '../../helpers/http.js';
import { shortenSocketTimeouts } from '../../helpers/process-clock.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { countOpenFiles } from '../../load/process-usage.js';
import { sendSlowly, expectErrorResponse, keyHeaders, openConnection, startRig } from './harness.js';

// The gateway waits 30 s for a client that reads nothing. A factor of ten leaves those that read enough time on a busy machine.
const rig = await startRig({ NODE_OPTIONS: shortenSocketTimeouts(10) });
const { url, gateway, upstream } = rig;
const megabyte = 1024 * 1024;
// More bytes than the operating system buffers for a connection.
const responseBytes = 6 * megabyte;
// Their responses have 480 MB together.
const readerCount = 80;
const senderCount = 500;

afterEach(() => rig.verify());

/** Returns the gateway's resident memory, in bytes. */
async function readMemory(): Promise<number> {
  const { text: metrics } = await sendRequest(`${gateway.opsUrl}/metrics`);
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1]);
}

describe('80 clients that never read', () => {
  it('use bounded memory, do not stop other clients from being served, and are disconnected', async () => {
    // Ten aliases of one large name: the response is large, the REST response is not.
    upstream.script(() => ({ data: [{ id: 'a', name: 'x'.repeat(responseBytes / 10) }] }));
    const largeRequest = {
      query: `{ environments { ${'abcdefghij'
        .split('')
        .map((alias) => `${alias}: name`)
        .join(' ')} } }`,
    };
    const body = JSON.stringify(largeRequest);
    expect((await rig.post(largeRequest)).text.length).toBeGreaterThan(responseBytes);
    const filesBefore = countOpenFiles(gateway.pid ?? 0);
    const memoryBefore = await readMemory();
    let maxMemory = memoryBefore;
    const sockets: Socket[] = [];
    for (let client = 0; client < readerCount; client++) {
      const socket = openConnection(url);
      addCleanup(() => socket.destroy());
      socket.pause();
      const head = [
        'POST /graphql HTTP/1.1',
        'host: a',
        `mc-api-key: client-${client}`,
        'content-type: application/json',
      ];
      socket.write([...head, `content-length: ${body.length}`, '', body].join('\r\n'));
      sockets.push(socket);
      // Requests go on meanwhile: the gateway closes an idle connection after 7.5 s here, but tells its client that it has 75 s.
      while (client % 20 === 19 && upstream.calls.length < client + 2) {
        expect(await post(url, { query: '{ __typename }' }, keyHeaders)).toMatchObject({ status: 200 });
        maxMemory = Math.max(maxMemory, await readMemory());
        await sleep(20);
      }
    }
    expect(await post(url, largeRequest, keyHeaders)).toMatchObject({ status: 200 });
    maxMemory = Math.max(maxMemory, await readMemory());

    // The gateway may hold 128 MiB of unread responses, and as much again in transit.
    expect(maxMemory - memoryBefore).toBeLessThan(400 * megabyte);
    // The gateway disconnects each client that reads nothing, the last ones after the time limit.
    await waitUntil(() => countOpenFiles(gateway.pid ?? 0) < filesBefore + readerCount / 10);
    // The operating system may have buffered a full-size response.
    const sizes = await Promise.all(sockets.map(readAll));
    expect(sizes.filter((size) => size < responseBytes).length).toBeGreaterThan(0.9 * readerCount);
  }, 600_000);
});

describe('500 clients that send one byte per second', () => {
  it('do not stop other clients from being served, and are disconnected with 408', async () => {
    upstream.script(() => ({ data: [{ id: 'a', name: 'b' }] }));
    const head = ['POST /graphql HTTP/1.1', 'host: a', 'content-type: application/json', 'content-length: 200000'].join(
      '\r\n',
    );
    let disconnected = 0;
    const slowClients = Array.from({ length: senderCount }, async (_, client) => {
      const responses = await sendSlowly(url, client % 2 === 0 ? `${head}\r\nx-a: ` : `${head}\r\n\r\n{`);
      disconnected++;
      return responses;
    });
    let served = 0;
    while (disconnected < senderCount) {
      const response = await rig.post({ query: '{ environments { id } }' });
      expect(response).toMatchObject({ status: 200, json: { data: { environments: [{ id: 'a' }] } } });
      served++;
      await sleep(50);
    }
    expect(served).toBeGreaterThan(20);
    for (const responses of await Promise.all(slowClients)) {
      expect(responses).toHaveLength(1);
      for (const response of responses) expectErrorResponse(rig.record(response), 408);
    }
  }, 600_000);
});

/** Reads a socket until it ends. Returns the number of bytes. */
async function readAll(socket: Socket): Promise<number> {
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
  socket.resume();
  if (!socket.readableEnded && !socket.closed) {
    await new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  }
  return bytes;
}
