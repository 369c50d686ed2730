// The errors of a mutation.
import type { ErrorLike } from '@apollo/client';
import { type FragmentType, unmask } from '../gql';
import { FormErrorFragmentDoc } from '../gql/graphql';
import { ErrorNotice } from './error-notice';
import { Notice } from './notice';
import { Reveal } from './reveal';

interface MutationErrorsProps {
  readonly title: string;
  readonly error: ErrorLike | undefined;
  readonly userErrors: readonly FragmentType<typeof FormErrorFragmentDoc>[] | undefined;
}

/** Renders the request error, else the `userErrors` of the payload. Renders nothing if the mutation succeeded. */
export function MutationErrors({ title, error, userErrors = [] }: MutationErrorsProps) {
  if (error !== undefined) {
    return (
      <Reveal>
        <ErrorNotice title={title} error={error} />
      </Reveal>
    );
  }
  if (userErrors.length === 0) return null;
  return (
    <Reveal>
      <Notice tone="error" title={title}>
        {unmask(FormErrorFragmentDoc, userErrors).map(({ message }) => (
          <p key={message}>{message}</p>
        ))}
      </Notice>
    </Reveal>
  );
}
