// The operators' listener: alive, ready, and the metrics, which count operations and hold nothing that is a caller's.
import { describe, expect, it } from '@jest/globals';
import { CloudcaClient } from '../../src/cloudca/client.js';
import { startApp } from '../helpers/app.js';
import { json, startUpstream } from '../helpers/upstream.js';
import { ask, post } from '../helpers/wire.js';
import { range, wireVpn } from '../graph/graph-client.js';
import { byEventStream } from './subscriptions/subscribers.js';

const API_KEY = 'apikeycanary4Tq9';
const PSK = 'pskcanary7Lq2Zx8W';

const upstream = await startUpstream();
const startOnUpstream = () => startApp(new CloudcaClient({ baseUrl: upstream.url, timeoutMs: 10_000 }));

/** The samples of a text in Prometheus' format: a value for each name with its labels. Throws where a line is none. */
function toSamples(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || /^# (HELP|TYPE) [a-z_][a-z0-9_]* ./.test(line)) continue;
    const [, name, value] =
      /^([a-z_][a-z0-9_]*(?:\{(?:[a-z_]+="[^"\\\n]*"(?:,(?=[a-z]))?)+\})?) ([-+]?[0-9.e+-]+|NaN|[-+]Inf)$/i.exec(
        line,
      ) ?? [];
    if (name === undefined || samples.has(name)) throw new Error(`No sample: ${line}`);
    samples.set(name, Number(value));
  }
  return samples;
}

describe('GET /livez', () => {
  it('is 200, also once the process is to end', async () => {
    const { opsUrl, lifecycle } = await startOnUpstream();

    expect(await ask(`${opsUrl}/livez`)).toMatchObject({ status: 200, json: { status: 'alive' } });
    lifecycle.drain();
    const answer = await ask(`${opsUrl}/livez`);
    expect(answer).toMatchObject({ status: 200, json: { status: 'alive' } });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });
});

describe('GET /readyz', () => {
  it('is 200, and 503 once the process is to end', async () => {
    const { opsUrl, lifecycle } = await startOnUpstream();

    expect(await ask(`${opsUrl}/readyz`)).toMatchObject({ status: 200, json: { status: 'ready' } });
    lifecycle.drain();
    const answer = await ask(`${opsUrl}/readyz`);
    expect(answer).toMatchObject({ status: 503, json: { status: 'shutting down' } });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('does not hang on the REST API', async () => {
    const { opsUrl } = await startApp(new CloudcaClient({ baseUrl: 'http://127.0.0.1:1', timeoutMs: 10_000 }));

    expect(await ask(`${opsUrl}/readyz`)).toMatchObject({ status: 200 });
  });
});

describe('The public listener', () => {
  it('takes no new work once the process is to end, and ends the connection', async () => {
    const { url, lifecycle } = await startOnUpstream();
    lifecycle.drain();
    const answer = await post(url, { query: '{ __typename }' });

    expect({ status: answer.status, body: answer.json }).toEqual({
      status: 503,
      body: {
        errors: [
          {
            message: 'The gateway is shutting down; ask again.',
            extensions: { code: 'OVERLOADED', requestId: answer.headers.get('x-request-id') },
          },
        ],
      },
    });
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.headers.get('connection')).toBe('close');
  });
});

describe('GET /metrics', () => {
  it('is text in the format of Prometheus, with Node’s own figures', async () => {
    const { opsUrl } = await startOnUpstream();
    const { status, headers, text } = await ask(`${opsUrl}/metrics`);

    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-store');
    const samples = toSamples(text);
    expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(0);
    expect(samples.get('nodejs_eventloop_lag_seconds')).toBeGreaterThanOrEqual(0);
  });

  it('counts operations by name, type and outcome, their durations, and REST calls by route and status', async () => {
    const { url, opsUrl } = await startOnUpstream();
    upstream.script(() => ({ data: [] }));
    const key = { 'mc-api-key': API_KEY };
    await post(url, { query: '{ __typename }' });
    await post(url, { query: '{ environments { id } }' }, key);
    await post(url, { query: '{ environments { id } }' });
    await post(url, { query: '{' });
    await post(url, { query: '{ nothing }' });
    upstream.script(() => json(403, {}));
    await post(
      url,
      { query: '{ environments { id } vpcs(environment: {serviceCode: "", name: "a"}) { totalCount } }' },
      key,
    );
    await post(
      url,
      {
        query: `mutation { resetSiteToSiteVpn(input: {environment: {serviceCode: "a", name: "b"}, id: "c"}) { userErrors { code } } }`,
      },
      key,
    );
    const samples = toSamples((await ask(`${opsUrl}/metrics`)).text);

    const counted = [...samples].filter(([name]) => name.startsWith('gateway_operations_total'));
    expect(new Map(counted)).toEqual(
      new Map([
        ['gateway_operations_total{name="none",type="query",outcome="ok"}', 2],
        ['gateway_operations_total{name="none",type="query",outcome="UNAUTHENTICATED"}', 1],
        ['gateway_operations_total{name="none",type="none",outcome="GRAPHQL_PARSE_FAILED"}', 1],
        ['gateway_operations_total{name="none",type="none",outcome="GRAPHQL_VALIDATION_FAILED"}', 1],
        ['gateway_operations_total{name="none",type="query",outcome="BAD_USER_INPUT"}', 1],
        ['gateway_operations_total{name="none",type="mutation",outcome="ok"}', 1],
      ]),
    );
    expect(samples.get('gateway_operation_duration_seconds_count{type="query"}')).toBe(4);
    expect(samples.get('gateway_operation_duration_seconds_bucket{le="+Inf",type="mutation"}')).toBe(1);
    const calls = [...samples].filter(([name]) => /^gateway_rest_call(s_total|_duration_seconds_count)/.test(name));
    expect(new Map(calls)).toEqual(
      new Map([
        ['gateway_rest_calls_total{method="GET",route="/environments",status="200"}', 1],
        ['gateway_rest_calls_total{method="GET",route="/environments",status="403"}', 1],
        ['gateway_rest_call_duration_seconds_count{method="GET",route="/environments"}', 2],
      ]),
    );
    expect(samples.get('gateway_rest_calls_per_operation_sum{type="query"}')).toBe(2);
  });

  it('holds nothing of a caller’s but the names of operations: no key, no alias, no value', async () => {
    const { url, opsUrl } = await startOnUpstream();
    upstream.script(() => json(500, { errors: [{ code: `${API_KEY} ${PSK}`, message: API_KEY }] }));
    const query = `query List($environment: EnvironmentInput!) {
      canary: siteToSiteVpns(environment: $environment) { totalCount }
    }`;
    const variables = { environment: { serviceCode: 'canary-code', name: 'canary-name' } };
    await post(url, { query, variables }, { 'mc-api-key': API_KEY, 'x-request-id': 'canary' });
    await post(url, { query: `{ canary(a: "${PSK}") }` }, { 'mc-api-key': API_KEY });
    await ask(`${new URL(url).origin}/canary`);
    const { text } = await ask(`${opsUrl}/metrics?canary`);

    expect(toSamples(text).get('gateway_operations_total{name="List",type="query",outcome="UPSTREAM_ERROR"}')).toBe(1);
    expect(text).not.toMatch(/canary/i);
  });

  it('tells a hundred names of operations apart, and puts those that come later together', async () => {
    const { url, opsUrl } = await startOnUpstream();
    for (let index = 0; index < 105; index++) await post(url, { query: `query Name${index} { __typename }` });
    await post(url, { query: 'query Name7 { __typename }' });
    const samples = toSamples((await ask(`${opsUrl}/metrics`)).text);

    const names = [...samples].filter(([name]) => name.startsWith('gateway_operations_total'));
    expect(names).toHaveLength(101);
    expect(samples.get('gateway_operations_total{name="Name7",type="query",outcome="ok"}')).toBe(2);
    expect(samples.get('gateway_operations_total{name="other",type="query",outcome="ok"}')).toBe(5);
  });

  it('tells calls that were shared, undocumented values, and whether the REST API is given up', async () => {
    const { url, opsUrl } = await startOnUpstream();
    upstream.script(() => ({ data: [wireVpn(1, 1, { ikeHashAlgorithm: 'sha512' })] }));
    const query = `{ siteToSiteVpns(environment: {serviceCode: "a", name: "b"}) { totalCount } }`;
    await Promise.all(range(3).map(() => post(url, { query }, { 'mc-api-key': API_KEY })));
    const samples = toSamples((await ask(`${opsUrl}/metrics`)).text);

    expect(samples.get('gateway_flights_joined_total')).toBe(2);
    expect(samples.get('gateway_rest_oddities_total{field="siteToSiteVpn.ikeHashAlgorithm"}')).toBeGreaterThan(0);
    expect(samples.get('gateway_circuit_open')).toBe(0);
    expect(samples.get('gateway_redis_lost')).toBe(0);
    expect(samples.get('gateway_counted_alone_total')).toBe(0);
    expect(samples.get('gateway_subscriptions')).toBe(0);
    expect(samples.get('gateway_polls')).toBe(0);
  });

  it('tells what is open and polled for it, and counts subscriptions as they end, those too that were refused', async () => {
    const { url, opsUrl } = await startOnUpstream();
    upstream.script(() => ({ data: [] }));
    const follow = byEventStream(url, API_KEY);
    const list = 'siteToSiteVpnsUpdated(environment: {serviceCode: "a", name: "b"}) { totalCount }';
    const following = [follow(`subscription Follow { ${list} }`), follow(`subscription Follow { ${list} }`)];
    await Promise.all(following.map(({ has }) => has(1)));
    const open = toSamples((await ask(`${opsUrl}/metrics`)).text);
    expect([open.get('gateway_subscriptions'), open.get('gateway_polls')]).toEqual([2, 1]);

    for (const { stop } of following) stop();
    await follow('subscription Task { taskUpdated(id: "none") { status } }').ends();
    await follow('subscription Odd { nothing }').ends();
    const counted = new Map([
      ['gateway_operations_total{name="Follow",type="subscription",outcome="ok"}', 2],
      ['gateway_operations_total{name="Task",type="subscription",outcome="NOT_FOUND"}', 1],
      ['gateway_operations_total{name="none",type="none",outcome="GRAPHQL_VALIDATION_FAILED"}', 1],
    ]);
    const readOperations = async () => {
      const samples = [...toSamples((await ask(`${opsUrl}/metrics`)).text)];
      return new Map(samples.filter(([name]) => name.startsWith('gateway_operations_total')));
    };
    let operations = await readOperations();
    for (let tries = 0; tries < 100 && operations.size < counted.size; tries++) operations = await readOperations();
    expect(operations).toEqual(counted);
    const over = toSamples((await ask(`${opsUrl}/metrics`)).text);
    expect([over.get('gateway_subscriptions'), over.get('gateway_polls')]).toEqual([0, 0]);
  });

  it('is not on the public listener, as the health checks are not, and GraphQL is not on this one', async () => {
    const { url, opsUrl } = await startOnUpstream();
    const { origin } = new URL(url);

    for (const path of ['/metrics', '/livez', '/readyz'])
      expect(await ask(origin + path)).toMatchObject({ status: 404 });
    expect(await post(`${opsUrl}/graphql`, { query: '{ __typename }' })).toMatchObject({ status: 404 });
  });
});
