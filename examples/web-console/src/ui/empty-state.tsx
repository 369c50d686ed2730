// The card of a page or a list that has nothing to show.
import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';

interface EmptyStateProps {
  readonly icon: LucideIcon;
  /** Absent if the page's heading says it. */
  readonly title?: string;
  readonly text: ReactNode;
  /** The way on: a button or a link. */
  readonly action: ReactNode;
}

/** Renders an icon, a text and the way on, in a card. */
export function EmptyState({ icon: Icon, title, text, action }: EmptyStateProps) {
  return (
    <div className="empty card">
      <Icon aria-hidden />
      {title !== undefined && <h2>{title}</h2>}
      <p className="muted">{text}</p>
      {action}
    </div>
  );
}
