// Real tunnels: strongSwan at both ends, the VPC's configured from the REST API's attributes, the other from RemoteEnd.files. A byte over TCP
// must pass between all networks. TUNNELS=all tries every combination of values, TUNNELS=100 that many; by default, two dozen or so.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, it } from '@jest/globals';
import { listAt, textAt } from '../../graph/graph-client.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { environment } from '../../helpers/fixtures.js';
import { startGateway } from '../../helpers/gateway.js';
import { startUpstream } from '../../helpers/upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { coverPairs, listCombinations, office, toCase, toHost, toVpc, type TunnelCase } from './cases.js';
import { toRouterConnection, toRouterSecret } from './router.js';
import { findObstacle, startSites } from './sites.js';
import { type ChildAssociation, startStrongSwan, toEnvironment } from './strongswan.js';

const obstacle = findObstacle();
if (obstacle !== undefined) process.stderr.write(`Real tunnels are skipped, because ${obstacle}.\n`);

const batchSize = 48;
/** How long one step may take for all tunnels of a batch: far longer than it does. */
const tunnelTimeoutMs = 60_000;
const combinations = listCombinations();
const count = process.env['TUNNELS'];
const tried =
  count === undefined
    ? coverPairs(combinations)
    : count === 'all'
      ? combinations
      : combinations.slice(0, Number(count));
const batches = Array.from({ length: Math.ceil(tried.length / batchSize) }, (_, index) =>
  tried.slice(index * batchSize, (index + 1) * batchSize),
);

/** Reads the files of the remote end from the gateway. Holds them to one version of IKE if the case asks for IKEv1. */
async function readFiles(
  { upstream, gateway }: Ends,
  { combination, ikeVersion, vpn, vpc }: TunnelCase,
): Promise<readonly string[]> {
  upstream.script(({ url }) => ({ data: url.includes('/vpcs/') ? vpc : vpn }));
  const query = `query ($environment: EnvironmentInput!, $id: ID!, $format: RemoteEndFormat!) {
    siteToSiteVpn(environment: $environment, id: $id) { remoteEnd { files(format: $format) { content } } }
  }`;
  const { body } = await gateway.run(query, { environment, id: vpn.id, format: combination.format });
  return listAt(body, 'data', 'siteToSiteVpn', 'remoteEnd', 'files').map((file) => {
    const content = textAt(file, 'content');
    return ikeVersion === 2
      ? content
      : content.replace('version = 0', 'version = 1').replace('keyexchange=ike\n', 'keyexchange=ikev1\n');
  });
}

async function startTunnelEnds() {
  const folder = mkdtempSync(join(tmpdir(), 'tunnels-'));
  addCleanup(() => {
    rmSync(folder, { recursive: true });
  });
  const [officeFolder, vpcFolder] = [join(folder, 'office'), join(folder, 'vpc')];
  const vpcs = Array.from({ length: batchSize }, (_, index) => toVpc(index + 1));
  const [officeSite, vpcSite] = await startSites(
    { onCable: [office.address], behind: office.hosts, environment: toEnvironment(officeFolder) },
    {
      onCable: vpcs.map(({ sourceNatIp }) => sourceNatIp),
      behind: vpcs.map(({ cidr }) => toHost(cidr)),
      environment: toEnvironment(vpcFolder),
    },
  );
  const upstream = await startUpstream();
  const gateway = await startGateway({ restApi: upstream.url, config: { rateLimitPerMinute: 0 } });
  return { officeSite, officeFolder, vpcSite, vpcFolder, upstream, gateway };
}

describe('The tunnel of RemoteEnd.files', () => {
  const test = obstacle === undefined ? it : it.skip;

  test(
    `carries TCP between all networks, both ways, before and after all keys are renewed: ${tried.length} tunnels`,
    async () => {
      const ends = await startTunnelEnds();
      const failures: string[] = [];
      for (const batch of batches) {
        const cases = batch.map((combination, index) => toCase(combination, index + 1));
        failures.push(...(await tryBatch(ends, cases)));
        process.stderr.write(`${batch.length} tunnels tried, ${failures.length} failures in all\n`);
      }
      expect(failures).toEqual([]);
    },
    batches.length * 300_000,
  );
});

type Ends = Awaited<ReturnType<typeof startTunnelEnds>>;

