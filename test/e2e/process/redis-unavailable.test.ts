// The built gateway with a REDIS_URL where there is no Redis to be had. With a real one: test/redis.
import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { atEnd } from '../../helpers/at-end.js';
import { findFreePort } from '../../helpers/free-port.js';
import { launchGateway } from '../../helpers/process.js';
import { startUpstream } from '../../helpers/upstream.js';
import { ask, post } from '../../helpers/wire.js';

const lost = 'Redis is lost: this process counts alone what keys spend';

/** Takes connections, and says nothing. */
async function startSilence(): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('The listener has no port.');
  return address.port;
}

describe('REDIS_URL', () => {
  it.each([
    ['nobody listens', findFreePort, 'ECONNREFUSED'],
    ['nobody answers', startSilence, 'no answer'],
  ])(
    'holds up neither start, operations nor end where %s, and its password is told nowhere',
    async (_, find, reason) => {
      const upstream = await startUpstream();
      const gateway = await launchGateway({
        CLOUDCA_API_URL: upstream.url,
        REDIS_URL: `redis://usercanary:passcanary@127.0.0.1:${await find()}`,
        RATE_LIMIT_PER_MINUTE: '3',
        LOG_LEVEL: 'trace',
      });
      await gateway.says(lost);
      const statuses: number[] = [];
      for (let n = 0; n < 4; n++) {
        statuses.push((await post(gateway.url, { query: '{ environments { id } }' }, { 'mc-api-key': 'key' })).status);
      }
      const metrics = (await ask(`${gateway.opsUrl}/metrics`)).text;
      gateway.signal('SIGTERM');

      expect(statuses).toEqual([200, 200, 200, 429]);
      expect(metrics).toMatch(/^gateway_redis_lost 1$/m);
      expect(metrics).toMatch(/^gateway_counted_alone_total 4$/m);
      expect(await gateway.exit).toEqual({ code: 0, signal: null });
      expect(gateway.lines().filter(({ msg }) => msg === lost)).toMatchObject([{ level: 40, reason }]);
      expect(gateway.stdout() + gateway.stderr()).not.toContain('canary');
    },
  );
});
