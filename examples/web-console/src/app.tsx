// The root component: shows the sign-in page until the user signs in, then the page that the URL names.
import { lazy, Suspense, useState } from 'react';
import { RouterProvider } from 'react-aria-components';
import { type NavigateOptions, useHref } from 'react-router';
import { createSession, type Session } from './session/client';
import { requestLeave, useGuardedNavigate } from './session/leave-guard';
import { SignInPage } from './session/sign-in-page';
import { readStoredKey, storeKey } from './session/stored-key';
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
  const navigate = useGuardedNavigate();
  const [session, setSession] = useState(resumeSession);
  return (
    <RouterProvider navigate={navigate} useHref={useHref}>
      {session === undefined ? (
        <SignInPage onSignIn={setSession} />
      ) : (
        <Suspense fallback={<Loading what="the page" />}>
          <SignedIn
            session={session}
            onSignOut={() => {
              requestLeave(() => {
                session.end();
                storeKey(undefined);
                setSession(undefined);
              });
            }}
          />
        </Suspense>
      )}
    </RouterProvider>
  );
}

/** Returns a session with the key that the user has asked to keep for this tab; undefined if there is none. */
function resumeSession(): Session | undefined {
  const key = readStoredKey();
  return key === undefined ? undefined : createSession(key);
}
