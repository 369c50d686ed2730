// The built gateway writes no files, so it runs on a read-only file system. Node's permission model rejects every write.
import { describe, expect, it } from '@jest/globals';
import { keyHeader } from '../../helpers/fixtures.js';
import { launch, launchGateway } from '../../helpers/process.js';
import { json, startUpstream } from '../../helpers/upstream.js';
import { sendRequest, post } from '../../helpers/http.js';
import { subscribeBySse, subscribeByWebSocket } from '../../server/subscriptions/subscribers.js';
import { vpnsSubscription } from '../../server/subscriptions/mutable-rest-api.js';

// Node 20 has the flag under an experimental name.
const permission = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';
const readOnly = `--disable-warning=ExperimentalWarning ${permission} --allow-fs-read=*`;
const list = { query: '{ siteToSiteVpns(environment: { serviceCode: "compute-on", name: "a" }) { totalCount } }' };

describe('Without permission to write files or to start processes and workers', () => {
  it.concurrent('the gateway starts, responds, logs failures and exits', async () => {
    const upstream = await startUpstream(({ url }) => (url.includes('tasks') ? json(500, {}) : { data: [] }));
    const gateway = await launchGateway({
      NODE_ENV: 'production',
      PLAYGROUND: 'true',
      LOG_LEVEL: 'trace',
      HOST: '127.0.0.1',
      CLOUDCA_API_URL: upstream.url,
      NODE_OPTIONS: readOnly,
    });
    const key = keyHeader('key');

    expect(await post(gateway.url, list, key)).toMatchObject({
      status: 200,
      json: { data: { siteToSiteVpns: { totalCount: 0 } } },
    });
    expect(
      await post(gateway.url, { query: '{ task(id: "d49b2922-0581-4587-94df-6fe719327d0f") { id } }' }, key),
    ).toMatchObject({
      json: { errors: [{ extensions: { code: 'UPSTREAM_ERROR' } }] },
    });
    expect(await sendRequest(gateway.url, { headers: { accept: 'text/html' } })).toMatchObject({ status: 200 });
    expect(await sendRequest(`${gateway.opsUrl}/metrics`)).toMatchObject({ status: 200 });
    const subscribers = [
      subscribeByWebSocket(gateway.url, 'key')(vpnsSubscription),
      subscribeBySse(gateway.url, 'key')(vpnsSubscription),
    ];
    await Promise.all(subscribers.map((subscriber) => subscriber.waitForEvents(1)));
    gateway.signal('SIGTERM');
    expect(await gateway.exit).toEqual({ code: 0, signal: null });
    expect(gateway.stderr()).toBe('');
  });

  it.concurrent('the process exits with 1 if it writes a file', async () => {
    const script = 'import { writeFileSync } from "node:fs"; writeFileSync("/tmp/gateway-may-not-write", "");';
    const gateway = launch({
      NODE_OPTIONS: `${readOnly} --import data:text/javascript,${encodeURIComponent(script)}`,
    });

    expect(await gateway.exit).toEqual({ code: 1, signal: null });
    expect(gateway.stderr()).toContain('ERR_ACCESS_DENIED');
  });
});
