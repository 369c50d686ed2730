// Pre-shared keys that nobody can guess.

const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const length = 32;
// Beyond it, the first characters would come up more often than the last ones.
const limit = 256 - (256 % characters.length);

/** A key of 32 letters and digits, 190 bits; never one that strongSwan would take for bytes. */
export function generateKey(): string {
  let key = '';
  while (key.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length * 2))) {
      if (byte < limit && key.length < length) key += characters.charAt(byte % characters.length);
    }
    if (/^0[xs]/i.test(key)) key = '';
  }
  return key;
}
