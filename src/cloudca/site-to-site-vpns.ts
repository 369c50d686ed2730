// The site-to-site VPNs of an environment: wire type, spellings of enum values, and reads.
import type { RestSession } from './session.js';
import { WireFields } from './decode.js';
import type { Secrets } from './redact.js';
import { BadResponseError } from './errors.js';
import { type EnvironmentAddress, listCollection, toCollectionRequest } from './environments.js';
import { memoizePerSharedValue } from './http/singleflight.js';
import { isSameId } from './ids.js';
import { decodeEntries, workPerEntry } from './lists.js';

/** The documented states, as the REST API sends them. */
export const siteToSiteVpnStates = ['Connected', 'Pending', 'Disconnected', 'Error'] as const;
/** A state, as the REST API sends it. `Unknown` stands for any state that is not documented. */
export type SiteToSiteVpnState = (typeof siteToSiteVpnStates)[number] | 'Unknown';

/** The documented encryption algorithms, as the REST API sends them. */
export const encryptionAlgorithms = ['aes128', 'aes192', 'aes256', '3des'] as const;
/** An encryption algorithm, as the REST API sends it. */
export type EncryptionAlgorithm = (typeof encryptionAlgorithms)[number];

/** The documented hash algorithms, as the REST API sends them. */
export const hashAlgorithms = ['sha1', 'md5'] as const;
/** A hash algorithm, as the REST API sends it. */
export type HashAlgorithm = (typeof hashAlgorithms)[number];

/** The documented Diffie-Hellman groups, as the REST API sends them. `None` means no group. */
export const dhGroups = ['None', 'modp1024', 'modp1536'] as const;
/** A Diffie-Hellman group, as the REST API sends it. */
export type DhGroup = (typeof dhGroups)[number];

/** A value of an enum field that is not documented. */
export interface UnknownWireValue {
  /** Name of the field, e.g. `ikeHashAlgorithm`. */
  readonly field: string;
  /** The value that the REST API sent, with secrets redacted. */
  readonly value: string;
}

/** A site-to-site VPN, as the REST API returns it. */
export interface SiteToSiteVpnEntity {
  readonly id: string;
  readonly name: string;
  readonly state: SiteToSiteVpnState;
  readonly vpcId: string;
  /** Address of the remote network's gateway. */
  readonly gateway: string;
  /** CIDRs of the remote networks, separated by commas. */
  readonly cidr: string;
  /** The entries of `cidr`, in its order, without blanks. */
  readonly cidrs: readonly string[];
  /** The pre-shared key, in clear text. It is a secret. */
  readonly ipSecPsk: string | null;
  readonly ikeEncryptionAlgorithm: EncryptionAlgorithm | null;
  readonly ikeHashAlgorithm: HashAlgorithm | null;
  readonly ikeDhGroup: DhGroup | null;
  /** Phase-1 lifetime, in seconds. */
  readonly ikeLifetime: number | null;
  readonly espEncryptionAlgorithm: EncryptionAlgorithm | null;
  readonly espHashAlgorithm: HashAlgorithm | null;
  readonly espPerfectForwardSecrecy: DhGroup | null;
  /** Phase-2 lifetime, in seconds. */
  readonly espLifetime: number | null;
  readonly dpd: boolean | null;
  readonly forceEncap: boolean | null;
  /** The undocumented values, whose fields read null, or `Unknown` for the state. */
  readonly unknownValues: readonly UnknownWireValue[];
}

/** Name of the collection in paths. */
export const collection = 'sitetositevpns';
const toSiteToSiteVpns = memoizePerSharedValue((entries: readonly unknown[], rest: RestSession) =>
  decodeEntries(
    rest,
    entries,
    (entry) => toSiteToSiteVpn(rest, entry),
    // A VPN may have hundreds of networks.
    ({ cidrs }) => workPerEntry + cidrs.length / 5,
  ),
);

// The REST API may return VPNs of other VPCs all the same. Each would need a call of its own for its VPC.
const dropOthers = memoizePerSharedValue(
  (vpns: readonly SiteToSiteVpnEntity[], vpcId: string, rest: RestSession): readonly SiteToSiteVpnEntity[] => {
    const isOfVpc = (vpn: SiteToSiteVpnEntity) => isSameId(vpn.vpcId, vpcId);
    if (vpns.every(isOfVpc)) return vpns;
    rest.warn({ field: 'siteToSiteVpn.vpcId', problem: 'not the VPC that the list was filtered by, VPN dropped' });
    return vpns.filter(isOfVpc);
  },
);

