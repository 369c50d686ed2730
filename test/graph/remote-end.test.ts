// SiteToSiteVpn.remoteEnd: its values, its REST calls, and why it is null.
import { describe, expect, it } from '@jest/globals';
import { countTurns } from '../helpers/count-turns.js';
import {
  environment,
  environmentPath,
  numberedId,
  numberedVpc,
  numberedVpn,
  otherVpnId,
  range,
} from '../helpers/fixtures.js';
import { json } from '../helpers/upstream.js';
import { at, failure, listAt, startOnSandbox, startOnUpstream, textAt } from './graph-client.js';

const sandbox = await startOnSandbox();
const scripted = await startOnUpstream();

const myVpc = '9fe8e398-06d6-482c-8f55-b805bde4d3cc';
const id = numberedId('vpn', 1);
const oneOf = (fields: string) => `query ($environment: EnvironmentInput!, $id: ID!) {
  siteToSiteVpn(environment: $environment, id: $id) { remoteEnd { ${fields} } }
}`;

const listOf = (fields: string) => `query ($environment: EnvironmentInput!) {
  siteToSiteVpns(environment: $environment) { nodes { name remoteEnd { ${fields} } } }
}`;

/** Scripts a list of VPNs with 200 networks each. */
function scriptLongCidrs(count: number): void {
  const cidrs = range(200).map((host) => `10.12.0.${host}/32`);
  const vpn = { cidr: cidrs.join(), gateway: '203.0.113.7', ipSecPsk: 'WtOBS9GRux2XtJPtHY2TUvrv' };
  scripted.upstream.script(({ url }) => ({
    data: url.includes('/vpcs')
      ? [numberedVpc(1, { sourceNatIp: '20.20.20.20' })]
      : range(count).map((index) => numberedVpn(index, 1, vpn)),
  }));
}

/** Reads the remote end of a VPN on the scripted upstream, with some wire fields of the VPN and its VPC replaced. */
async function remoteEndOf(fields: string, vpn: Readonly<Record<string, unknown>>, vpc: object = {}): Promise<unknown> {
  scripted.upstream.script(({ url }) => ({
    data: url.includes('/vpcs') ? numberedVpc(1, { sourceNatIp: '20.20.20.20', ...vpc }) : numberedVpn(1, 1, vpn),
  }));
  return scripted.execute(oneOf(fields), { environment, id });
}

