// ky with the light classes and with those of Node: the same calls and responses, and `globalThis` as it was.
import { describe, expect, it, jest } from '@jest/globals';
import { CloudcaClient } from '../../../src/cloudca/client.js';
import { lightClasses, standardClasses } from '../../../src/cloudca/http/fetch-classes.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { createLenientClientOptions } from '../../helpers/lenient-client.js';
import { json, raw, startUpstream } from '../../helpers/upstream.js';
import { apiKey, catchFailure, createTestClient, requestId } from '../test-client.js';

const upstream = await startUpstream();
const request = { route: '/tasks/{id}', path: ['tasks', 'a b'] };

describe.each([
  ['light', lightClasses],
  ['standard', standardClasses],
])('ky with %s classes', (_name, fetchClasses) => {
  const client = new CloudcaClient({
    baseUrl: upstream.url,
    timeoutMs: 60_000,
    fetchClasses,
    ...createLenientClientOptions(),
  });
  addCleanup(() => client.close());
  const session = () => client.session({ apiKey, requestId, warn: () => undefined }, { maxRetries: 0 });

  it('reads with the key of the caller, and no header of its own', async () => {
    upstream.script(() => ({ data: 'ü' }));
    expect(await session().read(request, (data) => data)).toBe('ü');
    expect(upstream.calls).toMatchObject([
      { method: 'GET', url: '/v1/tasks/a%20b', headers: { 'mc-api-key': apiKey } },
    ]);
    expect(Object.keys(upstream.calls[0]?.headers ?? {}).toSorted()).toEqual([
      'accept',
      'accept-encoding',
      'connection',
      'host',
      'mc-api-key',
      'x-request-id',
    ]);
  });

  it.each(['POST', 'PUT', 'DELETE'] as const)('writes by %s, with a body and without', async (method) => {
    upstream.script(() => raw(204, ''));
    const write = { ...request, method, advice: 'Check it.' };
    await session().write({ ...write, body: { name: 'ü' } });
    await session().write(write);
    expect(upstream.calls.map((call) => [call.method, call.body])).toEqual([
      [method, '{"name":"ü"}'],
      [method, ''],
    ]);
  });

  it.each([200, 204, 205, 302, 404, 429, 500, 599])('returns the status %i and Retry-After', async (status) => {
    upstream.script(() => raw(status, '', { 'retry-after': '7' }));
    const { status: received, retryAfter, isEmpty } = await session().readResponse(request, (response) => response);
    expect([received, retryAfter, isEmpty]).toEqual([status, 7, true]);
  });

  it('returns no Retry-After if there is none', async () => {
    upstream.script(() => json(404, { errors: [] }));
    expect((await session().readResponse(request, (response) => response)).retryAfter).toBeUndefined();
  });

  it('rejects if the connection is lost', async () => {
    upstream.script(() => (response) => response.socket?.destroy());
    expect(await catchFailure(session().read(request, () => undefined))).toMatchObject({ name: 'UnavailableError' });
  });

  it('leaves the classes of Node in globalThis', async () => {
    const { Request, Headers, AbortController } = globalThis;
    upstream.script(() => ({ data: 1 }));
    const reading = session().read(request, (data) => data);
    expect([globalThis.Request, globalThis.Headers, globalThis.AbortController]).toEqual([
      Request,
      Headers,
      AbortController,
    ]);
    await reading;
    expect(() =>
      fetchClasses.call(() => {
        throw new RangeError('thrown by ky');
      }),
    ).toThrow(RangeError);
    expect([globalThis.Request, globalThis.Headers, globalThis.AbortController]).toEqual([
      Request,
      Headers,
      AbortController,
    ]);
  });
});

/** Returns the names of the classes of Node that were instantiated during a call. */
async function recordInstances(call: () => Promise<unknown>): Promise<readonly string[]> {
  const created: string[] = [];
  const { Request, Headers, Response, AbortController } = globalThis;
  const record = <Class extends new (...args: never[]) => object>(original: Class): Class =>
    new Proxy(original, {
      construct: (target, args, newTarget) => {
        created.push(original.name);
        const instance: unknown = Reflect.construct(target, args, newTarget);
        if (typeof instance === 'object' && instance !== null) return instance;
        throw new TypeError('A class created no object.');
      },
    });
  Object.assign(globalThis, {
    Request: record(Request),
    Headers: record(Headers),
    Response: record(Response),
    AbortController: record(AbortController),
  });
  try {
    await call();
  } finally {
    Object.assign(globalThis, { Request, Headers, Response, AbortController });
  }
  return created;
}

describe('lightClasses', () => {
  it('keep ky from creating any object of the classes of Node', async () => {
    upstream.script(() => ({ data: 1 }));
    const { session } = createTestClient(upstream.url);
    expect(await recordInstances(() => session().read(request, (data) => data))).toEqual([]);
    const client = new CloudcaClient({ baseUrl: upstream.url, timeoutMs: 60_000, fetchClasses: standardClasses });
    addCleanup(() => client.close());
    const standard = client.session({ apiKey, requestId, warn: () => undefined });
    expect(await recordInstances(() => standard.read(request, (data) => data))).toContain('Request');
  });

  it('are those of a client that is given none', async () => {
    const call = jest.spyOn(lightClasses, 'call');
    upstream.script(() => ({ data: 1 }));
    const { session } = createTestClient(upstream.url);
    expect(await session().read(request, (data) => data)).toBe(1);
    expect(call).toHaveBeenCalledTimes(1);
    call.mockRestore();
  });

  it('reject a header that ky would not send', () => {
    expect(() => lightClasses.call(() => new Headers({ 'mc-api-key': 'canary' }))).toThrow(
      new TypeError('Pass headers to the transport, not to ky.'),
    );
  });
});
