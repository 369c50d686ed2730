// A select (dropdown) with a label, a description and an error message.
import { Check, ChevronDown } from 'lucide-react';
import {
  Button,
  FieldError,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Select,
  SelectValue,
  Text,
} from 'react-aria-components';
import { ChangedFrom } from './changed-from';

/** Describes one choice of a select field. */
export interface Option<Value extends string> {
  readonly value: Value;
  readonly label: string;
  readonly description?: string | undefined;
}

interface SelectFieldProps<Value extends string> {
  readonly options: readonly Option<Value>[];
  readonly value: Value | null;
  readonly onChange: (value: Value) => void;
  readonly label?: string;
  readonly 'aria-label'?: string;
  readonly name?: string;
  readonly description?: string;
  readonly placeholder?: string;
  readonly isRequired?: boolean;
  readonly className?: string;
  /** Error message; undefined if the value is valid. */
  readonly message?: string | undefined;
  /** Value before the user's change; undefined if the user has not changed it. */
  readonly changedFrom?: string | undefined;
  readonly onBlur?: () => void;
}

/** Renders a single-choice select. */
export function SelectField<Value extends string>(props: SelectFieldProps<Value>) {
  const { options, value, onChange, label, description, className = '', message, changedFrom, ...others } = props;
  return (
    <Select
      {...others}
      isInvalid={message !== undefined}
      className={`field ${className}`}
      value={value}
      onChange={(key) => {
        const option = options.find((option) => option.value === key);
        if (option) onChange(option.value);
      }}
    >
      {label !== undefined && <Label>{label}</Label>}
      <Button className="input select-button">
        <SelectValue className="select-value">
          {({ isPlaceholder, selectedText, defaultChildren }) => (isPlaceholder ? defaultChildren : selectedText)}
        </SelectValue>
        <ChevronDown aria-hidden />
      </Button>
      {description !== undefined && (
        <Text slot="description" className="description">
          {description}
          <ChangedFrom value={changedFrom} />
        </Text>
      )}
      <FieldError className="field-error">{message}</FieldError>
      <Popover className="popover" offset={6}>
        <ListBox className="list-box" items={options}>
          {({ value, label, description }) => (
            <ListBoxItem id={value} textValue={label} className="list-box-item">
              <span className="list-box-text">
                {label}
                {description !== undefined && <span className="description">{description}</span>}
              </span>
              <Check aria-hidden className="list-box-check" />
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </Select>
  );
}
