// The operators' listener: liveness, readiness, and metrics, which count operations and contain no data of callers.
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { canaryKey, canaryPsk, keyHeader, numberedVpn, range } from '../helpers/fixtures.js';
import { startGateway } from '../helpers/gateway.js';
import { json, startUpstream } from '../helpers/upstream.js';
import { sendRequest, post } from '../helpers/http.js';
import { waitUntil } from '../helpers/wait-until.js';
import { subscribeBySse } from './subscriptions/subscribers.js';

const key = keyHeader(canaryKey);

const upstream = await startUpstream();
const startOnUpstream = () => startGateway({ restApi: upstream.url });

/** Parses text in Prometheus' format into a value for each name with its labels. Throws on a malformed line. */
function toSamples(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || /^# (HELP|TYPE) [a-z_][a-z0-9_]* ./.test(line)) continue;
    const [, name, value] =
      /^([a-z_][a-z0-9_]*(?:\{(?:[a-z_]+="[^"\\\n]*"(?:,(?=[a-z]))?)+\})?) ([-+]?[0-9.e+-]+|NaN|[-+]Inf)$/i.exec(
        line,
      ) ?? [];
    if (name === undefined || samples.has(name)) throw new Error(`Not a sample: ${line}`);
    samples.set(name, Number(value));
  }
  return samples;
}

describe('GET /livez', () => {
  it('returns 200, even after shutdown has begun', async () => {
    const { opsUrl, lifecycle } = await startOnUpstream();

    expect(await sendRequest(`${opsUrl}/livez`)).toMatchObject({ status: 200, json: { status: 'alive' } });
    lifecycle.drain();
    const response = await sendRequest(`${opsUrl}/livez`);
    expect(response).toMatchObject({ status: 200, json: { status: 'alive' } });
    expect(response.headers.get('cache-control')).toBe('no-store');
  });
});

describe('GET /readyz', () => {
  it('returns 200, and 503 after shutdown has begun', async () => {
    const { opsUrl, lifecycle } = await startOnUpstream();

    expect(await sendRequest(`${opsUrl}/readyz`)).toMatchObject({ status: 200, json: { status: 'ready' } });
    lifecycle.drain();
    const response = await sendRequest(`${opsUrl}/readyz`);
    expect(response).toMatchObject({ status: 503, json: { status: 'shutting down' } });
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it('does not depend on the REST API', async () => {
    const { opsUrl } = await startGateway({ restApi: 'http://127.0.0.1:1' });

    expect(await sendRequest(`${opsUrl}/readyz`)).toMatchObject({ status: 200 });
  });
});

describe('POST /graphql', () => {
  it('rejects new work after shutdown has begun, and closes the connection', async () => {
    const { url, lifecycle } = await startOnUpstream();
    lifecycle.drain();
    const response = await post(url, { query: '{ __typename }' });

    expect({ status: response.status, body: response.json }).toEqual({
      status: 503,
      body: {
        errors: [
          {
            message: 'The gateway is shutting down. Try again.',
            extensions: { code: 'OVERLOADED', requestId: response.headers.get('x-request-id') },
          },
        ],
      },
    });
    expect(response.headers.get('retry-after')).toBe('1');
    expect(response.headers.get('connection')).toBe('close');
  });
});

describe('GET /metrics', () => {
  it('returns text in the format of Prometheus, including the metrics of Node', async () => {
    const { opsUrl } = await startOnUpstream();
    const { status, headers, text } = await sendRequest(`${opsUrl}/metrics`);

    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-store');
    const samples = toSamples(text);
    expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(0);
    expect(samples.get('nodejs_eventloop_lag_seconds')).toBeGreaterThanOrEqual(0);
  });

  it('counts operations by name, type and outcome, and REST calls by route and status', async () => {
    const { url, opsUrl } = await startOnUpstream();
    upstream.script(() => ({ data: [] }));
    await post(url, { query: '{ __typename }' });
    await post(url, { query: '{ environments { id } }' }, key);
    await post(url, { query: '{ environments { id } }' });
    await post(url, { query: '{' });
    await post(url, { query: '{ nothing }' });
    upstream.script(() => json(403, { errors: [{ message: 'No.' }] }));
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
    const samples = toSamples((await sendRequest(`${opsUrl}/metrics`)).text);

    const operations = [...samples].filter(([name]) => name.startsWith('gateway_operations_total'));
    expect(new Map(operations)).toEqual(
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

  it('contains no data of callers: no key, no alias, no value', async () => {
    const { url, opsUrl } = await startOnUpstream();
    upstream.script(() => json(500, { errors: [{ code: `${canaryKey} ${canaryPsk}`, message: canaryKey }] }));
    const query = `query List($environment: EnvironmentInput!) {
      canary: siteToSiteVpns(environment: $environment) { totalCount }
    }`;
    const variables = { environment: { serviceCode: 'canary-code', name: 'canary-name' } };
    await post(url, { query, variables }, { ...key, 'x-request-id': 'canary' });
    await post(url, { query: `{ canary(a: "${canaryPsk}") }` }, key);
    await sendRequest(`${new URL(url).origin}/canary`);
    const { text } = await sendRequest(`${opsUrl}/metrics?canary`);

    expect(toSamples(text).get('gateway_operations_total{name="other",type="query",outcome="UPSTREAM_ERROR"}')).toBe(1);
    expect(text).not.toMatch(/canary/i);
  });

  it('counts operations by client, version and name, if the REST API has accepted the key, at most 100 for one key', async () => {
    const { url, opsUrl } = await startOnUpstream();
    upstream.script(() => ({ data: [] }));
    const run = (name: string, version: string, apiKey: string, query = 'query List { environments { id } }') =>
      post(url, { query }, { ...keyHeader(apiKey), 'graphql-client-name': name, 'graphql-client-version': version });
    await run('web', '1', 'key-1');
    await run('web', '1', 'key-2');
    await run('web', '', 'key-1');
    await run('invented', '1', 'key-1', 'query Local { __typename }');
    for (const version of range(110)) await run('many', String(version), 'key-3');
    const samples = [...toSamples((await sendRequest(`${opsUrl}/metrics`)).text)];
    const clients = new Map(samples.filter(([name]) => name.startsWith('gateway_client_operations_total')));

    expect(clients.get('gateway_client_operations_total{client="web",version="1",name="List"}')).toBe(2);
    expect(clients.get('gateway_client_operations_total{client="web",version="none",name="List"}')).toBe(1);
    expect(clients.get('gateway_client_operations_total{client="other",version="other",name="other"}')).toBe(11);
    expect(clients.size).toBe(103);
  });

  describe('operation names', () => {
    const run = async (url: string, names: readonly string[], apiKey: string | undefined) => {
      for (const name of names)
        await post(
          url,
          { query: `query ${name} { environments { id } }` },
          apiKey === undefined ? {} : keyHeader(apiKey),
        );
    };
    const toNames = (prefix: string, count: number) => range(count).map((index) => `${prefix}${index}`);
    /** Returns the number of operations by label of their name. */
    const countByName = async (opsUrl: string) => {
      const counts: Record<string, number> = {};
      for (const [sample, value] of toSamples((await sendRequest(`${opsUrl}/metrics`)).text)) {
        const name = /^gateway_operations_total\{name="(.*?)"/.exec(sample)?.[1];
        if (name !== undefined) counts[name] = (counts[name] ?? 0) + value;
      }
      return counts;
    };

    it('are labels if the REST API has accepted the key, at most 25 of one key and 100 in all', async () => {
      const { url, opsUrl } = await startOnUpstream();
      upstream.script(() => ({ data: [] }));
      await run(url, toNames('Many', 30), 'key-0');
      expect(await countByName(opsUrl)).toEqual({
        ...Object.fromEntries(toNames('Many', 25).map((name) => [name, 1])),
        other: 5,
      });
      for (const index of range(4)) await run(url, toNames(`Name${index}x`, 25), `key-${index + 1}`);
      await run(url, ['Many0', 'Name3x0'], 'key-9');

      const counts = await countByName(opsUrl);
      expect(Object.keys(counts)).toHaveLength(101);
      expect([counts['Many0'], counts['Name0x24'], counts['Name3x0'], counts['other']]).toEqual([2, 1, undefined, 31]);
    });

    it('are no labels without a key, with a key that the REST API rejects, or without a REST call', async () => {
      const { url, opsUrl } = await startOnUpstream();
      upstream.script(() => json(401, {}));
      await run(url, ['Keyless'], undefined);
      await run(url, ['Rejected'], 'invented-key');
      await post(url, { query: 'query Local { __typename }' }, key);
      expect(await countByName(opsUrl)).toEqual({ other: 3 });

      upstream.script(() => ({ data: [] }));
      await run(url, ['Rejected'], 'good-key');
      upstream.script(() => json(401, {}));
      await run(url, ['Rejected'], 'invented-key');
      expect(await countByName(opsUrl)).toEqual({ other: 3, Rejected: 2 });
    });
  });

  it('reports coalesced calls, unexpected values, and the states of circuit breaker and Redis', async () => {
    const { url, opsUrl } = await startOnUpstream();
    const heldResponses: ServerResponse[] = [];
    upstream.script(() => (response) => heldResponses.push(response));
    const query = `{ siteToSiteVpns(environment: {serviceCode: "a", name: "b"}) { totalCount } }`;
    const pending = range(3).map(() => post(url, { query }, key));
    const readSamples = async () => toSamples((await sendRequest(`${opsUrl}/metrics`)).text);
    await waitUntil(async () => (await readSamples()).get('gateway_rest_calls_coalesced_total') === 2);
    await waitUntil(() => heldResponses.length > 0);
    const respond = json(200, { data: [numberedVpn(1, 1, { ikeHashAlgorithm: 'sha512', ikeLifetime: '86400' })] });
    for (const response of heldResponses) respond(response);
    await Promise.all(pending);
    const samples = await readSamples();

    expect(
      samples.get('gateway_upstream_unexpected_values_total{field="siteToSiteVpn.ikeHashAlgorithm"}'),
    ).toBeGreaterThan(0);
    expect(
      samples.get('gateway_upstream_lenient_reads_total{field="siteToSiteVpn.ikeLifetime",form="number_as_text"}'),
    ).toBeGreaterThan(0);
    expect(samples.get('gateway_upstream_unexpected_values_total{field="siteToSiteVpn.ikeLifetime"}')).toBeUndefined();
    expect(samples.get('gateway_circuit_open')).toBe(0);
    expect(samples.get('gateway_redis_unavailable')).toBe(0);
    expect(samples.get('gateway_ratelimit_fallback_total')).toBe(0);
    expect(samples.get('gateway_subscriptions')).toBe(0);
    expect(samples.get('gateway_polls')).toBe(0);
  });

  it('reports open subscriptions and polls, and counts subscriptions that ended or were rejected', async () => {
    const { url, opsUrl } = await startOnUpstream();
    upstream.script(() => ({ data: [] }));
    const subscribe = subscribeBySse(url, canaryKey);
    const list = 'siteToSiteVpnsUpdated(environment: {serviceCode: "a", name: "b"}) { totalCount }';
    const subscriptions = range(2).map(() => subscribe(`subscription List { ${list} }`));
    await Promise.all(subscriptions.map(({ waitForEvents }) => waitForEvents(1)));
    const open = toSamples((await sendRequest(`${opsUrl}/metrics`)).text);
    expect([open.get('gateway_subscriptions'), open.get('gateway_polls')]).toEqual([2, 1]);

    for (const { unsubscribe } of subscriptions) unsubscribe();
    await subscribe('subscription Task { taskUpdated(id: "none") { status } }').waitForEnd();
    await subscribe('subscription Unknown { nothing }').waitForEnd();
    const expected = new Map([
      ['gateway_operations_total{name="List",type="subscription",outcome="ok"}', 2],
      ['gateway_operations_total{name="other",type="subscription",outcome="NOT_FOUND"}', 1],
      ['gateway_operations_total{name="none",type="none",outcome="GRAPHQL_VALIDATION_FAILED"}', 1],
    ]);
    const readOperations = async () => {
      const samples = [...toSamples((await sendRequest(`${opsUrl}/metrics`)).text)];
      return new Map(samples.filter(([name]) => name.startsWith('gateway_operations_total')));
    };
    await waitUntil(async () => {
      const afterEnd = toSamples((await sendRequest(`${opsUrl}/metrics`)).text);
      return afterEnd.get('gateway_subscriptions') === 0 && afterEnd.get('gateway_polls') === 0;
    });
    expect(await readOperations()).toEqual(expected);
  });

  it('is separate from the public listener, which has no metrics or health checks', async () => {
    const { url, opsUrl } = await startOnUpstream();
    const { origin } = new URL(url);

    for (const path of ['/metrics', '/livez', '/readyz'])
      expect(await sendRequest(origin + path)).toMatchObject({ status: 404 });
    expect(await post(`${opsUrl}/graphql`, { query: '{ __typename }' })).toMatchObject({ status: 404 });
  });
});
