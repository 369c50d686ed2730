// The VPCs of an environment: wire type and calls.
import type { RestSession } from './client.js';
import { WireFields } from './decode.js';
import { type EnvironmentAddress, listIn, toRequest } from './environments.js';
import { createShared } from './http/singleflight.js';

/** A VPC, as the REST API has it. */
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
  /** The address that the remote end of a site-to-site VPN connects to. */
  readonly sourceNatIp: string | null;
  readonly vpnStatus: string | null;
}

const toVpcs = createShared((entries: readonly unknown[], rest: RestSession) =>
  entries.map((entry) => toVpc(rest, entry)),
);

/** All VPCs of an environment, in the REST API's order. Throws a CloudcaError. */
export function listVpcs(rest: RestSession, environment: EnvironmentAddress): Promise<readonly VpcEntity[]> {
  return listIn(rest, environment, 'vpcs', toVpcs);
}

/** One VPC. Throws a CloudcaError: NotFoundError where the environment has none of that id. */
export function getVpc(rest: RestSession, environment: EnvironmentAddress, id: string): Promise<VpcEntity> {
  return rest.read(toRequest(environment, 'vpcs', id), (data) => toVpc(rest, data));
}

function toVpc(rest: RestSession, value: unknown): VpcEntity {
  const fields = new WireFields(value, 'vpc', rest.warn);
  return {
    id: fields.string('id'),
    name: fields.string('name'),
    description: fields.optionalString('description'),
    cidr: fields.optionalString('cidr'),
    zoneId: fields.optionalString('zoneId'),
    zoneName: fields.optionalString('zoneName'),
    state: fields.optionalString('state'),
    networkDomain: fields.optionalString('networkDomain'),
    vpcOfferingId: fields.optionalString('vpcOfferingId'),
    requiresUpgrade: fields.optionalBoolean('requiresUpgrade'),
    sourceNatIp: fields.optionalString('sourceNatIp'),
    vpnStatus: fields.optionalString('vpnStatus'),
  };
}
