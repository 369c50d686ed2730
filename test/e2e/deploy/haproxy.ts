// Runs Debian's HAProxy with the configuration in deploy/haproxy, in front of gateways that a test has started.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { addCleanup } from '../../helpers/cleanup.js';
import { findFreePort } from '../../helpers/free-port.js';
import { post } from '../../helpers/http.js';
import { runProcess, startProcess } from '../../helpers/process.js';

const haproxy = '/usr/sbin/haproxy';
const configuration = readFileSync('deploy/haproxy/haproxy.cfg', 'utf8');

/** Whether HAProxy is installed. */
export const isInstalled = existsSync(haproxy);

/** DRAIN_DELAY_MS that the configuration asks for. */
export const drainDelayMs = /DRAIN_DELAY_MS=(\d+)/.exec(configuration)?.[1];

/** A gateway behind HAProxy. Both ports are of 127.0.0.1. */
export interface BalancedGateway {
  readonly port: number;
  readonly opsPort: number;
}

/** Starts HAProxy without TLS. Returns the URL of the GraphQL endpoint through HAProxy, once a gateway has responded there. */
export async function startHaproxy(gateways: readonly BalancedGateway[]): Promise<string> {
  const port = await findFreePort();
  const [, options = ''] = /^ {2}server gateway-1 \S+ check port \d+ (.*)$/m.exec(configuration) ?? [];
  const servers = gateways.map(
    (gateway, index) =>
      `  server gateway-${index + 1} 127.0.0.1:${gateway.port} check port ${gateway.opsPort} ${options}\n`,
  );
  const text = configuration
    .replace(':443 ssl crt /etc/haproxy/gateway.pem', `127.0.0.1:${port}`)
    .replace(/(^ {2}server gateway-.*\n)+/m, servers.join(''));
  const directory = mkdtempSync(join(tmpdir(), 'haproxy-'));
  addCleanup(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const file = join(directory, 'haproxy.cfg');
  writeFileSync(file, text);
  // The check prints no warning.
  expect(await runProcess(haproxy, ['-c', '-q', '-f', file])).toEqual({ code: 0, stdout: '', stderr: '' });
  startProcess(haproxy, ['-db', '-f', file]);
  const url = `http://127.0.0.1:${port}/graphql`;
  for (
    let attempt = 0;
    (await post(url, { query: '{ __typename }' }).catch(() => undefined))?.status !== 200;
    attempt++
  ) {
    if (attempt > 100) throw new Error('HAProxy did not serve a request within 100 attempts.');
    await sleep(100);
  }
  return url;
}
