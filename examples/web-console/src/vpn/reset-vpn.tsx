// The button that resets a VPN's connection.
import { useMutation } from '@apollo/client/react';
import { RotateCcw } from 'lucide-react';
import { unmask } from '../gql';
import { type EnvironmentInput, ResetSiteToSiteVpnDocument, TaskProgressFragmentDoc } from '../gql/graphql';
import type { TrackedTask } from '../tasks/task-progress';
import { Button } from '../ui/buttons';
import { MutationErrors } from '../ui/mutation-errors';

/** Props of a button that acts on a VPN. */
export interface VpnActionProps {
  readonly environment: EnvironmentInput;
  readonly id: string;
  readonly name: string;
  readonly isDisabled: boolean;
  readonly onTask: (task: TrackedTask) => void;
}

/** Renders the reset button. */
export function ResetVpn({ environment, id, name, isDisabled, onTask }: VpnActionProps) {
  const [reset, { data, error, loading }] = useMutation(ResetSiteToSiteVpnDocument, { errorPolicy: 'all' });
  const press = async (): Promise<void> => {
    const { data } = await reset({ variables: { input: { environment, id } } });
    const task = unmask(TaskProgressFragmentDoc, data?.resetSiteToSiteVpn?.task);
    if (task) onTask({ id: task.id, kind: 'reset', name });
  };
  return (
    <>
      <Button icon={RotateCcw} isDisabled={isDisabled} isPending={loading} onPress={() => void press()}>
        Reset
      </Button>
      <MutationErrors title="The VPN was not reset" error={error} userErrors={data?.resetSiteToSiteVpn?.userErrors} />
    </>
  );
}
