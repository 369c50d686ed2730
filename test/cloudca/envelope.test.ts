// The envelope of REST responses: every form of success and of `errors`, the error class of each status, and redaction of secrets.
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { createSiteToSiteVpn, deleteSiteToSiteVpn } from '../../src/cloudca/site-to-site-vpn-writes.js';
import { listSiteToSiteVpns } from '../../src/cloudca/site-to-site-vpns.js';
import { toStartedTask } from '../../src/cloudca/tasks.js';
import { useFakeClock } from '../helpers/fake-clock.js';
import { dropConnection, json, raw, startUpstream } from '../helpers/upstream.js';
import {
  apiKey,
  catchError,
  catchFailure,
  createTestClient,
  newVpn,
  sendBytes,
  testArea,
  vpnId,
  writes,
} from './test-client.js';

const upstream = await startUpstream();
const clock = useFakeClock();
const { session, warnings, calls } = createTestClient(upstream.url);
/** Reads, without waiting for the delays before retries. */
const read = () =>
  calls.complete(
    session().read({ route: '/', path: ['environments'] }, (data) => data),
    clock,
  );
const remove = () => deleteSiteToSiteVpn(session(), testArea, vpnId);
const noReason = 'The REST API gave no reason.';

describe('RestSession.read', () => {
  it.each([[[]], [[1, { a: null }]], [{ id: 'x' }], [{}], [''], [0], [false]])(
    'returns the data unchanged: %j',
    async (data) => {
      upstream.script(() => ({ data, metadata: { recordCount: 1 }, surplus: true }));
      expect(await read()).toEqual(data);
    },
  );

  it.each([[null], [[]], [{}], [''], [' '], [false], [0]])('returns the data if errors is %j', async (errors) => {
    upstream.script(() => ({ data: 1, errors }));
    expect(await read()).toBe(1);
  });
});

describe('A byte order mark before a response', () => {
  it('is ignored, with one warning for each session', async () => {
    upstream.script(() => raw(200, '\uFEFF{"data": [1]}'));
    const rest = session();
    warnings.splice(0);
    for (let count = 0; count < 2; count++) {
      expect(await rest.read({ route: '/', path: ['environments'] }, (data) => data)).toEqual([1]);
    }
    expect(warnings.splice(0)).toEqual([
      { field: 'response', problem: 'begins with a byte order mark, ignored', form: 'byte_order_mark' },
    ]);
    upstream.script(() => raw(200, '\uFEFF{"taskId": "t"}'));
    expect(await remove()).toMatchObject({ task: { taskId: 't' } });
    warnings.splice(0);
  });
});

describe('The errors of a response', () => {
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
    ['an errorText', [{ errorCode: 1, errorText: 'x' }], [{ code: '1', message: 'x' }]],
    ['arrays', [[]], [{ code: null, message: noReason }]],
    ['an object instead of an array', { code: 1, message: 'x' }, [{ code: '1', message: 'x' }]],
    ['a string instead of an array', 'Taken.', [{ code: null, message: 'Taken.' }]],
    ['a number instead of an array', 7, [{ code: null, message: noReason }]],
    [
      'several',
      [{ code: 1, message: 'a' }, { errorCode: 'B' }],
      [
        { code: '1', message: 'a' },
        { code: 'B', message: noReason },
      ],
    ],
  ])(
    'are decoded if they have %s, in a 400 and in a 200, of a read and of a write',
    async (_form, errors, expected) => {
      for (const status of [400, 200]) {
        upstream.script(() => json(status, { data: [], taskId: 't', errors }));
        const rejected = {
          name: 'RejectedError',
          message: 'The REST API rejected the request.',
          upstream: { status, errors: expected },
          outcomeUnknown: false,
        };
        expect(await catchFailure(read())).toEqual(rejected);
        expect(await catchFailure(remove())).toEqual(rejected);
        expect(upstream.calls.length).toBe(2);
      }
    },
  );

  it('are empty if the body is not JSON', async () => {
    upstream.script(() => raw(500, '<h1>errors</h1>', { 'content-type': 'text/html' }));
    expect((await catchFailure(read())).upstream).toEqual({ status: 500, errors: [] });
  });

  it('are truncated to 20 of 1,000 characters, without a partial word that may be a secret', async () => {
    const endless = 'word '.repeat(199) + apiKey.repeat(100);
    upstream.script(() => json(400, { errors: Array(21).fill({ code: 'x'.repeat(5_000), message: endless }) }));
    const message = `${'word '.repeat(199)}…`;
    expect((await catchFailure(read())).upstream?.errors).toEqual(Array(20).fill({ code: '…', message }));
    upstream.script(() => json(400, { errors: [{ code: 1, message: 'x'.repeat(1_000) }] }));
    expect((await catchFailure(read())).upstream?.errors).toEqual([{ code: '1', message: 'x'.repeat(1_000) }]);
  });
});

