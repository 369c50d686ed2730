// The root component: shows the sign-in page until the user signs in, then the page that the URL names.
import { lazy, Suspense, useState } from 'react';
import { RouterProvider } from 'react-aria-components';
import { type NavigateOptions, useHref, useNavigate } from 'react-router';
import type { Session } from './session/client';
import { SignInPage } from './session/sign-in-page';
import { Loading } from './ui/loading';

declare module 'react-aria-components' {
  interface RouterConfig {
    routerOptions: NavigateOptions;
  }
}

// Starts at once, so the signed-in pages load while the user types the key.
const signedIn = import('./signed-in');
const SignedIn = lazy(() => signedIn);

/** Renders the console and holds the session. */
export function App() {
  const navigate = useNavigate();
  const [session, setSession] = useState<Session>();
  return (
    <RouterProvider navigate={(path, options) => void navigate(path, options)} useHref={useHref}>
      {session === undefined ? (
        <SignInPage onSignIn={setSession} />
      ) : (
        <Suspense fallback={<Loading what="the page" />}>
          <SignedIn
            session={session}
            onSignOut={() => {
              session.end();
              setSession(undefined);
            }}
          />
        </Suspense>
      )}
    </RouterProvider>
  );
}
