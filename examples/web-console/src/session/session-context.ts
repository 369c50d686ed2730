// The session of the pages below.
import { createContext, use, useSyncExternalStore } from 'react';
import type { Liveness, Session } from './client';

/** Undefined where nobody has signed in. */
export const SessionContext = createContext<Session | undefined>(undefined);

/** Whether changes come in as they happen. */
export function useLiveness(): Liveness {
  const session = use(SessionContext);
  if (session === undefined) throw new Error('Only pages of a session are live.');
  return useSyncExternalStore(session.liveness.subscribe, session.liveness.get);
}
