// Who has not signed in sees the sign-in, at whatever address; who has sees the page of the address.
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

// On its way while the key is typed in.
const signedIn = import('./signed-in');
const SignedIn = lazy(() => signedIn);

/** The console. */
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
