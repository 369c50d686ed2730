// An inline message: error, warning or information.
import { CircleAlert, Info, type LucideIcon, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';

/** Severity of a notice; sets its colour and icon. */
export type Tone = 'error' | 'warning' | 'info';

const icons: Readonly<Record<Tone, LucideIcon>> = {
  error: CircleAlert,
  warning: TriangleAlert,
  info: Info,
};

interface NoticeProps {
  readonly tone: Tone;
  readonly title: string;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
  /** Whether the notice is part of the content, so a screen reader does not announce it. */
  readonly isQuiet?: boolean;
}

/** Renders a notice. An error has the role `alert`, so a screen reader reads it at once. */
export function Notice({ tone, title, children, actions, isQuiet = false }: NoticeProps) {
  const Icon = icons[tone];
  return (
    <div className={`notice notice-${tone}`} role={isQuiet ? undefined : tone === 'error' ? 'alert' : 'status'}>
      <Icon aria-hidden className="notice-icon" />
      <div className="notice-text">
        <strong>{title}</strong>
        {children}
      </div>
      {actions !== undefined && <div className="actions">{actions}</div>}
    </div>
  );
}
