// Generates pre-shared keys.

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const length = 32;
// Largest multiple of the alphabet's size in a byte. Higher bytes are rejected, because a modulo would favour the first characters.
const limit = 256 - (256 % alphabet.length);

/** Generates a random key of 32 letters and digits (190 bits). Never begins with 0x or 0s, which strongSwan decodes as bytes. */
export function generateKey(): string {
  let key = '';
  while (key.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length * 2))) {
      if (byte < limit && key.length < length) key += alphabet.charAt(byte % alphabet.length);
    }
    if (/^0[xs]/i.test(key)) key = '';
  }
  return key;
}
