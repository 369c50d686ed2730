// Checks the attributes of a site-to-site VPN against its environment, and puts rejections of the REST API at the fields that explain
// them.
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { isSameId } from '../../cloudca/ids.js';
import type { RestSession } from '../../cloudca/session.js';
import type {
  NewSiteToSiteVpn,
  SiteToSiteVpnAttributes,
  SiteToSiteVpnChanges,
} from '../../cloudca/site-to-site-vpn-writes.js';
import { listSiteToSiteVpns, type SiteToSiteVpnEntity } from '../../cloudca/site-to-site-vpns.js';
import { listVpcs } from '../../cloudca/vpcs.js';
import { type UserError, UserErrorCode } from '../user-error.js';
import { hasAttributes, isSameGateway } from './attributes.js';

/** Tells how a write fits its environment. */
export interface EnvironmentCheck {
  /** Whether the environment is as the write asks. */
  readonly isDone: boolean;
  /** The VPN that is as the write asks; null if there is none. */
  readonly vpn: SiteToSiteVpnEntity | null;
  /** The fields that the environment rules out. Says nothing of the VPN that is in the way. */
  readonly userErrors: readonly UserError[];
  /** The errors that may explain a rejection that names their field. Default: none. */
  readonly likelyErrors?: readonly UserError[];
}

/** Checks the attributes of a new VPN: one list call, and another one if no VPN uses its VPC. Rejects with a CloudcaError. */
export async function checkNewVpn(
  rest: RestSession,
  environment: EnvironmentAddress,
  attributes: NewSiteToSiteVpn,
): Promise<EnvironmentCheck> {
  const vpns = await listSiteToSiteVpns(rest, environment, null);
  const namesake = vpns.find(({ name }) => name === attributes.name);
  // A new VPN without a group has none, so a VPN with one is another VPN.
  if (namesake !== undefined && hasAttributes(namesake, { ...noGroups, ...attributes })) return toDone(namesake);
  const isVpc = (id: string) => isSameId(id, attributes.vpcId);
  const hasVpc =
    vpns.some(({ vpcId }) => isVpc(vpcId)) || (await listVpcs(rest, environment)).some(({ id }) => isVpc(id));
  return {
    isDone: false,
    vpn: null,
    userErrors: [...findTaken(vpns, attributes), ...(hasVpc ? [] : [noVpc])],
    likelyErrors: findLikelyTaken(vpns, attributes),
  };
}

/** Checks the new attributes of a VPN with one list call. Rejects with a CloudcaError. */
export async function checkChanges(
  rest: RestSession,
  environment: EnvironmentAddress,
  id: string,
  changes: SiteToSiteVpnChanges,
): Promise<EnvironmentCheck> {
  const vpns = await listSiteToSiteVpns(rest, environment, null);
  const vpn = vpns.find((candidate) => isSameId(candidate.id, id));
  if (vpn !== undefined && hasAttributes(vpn, changes)) return toDone(vpn);
  const others = vpns.filter((candidate) => candidate !== vpn);
  return {
    isDone: false,
    vpn: null,
    userErrors: [...(vpn ? [] : [noVpn]), ...findTaken(others, changes)],
    likelyErrors: findLikelyTaken(others, changes),
  };
}

/**
 * Replaces rejections of the REST API by the userErrors that explain them, which take over its codes. The REST API does not say which field
 * it rejects: a rejection that names the field goes first, then any other. Rejections beyond that stay as they are, unless they name the
 * field of a likely error.
 */
export function placeRejections(
  rejections: readonly UserError[],
  { userErrors: explanations, likelyErrors = [] }: Pick<EnvironmentCheck, 'userErrors' | 'likelyErrors'>,
): readonly UserError[] {
  const left = [...rejections];
  const take = (test: (rejection: UserError) => boolean) => {
    const index = left.findIndex(test);
    return index < 0 ? undefined : left.splice(index, 1)[0];
  };
  const matches = explanations.map((explanation) => take(({ message }) => namesField(message, explanation)));
  const placed = explanations.map(({ field, code, message }, index) => {
    const rejection = matches[index] ?? take(() => true);
    return { field, code, message, upstreamCode: rejection?.upstreamCode ?? null };
  });
  const likely = likelyErrors.flatMap((error) => {
    const rejection = take(({ message }) => namesField(message, error));
    const { field, code, message } = error;
    return rejection === undefined ? [] : [{ field, code, message, upstreamCode: rejection.upstreamCode }];
  });
  return [...placed, ...likely, ...left];
}

function namesField(message: string, { field }: UserError): boolean {
  const word = field?.at(-1)?.replace(/Id$/, '') ?? '';
  return new RegExp(`\\b${word}`, 'i').test(message);
}

function toDone(vpn: SiteToSiteVpnEntity): EnvironmentCheck {
  return { isDone: true, vpn, userErrors: [] };
}

function findTaken(vpns: readonly SiteToSiteVpnEntity[], given: SiteToSiteVpnAttributes): readonly UserError[] {
  const { name, gateway } = given;
  const isNameTaken = vpns.some((vpn) => vpn.name === name);
  const isGatewayTaken = gateway !== undefined && vpns.some((vpn) => isSameGateway(vpn.gateway, gateway));
  return [...(isNameTaken ? [nameTaken] : []), ...(isGatewayTaken ? [gatewayTaken] : [])];
}

// The REST API does not say how it compares names. MySQL, the database of CloudStack, ignores case and trailing blanks by default.
function findLikelyTaken(
  vpns: readonly SiteToSiteVpnEntity[],
  { name }: SiteToSiteVpnAttributes,
): readonly UserError[] {
  if (name === undefined || vpns.some((vpn) => vpn.name === name)) return [];
  const key = toNameKey(name);
  return vpns.some((vpn) => toNameKey(vpn.name) === key) ? [similarNameTaken] : [];
}

function toNameKey(name: string): string {
  return name.trim().toLowerCase();
}

function createError(field: string, code: UserErrorCode, message: string): UserError {
  return { field: ['input', field], code, message, upstreamCode: null };
}

const noGroups = { ikeDhGroup: 'None', espPerfectForwardSecrecy: 'None' } as const;

const nameTaken = createError(
  'name',
  UserErrorCode.TAKEN,
  'Another site-to-site VPN of the environment has this name. Choose another name.',
);
const similarNameTaken = createError(
  'name',
  UserErrorCode.TAKEN,
  'Another site-to-site VPN of the environment has this name in another spelling. Choose another name.',
);
const gatewayTaken = createError(
  'gateway',
  UserErrorCode.TAKEN,
  'Another site-to-site VPN of the environment uses this gateway. Use another gateway, or delete the other VPN.',
);
const noVpc = createError('vpcId', UserErrorCode.NOT_FOUND, 'The environment has no VPC with this id.');
const noVpn = createError('id', UserErrorCode.NOT_FOUND, 'The environment has no site-to-site VPN with this id.');
