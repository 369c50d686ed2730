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

/** A task that the page tracks. */
export interface TrackedTask {
  readonly id: string;
  readonly kind: 'create' | 'reset' | 'delete';
  /** Name of the VPN. */
  readonly name: string;
}

const phrases = {
  create: { running: 'is being set up', failed: 'could not be created' },
  reset: { running: 'is being reset', failed: 'could not be reset' },
  delete: { running: 'is being deleted', failed: 'could not be deleted' },
} as const satisfies Record<TrackedTask['kind'], unknown>;

export interface TaskProgressProps {
  readonly environment: EnvironmentInput;
  readonly task: TrackedTask;
  /** Called once the task has succeeded, with the id of its VPN if the task names one. */
  readonly onDone: (vpnId: string | undefined) => void;
  /** Called when the user dismisses the task's error. */
  readonly onDismiss: () => void;
}

/** Renders a progress bar while the task runs, or its errors once it has failed. */
export function TaskProgress({ environment, task: { id, kind, name }, onDone, onDismiss }: TaskProgressProps) {
  const variables = useMemo(() => ({ environment, id }), [environment, id]);
  const { data, error, restart } = useLiveSubscription(TaskUpdatedDocument, variables);
  const task = unmask(TaskProgressFragmentDoc, data?.taskUpdated);
  const isDone = task?.status === 'SUCCESS';
  const vpnId = unmask(SiteToSiteVpnRowFragmentDoc, data?.taskUpdated.siteToSiteVpn)?.id;
  const notifyDone = useEffectEvent(onDone);
  useEffect(() => {
    if (isDone) notifyDone(vpnId);
  }, [isDone, vpnId]);
  const { running, failed } = phrases[kind];

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
    );
  }
  return (
    <ProgressBar className="task card" isIndeterminate aria-label={`${name} ${running}`}>
      <span role="status">
        <strong>{name}</strong> {running}…
      </span>
      <span className="task-bar">
        <span className="task-fill" />
      </span>
    </ProgressBar>
  );
}
