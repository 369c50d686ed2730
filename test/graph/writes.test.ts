// What holds for every write alike: refusals, failures, outcomes that nobody knows, waiting, and several writes in one operation.
import { describe, expect, it } from '@jest/globals';
import { cut, json, raw, type Script } from '../helpers/upstream.js';
import { rootFields, toOperation } from './root-fields.js';
import { area, environment, failure, listAt, startOnUpstream, textAt, toId, wireVpn } from './graph-client.js';

const graph = await startOnUpstream();
const hasty = await startOnUpstream({ cloudcaApiTimeoutMs: 600 });

const id = toId('vpn', 1);
const taskId = toId('task', 1);
const psk = 'Kz81mPq04LtYvB';

const fieldNames = ['createSiteToSiteVpn', 'deleteSiteToSiteVpn', 'resetSiteToSiteVpn'] as const;
type FieldName = (typeof fieldNames)[number];
const answerFields = 'task { id status errors { code message } } userErrors { field message code upstreamCode }';

function operation(name: FieldName, waitSeconds = 0): { query: string; variables: Record<string, unknown> } {
  const field = rootFields('Mutation').find((each) => each.name === name);
  if (field === undefined) throw new TypeError(`There is no ${name}.`);
  const { query, variables } = toOperation('mutation', field, {}, answerFields);
  return { query, variables: { input: { ...Object(variables['input']), waitSeconds } } };
}

/** Runs a write against a script. */
async function run(name: FieldName, script: Script, waitSeconds = 0): Promise<unknown> {
  graph.upstream.script(script);
  const { query, variables } = operation(name, waitSeconds);
  return graph.ask(query, variables);
}

const call = {
  createSiteToSiteVpn: `POST ${area}/sitetositevpns`,
  deleteSiteToSiteVpn: `DELETE ${area}/sitetositevpns/${id}`,
  resetSiteToSiteVpn: `POST ${area}/sitetositevpns/${id}?operation=reset`,
};
const advice = {
  createSiteToSiteVpn: 'look whether compute-on/test_area lists a site-to-site VPN of that name.',
  deleteSiteToSiteVpn: 'look whether the site-to-site VPN is still in compute-on/test_area.',
  resetSiteToSiteVpn: 'look at the state of the site-to-site VPN in compute-on/test_area.',
};
const payload = (name: FieldName, fields: object) => ({ data: { [name]: { task: null, userErrors: [], ...fields } } });

