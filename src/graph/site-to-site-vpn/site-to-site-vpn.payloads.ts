// The payloads of mutations of site-to-site VPNs. Their VPN is a field with a resolver, so it is read only if the client selects it.
import { Field, ID, ObjectType } from 'type-graphql';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { Task } from '../task/task.type.js';
import { UserError } from '../user-error.js';
import type { SiteToSiteVpn } from './site-to-site-vpn.type.js';

/** Fields of every payload. */
@ObjectType()
class WritePayload {
  @Field(() => Task, {
    nullable: true,
    description:
      'Task that carries out the write. Null if the request was rejected (see userErrors), or if the REST API started no task.',
  })
  declare task: Task | null;

  @Field(() => [UserError], {
    description: 'All problems that the client must fix before the next try; empty if the request was accepted.',
  })
  declare userErrors: readonly UserError[];
}

/** The VPN of an accepted write. */
export interface WrittenVpn {
  readonly environment: EnvironmentAddress;
  readonly id: string;
  /** The VPN as the response to the write, or the result of its task, has it; null if neither has it. */
  readonly sent: SiteToSiteVpn | null;
}

/** Fields of every payload with a VPN. */
@ObjectType()
class SiteToSiteVpnPayload extends WritePayload {
  /** VPN that the field siteToSiteVpn reads; null if there is none. Not part of the schema. */
  declare vpn: WrittenVpn | null;
}

/** Holds what a create has led to. */
@ObjectType({ simpleResolvers: true, description: 'Payload of Mutation.createSiteToSiteVpn.' })
export class CreateSiteToSiteVpnPayload extends SiteToSiteVpnPayload {
  @Field(() => Boolean, {
    description:
      'Whether the environment has the VPN already, with exactly the attributes of the input: an earlier attempt created it, or this one did, ' +
      'and its response was lost. Then siteToSiteVpn is that VPN, and task is null. ' +
      'The gateway cannot tell it from a VPN that someone else created with the same attributes and the same key.',
  })
  declare alreadyExists: boolean;
}

/** Holds what an update has led to. */
@ObjectType({ simpleResolvers: true, description: 'Payload of Mutation.updateSiteToSiteVpn.' })
export class UpdateSiteToSiteVpnPayload extends SiteToSiteVpnPayload {}

/** Holds what a delete has led to. */
@ObjectType({ simpleResolvers: true, description: 'Payload of Mutation.deleteSiteToSiteVpn.' })
export class DeleteSiteToSiteVpnPayload extends WritePayload {
  @Field(() => ID, {
    nullable: true,
    description:
      'Id from the input once the VPN is gone: its task has succeeded, or the REST API accepted the request without a task. Otherwise null.',
  })
  declare deletedSiteToSiteVpnId: string | null;
}

/** Holds what a reset has led to. */
@ObjectType({ simpleResolvers: true, description: 'Payload of Mutation.resetSiteToSiteVpn.' })
export class ResetSiteToSiteVpnPayload extends SiteToSiteVpnPayload {}
