// A password for somebody else, until they choose their own.

/** Letters and digits that are not taken for each other. */
const ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789";

/** Groups of four, with dashes: 16 characters of 31 are 79 bits. */
const GROUPS = 4;

/** Draws a password from the browser's source of secrets. */
export function passphrase(): string {
  // Larger values would make some characters likelier than others.
  const fair = 256 - (256 % ALPHABET.length);
  let drawn = "";
  while (drawn.length < GROUPS * 4) {
    for (const byte of crypto.getRandomValues(new Uint8Array(32))) {
      if (byte < fair && drawn.length < GROUPS * 4) drawn += ALPHABET[byte % ALPHABET.length];
    }
  }
  return drawn.match(/.{4}/g)?.join("-") ?? drawn;
}
