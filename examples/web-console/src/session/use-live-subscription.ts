// A subscription that starts again by itself for as long as the page is open.
import type { ErrorLike, OperationVariables, TypedDocumentNode } from '@apollo/client';
import { useApolloClient } from '@apollo/client/react';
import { useCallback, useEffect, useState } from 'react';
import { toErrorDetails } from '../ui/error-notice';
import { pause } from './client';
import { useLostSince } from './session-context';

/** The latest data of a live subscription, and whether it is live. */
export interface LiveSubscription<Data> {
  /** The latest data; kept while the subscription is not live. */
  readonly data: Data | undefined;
  /** Why the subscription has ended, or why a part of the latest data is missing. */
  readonly error: ErrorLike | undefined;
  /** When updates stopped; undefined while they arrive. */
  readonly stoppedSince: Date | undefined;
  /** Whether the gateway has completed the subscription, because its object was deleted. */
  readonly isCompleted: boolean;
  readonly restart: () => void;
}

interface State<Data> {
  readonly data?: Data;
  readonly error?: ErrorLike | undefined;
  readonly stoppedSince?: Date | undefined;
  readonly isCompleted?: boolean;
}

/**
 * Subscribes, and subscribes again after an error, for as long as the component is mounted. The first event of a subscription is the
 * current state, so nothing is missed. Gives up only if there is nothing with that id. `variables` must be memoized.
 */
export function useLiveSubscription<Data, Variables extends OperationVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): LiveSubscription<Data> {
  const client = useApolloClient();
  const lostSince = useLostSince();
  const [state, setState] = useState<State<Data>>({});
  const [run, setRun] = useState(0);
  const restart = useCallback(() => {
    setRun((run) => run + 1);
  }, []);

  useEffect(() => {
    const ending = new AbortController();
    let retries = 0;
    const stop = async (error: ErrorLike | undefined): Promise<void> => {
      setState(({ data, stoppedSince = new Date() }) => ({ ...(data !== undefined && { data }), error, stoppedSince }));
      if (isMissing(error)) return;
      await pause(retries++, ending.signal);
      if (!ending.signal.aborted) start();
    };
    const start = (): void => {
      let hasStopped = false;
      // `all` delivers data whose parts could not be read together with the errors. Each event is whole, so no cache is needed.
      const subscription = client
        .subscribe<Data>({ query: document, variables, errorPolicy: 'all', fetchPolicy: 'no-cache' })
        .subscribe({
          next: ({ data, error }) => {
            if (data === undefined) {
              hasStopped = true;
              void stop(error);
              return;
            }
            retries = 0;
            setState({ data, error });
          },
          complete: () => {
            if (!hasStopped) setState((state) => ({ ...state, isCompleted: true }));
          },
        });
      ending.signal.addEventListener('abort', () => {
        subscription.unsubscribe();
      });
    };
    start();
    return () => {
      ending.abort();
    };
  }, [client, document, variables, run]);

  const { data, error, stoppedSince = lostSince, isCompleted = false } = state;
  return { data, error, stoppedSince: isCompleted ? undefined : stoppedSince, isCompleted, restart };
}

/** Returns whether the error says that the environment has nothing with that id. */
export function isMissing(error: ErrorLike | undefined): boolean {
  return error !== undefined && toErrorDetails(error).some(({ code }) => code === 'NOT_FOUND');
}
