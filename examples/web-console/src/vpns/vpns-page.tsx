// The VPN list of an environment. The subscription sends the current list first, then again after each change.
import { useSubscription } from '@apollo/client/react';
import { Plus } from 'lucide-react';
import { useEnvironment } from '../environments/use-environment';
import { SiteToSiteVpnsUpdatedDocument } from '../gql/graphql';
import { ButtonLink } from '../ui/buttons';
import { ErrorNotice } from '../ui/error-notice';
import { Loading } from '../ui/loading';
import { Page } from '../ui/page';
import { useLastDefined } from '../ui/use-last-defined';
import { LiveIndicator } from './live-indicator';
import { VpnList } from './vpn-list';

/** Renders the list of the environment that the URL names. */
export function VpnsPage() {
  const { environment, path } = useEnvironment();
  // The key remounts the component for another environment, which discards all state of the previous one.
  return <EnvironmentVpns key={path} environment={environment} path={path} />;
}

function EnvironmentVpns({ environment, path }: ReturnType<typeof useEnvironment>) {
  // `all` delivers rows whose VPC could not be read together with the errors.
  const { data, error, loading, restart } = useSubscription(SiteToSiteVpnsUpdatedDocument, {
    variables: { environment },
    errorPolicy: 'all',
  });
  const vpns = useLastDefined(data?.siteToSiteVpnsUpdated);
  const isPartial = error !== undefined && data?.siteToSiteVpnsUpdated !== undefined;
  return (
    <Page
      title={environment.name}
      badge={vpns && <LiveIndicator isStopped={error !== undefined && !isPartial} />}
      actions={
        <ButtonLink href={`${path}/create`} icon={Plus}>
          Create VPN
        </ButtonLink>
      }
    >
      {error !== undefined && (
        <ErrorNotice
          title={
            isPartial
              ? 'Some data could not be loaded'
              : vpns
                ? 'The list has stopped updating'
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
