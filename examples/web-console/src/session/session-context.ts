// React context of the session.
import { createContext, use, useSyncExternalStore } from 'react';
import type { ConnectionStatus, Session } from './client';

/** The current session; undefined before sign-in. */
export const SessionContext = createContext<Session | undefined>(undefined);

/** Returns the state of the session's WebSocket. Throws outside a session. */
export function useConnectionStatus(): ConnectionStatus {
  const session = use(SessionContext);
  if (session === undefined) throw new Error('useConnectionStatus must be used within a SessionContext.');
  return useSyncExternalStore(session.connectionStatus.subscribe, session.connectionStatus.get);
}
