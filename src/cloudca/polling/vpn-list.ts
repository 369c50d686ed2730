// The list of VPNs of an environment, as its poll requests it: sorted, and looked at again before a VPN counts as deleted.
import { isDeepStrictEqual } from 'node:util';
import type { EnvironmentAddress } from '../environments.js';
import { ForbiddenError, NotFoundError } from '../errors.js';
import { isSameId, toIdKey } from '../ids.js';
import { isPathSegment } from '../path-segments.js';
import type { RestSession } from '../session.js';
import { getSiteToSiteVpn, listSiteToSiteVpns, type SiteToSiteVpnEntity } from '../site-to-site-vpns.js';

type VpnList = readonly SiteToSiteVpnEntity[];

/**
 * Lists the VPNs of an environment, sorted by id, since the REST API's order may change when nothing else does. A single bad
 * response deletes nothing: if VPNs of `previous` have vanished, makes one more call.
 *
 * - One VPN has vanished: requests it by its id. 404 and 403 confirm that it is gone; otherwise the list has it.
 * - Several have vanished: requests the list again, and returns the second one.
 *
 * A VPN that has not changed is the object of `previous`: a subscriber may hold an old list for long. Rejects with a CloudcaError, also
 * if only the second call fails.
 */
export async function requestVpnList(
  rest: RestSession,
  environment: EnvironmentAddress,
  previous: VpnList = [],
): Promise<VpnList> {
  const request = () => listSiteToSiteVpns(rest, environment, null);
  const vpns = await request();
  const [vanished, ...others] = findVanished(previous, vpns);
  if (vanished === undefined) return toList(previous, vpns);
  // The id comes from the REST API, and may not be usable in a path.
  if (others.length > 0 || !isPathSegment(vanished.id)) return toList(previous, await request());
  try {
    return toList(previous, [...vpns, await getSiteToSiteVpn(rest, environment, vanished.id)]);
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof ForbiddenError) return toList(previous, vpns);
    throw error;
  }
}

/** Returns the VPN with this id, or undefined if the list lacks it. */
export function findVpn(vpns: VpnList, id: string): SiteToSiteVpnEntity | undefined {
  return vpns.find((vpn) => isSameId(vpn.id, id));
}

function findVanished(previous: VpnList, vpns: VpnList): VpnList {
  const ids = new Set(vpns.map(({ id }) => toIdKey(id)));
  return previous.filter(({ id }) => !ids.has(toIdKey(id)));
}

function toList(previous: VpnList, vpns: VpnList): VpnList {
  const known = new Map(previous.map((vpn) => [toIdKey(vpn.id), vpn]));
  return vpns
    .map((vpn) => {
      const before = known.get(toIdKey(vpn.id));
      return before !== undefined && isDeepStrictEqual(before, vpn) ? before : vpn;
    })
    .sort((one, other) => (one.id < other.id ? -1 : Number(one.id > other.id)));
}
