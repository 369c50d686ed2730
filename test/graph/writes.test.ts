// All mutations: rejected writes, failures, unknown outcomes, waits for the task, and several writes in one operation. The clock is
// fake.
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { useFakeClock } from '../helpers/fake-clock.js';
import { post } from '../helpers/http.js';
import { trackRestCalls } from '../helpers/rest-calls.js';
import { dropConnection, json, raw, type Script } from '../helpers/upstream.js';
import { waitUntil } from '../helpers/wait-until.js';
import { rootFields, toOperation } from './root-fields.js';
import { environment, environmentPath, keyHeader, numberedId, numberedVpn } from '../helpers/fixtures.js';
import { failure, listAt, startOnUpstream, textAt } from './graph-client.js';

// Less than a mutation may wait for its task.
const deadlineMs = 10_000;
const graph = await startOnUpstream({ cloudcaApiTimeoutMs: deadlineMs });
const restCalls = trackRestCalls(graph.gateway.client);
const clock = useFakeClock();

const id = numberedId('vpn', 1);
const taskId = numberedId('task', 1);
const psk = 'Kz81mPq04LtYvB';

const fieldNames = ['createSiteToSiteVpn', 'updateSiteToSiteVpn', 'deleteSiteToSiteVpn', 'resetSiteToSiteVpn'] as const;
type FieldName = (typeof fieldNames)[number];
const payloadFields = 'task { id status errors { code message } } userErrors { field message code upstreamCode }';

function operation(name: FieldName, waitSeconds = 0): { query: string; variables: Record<string, unknown> } {
  const field = rootFields('Mutation').find((candidate) => candidate.name === name);
  if (field === undefined) throw new TypeError(`The schema has no mutation ${name}.`);
  const { query, variables } = toOperation('mutation', field, {}, payloadFields);
  return { query, variables: { input: { ...Object(variables['input']), waitSeconds } } };
}

/** Lets the deadline pass instead of a response. */
const passDeadline = () => {
  clock.advance(deadlineMs);
};

/** Runs an operation, without waiting for the time between polls. */
const execute: typeof graph.execute = (...request) => restCalls.complete(graph.execute(...request), clock);

/**
 * Runs a mutation against a scripted upstream. The script is of the write and the polls of its task. Reads of VPNs return one that the write
 * does not conflict with.
 */
async function run(name: FieldName, script: Script, waitSeconds = 0): Promise<unknown> {
  const vpn = numberedVpn(1, 1);
  graph.upstream.script((sent, index) =>
    sent.method === 'GET' && !sent.url.includes('/tasks/')
      ? { data: sent.url.endsWith('/sitetositevpns') ? [vpn] : vpn }
      : script(sent, index),
  );
  const { query, variables } = operation(name, waitSeconds);
  return execute(query, variables);
}

const call = {
  createSiteToSiteVpn: `POST ${environmentPath}/sitetositevpns`,
  updateSiteToSiteVpn: `PUT ${environmentPath}/sitetositevpns/${id}`,
  deleteSiteToSiteVpn: `DELETE ${environmentPath}/sitetositevpns/${id}`,
  resetSiteToSiteVpn: `POST ${environmentPath}/sitetositevpns/${id}?operation=reset`,
};
const list = `GET ${environmentPath}/sitetositevpns`;
const rejectedCalls = {
  createSiteToSiteVpn: [call.createSiteToSiteVpn, list],
  updateSiteToSiteVpn: [call.updateSiteToSiteVpn, list],
  deleteSiteToSiteVpn: [call.deleteSiteToSiteVpn],
  resetSiteToSiteVpn: [call.resetSiteToSiteVpn],
};
const lostCalls = {
  ...rejectedCalls,
  deleteSiteToSiteVpn: [call.deleteSiteToSiteVpn, `GET ${environmentPath}/sitetositevpns/${id}`],
};
const advice = {
  createSiteToSiteVpn: 'check whether the environment has a site-to-site VPN with this name.',
  updateSiteToSiteVpn: 'check whether the site-to-site VPN has the new attributes.',
  deleteSiteToSiteVpn: 'check whether the site-to-site VPN still exists.',
  resetSiteToSiteVpn: 'check the state of the site-to-site VPN.',
};
const payload = (name: FieldName, fields: object) => ({ data: { [name]: { task: null, userErrors: [], ...fields } } });

