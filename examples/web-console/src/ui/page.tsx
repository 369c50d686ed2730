// The layout of a page: document title, back link, heading and actions.
import { ArrowLeft } from 'lucide-react';
import { type ReactNode, useEffect, useRef } from 'react';
import { Link } from 'react-aria-components';

interface PageProps {
  readonly title: string;
  /** Introductory sentence below the title. */
  readonly lead?: ReactNode;
  /** Link to the parent page. */
  readonly back?: { readonly href: string; readonly label: string };
  /** Status shown beside the title. */
  readonly badge?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** Renders a page. Its heading takes the focus on mount, so a screen reader announces the new page. */
export function Page({ title, lead, back, badge, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
  }, []);
  return (
    <div className="page">
      <title>{`${title} · Site-to-site VPNs`}</title>
      {back && (
        <Link className="back" href={back.href}>
          <ArrowLeft aria-hidden /> {back.label}
        </Link>
      )}
      <div className="page-head">
        <div className="page-title">
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {badge}
        </div>
        {actions !== undefined && actions !== false && <div className="actions">{actions}</div>}
      </div>
      {lead !== undefined && <p className="lead muted">{lead}</p>}
      {children}
    </div>
  );
}
