// Compares ids. All ids of the REST API are UUIDs, which it may write in capitals in one place and in small letters in another (RFC 9562,
// 4: either is accepted as input).

/** Reports whether two ids are equal. Either may be written in capitals. */
export function isSameId(one: string, other: string): boolean {
  return one === other || toIdKey(one) === toIdKey(other);
}

/** Returns the key of an id in a map: the same for all spellings of the id. */
export function toIdKey(id: string): string {
  return id.toLowerCase();
}
