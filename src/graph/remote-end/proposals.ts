// Parts of the files of all formats: proposals, lifetimes, dead peer detection and the key, in strongSwan's notation.
import type { Phase, Tunnel } from './tunnel.js';

/** A configuration file. */
export interface ConfigurationFile {
  readonly name: string;
  readonly content: string;
}

/** Interval of dead peer detection, in seconds, as on Apache CloudStack's virtual router. */
export const dpdDelay = 30;
/** Timeout of dead peer detection, in seconds, as on Apache CloudStack's virtual router. */
export const dpdTimeout = 120;

/**
 * Returns the IKE proposal. A key exchange always has a group: for a VPN without one, the proposal has every group that the REST API
 * documents, strongest first.
 */
export function toIkeProposal({ ike }: Tunnel): string {
  return toProposal(ike, ike.dhGroup === 'None' ? ['modp1536', 'modp1024'] : [ike.dhGroup]);
}

/** Returns the ESP proposal. It has a group only if the VPN has perfect forward secrecy. */
export function toEspProposal({ esp }: Tunnel): string {
  return toProposal(esp, esp.dhGroup === 'None' ? [] : [esp.dhGroup]);
}

/** Returns the lifetime that a file sets, in seconds. Undefined if the REST API sends none, or one below 1 s: strongSwan's default then holds. */
export function toFileLifetime(lifetime: number | null): number | undefined {
  return lifetime !== null && lifetime >= 1 ? lifetime : undefined;
}

/** Returns the time after which a security association is renewed at the latest: 90 % of its lifetime, in seconds. */
export function toRekeyTime(lifetime: number): number {
  return Math.max(1, Math.floor(lifetime * 0.9));
}

/** Returns the pre-shared key as base64 with strongSwan's prefix: no character of a key is syntax in it. */
export function toSecret(ipSecPsk: string): string {
  return `0s${Buffer.from(ipSecPsk, 'utf8').toString('base64')}`;
}

function toProposal({ encryption, hash }: Phase, dhGroups: readonly string[]): string {
  return [encryption, hash, ...dhGroups].join('-');
}
