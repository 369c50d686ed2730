// React context of the session.
import { createContext, use, useSyncExternalStore } from 'react';
import type { Session } from './client';

/** The current session; undefined before sign-in. */
export const SessionContext = createContext<Session | undefined>(undefined);

/** Returns the time at which the session's WebSocket was lost; undefined while it is connected. Throws outside a session. */
export function useLostSince(): Date | undefined {
  const session = use(SessionContext);
  if (session === undefined) throw new Error('useLostSince must be used within a SessionContext.');
  return useSyncExternalStore(session.lostSince.subscribe, session.lostSince.get);
}
