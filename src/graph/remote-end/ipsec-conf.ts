// Generates strongSwan's ipsec.conf and ipsec.secrets for the remote end of a tunnel.
import {
  type ConfigurationFile,
  dpdDelay,
  dpdTimeout,
  toEspProposal,
  toFileLifetime,
  toIkeProposal,
  toRekeyTime,
  toSecret,
} from './proposals.js';
import type { NetworkPair, Tunnel } from './tunnel.js';

/** Returns the ipsec.conf of a tunnel, and the ipsec.secrets with its pre-shared key. */
export function toIpsecConfFiles(tunnel: Tunnel, ipSecPsk: string): readonly ConfigurationFile[] {
  const { connection, localAddress, peerAddress } = tunnel;
  const conf = [
    `# Tunnel of the site-to-site VPN ${tunnel.title}.`,
    `# Append to /etc/ipsec.conf on the remote gateway, and ${connection}.secrets to /etc/ipsec.secrets. Then run: ipsec restart`,
    `conn ${connection}`,
    '    # Starts IKEv2; accepts IKEv1 too.',
    '    keyexchange=ike',
    '    mobike=no',
    '    type=tunnel',
    '    authby=secret',
    '    left=%any',
    `    leftid=${localAddress}`,
    `    right=${peerAddress}`,
    `    rightid=${peerAddress}`,
    // "!" excludes the defaults of strongSwan.
    `    ike=${toIkeProposal(tunnel)}!`,
    `    esp=${toEspProposal(tunnel)}!`,
    ...lifetimes(tunnel),
    '    reauth=no',
    '    keyingtries=%forever',
    ...(tunnel.dpd ? [`    dpddelay=${dpdDelay}s`, `    dpdtimeout=${dpdTimeout}s`, '    dpdaction=restart'] : []),
    ...(tunnel.forceEncap ? ['    forceencaps=yes'] : []),
    '',
    '# One connection for each pair of networks: a child of IKEv1 can have no more.',
    ...tunnel.pairs.flatMap((pair, index) => toPairLines(connection, pair, index + 1)),
  ];
  const secrets = [
    `# Pre-shared key of the site-to-site VPN ${tunnel.title}.`,
    `${localAddress} ${peerAddress} : PSK ${toSecret(ipSecPsk)}`,
  ];
  return [
    { name: `${connection}.conf`, content: `${conf.join('\n')}\n` },
    { name: `${connection}.secrets`, content: `${secrets.join('\n')}\n` },
  ];
}

function toPairLines(connection: string, { local, peer }: NetworkPair, number: number): readonly string[] {
  return [
    `conn ${connection}-${number}`,
    `    also=${connection}`,
    `    leftsubnet=${local}`,
    `    rightsubnet=${peer}`,
    '    auto=start',
  ];
}

/** Sets the lifetimes, and how long before their end strongSwan renews: one margin for both, so it comes from the shorter one. */
function lifetimes(tunnel: Tunnel): readonly string[] {
  const ike = toFileLifetime(tunnel.ike.lifetime);
  const esp = toFileLifetime(tunnel.esp.lifetime);
  const shortest = Math.min(ike ?? Infinity, esp ?? Infinity);
  if (shortest === Infinity) return [];
  return [
    ...(ike === undefined ? [] : [`    ikelifetime=${ike}s`]),
    ...(esp === undefined ? [] : [`    lifetime=${esp}s`]),
    `    margintime=${shortest - toRekeyTime(shortest)}s`,
  ];
}
