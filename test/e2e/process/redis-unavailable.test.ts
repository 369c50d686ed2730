// The built gateway with a REDIS_URL that does not respond. test/e2e/redis uses a real Redis server.
import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { addCleanup } from '../../helpers/cleanup.js';
import { keyHeader } from '../../helpers/fixtures.js';
import { findFreePort, listen } from '../../helpers/free-port.js';
import { launchGateway } from '../../helpers/process.js';
import { startUpstream } from '../../helpers/upstream.js';
import { sendRequest, post } from '../../helpers/http.js';

const unavailable = 'Redis is unavailable: this process counts rate limits alone';

/** Starts a server that accepts connections and never responds. Returns its port. */
async function startSilentServer(): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
  addCleanup(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return listen(server);
}

describe('REDIS_URL', () => {
  it.concurrent.each([
    ['does not listen', findFreePort, 'ECONNREFUSED'],
    ['does not respond', startSilentServer, 'no response'],
  ])(
    'delays neither start, operations nor exit if Redis %s, and its password is not logged',
    async (_, findPort, reason) => {
      const upstream = await startUpstream();
      const gateway = await launchGateway({
        CLOUDCA_API_URL: upstream.url,
        REDIS_URL: `redis://usercanary:passcanary@127.0.0.1:${await findPort()}`,
        RATE_LIMIT_PER_MINUTE: '3',
        LOG_LEVEL: 'trace',
      });
      await gateway.waitForLog(unavailable);
      const statuses: number[] = [];
      for (let count = 0; count < 4; count++) {
        statuses.push((await post(gateway.url, { query: '{ environments { id } }' }, keyHeader('key'))).status);
      }
      const metrics = (await sendRequest(`${gateway.opsUrl}/metrics`)).text;
      gateway.signal('SIGTERM');

      expect(statuses).toEqual([200, 200, 200, 429]);
      expect(metrics).toMatch(/^gateway_redis_unavailable 1$/m);
      expect(metrics).toMatch(/^gateway_ratelimit_fallback_total 4$/m);
      expect(await gateway.exit).toEqual({ code: 0, signal: null });
      expect(gateway.lines().filter(({ msg }) => msg === unavailable)).toMatchObject([{ level: 40, reason }]);
      expect(gateway.stdout() + gateway.stderr()).not.toContain('canary');
    },
  );
});
