// The dialog that changes the pre-shared key of a VPN.
import { useMutation } from '@apollo/client/react';
import { KeyRound, RefreshCw } from 'lucide-react';
import { useState } from 'react';
import { DialogTrigger, Form } from 'react-aria-components';
import { toFormMessages } from '../form/field-messages';
import { generateKey } from '../form/generate-key';
import { defaultDraft } from '../form/draft';
import { unmask } from '../gql';
import { FormErrorFragmentDoc, TaskProgressFragmentDoc, UpdateSiteToSiteVpnDocument } from '../gql/graphql';
import { AlertDialog } from '../ui/alert-dialog';
import { Button, CopyButton } from '../ui/buttons';
import { ErrorNotice } from '../ui/error-notice';
import { Notice } from '../ui/notice';
import { TextField } from '../ui/text-field';
import type { VpnActionProps } from './reset-vpn';

interface ChangeKeyProps extends VpnActionProps {
  /** Called once the REST API has accepted the new key. */
  readonly onChanged: () => void;
}

/** Renders the button and its dialog. The new key is shown in the dialog only. */
export function ChangeKey({ environment, id, name, isDisabled, onTask, onChanged }: ChangeKeyProps) {
  const [isOpen, setOpen] = useState(false);
  const [key, setKey] = useState('');
  const [update, { data, error, loading, reset }] = useMutation(UpdateSiteToSiteVpnDocument, {
    errorPolicy: 'all',
    fetchPolicy: 'no-cache',
  });
  const payload = data?.updateSiteToSiteVpn;
  const userErrors = unmask(FormErrorFragmentDoc, payload?.userErrors) ?? [];
  const { fields, others } = toFormMessages(userErrors, { ...defaultDraft, ipSecPsk: key });
  const submit = async (): Promise<void> => {
    const { data } = await update({ variables: { input: { environment, id, ipSecPsk: key } } });
    const payload = data?.updateSiteToSiteVpn;
    if (payload?.userErrors.length !== 0) return;
    setOpen(false);
    setKey('');
    onChanged();
    const task = unmask(TaskProgressFragmentDoc, payload.task);
    if (task) onTask({ id: task.id, kind: 'update', name });
  };
  return (
    <DialogTrigger
      isOpen={isOpen}
      onOpenChange={(isOpen) => {
        setOpen(isOpen);
        setKey(isOpen ? generateKey() : '');
        reset();
      }}
    >
      <Button icon={KeyRound} isDisabled={isDisabled}>
        Change the key
      </Button>
      <AlertDialog title={`Change the key of ${name}`}>
        <p>
          The tunnel goes down until the other end has the same key. Copy it now, change it here, configure the other
          end, then reset the VPN.
        </p>
        <Form
          className="form"
          validationBehavior="aria"
          onSubmit={(event) => {
            event.preventDefault();
            if (!loading) void submit();
          }}
        >
          <TextField
            label="New key"
            description="Generated in this browser. You can enter your own."
            autoComplete="off"
            spellCheck="false"
            isRequired
            autoFocus
            className="mono-field"
            message={fields.ipSecPsk}
            value={key}
            onChange={setKey}
          />
          <div className="actions start">
            <CopyButton text={key} label="Copy the new key" />
            <Button
              icon={RefreshCw}
              onPress={() => {
                setKey(generateKey());
              }}
            >
              Generate another
            </Button>
          </div>
          {error !== undefined && !payload && <ErrorNotice title="The key was not changed" error={error} />}
          {others.length > 0 && (
            <Notice tone="error" title="The key was not changed">
              {others.map((message) => (
                <p key={message}>{message}</p>
              ))}
            </Notice>
          )}
          <div className="actions">
            <Button slot="close">Cancel</Button>
            <Button tone="primary" type="submit" isPending={loading}>
              Change the key
            </Button>
          </div>
        </Form>
      </AlertDialog>
    </DialogTrigger>
  );
}
