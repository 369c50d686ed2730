// Tasks in both of their forms, every status and instant that they come with, and the waiting for one to end, which never fails for
// what the REST API does.
import { describe, expect, it } from '@jest/globals';
import { hasEnded, getTask, type TaskEntity, waitForTask } from '../../src/cloudca/tasks.js';
import { cut, json, raw, type Script, startUpstream } from '../helpers/upstream.js';
import { apiKey, failureOf, hang, startClient } from './rest.js';

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

describe('Waiting for a task', () => {
  const never = new AbortController().signal;
  const quick = { waitMs: 20_000, pollMs: 10, stop: never };
  const still = { taskId: 't-1', taskStatus: 'PENDING', created: '2015-07-07' };
  const stillPending = { ...pending, created: new Date('2015-07-07T00:00:00.000Z') };
  const done = { taskId: 't-1', taskStatus: 'SUCCESS', result: { id: 'x' } };

  it('ends when the task does', async () => {
    upstream.script((_call, index) => (index < 3 ? still : done));
    expect(await waitForTask(session(), pending, 'org-1', quick)).toEqual(succeeded);
    expect(upstream.calls.map(({ url }) => url)).toEqual(Array(4).fill('/v1/tasks/t-1?org_id=org-1'));
  });

  it.each([
    ['a status', json(200, { data: { id: 't-1', status: 'FAILED', errors: failedErrors } })],
    ['a 400', json(400, { errors: failedErrors })],
  ])('ends when the task fails, told by %s', async (_how, answer) => {
    upstream.script((_call, index) => (index === 0 ? still : answer));
    expect(await waitForTask(session(), pending, null, quick)).toEqual(failed);
    expect(upstream.calls.length).toBe(2);
  });

  it('asks nothing about a task that has ended', async () => {
    upstream.script(() => done);
    const ended: TaskEntity = { ...pending, status: 'FAILED' };
    expect(await waitForTask(session(), ended, null, quick)).toBe(ended);
    expect(upstream.calls).toEqual([]);
  });

  it('asks nothing where the wait is zero', async () => {
    upstream.script(() => done);
    expect(await waitForTask(session(), pending, null, { ...quick, waitMs: 0 })).toBe(pending);
    expect(upstream.calls).toEqual([]);
  });

  it('does not end with a status that is not documented', async () => {
    upstream.script((_call, index) => (index < 2 ? { ...still, taskStatus: 'RUNNING' } : done));
    expect(await waitForTask(session(), pending, null, quick)).toEqual(succeeded);
    expect(upstream.calls.length).toBe(3);
  });

  it('ends when the time is over, with the task as last known', async () => {
    // One of its own: the last look may still be on its way there when the next test begins.
    const upstream = await startUpstream(() => still);
    const { session } = startClient(upstream.url);
    expect(await waitForTask(session(), pending, null, { ...quick, waitMs: 1_000, pollMs: 20 })).toEqual(stillPending);
    expect(upstream.calls.length).toBeGreaterThan(1);
  });

  it('looks at least once, however seldom it is to look', async () => {
    upstream.script(() => done);
    const seldom = { ...quick, waitMs: 1_000, pollMs: 60_000 };
    expect(await waitForTask(session(), pending, null, seldom)).toEqual(succeeded);
    expect(upstream.calls.length).toBe(1);
  });

  it('ends in time where a look does not', async () => {
    const { session } = startClient(upstream.url, { timeoutMs: 600_000 });
    upstream.script((_call, index) => (index === 0 ? still : hang));
    expect(await waitForTask(session(), pending, null, { ...quick, waitMs: 1_000 })).toEqual(stillPending);
    expect(upstream.calls.length).toBe(2);
  });

  it('ends at once when it is stopped before the first look', async () => {
    const stopping = new AbortController();
    upstream.script(() => done);
    setTimeout(() => {
      stopping.abort();
    }, 20);
    const options = { waitMs: 600_000, pollMs: 300_000, stop: stopping.signal };
    expect(await waitForTask(session(), pending, null, options)).toBe(pending);
    expect(upstream.calls).toEqual([]);
  });

  it('ends when it is stopped between two looks', async () => {
    const stopping = new AbortController();
    upstream.script(() => (response) => {
      response.on('close', () =>
        setTimeout(() => {
          stopping.abort();
        }, 50),
      );
      json(200, still)(response);
    });
    const options = { waitMs: 600_000, pollMs: 1_000, stop: stopping.signal };
    expect(await waitForTask(session(), pending, null, options)).toEqual(stillPending);
    expect(upstream.calls.length).toBe(1);
    // Stopped already, it does not begin.
    expect(await waitForTask(session(), pending, null, options)).toBe(pending);
    expect(upstream.calls.length).toBe(1);
  });

  it('ends at once when it is stopped in the middle of a look, which ends upstream too', async () => {
    const stopping = new AbortController();
    let left: Promise<unknown> = Promise.resolve();
    upstream.script(() => (response) => {
      left = new Promise((resolve) => response.on('close', resolve));
      stopping.abort();
    });
    const options = { waitMs: 600_000, pollMs: 10, stop: stopping.signal };
    expect(await waitForTask(session(), pending, null, options)).toBe(pending);
    await left;
    expect(upstream.calls.length).toBe(1);
  });

  it.each([
    ['405', raw(405)],
    ['409 with errors', json(409, { errors: failedErrors })],
    ['429', raw(429, '', { 'retry-after': '600' })],
    ['500', raw(500)],
    ['503', raw(503, '', { 'retry-after': '600' })],
    ['400 without errors', raw(400)],
    ['200 with errors', json(200, { errors: failedErrors })],
    ['HTML', raw(200, '<html>')],
    ['204', raw(204)],
    ['a task without a status', json(200, { data: {} })],
    ['a redirect', raw(302, '', { location: 'http://elsewhere.example/' })],
    ['a broken gzip', raw(200, 'x', { 'content-encoding': 'gzip' })],
  ])('passes over a look that fails with %s', async (_what, answer) => {
    upstream.script((_call, index) => (index === 0 || index === 2 ? answer : index === 1 ? still : done));
    expect(await waitForTask(session(), pending, null, quick)).toEqual(succeeded);
    expect(upstream.calls.length).toBe(4);
  });

  it('passes over lost connections', async () => {
    // A look is tried three times: two looks fail.
    upstream.script((_call, index) => (index < 6 ? cut : done));
    expect(await waitForTask(session(), pending, null, quick)).toEqual(succeeded);
    expect(upstream.calls.length).toBe(7);
  });

  it.each([401, 403, 404])('ends with a look that is answered %i', async (status) => {
    upstream.script((_call, index) => (index === 0 ? still : json(status, { errors: failedErrors })));
    expect(await waitForTask(session(), pending, null, quick)).toEqual(stillPending);
    expect(upstream.calls.length).toBe(2);
  });

  it('ends when the caller goes', async () => {
    const rest = session();
    upstream.script(() => () => {
      rest.leave();
    });
    expect(await waitForTask(rest, pending, null, { ...quick, waitMs: 600_000 })).toBe(pending);
    expect(upstream.calls.length).toBe(1);
  });

  it('does not fail where calls are cut', async () => {
    const { client, session } = startClient(upstream.url);
    upstream.script(() => () => {
      client.cut();
    });
    expect(await waitForTask(session(), pending, null, { ...quick, waitMs: 300 })).toBe(pending);
    expect(upstream.calls.length).toBe(1);
  });

  it.each(['', '.', '..', '../environments', 'a/b', '%2e%2e', 'a\u0000'])(
    'asks nothing about a task whose id is no part of an address: %j',
    async (id) => {
      upstream.script(() => done);
      expect(await waitForTask(session(), { ...pending, id }, null, quick)).toEqual({ ...pending, id });
      expect(upstream.calls).toEqual([]);
    },
  );

  it('may go on beyond the deadline of the session, and leaves what was left of it', async () => {
    const { session } = startClient(upstream.url, { timeoutMs: 1_000 });
    const rest = session();
    upstream.script((_call, index) => (index < 12 ? still : done));
    expect(await waitForTask(rest, pending, null, { ...quick, pollMs: 100 })).toEqual(succeeded);
    expect(upstream.calls.length).toBe(13);
    upstream.script(() => ({ data: 1 }));
    expect(await rest.read({ path: ['environments'] })).toBe(1);
  });

  it('does not lend the session the time that was not waited', async () => {
    const { session } = startClient(upstream.url, { timeoutMs: 500 });
    const rest = session();
    upstream.script((_call, index) => (index === 0 ? done : hang));
    await waitForTask(rest, pending, null, { ...quick, waitMs: 600_000 });
    expect((await failureOf(rest.read({ path: ['environments'] }))).name).toBe('TimeoutError');
  });
});
