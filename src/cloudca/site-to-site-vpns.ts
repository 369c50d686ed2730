// The site-to-site VPNs of an environment: wire type, spellings of the wire, and calls.
import type { RestSession } from './client.js';
import { WireFields } from './decode.js';
import { strike, type WriteOutcome } from './envelope.js';
import { BadResponseError } from './errors.js';
import { type EnvironmentAddress, listIn, toNamed, toRequest } from './environments.js';
import { createShared } from './http/singleflight.js';

/** The states that are documented, as the REST API writes them. */
export const siteToSiteVpnStates = ['Connected', 'Pending', 'Disconnected', 'Error'] as const;
/** A state, as the REST API writes it; `Unknown` stands for those that are not documented. */
export type SiteToSiteVpnState = (typeof siteToSiteVpnStates)[number] | 'Unknown';

/** The encryption algorithms that are documented, as the REST API sends them. */
export const encryptionAlgorithms = ['aes128', 'aes192', 'aes256', '3des'] as const;
/** An encryption algorithm, as the REST API sends it. */
export type EncryptionAlgorithm = (typeof encryptionAlgorithms)[number];

/** The hash algorithms that are documented, as the REST API sends them. */
export const hashAlgorithms = ['sha1', 'md5'] as const;
/** A hash algorithm, as the REST API sends it. */
export type HashAlgorithm = (typeof hashAlgorithms)[number];

/** The Diffie-Hellman groups that are documented, as the REST API sends them; `None` stands for no group. */
export const dhGroups = ['None', 'modp1024', 'modp1536'] as const;
/** A Diffie-Hellman group, as the REST API sends it. */
export type DhGroup = (typeof dhGroups)[number];

/** A value that is not documented. */
export interface UnknownWireValue {
  /** The field it stood in. */
  readonly field: string;
  /** What the REST API sent. */
  readonly value: string;
}

/** A site-to-site VPN, as the REST API has it. */
export interface SiteToSiteVpnEntity {
  readonly id: string;
  readonly name: string;
  readonly state: SiteToSiteVpnState;
  readonly vpcId: string;
  /** Gateway of the remote network. */
  readonly gateway: string;
  /** CIDR of the remote network, or several, separated by commas. */
  readonly cidr: string;
  /** The pre-shared key, in clear text: a secret. */
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
  /** What was sent for the fields that are null, or read `Unknown`, because it is not documented. */
  readonly unknownValues: readonly UnknownWireValue[];
}

/** What a new site-to-site VPN is made from. A group that is absent is not asked for. */
export interface NewSiteToSiteVpn {
  readonly name: string;
  readonly vpcId: string;
  readonly gateway: string;
  readonly cidr: string;
  readonly ipSecPsk: string;
  readonly ikeEncryptionAlgorithm: EncryptionAlgorithm;
  readonly ikeHashAlgorithm: HashAlgorithm;
  readonly ikeDhGroup?: DhGroup;
  readonly ikeLifetime: number;
  readonly espEncryptionAlgorithm: EncryptionAlgorithm;
  readonly espHashAlgorithm: HashAlgorithm;
  readonly espPerfectForwardSecrecy?: DhGroup;
  readonly espLifetime: number;
  readonly dpd: boolean;
  readonly forceEncap: boolean;
}

const collection = 'sitetositevpns';
const toSiteToSiteVpns = createShared((entries: readonly unknown[], rest: RestSession) =>
  entries.map((entry) => toSiteToSiteVpn(rest, entry)),
);

/** All site-to-site VPNs of an environment, or of one of its VPCs, in the REST API's order. Throws a CloudcaError. */
export function listSiteToSiteVpns(
  rest: RestSession,
  environment: EnvironmentAddress,
  vpcId: string | null,
): Promise<readonly SiteToSiteVpnEntity[]> {
  return listIn(rest, environment, collection, toSiteToSiteVpns, vpcId === null ? undefined : { vpc_id: vpcId });
}

