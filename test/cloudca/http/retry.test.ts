// When a read is retried, how soon, and within which budget.
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { CircuitOpenError, TimeoutError, UnavailableError } from '../../../src/cloudca/errors.js';
import { isTransientError, isTransientResponse, RetryBudget, toBackoff } from '../../../src/cloudca/http/retry.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe('isTransientResponse', () => {
  it.each([
    [429, true],
    [502, true],
    [503, true],
    [504, true],
    [520, true],
    [521, true],
    [524, true],
    [530, true],
    [519, false],
    [531, false],
    [200, false],
    [404, false],
    [428, false],
    [500, false],
    [501, false],
    [505, false],
  ])('returns for status %i: %s', (status, isTransient) => {
    expect(isTransientResponse({ status, body: undefined, length: 0, isEmpty: true, retryAfter: undefined })).toBe(
      isTransient,
    );
  });
});

describe('isTransientError', () => {
  it.each([
    ['UnavailableError', true, new UnavailableError('lost')],
    ['CircuitOpenError', false, new CircuitOpenError()],
    ['TimeoutError', false, new TimeoutError('late')],
    ['an error of this program', false, new Error('bug')],
    ['undefined', false, undefined],
  ])('returns for %s: %s', (_name, isTransient, error) => {
    expect(isTransientError(error)).toBe(isTransient);
  });
});

describe('toBackoff', () => {
  it.each([
    [1, 50, 100],
    [2, 100, 200],
    [3, 200, 400],
  ])('returns for attempt %i from %i to %i ms', (attempt, min, max) => {
    const random = jest.spyOn(Math, 'random').mockReturnValue(0);
    expect(toBackoff(attempt)).toBe(min);
    random.mockReturnValue(0.5);
    expect(toBackoff(attempt)).toBe((min + max) / 2);
    random.mockReturnValue(1);
    expect(toBackoff(attempt)).toBe(max);
  });
});

describe('RetryBudget', () => {
  /** Takes retries until the budget has none left. Returns their number. */
  function drain(budget: RetryBudget): number {
    let count = 0;
    while (count < 1_000 && budget.spend()) count++;
    return count;
  }

  it('starts with 10 retries, or with the given maximum', () => {
    expect(drain(new RetryBudget())).toBe(10);
    expect(drain(new RetryBudget(3))).toBe(3);
    expect(drain(new RetryBudget(0))).toBe(0);
  });

  it('earns a retry with every tenth read', () => {
    const budget = new RetryBudget(3);
    drain(budget);
    for (let count = 0; count < 9; count++) budget.earn();
    expect(budget.spend()).toBe(false);
    // Ten times a tenth is a little less than one.
    for (let count = 0; count < 12; count++) budget.earn();
    expect(drain(budget)).toBe(2);
  });

  it('saves no more retries than its maximum', () => {
    const budget = new RetryBudget(3);
    for (let count = 0; count < 100; count++) budget.earn();
    expect(drain(budget)).toBe(3);
    for (let count = 0; count < 100; count++) budget.earn();
    expect(drain(budget)).toBe(3);
  });
});
