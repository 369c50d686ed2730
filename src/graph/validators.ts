// Input validation: class-validator decorators whose messages say what is allowed and never quote the value.
import { isIP, isUUID, ValidateBy } from 'class-validator';
import validator from 'validator';
import { isPathSegment } from '../cloudca/path-segments.js';

/** Reports whether a value is a UUID of any version, which all ids of the REST API are. */
export function isId(value: unknown): value is string {
  return isUUID(value, 'loose');
}

/** Requires a UUID of any version. `label` names the input in the message. */
export function IsId(label: string): PropertyDecorator {
  return check('isId', isId, `${label} must be a UUID.`);
}

/** Name of the CanExist check. Its errors are NOT_FOUND, not INVALID. */
export const existsCheck = 'canExist';

/** Requires an id that an object can have. The REST API has nothing with an id that is not a UUID, so the gateway does not ask. */
export function CanExist(noun: string): PropertyDecorator {
  return check(existsCheck, isId, `The environment has no ${noun} with this id.`);
}

/** Requires a segment of a URL path: not empty, `.` or `..`, and without / \ ? # % and control characters. */
export function IsPathSegment(label: string): PropertyDecorator {
  const message = `${label} must not be empty, "." or "..", or contain / \\ ? # % or control characters.`;
  return check('isPathSegment', (value) => typeof value === 'string' && isPathSegment(value), message);
}

/** Maximum length of the names and ids in the address of an environment, in characters. */
export const maxNameLength = 255;

/** Requires at most 255 characters. */
export function IsShort(label: string): PropertyDecorator {
  const test = (value: unknown) => typeof value !== 'string' || value.length <= maxNameLength;
  return check('isShort', test, `${label} must not be longer than ${maxNameLength} characters.`);
}

/** Requires text with a visible character, on one line. */
export function IsName(): PropertyDecorator {
  const test = (value: unknown) => typeof value === 'string' && isVisible(value) && isOneLine(value);
  return check('isName', test, 'The name must not be blank, and must be on one line.');
}

// Characters of the property Default_Ignorable_Code_Point, e.g. U+200B, have no width. U+2800 is a braille cell without dots.
function isVisible(value: string): boolean {
  return /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\u2800]/u.test(value);
}

/** Requires an IPv4 or IPv6 address. The REST API's documentation says only "gateway". */
export function IsGateway(): PropertyDecorator {
  // isIP accepts a zone (fe80::1%eth0), which has no meaning on another host.
  const test = (value: unknown) => typeof value === 'string' && !value.includes('%') && isIP(value);
  return check(
    'isGateway',
    test,
    'The gateway must be an IPv4 or IPv6 address, e.g. 203.0.113.7. Host names are not allowed.',
  );
}

/** Requires one IPv4 or IPv6 CIDR block or several, separated by commas. Host bits may be set. */
export function IsCidrList(): PropertyDecorator {
  const test = (value: unknown) =>
    typeof value === 'string' &&
    value.split(',').every((cidr) => !cidr.includes('%') && validator.isIPRange(cidr.trim()));
  return check(
    'isCidrList',
    test,
    'The cidr must be a CIDR block, e.g. 10.12.0.0/22, or several, separated by commas.',
  );
}

/**
 * Requires at least 10 ASCII letters or digits, on one line and without double quotes. Other characters are allowed too. CloudStack's
 * createVpnCustomerGateway, which the REST API calls, documents of its `ipsecpsk`: "Cannot contain newline or double quotes."
 */
export function IsPreSharedKey(): PropertyDecorator {
  const test = (value: unknown) =>
    typeof value === 'string' &&
    isOneLine(value) &&
    !value.includes('"') &&
    (value.match(/[A-Za-z0-9]/g) ?? []).length >= 10;
  return check(
    'isPreSharedKey',
    test,
    'The pre-shared key must hold at least 10 letters or digits, on one line and without double quotes. ' +
      'CloudStack, which the REST API is built on, allows neither line breaks nor double quotes.',
  );
}

/** Requires a whole number of seconds from `min` to `max`. */
export function IsSeconds(label: string, min: number, max: number): PropertyDecorator {
  const test = (value: unknown) => typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return check('isSeconds', test, `${label} must be a whole number of seconds ${range}.`);
}

// Rejects line separators, control characters, and lone surrogates, which UTF-8 cannot encode.
function isOneLine(value: string): boolean {
  return value.isWellFormed() && !/[\p{Cc}\u2028\u2029]/u.test(value);
}

function check(name: string, test: (value: unknown) => boolean, message: string): PropertyDecorator {
  return ValidateBy({ name, validator: { validate: test, defaultMessage: () => message } });
}
