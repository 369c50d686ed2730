// The end made to hurt: by a signal, by an error that nobody catches, by a promise that nobody takes, whatever callers are at. What runs is
// finished or told, nobody holds the end up, and no key is in the last words. Prints how long each end took.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, describe, expect, it } from '@jest/globals';
import { atEnd } from '../../helpers/at-end.js';
import { toBytes } from '../../helpers/raw-upstream.js';
import { until } from '../../helpers/until.js';
import { ask, post } from '../../helpers/wire.js';
import { byEventStream, openAcknowledged } from '../../server/subscriptions/subscribers.js';
import { followVpns, taskId, vpnId } from '../../server/subscriptions/changing-rest-api.js';
import { apiKey, expectNoKey, expectNoLeak, open, preSharedKey, type Rig, startRig, upstreamHost } from './harness.js';

// Of this environment the REST API says nothing until it is told to.
const heldScope = 'environment: { serviceCode: "compute-on", name: "held" }';
const read = { query: `{ siteToSiteVpns(${heldScope}) { totalCount } }` };
const write = {
  query: `mutation { deleteSiteToSiteVpn(input: { ${heldScope}, id: "${vpnId}" }) { task { status } userErrors { code } } }`,
};

const ways = [
  ['SIGTERM', 'SIGTERM', '', 0],
  ['an error that nobody catches', 'SIGWINCH', 'throw error', 1],
  ['a promise that nobody takes', 'SIGWINCH', 'Promise.reject(error)', 1],
] as const;

const times: string[] = [];

afterAll(() => {
  process.stdout.write(times.join(''));
});

