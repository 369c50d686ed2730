// Shutdown with open subscriptions: each transport closes them in its own way, and new ones are rejected. The last test ends the built
// process with a signal.
import { describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { readConfig } from '../../../src/config.js';
import { GraphContext } from '../../../src/graph/context.js';
import { createExecutor } from '../../../src/graph/execution/executor.js';
import { createSchema } from '../../../src/graph/schema.js';
import { Documents } from '../../../src/server/graphql/documents.js';
import { Operations } from '../../../src/server/graphql/operations.js';
import { createDocumentParser } from '../../../src/server/graphql/parse-document.js';
import { UnreadBytes } from '../../../src/server/http/unread-bytes.js';
import { Lifecycle } from '../../../src/server/lifecycle.js';
import { createMetrics } from '../../../src/server/telemetry/metrics.js';
import { Subscriptions } from '../../../src/server/subscriptions/subscriptions.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { keyHeader } from '../../helpers/fixtures.js';
import { sendRequest, post } from '../../helpers/http.js';
import { launchGateway } from '../../helpers/process.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { subscribeBySse, openAcknowledgedSocket, openSocket } from './subscribers.js';
import { taskSubscription, vpnsSubscription, isSilent } from './mutable-rest-api.js';
import { startOnRestApi } from './polling-gateway.js';

const streamHeaders = { accept: 'text/event-stream', ...keyHeader() };

describe('Lifecycle.drain', () => {
  it('closes WebSockets with 1001, cuts event streams, completes neither, ends polls, clears readiness', async () => {
    const { url, opsUrl, lifecycle, watcher, app, rest } = await startOnRestApi();
    const readyz = `${opsUrl}/readyz`;
    const socket = await openAcknowledgedSocket(url);
    socket.send({ id: '1', type: 'subscribe', payload: { query: vpnsSubscription } });
    const stream = subscribeBySse(url)(taskSubscription);
    await Promise.all([socket.waitForMessages(2), stream.waitForEvents(1)]);
    expect((await sendRequest(readyz)).status).toBe(200);

    lifecycle.drain();
    expect((await sendRequest(readyz)).status).toBe(503);
    await Promise.all([socket.waitForClose(), stream.waitForEnd()]);
    expect(socket.closed).toEqual({ code: 1001, reason: 'The gateway is shutting down' });
    expect(stream.end).toBeInstanceOf(Error);
    expect(JSON.stringify(socket.messages)).not.toContain('"complete"');
    expect(watcher.pollCount).toBe(0);
    expect(await isSilent(rest, watcher)).toBe(true);

    await expect(openSocket(url)).rejects.toThrow('Unexpected server response: 503');
    const rejected = await post(`${url}/stream`, { query: taskSubscription }, streamHeaders);
    expect(rejected.status).toBe(503);
    expect(rejected.json).toMatchObject({ errors: [{ extensions: { code: 'OVERLOADED' } }] });

    // Nothing delays the shutdown any more.
    await lifecycle.whenIdle();
    app.server.closeAllConnections();
    await app.close();
  });

  it('ends a subscription that is being started, and sockets of clients that do not read', async () => {
    const { url, lifecycle, watcher, app, rest } = await startOnRestApi();
    const unresponsive = await openAcknowledgedSocket(url);
    unresponsive.webSocket.pause();
    const socket = await openAcknowledgedSocket(url);
    app.server.once('request', () => {
      // The request has arrived, but its subscription is not open yet.
      setImmediate(() => {
        lifecycle.drain();
      });
    });
    socket.send({ id: '1', type: 'subscribe', payload: { query: vpnsSubscription } });
    const stream = subscribeBySse(url)(taskSubscription);
    await Promise.all([socket.waitForClose(), stream.waitForEnd()]);
    expect(socket.closed?.code).toBe(1001);
    await lifecycle.whenIdle();
    app.server.closeAllConnections();
    await app.close();
    expect(await isSilent(rest, watcher)).toBe(true);
  });
});

describe('Subscriptions.subscribe', () => {
  it.each(['shutdown begins', 'the client disconnects'])(
    'ends the subscription before its first event, and releases its permit, when %s',
    async (event) => {
      const { client, watcher, rest } = await startOnRestApi();
      const lifecycle = new Lifecycle();
      const disconnected = new AbortController();
      let releases = 0;
      const [schema, config] = [createSchema(), readConfig({})];
      const admission = {
        admit: () => Promise.resolve(undefined),
        queued: () => 0,
        charge: () => {
          if (event === 'shutdown begins') lifecycle.drain();
          else disconnected.abort();
          return Promise.resolve();
        },
        readBudget: () => Promise.resolve(undefined),
        admitSubscription: () => () => releases++,
      };
      const unreadBytes = new UnreadBytes(Infinity, () => undefined);
      const operations = new Operations({
        config,
        schema,
        documents: new Documents({ parseDocument: createDocumentParser(schema, config), trusted: undefined }),
        admission,
        unreadBytes,
        execute: createExecutor(schema).execute,
        log: pino({ level: 'silent' }),
        metrics: createMetrics(),
      });
      const subscriptions = new Subscriptions({
        schema,
        operations,
        admission,
        unreadBytes,
        lifecycle,
        shedIfOverloaded: () => false,
        startTrace: () => undefined,
      });
      const createContext = () =>
        new GraphContext({
          client,
          watcher,
          apiKey: 'any-key',
          callerId: 'caller',
          requestId: '1',
          draining: lifecycle.draining,
          coalesceReads: false,
          maxResultFields: 0,
          warn: () => undefined,
        });
      const result = await subscriptions.subscribe(
        { query: vpnsSubscription },
        {
          createContext,
          traceparent: undefined,
          payer: { hasKey: true, spend: () => undefined, refund: () => undefined },
          disconnected: disconnected.signal,
        },
      );
      if ('errors' in result) throw new TypeError('The subscription was rejected.');
      let sent = 0;
      const send = () => {
        sent++;
        return undefined;
      };
      expect(await result.run({ whenReady: () => undefined, send })).toBe(false);
      expect(sent).toBe(0);
      expect(releases).toBe(1);
      expect(subscriptions.open).toBe(0);
      expect(rest.calls).toEqual([]);
    },
  );
});

describe('SIGTERM', () => {
  it('ends the process with exit code 0 after it closed 500 open subscriptions, none with complete', async () => {
    const gateway = await launchGateway({
      PLAYGROUND: 'false',
      RATE_LIMIT_PER_MINUTE: '0',
      LOG_LEVEL: 'error',
      TASK_POLL_MS: '200',
      WATCH_POLL_MS: '200',
    });
    const { url } = gateway;
    const half = 250;
    const started = { socket: 0, stream: 0 };
    const ended = { socket: 0, stream: 0 };
    for (let index = 0; index < half; index++) {
      const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws');
      addCleanup(() => {
        socket.terminate();
      });
      socket.on('open', () => {
        socket.send(JSON.stringify({ type: 'connection_init', payload: keyHeader() }));
      });
      socket.on('message', (data: Buffer) => {
        const text = data.toString();
        if (text.includes('"connection_ack"')) {
          socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: vpnsSubscription } }));
        }
        if (text.includes('"next"')) started.socket++;
      });
      socket.on('close', (code) => {
        if (code === 1001) ended.socket++;
      });
      const stream = request(`${url}/stream?${new URLSearchParams({ query: vpnsSubscription }).toString()}`, {
        headers: streamHeaders,
      });
      stream.on('error', () => undefined);
      stream.on('response', (response) => {
        let text = '';
        response.on('error', () => {
          if (!text.includes('complete')) ended.stream++;
        });
        response.on('data', (chunk) => {
          text += String(chunk);
          if (String(chunk).includes('event: next')) started.stream++;
        });
      });
      stream.end();
      // In batches, to limit the load on the test machine.
      if (index % 50 === 49) await waitUntil(() => started.socket > index && started.stream > index);
    }
    gateway.signal('SIGTERM');
    // The time is not measured: main exits with 1 if the shutdown takes longer than the 10 s of the contract.
    expect(await gateway.exit).toEqual({ code: 0, signal: null });
    await waitUntil(() => ended.socket + ended.stream === 2 * half);
    expect(gateway.lines().filter(({ msg }) => !String(msg).endsWith('listening'))).toEqual([]);
  });
});
