// The page that creates a VPN: shows the form, then the task's progress, then opens the VPN's page.
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { useEnvironment } from '../environments/use-environment';
import { TaskProgress, type TrackedTask } from '../tasks/task-progress';
import { Page } from '../ui/page';
import { CreateForm } from './create-form';

/** Renders the form or the progress of its task. */
export default function CreatePage() {
  const { environment, path } = useEnvironment();
  const navigate = useNavigate();
  const [task, setTask] = useState<TrackedTask>();
  return (
    <Page
      title="Create a VPN"
      lead="Both ends need the same settings. The page of the new VPN has a configuration file for the remote end."
      back={{ href: path, label: environment.name }}
    >
      {task && (
        <TaskProgress
          environment={environment}
          task={task}
          onDone={(vpnId) => void navigate(vpnId === undefined ? path : `${path}/vpns/${vpnId}`)}
          onDismiss={() => {
            setTask(undefined);
          }}
        />
      )}
      {/* Hidden, not unmounted: if the task fails, the user's input is still there. */}
      <div hidden={task !== undefined}>
        <CreateForm environment={environment} path={path} onTask={setTask} />
      </div>
    </Page>
  );
}
