// A REST API of one environment whose VPNs a test changes at will; what is asked of it is counted by the scripted upstream.
import { setTimeout as sleep } from 'node:timers/promises';
import { startUpstream, type Script, type Upstream } from '../../helpers/upstream.js';

/** The environment, as a GraphQL literal. */
export const environment = '{serviceCode: "compute-on", name: "test_area"}';

/** Ids of a VPN, a VPC and a task. */
export const vpnId = 'd49b2922-0581-4587-94df-6fe719327d0f';
export const vpcId = '0b3f13ec-e005-4a71-8bea-6af42c1a895a';
export const taskId = 'cd7a2da8-6739-4bf6-9e71-518831525ea0';

/** The subscriptions that tests use most. */
export const followVpns = `subscription { siteToSiteVpnsUpdated(environment: ${environment}) { nodes { name } } }`;
export const followVpn = `subscription { siteToSiteVpnUpdated(environment: ${environment}, id: "${vpnId}") { name } }`;
export const followTask = `subscription { taskUpdated(id: "${taskId}") { status } }`;

/** A VPN of the wire. */
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

/** What a REST API has; changed in place. */
export interface RestState {
  vpns: object[];
  taskStatus: string;
  /** Answers instead of what there is; undefined where it does not want to. */
  instead: Script | undefined;
}

/** Starts it with one VPN and a task that is PENDING. */
export async function startRest(): Promise<Upstream & { readonly state: RestState }> {
  const state: RestState = { vpns: [wireVpn()], taskStatus: 'PENDING', instead: undefined };
  const upstream = await startUpstream((call, index) => {
    if (state.instead !== undefined) return state.instead(call, index);
    if (call.url.includes('/tasks/')) return { taskId, taskStatus: state.taskStatus };
    return call.url.includes(vpnId) ? { data: state.vpns[0] ?? null } : { data: state.vpns };
  });
  return { ...upstream, state };
}

/** Whether nothing is asked any more, once what was under way has come: looks at several intervals of the tests' polls. */
export async function isSilent(upstream: Upstream): Promise<boolean> {
  await sleep(60);
  const before = upstream.calls.length;
  await sleep(150);
  return upstream.calls.length === before;
}
