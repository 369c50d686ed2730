// Validates the body of a create or update request, and reports all problems at once. No message repeats a value that could be the pre-shared
// key.
import { isIP, isIPv4 } from 'node:net';
import { versionRules, type ApiVersion } from './versions.js';
import { createApiError, type ApiError, ApiFailure, type ErrorContext, type SiteToSiteVpn } from './wire-types.js';

/** A decoded request: algorithms in the API's spelling, with defaults. */
export type SiteToSiteVpnFields = Omit<SiteToSiteVpn, 'id' | 'state'>;

/** The version and the contents of the environment that a request must fit. */
export interface RequestScope {
  version: ApiVersion;
  /** The environment's VPCs, of which a new VPN needs one. */
  vpcIds: readonly string[];
  /** The environment's other VPNs, whose names and gateways the VPN must not use. */
  others: readonly SiteToSiteVpn[];
  /** The VPN to update, which keeps the values of absent fields; undefined: the request creates a VPN. */
  current?: SiteToSiteVpn;
}

// From lower-case input to the API's spelling. The documentation uses several spellings.
const spelledAlike = (...names: string[]) => new Map(names.map((name) => [name, name]));
const encryptionAlgorithms = spelledAlike('3des', 'aes128', 'aes192', 'aes256');
const hashAlgorithms = spelledAlike('sha1', 'md5');
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

/** Decodes the body of a create or update request. Null in a field counts as absent. Throws ApiFailure 400 with one error for each problem. */
export function decodeSiteToSiteVpn(body: unknown, scope: RequestScope): SiteToSiteVpnFields {
  const { version, vpcIds, others, current } = scope;
  const rules = versionRules[version];
  if (!isRecord(body)) throw new ApiFailure(400, createApiError('malformedBody', 'The body must be a JSON object.'));

  const errors: ApiError[] = [];
  const unknownFields = new Set(Object.keys(body));
  const read = (field: string): unknown => {
    unknownFields.delete(field);
    return body[field] ?? undefined;
  };
  const report = (
    code: 'missingField' | 'invalidValue' | 'alreadyUsed' | 'unknownField',
    message: string,
    context?: ErrorContext,
  ): void => {
    errors.push(createApiError(code, message, context));
  };

  // These functions return `kept` if the field is absent. After an error, they return a placeholder of the right type: if there are errors,
  // `fields` is not used.
  const text = (
    field: string,
    kept: string | undefined,
    allowed: string,
    isAllowed: (value: string) => boolean,
  ): string => {
    const value = read(field) ?? kept;
    if (value === undefined) report('missingField', `${field} is required.`);
    else if (typeof value !== 'string' || !isAllowed(value)) report('invalidValue', `${field} must be ${allowed}.`);
    else return value;
    return '';
  };
  const algorithm = (field: string, kept: string | undefined, spellings: ReadonlyMap<string, string>): string => {
    const allowed = `one of ${[...spellings.keys()].join(', ')}`;
    const spelling = text(field, kept, allowed, (value) => spellings.has(value.toLowerCase()));
    return spellings.get(spelling.toLowerCase()) ?? spelling;
  };
  const group = (field: 'ikeDhGroup' | 'espPerfectForwardSecrecy'): string | null => {
    const value = read(field);
    if (value === undefined && current !== undefined) return current[field] ?? null;
    const isNone = value === undefined || (typeof value === 'string' && noGroup.has(value.toLowerCase()));
    return isNone && !rules.requiresGroups ? null : algorithm(field, undefined, groups);
  };
  const seconds = (field: string, kept: number | undefined): number => {
    const value = read(field) ?? kept;
    if (value === undefined) report('missingField', `${field} is required.`);
    else if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
    else report('invalidValue', `${field} must be a positive integer, in seconds.`);
    return 0;
  };
  const flag = (field: string, kept: boolean | undefined): boolean => {
    const value = read(field) ?? kept;
    if (value !== undefined && typeof value !== 'boolean') report('invalidValue', `${field} must be true or false.`);
    return value === true;
  };

  const isInEnvironment = (id: string): boolean => vpcIds.includes(id);
  const isGateway = (value: string): boolean => isIP(value) !== 0 || hostName.test(value);
  const { ikeEncryptionAlgorithm, espEncryptionAlgorithm, ikeHashAlgorithm, espHashAlgorithm } = current ?? {};
  const fields: SiteToSiteVpnFields = {
    name: text('name', current?.name, 'a non-blank string', (value) => value.trim() !== ''),
    // An update cannot change the VPC: it is then an unknown field.
    vpcId: current?.vpcId ?? text('vpcId', undefined, 'the id of a VPC of the environment', isInEnvironment),
    gateway: text('gateway', current?.gateway, 'an IP address or a host name', isGateway),
    cidr: text(rules.cidrField, current?.cidr, 'a CIDR, e.g. 10.12.0.0/22', isCidr),
    ipSecPsk: text('ipSecPsk', current?.ipSecPsk, rules.preSharedKey.allowed, rules.preSharedKey.isAllowed),
    ikeEncryptionAlgorithm: algorithm('ikeEncryptionAlgorithm', ikeEncryptionAlgorithm, encryptionAlgorithms),
    ikeHashAlgorithm: algorithm('ikeHashAlgorithm', ikeHashAlgorithm, hashAlgorithms),
    ikeDhGroup: group('ikeDhGroup'),
    ikeLifetime: seconds('ikeLifetime', current?.ikeLifetime),
    espEncryptionAlgorithm: algorithm('espEncryptionAlgorithm', espEncryptionAlgorithm, encryptionAlgorithms),
    espHashAlgorithm: algorithm('espHashAlgorithm', espHashAlgorithm, hashAlgorithms),
    espPerfectForwardSecrecy: group('espPerfectForwardSecrecy'),
    espLifetime: seconds('espLifetime', current?.espLifetime),
    dpd: flag('dpd', current?.dpd),
    forceEncap: flag('forceEncap', current?.forceEncap),
  };

  const namesake = others.find(({ name }) => name === fields.name);
  if (namesake !== undefined) {
    report('alreadyUsed', `The name ${fields.name} is already used.`, toContext(namesake));
  }
  const neighbour = others.find(({ gateway }) => gateway.toLowerCase() === fields.gateway.toLowerCase());
  if (neighbour !== undefined) {
    const message = `The gateway ${fields.gateway} is already used by a site-to-site VPN of the environment.`;
    report('alreadyUsed', message, toContext(neighbour));
  }
  const known = current === undefined ? 'a field of a site-to-site VPN' : 'a field that an update can change';
  for (const field of unknownFields) report('unknownField', `${field} is not ${known}.`);

  if (errors.length > 0) throw new ApiFailure(400, ...errors);
  return fields;
}

const toContext = ({ id }: SiteToSiteVpn): ErrorContext => ({ type: 'sitetositevpns', id });
