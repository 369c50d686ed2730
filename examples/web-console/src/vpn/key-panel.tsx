// The pre-shared key, hidden until it is asked for.
import { Eye, EyeOff } from 'lucide-react';
import { Button, CopyButton } from '../ui/buttons';
import { Problems } from '../ui/problems';
import type { VpnKey } from './use-key';

/** The key's panel. */
export function KeyPanel({ vpnKey }: { readonly vpnKey: VpnKey }) {
  const { value, error, isPending } = vpnKey;
  return (
    <section className="card panel" aria-labelledby="key-title">
      <div className="panel-head">
        <h2 id="key-title">Pre-shared key</h2>
        <div className="actions">
          <KeyToggle vpnKey={vpnKey} />
          {value !== undefined && <CopyButton text={value} label="Copy the key" />}
        </div>
      </div>
      {error !== undefined && <Problems title="The key cannot be shown" error={error} />}
      <p aria-live="polite">
        {value === undefined ? (
          <span className="muted">{isPending ? 'Asking for it…' : 'Hidden. It is read only when you ask for it.'}</span>
        ) : (
          <span className="mono">{value}</span>
        )}
      </p>
    </section>
  );
}

/** Shows or hides the key. */
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