/** One site-to-site VPN. Throws a CloudcaError: NotFoundError where the environment has none of that id. */
export function getSiteToSiteVpn(
  rest: RestSession,
  environment: EnvironmentAddress,
  id: string,
): Promise<SiteToSiteVpnEntity> {
  return rest.read(toRequest(environment, collection, id), (data) => toSiteToSiteVpn(rest, data));
}

/** Asks for a new site-to-site VPN. Throws a CloudcaError: RefusedError where the REST API does not take it. */
export async function createSiteToSiteVpn(
  rest: RestSession,
  environment: EnvironmentAddress,
  vpn: NewSiteToSiteVpn,
): Promise<WriteOutcome> {
  try {
    return await rest.write({
      method: 'POST',
      ...toRequest(environment, collection),
      body: vpn,
      secrets: [vpn.ipSecPsk],
      advice: `Before you try again, look whether ${environment.serviceCode}/${environment.name} lists a site-to-site VPN of that name.`,
    });
  } catch (error) {
    throw toNamed(environment, error);
  }
}

/** Asks for a site-to-site VPN to be deleted. Throws a CloudcaError: NotFoundError where there is none of that id. */
export async function deleteSiteToSiteVpn(
  rest: RestSession,
  environment: EnvironmentAddress,
  id: string,
): Promise<WriteOutcome> {
  return rest.write({
    method: 'DELETE',
    ...toRequest(environment, collection, id),
    advice: `Before you try again, look whether the site-to-site VPN is still in ${environment.serviceCode}/${environment.name}.`,
  });
}

/** Asks for the connection of a site-to-site VPN to be reset. Throws a CloudcaError: NotFoundError where there is none of that id. */
export async function resetSiteToSiteVpn(
  rest: RestSession,
  environment: EnvironmentAddress,
  id: string,
): Promise<WriteOutcome> {
  const request = toRequest(environment, collection, id);
  return rest.write({
    method: 'POST',
    ...request,
    query: { operation: 'reset', ...request.query },
    advice: `Before you try again, look at the state of the site-to-site VPN in ${environment.serviceCode}/${environment.name}.`,
  });
}

/** A site-to-site VPN from the wire. Throws BadResponseError where a required field is missing or of the wrong type. */
export function toSiteToSiteVpn(rest: RestSession, value: unknown): SiteToSiteVpnEntity {
  const fields = new WireFields(value, 'siteToSiteVpn', rest.warn);
  const ipSecPsk = fields.optionalString('ipSecPsk');
  const documented = new DocumentedFields(fields, rest, ipSecPsk);
  return {
    id: fields.string('id'),
    name: fields.string('name'),
    state: documented.known('state', fields.string('state'), toState) ?? 'Unknown',
    vpcId: fields.string('vpcId'),
    gateway: fields.string('gateway'),
    // Newer deployments name it cidrList.
    cidr: fields.string(
      fields.unknown('cidr') === undefined && fields.unknown('cidrList') !== undefined ? 'cidrList' : 'cidr',
    ),
    ipSecPsk,
    ikeEncryptionAlgorithm: documented.algorithm('ikeEncryptionAlgorithm', toEncryptionAlgorithm),
    ikeHashAlgorithm: documented.algorithm('ikeHashAlgorithm', toHashAlgorithm),
    ikeDhGroup: documented.group('ikeDhGroup'),
    ikeLifetime: fields.optionalInteger('ikeLifetime'),
    espEncryptionAlgorithm: documented.algorithm('espEncryptionAlgorithm', toEncryptionAlgorithm),
    espHashAlgorithm: documented.algorithm('espHashAlgorithm', toHashAlgorithm),
    espPerfectForwardSecrecy: documented.group('espPerfectForwardSecrecy'),
    espLifetime: fields.optionalInteger('espLifetime'),
    dpd: fields.optionalBoolean('dpd'),
    forceEncap: fields.optionalBoolean('forceEncap'),
    unknownValues: documented.unknownValues,
  };
}

