// The form that creates a VPN. It validates nothing itself: the gateway returns all errors at once, and each is shown at its field.
import { useMutation, useQuery } from '@apollo/client/react';
import { Eye, EyeOff, KeyRound, Plus } from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { FieldError, Form, Input, Label, Link, NumberField, Text } from 'react-aria-components';
import { useNavigate } from 'react-router';
import { graphql, unmask } from '../gql';
import {
  CreateSiteToSiteVpnDocument,
  type CreateSiteToSiteVpnInput,
  type DhGroup,
  type EncryptionAlgorithm,
  type EnvironmentInput,
  FormErrorFragmentDoc,
  type FormErrorFragment,
  type HashAlgorithm,
  TaskProgressFragmentDoc,
} from '../gql/graphql';
import type { TrackedTask } from '../tasks/task-progress';
import { Button } from '../ui/buttons';
import { Checkbox } from '../ui/checkbox';
import { ErrorNotice } from '../ui/error-notice';
import { Notice } from '../ui/notice';
import { SelectField } from '../ui/select-field';
import { TextField } from '../ui/text-field';
import { encryptions, groups, hashes } from '../vpn/algorithms';
import { toDuration } from '../vpn/duration';
import { generateKey } from './generate-key';

const VpcChoicesQuery = graphql(`
  query VpcChoices($environment: EnvironmentInput!) {
    vpcs(environment: $environment) {
      nodes {
        id
        name
        cidr
      }
    }
  }
`);

/** The form's values. */
type Draft = Required<Omit<CreateSiteToSiteVpnInput, 'environment' | 'waitSeconds' | 'validateOnly'>> & {
  readonly ikeDhGroup: DhGroup;
  readonly espPerfectForwardSecrecy: DhGroup;
};

// Defaults: the strongest algorithms of the REST API, and the lifetimes of its documentation's example.
const defaultDraft: Draft = {
  name: '',
  vpcId: '',
  gateway: '',
  cidr: '',
  ipSecPsk: '',
  ikeEncryptionAlgorithm: 'AES256',
  ikeHashAlgorithm: 'SHA1',
  ikeDhGroup: 'MODP_1536',
  ikeLifetime: 86_400,
  espEncryptionAlgorithm: 'AES256',
  espHashAlgorithm: 'SHA1',
  espPerfectForwardSecrecy: 'MODP_1536',
  espLifetime: 3_600,
  dpd: true,
  forceEncap: false,
};

// A constant, because an effect depends on its identity.
const noErrors: readonly [] = [];

export interface CreateFormProps {
  readonly environment: EnvironmentInput;
  readonly path: string;
  readonly onTask: (task: TrackedTask) => void;
}

