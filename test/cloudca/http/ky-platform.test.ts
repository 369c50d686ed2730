// What the built gateway gives ky in place of the Fetch standard's classes.
import { describe, expect, it } from '@jest/globals';
import { platform } from '../../../src/cloudca/http/ky-platform.js';

const { Request, Headers, fetch } = platform;
const url = 'http://127.0.0.1/v1/x';

describe('platform.Request', () => {
  it('has the URL, the method and the text of its body', async () => {
    const request = new Request('http://127.0.0.1/v1/../x', { method: 'POST', body: '{"a":1}' });
    expect(request).toMatchObject({ url: 'http://127.0.0.1/x', method: 'POST' });
    expect(await request.text()).toBe('{"a":1}');
    await expect(request.body?.cancel()).resolves.toBeUndefined();
  });

  it('has a null body if it is given none', async () => {
    const request = new Request(url, { method: 'GET' });
    expect(request.body).toBeNull();
    expect(await request.text()).toBe('');
    expect(new Request(url, { method: 'POST', body: '' }).body).not.toBeNull();
  });

  it('throws TypeError for a relative URL, or for a body that is not a string', () => {
    expect(() => new Request('/v1/x', { method: 'GET' })).toThrow('Invalid URL');
    expect(() => new Request(url, { method: 'POST', body: {} })).toThrow(TypeError);
    expect(() => new Request(url, { method: 'POST', body: null })).toThrow(TypeError);
  });
});

describe('platform.Headers', () => {
  it('is empty', () => {
    const headers = new Headers();
    expect([...headers.entries()]).toEqual([]);
    expect([...new Headers({}).entries()]).toEqual([]);
    expect([...new Headers(Object.assign(headers, { own: 1 })).entries()]).toEqual([]);
  });

  it('throws TypeError for a header', () => {
    expect(() => new Headers({ 'mc-api-key': 'canary' })).toThrow(
      new TypeError('Headers must be passed in ExchangeOptions, not in the request.'),
    );
  });
});

describe('platform.fetch', () => {
  it('rejects', async () => {
    await expect(fetch()).rejects.toThrow(TypeError);
  });
});
