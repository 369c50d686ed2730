// Decoding of tasks: both wire forms, every status, every format of `created`, and the errors of failed tasks.
import { describe, expect, it } from '@jest/globals';
import { hasEnded, getTask, type TaskEntity } from '../../src/cloudca/tasks.js';
import { json, raw, type Script, startUpstream } from '../helpers/upstream.js';
import { apiKey, catchFailure, createTestClient } from './test-client.js';

const upstream = await startUpstream();
const { session, warnings } = createTestClient(upstream.url);
const pending: TaskEntity = { id: 't-1', status: 'PENDING', created: null, result: undefined, errors: [] };
const succeeded = { ...pending, status: 'SUCCESS', result: { id: 'x' } };
const failedErrors = [{ code: 2012, message: `Taken by ${apiKey}.` }];
const failed = { ...pending, status: 'FAILED', errors: [{ code: '2012', message: 'Taken by [secret].' }] };

async function read(response: ReturnType<Script>) {
  warnings.splice(0);
  upstream.script(() => response);
  return getTask(session(), 't-1', null);
}

describe('getTask', () => {
  it.each([
    ['at the top', { taskId: 't-1', taskStatus: 'SUCCESS', result: { id: 'x' } }],
    ['in data', { data: { id: 't-1', status: 'SUCCESS', result: { id: 'x' } } }],
    ['in data, with taskId and taskStatus', { data: { taskId: 't-1', taskStatus: 'SUCCESS', result: { id: 'x' } } }],
    ['at the top, with status', { taskId: 't-1', status: 'SUCCESS', result: { id: 'x' } }],
    ['at the top, with id and status', { id: 't-1', status: 'SUCCESS', result: { id: 'x' } }],
    [
      'in both forms side by side',
      { taskId: 'T-1', taskStatus: 'SUCCESS', data: { id: 't-1', status: 'SUCCESS', result: { id: 'x' } } },
    ],
    ['at the top, beside data', { taskId: 't-1', taskStatus: 'SUCCESS', result: { id: 'x' }, data: { id: 'x' } }],
  ])('reads a task %s', async (_place, response) => {
    expect(await read(response)).toEqual(succeeded);
    expect(warnings).toEqual([]);
    expect(upstream.calls.map(({ url }) => url)).toEqual(['/v1/tasks/t-1']);
  });

  it.each([
    ['PENDING', 'PENDING', false],
    ['pending', 'PENDING', false],
    ['Success', 'SUCCESS', true],
    ['success ', 'SUCCESS', true],
    ['Failed', 'FAILED', true],
  ])('reads the status %j as %s', async (wireStatus, status, ended) => {
    for (const response of [{ taskId: 't-1', taskStatus: wireStatus }, { data: { id: 't-1', status: wireStatus } }]) {
      const task = await read(response);
      expect(task).toEqual({ ...pending, status });
      expect(hasEnded(task)).toBe(ended);
      expect(warnings).toEqual([]);
    }
  });

  it.each(['RUNNING', 'SUCCEEDED', ''])(
    'reads the status %j as UNKNOWN and not ended, with a warning',
    async (status) => {
      const task = await read({ data: { id: 't-1', status, result: { id: 'x' } } });
      expect(task).toEqual({ ...pending, status: 'UNKNOWN' });
      expect(hasEnded(task)).toBe(false);
      expect(warnings).toEqual([{ field: 'task.status', problem: 'not a documented value, read as UNKNOWN' }]);
    },
  );

  it.each([
    { data: { id: 't-1' } },
    { data: { id: 't-1', status: null } },
    { data: { id: 't-1', status: 7 } },
    { taskId: 't-1', taskStatus: {} },
  ])('rejects with BadResponseError if the status is missing or not a string: %j', async (response) => {
    expect(await catchFailure(read(response))).toEqual({
      name: 'BadResponseError',
      message: 'The REST API sent a task whose status is not a string.',
      outcomeUnknown: false,
    });
  });

  it.each([{}, { data: null }, { data: [] }, { data: 'x' }, []])(
    'rejects with BadResponseError if the body is not a task: %j',
    async (response) => {
      expect((await catchFailure(read(response))).name).toBe('BadResponseError');
    },
  );

  it.each([[204], [200]])('rejects with BadResponseError if the body of a %i is empty', async (status) => {
    expect((await catchFailure(read(raw(status)))).name).toBe('BadResponseError');
  });

  it.each(['PENDING', 'FAILED'])('ignores the result of a task that is %s', async (status) => {
    expect(await read({ taskId: 't-1', taskStatus: status, result: { id: 'x' } })).toEqual({ ...pending, status });
  });

  it.each([[null], [0], ['x'], [[1]], [{}]])('returns any result of a task that has succeeded: %j', async (result) => {
    expect(await read({ taskId: 't-1', taskStatus: 'SUCCESS', result })).toEqual({
      ...succeeded,
      result: result ?? undefined,
    });
  });

  it('takes from each of two forms side by side what the other lacks', async () => {
    const data = { id: 't-1', status: 'SUCCESS', created: '2015-07-07' };
    expect(await read({ taskId: 't-1', taskStatus: 'SUCCESS', result: { id: 'x' }, data })).toEqual({
      ...succeeded,
      created: new Date('2015-07-07T00:00:00Z'),
    });
  });

  it('takes nothing from data that is not the task', async () => {
    const data = { id: 'x', status: 'Connected', created: '2015-07-07' };
    expect(await read({ taskId: 't-1', taskStatus: 'PENDING', data })).toEqual(pending);
  });

  it('returns numbers in the result that JavaScript would alter as strings', async () => {
    const result = '{"id":12345678901234567890,"small":9007199254740991,"share":0.5}';
    const task = await read(raw(200, `{"taskId":9007199254740993,"taskStatus":"SUCCESS","result":${result}}`));
    expect(task).toEqual({
      ...pending,
      status: 'SUCCESS',
      result: { id: '12345678901234567890', small: 9007199254740991, share: 0.5 },
    });
  });

  it('returns the requested id, whatever id the response has', async () => {
    expect((await read({ data: { id: 'other', status: 'PENDING' } })).id).toBe('t-1');
  });
});