describe.each(fieldNames)('Mutation.%s', (name) => {
  it('is sent once, with the key; only a create and an update have a body', async () => {
    expect(await run(name, () => ({}))).toEqual(payload(name, {}));
    expect(graph.upstream.calls).toHaveLength(1);
    const [sent] = graph.upstream.calls;
    expect(sent?.headers['mc-api-key']).toBe('sandbox-key');
    expect(sent?.body === '').toBe(name === 'deleteSiteToSiteVpn' || name === 'resetSiteToSiteVpn');
    expect(graph.calls()).toEqual([call[name]]);
  });

  it.each([
    ['a 400', 400],
    ['a 200 with errors', 200],
    ['a 202 with errors', 202],
    ['a 409', 409],
  ])('returns the errors of the REST API in userErrors for %s', async (_, status) => {
    const errors = [{ code: 2013, message: 'Taken.' }, { errorCode: 'QUOTA', message: 'Used up.' }, {}];
    expect(await run(name, () => json(status, { errors }))).toEqual(
      payload(name, {
        userErrors: [
          { field: null, code: 'REJECTED', message: 'Taken.', upstreamCode: '2013' },
          { field: null, code: 'REJECTED', message: 'Used up.', upstreamCode: 'QUOTA' },
          { field: null, code: 'REJECTED', message: 'The REST API gave no reason.', upstreamCode: null },
        ],
      }),
    );
    expect(graph.calls()).toEqual(rejectedCalls[name]);
  });

  it.each([['{}'], [''], ['<html>Bad request</html>'], ['{"errors":[]}']])(
    'is REJECTED without a reason for a 400 with the body %j',
    async (body) => {
      expect(await run(name, () => raw(400, body))).toEqual(
        payload(name, {
          userErrors: [
            { field: null, code: 'REJECTED', message: 'The REST API rejected the request.', upstreamCode: null },
          ],
        }),
      );
    },
  );

  it('returns the errors of a task that failed at once in userErrors', async () => {
    const body = { taskId, taskStatus: 'FAILED', errors: [{ code: 1, message: 'No.' }] };
    expect(await run(name, () => body)).toEqual(
      payload(name, { userErrors: [{ field: null, code: 'REJECTED', message: 'No.', upstreamCode: '1' }] }),
    );
  });

  it('redacts its secrets in the messages of the REST API', async () => {
    const message = `The key sandbox-key sent ${psk}.`;
    const hasKey = name === 'createSiteToSiteVpn' || name === 'updateSiteToSiteVpn';
    const redacted = hasKey ? 'The key [secret] sent [secret].' : `The key [secret] sent ${psk}.`;
    expect(await run(name, () => json(400, { errors: [{ code: 1, message }] }))).toEqual(
      payload(name, { userErrors: [{ field: null, code: 'REJECTED', message: redacted, upstreamCode: '1' }] }),
    );
  });

  it.each([
    [401, 'UNAUTHENTICATED', 'The REST API does not accept this API key.'],
    [403, 'FORBIDDEN', 'This API key is not allowed to do that.'],
    [429, 'RATE_LIMITED', 'The REST API limits the rate of requests. Try again later.'],
    [500, 'UPSTREAM_ERROR', 'The REST API failed to process the request.'],
    [501, 'UPSTREAM_ERROR', 'The REST API failed to process the request.'],
    [302, 'UPSTREAM_BAD_RESPONSE', 'The REST API sent a redirect. The gateway does not follow redirects.'],
  ])('is null, with an error, if the REST API responds with %i, and is not retried', async (status, code, message) => {
    const errors = [{ code: 7, message: 'Why.' }];
    const upstream = status === 302 ? {} : { upstream: { status, errors: [{ code: '7', message: 'Why.' }] } };
    expect(await run(name, () => json(status, { errors }, { location: '/elsewhere' }))).toEqual({
      data: { [name]: null },
      errors: [failure(code, [name], message, upstream)],
    });
    expect(graph.calls()).toEqual([call[name]]);
  });

  const unknownOutcome = (code: string, message: string, more: object = {}) => ({
    data: { [name]: null },
    errors: [
      failure(
        code,
        [name],
        `${message} The request may have succeeded all the same. Before you retry, ${advice[name]}`,
        { outcomeUnknown: true, ...more },
      ),
    ],
  });
  const undocumented = 'The REST API sent a response that is not of the documented form.';
  it.each<[string, Script, string, string]>([
    [
      'the connection is lost',
      () => dropConnection,
      'UPSTREAM_UNAVAILABLE',
      'The connection to the REST API was lost.',
    ],
    [
      'the REST API responds with 502',
      () => raw(502),
      'UPSTREAM_UNAVAILABLE',
      'The REST API is not available at the moment.',
    ],
    [
      'the REST API responds with 503 and Retry-After',
      () => raw(503, '<html>', { 'retry-after': '0' }),
      'UPSTREAM_UNAVAILABLE',
      'The REST API is not available at the moment.',
    ],
    ['the REST API responds with 504', () => raw(504), 'UPSTREAM_TIMEOUT', 'The REST API did not respond in time.'],
    ['the REST API responds with 200 and HTML', () => raw(200, '<html>'), 'UPSTREAM_BAD_RESPONSE', undocumented],
    [
      'the REST API responds with 202 and half a body',
      () => raw(202, '{"taskId": "'),
      'UPSTREAM_BAD_RESPONSE',
      undocumented,
    ],
    ['the REST API responds with a list', () => [], 'UPSTREAM_BAD_RESPONSE', undocumented],
    [
      'the REST API responds with a task whose id is a list',
      () => ({ taskId: [5] }),
      'UPSTREAM_BAD_RESPONSE',
      undocumented,
    ],
  ])('has an unknown outcome, and says what to check, if %s', async (_, script, code, message) => {
    expect(await run(name, script)).toEqual(unknownOutcome(code, message));
    expect(graph.calls()).toEqual(lostCalls[name]);
  });

  it('has an unknown outcome if the deadline passes before the response', async () => {
    expect(await run(name, () => passDeadline)).toEqual(
      unknownOutcome('UPSTREAM_TIMEOUT', 'The REST API did not respond in time.'),
    );
    expect(graph.calls()).toEqual([call[name]]);
  });

  it.each<[number, string, string]>([
    [408, 'UPSTREAM_BAD_RESPONSE', 'The REST API sent an unexpected response.'],
    [499, 'UPSTREAM_BAD_RESPONSE', 'The REST API sent an unexpected response.'],
    [500, 'UPSTREAM_ERROR', 'The REST API failed to process the request.'],
    [520, 'UPSTREAM_UNAVAILABLE', 'The REST API is not available at the moment.'],
    [524, 'UPSTREAM_TIMEOUT', 'The REST API did not respond in time.'],
    [530, 'UPSTREAM_UNAVAILABLE', 'The REST API is not available at the moment.'],
    [561, 'UPSTREAM_BAD_RESPONSE', 'The REST API sent an unexpected response.'],
  ])('has an unknown outcome if a proxy responds with %i and HTML', async (status, code, message) => {
    expect(await run(name, () => raw(status, '<html>'))).toEqual(unknownOutcome(code, message));
    expect(graph.calls()).toEqual(lostCalls[name]);
  });

  it('has certainly failed if the REST API says why in a 503', async () => {
    const upstream = { status: 503, errors: [{ code: 'BUSY', message: 'Later.' }] };
    expect(await run(name, () => json(503, { errors: [{ errorCode: 'BUSY', message: 'Later.' }] }))).toEqual({
      data: { [name]: null },
      errors: [failure('UPSTREAM_UNAVAILABLE', [name], 'The REST API is not available at the moment.', { upstream })],
    });
  });

  // An update takes a 404 to mean that the REST API has no updates.
  const proxyStatuses = name === 'updateSiteToSiteVpn' ? [403] : [403, 404];
  it.each(proxyStatuses)('is UPSTREAM_BAD_RESPONSE, not a user error, if a proxy responds with %i', async (status) => {
    expect(await run(name, () => raw(status, '<html>'))).toEqual({
      data: { [name]: null },
      errors: [failure('UPSTREAM_BAD_RESPONSE', [name], expect.stringContaining('A proxy responded'))],
    });
    expect(graph.calls()).toEqual([call[name]]);
  });

  const startedTask = { id: taskId, status: 'PENDING', errors: [] };

  it.each([
    ['at the top level', { taskId, taskStatus: 'PENDING' }],
    ['in data', { data: { taskId, taskStatus: 'PENDING' } }],
    ['without a status', { taskId }],
  ])('returns the task that the REST API sends %s', async (_, wire) => {
    expect(await run(name, () => wire)).toEqual(payload(name, { task: startedTask }));
    expect(graph.calls()).toEqual([call[name]]);
  });

  const writeAndPoll = [call[name], `GET /tasks/${taskId}`];
  const waitFor =
    (...polls: (object | typeof dropConnection)[]): Script =>
    (sent, index) =>
      sent.method === 'GET' && sent.url.includes('/tasks/')
        ? (polls[Math.min(index, polls.length) - 1] ?? {})
        : { taskId, taskStatus: 'PENDING' };

  it('waits for the task to succeed', async () => {
    const body = await run(name, waitFor({ taskStatus: 'PENDING' }, { taskStatus: 'SUCCESS', result: {} }), 30);
    expect(body).toEqual(payload(name, { task: { ...startedTask, status: 'SUCCESS' } }));
    expect(graph.calls()).toEqual([...writeAndPoll, `GET /tasks/${taskId}`]);
  });

  it('waits for the task to fail, without an error of the mutation', async () => {
    const body = await run(name, waitFor(json(400, { errors: [{ code: 5, message: 'Broken.' }] })), 30);
    const task = { ...startedTask, status: 'FAILED', errors: [{ code: '5', message: 'Broken.' }] };
    expect(body).toEqual(payload(name, { task }));
    expect(graph.calls()).toEqual(writeAndPoll);
  });

  it('does not wait for a task that has ended', async () => {
    expect(await run(name, () => ({ taskId, taskStatus: 'Success', result: 'x' }), 30)).toEqual(
      payload(name, { task: { ...startedTask, status: 'SUCCESS' } }),
    );
    expect(graph.calls()).toEqual([call[name]]);
  });

  it('returns the task as it is when waitSeconds have passed', async () => {
    const body = await run(name, waitFor({ taskStatus: 'PENDING' }, { taskStatus: 'QUEUED' }), 1);
    expect(body).toEqual(payload(name, { task: { ...startedTask, status: 'UNKNOWN' } }));
    const count = graph.calls().length;
    expect(count).toBeGreaterThan(2);
    // The clock advances by 200 ms after each poll.
    expect(count).toBeLessThanOrEqual(1 + 1_000 / 200);
  });

  it('waits longer than the deadline of its REST calls', async () => {
    const deadline = Date.now() + deadlineMs;
    const script: Script = ({ method }) =>
      method === 'GET'
        ? { taskStatus: Date.now() > deadline ? 'SUCCESS' : 'PENDING' }
        : { taskId, taskStatus: 'PENDING' };
    expect(await run(name, script, 60)).toEqual(payload(name, { task: { ...startedTask, status: 'SUCCESS' } }));
  });

  it('ignores polls that fail', async () => {
    const polls = [
      json(500, {}),
      dropConnection,
      raw(200, '<html>'),
      json(429, {}),
      json(503, {}),
      { taskStatus: 'SUCCESS' },
    ];
    expect(await run(name, waitFor(...polls), 30)).toEqual(
      payload(name, { task: { ...startedTask, status: 'SUCCESS' } }),
    );
  });

  it.each([
    [401, 1],
    [403, 1],
    [404, 2],
  ])('stops at status %i in %i polls, and returns the task as last polled', async (status, polls) => {
    expect(await run(name, waitFor(json(status, { errors: [{ code: 1, message: 'No.' }] })), 60)).toEqual(
      payload(name, { task: startedTask }),
    );
    expect(graph.calls()).toEqual([call[name], ...Array<string>(polls).fill(`GET /tasks/${taskId}`)]);
  });
});

