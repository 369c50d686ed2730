// The attributes of a VPN, as text.
import type { ReactNode } from 'react';
import { type FragmentType, graphql, unmask } from '../gql';
import { CopyIcon } from '../ui/buttons';
import { algorithmLabels } from './algorithms';
import { toDuration } from './duration';

const Vpn = graphql(`
  fragment Attributes_vpn on SiteToSiteVpn {
    id
    environment {
      serviceCode
    }
    gateway
    cidrs
    vpcId
    vpc {
      id
      name
      cidr
      sourceNatIp
    }
    ikeEncryptionAlgorithm
    ikeHashAlgorithm
    ikeDhGroup
    ikeLifetime
    espEncryptionAlgorithm
    espHashAlgorithm
    espPerfectForwardSecrecy
    espLifetime
    dpd
    forceEncap
    unknownValues {
      field
      value
    }
  }
`);

/** Lists all attributes except the name, the state and the pre-shared key. */
export function Attributes({ vpn: masked }: { readonly vpn: FragmentType<typeof Vpn> }) {
  const vpn = unmask(Vpn, masked);
  const { vpc } = vpn;
  // If the enum does not cover a value, shows the REST API's own value.
  const algorithm = (field: string, value: keyof typeof algorithmLabels | null | undefined): string =>
    value
      ? algorithmLabels[value]
      : (vpn.unknownValues.find((unknown) => unknown.field === field)?.value ?? notReported);
  return (
    <div className="column">
      <Panel id="ends" title="Endpoints">
        <Attribute name="Remote gateway">
          <Copyable text={vpn.gateway} what="the remote gateway" />
        </Attribute>
        <Attribute name={vpn.cidrs.length === 1 ? 'Remote network' : 'Remote networks'}>
          {vpn.cidrs.map((cidr) => (
            <Copyable key={cidr} text={cidr} what={`the remote network ${cidr}`} />
          ))}
        </Attribute>
        <Attribute name="VPC">{vpc?.name ?? <span className="mono">{vpn.vpcId}</span>}</Attribute>
        <Attribute name="VPC’s address">
          {vpc?.sourceNatIp ? <Copyable text={vpc.sourceNatIp} what="the VPC’s address" /> : notReported}
        </Attribute>
        <Attribute name="VPC’s network">
          {vpc?.cidr ? <Copyable text={vpc.cidr} what="the VPC’s network" /> : notReported}
        </Attribute>
        <Attribute name="Dead peer detection">{toOnOff(vpn.dpd)}</Attribute>
        <Attribute name="Forced UDP encapsulation">{toOnOff(vpn.forceEncap)}</Attribute>
        <Attribute name="Service">{vpn.environment?.serviceCode ?? notReported}</Attribute>
        <Attribute name="Id">
          <Copyable text={vpn.id} what="the id" />
        </Attribute>
      </Panel>
      <Panel id="ike" title="Phase 1 (IKE)">
        <Attribute name="Encryption">{algorithm('ikeEncryptionAlgorithm', vpn.ikeEncryptionAlgorithm)}</Attribute>
        <Attribute name="Hash">{algorithm('ikeHashAlgorithm', vpn.ikeHashAlgorithm)}</Attribute>
        <Attribute name="Diffie-Hellman group">{algorithm('ikeDhGroup', vpn.ikeDhGroup)}</Attribute>
        <Attribute name="Lifetime">{toDuration(vpn.ikeLifetime) ?? notReported}</Attribute>
      </Panel>
      <Panel id="esp" title="Phase 2 (ESP)">
        <Attribute name="Encryption">{algorithm('espEncryptionAlgorithm', vpn.espEncryptionAlgorithm)}</Attribute>
        <Attribute name="Hash">{algorithm('espHashAlgorithm', vpn.espHashAlgorithm)}</Attribute>
        <Attribute name="Perfect forward secrecy">
          {algorithm('espPerfectForwardSecrecy', vpn.espPerfectForwardSecrecy)}
        </Attribute>
        <Attribute name="Lifetime">{toDuration(vpn.espLifetime) ?? notReported}</Attribute>
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
