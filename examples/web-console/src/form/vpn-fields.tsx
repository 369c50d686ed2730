// The fields of the form, in groups.
import { Eye, EyeOff, KeyRound } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import type { DhGroup, EncryptionAlgorithm, HashAlgorithm } from '../gql/graphql';
import { Button } from '../ui/buttons';
import { Checkbox } from '../ui/checkbox';
import { Notice } from '../ui/notice';
import { type Option, SelectField } from '../ui/select-field';
import { TextField } from '../ui/text-field';
import { algorithmLabels, algorithmNotes, encryptions, groups, hashes } from '../vpn/algorithms';
import type { Draft, DraftField } from './draft';
import type { FormMessages } from './field-messages';
import { generateKey } from './generate-key';
import { Lifetime } from './lifetime';

interface VpnFieldsProps {
  readonly draft: Draft;
  /** Values before the user's changes, of an existing VPN. Undefined for a new one. */
  readonly original: Draft | undefined;
  /** Messages to show at the fields. */
  readonly messages: FormMessages['fields'];
  readonly onChange: (part: Partial<Draft>) => void;
  /** Called when the user leaves a field. */
  readonly onVisit: (field: DraftField) => void;
  /** The VPC field of a new VPN. The VPC of an existing one cannot change. */
  readonly vpcField: ReactNode;
}

/** Renders all fields. */
export function VpnFields({ draft, original, messages, onChange, onVisit, vpcField }: VpnFieldsProps) {
  const [isKeyShown, setKeyShown] = useState(false);

  const common = <Name extends DraftField>(name: Name) => ({
    name,
    message: messages[name],
    changedFrom: original === undefined || original[name] === draft[name] ? undefined : toText(original[name]),
    onBlur: () => {
      onVisit(name);
    },
  });
  const text = (name: 'name' | 'gateway' | 'cidr' | 'ipSecPsk') => ({
    ...common(name),
    isRequired: true,
    value: draft[name],
    onChange: (value: string) => {
      onChange({ [name]: value });
    },
  });
  const choice = <Name extends DraftField, Value extends EncryptionAlgorithm | HashAlgorithm | DhGroup>(
    name: Name,
    value: Value,
    options: readonly Option<Value>[],
  ) => ({
    ...common(name),
    options,
    value,
    description: algorithmNotes[value],
    onChange: (value: Value) => {
      onChange({ [name]: value });
    },
  });
  const lifetime = (name: 'ikeLifetime' | 'espLifetime') => ({
    ...common(name),
    value: draft[name],
    onChange: (value: number) => {
      onChange({ [name]: value });
    },
  });

  return (
    <>
      <Group title="Endpoints">
        <TextField label="Name" description="Unique in the environment, e.g. paris-office." {...text('name')} />
        {vpcField}
        <TextField
          label="Remote gateway"
          description="Public IP address of the router at the other end, e.g. 203.0.113.7."
          {...text('gateway')}
        />
        <TextField
          label="Remote network"
          description="Network behind it, e.g. 10.40.0.0/16. Separate several by commas."
          {...text('cidr')}
        />
        {original === undefined && (
          <TextField
            className="wide"
            label="Pre-shared key"
            description="Both ends prove who they are with it. At least 10 letters or digits."
            type={isKeyShown ? 'text' : 'password'}
            autoComplete="off"
            spellCheck="false"
            {...text('ipSecPsk')}
          >
            <Button
              icon={isKeyShown ? EyeOff : Eye}
              aria-label={isKeyShown ? 'Hide the key' : 'Show the key'}
              onPress={() => {
                setKeyShown(!isKeyShown);
              }}
            >
              {isKeyShown ? 'Hide' : 'Show'}
            </Button>
            <Button
              icon={KeyRound}
              onPress={() => {
                onChange({ ipSecPsk: generateKey() });
                setKeyShown(true);
              }}
            >
              Generate a key
            </Button>
          </TextField>
        )}
      </Group>

      <Group title="Phase 1 (IKE)">
        <div className="wide">
          <Notice tone="info" title="The cloud offers nothing stronger than SHA-1 and group 5">
            <p>
              Current RFCs advise against both, so the VPN’s page lists advisories even with the strongest settings.
              Choose weaker ones only if the other end has nothing else.
            </p>
          </Notice>
        </div>
        <SelectField
          label="Encryption"
          {...choice('ikeEncryptionAlgorithm', draft.ikeEncryptionAlgorithm, encryptions)}
        />
        <SelectField label="Hash" {...choice('ikeHashAlgorithm', draft.ikeHashAlgorithm, hashes)} />
        <SelectField label="Diffie-Hellman group" {...choice('ikeDhGroup', draft.ikeDhGroup, groups)} />
        <Lifetime {...lifetime('ikeLifetime')} />
      </Group>

      <Group title="Phase 2 (ESP)">
        <SelectField
          label="Encryption"
          {...choice('espEncryptionAlgorithm', draft.espEncryptionAlgorithm, encryptions)}
        />
        <SelectField label="Hash" {...choice('espHashAlgorithm', draft.espHashAlgorithm, hashes)} />
        <SelectField
          label="Perfect forward secrecy"
          {...choice('espPerfectForwardSecrecy', draft.espPerfectForwardSecrecy, groups)}
        />
        <Lifetime {...lifetime('espLifetime')} />
      </Group>

      <Group title="Options">
        <Checkbox
          label="Dead peer detection"
          description="Detects when the other end stops responding."
          changedFrom={common('dpd').changedFrom}
          isSelected={draft.dpd}
          onChange={(dpd) => {
            onChange({ dpd });
          }}
        />
        <Checkbox
          label="Force UDP encapsulation"
          description="For an end behind NAT."
          changedFrom={common('forceEncap').changedFrom}
          isSelected={draft.forceEncap}
          onChange={(forceEncap) => {
            onChange({ forceEncap });
          }}
        />
      </Group>
    </>
  );
}

const labels: Readonly<Record<string, string | undefined>> = algorithmLabels;

function toText(value: Draft[DraftField]): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return labels[String(value)] ?? String(value);
}

function Group({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <fieldset className="card panel group">
      <legend>{title}</legend>
      <div className="fields">{children}</div>
    </fieldset>
  );
}
