// The end of the process, with subscriptions open: each transport says goodbye in its own way, and new ones are refused. At last the
// built process itself, as an operator ends it.
import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parse } from 'graphql';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { readConfig } from '../../../src/config.js';
import { GraphContext } from '../../../src/graph/context.js';
import { createSchema } from '../../../src/graph/schema.js';
import { createOpsApp } from '../../../src/server/ops-app.js';
import { Lifecycle } from '../../../src/server/lifecycle.js';
import { createMetrics } from '../../../src/server/telemetry/metrics.js';
import { Subscriptions } from '../../../src/server/subscriptions/subscriptions.js';
import { atEnd } from '../../helpers/at-end.js';
import { startGateway } from '../../helpers/gateway.js';
import { until } from '../../helpers/until.js';
import { ask, post } from '../../helpers/wire.js';
import { byEventStream, openAcknowledged, openSocket } from './subscribers.js';
import { followTask, followVpns, isSilent, startRest } from './changing-rest-api.js';

describe('the end', () => {
  it('closes WebSockets with 1001, completes event streams, ends polls, and is told by readiness', async () => {
    const rest = await startRest();
    const { url, lifecycle, watcher, app } = await startGateway(rest.url, { taskPollMs: 20, watchPollMs: 20 });
    const ops = createOpsApp(lifecycle, createMetrics());
    const readyz = `${await ops.listen({ host: '127.0.0.1', port: 0 })}/readyz`;
    atEnd(() => ops.close());
    const bare = await openAcknowledged(url);
    bare.send({ id: '1', type: 'subscribe', payload: { query: followVpns } });
    const stream = byEventStream(url)(followTask);
    await Promise.all([bare.has(2), stream.has(1)]);
    expect((await ask(readyz)).status).toBe(200);

    lifecycle.drain();
    expect((await ask(readyz)).status).toBe(503);
    await Promise.all([bare.closes(), stream.ends()]);
    expect(bare.closed).toEqual({ code: 1001, reason: 'The gateway is shutting down' });
    expect(stream.end).toBe('complete');
    expect(watcher.polls).toBe(0);
    expect(await isSilent(rest)).toBe(true);

    await expect(openSocket(url)).rejects.toThrow('Unexpected server response: 503');
    const headers = { accept: 'text/event-stream', 'mc-api-key': 'sandbox-key' };
    const refused = await post(`${url}/stream`, { query: followTask }, headers);
    expect(refused.status).toBe(503);
    expect(refused.json).toMatchObject({ errors: [{ extensions: { code: 'OVERLOADED' } }] });

    // Nothing is left that would hold it up.
    await lifecycle.whenIdle();
    app.server.closeAllConnections();
    await app.close();
  });

  it('ends also what was being begun when it came, and who does not listen', async () => {
    const rest = await startRest();
    const { url, lifecycle, watcher, app } = await startGateway(rest.url, { taskPollMs: 20, watchPollMs: 20 });
    const deaf = await openAcknowledged(url);
    deaf.socket.pause();
    const bare = await openAcknowledged(url);
    app.server.once('request', () => {
      // The request is in, and its subscription not yet open.
      setImmediate(() => {
        lifecycle.drain();
      });
    });
    bare.send({ id: '1', type: 'subscribe', payload: { query: followVpns } });
    const stream = byEventStream(url)(followTask);
    await Promise.all([bare.closes(), stream.ends()]);
    expect(bare.closed?.code).toBe(1001);
    await lifecycle.whenIdle();
    app.server.closeAllConnections();
    await app.close();
    expect(await isSilent(rest)).toBe(true);
    expect(watcher.polls).toBe(0);
  });
});