describe.each(['createSiteToSiteVpn', 'deleteSiteToSiteVpn', 'resetSiteToSiteVpn'] as const)('Mutation.%s', (name) => {
  it('is null, with an error, if the REST API responds with 405', async () => {
    expect(await run(name, () => json(405, {}))).toMatchObject({
      data: { [name]: null },
      errors: [{ path: [name], extensions: { code: 'UPSTREAM_ERROR' } }],
    });
    expect(graph.calls()).toEqual([call[name]]);
  });
});

describe.each(['deleteSiteToSiteVpn', 'resetSiteToSiteVpn'] as const)('Mutation.%s', (name) => {
  const notFound = { field: ['input', 'id'], code: 'NOT_FOUND' };

  it.each(['', '..', '../vpcs', 'x', `${id} `, '\ud800'])(
    'is NOT_FOUND at its id for %j, which is not a UUID, without a REST call',
    async (bad) => {
      const { query } = operation(name);
      expect(await execute(query, { input: { environment, id: bad } })).toEqual(
        payload(name, {
          userErrors: [
            {
              ...notFound,
              message: 'The environment has no site-to-site VPN with this id.',
              upstreamCode: null,
            },
          ],
        }),
      );
      expect(graph.calls()).toEqual([]);
    },
  );

  it('is NOT_FOUND at its id if the REST API responds with 404', async () => {
    for (const [body, upstreamCode] of [
      [{ errors: [{ code: 3001, message: 'Nothing.' }] }, '3001'],
      [{ errors: [{ message: 'Nothing.' }] }, null],
    ] as const) {
      expect(await run(name, () => json(404, body))).toEqual(
        payload(name, {
          userErrors: [{ ...notFound, message: 'The REST API has nothing with this name or id.', upstreamCode }],
        }),
      );
      expect(graph.calls()).toEqual([call[name]]);
    }
  });

  it('returns all violations at once', async () => {
    const { query } = operation(name);
    const input = { environment: { serviceCode: '.', name: '' }, id: 'x', waitSeconds: -1 };
    const userErrors = listAt(await execute(query, { input }), 'data', name, 'userErrors');
    const codes = userErrors.map((error) => [listAt(error, 'field').join('.'), textAt(error, 'code')]);
    expect(codes.toSorted()).toEqual([
      ['input.environment.name', 'INVALID'],
      ['input.environment.serviceCode', 'INVALID'],
      ['input.id', 'NOT_FOUND'],
      ['input.waitSeconds', 'INVALID'],
    ]);
    expect(graph.calls()).toEqual([]);
  });

  it('sends organizationId as org_id, and polls with it', async () => {
    graph.upstream.script(({ method }) => ({ taskId, taskStatus: method === 'GET' ? 'SUCCESS' : 'PENDING' }));
    const input = { environment: { ...environment, organizationId: 'o-1' }, id, waitSeconds: 30 };
    await execute(operation(name).query, { input });
    expect(graph.calls()).toEqual([
      `${call[name]}${name === 'deleteSiteToSiteVpn' ? '?' : '&'}org_id=o-1`,
      `GET /tasks/${taskId}?org_id=o-1`,
    ]);
  });
});

