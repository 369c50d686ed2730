// A page's heading. It takes the focus when the page opens, so that a screen reader says where one has come to.
import { ArrowLeft } from 'lucide-react';
import { type ReactNode, useEffect, useRef } from 'react';
import { Link } from 'react-aria-components';

/** What every page has. */
export interface PageProps {
  readonly title: string;
  /** A sentence below the title. */
  readonly lead?: ReactNode;
  /** The page above this one. */
  readonly back?: { readonly href: string; readonly label: string };
  /** What stands beside the title. */
  readonly badge?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** A page of the console. */
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
        {actions !== undefined && <div className="actions">{actions}</div>}
      </div>
      {lead !== undefined && <p className="lead muted">{lead}</p>}
      {children}
    </div>
  );
}
