// Follows a task to its end: a line that says how far it is.
import { useSubscription } from '@apollo/client/react';
import { X } from 'lucide-react';
import { useEffect, useEffectEvent } from 'react';
import { ProgressBar } from 'react-aria-components';
import { unmask } from '../gql';
import {
  type EnvironmentInput,
  SiteToSiteVpnRowFragmentDoc,
  TaskProgressFragmentDoc,
  TaskUpdatedDocument,
} from '../gql/graphql';
import { Button } from '../ui/buttons';
import { Notice } from '../ui/notice';
import { Problems } from '../ui/problems';

/** A task, and what it does. */
export interface TaskToFollow {
  readonly id: string;
  readonly kind: 'create' | 'reset' | 'delete';
  /** Name of the VPN. */
  readonly name: string;
}

const words = {
  create: { doing: 'is being set up', failed: 'could not be created' },
  reset: { doing: 'is being reset', failed: 'could not be reset' },
  delete: { doing: 'is being deleted', failed: 'could not be deleted' },
} as const satisfies Record<TaskToFollow['kind'], unknown>;

/** What the line is made of. */
export interface TaskProgressProps {
  readonly environment: EnvironmentInput;
  readonly task: TaskToFollow;
  /** Called once it has been carried out, with the id of its VPN where it names one. */
  readonly onDone: (vpnId: string | undefined) => void;
  /** Called when the person has read why it failed. */
  readonly onDismiss: () => void;
}

/** The line of a task. */
export function TaskProgress({ environment, task: { id, kind, name }, onDone, onDismiss }: TaskProgressProps) {
  const { data, error, restart } = useSubscription(TaskUpdatedDocument, {
    variables: { environment, id },
    errorPolicy: 'all',
  });
  const task = unmask(TaskProgressFragmentDoc, data?.taskUpdated);
  const isDone = task?.status === 'SUCCESS';
  const vpnId = unmask(SiteToSiteVpnRowFragmentDoc, data?.taskUpdated.siteToSiteVpn)?.id;
  const whenDone = useEffectEvent(onDone);
  useEffect(() => {
    if (isDone) whenDone(vpnId);
  }, [isDone, vpnId]);
  const { doing, failed } = words[kind];

  if (error !== undefined && !task) {
    return (
      <Problems
        title="It cannot be seen how far the task is; it goes on by itself"
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
    <ProgressBar className="task card" isIndeterminate aria-label={`${name} ${doing}`}>
      <span role="status">
        <strong>{name}</strong> {doing}…
      </span>
      <span className="task-bar">
        <span className="task-fill" />
      </span>
    </ProgressBar>
  );
}
