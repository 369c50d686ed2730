// A REST API with one environment, whose VPNs and task a test changes. It records the calls that it receives.
import type { Watcher } from '../../../src/cloudca/polling/watcher.js';
import { environmentLiteral, taskId, vpnId, wireVpn } from '../../helpers/fixtures.js';
import { startUpstream, type Script, type Upstream, type UpstreamCall } from '../../helpers/upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';

export const vpnsSubscription = `subscription { siteToSiteVpnsUpdated(environment: ${environmentLiteral}) { nodes { name } } }`;
export const vpnSubscription = `subscription { siteToSiteVpnUpdated(environment: ${environmentLiteral}, id: "${vpnId}") { name } }`;
export const taskSubscription = `subscription { taskUpdated(id: "${taskId}") { status } }`;

/** The data of the REST API. Tests change it in place. */
export interface RestState {
  vpns: object[];
  taskStatus: string;
  /** Replaces all responses, if set. */
  override: Script | undefined;
}

/** A REST API whose data tests change. */
export interface MutableRestApi extends Upstream {
  readonly state: RestState;
}

/** Starts the REST API with one VPN and one PENDING task. */
export async function startRestApi(): Promise<MutableRestApi> {
  const state: RestState = { vpns: [wireVpn()], taskStatus: 'PENDING', override: undefined };
  const upstream = await startUpstream((call, index) => {
    if (isSentinel(call)) return { taskId, taskStatus: 'PENDING' };
    if (state.override !== undefined) return state.override(call, index);
    if (call.url.includes('/tasks/')) return { taskId, taskStatus: state.taskStatus };
    return call.url.includes(vpnId) ? { data: state.vpns[0] ?? null } : { data: state.vpns };
  });
  return { ...upstream, state };
}

const sentinelKey = 'sentinel-key';
const isSentinel = ({ headers }: UpstreamCall) => headers['mc-api-key'] === sentinelKey;

/**
 * Waits until the gateway polls nothing. Then reports whether the REST API receives no call while the gateway polls a sentinel several
 * times. A poll that was left behind would be due as often. Removes the calls for the sentinel from `rest.calls`.
 */
export async function isSilent(rest: Upstream, watcher: Watcher): Promise<boolean> {
  await waitUntil(() => watcher.pollCount === 0);
  const sentinel = watcher.forKey(sentinelKey).task(taskId, null);
  const pollSentinel = async (count: number) => {
    const sentinelCalls = () => rest.calls.filter(isSentinel).length;
    const target = sentinelCalls() + count;
    await waitUntil(() => sentinelCalls() >= target);
    return rest.calls.filter((call) => !isSentinel(call)).length;
  };
  await sentinel.next();
  // Calls that were in flight arrive meanwhile.
  const before = await pollSentinel(2);
  const after = await pollSentinel(5);
  await sentinel.return();
  await waitUntil(() => watcher.pollCount === 0);
  const others = rest.calls.filter((call) => !isSentinel(call));
  rest.calls.splice(0, rest.calls.length, ...others);
  return after === before;
}
