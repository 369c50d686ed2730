// The form. It checks nothing itself: the gateway tells all that is wrong at once, and each message stands at its field.
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
import type { TaskToFollow } from '../tasks/task-progress';
import { Button } from '../ui/buttons';
import { Checkbox } from '../ui/checkbox';
import { Choice } from '../ui/choice';
import { Notice } from '../ui/notice';
import { Problems } from '../ui/problems';
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

/** What is filled in. */
type Draft = Required<Omit<CreateSiteToSiteVpnInput, 'environment' | 'waitSeconds'>> & {
  readonly ikeDhGroup: DhGroup;
  readonly espPerfectForwardSecrecy: DhGroup;
};

// The strongest that the REST API knows, and the lifetimes that its documentation shows.
const blank: Draft = {
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

// One and the same, as an effect depends on it.
const none: readonly [] = [];

/** What the form is made of. */
export interface CreateFormProps {
  readonly environment: EnvironmentInput;
  readonly path: string;
  readonly onTask: (task: TaskToFollow) => void;
}

/** The form of a new VPN. */
export function CreateForm({ environment, path, onTask }: CreateFormProps) {
  const navigate = useNavigate();
  const [draft, setDraft] = useState(blank);
  // Since the gateway's last answer.
  const [changed, setChanged] = useState<ReadonlySet<string>>(new Set());
  const [isKeyShown, setKeyShown] = useState(false);
  const vpcs = useQuery(VpcChoicesQuery, { variables: { environment } });
  const [create, { data, error, loading }] = useMutation(CreateSiteToSiteVpnDocument, { errorPolicy: 'all' });
  const change = (part: Partial<Draft>): void => {
    setDraft({ ...draft, ...part });
    // A message goes as its field is typed into. Going only when the field is left, it would move the button that is being pressed.
    setChanged(new Set([...changed, ...Object.keys(part)]));
  };

  const userErrors = unmask(FormErrorFragmentDoc, data?.createSiteToSiteVpn?.userErrors ?? none);
  const { atFields, others } = sortOut(userErrors, changed);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (userErrors.length > 0) form.current?.querySelector<HTMLElement>('[data-invalid] :is(input, button)')?.focus();
  }, [userErrors]);

  const submit = async (): Promise<void> => {
    setChanged(new Set());
    const { data } = await create({ variables: { input: { environment, ...draft } } });
    const payload = data?.createSiteToSiteVpn;
    const task = unmask(TaskProgressFragmentDoc, payload?.task);
    if (task) onTask({ id: task.id, kind: 'create', name: draft.name });
    // Accepted without a task: there is nothing to follow but the list.
    else if (payload?.userErrors.length === 0) void navigate(path);
  };

  const text = (name: 'name' | 'gateway' | 'cidr' | 'ipSecPsk') => ({
    name,
    value: draft[name],
    onChange: (value: string) => {
      change({ [name]: value });
    },
  });

  return (
    <Form
      ref={form}
      className="form"
      validationBehavior="aria"
      validationErrors={atFields}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {error !== undefined && <Problems title="The VPN was not created" error={error} />}
      {userErrors.length > 0 && (
        <Notice
          tone="error"
          title={userErrors.length === 1 ? 'One thing is wrong' : `${userErrors.length} things are wrong`}
        >
          {others.length === 0
            ? 'Each is told at its field. No VPN has been created.'
            : others.map((message) => <p key={message}>{message}</p>)}
        </Notice>
      )}
      {vpcs.error && (
        <Problems title="The VPCs cannot be shown" error={vpcs.error} onRetry={() => void vpcs.refetch()} />
      )}

      <Group title="What it connects">
        <TextField label="Name" description="Unique in the environment." isRequired {...text('name')} />
        <Choice
          label="VPC"
          name="vpcId"
          isRequired
          placeholder={vpcs.loading ? 'Loading…' : 'Choose a VPC'}
          description="The cloud’s end."
          options={(vpcs.data?.vpcs?.nodes ?? []).map(({ id, name, cidr }) => ({
            value: id,
            label: name,
            description: cidr ?? undefined,
          }))}
          value={draft.vpcId === '' ? null : draft.vpcId}
          onChange={(vpcId) => {
            change({ vpcId });
          }}
        />
        <TextField
          label="Remote gateway"
          description="The other end’s public IP address, e.g. 203.0.113.7."
          isRequired
          {...text('gateway')}
        />
        <TextField
          label="Remote network"
          description="The network behind it as a CIDR, e.g. 10.40.0.0/16."
          isRequired
          {...text('cidr')}
        />
        <TextField
          className="wide"
          label="Pre-shared key"
          description="Both ends prove with it who they are. At least 10 letters or digits."
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
              change({ ipSecPsk: generateKey() });
              setKeyShown(true);
            }}
          >
            Generate a key
          </Button>
        </TextField>
      </Group>

      <Group title="Phase 1 (IKE)">
        <Choice<EncryptionAlgorithm>
          label="Encryption"
          name="ikeEncryptionAlgorithm"
          options={encryptions}
          value={draft.ikeEncryptionAlgorithm}
          onChange={(ikeEncryptionAlgorithm) => {
            change({ ikeEncryptionAlgorithm });
          }}
        />
        <Choice<HashAlgorithm>
          label="Hash"
          name="ikeHashAlgorithm"
          options={hashes}
          value={draft.ikeHashAlgorithm}
          onChange={(ikeHashAlgorithm) => {
            change({ ikeHashAlgorithm });
          }}
        />
        <Choice<DhGroup>
          label="Diffie-Hellman group"
          name="ikeDhGroup"
          options={groups}
          value={draft.ikeDhGroup}
          onChange={(ikeDhGroup) => {
            change({ ikeDhGroup });
          }}
        />
        <Lifetime
          name="ikeLifetime"
          value={draft.ikeLifetime}
          onChange={(ikeLifetime) => {
            change({ ikeLifetime });
          }}
        />
      </Group>

      <Group title="Phase 2 (ESP)">
        <Choice<EncryptionAlgorithm>
          label="Encryption"
          name="espEncryptionAlgorithm"
          options={encryptions}
          value={draft.espEncryptionAlgorithm}
          onChange={(espEncryptionAlgorithm) => {
            change({ espEncryptionAlgorithm });
          }}
        />
        <Choice<HashAlgorithm>
          label="Hash"
          name="espHashAlgorithm"
          options={hashes}
          value={draft.espHashAlgorithm}
          onChange={(espHashAlgorithm) => {
            change({ espHashAlgorithm });
          }}
        />
        <Choice<DhGroup>
          label="Perfect forward secrecy"
          name="espPerfectForwardSecrecy"
          options={groups}
          value={draft.espPerfectForwardSecrecy}
          onChange={(espPerfectForwardSecrecy) => {
            change({ espPerfectForwardSecrecy });
          }}
        />
        <Lifetime
          name="espLifetime"
          value={draft.espLifetime}
          onChange={(espLifetime) => {
            change({ espLifetime });
          }}
        />
      </Group>

      <Group title="Options">
        <Checkbox
          label="Dead peer detection"
          description="Notices when the other end is gone."
          isSelected={draft.dpd}
          onChange={(dpd) => {
            change({ dpd });
          }}
        />
        <Checkbox
          label="Force UDP encapsulation"
          description="For a gateway behind NAT."
          isSelected={draft.forceEncap}
          onChange={(forceEncap) => {
            change({ forceEncap });
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

/** The messages by field, as React Aria's Form takes them, but of fields that have changed; and those that are about no field of it. */
function sortOut(userErrors: readonly FormErrorFragment[], changed: ReadonlySet<string>) {
  const atFields = new Map<string, string[]>();
  const others: string[] = [];
  for (const { field, message } of userErrors) {
    // ["input", "gateway"]
    const name = field?.[1];
    if (name === undefined || !(name in blank)) others.push(message);
    else if (!changed.has(name)) atFields.set(name, [...(atFields.get(name) ?? []), message]);
  }
  return { atFields: Object.fromEntries(atFields), others };
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
        // An empty field is no number; the gateway says what it should be.
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
