// How a subscription tells what went wrong, the same over both transports: as an event in the one form that errors have, then it completes;
// and nothing that a caller must not see stands in any byte that goes out.
import { describe, expect, it } from '@jest/globals';
import { startGateway } from '../../helpers/gateway.js';
import { until } from '../../helpers/until.js';
import { cut, json, raw, type Script } from '../../helpers/upstream.js';
import { openAcknowledged, transports } from './subscribers.js';
import { environment, followTask, followVpn, followVpns, isSilent, startRest, vpnId, wireVpn } from './changing-rest-api.js';

const polls = { taskPollMs: 20, watchPollMs: 20 };
const anyId = expect.stringMatching(/^[\w-]{8,}$/);
const refusal = { errors: [{ errorCode: '2012', message: 'No.' }] };

describe.each(transports)('by %s', (_name, by) => {
  it('three looks that fail in a row end it with the error as its last event', async () => {
    const rest = await startRest();
    const { url, watcher } = await startGateway(rest.url, polls);
    const following = by(url)(followVpns);
    await following.has(1);
    const before = rest.calls.length;
    const failing: number[] = [];
    rest.state.instead = (_call, index) => {
      failing.push(index);
      return json(500, refusal);
    };
    await following.ends();
    expect(following.end).toBe('complete');
    expect(following.events).toEqual([
      { data: { siteToSiteVpnsUpdated: { nodes: [{ name: 'stargate' }] } } },
      {
        errors: [
          {
            message: expect.any(String),
            path: ['siteToSiteVpnsUpdated'],
            extensions: {
              code: 'UPSTREAM_ERROR',
              requestId: anyId,
              upstream: { status: 500, errors: [{ code: '2012', message: 'No.' }] },
            },
          },
        ],
      },
    ]);
    expect(failing).toHaveLength(3);
    expect(await isSilent(rest)).toBe(true);
    expect(rest.calls.length - before).toBeLessThanOrEqual(4);
    expect(watcher.polls).toBe(0);
  });

  it('two looks that fail and one that does not leave it open', async () => {
    const rest = await startRest();
    const { url } = await startGateway(rest.url, polls);
    const following = by(url)(followVpns);
    await following.has(1);
    let failures = 0;
    rest.state.vpns = [wireVpn({ name: 'renamed' })];
    rest.state.instead = () => (++failures % 3 === 0 ? { data: rest.state.vpns } : cut);
    await following.has(2);
    await until(() => failures > 8);
    expect(following.events).toHaveLength(2);
    expect(following.end).toBeUndefined();
    following.stop();
  });

  it.each([
    [401, 'UNAUTHENTICATED'],
    [403, 'FORBIDDEN'],
    [404, 'NOT_FOUND'],
  ])('a %i ends it at once with %s', async (status, code) => {
    const rest = await startRest();
    rest.state.instead = () => json(status, refusal);
    const { url } = await startGateway(rest.url, polls);
    const following = by(url)(
      `subscription ($id: ID!) { ...F } fragment F on Subscription { it: taskUpdated(id: $id) { id } }`,
      {
        id: vpnId,
      },
    );
    await following.ends();
    expect(following.end).toBe('complete');
    expect(following.events).toEqual([
      {
        errors: [
          {
            message: expect.any(String),
            path: ['it'],
            extensions: expect.objectContaining({ code, requestId: anyId }),
          },
        ],
      },
    ]);
    expect(rest.calls).toHaveLength(1);
  });

  it.each([
    [
      'an environment without a name',
      followVpns.replace('"test_area"', '""'),
      'BAD_USER_INPUT',
      'siteToSiteVpnsUpdated',
    ],
    [
      'a service code that leads elsewhere',
      followVpn.replace('"compute-on"', '".."'),
      'BAD_USER_INPUT',
      'siteToSiteVpnUpdated',
    ],
    ['a VPN’s id that is no UUID', followVpn.replace(vpnId, 'x'), 'NOT_FOUND', 'siteToSiteVpnUpdated'],
    ['a task’s id that is no UUID', 'subscription { taskUpdated(id: "../x") { id } }', 'NOT_FOUND', 'taskUpdated'],
  ])('%s is told without a REST call', async (_what, query, code, field) => {
    const rest = await startRest();
    const { url } = await startGateway(rest.url, polls);
    const following = by(url)(query);
    await following.ends();
    expect(following.end).toBe('complete');
    expect(following.events).toEqual([
      { errors: [{ message: expect.any(String), path: [field], extensions: { code, requestId: anyId } }] },
    ]);
    expect(rest.calls).toEqual([]);
  });

  it('a VPC that cannot be had is null in its event, with an error at its path, and the next event has it', async () => {
    const rest = await startRest();
    let vpcs: ReturnType<Script> = json(500, refusal);
    rest.state.instead = ({ url }) => (url.includes('/vpcs') ? vpcs : { data: rest.state.vpns });
    const { url } = await startGateway(rest.url, polls);
    const following = by(url)(
      `subscription { siteToSiteVpnsUpdated(environment: ${environment}) { nodes { name vpc { name } } } }`,
    );
    await following.has(1);
    vpcs = { data: [{ id: '0b3f13ec-e005-4a71-8bea-6af42c1a895a', name: 'archive' }] };
    rest.state.vpns = [wireVpn({ name: 'renamed' })];
    await following.has(2);
    following.stop();
    expect(following.events).toEqual([
      {
        data: { siteToSiteVpnsUpdated: { nodes: [{ name: 'stargate', vpc: null }] } },
        errors: [
          {
            message: expect.any(String),
            locations: [{ line: 1, column: expect.any(Number) }],
            path: ['siteToSiteVpnsUpdated', 'nodes', 0, 'vpc'],
            extensions: expect.objectContaining({ code: 'UPSTREAM_ERROR', requestId: anyId }),
          },
        ],
      },
      { data: { siteToSiteVpnsUpdated: { nodes: [{ name: 'renamed', vpc: { name: 'archive' } }] } } },
    ]);
  });
});

