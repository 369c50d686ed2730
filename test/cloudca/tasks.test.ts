// Tasks in both of their forms, with every status and instant that they come with.
import { describe, expect, it } from '@jest/globals';
import { hasEnded, getTask, type TaskEntity } from '../../src/cloudca/tasks.js';
import { json, raw, type Script, startUpstream } from '../helpers/upstream.js';
import { apiKey, failureOf, startClient } from './test-client.js';

const upstream = await startUpstream();
const { session, warnings } = startClient(upstream.url);
const pending: TaskEntity = { id: 't-1', status: 'PENDING', created: null, result: undefined, errors: [] };
const succeeded = { ...pending, status: 'SUCCESS', result: { id: 'x' } };
const failedErrors = [{ code: 2012, message: `Taken by ${apiKey}.` }];
const failed = { ...pending, status: 'FAILED', errors: [{ code: '2012', message: 'Taken by [secret].' }] };

async function read(answer: ReturnType<Script>) {
  warnings.splice(0);
  upstream.script(() => answer);
  return getTask(session(), 't-1', null);
}

describe('A task', () => {
  it.each([
    ['at the top', { taskId: 't-1', taskStatus: 'SUCCESS', result: { id: 'x' } }],
    ['in data', { data: { id: 't-1', status: 'SUCCESS', result: { id: 'x' } } }],
    ['in data, under the other names', { data: { taskId: 't-1', taskStatus: 'SUCCESS', result: { id: 'x' } } }],
    ['at the top, beside data', { taskId: 't-1', taskStatus: 'SUCCESS', result: { id: 'x' }, data: { id: 'x' } }],
  ])('may stand %s', async (_where, answer) => {
    expect(await read(answer)).toEqual(succeeded);
    expect(warnings).toEqual([]);
    expect(upstream.calls.map(({ url }) => url)).toEqual(['/v1/tasks/t-1']);
  });

  it.each([
    ['PENDING', 'PENDING', false],
    ['pending', 'PENDING', false],
    ['Success', 'SUCCESS', true],
    ['success ', 'SUCCESS', true],
    ['Failed', 'FAILED', true],
  ])('with the status %j is %s', async (status, known, ended) => {
    for (const answer of [{ taskId: 't-1', taskStatus: status }, { data: { id: 't-1', status } }]) {
      const task = await read(answer);
      expect(task).toEqual({ ...pending, status: known });
      expect(hasEnded(task)).toBe(ended);
      expect(warnings).toEqual([]);
    }
  });

  it.each(['RUNNING', 'SUCCEEDED', ''])('with the status %j is unknown, has not ended, and warns', async (status) => {
    const task = await read({ data: { id: 't-1', status, result: { id: 'x' } } });
    expect(task).toEqual({ ...pending, status: 'UNKNOWN' });
    expect(hasEnded(task)).toBe(false);
    expect(warnings).toEqual([{ field: 'task.status', problem: 'not one that is documented, read as UNKNOWN' }]);
  });

  it.each([
    { data: { id: 't-1' } },
    { data: { id: 't-1', status: null } },
    { data: { id: 't-1', status: 7 } },
    { taskId: 't-1', taskStatus: {} },
  ])('without a status is a bad response: %j', async (answer) => {
    expect(await failureOf(read(answer))).toEqual({
      name: 'BadResponseError',
      message: 'The REST API sent a task whose status is not a string.',
      outcomeUnknown: false,
    });
  });

  it.each([{}, { data: null }, { data: [] }, { data: 'x' }, []])('is none in %j', async (answer) => {
    expect((await failureOf(read(answer))).name).toBe('BadResponseError');
  });

  it.each([[204], [200]])('is none in an empty %i', async (status) => {
    expect((await failureOf(read(raw(status)))).name).toBe('BadResponseError');
  });

  it.each(['PENDING', 'FAILED'])('that is %s has no result', async (status) => {
    expect(await read({ taskId: 't-1', taskStatus: status, result: { id: 'x' } })).toEqual({ ...pending, status });
  });

  it.each([[null], [0], ['x'], [[1]], [{}]])('has any result: %j', async (result) => {
    expect(await read({ taskId: 't-1', taskStatus: 'SUCCESS', result })).toEqual({
      ...succeeded,
      result: result ?? undefined,
    });
  });

  it('has the id that was asked for', async () => {
    expect((await read({ data: { id: 'other', status: 'PENDING' } })).id).toBe('t-1');
  });
});

describe('A failed task', () => {
  it.each([
    ['a 400', json(400, { errors: failedErrors })],
    ['a 400 with its status', json(400, { taskId: 't-1', taskStatus: 'FAILED', errors: failedErrors })],
    ['errors beside its status', json(200, { taskId: 't-1', taskStatus: 'failed', errors: failedErrors })],
    ['errors in data', json(200, { data: { id: 't-1', status: 'FAILED', errors: failedErrors } })],
    ['errors beside data', json(200, { data: { id: 't-1', status: 'FAILED' }, errors: failedErrors })],
  ])('tells its errors, which come as %s', async (_how, answer) => {
    expect(await read(answer)).toEqual(failed);
    expect(upstream.calls.length).toBe(1);
  });

  it('may tell none', async () => {
    expect(await read({ taskId: 't-1', taskStatus: 'FAILED' })).toEqual({ ...failed, errors: [] });
  });

  it('is none in a 400 without errors', async () => {
    expect(await failureOf(read(raw(400, '<html>')))).toEqual({
      name: 'RefusedError',
      message: 'The REST API refused the request.',
      answer: { status: 400, errors: [] },
      outcomeUnknown: false,
    });
  });

  it.each([
    [200, 'RefusedError'],
    [401, 'UnauthenticatedError'],
    [403, 'ForbiddenError'],
    [404, 'NotFoundError'],
    [405, 'UpstreamFailureError'],
    [409, 'RefusedError'],
    [500, 'UpstreamFailureError'],
  ])('is none in errors with the status %i: that is a %s', async (status, name) => {
    const told = [{ code: '2012', message: 'Taken by [secret].' }];
    for (const body of [{ errors: failedErrors }, { taskStatus: 'PENDING', errors: failedErrors }]) {
      const { name: thrown, answer } = await failureOf(read(json(status, body)));
      expect([thrown, answer]).toEqual([name, { status, errors: told }]);
    }
  });
});

describe('When a task was created', () => {
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
  ])('is read from %j', async (created, instant) => {
    const task = await read({ data: { id: 't-1', status: 'PENDING', created } });
    expect([task.created?.toISOString(), warnings]).toEqual([instant, []]);
  });

  it.each([undefined, null])('may be absent (%j)', async (created) => {
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
  ])('is null, with a warning, for %j', async (created) => {
    expect(await read({ taskId: 't-1', taskStatus: 'PENDING', created })).toEqual(pending);
    expect(warnings).toEqual([{ field: 'task.created', problem: 'not an instant that can be read, read as null' }]);
  });

  it.each([1436227200000, {}, true])('is null, with a warning, for %j, which is no string', async (created) => {
    expect(await read({ taskId: 't-1', taskStatus: 'PENDING', created })).toEqual(pending);
    expect(warnings).toEqual([{ field: 'task.created', problem: 'of the wrong type, read as null' }]);
  });
});
