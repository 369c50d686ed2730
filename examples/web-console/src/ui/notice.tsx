// A message that stands in the page.
import { CircleAlert, Info, type LucideIcon, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';

/** How a message is meant. */
export type Tone = 'error' | 'warning' | 'info';

const icons: Readonly<Record<Tone, LucideIcon>> = {
  error: CircleAlert,
  warning: TriangleAlert,
  info: Info,
};

/** What a message is made of. */
export interface NoticeProps {
  readonly tone: Tone;
  readonly title: string;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
}

/** A message; one of an error is read out at once. */
export function Notice({ tone, title, children, actions }: NoticeProps) {
  const Icon = icons[tone];
  return (
    <div className={`notice notice-${tone}`} role={tone === 'error' ? 'alert' : 'status'}>
      <Icon aria-hidden className="notice-icon" />
      <div className="notice-text">
        <strong>{title}</strong>
        {children}
      </div>
      {actions !== undefined && <div className="actions">{actions}</div>}
    </div>
  );
}
