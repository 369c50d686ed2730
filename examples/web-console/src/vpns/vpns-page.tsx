// The VPNs of an environment, live: the subscription brings the list as it is, then again whenever something in it changes.
import { useSubscription } from '@apollo/client/react';
import { Plus } from 'lucide-react';
import { useEnvironment } from '../environments/use-environment';
import { SiteToSiteVpnsUpdatedDocument } from '../gql/graphql';
import { ButtonLink } from '../ui/buttons';
import { Loading } from '../ui/loading';
import { Page } from '../ui/page';
import { Problems } from '../ui/problems';
import { useLast } from '../ui/use-last';
import { LiveMark } from './live-mark';
import { VpnList } from './vpn-list';

/** The list. */
export function VpnsPage() {
  const { environment, path } = useEnvironment();
  // Another environment is another page: nothing of the last one stays.
  return <VpnsOf key={path} environment={environment} path={path} />;
}

function VpnsOf({ environment, path }: ReturnType<typeof useEnvironment>) {
  // With `all`, rows whose VPC could not be read come along with the errors that say why.
  const { data, error, loading, restart } = useSubscription(SiteToSiteVpnsUpdatedDocument, {
    variables: { environment },
    errorPolicy: 'all',
  });
  const vpns = useLast(data?.siteToSiteVpnsUpdated);
  const isPartial = error !== undefined && data?.siteToSiteVpnsUpdated !== undefined;
  return (
    <Page
      title={environment.name}
      badge={vpns && <LiveMark isStopped={error !== undefined && !isPartial} />}
      actions={
        <ButtonLink href={`${path}/create`} icon={Plus}>
          Create VPN
        </ButtonLink>
      }
    >
      {error !== undefined && (
        <Problems
          title={
            isPartial
              ? 'Some of what is shown here is missing'
              : vpns
                ? 'The list is not kept up to date any more'
                : 'The VPNs cannot be shown'
          }
          error={error}
          tone={vpns ? 'warning' : 'error'}
          onRetry={restart}
        />
      )}
      {vpns ? <VpnList vpns={vpns.nodes} path={path} /> : loading && <Loading what="the VPNs" rows={8} />}
    </Page>
  );
}
