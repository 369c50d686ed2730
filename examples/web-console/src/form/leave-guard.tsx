// Asks before a page is left whose form has unsaved changes.
import { useEffect, useState } from 'react';
import { setLeaveGuard } from '../session/leave-guard';
import { AlertDialog } from '../ui/alert-dialog';
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
    <AlertDialog
      title="Leave without saving?"
      isOpen={leave !== undefined}
      onOpenChange={(isOpen) => {
        if (!isOpen) stay();
      }}
    >
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
    </AlertDialog>
  );
}
