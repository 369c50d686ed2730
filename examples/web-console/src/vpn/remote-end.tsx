// What the other side has to be told: a file for strongSwan, or why there is none.
import { type FragmentType, graphql, unmask } from '../gql';
import { CopyButton } from '../ui/buttons';
import { Notice } from '../ui/notice';
import { KeyToggle } from './key-panel';
import { toSwanctl } from './swanctl';
import type { VpnKey } from './use-key';

const Vpn = graphql(`
  fragment RemoteEnd_vpn on SiteToSiteVpn {
    id
    name
    gateway
    cidr
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

/** What the panel is made of. */
export interface RemoteEndProps {
  readonly vpn: FragmentType<typeof Vpn>;
  readonly vpnKey: VpnKey;
}

/** The configuration of the remote end. */
export function RemoteEnd({ vpn, vpnKey }: RemoteEndProps) {
  const made = toSwanctl(unmask(Vpn, vpn), vpnKey.value);
  return (
    <section className="card panel wide" aria-labelledby="remote-title">
      <div className="panel-head">
        <div>
          <h2 id="remote-title">Configuration of the remote end</h2>
          <p className="muted">A swanctl.conf for strongSwan on the other side.</p>
        </div>
        {'text' in made && (
          <div className="actions">
            <KeyToggle vpnKey={vpnKey} />
            <CopyButton
              text={made.text}
              label={vpnKey.value === undefined ? 'Copy without the key' : 'Copy with the key'}
            />
          </div>
        )}
      </div>
      {'text' in made ? (
        // It scrolls, so that it must be reachable by the keyboard.
        <pre className="code" tabIndex={0} role="region" aria-label="swanctl.conf">
          {made.text}
        </pre>
      ) : (
        <Notice tone="info" title="There is no file for this VPN">
          {made.reason}
        </Notice>
      )}
    </section>
  );
}
