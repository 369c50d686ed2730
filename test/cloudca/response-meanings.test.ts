// The meaning of responses: all calls, statuses from 200 to 599, bodies, and byte order marks, in the codes that clients see.
import { describe, expect, it } from '@jest/globals';
import { toReadData, toTask, toWriteOutcome } from '../../src/cloudca/envelope.js';
import { CloudcaError, NotFoundError, RejectedError } from '../../src/cloudca/errors.js';
import { type RestResponse, toRestResponse } from '../../src/cloudca/http/rest-response.js';
import { isTransientResponse } from '../../src/cloudca/http/retry.js';
import { Secrets } from '../../src/cloudca/redact.js';
import { hasFailed } from '../../src/cloudca/task-fields.js';
import { toErrorCode } from '../../src/graph/errors.js';

const secrets = new Secrets([]);
const statuses = Array.from({ length: 400 }, (_, index) => 200 + index);

/** The calls. Each returns `OK`, or for a task `FAILED`. */
const calls = {
  read: (response: RestResponse) => {
    toReadData(response, secrets);
    return 'OK';
  },
  task: (response: RestResponse) => (hasFailed(toTask(response, secrets)) ? 'FAILED' : 'OK'),
  write: (response: RestResponse) => {
    toWriteOutcome(response, secrets, 'Check it.');
    return 'OK';
  },
} as const;
type Call = keyof typeof calls;

/**
 * Returns what a client sees of a response: `OK`, a code, or a code of userErrors in small letters. A question mark: the outcome is unknown.
 */
function observe(call: Call, response: RestResponse): string {
  try {
    return calls[call](response);
  } catch (error) {
    if (!(error instanceof CloudcaError)) throw error;
    if (call === 'write' && error instanceof RejectedError) return 'rejected';
    if (call === 'write' && error instanceof NotFoundError) return 'not found';
    return `${toErrorCode(error)}${error.outcomeUnknown ? '?' : ''}`;
  }
}

/** An outcome for statuses from the first number to the last. Later entries override earlier ones. */
type Expectation = readonly [first: number, last: number, outcome: string];

const withoutErrors: readonly Expectation[] = [
  [300, 599, 'UPSTREAM_BAD_RESPONSE'],
  [401, 401, 'UNAUTHENTICATED'],
  [405, 405, 'UPSTREAM_ERROR'],
  [429, 429, 'RATE_LIMITED'],
  [500, 500, 'UPSTREAM_ERROR'],
  [502, 503, 'UPSTREAM_UNAVAILABLE'],
  [504, 504, 'UPSTREAM_TIMEOUT'],
  [520, 530, 'UPSTREAM_UNAVAILABLE'],
  [524, 524, 'UPSTREAM_TIMEOUT'],
];
const writeWithoutErrors: readonly Expectation[] = [
  ...withoutErrors.map(([first, last, outcome]): Expectation => [first, last, first >= 500 ? `${outcome}?` : outcome]),
  [501, 501, 'UPSTREAM_BAD_RESPONSE?'],
  [505, 519, 'UPSTREAM_BAD_RESPONSE?'],
  [531, 599, 'UPSTREAM_BAD_RESPONSE?'],
  [400, 400, 'rejected'],
  [408, 408, 'UPSTREAM_BAD_RESPONSE?'],
  [499, 499, 'UPSTREAM_BAD_RESPONSE?'],
];
const withErrors: readonly Expectation[] = [
  [200, 599, 'UPSTREAM_ERROR'],
  [300, 399, 'UPSTREAM_BAD_RESPONSE'],
  [401, 401, 'UNAUTHENTICATED'],
  [403, 403, 'FORBIDDEN'],
  [404, 404, 'NOT_FOUND'],
  [429, 429, 'RATE_LIMITED'],
  [502, 503, 'UPSTREAM_UNAVAILABLE'],
  [504, 504, 'UPSTREAM_TIMEOUT'],
  [520, 530, 'UPSTREAM_UNAVAILABLE'],
  [524, 524, 'UPSTREAM_TIMEOUT'],
];
const writeWithErrors: readonly Expectation[] = [
  [200, 499, 'rejected'],
  [500, 599, 'UPSTREAM_ERROR'],
  ...withErrors.slice(1),
  [404, 404, 'not found'],
  [405, 405, 'UPSTREAM_ERROR'],
];
const failedTask: readonly Expectation[] = [
  [200, 299, 'FAILED'],
  [400, 599, 'FAILED'],
];
const taskWithErrors: readonly Expectation[] = [...withErrors, [400, 400, 'FAILED'], [500, 500, 'FAILED']];