const resultsWithReason = [
  { errorCode: 2012, errorText: `Taken by ${apiKey}.` },
  { errorcode: '2012', errortext: `Taken by ${apiKey}.` },
  { code: 2012, message: `Taken by ${apiKey}.` },
  { id: 'x', errorCode: 2012, displayText: `Taken by ${apiKey}.`, errors: [] },
];

describe('getTask of a failed task', () => {
  it.each([
    ['a 400', json(400, { errors: failedErrors })],
    ['a 400 with its status', json(400, { taskId: 't-1', taskStatus: 'FAILED', errors: failedErrors })],
    ['errors beside its status', json(200, { taskId: 't-1', taskStatus: 'failed', errors: failedErrors })],
    ['errors in data', json(200, { data: { id: 't-1', status: 'FAILED', errors: failedErrors } })],
    ['errors beside data', json(200, { data: { id: 't-1', status: 'FAILED' }, errors: failedErrors })],
    ['a 500', json(500, { errors: failedErrors })],
    ['a 500 with its status', json(500, { data: { id: 't-1', status: 'FAILED', errors: failedErrors } })],
    ['errors in its result', json(200, { taskId: 't-1', status: 'FAILED', result: { errors: failedErrors } })],
    ...resultsWithReason.flatMap((result) => [
      [`the result ${JSON.stringify(result)}`, json(200, { taskId: 't-1', taskStatus: 'FAILED', result })] as const,
      [
        `the result ${JSON.stringify(result)} in a 500`,
        json(500, { data: { id: 't-1', status: 'Failed', result } }),
      ] as const,
    ]),
    [
      'a result that says why, beside the status ERROR',
      json(200, { data: { id: 't-1', status: 'ERROR', result: resultsWithReason[0] } }),
    ],
    ['a result that says why, without a status', json(500, { taskId: 't-1', result: resultsWithReason[0] })],
  ])('returns its errors from %s', async (_form, response) => {
    expect(await read(response)).toEqual(failed);
    expect(upstream.calls.length).toBe(1);
  });

  it('returns no errors if the response has none', async () => {
    expect(await read({ taskId: 't-1', taskStatus: 'FAILED' })).toEqual({ ...failed, errors: [] });
  });

  it('returns a reason that is a text', async () => {
    const task = await read({ taskId: 't-1', taskStatus: 'FAILED', result: 'Taken.' });
    expect(task.errors).toEqual([{ code: null, message: 'Taken.' }]);
  });

  it.each(['PENDING', 'SUCCESS'])(
    'is not what a task with the status %s is because of a message in its result',
    async (status) => {
      expect(
        (await read({ taskId: 't-1', taskStatus: status, result: { message: 'Done.', errorText: '' } })).status,
      ).toBe(status);
    },
  );

  it('rejects with BadResponseError after a 400 without errors', async () => {
    expect(await catchFailure(read(raw(400, '<html>')))).toEqual({
      name: 'BadResponseError',
      message: 'The REST API sent an unexpected response.',
      upstream: { status: 400, errors: [] },
      outcomeUnknown: false,
    });
  });

  it.each([
    [200, 'RejectedError'],
    [401, 'UnauthenticatedError'],
    [403, 'ForbiddenError'],
    [404, 'NotFoundError'],
    [405, 'UpstreamFailureError'],
    [409, 'RejectedError'],
    [501, 'UpstreamFailureError'],
  ])('treats errors with the status %i as a failed call and rejects with %s', async (status, name) => {
    const redacted = [{ code: '2012', message: 'Taken by [secret].' }];
    for (const body of [{ errors: failedErrors }, { taskStatus: 'PENDING', errors: failedErrors }]) {
      const failure = await catchFailure(read(json(status, body)));
      expect([failure.name, failure.upstream]).toEqual([name, { status, errors: redacted }]);
    }
  });
});

