// The field for a lifetime in seconds.
import { FieldError, Input, Label, NumberField, Text } from 'react-aria-components';
import { ChangedFrom } from '../ui/changed-from';
import { toDuration } from '../vpn/duration';

interface LifetimeProps {
  readonly name: 'ikeLifetime' | 'espLifetime';
  readonly value: number;
  readonly message: string | undefined;
  readonly changedFrom: string | undefined;
  readonly onChange: (value: number) => void;
  readonly onBlur: () => void;
}

/** Renders the field, with the lifetime in words below. */
export function Lifetime({ value, message, changedFrom, onChange, ...others }: LifetimeProps) {
  return (
    <NumberField
      {...others}
      className="field"
      isRequired
      isInvalid={message !== undefined}
      formatOptions={{ useGrouping: false, maximumFractionDigits: 0 }}
      value={value}
      onChange={(value) => {
        // React Aria reports NaN for an empty field. 0 makes the gateway return the error.
        onChange(Number.isNaN(value) ? 0 : value);
      }}
    >
      <Label>Lifetime in seconds</Label>
      <Input className="input" />
      <Text slot="description" className="description">
        {toDuration(value)}
        <ChangedFrom value={changedFrom} />
      </Text>
      <FieldError className="field-error">{message}</FieldError>
    </NumberField>
  );
}
