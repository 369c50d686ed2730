// What failed, in the gateway's own words: its messages say what to do, and hold no secret.
import { CombinedGraphQLErrors, type ErrorLike, ServerError } from '@apollo/client';
import { RotateCw } from 'lucide-react';
import { Button } from './buttons';
import { Notice, type Tone } from './notice';

/** One thing that failed. */
export interface Problem {
  readonly message: string;
  /** The gateway's code; absent where the gateway was not reached. */
  readonly code?: string;
  /** What operators find the request by. */
  readonly requestId?: string;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** What an error of Apollo Client says, one entry a message: a list of 100 rows may fail 100 times for one reason. */
export function toProblems(error: ErrorLike): readonly Problem[] {
  if (CombinedGraphQLErrors.is(error)) {
    const problems = error.errors.map(({ message, extensions }) => {
      const code = text(extensions?.['code']);
      const requestId = text(extensions?.['requestId']);
      return { message, ...(code !== undefined && { code }), ...(requestId !== undefined && { requestId }) };
    });
    return [...new Map(problems.map((problem) => [problem.message, problem])).values()];
  }
  if (ServerError.is(error))
    return [{ message: `The gateway answered with ${error.statusCode}. Try again in a moment.` }];
  return [{ message: 'The gateway cannot be reached. Check your connection, then try again.' }];
}

/** What the notice is made of. */
export interface ProblemsProps {
  readonly title: string;
  readonly error: ErrorLike;
  readonly tone?: Tone;
  readonly onRetry?: () => void;
}

/** All that failed, and a way to try again where there is one. */
export function Problems({ title, error, tone = 'error', onRetry }: ProblemsProps) {
  const problems = toProblems(error);
  const requestId = problems.find((problem) => problem.requestId !== undefined)?.requestId;
  return (
    <Notice
      tone={tone}
      title={title}
      actions={
        onRetry && (
          <Button icon={RotateCw} onPress={onRetry}>
            Try again
          </Button>
        )
      }
    >
      {problems.map(({ message }) => (
        <p key={message}>{message}</p>
      ))}
      {requestId !== undefined && <p className="request-id">Request {requestId}</p>}
    </Notice>
  );
}
