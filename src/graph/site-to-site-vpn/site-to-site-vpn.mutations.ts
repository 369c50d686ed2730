// The mutations of site-to-site VPNs. Each validates its input, sends one REST call, and waits for the task if the client asks for it.
import { Arg, Authorized, Ctx, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import { NotFoundError } from '../../cloudca/errors.js';
import {
  createSiteToSiteVpn,
  deleteSiteToSiteVpn,
  isGone,
  resetSiteToSiteVpn,
  updateSiteToSiteVpn,
} from '../../cloudca/site-to-site-vpn-writes.js';
import type { GraphContext } from '../context.js';
import { ChecksWithRestCalls, MakesRestCalls } from '../limits/query-cost.js';
import { checkChanges, checkNewVpn } from './environment-check.js';
import { executeWrite } from './execute-write.js';
import {
  CreateSiteToSiteVpnInput,
  DeleteSiteToSiteVpnInput,
  ResetSiteToSiteVpnInput,
  toNewSiteToSiteVpn,
  toSiteToSiteVpnChanges,
  UpdateSiteToSiteVpnInput,
  validateChanges,
} from './site-to-site-vpn.inputs.js';
import {
  CreateSiteToSiteVpnPayload,
  DeleteSiteToSiteVpnPayload,
  ResetSiteToSiteVpnPayload,
  UpdateSiteToSiteVpnPayload,
  type WrittenVpn,
} from './site-to-site-vpn.payloads.js';
import { readEntityId, readVpn } from './site-to-site-vpn.resolver.js';
import { SiteToSiteVpn } from './site-to-site-vpn.type.js';

/** Resolves Mutation.createSiteToSiteVpn and the VPN of its payload. */
@Resolver(() => CreateSiteToSiteVpnPayload)
export class CreateSiteToSiteVpnResolver {
  @Authorized()
  @MakesRestCalls(['write'])
  @ChecksWithRestCalls(2)
  @Mutation(() => CreateSiteToSiteVpnPayload, {
    nullable: true,
    description: 'Creates a site-to-site VPN. The REST API works in the background: query or subscribe to the task.',
  })
  async createSiteToSiteVpn(
    @Arg('input', () => CreateSiteToSiteVpnInput, { description: 'Environment and attributes of the new VPN.' })
    input: CreateSiteToSiteVpnInput,
    @Ctx('operation') context: GraphContext,
  ): Promise<CreateSiteToSiteVpnPayload> {
    const attributes = toNewSiteToSiteVpn(input);
    const { task, data, environment, isDone, found, userErrors } = await executeWrite(context, {
      action: 'createSiteToSiteVpn',
      input,
      id: null,
      validateOnly: input.validateOnly,
      send: (rest, address) => createSiteToSiteVpn(rest, address, attributes),
      check: (rest, address) => checkNewVpn(rest, address, attributes),
      checksRejection: true,
    });
    const payload = { task, alreadyExists: isDone, userErrors };
    if (found !== null || (task !== null && task.status !== 'SUCCESS')) return { ...payload, vpn: found };
    const id = readEntityId(task?.wireResult) ?? readEntityId(data);
    if (id === null) return { ...payload, vpn: null };
    const key = { environment, id };
    const responded = readVpn(context.rest, data, key);
    // Without a wait, the VPN in the response is as fresh as a read would be. After a wait, it must be read.
    if (responded !== null && input.waitSeconds === 0) context.loaders.siteToSiteVpns.one.prime(key, responded);
    const sent = readVpn(context.rest, task?.wireResult, key) ?? responded;
    return { ...payload, vpn: { ...key, sent } };
  }

  @MakesRestCalls(['siteToSiteVpn'])
  @FieldResolver(() => SiteToSiteVpn, {
    nullable: true,
    description:
      'New VPN; null if its task has not succeeded yet, or if the REST API does not send its id. If alreadyExists is true, the existing VPN.',
  })
  async siteToSiteVpn(
    @Root() { vpn }: CreateSiteToSiteVpnPayload,
    @Ctx('operation') context: GraphContext,
  ): Promise<SiteToSiteVpn | null> {
    return vpn === null ? null : loadVpn(context, vpn);
  }
}

/** Resolves Mutation.updateSiteToSiteVpn and the VPN of its payload. */
@Resolver(() => UpdateSiteToSiteVpnPayload)
export class UpdateSiteToSiteVpnResolver {
  @Authorized()
  @MakesRestCalls(['write'])
  @ChecksWithRestCalls(1)
  @Mutation(() => UpdateSiteToSiteVpnPayload, {
    nullable: true,
    description:
      'Changes attributes of a site-to-site VPN, e.g. its pre-shared key. Attributes that are absent or null stay as they are. ' +
      'If the REST API has no updates, userErrors says so. The REST API works in the background: query or subscribe to the task.',
  })
  async updateSiteToSiteVpn(
    @Arg('input', () => UpdateSiteToSiteVpnInput, {
      description: 'Site-to-site VPN to update, and its new attributes.',
    })
    input: UpdateSiteToSiteVpnInput,
    @Ctx('operation') context: GraphContext,
  ): Promise<UpdateSiteToSiteVpnPayload> {
    const { id, validateOnly } = input;
    const changes = toSiteToSiteVpnChanges(input);
    const { task, environment, found, userErrors } = await executeWrite(context, {
      action: 'updateSiteToSiteVpn',
      input,
      id,
      violations: validateChanges(changes),
      validateOnly,
      ...(changes.ipSecPsk !== undefined && { secretsWritten: ['SiteToSiteVpn.ipSecPsk'] }),
      send: (rest, address) => updateSiteToSiteVpn(rest, address, id, changes),
      check: (rest, address) => checkChanges(rest, address, id, changes),
      checksRejection: true,
    });
    if (validateOnly || userErrors.length > 0) return { task, vpn: null, userErrors };
    const key = { environment, id };
    return { task, vpn: found ?? { ...key, sent: readVpn(context.rest, task?.wireResult, key) }, userErrors };
  }

  @MakesRestCalls(['siteToSiteVpn'])
  @FieldResolver(() => SiteToSiteVpn, {
    nullable: true,
    description:
      'VPN as it is after the update was accepted. Null if it was rejected or only validated, and null with an error if the VPN cannot be loaded.',
  })
  async siteToSiteVpn(
    @Root() { vpn }: UpdateSiteToSiteVpnPayload,
    @Ctx('operation') context: GraphContext,
  ): Promise<SiteToSiteVpn | null> {
    return vpn === null ? null : loadVpn(context, vpn);
  }
}

/** Resolves Mutation.deleteSiteToSiteVpn. */
@Resolver(() => DeleteSiteToSiteVpnPayload)
export class DeleteSiteToSiteVpnResolver {
  @Authorized()
  @MakesRestCalls(['write'])
  @Mutation(() => DeleteSiteToSiteVpnPayload, {
    nullable: true,
    description: 'Deletes a site-to-site VPN. The REST API works in the background: query or subscribe to the task.',
  })
  async deleteSiteToSiteVpn(
    @Arg('input', () => DeleteSiteToSiteVpnInput, { description: 'Site-to-site VPN to delete.' })
    input: DeleteSiteToSiteVpnInput,
    @Ctx('operation') context: GraphContext,
  ): Promise<DeleteSiteToSiteVpnPayload> {
    const { id } = input;
    const { task, userErrors } = await executeWrite(context, {
      action: 'deleteSiteToSiteVpn',
      input,
      id,
      send: (rest, environment) => deleteSiteToSiteVpn(rest, environment, id),
      check: async (rest, environment) => ({
        isDone: await isGone(rest, environment, id),
        vpn: null,
        userErrors: [],
      }),
    });
    const isDeleted = userErrors.length === 0 && (task === null || task.status === 'SUCCESS');
    return { task, deletedSiteToSiteVpnId: isDeleted ? id : null, userErrors };
  }
}

/** Resolves Mutation.resetSiteToSiteVpn and the VPN of its payload. */
@Resolver(() => ResetSiteToSiteVpnPayload)
export class ResetSiteToSiteVpnResolver {
  @Authorized()
  @MakesRestCalls(['write'])
  @Mutation(() => ResetSiteToSiteVpnPayload, {
    nullable: true,
    description:
      'Resets the connection of a site-to-site VPN, e.g. if its state is DISCONNECTED. ' +
      'The REST API works in the background: query or subscribe to the task.',
  })
  async resetSiteToSiteVpn(
    @Arg('input', () => ResetSiteToSiteVpnInput, { description: 'Site-to-site VPN to reset.' })
    input: ResetSiteToSiteVpnInput,
    @Ctx('operation') context: GraphContext,
  ): Promise<ResetSiteToSiteVpnPayload> {
    const { id } = input;
    const { task, environment, userErrors } = await executeWrite(context, {
      action: 'resetSiteToSiteVpn',
      input,
      id,
      send: (rest, address) => resetSiteToSiteVpn(rest, address, id),
    });
    if (userErrors.length > 0) return { task, vpn: null, userErrors };
    const key = { environment, id };
    return { task, vpn: { ...key, sent: readVpn(context.rest, task?.wireResult, key) }, userErrors };
  }

  @MakesRestCalls(['siteToSiteVpn'])
  @FieldResolver(() => SiteToSiteVpn, {
    nullable: true,
    description:
      'VPN as it is after the reset was accepted. Null if it was rejected, and null with an error if the VPN cannot be loaded.',
  })
  async siteToSiteVpn(
    @Root() { vpn }: ResetSiteToSiteVpnPayload,
    @Ctx('operation') context: GraphContext,
  ): Promise<SiteToSiteVpn | null> {
    return vpn === null ? null : loadVpn(context, vpn);
  }
}

/**
 * Loads the VPN of an accepted write. Returns the VPN as sent if the REST API does not have it: for some seconds after a write, it may
 * not. Throws NotFoundError if the REST API has not sent it either.
 */
async function loadVpn(context: GraphContext, { environment, id, sent }: WrittenVpn): Promise<SiteToSiteVpn> {
  const vpn = (await context.loaders.siteToSiteVpns.one.load({ environment, id })) ?? sent;
  if (vpn === null) {
    throw new NotFoundError('The REST API accepted the request, but has no site-to-site VPN with this id now.');
  }
  return vpn;
}
