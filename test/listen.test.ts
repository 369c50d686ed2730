// Messages about listener addresses that cannot be used. test/e2e/process/start.test.ts covers the built gateway.
import { describe, expect, it } from '@jest/globals';
import { explainListenErrors } from '../src/listen.js';

describe('explainListenErrors', () => {
  const variables = { host: 'OPS_HOST or HOST', port: 'OPS_PORT' };
  const fail = (code: string) => Promise.reject(Object.assign(new Error(`listen ${code}`), { code }));

  it.each([
    ['EADDRINUSE', 'Port 80 of ::1 is in use. Set OPS_PORT (0: any free port) or stop the other process.'],
    ['EACCES', 'This process is not allowed to listen on port 80 of ::1. Set OPS_PORT to 1024 or higher.'],
    [
      'EADDRNOTAVAIL',
      '::1 is not an address of this machine. Set OPS_HOST or HOST to one that is, or to 0.0.0.0 for all.',
    ],
    ['ENOTFOUND', '::1 is not an address of this machine. Set OPS_HOST or HOST to one that is, or to 0.0.0.0 for all.'],
    ['EMFILE', 'listen EMFILE'],
  ])('explains %s', async (code, message) => {
    const started = explainListenErrors(fail(code), { host: '::1', port: 80 }, variables);

    await expect(started).rejects.toThrow(new Error(message));
  });

  it('returns the result of a listener that starts', async () => {
    expect(await explainListenErrors(Promise.resolve('url'), { host: '::1', port: 80 }, variables)).toBe('url');
  });
});
