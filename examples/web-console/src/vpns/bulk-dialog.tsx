// The dialog that resets or deletes several VPNs, after one confirmation that names them.
import { useApolloClient } from '@apollo/client/react';
import { CircleAlert, CircleCheck, Minus } from 'lucide-react';
import { useState } from 'react';
import { Form } from 'react-aria-components';
import { unmask } from '../gql';
import {
  DeleteSiteToSiteVpnDocument,
  type EnvironmentInput,
  FormErrorFragmentDoc,
  ResetSiteToSiteVpnDocument,
} from '../gql/graphql';
import { AlertDialog } from '../ui/alert-dialog';
import { Button } from '../ui/buttons';
import { toErrorDetails } from '../ui/error-notice';
import { TextField } from '../ui/text-field';
import { useToast } from '../ui/toasts';
import type { BulkAction } from './bulk-bar';
import type { ListedVpn } from './list-view';
import { VpnState } from './vpn-state';

type Progress = 'waiting' | 'sent' | { readonly reason: string };

const words = {
  reset: {
    verb: 'Reset',
    running: 'being reset',
    warning: 'A reset interrupts the tunnels for some seconds. Those that are connected are interrupted too.',
  },
  delete: {
    verb: 'Delete',
    running: 'being deleted',
    warning: 'This disconnects the networks and deletes the VPNs’ settings and keys. You cannot undo it.',
  },
} as const satisfies Record<BulkAction, unknown>;

interface BulkDialogProps {
  readonly action: BulkAction;
  readonly vpns: readonly (ListedVpn & { readonly id: string })[];
  readonly environment: EnvironmentInput;
  /** Called when the dialog closes, with whether the action was started. */
  readonly onClose: (isDone: boolean) => void;
}

/** Renders the confirmation, then the progress of each VPN. */
export default function BulkDialog({ action, vpns: selected, environment, onClose }: BulkDialogProps) {
  // The list goes on changing while the dialog is open.
  const [vpns] = useState(selected);
  const [typed, setTyped] = useState('');
  const [progress, setProgress] = useState<ReadonlyMap<string, Progress>>();
  const { send } = useBulk(environment, action);
  const toast = useToast();
  const { verb, running, warning } = words[action];
  const noun = `${vpns.length} VPN${vpns.length === 1 ? '' : 's'}`;
  const isConfirmed = action === 'reset' || typed.trim() === String(vpns.length);
  const isRunning = progress !== undefined && [...progress.values()].includes('waiting');

  const run = async (): Promise<void> => {
    let latest = new Map<string, Progress>(vpns.map(({ id }) => [id, 'waiting']));
    setProgress(latest);
    // One after another: a burst of writes may exceed the REST API's rate limit.
    for (const { id } of vpns) {
      latest = new Map(latest).set(id, await send(id));
      setProgress(latest);
    }
    const failed = [...latest.values()].filter((state) => state !== 'sent').length;
    const sent = vpns.length - failed;
    if (sent > 0) toast(`${sent} VPN${sent === 1 ? ' is' : 's are'} ${running}.`);
    if (failed === 0) onClose(true);
  };
  const close = (): void => {
    if (!isRunning) onClose(progress !== undefined);
  };

  return (
    <AlertDialog
      title={`${verb} ${noun}?`}
      isOpen
      onOpenChange={(isOpen) => {
        if (!isOpen) close();
      }}
    >
      <p>{warning}</p>
      <ul className="bulk-list">
        {vpns.map(({ id, name, state }) => (
          <li key={id}>
            <span>
              <strong>{name}</strong>
              <Outcome progress={progress?.get(id)} />
            </span>
            {progress === undefined && <VpnState state={state} />}
          </li>
        ))}
      </ul>
      <Form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (isConfirmed && progress === undefined) void run();
        }}
      >
        {action === 'delete' && progress === undefined && (
          <TextField
            label="Number of VPNs"
            description={`Type ${vpns.length} to confirm.`}
            inputMode="numeric"
            autoComplete="off"
            autoFocus
            value={typed}
            onChange={setTyped}
          />
        )}
        <div className="actions">
          <Button isDisabled={isRunning} autoFocus={action === 'reset'} onPress={close}>
            {progress === undefined ? 'Cancel' : 'Close'}
          </Button>
          {(progress === undefined || isRunning) && (
            <Button
              tone={action === 'delete' ? 'danger' : 'primary'}
              className="button-solid"
              type="submit"
              isDisabled={!isConfirmed}
              isPending={isRunning}
            >
              {verb} {noun}
            </Button>
          )}
        </div>
      </Form>
    </AlertDialog>
  );
}

function Outcome({ progress }: { readonly progress: Progress | undefined }) {
  if (progress === undefined) return null;
  if (progress === 'waiting') {
    return (
      <span className="bulk-outcome muted">
        <Minus aria-hidden /> Waiting
      </span>
    );
  }
  if (progress === 'sent') {
    return (
      <span className="bulk-outcome bulk-sent">
        <CircleCheck aria-hidden /> Accepted
      </span>
    );
  }
  return (
    <span className="bulk-outcome bulk-failed" role="alert">
      <CircleAlert aria-hidden /> {progress.reason}
    </span>
  );
}

/** Returns a function that sends the write for one VPN, and returns whether it was accepted, or why not. */
function useBulk(environment: EnvironmentInput, action: BulkAction) {
  const client = useApolloClient();
  const send = async (id: string): Promise<Progress> => {
    const variables = { input: { environment, id } };
    const options = { variables, errorPolicy: 'all', fetchPolicy: 'no-cache' } as const;
    const { payload, error } = await (action === 'reset'
      ? client
          .mutate({ mutation: ResetSiteToSiteVpnDocument, ...options })
          .then(({ data, error }) => ({ payload: data?.resetSiteToSiteVpn, error }))
      : client
          .mutate({ mutation: DeleteSiteToSiteVpnDocument, ...options })
          .then(({ data, error }) => ({ payload: data?.deleteSiteToSiteVpn, error })));
    // With a payload, the write stands, even if a part of the response is missing.
    if (!payload)
      return {
        reason: error
          ? toErrorDetails(error)
              .map(({ message }) => message)
              .join(' ')
          : 'No response.',
      };
    const reasons = unmask(FormErrorFragmentDoc, payload.userErrors).map(({ message }) => message);
    return reasons.length === 0 ? 'sent' : { reason: reasons.join(' ') };
  };
  return { send };
}
