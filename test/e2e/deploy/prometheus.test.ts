// What Prometheus and Grafana are given, against the real Prometheus and what the built gateway really prints. Skipped where Debian's
// package `prometheus` is not installed.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { isObject } from '../../../src/cloudca/envelope.js';
import { atEnd } from '../../helpers/at-end.js';
import { findFreePort } from '../../helpers/free-port.js';
import { launchGateway } from '../../helpers/process.js';
import { startUpstream } from '../../helpers/upstream.js';
import { ask, post } from '../../helpers/wire.js';

const alerts = 'deploy/prometheus/alerts.yaml';
const dashboard = 'deploy/grafana/dashboard.json';
const [prometheus, promtool] = ['/usr/bin/prometheus', '/usr/bin/promtool'];
const isInstalled = existsSync(prometheus) && existsSync(promtool);
const key = { 'mc-api-key': 'key' };

/** A gateway that has answered one operation of each kind, and the address of its metrics. */
async function launch() {
  const upstream = await startUpstream(({ method }) =>
    method === 'GET' ? { data: [] } : { taskId: '9fe8e398-06d6-482c-8f55-b805bde4d3cc', taskStatus: 'PENDING' },
  );
  const gateway = await launchGateway({ CLOUDCA_API_URL: upstream.url });
  await post(gateway.url, { query: '{ environments { id } }' }, key);
  return { metricsUrl: `${gateway.opsUrl}/metrics` };
}

/** The names of metrics in an expression of PromQL. */
function toNames(expression: string): string[] {
  const bare = expression.replaceAll(/\{[^}]*\}|"[^"]*"|\b(by|without)\s*\([^)]*\)/g, '');
  return [...bare.matchAll(/\b(?:gateway|nodejs|process)_[a-z0-9_]+|\bup\b/g)].map(([name]) => name);
}

function findExpressions(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(findExpressions);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, each]) =>
    name === 'expr' && typeof each === 'string' ? [each] : findExpressions(each),
  );
}

// Of YAML no more than is needed here: an expression stands behind `expr:`, or indented below `expr: |`.
function readAlertExpressions(): string[] {
  const text = readFileSync(alerts, 'utf8');
  return [...text.matchAll(/^ +expr: (?:\|\n((?: {10,}.*\n)+)|(.*)\n)/gm)].map(
    ([, block, line]) => block ?? line ?? '',
  );
}

describe('The alerts and the dashboard', () => {
  it('are about metrics that the gateway prints', async () => {
    const { metricsUrl } = await launch();
    const { text } = await ask(metricsUrl);
    const printed = new Set(
      [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
        type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => `${name}${end}`) : [name],
      ),
    );
    printed.add('up');
    const asked: unknown = JSON.parse(readFileSync(dashboard, 'utf8'));
    const expressions = [...findExpressions(asked), ...readAlertExpressions()];

    expect(expressions.length).toBeGreaterThan(20);
    expect(expressions.flatMap(toNames).filter((name) => !printed.has(name))).toEqual([]);
    expect(expressions.filter((expression) => toNames(expression).length === 0)).toEqual([]);
  });
});

const describeWhereInstalled = isInstalled ? describe : describe.skip;

describeWhereInstalled('Prometheus itself', () => {
  it('finds nothing wrong with the rules, nor with the metrics', async () => {
    const run = promisify(execFile);
    const { metricsUrl } = await launch();
    const { text } = await ask(metricsUrl);
    const checking = run(promtool, ['check', 'metrics']);
    checking.child.stdin?.end(text);
    // It would have three of Node's own metrics named otherwise; of ours, it finds nothing.
    const findings = await checking.then(
      ({ stdout }) => stdout,
      (error: unknown) => (isObject(error) ? `${String(error['stdout'])}${String(error['stderr'])}` : ''),
    );
    expect(findings).toMatch(/nodejs_/);
    expect(findings).not.toMatch(/gateway_/);
    expect((await run(promtool, ['check', 'rules', alerts])).stdout).toMatch(/SUCCESS: 9 rules found/);
  });

  it('scrapes the gateway, and evaluates each expression of the alerts and the dashboard', async () => {
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
    atEnd(async () => {
      if (server.exitCode === null) {
        server.kill('SIGKILL');
        await once(server, 'exit');
      }
      rmSync(directory, { recursive: true, force: true });
    });
    const evaluate = async (expression: string): Promise<unknown> => {
      const answer = await fetch(
        `http://127.0.0.1:${port}/api/v1/query?${new URLSearchParams({ query: expression }).toString()}`,
      );
      const body: unknown = await answer.json();
      if (!isObject(body) || body['status'] !== 'success' || !isObject(body['data']))
        throw new Error(`No: ${expression}`);
      return body['data']['result'];
    };
    const begun = performance.now();
    for (;;) {
      const counted = await evaluate('gateway_rest_calls_total').catch(() => []);
      if (Array.isArray(counted) && counted.length > 0) break;
      if (performance.now() - begun > 25_000) throw new Error('Prometheus has not scraped the gateway.');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const asked: unknown = JSON.parse(readFileSync(dashboard, 'utf8'));

    expect(await evaluate('up')).toMatchObject([{ value: [expect.any(Number), '1'] }]);
    for (const expression of [...findExpressions(asked), ...readAlertExpressions()]) {
      expect(
        Array.isArray(await evaluate(expression.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'))),
      ).toBe(true);
    }
    // None of the alerts goes off over a gateway that is well.
    const rules: unknown = await (await fetch(`http://127.0.0.1:${port}/api/v1/alerts`)).json();
    expect(rules).toMatchObject({ status: 'success', data: { alerts: [] } });
  });
});
