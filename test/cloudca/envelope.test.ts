// What an answer means: every form of success and of `errors`, the class of each status, and that no secret of a call comes back in a
// message.
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { createSiteToSiteVpn, deleteSiteToSiteVpn, listSiteToSiteVpns } from '../../src/cloudca/site-to-site-vpns.js';
import { toBegunTask } from '../../src/cloudca/tasks.js';
import { cut, json, raw, startUpstream } from '../helpers/upstream.js';
import { apiKey, bytes, errorOf, failureOf, newVpn, stargate, startClient, testArea, writes } from './test-client.js';

const upstream = await startUpstream();
const { session, warnings } = startClient(upstream.url);
const read = () => session().read({ route: '/', path: ['environments'] }, (data) => data);
const remove = () => deleteSiteToSiteVpn(session(), testArea, stargate);
const noReason = 'The REST API gave no reason.';

describe('The data of a read', () => {
  it.each([[[]], [[1, { a: null }]], [{ id: 'x' }], [{}], [''], [0], [false]])(
    'is given as it came: %j',
    async (data) => {
      upstream.script(() => ({ data, metadata: { recordCount: 1 }, surplus: true }));
      expect(await read()).toEqual(data);
    },
  );

  it.each([[null], [[]]])('stands beside errors that are %j', async (errors) => {
    upstream.script(() => ({ data: 1, errors }));
    expect(await read()).toBe(1);
  });
});

describe('The errors of an answer', () => {
  it.each([
    [
      'a number as code',
      [{ code: 2012, message: 'Taken.', context: { field: 'name' } }],
      [{ code: '2012', message: 'Taken.' }],
    ],
    [
      'an errorCode',
      [{ errorCode: 'FOO_ERROR', message: 'Foo.', context: {} }],
      [{ code: 'FOO_ERROR', message: 'Foo.' }],
    ],
    ['a string as code', [{ code: '17', message: 'x' }], [{ code: '17', message: 'x' }]],
    ['both codes', [{ code: 1, errorCode: 'ONE', message: 'x' }], [{ code: '1', message: 'x' }]],
    ['a code that is null', [{ code: null, errorCode: 'ONE', message: 'x' }], [{ code: 'ONE', message: 'x' }]],
    ['a code of zero', [{ code: 0, message: 'x' }], [{ code: '0', message: 'x' }]],
    ['a code of another type', [{ code: { a: 1 }, message: 'x' }], [{ code: null, message: 'x' }]],
    ['no code', [{ message: 'x' }], [{ code: null, message: 'x' }]],
    ['no message', [{ code: 1 }], [{ code: '1', message: noReason }]],
    ['an empty message', [{ code: 1, message: '' }], [{ code: '1', message: noReason }]],
    ['a message of another type', [{ code: 1, message: ['x'] }], [{ code: '1', message: noReason }]],
    ['strings', ['Taken.'], [{ code: null, message: 'Taken.' }]],
    ['null', [null], [{ code: null, message: noReason }]],
    ['lists', [[]], [{ code: null, message: noReason }]],
    ['an object instead of a list', { code: 1, message: 'x' }, [{ code: '1', message: 'x' }]],
    ['a string instead of a list', 'Taken.', [{ code: null, message: 'Taken.' }]],
    ['a number instead of a list', 7, [{ code: null, message: noReason }]],
    [
      'several',
      [{ code: 1, message: 'a' }, { errorCode: 'B' }],
      [
        { code: '1', message: 'a' },
        { code: 'B', message: noReason },
      ],
    ],
  ])('are told where they have %s: in a 400 and in a 200, of a read and of a write', async (_form, errors, told) => {
    for (const status of [400, 200]) {
      upstream.script(() => json(status, { data: [], taskId: 't', errors }));
      const refused = {
        name: 'RefusedError',
        message: 'The REST API refused the request.',
        answer: { status, errors: told },
        outcomeUnknown: false,
      };
      expect(await failureOf(read())).toEqual(refused);
      expect(await failureOf(remove())).toEqual(refused);
      expect(upstream.calls.length).toBe(2);
    }
  });

  it('are none where the body is no JSON', async () => {
    upstream.script(() => raw(500, '<h1>errors</h1>', { 'content-type': 'text/html' }));
    expect((await failureOf(read())).answer).toEqual({ status: 500, errors: [] });
  });

  it('are told up to twenty of a thousand characters, and no half of a word that may be a secret', async () => {
    const endless = 'word '.repeat(199) + apiKey.repeat(100);
    upstream.script(() => json(400, { errors: Array(21).fill({ code: 'x'.repeat(5_000), message: endless }) }));
    const message = `${'word '.repeat(199)}…`;
    expect((await failureOf(read())).answer?.errors).toEqual(Array(20).fill({ code: '…', message }));
    upstream.script(() => json(400, { errors: [{ code: 1, message: 'x'.repeat(1_000) }] }));
    expect((await failureOf(read())).answer?.errors).toEqual([{ code: '1', message: 'x'.repeat(1_000) }]);
  });
});

