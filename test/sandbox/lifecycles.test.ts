// How VPNs and tasks change with time. The clock stands still unless the test moves it.
import { describe, expect, it } from '@jest/globals';
import {
  at,
  lostOutpost,
  names,
  newVpn,
  serve,
  stargate,
  testArea,
  textAt,
  torontoOffice,
  type Served,
} from './test-sandbox.js';

const vpns = `${testArea}/sitetositevpns`;

const stateOf = async ({ call }: Served, id: string): Promise<unknown> =>
  at((await call('GET', `${vpns}/${id}`)).body, 'data', 'state');

/** Writes, and gives the id of the task that was accepted. */
const write = async ({ call }: Served, method: string, path: string, body?: object): Promise<string> => {
  const answer = await call(method, path, { body });
  expect([answer.status, answer.body]).toEqual([200, { taskId: expect.any(String), taskStatus: 'PENDING' }]);
  return textAt(answer.body, 'taskId');
};

/** Creates, and gives the id of the new VPN as well. */
const create = async (served: Served, change: object = {}): Promise<{ taskId: string; id: string }> => {
  const taskId = await write(served, 'POST', vpns, { ...newVpn, ...change });
  return { taskId, id: textAt((await served.call('GET', vpns)).body, 'data', 9, 'id') };
};

