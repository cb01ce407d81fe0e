import type { PrismaClient } from '../../../prisma/client/client.ts';
import { PlatformError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { KEY_LIFETIME_MS } from '../idempotency.ts';
import { settleNumber } from '../mappings/mapped-numbers.ts';
import { smsWebhook } from '../mappings/webhooks.ts';
import { SealError, type Secrets } from '../secrets.ts';
import { PLATFORM_KEY_ID } from './platform-accounts.ts';

// Migrates stored values from retired keys to the current one while the gateway keeps running. A value is replaced only if it has not changed since it
// was read, and each replacement is final, so an interrupted run can simply be repeated.

type RotationDeps = Pick<Gateway, 'prisma' | 'secrets' | 'publicUrl' | 'log'> & {
  /** The platform whose webhook addresses are replaced; absent for the embedded stand-in, which keeps none. */
  readonly restcomm?: Gateway['restcomm'];
};

/** The outcome for one kind of value in one table. */
export interface RotatedTable {
  readonly table: string;
  /** The kind of value, for the operator. */
  readonly what: string;
  /** How many values this run migrated to the current key. */
  readonly done: number;
  /** How many values still need a retired key. */
  readonly left: number;
  /** When the last of the remaining values expires by itself. */
  readonly leftUntil?: Date;
  /** How the operator can migrate the remaining values, or why there are none. */
  readonly hint?: string;
  /** The sids of values that could not be migrated: none of the given keys opens them, or the platform refused. */
  readonly failed: readonly string[];
}

/** How many rows a statement reads. */
const BATCH = 50;
/** How many passes over the table are made, for values that changed meanwhile. */
const ROUNDS = 3;
/** How many numbers are updated on the platform concurrently. */
const CONCURRENT_NUMBERS = 4;

/**
 * Migrates stored values to the current key. A value that cannot be migrated is listed in `failed` and does not end the run.
 * @returns one outcome per kind of value
 */
export async function rotateSecrets(deps: RotationDeps): Promise<RotatedTable[]> {
  return [
    await resealBots(deps),
    await resealEndpoints(deps, 'secret'),
    await resealEndpoints(deps, 'formerSecret'),
    await resealCredentials(deps),
    await resealResults(deps),
    await resetWebhooks(deps),
    ...(await countExpiring(deps)),
  ];
}

interface SealedValue {
  /** The sid that is the value's associated data. */
  readonly sid: string;
  readonly value: Uint8Array;
  /** The value's position in the order of reading. */
  readonly position: string;
}

/**
 * Reseals values batch by batch, round by round, until a round leaves none under a retired key.
 * @param read reads the next batch after a position, `''` for the first
 * @param exchange replaces a value if it is still the one that was read, and returns whether it was
 */
async function reseal(
  secrets: Secrets,
  read: (after: string) => Promise<readonly SealedValue[]>,
  exchange: (read: SealedValue, resealed: Uint8Array<ArrayBuffer>) => Promise<boolean>,
) {
  const failed = new Set<string>();
  let done = 0;
  let left = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    left = 0;
    let after = '';
    for (;;) {
      const batch = await read(after);
      for (const row of batch) {
        try {
          const resealed = secrets.reseal(row.value, row.sid);
          if (!resealed) continue;
          if (await exchange(row, resealed)) done += 1;
          else left += 1;
        } catch (error) {
          if (!(error instanceof SealError)) throw error;
          failed.add(row.sid);
        }
      }
      const last = batch.at(-1);
      if (!last) break;
      after = last.position;
    }
    if (left === 0) break;
  }
  return { done, left: left + failed.size, failed: [...failed] };
}

