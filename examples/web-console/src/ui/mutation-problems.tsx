// Why a change was not made.
import type { ErrorLike } from '@apollo/client';
import { type FragmentType, unmask } from '../gql';
import { FormErrorFragmentDoc } from '../gql/graphql';
import { Notice } from './notice';
import { Problems } from './problems';

/** What a change was answered with. */
export interface MutationProblemsProps {
  readonly title: string;
  readonly error: ErrorLike | undefined;
  readonly userErrors: readonly FragmentType<typeof FormErrorFragmentDoc>[] | undefined;
}

/** What failed, and what was refused; nothing where all went well. */
export function MutationProblems({ title, error, userErrors = [] }: MutationProblemsProps) {
  if (error !== undefined) return <Problems title={title} error={error} />;
  if (userErrors.length === 0) return null;
  return (
    <Notice tone="error" title={title}>
      {unmask(FormErrorFragmentDoc, userErrors).map(({ message }) => (
        <p key={message}>{message}</p>
      ))}
    </Notice>
  );
}
