// Speaks to the sandbox as the published Go, JavaScript and Terraform clients do. Their requests, and what they need of the responses, are
// written down from how these clients behave, not from their code.
import { describe, expect, it } from '@jest/globals';
import { SANDBOX_KEY } from '../../src/sandbox/keys.js';
import {
  atlantis,
  getEntities,
  getPath,
  getText,
  newVpn,
  startSandbox,
  stargate,
  type TestSandbox,
  torontoOffice,
} from './test-sandbox.js';

const headers = { 'MC-Api-Key': SANDBOX_KEY, 'Content-Type': 'application/json' };
const pegasus = '001d478e-2555-4413-a716-1f883aff5d8d';
const cheyenneMountain = '1ee5cd43-8395-4cd5-a20f-0f1e83b7f8bd';

/** A failure as the Go client reports it. It needs both codes, and iterates the context. */
class GoFailure extends Error {
  constructor(
    readonly status: number,
    readonly errors: { code: number; errorCode: string; type: string; id: string | undefined }[],
  ) {
    super('The REST API rejected the call.');
  }
}

/** Sends a call as the Go client: base URL with a slash at its end, another before the path, and always a question mark. */
async function callAsGo(
  { baseUrl }: TestSandbox,
  method: string,
  path: string,
  { body, query = {} }: { body?: object; query?: Record<string, string> } = {},
): Promise<unknown> {
  const url = `${baseUrl}//${path}?${new URLSearchParams(query).toString()}`;
  const response = await fetch(url, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  const parsed: unknown = await response.json();
  const errors = getPath(parsed, 'errors');
  if (response.ok) return parsed;
  // Without errors beside such a status, the client gives up.
  if (!Array.isArray(errors)) throw new Error(`Status ${response.status} without errors.`);
  throw new GoFailure(
    response.status,
    errors.map((error: unknown) => {
      const code = getPath(error, 'code');
      const id = getPath(error, 'context', 'id');
      if (typeof code !== 'number') throw new Error('An error has no number.');
      return {
        code,
        errorCode: getText(error, 'errorCode'),
        type: getText(error, 'context', 'type'),
        id: typeof id === 'string' ? id : undefined,
      };
    }),
  );
}

/** Sends a write as the Go client, and polls its task once a second. Returns the result, and the number of polls. */
async function writeAsGo(
  sandbox: TestSandbox,
  ...request: [method: string, path: string, options?: { body?: object; query?: Record<string, string> }]
): Promise<{ result: unknown; polls: number }> {
  // An empty id would make the client poll `/tasks/`.
  const taskId = getText(await callAsGo(sandbox, ...request), 'taskId');
  for (let polls = 1; ; polls++) {
    const task = getPath(await callAsGo(sandbox, 'GET', `tasks/${taskId}`), 'data');
    // The client crashes if one of these is missing.
    expect([getText(task, 'id'), Number.isNaN(Date.parse(getText(task, 'created')))]).toEqual([taskId, false]);
    if (getText(task, 'status').toUpperCase() !== 'PENDING') return { result: getPath(task, 'result'), polls };
    sandbox.advance(1_000);
  }
}

const goVpns = 'services/compute-on/test_area/sitetositevpns';

describe('The Go client', () => {
  it('creates, reads, resets and deletes a VPN, and polls each task once a second', async () => {
    const sandbox = await startSandbox();
    const { result, polls } = await writeAsGo(sandbox, 'POST', goVpns, { body: newVpn });
    expect(polls).toBe(4);
    const id = getText(result, 'id');
    expect(getPath(await callAsGo(sandbox, 'GET', `${goVpns}/${id}`), 'data')).toMatchObject(newVpn);
    const reset = await writeAsGo(sandbox, 'POST', `${goVpns}/${id}`, { query: { operation: 'reset' } });
    expect(reset.result).toMatchObject({ id, state: 'Connected' });
    expect((await writeAsGo(sandbox, 'DELETE', `${goVpns}/${id}`)).result).toEqual({ id });
    await expect(callAsGo(sandbox, 'GET', `${goVpns}/${id}`)).rejects.toMatchObject({
      status: 404,
      errors: [{ code: 3001, errorCode: 'NOT_FOUND', type: 'sitetositevpns', id }],
    });
    expect(new Set(sandbox.sandbox.calls.map(({ path }) => path.slice(0, 5)))).toEqual(new Set(['/v1//']));
  });

  it('updates a VPN by PUT in version 2', async () => {
    const sandbox = await startSandbox({}, 'v2');
    const body = { cidrList: '10.30.0.0/16,10.31.0.0/16' };
    expect((await writeAsGo(sandbox, 'PUT', `${goVpns}/${torontoOffice}`, { body })).result).toMatchObject(body);
  });

  it('reads why a create was rejected', async () => {
    const sandbox = await startSandbox();
    await expect(writeAsGo(sandbox, 'POST', goVpns, { body: { ...newVpn, name: 'stargate' } })).rejects.toMatchObject({
      status: 400,
      errors: [{ code: 2013, errorCode: 'ALREADY_USED', type: 'sitetositevpns', id: stargate }],
    });
  });

  it('reads why a task failed', async () => {
    const sandbox = await startSandbox();
    await expect(
      writeAsGo(sandbox, 'POST', goVpns, { body: { ...newVpn, gateway: '240.0.0.1' } }),
    ).rejects.toMatchObject({
      status: 400,
      errors: [{ code: 2020, errorCode: 'TASK_FAILED', type: 'sitetositevpns' }],
    });
  });

  it('works in a sub-organization with org_id on every call', async () => {
    const sandbox = await startSandbox();
    const query = { org_id: atlantis };
    for (const path of [
      'environments',
      `environments/${pegasus}`,
      'organizations',
      `organizations/${atlantis}`,
      'services/connections',
      'services/compute-on/pegasus/sitetositevpns',
      'services/compute-on/pegasus/vpcs',
    ])
      expect(getPath(await callAsGo(sandbox, 'GET', path, { query }), 'data')).toBeDefined();
    const body = { ...newVpn, vpcId: '146b6631-a658-4aa9-9a68-91290bc46860' };
    const path = 'services/compute-on/pegasus/sitetositevpns';
    expect((await writeAsGo(sandbox, 'POST', path, { body, query })).result).toMatchObject({ name: newVpn.name });
  });
});

/** Sends a call as the JavaScript client, which looks at no status. Returns the parsed body; an empty one fails. */
async function callAsJavaScript(
  { baseUrl }: TestSandbox,
  method: string,
  path: string,
  body?: object,
): Promise<unknown> {
  const request = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
  return (await fetch(`${baseUrl}/${path}`, request)).json();
}

/** Sends a call as the JavaScript client, and follows its task if it is a write. Returns the entity or the result. */
async function runAsJavaScript(sandbox: TestSandbox, ...request: [string, string, object?]): Promise<unknown> {
  const response = await callAsJavaScript(sandbox, ...request);
  if (getPath(response, 'taskId') === undefined) return getPath(response, 'data');
  const taskId = getText(response, 'taskId');
  for (let status = getText(response, 'taskStatus'); ;) {
    // The client compares the status as it is, and fails for any other.
    expect(['PENDING', 'SUCCESS', 'FAILED']).toContain(status);
    if (status === 'FAILED') throw new Error('Operation failed.');
    sandbox.advance(1_000);
    const task = getPath(await callAsJavaScript(sandbox, 'GET', `tasks/${taskId}`), 'data');
    expect(getText(task, 'id')).toBe(taskId);
    status = getText(task, 'status');
    if (status === 'SUCCESS') return getPath(task, 'result');
  }
}

describe('The JavaScript client', () => {
  it('lists, creates, resets and deletes VPNs', async () => {
    const sandbox = await startSandbox();
    expect(await runAsJavaScript(sandbox, 'GET', goVpns)).toHaveLength(9);
    const id = getText(await runAsJavaScript(sandbox, 'POST', goVpns, newVpn), 'id');
    expect(await runAsJavaScript(sandbox, 'POST', `${goVpns}/${id}?operation=reset`)).toMatchObject({ id });
    expect(await runAsJavaScript(sandbox, 'DELETE', `${goVpns}/${id}`)).toEqual({ id });
  });

  it('rejects if the task fails', async () => {
    const sandbox = await startSandbox();
    const failing = runAsJavaScript(sandbox, 'POST', goVpns, { ...newVpn, gateway: '240.0.0.1' });
    await expect(failing).rejects.toThrow('Operation failed.');
  });
});

describe('The Terraform provider', () => {
  it.each(['v1', 'v2'] as const)('finds the resources of an environment by its id in %s', async (version) => {
    const sandbox = await startSandbox({}, version);
    const environment = getPath(await callAsGo(sandbox, 'GET', `environments/${cheyenneMountain}`), 'data');
    const serviceCode = getText(environment, 'serviceConnection', 'serviceCode');
    const path = `services/${serviceCode}/${getText(environment, 'name')}/vpcs`;
    expect(getPath(await callAsGo(sandbox, 'GET', path), 'data', 0, 'name')).toBe('level-28');
  });

  it('finds the organization of a new environment by its entry point', async () => {
    const sandbox = await startSandbox();
    const organizations = await callAsGo(sandbox, 'GET', 'organizations');
    const match = getEntities(organizations).find((organization) => getPath(organization, 'entryPoint') === 'atlantis');
    const single = getPath(await callAsGo(sandbox, 'GET', `organizations/${getText(match, 'id')}`), 'data');
    expect([getText(match, 'name'), single]).toEqual(['atlantis', match]);
  });

  it('takes a 404 with errors for a resource that is gone', async () => {
    const sandbox = await startSandbox();
    await expect(callAsGo(sandbox, 'GET', 'environments/nothing')).rejects.toMatchObject({ status: 404 });
  });
});