describe('A new VPN', () => {
  it('is Pending at once, and Connected three seconds after its task has succeeded', async () => {
    const served = await serve();
    const { taskId, id } = await create(served);
    expect(await stateOf(served, id)).toBe('Pending');
    served.advance(2_999);
    expect((await served.call('GET', `/tasks/${taskId}`)).body).toEqual({ taskId, taskStatus: 'PENDING' });
    served.advance(1);
    expect((await served.call('GET', `/tasks/${taskId}`)).body).toEqual({
      taskId,
      taskStatus: 'SUCCESS',
      result: {
        ...newVpn,
        id,
        state: 'Pending',
        ikeDhGroup: null,
        espPerfectForwardSecrecy: null,
        dpd: false,
        forceEncap: false,
      },
    });
    served.advance(2_999);
    expect(await stateOf(served, id)).toBe('Pending');
    served.advance(1);
    expect(await stateOf(served, id)).toBe('Connected');
  });

  it('is Connected where nobody looked in between', async () => {
    const served = await serve();
    const { id } = await create(served);
    served.advance(6_000);
    expect(await stateOf(served, id)).toBe('Connected');
  });

  it('is told in the documented lower-case spelling, however its algorithms were written', async () => {
    const served = await serve();
    const { id } = await create(served, {
      ikeEncryptionAlgorithm: '3DES',
      ikeHashAlgorithm: 'MD5',
      ikeDhGroup: 'MODP1024',
      espEncryptionAlgorithm: 'Aes192',
      espHashAlgorithm: 'Sha1',
      espPerfectForwardSecrecy: 'Group-5 (1536-bit)',
      dpd: true,
      forceEncap: true,
    });
    expect(at((await served.call('GET', `${vpns}/${id}`)).body, 'data')).toMatchObject({
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

  it.each([null, '', 'None', 'none'])('takes %p for a group that is not used', async (group) => {
    const served = await serve();
    const { id } = await create(served, { ikeDhGroup: group, espPerfectForwardSecrecy: group });
    expect(at((await served.call('GET', `${vpns}/${id}`)).body, 'data')).toMatchObject({
      ikeDhGroup: null,
      espPerfectForwardSecrecy: null,
    });
  });

  it.each(['203.0.113.50', '2001:db8::1', 'gate', 'vpn-1.abydos.example'])('takes the gateway %s', async (gateway) => {
    const served = await serve();
    await create(served, { gateway });
  });

  it('holds its name and its gateway from the moment it is accepted', async () => {
    const served = await serve();
    await create(served);
    const again = await served.call('POST', vpns, { body: newVpn });
    expect([again.status, at(again.body, 'errors', 1, 'code')]).toEqual([400, 2013]);
  });

  it('whose gateway cannot be reached fails in carrying out, and is gone then', async () => {
    const served = await serve();
    const { taskId, id } = await create(served, { gateway: '240.1.2.3' });
    expect(await stateOf(served, id)).toBe('Pending');
    served.advance(3_000);
    const task = await served.call('GET', `/tasks/${taskId}`);
    expect([task.status, task.body]).toEqual([
      400,
      {
        taskId,
        taskStatus: 'FAILED',
        errors: [{ code: 2020, message: 'The gateway 240.1.2.3 cannot be reached.', context: {} }],
      },
    ]);
    expect((await served.call('GET', `${vpns}/${id}`)).status).toBe(404);
  });
});

describe('A VPN that is deleted', () => {
  it('stays as it is until its task succeeds', async () => {
    const served = await serve();
    const taskId = await write(served, 'DELETE', `${vpns}/${stargate}`);
    served.advance(2_999);
    expect(await stateOf(served, stargate)).toBe('Connected');
    served.advance(1);
    expect((await served.call('GET', `${vpns}/${stargate}`)).status).toBe(404);
    expect(names(await served.call('GET', vpns))).not.toContain('stargate');
    expect((await served.call('GET', `/tasks/${taskId}`)).body).toEqual({
      taskId,
      taskStatus: 'SUCCESS',
      result: { id: stargate },
    });
  });

  it('frees its name and its gateway', async () => {
    const served = await serve();
    await write(served, 'DELETE', `${vpns}/${stargate}`);
    served.advance(3_000);
    await write(served, 'POST', vpns, { ...newVpn, name: 'stargate', gateway: '19.19.19.19' });
  });

  it.each([
    ['DELETE', ''],
    ['POST', '?operation=reset'],
  ])('makes a %s%s accepted meanwhile fail', async (method, query) => {
    const served = await serve();
    await write(served, 'DELETE', `${vpns}/${stargate}`);
    served.advance(1_000);
    const taskId = await write(served, method, `${vpns}/${stargate}${query}`);
    served.advance(3_000);
    const task = await served.call('GET', `/tasks/${taskId}`);
    expect([task.status, at(task.body, 'taskStatus'), at(task.body, 'errors', 0, 'message')]).toEqual([
      400,
      'FAILED',
      `The site-to-site VPN ${stargate} no longer exists.`,
    ]);
  });

  it('does not come back where it was still to be connected', async () => {
    const served = await serve();
    const { id } = await create(served);
    served.advance(1_000);
    await write(served, 'DELETE', `${vpns}/${id}`);
    served.advance(60_000);
    expect((await served.call('GET', `${vpns}/${id}`)).status).toBe(404);
  });
});

describe('A VPN that is reset', () => {
  it.each([
    ['Disconnected', torontoOffice],
    ['Error', '1f97bfb7-b8d8-48e0-ac62-9714384460ce'],
    ['Pending', '8dbed732-1c15-4578-ba17-613863f500bb'],
    ['Connected', stargate],
  ])('goes from %s over Pending to Connected, in its place in the list', async (state, id) => {
    const served = await serve();
    const before = names(await served.call('GET', vpns));
    expect(await stateOf(served, id)).toBe(state);
    const taskId = await write(served, 'POST', `${vpns}/${id}?operation=reset`);
    expect(await stateOf(served, id)).toBe('Pending');
    served.advance(2_999);
    expect(await stateOf(served, id)).toBe('Pending');
    served.advance(1);
    expect(await stateOf(served, id)).toBe('Connected');
    const entity = at((await served.call('GET', `${vpns}/${id}`)).body, 'data');
    expect((await served.call('GET', `/tasks/${taskId}`)).body).toEqual({
      taskId,
      taskStatus: 'SUCCESS',
      result: entity,
    });
    expect(names(await served.call('GET', vpns))).toEqual(before);
  });

  it('and whose gateway cannot be reached ends in Error again', async () => {
    const served = await serve();
    const taskId = await write(served, 'POST', `${vpns}/${lostOutpost}?operation=reset`);
    expect(await stateOf(served, lostOutpost)).toBe('Pending');
    served.advance(3_000);
    const task = await served.call('GET', `/tasks/${taskId}`);
    expect([task.status, at(task.body, 'taskStatus')]).toEqual([400, 'FAILED']);
    expect(await stateOf(served, lostOutpost)).toBe('Error');
  });
});

describe('A task', () => {
  it('keeps the result it ended with', async () => {
    const served = await serve();
    const { taskId, id } = await create(served);
    served.advance(6_000);
    expect(await stateOf(served, id)).toBe('Connected');
    expect(at((await served.call('GET', `/tasks/${taskId}`)).body, 'result', 'state')).toBe('Pending');
  });

  it('is forgotten 30 minutes after the write', async () => {
    const served = await serve();
    const taskId = await write(served, 'DELETE', `${vpns}/${stargate}`);
    served.advance(30 * 60_000 - 1);
    expect((await served.call('GET', `/tasks/${taskId}`)).status).toBe(200);
    served.advance(1);
    expect((await served.call('GET', `/tasks/${taskId}`)).status).toBe(404);
  });

  it('that nobody asked about in time is forgotten, and its work is done', async () => {
    const served = await serve();
    const taskId = await write(served, 'DELETE', `${vpns}/${stargate}`);
    served.advance(24 * 60 * 60_000);
    expect((await served.call('GET', `/tasks/${taskId}`)).status).toBe(404);
    expect((await served.call('GET', `${vpns}/${stargate}`)).status).toBe(404);
  });
});
