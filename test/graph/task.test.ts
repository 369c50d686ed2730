// Query.task: both forms of the REST response, the removal of secrets from the result, and the VPN that it names.
import { describe, expect, it } from '@jest/globals';
import { json, raw } from '../helpers/upstream.js';
import { fieldsOfContract } from './contract.js';
import { environment, environmentPath, numberedId, numberedVpc, numberedVpn, range } from '../helpers/fixtures.js';
import { failure, startOnUpstream } from './graph-client.js';

const graph = await startOnUpstream();

const id = numberedId('task', 1);
const allFields = 'id status created result siteToSiteVpn { name } errors { code message }';
const taskOf = (fields: string) =>
  `query ($id: ID!, $environment: EnvironmentInput) { task(id: $id, environment: $environment) { ${fields} } }`;
const reason = { errorCode: 431, errorText: 'The gateway is taken.' };
const response = (fields: object) => ({
  data: { task: { id, status: 'PENDING', created: null, result: null, siteToSiteVpn: null, errors: [], ...fields } },
});

describe('Query.task', () => {
  it.each([
    [
      'the documented form',
      {
        taskId: id,
        taskStatus: 'SUCCESS',
        created: '2026-11-23T18:30:00.5Z',
        result: numberedVpn(1, 1, { ipSecPsk: undefined }),
      },
    ],
    [
      'the form with data',
      {
        data: {
          id,
          status: 'SUCCESS',
          created: '2026-11-23T19:30:00.5+01:00',
          result: numberedVpn(1, 1, { ipSecPsk: undefined }),
        },
      },
    ],
  ])('returns every field of the contract from %s', async (_, wire) => {
    graph.upstream.script(() => wire);
    const body = response({
      status: 'SUCCESS',
      created: '2026-11-23T18:30:00.500Z',
      result: numberedVpn(1, 1, { ipSecPsk: undefined }),
      siteToSiteVpn: { name: 'vpn-0001' },
    });
    expect(Object.keys(body.data.task).toSorted()).toEqual(fieldsOfContract('Task'));
    expect(await graph.execute(taskOf(allFields), { id })).toEqual(body);
    expect(graph.calls()).toEqual([`GET /tasks/${id}`]);
  });

  it.each([
    ['PENDING', 'PENDING'],
    ['pending', 'PENDING'],
    ['Success', 'SUCCESS'],
    ['failed', 'FAILED'],
    ['QUEUED', 'UNKNOWN'],
    ['', 'UNKNOWN'],
  ])('reads the status %j as %s', async (wire, status) => {
    for (const body of [{ taskStatus: wire }, { data: { status: wire } }]) {
      graph.upstream.script(() => body);
      expect(await graph.execute(taskOf(allFields), { id })).toEqual(response({ status }));
    }
  });

  it.each([
    ['2015-07-07', '2015-07-07T00:00:00.000Z'],
    ['2015-07-07T10:11:12', '2015-07-07T10:11:12.000Z'],
    ['2015-07-07 10:11:12.123456Z', '2015-07-07T10:11:12.123Z'],
    ['2015-07-07T10:11:12-0430', '2015-07-07T14:41:12.000Z'],
    ['2015-02-30', null],
    ['yesterday', null],
    [1436227200, null],
    [null, null],
  ])('reads created %j as %j', async (created, instant) => {
    graph.upstream.script(() => ({ data: { status: 'PENDING', created } }));
    expect(await graph.execute(taskOf(allFields), { id })).toEqual(response({ created: instant }));
  });

  it('returns a number beyond 2^53 in its result as a string', async () => {
    const result = '{"jobId": 12345678901234567890, "size": 7}';
    graph.upstream.script(() => raw(200, `{"taskStatus": "SUCCESS", "result": ${result}}`));
    expect(await graph.execute(taskOf('result'), { id })).toEqual({
      data: { task: { result: { jobId: '12345678901234567890', size: 7 } } },
    });
  });

  it.each([
    ['a FAILED task', 200, { taskStatus: 'FAILED' }],
    ['a FAILED task in a 500', 500, { data: { id, status: 'FAILED' } }],
    ['a task without a status in a 500', 500, { taskId: id }],
  ])('has the reason in the result of %s as its error', async (_, status, fields) => {
    const body = 'data' in fields ? { data: { ...fields.data, result: reason } } : { ...fields, result: reason };
    graph.upstream.script(() => json(status, body));
    expect(await graph.execute(taskOf('status errors { code message }'), { id })).toEqual({
      data: { task: { status: 'FAILED', errors: [{ code: '431', message: 'The gateway is taken.' }] } },
    });
  });

  it('has no result until it has succeeded', async () => {
    graph.upstream.script(() => ({ taskStatus: 'PENDING', result: numberedVpn(1, 1) }));
    expect(await graph.execute(taskOf(allFields), { id })).toEqual(response({}));
  });

  it('is null if the REST API does not know it', async () => {
    graph.upstream.script(() => json(404, { errors: [{ code: 1, message: 'No such task.' }] }));
    expect(await graph.execute(taskOf(allFields), { id })).toEqual({ data: { task: null } });
    expect(graph.calls()).toEqual([`GET /tasks/${id}`]);
  });

  it.each(['', '..', 'x', `${id}/`, '\ud800'])(
    'is null for the id %j, which is not a UUID, without a REST call',
    async (bad) => {
      expect(await graph.execute(taskOf(allFields), { id: bad, environment })).toEqual({ data: { task: null } });
      expect(graph.calls()).toEqual([]);
    },
  );

  it('sends organizationId as org_id', async () => {
    graph.upstream.script(() => ({ taskStatus: 'PENDING' }));
    const own = { ...environment, organizationId: numberedId('vpc', 9) };
    expect(await graph.execute(taskOf('status'), { id, environment: own })).toEqual({
      data: { task: { status: 'PENDING' } },
    });
    expect(graph.calls()).toEqual([`GET /tasks/${id}?org_id=${numberedId('vpc', 9)}`]);
  });

  it.each([
    ['a task without a status', { taskId: id }],
    ['a status of the wrong type', { taskStatus: 5 }],
    ['a list', { data: [] }],
    ['an empty object', {}],
  ])('is UPSTREAM_BAD_RESPONSE for %s', async (_, wire) => {
    graph.upstream.script(() => wire);
    expect(await graph.execute(taskOf(allFields), { id })).toEqual({
      data: { task: null },
      errors: [failure('UPSTREAM_BAD_RESPONSE', ['task'], expect.any(String))],
    });
  });

  it('is UPSTREAM_BAD_RESPONSE for an empty body', async () => {
    graph.upstream.script(() => raw(204));
    expect(await graph.execute(taskOf(allFields), { id })).toEqual({
      data: { task: null },
      errors: [failure('UPSTREAM_BAD_RESPONSE', ['task'], expect.any(String))],
    });
  });
});

