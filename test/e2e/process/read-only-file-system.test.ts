// The built program and the file system: it writes nothing, so whatever it runs on may be read-only. Node itself refuses it every write.
import { describe, expect, it } from '@jest/globals';
import { launch, launchGateway } from '../../helpers/process.js';
import { json, startUpstream } from '../../helpers/upstream.js';
import { ask, post } from '../../helpers/wire.js';
import { byEventStream, byWebSocket } from '../../server/subscriptions/subscribers.js';
import { followVpns } from '../../server/subscriptions/changing-rest-api.js';

// Node 20 has it as an experiment.
const permission = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';
const readOnly = `--disable-warning=ExperimentalWarning ${permission} --allow-fs-read=*`;
const list = { query: '{ siteToSiteVpns(environment: { serviceCode: "compute-on", name: "a" }) { totalCount } }' };

describe('Without leave to write a file, to start a process or a worker', () => {
  it('the gateway starts, serves, tells of failures and ends', async () => {
    const upstream = await startUpstream(({ url }) => (url.includes('tasks') ? json(500, {}) : { data: [] }));
    const gateway = await launchGateway({
      NODE_ENV: 'production',
      PLAYGROUND: 'true',
      LOG_LEVEL: 'trace',
      HOST: '127.0.0.1',
      CLOUDCA_API_URL: upstream.url,
      NODE_OPTIONS: readOnly,
    });
    const key = { 'mc-api-key': 'key' };

    expect(await post(gateway.url, list, key)).toMatchObject({
      status: 200,
      json: { data: { siteToSiteVpns: { totalCount: 0 } } },
    });
    expect(
      await post(gateway.url, { query: '{ task(id: "d49b2922-0581-4587-94df-6fe719327d0f") { id } }' }, key),
    ).toMatchObject({
      json: { errors: [{ extensions: { code: 'UPSTREAM_ERROR' } }] },
    });
    expect(await ask(gateway.url, { headers: { accept: 'text/html' } })).toMatchObject({ status: 200 });
    expect(await ask(`${gateway.opsUrl}/metrics`)).toMatchObject({ status: 200 });
    const following = [byWebSocket(gateway.url, 'key')(followVpns), byEventStream(gateway.url, 'key')(followVpns)];
    await Promise.all(following.map((each) => each.has(1)));
    gateway.signal('SIGTERM');
    expect(await gateway.exit).toEqual({ code: 0, signal: null });
    expect(gateway.stderr()).toBe('');
  });

  it('a program that writes one does not get far', async () => {
    const script = 'import { writeFileSync } from "node:fs"; writeFileSync("/tmp/gateway-may-not-write", "");';
    const gateway = launch({
      NODE_OPTIONS: `${readOnly} --import data:text/javascript,${encodeURIComponent(script)}`,
    });

    expect(await gateway.exit).toEqual({ code: 1, signal: null });
    expect(gateway.stderr()).toContain('ERR_ACCESS_DENIED');
  });
});
