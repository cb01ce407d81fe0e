import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Prisma, type PrismaClient } from '../../prisma/client/client.ts';
import { appendAudit, mutationActions } from './audit.ts';
import { actorOf, type Caller } from './caller.ts';
import { deleteExpired } from './delete-expired.ts';
import { ConflictError, type DomainError, type ErrorCode, NotFoundError } from './errors.ts';
import type { Gateway } from './gateway.ts';
import { invalidParameter, type Keyed } from './input.ts';
import { logPrivateCause } from './private-causes.ts';
import type { Secrets } from './secrets.ts';
import type { Transaction } from './transaction.ts';

/** How long a key's first result is kept, in ms. */
export const KEY_LIFETIME_MS = 24 * 60 * 60 * 1000;
/** After this time a claim without a result may be taken over, in ms: longer than any transaction may last. */
const CLAIM_LIFETIME_MS = 60_000;
/** How long a repeated request waits for the first one's result, in ms. */
const WAIT_MS = 10_000;
const MAX_KEY_LENGTH = 255;

/**
 * Appends the mutation to the audit log and stores its row as the key's result, in the transaction that makes the change.
 * @param outcome `changed: false` if the row was already in the requested state: then nothing is recorded
 */
export type Remember = (tx: Transaction, row: { readonly sid: string }, outcome?: { readonly changed: boolean }) => Promise<void>;

/**
 * Runs a mutation once per idempotency key and account. Within 24 h, the same key and input return the first result again: a row, a conflict or a
 * not-found error. Invalid input, a platform's failure and a fault are not stored, so the request can be repeated. Credentials that are restricted to
 * an enterprise have keys of their own.
 * Logs the private cause of an expected error.
 * @param run must call `remember` with the row that it returns, in its last transaction: a crash before the commit then leaves no result
 * @throws InvalidInputError INVALID_PARAMETER for a malformed key; ConflictError IDEMPOTENCY_KEY_REUSED for another operation or input,
 *   IDEMPOTENCY_KEY_IN_PROGRESS while the first request still runs; the errors of `run`
 */
export async function idempotently<Row extends { readonly sid: string }>(
  gateway: Gateway,
  caller: Caller,
  operation: keyof typeof mutationActions,
  input: Keyed,
  run: (remember: Remember) => Promise<Row>,
): Promise<Row> {
  try {
    return await runOnce(gateway, caller, operation, input, run);
  } catch (error) {
    logPrivateCause(gateway.log, caller, error);
    throw error;
  }
}

async function runOnce<Row extends { readonly sid: string }>(
  gateway: Gateway,
  caller: Caller,
  operation: keyof typeof mutationActions,
  input: Keyed,
  run: (remember: Remember) => Promise<Row>,
): Promise<Row> {
  const key = input.idempotencyKey?.trim();
  const record: Remember = async (tx, { sid: targetSid }, { changed } = { changed: true }) => {
    if (changed) await appendAudit(tx, caller, [{ action: mutationActions[operation], targetSid }]);
  };
  if (!key) return run(record);
  if (key.length > MAX_KEY_LENGTH || /[^\x20-\x7e]/.test(key)) {
    throw invalidParameter(['idempotencyKey'], `must be at most ${MAX_KEY_LENGTH} printable ASCII characters`, key);
  }
  const { prisma, secrets } = gateway;
  const id = { organizationSid: caller.organizationSid, accountSid: actorOf(caller), key: scopedKey(caller, key) };
  const inputDigests = digestsOf(secrets, canonical({ operation, input }));
  const claim = await takeClaim(prisma, id, operation, inputDigests);
  if ('result' in claim) return deserialize(claim.result) as Row;

  const ownClaim = { ...id, claim: claim.token };
  const remember: Remember = async (tx, row, outcome) => {
    await record(tx, row, outcome);
    const { count } = await tx.idempotencyKey.updateMany({ where: ownClaim, data: { answer: { row: serialize(row) } } });
    if (count === 0) throw inProgress(key);
  };
  try {
    return await run(remember);
  } catch (error) {
    if (error instanceof ConflictError || error instanceof NotFoundError) {
      await prisma.idempotencyKey.updateMany({ where: ownClaim, data: { answer: { error: serializeError(error) } } });
    } else {
      // A claim that has a result stays: the transaction committed, and only its acknowledgement was lost.
      await prisma.idempotencyKey.deleteMany({ where: { ...ownClaim, answer: { equals: Prisma.DbNull } } });
    }
    throw error;
  }
}

/**
 * Deletes the keys that are past their lifetime.
 * @returns how many were deleted
 */
export function purgeIdempotencyKeys(prisma: PrismaClient, signal?: AbortSignal): Promise<number> {
  return deleteExpired(prisma, { table: 'idempotency_key', column: 'date_created' }, new Date(Date.now() - KEY_LIFETIME_MS), signal);
}

/**
 * Makes the stored key. An access token that is restricted to an enterprise must neither see the account's other results nor use up its keys. No
 * caller's key contains a line break.
 */
const scopedKey = ({ enterpriseSid }: Caller, key: string) => (enterpriseSid ? `${enterpriseSid}\n${key}` : key);
const keyAsGiven = (stored: string) => stored.slice(stored.indexOf('\n') + 1);