/** A rig whose process comes to `death` on SIGWINCH, with words that hold the keys. */
function startMortal(death: string): Promise<Rig> {
  // Frames name the script's address: the words come by another way.
  const script = `process.on('SIGWINCH', () => {
    const error = new Error(process.env.MESSAGE, { cause: process.env.MESSAGE });
    error.body = process.env.MESSAGE;
    ${death};
  })`;
  return startRig({
    MESSAGE: `${apiKey}\n    at ${preSharedKey} (file:///x.js:1:1)\n${upstreamHost}`,
    NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(script)}`,
    // Far beyond what a process has left to end in.
    CLOUDCA_API_TIMEOUT_MS: '60000',
    // Nobody is to be sent to a process that has failed.
    ...(death === '' ? {} : { DRAIN_DELAY_MS: '5000' }),
  });
}

/** Has the REST API keep what it is asked of one environment; the list has their connections. */
function hold({ upstream }: Rig): Socket[] {
  const held: Socket[] = [];
  upstream.script(({ target }) => (target.includes('/held/') ? (socket) => held.push(socket) : { data: [] }));
  return held;
}

/** Opens a connection and sends bytes over it; resolves once the gateway has closed it. */
function closed(rig: Rig, bytes: string): Promise<unknown> {
  const socket = open(rig.url);
  atEnd(() => socket.destroy());
  socket.resume();
  socket.once('end', () => socket.end());
  if (bytes !== '') socket.write(bytes);
  return once(socket, 'close');
}

const idle = ['', 'GET /graphql?query={__typename} HTTP/1.1\r\nhost: a\r\nmc-api-key: a\r\n\r\n'];
const halves = [
  'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-ty',
  'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"query"',
];

/** Opens what no work hangs on; resolves once the gateway has closed all of it. */
async function openWorkless(rig: Rig): Promise<() => Promise<unknown>> {
  const all = Promise.all([...idle, ...halves].map((bytes) => closed(rig, bytes)));
  // The gateway has read all of them once it answers what came after.
  await post(rig.url, { query: '{ __typename }' });
  return () => all;
}

/** Sees a process to its end, which must come with this code and without a word of the keys; notes how long it took. */
async function end(rig: Rig, code: number, begun: number, what: string): Promise<void> {
  const { gateway } = rig;
  expect(await gateway.exit).toEqual({ code, signal: null });
  times.push(`${what}: ended after ${Math.round(performance.now() - begun)} ms\n`);
  expect(gateway.stderr()).toBe('');
  expectNoKey(gateway.stdout());
  expect(gateway.stdout()).not.toContain(upstreamHost);
  const fatal = gateway.lines().filter(({ level }) => level === 60);
  expect(fatal).toEqual(code === 0 ? [] : [expect.objectContaining({ msg: 'unexpected error, ending' })]);
}

describe.each(ways)('On %s', (way, signal, death, code) => {
  it('nothing holds it up that is no work', async () => {
    const rig = await startMortal(death);
    const allClosed = await openWorkless(rig);
    const begun = performance.now();
    rig.gateway.signal(signal);

    await allClosed();
    await end(rig, code, begun, `${way}, idle connections and half requests`);
  });

  it('it turns unready first; what runs is finished, and who follows is told', async () => {
    const rig = await startMortal(death);
    const { gateway } = rig;
    const held = hold(rig);
    const allClosed = await openWorkless(rig);
    const following = await openAcknowledged(rig.url, apiKey);
    following.send({ id: '1', type: 'subscribe', payload: { query: followVpns } });
    const stream = byEventStream(rig.url, apiKey)(followVpns);
    await Promise.all([following.has(2), stream.has(1)]);
    const reading = rig.ask(read);
    await until(() => held.length === 1);
    const writing = rig.ask(write);
    await until(() => held.length === 2);
    const begun = performance.now();
    gateway.signal(signal);

    while ((await ask(`${gateway.opsUrl}/readyz`)).status !== 503);
    expect(await ask(`${gateway.opsUrl}/livez`)).toMatchObject({ status: 200 });
    expect(await rig.ask(read)).toMatchObject({
      status: 503,
      json: { errors: [{ extensions: { code: 'OVERLOADED' } }] },
    });
    expect(held).toHaveLength(2);
    await Promise.all([following.closes(), stream.ends()]);
    expect(following.closed).toEqual({ code: 1001, reason: 'The gateway is shutting down' });
    expect(stream.end).toBe('complete');
    held[0]?.write(toBytes(200, { data: [] }));
    held[1]?.write(toBytes(200, { taskId, taskStatus: 'SUCCESS' }));
    const answers = await Promise.all([reading, writing]);
    expect(answers.map(({ status, json }) => ({ status, json }))).toEqual([
      { status: 200, json: { data: { siteToSiteVpns: { totalCount: 0 } } } },
      { status: 200, json: { data: { deleteSiteToSiteVpn: { task: { status: 'SUCCESS' }, userErrors: [] } } } },
    ]);
    await allClosed();
    await end(rig, code, begun, `${way}, a read, a write and two subscriptions that run`);
  });
});

describe('An error that nobody catches', () => {
  it('leaves nobody without an answer whom the REST API keeps waiting', async () => {
    const rig = await startMortal('throw error');
    const held = hold(rig);
    const asking = [rig.ask(read)];
    await until(() => held.length === 1);
    // It drips for ever.
    held[0]?.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    const dripping = setInterval(() => held[0]?.write('1\r\n \r\n'), 100);
    atEnd(() => {
      clearInterval(dripping);
    });
    asking.push(rig.ask(write));
    await until(() => held.length === 2);
    const begun = performance.now();
    rig.gateway.signal('SIGWINCH');

    const [dripped, written] = await Promise.all(asking);
    for (const answer of [dripped, written]) expectNoLeak(answer?.text ?? '');
    const unavailable = { code: 'UPSTREAM_UNAVAILABLE' };
    expect(dripped).toMatchObject({ status: 200, json: { errors: [{ extensions: unavailable }] } });
    expect(written).toMatchObject({
      status: 200,
      json: { errors: [{ extensions: { ...unavailable, outcomeUnknown: true } }] },
    });
    await end(rig, 1, begun, 'an error that nobody catches, a REST API that does not answer');
  });
});

describe('The last words', () => {
  it.each([
    ['an error that nobody catches', 'throw error', 'Error'],
    ['a promise that nobody takes', 'Promise.reject(error)', 'Error'],
    ['something that is no error', 'throw error.message', 'string'],
    [
      'an object that is no error',
      'throw { message: error.message, stack: error.stack, name: error.name }',
      expect.any(String),
    ],
    ['nothing at all', 'Promise.reject()', 'undefined'],
  ])('of %s are a line without its words', async (_what, death, type) => {
    const { gateway } = await startMortal(death);
    gateway.signal('SIGWINCH');

    expect(await gateway.exit).toEqual({ code: 1, signal: null });
    expect(gateway.stderr()).toBe('');
    expect(gateway.lines().at(-1)).toMatchObject({ level: 60, msg: 'unexpected error, ending', err: { type } });
    expectNoKey(gateway.stdout());
    expect(gateway.stdout()).not.toContain(upstreamHost);
  });

  it('are two where a second error comes while the first has it end, and the end is at once', async () => {
    const rig = await startMortal('throw error');
    const held = hold(rig);
    const reading = rig.ask(read).then(
      () => 'answered',
      () => 'cut',
    );
    const { gateway } = rig;
    await until(() => held.length === 1);
    gateway.signal('SIGWINCH');
    await gateway.says('unexpected error, ending');
    gateway.signal('SIGWINCH');

    expect(await reading).toBe('cut');
    expect(await gateway.exit).toEqual({ code: 1, signal: null });
    expect(gateway.lines().filter(({ level }) => level === 60)).toHaveLength(2);
    expectNoKey(gateway.stdout() + gateway.stderr());
  });
});