describe('Task.errors', () => {
  it('are the errors of a 400, which means that the task has failed', async () => {
    const errors = [
      { code: 2020, message: 'The gateway cannot be reached.' },
      { errorCode: 'QUOTA', message: 'The quota is used up.' },
      { message: 'For no reason.' },
      'A text.',
      {},
    ];
    graph.upstream.script(() => json(400, { errors }));
    expect(await graph.execute(taskOf(allFields), { id })).toEqual(
      response({
        status: 'FAILED',
        errors: [
          { code: '2020', message: 'The gateway cannot be reached.' },
          { code: 'QUOTA', message: 'The quota is used up.' },
          { code: null, message: 'For no reason.' },
          { code: null, message: 'A text.' },
          { code: null, message: 'The REST API gave no reason.' },
        ],
      }),
    );
  });

  it('are read next to the status FAILED in both forms', async () => {
    const errors = [{ code: 2020, message: 'It went wrong.' }];
    for (const body of [{ taskStatus: 'FAILED', errors }, { data: { status: 'failed', errors } }]) {
      graph.upstream.script(() => body);
      expect(await graph.execute(taskOf(allFields), { id })).toEqual(
        response({ status: 'FAILED', errors: [{ code: '2020', message: 'It went wrong.' }] }),
      );
    }
  });

  it('are errors of the query if the status is not FAILED', async () => {
    graph.upstream.script(() => ({ taskStatus: 'PENDING', errors: [{ code: 9, message: 'Not now.' }] }));
    expect(await graph.execute(taskOf(allFields), { id })).toEqual({
      data: { task: null },
      errors: [
        failure('UPSTREAM_ERROR', ['task'], 'The REST API rejected the request.', {
          upstream: { status: 200, errors: [{ code: '9', message: 'Not now.' }] },
        }),
      ],
    });
  });
});