describe('TaskEntity.created', () => {
  it.each([
    ['2015-07-07', '2015-07-07T00:00:00.000Z'],
    [' 2015-07-07 ', '2015-07-07T00:00:00.000Z'],
    ['2015-07-07T10:20', '2015-07-07T10:20:00.000Z'],
    ['2015-07-07T10:20:30', '2015-07-07T10:20:30.000Z'],
    ['2015-07-07 10:20:30', '2015-07-07T10:20:30.000Z'],
    ['2015-07-07T10:20:30.5', '2015-07-07T10:20:30.500Z'],
    ['2015-07-07T10:20:30.123456789Z', '2015-07-07T10:20:30.123Z'],
    ['2015-07-07t10:20:30z', '2015-07-07T10:20:30.000Z'],
    ['2015-07-07T10:20:30-04:00', '2015-07-07T14:20:30.000Z'],
    ['2015-07-07T10:20:30+0530', '2015-07-07T04:50:30.000Z'],
    ['2015-01-01T00:00:00+02:00', '2014-12-31T22:00:00.000Z'],
    ['2016-02-29', '2016-02-29T00:00:00.000Z'],
  ])('is decoded from %j', async (created, instant) => {
    const task = await read({ data: { id: 't-1', status: 'PENDING', created } });
    expect([task.created?.toISOString(), warnings]).toEqual([instant, []]);
  });

  it.each([undefined, null])('is null, without a warning, if it is %j', async (created) => {
    expect(await read({ taskId: 't-1', taskStatus: 'PENDING', created })).toEqual(pending);
    expect(warnings).toEqual([]);
  });

  it.each([
    '2015-02-31',
    '2015-02-29T10:20:30Z',
    '2015-13-01',
    '2015-00-10',
    '2015-07-07T25:00',
    '2015-07-07T10:61',
    '2015-07-07T10:20:30+99:00',
    '2015-07-07Z',
    '07/07/2015',
    'yesterday',
    '1436227200000',
    '',
  ])('is null, with a warning, if it is the invalid date %j', async (created) => {
    expect(await read({ taskId: 't-1', taskStatus: 'PENDING', created })).toEqual(pending);
    expect(warnings).toEqual([{ field: 'task.created', problem: 'not a valid ISO 8601 date, read as null' }]);
  });

  it.each([1436227200000, {}, true])('is null, with a warning, if it is %j, which is not a string', async (created) => {
    expect(await read({ taskId: 't-1', taskStatus: 'PENDING', created })).toEqual(pending);
    expect(warnings).toEqual([{ field: 'task.created', problem: 'of the wrong type, read as null' }]);
  });
});