/**
 * Lists the site-to-site VPNs of an environment, or of one VPC in it, in the REST API's order. Drops VPNs of other VPCs, with a warning.
 * Rejects with a CloudcaError.
 */
export async function listSiteToSiteVpns(
  rest: RestSession,
  environment: EnvironmentAddress,
  vpcId: string | null,
): Promise<readonly SiteToSiteVpnEntity[]> {
  const query = vpcId === null ? undefined : { vpc_id: vpcId };
  const vpns = await listCollection(rest, environment, collection, toSiteToSiteVpns, query);
  return vpcId === null ? vpns : dropOthers(vpns, vpcId, rest);
}

/** Reads one site-to-site VPN. Rejects with a CloudcaError: NotFoundError if the environment has no VPN with this id. */
export function getSiteToSiteVpn(
  rest: RestSession,
  environment: EnvironmentAddress,
  id: string,
): Promise<SiteToSiteVpnEntity> {
  return rest.read(toCollectionRequest(environment, collection, id), (data) => toSiteToSiteVpn(rest, data));
}

/** Decodes a site-to-site VPN. Throws BadResponseError if a required field is missing or of the wrong type. */
export function toSiteToSiteVpn(rest: RestSession, value: unknown): SiteToSiteVpnEntity {
  const fields = new WireFields(value, 'siteToSiteVpn', rest.warn);
  const ipSecPsk = fields.optionalString('ipSecPsk');
  const enums = new EnumFields(fields, rest, ipSecPsk);
  const id = fields.id('id');
  const name = fields.string('name');
  const vpcId = fields.id('vpcId');
  const gateway = fields.string('gateway');
  const cidr = readCidr(fields);
  return {
    id,
    name,
    state: enums.state(),
    vpcId,
    gateway,
    cidr,
    cidrs: splitCidrs(cidr),
    ipSecPsk,
    ikeEncryptionAlgorithm: enums.optionalValue('ikeEncryptionAlgorithm', toEncryptionAlgorithm),
    ikeHashAlgorithm: enums.optionalValue('ikeHashAlgorithm', toHashAlgorithm),
    ikeDhGroup: enums.dhGroup('ikeDhGroup'),
    ikeLifetime: fields.optionalInteger('ikeLifetime'),
    espEncryptionAlgorithm: enums.optionalValue('espEncryptionAlgorithm', toEncryptionAlgorithm),
    espHashAlgorithm: enums.optionalValue('espHashAlgorithm', toHashAlgorithm),
    espPerfectForwardSecrecy: enums.dhGroup('espPerfectForwardSecrecy'),
    espLifetime: fields.optionalInteger('espLifetime'),
    dpd: fields.optionalBoolean('dpd'),
    forceEncap: fields.optionalBoolean('forceEncap'),
    unknownValues: enums.unknownValues,
  };
}

/**
 * Reads the CIDRs of the remote networks, separated by commas. Version 2 of the REST API sends `cidrList` instead of `cidr`, and some
 * deployments a blank `cidr` beside it. Throws BadResponseError if neither is a text or an array of texts.
 */
function readCidr(fields: WireFields): string {
  const cidr = fields.unknown('cidr');
  const cidrList = fields.unknown('cidrList');
  if (cidrList === undefined || !isBlank(cidr)) return toCidr(fields, 'cidr', cidr);
  const value = toCidr(fields, 'cidrList', cidrList);
  if (cidr !== undefined) fields.warnLenient('cidr', 'blank');
  return value;
}

function isBlank(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() === '';
  return value === undefined || (Array.isArray(value) && value.length === 0);
}

function toCidr(fields: WireFields, name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  const isTexts = Array.isArray(value) && value.every((entry) => typeof entry === 'string');
  if (!isTexts) throw fields.createError(name, 'a string');
  fields.warnLenient(name, 'list_as_array');
  return value.flatMap(splitCidrs).join(',');
}

