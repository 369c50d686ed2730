// Tailcall with one worker: writes its configuration, starts it, and reports its usage. It reads each VPC by its id. Its batching would
// send one REST call for several callers, with the API key of one of them.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort, logListening, requireEnv } from './listen.js';

const toConfig = (port: number, upstream: string): string => /* GraphQL */ `
  schema
    @server(hostname: "127.0.0.1", port: ${port}, workers: 1)
    @upstream(allowedHeaders: ["mc-api-key"]) {
    query: Query
  }

  type Query {
    siteToSiteVpns(environment: String!): SiteToSiteVpns
      @http(url: "${upstream}/services/compute-on/{{.args.environment}}/sitetositevpns")
    siteToSiteVpn(environment: String!, id: String!): SiteToSiteVpnResponse
      @http(url: "${upstream}/services/compute-on/{{.args.environment}}/sitetositevpns/{{.args.id}}")
  }

  type SiteToSiteVpns {
    data: [SiteToSiteVpn]
  }

  type SiteToSiteVpnResponse {
    data: SiteToSiteVpn
  }

  type SiteToSiteVpn {
    id: String
    name: String
    state: String
    gateway: String
    cidr: String
    vpcId: String
    vpc(environment: String!): Vpc
      @http(url: "${upstream}/services/compute-on/{{.args.environment}}/vpcs/{{.value.vpcId}}", select: "{{.data}}")
  }

  type Vpc {
    id: String
    name: String
  }
`;

// Clock ticks of /proc, in milliseconds: Linux counts 100 a second.
const tickMs = 10;

const directory = mkdtempSync(join(tmpdir(), 'tailcall-'));
const config = join(directory, 'bench.graphql');
const port = await findFreePort();
writeFileSync(config, toConfig(port, requireEnv('UPSTREAM')));
const child = spawn(requireEnv('TAILCALL'), ['start', config], {
  env: { ...process.env, TAILCALL_LOG_LEVEL: 'error' },
  stdio: ['ignore', 'inherit', 'inherit'],
});
process.on('message', () => {
  process.send?.(readUsage(child.pid));
});
process.once('exit', () => {
  child.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});
child.once('exit', () => process.exit(1));
process.once('SIGTERM', () => process.exit());

const url = `http://127.0.0.1:${port}`;
for (;;) {
  const response = await fetch(`${url}/status`).catch(() => undefined);
  if (response?.ok === true) break;
  await sleep(10);
}
logListening(url);

function readUsage(pid: number | undefined) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The fields after the name, which may hold spaces. User and system time are the 14th and 15th of all (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
  return {
    cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs,
    rssBytes: bytes('VmRSS'),
    peakRssBytes: bytes('VmHWM'),
  };
}
