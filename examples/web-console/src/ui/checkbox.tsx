// A checkbox with a label and a description.
import { Check } from 'lucide-react';
import { CheckboxButton, CheckboxField, Text } from 'react-aria-components';
import { ChangedFrom } from './changed-from';

interface CheckboxProps {
  readonly label: string;
  readonly description: string;
  /** Value before the user's change; undefined if the user has not changed it. */
  readonly changedFrom?: string | undefined;
  readonly isSelected: boolean;
  readonly onChange: (isSelected: boolean) => void;
}

/** Renders a checkbox with its label and description. */
export function Checkbox({ label, description, changedFrom, ...others }: CheckboxProps) {
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
        <ChangedFrom value={changedFrom} />
      </Text>
    </CheckboxField>
  );
}
