// The sign-in page. The gateway has no sign-in operation, so the page checks a key by querying the environments.
import type { ErrorLike } from '@apollo/client';
import { KeyRound } from 'lucide-react';
import { useState } from 'react';
import { Form } from 'react-aria-components';
import { EnvironmentsDocument } from '../gql/graphql';
import { Button } from '../ui/buttons';
import { Checkbox } from '../ui/checkbox';
import { ErrorNotice } from '../ui/error-notice';
import { TextField } from '../ui/text-field';
import { createSession, type Session } from './client';
import { storeKey } from './stored-key';

const sandboxKey = import.meta.env.VITE_SANDBOX_KEY ?? '';

/** Asks for an API key, checks it, and passes the session to `onSignIn`. */
export function SignInPage({ onSignIn }: { readonly onSignIn: (session: Session) => void }) {
  const [key, setKey] = useState(sandboxKey);
  const [isKept, setKept] = useState(false);
  const [error, setError] = useState<ErrorLike>();
  const [isPending, setPending] = useState(false);

  const signIn = async (): Promise<void> => {
    setPending(true);
    const session = createSession(key.trim());
    const { error } = await session.client.query({ query: EnvironmentsDocument, errorPolicy: 'all' });
    setPending(false);
    setError(error);
    if (error !== undefined) {
      session.end();
      return;
    }
    if (isKept) storeKey(key.trim());
    onSignIn(session);
  };

  return (
    <main className="sign-in">
      <title>Sign in · Site-to-site VPNs</title>
      <div className="sign-in-card card">
        <img src="/favicon.svg" alt="" width={44} height={44} />
        <h1>Site-to-site VPNs</h1>
        <p className="muted">
          Connect your offices and partners to your cloud networks, and see at a glance what is up.
        </p>
        <Form
          onSubmit={(event) => {
            event.preventDefault();
            if (!isPending) void signIn();
          }}
        >
          {error !== undefined && <ErrorNotice title="You are not signed in" error={error} />}
          <TextField
            label="API key"
            description={
              sandboxKey === ''
                ? 'From your account on the cloud’s portal.'
                : 'The sandbox key is filled in. For your own cloud, use the key of your account there.'
            }
            type="password"
            autoComplete="off"
            autoFocus
            isRequired
            value={key}
            onChange={setKey}
          />
          <Checkbox
            label="Stay signed in after a reload"
            description="Keeps the key in this tab until you close it or sign out. Off by default: whoever uses this browser meanwhile can read it."
            isSelected={isKept}
            onChange={setKept}
          />
          <Button tone="primary" type="submit" icon={KeyRound} isPending={isPending}>
            Sign in
          </Button>
        </Form>
      </div>
    </main>
  );
}
