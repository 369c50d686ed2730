// The mutations of site-to-site VPNs. Each validates its input, sends one REST call, and waits for the task if the client asks for it.
import { Arg, Authorized, Ctx, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import type { RestSession } from '../../cloudca/session.js';
import { redactEntries } from '../../cloudca/redact.js';
import type { WriteOutcome } from '../../cloudca/envelope.js';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { NotFoundError } from '../../cloudca/errors.js';
import { createSiteToSiteVpn, deleteSiteToSiteVpn, resetSiteToSiteVpn } from '../../cloudca/site-to-site-vpns.js';
import { type TaskEntity, toStartedTask } from '../../cloudca/tasks.js';
import type { AuditEvent, GraphContext } from '../context.js';
import { MakesRestCall } from '../limits/query-cost.js';
import { toAddress } from '../environment/environment.inputs.js';
import { toErrorCode } from '../errors.js';
import { type Task, toTaskType } from '../task/task.type.js';
import { catchUserErrors, validateInput, type UserError } from '../user-error.js';
import {
  CreateSiteToSiteVpnInput,
  DeleteSiteToSiteVpnInput,
  ResetSiteToSiteVpnInput,
  toNewSiteToSiteVpn,
  type WriteInput,
} from './site-to-site-vpn.inputs.js';
import {
  CreateSiteToSiteVpnPayload,
  DeleteSiteToSiteVpnPayload,
  ResetSiteToSiteVpnPayload,
  type WrittenVpn,
} from './site-to-site-vpn.payloads.js';
import { readEntityId, readVpn } from './site-to-site-vpn.resolver.js';
import { SiteToSiteVpn } from './site-to-site-vpn.type.js';

@Resolver(() => CreateSiteToSiteVpnPayload)
export class CreateSiteToSiteVpnResolver {
  @Authorized()
  @MakesRestCall()
  @Mutation(() => CreateSiteToSiteVpnPayload, {
    nullable: true,
    description: 'Creates a site-to-site VPN. The REST API works in the background: query or subscribe to the task.',
  })
  async createSiteToSiteVpn(
    @Arg('input', () => CreateSiteToSiteVpnInput, { description: 'Environment and attributes of the new VPN.' })
    input: CreateSiteToSiteVpnInput,
    @Ctx('operation') context: GraphContext,
  ): Promise<CreateSiteToSiteVpnPayload> {
    const { task, data, environment, userErrors } = await executeWrite(
      context,
      'createSiteToSiteVpn',
      input,
      null,
      (rest, address) => createSiteToSiteVpn(rest, address, toNewSiteToSiteVpn(input)),
    );
    if (task !== null && task.status !== 'SUCCESS') return { task, vpn: null, userErrors };
    const id = readEntityId(task?.wireResult) ?? readEntityId(data);
    if (id === null) return { task, vpn: null, userErrors };
    const key = { environment, id };
    const responded = readVpn(context.rest, data, key);
    // Without a wait, the VPN in the response is as fresh as a read would be. After a wait, it must be read.
    if (responded !== null && input.waitSeconds === 0) context.loaders.siteToSiteVpns.one.prime(key, responded);
    const sent = readVpn(context.rest, task?.wireResult, key) ?? responded;
    return { task, vpn: { ...key, sent }, userErrors };
  }

  @MakesRestCall()
  @FieldResolver(() => SiteToSiteVpn, {
    nullable: true,
    description: 'New VPN; null if its task has not succeeded yet, or if the REST API does not send its id.',
  })
  async siteToSiteVpn(
    @Root() { vpn }: CreateSiteToSiteVpnPayload,
    @Ctx('operation') context: GraphContext,
  ): Promise<SiteToSiteVpn | null> {
    return vpn === null ? null : loadVpn(context, vpn);
  }
}

@Resolver(() => DeleteSiteToSiteVpnPayload)
export class DeleteSiteToSiteVpnResolver {
  @Authorized()
  @MakesRestCall()
  @Mutation(() => DeleteSiteToSiteVpnPayload, {
    nullable: true,
    description: 'Deletes a site-to-site VPN. The REST API works in the background: query or subscribe to the task.',
  })
  async deleteSiteToSiteVpn(
    @Arg('input', () => DeleteSiteToSiteVpnInput, { description: 'Site-to-site VPN to delete.' })
    input: DeleteSiteToSiteVpnInput,
    @Ctx('operation') context: GraphContext,
  ): Promise<DeleteSiteToSiteVpnPayload> {
    const { task, userErrors } = await executeWrite(
      context,
      'deleteSiteToSiteVpn',
      input,
      input.id,
      (rest, environment) => deleteSiteToSiteVpn(rest, environment, input.id),
    );
    const isGone = userErrors.length === 0 && (task === null || task.status === 'SUCCESS');
    return { task, deletedSiteToSiteVpnId: isGone ? input.id : null, userErrors };
  }
}

@Resolver(() => ResetSiteToSiteVpnPayload)
export class ResetSiteToSiteVpnResolver {
  @Authorized()
  @MakesRestCall()
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
    const { task, environment, userErrors } = await executeWrite(
      context,
      'resetSiteToSiteVpn',
      input,
      input.id,
      (rest, address) => resetSiteToSiteVpn(rest, address, input.id),
    );
    if (userErrors.length > 0) return { task, vpn: null, userErrors };
    const key = { environment, id: input.id };
    return { task, vpn: { ...key, sent: readVpn(context.rest, task?.wireResult, key) }, userErrors };
  }

  @MakesRestCall()
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

interface WriteResult {
  readonly environment: EnvironmentAddress;
  readonly task: Task | null;
  /** `data` of the REST response. */
  readonly data: unknown;
  readonly userErrors: readonly UserError[];
}

/**
 * Validates the input, sends the write, records it in the audit log, and waits for its task for `waitSeconds`. `id` names the VPN that is
 * written to, null for a new one. Throws a CloudcaError for what the client cannot fix.
 */
async function executeWrite(
  context: GraphContext,
  action: AuditEvent['action'],
  input: WriteInput,
  id: string | null,
  write: (rest: RestSession, environment: EnvironmentAddress) => Promise<WriteOutcome>,
): Promise<WriteResult> {
  const environment = toAddress(input.environment);
  const violations = validateInput(input);
  if (violations.length > 0) return { environment, task: null, data: undefined, userErrors: violations };
  const rest = context.beginWrite();
  const send = async () => {
    const idPath = id === null ? null : ['input', 'id'];
    const { outcome, userErrors } = await catchUserErrors(write(rest, environment), idPath);
    return { outcome, userErrors, startedTask: outcome && toStartedTask(rest, outcome) };
  };
  const event = { action, environment, siteToSiteVpns: id === null ? [] : [id] };
  const { outcome, userErrors, startedTask } = await audited(context, event, send());
  if (outcome === null) return { environment, task: null, data: undefined, userErrors };
  const task =
    startedTask && input.waitSeconds > 0
      ? await waitForTask(context, startedTask, environment, input.waitSeconds)
      : startedTask;
  return { environment, task: task && toTaskType(task, environment, rest.secrets), data: outcome.data, userErrors };
}

/** Records the outcome of a write in the audit log, and returns it or throws it. */
async function audited<T extends { readonly outcome: WriteOutcome | null; readonly startedTask: TaskEntity | null }>(
  context: GraphContext,
  event: Omit<AuditEvent, 'outcome'>,
  write: Promise<T>,
): Promise<T> {
  try {
    const result = await write;
    const outcome = result.outcome === null ? 'rejected' : 'done';
    context.recordAudit({ ...event, outcome, taskId: result.startedTask?.id });
    return result;
  } catch (error) {
    context.recordAudit({ ...event, outcome: toErrorCode(error) });
    throw error;
  }
}

/** Waits until a task has ended, or for `waitSeconds` within the operation's 60 s. Returns the task as last polled. */
async function waitForTask(
  context: GraphContext,
  startedTask: TaskEntity,
  { organizationId }: EnvironmentAddress,
  waitSeconds: number,
): Promise<TaskEntity> {
  const task = await context.waitForTask(waitSeconds * 1000, (limits) =>
    context.watcher.waitForTask(startedTask, organizationId, limits),
  );
  // The poll has a session of its own, which does not know the secrets that this write has sent. An error of the task may repeat them.
  return { ...task, errors: redactEntries(task.errors, context.rest.secrets) };
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
