import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

/** Encrypts, digests and signs under keys that are derived from the gateway's master keys. */
export interface Secrets {
  /**
   * Encrypts text, which must be well-formed, under the current key.
   * @param associated identifies the place of the value (a bot's sid): a value that is moved to another place does not open
   */
  seal(plaintext: string, associated: string): Uint8Array<ArrayBuffer>;
  /** @throws SealError for a value that was truncated, changed or moved, or whose key this gateway does not have */
  open(sealed: Uint8Array, associated: string): string;
  /** Makes the keyed digest by which an auth token is recognized. Without the key, tokens cannot be guessed from it. */
  digest(text: string): { digest: Uint8Array<ArrayBuffer>; keyId: string };
  /** Whether `digest` is the text's, in constant time. With an unknown key, it takes the same time and never matches. */
  matches(text: string, digest: Uint8Array, keyId: string): boolean;
  /** Whether the gateway has this key, so that values sealed, digested and signed under it can be used. */
  holds(keyId: string): boolean;
  /** Makes a keyed digest for recognizing equal inputs that may contain secrets. */
  fingerprint(text: string): Uint8Array<ArrayBuffer>;
  /** Makes the text's fingerprint under every key, the current one first: for recognizing what was stored before a rotation. */
  fingerprints(text: string): { readonly keyId: string; readonly fingerprint: Uint8Array<ArrayBuffer> }[];
  /** The current key's id: 8 hex digits. */
  readonly keyId: string;
  /**
   * Seals a sealed value anew under the current key.
   * @returns `undefined` if it is already sealed under the current key
   * @throws SealError as `open`
   */
  reseal(sealed: Uint8Array, associated: string): Uint8Array<ArrayBuffer> | undefined;
  /** The key that new tokens are signed with (HMAC-SHA256), and the id that they carry. */
  readonly signing: { readonly keyId: string; readonly key: Uint8Array };
  /** Returns the signing key with this id, or `undefined` if the gateway does not have it. */
  signingKey(keyId: string): Uint8Array | undefined;
}

/** A sealed value cannot be opened. The message contains neither the value nor a key. */
export class SealError extends Error {
  override readonly name = 'SealError';
}

const MASTER_KEY_BYTES = 32;

// A sealed value is version | key id | nonce | ciphertext | tag (AES-256-GCM). Version, key id and `associated` are authenticated with it.
const VERSION = 1;
const KEY_ID_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES;

interface Key {
  readonly id: string;
  readonly sealing: Buffer;
  readonly digesting: Buffer;
  readonly fingerprinting: Buffer;
  readonly signing: Buffer;
}

/**
 * Derives the gateway's keys from its master keys, of 32 bytes each. The first is current. Values that were sealed, digested or signed under the
 * others, which are retired, still open, match and are valid.
 * @throws RangeError for no key, or one of another length
 */
export function createSecrets(...[masterKey, ...retired]: readonly Uint8Array[]): Secrets {
  if (!masterKey) throw new RangeError('There is no master key.');
  const current = derive(masterKey);
  const keys = new Map([...retired.map(derive), current].map((key) => [key.id, key]));
  const unseal = (sealed: Uint8Array, associated: string): string => {
    const { keyId, ...parts } = parse(sealed);
    const key = keys.get(keyId);
    if (!key)
      throw new SealError(`The value is sealed under the key ${keyId}, which this gateway does not have. Is SECRETS_KEYS complete?`);
    return open(key, parts, associated);
  };
  return {
    keyId: current.id,
    seal: (plaintext, associated) => seal(current, plaintext, associated),
    open: unseal,
    reseal: (sealed, associated) => (keyOf(sealed) === current.id ? undefined : seal(current, unseal(sealed, associated), associated)),
    digest: (text) => ({ digest: hmac(current.digesting, text), keyId: current.id }),
    matches: (text, digest, keyId) => {
      const key = keys.get(keyId);
      const computed = hmac((key ?? current).digesting, text);
      return digest.length === computed.length && timingSafeEqual(digest, computed) && key !== undefined;
    },
    holds: (keyId) => keys.has(keyId),
    fingerprint: (text) => hmac(current.fingerprinting, text),
    fingerprints: (text) =>
      [current, ...[...keys.values()].filter((key) => key !== current)].map((key) => ({
        keyId: key.id,
        fingerprint: hmac(key.fingerprinting, text),
      })),
    signing: { keyId: current.id, key: current.signing },
    signingKey: (keyId) => keys.get(keyId)?.signing,
  };
}

/** Derives one key for each use (HKDF-SHA256, RFC 5869), so that no use weakens another. The id is also derived and reveals nothing about the key. */
function derive(masterKey: Uint8Array): Key {
  if (masterKey.length !== MASTER_KEY_BYTES) throw new RangeError(`A master key must have ${MASTER_KEY_BYTES} bytes.`);
  const subkey = (use: string, bytes = 32) => Buffer.from(hkdfSync('sha256', masterKey, '', `teams-sms-gateway ${use}`, bytes));
  return {
    id: subkey('key id', KEY_ID_BYTES).toString('hex'),
    sealing: subkey('seal'),
    digesting: subkey('digest'),
    fingerprinting: subkey('fingerprint'),
    signing: subkey('sign'),
  };
}

function seal(key: Key, plaintext: string, associated: string): Uint8Array<ArrayBuffer> {
  const header = Buffer.concat([Buffer.of(VERSION), Buffer.from(key.id, 'hex')]);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key.sealing, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.concat([header, Buffer.from(associated)]));
  return bytes(Buffer.concat([header, nonce, cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]));
}

function parse(sealed: Uint8Array) {
  const value = Buffer.from(sealed);
  if (value.length < HEADER_BYTES + NONCE_BYTES + TAG_BYTES || value[0] !== VERSION) throw damaged();
  return {
    header: value.subarray(0, HEADER_BYTES),
    keyId: value.toString('hex', 1, HEADER_BYTES),
    nonce: value.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES),
    ciphertext: value.subarray(HEADER_BYTES + NONCE_BYTES, -TAG_BYTES),
    tag: value.subarray(-TAG_BYTES),
  };
}

/**
 * Returns the id of the key that a value is sealed under.
 * @throws SealError for anything but a sealed value
 */
const keyOf = (sealed: Uint8Array): string => parse(sealed).keyId;

function open(key: Key, { header, nonce, ciphertext, tag }: Omit<ReturnType<typeof parse>, 'keyId'>, associated: string): string {
  const decipher = createDecipheriv('aes-256-gcm', key.sealing, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.concat([header, Buffer.from(associated)]));
  decipher.setAuthTag(tag);
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
  } catch (error) {
    throw damaged(error);
  }
}

const damaged = (cause?: unknown) => new SealError('The sealed value was truncated, changed or moved from its place.', { cause });

const hmac = (key: Buffer, text: string) => bytes(createHmac('sha256', key).update(text).digest());

/** Copies the bytes out of node's shared buffer pool: Prisma's type demands an ArrayBuffer of their own. */
const bytes = (buffer: Buffer): Uint8Array<ArrayBuffer> => new Uint8Array(buffer);
