// One of several, in a list that opens.
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

/** One that may be chosen. */
export interface Option<Value extends string> {
  readonly value: Value;
  readonly label: string;
  readonly description?: string | undefined;
}

/** What a choice is made of. */
export interface ChoiceProps<Value extends string> {
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
}

/** A choice of one. */
export function Choice<Value extends string>(props: ChoiceProps<Value>) {
  const { options, value, onChange, label, description, className = '', ...others } = props;
  return (
    <Select
      {...others}
      className={`field ${className}`}
      value={value}
      onChange={(key) => {
        const option = options.find((option) => option.value === key);
        if (option) onChange(option.value);
      }}
    >
      {label !== undefined && <Label>{label}</Label>}
      <Button className="input choice-button">
        <SelectValue className="choice-value">
          {({ isPlaceholder, selectedText, defaultChildren }) => (isPlaceholder ? defaultChildren : selectedText)}
        </SelectValue>
        <ChevronDown aria-hidden />
      </Button>
      {description !== undefined && (
        <Text slot="description" className="description">
          {description}
        </Text>
      )}
      <FieldError className="field-error" />
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
