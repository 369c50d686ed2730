// What stands where something is still on its way.

/** Rows of grey in place of what is loaded; said as a sentence to a screen reader. */
export function Loading({ what, rows = 3 }: { readonly what: string; readonly rows?: number }) {
  return (
    <div className="loading" role="status">
      <span className="visually-hidden">Loading {what}…</span>
      {Array.from({ length: rows }, (_, row) => (
        <span key={row} className="skeleton" aria-hidden />
      ))}
    </div>
  );
}
