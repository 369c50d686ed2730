// The way from one environment to another, on every page.
import { useQuery } from '@apollo/client/react';
import { useMatch, useNavigate } from 'react-router';
import { EnvironmentsDocument } from '../gql/graphql';
import { Choice } from '../ui/choice';
import { toPath } from './use-environment';

/** A choice of environments, where the page is of one. */
export function EnvironmentSwitch() {
  const navigate = useNavigate();
  const match = useMatch('/:serviceCode/:environmentName/*');
  const { data } = useQuery(EnvironmentsDocument);
  if (match === null) return null;
  const { serviceCode = '', environmentName = '' } = match.params;
  const options = (data?.environments ?? []).flatMap(({ name, serviceConnection }) =>
    serviceConnection?.serviceCode
      ? [
          {
            value: toPath(serviceConnection.serviceCode, name),
            label: name,
            description: serviceConnection.name ?? undefined,
          },
        ]
      : [],
  );
  return (
    <Choice
      className="environment-switch"
      aria-label="Environment"
      options={options}
      value={toPath(serviceCode, environmentName)}
      onChange={(path) => void navigate(path)}
    />
  );
}
