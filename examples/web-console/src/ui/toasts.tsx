// Short messages about what has succeeded, at the bottom of the window. They outlive a change of the page.
import { CircleCheck, X } from 'lucide-react';
import { createContext, type ReactNode, use, useCallback, useState } from 'react';
import { Button } from 'react-aria-components';

interface Toast {
  readonly id: number;
  readonly text: string;
}

/** Time for which a toast is shown, in milliseconds. */
const shownMs = 8_000;

const ToastContext = createContext<(text: string) => void>(() => undefined);

/** Returns a function that shows a message for 8 s. A screen reader announces it. */
export function useToast(): (text: string) => void {
  return use(ToastContext);
}

/** Provides `useToast`, and renders the messages. */
export function Toasts({ children }: { readonly children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const hide = useCallback((id: number) => {
    setToasts((toasts) => toasts.filter((toast) => toast.id !== id));
  }, []);
  const show = useCallback(
    (text: string) => {
      const id = performance.now();
      setToasts((toasts) => [...toasts, { id, text }]);
      setTimeout(() => {
        hide(id);
      }, shownMs);
    },
    [hide],
  );
  return (
    <ToastContext value={show}>
      {children}
      <div className="toasts" role="status">
        {toasts.map(({ id, text }) => (
          <div key={id} className="toast">
            <CircleCheck aria-hidden /> <span>{text}</span>
            <Button
              className="icon-button"
              aria-label="Hide this message"
              onPress={() => {
                hide(id);
              }}
            >
              <X aria-hidden />
            </Button>
          </div>
        ))}
      </div>
    </ToastContext>
  );
}