const key = 'canary-key-0123456789';
const secrets = /canary|127\.0\.0\.1|localhost|node_modules|\.ts\b|ECONN|stack/i;

/** What an upstream may say that no caller may be told. */
const indiscretions: readonly (readonly [string, Script])[] = [
  ['a stack in HTML', () => raw(500, `<pre>Error at http://127.0.0.1/?key=${key} (/app/index.ts:1)</pre>`)],
  [
    'the key in an error',
    ({ headers }) => json(500, { errors: [{ message: `key ${String(headers['mc-api-key'])} denied` }] }),
  ],
  ['a key of a VPN in what is no list', () => ({ data: wireVpn() })],
  ['a VPN without a name', () => ({ data: [wireVpn({ name: 1 })] })],
  ['a cut connection', () => cut],
  ['a redirect', () => raw(302, '', { location: `http://127.0.0.1/${key}` })],
];

describe.each(indiscretions)('%s', (_what, script) => {
  it('is in no frame of a WebSocket, and in no line of the log', async () => {
    const rest = await startRest();
    rest.state.instead = script;
    const { url, logs } = await startGateway(rest.url, polls);
    const bare = await openAcknowledged(url, key);
    let text = '';
    bare.socket.on('message', (data: Buffer) => {
      text += data.toString();
    });
    bare.send({ id: '1', type: 'subscribe', payload: { query: followVpns } });
    await bare.has(3);
    expect(bare.messages).toMatchObject([
      { type: 'connection_ack' },
      { id: '1', type: 'next', payload: { errors: [{ path: ['siteToSiteVpnsUpdated'] }] } },
      { id: '1', type: 'complete' },
    ]);
    expect(text).not.toMatch(secrets);
    expect(JSON.stringify(logs)).not.toMatch(/canary/);
  });

  it('is in no byte of an event stream', async () => {
    const rest = await startRest();
    rest.state.instead = script;
    const { url } = await startGateway(rest.url, polls);
    const response = await fetch(`${url}/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', 'mc-api-key': key },
      body: JSON.stringify({ query: followVpns }),
    });
    const text = await response.text();
    expect(text).toMatch(/event: next\ndata: \{"errors":.*\n\nevent: complete\n/);
    expect(`${JSON.stringify([...response.headers])}${text}`).not.toMatch(secrets);
  });
});

describe('the log', () => {
  it('has one line for a subscription, with how many events it had and the codes of its errors, and no key', async () => {
    const rest = await startRest();
    const { url, logs } = await startGateway(rest.url, polls);
    const bare = await openAcknowledged(url, key);
    bare.send({ id: '1', type: 'subscribe', payload: { query: followTask.replace('subscription', 'subscription T') } });
    await bare.has(2);
    rest.state.instead = () => json(404, refusal);
    await until(() => logs.some(({ msg }) => msg === 'operation'));
    expect(logs.filter(({ msg }) => msg === 'operation')).toEqual([
      expect.objectContaining({
        operation: 'T',
        type: 'subscription',
        events: 2,
        errors: ['NOT_FOUND'],
        requestId: anyId,
      }),
    ]);
    expect(JSON.stringify(logs)).not.toMatch(/canary/);
  });
});
