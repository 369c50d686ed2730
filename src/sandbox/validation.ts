// Validates the body of a create request, and reports all problems at once. No message repeats a value that could be the pre-shared key.
import { isIP, isIPv4 } from 'node:net';
import { createApiError, type ApiError, type SiteToSiteVpn } from './wire-types.js';

/** A decoded create request: algorithms in the API's spelling, with defaults. */
export type NewSiteToSiteVpn = Omit<SiteToSiteVpn, 'id' | 'state'>;

/** The environment's VPCs, of which a new VPN needs one, and the names and gateways that it must not use. */
export interface EnvironmentContents {
  vpcIds: readonly string[];
  names: readonly string[];
  gateways: readonly string[];
}

/** The decoded VPN, or at least one error. */
export type DecodeResult = { fields: NewSiteToSiteVpn } | { errors: ApiError[] };

// From lower-case input to the API's spelling. The documentation uses several spellings.
const encryptionAlgorithms = new Map([
  ['3des', '3des'],
  ['aes128', 'aes128'],
  ['aes192', 'aes192'],
  ['aes256', 'aes256'],
]);
const hashAlgorithms = new Map([
  ['sha1', 'sha1'],
  ['md5', 'md5'],
]);
const groups = new Map([
  ['modp1536', 'modp1536'],
  ['group-5 (1536-bit)', 'modp1536'],
  ['modp1024', 'modp1024'],
  ['group-2 (1024-bit)', 'modp1024'],
]);
const noGroup = new Set(['', 'none']);

const hostName = /^(?=.{1,253}$)(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)*[a-z](?:[a-z\d-]{0,61}[a-z\d])?$/i;

/** Reports whether a value is a JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reports whether a text is a comma-separated list of IPv4 networks in CIDR notation. Host bits may be set. */
export function isCidr(text: string): boolean {
  return text.split(',').every((part) => {
    const [, address = '', length = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(part.trim()) ?? [];
    return isIPv4(address) && Number(length) <= 32;
  });
}

/** Decodes the body of a create request for an environment. */
export function decodeSiteToSiteVpn(body: unknown, contents: EnvironmentContents): DecodeResult {
  if (!isRecord(body)) return { errors: [createApiError('malformedBody', 'The body must be a JSON object.')] };

  const errors: ApiError[] = [];
  const unknownFields = new Set(Object.keys(body));
  const read = (field: string): unknown => {
    unknownFields.delete(field);
    return body[field] ?? undefined;
  };
  const report = (code: 'missingField' | 'invalidValue' | 'alreadyUsed', message: string): void => {
    errors.push(createApiError(code, message));
  };

  // After an error, these functions return a placeholder of the right type. If there are errors, `fields` is not used.
  const text = (field: string, allowed: string, isAllowed: (value: string) => boolean): string => {
    const value = read(field);
    if (value === undefined) report('missingField', `${field} is required.`);
    else if (typeof value !== 'string' || !isAllowed(value)) report('invalidValue', `${field} must be ${allowed}.`);
    else return value;
    return '';
  };
  const algorithm = (field: string, spellings: ReadonlyMap<string, string>): string => {
    const allowed = `one of ${[...spellings.keys()].join(', ')}`;
    const spelling = text(field, allowed, (value) => spellings.has(value.toLowerCase()));
    return spellings.get(spelling.toLowerCase()) ?? '';
  };
  const group = (field: string): string | null => {
    const value = read(field);
    if (value === undefined || (typeof value === 'string' && noGroup.has(value.toLowerCase()))) return null;
    return algorithm(field, groups);
  };
  const seconds = (field: string): number => {
    const value = read(field);
    if (value === undefined) report('missingField', `${field} is required.`);
    else if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
    else report('invalidValue', `${field} must be a positive integer, in seconds.`);
    return 0;
  };
  const flag = (field: string): boolean => {
    const value = read(field);
    if (value !== undefined && typeof value !== 'boolean') report('invalidValue', `${field} must be true or false.`);
    return value === true;
  };

  const fields: NewSiteToSiteVpn = {
    name: text('name', 'a non-blank string', (value) => value.trim() !== ''),
    vpcId: text('vpcId', 'the id of a VPC of the environment', (value) => contents.vpcIds.includes(value)),
    gateway: text('gateway', 'an IP address or a host name', (value) => isIP(value) !== 0 || hostName.test(value)),
    cidr: text('cidr', 'a CIDR, e.g. 10.12.0.0/22', isCidr),
    ipSecPsk: text(
      'ipSecPsk',
      'a string with at least 10 alphanumeric characters',
      (value) => value.replace(/[^a-z\d]/gi, '').length >= 10,
    ),
    ikeEncryptionAlgorithm: algorithm('ikeEncryptionAlgorithm', encryptionAlgorithms),
    ikeHashAlgorithm: algorithm('ikeHashAlgorithm', hashAlgorithms),
    ikeDhGroup: group('ikeDhGroup'),
    ikeLifetime: seconds('ikeLifetime'),
    espEncryptionAlgorithm: algorithm('espEncryptionAlgorithm', encryptionAlgorithms),
    espHashAlgorithm: algorithm('espHashAlgorithm', hashAlgorithms),
    espPerfectForwardSecrecy: group('espPerfectForwardSecrecy'),
    espLifetime: seconds('espLifetime'),
    dpd: flag('dpd'),
    forceEncap: flag('forceEncap'),
  };

  if (contents.names.includes(fields.name)) report('alreadyUsed', `The name ${fields.name} is already used.`);
  if (contents.gateways.some((gateway) => gateway.toLowerCase() === fields.gateway.toLowerCase())) {
    report('alreadyUsed', `The gateway ${fields.gateway} is already used by a site-to-site VPN of the environment.`);
  }
  for (const field of unknownFields)
    errors.push(createApiError('unknownField', `${field} is not a field of a site-to-site VPN.`));

  return errors.length === 0 ? { fields } : { errors };
}
