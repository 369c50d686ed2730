// Counts the fields of an operation in its document, with every fragment expanded.
import { type DocumentNode, Kind, type OperationDefinitionNode, type SelectionSetNode } from 'graphql';

/** Returns the number of fields of an operation with fragments expanded. Visits each fragment once, however often it is spread. */
export function countFields(document: DocumentNode, operation: OperationDefinitionNode): number {
  const counts = new Map<string, number>();
  const fragments = new Map(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition.selectionSet]] : [],
    ),
  );
  const count = (set: SelectionSetNode | undefined): number => {
    let sum = 0;
    for (const selection of set?.selections ?? []) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) sum += countFragment(selection.name.value);
      else sum += count(selection.selectionSet) + (selection.kind === Kind.FIELD ? 1 : 0);
    }
    return sum;
  };
  const countFragment = (name: string): number => {
    const known = counts.get(name) ?? count(fragments.get(name));
    counts.set(name, known);
    return known;
  };
  return count(operation.selectionSet);
}