describe('a subscription that is being begun', () => {
  it.each(['the end comes', 'its caller leaves'])(
    'as %s ends before its first event, and gives its place back',
    async (what) => {
      const rest = await startRest();
      const { client, watcher } = await startGateway(rest.url);
      const lifecycle = new Lifecycle();
      const gone = new AbortController();
      let left = 0;
      const subscriptions = new Subscriptions({
        config: readConfig({}),
        schema: createSchema(),
        readDocument: parse,
        trusted: undefined,
        lifecycle,
        isLate: () => false,
        log: pino({ level: 'silent' }),
        countOperation: () => undefined,
        beginTrace: () => undefined,
        limits: {
          admit: () => Promise.resolve(undefined),
          queued: () => 0,
          admitSubscription: () => {
            if (what === 'the end comes') lifecycle.drain();
            else gone.abort();
            return Promise.resolve(() => left++);
          },
        },
      });
      const createContext = () =>
        new GraphContext({
          client,
          watcher,
          apiKey: 'sandbox-key',
          callerId: 'caller',
          requestId: '1',
          draining: lifecycle.draining,
          sharesReads: false,
          warn: () => undefined,
        });
      const subscribed = await subscriptions.subscribe({ query: followVpns }, createContext, gone.signal);
      if ('errors' in subscribed) throw new TypeError('It is refused.');
      expect(await subscribed.events.next()).toEqual({ done: true, value: undefined });
      expect(left).toBe(1);
      expect(subscriptions.open).toBe(0);
      expect(rest.calls).toEqual([]);
    },
  );
});

const main = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));

interface Line {
  readonly msg?: string;
  readonly url?: string;
}

function toLine(value: unknown): Line {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Starts the built gateway on a sandbox of its own, on free ports. */
async function startProcess() {
  if (!existsSync(main)) throw new Error('The gateway is not built: npm run build.');
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      OPS_PORT: '0',
      SANDBOX_PORT: '0',
      PLAYGROUND: 'false',
      RATE_LIMIT_PER_MINUTE: '0',
      LOG_LEVEL: 'error',
      TASK_POLL_MS: '200',
      WATCH_POLL_MS: '200',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  atEnd(() => child.kill('SIGKILL'));
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve({ code, signal });
    });
  });
  const lines: Line[] = [];
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push(toLine(JSON.parse(text)));
  });
  await until(() => child.exitCode !== null || lines.some(({ msg }) => msg === 'gateway listening'));
  const url = lines.find(({ msg }) => msg === 'gateway listening')?.url;
  if (url === undefined) throw new Error('The gateway does not start.');
  return { child, url, lines, exited };
}

describe('the process', () => {
  it('with 500 subscriptions open ends on SIGTERM with exit code 0, having said goodbye to each', async () => {
    const { child, url, lines, exited } = await startProcess();
    const half = 250;
    const told = { socket: 0, stream: 0 };
    const ended = { socket: 0, stream: 0 };
    for (let index = 0; index < half; index++) {
      const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws');
      atEnd(() => {
        socket.terminate();
      });
      socket.on('open', () => {
        socket.send(JSON.stringify({ type: 'connection_init', payload: { 'MC-Api-Key': 'sandbox-key' } }));
      });
      socket.on('message', (data: Buffer) => {
        const text = data.toString();
        if (text.includes('"connection_ack"')) {
          socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: followVpns } }));
        }
        if (text.includes('"next"')) told.socket++;
      });
      socket.on('close', (code) => {
        if (code === 1001) ended.socket++;
      });
      const stream = request(`${url}/stream?${new URLSearchParams({ query: followVpns }).toString()}`, {
        headers: { accept: 'text/event-stream', 'mc-api-key': 'sandbox-key' },
      });
      stream.on('error', () => undefined);
      stream.on('response', (response) => {
        let text = '';
        response.on('error', () => undefined);
        response.on('data', (chunk) => {
          text += String(chunk);
          if (String(chunk).includes('event: next')) told.stream++;
        });
        response.on('end', () => {
          if (text.endsWith('event: complete\ndata:\n\n')) ended.stream++;
        });
      });
      stream.end();
      // Not all at once: the machine that runs this has other work.
      if (index % 50 === 49) await until(() => told.socket > index && told.stream > index);
    }
    child.kill('SIGTERM');
    // No measure: the contract's 10 s are kept by the fuse in main, which exits with 1.
    expect(await exited).toEqual({ code: 0, signal: null });
    await until(() => ended.socket + ended.stream === 2 * half);
    expect(lines.filter(({ msg }) => msg?.endsWith('listening') !== true)).toEqual([]);
  }, 60_000);
});
