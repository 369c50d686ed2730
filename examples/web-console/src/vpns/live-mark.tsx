// Whether what is shown is kept up to date.
import { useLiveness } from '../session/session-context';

/** Live, reconnecting, or stopped. */
export function LiveMark({ isStopped }: { readonly isStopped: boolean }) {
  const liveness = useLiveness();
  const [mark, label] = isStopped
    ? ['stopped', 'Not live']
    : liveness === 'live'
      ? ['live', 'Live']
      : ['reconnecting', 'Reconnecting…'];
  return (
    <span role="status" className={`live live-${mark}`}>
      <span className="live-dot" aria-hidden />
      {label}
    </span>
  );
}