describe('DeleteSiteToSiteVpnPayload.deletedSiteToSiteVpnId', () => {
  const query = `mutation ($input: DeleteSiteToSiteVpnInput!) {
    deleteSiteToSiteVpn(input: $input) { deletedSiteToSiteVpnId task { status } userErrors { code } }
  }`;
  it.each<[string, object | ReturnType<typeof raw>, string | null, string | null]>([
    ['is the id if the REST API starts no task', {}, id, null],
    ['is the id if the response has only data', { data: { id: 'other' } }, id, null],
    ['is the id if the response has no body', raw(204), id, null],
    ['is the id if the task has succeeded', { taskId, taskStatus: 'SUCCESS' }, id, 'SUCCESS'],
    ['is null if the task is pending', { taskId, taskStatus: 'PENDING' }, null, 'PENDING'],
    ['is null if the task has failed', { taskId, taskStatus: 'FAILED' }, null, 'FAILED'],
    ['is null if the status of the task is unknown', { taskId, taskStatus: 'QUEUED' }, null, 'UNKNOWN'],
  ])('%s', async (_, response, deletedSiteToSiteVpnId, status) => {
    graph.upstream.script(() => response);
    expect(await execute(query, { input: { environment, id } })).toEqual({
      data: {
        deleteSiteToSiteVpn: {
          deletedSiteToSiteVpnId,
          task: status === null ? null : { status },
          userErrors: [],
        },
      },
    });
  });

  it('is null if the request was rejected, and the id as sent after a wait for the task', async () => {
    graph.upstream.script(() => json(404, { errors: ['No.'] }));
    expect(await execute(query, { input: { environment, id } })).toEqual({
      data: { deleteSiteToSiteVpn: { deletedSiteToSiteVpnId: null, task: null, userErrors: [{ code: 'NOT_FOUND' }] } },
    });
    graph.upstream.script(({ method }) => ({ taskId, taskStatus: method === 'GET' ? 'SUCCESS' : 'PENDING' }));
    expect(await execute(query, { input: { environment, id: id.toUpperCase(), waitSeconds: 30 } })).toEqual({
      data: {
        deleteSiteToSiteVpn: {
          deletedSiteToSiteVpnId: id.toUpperCase(),
          task: { status: 'SUCCESS' },
          userErrors: [],
        },
      },
    });
  });
});

