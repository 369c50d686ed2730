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

/** A button. */
export function Button({ tone = 'plain', icon: Icon, className = '', children, ...others }: ButtonProps) {
  return (
    <AriaButton {...others} className={`button button-${tone} ${className}`}>
      {Icon && <Icon aria-hidden />}
      {children}
    </AriaButton>
  );
}

/** The button that sends a form; it waits with it. */
export function SubmitButton({ icon, isPending, children }: ButtonProps & { readonly isPending: boolean }) {
  return (
    <Button tone="primary" type="submit" isPending={isPending} {...withIcon(isPending ? LoaderCircle : icon)}>
      {children}
    </Button>
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

const withIcon = (icon: LucideIcon | undefined) => (icon === undefined ? {} : { icon });