describe('Task.result', () => {
  it('has no ipSecPsk, at any depth and in any spelling', async () => {
    // Text, because __proto__ is an ordinary field in JSON, but not in an object literal.
    const result = `{
      "id": "x", "ipSecPsk": "canary", "IPSECPSK": "canary", "ipsecpsk": ["canary"],
      "nested": { "IpSecPsk": { "a": "canary" }, "kept": 1, "deeper": [{ "ipSecPSK": "canary", "kept": null }, [{ "ipSecPsk": 5 }]] },
      "__proto__": { "ipSecPsk": "canary", "kept": true },
      "list": [1, "two", false, null, {}]
    }`;
    graph.upstream.script(() => raw(200, `{"taskStatus": "SUCCESS", "result": ${result}}`));
    const body = await graph.execute(taskOf('result'), { id });
    const kept = `{
      "id": "x", "nested": { "kept": 1, "deeper": [{ "kept": null }, [{}]] },
      "__proto__": { "kept": true }, "list": [1, "two", false, null, {}]
    }`;
    expect(JSON.stringify(body)).toBe(JSON.stringify(JSON.parse(`{"data":{"task":{"result":${kept}}}}`)));
    expect(JSON.stringify(body)).not.toMatch(/canary|ipsecpsk/i);
  });

  it('is truncated below the maximum depth', async () => {
    const deep = range(40).reduce<object>((inner) => ({ a: inner }), { ipSecPsk: 'canary' });
    graph.upstream.script(() => ({ taskStatus: 'SUCCESS', result: deep }));
    const body = JSON.stringify(await graph.execute(taskOf('result'), { id }));
    expect(body).toBe(`{"data":{"task":{"result":${'{"a":'.repeat(33)}null${'}'.repeat(33)}}}}`);
  });

  it('is null if it has more than 20 pre-shared keys, and redacts up to 20 in its strings', async () => {
    const keys = (count: number) =>
      range(count).map((index) => ({ ipSecPsk: `canary-${index}`, note: `x canary-${index}.` }));
    graph.upstream.script(() => ({ taskStatus: 'SUCCESS', result: keys(20) }));
    expect(await graph.execute(taskOf(allFields), { id })).toEqual(
      response({ status: 'SUCCESS', result: Array(20).fill({ note: 'x [secret].' }) }),
    );
    graph.upstream.script(() => ({ taskStatus: 'SUCCESS', result: keys(21) }));
    expect(await graph.execute(taskOf(allFields), { id })).toEqual(response({ status: 'SUCCESS', result: null }));
  });

  it.each([
    ['an array', (count: number): unknown => range(count)],
    ['an object', (count: number): unknown => Object.fromEntries(range(count).map((index) => [`name-${index}`, 1]))],
  ])('is null if it has more than 5,000 values, e.g. in %s', async (_name, toValues) => {
    // The result itself is a value, and so is what is in it.
    graph.upstream.script(() => ({ taskStatus: 'SUCCESS', result: { values: toValues(4_998) } }));
    expect(await graph.execute(taskOf(allFields), { id })).toEqual(
      response({ status: 'SUCCESS', result: { values: toValues(4_998) } }),
    );
    graph.upstream.script(() => ({ taskStatus: 'SUCCESS', result: { values: toValues(4_999) } }));
    expect(await graph.execute(taskOf(allFields), { id })).toEqual(response({ status: 'SUCCESS', result: null }));
  });

  it('has no pre-shared key in a JSON text, under any spelling of its name', async () => {
    const vpn = { name: 'office', ipsec_psk: 'canary"9\\psk', ipSecPsk: 'other-canary' };
    const result = {
      IPSEC_PSK: 'third-canary',
      text: JSON.stringify({ vpn }),
      nested: JSON.stringify({ text: JSON.stringify(vpn) }),
      note: `third-canary ${encodeURIComponent('canary"9\\psk')} ${Buffer.from('<other-canary>').toString('base64')}`,
    };
    graph.upstream.script(() => ({ taskStatus: 'SUCCESS', result }));
    const body = JSON.stringify(await graph.execute(taskOf('result'), { id }));
    expect(body).not.toMatch(/canary|9|Y2FuYXJ5/);
    expect(body).toContain('"note":"[secret] [secret] P[secret]4=');
    expect(body).toContain('office');
  });

  it.each([['a text'], [17], [false], [null], [['a list']]])('can be %j', async (result) => {
    graph.upstream.script(() => ({ taskStatus: 'SUCCESS', result }));
    expect(await graph.execute(taskOf(allFields), { id })).toEqual(response({ status: 'SUCCESS', result }));
  });
});

