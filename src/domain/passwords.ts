import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { createQueue, type QueueOptions } from './turns.ts';

interface Cost {
  /** log2 of N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and some 80 ms a password. A hash carries its own, so this can be raised without a migration. */
const COST: Cost = { ln: 15, r: 8, p: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/**
 * All of this process' scrypt: each occupies a core, 32 MiB, and one of the four threads that everything else of its kind shares, so half of the
 * cores is left to whoever is in. A turn of all who may wait takes some 3 s.
 */
const RUNNING = availableParallelism() >= 4 ? 2 : 1;
export const PASSWORD_TURNS: QueueOptions = { running: RUNNING, waiting: 32 * RUNNING, waitingOfOne: 8 };
const turns = createQueue(PASSWORD_TURNS);

/** The password's scrypt hash with a fresh salt: `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`, both in base64 without padding. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await turns.run(() => derive(password, salt, HASH_BYTES, COST));
  return `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${base64(salt)}$${base64(hash)}`;
}

/** The hash of a password that nobody has: what is compared where there is none, for the same work. */
const NOBODYS = `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${base64(randomBytes(SALT_BYTES))}$${base64(randomBytes(HASH_BYTES))}`;

/**
 * Verifies a password when it is its turn.
 * @param read reads what is compared, when its turn has come: what is refused costs the database nothing
 * @param origin who asks, as Queue.run has it
 * @throws QueueFullError
 */
export async function verifyInTurn<Owner extends { readonly passwordHash: string | null }>(
  password: string,
  read: () => Promise<Owner | undefined>,
  origin: string | undefined,
): Promise<Owner | undefined> {
  return turns.run(async () => {
    const owner = await read();
    const matches = await verifyPassword(password, owner?.passwordHash ?? NOBODYS);
    return owner?.passwordHash && matches ? owner : undefined;
  }, origin);
}

/**
 * Whether `encoded` is the password's hash, in constant time.
 * @throws Error where `encoded` is no hash that this module made
 */
export async function verifyPassword(password: string, encoded: string): Promise<boolean> {
  const parts = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/.exec(encoded);
  if (!parts) throw new Error('a stored password hash is malformed');
  const [, ln, r, p, salt, hash] = parts as unknown as [string, string, string, string, string, string];
  const expected = Buffer.from(hash, 'base64');
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  const computed = await derive(password, Buffer.from(salt, 'base64'), expected.length, cost);
  return timingSafeEqual(expected, computed);
}

/** Off the main thread. NFKC, since keyboards compose the same character differently. */
function derive(password: string, salt: Buffer, length: number, { ln, r, p }: Cost): Promise<Buffer> {
  const N = 2 ** ln;
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, length, { N, r, p, maxmem: 256 * N * r }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
