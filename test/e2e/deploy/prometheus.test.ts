// Checks the alerts and the dashboard against the built gateway's metrics and against Prometheus itself. The tests with Prometheus are
// skipped if Debian's package `prometheus` is not installed.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { isObject } from '../../../src/json.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { keyHeader } from '../../helpers/fixtures.js';
import { launchGateway, runProcess, startProcess } from '../../helpers/process.js';
import { startUpstream } from '../../helpers/upstream.js';
import { sendRequest, post } from '../../helpers/http.js';
import { waitUntil } from '../../helpers/wait-until.js';

const alerts = 'deploy/prometheus/alerts.yaml';
const dashboard = 'deploy/grafana/dashboard.json';
const [prometheus, promtool] = ['/usr/bin/prometheus', '/usr/bin/promtool'];
const ruleCount = 10;
const isInstalled = existsSync(prometheus) && existsSync(promtool);

// A gateway that has run one query, and the URL of its metrics.
const upstream = await startUpstream();
const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url });
const metricsUrl = `${gateway.opsUrl}/metrics`;
await post(gateway.url, { query: '{ environments { id } }' }, keyHeader('key'));

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
  it.concurrent('accepts the alerting rules and the metrics of the gateway', async () => {
    const { text } = await sendRequest(metricsUrl);
    const findings = await runProcess(promtool, ['check', 'metrics'], { input: text });
    // promtool reports the names of three of Node's own metrics, but none of the gateway's.
    expect(findings.stdout + findings.stderr).toMatch(/nodejs_/);
    expect(findings.stdout + findings.stderr).not.toMatch(/gateway_/);
    expect((await runProcess(promtool, ['check', 'rules', alerts])).stdout).toContain(
      `SUCCESS: ${ruleCount} rules found`,
    );
  });

  it.concurrent('scrapes the gateway and evaluates each expression of the alerts and the dashboard', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'prometheus-'));
    const config = join(directory, 'prometheus.yml');
    const { host } = new URL(metricsUrl);
    writeFileSync(
      config,
      `global: { scrape_interval: 500ms, evaluation_interval: 500ms }
rule_files: [${join(process.cwd(), alerts)}]
scrape_configs:
  - job_name: site-to-site-vpn-gateway
    static_configs: [{ targets: ['${host}'] }]
`,
    );
    addCleanup(() => {
      rmSync(directory, { recursive: true, force: true });
    });
    const server = startProcess(prometheus, [
      `--config.file=${config}`,
      '--web.listen-address=127.0.0.1:0',
      `--storage.tsdb.path=${directory}/data`,
    ]);
    const [, address = ''] = await server.waitForOutput(/msg="Listening on".* address=(\S+)/);
    const evaluate = async (expression: string): Promise<unknown> => {
      const response = await fetch(
        `http://${address}/api/v1/query?${new URLSearchParams({ query: expression }).toString()}`,
      );
      const body: unknown = await response.json();
      if (!isObject(body) || body['status'] !== 'success' || !isObject(body['data']))
        throw new Error(`Prometheus did not evaluate: ${expression}`);
      return body['data']['result'];
    };
    const panels: unknown = JSON.parse(readFileSync(dashboard, 'utf8'));

    // A scrape may time out on a busy machine, and Prometheus evaluates nothing until it is ready.
    await waitUntil(async () => {
      const series = await evaluate('up == 1 and on(instance) gateway_rest_calls_total').catch(() => []);
      return Array.isArray(series) && series.length > 0;
    });
    for (const expression of [...findExpressions(panels), ...readAlertExpressions()]) {
      expect(
        Array.isArray(await evaluate(expression.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'))),
      ).toBe(true);
    }
    // No alert fires for a healthy gateway. On a busy machine, one may be pending, e.g. that for a slow event loop.
    let rules = '';
    await waitUntil(async () => {
      rules = await (await fetch(`http://${address}/api/v1/rules`)).text();
      return rules.match(/"health":"ok"/g)?.length === ruleCount;
    });
    expect(rules).not.toContain('"state":"firing"');
  });
});
