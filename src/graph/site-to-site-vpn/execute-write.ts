// The path of a write: validates the input, sends one REST call, and waits for the task. Finds out what has become of a failed write, and
// records each write in the audit log.
import type { WriteOutcome } from '../../cloudca/envelope.js';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import {
  CloudcaError,
  NotFoundError,
  RejectedError,
  TimeoutError,
  UnavailableError,
  UnsupportedCallError,
} from '../../cloudca/errors.js';
import { redactEntries } from '../../cloudca/redact.js';
import type { RestSession } from '../../cloudca/session.js';
import type { SiteToSiteVpnEntity } from '../../cloudca/site-to-site-vpns.js';
import { type TaskEntity, toStartedTask } from '../../cloudca/tasks.js';
import type { AuditEvent, GraphContext } from '../context.js';
import { toAddress } from '../environment/environment.inputs.js';
import { toErrorCode } from '../errors.js';
import { type Task, toTaskType } from '../task/task.type.js';
import { toUserErrors, type UserError, validateInput } from '../user-error.js';
import { type EnvironmentCheck, placeRejections } from './environment-check.js';
import type { WriteInput } from './site-to-site-vpn.inputs.js';
import type { WrittenVpn } from './site-to-site-vpn.payloads.js';
import { toSiteToSiteVpn } from './site-to-site-vpn.type.js';

/** A write to execute. */
export interface Write {
  readonly action: AuditEvent['action'];
  readonly input: WriteInput;
  /** Id of the VPN to write to; null for a new one. */
  readonly id: string | null;
  /** Violations of rules that concern several fields of the input. Default: none. */
  readonly violations?: readonly UserError[];
  /** Whether to only check the write. Default: false. */
  readonly validateOnly?: boolean;
  /** The secret fields that the write changes, for the audit log. Default: none. */
  readonly secretsWritten?: readonly string[];
  readonly send: (rest: RestSession, environment: EnvironmentAddress) => Promise<WriteOutcome>;
  /** Checks the write against the environment. Called if the response to the write is lost. Default: not checked. */
  readonly check?: (rest: RestSession, environment: EnvironmentAddress) => Promise<EnvironmentCheck>;
  /** Whether to call `check` also if the REST API rejects the write. Default: false. */
  readonly checksRejection?: boolean;
}

/** The result of a write. */
export interface WriteResult {
  readonly environment: EnvironmentAddress;
  readonly task: Task | null;
  /** `data` of the REST response. */
  readonly data: unknown;
  /** Whether the environment was found to be as the write asks, although the REST API has not accepted the write. */
  readonly isDone: boolean;
  /** The VPN that was found to be as the write asks; null if there is none. */
  readonly found: WrittenVpn | null;
  readonly userErrors: readonly UserError[];
}

/** Executes a write, or only checks it. Throws a CloudcaError for what the client cannot fix. */
export async function executeWrite(context: GraphContext, write: Write): Promise<WriteResult> {
  const { input } = write;
  const environment = toAddress(input.environment);
  const violations = [...validateInput(input), ...(write.violations ?? [])];
  const unsent = { environment, task: null, data: undefined, isDone: false, found: null };
  if (write.validateOnly) return { ...unsent, ...(await validate(context, write, environment, violations)) };
  if (violations.length > 0) return { ...unsent, userErrors: violations };
  const rest = context.beginWrite();
  const { startedTask, vpn, ...sent } = await audited(context, write, environment, send(rest, environment, write));
  const task =
    startedTask && input.waitSeconds > 0
      ? await waitForTask(context, startedTask, environment, input.waitSeconds)
      : startedTask;
  return {
    ...sent,
    environment,
    task: task && toTaskType(task, environment, rest.secrets),
    found: vpn && toFoundVpn(context, environment, vpn),
  };
}

