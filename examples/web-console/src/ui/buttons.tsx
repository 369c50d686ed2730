// Buttons as they look here; all they do is React Aria's.
import { Check, Copy, LoaderCircle, type LucideIcon } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { Button as AriaButton, type ButtonProps as AriaButtonProps, Link } from 'react-aria-components';

/** What a button is made of. */
export interface ButtonProps extends Omit<AriaButtonProps, 'children' | 'className'> {
  readonly tone?: 'primary' | 'plain' | 'quiet' | 'danger';
  readonly icon?: LucideIcon;
  readonly className?: string;
  readonly children: ReactNode;
}

/** A button. While what it began is pending it keeps the focus, and does nothing. */
export function Button(props: ButtonProps) {
  const { tone = 'plain', icon, isPending = false, className = '', type, onPress, children, ...others } = props;
  const Icon = isPending ? LoaderCircle : icon;
  return (
    <AriaButton
      {...others}
      // Not React Aria's isPending, which tells screen readers the button's name once more, even of a button that is gone.
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

/** A link that looks like a button. */
export function ButtonLink({ href, icon: Icon, children }: Pick<ButtonProps, 'icon' | 'children'> & { href: string }) {
  return (
    <Link href={href} className="button button-primary">
      {Icon && <Icon aria-hidden />}
      {children}
    </Link>
  );
}

/** Copies a text, and says that it has. */
export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const [outcome, setOutcome] = useState<'copied' | 'refused'>();
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
        setOutcome('refused');
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
        {outcome === 'refused' && 'The browser does not let this page copy: select the text.'}
      </span>
    </>
  );
}
