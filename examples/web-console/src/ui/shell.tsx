// The frame of every signed-in page: skip link, brand, environment switcher, colour switch and sign-out button.
import { LogOut } from 'lucide-react';
import type { ReactNode } from 'react';
import { Link } from 'react-aria-components';
import { EnvironmentSwitcher } from '../environments/environment-switcher';
import { Button } from './buttons';
import { ThemeSwitch } from './theme-switch';

/** Renders the frame around a page. */
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
          <EnvironmentSwitcher />
          <div className="top-end">
            <ThemeSwitch />
            <Button tone="quiet" icon={LogOut} onPress={onSignOut}>
              <span className="sign-out-label">Sign out</span>
            </Button>
          </div>
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}
