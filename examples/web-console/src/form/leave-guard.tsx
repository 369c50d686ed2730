// Asks before a page is left whose form has unsaved changes.
import { useEffect, useState } from 'react';
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { setLeaveGuard } from '../session/leave-guard';
import { Button } from '../ui/buttons';

/** Renders nothing until the user leaves while `isDirty`, then a dialog. The browser asks itself before a reload. */
export function LeaveGuard({ isDirty }: { readonly isDirty: boolean }) {
  const [leave, setLeave] = useState<() => void>();
  useEffect(() => {
    if (!isDirty) return;
    const ask = (event: BeforeUnloadEvent): void => {
      event.preventDefault();
    };
    addEventListener('beforeunload', ask);
    const release = setLeaveGuard((proceed) => {
      setLeave(() => proceed);
    });
    return () => {
      removeEventListener('beforeunload', ask);
      release();
    };
  }, [isDirty]);
  const stay = (): void => {
    setLeave(undefined);
  };
  return (
    <ModalOverlay
      className="overlay"
      isOpen={leave !== undefined}
      onOpenChange={(isOpen) => {
        if (!isOpen) stay();
      }}
    >
      <Modal className="dialog card">
        <Dialog role="alertdialog">
          <Heading slot="title" level={2}>
            Leave without saving?
          </Heading>
          <p>What you have entered is lost.</p>
          <div className="actions">
            <Button autoFocus onPress={stay}>
              Stay
            </Button>
            <Button
              tone="danger"
              className="button-solid"
              onPress={() => {
                stay();
                leave?.();
              }}
            >
              Leave
            </Button>
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
