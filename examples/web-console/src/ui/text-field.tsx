// A text field with a label, a description and an error message.
import type { ReactNode } from 'react';
import {
  FieldError,
  Input,
  Label,
  Text,
  TextField as AriaTextField,
  type TextFieldProps as AriaTextFieldProps,
} from 'react-aria-components';
import { ChangedFrom } from './changed-from';

interface TextFieldProps extends Omit<AriaTextFieldProps, 'children' | 'className'> {
  readonly label: string;
  readonly description?: string;
  readonly placeholder?: string;
  readonly className?: string;
  /** Error message; undefined if the value is valid. */
  readonly message?: string | undefined;
  /** Value before the user's change; undefined if the user has not changed it. */
  readonly changedFrom?: string | undefined;
  /** Controls beside the input, e.g. buttons. */
  readonly children?: ReactNode;
}

/** Renders a single-line text field. */
export function TextField(props: TextFieldProps) {
  const { label, description, placeholder, className = '', message, changedFrom, children, ...others } = props;
  return (
    <AriaTextField {...others} isInvalid={message !== undefined} className={`field ${className}`}>
      <Label>{label}</Label>
      <div className="input-row">
        <Input className="input" {...(placeholder !== undefined && { placeholder })} />
        {children}
      </div>
      {description !== undefined && (
        <Text slot="description" className="description">
          {description}
          <ChangedFrom value={changedFrom} />
        </Text>
      )}
      <FieldError className="field-error">{message}</FieldError>
    </AriaTextField>
  );
}
