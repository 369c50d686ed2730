// The mark of a field whose value the user has changed.

/** Renders the value before the change, or nothing. */
export function ChangedFrom({ value }: { readonly value: string | undefined }) {
  return value === undefined ? null : <span className="changed">Changed from {value === '' ? 'nothing' : value}</span>;
}
