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

export interface TextFieldProps extends Omit<AriaTextFieldProps, 'children' | 'className'> {
  readonly label: string;
  readonly description?: string;
  readonly placeholder?: string;
  readonly className?: string;
  /** Controls beside the input, e.g. buttons. */
  readonly children?: ReactNode;
}

/** Renders a single-line text field. */
export function TextField({ label, description, placeholder, className = '', children, ...others }: TextFieldProps) {
  return (
    <AriaTextField {...others} className={`field ${className}`}>
      <Label>{label}</Label>
      <div className="input-row">
        <Input className="input" {...(placeholder !== undefined && { placeholder })} />
        {children}
      </div>
      {description !== undefined && (
        <Text slot="description" className="description">
          {description}
        </Text>
      )}
      <FieldError className="field-error" />
    </AriaTextField>
  );
}
