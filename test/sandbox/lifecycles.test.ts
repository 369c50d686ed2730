// How VPNs and tasks change over time. The clock stands still unless a test advances it.
import { describe, expect, it } from '@jest/globals';
import {
  getPath,
  lostOutpost,
  getNames,
  newVpn,
  startSandbox,
  stargate,
  testArea,
  getText,
  torontoOffice,
  type TestSandbox,
} from './test-sandbox.js';

const vpns = `${testArea}/sitetositevpns`;

const getState = async ({ call }: TestSandbox, id: string): Promise<unknown> =>
  getPath((await call('GET', `${vpns}/${id}`)).body, 'data', 'state');

/** Returns a task in both of its forms. The clock of the sandbox starts when the task does. */
const toTaskBody = (taskId: string, taskStatus: string, result: object = {}): object => ({
  taskId,
  taskStatus,
  ...result,
  data: { id: taskId, status: taskStatus, created: '2026-11-23T18:30:00.000Z', ...result },
});

/** Sends a write, and returns the id of its task. */
const write = async ({ call }: TestSandbox, method: string, path: string, body?: object): Promise<string> => {
  const response = await call(method, path, { body });
  expect([response.status, response.body]).toEqual([200, { taskId: expect.any(String), taskStatus: 'PENDING' }]);
  return getText(response.body, 'taskId');
};

/** Creates a VPN, and returns its id and the id of the task. */
const create = async (sandbox: TestSandbox, change: object = {}): Promise<{ taskId: string; id: string }> => {
  const taskId = await write(sandbox, 'POST', vpns, { ...newVpn, ...change });
  return { taskId, id: getText((await sandbox.call('GET', vpns)).body, 'data', 9, 'id') };
};

describe('POST …/sitetositevpns', () => {
  it('creates a VPN that is Pending at once, and Connected 3 s after its task has succeeded', async () => {
    const sandbox = await startSandbox();
    const { taskId, id } = await create(sandbox);
    expect(await getState(sandbox, id)).toBe('Pending');
    sandbox.advance(2_999);
    expect((await sandbox.call('GET', `/tasks/${taskId}`)).body).toEqual(toTaskBody(taskId, 'PENDING'));
    sandbox.advance(1);
    const result = {
      ...newVpn,
      id,
      state: 'Pending',
      ikeDhGroup: null,
      espPerfectForwardSecrecy: null,
      dpd: false,
      forceEncap: false,
    };
    expect((await sandbox.call('GET', `/tasks/${taskId}`)).body).toEqual(toTaskBody(taskId, 'SUCCESS', { result }));
    sandbox.advance(2_999);
    expect(await getState(sandbox, id)).toBe('Pending');
    sandbox.advance(1);
    expect(await getState(sandbox, id)).toBe('Connected');
  });

  it('connects the VPN if there was no call in between', async () => {
    const sandbox = await startSandbox();
    const { id } = await create(sandbox);
    sandbox.advance(6_000);
    expect(await getState(sandbox, id)).toBe('Connected');
  });

  it('returns algorithms in the documented lower-case spelling, whatever the spelling of the input', async () => {
    const sandbox = await startSandbox();
    const { id } = await create(sandbox, {
      ikeEncryptionAlgorithm: '3DES',
      ikeHashAlgorithm: 'MD5',
      ikeDhGroup: 'MODP1024',
      espEncryptionAlgorithm: 'Aes192',
      espHashAlgorithm: 'Sha1',
      espPerfectForwardSecrecy: 'Group-5 (1536-bit)',
      dpd: true,
      forceEncap: true,
    });
    expect(getPath((await sandbox.call('GET', `${vpns}/${id}`)).body, 'data')).toMatchObject({
      ikeEncryptionAlgorithm: '3des',
      ikeHashAlgorithm: 'md5',
      ikeDhGroup: 'modp1024',
      espEncryptionAlgorithm: 'aes192',
      espHashAlgorithm: 'sha1',
      espPerfectForwardSecrecy: 'modp1536',
      dpd: true,
      forceEncap: true,
    });
  });

  it.each([null, '', 'None', 'none'])('accepts %p for an unused group', async (group) => {
    const sandbox = await startSandbox();
    const { id } = await create(sandbox, { ikeDhGroup: group, espPerfectForwardSecrecy: group });
    expect(getPath((await sandbox.call('GET', `${vpns}/${id}`)).body, 'data')).toMatchObject({
      ikeDhGroup: null,
      espPerfectForwardSecrecy: null,
    });
  });

  it.each(['203.0.113.50', '2001:db8::1', 'gate', 'vpn-1.abydos.example'])(
    'accepts the gateway %s',
    async (gateway) => {
      const sandbox = await startSandbox();
      await create(sandbox, { gateway });
    },
  );

  it('reserves the name and the gateway at once', async () => {
    const sandbox = await startSandbox();
    await create(sandbox);
    const repeated = await sandbox.call('POST', vpns, { body: newVpn });
    expect([repeated.status, getPath(repeated.body, 'errors', 1, 'code')]).toEqual([400, 2013]);
  });

  it('fails the task for an unreachable gateway, and removes the VPN', async () => {
    const sandbox = await startSandbox();
    const { taskId, id } = await create(sandbox, { gateway: '240.1.2.3' });
    expect(await getState(sandbox, id)).toBe('Pending');
    sandbox.advance(3_000);
    const task = await sandbox.call('GET', `/tasks/${taskId}`);
    const error = {
      code: 2020,
      errorCode: 'TASK_FAILED',
      message: 'The gateway 240.1.2.3 cannot be reached.',
      context: { type: 'sitetositevpns', id },
    };
    expect([task.status, task.body]).toEqual([400, { ...toTaskBody(taskId, 'FAILED'), errors: [error] }]);
    expect((await sandbox.call('GET', `${vpns}/${id}`)).status).toBe(404);
  });
});

