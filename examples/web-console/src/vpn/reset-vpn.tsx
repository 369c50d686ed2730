// Resets a VPN's connection.
import type { ErrorLike } from '@apollo/client';
import { useMutation } from '@apollo/client/react';
import { RotateCcw } from 'lucide-react';
import { type FragmentType, unmask } from '../gql';
import {
  type EnvironmentInput,
  type FormErrorFragmentDoc,
  ResetSiteToSiteVpnDocument,
  TaskProgressFragmentDoc,
} from '../gql/graphql';
import type { TrackedTask } from '../tasks/task-progress';
import { Button } from '../ui/buttons';

/** Props of a button that acts on a VPN. */
export interface VpnActionProps {
  readonly environment: EnvironmentInput;
  readonly id: string;
  readonly name: string;
  readonly isDisabled: boolean;
  readonly onTask: (task: TrackedTask) => void;
}

/** A reset, and why the latest one was rejected. */
export interface Reset {
  readonly start: () => void;
  readonly isPending: boolean;
  readonly error: ErrorLike | undefined;
  readonly userErrors: readonly FragmentType<typeof FormErrorFragmentDoc>[] | undefined;
}

/** Returns a function that resets the VPN. `onAccepted` is called with the task, if the REST API gives one. */
export function useReset(
  environment: EnvironmentInput,
  id: string,
  onAccepted: (taskId: string | undefined) => void,
): Reset {
  const [reset, { data, error, loading }] = useMutation(ResetSiteToSiteVpnDocument, {
    errorPolicy: 'all',
    fetchPolicy: 'no-cache',
  });
  const start = async (): Promise<void> => {
    const { data } = await reset({ variables: { input: { environment, id } } });
    const payload = data?.resetSiteToSiteVpn;
    // With a payload, the reset stands, even if the VPN could not be read after it.
    if (payload?.userErrors.length === 0) onAccepted(unmask(TaskProgressFragmentDoc, payload.task)?.id);
  };
  return {
    start: () => void start(),
    isPending: loading,
    error: data?.resetSiteToSiteVpn ? undefined : error,
    userErrors: data?.resetSiteToSiteVpn?.userErrors,
  };
}

/** Renders the reset button. */
export function ResetButton({ reset, isDisabled }: { readonly reset: Reset; readonly isDisabled: boolean }) {
  return (
    <Button icon={RotateCcw} isDisabled={isDisabled} isPending={reset.isPending} onPress={reset.start}>
      Reset
    </Button>
  );
}
