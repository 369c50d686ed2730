// The console's buttons: styled wrappers around React Aria's.
import { Check, Copy, LoaderCircle, type LucideIcon } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { Button as AriaButton, type ButtonProps as AriaButtonProps, Link } from 'react-aria-components';

interface ButtonProps extends Omit<AriaButtonProps, 'children' | 'className'> {
  readonly tone?: 'primary' | 'plain' | 'quiet' | 'danger';
  readonly icon?: LucideIcon;
  readonly className?: string;
  readonly children: ReactNode;
}

/** Renders a button. While pending, it keeps the focus and ignores presses. */
export function Button(props: ButtonProps) {
  const { tone = 'plain', icon, isPending = false, className = '', type, onPress, children, ...others } = props;
  const Icon = isPending ? LoaderCircle : icon;
  return (
    <AriaButton
      {...others}
      // React Aria's isPending is not used: it makes screen readers announce the button's name again, even after the button is removed.
      {...(isPending
        ? { 'aria-disabled': true, type: 'button' }
        : { ...(type && { type }), ...(onPress && { onPress }) })}
      className={`button button-${tone} ${isPending ? 'button-pending' : ''} ${className}`}
    >
      {Icon && <Icon aria-hidden />}
      {children}
    </AriaButton>
  );
}

/** Renders a link that looks like a button. */
export function ButtonLink(props: Pick<ButtonProps, 'tone' | 'icon' | 'children'> & { readonly href: string }) {
  const { href, tone = 'primary', icon: Icon, children } = props;
  return (
    <Link href={href} className={`button button-${tone}`}>
      {Icon && <Icon aria-hidden />}
      {children}
    </Link>
  );
}

/** Returns a function that copies a text, and its outcome for 3 s. */
function useCopy(text: string) {
  const [outcome, setOutcome] = useState<'copied' | 'denied'>();
  useEffect(() => {
    if (outcome === undefined) return;
    const timer = setTimeout(() => {
      setOutcome(undefined);
    }, 3_000);
    return () => {
      clearTimeout(timer);
    };
  }, [outcome]);
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => {
        setOutcome('copied');
      },
      () => {
        setOutcome('denied');
      },
    );
  };
  const status =
    outcome === 'copied'
      ? 'Copied'
      : outcome === 'denied'
        ? 'The browser blocked copying. Select the text and copy it.'
        : '';
  return { copy, status, Icon: outcome === 'copied' ? Check : Copy };
}

/** Renders a button that copies `text` to the clipboard, then shows the outcome for 3 s. */
export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const { copy, status, Icon } = useCopy(text);
  return (
    <>
      <Button icon={Icon} onPress={copy}>
        {label}
      </Button>
      <span role="status" className="copy-outcome">
        {status}
      </span>
    </>
  );
}

/** Renders a small button that copies `text`, e.g. beside an address. `what` completes its name: "Copy the gateway". */
export function CopyIcon({ text, what }: { readonly text: string; readonly what: string }) {
  const { copy, status, Icon } = useCopy(text);
  return (
    <>
      <AriaButton className="icon-button" aria-label={`Copy ${what}`} onPress={copy}>
        <Icon aria-hidden />
      </AriaButton>
      <span role="status" className="visually-hidden">
        {status}
      </span>
    </>
  );
}