describe('DELETE …/sitetositevpns/:id', () => {
  it('keeps the VPN until the task succeeds', async () => {
    const sandbox = await startSandbox();
    const taskId = await write(sandbox, 'DELETE', `${vpns}/${stargate}`);
    sandbox.advance(2_999);
    expect(await getState(sandbox, stargate)).toBe('Connected');
    sandbox.advance(1);
    expect((await sandbox.call('GET', `${vpns}/${stargate}`)).status).toBe(404);
    expect(getNames(await sandbox.call('GET', vpns))).not.toContain('stargate');
    const expected = toTaskBody(taskId, 'SUCCESS', { result: { id: stargate } });
    expect((await sandbox.call('GET', `/tasks/${taskId}`)).body).toEqual(expected);
  });

  it('frees the name and the gateway of the VPN', async () => {
    const sandbox = await startSandbox();
    await write(sandbox, 'DELETE', `${vpns}/${stargate}`);
    sandbox.advance(3_000);
    await write(sandbox, 'POST', vpns, { ...newVpn, name: 'stargate', gateway: '19.19.19.19' });
  });

  it.each([
    ['DELETE', ''],
    ['POST', '?operation=reset'],
  ])('fails the task of a later %s%s of the same VPN', async (method, query) => {
    const sandbox = await startSandbox();
    await write(sandbox, 'DELETE', `${vpns}/${stargate}`);
    sandbox.advance(1_000);
    const taskId = await write(sandbox, method, `${vpns}/${stargate}${query}`);
    sandbox.advance(3_000);
    const task = await sandbox.call('GET', `/tasks/${taskId}`);
    expect([task.status, getPath(task.body, 'taskStatus'), getPath(task.body, 'errors', 0, 'message')]).toEqual([
      400,
      'FAILED',
      `The site-to-site VPN ${stargate} no longer exists.`,
    ]);
  });

  it('removes a VPN that was still to connect', async () => {
    const sandbox = await startSandbox();
    const { id } = await create(sandbox);
    sandbox.advance(1_000);
    await write(sandbox, 'DELETE', `${vpns}/${id}`);
    sandbox.advance(60_000);
    expect((await sandbox.call('GET', `${vpns}/${id}`)).status).toBe(404);
  });
});

describe('POST …/sitetositevpns/:id?operation=reset', () => {
  it.each([
    ['Disconnected', torontoOffice],
    ['Error', '1f97bfb7-b8d8-48e0-ac62-9714384460ce'],
    ['Pending', '8dbed732-1c15-4578-ba17-613863f500bb'],
    ['Connected', stargate],
  ])('changes the VPN from %s to Pending to Connected, at the same place in the list', async (state, id) => {
    const sandbox = await startSandbox();
    const before = getNames(await sandbox.call('GET', vpns));
    expect(await getState(sandbox, id)).toBe(state);
    const taskId = await write(sandbox, 'POST', `${vpns}/${id}?operation=reset`);
    expect(await getState(sandbox, id)).toBe('Pending');
    sandbox.advance(2_999);
    expect(await getState(sandbox, id)).toBe('Pending');
    sandbox.advance(1);
    expect(await getState(sandbox, id)).toBe('Connected');
    const result = getPath((await sandbox.call('GET', `${vpns}/${id}`)).body, 'data');
    expect((await sandbox.call('GET', `/tasks/${taskId}`)).body).toEqual(toTaskBody(taskId, 'SUCCESS', { result }));
    expect(getNames(await sandbox.call('GET', vpns))).toEqual(before);
  });

  it('fails the task for an unreachable gateway, and leaves the VPN in Error', async () => {
    const sandbox = await startSandbox();
    const taskId = await write(sandbox, 'POST', `${vpns}/${lostOutpost}?operation=reset`);
    expect(await getState(sandbox, lostOutpost)).toBe('Pending');
    sandbox.advance(3_000);
    const task = await sandbox.call('GET', `/tasks/${taskId}`);
    expect([task.status, getPath(task.body, 'taskStatus')]).toEqual([400, 'FAILED']);
    expect(await getState(sandbox, lostOutpost)).toBe('Error');
  });
});

describe('GET /tasks/:id', () => {
  it('keeps the result of the task when the VPN changes', async () => {
    const sandbox = await startSandbox();
    const { taskId, id } = await create(sandbox);
    sandbox.advance(6_000);
    expect(await getState(sandbox, id)).toBe('Connected');
    expect(getPath((await sandbox.call('GET', `/tasks/${taskId}`)).body, 'result', 'state')).toBe('Pending');
  });

  it('returns 404 from 30 minutes after the write', async () => {
    const sandbox = await startSandbox();
    const taskId = await write(sandbox, 'DELETE', `${vpns}/${stargate}`);
    sandbox.advance(30 * 60_000 - 1);
    expect((await sandbox.call('GET', `/tasks/${taskId}`)).status).toBe(200);
    sandbox.advance(1);
    expect((await sandbox.call('GET', `/tasks/${taskId}`)).status).toBe(404);
  });

  it('returns 404 for an expired task that was never requested, whose work is done', async () => {
    const sandbox = await startSandbox();
    const taskId = await write(sandbox, 'DELETE', `${vpns}/${stargate}`);
    sandbox.advance(24 * 60 * 60_000);
    expect((await sandbox.call('GET', `/tasks/${taskId}`)).status).toBe(404);
    expect((await sandbox.call('GET', `${vpns}/${stargate}`)).status).toBe(404);
  });
});
