import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** A sealed value cannot be opened: another key, another row's value, or a changed byte. */
export class UnreadableSecretError extends Error {
  override name = 'UnreadableSecretError';
}

/** The key that wraps data keys. Its bytes are in no property: whoever prints it sees the id only. */
export interface MasterKey {
  /** 16 hex characters that name the key and tell nothing of it. */
  readonly id: string;
  wrap(dataKey: Buffer, identity: string): Buffer;
  unwrap(wrapped: Buffer, identity: string): Buffer;
}

/** A value as it lies in a row. */
export interface Sealed {
  /** One byte of format, the wrapped data key (60 bytes), then the value: nonce, ciphertext, tag. */
  readonly box: Buffer;
  /** Which master key opens it. */
  readonly masterKeyId: string;
}

const FORMAT = 1;
const KEY_BYTES = 32;
/** 96 random bits, as AES-GCM wants them: each data key seals one value, so they never meet again. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES;

const MASTER_KEY = /^[0-9a-f]{64}$/;

/** @returns undefined when the text is not 64 lower-case hex characters */
export function masterKeyOf(text: string): MasterKey | undefined {
  if (!MASTER_KEY.test(text)) return undefined;
  const secret = Buffer.from(text, 'hex');
  const derive = (purpose: string) =>
    Buffer.from(hkdfSync('sha256', secret, '', `roundhouse ${purpose}`, KEY_BYTES));
  const wrapping = derive('wrapping');
  return {
    id: derive('key id').toString('hex').slice(0, 16),
    wrap: (dataKey, identity) => encrypt(wrapping, dataKey, `key of ${identity}`),
    unwrap: (wrapped, identity) => decrypt(wrapping, wrapped, `key of ${identity}`),
  };
}

/**
 * Seals a value under a data key of its own.
 *
 * @param identity the row the value belongs to: in another row it cannot be opened
 */
export function sealValue(master: MasterKey, value: Buffer, identity: string): Sealed {
  const dataKey = randomBytes(KEY_BYTES);
  const box = Buffer.concat([
    Buffer.from([FORMAT]),
    master.wrap(dataKey, identity),
    encrypt(dataKey, value, identity),
  ]);
  return { box, masterKeyId: master.id };
}

/** @throws UnreadableSecretError, naming the row and nothing of the value */
export function openValue(keys: readonly MasterKey[], sealed: Sealed, identity: string): Buffer {
  const { dataKey, content } = unwrapped(keys, sealed, identity);
  return decrypt(dataKey, content, identity);
}

/**
 * The same value under another master key: only the data key is wrapped anew.
 *
 * @throws UnreadableSecretError
 */
export function rewrapValue(
  keys: readonly MasterKey[],
  to: MasterKey,
  sealed: Sealed,
  identity: string,
): Sealed {
  const { dataKey, content } = unwrapped(keys, sealed, identity);
  const box = Buffer.concat([Buffer.from([FORMAT]), to.wrap(dataKey, identity), content]);
  return { box, masterKeyId: to.id };
}

function unwrapped(keys: readonly MasterKey[], { box, masterKeyId }: Sealed, identity: string) {
  const master = keys.find((key) => key.id === masterKeyId);
  if (!master) {
    throw new UnreadableSecretError(
      `${identity} is sealed with master key ${masterKeyId}, which was not given`,
    );
  }
  if (box[0] !== FORMAT)
    throw new UnreadableSecretError(`${identity} is sealed in an unknown form`);
  const dataKey = master.unwrap(box.subarray(1, 1 + WRAPPED_BYTES), identity);
  return { dataKey, content: box.subarray(1 + WRAPPED_BYTES) };
}

function encrypt(key: Buffer, plain: Buffer, identity: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(identity));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, sealed: Buffer, identity: string): Buffer {
  const unreadable = () =>
    new UnreadableSecretError(`${identity} cannot be opened: it was changed, or is another row's`);
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw unreadable();
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(identity));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const ciphertext = sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES);
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  } catch {
    throw unreadable();
  }
}
