// Tests the generated swanctl.conf. If strongSwan is installed, its daemon loads the file.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SwanctlInput, toSwanctl } from '../src/vpn/swanctl';

const stargate: SwanctlInput = {
  name: 'stargate',
  gateway: '19.19.19.19',
  cidr: '10.12.0.2/22',
  ikeEncryptionAlgorithm: 'TRIPLE_DES',
  ikeHashAlgorithm: 'SHA1',
  ikeDhGroup: 'MODP_1536',
  ikeLifetime: 86_400,
  espEncryptionAlgorithm: 'AES256',
  espHashAlgorithm: 'MD5',
  espPerfectForwardSecrecy: 'MODP_1024',
  espLifetime: 3_600,
  dpd: true,
  forceEncap: true,
  unknownValues: [],
  vpc: { name: 'gate-room', cidr: '10.164.0.0/22', sourceNatIp: '172.31.4.11' },
};

/** Returns the generated text, or the reason if there is none. */
function generate(changes: Partial<SwanctlInput> = {}, key: string | undefined = 'WtOBS9GRux2XtJPtHY2TUvrv'): string {
  const config = toSwanctl({ ...stargate, ...changes }, key);
  return 'text' in config ? config.text : config.reason;
}

describe('toSwanctl', () => {
  it('generates the file from the VPN and its VPC', () => {
    expect(generate()).toMatchInlineSnapshot(`
      "# stargate: from 19.19.19.19 to the VPC gate-room.
      # Save it as /etc/swanctl/conf.d/stargate.conf on the remote gateway, then: swanctl --load-all
      connections {
        stargate {
          # Either version of IKE: the REST API does not say which one the VPC’s end speaks.
          version = 0
          remote_addrs = "172.31.4.11"
          proposals = 3des-sha1-modp1536
          rekey_time = 77760s
          over_time = 8640s
          dpd_delay = 30s
          encap = yes
          local {
            auth = psk
            id = "19.19.19.19"
          }
          remote {
            auth = psk
            id = "172.31.4.11"
          }
          children {
            stargate {
              local_ts = "10.12.0.2/22"
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
          id-remote = "172.31.4.11"
          secret = "WtOBS9GRux2XtJPtHY2TUvrv"
        }
      }
      "
    `);
  });

  it('writes a placeholder if the key is hidden', () => {
    const config = toSwanctl(stargate, undefined);

    expect('text' in config && config.text).toContain('secret = "(the key is hidden)"');
  });

  it.each([
    ['pass"word\\x', 'secret = "pass\\"word\\\\x"'],
    ['0x1234567890', 'secret = 0x307831323334353637383930'],
    ['0sAAAAAAAAAA', 'secret = 0x307341414141414141414141'],
    ['0Xabcdefghij', 'secret = 0x30586162636465666768696a'],
    ['clé-12345678', 'secret = 0x636cc3a92d3132333435363738'],
  ])('writes the key %s so that strongSwan reads the same bytes', (key, line) => {
    expect(generate({}, key)).toContain(line);
  });

  it('keeps line breaks in a name from adding lines', () => {
    const text = generate({ name: 'a.b {\n}\nsecrets {' });

    expect(text.split('\n').filter((line) => line.startsWith('secrets'))).toHaveLength(1);
    expect(text).toContain('  a-b-secrets {');
  });

  it('omits settings that are not set', () => {
    const text = generate({
      dpd: false,
      forceEncap: null,
      ikeLifetime: null,
      espLifetime: null,
      espPerfectForwardSecrecy: 'NONE',
    });

    expect(text).not.toMatch(/dpd|encap|_time/);
    expect(text).toContain('esp_proposals = aes256-md5\n');
  });

  it.each<[string, Partial<SwanctlInput>, RegExp]>([
    [
      'an unknown algorithm',
      { ikeHashAlgorithm: null, unknownValues: [{ field: 'ikeHashAlgorithm', value: 'sha256' }] },
      /hash of phase 1 is “sha256”/,
    ],
    [
      'an unknown phase 2 group',
      { espPerfectForwardSecrecy: null, unknownValues: [{ field: 'espPerfectForwardSecrecy', value: 'ecp256' }] },
      /group of phase 2 is “ecp256”/,
    ],
    ['a missing algorithm', { espHashAlgorithm: null }, /does not say which algorithms/],
    ['no phase 1 group', { ikeDhGroup: 'NONE' }, /No group is set for phase 1/],
    ['no VPC', { vpc: null }, /nothing to connect to/],
    ['a VPC without an address', { vpc: { name: 'web', cidr: '10.0.0.0/8' } }, /nothing to connect to/],
  ])('returns the reason if there is %s', (_case, changes, reason) => {
    const config = toSwanctl({ ...stargate, ...changes }, undefined);

    expect('reason' in config && config.reason).toMatch(reason);
  });
});