describe('SiteToSiteVpn.remoteEnd', () => {
  it('has the addresses and networks of both sides, turned round, in two REST calls', async () => {
    const query = oneOf('localAddress peerAddress localNetworks peerNetworks checks { code field }');
    expect(await sandbox.execute(query, { environment, id: otherVpnId })).toEqual({
      data: {
        siteToSiteVpn: {
          remoteEnd: {
            localAddress: '198.51.100.17',
            peerAddress: '172.31.3.253',
            localNetworks: ['10.20.0.0/16'],
            peerNetworks: ['10.155.24.0/22'],
            checks: [
              { code: 'NOT_CONNECTED', field: 'SiteToSiteVpn.state' },
              { code: 'ADDRESS_NOT_PUBLIC', field: 'SiteToSiteVpn.gateway' },
              { code: 'ADDRESS_NOT_PUBLIC', field: 'Vpc.sourceNatIp' },
            ],
          },
        },
      },
    });
    expect(sandbox.calls()).toEqual([
      `GET ${environmentPath}/sitetositevpns/${otherVpnId}`,
      `GET ${environmentPath}/vpcs/${myVpc}`,
    ]);
  });

  it('has the files of each format, with the pre-shared key', async () => {
    const query = oneOf('swanctl: files(format: SWANCTL) { ...File } ipsecConf: files(format: IPSEC_CONF) { ...File }');
    const body = await sandbox.execute(`${query} fragment File on RemoteEndFile { name content }`, {
      environment,
      id: otherVpnId,
    });
    const secret = `0s${Buffer.from('Pib6pb8d3kzy6AQS2sYWVDA').toString('base64')}`;
    expect(at(body, 'data', 'siteToSiteVpn', 'remoteEnd')).toEqual({
      swanctl: [{ name: 'toronto-office.conf', content: expect.stringContaining(`secret = ${secret}\n`) }],
      ipsecConf: [
        { name: 'toronto-office.conf', content: expect.not.stringContaining(secret) },
        {
          name: 'toronto-office.secrets',
          content: expect.stringContaining(`198.51.100.17 172.31.3.253 : PSK ${secret}\n`),
        },
      ],
    });
  });

  it('holds no key unless files are selected', async () => {
    const body = await sandbox.execute(
      oneOf('localAddress peerAddress localNetworks peerNetworks checks { code severity field message advice }'),
      { environment, id: otherVpnId },
    );
    expect(JSON.stringify(body)).not.toMatch(/Pib6pb8d3kzy6AQS2sYWVDA|0sUGliNnBi/);
  });

  it('shares one list of VPCs between all VPNs of a list', async () => {
    const body = await sandbox.execute(listOf('peerAddress'), { environment });
    const nodes = listAt(body, 'data', 'siteToSiteVpns', 'nodes');
    const office = nodes.find((node) => at(node, 'name') === 'toronto-office');
    expect(textAt(office, 'remoteEnd', 'peerAddress')).toBe('172.31.3.253');
    expect(sandbox.calls().toSorted()).toEqual([
      `GET ${environmentPath}/sitetositevpns`,
      `GET ${environmentPath}/vpcs`,
    ]);
  });

  it('gets a turn of the event loop for every 500 networks of a list', async () => {
    scriptLongCidrs(100);
    expect(await countTurns(scripted.execute(listOf('localAddress'), { environment }))).toBeGreaterThanOrEqual(40);
  });

  it('makes no more files than a result may hold', async () => {
    const count = 900;
    scriptLongCidrs(count);
    const body = await scripted.execute(listOf('files(format: SWANCTL) { content }'), { environment });
    expect(at(body, 'errors', 0, 'extensions', 'code')).toBe('OPERATION_TOO_COMPLEX');
    // Each file is a read of the key of its VPN.
    const read = scripted.gateway.logs.findLast(({ msg }) => msg === 'audit')?.['siteToSiteVpns'];
    expect(Array.isArray(read) ? read.length : count).toBeLessThan(count);
  });

  it('clears host bits and drops repeated networks', async () => {
    const body = await remoteEndOf(
      'localNetworks peerNetworks',
      { cidr: '10.12.0.2/22, 10.12.1.0/22,10.13.0.1/32' },
      { cidr: '10.9.9.9/8' },
    );
    expect(at(body, 'data', 'siteToSiteVpn', 'remoteEnd')).toEqual({
      localNetworks: ['10.12.0.0/22', '10.13.0.1/32'],
      peerNetworks: ['10.0.0.0/8'],
    });
  });

  it.each([
    ['ikeEncryptionAlgorithm', 'chacha20'],
    ['ikeHashAlgorithm', 'sha256'],
    ['ikeDhGroup', 'modp2048'],
    ['espEncryptionAlgorithm', 'aes256gcm'],
    ['espHashAlgorithm', 'sha512'],
    ['espPerfectForwardSecrecy', 'ecp256'],
  ])('is null if the %s is unknown', async (field, value) => {
    expect(await remoteEndOf('localAddress', { [field]: value })).toEqual(
      underivable(`the gateway does not know the ${field} of the VPN, see unknownValues`),
    );
  });

  it.each<[string, Readonly<Record<string, unknown>>, object]>([
    ['the REST API sent no espHashAlgorithm', { espHashAlgorithm: null }, {}],
    ['the REST API sent no sourceNatIp of the VPC', {}, { sourceNatIp: null }],
    ['the sourceNatIp of the VPC is not an IP address', {}, { sourceNatIp: 'nat.example.com' }],
    ['the gateway of the VPN is not an IP address', { gateway: 'vpn.example.com' }, {}],
    ['the gateway of the VPN is not an IP address', { gateway: '19.19.19.19\n}' }, {}],
    ['the cidr of the VPN is not a list of CIDR blocks', { cidr: '10.12.0.0' }, {}],
    ['the cidr of the VPC is not a list of CIDR blocks', {}, { cidr: '' }],
    ['the REST API sent no cidr of the VPC', {}, { cidr: null }],
    [
      'the VPN has more than 256 pairs of networks, the maximum',
      { cidr: Array.from({ length: 257 }, (_, index) => `10.20.${index >> 8}.${index & 255}/32`).join(',') },
      {},
    ],
  ])('is null if %s', async (reason, vpn, vpc) => {
    expect(await remoteEndOf('localAddress', vpn, vpc)).toEqual(underivable(reason));
  });

  it('is null if files are selected and the REST API sent no pre-shared key', async () => {
    const reason = 'the REST API sent no pre-shared key, which the files must hold';
    expect(await remoteEndOf('files(format: SWANCTL) { name }', { ipSecPsk: null })).toEqual(
      underivable(reason, 'files'),
    );
    expect(at(await remoteEndOf('localAddress', { ipSecPsk: null }), 'errors')).toBeUndefined();
  });

  it('is null, with the error of the VPC, if the VPC cannot be loaded', async () => {
    scripted.upstream.script(({ url }) =>
      url.includes('/vpcs')
        ? json(404, { errors: [{ code: 'NOT_FOUND', message: 'No.' }] })
        : { data: numberedVpn(1, 1) },
    );
    const body = await scripted.execute(oneOf('localAddress'), { environment, id });
    expect(at(body, 'data', 'siteToSiteVpn')).toEqual({ remoteEnd: null });
    expect(listAt(body, 'errors')).toHaveLength(1);
  });
});

function underivable(reason: string, ...path: string[]): object {
  return {
    data: { siteToSiteVpn: { remoteEnd: null } },
    errors: [
      failure(
        'UPSTREAM_BAD_RESPONSE',
        ['siteToSiteVpn', 'remoteEnd', ...path],
        `The remote end cannot be derived: ${reason}.`,
      ),
    ],
  };
}