describe('ResetSiteToSiteVpnPayload.siteToSiteVpn', () => {
  const query = `mutation ($input: ResetSiteToSiteVpnInput!) {
    resetSiteToSiteVpn(input: $input) { siteToSiteVpn { id state } task { status } userErrors { code } }
  }`;
  const data = (fields: object) => ({
    resetSiteToSiteVpn: { task: { status: 'PENDING' }, userErrors: [], ...fields },
  });

  it('is the VPN as it is after the reset was accepted', async () => {
    graph.upstream.script(({ method }) =>
      method === 'GET' ? { data: numberedVpn(1, 1, { state: 'Pending' }) } : { taskId, taskStatus: 'PENDING' },
    );
    expect(await execute(query, { input: { environment, id } })).toEqual({
      data: data({ siteToSiteVpn: { id, state: 'PENDING' } }),
    });
    expect(graph.calls()).toEqual([call.resetSiteToSiteVpn, `GET ${environmentPath}/sitetositevpns/${id}`]);
  });

  it('is the VPN as it is after the wait, even if the task failed', async () => {
    graph.upstream.script(({ method, url }) => {
      if (method === 'POST') return { taskId, taskStatus: 'PENDING' };
      return url.includes('/tasks/')
        ? json(400, { errors: [{ code: 1, message: 'x' }] })
        : { data: numberedVpn(1, 1, { state: 'Error' }) };
    });
    expect(await execute(query, { input: { environment, id, waitSeconds: 30 } })).toEqual({
      data: data({ siteToSiteVpn: { id, state: 'ERROR' }, task: { status: 'FAILED' } }),
    });
  });

  it.each([
    [404, 'NOT_FOUND', 'The REST API accepted the request, but has no site-to-site VPN with this id now.'],
    [500, 'UPSTREAM_ERROR', 'The REST API failed to process the request.'],
  ])('is null, with an error, if its read fails with %i after an accepted reset', async (status, code, message) => {
    graph.upstream.script(({ method }) =>
      method === 'GET' ? json(status, status === 404 ? { errors: ['No.'] } : {}) : { taskId, taskStatus: 'PENDING' },
    );
    expect(await execute(query, { input: { environment, id } })).toEqual({
      data: data({ siteToSiteVpn: null }),
      errors: [failure(code, ['resetSiteToSiteVpn', 'siteToSiteVpn'], message)],
    });
  });

  it('is taken from the result of the task if the REST API does not have the VPN at the moment', async () => {
    const notFound = json(404, { errors: [{ errorCode: 'NOT_FOUND', message: 'Not yet.' }] });
    for (const [result, siteToSiteVpn] of [
      [numberedVpn(1, 1, { id: id.toUpperCase(), state: 'Pending' }), { id: id.toUpperCase(), state: 'PENDING' }],
      [numberedVpn(2, 1), null],
    ] as const) {
      graph.upstream.script(({ method }) => (method === 'GET' ? notFound : { taskId, taskStatus: 'SUCCESS', result }));
      expect(await execute(query, { input: { environment, id } })).toMatchObject({
        data: { resetSiteToSiteVpn: { siteToSiteVpn } },
      });
    }
  });

  it('is null without an error, and is not read, if the reset was rejected', async () => {
    graph.upstream.script(() => json(400, { errors: [{ code: 1, message: 'No.' }] }));
    expect(await execute(query, { input: { environment, id } })).toEqual({
      data: data({ siteToSiteVpn: null, task: null, userErrors: [{ code: 'REJECTED' }] }),
    });
    expect(graph.calls()).toEqual([call.resetSiteToSiteVpn]);
  });
});

