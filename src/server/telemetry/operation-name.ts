// The name of an operation in logs, metrics and traces. The client chooses it.
import type { OperationDefinitionNode } from 'graphql';

/** Maximum length of an operation name in logs, metrics and traces, in UTF-16 code units. */
export const maxNameLength = 100;

/** Returns the name of an operation, truncated to the maximum length. Undefined if it has none. */
export function toShortName(operation: OperationDefinitionNode | undefined): string | undefined {
  return operation?.name?.value.slice(0, maxNameLength);
}
