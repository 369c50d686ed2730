// Shows whether the page receives updates.
import { Radio, WifiOff } from 'lucide-react';
import { toTime } from '../ui/time';

/** Renders "Live", or since when the page is not live. The page reconnects by itself. */
export function LiveIndicator({ stoppedSince }: { readonly stoppedSince: Date | undefined }) {
  const isLive = stoppedSince === undefined;
  return (
    <span role="status" className={`live ${isLive ? 'live-on' : 'live-off'}`}>
      {isLive ? <Radio aria-hidden /> : <WifiOff aria-hidden />}
      {isLive ? 'Live' : `Not live since ${toTime(stoppedSince)}. Reconnecting…`}
    </span>
  );
}
