// The console's buttons: styled wrappers around React Aria's.
import { Check, Copy, LoaderCircle, type LucideIcon } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { Button as AriaButton, type ButtonProps as AriaButtonProps, Link } from 'react-aria-components';

export interface ButtonProps extends Omit<AriaButtonProps, 'children' | 'className'> {
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
export function ButtonLink({ href, icon: Icon, children }: Pick<ButtonProps, 'icon' | 'children'> & { href: string }) {
  return (
    <Link href={href} className="button button-primary">
      {Icon && <Icon aria-hidden />}
      {children}
    </Link>
  );
}

/** Renders a button that copies `text` to the clipboard, then shows the outcome for 3 s. */
export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
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
  return (
    <>
      <Button icon={outcome === 'copied' ? Check : Copy} onPress={copy}>
        {label}
      </Button>
      <span role="status" className="copy-outcome">
        {outcome === 'copied' && 'Copied'}
        {outcome === 'denied' && 'The browser blocked copying. Select the text and copy it.'}
      </span>
    </>
  );
}
