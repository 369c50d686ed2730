// What the writes of site-to-site VPNs answer. The VPN in it is a field of its own, read where it is asked for.
import { Field, ID, ObjectType } from 'type-graphql';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { Task } from '../task/task.type.js';
import { UserError } from '../user-error.js';

/** What every write answers. */
@ObjectType()
class WritePayload {
  /** The task. */
  @Field(() => Task, {
    nullable: true,
    description:
      'The task that carries it out. Null where the request was refused, or the REST API gave no task. Only userErrors says refused.',
  })
  declare task: Task | null;

  /** What the caller can put right. */
  @Field(() => [UserError], {
    description: 'What in the input is to be put right, all at once; empty where the request was accepted.',
  })
  declare userErrors: readonly UserError[];
}

/** A payload that can tell of a VPN. */
@ObjectType()
class SiteToSiteVpnPayload extends WritePayload {
  /** Where the VPN is; null where there is none to tell of. Not part of the schema. */
  declare vpn: { readonly environment: EnvironmentAddress; readonly id: string } | null;
}

/** What Mutation.createSiteToSiteVpn answers. */
@ObjectType({ simpleResolvers: true, description: 'What came of asking for a new site-to-site VPN.' })
export class CreateSiteToSiteVpnPayload extends SiteToSiteVpnPayload {}

/** What Mutation.deleteSiteToSiteVpn answers. */
@ObjectType({ simpleResolvers: true, description: 'What came of asking for a site-to-site VPN to be deleted.' })
export class DeleteSiteToSiteVpnPayload extends WritePayload {
  /** The id that was sent, once the VPN is gone. */
  @Field(() => ID, {
    nullable: true,
    description:
      'The id that was sent, once the VPN is gone: its task has succeeded, or the REST API gave none. Null while the task is pending.',
  })
  declare deletedSiteToSiteVpnId: string | null;
}

/** What Mutation.resetSiteToSiteVpn answers. */
@ObjectType({ simpleResolvers: true, description: 'What came of asking for a site-to-site VPN to be reset.' })
export class ResetSiteToSiteVpnPayload extends SiteToSiteVpnPayload {}
