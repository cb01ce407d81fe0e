import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { createQueue, type QueueOptions } from './turns.ts';

/** The cost parameters of scrypt (RFC 7914). */
interface ScryptCost {
  /** log2 of N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and about 80 ms per password. Each hash names its own cost, so this can be raised without a migration. */
const COST: ScryptCost = { ln: 15, r: 8, p: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/**
 * Limits all scrypt work of this process. Each run occupies a core, 32 MiB and one of libuv's four threads, so at least half of the cores stay free for
 * authenticated callers. A full queue takes about 3 s.
 */
const CONCURRENCY = availableParallelism() >= 4 ? 2 : 1;
export const PASSWORD_QUEUE: QueueOptions = { concurrency: CONCURRENCY, maxWaiting: 32 * CONCURRENCY, maxWaitingPerOrigin: 8 };
const queue = createQueue(PASSWORD_QUEUE);

/**
 * Hashes a password with scrypt and a fresh salt.
 * @returns `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`, both in base64 without padding
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await queue.run(() => derive(password, salt, HASH_BYTES, COST));
  return `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${base64(salt)}$${base64(hash)}`;
}

/** A hash that no password matches: comparing it for an unknown user costs the same work as a wrong password. */
const DUMMY_HASH = `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${base64(randomBytes(SALT_BYTES))}$${base64(randomBytes(HASH_BYTES))}`;

/**
 * Verifies a password once its origin's turn has come.
 * @param read loads those whose password it may be; called only when the turn has come, so that a refused attempt costs no statement
 * @param origin the source of the attempt, as in Queue.run
 * @returns the one whose password it is; `undefined` if it is nobody's, or that of several
 * @throws QueueFullError
 */
export async function verifyInTurn<Owner extends { readonly passwordHash: string | null }>(
  password: string,
  read: () => Promise<readonly Owner[]>,
  origin: string | undefined,
): Promise<Owner | undefined> {
  return queue.run(async () => {
    const matching: Owner[] = [];
    const owners = await read();
    for (const owner of owners) {
      const matches = await verifyPassword(password, owner.passwordHash ?? DUMMY_HASH);
      if (owner.passwordHash && matches) matching.push(owner);
    }
    if (owners.length === 0) await verifyPassword(password, DUMMY_HASH);
    return matching.length === 1 ? matching[0] : undefined;
  }, origin);
}

/**
 * Compares a password with a hash of hashPassword, in constant time.
 * @throws Error if `encoded` is not a hash of this form
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

/** Runs scrypt off the main thread. The password is normalized (NFKC), since keyboards compose the same character differently. */
function derive(password: string, salt: Buffer, length: number, { ln, r, p }: ScryptCost): Promise<Buffer> {
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
