// Yes or no.
import { Check } from 'lucide-react';
import { CheckboxButton, CheckboxField, Text } from 'react-aria-components';

/** What a checkbox is made of. */
export interface CheckboxProps {
  readonly label: string;
  readonly description: string;
  readonly isSelected: boolean;
  readonly onChange: (isSelected: boolean) => void;
}

/** A checkbox, and what it is for. */
export function Checkbox({ label, description, ...others }: CheckboxProps) {
  return (
    <CheckboxField className="checkbox-field" {...others}>
      <CheckboxButton className="checkbox">
        <span className="checkbox-box" aria-hidden>
          <Check />
        </span>
        {label}
      </CheckboxButton>
      <Text slot="description" className="description">
        {description}
      </Text>
    </CheckboxField>
  );
}
