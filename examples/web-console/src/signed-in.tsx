// The routes of a signed-in session.
import { ApolloProvider } from '@apollo/client/react';
import { lazy, Suspense } from 'react';
import { Route, Routes } from 'react-router';
import { EnvironmentsPage } from './environments/environments-page';
import type { Session } from './session/client';
import { SessionContext } from './session/session-context';
import { Loading } from './ui/loading';
import { NotFoundPage } from './ui/not-found-page';
import { Shell } from './ui/shell';
import { Toasts } from './ui/toasts';
import { VpnsPage } from './vpns/vpns-page';

// Loaded on first use: most visits open only the list.
const VpnPage = lazy(() => import('./vpn/vpn-page'));
const CreatePage = lazy(() => import('./create/create-page'));
const EditPage = lazy(() => import('./edit/edit-page'));

interface SignedInProps {
  readonly session: Session;
  readonly onSignOut: () => void;
}

/** Renders the page that the URL names, inside the shell. */
export default function SignedIn({ session, onSignOut }: SignedInProps) {
  return (
    <SessionContext value={session}>
      <ApolloProvider client={session.client}>
        <Toasts>
          <Shell onSignOut={onSignOut}>
            <Suspense fallback={<Loading what="the page" />}>
              <Routes>
                <Route index element={<EnvironmentsPage />} />
                <Route path=":serviceCode/:environmentName">
                  <Route index element={<VpnsPage />} />
                  <Route path="create" element={<CreatePage />} />
                  <Route path="vpns/:id" element={<VpnPage />} />
                  <Route path="vpns/:id/edit" element={<EditPage />} />
                </Route>
                <Route path="*" element={<NotFoundPage />} />
              </Routes>
            </Suspense>
          </Shell>
        </Toasts>
      </ApolloProvider>
    </SessionContext>
  );
}
