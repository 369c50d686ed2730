// The checks of inputs as class-validator decorators, in the words of this API: each says what is wrong and what is right, and none
// repeats the value.
import { isIP, isUUID, ValidateBy } from 'class-validator';
import validator from 'validator';
import { isPathSegment } from '../cloudca/client.js';

/** Whether a value has the form of an id: a UUID of any version. */
export function isId(value: unknown): value is string {
  return isUUID(value, 'loose');
}

function check(name: string, test: (value: unknown) => boolean, message: string): PropertyDecorator {
  return ValidateBy({ name, validator: { validate: test, defaultMessage: () => message } });
}

/** A UUID of any version. */
export function IsId(what: string): PropertyDecorator {
  return check('isId', isId, `${what} must be a UUID.`);
}

/** The name of the check by which an id is found to be that of nothing. */
export const existsCheck = 'canExist';

/** The id of something: what is no UUID cannot be one, and there is no need to ask for it. */
export function CanExist(what: string): PropertyDecorator {
  return check(existsCheck, isId, `There is no ${what} of that id in the environment.`);
}

/** Something that can stand in a path: not empty, not `.` or `..`, without / \ ? # % and control characters. */
export function IsPathSegment(what: string): PropertyDecorator {
  const message = `${what} must not be empty, "." or "..", nor hold / \\ ? # % or control characters.`;
  return check('isPathSegment', (value) => typeof value === 'string' && isPathSegment(value), message);
}

/** Not blank, and on one line. */
export function IsName(): PropertyDecorator {
  const test = (value: unknown) => typeof value === 'string' && value.trim() !== '' && isOneLine(value);
  return check('isName', test, 'The name must not be blank, and must be on one line.');
}

/** An IPv4 or IPv6 address: a peer of this API is one, although the REST API's documentation says no more than "gateway". */
export function IsGateway(): PropertyDecorator {
  // isIP takes a zone (fe80::1%eth0), which has no meaning on another machine.
  const test = (value: unknown) => typeof value === 'string' && !value.includes('%') && isIP(value);
  return check('isGateway', test, 'The gateway must be an IPv4 or IPv6 address, e.g. 203.0.113.7.');
}

/** One CIDR, IPv4 or IPv6, host bits allowed, or several separated by commas. */
export function IsCidrList(): PropertyDecorator {
  const test = (value: unknown) =>
    typeof value === 'string' &&
    value.split(',').every((cidr) => !cidr.includes('%') && validator.isIPRange(cidr.trim()));
  return check('isCidrList', test, 'The cidr must be a CIDR, e.g. 10.12.0.0/22, or several, separated by commas.');
}

/** At least 10 alphanumeric characters, with others beside them, on one line. */
export function IsPreSharedKey(): PropertyDecorator {
  const test = (value: unknown) =>
    typeof value === 'string' && isOneLine(value) && (value.match(/[A-Za-z0-9]/g) ?? []).length >= 10;
  return check(
    'isPreSharedKey',
    test,
    'The pre-shared key must hold at least 10 letters or digits, and be on one line.',
  );
}

/** A whole number of seconds from `least` to `most`. */
export function IsSeconds(what: string, least: number, most: number): PropertyDecorator {
  const test = (value: unknown) =>
    typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  return check('isSeconds', test, `${what} must be a whole number of seconds ${range}.`);
}

// Line separators, other control characters, and halves of surrogate pairs, which no encoding can carry.
function isOneLine(value: string): boolean {
  return value.isWellFormed() && !/[\p{Cc}\u2028\u2029]/u.test(value);
}
