// What the simulated API accepts as a new site-to-site VPN, every fault told at once.
// It knows neither HTTP nor time, and no message of its own repeats a value that could be the pre-shared key.
import { isIP, isIPv4 } from 'node:net';
import { apiError, type ApiError, type SiteToSiteVpn } from './wire-types.js';

/** What a caller may send for a new site-to-site VPN, decoded: algorithms in the wire's spelling, defaults filled in. */
export type NewSiteToSiteVpn = Omit<SiteToSiteVpn, 'id' | 'state'>;

/** What the environment holds already: a new VPN needs one of its VPCs, and a name and a gateway of its own. */
export interface Surroundings {
  vpcIds: readonly string[];
  names: readonly string[];
  gateways: readonly string[];
}

/** The decoded VPN, or everything that is wrong with it (at least one entry). */
export type Decoded = { fields: NewSiteToSiteVpn } | { errors: ApiError[] };

// Lower-cased input to the wire's spelling: the documentation itself writes several.
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

/** Whether a value is an object with fields: what a JSON body has to be, and what must be known before reading one. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a text is one IPv4 network or several, separated by commas; host bits may be set. */
export function isCidr(text: string): boolean {
  return text.split(',').every((part) => {
    const [, address = '', length = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(part.trim()) ?? [];
    return isIPv4(address) && Number(length) <= 32;
  });
}

/** Decodes the body of a create request. */
export function decodeSiteToSiteVpn(body: unknown, surroundings: Surroundings): Decoded {
  if (!isRecord(body)) return { errors: [apiError('malformedBody', 'The body must be a JSON object.')] };

  const errors: ApiError[] = [];
  const unread = new Set(Object.keys(body));
  const take = (field: string): unknown => {
    unread.delete(field);
    return body[field] ?? undefined;
  };
  const refuse = (code: 'missingField' | 'invalidValue' | 'alreadyUsed', message: string): void => {
    errors.push(apiError(code, message));
  };

  // The readers stand in a value of the right type for one that is refused: nothing is built once there are errors.
  const text = (field: string, wanted: string, accepts: (value: string) => boolean): string => {
    const value = take(field);
    if (value === undefined) refuse('missingField', `${field} is required.`);
    else if (typeof value !== 'string' || !accepts(value)) refuse('invalidValue', `${field} must be ${wanted}.`);
    else return value;
    return '';
  };
  const algorithm = (field: string, spellings: ReadonlyMap<string, string>): string => {
    const wanted = `one of ${[...spellings.keys()].join(', ')}`;
    const spelling = text(field, wanted, (value) => spellings.has(value.toLowerCase()));
    return spellings.get(spelling.toLowerCase()) ?? '';
  };
  const group = (field: string): string | null => {
    const value = take(field);
    if (value === undefined || (typeof value === 'string' && noGroup.has(value.toLowerCase()))) return null;
    return algorithm(field, groups);
  };
  const seconds = (field: string): number => {
    const value = take(field);
    if (value === undefined) refuse('missingField', `${field} is required.`);
    else if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
    else refuse('invalidValue', `${field} must be a positive integer: seconds.`);
    return 0;
  };
  const flag = (field: string): boolean => {
    const value = take(field);
    if (value !== undefined && typeof value !== 'boolean') refuse('invalidValue', `${field} must be true or false.`);
    return value === true;
  };

  const fields: NewSiteToSiteVpn = {
    name: text('name', 'a text that is not blank', (value) => value.trim() !== ''),
    vpcId: text('vpcId', 'the id of a VPC of the environment', (value) => surroundings.vpcIds.includes(value)),
    gateway: text('gateway', 'an IP address or a host name', (value) => isIP(value) !== 0 || hostName.test(value)),
    cidr: text('cidr', 'a CIDR, e.g. 10.12.0.0/22', isCidr),
    ipSecPsk: text(
      'ipSecPsk',
      'a text of at least 10 alphanumeric characters',
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

  if (surroundings.names.includes(fields.name)) refuse('alreadyUsed', `The name ${fields.name} is already used.`);
  if (surroundings.gateways.some((gateway) => gateway.toLowerCase() === fields.gateway.toLowerCase())) {
    refuse('alreadyUsed', `The gateway ${fields.gateway} is already used by a site-to-site VPN of the environment.`);
  }
  for (const field of unread) errors.push(apiError('unknownField', `${field} is not a field of a site-to-site VPN.`));

  return errors.length === 0 ? { fields } : { errors };
}
