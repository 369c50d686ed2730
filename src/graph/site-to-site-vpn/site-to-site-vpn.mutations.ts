// The writes of site-to-site VPNs: checked, sent once, waited for where that is asked.
import { Arg, Authorized, Ctx, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import type { RestSession } from '../../cloudca/client.js';
import { withoutSecrets, type WriteOutcome } from '../../cloudca/envelope.js';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { NotFoundError } from '../../cloudca/errors.js';
import {
  createSiteToSiteVpn,
  deleteSiteToSiteVpn,
  resetSiteToSiteVpn,
  tryToSiteToSiteVpn,
} from '../../cloudca/site-to-site-vpns.js';
import { type TaskEntity, toBegunTask } from '../../cloudca/tasks.js';
import type { Deed, GraphContext } from '../context.js';
import { MakesRestCall } from '../limits/query-cost.js';
import { toAddress } from '../environment/environment.inputs.js';
import { toCode } from '../errors.js';
import { type Task, toTask } from '../task/task.type.js';
import { orUserErrors, toUserErrors, type UserError } from '../user-error.js';
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
} from './site-to-site-vpn.payloads.js';
import { toNamedId } from './site-to-site-vpn.resolver.js';
import { SiteToSiteVpn, toSiteToSiteVpn } from './site-to-site-vpn.type.js';

/** Asks for new site-to-site VPNs. */
@Resolver(() => CreateSiteToSiteVpnPayload)
export class CreateSiteToSiteVpnResolver {
  /** Asks for a new site-to-site VPN. */
  @Authorized()
  @MakesRestCall()
  @Mutation(() => CreateSiteToSiteVpnPayload, {
    nullable: true,
    description: 'Asks for a new site-to-site VPN. The REST API carries it out in the background: follow the task.',
  })
  async createSiteToSiteVpn(
    @Arg('input', () => CreateSiteToSiteVpnInput, { description: 'What to make it from.' })
    input: CreateSiteToSiteVpnInput,
    @Ctx('operation') context: GraphContext,
  ): Promise<CreateSiteToSiteVpnPayload> {
    const { task, data, environment, userErrors } = await carryOut(
      context,
      'createSiteToSiteVpn',
      input,
      null,
      (rest, address) => createSiteToSiteVpn(rest, address, toNewSiteToSiteVpn(input)),
    );
    if (task !== null && task.status !== 'SUCCESS') return { task, vpn: null, userErrors };
    const id = toNamedId(task?.wireResult) ?? toNamedId(data);
    if (id === null) return { task, vpn: null, userErrors };
    const entity = tryToSiteToSiteVpn(context.rest, data);
    // The answer to the write is as fresh as a read after it would be, but not as one after a wait.
    if (entity?.id === id && input.waitSeconds === 0) {
      context.loaders.siteToSiteVpns.one.prime({ environment, id }, toSiteToSiteVpn(entity, environment, 'one'));
    }
    return { task, vpn: { environment, id }, userErrors };
  }

  /** The new VPN. */
  @MakesRestCall()
  @FieldResolver(() => SiteToSiteVpn, { nullable: true, description: 'The new VPN, once the task has succeeded.' })
  async siteToSiteVpn(
    @Root() { vpn }: CreateSiteToSiteVpnPayload,
    @Ctx('operation') context: GraphContext,
  ): Promise<SiteToSiteVpn | null> {
    return vpn === null ? null : read(context, vpn);
  }
}

/** Asks for site-to-site VPNs to be deleted. */
@Resolver(() => DeleteSiteToSiteVpnPayload)
export class DeleteSiteToSiteVpnResolver {
  /** Asks for a site-to-site VPN to be deleted. */
  @Authorized()
  @MakesRestCall()
  @Mutation(() => DeleteSiteToSiteVpnPayload, {
    nullable: true,
    description: 'Asks for a site-to-site VPN to be deleted.',
  })
  async deleteSiteToSiteVpn(
    @Arg('input', () => DeleteSiteToSiteVpnInput, { description: 'Which one.' }) input: DeleteSiteToSiteVpnInput,
    @Ctx('operation') context: GraphContext,
  ): Promise<DeleteSiteToSiteVpnPayload> {
    const { task, userErrors } = await carryOut(context, 'deleteSiteToSiteVpn', input, input.id, (rest, environment) =>
      deleteSiteToSiteVpn(rest, environment, input.id),
    );
    const isGone = userErrors.length === 0 && (task === null || task.status === 'SUCCESS');
    return { task, deletedSiteToSiteVpnId: isGone ? input.id : null, userErrors };
  }
}

