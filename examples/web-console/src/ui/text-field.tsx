// A field with its label, what it is for, and what is wrong with it.
import type { ReactNode } from 'react';
import {
  FieldError,
  Input,
  Label,
  Text,
  TextField as AriaTextField,
  type TextFieldProps as AriaTextFieldProps,
} from 'react-aria-components';

/** What a field is made of. */
export interface TextFieldProps extends Omit<AriaTextFieldProps, 'children' | 'className'> {
  readonly label: string;
  readonly description?: string;
  readonly placeholder?: string;
  readonly className?: string;
  /** What stands beside the input. */
  readonly children?: ReactNode;
}

/** A line of text to fill in. */
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
