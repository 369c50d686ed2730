// The page of one VPN: its attributes, updated by a subscription, and its actions.
import { useMemo, useState } from 'react';
import { useNavigate, useParams } from 'react-router';
import { useEnvironment } from '../environments/use-environment';
import { graphql } from '../gql';
import { isMissing, useLiveSubscription } from '../session/use-live-subscription';
import { TaskProgress, type TrackedTask } from '../tasks/task-progress';
import { ErrorNotice } from '../ui/error-notice';
import { Loading } from '../ui/loading';
import { Notice } from '../ui/notice';
import { Page } from '../ui/page';
import { LiveIndicator } from '../vpns/live-indicator';
import { VpnState } from '../vpns/vpn-state';
import { Advisories } from './advisories';
import { Attributes } from './attributes';
import { DeleteVpn } from './delete-vpn';
import { KeyPanel } from './key-panel';
import { RemoteEnd } from './remote-end';
import { ResetVpn } from './reset-vpn';
import { useVpnKey } from './use-vpn-key';

// Selects everything except the pre-shared key, which is queried only when the user shows it.
const VpnUpdated = graphql(`
  subscription VpnUpdated($environment: EnvironmentInput!, $id: ID!) {
    siteToSiteVpnUpdated(environment: $environment, id: $id) {
      id
      name
      state
      ...Attributes_vpn
      ...Advisories_vpn
    }
  }
`);

/** Renders the page of the VPN that the URL names. */
export default function VpnPage() {
  const { id = '' } = useParams();
  // The key remounts the component for another VPN, which discards the shown pre-shared key and the task.
  return <VpnDetails key={id} id={id} />;
}

function VpnDetails({ id }: { readonly id: string }) {
  const { environment, path } = useEnvironment();
  const navigate = useNavigate();
  const [task, setTask] = useState<TrackedTask>();
  const vpnKey = useVpnKey(environment, id);
  const variables = useMemo(() => ({ environment, id }), [environment, id]);
  const { data, error, stoppedSince, isCompleted, restart } = useLiveSubscription(VpnUpdated, variables);
  const vpn = data?.siteToSiteVpnUpdated;
  const back = { href: path, label: environment.name };

  if (!vpn) {
    return (
      <Page title="VPN" back={back}>
        {isMissing(error) && (
          <Notice tone="info" title="There is no such VPN">
            It may have been deleted.
          </Notice>
        )}
        {error !== undefined && !isMissing(error) && (
          <ErrorNotice title="The VPN cannot be shown" error={error} onRetry={restart} />
        )}
        {error === undefined && <Loading what="the VPN" rows={6} />}
      </Page>
    );
  }

  const actionProps = { environment, id, name: vpn.name, isDisabled: task !== undefined };
  const canReset = vpn.state === 'DISCONNECTED' || vpn.state === 'ERROR';
  return (
    <Page
      // Another key than the unnamed page's, so the heading remounts and takes the focus once the name is loaded.
      key="named"
      title={vpn.name}
      back={back}
      badge={
        <>
          <VpnState state={vpn.state} />
          {!isCompleted && <LiveIndicator stoppedSince={stoppedSince} />}
        </>
      }
      actions={
        !isCompleted && (
          <>
            {canReset && <ResetVpn {...actionProps} onTask={setTask} />}
            <DeleteVpn {...actionProps} onTask={setTask} onDeleted={() => void navigate(path)} />
          </>
        )
      }
    >
      {isCompleted && (
        <Notice tone="info" title="This VPN has been deleted">
          Below is its last known state.
        </Notice>
      )}
      {error !== undefined && (
        <ErrorNotice
          title={
            stoppedSince === undefined
              ? 'Some data could not be loaded'
              : 'The page has stopped updating. It tries again by itself'
          }
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
        <RemoteEnd environment={environment} id={id} />
      </div>
    </Page>
  );
}
