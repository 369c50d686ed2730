// The REST API of the soak test. It fails one call in eight, each time in one of twelve ways, and records what arrives.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** Ids of the only VPN, VPC and task. */
export const [vpnId, vpcId, taskId] = [
  'd49b2922-0581-4587-94df-6fe719327d0f',
  '0b3f13ec-e005-4a71-8bea-6af42c1a895a',
  'cd7a2da8-6739-4bf6-9e71-518831525ea0',
];

const wireVpn = (name: string) => ({
  id: vpnId,
  name,
  state: 'Connected',
  vpcId,
  gateway: '203.0.113.7',
  cidr: '10.0.0.0/24',
  ipSecPsk: 'soaked-0123456789',
});

/** A REST call in flight. */
export class CallInFlight {
  /** Resolves when the response has ended or the gateway has cancelled the call, with the time of performance.now(). */
  readonly closedAt: Promise<number>;

  constructor(response: ServerResponse) {
    this.closedAt = new Promise((resolve) => {
      const close = () => {
        resolve(performance.now());
      };
      // The gateway may have cancelled the call while its body arrived.
      if (response.destroyed) close();
      else response.once('close', close);
    });
  }
}

/** Starts the REST API. */
export async function startSoakUpstream(random: () => number) {
  const writeCounts = new Map<string, number>();
  const callListeners = new Map<string, (call: CallInFlight) => void>();
  let callsInFlight = 0;
  const upstream = { isDown: () => false };
  const respond = (incoming: IncomingMessage, response: ServerResponse): void => {
    const { method = '', url = '' } = incoming;
    const id = String(incoming.headers['x-request-id']);
    if (method !== 'GET') writeCounts.set(id, (writeCounts.get(id) ?? 0) + 1);
    callListeners.get(id)?.(new CallInFlight(response));
    callListeners.delete(id);
    const json = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const task = { taskId, taskStatus: random() < 0.3 ? 'SUCCESS' : 'PENDING', result: { id: vpnId } };
    // Environments for abandoned reads never respond. The one for abandoned writes always succeeds.
    if (url.includes('/held-')) return;
    if (url.includes('/slow/')) {
      setTimeout(() => json(200, method === 'GET' ? { data: [] } : { taskId, taskStatus: 'PENDING' }), 50);
      return;
    }
    if (upstream.isDown()) {
      json(503, { errors: [{ code: 'DOWN', message: 'Down.' }] });
      return;
    }
    const roll = Math.floor(random() * 100);
    const failures: readonly (() => unknown)[] = [
      () => json(503, {}),
      () => json(500, { errors: [{ code: 'E', message: 'Broken.' }] }),
      () => json(429, {}),
      () => json(404, { errors: ['No.'] }),
      () => json(400, { errors: [{ code: 'E', message: 'Bad.' }] }),
      () => response.destroy(),
      () => response.writeHead(200, { 'content-length': 1_000 }).write('{"data":', () => response.destroy()),
      () => response.writeHead(200).end('<html>'),
      () => response.writeHead(302, { location: '/elsewhere' }).end(),
      () => json(200, { data: [{ id: 7 }] }),
      // No response.
      () => undefined,
      // A body that never ends, one byte every 50 ms.
      () => {
        response.writeHead(200);
        const interval = setInterval(() => response.write(' '), 50);
        response.once('close', () => {
          clearInterval(interval);
        });
      },
    ];
    const failure = failures[roll];
    if (failure !== undefined) failure();
    else {
      setTimeout(() => {
        if (method !== 'GET' || url.includes('/tasks/')) json(200, task);
        else if (url.includes('/vpcs/')) json(200, { data: { id: vpcId, name: 'vpc' } });
        else if (url.includes('/vpcs')) json(200, { data: [{ id: vpcId, name: 'vpc' }] });
        else if (url.includes('/sitetositevpns/')) json(200, { data: wireVpn(`vpn-${roll}`) });
        else if (url.includes('/sitetositevpns'))
          json(200, { data: Array.from({ length: 25 }, (_, index) => wireVpn(`vpn-${roll}-${index}`)) });
        else json(200, { data: [{ id: 'e', name: 'shared', serviceConnection: { id: 's', name: 'S' } }] });
      }, roll % 20);
    }
  };
  const server = createServer((incoming, response) => {
    callsInFlight++;
    response.once('close', () => callsInFlight--);
    incoming.resume().once('end', () => {
      respond(incoming, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('The upstream has no port.');
  return Object.assign(upstream, {
    url: `http://127.0.0.1:${address.port}/v1`,
    /** Number of writes that arrived, by request id. */
    writeCounts,
    callsInFlight: () => callsInFlight,
    /** Waits for the next call with this request id. */
    waitForCall: (id: string) => new Promise<CallInFlight>((resolve) => callListeners.set(id, resolve)),
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  });
}
