// The button and dialog that delete a VPN. The user must type the VPN's name, because deleting disconnects the two networks.
import { useMutation } from '@apollo/client/react';
import { Trash2 } from 'lucide-react';
import { useState } from 'react';
import { DialogTrigger, Form } from 'react-aria-components';
import { unmask } from '../gql';
import { DeleteSiteToSiteVpnDocument, TaskProgressFragmentDoc } from '../gql/graphql';
import { AlertDialog } from '../ui/alert-dialog';
import { Button } from '../ui/buttons';
import { MutationErrors } from '../ui/mutation-errors';
import { TextField } from '../ui/text-field';
import type { VpnActionProps } from './reset-vpn';

interface DeleteVpnProps extends VpnActionProps {
  /** Called if the VPN was deleted without a task. */
  readonly onDeleted: () => void;
}

/** Renders the delete button and its confirmation dialog. */
export function DeleteVpn({ environment, id, name, isDisabled, onTask, onDeleted }: DeleteVpnProps) {
  const [isOpen, setOpen] = useState(false);
  const [typed, setTyped] = useState('');
  const [remove, { data, error, loading, reset }] = useMutation(DeleteSiteToSiteVpnDocument, { errorPolicy: 'all' });
  const submit = async (): Promise<void> => {
    const { data } = await remove({ variables: { input: { environment, id } } });
    const payload = data?.deleteSiteToSiteVpn;
    const task = unmask(TaskProgressFragmentDoc, payload?.task);
    if (task) {
      setOpen(false);
      onTask({ id: task.id, kind: 'delete', name });
    } else if (payload?.deletedSiteToSiteVpnId) onDeleted();
  };
  return (
    <DialogTrigger
      isOpen={isOpen}
      onOpenChange={(isOpen) => {
        setOpen(isOpen);
        setTyped('');
        reset();
      }}
    >
      <Button tone="danger" icon={Trash2} isDisabled={isDisabled}>
        Delete
      </Button>
      <AlertDialog title={`Delete ${name}?`} isDismissable>
        <p>This disconnects the two networks and deletes the VPN’s settings and key. You cannot undo it.</p>
        <Form
          className="form"
          onSubmit={(event) => {
            event.preventDefault();
            if (typed === name && !loading) void submit();
          }}
        >
          <TextField
            label="Name of the VPN"
            description={`Type ${name} to confirm.`}
            autoComplete="off"
            autoFocus
            value={typed}
            onChange={setTyped}
          />
          <MutationErrors
            title="The VPN was not deleted"
            error={error}
            userErrors={data?.deleteSiteToSiteVpn?.userErrors}
          />
          <div className="actions">
            <Button slot="close">Cancel</Button>
            <Button
              tone="danger"
              className="button-solid"
              type="submit"
              isDisabled={typed !== name}
              isPending={loading}
            >
              Delete
            </Button>
          </div>
        </Form>
      </AlertDialog>
    </DialogTrigger>
  );
}
