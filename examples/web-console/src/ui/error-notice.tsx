// Shows errors of Apollo Client with the gateway's own messages, which say what to do and contain no secret.
import { CombinedGraphQLErrors, type ErrorLike, ServerError } from '@apollo/client';
import { RotateCw } from 'lucide-react';
import { Button } from './buttons';
import { Notice, type Tone } from './notice';

interface ErrorDetail {
  readonly message: string;
  /** Error code of the gateway; absent if the gateway was not reached. */
  readonly code?: string;
  /** Request id, for operators to find the request in the gateway's log. */
  readonly requestId?: string;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/**
 * Returns the details of an Apollo Client error, one entry per distinct message: the same failure may repeat for each of 100
 * rows.
 */
export function toErrorDetails(error: ErrorLike): readonly ErrorDetail[] {
  if (CombinedGraphQLErrors.is(error)) {
    const details = error.errors.map(({ message, extensions }) => {
      const code = text(extensions?.['code']);
      const requestId = text(extensions?.['requestId']);
      return { message, ...(code !== undefined && { code }), ...(requestId !== undefined && { requestId }) };
    });
    return [...new Map(details.map((detail) => [detail.message, detail])).values()];
  }
  if (ServerError.is(error))
    return [{ message: `The gateway responded with HTTP status ${error.statusCode}. Try again in a moment.` }];
  return [{ message: 'The gateway cannot be reached. Check your connection, then try again.' }];
}

interface ErrorNoticeProps {
  readonly title: string;
  readonly error: ErrorLike;
  readonly tone?: Tone;
  readonly onRetry?: () => void;
}

/** Renders all messages of an error and, if `onRetry` is set, a button to try again. */
export function ErrorNotice({ title, error, tone = 'error', onRetry }: ErrorNoticeProps) {
  const details = toErrorDetails(error);
  const requestId = details.find((detail) => detail.requestId !== undefined)?.requestId;
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
      {details.map(({ message }) => (
        <p key={message}>{message}</p>
      ))}
      {requestId !== undefined && <p className="request-id">Request {requestId}</p>}
    </Notice>
  );
}
