// Resets the connection of a VPN.
import { useMutation } from '@apollo/client/react';
import { RotateCcw } from 'lucide-react';
import { unmask } from '../gql';
import { type EnvironmentInput, ResetSiteToSiteVpnDocument, TaskProgressFragmentDoc } from '../gql/graphql';
import type { TaskToFollow } from '../tasks/task-progress';
import { Button } from '../ui/buttons';
import { MutationProblems } from '../ui/mutation-problems';

/** Which VPN something is done to. */
export interface DeedProps {
  readonly environment: EnvironmentInput;
  readonly id: string;
  readonly name: string;
  readonly isDisabled: boolean;
  readonly onTask: (task: TaskToFollow) => void;
}

/** The button that resets. */
export function ResetVpn({ environment, id, name, isDisabled, onTask }: DeedProps) {
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
      <MutationProblems title="It was not reset" error={error} userErrors={data?.resetSiteToSiteVpn?.userErrors} />
    </>
  );
}
