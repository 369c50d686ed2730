// Generates strongSwan's swanctl.conf for the remote end of a tunnel.
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

/** Returns the swanctl.conf of a tunnel: one file, with the pre-shared key. */
export function toSwanctlFiles(tunnel: Tunnel, ipSecPsk: string): readonly ConfigurationFile[] {
  const { connection, localAddress, peerAddress } = tunnel;
  const name = `${connection}.conf`;
  const lines = [
    `# Tunnel of the site-to-site VPN ${tunnel.title}. Holds its pre-shared key.`,
    `# Save as /etc/swanctl/conf.d/${name} on the remote gateway, with mode 600. Then run: swanctl --load-all`,
    'connections {',
    `  ${connection} {`,
    '    # Starts IKEv2; accepts IKEv1 too.',
    '    version = 0',
    '    mobike = no',
    `    remote_addrs = "${peerAddress}"`,
    `    proposals = ${toIkeProposal(tunnel)}`,
    ...ikeLifetime(toFileLifetime(tunnel.ike.lifetime)),
    '    keyingtries = 0',
    ...(tunnel.dpd ? [`    dpd_delay = ${dpdDelay}s`, `    dpd_timeout = ${dpdTimeout}s`] : []),
    ...(tunnel.forceEncap ? ['    encap = yes'] : []),
    '    local {',
    '      auth = psk',
    `      id = "${localAddress}"`,
    '    }',
    '    remote {',
    '      auth = psk',
    `      id = "${peerAddress}"`,
    '    }',
    '    # One child for each pair of networks: a child of IKEv1 can have no more.',
    '    children {',
    ...tunnel.pairs.flatMap((pair, index) => toChild(tunnel, pair, `${connection}-${index + 1}`)),
    '    }',
    '  }',
    '}',
    'secrets {',
    `  ike-${connection} {`,
    `    id-local = "${localAddress}"`,
    `    id-peer = "${peerAddress}"`,
    `    secret = ${toSecret(ipSecPsk)}`,
    '  }',
    '}',
  ];
  return [{ name, content: `${lines.join('\n')}\n` }];
}

function toChild(tunnel: Tunnel, { local, peer }: NetworkPair, name: string): readonly string[] {
  return [
    `      ${name} {`,
    `        local_ts = "${local}"`,
    `        remote_ts = "${peer}"`,
    `        esp_proposals = ${toEspProposal(tunnel)}`,
    ...espLifetime(toFileLifetime(tunnel.esp.lifetime)),
    ...(tunnel.dpd ? ['        dpd_action = restart'] : []),
    '        start_action = start',
    '      }',
  ];
}

function ikeLifetime(lifetime: number | undefined): readonly string[] {
  if (lifetime === undefined) return [];
  const rekeyTime = toRekeyTime(lifetime);
  return [`    rekey_time = ${rekeyTime}s`, `    over_time = ${lifetime - rekeyTime}s`];
}

function espLifetime(lifetime: number | undefined): readonly string[] {
  if (lifetime === undefined) return [];
  return [`        rekey_time = ${toRekeyTime(lifetime)}s`, `        life_time = ${lifetime}s`];
}
