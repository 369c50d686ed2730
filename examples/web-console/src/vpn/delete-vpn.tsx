// Deletes a VPN, once its name has been typed: what it connects is cut off.
import { useMutation } from '@apollo/client/react';
import { Trash2 } from 'lucide-react';
import { useState } from 'react';
import { Dialog, DialogTrigger, Form, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { unmask } from '../gql';
import { DeleteSiteToSiteVpnDocument, TaskProgressFragmentDoc } from '../gql/graphql';
import { Button } from '../ui/buttons';
import { MutationProblems } from '../ui/mutation-problems';
import { TextField } from '../ui/text-field';
import type { DeedProps } from './reset-vpn';

/** What the dialog is made of. */
export interface DeleteVpnProps extends DeedProps {
  /** Called where the VPN is gone without a task. */
  readonly onGone: () => void;
}

/** The button, and the dialog that it opens. */
export function DeleteVpn({ environment, id, name, isDisabled, onTask, onGone }: DeleteVpnProps) {
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
    } else if (payload?.deletedSiteToSiteVpnId) onGone();
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
      <ModalOverlay className="overlay" isDismissable>
        <Modal className="dialog card">
          <Dialog role="alertdialog">
            <Heading slot="title" level={2}>
              Delete {name}?
            </Heading>
            <p>
              The two networks are no longer connected, and its settings and its key are gone. This cannot be undone.
            </p>
            <Form
              className="form"
              onSubmit={(event) => {
                event.preventDefault();
                if (typed === name && !loading) void submit();
              }}
            >
              <TextField
                label="Name of the VPN"
                description={`Type ${name} to go on.`}
                autoComplete="off"
                autoFocus
                value={typed}
                onChange={setTyped}
              />
              <MutationProblems
                title="It was not deleted"
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
          </Dialog>
        </Modal>
      </ModalOverlay>
    </DialogTrigger>
  );
}