describe('JSON that it would take long to parse', () => {
  const bombs = [
    ['nested 300,000 times', `{"errors":${'['.repeat(300_000)}`],
    ['nested 101 times', `{"data":${'['.repeat(100)}"${' '.repeat(300_000)}"${']'.repeat(100)}}`],
    ['of 300,000 objects', `{"errors":[${'{},'.repeat(300_000)}{}]}`],
    ['of 300,000 texts', `{"errors":["${'","'.repeat(300_000)}"]}`],
  ] as const;

  it.each(bombs)('(%s) is as good as none', async (_what, text) => {
    upstream.script(() => raw(200, text));
    expect(await failureOf(read())).toEqual({
      name: 'BadResponseError',
      message: 'The REST API answered with something other than the documented form.',
      answer: { status: 200, errors: [] },
      outcomeUnknown: false,
    });
    expect((await failureOf(remove())).outcomeUnknown).toBe(true);
    upstream.script(() => raw(500, text));
    expect(await failureOf(read())).toMatchObject({
      name: 'UpstreamFailureError',
      answer: { status: 500, errors: [] },
    });
  });

  it('is no list of 10,000 VPNs, whatever stands in its texts', async () => {
    const row = { ...newVpn, id: stargate, state: 'Connected', name: '[{,'.repeat(100) };
    upstream.script(() => ({ data: Array(10_000).fill(row) }));
    expect(await listSiteToSiteVpns(session(), testArea, null)).toHaveLength(10_000);
  });
});

describe('A status', () => {
  const errors = [{ code: 7, message: 'No.' }];
  const told = [{ code: '7', message: 'No.' }];
  const refused = 'The REST API refused the request.';
  const atFault = 'The REST API failed at this request.';
  const unexpected = 'The REST API answered with something unexpected.';

  it.each([
    [201, 'RefusedError', refused],
    [202, 'RefusedError', refused],
    [400, 'RefusedError', refused],
    [401, 'UnauthenticatedError', 'The REST API does not accept this API key.'],
    [402, 'RefusedError', refused],
    [403, 'ForbiddenError', 'This API key is not allowed to do that.'],
    [404, 'NotFoundError', 'The REST API knows nothing of that name or id.'],
    [405, 'UpstreamFailureError', atFault],
    [409, 'RefusedError', refused],
    [422, 'RefusedError', refused],
    [429, 'RateLimitedError', 'The REST API is asked too often; ask again later.'],
    [500, 'UpstreamFailureError', atFault],
    [501, 'UpstreamFailureError', atFault],
    [502, 'UnavailableError', 'The REST API is not available at the moment.'],
    [503, 'UnavailableError', 'The REST API is not available at the moment.'],
    [504, 'TimeoutError', 'The REST API did not answer in time.'],
    [599, 'UpstreamFailureError', atFault],
  ])('of %i with errors is a %s that tells them', async (status, name, message) => {
    upstream.script(() => json(status, { errors }));
    const answer = { status, errors: told };
    expect(await failureOf(read())).toEqual({ name, message, answer, outcomeUnknown: false });
    const write = await failureOf(remove());
    expect([write.name, write.answer, write.outcomeUnknown]).toEqual([name, answer, [502, 503, 504].includes(status)]);
  });

  it.each([
    [400, 'RefusedError', refused],
    [402, 'BadResponseError', unexpected],
    [405, 'UpstreamFailureError', atFault],
    [418, 'BadResponseError', unexpected],
    [500, 'UpstreamFailureError', atFault],
    [501, 'BadResponseError', unexpected],
    [520, 'BadResponseError', unexpected],
  ])('of %i without errors is a %s', async (status, name, message) => {
    upstream.script(() => raw(status, '<html>'));
    const failure = { name, message, answer: { status, errors: [] }, outcomeUnknown: false };
    expect([await failureOf(read()), await failureOf(remove())]).toEqual([failure, failure]);
  });

  it('of 404 names the environment of a creation and of a list, and tells the errors', async () => {
    upstream.script(() => json(404, { errors }));
    const failure = {
      name: 'NotFoundError',
      message: 'The REST API knows no environment test_area in the service compute-on.',
      answer: { status: 404, errors: told },
      outcomeUnknown: false,
    };
    expect(await failureOf(createSiteToSiteVpn(session(), testArea, newVpn))).toEqual(failure);
    expect(await failureOf(listSiteToSiteVpns(session(), testArea, null))).toEqual(failure);
  });
});

