// Checks the alerts and the dashboard against the built gateway's metrics and against Prometheus itself. The tests with Prometheus are
// skipped if Debian's package `prometheus` is not installed.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { isObject } from '../../../src/json.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { findFreePort } from '../../helpers/free-port.js';
import { launchGateway } from '../../helpers/process.js';
import { startUpstream } from '../../helpers/upstream.js';
import { sendRequest, post } from '../../helpers/http.js';

const alerts = 'deploy/prometheus/alerts.yaml';
const dashboard = 'deploy/grafana/dashboard.json';
const [prometheus, promtool] = ['/usr/bin/prometheus', '/usr/bin/promtool'];
const isInstalled = existsSync(prometheus) && existsSync(promtool);
const key = { 'mc-api-key': 'key' };

/** Launches a gateway, runs one query, and returns the URL of its metrics. */
async function launch() {
  const upstream = await startUpstream(({ method }) =>
    method === 'GET' ? { data: [] } : { taskId: '9fe8e398-06d6-482c-8f55-b805bde4d3cc', taskStatus: 'PENDING' },
  );
  const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url });
  await post(gateway.url, { query: '{ environments { id } }' }, key);
  return { metricsUrl: `${gateway.opsUrl}/metrics` };
}

/** Returns the metric names in a PromQL expression. */
function toMetricNames(expression: string): string[] {
  const bare = expression.replaceAll(/\{[^}]*\}|"[^"]*"|\b(by|without)\s*\([^)]*\)/g, '');
  return [...bare.matchAll(/\b(?:gateway|nodejs|process)_[a-z0-9_]+|\bup\b/g)].map(([name]) => name);
}

/** Returns all `expr` strings of a dashboard. */
function findExpressions(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(findExpressions);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, item]) =>
    name === 'expr' && typeof item === 'string' ? [item] : findExpressions(item),
  );
}

/** Returns all expressions of the alerts. Matches the two YAML forms that the file uses: `expr: …`, and a block below `expr: |`. */
function readAlertExpressions(): string[] {
  const text = readFileSync(alerts, 'utf8');
  return [...text.matchAll(/^ +expr: (?:\|\n((?: {10,}.*\n)+)|(.*)\n)/gm)].map(
    ([, block, line]) => block ?? line ?? '',
  );
}

describe('alerts.yaml and dashboard.json', () => {
  it('use only metrics that the gateway exports', async () => {
    const { metricsUrl } = await launch();
    const { text } = await sendRequest(metricsUrl);
    const exported = new Set(
      [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
        type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => `${name}${end}`) : [name],
      ),
    );
    exported.add('up');
    const panels: unknown = JSON.parse(readFileSync(dashboard, 'utf8'));
    const expressions = [...findExpressions(panels), ...readAlertExpressions()];

    expect(expressions.length).toBeGreaterThan(20);
    expect(expressions.flatMap(toMetricNames).filter((name) => !exported.has(name))).toEqual([]);
    expect(expressions.filter((expression) => toMetricNames(expression).length === 0)).toEqual([]);
  });
});

const describeIfInstalled = isInstalled ? describe : describe.skip;

describeIfInstalled('Prometheus', () => {
  it('accepts the alerting rules and the metrics of the gateway', async () => {
    const run = promisify(execFile);
    const { metricsUrl } = await launch();
    const { text } = await sendRequest(metricsUrl);
    const checking = run(promtool, ['check', 'metrics']);
    checking.child.stdin?.end(text);
    // promtool reports the names of three of Node's own metrics, but none of the gateway's.
    const findings = await checking.then(
      ({ stdout }) => stdout,
      (error: unknown) => (isObject(error) ? `${String(error['stdout'])}${String(error['stderr'])}` : ''),
    );
    expect(findings).toMatch(/nodejs_/);
    expect(findings).not.toMatch(/gateway_/);
    expect((await run(promtool, ['check', 'rules', alerts])).stdout).toMatch(/SUCCESS: 9 rules found/);
  });

  it('scrapes the gateway and evaluates each expression of the alerts and the dashboard', async () => {
    const { metricsUrl } = await launch();
    const directory = mkdtempSync(join(tmpdir(), 'prometheus-'));
    const config = join(directory, 'prometheus.yml');
    const { host } = new URL(metricsUrl);
    writeFileSync(
      config,
      `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [${join(process.cwd(), alerts)}]
scrape_configs:
  - job_name: site-to-site-vpn-gateway
    static_configs: [{ targets: ['${host}'] }]
`,
    );
    const port = await findFreePort();
    const server = spawn(
      prometheus,
      [`--config.file=${config}`, `--web.listen-address=127.0.0.1:${port}`, `--storage.tsdb.path=${directory}/data`],
      { stdio: 'ignore' },
    );
    addCleanup(async () => {
      if (server.exitCode === null) {
        server.kill('SIGKILL');
        await once(server, 'exit');
      }
      rmSync(directory, { recursive: true, force: true });
    });
    const evaluate = async (expression: string): Promise<unknown> => {
      const response = await fetch(
        `http://127.0.0.1:${port}/api/v1/query?${new URLSearchParams({ query: expression }).toString()}`,
      );
      const body: unknown = await response.json();
      if (!isObject(body) || body['status'] !== 'success' || !isObject(body['data']))
        throw new Error(`Prometheus did not evaluate: ${expression}`);
      return body['data']['result'];
    };
    const startedAt = performance.now();
    for (;;) {
      const series = await evaluate('gateway_rest_calls_total').catch(() => []);
      if (Array.isArray(series) && series.length > 0) break;
      if (performance.now() - startedAt > 25_000) throw new Error('Prometheus did not scrape the gateway within 25 s.');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const panels: unknown = JSON.parse(readFileSync(dashboard, 'utf8'));

    expect(await evaluate('up')).toMatchObject([{ value: [expect.any(Number), '1'] }]);
    for (const expression of [...findExpressions(panels), ...readAlertExpressions()]) {
      expect(
        Array.isArray(await evaluate(expression.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'))),
      ).toBe(true);
    }
    // No alert fires for a healthy gateway.
    const rules: unknown = await (await fetch(`http://127.0.0.1:${port}/api/v1/alerts`)).json();
    expect(rules).toMatchObject({ status: 'success', data: { alerts: [] } });
  });
});
