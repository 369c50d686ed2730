// Recognizes misspelled environment variables: names that begin like a variable of the gateway, but that it does not read.

/** An environment variable that the gateway ignores, although its name begins like one of the gateway's. */
export interface UnknownVariable {
  readonly name: string;
  /** Names the variable, and the one that was probably meant. Contains no value. */
  readonly message: string;
}

// Other programs use names that begin with these words. The OTEL_ variables belong to the exporter.
const sharedWords = new Set(['HOST', 'PORT', 'HTTP', 'HTTPS', 'NO', 'LOG', 'NODE', 'OTEL', 'REDIS']);
// One of these words alone is too common, e.g. in WATCH_NAMESPACE. With the next word it is the gateway's.
const commonWords = new Set(['RATE', 'TASK', 'WATCH']);

// Maximum edit distance of a suggestion, relative to its length.
const maxDistanceRatio = 0.4;

/** Returns the unknown ones of some variable names, compared with all names that the gateway reads. */
export function toUnknownVariables(
  names: readonly string[],
  knownNames: readonly string[],
): readonly UnknownVariable[] {
  const prefixes = new Set(knownNames.flatMap(toPrefix));
  return names
    .filter((name) => !knownNames.includes(name) && [...prefixes].some((prefix) => name.startsWith(prefix)))
    .map((name) => {
      const suggestion = findClosest(name, knownNames);
      const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
      return { name, message: `unknown environment variable ${name} is ignored${hint}` };
    });
}

// The part of a name that only the gateway's variables begin with, e.g. MAX_, TASK_POLL, PLAYGROUND.
function toPrefix(knownName: string): readonly string[] {
  const [first = '', second] = knownName.split('_');
  if (sharedWords.has(first.toUpperCase())) return [];
  if (second === undefined) return [first];
  return [commonWords.has(first) ? `${first}_${second}` : `${first}_`];
}

function findClosest(name: string, candidates: readonly string[]): string | undefined {
  const [closest] = candidates
    .map((candidate) => ({ candidate, distance: toEditDistance(name, candidate) }))
    .filter(({ candidate, distance }) => distance <= candidate.length * maxDistanceRatio || candidate.startsWith(name))
    .sort((a, b) => a.distance - b.distance);
  return closest?.candidate;
}

/** Returns the Levenshtein distance of two texts. */
function toEditDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      const insertion = (current[column - 1] ?? 0) + 1;
      const deletion = (previous[column] ?? 0) + 1;
      current.push(Math.min(substitution, insertion, deletion));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
