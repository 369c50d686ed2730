// Subscribes to a task and shows its progress until it ends.
import { X } from 'lucide-react';
import { useEffect, useEffectEvent, useMemo } from 'react';
import { ProgressBar } from 'react-aria-components';
import { unmask } from '../gql';
import {
  type EnvironmentInput,
  SiteToSiteVpnRowFragmentDoc,
  TaskProgressFragmentDoc,
  TaskUpdatedDocument,
} from '../gql/graphql';
import { useLiveSubscription } from '../session/use-live-subscription';
import { Button } from '../ui/buttons';
import { ErrorNotice } from '../ui/error-notice';
import { Notice } from '../ui/notice';
import { Reveal } from '../ui/reveal';
import { useToast } from '../ui/toasts';

/** A task that the page tracks. */
export interface TrackedTask {
  readonly id: string;
  readonly kind: 'create' | 'update' | 'reset' | 'delete';
  /** Name of the VPN. */
  readonly name: string;
}

/** Predicates about a VPN while its task runs, and once it has ended. */
export const phrases = {
  create: { running: 'is being set up', done: 'has been created', failed: 'could not be created' },
  update: { running: 'is being changed', done: 'has been changed', failed: 'could not be changed' },
  reset: { running: 'is being reset', done: 'has been reset', failed: 'could not be reset' },
  delete: { running: 'is being deleted', done: 'has been deleted', failed: 'could not be deleted' },
} as const satisfies Record<TrackedTask['kind'], unknown>;

interface TaskProgressProps {
  readonly environment: EnvironmentInput;
  readonly task: TrackedTask;
  /** Called once the task has succeeded, with the id of its VPN if the task names one. */
  readonly onDone: (vpnId: string | undefined) => void;
  /** Called once the task has failed, with the REST API's reasons. */
  readonly onFailed?: (reason: string) => void;
  /** Called when the user dismisses the task's error. */
  readonly onDismiss: () => void;
}

/** Renders a progress bar while the task runs, or its errors once it has failed. */
export function TaskProgress({
  environment,
  task: { id, kind, name },
  onDone,
  onFailed,
  onDismiss,
}: TaskProgressProps) {
  const variables = useMemo(() => ({ environment, id }), [environment, id]);
  const { data, error, restart } = useLiveSubscription(TaskUpdatedDocument, variables);
  const task = unmask(TaskProgressFragmentDoc, data?.taskUpdated);
  const isDone = task?.status === 'SUCCESS';
  const vpnId = unmask(SiteToSiteVpnRowFragmentDoc, data?.taskUpdated.siteToSiteVpn)?.id;
  const toast = useToast();
  const { running, done, failed } = phrases[kind];
  const notifyDone = useEffectEvent((vpnId: string | undefined) => {
    toast(`${name} ${done}.`);
    onDone(vpnId);
  });
  useEffect(() => {
    if (isDone) notifyDone(vpnId);
  }, [isDone, vpnId]);

  const failure = task?.status === 'FAILED' ? task.errors.map(({ message }) => message).join(' ') : undefined;
  const notifyFailed = useEffectEvent((reason: string) => onFailed?.(reason));
  useEffect(() => {
    if (failure !== undefined) notifyFailed(failure);
  }, [failure]);

  if (error !== undefined && !task) {
    return (
      <ErrorNotice
        title="The task’s progress is unavailable. The task continues"
        error={error}
        tone="warning"
        onRetry={restart}
      />
    );
  }
  if (task?.status === 'FAILED') {
    return (
      <Reveal>
        <Notice
          tone="error"
          title={`${name} ${failed}`}
          actions={
            <Button icon={X} onPress={onDismiss}>
              Dismiss
            </Button>
          }
        >
          {task.errors.map(({ message }) => (
            <p key={message}>{message}</p>
          ))}
        </Notice>
      </Reveal>
    );
  }
  return (
    <Reveal>
      <ProgressBar className="task card" isIndeterminate aria-label={`${name} ${running}`}>
        <span role="status">
          <strong>{name}</strong> {running}…
        </span>
        <span className="task-bar">
          <span className="task-fill" />
        </span>
      </ProgressBar>
    </Reveal>
  );
}
