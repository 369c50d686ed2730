// The history of a VPN since its page was opened.
import { useCallback, useEffect, useState } from 'react';
import { toTime } from '../ui/time';

/** Something that happened. */
export interface HistoryEntry {
  readonly at: Date;
  readonly text: string;
}

/** The entries so far, oldest first, and a function that adds one. */
export interface History {
  readonly entries: readonly HistoryEntry[];
  readonly record: (text: string) => void;
}

/** Returns a history that is empty at first. The same text twice in a row is recorded once. */
export function useHistory(): History {
  const [entries, setEntries] = useState<readonly HistoryEntry[]>([]);
  const record = useCallback((text: string) => {
    const entry = { at: new Date(), text };
    setEntries((entries) => (entries.at(-1)?.text === text ? entries : [...entries, entry]));
  }, []);
  return { entries, record };
}

/** Records `text` each time that it changes to another one than undefined. */
export function useRecorded({ record }: History, text: string | undefined): void {
  useEffect(() => {
    if (text !== undefined) record(text);
  }, [record, text]);
}

/** Lists the entries, newest first. */
export function HistoryPanel({ history: { entries } }: { readonly history: History }) {
  return (
    <section className="card panel" aria-labelledby="history-title">
      <h2 id="history-title">Since you opened this page</h2>
      <ol className="history">
        {entries.toReversed().map(({ at, text }) => (
          <li key={`${at.getTime()} ${text}`}>
            <time dateTime={at.toISOString()}>{toTime(at)}</time> <span>{text}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
