// Placeholder for content that is loading.

/** Renders grey skeleton rows; a screen reader announces "Loading {what}…". */
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
