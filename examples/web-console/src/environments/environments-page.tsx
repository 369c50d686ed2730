// The first page after sign-in: the list of environments.
import { useQuery } from '@apollo/client/react';
import { Boxes, CircleAlert } from 'lucide-react';
import { Link } from 'react-aria-components';
import { EnvironmentsDocument } from '../gql/graphql';
import { ErrorNotice } from '../ui/error-notice';
import { Loading } from '../ui/loading';
import { Page } from '../ui/page';
import { toPath } from './use-environment';

/** Lists all environments that the key can access. */
export function EnvironmentsPage() {
  const { data, error } = useQuery(EnvironmentsDocument);
  const environments = data?.environments;
  return (
    <Page title="Environments" lead="Choose an environment. Each has its own networks and VPNs.">
      {error !== undefined && <ErrorNotice title="The environments cannot be shown" error={error} />}
      {!environments && error === undefined && <Loading what="the environments" />}
      {environments?.length === 0 && (
        <p className="muted">This key has access to no environment. Ask the administrator who issued it.</p>
      )}
      <ul className="environments">
        {environments?.map(({ id, name, description, serviceConnection }) => (
          <li key={id}>
            {serviceConnection?.serviceCode ? (
              <Link className="environment card" href={toPath(serviceConnection.serviceCode, name)}>
                <Boxes aria-hidden className="environment-icon" />
                <span className="environment-name">{name}</span>
                <span className="muted">{description ?? ''}</span>
                <span className="environment-service">{serviceConnection.name ?? serviceConnection.serviceCode}</span>
                {serviceConnection.reachable === false && (
                  <span className="environment-service">
                    <CircleAlert aria-hidden /> did not respond at the last check
                  </span>
                )}
              </Link>
            ) : (
              // Every operation needs the service code.
              <span className="environment card">
                <span className="environment-name">{name}</span>
                <span className="muted">Its service code is missing, so it cannot be opened.</span>
              </span>
            )}
          </li>
        ))}
      </ul>
    </Page>
  );
}