describe('A response whose JSON is too complex', () => {
  const bombs = [
    ['nested 300,000 times', `{"errors":${'['.repeat(300_000)}`],
    ['nested 101 times', `{"data":${'['.repeat(100)}"${' '.repeat(300_000)}"${']'.repeat(100)}}`],
    ['of 300,000 objects', `{"errors":[${'{},'.repeat(300_000)}{}]}`],
    ['of 300,000 strings', `{"errors":["${'","'.repeat(300_000)}"]}`],
  ] as const;

  it.each(bombs)('(%s) is treated as if it were not JSON', async (_case, text) => {
    upstream.script(() => raw(200, text));
    expect(await catchFailure(read())).toEqual({
      name: 'BadResponseError',
      message: 'The REST API sent a response that is not of the documented form.',
      upstream: { status: 200, errors: [] },
      outcomeUnknown: false,
    });
    expect((await catchFailure(remove())).outcomeUnknown).toBe(true);
    upstream.script(() => raw(500, text));
    expect(await catchFailure(read())).toMatchObject({
      name: 'UpstreamFailureError',
      upstream: { status: 500, errors: [] },
    });
  });

  it('is not a list of 10,000 VPNs, whatever its strings contain', async () => {
    const entry = { ...newVpn, id: vpnId, state: 'Connected', name: '[{,'.repeat(100) };
    upstream.script(() => ({ data: Array(10_000).fill(entry) }));
    expect(await listSiteToSiteVpns(session(), testArea, null)).toHaveLength(10_000);
  });
});

describe('The status of a response', () => {
  const errors = [{ code: 7, message: 'No.' }];
  const expected = [{ code: '7', message: 'No.' }];
  const rejected = 'The REST API rejected the request.';
  const failed = 'The REST API failed to process the request.';
  const unexpected = 'The REST API sent an unexpected response.';

  it.each([
    [201, 'RejectedError', rejected],
    [202, 'RejectedError', rejected],
    [400, 'RejectedError', rejected],
    [401, 'UnauthenticatedError', 'The REST API does not accept this API key.'],
    [402, 'RejectedError', rejected],
    [403, 'ForbiddenError', 'This API key is not allowed to do that.'],
    [404, 'NotFoundError', 'The REST API has nothing with this name or id.'],
    [405, 'UpstreamFailureError', failed],
    [409, 'RejectedError', rejected],
    [422, 'RejectedError', rejected],
    [429, 'RateLimitedError', 'The REST API limits the rate of requests. Try again later.'],
    [500, 'UpstreamFailureError', failed],
    [501, 'UpstreamFailureError', failed],
    [502, 'UnavailableError', 'The REST API is not available at the moment.'],
    [503, 'UnavailableError', 'The REST API is not available at the moment.'],
    [504, 'TimeoutError', 'The REST API did not respond in time.'],
    [599, 'UpstreamFailureError', failed],
  ])('%i with errors makes the call reject with %s and these errors', async (status, name, message) => {
    upstream.script(() => json(status, { errors }));
    const details = { status, errors: expected };
    expect(await catchFailure(read())).toEqual({ name, message, upstream: details, outcomeUnknown: false });
    const write = await catchFailure(remove());
    expect([write.name, write.upstream, write.outcomeUnknown]).toEqual([name, details, false]);
  });

  it.each([
    [402, 'BadResponseError', unexpected],
    [405, 'UpstreamFailureError', failed],
    [418, 'BadResponseError', unexpected],
  ])('%i without errors makes the call reject with %s', async (status, name, message) => {
    upstream.script(() => raw(status, '<html>'));
    const failure = { name, message, upstream: { status, errors: [] }, outcomeUnknown: false };
    expect([await catchFailure(read()), await catchFailure(remove())]).toEqual([failure, failure]);
  });

  it('404 to a creation or a list means that the environment does not exist', async () => {
    upstream.script(() => json(404, { errors }));
    const failure = {
      name: 'NotFoundError',
      message:
        'The REST API has no environment test_area in the service compute-on. Check both, and the organizationId.',
      upstream: { status: 404, errors: expected },
      outcomeUnknown: false,
    };
    expect(await catchFailure(createSiteToSiteVpn(session(), testArea, newVpn))).toEqual(failure);
    expect(await catchFailure(listSiteToSiteVpns(session(), testArea, null))).toEqual(failure);
  });
});