/** Renders the form and submits it. */
export function CreateForm({ environment, path, onTask }: CreateFormProps) {
  const navigate = useNavigate();
  const [draft, setDraft] = useState(defaultDraft);
  // Fields edited since the gateway's last response.
  const [edited, setEdited] = useState<ReadonlySet<string>>(new Set());
  const [isKeyShown, setKeyShown] = useState(false);
  const vpcs = useQuery(VpcChoicesQuery, { variables: { environment } });
  const [create, { data, error, loading }] = useMutation(CreateSiteToSiteVpnDocument, { errorPolicy: 'all' });
  const update = (part: Partial<Draft>): void => {
    setDraft({ ...draft, ...part });
    // Hides a field's message on the first edit. Hiding it on blur would move the submit button while the user presses it.
    setEdited(new Set([...edited, ...Object.keys(part)]));
  };

  const userErrors = unmask(FormErrorFragmentDoc, data?.createSiteToSiteVpn?.userErrors ?? noErrors);
  const { fieldErrors, formErrors } = groupErrors(userErrors, edited);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (userErrors.length > 0) form.current?.querySelector<HTMLElement>('[data-invalid] :is(input, button)')?.focus();
  }, [userErrors]);

  const submit = async (): Promise<void> => {
    setEdited(new Set());
    const { data } = await create({ variables: { input: { environment, ...draft } } });
    const payload = data?.createSiteToSiteVpn;
    const task = unmask(TaskProgressFragmentDoc, payload?.task);
    if (task) onTask({ id: task.id, kind: 'create', name: draft.name });
    // Accepted without a task: the list shows the new VPN.
    else if (payload?.userErrors.length === 0) void navigate(path);
  };

  const text = (name: 'name' | 'gateway' | 'cidr' | 'ipSecPsk') => ({
    name,
    value: draft[name],
    onChange: (value: string) => {
      update({ [name]: value });
    },
  });

  return (
    <Form
      ref={form}
      className="form"
      validationBehavior="aria"
      validationErrors={fieldErrors}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {error !== undefined && <ErrorNotice title="The VPN was not created" error={error} />}
      {userErrors.length > 0 && (
        <Notice
          tone="error"
          title={userErrors.length === 1 ? 'There is 1 error' : `There are ${userErrors.length} errors`}
        >
          {formErrors.length === 0
            ? 'Each error is shown at its field. No VPN was created.'
            : formErrors.map((message) => <p key={message}>{message}</p>)}
        </Notice>
      )}
      {vpcs.error && (
        <ErrorNotice title="The VPCs cannot be shown" error={vpcs.error} onRetry={() => void vpcs.refetch()} />
      )}

      <Group title="Endpoints">
        <TextField label="Name" description="Unique in the environment." isRequired {...text('name')} />
        <SelectField
          label="VPC"
          name="vpcId"
          isRequired
          placeholder={vpcs.loading ? 'Loading…' : 'Choose a VPC'}
          description="The VPC at the cloud end."
          options={(vpcs.data?.vpcs?.nodes ?? []).map(({ id, name, cidr }) => ({
            value: id,
            label: name,
            description: cidr ?? undefined,
          }))}
          value={draft.vpcId === '' ? null : draft.vpcId}
          onChange={(vpcId) => {
            update({ vpcId });
          }}
        />
        <TextField
          label="Remote gateway"
          description="Public IP address of the remote end, e.g. 203.0.113.7."
          isRequired
          {...text('gateway')}
        />
        <TextField
          label="Remote network"
          description="CIDR of the network behind the remote gateway, e.g. 10.40.0.0/16."
          isRequired
          {...text('cidr')}
        />
        <TextField
          className="wide"
          label="Pre-shared key"
          description="Both ends authenticate with it. At least 10 letters or digits."
          type={isKeyShown ? 'text' : 'password'}
          autoComplete="off"
          spellCheck="false"
          isRequired
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
              update({ ipSecPsk: generateKey() });
              setKeyShown(true);
            }}
          >
            Generate a key
          </Button>
        </TextField>
      </Group>

      <Group title="Phase 1 (IKE)">
        <SelectField<EncryptionAlgorithm>
          label="Encryption"
          name="ikeEncryptionAlgorithm"
          options={encryptions}
          value={draft.ikeEncryptionAlgorithm}
          onChange={(ikeEncryptionAlgorithm) => {
            update({ ikeEncryptionAlgorithm });
          }}
        />
        <SelectField<HashAlgorithm>
          label="Hash"
          name="ikeHashAlgorithm"
          options={hashes}
          value={draft.ikeHashAlgorithm}
          onChange={(ikeHashAlgorithm) => {
            update({ ikeHashAlgorithm });
          }}
        />
        <SelectField<DhGroup>
          label="Diffie-Hellman group"
          name="ikeDhGroup"
          options={groups}
          value={draft.ikeDhGroup}
          onChange={(ikeDhGroup) => {
            update({ ikeDhGroup });
          }}
        />
        <Lifetime
          name="ikeLifetime"
          value={draft.ikeLifetime}
          onChange={(ikeLifetime) => {
            update({ ikeLifetime });
          }}
        />
      </Group>

      <Group title="Phase 2 (ESP)">
        <SelectField<EncryptionAlgorithm>
          label="Encryption"
          name="espEncryptionAlgorithm"
          options={encryptions}
          value={draft.espEncryptionAlgorithm}
          onChange={(espEncryptionAlgorithm) => {
            update({ espEncryptionAlgorithm });
          }}
        />
        <SelectField<HashAlgorithm>
          label="Hash"
          name="espHashAlgorithm"
          options={hashes}
          value={draft.espHashAlgorithm}
          onChange={(espHashAlgorithm) => {
            update({ espHashAlgorithm });
          }}
        />
        <SelectField<DhGroup>
          label="Perfect forward secrecy"
          name="espPerfectForwardSecrecy"
          options={groups}
          value={draft.espPerfectForwardSecrecy}
          onChange={(espPerfectForwardSecrecy) => {
            update({ espPerfectForwardSecrecy });
          }}
        />
        <Lifetime
          name="espLifetime"
          value={draft.espLifetime}
          onChange={(espLifetime) => {
            update({ espLifetime });
          }}
        />
      </Group>

      <Group title="Options">
        <Checkbox
          label="Dead peer detection"
          description="Detects when the remote end stops responding."
          isSelected={draft.dpd}
          onChange={(dpd) => {
            update({ dpd });
          }}
        />
        <Checkbox
          label="Force UDP encapsulation"
          description="For a gateway behind NAT."
          isSelected={draft.forceEncap}
          onChange={(forceEncap) => {
            update({ forceEncap });
          }}
        />
      </Group>

      <div className="form-end">
        <Link className="button button-plain" href={path}>
          Cancel
        </Link>
        <Button tone="primary" type="submit" icon={Plus} isPending={loading}>
          Create VPN
        </Button>
      </div>
    </Form>
  );
}

/**
 * Groups messages by field, in the shape of React Aria's `validationErrors`, and skips fields in `edited`. Messages about none of the
 * form's fields become `formErrors`.
 */
function groupErrors(userErrors: readonly FormErrorFragment[], edited: ReadonlySet<string>) {
  const fieldErrors = new Map<string, string[]>();
  const formErrors: string[] = [];
  for (const { field, message } of userErrors) {
    // `field` is a path, e.g. ["input", "gateway"].
    const name = field?.[1];
    if (name === undefined || !(name in defaultDraft)) formErrors.push(message);
    else if (!edited.has(name)) fieldErrors.set(name, [...(fieldErrors.get(name) ?? []), message]);
  }
  return { fieldErrors: Object.fromEntries(fieldErrors), formErrors };
}

function Group({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <fieldset className="card panel group">
      <legend>{title}</legend>
      <div className="fields">{children}</div>
    </fieldset>
  );
}

interface LifetimeProps {
  readonly name: 'ikeLifetime' | 'espLifetime';
  readonly value: number;
  readonly onChange: (value: number) => void;
}

function Lifetime({ name, value, onChange }: LifetimeProps) {
  return (
    <NumberField
      className="field"
      name={name}
      isRequired
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
      </Text>
      <FieldError className="field-error" />
    </NumberField>
  );
}
