// strongSwan in a site: its starter and charon, with kernel-libipsec, which needs no IPsec in the kernel.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitUntil } from '../../helpers/wait-until.js';
import type { Site } from './sites.js';

/** A security association of phase 2. */
export interface ChildAssociation {
  readonly name: string;
  /** Name of its association of phase 1. */
  readonly connection: string;
  readonly ikeVersion: string;
  readonly ikeId: string;
  /** Algorithms of both phases, in strongSwan's words, e.g. `AES_CBC-256/HMAC_SHA1_96/MODP_1536`. */
  readonly ikeProposal: string;
  readonly espProposal: string;
  readonly spi: string;
  readonly local: string;
  readonly remote: string;
  /** Bytes that arrived and left through it. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** A running strongSwan. */
export interface StrongSwan {
  /** Replaces the configuration. The daemon then starts the connections that are to be started. */
  readonly load: (files: {
    readonly ipsecConf: string;
    readonly ipsecSecrets: string;
    readonly swanctl: string;
  }) => Promise<void>;
  /** Lists the associations of phase 2 that carry traffic. */
  readonly list: () => Promise<readonly ChildAssociation[]>;
  /** Stops the daemon, with all its associations, and waits until it has ended. */
  readonly stop: () => Promise<void>;
  /** Runs swanctl. Returns its output. */
  readonly swanctl: (...args: string[]) => Promise<string>;
}

/** Returns the environment variables of a site whose strongSwan has its files in a folder. */
export function toEnvironment(folder: string): NodeJS.ProcessEnv {
  return { STRONGSWAN_CONF: join(folder, 'strongswan.conf'), SWANCTL_DIR: join(folder, 'swanctl') };
}

/** Starts strongSwan in a site, with its files in a folder, and waits until it accepts commands. */
export async function startStrongSwan(site: Site, folder: string): Promise<StrongSwan> {
  const file = (name: string) => join(folder, name);
  const write = (files: Parameters<StrongSwan['load']>[0]) => {
    writeFileSync(file('ipsec.conf'), files.ipsecConf);
    writeFileSync(file('ipsec.secrets'), files.ipsecSecrets, { mode: 0o600 });
    writeFileSync(file('swanctl/swanctl.conf'), files.swanctl, { mode: 0o600 });
  };
  mkdirSync(file('swanctl'), { recursive: true });
  writeFileSync(
    file('strongswan.conf'),
    `charon {
       load = random nonce openssl aes md5 sha1 sha2 hmac kdf gmp kernel-libipsec kernel-netlink socket-default stroke vici
       plugins {
         stroke { secrets_file = ${file('ipsec.secrets')} }
       }
       # All tunnels of a batch start at the same time from one address, which looks like a denial of service.
       dos_protection = no
     }
     swanctl { load = random }`,
  );
  write({ ipsecConf: '', ipsecSecrets: '', swanctl: '' });
  await site.start(file('log'), '/usr/lib/ipsec/starter', '--nofork', '--conf', file('ipsec.conf'));
  const swanctl = (...args: string[]) => site.run('/usr/sbin/swanctl', ...args);
  const isRunning = async () => {
    try {
      await swanctl('--version', '--daemon');
      return true;
    } catch {
      // The daemon does not listen.
      return false;
    }
  };
  const signalStarter = (name: string) => site.run('sh', '-c', `kill -${name} $(cat /run/starter.charon.pid)`);
  await waitUntil(isRunning, () => `strongSwan does not start: see ${file('log')}`);
  return {
    load: async (files) => {
      write(files);
      await site.run('/usr/lib/ipsec/stroke', 'rereadsecrets');
      await swanctl('--load-all');
      // The signal of `ipsec reload`.
      await signalStarter('USR1');
    },
    list: async () => toAssociations(await swanctl('--list-sas', '--raw')),
    stop: async () => {
      await signalStarter('TERM');
      await waitUntil(async () => (await site.run('sh', '-c', 'ls /run/*.pid 2>/dev/null || true')) === '');
    },
    swanctl,
  };
}

type Section = ReadonlyMap<string, string | Section>;

/** Parses the raw output of swanctl: `name=value`, `name=[value value]` and `name {…}`. */
function parseRaw(text: string): Section {
  const tokens = text.match(/[^\s{}=]+=\[[^\]]*\]|[^\s{}=]+=[^\s{}]*|[^\s{}=]+|[{}]/g) ?? [];
  let position = 0;
  const parse = (): Section => {
    const section = new Map<string, string | Section>();
    for (; position < tokens.length && tokens[position] !== '}'; position++) {
      const token = tokens[position] ?? '';
      const [name = '', value] = token.split(/=(.*)/s);
      if (value !== undefined) section.set(name, value);
      else if (tokens[position + 1] === '{') {
        position += 2;
        section.set(name, parse());
      }
    }
    return section;
  };
  return parse();
}

function toAssociations(raw: string): ChildAssociation[] {
  const found: ChildAssociation[] = [];
  for (const line of raw.split('\n')) {
    const event = parseRaw(line.replace(/^list-sa event /, 'event '));
    for (const [connection, ike] of sectionsOf(event.get('event'))) {
      if (textOf(ike, 'state') !== 'ESTABLISHED') continue;
      for (const [, child] of sectionsOf(ike.get('child-sas'))) {
        if (textOf(child, 'state') !== 'INSTALLED') continue;
        found.push({
          name: textOf(child, 'name'),
          connection,
          ikeVersion: textOf(ike, 'version'),
          ikeId: textOf(ike, 'uniqueid'),
          ikeProposal: toProposal(ike),
          espProposal: toProposal(child),
          spi: textOf(child, 'spi-in'),
          local: textOf(child, 'local-ts').replace(/[[\]]/g, ''),
          remote: textOf(child, 'remote-ts').replace(/[[\]]/g, ''),
          bytesIn: Number(textOf(child, 'bytes-in')),
          bytesOut: Number(textOf(child, 'bytes-out')),
        });
      }
    }
  }
  return found;
}

function sectionsOf(value: string | Section | undefined): [string, Section][] {
  if (value === undefined || typeof value === 'string') return [];
  return [...value].flatMap(([name, section]): [string, Section][] =>
    typeof section === 'string' ? [] : [[name, section]],
  );
}

function textOf(section: Section, name: string): string {
  const value = section.get(name);
  return typeof value === 'string' ? value : '';
}

function toProposal(section: Section): string {
  const keySize = textOf(section, 'encr-keysize');
  return [
    `${textOf(section, 'encr-alg')}${keySize && `-${keySize}`}`,
    textOf(section, 'integ-alg'),
    ...(section.has('dh-group') ? [textOf(section, 'dh-group')] : []),
  ].join('/');
}
