// x-explain: the REST calls of an operation in extensions.restCalls, in development only.
import { describe, expect, it } from '@jest/globals';
import { canaryKey, canaryPsk, environmentLiteral, keyHeader, numberedVpc, wireVpn } from '../../helpers/fixtures.js';
import { startGateway } from '../../helpers/gateway.js';
import { post } from '../../helpers/http.js';
import { dropConnection, json, startUpstream } from '../../helpers/upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';

const upstream = await startUpstream();
const { url } = await startGateway({ restApi: upstream.url });
const explain = { 'x-explain': 'true' };
const list = `{ siteToSiteVpns(environment: ${environmentLiteral}) { nodes { name vpc { name } } } }`;
const vpnsRoute = '/services/{serviceCode}/{environmentName}/sitetositevpns';
const vpcsRoute = '/services/{serviceCode}/{environmentName}/vpcs';

const run = (query: string, headers: Readonly<Record<string, string>> = explain, to = url) =>
  post(to, { query }, { ...keyHeader(canaryKey), ...headers });

const call = (fields: object) => ({
  method: 'GET',
  status: 200,
  start: expect.any(Number),
  milliseconds: expect.any(Number),
  attempt: 1,
  shared: false,
  ...fields,
});

describe('extensions.restCalls', () => {
  it('lists each REST call of a query, retries included, without data of the caller', async () => {
    let vpnCalls = 0;
    upstream.script(({ url: path }) => {
      if (path.includes('/vpcs')) return { data: [numberedVpc(0)] };
      return ++vpnCalls === 1 ? dropConnection : { data: [wireVpn({ ipSecPsk: canaryPsk })] };
    });
    const { json: body, text } = await run(list);

    expect(body).toMatchObject({ data: { siteToSiteVpns: expect.any(Object) } });
    expect(body).toHaveProperty('extensions.restCalls', expect.any(Array));
    expect(body).toHaveProperty(
      'extensions.restCalls',
      expect.arrayContaining([
        call({ route: vpnsRoute, status: null }),
        call({ route: vpnsRoute, attempt: 2 }),
        call({ route: vpcsRoute }),
      ]),
    );
    expect(body).toHaveProperty('extensions.restCalls.length', 3);
    expect(text).not.toMatch(/canary/i);
  });

  it('lists a read that joins a call of another operation as shared', async () => {
    const held: (() => void)[] = [];
    upstream.script(() => (response) => {
      held.push(() => {
        json(200, { data: [] })(response);
      });
    });
    const query = '{ environments { id } }';
    const first = run(query);
    await waitUntil(() => held.length === 1);
    const second = run(query, { ...explain, 'x-request-id': 'second' });
    const third = run('{ environments { id } organizations { id } }');
    await waitUntil(() => held.length === 2);
    // The second request has arrived before the third.
    for (const respond of held) respond();
    const shared = (await Promise.all([first, second, third])).map(({ json: body }) => body);

    expect(shared[0]).toHaveProperty('extensions.restCalls', [call({ route: '/environments' })]);
    expect(shared[1]).toHaveProperty('extensions.restCalls', [call({ route: '/environments', shared: true })]);
    expect(upstream.calls.filter(({ url: path }) => path.includes('/environments'))).toHaveLength(1);
  });

  it('lists the write of a mutation, and is there beside errors', async () => {
    upstream.script(() => json(500, { errors: [{ message: 'No.' }] }));
    const input = `{environment: ${environmentLiteral}, id: "d49b2922-0581-4587-94df-6fe719327d0f"}`;
    const { json: body } = await run(`mutation { resetSiteToSiteVpn(input: ${input}) { task { id } } }`);

    expect(body).toMatchObject({ errors: [expect.any(Object)] });
    expect(body).toHaveProperty('extensions.restCalls', [
      call({ method: 'POST', route: `${vpnsRoute}/{id}`, status: 500 }),
    ]);
  });

  it('is empty if the operation is rejected, and absent unless the header is `true`', async () => {
    expect((await run('{ nothing }')).json).toHaveProperty('extensions.restCalls', []);
    upstream.script(() => ({ data: [] }));
    for (const headers of [{}, { 'x-explain': 'false' }, { 'x-explain': '1' }]) {
      expect((await run('{ environments { id } }', headers)).json).toEqual({ data: { environments: [] } });
    }
  });

  it('is absent without introspection', async () => {
    upstream.script(() => ({ data: [] }));
    const production = await startGateway({ restApi: upstream.url, config: { introspection: false } });

    expect((await run('{ environments { id } }', explain, production.url)).json).toEqual({
      data: { environments: [] },
    });
  });
});
