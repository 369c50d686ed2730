// The VPCs of an environment: wire type and calls.
import type { RestSession } from './session.js';
import { WireFields } from './decode.js';
import { type EnvironmentAddress, listCollection, toCollectionRequest } from './environments.js';
import { decodeEntries } from './lists.js';
import { memoizePerSharedValue } from './http/singleflight.js';

/** A VPC, as the REST API returns it. */
export interface VpcEntity {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly cidr: string | null;
  readonly zoneId: string | null;
  readonly zoneName: string | null;
  readonly state: string | null;
  readonly networkDomain: string | null;
  readonly vpcOfferingId: string | null;
  readonly requiresUpgrade: boolean | null;
  /** The IP address that the remote end of a site-to-site VPN connects to. */
  readonly sourceNatIp: string | null;
  readonly vpnStatus: string | null;
}

const toVpcs = memoizePerSharedValue((entries: readonly unknown[], rest: RestSession) =>
  decodeEntries(rest, entries, (entry) => toVpc(rest, entry)),
);

/** Lists all VPCs of an environment, in the REST API's order. Rejects with a CloudcaError. */
export function listVpcs(rest: RestSession, environment: EnvironmentAddress): Promise<readonly VpcEntity[]> {
  return listCollection(rest, environment, 'vpcs', toVpcs);
}

/** Reads one VPC. Rejects with a CloudcaError: NotFoundError if the environment has no VPC with this id. */
export function getVpc(rest: RestSession, environment: EnvironmentAddress, id: string): Promise<VpcEntity> {
  return rest.read(toCollectionRequest(environment, 'vpcs', id), (data) => toVpc(rest, data));
}

function toVpc(rest: RestSession, value: unknown): VpcEntity {
  const fields = new WireFields(value, 'vpc', rest.warn);
  return {
    id: fields.id('id'),
    name: fields.string('name'),
    description: fields.optionalString('description'),
    cidr: fields.optionalString('cidr'),
    zoneId: fields.optionalId('zoneId'),
    zoneName: fields.optionalString('zoneName'),
    state: fields.optionalString('state'),
    networkDomain: fields.optionalString('networkDomain'),
    vpcOfferingId: fields.optionalId('vpcOfferingId'),
    requiresUpgrade: fields.optionalBoolean('requiresUpgrade'),
    sourceNatIp: fields.optionalString('sourceNatIp'),
    vpnStatus: fields.optionalString('vpnStatus'),
  };
}
