// Answers that nobody reads: how long they are kept, and how many bytes of them, and that those who read have theirs all the same.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { atEnd } from '../../helpers/at-end.js';
import { startGateway, type TestGateway } from '../../helpers/gateway.js';
import { launchGateway } from '../../helpers/process.js';
import { until } from '../../helpers/until.js';
import { startUpstream } from '../../helpers/upstream.js';
import { post } from '../../helpers/wire.js';

const id = 'ca86b14f-20db-463d-b58a-9d3fa5959af2';
const name = 'x'.repeat(1_000_000);
// Five times the name: more than the operating system keeps for a connection that is not read.
const large = { query: '{ environments { a: name b: name c: name d: name e: name } }' };
const key = { 'mc-api-key': 'any-key' };
const forEver = { idleMs: 600_000, mostBytes: Infinity };

async function start(unread: { idleMs: number; mostBytes: number }, length = name.length) {
  const environments = [{ id, name: name.slice(0, length) }];
  const upstream = await startUpstream(({ url }) => ({ data: url.endsWith('/environments') ? environments : [] }));
  const gateway = await startGateway(upstream.url, { maxInFlightPerKey: 0 }, { unread });
  return { gateway, upstream };
}

const toRequest = (query: string) =>
  `GET /graphql?query=${encodeURIComponent(query)} HTTP/1.1\r\nhost: a\r\nmc-api-key: a\r\n\r\n`;

/** Asks once or more and reads nothing; resolves once the first answer has been made. */
async function askDeaf({ url, logs }: TestGateway, query = large.query, times = 1): Promise<Socket> {
  const answered = logs.length;
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  atEnd(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.pause();
  socket.write(toRequest(query).repeat(times));
  await until(() => logs.length > answered);
  return socket;
}

/** Reads what there is; gives how many bytes came until the end. */
async function readAll(socket: Socket): Promise<number> {
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
  return bytes;
}

describe('An answer of which nothing is read', () => {
  it('is given up when its time is over, and its connection closed', async () => {
    const { gateway } = await start({ ...forEver, idleMs: 300 });
    const deaf = await askDeaf(gateway);
    await sleep(1_000);

    expect(await readAll(deaf)).toBeLessThan(5 * name.length);
  });

  it('is given up all the same where it is one of many small ones', async () => {
    const { gateway } = await start({ ...forEver, idleMs: 300 }, 30_000);
    const deaf = await askDeaf(gateway, '{ environments { name } }', 300);
    await sleep(1_000);

    expect(await readAll(deaf)).toBeLessThan(300 * 30_000);
  });

  it('is kept as long as some of it is read now and then', async () => {
    const { gateway } = await start({ ...forEver, idleMs: 2_000 });
    const slow = await askDeaf(gateway);
    let bytes = 0;
    let pauses = 0;
    slow.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= pauses * 300_000) return;
      pauses++;
      slow.pause();
      setTimeout(() => slow.resume(), 250);
    });
    slow.resume();
    // Longer than the time in all, and never as long without reading.
    await until(() => bytes > 5 * name.length || slow.closed);

    expect(bytes).toBeGreaterThan(5 * name.length);
  });

  it('does not shorten the time for the next one on the connection, nor that for which it may be idle', async () => {
    const { gateway, upstream } = await start({ ...forEver, idleMs: 300 });
    upstream.script(({ url }) => {
      if (url.endsWith('/environments')) return { data: [{ id, name }] };
      return (response) => {
        setTimeout(() => response.end(JSON.stringify({ data: [] })), 1_000);
      };
    });
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    atEnd(() => socket.destroy());
    let received = '';
    socket.on('data', (chunk) => (received += String(chunk)));
    const late = '{ siteToSiteVpns(environment: {serviceCode: "a", name: "b"}) { totalCount } }';
    socket.write(toRequest('{ environments { name } }') + toRequest(late));
    await until(() => received.split('HTTP/1.1 200').length === 3);
    await sleep(1_000);
    socket.write(toRequest('{ __typename }'));
    await until(() => received.split('HTTP/1.1 200').length === 4);

    expect(socket.closed).toBe(false);
  });
});

describe('Answers that nobody reads', () => {
  it('hold so many bytes together, beyond which the oldest are given up; who reads has the whole of one', async () => {
    const { gateway } = await start({ ...forEver, mostBytes: 3 * 5 * name.length + 1_000 });
    const deaf: Socket[] = [];
    for (let caller = 0; caller < 6; caller++) deaf.push(await askDeaf(gateway));
    const read = await post(gateway.url, large, key);
    const given = await Promise.all(deaf.slice(0, 4).map(readAll));

    expect(read).toMatchObject({ status: 200, json: { data: { environments: [{ e: name }] } } });
    for (const bytes of given) expect(bytes).toBeLessThan(5 * name.length);
    for (const socket of deaf.slice(4)) {
      let bytes = 0;
      socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
      socket.resume();
      await until(() => bytes > 5 * name.length);
    }
  });
});

describe('An answer whose caller has gone before it was made', () => {
  it('is kept for nobody, nor is the connection', async () => {
    const answers: (() => void)[] = [];
    const upstream = await startUpstream(() => (response) => {
      answers.push(() => response.end(JSON.stringify({ data: [] })));
    });
    // Counting them collects garbage first.
    const script = `
      import { Socket } from 'node:net';
      import { queryObjects } from 'node:v8';
      process.on('SIGWINCH', () => {
        console.log(JSON.stringify({ msg: 'held', sockets: queryObjects(Socket, { format: 'count' }) }));
      });`;
    const gateway = await launchGateway({
      CLOUDCA_API_URL: upstream.url,
      PLAYGROUND: 'false',
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(script)}`,
    });
    for (let caller = 0; caller < 60; caller++) {
      const leaving = new AbortController();
      // Of a key of its own: it would join the call of the one before.
      const headers = { 'mc-api-key': `key-${caller}` };
      const asked = post(gateway.url, { query: '{ environments { id } }' }, headers, leaving.signal).catch(
        () => 'left',
      );
      await until(() => answers.length > caller);
      leaving.abort();
      expect(await asked).toBe('left');
    }
    await until(() => gateway.lines().filter(({ msg }) => msg === 'operation').length === 60);
    for (const answer of answers) answer();
    gateway.signal('SIGWINCH');
    await gateway.says('held');

    // Its listeners, and connections to the REST API.
    expect(gateway.lines().find(({ msg }) => msg === 'held')?.['sockets']).toBeLessThan(30);
  });
});