async function resealBots({ prisma, secrets }: RotationDeps): Promise<RotatedTable> {
  const outcome = await reseal(
    secrets,
    async (after) => {
      const bots = await prisma.bot.findMany({
        where: { sid: { gt: after } },
        orderBy: { sid: 'asc' },
        take: BATCH,
        select: { sid: true, clientSecret: true },
      });
      return bots.map(({ sid, clientSecret }) => ({ sid, value: clientSecret, position: sid }));
    },
    async ({ sid, value }, clientSecret) => {
      const { count } = await prisma.bot.updateMany({ where: { sid, clientSecret: new Uint8Array(value) }, data: { clientSecret } });
      return count === 1;
    },
  );
  return { table: 'bot', what: 'client secrets', ...outcome };
}

/** Reseals the secrets of webhook endpoints: the current ones, or the former ones. */
async function resealEndpoints({ prisma, secrets }: RotationDeps, column: 'secret' | 'formerSecret'): Promise<RotatedTable> {
  const outcome = await reseal(
    secrets,
    async (after) => {
      const endpoints = await prisma.webhookEndpoint.findMany({
        where: { sid: { gt: after }, ...(column === 'formerSecret' && { formerSecret: { not: null } }) },
        orderBy: { sid: 'asc' },
        take: BATCH,
        select: { sid: true, secret: true, formerSecret: true },
      });
      return endpoints.flatMap(({ sid, ...sealed }) => (sealed[column] ? [{ sid, value: sealed[column], position: sid }] : []));
    },
    async ({ sid, value }, resealed) => {
      const { count } = await prisma.webhookEndpoint.updateMany({
        where: { sid, [column]: new Uint8Array(value) },
        data: { [column]: resealed },
      });
      return count === 1;
    },
  );
  return { table: 'webhook_endpoint', what: column === 'secret' ? 'secrets' : 'former secrets', ...outcome };
}

async function resealCredentials({ prisma, secrets }: RotationDeps): Promise<RotatedTable> {
  const outcome = await reseal(
    secrets,
    async (after) => {
      const credentials = await prisma.botCredential.findMany({
        where: { sid: { gt: after } },
        orderBy: { sid: 'asc' },
        take: BATCH,
        select: { sid: true, sealed: true },
      });
      return credentials.map(({ sid, sealed }) => ({ sid, value: sealed, position: sid }));
    },
    async ({ sid, value }, sealed) => {
      const { count } = await prisma.botCredential.updateMany({ where: { sid, sealed: new Uint8Array(value) }, data: { sealed } });
      return count === 1;
    },
  );
  return { table: 'bot_credential', what: "bots' further secrets and private keys", ...outcome };
}

/** Reseals the stored results of idempotency keys: those of bots contain the sealed client secret, those of credentials their secret or key. */
async function resealResults({ prisma, secrets }: RotationDeps): Promise<RotatedTable> {
  const outcome = await reseal(
    secrets,
    async (after) => {
      const answers = await prisma.$queryRaw<{ position: string; sid: string; sealed: string }[]>`
        SELECT account_sid || ' ' || key AS position, answer->'row'->>'sid' AS sid,
          coalesce(answer->'row'->'clientSecret', answer->'row'->'sealed')->>'$bytes' AS sealed
        FROM idempotency_key
        WHERE coalesce(answer->'row'->'clientSecret', answer->'row'->'sealed') ? '$bytes' AND account_sid || ' ' || key > ${after}
        ORDER BY 1 LIMIT ${BATCH}`;
      return answers.map(({ position, sid, sealed }) => ({ position, sid, value: Buffer.from(sealed, 'base64') }));
    },
    async ({ position, value }, resealed) => {
      const [before, now] = [value, resealed].map((bytes) => Buffer.from(bytes).toString('base64'));
      const count = await prisma.$executeRaw`
        UPDATE idempotency_key
        SET answer = jsonb_set(answer, ARRAY['row', CASE WHEN answer->'row' ? 'clientSecret' THEN 'clientSecret' ELSE 'sealed' END, '$bytes'],
          to_jsonb(${now}::text))
        WHERE account_sid || ' ' || key = ${position}
          AND coalesce(answer->'row'->'clientSecret', answer->'row'->'sealed')->>'$bytes' = ${before}`;
      return count > 0;
    },
  );
  return { table: 'idempotency_key', what: 'client secrets in first results', ...outcome };
}

