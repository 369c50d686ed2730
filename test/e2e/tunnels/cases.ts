// The VPNs whose tunnels are tried: a few that cover each value beside each other value, or every combination.
import { dhGroups, encryptionAlgorithms, hashAlgorithms } from '../../../src/cloudca/site-to-site-vpns.js';

/** Values of each attribute that a tunnel depends on. */
export const values = {
  ikeEncryptionAlgorithm: encryptionAlgorithms,
  ikeHashAlgorithm: hashAlgorithms,
  // strongSwan at the VPC's end loads no connection without a group.
  ikeDhGroup: ['modp1024', 'modp1536'],
  espEncryptionAlgorithm: encryptionAlgorithms,
  espHashAlgorithm: hashAlgorithms,
  espPerfectForwardSecrecy: dhGroups,
  ikeVersion: [1, 2],
  networks: [1, 3],
  format: ['SWANCTL', 'IPSEC_CONF'],
} as const;

type Values = typeof values;
type Attribute = keyof Values;
/** One value of each attribute. */
export type Combination = { readonly [name in Attribute]: Values[name][number] };

/** A VPN and its VPC as the REST API sends them, and how the remote end is configured. */
export interface TunnelCase {
  readonly number: number;
  readonly combination: Combination;
  /** Version of IKE that both ends are held to. */
  readonly ikeVersion: 1 | 2;
  readonly vpn: ReturnType<typeof toVpn>;
  readonly vpc: ReturnType<typeof toVpc>;
}

const officeAddress = '203.0.113.7';
const officeNetworks = ['10.12.0.0/24', '10.13.0.0/24', '10.14.0.0/24'];

/** The address of the office, and one in each network behind it. */
export const office = { address: officeAddress, hosts: officeNetworks.map(toHost) } as const;

/** Returns the address of a host in a /24 network. */
export function toHost(network: string): string {
  return network.replace(/0\/24$/, '1');
}

/** Lists every combination, those beside each other as different as possible: a batch of any size has all values. */
export function listCombinations(): Combination[] {
  const sizes = Object.values(values).map(({ length }) => length);
  const count = sizes.reduce((product, size) => product * size, 1);
  // Steps through the combinations by a stride that has no factor in common with their number, so each comes once.
  const stride = 1_013;
  return Array.from({ length: count }, (_, index) => toCombination((index * stride) % count));
}

function toCombination(index: number): Combination {
  let rest = index;
  const take = <T>(list: readonly T[]): T => {
    const value = list[rest % list.length];
    rest = Math.floor(rest / list.length);
    if (value === undefined) throw new RangeError('An attribute has no values.');
    return value;
  };
  return {
    ikeEncryptionAlgorithm: take(values.ikeEncryptionAlgorithm),
    ikeHashAlgorithm: take(values.ikeHashAlgorithm),
    ikeDhGroup: take(values.ikeDhGroup),
    espEncryptionAlgorithm: take(values.espEncryptionAlgorithm),
    espHashAlgorithm: take(values.espHashAlgorithm),
    espPerfectForwardSecrecy: take(values.espPerfectForwardSecrecy),
    ikeVersion: take(values.ikeVersion),
    networks: take(values.networks),
    format: take(values.format),
  };
}

/** Selects combinations in which each value occurs together with each value of every other attribute. */
export function coverPairs(combinations: readonly Combination[]): Combination[] {
  const missing = new Set(combinations.flatMap(toPairs));
  const selected: Combination[] = [];
  while (missing.size > 0) {
    let best: Combination | undefined;
    let bestCount = 0;
    for (const combination of combinations) {
      const count = toPairs(combination).filter((pair) => missing.has(pair)).length;
      if (count > bestCount) [best, bestCount] = [combination, count];
    }
    if (best === undefined) break;
    selected.push(best);
    for (const pair of toPairs(best)) missing.delete(pair);
  }
  return selected;
}

function toPairs(combination: Combination): string[] {
  const entries = Object.entries(combination).map(([name, value]) => `${name}=${value}`);
  return entries.flatMap((one, index) => entries.slice(index + 1).map((other) => `${one} ${other}`));
}

/** Returns the case of a combination. Each number, from 1 to 200, has its own VPC: the office reaches all of them at the same time. */
export function toCase(combination: Combination, number: number): TunnelCase {
  const { ikeVersion } = combination;
  return { number, combination, ikeVersion, vpn: toVpn(combination, number), vpc: toVpc(number) };
}

function toId(kind: string, number: number): string {
  return `${kind}0000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

function toVpn({ networks, ikeVersion: _version, format: _format, ...algorithms }: Combination, number: number) {
  return {
    id: toId('a', number),
    name: `office-${number}`,
    state: 'Connected',
    vpcId: toId('b', number),
    gateway: officeAddress,
    // Host bits may be set.
    cidr: officeNetworks.slice(0, networks).join(',').replace('10.12.0.0', '10.12.0.9'),
    // Has characters that are syntax in a file, and the prefix of base64.
    ipSecPsk: `0s${number}#Wt'OBS9{}=GRux2\\XtJP`,
    ...algorithms,
    ikeLifetime: 86_400,
    espLifetime: 3_600,
    dpd: number % 2 === 0,
    forceEncap: number % 3 === 0,
  };
}

/** Returns the VPC with a number. */
export function toVpc(number: number) {
  return {
    id: toId('b', number),
    name: `vpc-${number}`,
    cidr: `10.164.${number}.0/24`,
    sourceNatIp: `203.0.113.${number + 20}`,
  };
}
