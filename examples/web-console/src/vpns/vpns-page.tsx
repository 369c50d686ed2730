// The VPN list of an environment. The subscription sends the current list first, then again after each change.
import { Plus, SearchX } from 'lucide-react';
import { useMemo } from 'react';
import { useEnvironment } from '../environments/use-environment';
import { graphql } from '../gql';
import { isMissing, useLiveSubscription } from '../session/use-live-subscription';
import { ButtonLink } from '../ui/buttons';
import { EmptyState } from '../ui/empty-state';
import { ErrorNotice } from '../ui/error-notice';
import { Loading } from '../ui/loading';
import { Page } from '../ui/page';
import { LiveIndicator } from './live-indicator';
import { VpnList } from './vpn-list';

const VpnsUpdated = graphql(`
  subscription VpnsUpdated($environment: EnvironmentInput!) {
    siteToSiteVpnsUpdated(environment: $environment) {
      nodes {
        ...VpnList_vpn
      }
    }
  }
`);

/** Renders the list of the environment that the URL names. */
export function VpnsPage() {
  const { environment, path } = useEnvironment();
  // The key remounts the component for another environment, which discards all state of the previous one.
  return <EnvironmentVpns key={path} environment={environment} path={path} />;
}

function EnvironmentVpns({ environment, path }: ReturnType<typeof useEnvironment>) {
  const variables = useMemo(() => ({ environment }), [environment]);
  const { data, error, stoppedSince, restart } = useLiveSubscription(VpnsUpdated, variables);
  const vpns = data?.siteToSiteVpnsUpdated;
  const back = { href: '/', label: 'Environments' };
  if (!vpns && isMissing(error)) {
    return (
      <Page title="There is no such environment" back={back}>
        <EmptyState
          icon={SearchX}
          text={`Your key has access to no environment ${environment.name} in the service ${environment.serviceCode}.`}
          action={
            <ButtonLink tone="plain" href="/">
              Choose another one
            </ButtonLink>
          }
        />
      </Page>
    );
  }
  return (
    <Page
      title={environment.name}
      back={back}
      badge={vpns && <LiveIndicator stoppedSince={stoppedSince} />}
      actions={
        // An empty list has the same button, with an explanation.
        vpns?.nodes.length !== 0 && (
          <ButtonLink href={`${path}/create`} icon={Plus}>
            Create VPN
          </ButtonLink>
        )
      }
    >
      {error !== undefined && (
        <ErrorNotice
          title={
            stoppedSince === undefined
              ? 'Some data could not be loaded'
              : vpns
                ? 'The list has stopped updating. It tries again by itself'
                : 'The VPNs cannot be shown'
          }
          error={error}
          tone={vpns ? 'warning' : 'error'}
          onRetry={restart}
        />
      )}
      {vpns ? (
        <VpnList vpns={vpns.nodes} environment={environment} path={path} />
      ) : (
        error === undefined && <Loading what="the VPNs" rows={8} />
      )}
    </Page>
  );
}
