// The page of one VPN: its attributes, updated by a subscription, and its actions.
import { Pencil } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useNavigate, useParams } from 'react-router';
import { useEnvironment } from '../environments/use-environment';
import { graphql } from '../gql';
import { isMissing, useLiveSubscription } from '../session/use-live-subscription';
import { phrases, TaskProgress } from '../tasks/task-progress';
import { ButtonLink } from '../ui/buttons';
import { ErrorNotice } from '../ui/error-notice';
import { Loading } from '../ui/loading';
import { MutationErrors } from '../ui/mutation-errors';
import { Notice } from '../ui/notice';
import { Page } from '../ui/page';
import { useToast } from '../ui/toasts';
import { LiveIndicator } from '../vpns/live-indicator';
import { stateLabels, VpnState } from '../vpns/vpn-state';
import { Advisories } from './advisories';
import { Attributes } from './attributes';
import { ChangeKey } from './change-key';
import { DeleteVpn } from './delete-vpn';
import { HistoryPanel, useHistory, useRecorded } from './history';
import { KeyPanel } from './key-panel';
import { MissingVpn } from './missing-vpn';
import { NetworkPanel } from './network-panel';
import { RemoteEnd } from './remote-end';
import { ResetButton, useReset } from './reset-vpn';
import { takeTask } from './tracked-task';
import { useVpnNetworks } from './use-vpn-networks';
import { useVpnKey } from './use-vpn-key';

// Selects everything except the pre-shared key, which is queried only when the user shows it.
const VpnUpdated = graphql(`
  subscription VpnUpdated($environment: EnvironmentInput!, $id: ID!) {
    siteToSiteVpnUpdated(environment: $environment, id: $id) {
      id
      name
      state
      gateway
      cidr
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
  const toast = useToast();
  const history = useHistory();
  const [task, setTask] = useState(() => takeTask(id));
  const [failedTaskId, setFailedTaskId] = useState<string>();
  const [isKeyChanged, setKeyChanged] = useState(false);
  const vpnKey = useVpnKey(environment, id);
  const variables = useMemo(() => ({ environment, id }), [environment, id]);
  const { data, error, stoppedSince, isCompleted, restart } = useLiveSubscription(VpnUpdated, variables);
  const vpn = data?.siteToSiteVpnUpdated;
  const name = vpn?.name ?? 'The VPN';
  const networks = useVpnNetworks(environment, id, vpn ? [vpn.name, vpn.state, vpn.gateway, vpn.cidr].join(' ') : '');
  const reset = useReset(environment, id, (taskId) => {
    setKeyChanged(false);
    if (taskId === undefined) toast(`${name} has been reset.`);
    else setTask({ id: taskId, kind: 'reset', name });
  });
  useRecorded(history, vpn && `State: ${stateLabels[vpn.state]}`);
  useRecorded(history, task && `${task.name} ${phrases[task.kind].running}`);
  useRecorded(history, vpn && stoppedSince && 'Not live: changes may be missing here');
  useRecorded(history, isCompleted ? 'Deleted' : undefined);
  const back = { href: path, label: environment.name };

  if (!vpn) {
    return (
      <Page title="VPN" back={back}>
        {isMissing(error) && <MissingVpn path={path} />}
        {error !== undefined && !isMissing(error) && (
          <ErrorNotice title="The VPN cannot be shown" error={error} onRetry={restart} />
        )}
        {error === undefined && <Loading what="the VPN" rows={6} />}
      </Page>
    );
  }

  // The message of a failed task stays until the user dismisses it, or starts another.
  const isBusy = task !== undefined && task.id !== failedTaskId;
  const actionProps = { environment, id, name: vpn.name, isDisabled: isBusy, onTask: setTask };
  const canReset = vpn.state !== 'CONNECTED';
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
            {canReset && <ResetButton reset={reset} isDisabled={isBusy} />}
            <ButtonLink tone="plain" href={`${path}/vpns/${id}/edit`} icon={Pencil}>
              Edit
            </ButtonLink>
            <DeleteVpn
              {...actionProps}
              onDeleted={() => {
                toast(`${vpn.name} has been deleted.`);
                void navigate(path);
              }}
            />
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
      <MutationErrors title="The VPN was not reset" error={reset.error} userErrors={reset.userErrors} />
      {task && (
        <TaskProgress
          key={task.id}
          environment={environment}
          task={task}
          onDone={() => {
            history.record(`${task.name} ${phrases[task.kind].done}`);
            setTask(undefined);
            if (task.kind === 'delete') void navigate(path);
          }}
          onFailed={(reason) => {
            setFailedTaskId(task.id);
            history.record(`${task.name} ${phrases[task.kind].failed}. ${reason}`);
          }}
          onDismiss={() => {
            setTask(undefined);
          }}
        />
      )}
      {isKeyChanged && !task && (
        <Notice
          tone="info"
          title="The key has been changed"
          actions={<ResetButton reset={reset} isDisabled={isCompleted} />}
        >
          <p>Configure the other end with the new key, then reset the VPN.</p>
        </Notice>
      )}
      <div className="columns">
        <Attributes vpn={vpn} />
        <div className="column">
          <NetworkPanel path={path} networks={networks} />
          <KeyPanel vpnKey={vpnKey}>
            {!isCompleted && (
              <ChangeKey
                {...actionProps}
                onChanged={() => {
                  vpnKey.hide();
                  setKeyChanged(true);
                }}
              />
            )}
          </KeyPanel>
          <Advisories vpn={vpn} />
          <HistoryPanel history={history} />
        </div>
        <RemoteEnd environment={environment} id={id} networks={networks} />
      </div>
    </Page>
  );
}
