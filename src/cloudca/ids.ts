// Compares ids. The REST API may write the same UUID in capitals in one place and in small letters in another (RFC 9562, 4, allows both).

/** Reports whether two ids are equal. Either may be written in capitals. */
export function isSameId(one: string, other: string): boolean {
  return one === other || toIdKey(one) === toIdKey(other);
}

/** Returns the key of an id in a map: the same for all spellings of the id. */
export function toIdKey(id: string): string {
  return id.toLowerCase();
}
