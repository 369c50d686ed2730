// SiteToSiteVpn.remoteEnd, and the fields of RemoteEnd that need a resolver.
import { Arg, Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { GraphContext } from '../context.js';
import { BadUserInputError } from '../errors.js';
import { MakesRestCalls } from '../limits/query-cost.js';
import { type Check, toChecks } from '../remote-end/checks.js';
import { toIpsecConfFiles } from '../remote-end/ipsec-conf.js';
import type { ConfigurationFile } from '../remote-end/proposals.js';
import { toSwanctlFiles } from '../remote-end/swanctl.js';
import { toTunnel, underivable } from '../remote-end/tunnel.js';
import { RemoteEnd, RemoteEndCheck, RemoteEndFile, RemoteEndFormat } from './remote-end.type.js';
import { loadVpc } from './site-to-site-vpn.loaders.js';
import { SiteToSiteVpn } from './site-to-site-vpn.type.js';

// To make the remote end, its files and its checks takes about as long as executing this many fields for each network.
const workPerNetwork = 20;

const generators = { SWANCTL: toSwanctlFiles, IPSEC_CONF: toIpsecConfFiles } as const;

/** Resolves SiteToSiteVpn.remoteEnd from the VPN and its VPC. */
@Resolver(() => SiteToSiteVpn)
export class SiteToSiteVpnRemoteEndResolver {
  @MakesRestCalls(['vpcs'])
  @FieldResolver(() => RemoteEnd, {
    nullable: true,
    description:
      'What the other end of the tunnel must be configured with. ' +
      'Null, with an error that says why, if the VPC cannot be loaded, or an address, a network or an algorithm is missing or unknown.',
  })
  async remoteEnd(@Root() vpn: SiteToSiteVpn, @Ctx('operation') context: GraphContext): Promise<RemoteEnd> {
    const { environment, vpcId, loadStrategy } = vpn;
    if (environment === null) throw new BadUserInputError(missingEnvironmentMessage);
    const vpc = await loadVpc(context.loaders.vpcs, { environment, id: vpcId, loadStrategy });
    // Files and checks grow with the networks too. They are made in the same turn.
    await context.budget.takeWork(vpn.cidrs.length * workPerNetwork);
    const tunnel = toTunnel(vpn, vpc);
    return {
      localAddress: tunnel.localAddress,
      peerAddress: tunnel.peerAddress,
      localNetworks: tunnel.localNetworks.map(({ cidr }) => cidr),
      peerNetworks: tunnel.peerNetworks.map(({ cidr }) => cidr),
      tunnel,
      vpn,
      vpc,
    };
  }
}

/** Resolves the fields of RemoteEnd that are made from its tunnel: configuration files and checks. */
@Resolver(() => RemoteEnd)
export class RemoteEndResolver {
  /** Records that the pre-shared key is read, for the audit log: the files hold it. */
  @FieldResolver(() => [RemoteEndFile], {
    description:
      'Configuration files for an IPsec implementation. They hold the pre-shared key: reading them is audited like reading SiteToSiteVpn.ipSecPsk.',
  })
  files(
    @Arg('format', () => RemoteEndFormat, { description: 'Format of the files.' }) format: RemoteEndFormat,
    @Root() { tunnel, vpn: { environment, id, ipSecPsk } }: RemoteEnd,
    @Ctx('operation') context: GraphContext,
  ): readonly ConfigurationFile[] {
    if (ipSecPsk === null) throw underivable('the REST API sent no pre-shared key, which the files must hold');
    context.recordSecretRead(environment, id);
    const files = generators[format](tunnel, ipSecPsk);
    context.budget.takeText(files.reduce((sum, { content }) => sum + content.length, 0));
    return files;
  }

  @FieldResolver(() => [RemoteEndCheck], {
    description:
      'What keeps the tunnel down, or may do so, as far as the REST API shows it; empty if there is nothing. Holds no secret.',
  })
  checks(@Root() { tunnel, vpn, vpc }: RemoteEnd): readonly Check[] {
    return toChecks(tunnel, vpn, vpc);
  }
}

const missingEnvironmentMessage =
  'Without the environment of the task, the VPC is not known, and so neither is the remote end. Send the environment argument to select it.';
