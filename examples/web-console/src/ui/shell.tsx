// What stands around every page of a session: the way to its content, the name, the environment, the way out.
import { LogOut } from 'lucide-react';
import type { ReactNode } from 'react';
import { Link } from 'react-aria-components';
import { EnvironmentSwitch } from '../environments/environment-switch';
import { Button } from './buttons';

/** The page's frame. */
export function Shell({ onSignOut, children }: { readonly onSignOut: () => void; readonly children: ReactNode }) {
  return (
    <>
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <header className="top">
        <div className="top-inner">
          <Link className="brand" href="/">
            <img src="/favicon.svg" alt="" width={28} height={28} />
            <span className="brand-name">Site-to-site VPNs</span>
          </Link>
          <EnvironmentSwitch />
          <Button tone="quiet" icon={LogOut} onPress={onSignOut} className="sign-out">
            <span className="sign-out-label">Sign out</span>
          </Button>
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}
