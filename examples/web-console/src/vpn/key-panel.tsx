// The panel of the pre-shared key, hidden by default.
import { Eye, EyeOff } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button, CopyButton } from '../ui/buttons';
import { ErrorNotice } from '../ui/error-notice';
import type { VpnKey } from './use-vpn-key';

/** Renders the panel that shows, hides and copies the key. `children` are further actions. */
export function KeyPanel({ vpnKey, children }: { readonly vpnKey: VpnKey; readonly children: ReactNode }) {
  const { value, error, isPending } = vpnKey;
  return (
    <section className="card panel" aria-labelledby="key-title">
      <div className="panel-head">
        <h2 id="key-title">Pre-shared key</h2>
        <div className="actions">
          <KeyToggle vpnKey={vpnKey} />
          {value !== undefined && <CopyButton text={value} label="Copy the key" />}
          {children}
        </div>
      </div>
      {error !== undefined && <ErrorNotice title="The key cannot be shown" error={error} />}
      <p aria-live="polite">
        {value === undefined ? (
          <span className="muted">{isPending ? 'Loading…' : 'Hidden. It is loaded only when you show it.'}</span>
        ) : (
          <span className="mono">{value}</span>
        )}
      </p>
    </section>
  );
}

/** Renders the button that shows or hides the key. */
export function KeyToggle({ vpnKey: { value, isPending, show, hide } }: { readonly vpnKey: VpnKey }) {
  return value === undefined ? (
    <Button icon={Eye} isPending={isPending} onPress={show}>
      Show the key
    </Button>
  ) : (
    <Button icon={EyeOff} onPress={hide}>
      Hide the key
    </Button>
  );
}
