import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const KEY_ID = 'abcdefghijklmnopqrstuvwxyz0123456789';
const BASE_62 = `${KEY_ID}ABCDEFGHIJKLMNOPQRSTUVWXYZ`;
/** 62^43 is 2^256. */
const SECRET_CHARACTERS = 43;
/** 62^6 is more than 2^32. */
const CHECKSUM_CHARACTERS = 6;

const API_KEY = /^(rh_live_([a-z0-9]{12})_[A-Za-z0-9]{43})_([A-Za-z0-9]{6})$/;
/** Keys made before there was a checksum. */
const EARLIER_API_KEY = /^rh_([a-z0-9]{12})_[A-Za-z0-9_-]{43}$/;

/**
 * A new key of a partner, `rh_live_<id>_<secret>_<checksum>`: the id finds it, 256 random bits prove it, and
 * the CRC-32 lets a scanner of code or logs tell a key from a likeness without asking anybody.
 */
export function newApiKey(): { readonly keyId: string; readonly apiKey: string } {
  const keyId = randomText(12, KEY_ID);
  const head = `rh_live_${keyId}_${randomText(SECRET_CHARACTERS, BASE_62)}`;
  return { keyId, apiKey: `${head}_${checksumOf(head)}` };
}

/** The public part of a key; undefined for what no key of ours can be. */
export function keyIdOf(apiKey: string): string | undefined {
  const match = API_KEY.exec(apiKey);
  if (match?.[1] !== undefined) return checksumOf(match[1]) === match[3] ? match[2] : undefined;
  return EARLIER_API_KEY.exec(apiKey)?.[1];
}

function randomText(length: number, alphabet: string): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}

function checksumOf(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let place = 0; place < CHECKSUM_CHARACTERS; place++) {
    digits = BASE_62.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}
