// The file for the remote end, read by strongSwan itself where that is installed.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RemoteEnd, toSwanctl } from '../src/vpn/swanctl';

const stargate: RemoteEnd = {
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

/** The text; the reason where there is none. */
function textOf(changes: Partial<RemoteEnd> = {}, key: string | undefined = 'WtOBS9GRux2XtJPtHY2TUvrv'): string {
  const made = toSwanctl({ ...stargate, ...changes }, key);
  return 'text' in made ? made.text : made.reason;
}

describe('The file for the remote end', () => {
  it('is made from the VPN and its VPC', () => {
    expect(textOf()).toMatchInlineSnapshot(`
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

  it('hides the key until it is known', () => {
    const made = toSwanctl(stargate, undefined);

    expect('text' in made && made.text).toContain('secret = "(the key is hidden)"');
  });

  it.each([
    ['pass"word\\x', 'secret = "pass\\"word\\\\x"'],
    ['0x1234567890', 'secret = 0x307831323334353637383930'],
    ['0sAAAAAAAAAA', 'secret = 0x307341414141414141414141'],
    ['0Xabcdefghij', 'secret = 0x30586162636465666768696a'],
    ['clé-12345678', 'secret = 0x636cc3a92d3132333435363738'],
  ])('writes down the key %s so that it is read as it is', (key, line) => {
    expect(textOf({}, key)).toContain(line);
  });

  it('keeps a name from writing lines of its own', () => {
    const text = textOf({ name: 'a.b {\n}\nsecrets {' });

    expect(text.split('\n').filter((line) => line.startsWith('secrets'))).toHaveLength(1);
    expect(text).toContain('  a-b-secrets {');
  });

  it('leaves out what is not set', () => {
    const text = textOf({
      dpd: false,
      forceEncap: null,
      ikeLifetime: null,
      espLifetime: null,
      espPerfectForwardSecrecy: 'NONE',
    });

    expect(text).not.toMatch(/dpd|encap|_time/);
    expect(text).toContain('esp_proposals = aes256-md5\n');
  });

  it.each<[string, Partial<RemoteEnd>, RegExp]>([
    [
      'an unknown algorithm',
      { ikeHashAlgorithm: null, unknownValues: [{ field: 'ikeHashAlgorithm', value: 'sha256' }] },
      /hash of phase 1 is “sha256”/,
    ],
    [
      'an unknown group of phase 2',
      { espPerfectForwardSecrecy: null, unknownValues: [{ field: 'espPerfectForwardSecrecy', value: 'ecp256' }] },
      /group of phase 2 is “ecp256”/,
    ],
    ['an algorithm that is not told', { espHashAlgorithm: null }, /does not say which algorithms/],
    ['no group of phase 1', { ikeDhGroup: 'NONE' }, /No group is set for phase 1/],
    ['no VPC', { vpc: null }, /nothing to connect to/],
    ['a VPC without an address', { vpc: { name: 'web', cidr: '10.0.0.0/8' } }, /nothing to connect to/],
  ])('says why there is none with %s', (_case, changes, reason) => {
    const made = toSwanctl({ ...stargate, ...changes }, undefined);

    expect('reason' in made && made.reason).toMatch(reason);
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

/** Runs swanctl against the daemon of these tests. */
function swanctl(...args: string[]): string {
  return execFileSync(SWANCTL, [...args, '--uri', `unix://${socket}`], {
    env: environment,
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

/** Has strongSwan load a file, and nothing else. */
function load(text: string): string {
  writeFileSync(join(folder, 'swanctl/swanctl.conf'), text);
  return swanctl('--load-all');
}

/** Starts a daemon of its own, in a network of its own, where it reaches nobody and needs no right of the machine's. */
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
  for (let look = 0; look < 100 && child.exitCode === null; look++) {
    try {
      swanctl('--version');
      return child;
    } catch {
      // It does not listen yet.
      await sleep(50);
    }
  }
  child.kill();
  throw new Error(
    'strongSwan does not start: it needs a kernel that lets a process have a network of its own, and does IPsec.',
  );
}

// Whoever has it runs these tests, with no way around them.
const isInstalled = existsSync(CHARON) && existsSync(SWANCTL);

describe.skipIf(!isInstalled)('strongSwan (of charon-systemd and strongswan-swanctl)', () => {
  beforeAll(async () => {
    const daemon = await startStrongSwan();
    return async () => {
      const ended = once(daemon, 'exit');
      daemon.kill();
      await ended;
    };
  });

  it('loads the connection with what the VPN says', () => {
    load(textOf());

    expect(swanctl('--list-conns', '--raw')).toMatchInlineSnapshot(`
      "list-conn event {stargate {local_addrs=[%any] remote_addrs=[172.31.4.11] version=IKEv1/2 reauth_time=0 rekey_time=77760 unique=UNIQUE_NO dpd_delay=30 local-1 {id=19.19.19.19 class=pre-shared key groups=[] cert_policy=[] certs=[] cacerts=[]} remote-1 {id=172.31.4.11 class=pre-shared key groups=[] cert_policy=[] certs=[] cacerts=[]} children {stargate {mode=TUNNEL rekey_time=3240 rekey_bytes=0 rekey_packets=0 dpd_action=start close_action=none local-ts=[10.12.0.0/22] remote-ts=[10.164.0.0/22]}}}}
      list-conns reply {}
      "
    `);
  });

  it.each([
    ['as it stands', 'WtOBS9GRux2XtJPtHY2TUvrv'],
    ['with quotes, braces and backslashes', 'pass"word\\n{}#1234'],
    ['that begins with 0x', '0xZZ34567890'],
    ['that begins with 0s', '0s!234567890'],
  ])('loads a key %s', (_form, key) => {
    expect(load(textOf({}, key))).toContain("loaded ike secret 'ike-stargate'");
  });

  it('loads several networks, a host name and a name that is no section', () => {
    load(textOf({ name: 'partner lab (β).1', gateway: 'vpn.partner.example', cidr: '10.1.0.0/16, 10.2.0.0/16' }));
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
          expect(load(textOf(changes))).toContain("loaded connection 'stargate'");
        }
      }
    }
  });
});
