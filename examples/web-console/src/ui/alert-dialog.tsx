// The frame of a dialog that asks the user for a decision.
import type { ReactNode } from 'react';
import { Dialog, Heading, Modal, ModalOverlay, type ModalOverlayProps } from 'react-aria-components';

interface AlertDialogProps extends Pick<ModalOverlayProps, 'isOpen' | 'onOpenChange' | 'isDismissable'> {
  readonly title: ReactNode;
  readonly children: ReactNode;
}

/**
 * Renders a modal dialog: inside a `DialogTrigger`, or while `isOpen`. It takes the focus, Escape closes it, and the focus returns. A click
 * beside it closes it only if `isDismissable`.
 */
export function AlertDialog({ title, children, ...overlayProps }: AlertDialogProps) {
  return (
    <ModalOverlay {...overlayProps} className="overlay">
      <Modal className="dialog card">
        <Dialog role="alertdialog">
          <Heading slot="title" level={2}>
            {title}
          </Heading>
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
