// Errors of subscriptions, which bypass Apollo Server: their conversion to GraphQLError, and their path.
import {
  type DocumentNode,
  type FieldNode,
  GraphQLError,
  type GraphQLFormattedError,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

/** An error that is formatted already. Transports serialize it as it is. */
export class FormattedError extends GraphQLError {
  readonly #formatted: GraphQLFormattedError;

  constructor(formatted: GraphQLFormattedError) {
    super(formatted.message);
    this.#formatted = formatted;
  }

  override toJSON(): GraphQLFormattedError {
    return this.#formatted;
  }
}

/** Adds `extensions.retryable`: the cause may pass, so a client may begin the subscription again. */
export function markRetryable(error: GraphQLFormattedError): GraphQLFormattedError {
  return { ...error, extensions: { ...error.extensions, retryable: true } };
}

/** Converts a thrown value to a GraphQLError, whose path is that of the operation's one root field. */
export function toGraphqlError(
  thrown: unknown,
  { document, operation }: { readonly document: DocumentNode; readonly operation: OperationDefinitionNode },
): GraphQLError {
  if (thrown instanceof GraphQLError) return thrown;
  const originalError = thrown instanceof Error ? thrown : new Error('A value that is not an Error was thrown.');
  const field = findRootField(operation.selectionSet, document);
  const path = field && [field.alias?.value ?? field.name.value];
  return new GraphQLError(originalError.message, { originalError, path: path ?? null });
}

// The root field may be in a fragment.
function findRootField({ selections: [first] }: SelectionSetNode, document: DocumentNode): FieldNode | undefined {
  switch (first?.kind) {
    case undefined:
    case Kind.FIELD:
      return first;
    case Kind.INLINE_FRAGMENT:
      return findRootField(first.selectionSet, document);
    case Kind.FRAGMENT_SPREAD: {
      const { value } = first.name;
      const fragment = document.definitions.find(
        (definition) => definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === value,
      );
      return fragment?.kind === Kind.FRAGMENT_DEFINITION ? findRootField(fragment.selectionSet, document) : undefined;
    }
  }
}