describe('Task.siteToSiteVpn', () => {
  const vpn = numberedId('vpn', 1);

  it('is loaded, with its VPC, if the environment is sent', async () => {
    graph.upstream.script(({ url }) => {
      if (url.includes('/tasks/')) return { taskStatus: 'SUCCESS', result: numberedVpn(1, 1, { state: 'Pending' }) };
      return { data: url.includes('/vpcs/') ? numberedVpc(1) : numberedVpn(1, 1) };
    });
    const query = taskOf('siteToSiteVpn { state ipSecPsk environment { name } vpc { name } }');
    expect(await graph.execute(query, { id, environment })).toEqual({
      data: {
        task: {
          siteToSiteVpn: {
            state: 'CONNECTED',
            ipSecPsk: 'jLc61orHZGiKWZ32YDFKhYUl',
            environment: { name: 'test_area' },
            vpc: { name: 'vpc-0001' },
          },
        },
      },
    });
    expect(graph.calls()).toEqual([
      `GET /tasks/${id}`,
      `GET ${environmentPath}/sitetositevpns/${vpn}`,
      `GET ${environmentPath}/vpcs/${numberedId('vpc', 1)}`,
    ]);
  });

  it('is taken from the result without the environment; its environment is null, its VPC has an id', async () => {
    graph.upstream.script(() => ({ taskStatus: 'SUCCESS', result: numberedVpn(1, 1, { state: 'Pending' }) }));
    const query = taskOf('siteToSiteVpn { name state ipSecPsk environment { name } vpcId vpc { __typename id } }');
    expect(await graph.execute(query, { id })).toEqual({
      data: {
        task: {
          siteToSiteVpn: {
            name: 'vpn-0001',
            state: 'PENDING',
            ipSecPsk: 'jLc61orHZGiKWZ32YDFKhYUl',
            environment: null,
            vpcId: numberedId('vpc', 1),
            vpc: { __typename: 'Vpc', id: numberedId('vpc', 1) },
          },
        },
      },
    });
    expect(graph.calls()).toEqual([`GET /tasks/${id}`]);
  });

  it.each(['name', 'environment { name }', 'siteToSiteVpns { totalCount }'])(
    'has a null VPC, with BAD_USER_INPUT, if %s is selected without the environment',
    async (field) => {
      graph.upstream.script(() => ({ taskStatus: 'SUCCESS', result: numberedVpn(1, 1) }));
      expect(await graph.execute(taskOf(`status siteToSiteVpn { name vpc { id ${field} } }`), { id })).toEqual({
        data: { task: { status: 'SUCCESS', siteToSiteVpn: { name: 'vpn-0001', vpc: null } } },
        errors: [
          failure(
            'BAD_USER_INPUT',
            ['task', 'siteToSiteVpn', 'vpc'],
            'Without the environment of the task, only the id of its VPC can be selected. Send the environment argument to select more.',
          ),
        ],
      });
      expect(graph.calls()).toEqual([`GET /tasks/${id}`]);
    },
  );

  it.each([
    ['absent', undefined],
    ['null', null],
    ['a text', vpn],
    ['a list', [numberedVpn(1, 1)]],
    ['an object without an id', { name: 'vpn' }],
    ['an object whose id is not a UUID', { id: '../vpcs' }],
    ['an object whose id is not a string', { id: 5 }],
  ])('is null if the result is %s, without another REST call', async (_, result) => {
    for (const variables of [{ id }, { id, environment }]) {
      graph.upstream.script(() => ({ taskStatus: 'SUCCESS', result }));
      expect(await graph.execute(taskOf('siteToSiteVpn { id }'), variables)).toEqual({
        data: { task: { siteToSiteVpn: null } },
      });
      expect(graph.calls()).toHaveLength(1);
    }
  });

  it('is null if the result names no VPN, or one that does not exist', async () => {
    graph.upstream.script(({ url }) =>
      url.includes('/tasks/') ? { taskStatus: 'SUCCESS', result: { id: vpn } } : json(404, { errors: ['No.'] }),
    );
    expect(await graph.execute(taskOf('siteToSiteVpn { id }'), { id, environment })).toEqual({
      data: { task: { siteToSiteVpn: null } },
    });
    expect(graph.calls()).toHaveLength(2);
    expect(await graph.execute(taskOf('siteToSiteVpn { id }'), { id })).toEqual({
      data: { task: { siteToSiteVpn: null } },
    });
    expect(graph.calls()).toHaveLength(1);
  });

  it('is taken from the result if the environment does not have it yet', async () => {
    const result = numberedVpn(1, 1, {
      id: vpn.toUpperCase(),
      state: undefined,
      dpd: 'true',
      cidr: '',
      cidrList: ['10.0.0.0/8'],
    });
    const notFound = json(404, { errors: [{ errorCode: 'NOT_FOUND', message: 'Not yet.' }] });
    graph.upstream.script(({ url }) => {
      if (url.includes('/tasks/')) return { taskStatus: 'SUCCESS', result };
      return url.includes('/vpcs/') ? { data: numberedVpc(1) } : notFound;
    });
    const query = taskOf('siteToSiteVpn { name state dpd cidrs environment { name } vpc { name } }');
    expect(await graph.execute(query, { id, environment })).toEqual({
      data: {
        task: {
          siteToSiteVpn: {
            name: 'vpn-0001',
            state: 'UNKNOWN',
            dpd: true,
            cidrs: ['10.0.0.0/8'],
            environment: { name: 'test_area' },
            vpc: { name: 'vpc-0001' },
          },
        },
      },
    });
  });

  it('is null, with an error, if it cannot be loaded; the task is returned', async () => {
    graph.upstream.script(({ url }) =>
      url.includes('/tasks/') ? { taskStatus: 'SUCCESS', result: { id: vpn } } : json(403, { errors: ['No.'] }),
    );
    expect(await graph.execute(taskOf('status siteToSiteVpn { id }'), { id, environment })).toEqual({
      data: { task: { status: 'SUCCESS', siteToSiteVpn: null } },
      errors: [
        failure('FORBIDDEN', ['task', 'siteToSiteVpn'], 'This API key is not allowed to do that.', {
          upstream: { status: 403, errors: [{ code: null, message: 'No.' }] },
        }),
      ],
    });
  });
});