describe.each(fieldNames)('Mutation.%s', (name) => {
  it('is sent once, with the key and without a body where it has none', async () => {
    expect(await run(name, () => ({}))).toEqual(payload(name, {}));
    expect(graph.upstream.calls).toHaveLength(1);
    const [sent] = graph.upstream.calls;
    expect(sent?.headers['mc-api-key']).toBe('sandbox-key');
    expect(sent?.body === '').toBe(name !== 'createSiteToSiteVpn');
    expect(graph.calls()).toEqual([call[name]]);
  });

  it.each([
    ['a 400', 400],
    ['a 200 with errors', 200],
    ['a 202 with errors', 202],
    ['a 409', 409],
  ])('has the REST API’s refusals in userErrors where it answers %s', async (_, status) => {
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
    expect(graph.calls()).toEqual([call[name]]);
  });

  it.each([['{}'], [''], ['<html>Bad request</html>'], ['{"errors":[]}']])(
    'is REJECTED without a reason where a 400 says %j',
    async (body) => {
      expect(await run(name, () => raw(400, body))).toEqual(
        payload(name, {
          userErrors: [
            { field: null, code: 'REJECTED', message: 'The REST API refused the request.', upstreamCode: null },
          ],
        }),
      );
    },
  );

  it('has the errors of a task that failed at once in userErrors: it was refused', async () => {
    const body = { taskId, taskStatus: 'FAILED', errors: [{ code: 1, message: 'No.' }] };
    expect(await run(name, () => body)).toEqual(
      payload(name, { userErrors: [{ field: null, code: 'REJECTED', message: 'No.', upstreamCode: '1' }] }),
    );
  });

  it('strikes its secrets out of what the REST API says', async () => {
    const message = `The key sandbox-key sent ${psk}.`;
    const told = name === 'createSiteToSiteVpn' ? 'The key [secret] sent [secret].' : `The key [secret] sent ${psk}.`;
    expect(await run(name, () => json(400, { errors: [{ code: 1, message }] }))).toEqual(
      payload(name, { userErrors: [{ field: null, code: 'REJECTED', message: told, upstreamCode: '1' }] }),
    );
  });

  it.each([
    [401, 'UNAUTHENTICATED', 'The REST API does not accept this API key.'],
    [403, 'FORBIDDEN', 'This API key is not allowed to do that.'],
    [405, 'UPSTREAM_ERROR', 'The REST API failed at this request.'],
    [429, 'RATE_LIMITED', 'The REST API is asked too often; ask again later.'],
    [500, 'UPSTREAM_ERROR', 'The REST API failed at this request.'],
    [501, 'UPSTREAM_ERROR', 'The REST API failed at this request.'],
    [302, 'UPSTREAM_BAD_RESPONSE', 'The REST API sends callers elsewhere; redirects are not followed.'],
  ])('fails as a whole where the REST API answers %i, and is not sent again', async (status, code, message) => {
    const errors = [{ code: 7, message: 'Why.' }];
    const upstream = status === 302 ? {} : { upstream: { status, errors: [{ code: '7', message: 'Why.' }] } };
    expect(await run(name, () => json(status, { errors }, { location: '/elsewhere' }))).toEqual({
      data: { [name]: null },
      errors: [failure(code, [name], message, upstream)],
    });
    expect(graph.calls()).toEqual([call[name]]);
  });

  const unknown = (code: string, message: string, more: object = {}) => ({
    data: { [name]: null },
    errors: [
      failure(
        code,
        [name],
        `${message} The request may have been carried out all the same. Before you try again, ${advice[name]}`,
        { outcomeUnknown: true, ...more },
      ),
    ],
  });
  const odd = 'The REST API answered with something other than the documented form.';
  it.each<[string, Script, string, string]>([
    ['the connection is lost', () => cut, 'UPSTREAM_UNAVAILABLE', 'The connection to the REST API was lost.'],
    ['it answers 502', () => raw(502), 'UPSTREAM_UNAVAILABLE', 'The REST API is not available at the moment.'],
    [
      'it answers 503 with Retry-After',
      () => raw(503, '<html>', { 'retry-after': '0' }),
      'UPSTREAM_UNAVAILABLE',
      'The REST API is not available at the moment.',
    ],
    ['it answers 504', () => raw(504), 'UPSTREAM_TIMEOUT', 'The REST API did not answer in time.'],
    ['it answers 200 in HTML', () => raw(200, '<html>'), 'UPSTREAM_BAD_RESPONSE', odd],
    ['it answers 202 in half', () => raw(202, '{"taskId": "'), 'UPSTREAM_BAD_RESPONSE', odd],
    ['it answers with a list', () => [], 'UPSTREAM_BAD_RESPONSE', odd],
    ['it answers with a task whose id is no text', () => ({ taskId: 5 }), 'UPSTREAM_BAD_RESPONSE', odd],
  ])('has an unknown outcome, and says what to look for, where %s', async (_, script, code, message) => {
    expect(await run(name, script)).toEqual(unknown(code, message));
    expect(graph.calls()).toEqual([call[name]]);
  });

  it('has an unknown outcome where the deadline passes before an answer', async () => {
    hasty.upstream.script(() => () => undefined);
    const { query, variables } = operation(name);
    expect(await hasty.ask(query, variables)).toEqual(
      unknown('UPSTREAM_TIMEOUT', 'The REST API did not answer in time.'),
    );
    expect(hasty.calls()).toEqual([call[name]]);
  });

  it('tells what the REST API said although the outcome is unknown', async () => {
    expect(await run(name, () => json(503, { errors: [{ errorCode: 'BUSY', message: 'Later.' }] }))).toEqual(
      unknown('UPSTREAM_UNAVAILABLE', 'The REST API is not available at the moment.', {
        upstream: { status: 503, errors: [{ code: 'BUSY', message: 'Later.' }] },
      }),
    );
  });

  const begun = { id: taskId, status: 'PENDING', errors: [] };

  it.each([
    ['beside it', { taskId, taskStatus: 'PENDING' }],
    ['in data', { data: { taskId, taskStatus: 'PENDING' } }],
    ['without a status', { taskId }],
  ])('has the task that the REST API tells %s', async (_, wire) => {
    expect(await run(name, () => wire)).toEqual(payload(name, { task: begun }));
    expect(graph.calls()).toEqual([call[name]]);
  });

  const looked = [call[name], `GET /tasks/${taskId}`];
  const waitFor =
    (...looks: (object | typeof cut)[]): Script =>
    (sent, index) =>
      sent.method === 'GET' && sent.url.includes('/tasks/')
        ? (looks[Math.min(index, looks.length) - 1] ?? {})
        : { taskId, taskStatus: 'PENDING' };

  it('waits for the task to succeed', async () => {
    const body = await run(name, waitFor({ taskStatus: 'PENDING' }, { taskStatus: 'SUCCESS', result: {} }), 30);
    expect(body).toEqual(payload(name, { task: { ...begun, status: 'SUCCESS' } }));
    expect(graph.calls()).toEqual([...looked, `GET /tasks/${taskId}`]);
  });

  it('waits for the task to fail: that is no error of the mutation', async () => {
    const body = await run(name, waitFor(json(400, { errors: [{ code: 5, message: 'Broken.' }] })), 30);
    const task = { ...begun, status: 'FAILED', errors: [{ code: '5', message: 'Broken.' }] };
    expect(body).toEqual(payload(name, { task }));
    expect(graph.calls()).toEqual(looked);
  });

  it('does not wait for a task that has ended', async () => {
    expect(await run(name, () => ({ taskId, taskStatus: 'Success', result: 'x' }), 30)).toEqual(
      payload(name, { task: { ...begun, status: 'SUCCESS' } }),
    );
    expect(graph.calls()).toEqual([call[name]]);
  });

  it('answers with the task as it is when waitSeconds are over', async () => {
    const body = await run(name, waitFor({ taskStatus: 'PENDING' }, { taskStatus: 'QUEUED' }), 1);
    expect(body).toEqual(payload(name, { task: { ...begun, status: 'UNKNOWN' } }));
    expect(graph.calls().length).toBeGreaterThan(2);
  });

  it('waits longer than the deadline of its other REST work', async () => {
    let looks = 0;
    hasty.upstream.script(({ method }) =>
      method === 'GET' ? { taskStatus: ++looks < 40 ? 'PENDING' : 'SUCCESS' } : { taskId, taskStatus: 'PENDING' },
    );
    const { query, variables } = operation(name, 60);
    expect(await hasty.ask(query, variables)).toEqual(payload(name, { task: { ...begun, status: 'SUCCESS' } }));
  });

  it('passes over looks that fail', async () => {
    const looks = [json(500, {}), cut, raw(200, '<html>'), json(429, {}), json(503, {}), { taskStatus: 'SUCCESS' }];
    expect(await run(name, waitFor(...looks), 30)).toEqual(payload(name, { task: { ...begun, status: 'SUCCESS' } }));
  });

  it.each([401, 403, 404])(
    'answers with the task as last known where a look is answered %i: it is the last',
    async (status) => {
      expect(await run(name, waitFor(json(status, { errors: [{ code: 1, message: 'No.' }] })), 60)).toEqual(
        payload(name, { task: begun }),
      );
      expect(graph.calls()).toEqual(looked);
    },
  );
});

