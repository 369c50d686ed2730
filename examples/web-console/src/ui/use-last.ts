// What was there last, for as long as nothing newer is.
import { useState } from 'react';

/** The value, or the last one where there is none now: a screen keeps what it shows when an update fails. */
export function useLast<Value>(value: Value | undefined): Value | undefined {
  const [last, setLast] = useState(value);
  if (value !== undefined && value !== last) setLast(value);
  return value ?? last;
}