describe('The response to an accepted write', () => {
  it.each([
    [{}, {}],
    [{ taskId: 't' }, { task: { taskId: 't' } }],
    [{ taskId: 7 }, { task: { taskId: '7' } }],
    [{ taskId: null }, {}],
    [{ taskId: '' }, {}],
    [{ data: { id: 'x' } }, { data: { id: 'x' } }],
    [{ data: null }, {}],
    [{ data: [] }, { data: [] }],
    [{ status: 'ok', data: { id: 'x', state: 'Pending' } }, { data: { id: 'x', state: 'Pending' } }],
    [{ data: { id: 't', status: 'PENDING' } }, { task: { taskId: 't', taskStatus: 'PENDING' } }],
    [
      { taskId: 't', status: 'SUCCESS', data: { id: 'x' } },
      { task: { taskId: 't', taskStatus: 'SUCCESS' }, data: { id: 'x' } },
    ],
    [
      { taskId: 't', taskStatus: 'SUCCESS', data: { id: 't', status: 'SUCCESS', result: 1 } },
      { task: { taskId: 't', taskStatus: 'SUCCESS', result: 1 } },
    ],
  ])('%j is decoded as %j', async (response, outcome) => {
    upstream.script(() => response);
    for (const [, write] of writes) expect(await write(session())).toEqual(outcome);
  });

  it('has the id of its task as sent, if that is a number beyond 2^53', async () => {
    upstream.script(() => raw(200, '{"taskId": 12345678901234567890, "taskStatus": "PENDING"}'));
    expect(await remove()).toMatchObject({ task: { taskId: '12345678901234567890' } });
  });

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
  ])('%j is decoded as the started task %j', async (response, task) => {
    upstream.script(() => response);
    const rest = session();
    const started = toStartedTask(rest, await deleteSiteToSiteVpn(rest, testArea, vpnId));
    expect(started).toEqual(task === null ? null : { id: 't', created: null, errors: [], ...task });
    expect(warnings).toEqual([]);
  });
});

describe('A secret of a call', () => {
  const { ipSecPsk } = newVpn;
  const create = () => createSiteToSiteVpn(session(), testArea, newVpn);

  it('is redacted in the messages and codes of the REST API', async () => {
    const errors = [
      { code: apiKey, message: `Key ${apiKey}, ${ipSecPsk} and ${ipSecPsk} again.` },
      { errorCode: ipSecPsk, message: `${ipSecPsk}${apiKey}` },
      `"${ipSecPsk}"`,
    ];
    upstream.script(() => json(400, { errors }));
    expect((await catchFailure(create())).upstream?.errors).toEqual([
      { code: '[secret]', message: 'Key [secret], [secret] and [secret] again.' },
      { code: '[secret]', message: '[secret][secret]' },
      { code: null, message: '"[secret]"' },
    ]);
  });

  it('is redacted whole if it contains another secret', async () => {
    upstream.script(() => json(400, { errors: [{ message: `Key before-${apiKey}-after.` }] }));
    const call = createSiteToSiteVpn(session(), testArea, { ...newVpn, ipSecPsk: `before-${apiKey}-after` });
    expect((await catchFailure(call)).upstream?.errors).toEqual([{ code: null, message: 'Key [secret].' }]);
  });

  it('is redacted in the errors of a read if it is the API key', async () => {
    upstream.script(() => json(403, { errors: [{ message: `No ${apiKey}.` }] }));
    expect((await catchFailure(read())).upstream?.errors).toEqual([{ code: null, message: 'No [secret].' }]);
  });

  const echo = { echo: [apiKey, ipSecPsk], message: `${apiKey} ${ipSecPsk}` };
  it.each([
    ['lost', dropConnection],
    ['rejected', json(400, { errors: [echo] })],
    ['redirected', raw(307, '', { location: `http://elsewhere.example/?${apiKey}=${ipSecPsk}` })],
    ['failed', json(500, echo, { 'x-key': apiKey })],
    ['rate-limited', raw(429, apiKey + ipSecPsk)],
    ['responded to with plain text', raw(200, apiKey + ipSecPsk)],
    ['responded to with an array', json(200, [echo])],
    ['responded to with the wrong type of task', json(200, { taskId: [apiKey, ipSecPsk] })],
    ['responded to with something other than HTTP', sendBytes(`${apiKey} ${ipSecPsk}\r\n\r\n`)],
    ['responded to with a bad header', sendBytes(`HTTP/1.1 200 OK\r\nx y: ${apiKey} ${ipSecPsk}\r\n\r\n`)],
    ['responded to with invalid gzip', raw(200, `${apiKey} ${ipSecPsk}`, { 'content-encoding': 'gzip' })],
  ])('does not appear in the error of a creation that is %s', async (_outcome, response) => {
    upstream.script(() => response);
    const error = await catchError(create());
    const all = inspect(error, { depth: 20, showHidden: true }) + String(error.stack) + JSON.stringify(error);
    expect(all).not.toContain(apiKey);
    expect(all).not.toContain(ipSecPsk);
    expect(error.cause).toBeUndefined();
  });
});