/** Sets up the tunnels of all cases at the same time, tries them, and takes them down. Returns what failed. */
async function tryBatch(ends: Ends, cases: readonly TunnelCase[]): Promise<string[]> {
  const { officeSite, officeFolder, vpcSite, vpcFolder } = ends;
  const [officeSwan, vpcSwan] = await Promise.all([
    startStrongSwan(officeSite, officeFolder),
    startStrongSwan(vpcSite, vpcFolder),
  ]);
  const failures = new Map<TunnelCase, string>();
  const fail = (item: TunnelCase, reason: string) => {
    if (!failures.has(item)) failures.set(item, `${JSON.stringify(item.combination)}: ${reason}`);
  };
  const rest = () => cases.filter((item) => !failures.has(item));
  /** Waits until the children of each case are as expected. Fails the cases that are not in time. Returns the last list. */
  const awaitChildren = async (
    what: string,
    areDone: (children: readonly ChildAssociation[], item: TunnelCase) => boolean,
  ): Promise<Children> => {
    let children: Children = new Map();
    const isDone = (item: TunnelCase) => areDone(children.get(item) ?? [], item);
    const deadline = Date.now() + tunnelTimeoutMs;
    do children = groupByCase(await officeSwan.list(), cases);
    while (!rest().every(isDone) && Date.now() < deadline);
    for (const item of rest()) if (!isDone(item)) fail(item, `${what}: ${JSON.stringify(children.get(item))}`);
    return children;
  };
  const sendBytes = (when: string) =>
    forEach(
      rest().flatMap((item) => {
        const vpcHost = toHost(item.vpc.cidr);
        return office.hosts.slice(0, item.combination.networks).flatMap((host) => [
          { item, send: () => officeSite.sendByte(host, vpcHost) },
          { item, send: () => vpcSite.sendByte(vpcHost, host) },
        ]);
      }),
      ({ item, send }) =>
        send().catch((error: unknown) => {
          fail(item, `${when}: ${String(error)}`);
        }),
    );

  await vpcSwan.load({
    ipsecConf: cases.map(toRouterConnection).join('\n'),
    ipsecSecrets: cases.map(toRouterSecret).join(''),
    swanctl: '',
  });
  await waitUntil(async () => {
    const connections = await vpcSwan.swanctl('--list-conns');
    return cases.every(({ vpn, number }) => connections.includes(`vpn-${vpn.gateway}-${number}:`));
  });
  const files = { ipsecConf: '', ipsecSecrets: '', swanctl: '' };
  for (const item of cases) {
    const [first = '', second = ''] = await readFiles(ends, item);
    if (item.combination.format === 'SWANCTL') files.swanctl += first;
    else {
      files.ipsecConf += first;
      files.ipsecSecrets += second;
    }
  }
  await officeSwan.load(files);

  const initial = await awaitChildren(
    'comes up',
    (children, { combination }) => children.length === combination.networks,
  );
  for (const item of rest()) checkAlgorithms(item, initial.get(item) ?? [], fail);
  await sendBytes('before the renewal');

  const toRenew = rest().flatMap((item) => initial.get(item) ?? []);
  await forEach(toRenew, ({ name }) => officeSwan.swanctl('--rekey', '--child', name));
  const renewed = await awaitChildren('renews phase 2', (children, item) => {
    const before = new Set(initial.get(item)?.map(({ spi }) => spi));
    return children.length === item.combination.networks && children.every(({ spi }) => !before.has(spi));
  });
  await forEach(new Set(toRenew.map(({ connection }) => connection)), (name) =>
    officeSwan.swanctl('--rekey', '--ike', name),
  );
  await awaitChildren('renews phase 1', (children, item) => {
    const before = new Set(renewed.get(item)?.map(({ ikeId }) => ikeId));
    return children.length === item.combination.networks && children.every(({ ikeId }) => !before.has(ikeId));
  });
  await sendBytes('after the renewal');
  const used = await awaitChildren('carries traffic after the renewal', (children) =>
    children.every(({ bytesIn, bytesOut }) => bytesIn > 0 && bytesOut > 0),
  );
  for (const item of rest()) checkForwardSecrecy(item, used.get(item) ?? [], fail);

  // The next batch would read the security associations of this one as its own.
  await Promise.all([officeSwan.stop(), vpcSwan.stop()]);
  for (const failure of failures.values()) process.stderr.write(`${failure}\n`);
  return [...failures.values()];
}

type Children = ReadonlyMap<TunnelCase, readonly ChildAssociation[]>;

function groupByCase(children: readonly ChildAssociation[], cases: readonly TunnelCase[]): Children {
  return new Map(cases.map((item) => [item, children.filter(({ remote }) => remote === item.vpc.cidr)]));
}

/** Runs `act` for all items, a few at a time. */
async function forEach<T>(items: Iterable<T>, act: (item: T) => Promise<unknown>): Promise<void> {
  const left = [...items];
  const work = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await act(item);
  };
  await Promise.all(Array.from({ length: 4 }, work));
}

const names: Readonly<Record<string, string>> = {
  aes128: 'AES_CBC-128',
  aes192: 'AES_CBC-192',
  aes256: 'AES_CBC-256',
  '3des': '3DES_CBC',
  sha1: 'HMAC_SHA1_96',
  md5: 'HMAC_MD5_96',
  modp1024: 'MODP_1024',
  modp1536: 'MODP_1536',
};

type Fail = (item: TunnelCase, reason: string) => void;

/** Checks that the ends use the algorithms of the VPN, and the version of IKE that they are held to. */
function checkAlgorithms(item: TunnelCase, children: readonly ChildAssociation[], fail: Fail): void {
  const { vpn, ikeVersion } = item;
  for (const { ikeProposal, espProposal, ikeVersion: version } of children) {
    if (version !== String(ikeVersion)) fail(item, `uses IKEv${version}`);
    const ike = [vpn.ikeEncryptionAlgorithm, vpn.ikeHashAlgorithm, vpn.ikeDhGroup].map((name) => names[name]).join('/');
    const esp = [vpn.espEncryptionAlgorithm, vpn.espHashAlgorithm].map((name) => names[name]).join('/');
    if (ikeProposal !== ike) fail(item, `uses ${ikeProposal} in phase 1, not ${ike}`);
    if (!espProposal.startsWith(esp)) fail(item, `uses ${espProposal} in phase 2, not ${esp}`);
  }
}

/** Checks the group of renewed associations: the first one of IKEv2 never has one. */
function checkForwardSecrecy(item: TunnelCase, children: readonly ChildAssociation[], fail: Fail): void {
  const group = names[item.vpn.espPerfectForwardSecrecy];
  for (const { espProposal } of children) {
    const [, , used] = espProposal.split('/');
    if (used !== group) fail(item, `uses the group ${used ?? 'none'} in phase 2, not ${group ?? 'none'}`);
  }
}
