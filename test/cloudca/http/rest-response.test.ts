// Parsing the body and the Retry-After header of a response.
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { parseRetryAfter, toRestResponse } from '../../../src/cloudca/http/rest-response.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe('toRestResponse', () => {
  it.each([
    ['{"data":[1]}', { data: [1] }, false],
    ['\uFEFF{"data":[1]}', { data: [1] }, false],
    ['\uFEFF', undefined, true],
    ['null', null, false],
    [' 1 ', 1, false],
    ['', undefined, true],
    [' \r\n\t', undefined, true],
    ['not JSON', undefined, false],
  ])('parses the body %j', (text, body, isEmpty) => {
    expect(toRestResponse(200, text, 3)).toEqual({
      status: 200,
      body,
      length: text.length,
      isEmpty,
      retryAfter: 3,
    });
  });

  describe('of a large body', () => {
    const maxUncheckedLength = 256 * 1024;
    const values = (count: number, separator: string) => `[${Array<number>(count).fill(1).join(separator)}]`;

    it('parses up to 250,000 values, and no more', () => {
      expect(toRestResponse(200, values(249_000, ', '), undefined).body).toHaveLength(249_000);
      expect(toRestResponse(200, values(251_000, ', '), undefined)).toMatchObject({ body: undefined, isEmpty: false });
    });

    it('parses nesting of any depth in up to 256 KiB, and rejects it above', () => {
      const nested = `${'['.repeat(200)}${']'.repeat(200)}`;
      const atMaximum = nested.padEnd(maxUncheckedLength);
      expect(toRestResponse(200, atMaximum, undefined).body).toBeInstanceOf(Array);
      expect(toRestResponse(200, `${atMaximum} `, undefined).body).toBeUndefined();
    });
  });
});

describe('parseRetryAfter', () => {
  const now = Date.parse('2026-10-21T07:28:00Z');

  it.each([
    [null, undefined],
    ['0', 0],
    ['3', 3],
    [' 120 ', 120],
    ['', undefined],
    ['soon', undefined],
    ['-5', undefined],
    ['1.5 s', undefined],
    ['3 s', undefined],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 0],
    ['Wed, 21 Oct 2026 07:29:00 GMT', 60],
    ['Wed, 21 Oct 2026 07:27:00 GMT', undefined],
  ])('returns for %j: %j', (header, seconds) => {
    jest.spyOn(Date, 'now').mockReturnValue(now);
    expect(parseRetryAfter(header)).toBe(seconds);
  });

  it('rounds the time until a date up to whole seconds', () => {
    jest.spyOn(Date, 'now').mockReturnValue(now + 100);
    expect(parseRetryAfter('Wed, 21 Oct 2026 07:29:00 GMT')).toBe(60);
  });
});