describe.each(['deleteSiteToSiteVpn', 'resetSiteToSiteVpn'] as const)('Mutation.%s', (name) => {
  const notFound = { field: ['input', 'id'], code: 'NOT_FOUND' };

  it.each(['', '..', '../vpcs', 'x', `${id} `, '\ud800'])(
    'is NOT_FOUND at its id for %j, which is no UUID, without a REST call',
    async (bad) => {
      const { query } = operation(name);
      expect(await graph.ask(query, { input: { environment, id: bad } })).toEqual(
        payload(name, {
          userErrors: [
            {
              ...notFound,
              message: 'There is no site-to-site VPN of that id in the environment.',
              upstreamCode: null,
            },
          ],
        }),
      );
      expect(graph.calls()).toEqual([]);
    },
  );

  it('is NOT_FOUND at its id where the REST API answers 404', async () => {
    for (const [body, upstreamCode] of [
      [{ errors: [{ code: 3001, message: 'Nothing.' }] }, '3001'],
      [{}, null],
    ] as const) {
      expect(await run(name, () => json(404, body))).toEqual(
        payload(name, {
          userErrors: [{ ...notFound, message: 'The REST API knows nothing of that name or id.', upstreamCode }],
        }),
      );
      expect(graph.calls()).toEqual([call[name]]);
    }
  });

  it('tells everything that is wrong at once', async () => {
    const { query } = operation(name);
    const input = { environment: { serviceCode: '.', name: '' }, id: 'x', waitSeconds: -1 };
    const userErrors = listAt(await graph.ask(query, { input }), 'data', name, 'userErrors');
    const told = userErrors.map((error) => [listAt(error, 'field').join('.'), textAt(error, 'code')]);
    expect(told.toSorted()).toEqual([
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
    await graph.ask(operation(name).query, { input });
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
    ['is the id where no task is told', {}, id, null],
    ['is the id where data alone is told', { data: { id: 'other' } }, id, null],
    ['is the id where no body comes', raw(204), id, null],
    ['is the id where the task has succeeded', { taskId, taskStatus: 'SUCCESS' }, id, 'SUCCESS'],
    ['is null where the task is pending', { taskId, taskStatus: 'PENDING' }, null, 'PENDING'],
    ['is null where the task has failed', { taskId, taskStatus: 'FAILED' }, null, 'FAILED'],
    ['is null where the task’s status is unknown', { taskId, taskStatus: 'QUEUED' }, null, 'UNKNOWN'],
  ])('%s', async (_, answer, deletedSiteToSiteVpnId, status) => {
    graph.upstream.script(() => answer);
    expect(await graph.ask(query, { input: { environment, id } })).toEqual({
      data: {
        deleteSiteToSiteVpn: {
          deletedSiteToSiteVpnId,
          task: status === null ? null : { status },
          userErrors: [],
        },
      },
    });
  });

  it('is null where the request was refused, and the id, as it was sent, once a wait has seen it gone', async () => {
    graph.upstream.script(() => json(404, {}));
    expect(await graph.ask(query, { input: { environment, id } })).toEqual({
      data: { deleteSiteToSiteVpn: { deletedSiteToSiteVpnId: null, task: null, userErrors: [{ code: 'NOT_FOUND' }] } },
    });
    graph.upstream.script(({ method }) => ({ taskId, taskStatus: method === 'GET' ? 'SUCCESS' : 'PENDING' }));
    expect(await graph.ask(query, { input: { environment, id: id.toUpperCase(), waitSeconds: 30 } })).toEqual({
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
  const answer = (fields: object) => ({
    resetSiteToSiteVpn: { task: { status: 'PENDING' }, userErrors: [], ...fields },
  });

  it('is the VPN as it is after the answer', async () => {
    graph.upstream.script(({ method }) =>
      method === 'GET' ? { data: wireVpn(1, 1, { state: 'Pending' }) } : { taskId, taskStatus: 'PENDING' },
    );
    expect(await graph.ask(query, { input: { environment, id } })).toEqual({
      data: answer({ siteToSiteVpn: { id, state: 'PENDING' } }),
    });
    expect(graph.calls()).toEqual([call.resetSiteToSiteVpn, `GET ${area}/sitetositevpns/${id}`]);
  });

  it('is the VPN as it is after the wait, where its task failed too', async () => {
    graph.upstream.script(({ method, url }) => {
      if (method === 'POST') return { taskId, taskStatus: 'PENDING' };
      return url.includes('/tasks/')
        ? json(400, { errors: [{ code: 1, message: 'x' }] })
        : { data: wireVpn(1, 1, { state: 'Error' }) };
    });
    expect(await graph.ask(query, { input: { environment, id, waitSeconds: 30 } })).toEqual({
      data: answer({ siteToSiteVpn: { id, state: 'ERROR' }, task: { status: 'FAILED' } }),
    });
  });

  it.each([
    [404, 'NOT_FOUND', 'The request was accepted, but there is no site-to-site VPN of that id (any more).'],
    [500, 'UPSTREAM_ERROR', 'The REST API failed at this request.'],
  ])('is null, with an error, where that read answers %i: the reset stands', async (status, code, message) => {
    graph.upstream.script(({ method }) => (method === 'GET' ? json(status, {}) : { taskId, taskStatus: 'PENDING' }));
    expect(await graph.ask(query, { input: { environment, id } })).toEqual({
      data: answer({ siteToSiteVpn: null }),
      errors: [failure(code, ['resetSiteToSiteVpn', 'siteToSiteVpn'], message)],
    });
  });

  it('is null without an error, and is not read, where the reset was refused', async () => {
    graph.upstream.script(() => json(400, { errors: [{ code: 1, message: 'No.' }] }));
    expect(await graph.ask(query, { input: { environment, id } })).toEqual({
      data: answer({ siteToSiteVpn: null, task: null, userErrors: [{ code: 'REJECTED' }] }),
    });
    expect(graph.calls()).toEqual([call.resetSiteToSiteVpn]);
  });
});

describe('Mutation', () => {
  const three = `mutation ($input: ResetSiteToSiteVpnInput!, $other: DeleteSiteToSiteVpnInput!) {
    a: resetSiteToSiteVpn(input: $input) { siteToSiteVpn { state } }
    b: deleteSiteToSiteVpn(input: $other) { userErrors { code } }
    c: resetSiteToSiteVpn(input: $input) { siteToSiteVpn { state } }
  }`;
  const variables = { input: { environment, id }, other: { environment, id: toId('vpn', 2) } };
  const [reset, remove, get] = [
    call.resetSiteToSiteVpn,
    `DELETE ${area}/sitetositevpns/${toId('vpn', 2)}`,
    `GET ${area}/sitetositevpns/${id}`,
  ];

  it('runs its root fields in order, and reads anew after each write', async () => {
    const states = ['Pending', 'Connected'];
    graph.upstream.script(({ method }) => (method === 'GET' ? { data: wireVpn(1, 1, { state: states.shift() }) } : {}));
    expect(await graph.ask(three, variables)).toEqual({
      data: {
        a: { siteToSiteVpn: { state: 'PENDING' } },
        b: { userErrors: [] },
        c: { siteToSiteVpn: { state: 'CONNECTED' } },
      },
    });
    expect(graph.calls()).toEqual([reset, get, remove, reset, get]);
  });

  it('goes on where a root field fails', async () => {
    graph.upstream.script(({ method }) => {
      if (method === 'DELETE') return json(500, {});
      return method === 'GET' ? { data: wireVpn(1, 1) } : {};
    });
    expect(await graph.ask(three, variables)).toEqual({
      data: {
        a: { siteToSiteVpn: { state: 'CONNECTED' } },
        b: null,
        c: { siteToSiteVpn: { state: 'CONNECTED' } },
      },
      errors: [failure('UPSTREAM_ERROR', ['b'], 'The REST API failed at this request.')],
    });
    expect(graph.calls()).toEqual([reset, get, remove, reset, get]);
  });

  it('gives each root field a deadline of its own', async () => {
    // Three times 300 ms are more than the 600 ms that each of them has.
    hasty.upstream.script(({ method }) => (response) => {
      const answer = json(200, method === 'GET' ? { data: wireVpn(1, 1) } : {});
      if (method === 'GET') answer(response);
      else setTimeout(answer, 300, response);
    });
    expect(await hasty.ask(three, variables)).toEqual({
      data: {
        a: { siteToSiteVpn: { state: 'CONNECTED' } },
        b: { userErrors: [] },
        c: { siteToSiteVpn: { state: 'CONNECTED' } },
      },
    });
  });

  it('begins the next root field with a whole deadline where one has used its own up', async () => {
    hasty.upstream.script(({ method }) =>
      method === 'DELETE' ? () => undefined : { data: method === 'GET' ? wireVpn(1, 1) : undefined },
    );
    const body = await hasty.ask(three, variables);
    expect(body).toMatchObject({
      data: { b: null, c: { siteToSiteVpn: { state: 'CONNECTED' } } },
      errors: [{ path: ['b'], extensions: { code: 'UPSTREAM_TIMEOUT', outcomeUnknown: true } }],
    });
    expect(hasty.calls()).toEqual([reset, get, remove, reset, get]);
  });
});
