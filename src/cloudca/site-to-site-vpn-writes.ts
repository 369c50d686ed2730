// The calls that create, change, reset or delete a site-to-site VPN, in the form of the REST API's version.
import type { WriteOutcome } from './envelope.js';
import { type EnvironmentAddress, toCollectionError, toCollectionRequest } from './environments.js';
import { CloudcaError, NotFoundError, UnsupportedCallError } from './errors.js';
import type { RestSession } from './session.js';
import {
  collection,
  type DhGroup,
  type EncryptionAlgorithm,
  getSiteToSiteVpn,
  type HashAlgorithm,
} from './site-to-site-vpns.js';

/** The fields of a site-to-site VPN to create. An absent Diffie-Hellman group is not sent. */
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

/** Some attributes of a site-to-site VPN. */
export type SiteToSiteVpnAttributes = {
  readonly [Field in keyof NewSiteToSiteVpn]?: NewSiteToSiteVpn[Field] | undefined;
};

/** The attributes of a site-to-site VPN to change. Those that are absent stay as they are, and are not sent. */
export type SiteToSiteVpnChanges = Omit<SiteToSiteVpnAttributes, 'vpcId'>;

/** Creates a site-to-site VPN. Rejects with a CloudcaError: RejectedError if the REST API does not accept its fields. */
export async function createSiteToSiteVpn(
  rest: RestSession,
  environment: EnvironmentAddress,
  vpn: NewSiteToSiteVpn,
): Promise<WriteOutcome> {
  try {
    return await rest.write({
      method: 'POST',
      ...toCollectionRequest(environment, collection),
      body: toBody(rest, vpn),
      secrets: [vpn.ipSecPsk],
      advice: 'Before you retry, check whether the environment has a site-to-site VPN with this name.',
    });
  } catch (error) {
    throw toCollectionError(error, environment, rest.secrets);
  }
}

/**
 * Changes a site-to-site VPN. Rejects with a CloudcaError: NotFoundError if the environment has no VPN with this id, RejectedError if the
 * REST API does not accept the changes. Rejects with UnsupportedCallError if the REST API updates no VPNs.
 */
export async function updateSiteToSiteVpn(
  rest: RestSession,
  environment: EnvironmentAddress,
  id: string,
  changes: SiteToSiteVpnChanges,
): Promise<WriteOutcome> {
  try {
    return await rest.write({
      method: 'PUT',
      ...toCollectionRequest(environment, collection, id),
      body: toBody(rest, changes),
      secrets: changes.ipSecPsk === undefined ? [] : [changes.ipSecPsk],
      advice: 'Before you retry, check whether the site-to-site VPN has the new attributes.',
    });
  } catch (error) {
    if (error instanceof CloudcaError && (await isUnsupported(rest, environment, id, error))) {
      throw createUnsupportedError(error);
    }
    throw error;
  }
}

/** Deletes a site-to-site VPN. Rejects with a CloudcaError: NotFoundError if the environment has no VPN with this id. */
export async function deleteSiteToSiteVpn(
  rest: RestSession,
  environment: EnvironmentAddress,
  id: string,
): Promise<WriteOutcome> {
  return rest.write({
    method: 'DELETE',
    ...toCollectionRequest(environment, collection, id),
    advice: 'Before you retry, check whether the site-to-site VPN still exists.',
  });
}

/** Resets the connection of a site-to-site VPN. Rejects with a CloudcaError: NotFoundError if the environment has no VPN with this id. */
export async function resetSiteToSiteVpn(
  rest: RestSession,
  environment: EnvironmentAddress,
  id: string,
): Promise<WriteOutcome> {
  const request = toCollectionRequest(environment, collection, id);
  return rest.write({
    method: 'POST',
    ...request,
    query: { operation: 'reset', ...request.query },
    advice: 'Before you retry, check the state of the site-to-site VPN.',
  });
}

/** Reports whether the environment has no site-to-site VPN with this id. Rejects with a CloudcaError if that cannot be read. */
export async function isGone(rest: RestSession, environment: EnvironmentAddress, id: string): Promise<boolean> {
  try {
    await getSiteToSiteVpn(rest, environment, id);
    return false;
  } catch (error) {
    if (error instanceof NotFoundError) return true;
    throw error;
  }
}

/** Reports whether an update has failed because the REST API has no such call. Version 1 documents none. */
async function isUnsupported(
  rest: RestSession,
  environment: EnvironmentAddress,
  id: string,
  { upstream }: CloudcaError,
): Promise<boolean> {
  if (upstream?.status !== 404) return upstream?.status === 405;
  // With `errors`, the REST API may lack the call or the VPN: the statuses are the same.
  if (upstream.errors.length === 0) return true;
  try {
    return !(await isGone(rest, environment, id));
  } catch (error) {
    // Nothing more is known, so the 404 counts as it is.
    if (error instanceof CloudcaError) return false;
    throw error;
  }
}

function createUnsupportedError({ upstream }: CloudcaError): UnsupportedCallError {
  const { status = 404, errors = [] } = upstream ?? {};
  const message =
    'This REST API cannot update site-to-site VPNs. Delete the VPN, and create it again with the new attributes.';
  return new UnsupportedCallError(message, { status, errors: [{ code: errors[0]?.code ?? null, message }] });
}

// Version 2 calls `cidr` by another name.
function toBody(rest: RestSession, fields: object): object {
  if (rest.apiVersion !== 2) return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name === 'cidr' ? 'cidrList' : name, value]),
  );
}
