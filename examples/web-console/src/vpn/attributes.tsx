// What a VPN is made of, in words.
import type { ReactNode } from 'react';
import { type FragmentType, graphql, unmask } from '../gql';
import { algorithmLabels } from './algorithms';
import { toDuration } from './duration';

const Vpn = graphql(`
  fragment Attributes_vpn on SiteToSiteVpn {
    id
    gateway
    cidr
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

/** All attributes but the name, the state and the key. */
export function Attributes({ vpn: masked }: { readonly vpn: FragmentType<typeof Vpn> }) {
  const vpn = unmask(Vpn, masked);
  const { vpc } = vpn;
  // Where the schema has no word for it, the REST API's own.
  const algorithm = (field: string, value: keyof typeof algorithmLabels | null | undefined): string =>
    value ? algorithmLabels[value] : (vpn.unknownValues.find((unknown) => unknown.field === field)?.value ?? unsaid);
  return (
    <div className="column">
      <Panel id="ends" title="The two ends">
        <Fact name="Remote gateway">
          <span className="mono">{vpn.gateway}</span>
        </Fact>
        <Fact name="Remote network">
          <span className="mono">{vpn.cidr}</span>
        </Fact>
        <Fact name="VPC">{vpc?.name ?? <span className="mono">{vpn.vpcId}</span>}</Fact>
        <Fact name="VPC’s address">
          <span className="mono">{vpc?.sourceNatIp ?? unsaid}</span>
        </Fact>
        <Fact name="VPC’s network">
          <span className="mono">{vpc?.cidr ?? unsaid}</span>
        </Fact>
        <Fact name="Dead peer detection">{toSwitch(vpn.dpd)}</Fact>
        <Fact name="Forced UDP encapsulation">{toSwitch(vpn.forceEncap)}</Fact>
      </Panel>
      <Panel id="ike" title="Phase 1 (IKE)">
        <Fact name="Encryption">{algorithm('ikeEncryptionAlgorithm', vpn.ikeEncryptionAlgorithm)}</Fact>
        <Fact name="Hash">{algorithm('ikeHashAlgorithm', vpn.ikeHashAlgorithm)}</Fact>
        <Fact name="Diffie-Hellman group">{algorithm('ikeDhGroup', vpn.ikeDhGroup)}</Fact>
        <Fact name="Lifetime">{toDuration(vpn.ikeLifetime) ?? unsaid}</Fact>
      </Panel>
      <Panel id="esp" title="Phase 2 (ESP)">
        <Fact name="Encryption">{algorithm('espEncryptionAlgorithm', vpn.espEncryptionAlgorithm)}</Fact>
        <Fact name="Hash">{algorithm('espHashAlgorithm', vpn.espHashAlgorithm)}</Fact>
        <Fact name="Perfect forward secrecy">
          {algorithm('espPerfectForwardSecrecy', vpn.espPerfectForwardSecrecy)}
        </Fact>
        <Fact name="Lifetime">{toDuration(vpn.espLifetime) ?? unsaid}</Fact>
      </Panel>
    </div>
  );
}

const unsaid = 'not told';

const toSwitch = (value: boolean | null | undefined): string => (value ? 'On' : value === false ? 'Off' : unsaid);

interface PanelProps {
  readonly id: string;
  readonly title: string;
  readonly children: ReactNode;
}

function Panel({ id, title, children }: PanelProps) {
  return (
    <section className="card panel" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      <dl className="facts">{children}</dl>
    </section>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div className="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
