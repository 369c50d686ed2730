// The configuration files for the remote end, in both formats.
import { describe, expect, it } from '@jest/globals';
import { toIpsecConfFiles } from '../../../src/graph/remote-end/ipsec-conf.js';
import { toSwanctlFiles } from '../../../src/graph/remote-end/swanctl.js';
import type { Tunnel } from '../../../src/graph/remote-end/tunnel.js';
import { tunnelOf } from './tunnels.js';

const key = 'WtOBS9GRux2XtJPtHY2TUvrv';
const bare = {
  dpd: false,
  forceEncap: null,
  ikeLifetime: null,
  espLifetime: null,
  espPerfectForwardSecrecy: 'None',
} as const;

const textOf = (files: readonly { readonly content: string }[]) => files.map(({ content }) => content).join('');
const swanctl = (tunnel: Tunnel, psk = key) => textOf(toSwanctlFiles(tunnel, psk));
const ipsecConf = (tunnel: Tunnel, psk = key) => textOf(toIpsecConfFiles(tunnel, psk));

describe('toSwanctlFiles', () => {
  it('generates one file from the VPN and its VPC', () => {
    expect(toSwanctlFiles(tunnelOf(), key)).toEqual([
      {
        name: 'stargate.conf',
        content: `# Tunnel of the site-to-site VPN stargate. Holds its pre-shared key.
# Save as /etc/swanctl/conf.d/stargate.conf on the remote gateway, with mode 600. Then run: swanctl --load-all
connections {
  stargate {
    # Starts IKEv2; accepts IKEv1 too.
    version = 0
    mobike = no
    remote_addrs = "20.20.20.20"
    proposals = 3des-sha1-modp1536
    rekey_time = 77760s
    over_time = 8640s
    keyingtries = 0
    dpd_delay = 30s
    dpd_timeout = 120s
    encap = yes
    local {
      auth = psk
      id = "19.19.19.19"
    }
    remote {
      auth = psk
      id = "20.20.20.20"
    }
    # One child for each pair of networks: a child of IKEv1 can have no more.
    children {
      stargate-1 {
        local_ts = "10.12.0.0/22"
        remote_ts = "10.164.0.0/22"
        esp_proposals = aes256-md5-modp1024
        rekey_time = 3240s
        life_time = 3600s
        dpd_action = restart
        start_action = start
      }
    }
  }
}
secrets {
  ike-stargate {
    id-local = "19.19.19.19"
    id-peer = "20.20.20.20"
    secret = 0sV3RPQlM5R1J1eDJYdEpQdEhZMlRVdnJ2
  }
}
`,
      },
    ]);
  });

  it('omits settings that are not set', () => {
    const text = swanctl(tunnelOf(bare));

    expect(text).not.toMatch(/dpd|encap|_time/);
    expect(text).toContain('esp_proposals = aes256-md5\n');
  });

  it('offers both groups for a VPN without a group', () => {
    expect(swanctl(tunnelOf({ ikeDhGroup: 'None' }))).toContain('proposals = 3des-sha1-modp1536-modp1024\n');
  });

  it('has a child for each pair of networks', () => {
    const text = swanctl(
      tunnelOf({ cidrs: ['10.12.0.0/22', '10.13.0.0/22'] }, { cidr: '10.164.0.0/22,10.168.0.0/22' }),
    );
    const children = [...text.matchAll(/ {6}(\S+) \{\n\s+local_ts = "(.+)"\n\s+remote_ts = "(.+)"\n/g)];

    expect(children.map(([, ...values]) => values)).toEqual([
      ['stargate-1', '10.12.0.0/22', '10.164.0.0/22'],
      ['stargate-2', '10.12.0.0/22', '10.168.0.0/22'],
      ['stargate-3', '10.13.0.0/22', '10.164.0.0/22'],
      ['stargate-4', '10.13.0.0/22', '10.168.0.0/22'],
    ]);
  });
});

describe('toIpsecConfFiles', () => {
  it('generates ipsec.conf and ipsec.secrets from the VPN and its VPC', () => {
    expect(toIpsecConfFiles(tunnelOf(), key)).toEqual([
      {
        name: 'stargate.conf',
        content: `# Tunnel of the site-to-site VPN stargate.
# Append to /etc/ipsec.conf on the remote gateway, and stargate.secrets to /etc/ipsec.secrets. Then run: ipsec restart
conn stargate
    # Starts IKEv2; accepts IKEv1 too.
    keyexchange=ike
    mobike=no
    type=tunnel
    authby=secret
    left=%any
    leftid=19.19.19.19
    right=20.20.20.20
    rightid=20.20.20.20
    ike=3des-sha1-modp1536!
    esp=aes256-md5-modp1024!
    ikelifetime=86400s
    lifetime=3600s
    margintime=360s
    reauth=no
    keyingtries=%forever
    dpddelay=30s
    dpdtimeout=120s
    dpdaction=restart
    forceencaps=yes

# One connection for each pair of networks: a child of IKEv1 can have no more.
conn stargate-1
    also=stargate
    leftsubnet=10.12.0.0/22
    rightsubnet=10.164.0.0/22
    auto=start
`,
      },
      {
        name: 'stargate.secrets',
        content: `# Pre-shared key of the site-to-site VPN stargate.
19.19.19.19 20.20.20.20 : PSK 0sV3RPQlM5R1J1eDJYdEpQdEhZMlRVdnJ2
`,
      },
    ]);
  });

  it('omits settings that are not set', () => {
    const text = ipsecConf(tunnelOf(bare));

    expect(text).not.toMatch(/dpd|encaps|lifetime|margin/);
    expect(text).toContain('esp=aes256-md5!\n');
  });

  it('offers both groups for a VPN without a group', () => {
    expect(ipsecConf(tunnelOf({ ikeDhGroup: 'None' }))).toContain('ike=3des-sha1-modp1536-modp1024!\n');
  });

  it('omits a lifetime below one second', () => {
    const text = ipsecConf(tunnelOf({ ikeLifetime: 0 }));
    expect(text).not.toContain('ikelifetime');
    expect(text).toContain('    lifetime=3600s\n    margintime=360s\n');
  });

  it('takes the margin from the shorter lifetime', () => {
    expect(ipsecConf(tunnelOf({ ikeLifetime: 600 }))).toContain('margintime=60s\n');
  });

  it('has a connection for each pair of networks', () => {
    const text = ipsecConf(tunnelOf({ cidrs: ['10.12.0.0/22', '10.13.0.0/22'] }));
    const pairs = [...text.matchAll(/conn (\S+)\n {4}also=stargate\n {4}leftsubnet=(.+)\n {4}rightsubnet=(.+)\n/g)];

    expect(pairs.map(([, ...values]) => values)).toEqual([
      ['stargate-1', '10.12.0.0/22', '10.164.0.0/22'],
      ['stargate-2', '10.13.0.0/22', '10.164.0.0/22'],
    ]);
  });
});

describe.each([
  ['swanctl.conf', swanctl],
  ['ipsec.conf and ipsec.secrets', ipsecConf],
])('%s', (_format, toText) => {
  it.each(['pass"word\\x{}#1234', "0x'1234567890", '0sAAAAAAAAAA', 'clé-12345678\u2028', '\ninclude /etc/passwd'])(
    'holds the key %j as base64 only',
    (psk) => {
      const text = toText(tunnelOf(), psk);
      const [, secret = ''] = /\b0s(\S+)\n/.exec(text) ?? [];

      expect(Buffer.from(secret, 'base64').toString()).toBe(psk);
      expect(text).not.toContain(psk);
    },
  );

  it.each([
    ['a.b {\n}\nsecrets {', 'a-b-secrets-d49b2922'],
    ['x\r\n\u2028conn %default\u0085\0', 'x-conn-default-d49b2922'],
    ['include', 'include-d49b2922'],
    ['日本', 'vpn-d49b2922'],
    ['-', 'vpn-d49b2922'],
    ['../../etc/passwd', 'etc-passwd-d49b2922'],
    ['n'.repeat(300), `${'n'.repeat(64)}-d49b2922`],
  ])('is named after the VPN %j, whose name adds no line', (name, connection) => {
    const lineCount = (text: string) => text.split(/\r|\n|\u2028|\u2029|\u0085/).length;
    const text = toText(tunnelOf({ name }));

    expect(tunnelOf({ name }).connection).toBe(connection);
    expect(text).toContain(` ${connection}-1`);
    expect(lineCount(text)).toBe(lineCount(toText(tunnelOf())));
  });
});
