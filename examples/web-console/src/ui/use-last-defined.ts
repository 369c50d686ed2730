// A hook that keeps the last defined value.
import { useState } from 'react';

/** Returns `value` or, if it is undefined, its last defined value. A page thus keeps its content when an update fails. */
export function useLastDefined<Value>(value: Value | undefined): Value | undefined {
  const [last, setLast] = useState(value);
  if (value !== undefined && value !== last) setLast(value);
  return value ?? last;
}
