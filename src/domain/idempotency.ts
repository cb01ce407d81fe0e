import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Prisma, type PrismaClient } from '../../prisma/client/client.ts';
import { appendAudit, mutationActions } from './audit.ts';
import { actorOf, type Caller } from './caller.ts';
import { ConflictError, type DomainError, type ErrorCode, NotFoundError } from './errors.ts';
import type { Gateway } from './gateway.ts';
import { invalidParameter } from './input.ts';
import type { Secrets } from './secrets.ts';
import type { Transaction } from './transaction.ts';

/** How long a key's first answer is kept. */
export const KEY_LIFETIME_MS = 24 * 60 * 60 * 1000;
/** A claim without an answer is taken over after this: longer than any transaction may take. */
const CLAIM_LIFETIME_MS = 60_000;
const WAIT_MS = 10_000;
const MAX_KEY_LENGTH = 255;

/** Records a mutation, and keeps its row as the key's answer, in the transaction that makes it true. `changed: false` records nothing: it was so before. */
export type Remember = (tx: Transaction, row: { readonly sid: string }, outcome?: { readonly changed: boolean }) => Promise<void>;

/**
 * Runs a mutation once per idempotency key and account, where credentials that are narrowed to an enterprise have keys of their own: within 24 h the same key and input gives the first answer again, result
 * or conflict. Invalid input, a platform's failure and a fault keep nothing, so that the request can be repeated.
 * `run` must call `remember` with the row it returns, in its last transaction: it records who did it, and a crash before the commit leaves no answer.
 * @throws ConflictError IDEMPOTENCY_KEY_REUSED for another operation or input, IDEMPOTENCY_KEY_IN_PROGRESS when the first request still runs.
 */
export async function idempotently<Row extends { readonly sid: string }>(
  gateway: Gateway,
  caller: Caller,
  operation: keyof typeof mutationActions,
  input: { idempotencyKey?: string | null },
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
  const id = { organizationSid: caller.organizationSid, accountSid: actorOf(caller), key: withinReach(caller, key) };
  const inputDigests = digestsOf(secrets, canonical({ operation, input }));
  const claim = await takeClaim(prisma, id, operation, inputDigests);
  if ('answer' in claim) return revive(claim.answer) as Row;

  const mine = { ...id, claim: claim.token };
  const remember: Remember = async (tx, row, outcome) => {
    await record(tx, row, outcome);
    const { count } = await tx.idempotencyKey.updateMany({ where: mine, data: { answer: { row: preserve(row) } } });
    if (count === 0) throw inProgress(key);
  };
  try {
    return await run(remember);
  } catch (error) {
    if (error instanceof ConflictError || error instanceof NotFoundError) {
      await prisma.idempotencyKey.updateMany({ where: mine, data: { answer: { error: preserveError(error) } } });
    } else {
      // One that has its answer stays: the commit came about, and only its acknowledgement was lost.
      await prisma.idempotencyKey.deleteMany({ where: { ...mine, answer: { equals: Prisma.DbNull } } });
    }
    throw error;
  }
}

/** Deletes the keys that are past their lifetime. */
export async function purgeIdempotencyKeys(prisma: PrismaClient): Promise<number> {
  const { count } = await prisma.idempotencyKey.deleteMany({ where: { dateCreated: { lt: new Date(Date.now() - KEY_LIFETIME_MS) } } });
  return count;
}

/**
 * The key as it is kept. An access token that is narrowed to an enterprise must neither be given the account's other answers nor take its keys;
 * no key holds a line break.
 */
const withinReach = ({ enterpriseSid }: Caller, key: string) => (enterpriseSid ? `${enterpriseSid}\n${key}` : key);
const asGiven = (kept: string) => kept.slice(kept.indexOf('\n') + 1);

type KeyId = { organizationSid: string; accountSid: string; key: string };

async function takeClaim(
  prisma: PrismaClient,
  id: KeyId,
  operation: string,
  inputDigests: readonly [Buffer, ...Buffer[]],
): Promise<{ token: string } | { answer: unknown }> {
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
        value: asGiven(id.key),
        path: ['idempotencyKey'],
      });
    }
    if (held.answer !== null) return { answer: held.answer };
    if (Date.now() > deadline) throw inProgress(asGiven(id.key));
    await delay(pause);
  }
}

const inProgress = (key: string) =>
  new ConflictError('IDEMPOTENCY_KEY_IN_PROGRESS', 'The first request with this idempotency key is still in progress', {
    value: key,
    path: ['idempotencyKey'],
  });

/**
 * What an input may be recognised by: its fingerprint behind the id of its key, the current key's first. A key that was taken before a rotation has
 * a retired one's, and one from before keys were named has the fingerprint alone.
 */
function digestsOf(secrets: Secrets, text: string): [Buffer, ...Buffer[]] {
  const fingerprints = secrets.fingerprints(text);
  const named = fingerprints.map(({ keyId, fingerprint }) => Buffer.concat([Buffer.from(keyId, 'hex'), fingerprint]));
  return [...named, ...fingerprints.map(({ fingerprint }) => Buffer.from(fingerprint))] as [Buffer, ...Buffer[]];
}

/** JSON with sorted keys and without absent values, so that equal inputs have equal text. */
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

/** A row as JSON: times and bytes are tagged, for JSON has neither. */
function preserve(row: object): Prisma.InputJsonObject {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (value instanceof Date) return [name, { $time: value.toISOString() }];
      if (value instanceof Uint8Array) return [name, { $bytes: Buffer.from(value).toString('base64') }];
      return [name, value];
    }),
  );
}

type Tagged = { $time?: string; $bytes?: string } | null;
type Answer = { row?: Record<string, Tagged>; error?: { kind: string; code: ErrorCode; message: string; value?: string; path?: string[] } };

function revive(answer: unknown): object {
  const { row, error } = answer as Answer;
  if (error) {
    const { kind, code, message, ...options } = error;
    const Kind = kind === 'NotFoundError' ? NotFoundError : ConflictError;
    throw new Kind(code, message, options);
  }
  return Object.fromEntries(
    Object.entries(row ?? {}).map(([name, value]) => {
      if (value?.$time !== undefined) return [name, new Date(value.$time)];
      if (value?.$bytes !== undefined) return [name, new Uint8Array(Buffer.from(value.$bytes, 'base64'))];
      return [name, value];
    }),
  );
}

function preserveError(error: DomainError): Prisma.InputJsonObject {
  return { kind: error.name, code: error.code, message: error.message, value: error.value, path: error.parameter && [...error.parameter] };
}