/** Asks for the connections of site-to-site VPNs to be reset. */
@Resolver(() => ResetSiteToSiteVpnPayload)
export class ResetSiteToSiteVpnResolver {
  /** Asks for the connection of a site-to-site VPN to be reset. */
  @Authorized()
  @MakesRestCall()
  @Mutation(() => ResetSiteToSiteVpnPayload, {
    nullable: true,
    description: 'Asks for the connection of a site-to-site VPN to be reset, e.g. when its state is DISCONNECTED.',
  })
  async resetSiteToSiteVpn(
    @Arg('input', () => ResetSiteToSiteVpnInput, { description: 'Which one.' }) input: ResetSiteToSiteVpnInput,
    @Ctx('operation') context: GraphContext,
  ): Promise<ResetSiteToSiteVpnPayload> {
    const { task, environment, userErrors } = await carryOut(
      context,
      'resetSiteToSiteVpn',
      input,
      input.id,
      (rest, address) => resetSiteToSiteVpn(rest, address, input.id),
    );
    return { task, vpn: userErrors.length > 0 ? null : { environment, id: input.id }, userErrors };
  }

  /** The VPN after the answer. */
  @MakesRestCall()
  @FieldResolver(() => SiteToSiteVpn, {
    nullable: true,
    description: 'The VPN as it is after the answer; null, with an error, where that read fails: the reset stands.',
  })
  async siteToSiteVpn(
    @Root() { vpn }: ResetSiteToSiteVpnPayload,
    @Ctx('operation') context: GraphContext,
  ): Promise<SiteToSiteVpn | null> {
    return vpn === null ? null : read(context, vpn);
  }
}

interface CarriedOut {
  readonly environment: EnvironmentAddress;
  readonly task: Task | null;
  /** The `data` that the REST API answered with. */
  readonly data: unknown;
  readonly userErrors: readonly UserError[];
}

/** The way of every write: check, send, wait. `id`: of the VPN that it is done to, if it is there already. Throws a CloudcaError. */
async function carryOut(
  context: GraphContext,
  what: Deed['what'],
  input: WriteInput,
  id: string | null,
  write: (rest: RestSession, environment: EnvironmentAddress) => Promise<WriteOutcome>,
): Promise<CarriedOut> {
  const environment = toAddress(input.environment);
  const invalid = toUserErrors(input);
  if (invalid.length > 0) return { environment, task: null, data: undefined, userErrors: invalid };
  const rest = context.beginWrite();
  const send = async () => {
    const { outcome, userErrors } = await orUserErrors(write(rest, environment), id === null ? null : ['input', 'id']);
    return { outcome, userErrors, begun: outcome && toBegunTask(rest, outcome) };
  };
  const deed = { what, environment, siteToSiteVpns: id === null ? [] : [id] };
  const { outcome, userErrors, begun } = await told(context, deed, send());
  if (outcome === null) return { environment, task: null, data: undefined, userErrors };
  const task = begun && input.waitSeconds > 0 ? await wait(context, begun, environment, input.waitSeconds) : begun;
  return { environment, task: task && toTask(task, environment, rest.secrets), data: outcome.data, userErrors };
}

/** The same; has the context take note of what came of it. */
async function told<T extends { readonly outcome: WriteOutcome | null; readonly begun: TaskEntity | null }>(
  context: GraphContext,
  deed: Omit<Deed, 'outcome'>,
  sent: Promise<T>,
): Promise<T> {
  try {
    const come = await sent;
    context.tell({ ...deed, outcome: come.outcome === null ? 'refused' : 'done', taskId: come.begun?.id });
    return come;
  } catch (error) {
    context.tell({ ...deed, outcome: toCode(error) });
    throw error;
  }
}

async function wait(
  context: GraphContext,
  task: TaskEntity,
  { organizationId }: EnvironmentAddress,
  waitSeconds: number,
): Promise<TaskEntity> {
  const ended = await context.waitFor((stop) =>
    context.watch.waitForTask(task, organizationId, { waitMs: waitSeconds * 1000, stop }),
  );
  // Whoever looked at the task did not know what the write had sent: its errors may repeat that.
  return { ...ended, errors: withoutSecrets(ended.errors, context.rest.secrets) };
}

async function read(
  context: GraphContext,
  vpn: { environment: EnvironmentAddress; id: string },
): Promise<SiteToSiteVpn> {
  const found = await context.loaders.siteToSiteVpns.one.load(vpn);
  if (found === null)
    throw new NotFoundError('The request was accepted, but there is no site-to-site VPN of that id (any more).');
  return found;
}
