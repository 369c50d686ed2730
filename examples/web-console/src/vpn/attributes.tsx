// The attributes of a VPN, as text.
import type { ReactNode } from 'react';
import { type FragmentType, graphql, unmask } from '../gql';
import { CopyIcon } from '../ui/buttons';
import { algorithmLabels, Algorithms } from './algorithms';
import { toDuration } from './duration';
import { Settings } from './settings';

const Vpn = graphql(`
  fragment Attributes_vpn on SiteToSiteVpn {
    id
    environment {
      serviceCode
    }
    cidrs
    vpc {
      id
      cidr
      sourceNatIp
    }
    ...Settings
  }
`);

/** Lists all attributes except the name, the state and the pre-shared key. */
export function Attributes({ vpn: masked }: { readonly vpn: FragmentType<typeof Vpn> }) {
  const vpn = unmask(Vpn, masked);
  const { vpc } = vpn;
  const settings = unmask(Settings, vpn);
  const algorithms = unmask(Algorithms, settings);
  // If the enum does not cover a value, shows the REST API's own value.
  const algorithm = (field: string, value: keyof typeof algorithmLabels | null | undefined): string =>
    value
      ? algorithmLabels[value]
      : (settings.unknownValues.find((unknown) => unknown.field === field)?.value ?? notReported);
  return (
    <div className="column">
      <Panel id="ends" title="Endpoints">
        <Attribute name="Remote gateway">
          <Copyable text={settings.gateway} what="the remote gateway" />
        </Attribute>
        <Attribute name={vpn.cidrs.length === 1 ? 'Remote network' : 'Remote networks'}>
          {vpn.cidrs.map((cidr) => (
            <Copyable key={cidr} text={cidr} what={`the remote network ${cidr}`} />
          ))}
        </Attribute>
        <Attribute name="VPC">{settings.vpc?.name ?? <span className="mono">{settings.vpcId}</span>}</Attribute>
        <Attribute name="VPC’s address">
          {vpc?.sourceNatIp ? <Copyable text={vpc.sourceNatIp} what="the VPC’s address" /> : notReported}
        </Attribute>
        <Attribute name="VPC’s network">
          {vpc?.cidr ? <Copyable text={vpc.cidr} what="the VPC’s network" /> : notReported}
        </Attribute>
        <Attribute name="Dead peer detection">{toOnOff(settings.dpd)}</Attribute>
        <Attribute name="Forced UDP encapsulation">{toOnOff(settings.forceEncap)}</Attribute>
        <Attribute name="Service">{vpn.environment?.serviceCode ?? notReported}</Attribute>
        <Attribute name="Id">
          <Copyable text={vpn.id} what="the id" />
        </Attribute>
      </Panel>
      <Panel id="ike" title="Phase 1 (IKE)">
        <Attribute name="Encryption">
          {algorithm('ikeEncryptionAlgorithm', algorithms.ikeEncryptionAlgorithm)}
        </Attribute>
        <Attribute name="Hash">{algorithm('ikeHashAlgorithm', algorithms.ikeHashAlgorithm)}</Attribute>
        <Attribute name="Diffie-Hellman group">{algorithm('ikeDhGroup', algorithms.ikeDhGroup)}</Attribute>
        <Attribute name="Lifetime">{toDuration(settings.ikeLifetime) ?? notReported}</Attribute>
      </Panel>
      <Panel id="esp" title="Phase 2 (ESP)">
        <Attribute name="Encryption">
          {algorithm('espEncryptionAlgorithm', algorithms.espEncryptionAlgorithm)}
        </Attribute>
        <Attribute name="Hash">{algorithm('espHashAlgorithm', algorithms.espHashAlgorithm)}</Attribute>
        <Attribute name="Perfect forward secrecy">
          {algorithm('espPerfectForwardSecrecy', algorithms.espPerfectForwardSecrecy)}
        </Attribute>
        <Attribute name="Lifetime">{toDuration(settings.espLifetime) ?? notReported}</Attribute>
      </Panel>
    </div>
  );
}

function Copyable({ text, what }: { readonly text: string; readonly what: string }) {
  return (
    <span className="copyable">
      <span className="mono">{text}</span>
      <CopyIcon text={text} what={what} />
    </span>
  );
}

const notReported = 'Not reported';

const toOnOff = (value: boolean | null | undefined): string => (value ? 'On' : value === false ? 'Off' : notReported);

interface PanelProps {
  readonly id: string;
  readonly title: string;
  readonly children: ReactNode;
}

function Panel({ id, title, children }: PanelProps) {
  return (
    <section className="card panel" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      <dl className="attributes">{children}</dl>
    </section>
  );
}

function Attribute({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div className="attribute">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
