// A REST API with one environment, whose VPNs and task a test changes. It records the calls that it receives.
import { setTimeout as sleep } from 'node:timers/promises';
import { startUpstream, type Script, type Upstream } from '../../helpers/upstream.js';

/** The environment, as a GraphQL literal. */
export const environment = '{serviceCode: "compute-on", name: "test_area"}';

export const vpnId = 'd49b2922-0581-4587-94df-6fe719327d0f';
export const vpcId = '0b3f13ec-e005-4a71-8bea-6af42c1a895a';
export const taskId = 'cd7a2da8-6739-4bf6-9e71-518831525ea0';

export const vpnsSubscription = `subscription { siteToSiteVpnsUpdated(environment: ${environment}) { nodes { name } } }`;
export const vpnSubscription = `subscription { siteToSiteVpnUpdated(environment: ${environment}, id: "${vpnId}") { name } }`;
export const taskSubscription = `subscription { taskUpdated(id: "${taskId}") { status } }`;

/** Returns a VPN as the REST API sends it. */
export function wireVpn(fields: object = {}): object {
  return {
    id: vpnId,
    name: 'stargate',
    state: 'Connected',
    vpcId,
    gateway: '203.0.113.7',
    cidr: '10.0.0.0/24',
    ipSecPsk: 'canary-psk-0123456789',
    ...fields,
  };
}

/** The data of the REST API. Tests change it in place. */
export interface RestState {
  vpns: object[];
  taskStatus: string;
  /** Replaces all responses, if set. */
  override: Script | undefined;
}

/** Starts the REST API with one VPN and one PENDING task. */
export async function startRestApi(): Promise<Upstream & { readonly state: RestState }> {
  const state: RestState = { vpns: [wireVpn()], taskStatus: 'PENDING', override: undefined };
  const upstream = await startUpstream((call, index) => {
    if (state.override !== undefined) return state.override(call, index);
    if (call.url.includes('/tasks/')) return { taskId, taskStatus: state.taskStatus };
    return call.url.includes(vpnId) ? { data: state.vpns[0] ?? null } : { data: state.vpns };
  });
  return { ...upstream, state };
}

/** Reports whether the REST API receives no calls for several poll intervals of the tests, after calls in flight have arrived. */
export async function isSilent(upstream: Upstream): Promise<boolean> {
  await sleep(60);
  const before = upstream.calls.length;
  await sleep(150);
  return upstream.calls.length === before;
}