/** Reads a spelling of the wire; undefined where it is none of those that are documented. */
type Lookup<T> = (text: string) => T | undefined;

const none: readonly UnknownWireValue[] = [];

/** The fields of one VPN whose values are documented one by one. */
class DocumentedFields {
  readonly #fields: WireFields;
  readonly #rest: RestSession;
  readonly #ipSecPsk: string | null;
  #unknownValues = none;

  constructor(fields: WireFields, rest: RestSession, ipSecPsk: string | null) {
    this.#fields = fields;
    this.#rest = rest;
    this.#ipSecPsk = ipSecPsk;
  }

  /** What was sent in the fields read so far, where it is not documented. */
  get unknownValues(): readonly UnknownWireValue[] {
    return this.#unknownValues;
  }

  /** A value; undefined, with a warning, where it is not documented. */
  known<T>(name: string, text: string, read: Lookup<T>): T | undefined {
    const value = read(text);
    if (value === undefined) this.#tell(name, text);
    return value;
  }

  /** A value, or null. An empty one says as little as an absent one. */
  algorithm<T>(name: string, read: Lookup<T>): T | null {
    const text = this.#fields.optionalString(name);
    return text === null || text === '' ? null : (this.known(name, text, read) ?? null);
  }

  /** A group. One that is absent is no group; one of the wrong type or unknown is not known to be none. */
  group(name: string): DhGroup | null {
    return (this.#fields.unknown(name) ?? '') === '' ? 'None' : this.algorithm(name, toDhGroup);
  }

  #tell(name: string, text: string): void {
    const secrets = this.#ipSecPsk === null ? this.#rest.secrets : [this.#ipSecPsk, ...this.#rest.secrets];
    this.#unknownValues = [...this.#unknownValues, { field: name, value: strike(text, secrets) }];
    this.#fields.warn(name, toProblem(text, secrets));
  }
}

/** As toSiteToSiteVpn, for what may be something else, such as the result of any task: null where it is. */
export function tryToSiteToSiteVpn(rest: RestSession, value: unknown): SiteToSiteVpnEntity | null {
  try {
    return toSiteToSiteVpn(rest, value);
  } catch (error) {
    if (error instanceof BadResponseError) return null;
    throw error;
  }
}

// The value helps whoever keeps the list of known ones; a long or an odd one may be anything, a key for instance.
function toProblem(text: string, secrets: readonly string[]): string {
  const tellable = /^[\w .()-]{1,24}$/.test(text) && !secrets.some((secret) => text.includes(secret));
  return tellable ? `not a documented value: ${text}` : 'not a documented value';
}

// Looked up for every row of every list.
const toState = toLookup(siteToSiteVpnStates);
const toEncryptionAlgorithm = toLookup(encryptionAlgorithms);
const toHashAlgorithm = toLookup(hashAlgorithms);
// `modp1536` on the wire, `Group-5 (1536-bit)` in the documentation.
const toDhGroup = toLookup(dhGroups, {
  None: [],
  modp1024: ['modp-1024', 'Group2', 'Group-2', 'Group2 (1024-bit)', 'Group-2 (1024-bit)'],
  modp1536: ['modp-1536', 'Group5', 'Group-5', 'Group5 (1536-bit)', 'Group-5 (1536-bit)'],
});

/** Of values, and of other spellings of them; upper and lower case are the same. */
function toLookup<T extends string>(
  values: readonly T[],
  spellings?: Readonly<Record<T, readonly string[]>>,
): Lookup<T> {
  const known = new Map<string, T>();
  for (const value of values) {
    for (const text of [value, ...(spellings?.[value] ?? [])]) known.set(text, value).set(text.toLowerCase(), value);
  }
  // Nearly all come as they are documented.
  return (text) => known.get(text) ?? known.get(text.trim().toLowerCase());
}
