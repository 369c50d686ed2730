// A REST API for load: the name of an environment says how many rows its lists have and how they behave. It counts calls by API key, and
// sends bodies that it has built before, so that it takes little CPU time from what is measured.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { numberedId, numberedVpc, numberedVpn, range } from '../helpers/fixtures.js';
import { listen } from '../helpers/free-port.js';

/** How an environment behaves: the words of its name, e.g. `rows-100-vpcs-5-changing`. */
interface Behaviour {
  /** `rows-100`: number of VPNs. Default: 25. */
  readonly rows: number;
  /** `networks-300`: number of remote networks of each VPN. Default: 1. */
  readonly networks: number;
  /** `vpcs-5`: number of VPCs, to which the VPNs belong in turn. Default: 1. */
  readonly vpcs: number;
  /** `changing`: each response has another first VPN than the last. */
  readonly isChanging: boolean;
  /** `versioned`: the first VPN changes with `version`. */
  readonly isVersioned: boolean;
  /** `unfiltered`: a list of the VPNs of one VPC has those of all VPCs. */
  readonly isUnfiltered: boolean;
  /** `delay-50`: milliseconds until the response. */
  readonly delayMs: number;
}

/** A running REST API. */
export interface SizedRestApi {
  /** Base URL, with a path. */
  readonly url: string;
  /** Returns the number of calls so far whose API key begins with a text. */
  readonly countCalls: (keyStart: string) => number;
  /** Decides whether the connection of a call is closed without a response. Default: never. */
  dropsCall: (call: { readonly apiKey: string; readonly path: string }) => boolean;
  /** Changes lists of `versioned` environments. Default: 0. */
  version: number;
  /** Closes all connections and stops listening. */
  readonly stop: () => void;
}

/** Starts the REST API on a free port. */
export async function startSizedRestApi(): Promise<SizedRestApi> {
  const calls = new Map<string, number>();
  const bodies = new Map<string, Buffer>();
  const cached = (name: string, toData: () => unknown): Buffer => {
    const body = bodies.get(name) ?? Buffer.from(JSON.stringify(toData()));
    bodies.set(name, body);
    return body;
  };
  let callCount = 0;
  const api = { version: 0, dropsCall: (_call: { readonly apiKey: string; readonly path: string }): boolean => false };
  const toBody = (method: string, { pathname, searchParams }: URL, behaviour: Behaviour): Buffer => {
    const { rows, networks, vpcs, isChanging, isVersioned, isUnfiltered } = behaviour;
    const [, , , , , collection = '', id] = pathname.split('/');
    if (method !== 'GET') {
      return Buffer.from(JSON.stringify({ taskId: numberedId('task', callCount), taskStatus: 'PENDING' }));
    }
    const taskId = /\/tasks\/(.*)$/.exec(pathname)?.[1];
    if (taskId !== undefined) return Buffer.from(JSON.stringify({ taskId, taskStatus: 'PENDING' }));
    if (collection === '') return cached('environments', () => ({ data: [] }));
    if (collection === 'vpcs') {
      if (id === undefined) return cached(`vpcs ${vpcs}`, () => ({ data: range(vpcs).map((vpc) => numberedVpc(vpc)) }));
      return cached(`vpc ${id}`, () => ({ data: numberedVpc(Number(id.slice(-12))) }));
    }
    if (id !== undefined) return cached(`vpn ${id}`, () => ({ data: numberedVpn(Number(id.slice(-12)), 0) }));
    const vpcId = isUnfiltered ? null : searchParams.get('vpc_id');
    const variant = (isChanging ? callCount : isVersioned ? api.version : 0) % 2;
    return cached(`vpns ${rows} ${networks} ${vpcs} ${variant} ${vpcId ?? ''}`, () => ({
      data: range(rows)
        .filter((row) => vpcId === null || numberedId('vpc', row % vpcs) === vpcId)
        .map((row) =>
          numberedVpn(row, row % vpcs, {
            ...(networks > 1 && { cidr: toNetworks(row, networks) }),
            ...(row === 0 && variant === 1 && { state: 'Error' }),
          }),
        ),
    }));
  };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    callCount++;
    const apiKey = String(request.headers['mc-api-key']);
    calls.set(apiKey, (calls.get(apiKey) ?? 0) + 1);
    request.resume().once('end', () => {
      if (api.dropsCall({ apiKey, path: request.url ?? '' })) {
        response.destroy();
        return;
      }
      const url = new URL(request.url ?? '', 'http://localhost');
      const behaviour = toBehaviour(url.pathname.split('/')[4] ?? '');
      const body = toBody(request.method ?? '', url, behaviour);
      const send = () => response.writeHead(200, { 'content-type': 'application/json' }).end(body);
      if (behaviour.delayMs === 0) send();
      else setTimeout(send, behaviour.delayMs);
    });
  });
  // The server closes no idle connection by itself: it could do so just as a write arrives.
  server.keepAliveTimeout = 0;
  const port = await listen(server);
  return Object.assign(api, {
    url: `http://127.0.0.1:${port}/v1`,
    countCalls: (keyStart: string) =>
      [...calls].reduce((sum, [key, count]) => (key.startsWith(keyStart) ? sum + count : sum), 0),
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  });
}

// Distinct networks for up to 16,000 VPNs of 1,024 networks each.
function toNetworks(row: number, count: number): string {
  const first = row * 1_024;
  const toNetwork = (number: number) => `${11 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}.0/24`;
  return range(count)
    .map((index) => toNetwork(first + index))
    .join(',');
}

function toBehaviour(environment: string): Behaviour {
  const words = environment.split('-');
  const read = (word: string, defaultValue: number) =>
    words.includes(word) ? Number(words[words.indexOf(word) + 1]) : defaultValue;
  return {
    rows: read('rows', 25),
    networks: read('networks', 1),
    vpcs: read('vpcs', 1),
    delayMs: read('delay', 0),
    isChanging: words.includes('changing'),
    isVersioned: words.includes('versioned'),
    isUnfiltered: words.includes('unfiltered'),
  };
}