describe('Mutation', () => {
  const threeWrites = `mutation ($input: ResetSiteToSiteVpnInput!, $other: DeleteSiteToSiteVpnInput!) {
    a: resetSiteToSiteVpn(input: $input) { siteToSiteVpn { state } }
    b: deleteSiteToSiteVpn(input: $other) { userErrors { code } }
    c: resetSiteToSiteVpn(input: $input) { siteToSiteVpn { state } }
  }`;
  const variables = { input: { environment, id }, other: { environment, id: numberedId('vpn', 2) } };
  const [reset, remove, get] = [
    call.resetSiteToSiteVpn,
    `DELETE ${environmentPath}/sitetositevpns/${numberedId('vpn', 2)}`,
    `GET ${environmentPath}/sitetositevpns/${id}`,
  ];

  it('runs its root fields in order, and reads again after each write', async () => {
    const states = ['Pending', 'Connected'];
    graph.upstream.script(({ method }) =>
      method === 'GET' ? { data: numberedVpn(1, 1, { state: states.shift() }) } : {},
    );
    expect(await execute(threeWrites, variables)).toEqual({
      data: {
        a: { siteToSiteVpn: { state: 'PENDING' } },
        b: { userErrors: [] },
        c: { siteToSiteVpn: { state: 'CONNECTED' } },
      },
    });
    expect(graph.calls()).toEqual([reset, get, remove, reset, get]);
  });

  it('continues after a root field that fails', async () => {
    graph.upstream.script(({ method }) => {
      if (method === 'DELETE') return json(405, {});
      return method === 'GET' ? { data: numberedVpn(1, 1) } : {};
    });
    expect(await execute(threeWrites, variables)).toEqual({
      data: {
        a: { siteToSiteVpn: { state: 'CONNECTED' } },
        b: null,
        c: { siteToSiteVpn: { state: 'CONNECTED' } },
      },
      errors: [failure('UPSTREAM_ERROR', ['b'], 'The REST API failed to process the request.')],
    });
    expect(graph.calls()).toEqual([reset, get, remove, reset, get]);
  });

  it('gives each root field its own deadline', async () => {
    graph.upstream.script(({ method }) => (response) => {
      // The writes together take longer than one deadline.
      if (method !== 'GET') clock.advance(0.4 * deadlineMs);
      json(200, method === 'GET' ? { data: numberedVpn(1, 1) } : {})(response);
    });
    expect(await execute(threeWrites, variables)).toEqual({
      data: {
        a: { siteToSiteVpn: { state: 'CONNECTED' } },
        b: { userErrors: [] },
        c: { siteToSiteVpn: { state: 'CONNECTED' } },
      },
    });
  });

  it('waits for the tasks of all root fields together for 60 s', async () => {
    graph.upstream.script(() => ({ taskId, taskStatus: 'PENDING' }));
    const startedAt = Date.now();
    const query = `mutation ($input: ResetSiteToSiteVpnInput!) {
      a: resetSiteToSiteVpn(input: $input) { task { status } }
      b: resetSiteToSiteVpn(input: $input) { task { status } }
      c: resetSiteToSiteVpn(input: $input) { task { status } }
    }`;
    const body = await restCalls.complete(
      graph.execute(query, { input: { environment, id, waitSeconds: 40 } }),
      clock,
      1_000,
    );
    const pending = { task: { status: 'PENDING' } };
    expect(body).toEqual({ data: { a: pending, b: pending, c: pending } });
    const sent = graph.calls();
    expect(sent.filter((sentCall) => sentCall === reset)).toHaveLength(3);
    // The third root field has no time left, so it makes no poll.
    expect(sent.at(-1)).toBe(reset);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(60_000);
    expect(Date.now() - startedAt).toBeLessThan(65_000);
  });

  it('sends no write of a later root field once the client has disconnected', async () => {
    const controller = new AbortController();
    const countOperations = () => graph.gateway.logs.filter(({ msg }) => msg === 'operation').length;
    const operations = countOperations();
    const held: ServerResponse[] = [];
    graph.upstream.script(() => (response) => held.push(response));
    const url = graph.gateway.url;
    const request = post(url, { query: threeWrites, variables }, keyHeader(), controller.signal);
    const aborted = expect(request).rejects.toThrow();
    await waitUntil(() => held.length === 1);
    controller.abort();
    await aborted;
    await waitUntil(() => graph.gateway.lifecycle.activeRequests === 0);
    for (const response of held) json(200, {})(response);
    // The log has the operation once all of its root fields have ended.
    await waitUntil(() => countOperations() > operations);
    expect(graph.calls()).toEqual([reset]);
  });

  it('starts the next root field with a full deadline after one that exceeded its own', async () => {
    graph.upstream.script(({ method }) =>
      method === 'DELETE' ? passDeadline : { data: method === 'GET' ? numberedVpn(1, 1) : undefined },
    );
    const body = await execute(threeWrites, variables);
    expect(body).toMatchObject({
      data: { b: null, c: { siteToSiteVpn: { state: 'CONNECTED' } } },
      errors: [{ path: ['b'], extensions: { code: 'UPSTREAM_TIMEOUT', outcomeUnknown: true } }],
    });
    expect(graph.calls()).toEqual([reset, get, remove, reset, get]);
  });
});