describe('An accepted write', () => {
  it.each([
    [{}, {}],
    [{ taskId: 't' }, { taskId: 't' }],
    [{ taskId: null }, {}],
    [{ data: { id: 'x' } }, { data: { id: 'x' } }],
    [{ data: null }, {}],
    [{ data: [] }, { data: [] }],
    [
      { taskId: 't', taskStatus: 'SUCCESS', data: { id: 'x' } },
      { taskId: 't', data: { id: 'x' } },
    ],
  ])(
    'that is answered %j gives its task and its data',
    async (answer, { taskId, data }: { taskId?: string; data?: unknown }) => {
      upstream.script(() => answer);
      for (const [, write] of writes) {
        const outcome = await write(session());
        expect(outcome).toMatchObject({ fields: answer });
        expect(outcome).toEqual({ fields: expect.anything(), taskId, data });
      }
    },
  );

  it.each([
    [{}, null],
    [{ data: { id: 'x', name: 'n' } }, null],
    [{ taskId: 't', taskStatus: 'PENDING' }, { status: 'PENDING' }],
    [{ taskId: 't' }, { status: 'PENDING' }],
    [{ taskId: 't', taskStatus: null }, { status: 'PENDING' }],
    [{ taskId: 't', taskStatus: 'failed' }, { status: 'FAILED' }],
    [{ taskId: 't', status: 'SUCCESS' }, { status: 'SUCCESS' }],
    [
      { taskId: 't', taskStatus: 'SUCCESS', result: { id: 'x' } },
      { status: 'SUCCESS', result: { id: 'x' } },
    ],
    [{ data: { taskId: 't', taskStatus: 'SUCCESS', result: 1 } }, { status: 'SUCCESS', result: 1 }],
    [{ data: { taskId: 't', status: 'FAILED' } }, { status: 'FAILED' }],
    [{ taskId: null, data: { taskId: 't', status: 'SUCCESS' } }, { status: 'SUCCESS' }],
    [{ taskId: 't', data: { id: 'x', status: 'Connected' } }, { status: 'PENDING' }],
  ])('that is answered %j has begun the task %j', async (answer, task) => {
    upstream.script(() => answer);
    const rest = session();
    const begun = toBegunTask(rest, await deleteSiteToSiteVpn(rest, testArea, stargate));
    expect(begun).toEqual(task === null ? null : { id: 't', created: null, errors: [], ...task });
    expect(warnings).toEqual([]);
  });
});

describe('A secret', () => {
  const { ipSecPsk } = newVpn;
  const create = () => createSiteToSiteVpn(session(), testArea, newVpn);

  it('that the REST API repeats is struck out of messages and codes', async () => {
    const errors = [
      { code: apiKey, message: `Key ${apiKey}, ${ipSecPsk} and ${ipSecPsk} again.` },
      { errorCode: ipSecPsk, message: `${ipSecPsk}${apiKey}` },
      `"${ipSecPsk}"`,
    ];
    upstream.script(() => json(400, { errors }));
    expect((await failureOf(create())).answer?.errors).toEqual([
      { code: '[secret]', message: 'Key [secret], [secret] and [secret] again.' },
      { code: '[secret]', message: '[secret][secret]' },
      { code: null, message: '"[secret]"' },
    ]);
  });

  it('is struck out whole where one holds another', async () => {
    upstream.script(() => json(400, { errors: [{ message: `Key before-${apiKey}-after.` }] }));
    const call = createSiteToSiteVpn(session(), testArea, { ...newVpn, ipSecPsk: `before-${apiKey}-after` });
    expect((await failureOf(call)).answer?.errors).toEqual([{ code: null, message: 'Key [secret].' }]);
  });

  it('of a read is the caller’s key', async () => {
    upstream.script(() => json(403, { errors: [{ message: `No ${apiKey}.` }] }));
    expect((await failureOf(read())).answer?.errors).toEqual([{ code: null, message: 'No [secret].' }]);
  });

  const echo = { echo: [apiKey, ipSecPsk], message: `${apiKey} ${ipSecPsk}` };
  it.each([
    ['lost', cut],
    ['refused', json(400, { errors: [echo] })],
    ['redirected', raw(307, '', { location: `http://elsewhere.example/?${apiKey}=${ipSecPsk}` })],
    ['failed', json(500, echo, { 'x-key': apiKey })],
    ['limited', raw(429, apiKey + ipSecPsk)],
    ['answered with text', raw(200, apiKey + ipSecPsk)],
    ['answered with a list', json(200, [echo])],
    ['answered with the wrong type of task', json(200, { taskId: [apiKey, ipSecPsk] })],
    ['answered with no HTTP', bytes(`${apiKey} ${ipSecPsk}\r\n\r\n`)],
    ['answered with a bad header', bytes(`HTTP/1.1 200 OK\r\nx y: ${apiKey} ${ipSecPsk}\r\n\r\n`)],
    ['answered with no gzip', raw(200, `${apiKey} ${ipSecPsk}`, { 'content-encoding': 'gzip' })],
  ])('is nowhere in the error of a creation that is %s', async (_what, answer) => {
    upstream.script(() => answer);
    const error = await errorOf(create());
    const all = inspect(error, { depth: 20, showHidden: true }) + String(error.stack) + JSON.stringify(error);
    expect(all).not.toContain(apiKey);
    expect(all).not.toContain(ipSecPsk);
    expect(error.cause).toBeUndefined();
  });
});