function splitCidrs(cidr: string): readonly string[] {
  // Nearly all VPNs have one network.
  if (!cidr.includes(',')) return isBlank(cidr) ? noCidrs : [cidr.trim()];
  return cidr
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

const noCidrs: readonly string[] = [];

/** Converts a spelling of an enum value. Returns undefined if it is not documented. */
type Lookup<T> = (text: string) => T | undefined;

// One array for all VPNs: nearly all have no unknown value.
const noUnknownValues: readonly UnknownWireValue[] = [];

/** Reads the enum fields of one VPN, and collects the values that are not documented. */
class EnumFields {
  readonly #fields: WireFields;
  readonly #rest: RestSession;
  readonly #ipSecPsk: string | null;
  // Made once: any field of any VPN may be unknown, and each secret takes time to prepare.
  #secrets: Secrets | undefined;
  #unknownValues = noUnknownValues;

  constructor(fields: WireFields, rest: RestSession, ipSecPsk: string | null) {
    this.#fields = fields;
    this.#rest = rest;
    this.#ipSecPsk = ipSecPsk;
  }

  /** The undocumented values of the fields read so far. */
  get unknownValues(): readonly UnknownWireValue[] {
    return this.#unknownValues;
  }

  /** Converts the text of a field. Returns undefined, with a warning, if it is not documented. */
  value<T>(name: string, text: string, toValue: Lookup<T>): T | undefined {
    const value = toValue(text);
    if (value === undefined) this.#report(name, text);
    return value;
  }

  /** Reads an optional field. Returns null if it is absent or empty or, with a warning, if it is not documented. */
  optionalValue<T>(name: string, toValue: Lookup<T>): T | null {
    const text = this.#fields.optionalString(name);
    return text === null || text === '' ? null : (this.value(name, text, toValue) ?? null);
  }

  /** Reads the state. Returns `Unknown`, with a warning, if it is absent, of the wrong type or not documented: the row stands all the same. */
  state(): SiteToSiteVpnState {
    const text = this.#fields.unknown('state');
    if (typeof text === 'string') return this.value('state', text, toState) ?? 'Unknown';
    this.#fields.warn('state', text === undefined ? 'absent, read as UNKNOWN' : 'of the wrong type, read as UNKNOWN');
    return 'Unknown';
  }

  /** Reads a Diffie-Hellman group. Returns `None` if it is absent or empty; null, with a warning, if it is not documented. */
  dhGroup(name: string): DhGroup | null {
    return (this.#fields.unknown(name) ?? '') === '' ? 'None' : this.optionalValue(name, toDhGroup);
  }

  #report(name: string, text: string): void {
    this.#secrets ??= this.#rest.secrets.with(this.#ipSecPsk === null ? [] : [this.#ipSecPsk]);
    this.#unknownValues = [...this.#unknownValues, { field: name, value: this.#secrets.redact(text) }];
    this.#fields.warn(name, toProblem(text, this.#secrets));
  }
}

/** Decodes a value that may be a site-to-site VPN, e.g. the result of a task. Returns null if it is not one. */
export function toSiteToSiteVpnOrNull(rest: RestSession, value: unknown): SiteToSiteVpnEntity | null {
  try {
    return toSiteToSiteVpn(rest, value);
  } catch (error) {
    if (error instanceof BadResponseError) return null;
    throw error;
  }
}

// The operator needs the value to extend the lists above. A value that does not look like one of them may be a secret.
function toProblem(text: string, secrets: Secrets): string {
  const isLoggable = /^[\w .()-]{1,24}$/.test(text) && secrets.redact(text) === text;
  return isLoggable ? `not a documented value: ${text}` : 'not a documented value';
}

// Built once, since they are used for every entry of every list.
const toState = toLookup(siteToSiteVpnStates);
const toEncryptionAlgorithm = toLookup(encryptionAlgorithms);
const toHashAlgorithm = toLookup(hashAlgorithms);
// The REST API sends `modp1536`; its documentation writes `Group-5 (1536-bit)`.
const toDhGroup = toLookup(dhGroups, {
  None: [],
  modp1024: ['modp-1024', 'Group2', 'Group-2', 'Group2 (1024-bit)', 'Group-2 (1024-bit)'],
  modp1536: ['modp-1536', 'Group5', 'Group-5', 'Group5 (1536-bit)', 'Group-5 (1536-bit)'],
});

/** Creates a lookup of values, and of other spellings of them, that ignores case and surrounding white space. */
function toLookup<T extends string>(
  values: readonly T[],
  spellings?: Readonly<Record<T, readonly string[]>>,
): Lookup<T> {
  const bySpelling = new Map<string, T>();
  for (const value of values) {
    for (const text of [value, ...(spellings?.[value] ?? [])])
      bySpelling.set(text, value).set(text.toLowerCase(), value);
  }
  // Nearly all values match as they are: converting each to lower case would cost more.
  return (text) => bySpelling.get(text) ?? bySpelling.get(text.trim().toLowerCase());
}
