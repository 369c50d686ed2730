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

  it('parses up to 250,000 values, and no more', () => {
    const values = (count: number) => `[${Array<number>(count).fill(1).join(', ')}]`;
    expect(toRestResponse(200, values(249_000), undefined).body).toHaveLength(249_000);
    expect(toRestResponse(200, values(251_000), undefined)).toMatchObject({ body: undefined, isEmpty: false });
  });

  it('parses 100 nested arrays, and no more', () => {
    const nest = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(toRestResponse(200, nest(100), undefined).body).toBeInstanceOf(Array);
    expect(toRestResponse(200, nest(101), undefined)).toMatchObject({ body: undefined, isEmpty: false });
    expect(toRestResponse(200, nest(101).padEnd(300 * 1024), undefined).body).toBeUndefined();
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
