// Shows whether the page receives updates.
import { useConnectionStatus } from '../session/session-context';

/** Renders "Live", "Reconnecting…" or "Not live". `isStopped` means that the page's subscription has ended. */
export function LiveIndicator({ isStopped }: { readonly isStopped: boolean }) {
  const connectionStatus = useConnectionStatus();
  const [status, label] = isStopped
    ? ['stopped', 'Not live']
    : connectionStatus === 'connected'
      ? ['connected', 'Live']
      : ['reconnecting', 'Reconnecting…'];
  return (
    <span role="status" className={`live live-${status}`}>
      <span className="live-dot" aria-hidden />
      {label}
    </span>
  );
}