const succeeds: Expectation = [200, 299, 'OK'];
const isNoValue: Expectation = [200, 299, 'UPSTREAM_BAD_RESPONSE'];
const isUnreadable: Expectation = [200, 299, 'UPSTREAM_BAD_RESPONSE?'];

const errors = [{ code: 7, message: 'No.' }];
const data = { id: 'x', name: 'stargate' };
const pendingTask = { taskId: 't', taskStatus: 'PENDING' };

type Expectations = Readonly<Record<Call, readonly Expectation[]>>;

const erroneous: Expectations = {
  read: withErrors,
  task: taskWithErrors,
  write: writeWithErrors,
};
const withData: Expectations = {
  read: [...withoutErrors, succeeds],
  task: [...withoutErrors, isNoValue],
  write: [...writeWithoutErrors, succeeds],
};
const withTask: Expectations = {
  read: [...withoutErrors, isNoValue],
  task: [...withoutErrors, succeeds],
  write: [...writeWithoutErrors, succeeds],
};
const withFailedTask: Expectations = { ...withTask, task: [...withoutErrors, ...failedTask] };
const withNothing: Expectations = {
  read: [...withoutErrors, isNoValue],
  task: [...withoutErrors, isNoValue],
  write: [...writeWithoutErrors, succeeds],
};
const unreadable: Expectations = { ...withNothing, write: [...writeWithoutErrors, isUnreadable] };

const bodies: readonly (readonly [name: string, text: string, Expectations])[] = [
  ['errors', JSON.stringify({ errors }), erroneous],
  ['errors beside data', JSON.stringify({ data: [data], errors }), erroneous],
  ['errors beside a pending task', JSON.stringify({ ...pendingTask, errors }), erroneous],
  ['errors as an object', JSON.stringify({ errors: errors[0] }), erroneous],
  ['errors as text', JSON.stringify({ errors: 'No.' }), erroneous],
  ...[null, [], {}, '', ' ', false].map(
    (nothing) =>
      [
        `data beside the errors ${JSON.stringify(nothing)}`,
        JSON.stringify({ data: [data], errors: nothing }),
        withData,
      ] as const,
  ),
  ['data', JSON.stringify({ data: [data], metadata: { recordCount: 1 } }), withData],
  ['a task', JSON.stringify(pendingTask), withTask],
  ['a task with status', JSON.stringify({ taskId: 't', status: 'PENDING' }), withTask],
  ['a failed task', JSON.stringify({ taskId: 't', taskStatus: 'FAILED' }), withFailedTask],
  [
    'errors beside a failed task',
    JSON.stringify({ taskId: 't', taskStatus: 'FAILED', errors }),
    { ...erroneous, task: [...withErrors, ...failedTask] },
  ],
  [
    'a task that says why it failed',
    JSON.stringify({ taskId: 't', taskStatus: 'ERROR', result: { errorText: 'Taken.' } }),
    withFailedTask,
  ],
  ['an empty object', '{}', withNothing],
  ['errors without anything in it', '{"errors":[]}', withNothing],
  ['data that is null', '{"data":null}', withNothing],
  ['nothing', '', withNothing],
  ['white space', ' \r\n', withNothing],
  ['HTML', '<html><h1>404 Not Found</h1></html>', unreadable],
  ['plain text', 'default backend - 404', unreadable],
  ['a list', '[]', unreadable],
  ['a text', '"ok"', unreadable],
  ['null', 'null', unreadable],
  ['half a JSON text', '{"data":[', unreadable],
];

function toExpected(expectations: readonly Expectation[]): Map<number, string> {
  const outcomes = new Map<number, string>();
  for (const [first, last, outcome] of expectations) {
    for (let status = first; status <= last; status++) outcomes.set(status, outcome);
  }
  return outcomes;
}

describe.each(['read', 'task', 'write'] as const)('A response to a %s', (call) => {
  it.each(bodies)('with %s has its meaning at every status', (_name, text, expectations) => {
    const expected = toExpected(expectations[call]);
    for (const byteOrderMark of ['', '\uFEFF']) {
      const observed = statuses.map(
        (status) => [status, observe(call, toRestResponse(status, byteOrderMark + text, undefined))] as const,
      );
      expect(new Map(observed)).toEqual(new Map(statuses.map((status) => [status, expected.get(status)])));
    }
  });
});

describe('isTransientResponse', () => {
  it('is true for 429, 502 to 504, and 520 to 530, whatever the body', () => {
    const transient = [429, 502, 503, 504, ...Array.from({ length: 11 }, (_, index) => 520 + index)];
    for (const [, text] of bodies) {
      const isTransient = (status: number) => isTransientResponse(toRestResponse(status, text, undefined));
      expect(statuses.filter(isTransient)).toEqual(transient);
    }
  });
});
