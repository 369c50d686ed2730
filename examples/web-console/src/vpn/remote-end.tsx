// The configuration file for the remote end (strongSwan), or the reason why none can be generated.
import { type FragmentType, graphql, unmask } from '../gql';
import { CopyButton } from '../ui/buttons';
import { Notice } from '../ui/notice';
import { KeyToggle } from './key-panel';
import { toSwanctl } from './swanctl';
import type { VpnKey } from './use-vpn-key';

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

export interface RemoteEndProps {
  readonly vpn: FragmentType<typeof Vpn>;
  readonly vpnKey: VpnKey;
}

/** Renders the panel with the remote end's configuration. */
export function RemoteEnd({ vpn, vpnKey }: RemoteEndProps) {
  const config = toSwanctl(unmask(Vpn, vpn), vpnKey.value);
  return (
    <section className="card panel wide" aria-labelledby="remote-title">
      <div className="panel-head">
        <div>
          <h2 id="remote-title">Configuration of the remote end</h2>
          <p className="muted">A swanctl.conf file for strongSwan at the remote end.</p>
        </div>
        {'text' in config && (
          <div className="actions">
            <KeyToggle vpnKey={vpnKey} />
            <CopyButton
              text={config.text}
              label={vpnKey.value === undefined ? 'Copy without the key' : 'Copy with the key'}
            />
          </div>
        )}
      </div>
      {'text' in config ? (
        // The element scrolls, so keyboard users must be able to focus it.
        <pre className="code" tabIndex={0} role="region" aria-label="swanctl.conf">
          {config.text}
        </pre>
      ) : (
        <Notice tone="info" title="There is no file for this VPN">
          {config.reason}
        </Notice>
      )}
    </section>
  );
}
