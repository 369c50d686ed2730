// The environment select in the header.
import { useQuery } from '@apollo/client/react';
import { useMatch } from 'react-router';
import { EnvironmentsDocument } from '../gql/graphql';
import { useGuardedNavigate } from '../session/leave-guard';
import { SelectField } from '../ui/select-field';
import { toPath } from './use-environment';

/** Renders a select that navigates to another environment. Renders nothing on pages outside an environment. */
export function EnvironmentSwitcher() {
  const navigate = useGuardedNavigate();
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
    <SelectField
      className="environment-switcher"
      aria-label="Environment"
      placeholder="Choose…"
      options={options}
      value={toPath(serviceCode, environmentName)}
      onChange={navigate}
    />
  );
}
