// The form that creates a VPN.
import { useMutation, useQuery } from '@apollo/client/react';
import { Plus } from 'lucide-react';
import { useNavigate } from 'react-router';
import { defaultDraft } from '../form/draft';
import { type VpcFieldProps, VpnForm, type VpnFormProps } from '../form/vpn-form';
import { graphql, unmask } from '../gql';
import {
  CreateSiteToSiteVpnDocument,
  type EnvironmentInput,
  FormErrorFragmentDoc,
  TaskProgressFragmentDoc,
} from '../gql/graphql';
import type { TrackedTask } from '../tasks/task-progress';
import { ErrorNotice } from '../ui/error-notice';
import { SelectField } from '../ui/select-field';
import { useToast } from '../ui/toasts';

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

interface CreateFormProps {
  readonly environment: EnvironmentInput;
  readonly path: string;
  readonly onTask: (task: TrackedTask) => void;
}

/** Renders the form and submits it. */
export function CreateForm({ environment, path, onTask }: CreateFormProps) {
  const navigate = useNavigate();
  const toast = useToast();
  const [create] = useMutation(CreateSiteToSiteVpnDocument, { errorPolicy: 'all' });
  const write: VpnFormProps['write'] = async (draft, validateOnly) => {
    const { data, error } = await create({ variables: { input: { environment, ...draft, validateOnly } } });
    const payload = data?.createSiteToSiteVpn;
    const userErrors = unmask(FormErrorFragmentDoc, payload?.userErrors) ?? [];
    if (validateOnly || error !== undefined || userErrors.length > 0) return { userErrors, error };
    const task = unmask(TaskProgressFragmentDoc, payload?.task);
    if (task) onTask({ id: task.id, kind: 'create', name: draft.name });
    else {
      // Accepted without a task: the list shows the new VPN.
      toast(`${draft.name} has been created.`);
      void navigate(path);
    }
    return { userErrors };
  };
  return (
    <VpnForm
      initial={defaultDraft}
      isExisting={false}
      cancelPath={path}
      submitLabel="Create VPN"
      submitIcon={Plus}
      failure="The VPN was not created"
      renderVpcField={(props) => <VpcField environment={environment} {...props} />}
      write={write}
    />
  );
}

function VpcField({ environment, value, ...others }: VpcFieldProps & { readonly environment: EnvironmentInput }) {
  const { data, error, loading, refetch } = useQuery(VpcChoicesQuery, { variables: { environment } });
  return (
    <div>
      <SelectField
        label="VPC"
        name="vpcId"
        isRequired
        placeholder={loading ? 'Loading…' : 'Choose a VPC'}
        description="Your network in the cloud, which the VPN connects to."
        options={(data?.vpcs?.nodes ?? []).map(({ id, name, cidr }) => ({
          value: id,
          label: name,
          description: cidr ?? undefined,
        }))}
        value={value === '' ? null : value}
        {...others}
      />
      {error && <ErrorNotice title="The VPCs cannot be shown" error={error} onRetry={() => void refetch()} />}
    </div>
  );
}
