// Failures of subscriptions: the last event has the error, then the subscription completes, by all transports. No output contains internal
// details or secrets.
import { describe, expect, it } from '@jest/globals';
import { environmentLiteral, keyHeader, vpcId, vpnId, wireVpn } from '../../helpers/fixtures.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { dropConnection, json, raw, type Script } from '../../helpers/upstream.js';
import { openAcknowledgedSocket, transports } from './subscribers.js';
import { taskSubscription, vpnSubscription, vpnsSubscription, isSilent } from './mutable-rest-api.js';
import { startOnRestApi } from './polling-gateway.js';

const anyId = expect.stringMatching(/^[\w-]{8,}$/);
const errorBody = { errors: [{ errorCode: '2012', message: 'No.' }] };

describe.each(transports)('a subscription by %s', (_name, subscribeBy) => {
  it('ends with the error as the last event after three failed polls in a row', async () => {
    const { rest, url, watcher } = await startOnRestApi();
    const subscription = subscribeBy(url)(vpnsSubscription);
    await subscription.waitForEvents(1);
    const callsBefore = rest.calls.length;
    const failedCalls: number[] = [];
    rest.state.override = (_call, index) => {
      failedCalls.push(index);
      return json(500, errorBody);
    };
    await subscription.waitForEnd();
    expect(subscription.end).toBe('complete');
    expect(subscription.events).toEqual([
      { data: { siteToSiteVpnsUpdated: { nodes: [{ name: 'stargate' }] } } },
      {
        errors: [
          {
            message: expect.any(String),
            path: ['siteToSiteVpnsUpdated'],
            extensions: {
              code: 'UPSTREAM_ERROR',
              requestId: anyId,
              retryable: true,
              upstream: { status: 500, errors: [{ code: '2012', message: 'No.' }] },
            },
          },
        ],
      },
    ]);
    expect(failedCalls).toHaveLength(3);
    expect(await isSilent(rest, watcher)).toBe(true);
    expect(rest.calls.length - callsBefore).toBeLessThanOrEqual(4);
  });

  it('stays open if at least every third poll succeeds', async () => {
    const { rest, url } = await startOnRestApi();
    const subscription = subscribeBy(url)(vpnsSubscription);
    await subscription.waitForEvents(1);
    let failures = 0;
    rest.state.vpns = [wireVpn({ name: 'renamed' })];
    rest.state.override = () => (++failures % 3 === 0 ? { data: rest.state.vpns } : dropConnection);
    await subscription.waitForEvents(2);
    await waitUntil(() => failures > 8);
    expect(subscription.events).toHaveLength(2);
    expect(subscription.end).toBeUndefined();
    subscription.unsubscribe();
  });

  it.each([
    [401, 'UNAUTHENTICATED'],
    [403, 'FORBIDDEN'],
    [404, 'NOT_FOUND'],
  ])('ends at once after a response with status %i, with the code %s', async (status, code) => {
    const { rest, url } = await startOnRestApi();
    rest.state.override = () => json(status, errorBody);
    const subscription = subscribeBy(url)(
      `subscription ($id: ID!) { ...F } fragment F on Subscription { it: taskUpdated(id: $id) { id } }`,
      {
        id: vpnId,
      },
    );
    await subscription.waitForEnd();
    expect(subscription.end).toBe('complete');
    expect(subscription.events).toEqual([
      {
        errors: [
          {
            message: expect.any(String),
            path: ['it'],
            extensions: { code, requestId: anyId, upstream: { status, errors: [{ code: '2012', message: 'No.' }] } },
          },
        ],
      },
    ]);
    expect(rest.calls).toHaveLength(1);
  });

  it.each([
    [
      'an environment without a name',
      vpnsSubscription.replace('"test_area"', '""'),
      'BAD_USER_INPUT',
      'siteToSiteVpnsUpdated',
    ],
    [
      'a service code that is a path segment',
      vpnSubscription.replace('"compute-on"', '".."'),
      'BAD_USER_INPUT',
      'siteToSiteVpnUpdated',
    ],
    ['a VPN id that is not a UUID', vpnSubscription.replace(vpnId, 'x'), 'NOT_FOUND', 'siteToSiteVpnUpdated'],
    ['a task id that is not a UUID', 'subscription { taskUpdated(id: "../x") { id } }', 'NOT_FOUND', 'taskUpdated'],
  ])('ends with an error for %s, without a REST call', async (_name, query, code, field) => {
    const { rest, url } = await startOnRestApi();
    const subscription = subscribeBy(url)(query);
    await subscription.waitForEnd();
    expect(subscription.end).toBe('complete');
    expect(subscription.events).toEqual([
      { errors: [{ message: expect.any(String), path: [field], extensions: { code, requestId: anyId } }] },
    ]);
    expect(rest.calls).toEqual([]);
  });

  it('has null and an error for a VPC that cannot be read, and the VPC in the next event', async () => {
    const { rest, url } = await startOnRestApi();
    let vpcs: ReturnType<Script> = json(500, errorBody);
    rest.state.override = ({ url }) => (url.includes('/vpcs') ? vpcs : { data: rest.state.vpns });
    const subscription = subscribeBy(url)(
      `subscription { siteToSiteVpnsUpdated(environment: ${environmentLiteral}) { nodes { name vpc { name } } } }`,
    );
    await subscription.waitForEvents(1);
    vpcs = { data: [{ id: vpcId, name: 'archive' }] };
    rest.state.vpns = [wireVpn({ name: 'renamed' })];
    await subscription.waitForEvents(2);
    subscription.unsubscribe();
    expect(subscription.events).toEqual([
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

/** Responses of the REST API with details that no client may see. */
const leakyResponses: readonly (readonly [string, Script])[] = [
  ['a stack in HTML', () => raw(500, `<pre>Error at http://127.0.0.1/?key=${key} (/app/index.ts:1)</pre>`)],
  [
    'the key in an error',
    ({ headers }) => json(500, { errors: [{ message: `key ${String(headers['mc-api-key'])} denied` }] }),
  ],
  ['a pre-shared key in a value that is not a list', () => ({ data: wireVpn() })],
  ['a VPN without a name', () => ({ data: [wireVpn({ name: 1 })] })],
  ['a lost connection', () => dropConnection],
  ['a redirect', () => raw(302, '', { location: `http://127.0.0.1/${key}` })],
];

describe.each(leakyResponses)('a subscription after %s', (_name, script) => {
  it('adds nothing secret to WebSocket frames and logs', async () => {
    const { rest, url, logs } = await startOnRestApi();
    rest.state.override = script;
    const socket = await openAcknowledgedSocket(url, key);
    let text = '';
    socket.webSocket.on('message', (data: Buffer) => {
      text += data.toString();
    });
    socket.send({ id: '1', type: 'subscribe', payload: { query: vpnsSubscription } });
    await socket.waitForMessages(3);
    expect(socket.messages).toMatchObject([
      { type: 'connection_ack' },
      { id: '1', type: 'next', payload: { errors: [{ path: ['siteToSiteVpnsUpdated'] }] } },
      { id: '1', type: 'complete' },
    ]);
    expect(text).not.toMatch(secrets);
    expect(JSON.stringify(logs)).not.toMatch(/canary/);
  });

  it('adds nothing secret to an event stream', async () => {
    const { rest, url } = await startOnRestApi();
    rest.state.override = script;
    const response = await fetch(`${url}/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...keyHeader(key) },
      body: JSON.stringify({ query: vpnsSubscription }),
    });
    const text = await response.text();
    expect(text).toMatch(/event: next\ndata: \{"errors":.*\n\nevent: complete\n/);
    expect(`${JSON.stringify([...response.headers])}${text}`).not.toMatch(secrets);
  });
});

describe('the log of a subscription', () => {
  it('has one line, with the number of events and the error codes, and without the key', async () => {
    const { rest, url, logs } = await startOnRestApi();
    const socket = await openAcknowledgedSocket(url, key);
    socket.send({
      id: '1',
      type: 'subscribe',
      payload: { query: taskSubscription.replace('subscription', 'subscription Task') },
    });
    await socket.waitForMessages(2);
    rest.state.override = () => json(404, errorBody);
    await waitUntil(() => logs.some(({ msg }) => msg === 'operation'));
    expect(logs.filter(({ msg }) => msg === 'operation')).toEqual([
      expect.objectContaining({
        operation: 'Task',
        type: 'subscription',
        events: 2,
        errors: ['NOT_FOUND'],
        requestId: anyId,
      }),
    ]);
    expect(JSON.stringify(logs)).not.toMatch(/canary/);
  });
});