interface KeyId {
  readonly organizationSid: string;
  readonly accountSid: string;
  readonly key: string;
}

/**
 * Claims a key for this request, or waits for the result of the request that holds it.
 * @param inputDigests the digests by which the input may be recognized; the first is stored
 * @returns the claim's token, or the stored result
 * @throws ConflictError IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_KEY_IN_PROGRESS
 */
async function takeClaim(
  prisma: PrismaClient,
  id: KeyId,
  operation: string,
  inputDigests: readonly [Buffer, ...Buffer[]],
): Promise<{ token: string } | { result: unknown }> {
  const token = randomUUID();
  const [inputDigest] = inputDigests;
  const isSame = (digest: Uint8Array) => inputDigests.some((candidate) => candidate.equals(digest));
  const deadline = Date.now() + WAIT_MS;
  for (let pause = 10; ; pause = Math.min(pause * 2, 250)) {
    const fresh = { operation, inputDigest: new Uint8Array(inputDigest), claim: token, dateCreated: new Date() };
    const { count } = await prisma.idempotencyKey.createMany({ data: [{ ...id, ...fresh }], skipDuplicates: true });
    if (count === 1) return { token };

    const held = await prisma.idempotencyKey.findUnique({ where: { organizationSid_accountSid_key: id } });
    if (!held) continue;
    const age = Date.now() - held.dateCreated.getTime();
    if (age > KEY_LIFETIME_MS || (held.answer === null && age > CLAIM_LIFETIME_MS && isSame(held.inputDigest))) {
      const { count: taken } = await prisma.idempotencyKey.updateMany({
        where: { ...id, claim: held.claim },
        data: { ...fresh, answer: Prisma.DbNull },
      });
      if (taken === 1) return { token };
      continue;
    }
    if (!isSame(held.inputDigest)) {
      throw new ConflictError('IDEMPOTENCY_KEY_REUSED', 'Idempotency key was used with another operation or input', {
        value: keyAsGiven(id.key),
        path: ['idempotencyKey'],
      });
    }
    if (held.answer !== null) return { result: held.answer };
    if (Date.now() > deadline) throw inProgress(keyAsGiven(id.key));
    await delay(pause);
  }
}

const inProgress = (key: string) =>
  new ConflictError('IDEMPOTENCY_KEY_IN_PROGRESS', 'The first request with this idempotency key is still in progress', {
    value: key,
    path: ['idempotencyKey'],
  });

/**
 * Computes the digests by which an input may be recognized, the current key's first: a key's id and the input's fingerprint under it. A claim from
 * before a rotation has a retired key's digest; one from before digests had key ids has only the fingerprint.
 */
function digestsOf(secrets: Secrets, text: string): [Buffer, ...Buffer[]] {
  const fingerprints = secrets.fingerprints(text);
  const withKeyId = fingerprints.map(({ keyId, fingerprint }) => Buffer.concat([Buffer.from(keyId, 'hex'), fingerprint]));
  return [...withKeyId, ...fingerprints.map(({ fingerprint }) => Buffer.from(fingerprint))] as [Buffer, ...Buffer[]];
}

/** Writes JSON with sorted keys and without absent values, so that equal inputs have equal text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(
          Object.entries(part)
            .filter(([, entry]) => entry !== null && entry !== undefined)
            .sort(([a], [b]) => (a < b ? -1 : 1)),
        )
      : part,
  );
}

/** Converts a row to JSON. Times, bytes and large integers are tagged, since JSON has none of them. */
function serialize(row: object): Prisma.InputJsonObject {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (value instanceof Date) return [name, { $time: value.toISOString() }];
      if (value instanceof Uint8Array) return [name, { $bytes: Buffer.from(value).toString('base64') }];
      if (typeof value === 'bigint') return [name, { $bigint: String(value) }];
      return [name, value];
    }),
  );
}

type Tagged = { $time?: string; $bytes?: string; $bigint?: string } | null;
interface StoredResult {
  readonly row?: Record<string, Tagged>;
  readonly error?: { kind: string; code: ErrorCode; message: string; value?: string; path?: string[] };
}

/**
 * Reads back a stored result.
 * @returns the first request's row, if it succeeded
 * @throws the first request's error, if it failed
 */
function deserialize(result: unknown): object {
  const { row, error } = result as StoredResult;
  if (error) {
    const { kind, code, message, ...options } = error;
    const Kind = kind === 'NotFoundError' ? NotFoundError : ConflictError;
    throw new Kind(code, message, options);
  }
  return Object.fromEntries(
    Object.entries(row ?? {}).map(([name, value]) => {
      if (value?.$time !== undefined) return [name, new Date(value.$time)];
      if (value?.$bytes !== undefined) return [name, new Uint8Array(Buffer.from(value.$bytes, 'base64'))];
      if (value?.$bigint !== undefined) return [name, BigInt(value.$bigint)];
      return [name, value];
    }),
  );
}

function serializeError(error: DomainError): Prisma.InputJsonObject {
  return { kind: error.name, code: error.code, message: error.message, value: error.value, path: error.parameter && [...error.parameter] };
}