const CHARON = '/usr/sbin/charon-systemd';
const SWANCTL = '/usr/sbin/swanctl';
const folder = mkdtempSync(join(tmpdir(), 'swanctl-'));
const environment = { STRONGSWAN_CONF: join(folder, 'strongswan.conf'), SWANCTL_DIR: join(folder, 'swanctl') };
const socket = join(folder, 'vici');

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Runs swanctl against the tests' own daemon. Returns its output. */
function swanctl(...args: string[]): string {
  return execFileSync(SWANCTL, [...args, '--uri', `unix://${socket}`], {
    env: environment,
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

/** Makes strongSwan load this configuration only. Returns the output of swanctl. */
function load(text: string): string {
  writeFileSync(join(folder, 'swanctl/swanctl.conf'), text);
  return swanctl('--load-all');
}

/** Starts a daemon in its own user and network namespaces, so it needs no privileges and reaches no network. */
async function startStrongSwan(): Promise<ChildProcess> {
  mkdirSync(join(folder, 'swanctl'));
  writeFileSync(
    environment.STRONGSWAN_CONF,
    `charon-systemd {
       load = random nonce gmp aes sha1 sha2 md5 hmac kdf kernel-netlink socket-default vici
       plugins { vici { socket = unix://${socket} } }
     }
     swanctl { load = random }`,
  );
  const child = spawn('/usr/bin/unshare', ['--map-root-user', '--net', CHARON], {
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (let attempt = 0; attempt < 100 && child.exitCode === null; attempt++) {
    try {
      swanctl('--version');
      return child;
    } catch {
      // The daemon does not listen yet.
      await sleep(50);
    }
  }
  child.kill();
  throw new Error(
    'strongSwan did not start. It needs a kernel with IPsec that permits unprivileged user and network namespaces.',
  );
}

// Not optional if strongSwan is installed: no variable disables these tests.
const isInstalled = existsSync(CHARON) && existsSync(SWANCTL);

describe.skipIf(!isInstalled)('strongSwan (of charon-systemd and strongswan-swanctl)', () => {
  beforeAll(async () => {
    const daemon = await startStrongSwan();
    return async () => {
      const exited = once(daemon, 'exit');
      daemon.kill();
      await exited;
    };
  });

  it('loads the connection with the settings of the VPN', () => {
    load(generate());

    expect(swanctl('--list-conns', '--raw')).toMatchInlineSnapshot(`
      "list-conn event {stargate {local_addrs=[%any] remote_addrs=[172.31.4.11] version=IKEv1/2 reauth_time=0 rekey_time=77760 unique=UNIQUE_NO dpd_delay=30 local-1 {id=19.19.19.19 class=pre-shared key groups=[] cert_policy=[] certs=[] cacerts=[]} remote-1 {id=172.31.4.11 class=pre-shared key groups=[] cert_policy=[] certs=[] cacerts=[]} children {stargate {mode=TUNNEL rekey_time=3240 rekey_bytes=0 rekey_packets=0 dpd_action=start close_action=none local-ts=[10.12.0.0/22] remote-ts=[10.164.0.0/22]}}}}
      list-conns reply {}
      "
    `);
  });

  it.each([
    ['of letters and digits', 'WtOBS9GRux2XtJPtHY2TUvrv'],
    ['with quotes, braces and backslashes', 'pass"word\\n{}#1234'],
    ['that begins with 0x', '0xZZ34567890'],
    ['that begins with 0s', '0s!234567890'],
  ])('loads a key %s', (_form, key) => {
    expect(load(generate({}, key))).toContain("loaded ike secret 'ike-stargate'");
  });

  it('loads several networks, a host name, and a name with characters that a section name cannot have', () => {
    load(generate({ name: 'partner lab (β).1', gateway: 'vpn.partner.example', cidr: '10.1.0.0/16, 10.2.0.0/16' }));
    const connections = swanctl('--list-conns', '--raw');

    expect(connections).toContain('partner-lab-1 {');
    expect(connections).toContain('id=vpn.partner.example');
    expect(connections).toContain('local-ts=[10.1.0.0/16 10.2.0.0/16]');
  });

  it('loads every combination of algorithms', () => {
    for (const cipher of ['AES128', 'AES192', 'AES256', 'TRIPLE_DES'] as const) {
      for (const hash of ['SHA1', 'MD5'] as const) {
        for (const group of ['MODP_1024', 'MODP_1536'] as const) {
          const changes = {
            ikeEncryptionAlgorithm: cipher,
            ikeHashAlgorithm: hash,
            ikeDhGroup: group,
            espEncryptionAlgorithm: cipher,
            espHashAlgorithm: hash,
            espPerfectForwardSecrecy: group,
          };
          expect(load(generate(changes))).toContain("loaded connection 'stargate'");
        }
      }
    }
  });
});
