// The page that changes a VPN. Version 1 of the REST API has no updates, which a client cannot know before it tries: neither the schema nor
// `validateOnly` shows it. So every VPN can be edited, and the form shows the gateway's rejection, which says what to do.
import { useMutation, useQuery } from '@apollo/client/react';
import { Save } from 'lucide-react';
import { useState } from 'react';
import { useNavigate, useParams } from 'react-router';
import { useEnvironment } from '../environments/use-environment';
import { findChanges, type Draft, toDraft } from '../form/draft';
import { VpnForm, type VpnFormProps } from '../form/vpn-form';
import { graphql, unmask } from '../gql';
import {
  type EnvironmentInput,
  FormErrorFragmentDoc,
  TaskProgressFragmentDoc,
  UpdateSiteToSiteVpnDocument,
} from '../gql/graphql';
import { ErrorNotice } from '../ui/error-notice';
import { Loading } from '../ui/loading';
import { Notice } from '../ui/notice';
import { Page } from '../ui/page';
import { useToast } from '../ui/toasts';
import { Algorithms } from '../vpn/algorithms';
import { MissingVpn } from '../vpn/missing-vpn';
import { Settings } from '../vpn/settings';
import { trackTask } from '../vpn/tracked-task';

const VpnToEditQuery = graphql(`
  query VpnToEdit($environment: EnvironmentInput!, $id: ID!) {
    siteToSiteVpn(environment: $environment, id: $id) {
      id
      name
      cidr
      ...Settings
    }
  }
`);

/** Renders the form with the attributes of the VPN that the URL names. */
export default function EditPage() {
  const { id = '' } = useParams();
  const { environment, path } = useEnvironment();
  const { data, error, refetch } = useQuery(VpnToEditQuery, {
    variables: { environment, id },
    fetchPolicy: 'no-cache',
    errorPolicy: 'all',
  });
  const vpn = data?.siteToSiteVpn;
  const settings = unmask(Settings, vpn);
  const algorithms = unmask(Algorithms, settings);
  const isMissing = data !== undefined && error === undefined && !vpn;
  return (
    <Page
      // Another key than the unnamed page's, so the heading takes the focus once the name is loaded.
      key={vpn ? 'named' : ''}
      title={vpn ? `Edit ${vpn.name}` : 'Edit a VPN'}
      lead="The tunnel is interrupted while the change is made. Change the other end too, or it stays down."
      back={{ href: `${path}/vpns/${id}`, label: vpn?.name ?? 'VPN' }}
    >
      {isMissing && <MissingVpn path={path} />}
      {error !== undefined && !vpn && (
        <ErrorNotice title="The VPN cannot be shown" error={error} onRetry={() => void refetch()} />
      )}
      {data === undefined && error === undefined && <Loading what="the VPN" rows={6} />}
      {vpn && settings && algorithms && (
        <EditForm
          environment={environment}
          id={id}
          path={`${path}/vpns/${id}`}
          current={toDraft(vpn, settings, algorithms)}
          vpcLabel={settings.vpc?.name ?? settings.vpcId}
          unknown={settings.unknownValues.map(({ value }) => value)}
        />
      )}
    </Page>
  );
}

interface EditFormProps {
  readonly environment: EnvironmentInput;
  readonly id: string;
  readonly path: string;
  /** Values of the VPN. */
  readonly current: Draft;
  readonly vpcLabel: string;
  readonly unknown: readonly string[];
}

function EditForm({ environment, id, path, current, vpcLabel, unknown }: EditFormProps) {
  const navigate = useNavigate();
  const toast = useToast();
  // The form keeps the values that it was opened with.
  const [initial] = useState(current);
  const [update] = useMutation(UpdateSiteToSiteVpnDocument, { errorPolicy: 'all', fetchPolicy: 'no-cache' });
  const write: VpnFormProps['write'] = async (draft, validateOnly) => {
    const changed = findChanges(draft, initial);
    if (changed.length === 0) return { userErrors: [] };
    const changes = Object.fromEntries(changed.map((field) => [field, draft[field]]));
    const { data, error } = await update({ variables: { input: { environment, id, ...changes, validateOnly } } });
    const payload = data?.updateSiteToSiteVpn;
    const userErrors = unmask(FormErrorFragmentDoc, payload?.userErrors) ?? [];
    // Without a payload, the update was rejected. With one, it stands, even if the VPN could not be read after it.
    if (validateOnly || !payload || userErrors.length > 0) return { userErrors, error };
    const task = unmask(TaskProgressFragmentDoc, payload.task);
    if (task) trackTask(id, { id: task.id, kind: 'update', name: draft.name });
    else toast(`${draft.name} has been changed.`);
    void navigate(path);
    return { userErrors };
  };
  return (
    <>
      {unknown.length > 0 && (
        <Notice tone="warning" title="This VPN has settings that the console does not know">
          <p>
            {unknown.join(', ')}. The form shows other values in their place. The VPN keeps its own unless you change
            them.
          </p>
        </Notice>
      )}
      <VpnForm
        initial={initial}
        isExisting
        cancelPath={path}
        submitLabel="Save changes"
        submitIcon={Save}
        failure="The VPN was not changed"
        renderVpcField={() => (
          <div className="field">
            <span className="fixed-label">VPC</span>
            <span className="fixed-value">{vpcLabel}</span>
            <span className="description">The VPC of a VPN cannot change. Create another VPN for another VPC.</span>
          </div>
        )}
        write={write}
      />
    </>
  );
}
