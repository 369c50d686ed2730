// The first page after the sign-in: which environment to work in.
import { useQuery } from '@apollo/client/react';
import { Boxes, CircleAlert } from 'lucide-react';
import { Link } from 'react-aria-components';
import { EnvironmentsDocument } from '../gql/graphql';
import { Loading } from '../ui/loading';
import { Page } from '../ui/page';
import { Problems } from '../ui/problems';
import { toPath } from './use-environment';

/** All environments that the key can see. */
export function EnvironmentsPage() {
  const { data, error } = useQuery(EnvironmentsDocument);
  const environments = data?.environments;
  return (
    <Page title="Environments" lead="Choose where to work. Each has networks and VPNs of its own.">
      {error !== undefined && <Problems title="The environments cannot be shown" error={error} />}
      {!environments && error === undefined && <Loading what="the environments" />}
      {environments?.length === 0 && <p className="muted">This key sees no environment. Ask whoever gave it to you.</p>}
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
                    <CircleAlert aria-hidden /> did not answer when it was last looked at
                  </span>
                )}
              </Link>
            ) : (
              // Without the service's code there is nothing to ask with.
              <span className="environment card">
                <span className="environment-name">{name}</span>
                <span className="muted">Its service is not known, so it cannot be opened.</span>
              </span>
            )}
          </li>
        ))}
      </ul>
    </Page>
  );
}
