// A new VPN: the form, then the line that follows its task, then its page.
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { useEnvironment } from '../environments/use-environment';
import { TaskProgress, type TaskToFollow } from '../tasks/task-progress';
import { Page } from '../ui/page';
import { CreateForm } from './create-form';

/** The page that creates a VPN. */
export default function CreatePage() {
  const { environment, path } = useEnvironment();
  const navigate = useNavigate();
  const [task, setTask] = useState<TaskToFollow>();
  return (
    <Page
      title="Create a VPN"
      lead="Both ends must be set up alike. When it is there, its page has a file for the other end."
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
      {/* What was typed in stays, for the case that the task fails. */}
      <div hidden={task !== undefined}>
        <CreateForm environment={environment} path={path} onTask={setTask} />
      </div>
    </Page>
  );
}