/** Sets every number's webhook address on the platform, signed with the current key. The old address stays valid as long as the gateway has its key. */
async function resetWebhooks({ prisma, secrets, publicUrl, restcomm, log }: RotationDeps): Promise<RotatedTable> {
  const table = { table: 'mapping', what: 'webhook addresses on the platform' };
  if (!restcomm) return { ...table, done: 0, left: 0, failed: [], hint: 'the embedded stand-in stores none' };
  const failed: string[] = [];
  let done = 0;
  let after = '';
  const reset = async ({ sid, externalAddress }: { sid: string; externalAddress: string }) => {
    try {
      await restcomm.enableSms(externalAddress, smsWebhook({ secrets, publicUrl }, sid));
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      failed.push(sid);
      return;
    }
    const { count } = await prisma.mapping.updateMany({ where: { sid, externalAddress }, data: { webhookKeyId: secrets.keyId } });
    if (count === 1) done += 1;
    // Meanwhile, the mapping was deleted or got another number.
    else await settleNumber({ prisma, secrets, publicUrl, restcomm, log }, externalAddress);
  };
  for (;;) {
    const batch = await prisma.mapping.findMany({
      where: { sid: { gt: after }, OR: [{ webhookKeyId: null }, { webhookKeyId: { not: secrets.keyId } }] },
      orderBy: { sid: 'asc' },
      take: BATCH,
      select: { sid: true, externalAddress: true },
    });
    for (let first = 0; first < batch.length; first += CONCURRENT_NUMBERS)
      await Promise.all(batch.slice(first, first + CONCURRENT_NUMBERS).map(reset));
    const last = batch.at(-1);
    if (!last) break;
    after = last.sid;
  }
  const left = await prisma.mapping.count({ where: { OR: [{ webhookKeyId: null }, { webhookKeyId: { not: secrets.keyId } }] } });
  return { ...table, done, left, failed };
}

/** Counts the values that only their owner can migrate, or that expire within a day. They work as long as the gateway has their key. */
async function countExpiring({ prisma, secrets }: RotationDeps): Promise<RotatedTable[]> {
  const accounts = await prisma.account.count({
    where: { status: { not: 'CLOSED' }, tokenKeyId: { notIn: [secrets.keyId, PLATFORM_KEY_ID] } },
  });
  const tokens = await prisma.accessToken.aggregate({
    where: {
      ...{ dateRevoked: null, dateExpires: { gt: new Date() } },
      OR: [{ signingKeyId: null }, { signingKeyId: { not: secrets.keyId } }],
    },
    _count: true,
    _max: { dateExpires: true },
  });
  const keys = await idempotencyKeysUnder(prisma, secrets);
  return [
    {
      ...{ table: 'account', what: 'digests of auth tokens', done: 0, left: accounts, failed: [] },
      hint: 'replaced when the account next logs in, or by `npm run account -- rotate SID`',
    },
    {
      ...{ table: 'access_token', what: 'signatures of access tokens', done: 0, left: tokens._count, failed: [] },
      leftUntil: tokens._max.dateExpires ?? undefined,
    },
    { ...{ table: 'idempotency_key', what: 'digests of first requests', done: 0, left: keys.count, failed: [] }, leftUntil: keys.until },
  ];
}

async function idempotencyKeysUnder(prisma: PrismaClient, { keyId }: Secrets): Promise<{ count: number; until?: Date }> {
  const since = new Date(Date.now() - KEY_LIFETIME_MS);
  const [row] = await prisma.$queryRaw<{ count: number; youngest: Date | null }[]>`
    SELECT count(*)::int AS count, max(date_created) AS youngest FROM idempotency_key
    WHERE date_created > ${since} AND NOT (length(input_digest) = 36 AND substring(input_digest FOR 4) = decode(${keyId}, 'hex'))`;
  return { count: row?.count ?? 0, until: row?.youngest ? new Date(row.youngest.getTime() + KEY_LIFETIME_MS) : undefined };
}
