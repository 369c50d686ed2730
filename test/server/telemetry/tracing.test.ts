// Traces of the built process, as a receiver of OTLP/HTTP gets them. Decodes the protobuf messages itself.
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { addCleanup } from '../../helpers/cleanup.js';
import { canaryKey, canaryPsk, keyHeader, numberedVpn, taskId, vpnId } from '../../helpers/fixtures.js';
import { launchGateway } from '../../helpers/process.js';
import { expireTimers, holdClock } from '../../helpers/process-clock.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { json, startUpstream } from '../../helpers/upstream.js';
import { post } from '../../helpers/http.js';

const key = keyHeader(canaryKey);
const environment = { serviceCode: 'codecanary', name: 'namecanary' };

/** Decodes the fields of a protobuf message, by number: length-delimited fields as bytes, others as numbers. */
function toFields(bytes: Buffer): Map<number, (Buffer | bigint)[]> {
  const fields = new Map<number, (Buffer | bigint)[]>();
  let offset = 0;
  const readVarint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(offset++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (offset < bytes.length) {
    const tag = Number(readVarint());
    const addField = (value: Buffer | bigint) => fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
    switch (tag & 7) {
      case 0:
        addField(readVarint());
        break;
      case 1:
        addField(bytes.readBigUInt64LE(offset));
        offset += 8;
        break;
      case 2: {
        const length = Number(readVarint());
        addField(bytes.subarray(offset, offset + length));
        offset += length;
        break;
      }
      case 5:
        addField(BigInt(bytes.readUInt32LE(offset)));
        offset += 4;
        break;
      default:
        throw new Error(`Tag ${tag} is not valid protobuf.`);
    }
  }
  return fields;
}

function buffers(bytes: Buffer | undefined, field: number): Buffer[] {
  if (bytes === undefined) return [];
  return (toFields(bytes).get(field) ?? []).filter((value) => Buffer.isBuffer(value));
}

const text = (bytes: Buffer | undefined, field: number) => buffers(bytes, field)[0]?.toString('utf8') ?? '';
const number = (bytes: Buffer, field: number) => Number((toFields(bytes).get(field) ?? [0n])[0]);

/** Decodes an opentelemetry.proto.common.v1.AnyValue. */
function toValue(bytes: Buffer | undefined): unknown {
  if (bytes === undefined) return undefined;
  const [[field, [value]] = [0, []]] = toFields(bytes);
  if (field === 1) return Buffer.isBuffer(value) ? value.toString('utf8') : undefined;
  if (field === 3) return Number(value);
  if (field === 5) return Buffer.isBuffer(value) ? buffers(value, 1).map(toValue) : undefined;
  throw new Error(`Field ${field} is not expected in an AnyValue.`);
}

const toAttributes = (pairs: readonly Buffer[]) =>
  Object.fromEntries(pairs.map((pair) => [text(pair, 1), toValue(buffers(pair, 2)[0])]));

interface DecodedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly isError: boolean;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** Decodes the spans of an ExportTraceServiceRequest (opentelemetry-proto 1). */
function toSpans(body: Buffer): DecodedSpan[] {
  return buffers(body, 1).flatMap((resourceSpans) =>
    buffers(resourceSpans, 2).flatMap((scopeSpans) =>
      buffers(scopeSpans, 2).map((span) => ({
        traceId: buffers(span, 1)[0]?.toString('hex') ?? '',
        spanId: buffers(span, 2)[0]?.toString('hex') ?? '',
        parentSpanId: buffers(span, 4)[0]?.toString('hex') ?? '',
        name: text(span, 5),
        kind: number(span, 6),
        attributes: toAttributes(buffers(span, 9)),
        isError: buffers(span, 15).some((status) => number(status, 3) === 2),
        resource: toAttributes(buffers(buffers(resourceSpans, 1)[0], 1)),
      })),
    ),
  );
}

/** A receiver of traces, and what it has received. */
interface Receiver {
  readonly url: string;
  readonly spans: DecodedSpan[];
  readonly bodies: Buffer[];
  readonly paths: string[];
  readonly headers: IncomingHttpHeaders[];
}

/** Starts a receiver of traces, which ends with the file's tests. */
async function startReceiver(): Promise<Receiver> {
  const received: Omit<Receiver, 'url'> = { spans: [], bodies: [], paths: [], headers: [] };
  const receive = async (request: IncomingMessage) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    const payload = Buffer.concat(chunks);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(payload) : payload;
    received.paths.push(`${request.method ?? ''} ${request.url ?? ''} ${request.headers['content-type'] ?? ''}`);
    received.headers.push(request.headers);
    received.bodies.push(body);
    received.spans.push(...toSpans(body));
  };
  const server = createServer((request, response) => {
    void receive(request).then(() => response.setHeader('content-type', 'application/x-protobuf').end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  addCleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('The receiver listens on no port.');
  return { url: `http://127.0.0.1:${address.port}`, ...received };
}

// How long OpenTelemetry collects spans before it sends them.
const exportDelayMs = 5_000;

/** Launches a gateway that sends spans on `expireTimers`, and when it exits. */
async function launch(variables: Readonly<Record<string, string>> = {}) {
  const upstream = await startUpstream();
  const receiver = await startReceiver();
  const gateway = await launchGateway({
    CLOUDCA_API_URL: upstream.url,
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    NODE_OPTIONS: holdClock({ from: exportDelayMs, expirable: [exportDelayMs] }),
    TASK_POLL_MS: '20',
    ...variables,
  });
  return { upstream, receiver, gateway };
}

const list = `query List($environment: EnvironmentInput!) {
  siteToSiteVpns(environment: $environment) { nodes { name ipSecPsk vpc { name } } }
}`;

const { upstream, receiver, gateway } = await launch();
let sentinels = 0;
let readLines = 0;

/** The spans and log lines of one test. */
interface Telemetry extends Pick<Receiver, 'spans' | 'bodies' | 'paths'> {
  readonly lines: readonly Record<string, unknown>[];
}

/** Returns what the receiver and the log have got since the last call, up to a sentinel: an operation whose span and line come last. */
async function takeTelemetry(): Promise<Telemetry> {
  const operation = `Sentinel${sentinels++}`;
  await post(gateway.url, { query: `query ${operation} { __typename }` });
  await waitUntil(() => gateway.lines().some((line) => line['operation'] === operation));
  expireTimers(gateway);
  await waitUntil(() => receiver.spans.some((span) => span.name === `query ${operation}`));
  const lines = gateway.lines().slice(readLines);
  readLines += lines.length;
  return {
    spans: receiver.spans.splice(0).filter(({ name }) => name !== `query ${operation}`),
    bodies: receiver.bodies.splice(0),
    paths: receiver.paths.splice(0),
    lines: lines.filter((line) => line['operation'] !== operation),
  };
}

beforeEach(async () => {
  await takeTelemetry();
  upstream.script(() => ({ data: [] }));
});

describe('A trace', () => {
  it('has a span for the operation, in the caller’s trace, and a child span for each REST call', async () => {
    upstream.script(({ url }) => (url.includes('vpcs') ? json(503, {}) : { data: [] }));
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
    const headers = { ...key, traceparent, tracestate: 'canary=1', baggage: 'canary=2' };
    await post(gateway.url, { query: list, variables: { environment } }, headers);
    const { spans, paths, lines } = await takeTelemetry();

    const [operation] = spans.filter(({ name }) => name === 'query List');
    expect(operation).toEqual({
      traceId,
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      parentSpanId: 'b7ad6b7169203331',
      name: 'query List',
      kind: 2,
      attributes: { 'graphql.operation.type': 'query', 'graphql.operation.name': 'List' },
      isError: false,
      resource: expect.objectContaining({
        'service.name': 'site-to-site-vpn-gateway',
        'telemetry.sdk.name': 'opentelemetry',
        'telemetry.sdk.language': 'nodejs',
      }),
    });
    const calls = spans.filter(({ kind }) => kind === 3);
    const route = '/services/{serviceCode}/{environmentName}';
    expect(calls).toContainEqual(
      expect.objectContaining({
        traceId,
        parentSpanId: operation?.spanId,
        name: `GET ${route}/sitetositevpns`,
        attributes: {
          'http.request.method': 'GET',
          'url.template': `${route}/sitetositevpns`,
          'http.response.status_code': 200,
        },
        isError: false,
      }),
    );
    // The failed ones are the three attempts of the call for the VPCs.
    expect(
      calls.filter(({ isError }) => isError).map(({ attributes }) => attributes['http.request.resend_count'] ?? 0),
    ).toEqual([0, 1, 2]);
    // The REST API gets the span of each call, but not the caller's tracestate and baggage.
    const traceparents = upstream.calls.map((call) => call.headers['traceparent']);
    expect(traceparents.toSorted()).toEqual(calls.map(({ spanId }) => `00-${traceId}-${spanId}-01`).toSorted());
    expect(upstream.calls.map((call) => [call.headers['tracestate'], call.headers['baggage']])).toEqual(
      upstream.calls.map(() => [undefined, undefined]),
    );
    expect(new Set(paths)).toEqual(new Set(['POST /v1/traces application/x-protobuf']));
    // The log line has the trace id.
    expect(lines.filter(({ msg }) => msg === 'operation')).toEqual([expect.objectContaining({ traceId })]);
  });

  it('is named in each log line about its operation', async () => {
    upstream.script(() => ({ data: [numberedVpn(1, 1, { ikeHashAlgorithm: 'sha512' })] }));
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const headers = { ...key, traceparent: `00-${traceId}-b7ad6b7169203331-01` };
    await post(gateway.url, { query: list, variables: { environment } }, headers);
    await post(
      `${gateway.url}/stream`,
      { query: 'subscription Updates { taskUpdated(id: "none") { status } }' },
      { ...headers, accept: 'text/event-stream' },
    );
    const telemetry = await takeTelemetry();

    const lines = telemetry.lines.filter(({ requestId }) => requestId !== undefined);
    expect(new Set(lines.map(({ msg }) => msg))).toEqual(
      new Set(['unexpected value in a response of the REST API', 'audit', 'operation']),
    );
    expect(lines.filter(({ msg }) => msg === 'operation').map(({ type }) => type)).toEqual(['query', 'subscription']);
    expect(lines.filter((line) => line['traceId'] !== traceId)).toEqual([]);
  });

  it('has the error codes of an operation, but no key, variable, literal or alias', async () => {
    upstream.script(() => json(403, { errors: [{ code: 'canary', message: canaryPsk }] }));
    const query = `query { canary: siteToSiteVpn(environment: {serviceCode: "codecanary", name: "n"}, id: "${vpnId}") { id } }`;
    await post(gateway.url, { query }, key);
    await post(gateway.url, { query: list, variables: { environment } }, key);
    await post(gateway.url, { query: '{ canary }' }, key);
    const { spans, bodies } = await takeTelemetry();

    const operations = spans.filter(({ kind }) => kind === 2);
    expect(
      operations.map(({ name, attributes, isError }) => [name, attributes['graphql.error_codes'], isError]),
    ).toEqual([
      ['query', ['FORBIDDEN'], true],
      ['query List', ['FORBIDDEN'], true],
      ['GraphQL operation', ['GRAPHQL_VALIDATION_FAILED'], true],
    ]);
    expect(bodies.map((body) => body.toString('latin1')).join('\n')).not.toMatch(new RegExp(`canary|${vpnId}`, 'i'));
  });

  it('has one span for the whole time that a task is watched', async () => {
    upstream.script((_call, index) => ({
      taskId,
      taskStatus: index < 3 ? 'PENDING' : 'SUCCESS',
      created: '2026-11-24',
    }));
    const client = createClient({
      url: gateway.url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { 'MC-Api-Key': canaryKey },
    });
    const query = `subscription WatchTask { taskUpdated(id: "${taskId}") { status } }`;
    const events: unknown[] = [];
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    for await (const event of client.iterate({ query, extensions: { traceparent } })) events.push(event);
    await client.dispose();
    await waitUntil(() => gateway.lines().some((line) => line['operation'] === 'WatchTask'));
    const { spans } = await takeTelemetry();

    expect(events).toHaveLength(2);
    const [watchSpan] = spans.filter(({ name }) => name === 'watch task');
    expect(watchSpan).toMatchObject({ parentSpanId: '', attributes: { 'gateway.rest_calls': 4 }, isError: false });
    expect(new Set(upstream.calls.map((call) => call.headers['traceparent']))).toEqual(
      new Set([`00-${watchSpan?.traceId ?? ''}-${watchSpan?.spanId ?? ''}-01`]),
    );
    expect(spans.filter(({ name }) => name !== 'watch task')).toEqual([
      expect.objectContaining({ name: 'subscription WatchTask', parentSpanId: 'b7ad6b7169203331' }),
    ]);
  });

  it('is not sampled if the caller does not sample it', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
    await post(gateway.url, { query: list, variables: { environment } }, { ...key, traceparent });
    const { spans } = await takeTelemetry();

    expect(spans).toEqual([]);
    // The REST API gets the same decision.
    expect(upstream.calls.map((call) => call.headers['traceparent'])).toContainEqual(
      expect.stringMatching(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/),
    );
  });

  it('begins at the gateway if the caller’s traceparent is invalid', async () => {
    await post(gateway.url, { query: '{ __typename }' }, { traceparent: `00-${canaryKey}-x-01` });
    const { spans } = await takeTelemetry();

    expect(spans).toEqual([expect.objectContaining({ name: 'query', parentSpanId: '' })]);
  });

  it('is sent before the process exits', async () => {
    const other = await launch();
    await post(other.gateway.url, { query: '{ __typename }' });
    expect(other.receiver.spans).toEqual([]);
    other.gateway.signal('SIGTERM');

    expect(await other.gateway.exit).toEqual({ code: 0, signal: null });
    expect(other.receiver.spans).toEqual([expect.objectContaining({ name: 'query' })]);
  });

  it('neither fails a request nor delays the exit by more than 3 s if the receiver is unavailable', async () => {
    const stopTimeoutMs = 3_000;
    const other = await launch({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
      NODE_OPTIONS: holdClock({ from: stopTimeoutMs, expirable: [stopTimeoutMs] }),
    });
    const response = await post(other.gateway.url, { query: '{ __typename }' });
    expect(response.json).toEqual({ data: { __typename: 'Query' } });
    other.gateway.signal('SIGTERM');
    await waitUntil(() => {
      expireTimers(other.gateway);
      return other.gateway.hasExited();
    });

    expect(await other.gateway.exit).toEqual({ code: 0, signal: null });
    expect(other.gateway.lines()).toContainEqual(expect.objectContaining({ msg: 'traces could not be sent' }));
  });
});

describe('Without OTEL_EXPORTER_OTLP_ENDPOINT', () => {
  it('the gateway traces nothing, and sends no traceparent to the REST API', async () => {
    const otherUpstream = await startUpstream();
    const other = await launchGateway({ CLOUDCA_API_URL: otherUpstream.url });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await post(other.url, { query: list, variables: { environment } }, { ...key, traceparent });

    expect(otherUpstream.calls.map((call) => call.headers['traceparent'])).toEqual(
      otherUpstream.calls.map(() => undefined),
    );
    await other.waitForLog('operation');
    expect(other.lines().filter((line) => 'traceId' in line)).toEqual([]);
  });
});

describe('The variables of OpenTelemetry', () => {
  /** Launches a gateway with these variables, runs an operation, lets it exit, and returns what the receiver has got. */
  async function traceWith(variables: Readonly<Record<string, string>>, headers = {}): Promise<Receiver> {
    const other = await launch(variables);
    await post(other.gateway.url, { query: '{ __typename }' }, headers);
    other.gateway.signal('SIGTERM');
    expect(await other.gateway.exit).toEqual({ code: 0, signal: null });
    return other.receiver;
  }

  it('describe the process, address its receiver, and set the time between exports', async () => {
    const delayMs = 1_234_567;
    const receiver = await startReceiver();
    const { gateway } = await launch({
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=canary,deployment.environment.name=staging%2C%20eu',
      OTEL_SERVICE_NAME: 'mine',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.url}/mine`,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=vpn%20eu',
      OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'gzip',
      OTEL_BSP_SCHEDULE_DELAY: String(delayMs),
      NODE_OPTIONS: holdClock({ from: delayMs, expirable: [delayMs] }),
    });
    await post(gateway.url, { query: '{ __typename }' });
    await gateway.waitForLog('operation');
    expireTimers(gateway);
    await waitUntil(() => receiver.spans.length === 1);

    expect(receiver.spans.map(({ resource }) => resource)).toEqual([
      expect.objectContaining({ 'service.name': 'mine', 'deployment.environment.name': 'staging, eu' }),
    ]);
    expect(receiver.paths).toEqual(['POST /mine application/x-protobuf']);
    expect(receiver.headers).toEqual([expect.objectContaining({ 'x-tenant': 'vpn eu', 'content-encoding': 'gzip' })]);
  });

  it('limit the spans of an export: OTEL_BSP_MAX_EXPORT_BATCH_SIZE', async () => {
    const other = await launch({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1' });
    await post(other.gateway.url, { query: '{ __typename }' });

    // A full export does not wait for the time between exports, which the test holds.
    await waitUntil(() => other.receiver.spans.length === 1);
  });

  it('limit the spans that wait: OTEL_BSP_MAX_QUEUE_SIZE', async () => {
    const other = await launch({ OTEL_BSP_MAX_QUEUE_SIZE: '2', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '3' });
    const queries = ['A', 'B', 'C', 'D'].map((name) => `query ${name} { __typename }`);
    for (const query of queries) await post(other.gateway.url, { query });
    other.gateway.signal('SIGTERM');
    await other.gateway.exit;

    expect(other.receiver.bodies.map((body) => toSpans(body).length).every((count) => count <= 2)).toBe(true);
  });

  it('choose the sampler: OTEL_TRACES_SAMPLER', async () => {
    const unsampled = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00' };
    const sampled = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
    const count = async (OTEL_TRACES_SAMPLER: string, headers = {}) =>
      (await traceWith({ OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG: '0' }, headers)).spans.length;

    const counts = [
      count('always_on', unsampled),
      count('traceidratio', sampled),
      count('parentbased_always_off', sampled),
    ];

    expect(await Promise.all(counts)).toEqual([1, 0, 1]);
  });

  it.each([{ OTEL_SDK_DISABLED: 'true' }, { OTEL_TRACES_EXPORTER: 'none' }])(
    'turn traces off: %j',
    async (variables) => {
      expect((await traceWith(variables)).paths).toEqual([]);
    },
  );
});
