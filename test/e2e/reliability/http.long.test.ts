// A crowd of callers who send byte by byte, or ask for large answers and never read them: others are served, memory stays bounded, and all of it comes back.
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { atEnd } from '../../helpers/at-end.js';
import { post } from '../../helpers/wire.js';
import { drip, expectRefusal, keyHeaders, open, startRig } from './harness.js';

const rig = await startRig();
const { url, gateway, upstream } = rig;
const megabyte = 1024 * 1024;
// More than the operating system keeps for a connection.
const whole = 6 * megabyte;
const callers = 500;

afterEach(() => rig.settle());

async function memory(): Promise<number> {
  const text = await (await fetch(`${gateway.opsUrl}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]);
}

describe('500 callers who never read', () => {
  it('hold no more than there is room for, keep nobody from being served, and are cut in the end', async () => {
    // Ten times in an answer: what is large is the answer alone.
    upstream.script(() => ({ data: [{ id: 'a', name: 'x'.repeat(whole / 10) }] }));
    const large = {
      query: `{ environments { ${'abcdefghij'
        .split('')
        .map((alias) => `${alias}: name`)
        .join(' ')} } }`,
    };
    const body = JSON.stringify(large);
    expect((await rig.ask(large)).text.length).toBeGreaterThan(whole);
    const before = await memory();
    let most = before;
    const deaf: Socket[] = [];
    for (let caller = 0; caller < callers; caller++) {
      const socket = open(url);
      atEnd(() => socket.destroy());
      socket.pause();
      const head = [
        'POST /graphql HTTP/1.1',
        'host: a',
        `mc-api-key: caller-${caller}`,
        'content-type: application/json',
      ];
      socket.write([...head, `content-length: ${body.length}`, '', body].join('\r\n'));
      deaf.push(socket);
      if (caller % 25 === 24) {
        expect(await post(url, { query: '{ __typename }' }, keyHeaders)).toMatchObject({ status: 200 });
        while (upstream.calls.length < caller + 2) await sleep(20);
        most = Math.max(most, await memory());
      }
    }
    expect(await post(url, large, keyHeaders)).toMatchObject({ status: 200 });
    most = Math.max(most, await memory());

    // Three gigabytes were answered; 128 MiB of them may wait, and as much again be on their way.
    expect(most - before).toBeLessThan(500 * megabyte);
    // Whoever reads nothing is cut, the last of them when the time for it is over; the operating system may have kept a whole answer or two.
    await sleep(35_000);
    const sizes = await Promise.all(deaf.map(readAll));
    expect(sizes.filter((size) => size < whole).length).toBeGreaterThan(0.9 * callers);
  });
});

describe('500 callers who send a byte now and then', () => {
  it('keep nobody from being served, and are cut with 408', async () => {
    upstream.script(() => ({ data: [{ id: 'a', name: 'b' }] }));
    const head = ['POST /graphql HTTP/1.1', 'host: a', 'content-type: application/json', 'content-length: 200000'].join(
      '\r\n',
    );
    let cut = 0;
    const slow = Array.from({ length: callers }, async (_, caller) => {
      const answers = await drip(url, caller % 2 === 0 ? `${head}\r\nx-a: ` : `${head}\r\n\r\n{`);
      cut++;
      return answers;
    });
    let served = 0;
    while (cut < callers) {
      const answer = await rig.ask({ query: '{ environments { id } }' });
      expect(answer).toMatchObject({ status: 200, json: { data: { environments: [{ id: 'a' }] } } });
      served++;
      await sleep(50);
    }
    expect(served).toBeGreaterThan(20);
    for (const answers of await Promise.all(slow)) {
      expect(answers).toHaveLength(1);
      for (const answer of answers) expectRefusal(rig.keep(answer), 408);
    }
  });
});

async function readAll(socket: Socket): Promise<number> {
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
  socket.resume();
  if (!socket.readableEnded && !socket.closed) {
    await new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  }
  return bytes;
}
