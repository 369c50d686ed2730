// One VPN, live: all there is to know of it, and what can be done with it.
import { useSubscription } from '@apollo/client/react';
import { useState } from 'react';
import { useNavigate, useParams } from 'react-router';
import { useEnvironment } from '../environments/use-environment';
import { graphql } from '../gql';
import { TaskProgress, type TaskToFollow } from '../tasks/task-progress';
import { Loading } from '../ui/loading';
import { Notice } from '../ui/notice';
import { Page } from '../ui/page';
import { Problems, toProblems } from '../ui/problems';
import { useLast } from '../ui/use-last';
import { LiveMark } from '../vpns/live-mark';
import { VpnState } from '../vpns/vpn-state';
import { Advisories } from './advisories';
import { Attributes } from './attributes';
import { DeleteVpn } from './delete-vpn';
import { KeyPanel } from './key-panel';
import { RemoteEnd } from './remote-end';
import { ResetVpn } from './reset-vpn';
import { useKey } from './use-key';

// Everything but the key, which is only asked for when somebody wants to see it.
const VpnUpdated = graphql(`
  subscription VpnUpdated($environment: EnvironmentInput!, $id: ID!) {
    siteToSiteVpnUpdated(environment: $environment, id: $id) {
      id
      name
      state
      ...Attributes_vpn
      ...Advisories_vpn
      ...RemoteEnd_vpn
    }
  }
`);

/** The page of a VPN. */
export default function VpnPage() {
  const { id = '' } = useParams();
  // Another VPN is another page: neither its key nor its task stays.
  return <VpnOf key={id} id={id} />;
}

function VpnOf({ id }: { readonly id: string }) {
  const { environment, path } = useEnvironment();
  const navigate = useNavigate();
  const [isGone, setGone] = useState(false);
  const [task, setTask] = useState<TaskToFollow>();
  const vpnKey = useKey(environment, id);
  const { data, error, loading, restart } = useSubscription(VpnUpdated, {
    variables: { environment, id },
    errorPolicy: 'all',
    onComplete: () => {
      setGone(true);
    },
  });
  const vpn = useLast(data?.siteToSiteVpnUpdated);
  const back = { href: path, label: environment.name };
  const isPartial = error !== undefined && data?.siteToSiteVpnUpdated !== undefined;

  if (!vpn) {
    const isMissing = error !== undefined && toProblems(error).some(({ code }) => code === 'NOT_FOUND');
    return (
      <Page title="VPN" back={back}>
        {isMissing && (
          <Notice tone="info" title="There is no such VPN">
            It may have been deleted.
          </Notice>
        )}
        {error !== undefined && !isMissing && (
          <Problems title="The VPN cannot be shown" error={error} onRetry={restart} />
        )}
        {loading && <Loading what="the VPN" rows={6} />}
      </Page>
    );
  }

  const hasStopped = error !== undefined && !isPartial;
  const wasDeleted = isGone && !hasStopped;
  const deed = { environment, id, name: vpn.name, isDisabled: task !== undefined };
  const canReset = vpn.state === 'DISCONNECTED' || vpn.state === 'ERROR';
  return (
    <Page
      // What is shown first is a page without a name; the name's comes with a heading of its own.
      key="named"
      title={vpn.name}
      back={back}
      badge={
        <>
          <VpnState state={vpn.state} />
          <LiveMark isStopped={hasStopped || wasDeleted} />
        </>
      }
      actions={
        !wasDeleted && (
          <>
            {canReset && <ResetVpn {...deed} onTask={setTask} />}
            <DeleteVpn {...deed} onTask={setTask} onGone={() => void navigate(path)} />
          </>
        )
      }
    >
      {wasDeleted && (
        <Notice tone="info" title="This VPN has been deleted">
          What is shown below is how it was.
        </Notice>
      )}
      {error !== undefined && (
        <Problems
          title={isPartial ? 'Some of what is shown here is missing' : 'The page is not kept up to date any more'}
          error={error}
          tone="warning"
          onRetry={restart}
        />
      )}
      {task && (
        <TaskProgress
          key={task.id}
          environment={environment}
          task={task}
          onDone={() => {
            setTask(undefined);
            if (task.kind === 'delete') void navigate(path);
          }}
          onDismiss={() => {
            setTask(undefined);
          }}
        />
      )}
      <div className="columns">
        <Attributes vpn={vpn} />
        <div className="column">
          <KeyPanel vpnKey={vpnKey} />
          <Advisories vpn={vpn} />
        </div>
        <RemoteEnd vpn={vpn} vpnKey={vpnKey} />
      </div>
    </Page>
  );
}