/** Checks a write without sending it. Returns the violations, and what the environment rules out. */
async function validate(
  context: GraphContext,
  { check }: Write,
  environment: EnvironmentAddress,
  violations: readonly UserError[],
): Promise<Pick<WriteResult, 'isDone' | 'userErrors'>> {
  const isInvalid = (name: string | undefined) => violations.some(({ field }) => field?.[1] === name);
  if (check === undefined || isInvalid('environment')) return { isDone: false, userErrors: violations };
  try {
    const { isDone, userErrors } = await check(context.beginWrite(), environment);
    const others = userErrors.filter(({ field }) => !isInvalid(field?.[1]));
    return { isDone: isDone && violations.length === 0, userErrors: [...violations, ...others] };
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    return { isDone: false, userErrors: [...violations, ...(toUserErrors(error, null) ?? [])] };
  }
}

interface SentWrite extends Pick<WriteResult, 'data' | 'isDone' | 'userErrors'> {
  readonly startedTask: TaskEntity | null;
  /** The VPN that the check has found. */
  readonly vpn: SiteToSiteVpnEntity | null;
}

async function send(rest: RestSession, environment: EnvironmentAddress, write: Write): Promise<SentWrite> {
  const none = { data: undefined, startedTask: null, isDone: false, vpn: null, userErrors: [] };
  try {
    const outcome = await write.send(rest, environment);
    return { ...none, data: outcome.data, startedTask: toStartedTask(rest, outcome) };
  } catch (error) {
    const check = await checkFailed(rest, environment, write, error);
    if (check?.isDone) return { ...none, isDone: true, vpn: check.vpn };
    const rejections = toUserErrors(error, write.id === null ? null : ['input', 'id']);
    const userErrors = placeRejections(rejections ?? [], check ?? { userErrors: [] });
    if (userErrors.length === 0) throw error;
    return { ...none, userErrors };
  }
}

/**
 * Checks a failed write against the environment. Returns null if the failure says enough, or if the check fails too. Throws if the write was
 * rejected, and the REST API was unavailable for the check.
 */
async function checkFailed(
  rest: RestSession,
  environment: EnvironmentAddress,
  { check, checksRejection = false }: Write,
  error: unknown,
): Promise<EnvironmentCheck | null> {
  const isRejected = error instanceof RejectedError && !(error instanceof UnsupportedCallError);
  const isLost = error instanceof CloudcaError && error.outcomeUnknown;
  if (check === undefined || !(isLost || (isRejected && checksRejection))) return null;
  try {
    return await check(rest, environment);
  } catch (failure) {
    // A rejection does not say whether an earlier attempt has done what the client asks for. The client must try again to know.
    const mayPass = failure instanceof UnavailableError || failure instanceof TimeoutError;
    if (!(failure instanceof CloudcaError) || (isRejected && mayPass)) throw failure;
    return null;
  }
}

/** Records the outcome of a write in the audit log, and returns it or throws it. */
async function audited(
  context: GraphContext,
  { action, id, secretsWritten }: Write,
  environment: EnvironmentAddress,
  write: Promise<SentWrite>,
): Promise<SentWrite> {
  const event = {
    action,
    environment,
    siteToSiteVpns: id === null ? [] : [id],
    ...(secretsWritten && { secretsWritten }),
  };
  try {
    const result = await write;
    const { startedTask, vpn, userErrors } = result;
    const taskId = startedTask?.id;
    const outcome = userErrors.length > 0 ? 'rejected' : 'done';
    // Only a create finds a VPN that was not named before.
    if (id !== null || vpn === null) context.recordAudit({ ...event, outcome, taskId });
    else context.recordAudit({ ...event, siteToSiteVpns: [vpn.id], outcome: 'alreadyExists' });
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

/** Makes the payload return the VPN that the check has read, without another REST call. */
function toFoundVpn(context: GraphContext, environment: EnvironmentAddress, vpn: SiteToSiteVpnEntity): WrittenVpn {
  const key = { environment, id: vpn.id };
  const sent = toSiteToSiteVpn(vpn, environment, 'one');
  context.loaders.siteToSiteVpns.one.prime(key, sent);
  return { ...key, sent };
}
